// line: curves with bands, reference lines, a second axis that shows exp(y), and marks that hold words.

const DASHES = [null, '7 4', '2 3', '9 3 2 3', '4 2', '1 2'];

renderers.line = ({ view, data, plot }) => {
  const series = data.series.map((s) => ({ ...s, x: asList(s.x), y: asList(s.y), low: asList(s.low), high: asList(s.high) }));
  const references = data.references ?? [], marks = data.marks ?? [];
  const many = series.length > 8; // faint alike, the head pointed at strong
  const coloured = series.filter((s) => !s.chance); // chance has the same ink in every figure, and takes no colour from another
  const layerOf = ({ name }) => headOf(name)?.[0] ?? null;
  const atEnd = (s) => s.y.findLast(isNumber) ?? NaN, ranked = many ? d3.sort(series.filter((s) => isNumber(atEnd(s))), atEnd) : [];
  const outermost = [...ranked.slice(0, 2), ...ranked.slice(-2)]; // the others are named when they are pointed at
  const places = d3.sort(new Set(series.flatMap((s) => s.x))).filter(finite);
  let heard = marks.length - 1;
  const sounds = el('section.sounds', { ...LIVE, hidden: !marks.length });
  const hear = (i) => ((heard = i), marks[i] && fill(sounds, el('h2', marks[i].title), el('pre', marks[i].text ?? '')));

  function pairsAt(place) {
    return series.flatMap((s) => {
      const k = s.x.indexOf(place);
      if (k < 0 || !isNumber(s.y[k])) return [];
      const right = data.right ? `  (${data.right.label} ${number(Math.exp(s.y[k]))})` : '';
      return [[s.name, [withUnit(number(s.y[k]), data.y.unit), s.low && interval(s.low[k], s.high[k])].filter(Boolean).join(' ') + right]];
    });
  }

  function draw(width, spots, height = width < 560 ? 380 : 430) {
    const drawing = new Scene(width, height), colours = palette();
    const narrow = width < 560, named = many ? (narrow ? [] : outermost) : series;
    const shadeOf = (s) => (layerOf(s) === null ? colours.muted : colours.sequential.css[round(80 + (150 * layerOf(s)) / max(1, N_LAYERS - 1))]);
    const above = many && series.some((s) => layerOf(s) !== null) ? drawNames(drawing, d3.range(N_LAYERS).map((layer) => `layer ${layer}`), LEFT - 8, width, (x, y, layer) => drawing.line(x - 5, y, x + 5, y, shadeOf({ name: headName(layer, 0) }), { lineWidth: 2.5 })) : 0;
    const labels = [...named.map((s) => s.name), ...references.map((r) => r.name)];
    const right = width - (data.right ? 50 : 14) - (narrow ? 0 : min(190, 18 + max(0, ...labels.map((text) => textWidth(text, 12, 600)))));
    const isOn = (s) => keyOf(s.name) !== null && isChosen(keyOf(s.name), { ...store, key: store.shownKey });
    const over = narrow ? [...references, ...series.filter((s) => !many || isOn(s))].map(({ name }) => name) : [], firstRow = max(14, above + 4);
    const taken = over.length ? drawNames(new Scene(0, 0), over, LEFT - 8, width, () => {}, firstRow) : above; // measured before it is drawn
    const top = max(many ? 50 : 36, taken + 28), bottom = height - 54;
    const ys = [...series.flatMap((s) => [...s.y, ...(s.low ?? []), ...(s.high ?? [])]), ...references.map((r) => r.y)].filter(finite);
    const x = d3.scaleLinear(d3.extent(places), [LEFT, right]);
    const y = d3.scaleLinear(padded(d3.min(ys), d3.max(ys)), [bottom, top]);
    drawYAxis(drawing, y, LEFT, right, data.y);
    drawXAxis(drawing, x, bottom, data.x, narrow ? 4 : 7, places.every(Number.isInteger));
    if (data.right) drawExpAxis(drawing, y, right, data.right.label);
    const ends = [];
    references.forEach((reference) => {
      drawing.line(LEFT, y(reference.y), right, y(reference.y), colours.muted, { dash: '2 4', lineWidth: 1.2 });
      ends.push({ y: y(reference.y), text: reference.name, fill: colours.muted });
    });
    series.forEach((s) => {
      const on = isOn(s), i = coloured.indexOf(s);
      const colour = s.chance ? colours.ink : on ? colours.accent : many ? shadeOf(s) : colours.categories[i % colours.categories.length];
      const points = s.x.map((v, k) => [v, s.y[k], s.low?.[k], s.high?.[k]]);
      const seen = (p) => finite(p[1]);
      if (s.low && s.high) drawing.path(d3.area().defined((p) => finite(p[2] + p[3])).x((p) => x(p[0])).y0((p) => y(p[2])).y1((p) => y(p[3]))(points), null, { fill: colour, opacity: 0.18 });
      drawing.path(d3.line().defined(seen).x((p) => x(p[0])).y((p) => y(p[1]))(points), colour, { lineWidth: on ? 3 : many ? 1 : 2, opacity: many && !on ? 0.75 : null, dash: s.chance ? '2 4' : many ? null : DASHES[i % DASHES.length] });
      const last = points.filter(seen).at(-1);
      if (last && (!many || on || (!narrow && outermost.includes(s)))) ends.push({ y: y(last[1]), text: s.name, fill: on ? colours.accent : colours.ink, weight: many && !on ? 400 : 600, ...(s.chance ? {} : { colour, category: i }), at: [x(last[0]), y(last[1])] });
    });
    if (!many) for (const end of ends) if (end.at && end.colour) drawing.mark(...end.at, end.category, 46, end.colour);
    const sign = (end, left, at) => (end.colour ? drawing.mark(left, at, end.category, 46, end.colour) : drawing.line(left - 5, at, left + 5, at, end.fill, { dash: '2 2', lineWidth: 1.4 }));
    // Names stand at the ends of their lines, pushed apart where they would overlap; where it is narrow, above.
    if (narrow) drawNames(drawing, ends.map((end) => end.text), LEFT - 8, width, (x, y, i) => sign(ends[i], x, y), firstRow);
    else {
      ends.sort((a, b) => a.y - b.y);
      ends.forEach((end, i) => (end.label = max(end.y, i ? ends[i - 1].label + 16 : top)));
      const beyond = max(0, (ends.at(-1)?.label ?? 0) - bottom), at = right + (data.right ? 54 : 16);
      ends.forEach((end) => {
        sign(end, at, end.label - beyond);
        drawing.text(at + 11, end.label - beyond + 4, fitText(end.text, 170), { fill: end.fill, weight: end.weight });
      });
    }
    const every = ceil(places.length / 160), stripes = places.filter((_, i) => i % every === 0);
    const stripe = max(3, (right - LEFT) / max(1, stripes.length));
    stripes.forEach((place) => {
      const from = max(LEFT - 8, x(place) - stripe / 2), to = min(right + 8, x(place) + stripe / 2); // not beyond the axes
      spots.push({ x: (from + to) / 2, y: (top + bottom) / 2, width: to - from, height: bottom - top, kind: 'column', name: `${data.x.label} ${data.x.names?.[place] ?? number(data.x.power ? data.x.power ** place : place)}`, pairs: pairsAt(place) });
    });
    marks.forEach((mark, i) => spots.push({ x: x(mark.x), y: bottom, width: 15, height: 15, kind: 'dot', name: mark.title, pairs: [[data.x.label, number(mark.x)]], pick: () => (hear(i), chart.update(new Set())), on: () => heard === i }));
    return drawing;
  }
  const table = () => tableOf([...series.flatMap((s) => s.x.map((x, k) => [s.name, x, s.low ? { value: s.y[k], low: s.low[k], high: s.high?.[k] } : s.y[k]])), ...references.map((r) => [r.name, null, r.y])],
    ['Series', (row) => row[0]], [data.x.label, (row) => row[1], data.x.unit], [data.y.label, (row) => row[2], data.y.unit]);
  const chart = makeChart({ view, plot, draw, table, redraw: series.some((s) => keyOf(s.name)) ? ['key', 'peek'] : [] });
  plot.append(sounds);
  hear(heard);
  return chart;
};
