// The transformer itself, with one mechanism for everything: jobs. No DOM.
//
// A job is rows of one sequence, from a position and a layer on, which read the keys and values of earlier positions
// from a run that was kept. A prompt, one more token, an ablation, a patch and a steering vector are all jobs; jobs pass
// the layers together, so that many small ones cost what one large one does. `passes` is a generator: it hands the
// processor back after every piece of work, so that the page is never blocked.
//
// Where the last position alone is asked for, the last layer computes its other rows no further than keys and values.

class LiveModel {
  // What `modelOf` gives: the configuration, weights by name, and those that rows are multiplied by, packed.
  constructor(cfg, tensors, packed) {
    const { n_layers: layers, n_heads: heads, d_model: width, d_head, d_mlp, d_vocab, attn_only } = cfg;
    const inner = heads * d_head;
    Object.assign(this, { cfg, layers, heads, width, dHead: d_head, inner, vocab: d_vocab, context: cfg.n_ctx, eps: cfg.eps });
    this.embed = tensors['W_E'];
    this.positions = tensors['W_pos'];
    this.finalNorm = normOf(tensors, 'ln_final');
    this.unembed = packed['W_U'];
    this.act = ACTIVATIONS[cfg.act_fn];
    this.hasMlp = !attn_only;
    this.mlpWidth = d_mlp;
    this.blocks = Array.from({ length: layers }, (_, l) => {
      const [of, by] = [tensors, packed].map((all) => (name) => all[`blocks.${l}.${name}`]);
      return {
        norm1: normOf(tensors, `blocks.${l}.ln1`),
        qkv: by('W_QKV'), bQkv: of('b_QKV'),
        out: by('W_O'), bOut: of('b_O'),
        ...(attn_only ? {} : {
          norm2: normOf(tensors, `blocks.${l}.ln2`),
          mlpIn: by('W_in'), bIn: of('b_in'),
          mlpOut: by('W_out'), bMlp: of('b_out'),
        }),
      };
    });
  }

  embedding(tokens, from) {
    const rows = new Float32Array((tokens.length - from) * this.width);
    for (let t = from; t < tokens.length; t++) {
      const e = tokens[t] * this.width, p = t * this.width, at = (t - from) * this.width;
      for (let i = 0; i < this.width; i++) rows[at + i] = this.embed[e + i] + this.positions[p + i];
    }
    return rows;
  }
}
// A model of its configuration and its weights: by name as Float32Array, laid out as the file has them.
function* modelOf(cfg, tensors) {
  const { n_heads, d_model: width, d_head, d_mlp, d_vocab } = cfg, inner = n_heads * d_head, packed = {};
  const sizes = { W_U: [width, d_vocab], W_QKV: [width, 3 * inner], W_O: [inner, width], W_in: [width, d_mlp], W_out: [d_mlp, width] };
  for (const [name, values] of Object.entries(tensors)) {
    const size = sizes[name.slice(name.lastIndexOf('.') + 1)];
    if (size) packed[name] = yield* packColumns(values, ...size);
  }
  return new LiveModel(cfg, tensors, packed);
}
const normOf = (tensors, name) => (tensors[`${name}.w`] ? { w: tensors[`${name}.w`], b: tensors[`${name}.b`] } : null);

// What was computed on one sequence: each activation of each layer, [position, ...], with room for so many positions.
class LiveRun {
  constructor(model, room = model.context) {
    const { layers, heads, width, inner, context } = model;
    const each = (size) => Array.from({ length: layers }, () => new Float32Array(room * size));
    Object.assign(this, { model, tokens: [], length: 0, q: each(inner), k: each(inner), v: each(inner), z: each(inner) });
    Object.assign(this, { residPre: each(width), attnOut: each(width), mlpOut: each(width), final: new Float32Array(room * width) });
    this.pattern = each(heads * context); // [query, head, key]
  }

  truncate(length) {
    this.tokens.length = Math.min(this.tokens.length, length);
    this.length = Math.min(this.length, length);
  }

  site(name, layer) {
    return { resid_pre: this.residPre, attn_out: this.attnOut, mlp_out: this.mlpOut, z: this.z }[name][layer];
  }
}

// How wide a position is at a site.
const siteWidth = (model, site) => (site === 'z' ? model.inner : model.width);

// A job that computes tokens from `run.length` on and keeps everything in the run.
function extendJob(run, tokens) {
  const { model, length } = run;
  run.tokens = [...tokens];
  run.length = tokens.length;
  return { base: run, keep: run, from: length, layer: 0, rows: model.embedding(tokens, length), count: tokens.length, edits: [], last: false };
}

// A job that computes a run again with edits: from the first layer and the first position that they change.
//
// An edit is {site, layer, head?, positions?, change}: `change(rows, start, width, position)` rewrites one position.
function editJob(run, edits, { last = true } = {}) {
  const layer = Math.min(...edits.map((edit) => edit.layer));
  const from = Math.min(...edits.map((edit) => (edit.positions ? Math.min(...edit.positions) : 0)));
  const { width } = run.model;
  const rows = run.residPre[layer].slice(from * width, run.length * width);
  return { base: run, keep: null, from, layer, rows, count: run.length, edits, last };
}

// Pass jobs through the layers. Each job's `final` becomes its rows of the last residual stream: of all its positions,
// or of the last one alone. Yields after every piece of work.
function* passes(model, jobs) {
  const { layers, width, inner, heads, dHead } = model;
  for (let l = 0; l < layers; l++) {
    const block = model.blocks[l];
    const active = jobs.filter((job) => job.layer <= l && job.from < job.count);
    if (!active.length) continue;
    let total = 0;
    for (const job of active) {
      job.at = total;
      total += job.count - job.from;
    }
    const x = new Float32Array(total * width);
    for (const job of active) {
      edit(model, job, 'resid_pre', l, job.rows, 0);
      if (job.keep) job.keep.residPre[l].set(job.rows, job.from * width);
      x.set(job.rows, job.at * width);
    }
    const normal = new Float32Array(total * width), qkv = new Float32Array(total * 3 * inner);
    yield* slices(normal, block.qkv, block.bQkv, qkv, total, (from, to) => normalise(x, width, block.norm1, model.eps, normal, from, to));
    // In the last layer only the last row goes on where only it is asked for.
    const ends = l === layers - 1;
    let left = 0;
    for (const job of active) {
      job.first = ends && job.last ? job.count - 1 : job.from;
      job.out = left;
      left += job.count - job.first;
    }
    const z = new Float32Array(left * inner);
    for (const job of active) {
      yield* attend(model, job, l, qkv, z);
      edit(model, job, 'z', l, z, job.out);
      if (job.keep) job.keep.z[l].set(z.subarray(job.out * inner, (job.out + job.count - job.first) * inner), job.first * inner);
      yield;
    }
    const attnOut = new Float32Array(left * width), resid = new Float32Array(left * width);
    yield* slices(z, block.out, block.bOut, attnOut, left);
    for (const job of active) {
      edit(model, job, 'attn_out', l, attnOut, job.out);
      const rows = job.count - job.first, from = (job.at + job.first - job.from) * width, to = job.out * width;
      if (job.keep) job.keep.attnOut[l].set(attnOut.subarray(to, to + rows * width), job.first * width);
      for (let i = 0; i < rows * width; i++) resid[to + i] = x[from + i] + attnOut[to + i];
    }
    if (model.hasMlp) {
      const mlpIn = new Float32Array(left * width), pre = new Float32Array(left * model.mlpWidth), mlpOut = new Float32Array(left * width);
      yield* slices(mlpIn, block.mlpIn, block.bIn, pre, left, (from, to) => normalise(resid, width, block.norm2, model.eps, mlpIn, from, to));
      for (let from = 0; from < pre.length; from += PIECE) {
        for (let i = from, to = Math.min(from + PIECE, pre.length); i < to; i++) pre[i] = model.act(pre[i]);
        yield;
      }
      yield* slices(pre, block.mlpOut, block.bMlp, mlpOut, left);
      for (const job of active) {
        edit(model, job, 'mlp_out', l, mlpOut, job.out);
        if (job.keep) job.keep.mlpOut[l].set(mlpOut.subarray(job.out * width, (job.out + job.count - job.first) * width), job.first * width);
      }
      for (let i = 0; i < resid.length; i++) resid[i] += mlpOut[i];
    }
    for (const job of active) {
      job.rows = resid.slice(job.out * width, (job.out + job.count - job.first) * width);
      if (ends) job.final = job.rows;
      if (ends && job.keep) job.keep.final.set(job.rows, job.first * width);
    }
  }
}

const ROWS = 16; // of one slice of a product: about a millisecond, as are the next two
const PIECE = 1 << 15, LOOKS = 1 << 17; // activations of MLPs; products of queries, keys and values
function* slices(x, matrix, bias, out, rows, prepare = () => {}) {
  for (let from = 0; from < rows; from += ROWS) {
    const to = Math.min(from + ROWS, rows);
    prepare(from, to);
    multiply(x, matrix, bias, out, from, to);
    yield;
  }
}

// Attention of one job in one layer: queries of its rows, keys and values of the base before them.
function* attend(model, job, l, qkv, z) {
  const { heads, dHead, inner, context } = model, { base, keep, from, first, count, at } = job;
  const wide = 3 * inner, scale = 1 / Math.sqrt(dHead);
  const keys = new Float32Array(count * inner), values = new Float32Array(count * inner);
  keys.set(base.k[l].subarray(0, from * inner));
  values.set(base.v[l].subarray(0, from * inner));
  for (let t = from; t < count; t++) {
    const row = (at + t - from) * wide;
    keys.set(qkv.subarray(row + inner, row + 2 * inner), t * inner);
    values.set(qkv.subarray(row + 2 * inner, row + 3 * inner), t * inner);
    if (keep) keep.q[l].set(qkv.subarray(row, row + inner), t * inner);
  }
  if (keep) {
    keep.k[l].set(keys.subarray(from * inner), from * inner);
    keep.v[l].set(values.subarray(from * inner), from * inner);
  }
  const scores = new Float64Array(count);
  let left = LOOKS;
  for (let t = first; t < count; t++) {
    const query = (at + t - from) * wide, out = (job.out + t - first) * inner;
    for (let h = 0; h < heads; h++) {
      const shift = h * dHead;
      let most = -Infinity, sum = 0;
      for (let s = 0; s <= t; s++) {
        let dot = 0;
        for (let i = 0; i < dHead; i++) dot += qkv[query + shift + i] * keys[s * inner + shift + i];
        scores[s] = dot * scale;
        if (scores[s] > most) most = scores[s];
      }
      for (let s = 0; s <= t; s++) sum += (scores[s] = Math.exp(scores[s] - most));
      for (let s = 0; s <= t; s++) {
        const share = scores[s] / sum;
        if (keep) keep.pattern[l][(t * heads + h) * context + s] = share;
        for (let i = 0; i < dHead; i++) z[out + shift + i] += share * values[s * inner + shift + i];
      }
    }
    if ((left -= 2 * inner * (t + 1)) <= 0) yield void (left = LOOKS);
  }
}

// Apply a job's edits of one site to its rows, which begin at row `offset` of an array.
function edit(model, job, site, l, rows, offset) {
  for (const one of job.edits) {
    if (one.site !== site || one.layer !== l) continue;
    const width = siteWidth(model, site);
    const [start, size] = one.head === undefined || one.head === null ? [0, width] : [one.head * model.dHead, model.dHead];
    const first = site === 'resid_pre' ? job.from : job.first;
    for (let t = first; t < job.count; t++) {
      if (one.positions && !one.positions.includes(t)) continue;
      one.change(rows, (offset + t - first) * width + start, size, t);
    }
  }
}

// What an edit puts there, named as in wonderland.lab: zero and mean ablation, another run's value, a direction added.
const changes = {
  zero: () => (rows, at, size) => rows.fill(0, at, at + size),
  mean: (means) => (rows, at, size) => {
    for (let i = 0; i < size; i++) rows[at + i] = means[i];
  },
  // `shift` is where the part begins in a position of the donor, `width` how wide a position is.
  donor: (values, width, shift) => (rows, at, size, t) => {
    for (let i = 0; i < size; i++) rows[at + i] = values[t * width + shift + i];
  },
  steer: (direction, amount) => (rows, at, size) => {
    for (let i = 0; i < size; i++) rows[at + i] += amount * direction[i];
  },
};
