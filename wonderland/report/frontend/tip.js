// One tooltip for the whole page. It repeats what the aria labels say, so assistive tools may ignore it.

const tip = {
  node: el('div', { class: 'tip', role: 'presentation', hidden: true }),

  show(event, ...content) {
    this.node.replaceChildren(...content);
    this.node.hidden = false;
    const { width, height } = this.node.getBoundingClientRect();
    const box = event.clientX === undefined ? event.getBoundingClientRect() : null; // an element instead of an event
    const [x, y] = box ? [box.left + box.width / 2, box.bottom - 8] : [event.clientX, event.clientY];
    const left = Math.max(8, Math.min(x + 14, innerWidth - width - 8));
    const top = y + 18 + height > innerHeight - 8 ? Math.max(8, y - height - 12) : y + 18;
    this.node.style.left = `${left}px`;
    this.node.style.top = `${top}px`;
  },
  hide() {
    this.node.hidden = true;
  },
};

// Lines of a tooltip: a heading and label–value pairs.
function facts(heading, pairs) {
  return [
    el('strong', { text: heading }),
    el('dl', {}, ...pairs.filter(([, value]) => value !== '' && value !== null && value !== undefined)
      .flatMap(([label, value]) => [el('dt', { text: label }), el('dd', { text: value })])),
  ];
}
