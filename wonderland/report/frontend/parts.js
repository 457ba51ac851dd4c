// Small parts that several views share: choices, the step through conversations, the legend of a colour scale.

// One of several, as buttons; redraws nothing but its own pressed state.
function choice(label, options, pick) {
  const buttons = options.map((text, i) => el('button', { type: 'button', text, on: { click: () => pick(i) } }));
  const node = el('div', { class: 'choice', role: 'group', 'aria-label': label }, ...buttons);
  return { node, show: (chosen) => buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(i === chosen))) };
}

// ‹ Conversation 2 of 6 ›
function sampler(conversations) {
  const go = (by) => () => stepSample(by, conversations.length);
  const where = el('span', { class: 'where', 'aria-live': 'polite' });
  const node = el('div', { class: 'sampler' },
    el('button', { type: 'button', class: 'icon', text: '‹', 'aria-label': 'Previous conversation', title: 'Previous conversation  [', on: { click: go(-1) } }),
    where,
    el('button', { type: 'button', class: 'icon', text: '›', 'aria-label': 'Next conversation', title: 'Next conversation  ]', on: { click: go(1) } }));
  const show = () => {
    const i = sampleIn(conversations);
    where.textContent = `Conversation ${i + 1} of ${conversations.length}`;
    where.title = visible(conversations[i].title ?? '');
  };
  return { node, show };
}

const sampleIn = (conversations) => Math.min(store.sample, conversations.length - 1);
const stepSample = (by, count) => store.set({ sample: (Math.min(store.sample, count - 1) + by + count) % count, pos: null });

// A bar from the lowest to the highest colour, with a tick where chance is.
function legend() {
  const bar = el('span', { class: 'bar' });
  const tick = el('i', { class: 'tick', hidden: true });
  const low = el('span'), high = el('span'), note = el('span', { class: 'note' });
  const node = el('div', { class: 'legend' }, low, el('span', { class: 'ramp' }, bar, tick), high, note);
  const show = (scale, { unit = '', chance = null, extra = '' } = {}) => {
    const at = (t) => scale.low + t * (scale.high - scale.low);
    const stops = d3.range(25).map((i) => scale.css(at(i / 24)));
    bar.style.background = `linear-gradient(to right, ${stops.join(',')})`;
    low.textContent = number(scale.low);
    high.textContent = withUnit(number(scale.high), unit);
    tick.hidden = !isNumber(chance);
    if (isNumber(chance)) tick.style.left = `${(100 * (chance - scale.low)) / (scale.high - scale.low)}%`;
    note.textContent = [scale.note, isNumber(chance) ? `▏chance ${number(chance)}` : '', extra].filter(Boolean).join('  ·  ');
  };
  return { node, show };
}

// Arrow keys move the one tab stop of a group of cells laid out in rows.
function roving(cells, columns) {
  const stop = (cell) => cells.forEach((other) => (other.tabIndex = other === cell ? 0 : -1));
  const move = (event) => {
    const from = cells.indexOf(event.target);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (from < 0 || by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const to = cells[from + by];
    if (!to || (Math.abs(by) === 1 && columns > 1 && Math.floor(from / columns) !== Math.floor((from + by) / columns))) return;
    to.focus();
    if (to.dataset.head) store.set({ head: to.dataset.head });
  };
  stop(cells[0]);
  return { move, stop };
}

// A canvas of the wanted size in CSS pixels, sharp on dense screens.
function sizeCanvas(canvas, width, height) {
  const dense = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  return dense;
}
