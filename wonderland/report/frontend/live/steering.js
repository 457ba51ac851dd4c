// A direction added to the stream at every token, by a slider: likely tokens before and after.

function steeringPanel(session) {
  const ways = session.data.directions, lane = makeLane(), body = el('div', LIVE), where = el('span.where');
  const which = el('select', { label: 'Direction', on: { change: () => show() } }, ways.map(({ name }, i) => el('option', { value: i }, name)));
  const slider = el('input', { type: 'range', min: -8, max: 8, step: 0.5, value: 0, label: 'How much', on: { input: () => show() } });
  const node = panel('steer', 'Steer', el('div.controls', which, el('label.slider', 'How much', slider, where)), body);
  const show = () => {
    const amount = +slider.value, way = ways[+which.value];
    fill(where, `${number(amount, 1)} ×`);
    lane.cancel();
    if (!way) return void fill(node, el('h2', 'Steer'), el('p.quiet', 'This report holds no direction to steer along.'));
    if (!amount || !session.fresh) return void fill(body, el('p.quiet', `Added at every token of the text: ${way.name}, as long as it is on average, times the slider. Head directions are a difference of means over the report’s evidence.`));
    lane.run(steered(session.kept.run, way.layer, way.vector.values, amount, way.site)).then((logits) => {
      if (!logits) return;
      const after = softmax(logits), kl = klDivergence(session.before, after);
      fill(body, changedTokens(session.tokenizer, session.before, after), el('dl.here', el('dt', 'KL, here, n = 1'), el('dd', { 'data-steered': kl.toFixed(6) }, `${number(kl, 3)} nats`)),
        abs(amount) > 3 ? el('p.quiet', 'So far out the model never was in training; what it says there tells little.') : null);
    });
  };
  return { node, show, cancel: lane.cancel };
}
