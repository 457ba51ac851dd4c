// graph: nodes in columns by layer, edges between them; width is the size of the effect, colour and dash its sign.

renderers.graph = ({ view, data, plot }) => {
  const { nodes, edges } = data;
  const chart = el('div', { class: 'chart', role: 'img', 'aria-label': `${view.title}: ${nodes.length} nodes, ${edges.length} edges; the table holds them` });
  const list = makeTable(edgeTable(), `${view.title}, edges`);
  plot.append(chart, el('p', { class: 'key', text: 'solid: raises  ·  dashed: lowers  ·  width: size of the effect' }), list.node);

  function edgeTable() {
    const label = new Map(nodes.map((node) => [node.id, visible(node.label)]));
    return {
      columns: [{ key: 'from', label: 'From' }, { key: 'to', label: 'To' }, { key: 'value', label: 'Effect' }],
      rows: edges.map((edge) => ({ from: label.get(edge.from) ?? edge.from, to: label.get(edge.to) ?? edge.to, value: isNumber(edge.low) ? { value: edge.value, low: edge.low, high: edge.high } : edge.value })),
    };
  }
  function scene(width = 900) {
    const columns = d3.groups(nodes, (node) => node.layer).sort((a, b) => a[0] - b[0]).map(([, members]) => members);
    const tallest = Math.max(...columns.map((members) => members.length), 1);
    const height = Math.max(220, tallest * 46 + 40);
    const drawing = new Scene(width, height);
    const colours = palette();
    const place = new Map();
    columns.forEach((members, c) => members.forEach((node, i) => place.set(node.id, [70 + (c * (width - 140)) / Math.max(1, columns.length - 1), ((i + 0.5) * height) / members.length + (c % 2 ? 26 : -26)])));
    const most = d3.max(edges, (edge) => Math.abs(edge.value)) || 1;
    const link = d3.linkHorizontal();
    edges.filter((edge) => place.has(edge.from) && place.has(edge.to)).forEach((edge) => {
      const down = edge.value < 0;
      drawing.path(link({ source: place.get(edge.from), target: place.get(edge.to) }), colours.categories[down ? 1 : 0], { lineWidth: 0.6 + (6 * Math.abs(edge.value)) / most, opacity: 0.65, dash: down ? '6 4' : null });
    });
    nodes.forEach((node) => {
      const [x, y] = place.get(node.id);
      const text = fitText(node.label, 96), wide = textWidth(text) + 20;
      drawing.rect(x - wide / 2, y - 14, wide, 28, node.head && node.head === store.head ? colours.accent : colours.panel, { rx: 6, stroke: colours.muted });
      drawing.text(x, y + 4, text, { anchor: 'middle', fill: node.head && node.head === store.head ? colours.paper : colours.ink });
    });
    return drawing;
  }
  const update = (changed) => {
    if (['mounted', 'size', 'theme', 'head'].some((key) => changed.has(key))) chart.replaceChildren(sceneToSvg(scene(Math.max(320, plot.clientWidth))));
  };
  return { update, table: edgeTable, scene };
};
