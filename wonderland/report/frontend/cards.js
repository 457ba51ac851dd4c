// cards: a few groups of label–value pairs with a sentence each.

renderers.cards = ({ data, plot }) => {
  plot.append(el('div', { class: 'deck' }, ...data.cards.map((card) => el('section', {},
    el('h2', { text: card.title }), card.text ? el('p', { text: card.text }) : null,
    el('dl', {}, ...(card.rows ?? []).flatMap(([label, value]) => [el('dt', { text: label }), el('dd', { text: say(value) })]))))));
  const table = () => ({
    columns: [{ key: 'card', label: 'Card' }, { key: 'label', label: 'Label' }, { key: 'value', label: 'Value' }],
    rows: data.cards.flatMap((card) => (card.rows ?? []).map(([label, value]) => ({ card: visible(card.title), label: visible(label), value }))),
  });
  return { update() {}, table };
};
