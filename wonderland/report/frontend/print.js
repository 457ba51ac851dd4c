// Print: every figure on a page of its own, in light colours. Whatever was loaded by then is printed.

function preparePrinting() {
  let sheets = null;
  addEventListener('beforeprint', () => {
    forced = 'light';
    root.dataset.theme = 'light';
    sheets = el('div', { id: 'sheets' });
    document.body.append(sheets);
    for (const view of page.views) if (ready.has(view.id) && view.id !== store.view) printSheet(view, sheets);
    store.tell(new Set(['theme']));
  });
  addEventListener('afterprint', () => {
    forced = null;
    root.dataset.theme = themeName();
    sheets?.remove();
    store.tell(new Set(['theme']));
  });
}

// Mounting is asynchronous only where data are missing; with data at hand the figure is there before this returns.
function printSheet(view, host) {
  const box = el('section');
  host.append(box);
  mountFigure(view, box, { printing: true });
}
