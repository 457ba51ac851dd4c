// Every head's attention on the text as a small picture; each head and MLP is a switch.

const METHODS = ['mean', 'zero', 'resample'];

function headsPanel(session, { method }) {
  const chips = HEADS.map((name) => el('button.chip', keyed(`head:${name}`), el('canvas.pixels', { 'aria-hidden': 'true' }), el('b', name), ' ', el('small.looks'), ' ', el('small.kl')));
  const mlps = d3.range(N_LAYERS).map((layer) => el('button.chip.mlp', { 'data-part': `MLP${layer}`, on: { click: () => switchPart(`MLP${layer}`) } }, el('b', `MLP${layer}`), el('small.kl')));
  const grid = el('div.chips', { role: 'group', label: 'Heads and MLPs: press to switch off' }, d3.range(N_LAYERS).map((l) => [chips.slice(l * N_HEADS, (l + 1) * N_HEADS), mlps[l]]));
  grid.style.gridTemplateColumns = `repeat(${N_HEADS}, minmax(0, 96px)) minmax(0, 96px)`;
  const bar = el('p.offbar', { role: 'status' }), ways = choice('Put in its place', METHODS.map((name) => ({ mean: 'its mean', zero: 'zeros', resample: 'another text’s' })[name]), (i) => (ways.show(i), method(i)));
  // On a phone nothing can be pointed at: a press shows the pattern of a head, large, and a press there one cell of it.
  const press = choice('A press', ['switches off', 'shows'], (i) => show(i ? looked ?? 0 : null)), large = largePattern(), told = el('h3'), cell = el('p.quiet', LIVE);
  const look = el('div.look', { hidden: true }, told, large.node, cell);
  let looked = null, triangles = null;
  const title = () => looked !== null && fill(told, dots(HEADS[looked], offNames().includes(HEADS[looked]) && 'off', klText(HEADS[looked]) && `KL without it, here: ${klText(HEADS[looked])}`));
  const show = (i, [query, key] = []) => {
    looked = i;
    press.show(+(i !== null));
    look.hidden = i === null || !triangles;
    if (look.hidden) return;
    large.draw(triangles, i, max(160, min(300, look.clientWidth - 12)), session.speakerOf);
    large.cross(query, key);
    large.canvas.ariaLabel = `Attention pattern of ${HEADS[i]} on your text`;
    title();
    fill(cell, key === undefined ? 'Press a cell: a row is a token, marked where it looks.' : key > query ? `“${tokenName(session.pieces[query])}” cannot look ahead.`
      : `“${tokenName(session.pieces[query])}” looks at “${tokenName(session.pieces[key])}”: ${number(session.weight(...headOf(HEADS[i]), query, key), 3)}`);
  };
  large.canvas.addEventListener('click', (event) => session.fresh && show(looked, large.at(event)));
  const note = el('p.quiet');
  const node = panel('heads', 'Heads', el('div.controls', el('span.quiet', 'Off means'), ways.node), el('div.controls.press', el('span.quiet', 'A press'), press.node), bar, grid, look, note);
  const hand = pointing(grid, {
    columns: N_HEADS,
    state: 'aria-current', // pressed is what is off
    // The name of a switch holds what can be seen on it, as it stands there, so that it can be asked for by voice.
    words: (i, pointed) => {
      const on = ['', offNames().includes(HEADS[i]) ? 'off' : 'on'], seen = [looks(i), klText(HEADS[i])];
      return pointed ? [HEADS[i], [on, ['looks at', seen[0]], ['KL without it, here', seen[1]]]] : [[HEADS[i], ...seen].filter(Boolean).join(' '), [on, ['', 'what it looks at most, and the KL without it, here']]];
    },
    pick: (i) => (looked === null ? switchPart(HEADS[i]) : show(i)),
    peek: (i) => ({ ...store.peek, key: `head:${HEADS[i]}` }),
    move: (i) => store.set({ key: `head:${HEADS[i]}` }),
  });
  hand.set(chips);
  const klText = (name) => (session.each?.[name] === undefined ? '' : `${number(session.each[name], 3)} nats`);
  const most = (i) => {
    const [layer, head] = headOf(HEADS[i]), from = session.at();
    return session.fresh ? d3.greatest(d3.range(from + 1), (k) => session.weight(layer, head, from, k)) : undefined;
  };
  const looks = (i) => {
    const to = most(i);
    return to === undefined ? '' : `${tokenName(session.pieces[to])} ${number(session.weight(...headOf(HEADS[i]), session.at(), to), 2)}`;
  };
  function* draw() {
    triangles = yield* trianglesOf(session.kept.run);
    for (const [i, chip] of chips.entries()) {
      drawPattern(chip.firstChild, triangles, i, 54);
      yield;
    }
    show(looked);
    ask();
  }
  const ask = () => {
    chips.forEach((chip, i) => fill(chip.querySelector('.looks'), looks(i)));
    explain();
    hand.say();
  };
  const explain = () => fill(note, `Each head: its pattern, and what it looks at most from “${tokenName(session.pieces[session.at()] ?? '')}”. Point at a token of the text to ask them all from there. ${session.refused() || `nats: KL at the next token with this one alone off${session.over()}.`}`);
  const showEach = () => {
    const all = [...chips.map((chip, i) => [chip, HEADS[i]]), ...mlps.map((chip) => [chip, chip.dataset.part])];
    all.forEach(([chip, name]) => fill(chip.querySelector('.kl'), klText(name)));
    explain();
    hand.say();
    title();
  };
  const showOff = () => {
    const off = offNames();
    [...chips, ...mlps].forEach((chip) => {
      const on = !off.includes(chip.dataset.head ?? chip.dataset.part);
      chip.classList.toggle('off', !on);
      chip.ariaPressed = !on;
    });
    ways.show(METHODS.indexOf(session.method));
    fill(bar, off.length ? [`${off.join(', ')} off. `, button('All on', () => store.set({ off: '' }), { class: 'link', title: 'Shift X' })] : 'All on. Press a head or an MLP, or x on it, to switch it off.');
    if (session.fresh) hand.say();
    title();
    mlps.forEach((chip) => (chip.hidden = session.model && !session.model.hasMlp));
  };
  const mark = () => hand.mark();
  return { node, draw, ask, showEach, showOff, mark };
}
