// Where a logit comes from: a graph of what each part writes into the stream, and who reads it. No DOM.
//
// Attention patterns and the scales of all norms are held as they were in this run. Then everything between the MLPs is
// linear, and the logit is exactly a sum: what the embedding and each MLP wrote at each position, along every path through
// the heads, and a constant from the biases. A head passes on what it read, so what comes into it, with its bias, is what
// goes out. An MLP is not linear: it counts as a source, and what it reads is not taken apart. Queries and keys are held.

// The row of `position` of a stream of which `seen` went through a norm: what a covector of its output is at its input.
function throughNorm(model, norm, stream, position, covector, at = 0) {
  const { width } = model, back = new Float64Array(width);
  if (!norm) return back.map((_, i) => covector[at + i]);
  const scale = normScale(stream, position * width, width, model.eps);
  let mean = 0;
  for (let i = 0; i < width; i++) mean += (back[i] = covector[at + i] * norm.w[i]) / width;
  return back.map((value) => (value - mean) / scale); // the norm takes the mean out of what it reads
}
const weightAt = ({ packed, inner }, row, column) => packed[((column >> 2) * inner + row) * 4 + (column & 3)];
function dotAt(a, i, b, j, count) {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += a[i + k] * b[j + k];
  return sum;
}

// The flow into logit[target] at the last position: over the mean of all logits, or over logit[foil].
// Returns {total, constant, nodes: [{part, position, value, layer?, head?, mlp?}], edges(kept)}.
function* effectFlow(run, target, foil = null) {
  const { model, length } = run, { width, inner, dHead, heads, layers, vocab, context } = model, last = length - 1;
  const towards = new Float64Array(width);
  for (let i = 0; i < width; i++) {
    let against = 0;
    if (foil === null) for (let id = 0; id < vocab; id++) against += weightAt(model.unembed, i, id) / vocab;
    else against = weightAt(model.unembed, i, foil);
    towards[i] = weightAt(model.unembed, i, target) - against;
  }
  yield;
  const end = throughNorm(model, model.finalNorm, run.final, last, towards);
  let constant = model.finalNorm ? dotAt(towards, 0, model.finalNorm.b, 0, width) : 0;
  const total = dotAt(end, 0, run.final, last * width, width) + constant;
  const stream = new Float64Array(length * width), nodes = [], reads = []; // reads: of each head, what reaches its values
  stream.set(end, last * width);
  for (let l = layers - 1; l >= 0; l--) {
    const block = model.blocks[l], pattern = run.pattern[l], below = new Float64Array(length * width);
    if (model.hasMlp) for (let t = 0; t < length; t++) nodes.push({ part: `MLP${l}`, position: t, layer: l, mlp: true, value: dotAt(stream, t * width, run.mlpOut[l], t * width, width) });
    for (let t = 0; t < length; t++) constant += dotAt(stream, t * width, block.bOut, 0, width);
    for (let h = 0; h < heads; h++) {
      const shift = h * dHead, into = new Float64Array(length * dHead), values = new Float64Array(length * dHead);
      for (let t = 0; t < length; t++) {
        for (let i = 0; i < width; i++) {
          const weight = stream[t * width + i];
          if (weight) for (let k = 0; k < dHead; k++) into[t * dHead + k] += weight * weightAt(block.out, shift + k, i);
        }
        nodes.push({ part: `L${l}H${h}`, position: t, layer: l, head: h, value: dotAt(into, t * dHead, run.z[l], t * inner + shift, dHead) });
        if (t % 16 === 15) yield;
      }
      reads[l * heads + h] = into;
      for (let t = 0; t < length; t++) {
        for (let s = 0; s <= t; s++) {
          const share = pattern[(t * heads + h) * context + s];
          for (let k = 0; k < dHead; k++) values[s * dHead + k] += share * into[t * dHead + k];
        }
      }
      yield;
      for (let s = 0; s < length; s++) {
        constant += dotAt(values, s * dHead, block.bQkv, 2 * inner + shift, dHead);
        for (let i = 0; i < width; i++) {
          let sum = 0;
          for (let k = 0; k < dHead; k++) sum += values[s * dHead + k] * weightAt(block.qkv, i, 2 * inner + shift + k);
          below[s * width + i] += sum;
        }
        if (s % 16 === 15) yield;
      }
    }
    for (let s = 0; s < length; s++) {
      if (block.norm1) constant += dotAt(below, s * width, block.norm1.b, 0, width);
      throughNorm(model, block.norm1, run.residPre[l], s, below, s * width).forEach((value, i) => (stream[s * width + i] += value));
    }
    yield;
  }
  for (let t = 0; t < length; t++) nodes.push({ part: 'embed', position: t, layer: -1, value: dotAt(stream, t * width, run.residPre[0], t * width, width) });

  // What a node wrote: its row of the stream.
  const written = ({ layer, head, mlp, position }) => {
    if (layer < 0) return run.residPre[0].subarray(position * width, (position + 1) * width);
    if (mlp) return run.mlpOut[layer].subarray(position * width, (position + 1) * width);
    const row = new Float64Array(width), z = run.z[layer], at = position * inner + head * dHead;
    for (let k = 0; k < dHead; k++) for (let i = 0; i < width; i++) row[i] += z[at + k] * weightAt(model.blocks[layer].out, head * dHead + k, i);
    return row;
  };
  // Edges between kept nodes, and from them to the logit: {from, to, value}; `to` is null for the logit.
  function* edges(kept) {
    const rows = kept.map(written), found = [];
    for (const [b, to] of kept.entries()) {
      if (to.position === last) found.push({ from: to, to: null, value: dotAt(end, 0, rows[b], 0, width) });
      if (to.head === undefined) continue;
      const block = model.blocks[to.layer], asks = new Float64Array(width), into = reads[to.layer * heads + to.head];
      for (let i = 0; i < width; i++) for (let k = 0; k < dHead; k++) asks[i] += into[to.position * dHead + k] * weightAt(block.qkv, i, 2 * inner + to.head * dHead + k);
      for (const [a, from] of kept.entries()) {
        if (from.layer >= to.layer || from.position > to.position) continue;
        const share = run.pattern[to.layer][(to.position * heads + to.head) * context + from.position];
        found.push({ from, to, value: share * dotAt(throughNorm(model, block.norm1, run.residPre[to.layer], from.position, asks), 0, rows[a], 0, width) });
      }
      yield;
    }
    return found;
  }
  return { total, constant, nodes, edges };
}
const isSource = ({ head }) => head === undefined; // the sum of these and the constant is the logit
