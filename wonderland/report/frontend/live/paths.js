// What carries one logit: the flow through parts and positions as a graph, for one text or for A less B.

const OVER = ['the mean token', 'the runner-up'];

function pathsPanel(session, { held }) {
  const lane = makeLane(), sum = el('p', LIVE), controls = el('div.controls'), picture = el('div.picture'), note = el('p.quiet');
  const target = el('select', { label: 'Token', on: { change: () => ((picked = target.value), trace()) } });
  const most = el('input', { type: 'range', min: 4, max: 40, value: 16, label: 'Nodes kept', on: { change: () => trace() } }), count = el('span.where');
  let over = 0, less = 0, chart = null, picked = null; // picked: the token that the reader chose; else the likeliest
  const overs = choice('Over', OVER, (i) => ((over = i), trace())), of = choice('Of', ['this text', 'A less this text'], (i) => ((less = i), trace()));
  const go = button('Trace it', () => trace());
  const node = panel('paths', 'What carries it', el('div.controls', el('label.slider', 'Token ', target), overs.node, of.node, el('label.slider', 'Nodes kept', most, count), go), sum, controls, picture, note);
  const placed = (tokens, { part, position }) => `${part} ${tokenName(tokens[position])}`;

  function* tracing() {
    const [id, other] = [+target.value, likeliest(session.before, 2).map(([one]) => one).find((one) => one !== +target.value)];
    const foil = over ? other : null, run = session.kept.run, here = yield* effectFlow(run, id, foil), a = less ? held() : null;
    let there = null;
    if (a) {
      a.run ??= yield* readTokens(new LiveRun(session.model, a.tokens.length), a.tokens);
      there = yield* effectFlow(a.run, id, foil);
    }
    // Nodes of both runs stand in the same order, so that A less B is a difference of each.
    const minus = (one, two) => (there ? two - one : one);
    const values = here.nodes.map(({ value }, i) => minus(value, there?.nodes[i].value));
    const chosen = d3.sort(d3.range(values.length), (i) => -abs(values[i])).slice(0, +most.value).filter((i) => values[i]);
    const kept = chosen.map((i) => here.nodes[i]), edges = yield* here.edges(kept);
    const second = there ? yield* there.edges(chosen.map((i) => there.nodes[i])) : null;
    const sources = d3.sum(here.nodes.map((one, i) => (isSource(one) ? values[i] : 0)));
    return { id, foil, total: minus(here.total, there?.total), constant: minus(here.constant, there?.constant), sources, all: values.length, kept,
      edges: edges.map(({ from, to, value }, i) => ({ from, to, value: minus(value, second?.[i].value) })).filter(({ value }) => value) };
  }
  function trace() {
    if (!session.fresh) return;
    show();
    const a = less ? held() : null;
    if (a && a.tokens.length !== session.tokens.length) return void fill(sum, `Unequal lengths: A has ${counted(a.tokens.length, 'token')}, this text ${session.tokens.length}, so that positions do not line up.`);
    fill(sum, '…');
    lane.run(tracing()).then((found) => found && draw(found));
  }
  function draw({ id, foil, total, constant, sources, all, kept, edges }) {
    const named = (token) => `“${tokenName(session.tokenizer.piece(token))}”`, over_ = foil === null ? 'the mean of all tokens' : named(foil);
    fill(sum, `Logit of ${named(id)} over ${over_}${less ? ', A less this text' : ''}: `, el('b', { 'data-total': total.toFixed(6) }, number(total, 3)),
      `. All sources ${number(sources, 3)} and constants ${number(constant, 3)} add up to ${number(sources + constant, 3)}; what is missing: `, el('b', { 'data-missing': (total - sources - constant).toFixed(6) }, number(abs(total - sources - constant), 6)), '.');
    const ids = new Map(kept.map((one, i) => [one, i]));
    const nodes = [...kept.map((one, i) => ({ id: `n${i}`, label: placed(session.pieces, one), layer: one.layer < 0 ? 0 : 2 * one.layer + 1 + (one.mlp ? 1 : 0), select: one.head === undefined ? undefined : `head:${one.part}` })), { id: 'logit', label: 'logit', layer: 2 * N_LAYERS + 1 }];
    const data = { nodes, unit: 'logits', threshold: 0.05 * (d3.max(edges, ({ value }) => abs(value)) ?? 0), layers: d3.groups(nodes, (one) => one.layer).sort((one, two) => one[0] - two[0]).map(([layer]) => (layer === 0 ? 'embedding' : layer > 2 * N_LAYERS ? '' : `${layer % 2 ? 'heads' : 'MLP'} ${(layer - 1) >> 1}`)),
      edges: edges.map(({ from, to, value }) => ({ from: `n${ids.get(from)}`, to: to ? `n${ids.get(to)}` : 'logit', value })) };
    fill(controls);
    fill(picture);
    if (!edges.length) return void fill(picture, el('p.quiet', 'No node carries any of it.'));
    chart = renderers.graph({ view: { id: 'what-carries-it', title: 'What carries it', caption: 'One text, n = 1.', selects: ['head'] }, data, plot: picture, controls });
    chart.update(new Set(['mounted']));
    fill(note, `${kept.length} of ${counted(all, 'node')}. One text, n = 1. Attention and the scales of the norms are held as they were: a head passes on what it reads, an MLP counts as a source, and what queries and keys would do is left out. An ablation can therefore say otherwise.`);
  }
  const show = () => {
    overs.show(over);
    of.node.hidden = !held();
    if (!held()) less = 0;
    of.show(less);
    fill(count, most.value);
  };
  // Another text: what was traced is no longer of it.
  const clear = () => {
    lane.cancel();
    chart = null;
    [sum, controls, picture, note].forEach((one) => fill(one));
    fill(target, session.before ? likeliest(session.before, 12).map(([id]) => el('option', { value: id }, tokenName(session.tokenizer.piece(id)))) : []);
    if ([...target.options].some(({ value }) => value === picked)) target.value = picked;
    show();
  };
  return { node, clear, update: (changes) => chart?.update(changes) };
}
