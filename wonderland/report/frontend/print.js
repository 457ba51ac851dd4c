// Print: every figure on a page of its own, in light colours, whole. Whatever was loaded by then is printed.

const PAPER = 940, TALL = 520, PAGE = 640; // pixels that fit on the narrower of A4 and Letter, beside and below each other

// Paper does not scroll: what is wide or tall is made smaller, and very wide cells go on below. Returns how to undo it.
function fitPaper(box) {
  const whole = box.firstElementChild, cells = whole.matches('.cells'), times = box.scrollWidth / PAPER;
  if (!cells || times < 1.5) {
    styled(whole, { zoom: min(1, 1 / times, cells ? TALL / whole.offsetHeight : 1) });
    return () => styled(whole, { zoom: '' });
  }
  const [name, ...columns] = whole.firstElementChild.children, names = name.offsetWidth,
    each = max(1, floor(((PAPER - names) * columns.length) / (box.scrollWidth - names)));
  fill(box, d3.range(0, columns.length, each).map((start) => {
    const band = whole.cloneNode(true);
    for (const row of band.children) [...row.children].forEach((cell, i) => i && (i <= start || i > start + each) && cell.remove());
    styled(band, { gridTemplateColumns: `max-content repeat(${min(each, columns.length - start)}, var(--cell))` });
    return band;
  }));
  return () => fill(box, whole);
}

function preparePrinting() {
  let sheets = null, undo = [];
  addEventListener('beforeprint', () => {
    forced = 'light';
    root.dataset.theme = 'light';
    sheets = el('div', { id: 'sheets' });
    document.body.append(sheets);
    for (const view of page.views) {
      const sheet = el('section');
      if (!loaded.has(view.id) || view.id === store.view) continue;
      sheets.append(sheet);
      // With its data at hand the figure is there before this returns; that they are damaged, before it is printed.
      mountFigure(view, sheet, { printing: true }).catch((error) => fill(sheet, el('h1', view.title), harmed(error, view)));
    }
    store.tell(new Set(['theme']));
    const folded = [...document.querySelectorAll('details:not([open])')];
    folded.forEach((one) => (one.open = true));
    undo = [...document.querySelectorAll('.sideways, .scroll')].map(fitPaper);
    undo.push(() => folded.forEach((one) => (one.open = false)));
    for (const article of document.querySelectorAll('#sheets article, main article')) { // what is a little too tall goes on one page
      const tall = article.offsetHeight;
      if (tall > PAGE && tall < 1.7 * PAGE) undo.push((styled(article, { zoom: PAGE / tall }), () => styled(article, { zoom: '' })));
    }
  });
  addEventListener('afterprint', () => {
    forced = null;
    root.dataset.theme = themeName();
    sheets?.remove();
    undo.forEach((back) => back());
    store.tell(new Set(['theme']));
  });
}
