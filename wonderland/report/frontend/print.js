// Print: every figure on a page of its own, in light colours. Whatever was loaded by then is printed.

function preparePrinting() {
  let sheets = null;
  addEventListener('beforeprint', () => {
    forced = 'light';
    root.dataset.theme = 'light';
    sheets = el('div', { id: 'sheets' });
    document.body.append(sheets);
    for (const view of page.views) {
      const sheet = el('section');
      if (!ready.has(view.id) || view.id === store.view) continue;
      sheets.append(sheet);
      mountFigure(view, sheet, { printing: true }); // with its data at hand the figure is there before this returns
    }
    store.tell(new Set(['theme']));
  });
  addEventListener('afterprint', () => {
    forced = null;
    root.dataset.theme = themeName();
    sheets?.remove();
    store.tell(new Set(['theme']));
  });
}
