// The map of the model: a sign for each head and each MLP, its shape and colour telling the role. It leads to their cards.

const SIGNS = ['●', '■', '▲', '◆', '★', '✚'];
// The roles that are told apart, rarest first: a role that one head has is what a reader looks for.
// Beyond six, roles share one sign.
const ROLES = d3.sort(d3.rollups(Object.values(page.roles), (all) => all.length, (role) => role), ([, count]) => count).map(([role, count], i) => ({ role, count, sign: SIGNS[i] ?? '▪' }));
const roleOf = (part) => ROLES.find(({ role }) => role === page.roles[part]);
// A part without a sign is called as its card and the table of roles call it.
const saidOf = (head) => page.roles[head] ?? page.unnamed[head] ?? 'no role';
const colourOfRole = (role) => (ROLES.indexOf(role) < SIGNS.length ? palette().categories[ROLES.indexOf(role)] : 'var(--muted)');

// On a page on which no head has a role, the heads of which its findings say something are marked; nothing is no mark.
const NAMED = new Set(ROLES.length ? [] : page.findings.flatMap(({ kind, select }) => (kind === 'null' ? [] : select).filter((key) => key.startsWith('head:')).map((key) => key.slice(5))));

// A model of attention alone has no MLPs.
const MLPS = page.meta.sizes && !page.meta.sizes['MLP width'] ? [] : d3.range(N_LAYERS).map((layer) => `MLP${layer}`);

// `lit` marks some heads and leaves the rest faint; without it every head shows its role, and a legend names them.
function modelMap({ lit = null } = {}) {
  if (!N_LAYERS) return null;
  const neurons = d3.group(Object.keys(page.about).filter((key) => kindOfKey(key) === 'neuron'), (key) => +/^L(\d+)/.exec(nameOfKey(key))?.[1]),
    shows = (kind) => page.views.find((view) => view.selects.includes(kind))?.id,
    go = (key) => store.set({ key, ...(viewShown()?.selects.includes(kindOfKey(key)) ? {} : { view: shows(kindOfKey(key)) ?? store.view }) });
  const heads = HEADS.map((name) => {
    const role = roleOf(name), on = lit ? lit.includes(name) : role || NAMED.has(name),
      node = el(`button.part${on ? '.lit' : ''}`, { ...keyed(`head:${name}`), label: dots(name, saidOf(name)) }, on ? role?.sign ?? '●' : lit ? '' : '·');
    if (on) node.style.color = role ? colourOfRole(role) : 'var(--accent)';
    return node;
  });
  // An MLP of which something was measured opens its card; else the neurons of its layer, or the view of neurons as it is.
  const open = (layer, key) => (page.about[key] ? go(key) : neurons.get(layer) ? go(neurons.get(layer)[0]) : store.set({ view: shows('neuron') }));
  const mlps = MLPS.map((name, layer) => {
    const key = `mlp:${name}`, role = roleOf(name), known = page.about[key];
    if (!known && !shows('neuron')) return el('span.part.mlp', 'MLP');
    const node = el(`button.part.mlp${role ? '.lit' : ''}`, { 'data-key': key, label: dots(`MLP of layer ${layer}`, known ? saidOf(name) : neurons.get(layer) ? `${neurons.get(layer).length} of its neurons` : 'neurons'), on: { click: () => open(layer, key) } }, role ? `${role.sign} MLP` : 'MLP');
    if (role) node.style.color = colourOfRole(role);
    return node;
  });
  const grid = el(N_LAYERS > 12 ? 'div.modelmap.many' : 'div.modelmap', { role: 'group', label: 'Map of the model: a row for each layer' },
    d3.range(N_LAYERS).map((layer) => [lit ? null : el('span.maprow', { 'aria-hidden': 'true' }, `L${layer}`), heads.slice(layer * N_HEADS, (layer + 1) * N_HEADS), lit ? null : mlps[layer]]));
  const each = min(N_HEADS, 16);
  grid.style.gridTemplateColumns = `${lit ? '' : 'auto '}repeat(${each}, minmax(0, 30px))${lit ? '' : ' 50px'}`;
  if (N_HEADS > 16) heads.forEach((node, i) => styled(node, { gridColumn: `${(i % N_HEADS) % 16 + (lit ? 1 : 2)}` }));
  const hand = pointing(grid, { columns: N_HEADS, pick: (i) => go(`head:${HEADS[i]}`), peek: (i) => (lit ? { key: `head:${HEADS[i]}` } : {}), // in the card the map would vanish under the pointer
    words: (i) => [HEADS[i], [['', saidOf(HEADS[i])]]] });
  hand.set(heads);
  const legend = lit ? null : NAMED.size ? el('p.key', '● named by a finding, · not') : !ROLES.length ? null : el('ul.maproles', ROLES.slice(0, SIGNS.length + 4).map((one) => {
    const mark = el('b', one.sign);
    mark.style.color = colourOfRole(one);
    return el('li', mark, el('span', one.role, el('small', counted(one.count, MLPS.some((name) => roleOf(name) === one) ? 'MLP' : 'head'))));
  }), el('li', '·', el('span', 'no role (MLP: no sign)')));
  return el('div.mapbox', grid, legend, lit || !MLPS.length || MLPS.some((name) => page.about[`mlp:${name}`]) ? null : el('p.key', 'MLPs: none was measured'));
}
