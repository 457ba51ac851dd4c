// The field, and the text as the model reads it: tokens shaded by surprise, or by where a head looks.

// While one types, a press on a button of the sheet leaves the focus, and so a phone's keyboard, where it is.
document.addEventListener('mousedown', (event) => event.target.closest('.typing .next button') && event.preventDefault());

function writePanel(session, { changed, asked }) {
  const who = choice('Write as', SPEAKERS, (i) => ((written.who = SPEAKERS[i]), changed(), field.focus()));
  const field = el('textarea.field', { rows: 2, maxlength: FIELD, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', placeholder: 'Write a message …', label: 'Write a message' });
  const afresh = button('Start afresh', () => (Object.assign(written, { turns: [], text: '' }), take(), field.focus()), { class: 'quiet' });
  const hint = el('p.key', 'Tab writes the likeliest token · Enter ends the message, the other one speaks · Esc leaves the field');
  const examples = el('p.examples'), strip = el('div.bubbles.strip', { role: 'group', label: 'The text, token by token' });
  const note = el('p.banner', { role: 'status', hidden: true }), left = el('p.quiet', LIVE), key = el('p.quiet.shading');
  const node = panel('write', 'Write', el('div.controls', who.node, afresh), field, left, hint, examples, keepPanel({ take: () => take() }), note, strip, key);

  sayLeftOut(field, (words) => fill(left, words));
  const take = () => {
    fill(left);
    if (field.value !== written.text) field.value = written.text;
    changed();
  };
  const end = () => {
    if (!written.text.trim()) return;
    written.turns.push({ who: written.who, text: written.text.trim() });
    Object.assign(written, { text: '', who: written.who === 'me' ? 'them' : 'me' });
    take();
  };
  const accept = (id) => {
    if (!session.tokenizer || !acceptable(session.tokenizer, id)) return;
    if (id === SEP) return end();
    const text = session.tokenizer.decode([id]), before = written.text.trimEnd();
    written.text = before ? before + text : text.trimStart();
    take();
    field.setSelectionRange(field.value.length, field.value.length);
  };
  // While one writes on a phone the likely tokens lie in a sheet above the keyboard: `next` stands on what is left of the screen.
  const sheet = (on) => {
    const board = node.closest('.board'), next = board?.querySelector('.next'), { visualViewport: seen } = window;
    board?.classList.toggle('typing', on);
    if (next) styled(next, { bottom: on && seen ? `${max(0, innerHeight - seen.height - seen.offsetTop)}px` : '' });
  };
  for (const name of ['resize', 'scroll']) window.visualViewport?.addEventListener(name, () => node.closest('.typing') && sheet(true));
  const acts = {
    focus: () => sheet(true),
    blur: () => setTimeout(() => document.activeElement !== field && sheet(false), 150), // a press on a token of the sheet comes first
    input: () => ((written.text = field.value), changed()),
    keydown(event) {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Enter' && !event.shiftKey) end();
      else if (event.key === 'Tab' && !event.shiftKey && session.top !== null && acceptable(session.tokenizer, session.top)) accept(session.top);
      else if (event.key === 'Escape') field.blur();
      else if (event.key === 'Backspace' && !field.value && written.turns.length) Object.assign(written, written.turns.pop()), take();
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
  for (const name in acts) listen(field, name, acts[name]);
  fill(examples, 'For example: ', session.data.examples.map((example, i) => [i ? ' · ' : '', button(example.map(({ text }) => text).join(' / '), () => {
    Object.assign(written, { turns: example.slice(0, -1).map((turn) => ({ ...turn })), ...example.at(-1) });
    take();
  }, { class: 'link' })]));

  let spans = [];
  const hand = pointing(strip, {
    words: (i, hovering) => {
      const name = tokenName(session.pieces[i]), loss = session.losses?.[i];
      const told = [isNumber(loss) ? ['surprise', `${number(loss)} nats`] : ['', 'nothing before it'], ...(isNumber(loss) ? [['probability', percent(Math.exp(-loss))]] : [])];
      return hovering ? [name, told] : [`token ${i}, ${name}`, told.slice(0, 1)];
    },
    pick: (i) => asked(session.query === i ? null : i, true),
    peek: (i) => (asked(i, false), store.peek),
    move: (i) => asked(i, false),
  });
  strip.addEventListener('pointerleave', () => asked(null, false));

  // Tokens at once, their numbers when they are there.
  const showTokens = () => {
    const { pieces, struck, gone: count, turnOf } = session;
    who.show(SPEAKERS.indexOf(written.who));
    examples.hidden = !isEmpty();
    afresh.hidden = isEmpty();
    if (field.value !== written.text) field.value = written.text;
    spans = pieces.map((piece) => el(SPECIAL.test(piece) ? 'span.token.special' : 'span.token', { role: 'button' }, SPECIAL.test(piece) ? piece.slice(2, -2) : tokenParts(piece)));
    const gone = struck.map((piece) => el('s.token', SPECIAL.test(piece) ? piece.slice(2, -2) : inSentence(piece)));
    fill(strip, gone.length ? el('p.bubble.gone', count > 40 ? '… ' : null, gone) : null,
      d3.groups(d3.range(spans.length), (i) => turnOf[i]).map(([, members]) => el(`p.bubble.${session.speakerOf[members[0]]}`, { dir: 'auto' }, members.map((i) => spans[i]))));
    hand.set(spans);
    note.hidden = !count;
    fill(note, count ? `The model sees ${session.model.context} tokens at once. It does not see the oldest ${number(count)}${session.unread ? ' and more' : ''}, struck through.` : '');
  };
  const shade = () => {
    const head = headOf(store.shownHead), from = session.at(), { losses } = session, looking = head && session.fresh;
    const scale = colourScale(looking ? { domain: [0, 1] } : { domain: [0, 10] }, []);
    spans.forEach((span, i) => {
      const value = looking ? (i <= from ? session.weight(...head, from, i) : NaN) : losses?.[i] ?? NaN;
      shadeToken(span, scale, value);
    });
    hand.mark((_, i) => i === session.query, (_, i) => i === session.hover);
    if (losses) hand.say();
    fill(key, looking ? `Shaded: where ${store.shownHead} looks from “${tokenName(session.pieces[from])}” (square-root scale)` : 'Shaded: surprise, 0 to 10 nats (square-root scale)');
  };
  return { node, field, accept, end, showTokens, shade };
}
