// Small parts of the live view: likely tokens with bars, and a token in its place.

const percent = (p) => (p <= -0.00095 ? `−${percent(-p)}` : p >= 0.0995 ? `${round(100 * p)}%` : p >= 0.00095 ? `${(100 * p).toFixed(1)}%` : '< 0.1%');
const barOf = (share, name = 'i') => {
  const bar = el(name);
  bar.style.width = `${max(0.5, 100 * min(1, share))}%`;
  return el('span.track', bar);
};
const meaningOf = (id) => (id === SEP ? 'the message ends' : id === END ? 'the conversation ends' : '');

// Likely tokens: [id, probability]; `accept` writes one of them.
function likelyTokens(tokenizer, options, accept) {
  return el('ol.options.likely', options.map(([id, p], i) => {
    const name = tokenName(tokenizer.piece(id)), can = accept && acceptable(tokenizer, id);
    const word = can ? button(name, () => accept(id), { class: 'link', title: i ? 'Write it' : 'Write it  Tab' }) : el('q', name);
    return el('li', { 'data-id': id, 'data-p': p.toFixed(6), title: meaningOf(id) }, el('span.what', word, meaningOf(id) ? el('small', ' ends it') : null), barOf(p), el('b', percent(p)));
  }));
}
// Part of a character cannot be written, nor can a speaker: those come from the buttons.
const acceptable = (tokenizer, id) => id === SEP || (id >= SPECIAL_TOKENS.length && wellFormed(tokenizer.bytes([id])));

// The same before and after.
function changedTokens(tokenizer, before, after) {
  const ids = [...new Set([...likeliest(before, 5), ...likeliest(after, 5)].map(([id]) => id))];
  ids.sort((a, b) => max(before[b], after[b]) - max(before[a], after[a]));
  return el('ol.options.changed', ids.slice(0, 7).map((id) => {
    const told = [before, after].map((p) => percent(p[id])), same = told[0] === told[1], up = after[id] > before[id];
    return el('li', { 'data-id': id, 'data-p': after[id].toFixed(6) }, el('q', tokenName(tokenizer.piece(id))),
      el('span.twobars', barOf(before[id], 'i.was'), barOf(after[id])), el('b', told.join(' → '), el('span', { class: same ? '' : up ? 'up' : 'down' }, same ? '' : up ? ' ▲' : ' ▼')));
  }));
}

const panel = (name, title, ...children) => el(`section.panel.${name}`, el('h2', title), ...children);
