// A direction added to the stream at every token, by a slider: likely tokens before and after. Of a latent also where it
// fires on the text, and what is said without it.

// A direction with its numbers as arrays; those of a report lie in grids.
const waysOf = (ways) => ways.map(({ vector, reads, ...way }) => ({ ...way, vector: vector.values, ...(reads && { reads: { ...reads, encoder: reads.encoder.values, numbers: reads.numbers.values, tokens: reads.tokens?.values } }) }));

function steeringPanel(session) {
  const ways = waysOf(session.data.directions), lane = makeLane(), body = el('div', LIVE), where = el('span.where'), there = el('div');
  const which = el('select', { label: 'Direction', on: { change: () => show() } }, ways.map(({ name }, i) => el('option', { value: i }, name)));
  const slider = el('input', { type: 'range', min: -8, max: 8, step: 0.5, value: 0, label: 'How much', on: { input: () => show() } });
  const without = el('input', { type: 'checkbox', on: { change: () => show() } }), off = el('label.slider', without, 'Take it out where it fires');
  const node = panel('steer', 'Steer', el('div.controls', which, el('label.slider', 'How much', slider, where), off), there, body);
  // Of each layer the report holds only so many latents.
  const held = max(0, ...d3.rollup(ways.filter((way) => way.reads), (some) => some.length, (way) => way.name.split('F')[0]).values());
  // The text with how much of the latent is at each token.
  function fires(way) {
    const f = firing(session.kept.run, way), most = d3.max(f) || 1;
    const word = (piece, t) => el('span', { class: f[t] ? `lit lit${ceil(4 * f[t] / most)}` : null, title: f[t] ? number(f[t], 2) : 'does not fire', 'data-f': f[t].toFixed(6) }, piece);
    const on = f.filter((value) => value > 0).length;
    fill(there, el('p.fires', session.pieces.map(word)), el('p.quiet', on ? `Fires on ${on} of ${counted(f.length, 'token')}, here, n = 1; most ${number(most, 2)}.` : `Fires on none of ${counted(f.length, 'token')} here.`));
  }
  const show = () => {
    const amount = +slider.value, way = ways[+which.value], latent = Boolean(way?.reads);
    fill(where, `${number(amount, 1)} ×`);
    lane.cancel();
    if (!way) return void fill(node, el('h2', 'Steer'), el('p.quiet', 'This report holds no direction to steer along.'));
    off.hidden = !latent;
    fill(there);
    if (latent && session.fresh) fires(way);
    const out = latent && without.checked;
    slider.disabled = out;
    if (!(amount || out) || !session.fresh) return void fill(body, el('p.quiet', `Added at every token of the text: ${way.name}, at its average length, times the slider. Head directions are a difference of means over the report’s evidence.${held ? ` Latents to choose from: of each layer the ${held} clearest.` : ''}`));
    lane.run(out ? withoutLatent(session.kept.run, way) : steered(session.kept.run, way.layer, way.vector, amount, way.site)).then((logits) => {
      if (!logits) return;
      const after = softmax(logits), kl = klDivergence(session.before, after);
      fill(body, changedTokens(session.tokenizer, session.before, after), el('dl.here', el('dt', 'KL, here, n = 1'), el('dd', { 'data-steered': kl.toFixed(6) }, `${number(kl, 3)} nats`)),
        !out && abs(amount) > 3 ? el('p.quiet', 'The model never was so far out in training.') : null);
    });
  };
  return { node, show, cancel: lane.cancel };
}
