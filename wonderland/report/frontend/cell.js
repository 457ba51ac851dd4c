// One cell of an attention pattern, from query times key to what the head writes: numbers of Python (BehindCells), or of
// the engine where a live report reads one's own text. Of a page that holds the weights alone, the weight.

// The numbers of head i at a query and a key: of a conversation from its `behind`, or from its `ask`.
function cellNumbers({ d_head: width, words, conversation: { patterns, opened: behind, ask } }, i, query, key) {
  const weight = patterns.at(i, query, key);
  if (ask) return { weight, ...ask(i, query, key) };
  if (!behind || !width) return { weight };
  const levels = weight * 65535, sum = asGrid(behind.log_sum).at(i, query), least = levels < 0.5; // a weight is stored in 65,535 steps
  const score = Math.log(max(levels, 0.5) / 65535) + sum, size = behind.size ? asGrid(behind.size).at(i, key) : null,
    found = { weight, width, sum, score, least, rough: levels < 50, product: score * Math.sqrt(width), size };
  if (!behind.ids) return found;
  const ids = asGrid(behind.ids), scale = asGrid(behind.scale).at(query), count = ids.shape[2],
    written = d3.range(count).map((k) => [words[ids.at(i, key, k)], (weight * asGrid(behind.amounts).at(i, key, k)) / scale]);
  return { ...found, up: written.slice(0, count / 2), down: written.slice(count / 2) };
}

// The panel, as blocks: from the score to the words.
function cellBlocks(data, i, query, key) {
  const { tokens, patterns } = data.conversation, found = cellNumbers(data, i, query, key), { weight, score, least, rough } = found,
    about = (value, digits = 2) => (least ? `below ${number(value, digits)}` : rough ? `about ${number(value, 1)}` : number(value, digits)),
    seen = d3.range(query + 1), most = d3.sort(seen, (k) => -patterns.at(i, query, k)).slice(0, 5), shown = most.includes(key) ? most : [...most.slice(0, 4), key];
  const softmax = { title: `2  Softmax over the ${counted(query + 1, 'token')} it can see`,
    text: score === undefined ? `Its share of the attention: ${number(weight, 3)}` : `exp(${about(score)}) ÷ exp(${number(found.sum, 2)}) = ${number(weight, 3)}; the divisor is the sum over all of them`,
    tokens: shown.map((k) => [tokens[k], patterns.at(i, query, k), k === key ? `at ${k}, this cell` : `at ${k}`]) };
  if (score === undefined) return [softmax, { title: 'What this page does not hold', text: 'Only the pattern is stored here. A report written with --live opens every cell of your own text, to the words it moves.' }];
  return [
    { title: '1  Query times key', rows: [['q · k', about(found.product)], [`divided by √${found.width}`, number(Math.sqrt(found.width), 2)], ['score', about(score)]] },
    softmax,
    found.size === null ? null : { title: '3  The value it moves', rows: [['length of the value, written', number(found.size)], ['times the weight', number(weight, 3)], ['moved', number(found.size * weight)]] },
    found.up ? { title: '4  What that writes: logits of the next token', text: 'Raised and lowered most, along the direct path: through W_O, the last norm as it was, and the unembedding. Later layers may undo it.', beside: [{ title: 'up', tokens: found.up }, { title: 'down', tokens: found.down }] }
      : { title: '4  What that writes', text: page.containsText ? 'This model has too many tokens to store it for each cell. A report written with --live computes it for your own text.' : 'It is left out of a report that is made to be shown: its words could tell the message.' },
  ].filter(Boolean);
}

// The panel under the explorer. `at()` is [head, query, key] of the cell that is open, or null.
function cellPanel(at, data) {
  const node = el('section.zoom', { ...LIVE, label: 'One cell' });
  const show = () => {
    try {
      tell();
    } catch (error) {
      fill(node, harmed(error));
    }
  };
  const tell = () => {
    const open = at();
    if (!open) return void fill(node, el('p.quiet.hint', 'Click a cell of the large pattern, or press Enter on it, for what is behind its weight.'));
    const [i, query, key] = open, all = data();
    if (all.conversation.harm) throw all.conversation.harm;
    if (all.conversation.behind && !all.conversation.opened) return void fill(node); // in a moment
    const name = (k) => quoted(all.conversation.tokens, k);
    fill(node, el('h2', `${HEADS[i]}: ${name(query)} looks at ${name(key)}`, el('small', 'one cell, n = 1')), button('Close', () => store.set({ node: null }), { class: 'quiet hint' }),
      el('div.blocks', cellBlocks(all, i, query, key).map(drawBlock)));
  };
  return { node, show };
}
