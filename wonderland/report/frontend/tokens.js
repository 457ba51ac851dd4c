// tokens: conversations shaded token by token, with what was likely instead and a list of the most surprising places.

renderers.tokens = ({ view, data, plot, controls }) => {
  const { measures, conversations } = data,
    grids = conversations.map((c) => asGrid(c.values)),
    scales = measures.map((measure, m) => colourScale(measure, measure.domain ?? grids.flatMap((grid) => Array.from(grid.row(m))))),
    chosen = () => min(store.tab, measures.length - 1),
    steps = stepper({ panels: conversations, of: data.of, inside: Boolean(data.panels) }), sample = steps.index;
  const isWord = (s, i) => !SPECIAL.test(conversations[s].tokens[i]); // special tokens are signs between the words
  const valueAt = (m, i, s = sample()) => grids[s].at(m, i);

  const tabs = measures.length > 1 ? choice('Measure', measures.map((m) => m.name), (tab) => store.set({ tab })) : null,
    scaleKey = legend();
  fill(controls, steps.node, tabs?.node, scaleKey.node);

  const numbers = (i) => measures.map((m, k) => [m.name, withUnit(number(valueAt(k, i)), m.unit)]);
  const words = bubbles((i, hovering) => {
    const name = tokenName(conversations[sample()].tokens[i]);
    return hovering ? [name, numbers(i)] : [`token ${i}, ${name}`, [numbers(i)[chosen()]]];
  });
  const detail = el('section.detail', LIVE), jumps = el('ol.jumps');
  plot.append(el('div.reading', words.node, el('div.beside', detail, el('section', el('h2', `Highest ${measures[0].name}`), jumps))));

  const highlights = (data.highlights ?? grids.flatMap((grid, conversation) => Array.from(grid.row(0), (value, position) => ({ conversation, position, value })))
    .filter(({ conversation, position, value }) => value && finite(value) && isWord(conversation, position)).sort((a, b) => b.value - a.value)).slice(0, 12);
  const jumpButtons = highlights.map(({ conversation, position, value }) => el('button', { 'data-at': `${conversation}/${position}`,
    on: { click: () => (store.set({ [steps.key]: conversation, pos: position }), words.reveal(position)) } },
  el('q', tokenName(conversations[conversation].tokens[position])), el('small', `${steps.of} ${conversation + 1}`), el('b', number(value))));
  fill(jumps, jumpButtons.map((jump) => el('li', jump)));

  function showDetail() {
    const { tokens, alternatives } = conversations[sample()],
      pointed = [store.peek.pos, store.pos].find((p) => isNumber(p) && p < tokens.length);
    const i = pointed ?? max(0, d3.maxIndex(grids[sample()].row(0), (value, at) => (isWord(sample(), at) ? value : NaN))); // until one is pointed at, the most surprising
    const options = alternatives?.[i] ?? [], list = options[0] && tokenBars(options);
    options.forEach(([text], k) => list.children[k].classList.toggle('right', text === tokens[i]));
    fill(detail, el('h2', el('q', tokenName(tokens[i])), el('small', ` token ${i}${pointed === undefined ? `, highest ${measures[0].name} here` : ''}`)),
      pairsOf(numbers(i)), list && [el('h3', 'What the model expected here'), list]);
  }

  const update = (changed) => {
    if (when(changed, 'mounted', steps.key)) {
      steps.show();
      words.show(conversations[sample()]);
    }
    if (when(changed, 'mounted', steps.key, 'tab', 'theme')) {
      const m = chosen();
      words.shade((i) => valueAt(m, i), scales[m]);
      scaleKey.show(scales[m], { unit: measures[m].unit });
      tabs?.show(m);
    }
    words.choose();
    jumpButtons.forEach((jump) => jump.classList.toggle('chosen', jump.dataset.at === `${sample()}/${store.pos}`));
    showDetail();
  };
  const table = () => {
    const { tokens, speakers } = conversations[sample()];
    return tableOf(tokens, ['Position', (_, i) => i], ['Speaker', (_, i) => speakers[i]], ['Token', tokenCell], ...measures.map((m, k) => [m.name, (_, i) => valueAt(k, i), m.unit]));
  };
  return { update, table, steps };
};
