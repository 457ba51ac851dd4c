// The frame around every view: title, caption, tools, the figure or its table, how to read it and when it misleads.
// A figure with panels shows one of them at a time; what is said beside a figure are blocks.

async function mountFigure(view, host, { printing = false } = {}) {
  const data = ready.get(view.id) ?? (await load(view)),
    plot = el('div.plot'), box = el('div.box'), aside = el('aside.beside'), controls = el('div.controls'), own = el('span.own'),
    steps = data.panels && stepper(data);
  if (steps) controls.append(steps.node);
  controls.append(own);
  plot.append(box);
  let figure = null, table = null, shown = null;

  function build() {
    shown = steps ? { ...data, ...data.panels[steps.index()] } : data;
    const focused = plot.contains(document.activeElement) ? document.activeElement.dataset.i : null;
    fill(box);
    fill(own);
    figure = renderers[view.renderer]({ view, data: shown, plot: box, controls: own });
    fill(aside, el('h2.hidden', 'Beside the figure'), (shown.aside ?? []).map(drawBlock));
    plot.classList.toggle('sided', Boolean(shown.aside));
    if (shown.aside) plot.append(aside);
    if (steps) steps.show();
    figure.update(new Set(['mounted', 'size']));
    if (!printing) saySideways(plot);
    if (focused) box.querySelector(`[data-i="${focused}"]`)?.focus();
  }

  const tableBox = el('div.tablebox', { hidden: true });
  const fillTable = () => {
    table = makeTable(figure.table(), `${view.title}, as a table`);
    fill(tableBox, table.node);
    saySideways(tableBox);
  };
  const tableButton = view.renderer === 'table' ? null : button('Table', () => {
    const on = tableBox.hidden;
    if (on) fillTable();
    tableBox.hidden = !on;
    plot.hidden = on;
    tableButton.ariaPressed = on;
  }, { 'aria-pressed': 'false', title: 'The numbers of this figure as a table' });
  const menu = exportMenu(view, () => ({ ...figure, controls, plot: plot.hidden ? tableBox : plot })),
    wide = button('⤢', toggleWide, { class: 'icon', label: 'Maximise the figure', title: 'Maximise  m' }),
    note = (heading, text) => (text ? el('section', el('h2', heading), el('p', explained(text, seen))) : null), seen = new Set(),
    notes = () => (view.howToRead || view.misleads ? el('footer.notes', note('How to read this', view.howToRead), note('When it misleads', view.misleads)) : null);
  const node = el('article', { class: `figure ${view.renderer}`, 'aria-labelledby': `title-${view.id}` },
    el('header.titles', headline(view.id, view.title), el('div.buttons', tableButton, page.opens ? null : menu.node, wide)),
    view.subtitle ? el('p.subtitle', explained(view.subtitle, seen)) : null,
    view.caption ? el('p.caption', explained(view.caption, seen)) : null,
    view.warning ? el('p.banner', { role: 'note' }, explained(view.warning, seen)) : null,
    printing && notes(), controls, plot, tableBox, printing ? null : notes()); // on paper first, so that none is left alone on a page
  if (printing) host.append(node);
  else fill(host, node);
  build();

  const update = (changed) => {
    if (steps && changed.has(steps.key)) build();
    else figure.update(changed);
    if (!tableBox.hidden && when(changed, 'sample', 'tab', 'panel', 'node')) fillTable();
    else if (table) table.update();
  };
  let width = box.clientWidth;
  const watcher = new ResizeObserver(() => {
    if (!box.clientWidth || box.clientWidth === width) return;
    width = box.clientWidth;
    store.tell(new Set(['size'])); // as any change, so that an error is told as any
  });
  if (!printing) watcher.observe(box);
  return { view, update, steps: () => steps ?? figure.steps, openExport: page.opens ? () => {} : menu.open, leave: () => watcher.disconnect() };
}

let openMenu = null; // closed by a press anywhere else

function exportMenu(view, figure) {
  const list = el('div.menu', { role: 'menu', hidden: true }),
    opener = button('Export', () => (list.hidden ? open() : close()), { 'aria-haspopup': 'menu', 'aria-expanded': 'false', title: 'Export  e' });
  const open = () => {
    const cite = (v) => copyText(citation({ text: `${v.title}. ${v.caption}`, view: v.id }), opener),
      items = [['PNG', 'picture', savePng], ['SVG', 'drawing', saveSvg], ['CSV', 'numbers', (_, { table }) => saveCsv(view, table())], ['Cite', 'words to quote it', cite]];
    fill(list, items.map(([name, what, save]) => el('button', { role: 'menuitem', on: { click: () => (close(), save(view, figure())) } }, el('b', name), el('span', what))));
    list.hidden = false;
    openMenu = { node, close };
    opener.ariaExpanded = true;
    list.firstElementChild.focus();
  };
  const close = () => {
    if (list.hidden) return;
    list.hidden = true;
    openMenu = null;
    opener.ariaExpanded = false;
    opener.focus({ preventScroll: true });
  };
  const node = el('div.export', opener, list);
  listen(node, 'keydown', (event) => {
    const items = [...list.children], at = items.indexOf(document.activeElement), by = ARROWS[event.key]?.[1];
    if (event.key === 'Escape' && !list.hidden) close();
    else if (by && at >= 0) items[(at + by + items.length) % items.length].focus();
    else return;
    handled(event);
  });
  return { node, open };
}

function toggleWide() {
  document.body.classList.toggle('wide');
}
