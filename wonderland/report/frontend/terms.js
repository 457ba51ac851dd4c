// The words of the field: wherever one stands in a text of the report it is underlined, and says what it means.

const TERMS = new Map(page.glossary.flatMap((term) => term.forms.map((form) => [form.toLowerCase(), term])));
const TERM = TERMS.size ? new RegExp(`(?<![\\w-])(?:${[...TERMS.keys()].sort((a, b) => b.length - a.length).map((form) => form.replace(/[^\w ]/g, '\\$&')).join('|')})(?![\\w-])`, 'gi') : null;
const termIn = (text) => TERMS.get(text.match(TERM ?? /^\b$/)?.[0].toLowerCase());

// A text with its terms, each marked once for `seen`: a list of words and buttons. `more` is said after what a term means.
function explained(text, seen = new Set(), more = '') {
  if (!TERM || !text) return text;
  const parts = [];
  let from = 0;
  for (const { 0: word, index } of text.matchAll(TERM)) {
    const term = TERMS.get(word.toLowerCase());
    if (seen.has(term)) continue;
    seen.add(term);
    parts.push(text.slice(from, index), termButton(word, term, more));
    from = index + word.length;
  }
  return [...parts, text.slice(from)];
}

function termButton(word, term, more) {
  const say = () => tip.show(node, term.name, dots(term.text, more)),
    node = el('span.term', { role: 'button', tabindex: 0, 'aria-describedby': 'tip', on: { pointerenter: say, focus: say, click: say, pointerleave: () => tip.hide(), blur: () => tip.hide() } }, word);
  return node;
}
