// matrix-grid, the attention explorer: every head's pattern on one conversation, one of them large, and its words.

// The first matrix-grid's conversations also serve the card of the selected head.
const attentionView = page.views.find((view) => view.renderer === 'matrix-grid') ?? null;

renderers['matrix-grid'] = ({ view, data, plot, controls }) => {
  const { n_layers: layers, n_heads: heads, conversations } = data;
  let shown = null; // the conversation on the page, and
  let triangles = null; // its attention: while another is unpacked, both stay
  let opening = 0;
  // Until a head is chosen, the one the first page tells of is shown: the first of all is often the dullest.
  const told = max(0, HEADS.indexOf(page.stories.map(({ picture }) => picture?.lit?.[0]).find(Boolean))),
    current = () => (HEADS.indexOf(store.shownHead) + 1 || told + 1) - 1,
    weightScale = colourScale({ domain: [0, 1] }, []),
    incoming = () => store.tab === 1;

  const steps = stepper({ panels: conversations, of: data.of }),
    direction = choice('Direction', ['looks at', 'is looked at by'], (tab) => store.set({ tab })),
    scaleKey = legend();
  controls.append(steps.node, direction.node, scaleKey.node);

  const big = largePattern(),
    title = el('h2', LIVE),
    canvases = HEADS.map(() => el('canvas.pixels', { 'aria-hidden': 'true' })),
    label = (i) => data.labels?.flat()[i] ?? '';
  // A long label stands over the large pattern and in the name of the button; under a thumbnail it has no room.
  const thumbs = canvases.map((canvas, i) => el('button.thumb', { role: 'gridcell', ...keyed(`head:${HEADS[i]}`) }, canvas, el('span', HEADS[i], ' ', label(i).length < 12 ? el('small', label(i)) : null)));
  const grid = el('div.thumbs', { role: 'grid', label: 'Attention patterns of every head' },
    d3.range(layers).map((l) => el('div.row', { role: 'row' }, thumbs.slice(l * heads, (l + 1) * heads))));
  const choose = (i) => store.set({ key: `head:${HEADS[i]}` });
  const hand = pointing(grid, {
    columns: heads,
    state: 'aria-selected',
    words: (i, hovering) => (hovering ? null : [`${HEADS[i]} ${label(i)}`, [['', 'attention pattern']]]),
    pick: choose,
    peek: (i) => ({ ...store.peek, key: `head:${HEADS[i]}` }),
    move: choose,
  });
  hand.set(thumbs);
  hand.say();

  let shading = () => NaN; // what the words are shaded by
  const words = bubbles((i, hovering) => (!hovering ? [`token ${i}, ${tokenName(shown.tokens[i])}`, [['attention', number(shading(i), 3)]]] : valid(store.pos) && store.pos !== i ? describeToken(i) : null)),
    about = el('p.about'), most = el('ol.most');
  // The cell that is open: of the token kept and of the one that `node` names, by direction.
  const openCell = () => {
    if (!triangles || !valid(store.pos) || !valid(store.node)) return null;
    const [query, key] = incoming() ? [store.node, store.pos] : [store.pos, store.node];
    return key <= query ? [current(), query, key] : null;
  };
  const keep = (query, key) => store.set(incoming() ? { pos: key, node: key <= query ? query : null } : { pos: query, node: key <= query ? key : null }),
    zoom = cellPanel(openCell, () => ({ ...data, conversation: shown })),
    whole = [el('div.explorer', el('section.one', title, big.node), grid), zoom.node, el('section.words', el('div.wordshead', about, most), words.node)];
  plot.append(...whole);

  const weight = (query, key) => triangles.at(current(), query, key),
    weightOf = (position) => (i) => (incoming() ? weight(i, position) : weight(position, i));
  // With no token chosen: the attention each token receives, averaged over the tokens that can see it.
  const received = () => {
    const n = triangles.n,
      sums = d3.range(n).map((k) => d3.range(k, n).reduce((sum, q) => sum + weight(q, k), 0) / (n - k));
    return (i) => sums[i];
  };
  const valid = (i) => isNumber(i) && triangles && i < triangles.n;
  function describeToken(i) {
    const kept = quoted(shown.tokens, store.pos);
    return [placed(shown.tokens, i), [[incoming() ? `looks at ${kept}` : `is looked at by ${kept}`, number(weightOf(store.pos)(i), 3)]]];
  }

  let clicked = null; // where: until the pointer leaves that place, no tooltip covers what the click opened
  listen(big.canvas, 'pointermove', (event) => {
    if (clicked && Math.hypot(event.clientX - clicked[0], event.clientY - clicked[1]) < 8) return;
    clicked = null;
    const [query, key] = big.at(event),
      { tokens } = shown;
    store.look({ ...store.peek, pos: incoming() ? key : query });
    big.cross(query, key <= query ? key : null);
    tip.show(event, HEADS[current()], [
      ['token', placed(tokens, query)],
      ['looks at', key <= query ? placed(tokens, key) : 'cannot see what comes later'],
      ['weight', key <= query ? number(weight(query, key), 3) : ''],
    ]);
  });
  listen(big.canvas, 'pointerleave', () => (tip.hide(), store.look({})));
  listen(big.canvas, 'click', (event) => {
    keep(...big.at(event));
    clicked = [event.clientX, event.clientY];
    tip.hide();
    reveal();
  });
  // The panel of a cell is under the pattern, often below the fold: it comes into sight when a cell is opened.
  function reveal() {
    if (openCell()) behindOf(shown).then(() => zoom.node.scrollIntoView({ block: 'nearest' }));
  }
  // By keyboard: arrows move the cross, Enter opens the cell under it.
  const spot = { query: 0, key: 0 };
  listen(big.canvas, 'focus', () => {
    [, spot.query, spot.key] = openCell() ?? [0, valid(store.pos) ? store.pos : triangles.n - 1, 0];
    point();
  });
  listen(big.canvas, 'blur', () => (tip.hide(), shadeWords()));
  function point() {
    big.cross(spot.query, spot.key);
    const said = [`${placed(shown.tokens, spot.query)} looks at ${placed(shown.tokens, spot.key)}`, [['weight', number(weight(spot.query, spot.key), 3)]]];
    fill(big.said, spoken(...said));
    tip.show(big.canvas, ...said);
  }
  listen(big.canvas, 'keydown', (event) => {
    const move = ARROWS[event.key];
    if (move) {
      spot.query = max(0, min(triangles.n - 1, spot.query + move[1]));
      spot.key = max(0, min(spot.query, spot.key + move[0]));
      point();
    } else if (event.key === 'Enter' || event.key === ' ') (keep(spot.query, spot.key), tip.hide(), reveal());
    else return;
    handled(event);
  });

  function sides() {
    const width = plot.clientWidth,
      narrow = width < 680,
      most = document.body.classList.contains('wide') ? max(430, innerHeight - 280) : 430,
      large = round(max(220, narrow ? width - 24 : min(most, width * 0.48))),
      room = narrow ? width : width - large - 64,
      named = min((large + 44) / layers - 27, most / 4, room / heads - 8);
    const bare = named < 40; // too small for a name under each: the grid closes up
    grid.classList.toggle('bare', bare);
    return { large, small: floor(max(18, bare ? min((large + 28) / layers - 3, room / heads - 3) : named)) };
  }
  const drawThumbs = () => {
    const { small } = sides();
    canvases.forEach((canvas, i) => drawPattern(canvas, triangles, i, small));
    thumbs.forEach((thumb, i) => {
      styled(thumb, { width: `${small}px` });
      const said = thumb.querySelector('small');
      if (said) said.hidden = textWidth(`${HEADS[i]}  ${label(i)}`, 12, 600) > small;
    });
  };
  const drawLarge = () => {
    big.draw(triangles, current(), sides().large, shown.speakers);
    fill(title, HEADS[current()], el('small', label(current())));
    big.canvas.ariaLabel = `Attention pattern of ${HEADS[current()]} on ${steps.of} ${steps.index() + 1}, ${counted(triangles.n, 'token')}`;
  };

  function shadeWords() {
    const position = valid(store.shownPos) ? store.shownPos : null,
      { tokens } = shown,
      value = position === null ? received() : weightOf(position);
    shading = value;
    words.shade(value, weightScale);
    words.choose();
    const cell = openCell();
    if (cell && store.peek.pos === undefined) big.cross(cell[1], cell[2]);
    else big.cross(position === null || incoming() ? null : position, position !== null && incoming() ? position : null);
    const ranked = d3.range(triangles.n).filter((i) => value(i) > 0.005).sort((a, b) => value(b) - value(a)).slice(0, 5),
      named = position === null ? '' : quoted(tokens, position);
    fill(about, position === null ? ['Shaded by the attention each token receives on average.', el('span.hint', ' Point at a word, or click it to keep it.')]
      : incoming() ? `${named} is looked at most by` : `${named} looks most at`);
    fill(most, (position === null ? [] : ranked).map((i) => el('li', valid(store.pos) ? button('', () => (store.set({ node: i }), reveal()), { class: 'link', title: 'What is behind this weight' }) : el('span'))));
    ranked.forEach((i, k) => position !== null && fill(most.children[k].firstChild, el('q', tokenName(tokens[i])), el('span', number(value(i), 2))));
  }

  async function openSample() {
    const turn = ++opening,
      wanted = conversations[steps.index()];
    let next = wanted.patterns;
    try {
      if (!next.levels) await next.open();
    } catch (error) { // of this conversation alone: the arrows lead on
      next = null;
      if (turn === opening) fill(plot, harmed(error));
    }
    if (turn !== opening) return;
    [shown, triangles] = [wanted, next];
    steps.show();
    if (!next) return;
    if (!zoom.node.isConnected) fill(plot, whole);
    words.show(wanted);
    draw();
    behindOf(wanted).then(() => turn === opening && zoom.show());
  }
  function draw() {
    scaleKey.show(weightScale, { unit: '' });
    direction.show(+incoming());
    drawThumbs();
    drawLarge();
    shadeWords();
    zoom.show();
    hand.mark();
  }

  const update = (changed) => {
    if (when(changed, 'mounted', steps.key)) openSample();
    if (!triangles) return;
    if (when(changed, 'size', 'theme')) return draw();
    if (when(changed, 'key', 'peek')) drawLarge();
    if (changed.has('tab')) direction.show(+incoming());
    shadeWords();
    if (when(changed, 'key', 'pos', 'node', 'tab')) zoom.show();
    hand.mark();
  };
  const table = () => {
    if (!triangles) return tableOf([]);
    const { tokens } = shown,
      seen = d3.range(triangles.n).flatMap((q) => d3.range(q + 1).map((k) => [q, k, weight(q, k)])).filter((row) => row[2] >= 0.01);
    return tableOf(seen, ['Position', ([q]) => q], ['Token', ([q]) => tokenCell(tokens[q])], ['Looks at position', ([, k]) => k], ['Token there', ([, k]) => tokenCell(tokens[k])],
      [`Weight in ${HEADS[current()]}, 0.01 and more`, ([, , w]) => w]);
  };
  return { update, table, steps };
};
