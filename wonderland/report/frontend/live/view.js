// The live view: one text, asked again from the point that changed. Typing cancels whatever is being computed.

const ANSWERED = ['read', 'lens', 'without', 'each']; // the order of the work; later steps follow earlier ones
const SAID = 40; // tokens of a reply, at most

let mounted = null; // the view on the page, for the keys

renderers.live = ({ data, plot }) => {
  if (plot.closest('#sheets')) return onPaper(plot);
  const session = {
    data, model: null, tokenizer: null, method: 'mean', temperature: 1, query: null, hover: null, fresh: false, top: null,
    tokens: [], pieces: [], struck: [], turnOf: [], speakerOf: [],
    at: () => min(session.hover ?? session.query ?? Infinity, session.pieces.length - 1),
    parts: () => [...HEADS, ...(session.model.hasMlp ? d3.range(N_LAYERS).map((l) => `MLP${l}`) : [])],
    // What stands in the place of a part: of resampling each text that is long enough, and the numbers are means over them.
    others: () => data.donors.filter((donor) => donor.values.length >= session.tokens.length),
    over: () => (session.method === 'resample' ? `, mean over ${counted(session.others().length, 'other text')}` : ''),
    refused: () => (session.method === 'resample' && !session.others().length ? `No other text here is as long as yours: ${counted(session.tokens.length, 'token')}, the longest has ${d3.max(data.donors, (donor) => donor.values.length)}.` : ''),
    weight: (layer, head, query, key) => session.kept.run.pattern[layer][(query * session.model.heads + head) * session.model.context + key],
  };
  const asking = makeLane(), speaking = makeLane(), drawing = makeLane();
  let step = 0; // what is answered of the present text
  const status = el('p.quiet', { role: 'status' }, 'Unpacking the model …'), board = el('div.board', { hidden: true });
  const write = writePanel(session, { changed: () => changed(), asked: (i, pinned) => asked(i, pinned) });
  const next = nextPanel(session, { accept: (id) => (write.accept(id), write.field.focus()), say: (seed) => say(seed), temperature: (t) => ((session.temperature = t), session.logits && next.show()) });
  const heads = headsPanel(session, { method(i) {
    Object.assign(session, { method: METHODS[i], each: null, after: null });
    heads.showEach();
    beside.show();
    again('without');
  } });
  const beside = withoutPanel(session), layers = lensPanel(session), swap = swapPanel(session, { changed: () => changed() });
  const paths = pathsPanel(session, { held: swap.held }), steer = steeringPanel(session), lessons = lessonsPanel(session);
  board.append(el('div.side', write.node, heads.node), el('div.side', next.node, beside.node, layers.node, steer.node), swap.node, paths.node, lessons.node);
  fill(plot, page.audit ? el('details.gives', el('summary', 'What this model gives away'), auditOf()) : null, status, board);

  function changed() {
    if (!session.model) return;
    board.classList.add('stale');
    session.fresh = false;
    [asking, speaking, drawing, swap, steer].forEach((one) => one.cancel());
    paths.clear();
    lessons.forget('text');
    const { tokenizer, model } = session, all = writtenTokens(tokenizer, written, model.context + 1000), from = max(0, all.length - model.context);
    const turns = d3.cumsum(all, (token) => token === ME || token === THEM), spoken = [...written.turns.map(({ who }) => who), written.who];
    const unread = spoken.length - turns.at(-1); // messages of which not even the speaker was read
    Object.assign(session, { query: null, hover: null, losses: null, each: null, after: null, tokens: all.slice(from), struck: all.slice(max(0, from - 40), from).map((id) => tokenizer.piece(id)), gone: from, unread });
    session.pieces = session.tokens.map((id) => tokenizer.piece(id));
    session.turnOf = Array.from(turns.slice(from), (n) => n - 1 + unread);
    session.speakerOf = session.turnOf.map((turn) => spoken[turn]);
    step = 0;
    fill(next.said);
    write.showTokens();
    again('read');
  }
  function asked(i, pinned) {
    session.hover = pinned ? null : i;
    if (pinned) session.query = i;
    if (!session.fresh) return;
    heads.ask();
    write.shade();
    if (pinned) again('lens');
  }

  // Answer from a step on: what comes before it and was not finished is done first.
  function again(from) {
    if (!session.model) return;
    step = min(step, ANSWERED.indexOf(from));
    asking.run(answering());
  }
  function* answering() {
    const done = (i) => (step = max(step, i + 1));
    if (step <= 0) {
      const run = yield* readWhole(session.kept, session.tokens);
      session.logits = yield* nextLogits(run);
      session.before = softmax(session.logits);
      session.top = likeliest(session.before, 1)[0][0];
      next.show();
      session.losses = yield* surprise(run);
      session.loss = run.length > 1 ? meanOf(Array.from(session.losses).slice(1)) : NaN;
      session.fresh = true;
      yield;
      write.shade();
      yield;
      yield* heads.draw();
      swap.start();
      paths.clear();
      steer.show();
      done(0);
      yield;
    }
    if (step <= 1) {
      session.lensAt = session.query ?? session.tokens.length - 1;
      session.lens = yield* lens(session.kept.run, session.lensAt, 3);
      layers.show();
      done(1);
      yield;
    }
    if (step <= 2) {
      session.after = null;
      const parts = offNames().map(partNamed).filter((part) => !part.mlp || session.model.hasMlp);
      const bys = yield* putting();
      beside.show();
      if (parts.length && bys.length) session.after = yield* without(session.kept.run, parts, bys, session.before);
      beside.show();
      done(2);
      yield;
    }
    if (!session.each) heads.showEach(); // those on the chips are of another text
    board.classList.remove('stale');
    session.each = {};
    const bys = yield* putting(), all = session.parts();
    for (let i = 0; bys.length && i < all.length; i += N_HEADS) {
      const some = all.slice(i, i + N_HEADS), sums = some.map(() => 0), { vocab } = session.model;
      for (const by of bys) {
        const logits = yield* ablateEach(session.kept.run, some.map(partNamed), by);
        some.forEach((_, k) => (sums[k] += klDivergence(session.before, softmax(logits.subarray(k * vocab, (k + 1) * vocab)))));
      }
      some.forEach((name, k) => (session.each[name] = sums[k] / bys.length));
      heads.showEach();
    }
    done(3);
  }
  function* putting() {
    if (session.method !== 'resample') return [{ method: session.method, means: session.means }];
    const long = session.others();
    for (const donor of long) donor.run ??= yield* readTokens(new LiveRun(session.model), Array.from(donor.values));
    return long.map((donor) => ({ method: 'resample', donor: donor.run }));
  }

  async function say(seed) {
    if (!session.fresh) return;
    const { run } = session.kept, { model, tokens } = session, parts = offNames().map(partNamed).filter((part) => !part.mlp || model.hasMlp), heard = [[], []];
    const gone = max(0, tokens.length + SAID - model.context), start = { model, tokens: tokens.slice(gone) }, ways = ['As it is'];
    let most = SAID, notes = gone ? `To leave room for ${SAID} tokens, the oldest ${gone} are not read here. ` : '';
    const show = (done) => {
      next.said.dataset.done = done;
      fill(next.said, ways.map((title, i) => next.heard(title, heard[i], done, most)), el('p.quiet', notes));
    };
    const drawn = function* () {
      const [by] = parts.length ? yield* putting() : [];
      if (by) ways.push(`Without ${offNames().join(', ')}`);
      else if (parts.length) notes += session.refused();
      if (by?.donor) {
        most = min(SAID, by.donor.length - start.tokens.length);
        notes += `In the place of what is off: one other text, of ${counted(by.donor.length, 'token')}; a reply goes no further.`;
      }
      for (const i of ways.keys()) {
        yield* reply(start, { temperature: session.temperature, seed, most, edits: i ? parts.map((part) => ablationEdit(model, part, by)) : null });
        yield -1 - i;
      }
    };
    let way = 0;
    show(false);
    if (!run.length) return;
    const ended = await speaking.run(said(drawn()), (token) => {
      if (token < 0) way = -token;
      else heard[way].push(token);
      show(false);
    });
    if (ended !== undefined) show(true);
  }
  function* said(work) {
    yield* work;
    return true;
  }

  openModel().then((opened) => {
    Object.assign(session, opened, { kept: keptRun(opened.model), means: Object.fromEntries(Object.entries(data.means).map(([site, grid]) => [site, d3.range(opened.model.layers).map((l) => grid.row(l))])) });
    status.hidden = true;
    board.hidden = false;
    heads.showOff();
    changed();
    plot.setAttribute('data-live', 'on');
  }, (error) => {
    fill(status, `The model in this file cannot be used: ${error.message}. The file was damaged, or this browser computes otherwise. The rest of the report works.`);
    status.className = 'banner';
    plot.setAttribute('data-live', 'off');
  });

  mounted = { plot, field: write.field, session, back: () => session.query !== null && (asked(null, true), true) };
  const update = (changes) => {
    if (when(changes, 'off')) {
      heads.showOff();
      lessons.forget('off');
      again('without');
    }
    if (!session.fresh) return;
    if (when(changes, 'theme')) swap.recolour();
    if (when(changes, 'theme', 'size')) drawing.run(heads.draw());
    paths.update(changes);
    heads.mark();
    if (when(changes, 'peek', 'key', 'theme')) write.shade();
  };
  const table = () => tableOf(session.before ? likeliest(session.before, 20) : [], ['Next token', ([id]) => session.tokenizer.piece(id)], ['Probability', ([, p]) => p]);
  return { update, table };
};

// On paper nothing answers.
function onPaper(plot) {
  fill(plot, el('p.quiet', 'This view answers only on a screen.'));
  return { update() {}, table: () => tableOf([]) };
}

// The keys of this view; the page's own come after, and the field keeps its own.
document.addEventListener('keydown', (event) => {
  const { key, target } = event;
  if (!mounted?.plot.isConnected || store.view !== VIEW || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(input|select|textarea)$/i.test(target.tagName) || document.querySelector('dialog[open]')) return;
  const part = target.dataset?.part ?? store.shownHead ?? target.dataset?.head; // a press on a head leaves the focus there
  if (key === 'i') mounted.field.focus();
  else if (key === 'x' && part) switchPart(part);
  else if (key === 'X') store.set({ off: '' });
  else if (key === 'Escape' && mounted.back()) tip.hide();
  else return;
  event.preventDefault();
}, true);

HELP.push(['i', 'write, in the view “Try it”'], ['x', 'switch the head pointed at off or on'], ['Shift X', 'all on']);
// Said in the header, once it is there.
const announce = () => {
  ownCard(byId('card'));
  byId('top').querySelector('.badge.text')?.after(el('span.badge.text', { title: ['Whoever has this file can ask the model what it learned from the messages.', page.sharing, page.audit].filter(Boolean).join(' ') }, 'contains the model'));
};
