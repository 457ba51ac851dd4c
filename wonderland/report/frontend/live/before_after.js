// What comes next: as the model says it, with parts switched off beside it, layer by layer, and said aloud.

function nextPanel(session, { accept, say, temperature }) {
  const list = el('div'), slider = el('input', { type: 'range', min: 10, max: 200, value: 100, label: 'Temperature', on: { input: () => temperature(slider.value / 100) } });
  const where = el('span.where'), seed = el('input.seed', { type: 'number', min: 0, max: 999999, value: 0, label: 'Seed' });
  const said = el('div.said2', LIVE);
  const go = button('Say it', () => say(+seed.value || 0), { title: 'Draw the rest of the message, from this seed' });
  const another = button('Another', () => ((seed.value = (+seed.value || 0) + 1), say(+seed.value)), { class: 'quiet' });
  const node = panel('next', 'It would go on', list, el('label.slider', 'Temperature', slider, where), el('div.controls', go, another, el('label.slider', 'Seed', seed)), said);
  const show = () => {
    const p = softmax(session.logits, session.temperature);
    fill(where, number(session.temperature, 2));
    fill(list, likelyTokens(session.tokenizer, likeliest(p, 8), accept));
  };
  const heard = (title, tokens, done, most) => el('div', el('h3', title), el('p.bubble', { dir: 'auto', class: `bubble ${written.who}` }, tokens.length ? inSentence(session.tokenizer.decode(tokens)) : null, tokens.length === most || !done ? ' …' : tokens.length ? null : el('small', 'the message ends here')));
  return { node, show, said, heard };
}

function withoutPanel(session) {
  const body = el('div', LIVE), title = el('h2');
  const node = el('section.panel.without', title, body);
  const signed = (value) => `${value > 0 ? '+' : ''}${number(value, 3)}`;
  const averaged = (off) => {
    const [part] = off, head = off.length === 1 ? headOf(part) : null, one = session.data.averages[session.method];
    if (!head || !isNumber(one?.value.at(...head))) return `No average was measured for ${off.length > 1 ? 'these together' : 'it'}.`;
    return `The report, ${session.method} ablation, on average: ${signed(one.value.at(...head))} nats a token ${interval(one.low.at(...head), one.high.at(...head), 3)}, ${one.n} ${one.of}.`;
  };
  const show = () => {
    const off = offNames(), { after } = session;
    fill(title, off.length ? `Without ${off.join(', ')}` : 'With something off');
    if (!off.length) return void fill(body, el('p.quiet', 'Switch off a head or an MLP, and here stands what that changes.'));
    if (session.refused()) return void fill(body, el('p.banner', session.refused()));
    if (!after) return void fill(body, el('p.quiet', '…'));
    const rise = after.loss - session.loss;
    fill(body, changedTokens(session.tokenizer, session.before, after.probabilities), el('dl.here',
      el('dt', `KL, here, n = 1${session.over()}`), el('dd', { 'data-kl': after.kl.toFixed(6) }, `${number(after.kl, 3)} nats`),
      isNumber(rise) ? [el('dt', `Surprise at your text, here, n = 1${session.over()}`), el('dd', `${signed(rise)} nats a token`)] : null),
    el('p.average', averaged(off)), el('p.quiet', 'All else on this page shows the whole model.'));
  };
  return { node, show };
}

function lensPanel(session) {
  const body = el('div.lens'), node = panel('layers', 'Layer by layer', body);
  const show = () => {
    const names = ['at first', ...d3.range(N_LAYERS).map((l) => `after L${l}`)];
    fill(body, el('p.quiet', `What each layer would say after “${tokenName(session.pieces[session.lensAt])}” (logit lens).`),
      el('table', el('tbody', session.lens.map((best, i) => el('tr', el('th', names[i]), best.map(([id, p]) => el('td', tokenName(session.tokenizer.piece(id)), ' ', el('small', percent(p)))))))));
  };
  return { node, show };
}
