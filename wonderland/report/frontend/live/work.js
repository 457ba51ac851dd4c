// Work in slices: a generator goes on for some milliseconds, then the page may draw and listen. No DOM.

const SLICE = 8; // milliseconds
const pause = () => new Promise((go) => {
  const { port1, port2 } = new MessageChannel(); // a timer would wait four milliseconds each time
  port1.onmessage = () => (port1.close(), go());
  port2.postMessage(null);
});

// A lane runs one generator at a time: a newer one takes the place of an older one, which is never resumed.
function makeLane() {
  let turn = 0;
  // What the generator returns, or undefined if it was cancelled; `hear` gets what it yields that is not empty.
  const run = async (work, hear = () => {}) => {
    const mine = ++turn;
    for (;;) {
      await pause(); // what was pressed is shown before the first slice, too
      if (mine !== turn) return undefined;
      const end = performance.now() + SLICE;
      let step;
      do {
        step = work.next();
        if (!step.done && step.value !== undefined) hear(step.value);
      } while (!step.done && performance.now() < end);
      if (step.done) return step.value;
    }
  };
  return { run, cancel: () => void turn++ };
}

// A run with how much of it is known to be whole: a cancelled reading leaves the rest unfinished.
const keptRun = (model) => ({ run: new LiveRun(model), whole: 0 });
function* readWhole(kept, tokens) {
  const { run } = kept;
  run.truncate(kept.whole);
  let shared = 0;
  while (shared < run.length && shared < tokens.length && run.tokens[shared] === tokens[shared]) shared++;
  kept.whole = shared;
  yield* readTokens(run, tokens);
  kept.whole = tokens.length;
  return run;
}

const klDivergence = (p, q) => p.reduce((sum, share, i) => (share > 0 ? sum + share * Math.log(share / q[i]) : sum), 0);

// The text with some parts switched off: probabilities of the next token, KL from before, and the mean surprise.
// Several donors (resample) are averaged.
function* without(run, parts, bys, before) {
  const { model, length, tokens } = run, { width, vocab } = model;
  const probabilities = new Float64Array(vocab), kl = [], losses = [];
  for (const by of bys) {
    const job = editJob(run, parts.map((part) => ablationEdit(model, part, by)), { last: false });
    yield* passes(model, [job]);
    const next = softmax(yield* logitsOf(model, job.final.slice((length - 1) * width)));
    next.forEach((p, i) => (probabilities[i] += p / bys.length));
    kl.push(klDivergence(before, next));
    if (length > 1) losses.push(meanOf(Array.from(yield* surprise({ model, length, tokens, final: job.final })).slice(1)));
  }
  return { probabilities, kl: meanOf(kl), loss: losses.length ? meanOf(losses) : NaN };
}

// The weights from the page, unpacked piece by piece, and checked by a prompt with the logits that must come out.
const CLOSE = 5e-4;
let opening = null;
const openModel = () => (opening ??= parsed.then(pause).then(unpackModel));
async function unpackModel() {
  const { cfg, tokenizer, tensors, check } = readBlock('live-model'), weights = {}, lane = makeLane();
  for (const [name, { shape, planes }] of Object.entries(tensors)) {
    const bytes = new Uint8Array(await inflate(planes));
    if (bytes.length !== 2 * shape.reduce((a, b) => a * b, 1)) throw new Error(`${name} has ${bytes.length} bytes`);
    weights[name] = await lane.run(fromHalves(bytes));
  }
  const merges = await unpack(tokenizer.merges), [ids, logits] = [await unpack(check.tokens), await unpack(check.logits)];
  const model = await lane.run(modelOf(cfg, weights)), found = await lane.run(checking(model, Array.from(ids.values)));
  const worst = found.reduce((most, value, i) => (abs(value - logits.values[i]) <= most ? most : abs(value - logits.values[i])), 0);
  if (!(worst <= CLOSE)) {
    throw new Error(`on a stored prompt it is ${isNumber(worst) ? `${number(worst)} logits` : 'without a number'} off what it computed in Python; ${CLOSE} is allowed`);
  }
  const pairs = Array.from({ length: merges.shape[0] }, (_, i) => [merges.at(i, 0), merges.at(i, 1)]);
  const read = new LiveTokenizer({ names: tokenizer.names, merges: pairs });
  await pause(); // what is drawn with them is a task of its own
  return { model, tokenizer: read };
}
function* checking(model, tokens) {
  return yield* nextLogits(yield* readTokens(new LiveRun(model), tokens));
}
