// A conversation as bubbles, me on the right and they on the left, every token its own span that can be shaded.

// Which message each token belongs to: as the data say, or a new one wherever a speaker begins.
function messageNumbers({ tokens, speakers, messages }) {
  if (messages) return asList(messages);
  let current = -1;
  return tokens.map((token, i) => {
    if (i === 0 || token === '<|me|>' || token === '<|them|>' || speakers[i] !== speakers[i - 1]) current += 1;
    return current;
  });
}

function bubbles({ describe, label }) {
  const node = el('div', { class: 'bubbles', role: 'group', 'aria-label': label });
  let spans = [];
  let focused = 0;

  const show = (conversation) => {
    const numbers = messageNumbers(conversation);
    focused = 0;
    spans = conversation.tokens.map((token, i) => {
      const special = SPECIAL.test(token);
      return el('span', { class: special ? 'token special' : 'token', role: 'button', tabindex: i === 0 ? 0 : -1, 'data-i': i, text: special ? token.slice(2, -2) : inSentence(token) });
    });
    const lines = d3.groups(spans, (_, i) => numbers[i]).map(([, members]) => {
      const who = conversation.speakers[+members[0].dataset.i] === 'me' ? 'me' : 'them';
      return el('p', { class: `bubble ${who}`, dir: 'auto' }, ...members);
    });
    node.replaceChildren(...lines);
  };

  const shade = (value, scale) => spans.forEach((span, i) => {
    const v = value(i);
    span.style.background = Number.isFinite(v) ? scale.css(v) : '';
    span.style.color = Number.isFinite(v) ? scale.ink(v) : '';
    span.classList.toggle('undefined', !Number.isFinite(v));
  });
  const label_ = (words) => spans.forEach((span, i) => span.setAttribute('aria-label', words(i)));
  const choose = (position, peeked) => spans.forEach((span, i) => {
    span.classList.toggle('chosen', i === position);
    span.classList.toggle('peeked', i === peeked && i !== position);
    span.setAttribute('aria-pressed', String(i === position));
  });
  const indexOf = (event) => (event.target.classList?.contains('token') ? +event.target.dataset.i : null);
  const hint = (where, i) => {
    const words = describe(i);
    if (words) tip.show(where, ...words);
    else tip.hide();
  };
  const lock = (i) => store.set({ pos: store.pos === i ? null : i });

  node.addEventListener('pointermove', (event) => {
    const i = indexOf(event);
    if (i === null) return;
    store.look({ ...store.peek, pos: i });
    hint(event, i);
  });
  node.addEventListener('pointerleave', () => (tip.hide(), store.look({ ...store.peek, pos: undefined })));
  node.addEventListener('click', (event) => indexOf(event) !== null && lock(indexOf(event)));
  node.addEventListener('keydown', (event) => {
    const i = indexOf(event);
    if (i === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -i, End: spans.length - 1 - i }[event.key];
    if (event.key === 'Enter' || event.key === ' ') lock(i);
    else if (by !== undefined && spans[i + by]) {
      spans[focused].tabIndex = -1;
      focused = i + by;
      spans[focused].tabIndex = 0;
      spans[focused].focus();
      if (store.pos !== null) store.set({ pos: focused });
      else hint(spans[focused], focused);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener('focusout', () => tip.hide());
  const reveal = (i) => spans[i]?.scrollIntoView({ block: 'nearest' });
  return { node, show, shade, label: label_, choose, reveal };
}

// A token in its place: spaces as they are, line breaks marked, hidden characters as escapes.
const inSentence = (token) => (token === '' ? '∅' : visible(token.replace(/\n/g, '⏎')));
