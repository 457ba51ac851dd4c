// Exports: PNG, SVG and CSV, each with a caption that says what it is, of which model, and when.

function captionOf(view) {
  const prints = page.meta.fingerprints ?? {};
  return [view.caption, dots(page.meta.model, prints.model && `model ${String(prints.model).slice(0, 12)}`, page.meta.date)].filter(Boolean).map((line) => visible(line, 400));
}

function download(name, blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob); // a file made in this page; nothing leaves it
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const fileName = (view, extension) => `wonderland-${view.id}.${extension}`;

// A table for programs: one line of headings, then rows, nothing else, so that pandas reads it as it is. Text is exact, with
// one rule: where a cell's first sign, after spaces and quote marks, is = + - or @, a spreadsheet could run it as a formula,
// so one ' more is put before it. Take one ' away from such a cell to have the text. Numbers are never touched.
function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(7))); // stored as 32 bits
  let text = String(value);
  if (/^[\s'"]*[=+\-@]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

// A table's cells may be numbers with an interval and a chance level: each part becomes a column of its own.
function toCsv({ columns, rows }) {
  const heading = [], read = [], named = new Map(),
    unique = (name) => (named.set(name, (named.get(name) ?? 0) + 1), named.get(name) > 1 ? `${name} (${named.get(name)})` : name);
  for (const { key, label } of columns) {
    for (const part of ['value', 'low', 'high', 'chance'].filter((name, i) => !i || rows.some((row) => row[key]?.[name] !== undefined))) {
      const whole = part === 'value';
      heading.push(unique(whole ? label : `${label} ${part}`));
      read.push(({ [key]: cell }) => (whole ? cell?.exact ?? plainValue(cell) : cell?.[part]));
    }
  }
  const lines = rows.map((row) => read.map((f) => csvCell(f(row))).join(','));
  return [heading.map(csvCell).join(','), ...lines].join('\r\n') + '\r\n';
}

const saveCsv = (view, table) => download(fileName(view, 'csv'), new Blob(['\ufeff', toCsv(table)], { type: 'text/csv' }));

function wrapped(text, width, size) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) ? lines.at(-1) + ' ' + word : word;
    if (textWidth(longer, size) > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

// The colour bar of a figure, with its ends, its unit and where chance is.
function drawRamp(scene, { scale, unit, chance }, x, y) {
  const low = number(scale.low), left = x + textWidth(low) + 8, width = 160, { muted, ink, line } = palette(), at = left + (width * (chance - scale.low)) / (scale.high - scale.low);
  d3.range(80).forEach((i) => scene.rect(left + (i * width) / 80, y - 9, width / 80 + 0.5, 10, scale.css(scale.low + ((i + 0.5) / 80) * (scale.high - scale.low))));
  scene.rect(left, y - 9, width, 10, null, { stroke: line });
  if (isNumber(chance)) scene.line(at, y - 12, at, y + 4, ink, { lineWidth: 2 });
  scene.text(x, y, low, { fill: muted });
  scene.text(left + width + 8, y, dots(withUnit(number(scale.high), unit), scale.note, isNumber(chance) && `chance ${number(chance)}`), { fill: muted });
}

// A figure as a file: above it its title, what is chosen (conversation, measure, head) and its colours; below its caption.
function framed(view, { plot, controls }) {
  const inside = pictureOf(plot), width = max(560, inside.width + 40),
    chosen = [...controls.querySelectorAll('.sampler:not([hidden]) .where, [aria-pressed="true"], .slider')].map((node) => [...node.childNodes].map((part) => part.textContent).filter(Boolean).join(' ')),
    said = dots(...chosen, view.selects.includes('head') && store.head), ramp = controls.querySelector('.legend')?.ramp,
    lines = captionOf(view).flatMap((text) => wrapped(text, width - 40, 12)), top = 54 + (said ? 18 : 0) + (ramp ? 24 : 0),
    scene = new Scene(width, inside.height + top + 22 + lines.length * 17);
  scene.rect(0, 0, scene.width, scene.height, palette().paper);
  scene.text(20, 34, view.title, { size: 18, weight: 600 });
  if (said) scene.text(20, 54, said, { fill: palette().muted });
  if (ramp) drawRamp(scene, ramp, 20, said ? 76 : 58);
  scene.items.push({ kind: 'inner', inner: inside, x: 20, y: top, width: inside.width, height: inside.height });
  lines.forEach((line, i) => scene.text(20, inside.height + top + 26 + i * 17, line, { fill: palette().muted }));
  return scene;
}

function saveSvg(view, figure) {
  const svg = sceneToSvg(framed(view, figure), document.implementation.createDocument(SVG, null));
  download(fileName(view, 'svg'), new Blob([new XMLSerializer().serializeToString(svg).replace(/[\ud800-\udfff]/gu, '')], { type: 'image/svg+xml' }));
}

// As sharp as a dense screen, unless that would be wider than browsers and printers take.
const density = ({ width, height }) => min(2, 10000 / max(width, height));
const savePng = (view, figure, scene = framed(view, figure)) => sceneToCanvas(scene, density(scene)).toBlob((blob) => download(fileName(view, 'png'), blob), 'image/png');
