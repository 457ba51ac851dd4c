// tokens: conversations shaded token by token, with what was likely instead and a list of the most surprising places.

renderers.tokens = ({ view, data, plot, controls }) => {
  const { measures, conversations } = data;
  const grids = conversations.map((c) => asGrid(c.values));
  const scales = measures.map((measure, m) => colourScale(measure, measure.domain ?? grids.flatMap((grid) => Array.from(grid.row(m)))));
  const chosen = () => Math.min(store.tab, measures.length - 1);
  const sample = () => sampleIn(conversations);
  const valueAt = (m, i, s = sample()) => grids[s].at(m, i);

  const step = sampler(conversations);
  const tabs = measures.length > 1 ? choice('Measure', measures.map((m) => m.name), (tab) => store.set({ tab })) : null;
  const scaleKey = legend();
  controls.append(...[step.node, tabs?.node, scaleKey.node].filter(Boolean));

  const words = bubbles({ label: 'The conversation, token by token', describe });
  const detail = el('section', { class: 'detail', 'aria-live': 'polite' });
  const jumps = el('ol', { class: 'jumps' });
  plot.append(el('div', { class: 'reading' }, words.node, el('div', { class: 'beside' }, detail, el('section', {}, el('h2', { text: `Highest ${measures[0].name}` }), jumps))));

  const measured = (i) => measures.map((m, k) => [m.name, withUnit(number(valueAt(k, i)), m.unit)]);
  function describe(i) {
    const options = conversations[sample()].alternatives?.[i] ?? [];
    const likely = options.slice(0, 5).map(([text, p]) => [tokenName(text), number(p, 3)]);
    return facts(tokenName(conversations[sample()].tokens[i]), [...measured(i), ...(likely.length ? [['likely instead', ' ']] : []), ...likely]);
  }

  const highlights = (data.highlights ?? grids.flatMap((grid, conversation) => Array.from(grid.row(0), (value, position) => ({ conversation, position, value })))
    .filter(({ value }) => Number.isFinite(value)).sort((a, b) => b.value - a.value)).slice(0, 12);
  const jumpButtons = highlights.map(({ conversation, position, value }) => el('button', { type: 'button', 'data-at': `${conversation}/${position}`,
    on: { click: () => (store.set({ sample: conversation, pos: position }), words.reveal(position)) } },
  el('q', { text: tokenName(conversations[conversation].tokens[position]) }),
  el('small', { text: `conversation ${conversation + 1}` }), el('b', { text: number(value) })));
  jumps.append(...jumpButtons.map((jump) => el('li', {}, jump)));

  function showDetail() {
    const { tokens, alternatives } = conversations[sample()];
    const pointed = [store.peek.pos, store.pos].find((p) => isNumber(p) && p < tokens.length);
    const i = pointed ?? Math.max(0, d3.maxIndex(grids[sample()].row(0))); // until one is pointed at, the most surprising
    const options = alternatives?.[i] ?? [];
    detail.replaceChildren(
      el('h2', {}, el('q', { text: tokenName(tokens[i]) }), el('small', { text: ` token ${i}${pointed === undefined ? `, highest ${measures[0].name} here` : ''}` })),
      el('dl', {}, ...measured(i).flatMap(([label, value]) => [el('dt', { text: label }), el('dd', { text: value })])),
      ...(options.length ? [el('h3', { text: 'What the model expected here' }), el('ol', { class: 'options' }, ...options.map(([text, p]) => {
        const bar = el('i');
        bar.style.width = `${Math.max(1, 100 * p)}%`;
        return el('li', { class: text === tokens[i] ? 'right' : null }, el('q', { text: tokenName(text) }), el('span', { class: 'track' }, bar), el('b', { text: number(p, 2) }));
      }))] : []));
  }

  const shade = () => {
    const m = chosen();
    words.shade((i) => valueAt(m, i), scales[m]);
    words.label((i) => `token ${i}, ${tokenName(conversations[sample()].tokens[i])}, ${measures[m].name} ${withUnit(number(valueAt(m, i)), measures[m].unit)}`);
    scaleKey.show(scales[m], { unit: measures[m].unit });
    tabs?.show(m);
  };
  const choose = () => {
    words.choose(store.pos, store.peek.pos);
    jumpButtons.forEach((jump) => jump.classList.toggle('chosen', jump.dataset.at === `${sample()}/${store.pos}`));
    showDetail();
  };
  const update = (changed) => {
    if (changed.has('mounted') || changed.has('sample')) {
      step.show();
      words.show(conversations[sample()]);
    }
    if (['mounted', 'sample', 'tab', 'theme'].some((key) => changed.has(key))) shade();
    choose();
  };
  const table = () => {
    const { tokens, speakers } = conversations[sample()];
    return {
      columns: [{ key: 'position', label: 'Position' }, { key: 'speaker', label: 'Speaker' }, { key: 'token', label: 'Token' }, ...measures.map((m, k) => ({ key: `m${k}`, label: m.name, unit: m.unit }))],
      rows: tokens.map((token, i) => ({ position: i, speaker: speakers[i], token: tokenName(token), ...Object.fromEntries(measures.map((_, k) => [`m${k}`, valueAt(k, i)])) })),
    };
  };
  return { update, table };
};
