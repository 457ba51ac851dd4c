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
    this.items.push({ kind: 'text', x, y, text: visible(text, 4000), size: 12, anchor: 'start', fill: palette().ink, ...more });
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
  const set = (node, attributes) => {
    for (const [name, value] of Object.entries(attributes)) if (given(value)) node.setAttribute(name, value);
    return node;
  };
  const make = (tag, attributes) => set(owner.createElementNS(SVG, tag), attributes),
    svg = make('svg', { xmlns: owner === document ? null : SVG, width: scene.width, height: scene.height, viewBox: `0 0 ${scene.width} ${scene.height}`, 'font-family': FONT, 'aria-hidden': 'true' });
  for (const item of scene.items) {
    const at = item.at || item.rotate ? `translate(${item.at ?? [item.x, item.y]})${item.rotate ? ` rotate(${item.rotate})` : ''}` : null,
      paint = { fill: item.fill ?? 'none', stroke: item.stroke, 'stroke-width': item.stroke ? item.lineWidth ?? 1 : null, opacity: item.opacity, transform: at };
    if (item.kind === 'rect') svg.append(make('rect', { ...paint, x: item.x, y: item.y, width: item.width, height: item.height, rx: item.rx }));
    else if (item.kind === 'inner') { // another scene, or a canvas
      const { inner, kind, ...place } = item;
      svg.append(set(inner instanceof Scene ? sceneToSvg(inner, owner) : make('image', { href: inner.toDataURL() }), place));
    }
    else if (item.kind === 'path') svg.append(make('path', { ...paint, d: item.d, 'stroke-dasharray': item.dash, 'stroke-linejoin': 'round' }));
    else {
      const [x, y] = item.rotate ? [0, 0] : [item.x, item.y];
      svg.append(make('text', { ...paint, x, y, 'font-size': item.size, 'font-weight': item.weight, 'text-anchor': item.anchor }));
      svg.lastChild.textContent = item.text;
    }
  }
  return Object.assign(svg, { scene });
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
    if (item.kind === 'inner') pen.drawImage(item.inner instanceof Scene ? sceneToCanvas(item.inner) : item.inner, item.x, item.y, item.width, item.height);
    else if (item.kind === 'text') {
      Object.assign(pen, { font: `${item.weight ?? 400} ${item.size}px ${FONT}`, textAlign: item.anchor.replace('middle', 'center'), fillStyle: item.fill });
      pen.fillText(item.text, item.rotate ? 0 : item.x, item.rotate ? 0 : item.y);
    } else {
      const path = item.kind === 'path' ? new Path2D(item.d) : new Path2D();
      if (item.kind === 'rect') path.roundRect(item.x, item.y, item.width, item.height, item.rx ?? 0);
      Object.assign(pen, { fillStyle: item.fill, strokeStyle: item.stroke, lineWidth: item.lineWidth ?? 1, lineJoin: 'round' });
      pen.setLineDash(item.dash?.split(' ').map(Number) ?? []);
      if (item.fill) pen.fill(path);
      if (item.stroke) pen.stroke(path);
    }
    pen.restore();
  }
  return canvas;
}

const FOLD = 1500; // the widest part of a picture, in CSS pixels

// A picture of anything on the page as it is seen: boxes, words, canvases, and the scenes of the charts in it.
function pictureOf(host) {
  host.classList.add('unrolled');
  host.querySelectorAll('.sideways, .scroll').forEach((box) => box.scrollTo(0, 0));
  const origin = host.getBoundingClientRect(), scene = new Scene(0, 0);
  let right = 0, down = 0; // by how much what is drawn now is moved
  const place = ({ left, top, width, height }) => {
    const [x, y] = [left - origin.left + right, top - origin.top + down];
    scene.width = max(scene.width, x + width);
    scene.height = max(scene.height, y + height);
    return { x, y, width, height };
  };
  const write = (node, css, range = document.createRange()) => {
    const host = node.parentElement, size = parseFloat(css.fontSize), style = { size, fill: css.color, weight: css.fontWeight }, turned = css.writingMode !== 'horizontal-tb';
    if (css.textOverflow === 'ellipsis' && host.scrollWidth > host.clientWidth) { // cut on the page, so cut here
      const { x, y, height } = place(host.getBoundingClientRect());
      return scene.text(x, y + height / 2 + size * 0.35, fitText(node.data, host.clientWidth, size), style);
    }
    for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const { x, y, height } = place(range.getBoundingClientRect());
      scene.text(turned ? x + size : x, turned ? y + height : y + height / 2 + size * 0.35, word, { ...style, rotate: turned ? -90 : null });
    }
  };
  // A grid wider than a page goes on below, each part with the names of its rows.
  function fold(grid) {
    const rows = [...grid.children], places = [...(rows.find((row) => row.querySelector('button'))?.children ?? [])].map((cell) => cell.getBoundingClientRect()),
      tall = grid.getBoundingClientRect().height + 16;
    for (let from = 1, to; from < places.length; from = to) {
      for (to = from + 1; to < places.length && places[to].right - places[from].left < FOLD - places[0].width; to++);
      for (const row of rows) {
        [...row.children].forEach((cell, c) => {
          if (c && (c < from || c >= to)) return;
          right = c ? places[1].left - places[from].left : 0;
          visit(cell);
        });
      }
      right = 0;
      if (to < places.length) down += tall;
    }
  }
  function visit(node) {
    const css = getComputedStyle(node), inner = node.scene ?? (node.tagName === 'CANVAS' && node);
    if (css.display === 'none') return;
    if (node.classList.contains('cells') && node.getBoundingClientRect().width > FOLD) return void fold(node); // what follows is moved down with it
    const framed = css.borderLeftWidth !== '0px' || (css.boxShadow !== 'none' && node.tagName === 'BUTTON');
    for (const part of node.getClientRects()) {
      const { x, y, width, height } = place(part);
      if (inner) scene.items.push({ kind: 'inner', inner, x, y, width, height });
      else if (css.backgroundColor !== 'rgba(0, 0, 0, 0)' || framed) scene.rect(x, y, width, height, css.backgroundColor, { rx: parseFloat(css.borderTopLeftRadius), stroke: framed ? palette().line : null });
      else if (css.borderTopWidth !== '0px') scene.line(x, y, x + width, y, css.borderTopColor);
    }
    if (!inner) for (const child of node.childNodes) (child.nodeType === 3 ? write(child, css) : visit(child));
  }
  visit(host);
  host.classList.remove('unrolled');
  return scene;
}

const ruler = document.createElement('canvas').getContext('2d');
function textWidth(text, size = 12, weight = 400) {
  ruler.font = `${weight} ${size}px ${FONT}`;
  return ruler.measureText(visible(text)).width;
}

// Cut to fit a width, with an ellipsis.
function fitText(text, width, size = 12, weight = 400) {
  text = visible(text);
  if (textWidth(text, size, weight) <= width) return text;
  while (text.length > 1 && textWidth(text + '…', size, weight) > width) text = text.slice(0, -1);
  return text + '…';
}
