// Help and search, as real dialogs: the browser keeps the focus inside and gives it back.

const HELP = [
  ['← → ↑ ↓', 'move over heads'], ['[  ]', 'previous, next conversation'], ['1 – 9', 'open a view'],
  ['/', 'find a view or a head'], ['m', 'maximise the figure'], ['e', 'export'], ['t', 'light or dark'], ['Esc', 'clear the selection'], ['?', 'this help'],
];

function makeHelp() {
  const dialog = el('dialog', { class: 'help', 'aria-label': 'Keys' },
    el('h2', { text: 'Keys' }),
    el('dl', {}, ...HELP.flatMap(([key, what]) => [el('dt', {}, el('kbd', { text: key })), el('dd', { text: what })])),
    el('p', { class: 'quiet', text: 'Pointing previews, clicking keeps. The address of this page holds the view and the selection, never a word of a message: bookmark it to come back here.' }),
    el('button', { type: 'button', text: 'Close', on: { click: () => dialog.close() } }));
  return dialog;
}

function makeSearch() {
  const things = [
    { name: 'Findings', go: { view: 'findings' } },
    ...page.views.map((view) => ({ name: view.title, go: { view: view.id } })),
    ...d3.range(N_LAYERS).flatMap((l) => d3.range(N_HEADS).map((h) => ({ name: headName(l, h), kind: 'head', go: { head: headName(l, h) } }))),
  ];
  const input = el('input', { type: 'search', placeholder: 'A view, or a head such as L1H2', 'aria-label': 'Find a view or a head', autocomplete: 'off', spellcheck: 'false' });
  const list = el('ul');
  const dialog = el('dialog', { class: 'search', 'aria-label': 'Find' }, input, list);
  const choose = (thing) => {
    dialog.close();
    if (thing.kind && store.view === 'findings' && attentionView) store.set({ ...thing.go, view: attentionView.id });
    else store.set(thing.go);
  };
  const fill = () => {
    const wanted = input.value.trim().toLowerCase();
    const found = things.filter(({ name }) => name.toLowerCase().includes(wanted)).slice(0, 9);
    list.replaceChildren(...(found.length ? found : []).map((thing) => el('li', {}, el('button', { type: 'button', on: { click: () => choose(thing) } }, el('span', { text: thing.name }), el('small', { text: thing.kind ?? 'view' })))));
    if (!found.length) list.append(el('li', { class: 'quiet', text: 'Nothing of that name.' }));
    return found;
  };
  input.addEventListener('input', fill);
  dialog.addEventListener('keydown', (event) => {
    const buttons = [...list.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === 'Enter' && at < 0 && fill()[0]) choose(fill()[0]);
    else if (event.key === 'ArrowDown' && buttons.length) buttons[Math.min(at + 1, buttons.length - 1)].focus();
    else if (event.key === 'ArrowUp' && at >= 0) (buttons[at - 1] ?? input).focus();
    else return;
    event.preventDefault();
  });
  return Object.assign(dialog, { begin: () => ((input.value = ''), fill(), dialog.showModal(), input.focus()) });
}
