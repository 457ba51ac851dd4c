// Keys that work anywhere on the page; groups of cells and words handle their own arrows first.

function listenForKeys({ sections, help, search, figure }) {
  const acts = {
    '[': () => figure().steps()?.go(-1), ']': () => figure().steps()?.go(1),
    '/': () => search.begin(), '?': () => help.showModal(), t: toggleTheme, e: () => figure().openExport(), m: toggleWide,
    Escape() {
      tip.hide();
      if (document.body.classList.contains('wide')) toggleWide();
      else store.set({ key: null, pos: null, layer: null });
    },
  };
  listen(document, 'keydown', (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (/^(input|select|textarea)$/i.test(target.tagName)) return;
    if (key in ARROWS) {
      const [right, down] = ARROWS[key],
        choosing = viewShown()?.selects.includes('head');
      if (!choosing || !headOf(store.head) || target.closest?.('.scroll, [role=menu]')) return; // the page scrolls
      const [layer, head] = headOf(store.head);
      store.set({ key: 'head:' + headName(max(0, min(N_LAYERS - 1, layer + down)), max(0, min(N_HEADS - 1, head + right))) });
    } else if (/^[1-9]$/.test(key) && sections[key - 1]) store.set({ view: sections[key - 1] });
    else if (acts[key]) acts[key]();
    else return;
    event.preventDefault();
  });
  listen(document, 'pointerdown', (event) => openMenu && !openMenu.node.contains(event.target) && openMenu.close());
}

const toggleTheme = () => store.set({ theme: themeName() === 'dark' ? 'light' : 'dark' });
