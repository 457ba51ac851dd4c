// matrix-grid, the attention explorer: every head's pattern on one conversation, one of them large, and its words.

// The first matrix-grid's conversations also serve the card of the selected head.
const attentionView = page.views.find((view) => view.renderer === 'matrix-grid') ?? null;

renderers['matrix-grid'] = ({ view, data, plot, controls }) => {
  const { n_layers: layers, n_heads: heads, conversations } = data;
  const total = layers * heads;
  let shown = null; // the conversation on the page, and
  let triangles = null; // its attention: while another is unpacked, both stay
  let opening = 0;
  const conversation = () => shown;
  const current = () => {
    const [layer, head] = headOf(store.shownHead) ?? [0, 0];
    return Math.min(total - 1, layer * heads + head);
  };
  const currentName = () => headName(Math.floor(current() / heads), current() % heads);
  const weightScale = colourScale({ domain: [0, 1] }, []);
  const incoming = () => store.tab === 1;

  const step = sampler(conversations);
  const direction = choice('Direction', ['looks at', 'is looked at by'], (tab) => store.set({ tab }));
  const scaleKey = legend();
  controls.append(step.node, direction.node, scaleKey.node);

  const big = largePattern();
  const title = el('h2', { 'aria-live': 'polite' });
  const readout = el('p', { class: 'readout' });
  const canvases = d3.range(total).map(() => el('canvas', { class: 'pixels', 'aria-hidden': 'true' }));
  const thumbs = canvases.map((canvas, i) => {
    const name = headName(Math.floor(i / heads), i % heads);
    return el('button', { type: 'button', role: 'gridcell', class: 'thumb', 'data-head': name, on: {
      click: () => store.set({ head: name }),
      pointerenter: () => store.look({ ...store.peek, head: name }),
      pointerleave: () => store.look({ ...store.peek, head: undefined }),
    } }, canvas, el('span', { text: name }));
  });
  const grid = el('div', { class: 'thumbs', role: 'grid', 'aria-label': 'Attention patterns of every head' },
    ...d3.range(layers).map((l) => el('div', { class: 'row', role: 'row' }, ...thumbs.slice(l * heads, (l + 1) * heads))));
  const keys = roving(thumbs, heads);
  grid.addEventListener('keydown', keys.move);
  grid.addEventListener('focusin', (event) => thumbs.includes(event.target) && keys.stop(event.target));

  const words = bubbles({ label: 'The conversation, token by token', describe: (i) => (valid(store.pos) && store.pos !== i ? describeToken(i) : null) });
  const about = el('p', { class: 'about' });
  const most = el('ol', { class: 'most' });
  plot.append(
    el('div', { class: 'explorer' }, el('section', { class: 'one' }, title, big.node, readout), grid),
    el('section', { class: 'words' }, el('div', { class: 'wordshead' }, about, most), words.node));

  const weight = (query, key) => triangles.at(current(), query, key);
  const weightOf = (position) => (i) => (incoming() ? weight(i, position) : weight(position, i));
  // With no token chosen: the attention each token receives, averaged over the tokens that can see it.
  const received = () => {
    const n = triangles.n;
    const sums = d3.range(n).map((k) => d3.range(k, n).reduce((sum, q) => sum + weight(q, k), 0) / (n - k));
    return (i) => sums[i];
  };
  const valid = (i) => isNumber(i) && triangles && i < triangles.n;
  function describeToken(i) {
    const kept = `“${tokenName(conversation().tokens[store.pos])}” (${store.pos})`;
    return facts(`${tokenName(conversation().tokens[i])} (${i})`, [[incoming() ? `looks at ${kept}` : `is looked at by ${kept}`, number(weightOf(store.pos)(i), 3)]]);
  }

  big.canvas.addEventListener('pointermove', (event) => {
    const [query, key] = big.at(event);
    const { tokens } = conversation();
    store.look({ ...store.peek, pos: incoming() ? key : query });
    big.cross(query, key <= query ? key : null);
    tip.show(event, ...facts(currentName(), [
      ['token', `${tokenName(tokens[query])}  (${query})`],
      ['looks at', key <= query ? `${tokenName(tokens[key])}  (${key})` : 'cannot see what comes later'],
      ['weight', key <= query ? number(weight(query, key), 3) : ''],
    ]));
  });
  big.canvas.addEventListener('pointerleave', () => (tip.hide(), store.look({})));
  big.canvas.addEventListener('click', (event) => {
    const [query, key] = big.at(event);
    store.set({ pos: incoming() ? key : query });
  });

  function sides() {
    const width = plot.clientWidth;
    const narrow = width < 680;
    const most = document.body.classList.contains('wide') ? Math.max(430, innerHeight - 280) : 430;
    const large = Math.round(Math.max(220, narrow ? width - 24 : Math.min(most, width * 0.48)));
    const room = narrow ? width : width - large - 64;
    const named = Math.min((large + 44) / layers - 27, most / 4, room / heads - 8);
    const bare = named < 40; // too small for a name under each: the grid closes up
    grid.classList.toggle('bare', bare);
    return { large, small: Math.floor(Math.max(18, bare ? Math.min((large + 28) / layers - 3, room / heads - 3) : named)) };
  }
  const drawThumbs = () => canvases.forEach((canvas, i) => drawPattern(canvas, triangles, i, sides().small));
  const drawLarge = () => {
    big.draw(triangles, current(), sides().large, conversation().speakers);
    title.textContent = currentName();
    big.canvas.setAttribute('aria-label', `Attention pattern of ${currentName()} on conversation ${sampleIn(conversations) + 1}, ${triangles.n} tokens`);
  };

  function shadeWords() {
    const position = valid(store.shownPos) ? store.shownPos : null;
    const { tokens } = conversation();
    const value = position === null ? received() : weightOf(position);
    words.shade(value, weightScale);
    words.choose(store.pos, store.peek.pos);
    big.cross(position === null || incoming() ? null : position, position !== null && incoming() ? position : null);
    const ranked = d3.range(triangles.n).filter((i) => value(i) > 0.005).sort((a, b) => value(b) - value(a)).slice(0, 5);
    const named = position === null ? '' : `“${tokenName(tokens[position])}” (${position})`;
    about.textContent = position === null ? 'Shaded by the attention each token receives on average. Point at a word, or click it to keep it.'
      : incoming() ? `${named} is looked at most by` : `${named} looks most at`;
    most.replaceChildren(...(position === null ? [] : ranked).map((i) => el('li', {}, el('q', { text: tokenName(tokens[i]) }), el('span', { text: number(value(i), 2) }))));
    readout.textContent = position === null ? `${triangles.n} tokens; each row shows where one token looks.` : `${named}: ${ranked.length ? (incoming() ? 'looked at most by ' : 'most weight on ') + tokenName(tokens[ranked[0]]) + ', ' + number(value(ranked[0]), 2) : 'no weight above 0.005'}`;
  }

  function select() {
    thumbs.forEach((thumb) => {
      const on = thumb.dataset.head === store.head;
      thumb.classList.toggle('chosen', on);
      thumb.classList.toggle('peeked', !on && thumb.dataset.head === store.peek.head);
      thumb.setAttribute('aria-selected', String(on));
      if (on) keys.stop(thumb);
    });
  }

  async function openSample() {
    const turn = ++opening;
    const wanted = conversations[sampleIn(conversations)];
    const next = wanted.patterns.value ?? (await wanted.patterns.open());
    if (turn !== opening) return;
    [shown, triangles] = [wanted, next];
    step.show();
    words.show(wanted);
    words.label((i) => `token ${i}, ${tokenName(wanted.tokens[i])}`);
    thumbs.forEach((thumb) => thumb.setAttribute('aria-label', `${thumb.dataset.head}, attention pattern`));
    draw();
  }
  function draw() {
    scaleKey.show(weightScale, { unit: '' });
    direction.show(store.tab === 1 ? 1 : 0);
    drawThumbs();
    drawLarge();
    shadeWords();
    select();
  }

  const update = (changed) => {
    if (changed.has('mounted') || changed.has('sample')) openSample();
    if (!triangles) return;
    if (changed.has('size') || changed.has('theme')) return draw();
    if (changed.has('head') || changed.has('peek')) drawLarge();
    if (changed.has('tab')) direction.show(store.tab === 1 ? 1 : 0);
    shadeWords();
    select();
  };
  const table = () => {
    const { tokens } = conversation();
    const rows = d3.range(triangles.n).flatMap((q) => d3.range(q + 1).map((k) => ({ q, query: tokenName(tokens[q]), k, key: tokenName(tokens[k]), weight: weight(q, k) })))
      .filter((row) => row.weight >= 0.01);
    return { rows, columns: [{ key: 'q', label: 'Position' }, { key: 'query', label: 'Token' }, { key: 'k', label: 'Looks at position' }, { key: 'key', label: 'Token there' }, { key: 'weight', label: `Weight in ${currentName()}, 0.01 and more`, digits: 3 }] };
  };
  return { update, table, canvas: () => big.canvas };
};
