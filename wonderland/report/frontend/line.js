// line: curves with bands, reference lines, a second axis that shows exp(y), and marks that hold words.

const levelName = ({ name, y }) => (isNumber(y) ? `${name} ${number(y)}` : name); // away from its line
const DASHES = [null, '7 4', '2 3', '9 3 2 3', '4 2', '1 2'];

renderers.line = ({ view, data, plot }) => {
  const series = data.series.map((s) => ({ ...s, x: asList(s.x), y: asList(s.y), low: asList(s.low), high: asList(s.high) })),
    references = data.references ?? [], marks = data.marks ?? [];
  const many = series.length > 8; // faint alike, the head pointed at strong
  const coloured = series.filter((s) => !s.chance); // chance has the same ink in every figure, and takes no colour from another
  const layerOf = ({ name }) => headOf(name)?.[0] ?? null,
    atEnd = (s) => s.y.findLast(isNumber) ?? NaN, ranked = many ? d3.sort(series.filter((s) => isNumber(atEnd(s))), atEnd) : [],
    isOn = ({ name }) => isChosen(keyOf(name), { key: store.shownKey }),
    shadeOf = (s) => (layerOf(s) === null ? palette().muted : palette().sequential.css[round(80 + (150 * layerOf(s)) / max(1, N_LAYERS - 1))]),
    colourOf = (s) => (s.chance ? palette().ink : many ? shadeOf(s) : palette().categories[coloured.indexOf(s) % palette().categories.length]);
  const outermost = [...ranked.slice(0, 2), ...ranked.slice(-2)]; // the others are named when they are pointed at
  const places = d3.sort(new Set(series.flatMap((s) => s.x))).filter(finite);
  let heard = marks.length - 1;
  const sounds = el('section.sounds', { ...LIVE, hidden: !marks.length }),
    hear = (i) => ((heard = i), marks[i] && fill(sounds, el('h2', marks[i].title), el('pre', marks[i].text ?? '')));

  // Of many curves the ends and the one that is selected are said: nobody reads hundreds of numbers.
  function pairsAt(place) {
    return (series.length > 40 ? series.filter((s) => s.chance || outermost.includes(s) || isOn(s)) : series).flatMap((s) => {
      const k = s.x.indexOf(place);
      if (k < 0 || !isNumber(s.y[k])) return [];
      const right = data.right ? `  (${data.right.label} ${number(Math.exp(s.y[k]))})` : '';
      return [[s.name, [withUnit(number(s.y[k]), data.y.unit), s.low && interval(s.low[k], s.high[k])].filter(Boolean).join(' ') + right]];
    });
  }

  let seen = null; // how it was drawn: what is drawn over it needs the same places
  const ofCurve = (s) => {
    const { x, y } = seen, points = s.x.map((v, k) => [v, s.y[k], s.low?.[k], s.high?.[k]]), there = (p) => finite(p[1]);
    return {
      band: s.low && s.high ? d3.area().defined((p) => finite(p[2] + p[3])).x((p) => x(p[0])).y0((p) => y(p[2])).y1((p) => y(p[3]))(points) : null,
      path: d3.line().defined(there).x((p) => x(p[0])).y((p) => y(p[1]))(points), last: points.findLast(there),
    };
  };
  function draw(width, spots, height = width < 560 ? 380 : 430) {
    const drawing = new Scene(width, height), colours = palette(),
      narrow = width < 560, named = many ? (narrow ? [] : outermost) : series,
      above = many && series.some((s) => layerOf(s) !== null) ? drawNames(drawing, d3.range(N_LAYERS).map((layer) => `layer ${layer}`), LEFT - 8, width, (x, y, layer) => drawing.line(x - 5, y, x + 5, y, shadeOf({ name: headName(layer, 0) }), { lineWidth: 2.5 })) : 0,
      labels = [...named.map((s) => s.name), ...references.map((r) => r.name)],
      right = width - (data.right ? 50 : 14) - (narrow ? 0 : min(190, 18 + max(0, ...labels.map((text) => textWidth(text, 12, 600)))));
    // Where it is narrow, names stand above; of many there is room for the one that is selected.
    const over = narrow ? [...references, ...(many ? series.slice(-1) : series)].map(levelName) : [], firstRow = max(14, above + 4);
    const taken = over.length ? drawNames(new Scene(0, 0), over, LEFT - 8, width, () => {}, firstRow) : above; // measured before it is drawn
    const top = max(many ? 50 : 36, taken + 28), bottom = height - 54,
      ys = [...series.flatMap((s) => [...s.y, ...(s.low ?? []), ...(s.high ?? [])]), ...references.map((r) => r.y)].filter(finite),
      x = d3.scaleLinear(d3.extent(places), [LEFT, right]),
      y = d3.scaleLinear(padded(d3.min(ys), d3.max(ys)), [bottom, top]);
    seen = { x, y, narrow, width, right, top, bottom, firstRow };
    drawYAxis(drawing, y, LEFT, right, data.y);
    drawXAxis(drawing, x, bottom, data.x, narrow ? 4 : 7, places.every(Number.isInteger));
    if (data.right) drawExpAxis(drawing, y, right, data.right.label);
    references.forEach((reference) => drawing.line(LEFT, y(reference.y), right, y(reference.y), colours.muted, { dash: '2 4', lineWidth: 1.2 }));
    drawing.marks = [drawing.items.length];
    series.forEach((s) => {
      const i = coloured.indexOf(s), { band, path } = ofCurve(s), colour = colourOf(s);
      if (band) drawing.path(band, null, { fill: colour, opacity: 0.18 });
      drawing.path(path, colour, { lineWidth: many ? 1 : 2, opacity: many ? 0.75 : null, dash: s.chance ? '2 4' : many ? null : DASHES[i % DASHES.length] });
    });
    drawing.marks.push(drawing.items.length);
    const every = ceil(places.length / 160), stripes = places.filter((_, i) => !(i % every)),
      stripe = max(3, (right - LEFT) / max(1, stripes.length));
    stripes.forEach((place) => {
      const from = max(LEFT - 8, x(place) - stripe / 2), to = min(right + 8, x(place) + stripe / 2); // not beyond the axes
      spots.push({ x: (from + to) / 2, y: (top + bottom) / 2, width: to - from, height: bottom - top, kind: 'column', key: data.keys?.[places.indexOf(place)], name: `${data.x.label} ${data.x.names?.[place] ?? number(data.x.power ? data.x.power ** place : place)}`, get pairs() { return pairsAt(place); } });
    });
    marks.forEach((mark, i) => spots.push({ x: x(mark.x), y: bottom, width: 15, height: 15, kind: 'dot', name: mark.title, pairs: [[data.x.label, number(mark.x)]], pick: () => (hear(i), chart.update(new Set())), on: () => heard === i }));
    return drawing;
  }
  // What is selected, strong, and the names, which make room for its name.
  function lit(drawing) {
    const { x, y, narrow, width, right, top, bottom, firstRow } = seen, { accent, ink, muted } = palette(),
      ends = references.map((reference) => ({ y: y(reference.y), text: narrow ? levelName(reference) : reference.name, fill: muted }));
    series.forEach((s) => {
      const on = isOn(s);
      if (many && !on && (narrow || !outermost.includes(s))) return;
      const { band, path, last } = ofCurve(s), colour = on && !s.chance ? accent : colourOf(s);
      if (on && band) drawing.path(band, null, { fill: colour, opacity: 0.18 });
      if (on) drawing.path(path, colour, { lineWidth: 3, dash: s.chance ? '2 4' : null });
      if (last) ends.push({ y: y(last[1]), text: s.name, fill: on ? accent : ink, weight: many && !on ? 400 : 600, ...(s.chance ? {} : { colour, category: coloured.indexOf(s) }), at: [x(last[0]), y(last[1])] });
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
        drawing.text(at + 11, end.label - beyond + 4, fitText(end.text, 170, 12, end.weight), { fill: end.fill, weight: end.weight });
      });
    }
    return 1;
  }
  const table = () => tableOf([...series.flatMap((s) => s.x.map((x, k) => [s.name, x, s.low ? { value: s.y[k], low: s.low[k], high: s.high?.[k] } : s.y[k]])), ...references.map((r) => [r.name, null, r.y])],
    ['Series', (row) => row[0]], [data.x.label, (row) => row[1], data.x.unit], [data.y.label, (row) => row[2], data.y.unit]);
  const chart = makeChart({ view, plot, draw, table, redraw: series.some((s) => keyOf(s.name)) ? ['key', 'peek'] : [], lit });
  plot.append(sounds);
  hear(heard);
  return chart;
};
