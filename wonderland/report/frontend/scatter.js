// scatter: points with a name; colour and shape tell the group, `ways` lead through the groups, a head or a position is linked.

renderers.scatter = ({ view, data, plot }) => {
  const { groups = [], ordered, ways } = data,
    grids = ways && [asGrid(ways.x), asGrid(ways.y)],
    points = ways ? ways.names.flatMap((name, w) => groups.map((g, step) => ({ label: `${tokenName(name)} (${g})`, x: grids[0].at(w, step), y: grids[1].at(w, step), group: step, pos: ways.pos?.[w], select: isNumber(ways.pos?.[w]) ? `position:${ways.pos[w]}` : null }))) : data.points.map((p) => ({ ...p, pos: kindOfKey(p.select) === 'position' ? +nameOfKey(p.select) : null })),
    paths = ways ? ways.names.map((_, w) => groups.map((_, step) => w * groups.length + step)) : [];
  const colourOf = (group) => {
    const { sequential, categories } = palette();
    return ordered ? sequential.css[round(70 + (185 * group) / max(1, groups.length - 1))] : categories[group % categories.length];
  };
  const few = points.length <= 80;
  let at = null; // where a point was drawn
  function draw(width, spots, height = min(560, max(340, width * 0.62))) {
    const drawing = new Scene(width, height), colours = palette(), bottom = height - 54,
      head = drawNames(drawing, groups, LEFT - 8, width, (x, y, g) => drawing.mark(x, y, ordered ? 0 : g, 60, colourOf(g))),
      x = d3.scaleLinear(padded(...d3.extent(points, (p) => p.x), 0.06), [LEFT, width - 24]),
      y = d3.scaleLinear(padded(...d3.extent(points, (p) => p.y), 0.06), [bottom, head + 34]);
    drawYAxis(drawing, y, LEFT, width - 24, data.y);
    drawXAxis(drawing, x, bottom, data.x, width < 560 ? 4 : 7);
    const [from, to] = [max(x.domain()[0], y.domain()[0]), min(x.domain()[1], y.domain()[1])];
    if (data.diagonal) drawing.line(x(from), y(from), x(to), y(to), colours.muted, { dash: '2 4' });
    at = (p) => [x(p.x), y(p.y)];
    drawing.marks = [drawing.items.length];
    paths.forEach((path) => drawing.path(d3.line()(path.map((i) => at(points[i]))), colours.muted, { opacity: 0.28 }));
    points.forEach((p) => {
      const group = Number.isInteger(p.group) ? p.group : 0;
      drawing.mark(...at(p), ordered ? 0 : group, few ? 90 : 28, colourOf(group), { opacity: 0.9 });
      spots.push({ x: x(p.x), y: y(p.y), width: few ? 24 : 12, height: few ? 24 : 12, key: p.select, name: p.label, pairs: [[unitLabel(data.x), number(p.x)], [unitLabel(data.y), number(p.y)], ['group', groups[p.group] ?? '']] });
    });
    drawing.marks.push(drawing.items.length);
    const placed = [];
    if (few) points.forEach((p) => {
      const label = visible(p.label), wide = textWidth(label, 12), [cx, cy] = at(p);
      const free = (box) => box.x >= LEFT && box.x + wide <= width && box.y > head + 20 && box.y < bottom
        && !placed.some((other) => abs(other.y - box.y) < 13 && other.x < box.x + wide && box.x < other.x + other.wide)
        && !points.some((q) => q !== p && x(q.x) > box.x - 6 && x(q.x) < box.x + wide + 6 && y(q.y) > box.y - 15 && y(q.y) < box.y + 6);
      const box = [[cx + 9, cy + 4], [cx - 9 - wide, cy + 4], [cx - wide / 2, cy - 10], [cx - wide / 2, cy + 19]].map(([left, base]) => ({ x: left, y: base, wide })).find(free);
      if (!box) return; // the tooltip and the table still name it
      placed.push(box);
      drawing.text(box.x, box.y, label, { fill: colours.muted });
    });
    return drawing;
  }
  // The points of the position that is shown, their way, and its name at the last of them.
  function lit(drawing) {
    const here = points.filter((p) => isNumber(p.pos) && p.pos === store.shownPos), { accent, ink } = palette(), last = here.at(-1);
    if (!isNumber(store.shownPos) || !points.some((p) => isNumber(p.pos))) return 1;
    if (paths.length) drawing.path(d3.line()(here.map(at)), accent, { lineWidth: 2.5 });
    here.forEach((p) => drawing.mark(...at(p), ordered ? 0 : p.group || 0, few ? 90 : 60, accent, { opacity: 0.9 }));
    if (last && !few) {
      const label = fitText(last.label, 130), left = at(last)[0] + 9 + textWidth(label) > drawing.width;
      drawing.text(at(last)[0] + (left ? -9 : 9), at(last)[1] + 4, label, { anchor: left ? 'end' : 'start', fill: ink });
    }
    return 0.33;
  }
  const table = () => tableOf(points, ['Name', (p) => p.label], ['Group', (p) => groups[p.group] ?? p.group], [data.x.label, (p) => p.x, data.x.unit], [data.y.label, (p) => p.y, data.y.unit]);
  return makeChart({ view, plot, draw, table, redraw: paths.length ? ['pos', 'peek'] : [], lit });
};
