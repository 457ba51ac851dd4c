// scatter: points with a name; colour and shape tell the group, and a point that is a head opens its card.

renderers.scatter = ({ view, data, plot }) => {
  const { points, groups = [] } = data;
  const chart = el('div', { class: 'chart', 'aria-hidden': 'true' });
  const frame = el('div', { class: 'overlay', role: 'group', 'aria-label': view.title }, chart);
  const spots = points.map((point, i) => el('button', { type: 'button', class: 'spot', 'data-head': headOf(point.head) ? point.head : null,
    'aria-label': `${visible(point.label)}, ${unitLabel(data.x)} ${number(point.x)}, ${unitLabel(data.y)} ${number(point.y)}${groups[point.group] ? ', ' + visible(groups[point.group]) : ''}`,
    on: {
      click: () => headOf(point.head) && store.set({ head: store.head === point.head ? null : point.head }),
      pointermove: (event) => (tip.show(event, ...describe(i)), store.look({ head: point.head })),
      pointerleave: () => (tip.hide(), store.look({})),
      focus: (event) => event.target.matches(':focus-visible') && tip.show(event.target, ...describe(i)),
      blur: () => tip.hide(),
    } }));
  frame.append(...spots);
  const keys = spots.length ? roving(spots, 1) : null;
  frame.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const to = spots[spots.indexOf(event.target) + by];
    if (!by || !to || !spots.includes(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    keys.stop(to);
    to.focus();
    if (to.dataset.head) store.set({ head: to.dataset.head });
  });
  plot.append(frame);

  const describe = (i) => facts(points[i].label, [[unitLabel(data.x), number(points[i].x)], [unitLabel(data.y), number(points[i].y)], ['group', groups[points[i].group] ?? '']]);
  let geometry = null;
  function scene(width = 760, height = 480) {
    const drawing = new Scene(width, height);
    const colours = palette();
    const x = d3.scaleLinear(padded(...d3.extent(points, (p) => p.x), 0.08), [62, width - 24]);
    const y = d3.scaleLinear(padded(...d3.extent(points, (p) => p.y), 0.08), [height - 54, groups.length ? 64 : 36]);
    drawYAxis(drawing, y, 62, width - 24, data.y);
    drawXAxis(drawing, x, height - 54, data.x, width < 560 ? 4 : 7);
    let at = 62;
    groups.forEach((name, g) => {
      drawing.mark(at + 5, 12, g, 60, colours.categories[g % colours.categories.length]);
      drawing.text(at + 16, 16, name);
      at += 38 + textWidth(name);
    });
    points.forEach((p) => {
      const group = Number.isInteger(p.group) ? p.group : 0;
      drawing.mark(x(p.x), y(p.y), group, 90, colours.categories[group % colours.categories.length], { opacity: 0.9 });
    });
    if (points.length <= 80) {
      const placed = [];
      points.forEach((p) => {
        const box = { x: x(p.x) + 9, y: y(p.y) + 4, width: textWidth(fitText(p.label, 120, 11), 11) };
        const clash = placed.some((other) => Math.abs(other.y - box.y) < 12 && other.x < box.x + box.width && box.x < other.x + other.width);
        if (clash || box.x + box.width > width) return; // the tooltip and the table still name it
        placed.push(box);
        drawing.text(box.x, box.y, fitText(p.label, 120, 11), { size: 11, fill: colours.muted });
      });
    }
    geometry = { x, y };
    return drawing;
  }
  const update = (changed) => {
    if (['mounted', 'size', 'theme'].some((key) => changed.has(key))) {
      chart.replaceChildren(sceneToSvg(scene(Math.max(300, Math.min(900, plot.clientWidth)))));
      spots.forEach((spot, i) => Object.assign(spot.style, { left: `${geometry.x(points[i].x)}px`, top: `${geometry.y(points[i].y)}px` }));
    }
    spots.forEach((spot) => {
      const on = Boolean(spot.dataset.head) && spot.dataset.head === store.head;
      spot.classList.toggle('chosen', on);
      spot.classList.toggle('peeked', Boolean(spot.dataset.head) && spot.dataset.head === store.peek.head);
      if (on) keys.stop(spot);
    });
  };
  const table = () => ({
    columns: [{ key: 'label', label: 'Name' }, { key: 'group', label: 'Group' }, { key: 'x', label: data.x.label, unit: data.x.unit }, { key: 'y', label: data.y.label, unit: data.y.unit }],
    rows: points.map((p) => ({ label: visible(p.label), group: groups[p.group] ?? p.group ?? null, x: p.x, y: p.y })),
  });
  return { update, table, scene };
};
