// bars: a few numbers side by side, each with its whisker and a tick where chance is. `mark` points at one place.

renderers.bars = ({ view, data, plot, controls }) => {
  const { x: names, y: axis } = data,
    series = data.series.map((s) => ({ ...s, values: asList(s.values), low: asList(s.low), high: asList(s.high), chance: typeof s.chance === 'number' ? names.map(() => s.chance) : asList(s.chance) })),
    cellOf = (s, k) => ({ value: s.values[k], ...(s.low && { low: s.low[k], high: s.high[k] }), ...(s.chance && { chance: s.chance[k] }) }),
    all = series.flatMap((s) => [...s.values, ...(s.low ?? []), ...(s.high ?? []), ...(s.chance ?? [])]).filter(finite);

  const slider = isNumber(data.threshold) ? threshold(data.threshold, d3.max(series.flatMap((s) => s.values), abs), axis.unit) : null;
  if (slider) controls.append(slider.node);

  function draw(width, spots, height = 400) {
    let shown = 0;
    const drawing = new Scene(width, height), colours = palette(), right = width - 12,
      head = drawNames(drawing, series.length > 1 ? series.map((s) => s.name) : [], LEFT - 8, width, (x, y, i) => drawing.rect(x - 5, y - 5, 10, 10, colours.categories[i], { rx: 2 })),
      band = d3.scaleBand(d3.range(names.length), [LEFT, right]).padding(names.length > 16 ? 0.12 : 0.3),
      widest = max(...names.map((text) => textWidth(text))),
      turned = widest > band.step() - 6,
      bottom = height - (turned ? 24 + min(134, widest * 0.8) : 34), top = head + 34,
      [low, high] = [min(0, d3.min(all)), max(0, d3.max(all))],
      y = d3.scaleLinear([low < 0 ? padded(low, high)[0] : 0, padded(low, high)[1]], [bottom, top]);
    drawYAxis(drawing, y, LEFT, right, axis);
    const inner = d3.scaleBand(d3.range(series.length), [0, band.bandwidth()]).padding(series.length > 1 ? 0.12 : 0),
      bar = min(inner.bandwidth(), 88);
    series.forEach((s, i) => names.forEach((name, k) => {
      const middle = band(k) + inner(i) + inner.bandwidth() / 2, value = s.values[k];
      if (!finite(value)) return;
      const a = y(max(0, value));
      drawing.rect(middle - bar / 2, a, bar, max(1, y(min(0, value)) - a), colours.categories[i], { rx: 1.5, opacity: slider && abs(value) < slider.limit() ? 0.15 : (shown++, 0.85) });
      if (s.low) whisker(drawing, middle, y(s.low[k]), y(s.high[k]), colours.ink);
      if (isNumber(s.chance?.[k])) drawing.line(middle - bar / 2 - 5, y(s.chance[k]), middle + bar / 2 + 5, y(s.chance[k]), colours.ink, { lineWidth: 2.5 });
      spots.push({ x: middle, y: (top + bottom) / 2, width: max(8, inner.bandwidth()), height: bottom - top, kind: 'column', key: data.keys?.[k] ?? keyOf(names[k]), name, pairs: measured(s.name, cellOf(s, k), axis.unit) });
    }));
    drawing.line(LEFT, y(0), right, y(0), colours.muted);
    slider?.show(`${number(shown)} of ${counted(names.length * series.length, 'bar')}`);
    const skip = ceil(15 / band.step());
    names.forEach((text, k) => {
      const middle = band(k) + band.bandwidth() / 2;
      if (!turned) drawing.text(middle, bottom + 20, text, { anchor: 'middle' });
      else if (k % skip === 0) drawing.text(middle + 4, bottom + 12, fitText(text, min(170, (middle - 4) * 1.55)), { anchor: 'end', rotate: -52 });
    });
    return drawing;
  }
  const table = () => tableOf(names, ['', (name) => name], ...series.map((s) => [s.name, (_, k) => cellOf(s, k), axis.unit])),
    chart = makeChart({ view, plot, draw, table, redraw: ['threshold'] }),
    key = dots(series.some((s) => s.low) && 'whisker: 95% interval', series.some((s) => s.chance) && 'line across a bar: chance level');
  if (key) plot.append(el('p.key', key));
  return chart;
};
