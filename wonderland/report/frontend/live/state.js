// What was typed, and which parts are switched off. Typed text lives in this file's variables alone: never in the store,
// whose mirror is the address. What is off is one more field of the store, and stands in the address of this view.

const VIEW = 'try-it', SPEAKERS = ['me', 'them'], TAG = { me: ME, them: THEM };
const written = { turns: [], who: 'them', text: '' }; // turns: the finished messages, {who, text}

const messageTokens = (tokenizer, { who, text }) => [TAG[who], ...(text ? tokenizer.encodeMessage(text) : [])];
// The tokens of what is written, or the last of them, `most` or more. A space at the end is not yet a word: the model
// learned words with their space before.
function writtenTokens(tokenizer, { turns, who, text }, most = Infinity) {
  let found = [];
  for (const one of [{ who, text: text.trimEnd() }, ...turns.toReversed()]) {
    const after = found.length ? [SEP, ...found] : found, { tokens, whole } = tokenizer.encodeEnd(one.text, most - after.length);
    found = [...(whole ? [TAG[one.who]] : []), ...tokens, ...after];
    if (found.length >= most) break;
  }
  return found;
}
// A field takes so many characters: `say` hears how many of what is pasted into it are left out, in words.
const FIELD = 2000;
const sayLeftOut = (field, say) => field.addEventListener('beforeinput', ({ data, isComposing }) => {
  const over = isComposing || !data ? 0 : min(data.length, field.value.length - field.selectionEnd + field.selectionStart + data.length - FIELD);
  say(over > 0 ? `${counted(over, 'character')} left out: the field takes ${number(FIELD)}.` : '');
});
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
