// The tour: Python chose the steps (tour.py). Each opens a place in the report, outlines what it speaks of, and says it in
// a panel that leaves the page free to be tried. The focus is in the panel; when it closes, it goes back where it was.

const MARKS = {
  title: 'main h1', token: '.bubbles .token:not(.special)', heads: '.thumbs', map: '.first .modelmap|#card .modelmap', figure: 'main .plot .thumb.chosen, main .plot .cells .chosen, main .plot tr.chosen|main .plot',
  chosen: '.bubbles .token.chosen', table: '.findings .scroll', goon: '.goon',
};
const marked = (mark) => {
  const [, kind, at] = /^(story|finding):(\d+)/.exec(mark) ?? [];
  if (kind === 'story') return byId(`story-${at}`)?.parentElement;
  if (kind === 'finding') return document.querySelector(`[data-finding="${at}"]`);
  return MARKS[mark.split(':')[0]].split('|').flatMap((wanted) => [...document.querySelectorAll(wanted)]).find((node) => node.offsetWidth); // the first kind that is there
};

function makeTour() {
  const steps = page.tour;
  let at = -1, from = null, outlined = null, turn = 0;
  const title = el('h2', { id: 'tour-title', tabindex: -1 }), text = el('p', { id: 'tour-text' }), where = el('span.where'),
    back = button('Back', () => show(at - 1)), next = button('Next', () => (at < steps.length - 1 ? show(at + 1) : end()));
  const node = el('section.tour', { role: 'dialog', 'aria-labelledby': 'tour-title', 'aria-describedby': 'tour-text', hidden: true },
    title, text, el('div.buttons', where, back, next, button('End', () => end(), { title: 'End the tour  Esc' })));

  const outline = (target) => {
    outlined?.classList.remove('toured');
    outlined = target ?? null;
    outlined?.classList.add('toured');
  };
  // The view is drawn when it is unpacked: until then, and for three seconds at most, what is spoken of is looked for.
  function point(mark, mine, until) {
    if (mine !== turn) return;
    const target = byId(`title-${store.view}`) && marked(mark);
    if (!target) return performance.now() < until ? requestAnimationFrame(() => point(mark, mine, until)) : undefined;
    outline(target);
    const inside = target.closest('.scroll'); // a row of a long table: first the table is moved, then the page
    if (inside) {
      inside.scrollTop += target.getBoundingClientRect().top - inside.getBoundingClientRect().top - inside.clientHeight / 3;
      const part = mark.split(':')[2], cell = target.children[part] ?? target.querySelector(`[data-part="${part}"]`) ?? target.querySelector('td:has(.interval)') ?? target; // the number that is spoken of, or the first that has an interval, where the table is wider than the screen
      inside.scrollLeft = cell === target ? 0 : max(0, cell.offsetLeft + cell.offsetWidth + 16 - inside.clientWidth);
    }
    const room = node.getBoundingClientRect(), below = room.width > innerWidth * 0.7 ? innerHeight - room.top : 0, box = target.getBoundingClientRect();
    const free = innerHeight - below, top = box.height > free - 90 ? 80 : (free - box.height) / 2; // in the middle of what the panel leaves free
    scrollBy({ top: box.top - top, behavior: 'instant' });
  }
  function show(i) {
    at = max(0, min(steps.length - 1, i));
    const step = steps[at];
    outline(null);
    store.set({ key: null, pos: null, layer: null, tab: 0, ...selecting(...step.select), view: step.view });
    fill(title, step.title);
    fill(text, explained(step.text));
    fill(where, `${at + 1} of ${steps.length}`);
    back.disabled = !at;
    fill(next, at < steps.length - 1 ? 'Next' : 'Done');
    title.focus({ preventScroll: true });
    point(step.mark, ++turn, performance.now() + 3000);
  }
  function begin() {
    if (node.hidden) from = document.activeElement;
    node.hidden = false;
    document.body.classList.add('touring');
    show(0);
  }
  function end() {
    turn++;
    outline(null);
    node.hidden = true;
    document.body.classList.remove('touring');
    (from?.isConnected && from !== document.body ? from : byId('main')).focus({ preventScroll: true });
  }
  listen(node, 'keydown', (event) => {
    const by = ARROWS[event.key]?.[0];
    if (!by) return;
    show(at + by);
    handled(event);
  });
  listen(document, 'keydown', (event) => {
    if (event.key !== 'Escape' || node.hidden || document.querySelector('dialog[open]')) return;
    end();
    handled(event);
  }, true);
  return { node, begin };
}
