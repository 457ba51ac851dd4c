// What one asks a model: next tokens, surprise, the logit lens, ablation, patching, steering, replies. No DOM.
//
// Every question that takes a while is a generator that yields between pieces of work and returns its answer.

// Logits of rows of a final residual stream, [row, token].
function* logitsOf(model, rows) {
  const count = rows.length / model.width;
  const normal = new Float32Array(rows.length), logits = new Float32Array(count * model.vocab);
  normalise(rows, model.width, model.finalNorm, model.eps, normal, 0, count);
  for (let from = 0; from < count; from += 4) {
    multiply(normal, model.unembed, null, logits, from, Math.min(from + 4, count));
    yield;
  }
  return logits;
}

// Bring a run to new tokens; what they share with the old ones is not computed again.
function* readTokens(run, tokens) {
  let shared = 0;
  while (shared < run.length && shared < tokens.length && run.tokens[shared] === tokens[shared]) shared++;
  run.truncate(shared);
  if (shared < tokens.length) yield* passes(run.model, [extendJob(run, tokens)]);
  return run;
}

const lastRow = (run) => run.final.slice((run.length - 1) * run.model.width, run.length * run.model.width);
function* nextLogits(run) {
  return yield* logitsOf(run.model, lastRow(run));
}

// Probabilities of one row of logits.
function softmax(logits, temperature = 1) {
  const scaled = Float64Array.from(logits, (value) => value / temperature), total = logSumExp(scaled, 0, scaled.length);
  return scaled.map((value) => Math.exp(value - total));
}
// The most likely tokens with their probabilities, most likely first.
function likeliest(probabilities, count) {
  const best = [];
  for (let id = 0; id < probabilities.length; id++) {
    const p = probabilities[id];
    if (best.length === count && p <= best[count - 1][1]) continue;
    let at = best.length;
    while (at > 0 && best[at - 1][1] < p) at--;
    best.splice(at, 0, [id, p]);
    if (best.length > count) best.pop();
  }
  return best;
}

// Surprise at each token after the first, in nats; NaN at the first.
function* surprise(run) {
  const { model, length, tokens } = run, found = new Float32Array(length).fill(NaN);
  for (let from = 0; from < length - 1; from += 8) {
    const to = Math.min(from + 8, length - 1);
    const logits = yield* logitsOf(model, run.final.subarray(from * model.width, to * model.width));
    for (let t = from; t < to; t++) {
      const at = (t - from) * model.vocab;
      found[t + 1] = logSumExp(logits, at, model.vocab) - logits[at + tokens[t + 1]];
    }
  }
  return found;
}

// What each layer would say at a position, by the logit lens: the residual stream before each layer and at the end.
function* lens(run, position, count = 5) {
  const { model } = run, at = position * model.width;
  const streams = [...run.residPre, run.final].map((stream) => stream.subarray(at, at + model.width));
  const rows = new Float32Array(streams.length * model.width);
  streams.forEach((stream, i) => rows.set(stream, i * model.width));
  const logits = yield* logitsOf(model, rows);
  return streams.map((_, i) => likeliest(softmax(logits.subarray(i * model.vocab, (i + 1) * model.vocab)), count));
}

// Edits that ablate one component everywhere: {layer, head} or {layer, mlp: true}.
// `by` is {method: 'zero'}, {method: 'mean', means} with the means of each layer's z and mlp_out, or
// {method: 'resample', donor} with a run of another conversation that is at least as long.
function ablationEdit(model, part, by, positions = null) {
  const site = part.mlp ? 'mlp_out' : 'z', shift = part.mlp ? 0 : part.head * model.dHead;
  const size = part.mlp ? model.width : model.dHead;
  const change = {
    zero: () => changes.zero(),
    mean: () => changes.mean(by.means[site][part.layer].subarray(shift, shift + size)),
    resample: () => changes.donor(by.donor.site(site, part.layer), siteWidth(model, site), shift),
  }[by.method]();
  return { site, layer: part.layer, head: part.mlp ? null : part.head, positions, change };
}

// Logits at the last position with some components ablated.
function* ablated(run, parts, by) {
  const job = editJob(run, parts.map((part) => ablationEdit(run.model, part, by)));
  yield* passes(run.model, [job]);
  return yield* logitsOf(run.model, job.final);
}

// Logits at the last position with each component ablated alone, [part, token].
function* ablateEach(run, parts, by, { lastOnly = false, together = 8 } = {}) {
  const logits = new Float32Array(parts.length * run.model.vocab);
  const positions = lastOnly ? [run.length - 1] : null;
  for (let from = 0; from < parts.length; from += together) {
    const some = parts.slice(from, from + together);
    const jobs = some.map((part) => editJob(run, [ablationEdit(run.model, part, by, positions)]));
    yield* passes(run.model, jobs);
    const rows = new Float32Array(some.length * run.model.width);
    jobs.forEach((job, i) => rows.set(job.final, i * run.model.width));
    logits.set(yield* logitsOf(run.model, rows), from * run.model.vocab);
  }
  return logits;
}

// What a head writes from one position at a weight of 1, without the mean where a LayerNorm would take it out: [width],
// and its length.
function writes(run, layer, shift, position) {
  const { model } = run, { width, inner, dHead } = model, value = new Float32Array(inner), written = new Float32Array(width);
  value.set(run.v[layer].subarray(position * inner + shift, position * inner + shift + dHead), shift);
  multiply(value, model.blocks[layer].out, null, written, 0, 1);
  if (model.finalNorm) {
    const mean = written.reduce((sum, one) => sum + one, 0) / width;
    written.forEach((one, d) => (written[d] = one - mean));
  }
  return { written, size: Math.sqrt(written.reduce((sum, one) => sum + one * one, 0)) };
}

// The logit difference of target and foil at the end of a run.
function* logitGap(run, target, foil) {
  const logits = yield* nextLogits(run);
  return logits[target] - logits[foil];
}

// Patch cells of one run into another: [{site, layer, head?, position}] → the logit difference with each, and without.
//
// A cell whose values are equal in both runs is the same run: its difference is exactly that without a patch.
// `report(i, difference)` hears of each cell as it is computed.
function* patchEach(base, donor, cells, target, foil, { together = 8, report = () => {} } = {}) {
  const { model } = base, untouched = yield* logitGap(base, target, foil);
  const found = new Float64Array(cells.length).fill(untouched);
  const real = cells.map((_, i) => i).filter((i) => differs(base, donor, cells[i]));
  cells.forEach((_, i) => real.includes(i) || report(i, untouched));
  for (let from = 0; from < real.length; from += together) {
    const some = real.slice(from, from + together);
    const jobs = some.map((i) => {
      const { site, layer, head = null, position = null } = cells[i], width = siteWidth(model, site);
      const change = changes.donor(donor.site(site, layer), width, head === null ? 0 : head * model.dHead);
      return editJob(base, [{ site, layer, head, positions: position === null ? null : [position], change }]);
    });
    yield* passes(model, jobs);
    const rows = new Float32Array(jobs.length * model.width);
    jobs.forEach((job, i) => rows.set(job.final, i * model.width));
    const logits = yield* logitsOf(model, rows);
    some.forEach((cell, i) => {
      found[cell] = logits[i * model.vocab + target] - logits[i * model.vocab + foil];
      report(cell, found[cell]);
    });
  }
  return { untouched, found };
}

function differs(base, donor, { site, layer, head = null, position = null }) {
  const { model } = base, width = siteWidth(model, site), one = base.site(site, layer), other = donor.site(site, layer);
  const [start, size] = head === null ? [0, width] : [head * model.dHead, model.dHead];
  for (let t = position ?? 0; t < (position === null ? base.length : position + 1); t++) {
    for (let i = 0; i < size; i++) if (one[t * width + start + i] !== other[t * width + start + i]) return true;
  }
  return false;
}

// Logits at the last position with a direction added at a site of a layer, everywhere.
function* steered(run, layer, direction, amount, site = 'resid_pre') {
  const job = editJob(run, [{ site, layer, change: changes.steer(direction, amount) }]);
  yield* passes(run.model, [job]);
  return yield* logitsOf(run.model, job.final);
}

// How much of a latent is in the stream at each position: what its encoder reads there, if it is over the threshold.
function firing(run, { layer, site, reads: { encoder, numbers: [bias, threshold], tokens } }) {
  const { model: { width }, length } = run, stream = site === 'resid_pre' ? run.residPre[layer] : run.final;
  return Float64Array.from({ length }, (_, t) => {
    let z = bias + (tokens ? tokens[run.tokens[t]] : 0);
    for (let i = 0; i < width; i++) z += encoder[i] * stream[t * width + i];
    return z > threshold ? z : 0;
  });
}

// Logits at the last position without a latent: its part is taken off the stream wherever it fires.
function* withoutLatent(run, way) {
  const fires = firing(run, way), { vector, site, layer, reads } = way;
  const change = (rows, at, size, t) => changes.steer(vector, -fires[t] / reads.numbers[2])(rows, at, size);
  const job = editJob(run, [{ site, layer, change }]);
  yield* passes(run.model, [job]);
  return yield* logitsOf(run.model, job.final);
}

// Draws that can be repeated from a seed (mulberry32).
function draws(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

// One token, greedily at temperature 0, else from the smallest set that holds `topP` of the probability.
function sample(logits, { temperature, topP }, draw) {
  if (temperature === 0) return likeliest(logits, 1)[0][0];
  const probabilities = softmax(logits, temperature);
  let floor = 1, kept = [];
  do { // only what can be in the set is sorted
    floor /= 8;
    kept = [];
    let mass = 0;
    probabilities.forEach((p, id) => p >= floor && (kept.push([id, p]), (mass += p)));
    if (mass >= topP) break;
  } while (floor > 1e-9);
  kept.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  let mass = 0, last = 0;
  while (last < kept.length && mass < topP) mass += kept[last++][1];
  let left = draw() * mass;
  for (const [id, p] of kept.slice(0, last)) if ((left -= p) < 0) return id;
  return kept[last - 1][0];
}

// A reply, token by token, until `stops` or the end of the context. `edits(model)` are made at every step.
function* reply(run, { temperature = 0.8, topP = 0.95, seed = 0, most = 60, stops = [SEP, END, ME, THEM], edits = null } = {}) {
  const { model } = run, draw = draws(seed), said = [];
  const own = new LiveRun(model);
  let tokens = [...run.tokens];
  while (said.length < most && tokens.length < model.context) {
    const shared = own.length;
    const job = extendJob(own, tokens);
    if (edits) job.edits = edits;
    if (shared < tokens.length) yield* passes(model, [job]);
    const logits = yield* nextLogits(own);
    logits[PAD] = -Infinity;
    const token = sample(logits, { temperature, topP }, draw);
    if (stops.includes(token)) break;
    said.push(token);
    tokens = [...tokens, token];
    yield token;
  }
  return said;
}
