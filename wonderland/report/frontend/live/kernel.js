// The arithmetic of a transformer on typed arrays: products, norms, GELU, half-precision numbers. No DOM, no state.
//
// Sums are in double precision (JavaScript's numbers are) and only results are rounded to single. A product takes four
// rows by four columns at a time from a matrix whose columns were packed in fours: 16 sums stay in registers.

// A matrix [inner, columns] with its columns in fours, padded with zeros: panel p holds columns 4p to 4p + 3.
function* packColumns(values, inner, columns) {
  const panels = Math.ceil(columns / 4), packed = new Float32Array(panels * inner * 4);
  for (let p = 0; p < panels; p++) {
    for (let k = 0; k < inner; k++) {
      for (let c = 0; c < 4 && 4 * p + c < columns; c++) packed[(p * inner + k) * 4 + c] = values[k * columns + 4 * p + c];
    }
    if (p % 64 === 63) yield;
  }
  return { packed, inner, columns };
}

// out[row, column] = Σ x[row, k] matrix[k, column] + bias[column] for rows from ≤ row < to.
function multiply(x, { packed, inner, columns }, bias, out, from, to) {
  const panels = Math.ceil(columns / 4);
  let row = from;
  for (; row + 4 <= to; row += 4) {
    const r0 = row * inner, r1 = r0 + inner, r2 = r1 + inner, r3 = r2 + inner;
    for (let p = 0; p < panels; p++) {
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      let c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
      for (let k = 0, w = p * inner * 4; k < inner; k++, w += 4) {
        const w0 = packed[w], w1 = packed[w + 1], w2 = packed[w + 2], w3 = packed[w + 3];
        const x0 = x[r0 + k], x1 = x[r1 + k], x2 = x[r2 + k], x3 = x[r3 + k];
        a0 += x0 * w0; a1 += x0 * w1; a2 += x0 * w2; a3 += x0 * w3;
        b0 += x1 * w0; b1 += x1 * w1; b2 += x1 * w2; b3 += x1 * w3;
        c0 += x2 * w0; c1 += x2 * w1; c2 += x2 * w2; c3 += x2 * w3;
        d0 += x3 * w0; d1 += x3 * w1; d2 += x3 * w2; d3 += x3 * w3;
      }
      store4(out, row * columns, columns, p, bias, a0, a1, a2, a3);
      store4(out, (row + 1) * columns, columns, p, bias, b0, b1, b2, b3);
      store4(out, (row + 2) * columns, columns, p, bias, c0, c1, c2, c3);
      store4(out, (row + 3) * columns, columns, p, bias, d0, d1, d2, d3);
    }
  }
  for (; row < to; row++) {
    const r = row * inner;
    for (let p = 0; p < panels; p++) {
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0;
      for (let k = 0, w = p * inner * 4; k < inner; k++, w += 4) {
        const value = x[r + k];
        a0 += value * packed[w]; a1 += value * packed[w + 1]; a2 += value * packed[w + 2]; a3 += value * packed[w + 3];
      }
      store4(out, row * columns, columns, p, bias, a0, a1, a2, a3);
    }
  }
}

function store4(out, start, columns, panel, bias, s0, s1, s2, s3) {
  const column = 4 * panel, at = start + column;
  out[at] = s0 + (bias ? bias[column] : 0);
  if (column + 1 < columns) out[at + 1] = s1 + (bias ? bias[column + 1] : 0);
  if (column + 2 < columns) out[at + 2] = s2 + (bias ? bias[column + 2] : 0);
  if (column + 3 < columns) out[at + 3] = s3 + (bias ? bias[column + 3] : 0);
}

// LayerNorm of each row; a model without norms has none, and its rows are copied.
function normalise(x, width, norm, eps, out, from, to) {
  for (let row = from; row < to; row++) {
    const at = row * width;
    if (!norm) {
      for (let i = 0; i < width; i++) out[at + i] = x[at + i];
      continue;
    }
    const scale = 1 / normScale(x, at, width, eps);
    let mean = 0;
    for (let i = 0; i < width; i++) mean += x[at + i];
    mean /= width;
    for (let i = 0; i < width; i++) out[at + i] = (x[at + i] - mean) * scale * norm.w[i] + norm.b[i];
  }
}

// What LayerNorm divides a row by.
function normScale(x, at, width, eps) {
  let mean = 0, squares = 0;
  for (let i = 0; i < width; i++) mean += x[at + i];
  mean /= width;
  for (let i = 0; i < width; i++) squares += (x[at + i] - mean) ** 2;
  return Math.sqrt(squares / width + eps);
}

// Φ, the normal distribution function, from a table by Simpson's rule: JavaScript has no erf. Errs by under 1e-7.
const PHI_STEP = 1 / 512, PHI_END = 8;
const PHI = (() => {
  const density = (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  const count = 2 * PHI_END / PHI_STEP, table = new Float64Array(count + 1);
  for (let i = 1; i <= count; i++) {
    const left = -PHI_END + (i - 1) * PHI_STEP;
    table[i] = table[i - 1] + (PHI_STEP / 6) * (density(left) + 4 * density(left + PHI_STEP / 2) + density(left + PHI_STEP));
  }
  return table;
})();
function phi(x) {
  if (x <= -PHI_END) return 0;
  if (x >= PHI_END) return 1;
  const place = (x + PHI_END) / PHI_STEP, i = Math.floor(place), share = place - i;
  return PHI[i] + share * (PHI[i + 1] - PHI[i]);
}
const ACTIVATIONS = {
  gelu: (x) => x * phi(x),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => (x > 0 ? x : 0),
};

// Half-precision numbers stored as a plane of high bytes and a plane of low bytes, as single precision.
function* fromHalves(planes) {
  const size = planes.length / 2, values = new Float32Array(size);
  for (let from = 0; from < size; from += HALVES) {
    for (let i = from, to = Math.min(from + HALVES, size); i < to; i++) values[i] = halfToNumber((planes[i] << 8) | planes[size + i]);
    yield;
  }
  return values;
}
const HALVES = 1 << 16, POWERS = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** (exponent - 15));
function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * POWERS[exponent];
}

// log of Σ exp of a row, with its maximum taken out first.
function logSumExp(values, at, count) {
  let most = -Infinity, sum = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, values[at + i]);
  for (let i = 0; i < count; i++) sum += Math.exp(values[at + i] - most);
  return most + Math.log(sum);
}
