// Keys that work anywhere on the page; groups of cells and words handle their own arrows first.

function listenForKeys({ views, help, search, figure }) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (/^(input|select|textarea)$/i.test(event.target.tagName)) return;
    const { key } = event;
    if (key in moves) {
      const inside = event.target.closest?.('.scroll, [role=menu]');
      const vertical = key === 'ArrowUp' || key === 'ArrowDown';
      if (!N_LAYERS || inside || (vertical && !store.head)) return; // with nothing selected the page scrolls
      const [layer, head] = headOf(store.head) ?? [0, key === 'ArrowRight' ? -1 : 1];
      const [down, right] = moves[key];
      const next = headName(Math.max(0, Math.min(N_LAYERS - 1, layer + down)), Math.max(0, Math.min(N_HEADS - 1, head + right)));
      store.set({ head: next });
    } else if (key === '[' || key === ']') {
      const conversations = ready.get(store.view)?.conversations ?? (attentionView && ready.get(attentionView.id)?.conversations);
      if (!conversations) return;
      stepSample(key === ']' ? 1 : -1, conversations.length);
    } else if (/^[1-9]$/.test(key) && views[key - 1]) store.set({ view: views[key - 1] });
    else if (key === '/') search.begin();
    else if (key === '?') help.showModal();
    else if (key === 't') toggleTheme();
    else if (key === 'e') figure().openExport();
    else if (key === 'm') toggleWide();
    else if (key === 'Escape') {
      tip.hide();
      if (document.body.classList.contains('wide')) toggleWide();
      else store.set({ head: null, pos: null, layer: null, feature: null });
    } else return;
    event.preventDefault();
  });
  document.addEventListener('pointerdown', (event) => openMenu && !openMenu.node.contains(event.target) && openMenu.close());
}

const toggleTheme = () => store.set({ theme: themeName() === 'dark' ? 'light' : 'dark' });
