// One state, mirrored in the address: #/view?head=L0H2&pos=12. It never holds message text, only names and numbers.

const OWN = { tab: 0, feature: null }; // belong to one view: another begins afresh
const EMPTY = { view: 'findings', head: null, layer: null, pos: null, sample: 0, feature: null, tab: 0, theme: null };
const KEYS = Object.keys(EMPTY).slice(1); // what the address holds beside the view

const store = {
  ...EMPTY,
  peek: {}, // what the pointer is over: like the state, but never in the address
  listeners: [],

  get shownHead() {
    return this.peek.head ?? this.head;
  },
  get shownPos() {
    return this.peek.pos ?? this.pos;
  },

  next: (patch) => clean({ ...store, ...(patch.view && patch.view !== store.view ? OWN : {}), ...patch }),

  set(patch) {
    const next = this.next(patch);
    const changed = new Set(Object.keys(next).filter((key) => next[key] !== this[key]));
    if (!changed.size) return;
    Object.assign(this, next);
    this.peek = {};
    const address = this.address();
    try {
      if (changed.has('view')) history.pushState(null, '', address);
      else history.replaceState(null, '', address);
    } catch {
      // a frame without an address of its own (a notebook): the state lives on, only the link is missing
    }
    this.tell(changed);
  },

  look(peek) {
    const before = this.peek;
    if (before.head === peek.head && before.pos === peek.pos) return;
    this.peek = peek;
    this.tell(new Set(['peek']));
  },

  tell(changed) {
    for (const listener of this.listeners) listener(changed);
  },

  address(patch = {}) {
    const state = this.next(patch);
    const query = KEYS.filter((key) => state[key] !== EMPTY[key]).map((key) => `${key}=${state[key]}`);
    return `#/${state.view}${query.length ? '?' + query.join('&') : ''}`;
  },

  read(hash = location.hash) {
    const [, view = '', query = ''] = /^#\/([^?]*)\??(.*)$/.exec(hash) ?? [];
    const found = { ...EMPTY, view };
    for (const [key, value] of new URLSearchParams(query)) if (KEYS.includes(key)) found[key] = value;
    return clean(found);
  },

  follow() {
    const next = this.read();
    const changed = new Set(Object.keys(next).filter((key) => next[key] !== this[key]));
    Object.assign(this, next);
    this.peek = {};
    if (changed.size) this.tell(changed);
  },
};

// Whatever comes from an address or a finding: keep what means something here, drop the rest.
function clean(state) {
  const whole = (value, otherwise) => (/^\d{1,6}$/.test(String(value)) ? Number(value) : otherwise);
  return {
    view: page.views.some((view) => view.id === state.view) ? state.view : 'findings',
    head: headOf(state.head) ? state.head : null,
    layer: whole(state.layer, null),
    pos: whole(state.pos, null),
    sample: whole(state.sample, 0),
    feature: whole(state.feature, null),
    tab: whole(state.tab, 0),
    theme: ['light', 'dark'].includes(state.theme) ? state.theme : null,
  };
}
