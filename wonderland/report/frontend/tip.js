// One tooltip for the whole page. It repeats what the aria labels say, so assistive tools may ignore it; only the text of
// a term (see terms.js) is read from it. After a tap it stays until the next touch elsewhere.

const tip = {
  shown: 0,
  node: el('div.tip', { id: 'tip', role: 'tooltip', hidden: true }),

  show(event, name, pairs, tapped = false) {
    this.say(name, pairs);
    this.of = null; // the group of cells that shows it, if one does
    this.node.hidden = false;
    const { width, height } = this.node.getBoundingClientRect();
    const box = event.clientX === undefined ? event.getBoundingClientRect() : null; // an element instead of an event
    const [x, y] = box ? [box.left + box.width / 2, box.bottom - 8] : [event.clientX, event.clientY];
    const below = tapped ? box.top - height - 8 : y + 18; // above what was tapped, not under the finger
    const top = below < 8 ? box.bottom + 8 : below + height > innerHeight - 8 ? max(8, y - height - 12) : below;
    this.shown = performance.now();
    styled(this.node, { left: `${max(8, min(x + 14, innerWidth - width - 8))}px`, top: `${top}px` });
  },
  say(name, pairs) {
    fill(this.node, el('strong', name), typeof pairs === 'string' ? el('p', pairs) : pairsOf(pairs));
  },
  hide() {
    this.node.hidden = true;
  },
};
addEventListener('pointerdown', (event) => event.pointerType === 'touch' && tip.hide());
// What pointing tells by a title is told on a tap, too; a button does something else then, but for one that sorts.
addEventListener('click', (event) => {
  const node = event.pointerType === 'touch' && event.target.closest('[title]');
  if (node && !node.closest('a, button:not(.sort)')) tip.show(node.isConnected ? node : event, '', node.title, node.isConnected);
});
addEventListener('scroll', () => performance.now() - tip.shown > 300 && tip.hide(), { passive: true }); // a tap may scroll
const spoken = (name, pairs) => [name, ...pairs.map(([label, value]) => (given(value) ? `${label} ${value}`.trim() : ''))].filter(Boolean).map((part) => visible(part)).join(', ');
