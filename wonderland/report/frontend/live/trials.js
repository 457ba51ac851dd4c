// What the lessons check an answer by: swapped speakers, parts in and out, repetitions of random words. No DOM.

const swapSpeakers = (tokens) => tokens.map((token) => (token === ME ? THEM : token === THEM ? ME : token));

// The answers of a pair: of the tokens in neither prompt, those whose probability moves most to each side.
function answersOf(logitsA, logitsB, tokens) {
  const a = softmax(logitsA), b = softmax(logitsB), barred = new Set(tokens);
  let target = -1, foil = -1;
  for (let id = SPECIAL_TOKENS.length; id < a.length; id++) {
    if (barred.has(id)) continue;
    if (target < 0 || a[id] - b[id] > a[target] - b[target]) target = id;
    if (foil < 0 || b[id] - a[id] > b[foil] - a[foil]) foil = id;
  }
  return [target, foil];
}

// A prompt, and the same with the speakers swapped: {a, b, target, foil, low, gap}; `low` is the difference in B.
function* speakerPair(model, tokens) {
  const other = swapSpeakers(tokens);
  const a = yield* readTokens(new LiveRun(model, tokens.length), tokens), b = yield* readTokens(new LiveRun(model, other.length), other);
  const logitsA = yield* nextLogits(a), logitsB = yield* nextLogits(b);
  const [target, foil] = answersOf(logitsA, logitsB, [...tokens, ...other]), low = logitsB[target] - logitsB[foil];
  return { a, b, target, foil, low, gap: logitsA[target] - logitsA[foil] - low };
}

// Of what swapping the speakers changes, the share that comes back with each head's output, everywhere, of the other run.
function* shareThroughEach(pair) {
  const { layers, heads } = pair.a.model, cells = Array.from({ length: layers * heads }, (_, i) => ({ site: 'z', layer: Math.floor(i / heads), head: i % heads }));
  const { found } = yield* patchEach(pair.b, pair.a, cells, pair.target, pair.foil);
  return Array.from(found, (value) => (value - pair.low) / pair.gap);
}

// What is left of a pair's gap with some parts ablated in both prompts, as a share of the whole.
function* gapWithout({ a, b, target, foil, gap }, parts, by) {
  const gaps = [];
  for (const run of [a, b]) {
    const logits = yield* ablated(run, parts, by);
    gaps.push(logits[target] - logits[foil]);
  }
  return (gaps[0] - gaps[1]) / gap;
}

// What the order of a repetition of random words is worth, in nats: the loss at the second copy after the same words in
// another order, less the loss after the first copy; one value a sequence. And each head's attention to what followed.
function* repetitions(model, { sequences = 24, words = 24, seed = 1 } = {}) {
  const draw = draws(seed), worth = [], scores = new Float64Array(model.layers * model.heads);
  let example = null; // the last pair of sequences
  const count = Math.min(words, Math.floor((model.context - 1) / 2), Math.floor((model.vocab - SPECIAL_TOKENS.length) / 2));
  const shuffled = (list) => {
    for (let i = list.length - 1; i > 0; i--) {
      const j = Math.floor(draw() * (i + 1));
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  };
  for (let n = 0; n < sequences; n++) {
    const chosen = new Set();
    while (chosen.size < count) chosen.add(SPECIAL_TOKENS.length + Math.floor(draw() * (model.vocab - SPECIAL_TOKENS.length)));
    const copy = [...chosen], begin = n % 2 ? ME : THEM, loss = [];
    let mixed = shuffled([...copy]);
    while (count > 1 && mixed.every((id, i) => id === copy[i])) mixed = shuffled(mixed);
    example = [copy, mixed].map((first) => [begin, ...first, ...copy]);
    for (const tokens of example) {
      const run = yield* readTokens(new LiveRun(model, 2 * count + 1), tokens), losses = yield* surprise(run);
      loss.push(meanOf(losses.slice(count + 2))); // the first word of the copy has no word before it to go by
      if (tokens !== example[0]) continue;
      for (let l = 0; l < model.layers; l++) for (let h = 0; h < model.heads; h++) {
        let sum = 0;
        for (let t = count + 1; t < 2 * count; t++) sum += run.pattern[l][(t * model.heads + h) * model.context + t - count + 1];
        scores[l * model.heads + h] += sum / (count - 1) / sequences;
      }
    }
    worth.push(loss[1] - loss[0]);
  }
  return { worth, scores: Array.from(scores), words: count, example };
}
const meanOf = (values) => values.reduce((a, b) => a + b, 0) / values.length;
// Mean with an interval of 95% by Student's t, whose quantile is right within 0.01 from ten values on.
function meanInterval(values) {
  const mean = meanOf(values), n = values.length, sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const half = (1.96 + 2.37 / (n - 1) + 2.82 / (n - 1) ** 2) * sd / Math.sqrt(n);
  return [mean, mean - half, mean + half];
}
