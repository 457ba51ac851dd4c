// The frame around every view: title, caption, tools, the figure or its table, how to read it and when it misleads.

async function mountFigure(view, host, { printing = false } = {}) {
  const data = ready.get(view.id) ?? (await load(view));
  const plot = el('div', { class: 'plot' });
  const tableBox = el('div', { class: 'tablebox', hidden: true });
  const controls = el('div', { class: 'controls' });
  const renderer = renderers[view.renderer];
  const figure = renderer({ view, data, plot, controls });
  let table = null;

  const tableButton = figure.isTable ? null : button('Table', () => showTable(), { 'aria-pressed': 'false', title: 'The numbers of this figure as a table' });
  const showTable = () => {
    const on = tableBox.hidden;
    if (on) {
      table = makeTable(figure.table(), `${view.title}, as a table`);
      tableBox.replaceChildren(table.node);
    }
    tableBox.hidden = !on;
    plot.hidden = on;
    tableButton.setAttribute('aria-pressed', String(on));
  };
  const menu = exportMenu(view, figure);
  const wide = button('⤢', () => toggleWide(), { class: 'icon', 'aria-label': 'Maximise the figure', title: 'Maximise  m' });
  const node = el('article', { class: `figure ${view.renderer}`, 'aria-labelledby': `title-${view.id}` },
    el('header', { class: 'titles' },
      el('h1', { id: `title-${view.id}`, tabindex: -1, text: view.title }),
      el('div', { class: 'buttons' }, tableButton, menu.node, wide)),
    view.caption ? el('p', { class: 'caption', text: view.caption }) : null,
    controls, plot, tableBox, notes(view));
  if (printing) host.append(node);
  else host.replaceChildren(node);
  figure.update(new Set(['mounted', 'size']));

  const update = (changed) => {
    figure.update(changed);
    if (!tableBox.hidden && ['sample', 'tab'].some((key) => changed.has(key))) {
      table = makeTable(figure.table(), `${view.title}, as a table`);
      tableBox.replaceChildren(table.node);
    } else if (table) table.update();
  };
  let width = plot.clientWidth;
  const watcher = new ResizeObserver(() => {
    if (plot.clientWidth && plot.clientWidth !== width) {
      width = plot.clientWidth;
      figure.update(new Set(['size']));
    }
  });
  if (!printing) watcher.observe(plot);
  return { view, update, openExport: menu.open, leave: () => watcher.disconnect() };
}

const button = (text, click, more = {}) => el('button', { type: 'button', text, on: { click }, ...more });

function notes(view) {
  if (!view.howToRead && !view.misleads) return null;
  return el('footer', { class: 'notes' },
    view.howToRead ? el('section', {}, el('h2', { text: 'How to read this' }), el('p', { text: view.howToRead })) : null,
    view.misleads ? el('section', {}, el('h2', { text: 'When it misleads' }), el('p', { text: view.misleads })) : null);
}

let openMenu = null; // closed by a press anywhere else

function exportMenu(view, figure) {
  const items = [
    figure.scene || figure.canvas ? ['PNG', 'picture', () => savePng(view, figure.scene ? figure.scene() : figure.canvas())] : null,
    figure.scene ? ['SVG', 'drawing', () => saveSvg(view, figure.scene())] : null,
    ['CSV', 'numbers', () => saveCsv(view, figure.table())],
  ].filter(Boolean);
  const list = el('div', { class: 'menu', role: 'menu', hidden: true }, ...items.map(([name, what, save]) =>
    el('button', { type: 'button', role: 'menuitem', on: { click: () => (close(), save()) } }, el('b', { text: name }), el('span', { text: what }))));
  const opener = button('Export', () => (list.hidden ? open() : close()), { 'aria-haspopup': 'menu', 'aria-expanded': 'false', title: 'Export  e' });
  const open = () => {
    list.hidden = false;
    openMenu = { node, close };
    opener.setAttribute('aria-expanded', 'true');
    list.firstElementChild.focus();
  };
  const close = () => {
    if (list.hidden) return;
    list.hidden = true;
    openMenu = null;
    opener.setAttribute('aria-expanded', 'false');
    opener.focus({ preventScroll: true });
  };
  const node = el('div', { class: 'export' }, opener, list);
  node.addEventListener('keydown', (event) => {
    const at = [...list.children].indexOf(document.activeElement);
    if (event.key === 'Escape' && !list.hidden) close();
    else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && at >= 0) {
      list.children[(at + (event.key === 'ArrowDown' ? 1 : -1) + items.length) % items.length].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { node, open };
}

function toggleWide() {
  document.body.classList.toggle('wide');
}
