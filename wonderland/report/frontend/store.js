// One state, mirrored in the address: #/view?head=L0H2&pos=12. It never holds message text, only names and numbers.

// What is selected is one key, "head:L0H2", "neuron:L1N17", "edge:L1H3>L2H3", "model:seed-1"; in the address it stands as
// kind=name. Conversations and positions are selected beside it: they are places, and a head is looked at in one.
const THINGS = ['head', 'mlp', 'neuron', 'feature', 'edge', 'class', 'model'];
const PLACES = { conversation: 'sample', position: 'pos', layer: 'layer' };
const OWN = { panel: null, node: null, threshold: null, tab: 0 }; // belong to one view: another begins afresh
const EMPTY = { view: 'findings', key: null, layer: null, pos: null, sample: 0, ...OWN, moment: null, theme: null };
const NUMBERS = Object.keys(EMPTY).slice(2, -1); // in the address, in this order

// Of "head:L0H2", or of the name of a part of the model alone
const keyOf = (text) => {
  const [, kind, name] = /^([a-z]+):([\w.>-]{1,80})$/.exec(text ?? '') ?? [];
  if (!kind) {
    if (/^MLP\d+$/.test(text)) return `mlp:${text}`;
    const letter = /^L\d+([HNF])\d+$/.exec(text ?? '')?.[1];
    return letter ? keyOf({ H: 'head:', N: 'neuron:', F: 'feature:' }[letter] + text) : null;
  }
  if (kind === 'head') return headOf(name) ? text : null;
  return THINGS.includes(kind) || kind in PLACES ? text : null;
};
const nameOfKey = (key) => key?.slice(key.indexOf(':') + 1) ?? null;
const kindOfKey = (key) => key?.slice(0, key.indexOf(':')) ?? null;
const headOfKey = (key) => (kindOfKey(key) === 'head' ? nameOfKey(key) : null);
// What is to be set to select keys: of a place its number, of a thing the key.
const selecting = (...keys) => Object.assign({}, ...keys.map(keyOf).filter(Boolean).map((key) => (kindOfKey(key) in PLACES ? { [PLACES[kindOfKey(key)]]: +nameOfKey(key) } : { key })));
// The same for a click, which takes a selection back if it is there already.
function toggling(key) {
  const patch = selecting(key), [field] = Object.keys(patch);
  return field && store[field] === patch[field] ? { [field]: null } : patch;
}
const fields = new Map(); // key → what is to be set to select it: asked of every cell of a figure at every selection
const isChosen = (key, state = store) => {
  if (!key) return false;
  if (!fields.has(key)) fields.set(key, Object.entries(selecting(key)));
  return fields.get(key).some(([field, value]) => state[field] === value);
};

// The pages that are no figure.
const OWN_PAGES = [['findings', 'In a minute'], ['all-findings', 'All findings'], ['words', 'Words explained']];

const viewOf = (id) => page.views.find((view) => view.id === id);
const viewShown = () => viewOf(store.view); // undefined on a page that is no figure

let due = false; // whether what is pointed at is still to be told
const soon = new MessageChannel();
soon.port1.onmessage = () => due && ((due = false), store.tell(new Set(['peek'])));

const store = {
  ...EMPTY,
  peek: {}, // what the pointer is over: like the state, but never in the address
  listeners: [],

  get head() {
    return headOfKey(this.key);
  },
  get shownKey() {
    return this.peek.key ?? this.key;
  },
  get shownHead() {
    return headOfKey(this.shownKey);
  },
  get shownPos() {
    return this.peek.pos ?? this.pos;
  },

  next: (patch) => clean({ ...store, ...(patch.view && patch.view !== store.view ? OWN : {}), ...patch }),

  set(patch) {
    const changed = this.take(this.next(patch));
    if (!changed.size) return;
    const address = this.address();
    try {
      if (changed.has('view')) history.pushState(null, '', address);
      else history.replaceState(null, '', address);
    } catch {
      // a frame without an address of its own (a notebook): the state lives on, only the link is missing
    }
    this.tell(changed);
  },

  // The fields that are other than they were, and are now as in `next`.
  take(next) {
    const changed = new Set(Object.keys(next).filter((key) => next[key] !== this[key]));
    if (changed.size) Object.assign(this, next, { peek: {} }), (due = false);
    return changed;
  },

  // `later`: it is told in a task of its own, of several the last, so that a press does not wait for the card.
  look(peek, later = false) {
    const before = this.peek;
    if (before.key === peek.key && before.pos === peek.pos) return;
    this.peek = peek;
    due = later;
    if (later) soon.port2.postMessage(null);
    else this.tell(new Set(['peek']));
  },

  tell(changed) {
    for (const listener of this.listeners) listener(changed);
  },

  address(patch = {}) {
    const state = this.next(patch),
      query = NUMBERS.filter((name) => state[name] !== EMPTY[name]).map((name) => `${name}=${state[name]}`);
    if (state.key) query.unshift(`${kindOfKey(state.key)}=${encodeURIComponent(nameOfKey(state.key))}`);
    if (state.theme) query.push(`theme=${state.theme}`);
    return `#/${state.view}${query.length ? '?' + query.join('&') : ''}`;
  },

  read(hash = location.hash) {
    const [, view = '', query = ''] = /^#\/([^?]*)\??(.*)$/.exec(hash) ?? [],
      found = { ...EMPTY, view };
    for (const [name, value] of new URLSearchParams(query)) {
      if (THINGS.includes(name)) found.key = `${name}:${value}`;
      else if (NUMBERS.includes(name) || name === 'theme') found[name] = value;
    }
    return clean(found);
  },

  follow() {
    const changed = this.take(this.read());
    if (changed.size) this.tell(changed);
  },
};

// Whatever comes from an address or a finding: keep what means something here, drop the rest.
function clean(state) {
  return {
    view: viewOf(state.view) || OWN_PAGES.some(([id]) => id === state.view) ? state.view : page.opens || 'findings',
    key: THINGS.includes(kindOfKey(state.key)) ? keyOf(state.key) : null,
    ...Object.fromEntries(NUMBERS.map((name) => [name, /^\d{1,6}$/.test(String(state[name])) ? Number(state[name]) : EMPTY[name]])),
    theme: ['light', 'dark'].includes(state.theme) ? state.theme : null,
  };
}
