// bars: a few numbers side by side, each with its whisker and a tick where chance is.

renderers.bars = ({ view, data, plot }) => {
  const series = data.series.map((s) => ({ ...s, values: asList(s.values), low: asList(s.low), high: asList(s.high), chance: typeof s.chance === 'number' ? data.x.map(() => s.chance) : asList(s.chance) }));
  const chart = el('div', { class: 'chart', role: 'img', 'aria-label': `${view.title}: ${data.x.length} bars; the table holds their numbers` });
  const frame = el('div', { class: 'overlay' }, chart);
  plot.append(frame);
  if (series.some((s) => s.chance)) plot.append(el('p', { class: 'key', text: 'whisker: 95 % interval  ·  line across a bar: chance level' }));
  let hit = [];

  function scene(width = 900, height = 420) {
    const drawing = new Scene(width, height);
    const colours = palette();
    hit = [];
    const values = series.flatMap((s) => [...s.values, ...(s.low ?? []), ...(s.high ?? []), ...(s.chance ?? [])]).filter(Number.isFinite);
    const band = d3.scaleBand(d3.range(data.x.length), [62, width - 16]).padding(0.28);
    const turned = Math.max(...data.x.map((text) => textWidth(text))) > band.step() - 6;
    const bottom = height - (turned ? 116 : 44), top = series.length > 1 ? 62 : 40;
    const [low, high] = [Math.min(0, d3.min(values)), Math.max(0, d3.max(values))];
    const y = d3.scaleLinear([low < 0 ? padded(low, high)[0] : 0, padded(low, high)[1]], [bottom, top]);
    drawYAxis(drawing, y, 62, width - 16, data.y);
    const inner = d3.scaleBand(d3.range(series.length), [0, band.bandwidth()]).padding(series.length > 1 ? 0.12 : 0);
    series.forEach((s, i) => data.x.forEach((text, k) => {
      const x = band(k) + inner(i), wide = inner.bandwidth(), middle = x + wide / 2;
      if (!Number.isFinite(s.values[k])) return;
      const [a, b] = [y(Math.max(0, s.values[k])), y(Math.min(0, s.values[k]))];
      drawing.rect(x, a, wide, Math.max(1, b - a), colours.categories[i], { rx: 1.5, opacity: 0.85 });
      if (s.low && s.high) {
        drawing.line(middle, y(s.low[k]), middle, y(s.high[k]), colours.ink, { lineWidth: 1.5 });
        for (const end of [s.low[k], s.high[k]]) drawing.line(middle - 4, y(end), middle + 4, y(end), colours.ink, { lineWidth: 1.5 });
      }
      if (isNumber(s.chance?.[k])) drawing.line(x - 5, y(s.chance[k]), x + wide + 5, y(s.chance[k]), colours.ink, { lineWidth: 2.5 });
      hit.push({ left: x, right: x + wide, s, k });
    }));
    drawing.line(62, y(0), width - 16, y(0), colours.muted);
    data.x.forEach((text, k) => {
      const middle = band(k) + band.bandwidth() / 2;
      if (turned) drawing.text(middle + 4, bottom + 12, fitText(text, 100), { anchor: 'end', rotate: -55 });
      else drawing.text(middle, bottom + 20, fitText(text, band.step()), { anchor: 'middle' });
    });
    let x = 62;
    if (series.length > 1) series.forEach((s, i) => {
      drawing.rect(x, 6, 10, 10, colours.categories[i], { rx: 2 });
      drawing.text(x + 16, 15, s.name);
      x += 36 + textWidth(s.name);
    });
    return drawing;
  }
  frame.addEventListener('pointermove', (event) => {
    const px = event.clientX - frame.getBoundingClientRect().left;
    const bar = hit.find(({ left, right }) => px >= left - 3 && px <= right + 3);
    if (!bar) return tip.hide();
    const { s, k } = bar;
    const cell = { value: s.values[k], low: s.low?.[k], high: s.high?.[k], chance: s.chance?.[k] };
    tip.show(event, ...facts(data.x[k], [[s.name, withUnit(number(cell.value), data.y.unit)], ['95 % interval', interval(cell.low, cell.high)], ['chance', isNumber(cell.chance) ? number(cell.chance) : ''], ['', verdict(cell)]]));
  });
  frame.addEventListener('pointerleave', () => tip.hide());
  const update = (changed) => ['mounted', 'size', 'theme'].some((key) => changed.has(key)) && chart.replaceChildren(sceneToSvg(scene(Math.max(300, plot.clientWidth))));
  const table = () => ({
    columns: [{ key: 'x', label: '' }, ...series.map((s, i) => ({ key: `s${i}`, label: s.name, unit: data.y.unit }))],
    rows: data.x.map((x, k) => ({ x: visible(x), ...Object.fromEntries(series.map((s, i) => [`s${i}`, { value: s.values[k], ...(s.low && { low: s.low[k], high: s.high[k] }), ...(s.chance && { chance: s.chance[k] }) }])) })),
  });
  return { update, table, scene };
};
