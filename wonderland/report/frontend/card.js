// The card on the right: everything known about what is selected or pointed at, a head or anything else; else where to begin.
const wordsOf = (name = '') => name.replaceAll('-', ' ');
let unfold = () => {}; // opens a fold of the card
const narrow = matchMedia('(max-width: 1180px)');

function makeCard(host) {
  const rows = page.cards.map((card) => ({ ...card, node: el('div.measure') }));
  // What a head does comes before where it looks and what its weights say.
  const order = ['circuit', 'heads', 'weights'], sectionOf = (result) => order.indexOf(page.views.find(({ group }) => group === result)?.section),
    groups = d3.sort(d3.groups(rows, (row) => row.result), ([result]) => (sectionOf(result) < 0 ? order.length : sectionOf(result))),
    title = el('h2', { tabindex: -1 }), sub = el('p.quiet'), roles = el('ul.roles'), links = el('p.seen'),
    canvas = el('canvas.pixels', { role: 'img' }), legend_ = el('figcaption'),
    picture = el('figure', canvas, legend_),
    clear = button('Clear', () => store.set({ key: null }), { class: 'quiet', title: 'Clear the selection  Esc' }),
    evidence = (row) => `n = ${number(row.n)} ${row.of}${row.trusted ? '' : ', too few to trust the interval'}`,
    sameN = new Set(rows.map(evidence)).size === 1,
    key = dots('● this head with its 95% interval', 'dots: the other heads', rows.some((row) => row.chance) && '| chance', rows.some((row) => row.control) && '◇ untrained'),
    measures = el('div.measures'), keyLine = el('p.key', rows.length ? key : ''),
    forThing = el('div.forhead', el('header', title, clear), sub, roles, links, picture, measures, keyLine),
    start = startHere();
  host.append(forThing, start.node);

  // Where this head stands among all others: faint dots, its interval, and where chance is. The dots and their scale are
  // the same for every head, and drawn once for each theme.
  function strip(row, at) {
    const width = 104, height = 18, middle = 9, colours = palette(), drawing = new Scene(width, height),
      one = (grid) => (grid ? grid.at(...at) : NaN), there = (v, f) => finite(v) && f(row.x(v));
    if (row.theme !== root.dataset.theme) {
      const all = [row.value, row.low, row.high, row.chance, row.control].flatMap((grid) => [...(grid?.values ?? [])]).filter(finite), others = new Scene(width, height),
        x = (row.x = d3.scaleLinear(padded(d3.min(all), d3.max(all), 0.02), [4, width - 4]));
      others.line(0, middle, width, middle, colours.line);
      others.path(Array.from(row.value.values, (v) => (finite(v) ? `M${x(v) - 2},${middle}a2,2 0 1,0 4,0a2,2 0 1,0 -4,0` : '')).join(''), null, { fill: colours.muted, opacity: 0.4 });
      row.theme = root.dataset.theme;
      row.mine = document.createElementNS(SVG, 'g');
      const svg = sceneToSvg(others);
      svg.append(row.mine);
      row.number = el('b');
      row.between = el('small');
      fill(row.node, el('span', row.label, row.unit === '1' || row.label.includes(row.unit) ? null : el('small', ' ' + row.unit)), row.number, svg, row.between);
    }
    there(one(row.chance), (at) => drawing.line(at, 2, at, height - 2, colours.ink, { lineWidth: 1.5 }));
    there(one(row.control), (at) => drawing.mark(at, middle, 3, 44, colours.paper, { stroke: colours.ink }));
    there(one(row.low), (at) => drawing.line(at, middle, row.x(one(row.high)), middle, colours.accent, { lineWidth: 3 }));
    there(one(row.value), (at) => drawing.mark(at, middle, 0, 54, colours.accent));
    fill(row.mine, ...sceneToSvg(drawing).children);
  }

  // What an analysis measured and says of the thing, folded under its question and its main number. One that was opened
  // stays open for the next thing.
  const folds = new Map();
  const foldOf = (result) => {
    if (!folds.has(result)) {
      const members = rows.filter((row) => row.result === result), name = wordsOf(result), main = el('small'), said = el('div.blocks'),
        question = d3.greatest(page.views.filter(({ group, subtitle }) => group === result && subtitle.endsWith('?')), ({ selects }) => +selects.includes('head'))?.subtitle,
        within = [el('p.key', dots(question && name, !sameN && members.length && evidence(members[0]))), members.map((row) => row.node), said];
      folds.set(result, { members, main, said, node: result ? el('details.fold', el('summary', el('span', question ?? name), main), within) : said });
    }
    return folds.get(result);
  };
  unfold = (result) => {
    const { node } = folds.get(result) ?? {};
    if (node) (node.open = true), node.firstChild.focus(), node.scrollIntoView({ block: 'nearest' });
  };
  let listed = null;
  function fillFolds(at, known) {
    const said = d3.group(known.filter(({ role }) => !role), ({ group = '' }) => group), results = [...new Set([...(at ? groups.map(([result]) => result) : []), ...said.keys()])],
      shown = results.map((result) => [foldOf(result), said.get(result) ?? []]);
    if (listed !== (listed = String(results))) { // another kind of thing
      fill(measures, shown.map(([{ node }]) => node));
      if (shown.length && !measures.querySelector('[open]')) shown[0][0].node.open = true;
    }
    for (const [{ members, main, said }, blocks] of shown) {
      for (const row of members) if (!(row.node.hidden = !at)) fillRow(row, at); // numbers are of heads
      fill(said, blocks.map(drawBlock));
      const [row] = members, [label, value] = blocks.flatMap(({ rows = [] }) => rows)[0] ?? [];
      fill(main, at && row ? `${row.label} ${row.number.textContent} ${interval(row.low.at(...at), row.high.at(...at))}` : label ? `${label} ${say(value)}` : '');
    }
  }

  function fillRow(row, at) {
    const cell = { value: row.value.at(...at), low: row.low.at(...at), high: row.high.at(...at), chance: row.chance?.at(...at) },
      untrained = row.control?.at(...at);
    row.node.classList.toggle('weak', isWeak(cell) || !row.trusted);
    row.node.title = dots(verdict(cell), isNumber(untrained) && `untrained ${number(untrained)}`, evidence(row));
    strip(row, at);
    row.number.textContent = number(cell.value);
    row.between.textContent = dots(interval(cell.low, cell.high), isNumber(cell.chance) && `chance ${number(cell.chance)}`);
  }

  let room = 292; // to ask for the width while a selection is drawn would lay the page out twice
  new ResizeObserver(([{ contentRect: { width } }]) => width && width !== room && ((room = width), headOf(store.shownHead) && drawPicture(...headOf(store.shownHead)))).observe(picture);
  const drawPicture = (...at) => drawn(...at).catch((error) => {
    canvas.hidden = true;
    fill(legend_, harmed(error, attentionView));
  });
  async function drawn(layer, head) {
    picture.hidden = !attentionView || viewShown()?.renderer === 'matrix-grid';
    if (picture.hidden) return;
    const data = ready.get(attentionView.id) ?? (await load(attentionView)),
      i = placeIn(data), packed = data.conversations[i].patterns,
      patterns = packed.levels ? packed : await packed.open();
    if (store.shownHead !== headName(layer, head)) return;
    canvas.hidden = false;
    drawPattern(canvas, patterns, layer * data.n_heads + head, max(160, min(292, room)));
    canvas.ariaLabel = `Attention pattern of ${headName(layer, head)} on conversation ${i + 1}`;
    fill(legend_, `Attention on conversation ${i + 1}: each row is a token, marked where it looks`);
  }

  let shown = null;
  const update = (changed) => {
    const key = store.shownKey, name = nameOfKey(key), at = headOf(headOfKey(key)), known = page.about[key] ?? [],
      any = Boolean(at || known.length);
    forThing.hidden = !any;
    start.node.hidden = any;
    document.body.classList.toggle('sheet', any && Boolean(store.key)); // on narrow screens the card is a sheet from below
    if (changed.has('key') && any && narrow.matches) document.querySelector('main .chosen')?.scrollIntoView({ block: 'nearest' }); // not under the sheet
    if (!any) {
      if (when(changed, 'view', 'mounted', 'key', 'theme')) start.show();
      return void (shown = null);
    }
    const kind = kindOfKey(key);
    fill(title, kind === 'mlp' ? name.replace('MLP', 'MLP of layer ') : `${kind[0].toUpperCase()}${kind.slice(1)} ${kind === 'class' ? wordsOf(name) : name}`);
    fill(sub, dots(store.key === key ? 'selected' : 'pointed at', at && sameN && rows.length && evidence(rows[0])));
    clear.hidden = !store.key;
    keyLine.hidden = !at;
    if (!at) picture.hidden = true; // else drawPicture says, once for each head and view
    if (shown !== key || changed.has('theme')) {
      fill(roles, known.filter((block) => block.role).map(({ role, rule }) => el('li', el('b', role), rule ? el('small', rule) : null)));
      fillFolds(at, known);
    }
    if (at && (shown !== key || when(changed, 'view', 'theme', 'sample', 'mounted'))) drawPicture(...at);
    shown = key;
    const linked = page.views.filter(({ id, selects }) => (selects.includes(kind) || (kind === 'mlp' && selects.includes('neuron'))) && id !== store.view),
      to = (view, i) => [i ? ', ' : '', linkTo({ view: view.id, key }, view.title)];
    fill(links, linked.length ? 'Also in ' : '', linked.slice(0, 5).map(to), linked.length > 6 ? [', ', button(`${linked.length - 5} more`, () => fill(links, 'Also in ', linked.map(to)), { class: 'link' })] : linked.slice(5).map((view) => to(view, 1)));
  };
  return { update };
}

// What to do with nothing selected: the map, where to begin, and the words of the view that is open.
function startHere() {
  const words = el('div.wordshere'), steps = el('ol.steps'), map = el('div'),
    node = el('div.starthere', el('h2', 'Start here'), steps, map, words, el('p', button('About this model', () => byId('about').showModal())));
  const show = () => {
    if (map.theme !== root.dataset.theme) fill(map, modelMap()).theme = root.dataset.theme; // its signs have colours of the theme
    const view = viewShown(),
      read = page.views.filter(({ section, renderer }) => section === 'read' && renderer !== 'live'),
      reading = read.find(({ id }) => page.stories.some((story) => story.view === id && story.ask === 'Where was it surprised?')) ?? read[0], circuit = page.views.find(({ section }) => section === 'circuit'),
      to = (id, text) => id && el('li', linkTo({ view: id }, text));
    fill(steps, to('findings', 'What it is about, in a minute'), to(reading?.id, 'Read along: where was it surprised?'), to(attentionView?.id, 'See where each head looks'), to(circuit?.id, 'See which parts matter'));
    if (N_LAYERS) steps.append(el('li', 'Point at a sign below to see what is known of that part; click to keep it.'));
    const texts = view ? [view.title, view.subtitle, view.caption, view.howToRead].join(' ') : '',
      found = TERM && view ? [...new Set(Array.from(texts.matchAll(TERM), ([word]) => TERMS.get(word.toLowerCase())))].slice(0, 5) : [];
    fill(words, found.length ? [el('h3', 'Words of this view'), el('dl.glossary', found.map((term) => el('div', el('dt', term.name), el('dd', term.text))))] : null,
      page.glossary.length ? el('p', linkTo({ view: 'words' }, 'All words explained →')) : null);
  };
  return { node, show };
}

// The facts and fingerprints, for those who want to be sure of which model this is.
function makeAbout() {
  const isGroup = ([, value]) => value && typeof value === 'object', entries = Object.entries(page.meta);
  const dialog = el('dialog.about', { id: 'about', label: 'About this model' }, el('h2', 'About this model'), pairsOf(entries.filter((entry) => !isGroup(entry))),
    entries.filter(isGroup).map(([label, value]) => [el('h3', label), pairsOf(Object.entries(value))]), el('p', button('Close', () => dialog.close())));
  return dialog;
}
