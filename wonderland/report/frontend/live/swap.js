// Two prompts that differ in one respect: cell by cell, what is copied from A into B, and how much of the answer returns.

const SITES = [['Stream', 'resid_pre'], ['Attention', 'attn_out'], ['MLPs', 'mlp_out'], ['By head', 'z']];

function swapPanel(session, { changed }) {
  const lane = makeLane(), body = el('div', LIVE), lines = el('div.ab');
  let a = null, mode = 0, repaint = () => {}; // A: its message texts, tokens and run
  const keep = () => {
    a = { written: structuredClone(written), tokens: [...session.tokens], pieces: [...session.pieces], run: null };
    changed();
  };
  const flip = (who) => (who === 'me' ? 'them' : 'me');
  const speakers = () => {
    keep();
    Object.assign(written, { who: flip(written.who), turns: written.turns.map((turn) => ({ ...turn, who: flip(turn.who) })) });
    changed();
  };
  const modes = choice('What is copied', SITES.map(([name]) => name), (i) => ((mode = i), start()));
  const node = panel('swap', 'Swap: A → B', el('div.controls', button('Keep this as A', keep), button('A, and B with the speakers swapped', speakers), modes.node), lines, body);

  // What the linter of contrasts says of a pair, in its words.
  const problem = () => {
    if (a.tokens.length !== session.tokens.length) return `Unequal lengths: ${a.tokens.length} and ${counted(session.tokens.length, 'token')}, so that positions do not line up.`;
    if (a.tokens.every((token, i) => token === session.tokens[i])) return 'Identical prompts: nothing differs, so nothing can be the cause. Change a word; what is written now is B.';
    return '';
  };
  const prompt = (name, pieces, other) => el('p', el('b', name, ' '), pieces.map((piece, i) => el(other[i] === piece ? 'span' : 'span.differs', SPECIAL.test(piece) ? tokenName(piece) : inSentence(piece))));
  const say = (text) => fill(body, el('p.banner', text));

  function* patching(hear) {
    a.run ??= yield* readTokens(new LiveRun(session.model, a.tokens.length), a.tokens); // it is A's once it is whole
    const base = session.kept.run, logitsA = yield* nextLogits(a.run), logitsB = yield* nextLogits(base);
    const [target, foil] = answersOf(logitsA, logitsB, [...a.tokens, ...session.tokens]);
    const without = logitsB[target] - logitsB[foil], gap = logitsA[target] - logitsA[foil] - without;
    hear({ target, foil, gap });
    if (!(gap >= session.data.leastGap)) return;
    const [, site] = SITES[mode], rows = d3.range(N_LAYERS).flatMap((layer) => (site === 'z' ? d3.range(N_HEADS).map((head) => ({ layer, head })) : [{ layer }]));
    const cells = d3.range(base.length).flatMap((position) => rows.map((row, r) => ({ site, head: null, ...row, position, r })));
    if (site === 'z') cells.unshift(...rows.map((row, r) => ({ site, ...row, r }))); // each head everywhere: its total
    yield* patchEach(base, a.run, cells, target, foil, { report: (i, value) => hear({ cell: cells[i], recovery: (value - without) / gap }) });
  }

  const tableau = ({ target, foil, gap }) => {
    const told = `Target “${tokenName(session.tokenizer.piece(target))}”, foil “${tokenName(session.tokenizer.piece(foil))}”: the tokens whose probability moves most. Gap ${number(gap, 2)} logits.`;
    if (!(gap >= session.data.leastGap)) {
      say(`Gap too small: ${number(gap, 2)} logits, at least ${session.data.leastGap} are needed. ${told}`);
      return null;
    }
    const site = SITES[mode][1], names = site === 'z' ? HEADS : d3.range(N_LAYERS).map((l) => `L${l}`), values = new Map();
    const titles = names.map((name) => el('span.rowname', name)), shown = names.map(() => session.pieces.map(() => el('i.cell'))), grid = el('div.grid', { role: 'img', label: `How much returns, ${counted(names.length, 'row')} by ${counted(session.pieces.length, 'token')}` });
    grid.style.gridTemplateColumns = `max-content repeat(${session.pieces.length}, minmax(${site === 'z' ? 16 : 38}px, 46px))`;
    fill(grid, el('span'), session.pieces.map((piece, i) => el(a.pieces[i] === piece ? 'span.word' : 'span.word.differs', tokenName(piece))), names.map((_, r) => [titles[r], shown[r]]));
    const key = legend();
    let scale;
    const paint = ({ r, position }, value) => {
      shown[r][position].dataset.v = value.toFixed(6);
      styled(shown[r][position], scale.paint(value));
      if (site !== 'z') shown[r][position].textContent = abs(value) < 0.005 ? '' : number(value, 2);
    };
    for (const name of ['pointermove', 'click']) grid.addEventListener(name, (event) => { // a tap moves nothing
      const at = values.get(event.target);
      if (!at) return tip.hide();
      tip.show(event, `${names[at.cell.r]} at “${tokenName(session.pieces[at.cell.position])}”`, [['of the difference returns', number(at.recovery, 3)], ['', 'here, n = 1']]);
    });
    grid.addEventListener('pointerleave', () => tip.hide());
    const order = [];
    const rescale = () => {
      scale = colourScale({ scale: 'diverging', domain: [-1, 1] }, order.map(({ recovery }) => recovery));
      key.show(scale, {});
      order.forEach(({ cell, recovery }) => paint(cell, recovery));
    };
    repaint = rescale;
    fill(body, el('p.quiet', told, ' Each cell: this much of it returns in B when this place is taken from A. ', site === 'z' ? 'Beside a head: all places at once. ' : '', 'One pair, n = 1.'), key.node, el('div.sideways', grid));
    saySideways(body);
    rescale();
    return (one) => {
      if (one.cell.position === undefined) return fill(titles[one.cell.r], `${HEADS[one.cell.r]} ${percent(one.recovery)}`);
      order.push(one);
      values.set(shown[one.cell.r][one.cell.position], one);
      if (abs(one.recovery) > scale.high) rescale(); // nothing is clipped: the scale grows, and all cells with it
      else paint(one.cell, one.recovery);
    };
  };

  function start() {
    lane.cancel();
    modes.show(mode);
    modes.node.hidden = !a;
    if (!a) return void (fill(lines), fill(body, el('p.quiet', 'Keep a text as A, change a word of it for B, and see which places carry the difference.')));
    fill(lines, prompt('A', a.pieces, session.pieces), prompt('B', session.pieces, a.pieces));
    if (!session.fresh) return;
    const wrong = problem();
    if (wrong) return say(wrong);
    let put = null;
    lane.run(patching((told) => (told.cell ? put?.(told) : (put = tableau(told)))));
  }
  return { node, start, cancel: lane.cancel, held: () => a, recolour: () => repaint() };
}
