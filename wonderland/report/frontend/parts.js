// Small parts that several views share: choices, the step through panels, the legend, and things that can be pointed at.

const linkTo = (state, words) => el('a', { href: store.address(state) }, words);
const when = (changed, ...keys) => keys.some((key) => changed.has(key));

// One of several, as buttons; redraws nothing but its own pressed state.
function choice(label, options, pick) {
  const buttons = options.map((text, i) => button(text, () => pick(i))),
    node = el('div.choice', { role: 'group', label }, buttons);
  return { node, show: (chosen) => buttons.forEach((one, i) => one.ariaPressed = i === chosen) };
}

// ‹ Conversation 2 of 6 ›: the panels of a figure. Conversations are shared by all figures, other panels are its own.
// Snapshots are moments of training: a slider goes through them, in all figures at once, and the last is shown first.
// `inside`: what is stepped through is in a panel of another, which is chosen beside it.
function stepper({ panels, of = 'conversation', inside = false }) {
  const moments = of === 'snapshot', count = panels.length, key = of === 'conversation' ? 'sample' : moments ? 'moment' : inside ? 'node' : 'panel',
    index = () => min(store[key] ?? (moments ? count - 1 : 0), count - 1),
    go = (by) => store.set({ [key]: (index() + by + count) % count, pos: null }),
    where = el('span.where', LIVE),
    arrow = (sign, by, name, shortcut) => button(sign, () => go(by), { class: 'icon', label: `${name} ${of}`, title: `${name} ${of}  ${shortcut}` }),
    slider = moments && el('input.moments', { type: 'range', min: 0, max: count - 1, step: 1, label: 'Time of training', on: { input: () => store.set({ moment: +slider.value, pos: null }) } }),
    node = el('div.sampler', { hidden: count < 2 }, arrow('‹', -1, 'Previous', '['), slider || null, where, arrow('›', 1, 'Next', ']'));
  const show = () => {
    const title = visible(panels[index()].title ?? ''), place = `${of[0].toUpperCase()}${of.slice(1)} ${index() + 1} of ${number(count)}`,
      named = of !== 'conversation' && title && title.toLowerCase() !== `${of} ${index() + 1}`.toLowerCase();
    if (slider) slider.value = index();
    fill(where, slider ? `${title} (${index() + 1} of ${count})` : named ? `${place}: ${title}` : place).setAttribute('title', title);
  };
  return { node, show, go, key, index, of };
}
// Which of its conversations, or of the snapshots of one, an attention view shows.
const placeIn = ({ conversations, of }) => min(of === 'snapshot' ? store.moment ?? conversations.length - 1 : store.sample, conversations.length - 1);

// A bar from the lowest to the highest colour, with a tick where chance is.
function legend() {
  const bar = el('span.bar'), tick = el('i.tick'), low = el('span'), high = el('span'), note = el('span.note'),
    node = el('div.legend', low, el('span.ramp', bar, tick), high, note);
  const show = (scale, { unit = '', chance = null } = {}) => {
    const stops = d3.range(25).map((i) => scale.css(scale.low + (i / 24) * (scale.high - scale.low)));
    node.ramp = { scale, unit, chance };
    bar.style.background = `linear-gradient(to right, ${stops.join(',')})`;
    fill(low, number(scale.low));
    fill(high, withUnit(number(scale.high), unit));
    tick.hidden = !isNumber(chance);
    if (isNumber(chance)) tick.style.left = `${(100 * (chance - scale.low)) / (scale.high - scale.low)}%`;
    fill(note, dots(scale.note, isNumber(chance) && `▏chance ${number(chance)}`));
  };
  return { node, show };
}

// Things in a figure that can be pointed at, clicked and walked over: `words(i)` is [name, pairs], said by the tooltip
// and the aria label alike; arrows move the one tab stop, in rows of `columns`; `state` is the attribute that says what is chosen.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// Marks an element as standing for what a key names; heads are named apart, for style and tests.
const keyed = (key) => ({ 'data-key': key, 'data-head': headOfKey(key) });

function pointing(host, { words, pick, peek = () => ({}), move = () => {}, columns = 1, state = 'aria-pressed' }) {
  let cells = [], marked = [], stop = 0, hinted = 0;
  const at = ({ target }) => {
    const cell = target.closest?.('[data-i]');
    return cell && cells[cell.dataset.i] === cell ? +cell.dataset.i : -1;
  };
  const setStop = (i) => {
    if (cells[stop]) cells[stop].tabIndex = -1;
    cells[(stop = i)].tabIndex = 0;
  };
  const away = () => (tip.hide(), store.look({}, true));
  const hint = (where, i, tapped = false) => {
    const said = words(i, true);
    if (said) tip.show(where, ...said, tapped), (tip.of = host), (hinted = i);
    else tip.hide();
  };
  const events = {
    pointermove(event, i) {
      if (event.pointerType === 'touch') return; // a finger scrolls; it points by tapping
      if (i < 0) return away();
      hint(event, i);
      store.look(peek(i), true);
    },
    pointerleave: (event) => event.pointerType !== 'touch' && away(),
    focusin(event, i) {
      if (i < 0) return;
      setStop(i);
      if (event.target.matches(':focus-visible')) hint(event.target, i);
    },
    focusout: () => tip.hide(),
    click(event, i) {
      if (i < 0) return;
      pick(i);
      if (event.pointerType === 'touch' && cells[i]?.isConnected) hint(cells[i], i, true); // where it is now: it may have scrolled
    },
    keydown(event, i) {
      if (i < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
      const wide = typeof columns === 'function' ? columns() : columns, move2 = ARROWS[event.key];
      if (move2) {
        const to = wide === 1 ? i + move2[0] + move2[1] : i + move2[0] + wide * move2[1];
        if (cells[to] && !(move2[0] && wide > 1 && floor(i / wide) !== floor(to / wide))) {
          cells[to].focus();
          move(to);
        }
      } else if ((event.key === 'Enter' || event.key === ' ') && event.target.tagName !== 'BUTTON') pick(i);
      else return;
      handled(event);
    },
  };
  for (const [name, act] of Object.entries(events)) listen(host, name, (event) => act(event, at(event)));
  return {
    set(next) {
      cells = next;
      marked = [];
      stop = max(0, cells.indexOf(document.activeElement));
      cells.forEach((cell, i) => ((cell.dataset.i = i), (cell.tabIndex = i === stop ? 0 : -1)));
    },
    say() {
      marked = [];
      cells.forEach((cell, i) => (cell.ariaLabel = spoken(...words(i))));
      if (tip.of === host && !tip.node.hidden) tip.say(...words(hinted, true)); // what is shown already changes, too
    },
    mark(isOn = (cell) => isChosen(cell.dataset.key), isPeeked = (cell) => isChosen(cell.dataset.key, store.peek)) {
      cells.forEach((cell, i) => {
        const on = Boolean(isOn(cell, i)), peeked = !on && Boolean(isPeeked(cell, i)), now = on ? 2 : +peeked;
        if (marked[i] === now) return; // of thousands of cells a selection changes few
        marked[i] = now;
        cell.classList.toggle('chosen', on);
        cell.classList.toggle('peeked', peeked);
        cell.setAttribute(state, String(on));
        if (on && !cells.includes(document.activeElement)) setStop(i);
      });
    },
  };
}

// Where a table or a figure goes on, its edge is in shade, and to the right a button says so and goes there. The shade is
// no background that moves with what is in the box: that was painted as large as the whole table, before its first picture.
function saySideways(host) {
  for (const box of host.querySelectorAll('.scroll, .sideways')) {
    if (box.nextSibling?.classList?.contains('further')) continue;
    const go = button('More to the right →', () => box.scrollBy({ left: box.clientWidth * 0.8 }), { class: 'further hint', hidden: true });
    const look = () => {
      go.hidden = box.scrollLeft + box.clientWidth > box.scrollWidth - 12;
      box.classList.toggle('leftmore', box.scrollLeft > 12);
      box.classList.toggle('rightmore', !go.hidden);
    };
    box.after(go);
    listen(box, 'scroll', look, { passive: true });
    new ResizeObserver(look).observe(box); // it says the first size, too
  }
}

// What the audit found of what the model gives away: a sentence, its figures, and why the model may be in this file.
// On the first page the figures are folded, and with them what stands in brackets, so that a reader meets the model before
// its numbers.
const auditOf = (folded, seen) => {
  const brief = folded && page.auditFigures.length ? page.audit.replace(/ \([^()]*\)/g, '') : page.audit,
    figures = page.auditFigures.length ? el('div.auditfigures', brief === page.audit ? null : el('p.caption', page.audit), pairsOf(page.auditFigures)) : null,
    why = page.sharing ? el('p.caption', el('b', 'Why the model is in this file. '), page.sharing) : null;
  return [
    el('p.caption.audit', el('b', 'What it gives away. '), explained(brief, seen), viewOf('audit-completion') ? [' ', linkTo({ view: 'audit-completion' }, 'The tests →')] : null),
    folded && page.against ? el('p.caption', el('b', 'The audit does not let this model be shared.')) : null,
    folded && (figures || why) ? el('details.checks', el('summary.quiet', figures ? 'Figures of the audit' : 'Why the model is in this file'), figures, why) : [figures, why],
  ];
};

// A canvas of the wanted size in CSS pixels, sharp on dense screens.
function sizeCanvas(canvas, width, height) {
  const dense = min(2, window.devicePixelRatio || 1);
  canvas.width = round(width * dense);
  canvas.height = round(height * dense);
  styled(canvas, { width: `${width}px`, height: `${height}px` });
  return dense;
}

// A slider for the least size shown, as a share of the largest: { least(), limit(), node, show(count) }; it lies in the address.
function threshold(first, most, unit) {
  const least = () => (store.threshold ?? round(100 * min(1, (first ?? 0) / most))) / 100;
  const slider = el('input', { type: 'range', min: 1, max: 100, on: { input: () => store.set({ threshold: +slider.value }) } }),
    where = el('span.where'), node = el('label.slider', 'Smallest effect shown', slider, where);
  const show = (count) => {
    slider.value = round(100 * least());
    fill(where, dots(number(least() * most) + (unit && unit !== '1' ? ` (${visible(unit)})` : ''), count));
  };
  return { least, limit: () => least() * most - 1e-9, node, show };
}
