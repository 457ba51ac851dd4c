// Other views asked about the reader's own text: the same pictures, drawn by the same renderers, of one text (n = 1).
// Attention patterns, the loss of each token, the logit lens, neurons, and the card of a head.

// Attention of a run, as the thumbnails and the explorer read it.
function* trianglesOf(run) {
  const { model, length: n } = run, area = (n * (n + 1)) / 2, levels = new Uint16Array(HEADS.length * area);
  for (const i of HEADS.keys()) {
    const layer = floor(i / N_HEADS), head = i % N_HEADS;
    for (let q = 0, at = i * area; q < n; q++) for (let k = 0; k <= q; k++) levels[at++] = round(run.pattern[layer][(q * model.heads + head) * model.context + k] * 65535);
    yield;
  }
  return Object.assign(Object.create(Triangles.prototype), { n, area, levels, count: HEADS.length });
}

// What lies behind one cell of a run, as `cellNumbers` wants it: computed from queries, keys, values and weights.
function cellOf(run, tokenizer, i, query, key) {
  const { model } = run, layer = floor(i / N_HEADS), shift = (i % N_HEADS) * model.dHead, { inner, width, vocab, dHead } = model;
  const dot = (k) => d3.sum(d3.range(dHead), (d) => run.q[layer][query * inner + shift + d] * run.k[layer][k * inner + shift + d]);
  const scores = d3.range(query + 1).map((k) => dot(k) / Math.sqrt(dHead)), sum = logSumExp(scores, 0, scores.length), weight = Math.exp(scores[key] - sum);
  const { written, size } = writes(run, layer, shift, key), scale = model.finalNorm ? normScale(run.final, query * width, width, model.eps) : 1;
  const moved = new Float32Array(vocab), scaled = written.map((value, d) => (value * weight / scale) * (model.finalNorm?.w[d] ?? 1));
  multiply(scaled, model.unembed, null, moved, 0, 1);
  const mean = d3.mean(moved), lowest = likeliest(moved.map((value) => -value), 3), named = (sign) => ([id, value]) => [tokenizer.piece(id), sign * value - mean];
  return { weight, width: dHead, sum, score: scores[key], product: dot(key), size, up: likeliest(moved, 3).map(named(1)), down: lowest.map(named(-1)) };
}

// A field that runs the model: `answer(run, conversation)` is a generator, and what it returns is shown by `show`; empty
// text shows null.
function ownText(answer, show) {
  const lane = makeLane(), note = el('span.quiet', LIVE), left = el('span.quiet', LIVE);
  const own = { who: 'them', text: '' }; // of this field, in this variable alone
  const who = choice('Write as', SPEAKERS, (i) => ((own.who = SPEAKERS[i]), ask()));
  const field = el('input.field', { type: 'text', maxlength: FIELD, autocomplete: 'off', spellcheck: 'false', placeholder: 'Try your own text …', label: 'Try your own text', on: { input: () => ask() } });
  for (const part of [who.node, field]) part.classList.add('hint'); // not in a picture that is saved
  const node = el('div.own-text', el('div.controls', who.node, note, left), field);
  sayLeftOut(field, (words) => fill(left, words));
  async function ask() {
    const text = (own.text = field.value);
    lane.cancel();
    who.show(SPEAKERS.indexOf(own.who));
    if (!text.trim()) return void (fill(note), show(null));
    try {
      const { model, tokenizer } = await openModel();
      if (text !== own.text) return;
      const all = messageTokens(tokenizer, { who: own.who, text: text.trimEnd() }), tokens = all.slice(-model.context);
      const found = await lane.run((function* () {
        const run = yield* readTokens(new LiveRun(model, tokens.length), tokens), pieces = tokens.map((id) => tokenizer.piece(id));
        return yield* answer(run, { title: 'Your text', tokens: pieces, speakers: pieces.map(() => own.who), messages: pieces.map(() => 0) }, tokenizer);
      })());
      if (found === undefined) return;
      fill(note, dots('Your text, n = 1', all.length > tokens.length && `not seen: the oldest ${counted(all.length - tokens.length, 'token')}`));
      show(found);
    } catch (error) {
      fill(note, `The model in this file cannot answer: ${error.message}.`);
    }
  }
  who.show(SPEAKERS.indexOf(own.who));
  return { node };
}

// Logits after each token, a few rows at a time: `hear(position, logits of it)`.
function* afterEach(run, rows, hear) {
  const { width, vocab } = run.model, count = rows.length / width;
  for (let from = 0; from < count; from += 4) {
    const logits = yield* logitsOf(run.model, rows.subarray(from * width, min(from + 4, count) * width));
    for (let t = from; t < min(from + 4, count); t++) hear(t, logits.subarray((t - from) * vocab, (t - from + 1) * vocab));
    yield;
  }
}
const streamOf = (run, layer) => (layer < run.model.layers ? run.residPre[layer] : run.final).subarray(0, run.length * run.model.width);

// What each renderer is given for the reader's text, where a view can be asked: view and data → a generator, or null.
const ELSEWHERE = {
  'matrix-grid': (view, data) => function* (run, conversation, tokenizer) {
    return { ...data, conversations: [{ ...conversation, behind: null, patterns: yield* trianglesOf(run), ask: (i, query, key) => cellOf(run, tokenizer, i, query, key) }] };
  },
  tokens: (view, data) => (view.id === 'token-loss' ? function* (run, conversation, tokenizer) {
    const values = data.measures.map(() => conversation.tokens.map(() => NaN)), alternatives = conversation.tokens.map(() => []);
    yield* afterEach(run, streamOf(run, N_LAYERS).subarray(0, (run.length - 1) * run.model.width), (t, logits) => {
      const p = softmax(logits), real = p[run.tokens[t + 1]];
      const found = { loss: -Math.log(real), rank: 1 + p.reduce((n, other) => n + (other > real), 0), entropy: -p.reduce((sum, q) => sum + (q > 0 ? q * Math.log(q) : 0), 0) };
      data.measures.forEach(({ name }, m) => (values[m][t + 1] = found[name] ?? NaN));
      alternatives[t + 1] = likeliest(p, 5).map(([id, share]) => [tokenizer.piece(id), share]);
    });
    return { ...data, highlights: null, conversations: [{ ...conversation, values, alternatives }] };
  } : null),
  matrix: (view, data) => (view.id === 'logit-lens' ? function* (run, { tokens }, tokenizer) {
    const final = [], values = [], labels = [];
    yield* afterEach(run, streamOf(run, N_LAYERS), (t, logits) => (final[t] = likeliest(logits, 1)[0][0]));
    for (let l = 0; l <= N_LAYERS; l++) {
      const row = [], best = [];
      yield* afterEach(run, streamOf(run, l), (t, logits) => {
        const p = softmax(logits);
        row[t] = p[final[t]];
        best[t] = tokenizer.piece(likeliest(p, 1)[0][0]);
      });
      values.push(row);
      labels.push(best);
    }
    const [{ name, unit, domain, scale }] = data.series;
    return { rows: data.rows, columns: tokens, series: [{ name, unit, domain, scale, values, labels }] };
  } : null),
  cards: (view, data) => (view.id === 'neurons' ? function* (run, { tokens }) {
    const { model, length } = run, { width } = model, normal = new Float32Array(length * width), cards = [];
    const middle = new Float32Array(length * width);
    for (const card of data.cards) {
      const [, layer, neuron] = /^L(\d+)N(\d+)$/.exec(card.title) ?? [], block = model.blocks[layer];
      if (!block?.mlpIn) continue;
      middle.forEach((_, i) => (middle[i] = run.residPre[layer][i] + run.attnOut[layer][i]));
      normalise(middle, width, block.norm2, model.eps, normal, 0, length);
      const values = tokens.map((_, t) => {
        let sum = block.bIn[neuron];
        for (let i = 0; i < width; i++) sum += normal[t * width + i] * weightAt(block.mlpIn, i, +neuron);
        return model.act(sum);
      });
      const at = d3.maxIndex(values);
      cards.push({ ...card, rows: [['highest in your text', values[at]]], blocks: [{ title: 'In your text', snippets: [{ tokens, at, value: values[at], values }] }] });
      yield;
    }
    return { ...data, cards };
  } : null),
};

for (const [name, asking] of Object.entries(ELSEWHERE)) {
  const draws = renderers[name];
  renderers[name] = (given) => {
    const answer = given.plot.closest('#sheets') ? null : asking(given.view, given.data);
    if (!answer) return draws(given);
    const plot = el('div'), controls = el('div.controls');
    let inner;
    const panels = given.data.panels ?? [], steps = given.plot.closest('article')?.querySelector('.controls > .sampler');
    const mount = (data) => {
      if (steps) steps.hidden = data !== given.data || panels.length < 2; // one's own text is no conversation of several
      fill(plot);
      fill(controls);
      inner = draws({ ...given, data, plot, controls });
    };
    const { node } = ownText(answer, (data) => {
      mount(data ?? given.data);
      store.set({ pos: null });
      inner.update(new Set(['mounted', 'size']));
    });
    given.controls.append(controls);
    given.plot.append(node, plot);
    mount(given.data);
    return { ...inner, update: (changes) => inner.update(changes), table: () => inner.table(), get steps() { return inner.steps; } };
  };
}

// The card of a head: its pattern on the reader's text, under its picture.
function ownCard(host) {
  const canvas = el('canvas.pixels', { role: 'img', hidden: true });
  let triangles = null;
  const draw = () => {
    const head = headOf(store.shownHead);
    node.hidden = !head || store.view === VIEW;
    canvas.hidden = !triangles;
    if (!head || !triangles) return;
    drawPattern(canvas, triangles, head[0] * N_HEADS + head[1], 220);
    canvas.ariaLabel = `Attention pattern of ${store.shownHead} on your text`;
  };
  const asked = ownText(function* (run) { return yield* trianglesOf(run); }, (found) => ((triangles = found), draw()));
  const node = el('section.own-card', asked.node, canvas);
  host.append(node);
  store.listeners.push((changed) => when(changed, 'key', 'peek', 'view', 'theme') && draw());
  draw();
}
