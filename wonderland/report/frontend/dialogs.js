// Help and search, as real dialogs: the browser keeps the focus inside and gives it back.

const HELP = [
  ['← → ↑ ↓', 'move over heads'], ['[  ]', 'previous, next conversation'], ['1 – 9', 'open a section'],
  ['/', 'find a view, a head or a word'], ['m', 'maximise the figure'], ['e', 'export'], ['t', 'light or dark'], ['Esc', 'clear the selection'], ['?', 'this help'],
];

function makeHelp() {
  const dialog = el('dialog.help', { label: 'Keys' },
    el('h2', 'Keys'), el('dl', HELP.flatMap(([key, what]) => [el('dt', el('kbd', key)), el('dd', what)])),
    el('p.quiet', 'Pointing previews, clicking keeps. The address holds the view and the selection, never a message: bookmark it to come back.'),
    button('Close', () => dialog.close()));
  return dialog;
}

function makeSearch() {
  const things = [
    { name: 'Findings', kind: 'view', go: { view: 'findings' } },
    ...page.views.map((view) => ({ name: view.title, kind: 'view', go: { view: view.id } })),
    ...HEADS.map((name) => ({ name, kind: 'head', go: { key: `head:${name}` } })),
    ...Object.keys(page.about).filter((key) => !headOfKey(key)).map((key) => ({ name: nameOfKey(key), kind: kindOfKey(key), go: { key } })),
  ];
  const reading = page.views.find((view) => view.renderer === 'tokens');
  const input = el('input', { type: 'search', placeholder: 'A view, a head such as L1H2, or a word', label: 'Find a view, a head or a word', autocomplete: 'off', spellcheck: 'false' });
  const list = el('ul'), dialog = el('dialog.search', { label: 'Find' }, input, list);
  const choose = ({ kind, go }) => {
    dialog.close();
    store.set(kind === 'head' && store.view === 'findings' && attentionView ? { ...go, view: attentionView.id } : go);
  };
  // Where a word stands in the conversations shown: messages are searched here and nowhere else.
  const places = (wanted) => (ready.get(reading?.id)?.conversations ?? []).flatMap(({ tokens }, sample) => tokens.flatMap((token, pos) =>
    (token.toLowerCase().includes(wanted) ? [{ name: tokenName(token), kind: `conversation ${sample + 1}, token ${pos}`, go: { view: reading.id, sample, pos } }] : [])));
  const search = () => {
    const wanted = input.value.trim().toLowerCase();
    const found = [...things.filter(({ name }) => name.toLowerCase().includes(wanted)), ...(wanted ? places(wanted) : [])].slice(0, 9);
    fill(list, found.map((thing) => el('li', button('', () => choose(thing)))), found.length ? null : el('li.quiet', 'Nothing of that name.'));
    found.forEach(({ name, kind }, i) => fill(list.children[i].firstChild, el('span', name), el('small', kind)));
    return found;
  };
  input.addEventListener('input', search);
  dialog.addEventListener('keydown', (event) => {
    const stops = [input, ...list.querySelectorAll('button')], at = stops.indexOf(document.activeElement), by = ARROWS[event.key]?.[1];
    if (event.key === 'Enter' && !at && search()[0]) choose(search()[0]);
    else if (by) stops[at + by]?.focus();
    else return;
    event.preventDefault();
  });
  return Object.assign(dialog, { begin: () => ((input.value = ''), search(), dialog.showModal(), input.focus()) });
}
