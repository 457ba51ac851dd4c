// cards: groups of numbers, words and small pictures. A few stand side by side; many are an index with one card open.

renderers.cards = ({ view, data, plot }) => {
  const { cards } = data,
    whole = (card) => [{ text: card.text, rows: card.rows }, ...(card.blocks ?? [])],
    table = () => tableOf(cards.flatMap((card) => blockRows(card.title, whole(card))), ['Card', (row) => row[0]], ['Label', (row) => row[1]], ['Value', (row) => row[2]]);
  if (!cards.some((card) => card.blocks)) {
    plot.append(el('div.deck', cards.map((card) => el('section', el('h2', card.title), whole(card).map(drawBlock)))));
    return { update() {}, table };
  }
  const keys = cards.map((card) => keyOf(card.select)), things = keys.every((key) => THINGS.includes(kindOfKey(key))), heads = keys.every(headOfKey);
  // Of what is of their kind and has no card, -1: another's would be taken for its own.
  const open = () => {
    if (!things) return min(store.node ?? 0, cards.length - 1);
    const i = keys.indexOf(store.shownKey);
    return i < 0 && keys.some((key) => kindOfKey(key) === kindOfKey(store.shownKey)) ? i : max(0, i);
  };
  const pick = (i) => store.set(things ? { key: keys[i] } : { node: i }),
    buttons = cards.map((card, i) => el('button', keyed(keys[i]), el('span', card.title), ' ', el('small', unmarked(card.note ?? '')))),
    list = el('div', { class: heads ? 'index byhead' : 'index', role: 'group', label: view.title }, buttons);
  if (heads) list.style.gridTemplateColumns = `repeat(${min(8, N_HEADS)}, 1fr)`;
  const sheet = el('section.sheet', LIVE);
  plot.append(el('div', { class: heads ? 'album byhead' : 'album' }, list, sheet));
  const hand = pointing(list, { columns: heads ? min(8, N_HEADS) : 1, pick, move: pick, words: (i, hovering) => (hovering ? null : [cards[i].title, [['', cards[i].note]]]), peek: (i) => ({ key: keys[i] }) });
  hand.set(buttons);
  hand.say();
  let shown = null;
  const update = (changed) => {
    const i = open(), card = cards[i], now = card ?? nameOfKey(store.shownKey);
    hand.mark((_, k) => k === i, () => false);
    if (now === shown && !changed.has('theme')) return;
    shown = now;
    if (!card) fill(sheet, el('p', `No card of ${now} here: only ${cards.length} have one.`));
    else fill(sheet, el('h2', card.title, el('small', unmarked(card.note ?? ''))), el('div.blocks', whole(card).map(drawBlock)));
  };
  return { update, table };
};
