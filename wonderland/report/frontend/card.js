// The card on the right: everything measured about the head that is selected or pointed at; without one, the model.

function makeCard(host) {
  const rows = page.cards.map((card) => ({ ...card, node: el('div', { class: 'measure' }) }));
  const groups = d3.groups(rows, (row) => row.result);
  const title = el('h2', { tabindex: -1 });
  const sub = el('p', { class: 'quiet' });
  const canvas = el('canvas', { class: 'pixels', role: 'img' });
  const picture = el('figure', {}, canvas, el('figcaption'));
  const many = groups.length > 1;
  const numbers = el('div', { class: 'measures' }, ...groups.flatMap(([result, members]) => [many ? el('h3', { text: result.replaceAll('-', ' ') }) : null, ...members.map((row) => row.node)]).filter(Boolean));
  const key = el('p', { class: 'key' });
  const links = el('p', { class: 'seen' });
  const clear = button('Clear', () => store.set({ head: null }), { class: 'quiet', title: 'Clear the selection  Esc' });
  const forHead = el('div', { class: 'forhead' }, el('header', {}, title, clear), sub, picture, numbers, key, links);
  const about = aboutModel();
  host.append(forHead, about);
  const chances = rows.some((row) => row.chance), twins = rows.some((row) => row.control);
  key.textContent = ['● this head with its 95 % interval', 'dots: the other heads', chances ? '| chance' : '', twins ? '◇ untrained' : ''].filter(Boolean).join('  ·  ');
  const evidence = (row) => `n = ${number(row.n)} ${visible(row.of)}${row.trusted ? '' : ', too few to trust the interval'}`;
  const sameN = new Set(rows.map(evidence)).size === 1;

  // Where this head stands among all others: faint dots, its interval, and where chance is.
  function strip(row, layer, head) {
    const width = 292, height = 20, middle = 10, colours = palette();
    const all = [...row.value.values, ...row.low.values, ...row.high.values, ...(row.chance?.values ?? []), ...(row.control ? [row.control.at(layer, head)] : [])].filter(Number.isFinite);
    const x = d3.scaleLinear(padded(d3.min(all), d3.max(all), 0.02), [4, width - 4]);
    const drawing = new Scene(width, height);
    drawing.line(0, middle, width, middle, colours.line);
    drawing.path(Array.from(row.value.values, (v) => (Number.isFinite(v) ? `M${x(v) - 2},${middle}a2,2 0 1,0 4,0a2,2 0 1,0 -4,0` : '')).join(''), null, { fill: colours.muted, opacity: 0.4 });
    if (row.chance) drawing.line(x(row.chance.at(layer, head)), 2, x(row.chance.at(layer, head)), height - 2, colours.ink, { lineWidth: 1.5 });
    if (row.control && Number.isFinite(row.control.at(layer, head))) drawing.mark(x(row.control.at(layer, head)), middle, 3, 50, colours.paper, { stroke: colours.ink });
    if (Number.isFinite(row.low.at(layer, head))) drawing.line(x(row.low.at(layer, head)), middle, x(row.high.at(layer, head)), middle, colours.accent, { lineWidth: 3 });
    if (Number.isFinite(row.value.at(layer, head))) drawing.mark(x(row.value.at(layer, head)), middle, 0, 62, colours.accent);
    return sceneToSvg(drawing);
  }

  function fill(row, layer, head) {
    const cell = { value: row.value.at(layer, head), low: row.low.at(layer, head), high: row.high.at(layer, head), chance: row.chance?.at(layer, head) };
    const words = [row.unit === '1' ? '' : visible(row.unit), verdict(cell) ? `${verdict(cell)}, ${number(cell.chance)}` : '', row.control ? `untrained ${number(row.control.at(layer, head))}` : '', sameN ? '' : evidence(row)].filter(Boolean);
    row.node.classList.toggle('weak', verdict(cell).startsWith('not') || !row.trusted);
    row.node.replaceChildren(
      el('div', { class: 'what' }, el('span', { text: row.label }), el('span', {}, el('b', { text: number(cell.value) }), el('small', { text: interval(cell.low, cell.high) }))),
      strip(row, layer, head),
      el('small', { text: words.join(' · ') }));
  }

  async function drawPicture(layer, head) {
    const inView = page.views.find((view) => view.id === store.view)?.renderer === 'matrix-grid';
    picture.hidden = !attentionView || inView;
    if (picture.hidden) return;
    const data = ready.get(attentionView.id) ?? (await load(attentionView));
    const i = sampleIn(data.conversations);
    const patterns = data.conversations[i].patterns.value ?? (await data.conversations[i].patterns.open());
    const now = headOf(store.shownHead);
    if (!now || now[0] !== layer || now[1] !== head) return;
    drawPattern(canvas, patterns, layer * data.n_heads + head, Math.max(160, Math.min(292, picture.clientWidth || 292)));
    canvas.setAttribute('aria-label', `Attention pattern of ${headName(layer, head)} on conversation ${i + 1}`);
    picture.lastChild.textContent = `Attention on conversation ${i + 1}: each row is a token, dark where it looks`;
  }

  let shown = null;
  const update = (changed) => {
    const at = headOf(store.shownHead);
    forHead.hidden = !at;
    about.hidden = Boolean(at);
    if (!at) return void (shown = null);
    const name = headName(...at);
    title.textContent = `Head ${name}`;
    sub.textContent = [store.head === name ? 'selected' : 'pointed at', sameN && rows.length ? evidence(rows[0]) : ''].filter(Boolean).join(' · ');
    clear.hidden = !store.head;
    if (shown !== name || changed.has('theme')) rows.forEach((row) => fill(row, ...at));
    if (shown !== name || ['view', 'theme', 'sample', 'mounted'].some((k) => changed.has(k))) drawPicture(...at);
    shown = name;
    const linked = page.views.filter((view) => view.heads && view.id !== store.view);
    links.replaceChildren(...(linked.length ? [el('span', { text: 'Also in ' })] : []), ...linked.flatMap((view, i) => [i ? ', ' : '', el('a', { href: store.address({ view: view.id, head: name }), text: view.title })]));
  };
  return { update };
}

function aboutModel() {
  const pairs = Object.entries(page.meta).flatMap(([label, value]) => (value && typeof value === 'object'
    ? [el('h3', { text: label }), pairsOf(Object.entries(value))] : []));
  const plain = Object.entries(page.meta).filter(([, value]) => !value || typeof value !== 'object');
  return el('div', { class: 'aboutmodel' }, el('h2', { text: 'About this model' }),
    N_LAYERS ? el('p', { class: 'quiet', text: 'Point at a head in any figure to see everything measured about it here; click to keep it.' }) : null,
    pairsOf(plain), ...pairs);
}
const pairsOf = (pairs) => el('dl', {}, ...pairs.flatMap(([label, value]) => [el('dt', { text: label }), el('dd', { text: say(value) })]));
