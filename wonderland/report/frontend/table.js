// A sortable table; every figure's numbers can be read as one, and it is a renderer of its own.

const plainValue = (cell) => (cell && typeof cell === 'object' ? cell.value : cell);

function makeTable({ columns, rows, links }, label) {
  let sorted = { key: null, up: true };
  const isNumeric = Object.fromEntries(columns.map(({ key }) => [key, rows.every((row) => row[key] === null || row[key] === undefined || typeof plainValue(row[key]) === 'number' || plainValue(row[key]) === null) && rows.some((row) => typeof plainValue(row[key]) === 'number')]));
  const body = el('tbody');
  const headings = columns.map((column) => {
    const name = el('button', { type: 'button', class: 'sort', title: column.help, on: { click: () => sortBy(column.key) } },
      el('span', { text: column.label }), column.unit && column.unit !== '1' ? el('small', { text: column.unit }) : null);
    return el('th', { scope: 'col', class: isNumeric[column.key] ? 'number' : null }, name);
  });
  const lines = rows.map((row) => {
    const head = links === 'head' && headOf(row.head) ? row.head : null;
    const cells = columns.map((column, i) => {
      const cell = fillCell(row[column.key], column, isNumeric[column.key]);
      if (head && column.key === 'head') {
        cell.replaceChildren(el('button', { type: 'button', class: 'link', text: head, on: { click: () => store.set({ head }) } }));
      }
      if (i === 0 && !isNumeric[column.key]) cell.setAttribute('scope', 'row');
      return cell;
    });
    const line = el('tr', { 'data-head': head }, ...cells);
    if (head) {
      line.addEventListener('click', () => store.set({ head }));
      line.addEventListener('pointerenter', () => store.look({ head }));
      line.addEventListener('pointerleave', () => store.look({}));
    }
    return { row, line };
  });

  function sortBy(key) {
    sorted = { key, up: sorted.key === key ? !sorted.up : !isNumeric[key] };
    const sign = sorted.up ? 1 : -1;
    const value = ({ row }) => plainValue(row[key]);
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (!isNumber(x) && isNumeric[key]) return 1;
      if (!isNumber(y) && isNumeric[key]) return -1;
      return sign * (isNumeric[key] ? x - y : String(x ?? '').localeCompare(String(y ?? ''), 'en', { numeric: true }));
    };
    headings.forEach((th, i) => th.setAttribute('aria-sort', columns[i].key === key ? (sorted.up ? 'ascending' : 'descending') : 'none'));
    body.append(...[...lines].sort(compare).map(({ line }) => line));
  }

  body.append(...lines.map(({ line }) => line));
  const node = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label },
    el('table', {}, el('thead', {}, el('tr', {}, ...headings)), body));
  const update = () => lines.forEach(({ line }) => line.classList.toggle('chosen', line.dataset.head !== undefined && line.dataset.head === store.head));
  update();
  return { node, update };
}

function fillCell(cell, column, numeric) {
  if (!cell || typeof cell !== 'object') {
    return el('td', { class: numeric ? 'number' : null, text: numeric ? number(cell, column.digits) : cell ?? '–' });
  }
  const node = el('td', { class: 'number', title: isNumber(cell.chance) ? `chance ${number(cell.chance, column.digits)}: ${verdict(cell)}` : null });
  node.append(number(cell.value, column.digits));
  if (isNumber(cell.low)) node.append(el('small', { class: 'interval', text: interval(cell.low, cell.high, column.digits) }));
  if (verdict(cell).startsWith('not')) node.append(el('i', { class: 'chance', text: '○', 'aria-label': 'not distinguishable from chance' }));
  return node;
}

const renderers = {};

renderers.table = ({ view, data, plot }) => {
  const table = makeTable(data, view.title);
  plot.append(table.node);
  const anyChance = data.rows.some((row) => Object.values(row).some((cell) => cell && typeof cell === 'object' && verdict(cell).startsWith('not')));
  if (anyChance) plot.append(el('p', { class: 'key', text: '○  the interval reaches the chance level' }));
  return { update: table.update, table: () => data, isTable: true };
};
