// line: curves with bands, reference lines, a second axis that shows exp(y), and marks that hold words.

const DASHES = [null, '7 4', '2 3', '9 3 2 3', '4 2', '1 2'];

renderers.line = ({ view, data, plot }) => {
  const series = data.series.map((s) => ({ ...s, x: asList(s.x), y: asList(s.y), low: asList(s.low), high: asList(s.high) }));
  const references = data.references ?? [], marks = data.marks ?? [];
  const chart = el('div', { class: 'chart', role: 'img', 'aria-label': `${view.title}: ${series.map((s) => `${s.name} ends at ${number(s.y.at(-1))}`).join('; ')}` });
  const rule = el('i', { class: 'rule', hidden: true });
  const frame = el('div', { class: 'overlay' }, chart, rule);
  const sounds = el('section', { class: 'sounds', 'aria-live': 'polite', hidden: !marks.length });
  const dots = marks.map((mark, i) => el('button', { type: 'button', class: 'dot', 'aria-label': `${mark.title}, at ${number(mark.x)}`, on: {
    click: () => hear(i), focus: () => hear(i), pointerenter: () => hear(i),
  } }));
  frame.append(...dots);
  plot.append(frame, sounds);
  let geometry = null;
  let heard = marks.length - 1;

  function hear(i) {
    heard = i;
    dots.forEach((dot, k) => dot.setAttribute('aria-pressed', String(k === i)));
    if (marks[i]) sounds.replaceChildren(el('h2', { text: marks[i].title }), el('pre', { text: marks[i].text }));
  }

  function scene(width = 900, height = 440) {
    const drawing = new Scene(width, height);
    const colours = palette();
    const narrow = width < 560;
    const labels = [...series.map((s) => s.name), ...references.map((r) => r.name)];
    const right = width - (data.right ? 56 : 16) - (narrow ? 0 : Math.min(190, 14 + Math.max(...labels.map((text) => textWidth(text, 12, 600)))));
    const legendRows = narrow ? labels.length : 0;
    const [top, left, bottom] = [36 + legendRows * 18, 62, height - 54];
    const xs = series.flatMap((s) => s.x).filter(Number.isFinite);
    const ys = [...series.flatMap((s) => [...s.y, ...(s.low ?? []), ...(s.high ?? [])]), ...references.map((r) => r.y)].filter(Number.isFinite);
    const x = d3.scaleLinear(d3.extent(xs), [left, right]);
    const y = d3.scaleLinear(padded(d3.min(ys), d3.max(ys)), [bottom, top]);
    drawYAxis(drawing, y, left, right, data.y);
    drawXAxis(drawing, x, bottom, data.x, narrow ? 4 : 7);
    if (data.right) drawExpAxis(drawing, y, right, data.right.label);
    const ends = [];
    references.forEach((reference) => {
      drawing.line(left, y(reference.y), right, y(reference.y), colours.muted, { dash: '2 4', lineWidth: 1.2 });
      ends.push({ y: y(reference.y), text: reference.name, fill: colours.muted });
    });
    series.forEach((s, i) => {
      const colour = colours.categories[i % colours.categories.length];
      const points = s.x.map((v, k) => [v, s.y[k], s.low?.[k], s.high?.[k]]);
      const seen = (p) => Number.isFinite(p[1]);
      if (s.low && s.high) drawing.path(d3.area().defined((p) => Number.isFinite(p[2]) && Number.isFinite(p[3])).x((p) => x(p[0])).y0((p) => y(p[2])).y1((p) => y(p[3]))(points), null, { fill: colour, opacity: 0.18 });
      drawing.path(d3.line().defined(seen).x((p) => x(p[0])).y((p) => y(p[1]))(points), colour, { lineWidth: 2, dash: DASHES[i % DASHES.length] });
      const last = points.filter(seen).at(-1);
      if (last) ends.push({ y: y(last[1]), text: s.name, fill: colours.ink, weight: 600, colour, category: i, at: [x(last[0]), y(last[1])] });
    });
    for (const end of ends) if (end.at) drawing.mark(...end.at, end.category, 46, end.colour);
    // Names stand at the ends of their lines, pushed apart where they would overlap.
    if (narrow) ends.forEach((end, i) => nameLine(drawing, end, left, 8 + i * 18));
    else {
      ends.sort((a, b) => a.y - b.y);
      ends.forEach((end, i) => (end.label = Math.max(end.y, i ? ends[i - 1].label + 16 : top)));
      const beyond = Math.max(0, (ends.at(-1)?.label ?? 0) - bottom);
      ends.forEach((end) => nameLine(drawing, end, right + (data.right ? 56 : 12), end.label - beyond));
    }
    marks.forEach((mark) => drawing.line(x(mark.x), bottom, x(mark.x), bottom - 6, colours.accent, { lineWidth: 2 }));
    geometry = { x, y, left, right, top, bottom, width };
    return drawing;
  }
  function nameLine(drawing, end, x, y) {
    if (end.colour) drawing.mark(x + 4, y, end.category, 46, end.colour);
    else drawing.line(x, y, x + 9, y, end.fill, { dash: '2 2', lineWidth: 1.4 });
    drawing.text(x + 14, y + 4, fitText(end.text, 170), { fill: end.fill, weight: end.weight });
  }

  frame.addEventListener('pointermove', (event) => {
    const box = frame.getBoundingClientRect();
    const px = event.clientX - box.left;
    if (!geometry || px < geometry.left || px > geometry.right) return leave();
    const at = geometry.x.invert(px);
    const all = d3.sort(new Set(series.flatMap((s) => s.x)));
    const near = all[d3.bisectCenter(all, at)];
    rule.hidden = false;
    Object.assign(rule.style, { left: `${geometry.x(near)}px`, top: `${geometry.top}px`, height: `${geometry.bottom - geometry.top}px` });
    tip.show(event, ...facts(`${visible(data.x.label)} ${number(near)}`, series.map((s) => {
      const k = s.x.indexOf(near);
      if (k < 0 || !isNumber(s.y[k])) return [s.name, ''];
      const right = data.right ? `  (${visible(data.right.label)} ${number(Math.exp(s.y[k]))})` : '';
      return [s.name, [withUnit(number(s.y[k]), data.y.unit), s.low && interval(s.low[k], s.high[k])].filter(Boolean).join(' ') + right];
    })));
  });
  const leave = () => ((rule.hidden = true), tip.hide());
  frame.addEventListener('pointerleave', leave);

  const draw = () => {
    chart.replaceChildren(sceneToSvg(scene(Math.max(300, plot.clientWidth), plot.clientWidth < 560 ? 400 : 440)));
    dots.forEach((dot, i) => Object.assign(dot.style, { left: `${geometry.x(marks[i].x)}px`, top: `${geometry.bottom}px` }));
    hear(heard);
  };
  const update = (changed) => ['mounted', 'size', 'theme'].some((key) => changed.has(key)) && draw();
  const table = () => {
    const ranged = series.some((s) => s.low);
    return {
      columns: [{ key: 'series', label: 'Series' }, { key: 'x', label: data.x.label, unit: data.x.unit }, { key: 'y', label: data.y.label, unit: data.y.unit }],
      rows: [...series.flatMap((s) => s.x.map((x, k) => ({ series: s.name, x, y: ranged ? { value: s.y[k], low: s.low?.[k], high: s.high?.[k] } : s.y[k] }))), ...references.map((r) => ({ series: r.name, x: null, y: r.y }))],
    };
  };
  return { update, table, scene };
};
