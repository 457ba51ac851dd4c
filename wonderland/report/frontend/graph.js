// graph: nodes in columns by layer, left to right; width of an edge is the size of its effect, colour and dash its sign.
// layers.js says where they stand, and leads edges around the nodes that are not theirs.

renderers.graph = ({ view, data, plot, controls }) => {
  const { nodes, unit } = data,
    numbers = new Map(nodes.map((node, i) => [node.id, i])),
    edges = data.edges.map((edge, number) => ({ ...edge, number, a: numbers.get(edge.from), b: numbers.get(edge.to) })),
    most = d3.max(edges, (edge) => abs(edge.value)) || 1,
    size = (edge) => abs(edge.value) / most;
  edges.forEach((edge) => (edge.size = size(edge)));
  const columns = d3.groups(d3.range(nodes.length), (i) => nodes[i].layer).sort((a, b) => a[0] - b[0]).map(([, members]) => members),
    touches = (edge, i) => edge.a === i || edge.b === i;
  let zoom = 1;

  const { least, node: slider, show: showLeast } = threshold(data.threshold, most, unit),
    bigger = (by) => () => ((zoom = max(1, min(4, zoom * by))), store.tell(new Set(['size'])));
  controls.append(slider,
    el('span.choice', button('−', bigger(1 / 1.4), { label: 'Zoom out' }), button('+', bigger(1.4), { label: 'Zoom in' })));

  const pinned = () => (isNumber(store.node) && nodes[store.node] ? store.node : nodes.findIndex(({ select }) => !/^model/.test(select) && isChosen(select))),
    nameOf = (edge) => `${nodes[edge.a].label} → ${nodes[edge.b].label}`;

  function draw(width, spots) {
    const colours = palette(), at = pinned(),
      labels = nodes.map((node) => fitText(unmarked(node.label), 110)), half = labels.map((text) => textWidth(text, 12, 600) / 2 + 10),
      headings = columns.map((members, c) => data.layers?.[c] ?? (members.every((i) => headOfKey(nodes[i].select)) ? `layer ${nodes[members[0]].layer}` : '')),
      bands = columns.map((members, c) => max(textWidth(headings[c]) / 2 + 4, ...members.map((i) => half[i]))),
      { wide, height, x, place, ways } = layered(edges, columns, half, bands, { width: width * zoom, least: 300 * Math.sqrt(zoom) }),
      drawing = new Scene(wide, height);
    headings.forEach((text, c) => drawing.text(x[c], 14, text, { anchor: 'middle', fill: colours.muted }));
    const kept = d3.sort(edges.filter((edge) => size(edge) >= least() - 1e-9), (edge) => size(edge));
    showLeast(`${number(kept.length)} of ${counted(edges.length, 'edge')}`);
    const middles = [];
    kept.forEach((edge) => {
      const down = edge.value < 0, { d, middle } = ways[edge.number],
        faded = at >= 0 && !touches(edge, at);
      drawing.path(d, colours.categories[down ? 1 : 0], { lineWidth: 0.8 + 7 * size(edge), opacity: faded ? 0.1 : 0.62, dash: down ? '7 4' : null });
      if (!faded) middles.push({ x: middle[0], y: middle[1], width: 16, height: 16, name: nameOf(edge), pairs: measured('effect', edge, unit), key: keyOf(`edge:${edge.from}>${edge.to}`) ?? null, pick: () => store.set({ node: edge.a, ...selecting(`edge:${edge.from}>${edge.to}`) }) });
    });
    nodes.forEach((node, i) => {
      const [cx, cy] = place[i], on = i === at,
        alone = at >= 0 && !on && !kept.some((edge) => touches(edge, i) && touches(edge, at));
      drawing.rect(cx - half[i], cy - 14, half[i] * 2, 28, on ? colours.accent : colours.panel, { rx: 7, stroke: on || isChosen(node.select) ? colours.accent : colours.muted, opacity: alone ? 0.4 : 1 });
      drawing.text(cx, cy + 4, labels[i], { anchor: 'middle', weight: headOfKey(node.select) ? 600 : 400, fill: on ? colours.paper : colours.ink, opacity: alone ? 0.5 : 1 });
      const [into, out] = [kept.filter((edge) => edge.b === i), kept.filter((edge) => edge.a === i)];
      spots.push({ x: cx, y: cy, width: half[i] * 2, height: 28, kind: 'node', key: node.select, name: node.label,
        pairs: [['edges in', into.length], ['edges out', out.length]], on: () => i === pinned(),
        pick: () => store.set(i === pinned() ? { node: null, ...(node.select && { key: null }) } : { node: i, ...selecting(node.select) }) });
    });
    spots.push(...middles); // after the nodes, whose number never changes
    return drawing;
  }
  const table = () => tableOf(d3.sort(edges, (edge) => -size(edge)), ['From', (edge) => nodes[edge.a].label], ['To', (edge) => nodes[edge.b].label],
    ['Effect', (edge) => edge, unit], ...(edges.some((edge) => edge.note) ? [['Note', (edge) => edge.note]] : []));
  const host = el('div.sideways');
  plot.append(host, el('p.key', 'solid: over 0  ·  dashed: under 0  ·  width: size of the effect', el('span.hint', '  ·  click a node to pin its edges')));
  const chart = makeChart({ view, plot: host, draw, table, redraw: ['threshold', 'key', 'node'] }),
    edgeTable = makeTable(table(), `${view.title}, edges`).node;
  edgeTable.classList.add('apart'); // a picture of the graph is a picture of the graph; its table is saved as CSV
  plot.append(edgeTable);
  return chart;
};
