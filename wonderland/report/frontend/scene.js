// A scene is a list of shapes. The same list becomes SVG on the page, an SVG file, or a canvas for a PNG file:
// the page's policy forbids images, so an SVG could not be turned into a PNG any other way.

class Scene {
  constructor(width, height) {
    Object.assign(this, { width, height, items: [] });
  }
  rect(x, y, width, height, fill, more = {}) {
    this.items.push({ kind: 'rect', x, y, width, height, fill, ...more });
  }
  path(d, stroke, more = {}) {
    if (d) this.items.push({ kind: 'path', d, stroke, ...more });
  }
  line(x1, y1, x2, y2, stroke, more = {}) {
    this.path(`M${x1},${y1}L${x2},${y2}`, stroke, more);
  }
  text(x, y, text, more = {}) {
    this.items.push({ kind: 'text', x, y, text: visible(text), size: 12, anchor: 'start', fill: palette().ink, ...more });
  }
  // A marker whose shape, not only its colour, tells the category: circle, square, triangle, diamond, star, cross.
  mark(x, y, category, size, fill, more = {}) {
    const shapes = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond, d3.symbolStar, d3.symbolCross, d3.symbolWye];
    this.path(d3.symbol(shapes[category % shapes.length], size)(), more.stroke ?? null, { ...more, fill, at: [x, y] });
  }
}

const FONT = 'system-ui, -apple-system, "Segoe UI", sans-serif';
const SVG = 'http://www.w3.org/2000/svg';

function sceneToSvg(scene, owner = document) {
  const make = (tag, attributes, text) => {
    const node = owner.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const svg = make('svg', { xmlns: owner === document ? null : SVG, width: scene.width, height: scene.height, viewBox: `0 0 ${scene.width} ${scene.height}`, 'font-family': FONT, 'aria-hidden': 'true' });
  for (const item of scene.items) {
    const at = item.at || item.rotate ? `translate(${item.at ?? [item.x, item.y]})${item.rotate ? ` rotate(${item.rotate})` : ''}` : null;
    const paint = { fill: item.fill ?? 'none', stroke: item.stroke, 'stroke-width': item.stroke ? item.lineWidth ?? 1 : null, opacity: item.opacity, transform: at };
    if (item.kind === 'rect') svg.append(make('rect', { ...paint, x: item.x, y: item.y, width: item.width, height: item.height, rx: item.rx }));
    else if (item.kind === 'path') svg.append(make('path', { ...paint, d: item.d, 'stroke-dasharray': item.dash, 'stroke-linejoin': 'round' }));
    else svg.append(make('text', { ...paint, x: item.rotate ? 0 : item.x, y: item.rotate ? 0 : item.y, 'font-size': item.size, 'font-weight': item.weight, 'text-anchor': item.anchor }, item.text));
  }
  return svg;
}

function sceneToCanvas(scene, density = 2) {
  const canvas = document.createElement('canvas');
  canvas.width = scene.width * density;
  canvas.height = scene.height * density;
  const pen = canvas.getContext('2d');
  pen.scale(density, density);
  for (const item of scene.items) {
    pen.save();
    pen.globalAlpha = item.opacity ?? 1;
    if (item.at || item.rotate) pen.translate(...(item.at ?? [item.x, item.y]));
    if (item.rotate) pen.rotate((item.rotate * Math.PI) / 180);
    if (item.kind === 'text') {
      pen.font = `${item.weight ?? 400} ${item.size}px ${FONT}`;
      pen.textAlign = { start: 'left', middle: 'center', end: 'right' }[item.anchor];
      pen.fillStyle = item.fill;
      pen.fillText(item.text, item.rotate ? 0 : item.x, item.rotate ? 0 : item.y);
    } else {
      const path = item.kind === 'path' ? new Path2D(item.d) : new Path2D();
      if (item.kind === 'rect') path.roundRect(item.x, item.y, item.width, item.height, item.rx ?? 0);
      if (item.fill) {
        pen.fillStyle = item.fill;
        pen.fill(path);
      }
      if (item.stroke) {
        pen.strokeStyle = item.stroke;
        pen.lineWidth = item.lineWidth ?? 1;
        pen.lineJoin = 'round';
        pen.setLineDash(String(item.dash ?? '').split(/[ ,]+/).filter(Boolean).map(Number));
        pen.stroke(path);
      }
    }
    pen.restore();
  }
  return canvas;
}

const ruler = document.createElement('canvas').getContext('2d');
function textWidth(text, size = 12, weight = 400) {
  ruler.font = `${weight} ${size}px ${FONT}`;
  return ruler.measureText(visible(text)).width;
}

// Cut to fit a width, with an ellipsis.
function fitText(text, width, size = 12) {
  text = visible(text);
  if (textWidth(text, size) <= width) return text;
  while (text.length > 1 && textWidth(text + '…', size) > width) text = text.slice(0, -1);
  return text + '…';
}
