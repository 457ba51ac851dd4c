// Help and search, as real dialogs: the browser keeps the focus inside and gives it back.

const HELP = [
  ['← → ↑ ↓', 'from head to head, while one is selected'], ['[  ]', 'previous, next conversation'], ['1 – 6', 'open a section'],
  ['/', 'find a word, a view, a head, a finding'], ['m', 'maximise the figure'], ['e', 'export'], ['t', 'light or dark'], ['Esc', 'clear the selection'], ['?', 'the tour and this list'],
];

function makeHelp(tour) {
  const begin = () => (dialog.close(), tour.begin());
  const dialog = el('dialog.help', { label: 'Tour and keys' },
    page.tour.length ? [el('h2', 'Tour'), el('p', `This model in five minutes: ${counted(page.tour.length, 'step')} through its own evidence. ← and → go from step to step, Esc ends it.`), el('p', button('Start the tour', begin))] : null,
    el('h2', 'Keys'), el('dl', HELP.flatMap(([key, what]) => [el('dt', el('kbd', key)), el('dd', what)])),
    el('p.quiet', 'Pointing previews, clicking keeps. The address holds the view and the selection, never a message: bookmark it to come back.'),
    button('Close', () => dialog.close()));
  return dialog;
}

function makeSearch() {
  const heads = HEADS.map((name) => ({ name, kind: 'head', go: { key: `head:${name}` } }));
  const things = [
    ...OWN_PAGES.map(([id, title]) => ({ name: title, kind: 'page', go: { view: id } })),
    ...page.views.map((view) => ({ name: view.title, kind: 'view', more: view.subtitle, go: { view: view.id } })),
    ...heads,
    ...Object.keys(page.about).filter((key) => !headOfKey(key)).map((key) => ({ name: nameOfKey(key), kind: kindOfKey(key), go: { key } })),
    ...page.cards.map(({ label, result }) => ({ name: label, kind: 'number of each head', fold: result })),
    ...Object.entries(page.about).flatMap(([key, blocks]) => blocks.map((block) => ({ name: block.role ?? block.title ?? block.text ?? wordsOf(block.group), kind: `${block.role ? 'role' : 'card'} of ${nameOfKey(key)}`, more: block.role ?? say(blockRows('', [block])), fold: block.group, go: { key } }))),
    ...page.glossary.map((term) => ({ name: term.name, kind: 'word explained', more: term.forms.join(' '), go: { view: 'words' } })),
    ...page.findings.map((finding) => ({ name: finding.text, kind: 'finding', go: finding.view ? { ...selecting(...finding.select), view: finding.view } : { view: 'all-findings' } })),
  ];
  const input = el('input', { type: 'search', placeholder: 'A word of a conversation, a view, a head such as L1H2, a finding', label: 'Find a word, a view, a head or a finding', autocomplete: 'off', spellcheck: 'false' }),
    list = el('ul'), dialog = el('dialog.search', { label: 'Find' }, input, list);
  const choose = ({ kind, fold, go = { key: store.head ? store.key : `head:${HEADS[0]}` } }) => {
    dialog.close();
    const seen = viewShown()?.selects.includes('head');
    store.set((kind === 'head' || kind.startsWith('role')) && !seen && attentionView && headOfKey(go.key) ? { ...go, view: attentionView.id } : go);
    if (fold) unfold(fold);
  };
  // The conversations as one reads them: words of several tokens are found whole. They are searched here, and are neither
  // sent nor stored; what is typed goes nowhere.
  const texts = new Map();
  const read = () => page.views.filter(({ id, renderer }) => ['tokens', 'matrix-grid'].includes(renderer) && ready.has(id)).flatMap((view) => {
    if (!texts.has(view.id)) {
      const { panels, ...whole } = ready.get(view.id);
      texts.set(view.id, (panels ?? [whole]).flatMap(({ conversations, of = 'conversation' }, panel) => conversations.map(({ tokens }, sample) => {
        const starts = [];
        let text = '';
        for (const token of tokens) starts.push(text.length), (text += SPECIAL.test(token) ? '\n' : token.toLowerCase());
        const go = { view: view.id, ...(of === 'conversation' ? { sample } : panels ? { node: sample } : { panel: sample }), ...(panels && { panel }) };
        return { go, of, sample, text, starts, tokens };
      })));
    }
    return texts.get(view.id);
  });
  const places = (wanted) => {
    const found = [], heard = new Set();
    for (const { go, of, sample, text, starts, tokens } of read()) {
      if (of === 'conversation' && go.view !== attentionView?.id) heard.add(sample);
      else if (of === 'conversation' && heard.has(sample)) continue; // the same conversation, with its attention
      for (let at = text.indexOf(wanted); at >= 0 && found.length < 40; at = text.indexOf(wanted, at + 1)) {
        const pos = max(0, d3.bisectRight(starts, at) - 1), last = d3.bisectRight(starts, at + wanted.length - 1),
          here = tokens.slice(max(0, pos - 3), last + 3).map((token) => (SPECIAL.test(token) ? ' · ' : inSentence(token))).join('').trim();
        found.push({ name: here, kind: `${of} ${sample + 1}, token ${pos}`, go: { ...go, pos } });
      }
    }
    return found;
  };
  const search = () => {
    const wanted = input.value.trim().toLowerCase(), all = things.filter(({ name, more = '' }) => `${name} ${more}`.toLowerCase().includes(wanted));
    const rank = ({ name }, own = name.toLowerCase()) => !own.startsWith(wanted) + (own !== wanted); // of L2F2, L2F20 and L2F21 the first is meant
    const kinds = [...d3.group(d3.sort(all, (one) => rank(one)), ({ kind }) => kind.replace(/ of .*/, '')).values()].flatMap((members) => members.slice(0, 4)),
      found = wanted ? [...kinds.slice(0, 9), ...places(wanted).slice(0, 6)] : [...things.slice(0, 3), ...heads.slice(0, 3)];
    fill(list, found.map((thing) => el('li', button('', () => choose(thing)))), found.length ? null : el('li.quiet', 'Nothing of that name.'));
    found.forEach(({ name, kind }, i) => fill(list.children[i].firstChild, el('span', name), el('small', kind)));
    return found;
  };
  listen(input, 'input', search);
  listen(dialog, 'keydown', (event) => {
    const stops = [input, ...list.querySelectorAll('button')], at = stops.indexOf(document.activeElement), by = ARROWS[event.key]?.[1];
    if (event.key === 'Escape') dialog.close(); // a search box would first take one Esc for itself
    else if (event.key === 'Enter' && !at && search()[0]) choose(search()[0]);
    else if (by) stops[at + by]?.focus();
    else return;
    handled(event);
  });
  return Object.assign(dialog, { begin: () => ((input.value = ''), search(), dialog.showModal(), input.focus()) });
}
