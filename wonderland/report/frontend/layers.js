// layers: where the nodes of a graph stand, and which way its edges take, so that no edge runs through a node.
//
// Nodes stand in columns. An edge that passes a column takes a lane there, level between the boxes, and bends only
// in the gaps between columns, where no box stands. Edges of one node share a lane, so that lanes do not fill the page.
//
// edges: [{ a, b, size }] with numbers of nodes; columns: numbers of nodes by column; half: half the width of each
// node; bands: half the width of each column. Returns height, place [x, y] of each node, and for each edge its way
// (an SVG path) and the middle of its last bend.

function layered(edges, columns, half, bands, { width, top = 34, least = 300, gap = 22 }) {
  const NODE = 44, LANE = 13, column = [], taken = columns.map((members) => members.map((node) => ({ node, tall: NODE })));
  columns.forEach((members, c) => members.forEach((i) => (column[i] = c)));
  const lanes = new Map();
  const stops = edges.map((edge) => { // what an edge passes, from left to right: its first node, lanes, its last node
    const [from, to] = column[edge.a] <= column[edge.b] ? [edge.a, edge.b] : [edge.b, edge.a], passed = [];
    for (let c = column[from] + 1; c < column[to]; c++) {
      const name = `${from} ${c}`;
      if (!lanes.has(name)) {
        lanes.set(name, { node: null, tall: LANE });
        taken[c].push(lanes.get(name));
      }
      passed.push(lanes.get(name));
    }
    const end = (i) => taken[column[i]].find((slot) => slot.node === i);
    return [end(from), ...passed, end(to)];
  });
  // Each column is sorted by the mean height of what its members are joined to, which unties most knots.
  const near = new Map(taken.flat().map((slot) => [slot, []]));
  stops.forEach((way, k) => way.slice(1).forEach((slot, n) => {
    near.get(slot).push([way[n], edges[k].size]);
    near.get(way[n]).push([slot, edges[k].size]);
  }));
  const tall = taken.map((slots) => d3.sum(slots, (slot) => slot.tall)), height = max(least, top + max(...tall) + 10);
  const settle = (slots, c) => {
    const stretch = (height - top) / max(1, tall[c]);
    let y = top;
    slots.forEach((slot) => ((slot.y = y + (slot.tall * stretch) / 2), (y += slot.tall * stretch)));
  };
  const pull = (slot) => {
    const joined = near.get(slot), weight = d3.sum(joined, ([, size]) => size + 0.01);
    return weight ? d3.sum(joined, ([other, size]) => (size + 0.01) * other.y) / weight : slot.y;
  };
  taken.forEach(settle);
  for (let pass = 0; pass < 8; pass++) taken.forEach((slots, c) => settle((taken[c] = d3.sort(slots, pull)), c));

  const wide = max(width, 2 * d3.sum(bands) + gap * (columns.length - 1) + 8),
    free = (wide - 8 - 2 * d3.sum(bands)) / max(1, columns.length - 1), x = [];
  bands.forEach((band, c) => (x[c] = c ? x[c - 1] + bands[c - 1] + free + band : 4 + band));
  const place = [];
  taken.forEach((slots, c) => slots.forEach((slot) => slot.node !== null && (place[slot.node] = [x[c], slot.y])));
  const ways = edges.map((edge, k) => {
    const way = stops[k], from = way[0].node, to = way.at(-1).node, first = column[from];
    if (first === column[to]) { // out into the gap and back
      const edgeOf = x[first] + bands[first], out = edgeOf + free / 2, [y0, y1] = [way[0].y, way[1].y];
      return { d: `M${x[first] + half[from]},${y0}L${edgeOf},${y0}C${out},${y0},${out},${y1},${edgeOf},${y1}L${x[first] + half[to]},${y1}`, middle: [edgeOf + free * 0.375, (y0 + y1) / 2] };
    }
    let d = `M${x[first] + half[from]},${way[0].y}`, middle;
    way.slice(1).forEach((slot, n) => {
      const c = first + n, [x0, x1] = [x[c] + bands[c], x[c + 1] - bands[c + 1]], half0 = (x0 + x1) / 2;
      d += `L${x0},${way[n].y}C${half0},${way[n].y},${half0},${slot.y},${x1},${slot.y}`;
      middle = [half0, (way[n].y + slot.y) / 2];
    });
    const last = column[to];
    return { d: `${d}L${x[last] - half[to]},${way.at(-1).y}`, middle };
  });
  return { wide, height, x, place, ways };
}
