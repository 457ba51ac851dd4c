// Blocks: what a card, a cell or a figure has to say beside its picture. One way to draw each, wherever it stands.

// { title?, text?, rows?, tokens?, snippets?, bars?, lines?, beside? }, each key drawn in this order.
function drawBlock(block) {
  return el('section.block', block.title ? el('h3', block.title) : null, block.text ? el('p', block.text) : null,
    block.rows ? pairsOf(block.rows) : null,
    block.tokens ? tokenBars(block.tokens) : null,
    block.snippets ? el('ol.snippets.wide', block.snippets.map(drawSnippet)) : null,
    block.bars ? smallBars(block.bars) : null,
    block.lines ? rankLines(block.lines) : null,
    block.beside ? el('div.twosides.wide', block.beside.map(drawBlock)) : null);
}

// Tokens with a bar each: [text, number, note?]; below zero the bar has the other hue.
function tokenBars(tokens) {
  if (!tokens.some(([, value]) => isNumber(value))) return el('p.said', tokens.map(([text, , note]) => el('span', el('q', tokenName(text)), note ? el('small', note) : null)));
  const most = max(1e-12, ...tokens.map(([, value]) => (isNumber(value) ? abs(value) : 0)));
  return el('ol.options', tokens.map(([text, value, note]) => {
    const bar = el(value < 0 ? 'i.less' : 'i');
    bar.style.width = `${isNumber(value) ? max(1, (100 * abs(value)) / (most <= 1 && most > 0.02 && tokens.every(([, v]) => v >= 0) ? 1 : most)) : 0}%`;
    return el('li', el('q', tokenName(text)), isNumber(value) ? el('span.track', bar) : null, el('b', isNumber(value) ? number(value) : '', note ? el('small', note) : null));
  }));
}

// Words around a place, each shaded by its activation; the place itself is marked.
function drawSnippet({ tokens, at, value, values }) {
  const scale = colourScale({ domain: [0, max(...(values ?? [1]), 1e-9)] }, []);
  return el('li', el('b', number(value)), el('span', tokens.map((token, i) => {
    const word = el(i === at ? 'span.token.chosen' : 'span.token', tokenParts(unmarked(token)));
    if (values?.[i] > 0) shadeToken(word, scale, values[i]);
    return word;
  })));
}

// A small bar chart: { label, x?, values, chance? (a number or one for each), mark?, unit? }.
function smallBars({ label, x, values, chance, mark, unit }) {
  const list = asList(values), null_ = typeof chance === 'number' ? list.map(() => chance) : asList(chance),
    width = 300, height = 84, bottom = height - 18, colours = palette(), drawing = new Scene(width, height),
    all = [0, ...list, ...(null_ ?? [])].filter(finite),
    y = d3.scaleLinear([d3.min(all), d3.max(all) || 1], [bottom, 6]), band = d3.scaleBand(d3.range(list.length), [0, width]).padding(0.15);
  list.forEach((value, i) => finite(value) && drawing.rect(band(i), y(max(0, value)), band.bandwidth(), max(1, abs(y(0) - y(value))), i === mark ? colours.accent : colours.me));
  drawing.line(0, y(0), width, y(0), colours.muted);
  if (null_) drawing.path(null_.map((v, i) => `M${band(i) - 1},${y(v)}h${band.bandwidth() + 2}`).join(''), colours.ink, { lineWidth: 1.5 });
  if (x) {
    drawing.text(0, height - 4, x[0], { fill: colours.muted });
    drawing.text(width, height - 4, x.at(-1), { fill: colours.muted, anchor: 'end' });
  }
  const said = `${label}: ${list.map((v, i) => `${x?.[i] ?? i + 1} ${number(v)}`).join(', ')}`;
  return el('figure.small', { label: said }, sceneToSvg(drawing), el('figcaption', dots(label, unit, null_ && '▬ chance')));
}

// A bump chart: rank by level, 1 on top, on a logarithmic scale: { x: labels, series: [{ name, values }] }. It is as wide as
// there is room, so that its words keep their size.
function rankLines(given) {
  const { series, label = 'rank' } = given, said = series.map((s) => `${tokenName(s.name)}: ${label} ${asList(s.values).join(', ')}`).join('; '),
    node = el('figure.small.wide', { label: said });
  let drawn = null;
  const paint = (width) => width !== drawn && fill(node, sceneToSvg(rankScene(given, (drawn = ranksWidth = width))), el('figcaption', `${label}, 1 on top`));
  paint(ranksWidth);
  new ResizeObserver(() => node.clientWidth && paint(max(240, min(420, node.clientWidth)))).observe(node);
  return node;
}
let ranksWidth = 290; // of the last one: the next has as much room, and is drawn once
function rankScene({ x, series }, width) {
  const right = width - 110, top = 14, bottom = 150, colours = palette(), drawing = new Scene(width, bottom + 26),
    lists = series.map((s) => asList(s.values)), most = max(10, d3.max(lists.flat())),
    y = d3.scaleLog([1, most], [top, bottom]), at = d3.scalePoint(d3.range(x.length), [34, right]);
  for (const tick of [1, 10, 100, 1000, 10000].filter((v) => v <= most)) {
    drawing.line(34, y(tick), right, y(tick), colours.line);
    drawing.text(26, y(tick) + 4, number(tick), { anchor: 'end', fill: colours.muted });
  }
  x.forEach((name, i) => drawing.text(at(i), bottom + 18, name, { anchor: 'middle', fill: colours.muted }));
  const taken = [];
  lists.forEach((values, i) => {
    const colour = colours.categories[i % colours.categories.length];
    drawing.path(d3.line()(values.map((v, k) => [at(k), y(v)])), colour, { lineWidth: 2, dash: DASHES[i % DASHES.length] });
    values.forEach((v, k) => drawing.mark(at(k), y(v), i, 34, colour));
    let place = y(values.at(-1));
    while (taken.some((other) => abs(other - place) < 14)) place += 2;
    taken.push(place);
    drawing.text(right + 12, place + 4, fitText(tokenName(series[i].name), 96), { weight: i ? 400 : 600 });
  });
  return drawing;
}

// Everything a list of blocks holds, as [where, label, value].
const blockRows = (where, blocks) => blocks.flatMap(({ title = '', rows = [], tokens = [], snippets = [], bars, lines, beside = [] }) => [
  ...rows.map(([label, value]) => [label, value]),
  ...tokens.map(([text, value, note]) => [`${title} ${tokenName(text)}`, dots(isNumber(value) && number(value), note)]),
  ...snippets.map(({ tokens: words, value }) => [words.join(''), value]),
  ...(bars ? asList(bars.values).map((value, i) => [`${bars.label} ${bars.x?.[i] ?? i + 1}`, value]) : []),
  ...(lines ? lines.series.map(({ name, values }) => [tokenName(name), asList(values).join(', ')]) : []),
].map((row) => [where, ...row]).concat(blockRows(where, beside)));
