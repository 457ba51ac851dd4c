// One tooltip for the whole page. It repeats what the aria labels say, so assistive tools may ignore it.

const tip = {
  node: el('div.tip', { hidden: true }),

  show(event, name, pairs) {
    fill(this.node, el('strong', name), pairsOf(pairs));
    this.node.hidden = false;
    const { width, height } = this.node.getBoundingClientRect();
    const box = event.clientX === undefined ? event.getBoundingClientRect() : null; // an element instead of an event
    const [x, y] = box ? [box.left + box.width / 2, box.bottom - 8] : [event.clientX, event.clientY];
    const top = y + 18 + height > innerHeight - 8 ? max(8, y - height - 12) : y + 18;
    styled(this.node, { left: `${max(8, min(x + 14, innerWidth - width - 8))}px`, top: `${top}px` });
  },
  hide() {
    this.node.hidden = true;
  },
};
const spoken = (name, pairs) => [name, ...pairs.map(([label, value]) => (given(value) ? `${label} ${value}`.trim() : ''))].filter(Boolean).map((part) => visible(part)).join(', ');
