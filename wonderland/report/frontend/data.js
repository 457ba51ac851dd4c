// The page's data: inert JSON in script elements, unpacked when a view is first opened.

// Adler-32, as zlib has it, of a text without what is packed in it, which has a sum of its own.
function sumOf(text) {
  const bare = text.replace(/"z":"[^"]*"/g, '');
  let a = 1, b = 0;
  for (let i = 0; i < bare.length; a %= 65521, b %= 65521) for (const end = i + 5000; i < end && i < bare.length; i++) b += a += bare.charCodeAt(i);
  return b * 65536 + a;
}
// A number with one wrong digit would be shown as any other: so what is not as it was written is not shown.
const readBlock = (id) => {
  const text = byId(id)?.textContent;
  if (!text) throw Error('cut off');
  if (id !== 'sums' && sumOf(text) !== sums[id]) throw Error('not what was written');
  return JSON.parse(text);
};
const sums = readBlock('sums');
const page = readBlock('page');
const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };
// What stands where data cannot be shown; why is told on pointing at it.
const harmed = (error, view) => {
  console.error(error);
  return el('p.banner', { title: error.message }, view && !byId('view-' + view.id) ? 'The data of this view are missing: the file was cut off.' : 'The data of this figure are damaged: get the file again.');
};
const loaded = new Map(); // view id → Promise of its data
const ready = new Map(); // view id → its data, once there
// The data of the views stand behind the script: the first page is drawn before the browser has read them.
const parsed = new Promise((go) => addEventListener('DOMContentLoaded', go));

// Bytes of base64; an iterator over the characters would take ten times as long.
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text), bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

async function inflate({ z, raw }) {
  const bytes = bytesOf(z ?? raw);
  if (raw) return bytes.buffer;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer().catch(() => { throw Error('packed numbers are not what was written'); });
}

// An unpacked array: flat numbers with a shape, read with at(row, column).
class Grid {
  constructor(values, shape) {
    this.values = values;
    this.shape = shape;
  }
  at(...index) {
    return this.values[index.reduce((offset, i, axis) => offset * this.shape[axis] + i, 0)];
  }
  row(i) {
    const size = this.shape.slice(1).reduce((a, b) => a * b, 1);
    return this.values.subarray(i * size, (i + 1) * size);
  }
}

// Attention of many heads, [pattern, query, key] with key ≤ query, as 16-bit levels; unpacked only for the conversation
// that is looked at, by open().
class Triangles {
  constructor(node) {
    Object.assign(this, { node, count: node.$triangles, n: node.n, area: (node.n * (node.n + 1)) / 2 });
  }
  open() {
    this.opening ??= inflate(this.node).then((buffer) => {
      const bytes = new Uint8Array(buffer), size = bytes.length / 2;
      this.levels = Uint16Array.from({ length: size }, (_, i) => (bytes[i] << 8) | bytes[size + i]);
      this.node = null; // the packed text is not needed any more
      return this;
    });
    return this.opening;
  }
  at(pattern, query, key) {
    return key > query ? NaN : this.levels[pattern * this.area + (query * (query + 1)) / 2 + key] / 65535;
  }
}

async function unpack(node) {
  if (Array.isArray(node)) return Promise.all(node.map((item) => (item && typeof item === 'object' ? unpack(item) : item)));
  if (!node || typeof node !== 'object') return node;
  if ('$number' in node) return Number(node.$number);
  if ('$array' in node) return new Grid(new TYPES[node.$array](await inflate(node)), node.shape);
  if ('$triangles' in node) return new Triangles(node);
  await Promise.all(Object.keys(node).map(async (key) => {
    if (key !== 'behind' && node[key] && typeof node[key] === 'object') node[key] = await unpack(node[key]);
  }));
  return node;
}

function load(view) {
  if (!loaded.has(view.id)) {
    loaded.set(view.id, parsed.then(() => unpack(readBlock('view-' + view.id))).then((data) => (ready.set(view.id, data), data)));
  }
  return loaded.get(view.id);
}

// What lies behind the cells of a conversation, unpacked only once it is looked at; null if the page does not hold it.
const behindOf = (conversation) => (conversation.opening ??= (async () => (conversation.opened = conversation.behind ? await unpack(conversation.behind) : null))().catch((error) => (conversation.harm = error)));

// What a view needs to be drawn at once: its data, and of attention the conversation that is selected.
async function prepare(view) {
  const data = await load(view);
  if (view.renderer === 'matrix-grid') await data.conversations[placeIn(data)].patterns.open();
  return data;
}

// Values of a series may come as arrays or as plain lists; null and NaN both mean undefined.
function asGrid(values) {
  if (values instanceof Grid || values === null || values === undefined) return values ?? null;
  if (typeof values === 'number') return { at: () => values, values: [values], shape: [] };
  const nested = Array.isArray(values[0]),
    flat = (nested ? values.flat() : values).map((v) => (v === null ? NaN : v));
  return new Grid(Float64Array.from(flat), nested ? [values.length, values[0].length] : [values.length]);
}
const asList = (values) => (values ? Array.from(asGrid(values).values) : null);

const [N_LAYERS, N_HEADS] = page.heads;
const headName = (layer, head) => `L${layer}H${head}`;
const HEADS = d3.range(N_LAYERS * N_HEADS).map((i) => headName(floor(i / N_HEADS), i % N_HEADS));
const headOf = (name) => {
  const match = /^L(\d+)H(\d+)$/.exec(name ?? '');
  return match && +match[1] < N_LAYERS && +match[2] < N_HEADS ? [+match[1], +match[2]] : null;
};
