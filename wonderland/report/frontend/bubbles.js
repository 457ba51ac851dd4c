// A conversation as bubbles, me on the right and they on the left, every token its own span that can be shaded.

// Which message each token belongs to: as the data say, or a new one wherever a speaker begins.
function messageNumbers({ tokens, speakers, messages }) {
  if (messages) return asList(messages);
  let current = -1;
  return tokens.map((token, i) => (current += i === 0 || /^<\|(me|them)\|>$/.test(token) || speakers[i] !== speakers[i - 1] ? 1 : 0));
}
// A token in its place: spaces as they are, line breaks marked, hidden characters as escapes.
const inSentence = (token) => (token === '' ? '∅' : visible(token.replace(/\n/g, '⏎')));

// A token with its place.
const placed = (tokens, i) => `${tokenName(tokens[i])} (${i})`, quoted = (tokens, i) => `“${tokenName(tokens[i])}” (${i})`;

// The parts of a token on the page: the space before a word is not shaded, so that no sliver of it stays on the line above.
const tokenParts = (token) => {
  const [, space, word] = /^( *)([^]*)$/.exec(inSentence(token));
  return word ? [space, el('i.shade', word)] : [el('i.shade', space)];
};
const shadeToken = (node, scale, value) => styled(node.lastElementChild ?? node, finite(value) ? scale.paint(value) : { background: '', color: '' });

// `words(i)` names a token with its numbers, or nothing where hovering needs no tooltip.
function bubbles(words) {
  const node = el('div.bubbles', { role: 'group', label: 'The conversation, token by token' });
  let spans = [];
  const hand = pointing(node, {
    words,
    pick: (i) => store.set({ pos: store.pos === i ? null : i }),
    peek: (i) => ({ key: store.peek.key, pos: i }),
    move: (i) => store.pos !== null && store.set({ pos: i }),
  });
  const show = (conversation) => {
    const numbers = messageNumbers(conversation);
    spans = conversation.tokens.map((token) => (SPECIAL.test(token)
      ? el('span.token.special', { role: 'button' }, token.slice(2, -2)) : el('span.token', { role: 'button' }, tokenParts(token))));
    fill(node, d3.groups(d3.range(spans.length), (i) => numbers[i]).map(([, members]) => {
      const who = conversation.speakers[members[0]] === 'me' ? 'me' : 'them';
      return el(`p.bubble.${who}`, { dir: 'auto' }, members.map((i) => spans[i]));
    }));
    hand.set(spans);
  };
  const shade = (value, scale) => {
    spans.forEach((span, i) => {
      shadeToken(span, scale, value(i));
      span.classList.toggle('undefined', !finite(value(i)));
    });
    hand.say();
  };
  const choose = () => hand.mark((_, i) => i === store.pos, (_, i) => i === store.peek.pos);
  return { node, show, shade, choose, reveal: (i) => spans[i]?.scrollIntoView({ block: 'nearest' }) };
}
