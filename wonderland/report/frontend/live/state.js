// What was typed, and which parts are switched off. Typed text lives in this file's variables alone: never in the store,
// whose mirror is the address. What is off is one more field of the store, and stands in the address of this view.

const VIEW = 'try-it', SPEAKERS = ['me', 'them'], TAG = { me: ME, them: THEM };
const written = { turns: [], who: 'them', text: '' }; // turns: the finished messages, {who, text}

const messageTokens = (tokenizer, { who, text }) => [TAG[who], ...(text ? tokenizer.encodeMessage(text) : [])];
// The tokens of what is written. A space at the end is not yet a word: the model learned words with their space before.
const writtenTokens = (tokenizer, { turns, who, text } = written) => [
  ...turns.flatMap((turn) => [...messageTokens(tokenizer, turn), SEP]), ...messageTokens(tokenizer, { who, text: text.trimEnd() }),
];
const isEmpty = () => !written.turns.length && !written.text.trim();

// Parts by name, L2H0 or MLP1.
const partNamed = (name) => {
  const [, layer, head, mlp] = /^(?:L(\d+)H(\d+)|MLP(\d+))$/.exec(name) ?? [];
  if (mlp !== undefined) return +mlp < N_LAYERS ? { layer: +mlp, mlp: true } : null;
  return layer !== undefined && +layer < N_LAYERS && +head < N_HEADS ? { layer: +layer, head: +head } : null;
};
const partName = ({ layer, head, mlp }) => (mlp ? `MLP${layer}` : headName(layer, head));
const cleanOff = (names) => [...new Set(String(names ?? '').split('.').filter(partNamed).map((name) => partName(partNamed(name))))].sort().join('.');
const offNames = () => store.off.split('.').filter(Boolean);
const switchPart = (name) => store.set({ off: (offNames().includes(name) ? offNames().filter((one) => one !== name) : [...offNames(), name]).join('.') });

const plain = { next: store.next, address: store.address, read: store.read };
Object.assign(store, {
  off: '',
  next: (patch) => ({ ...plain.next(patch), off: cleanOff(patch.off ?? store.off) }),
  address(patch = {}) {
    const { view, off } = store.next(patch), address = plain.address.call(store, patch);
    return view === VIEW && off ? `${address}${address.includes('?') ? '&' : '?'}off=${off}` : address;
  },
  read(hash = location.hash) {
    const state = plain.read.call(store, hash); // another view's address says nothing of what is off
    return { ...state, off: state.view === VIEW ? cleanOff(new URLSearchParams(/\?(.*)$/.exec(hash)?.[1] ?? '').get('off')) : store.off };
  },
});
