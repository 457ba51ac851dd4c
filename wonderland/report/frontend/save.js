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

// Words that a spreadsheet would run as a formula get a quote mark before them; real numbers stay numbers.
function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(7))); // stored as 32 bits
  let text = visible(value, 100000).replace(/\n/g, '⏎');
  if (/^[\s'"]*[=+\-@]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

// A table's cells may be numbers with an interval and a chance level: each part becomes a column of its own.
function toCsv(view, { columns, rows }) {
  const heading = [], read = [];
  for (const { key, label } of columns) {
    for (const part of ['value', 'low', 'high', 'chance'].filter((name, i) => !i || rows.some((row) => row[key]?.[name] !== undefined))) {
      const whole = part === 'value';
      heading.push(whole ? label : `${label} ${part}`);
      read.push(({ [key]: cell }) => (whole ? plainValue(cell) : cell?.[part]));
    }
  }
  const caption = [view.title, ...captionOf(view)].map((line) => csvCell('# ' + line));
  const lines = rows.map((row) => read.map((f) => csvCell(f(row))).join(','));
  return [...caption, heading.map(csvCell).join(','), ...lines].join('\r\n') + '\r\n';
}

const saveCsv = (view, table) => download(fileName(view, 'csv'), new Blob(['\ufeff', toCsv(view, table)], { type: 'text/csv' }));

function wrapped(text, width, size) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) ? lines.at(-1) + ' ' + word : word;
    if (textWidth(longer, size) > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

// A figure as a file: its title above, its caption below.
function framed(view, { plot, note }) {
  const inside = pictureOf(plot), width = max(480, inside.width + 40);
  const lines = [...captionOf(view), note?.()].filter(Boolean).flatMap((text) => wrapped(text, width - 40, 12));
  const scene = new Scene(width, inside.height + 76 + lines.length * 17);
  scene.rect(0, 0, scene.width, scene.height, palette().paper);
  scene.text(20, 34, view.title, { size: 18, weight: 600 });
  scene.items.push({ kind: 'inner', inner: inside, x: 20, y: 54, width: inside.width, height: inside.height });
  lines.forEach((line, i) => scene.text(20, inside.height + 80 + i * 17, line, { fill: palette().muted }));
  return scene;
}

function saveSvg(view, figure) {
  const svg = sceneToSvg(framed(view, figure), document.implementation.createDocument(SVG, null));
  download(fileName(view, 'svg'), new Blob([new XMLSerializer().serializeToString(svg).replace(/[\ud800-\udfff]/gu, '')], { type: 'image/svg+xml' }));
}

const savePng = (view, figure) => sceneToCanvas(framed(view, figure)).toBlob((blob) => download(fileName(view, 'png'), blob), 'image/png');
