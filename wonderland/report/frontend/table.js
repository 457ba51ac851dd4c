// A sortable table; every figure's numbers can be read as one, and it is a renderer of its own. A cell is a value, or has
// one: { value, low, high, chance }, or { value, shown } where something else stands for it.

// The table of a figure: tableOf(things, [label, thing => cell, unit?], ...).
const tableOf = (things, ...columns) => ({
  columns: columns.map(([label, , unit], i) => ({ key: `c${i}`, label, unit })),
  rows: things.map((thing, k) => Object.fromEntries(columns.map(([, read], i) => [`c${i}`, read(thing, k)]))),
});
// A token in a table: its name on the page, its very characters in a file.
const tokenCell = (token) => ({ value: tokenName(token), exact: token });
const plainValue = (cell) => (cell && typeof cell === 'object' ? cell.value : cell);

function makeTable({ columns, rows, links }, label) {
  let sorted = {};
  const numeric = Object.fromEntries(columns.map(({ key }) => {
    const values = rows.map((row) => plainValue(row[key]) ?? null).filter((value) => value !== null);
    return [key, values.length > 0 && values.every((value) => typeof value === 'number')];
  }));
  // A faint bar behind a number, where a column asks for it, lets the eye run down.
  const spans = Object.fromEntries(columns.filter((column) => column.bar && numeric[column.key]).map(({ key }) => [key, d3.extent([0, ...rows.map((row) => plainValue(row[key]))])])),
    body = el('tbody'),
    dense = columns.length > 8 || columns.filter(({ key }) => rows.some((row) => isNumber(row[key]?.low))).length > 3;
  const headings = columns.map(({ key, label, unit, help, fixed, class: own }) => {
    const words = [el('span', label), unit && unit !== '1' && el('small', unit)],
      inside = fixed ? el('span.hidden', words) : button(words, () => sortBy(key), { class: 'sort', title: help || termIn(label)?.text });
    // A heading over a narrow column takes two lines and not four: else all others stand far below the caption.
    if (!dense && !fixed) inside.style.minWidth = `${min(14, label.length) + 3}ch`;
    return el('th', { scope: 'col', class: numeric[key] && own === undefined && 'number' }, inside);
  });
  const lines = rows.map((row) => {
    const chosen = links ? keyOf(plainValue(row[links])) : null;
    const cells = columns.map((column, i) => {
      const { key } = column, words = !numeric[key],
        first = !i && words && !column.class, cell = el(first ? 'th' : 'td', { scope: first && 'row', class: column.class ?? (words ? String(plainValue(row[key])).length > 40 && 'long' : 'number') });
      if (chosen && key === links) return fill(cell, button(row[key], () => {}, { class: 'link' }));
      return fillCell(cell, row[key], column, !words, spans[key]);
    });
    return { row, line: el('tr', keyed(chosen), cells) };
  });
  listen(body, 'click', (event) => {
    const { key } = event.target.closest('tr').dataset;
    if (key) store.set(selecting(key));
  });
  listen(body, 'pointerover', (event) => store.look(selecting(event.target.closest('tr').dataset.key)));
  listen(body, 'pointerleave', () => store.look({}));

  function sortBy(key) {
    sorted = { key, up: sorted.key === key ? !sorted.up : !numeric[key] };
    const sign = sorted.up ? 1 : -1;
    const compare = (a, b) => {
      const [x, y] = [plainValue(a.row[key]), plainValue(b.row[key])];
      if (numeric[key] && !(isNumber(x) && isNumber(y))) return isNumber(y) - isNumber(x);
      return sign * (numeric[key] ? x - y : String(x ?? '').localeCompare(String(y ?? ''), 'en', { numeric: true }));
    };
    headings.forEach((th, i) => th.ariaSort = columns[i].key === key ? (sorted.up ? 'ascending' : 'descending') : 'none');
    body.append(...[...lines].sort(compare).map(({ line }) => line));
  }

  body.append(...lines.map(({ line }) => line));
  const node = el('div.scroll', { tabindex: 0, role: 'region', label }, el(dense ? 'table.dense' : 'table', el('thead', el('tr', headings)), body)),
    update = () => lines.forEach(({ line }) => line.classList.toggle('chosen', isChosen(line.dataset.key)));
  update();
  return { node, lines, update };
}

function fillCell(node, cell, column, numeric, span) {
  const value = plainValue(cell);
  if (span && isNumber(value)) {
    const at = (v) => 100 * (v - span[0]) / (span[1] - span[0] || 1), [a, b] = d3.sort([at(0), at(value)]);
    node.style.background = `linear-gradient(to right, transparent ${a}%, var(--barred) ${a}% ${b}%, transparent ${b}%) no-repeat 0 100% / 100% 3px`;
  }
  if (cell?.shown) return fill(node, cell.shown);
  if (!cell || typeof cell !== 'object') return fill(node, numeric ? rounded(cell, column.digits) : visible(unmarked(cell ?? '–'), 600));
  if (typeof value === 'string') return fill(node, visible(value, 600));
  if (isNumber(cell.chance)) node.title = `chance ${number(cell.chance, column.digits)}: ${verdict(cell)}`;
  const digits = finer(cell, column.digits);
  return fill(node, isWeak(cell) && el('i.chance', { role: 'img', label: 'not distinguishable from chance' }, '○'), rounded(cell.value, digits),
    isNumber(cell.low) && el('small.interval', interval(cell.low, cell.high, digits)));
}

const renderers = {};

renderers.table = ({ view, data, plot }) => {
  const table = makeTable(data, view.title);
  plot.append(table.node);
  if (data.rows.some((row) => Object.values(row).some((cell) => isWeak(cell ?? 0)))) plot.append(el('p.key', WEAK));
  return { update: table.update, table: () => data, isTable: true };
};
