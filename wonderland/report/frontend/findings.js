// All findings, for those who check: a table to sort and to filter, each with its numbers, its evidence and a citation.

// What to write under a claim that is quoted elsewhere: the claim, its numbers, and of which model and data it holds.
function citation({ text, estimate: one, view }) {
  const prints = page.meta.fingerprints ?? {};
  return visible(dots(text, one && dots(withUnit(number(one.value), one.unit), one.low !== one.high && interval(one.low, one.high) && `95% interval ${interval(one.low, one.high)}`, `n = ${number(one.n)} ${one.of}`, isNumber(one.chance) && `chance ${number(one.chance)}`),
    ...Object.entries(prints).map(([what, print]) => `${what} ${String(print).slice(0, 16)}`), page.meta.wonderland && `wonderland ${page.meta.wonderland}`, page.meta.date, view && store.address({ view, key: null, pos: null })), 4000);
}

// To the clipboard, where the browser allows it; elsewhere into a box from which it can be copied by hand.
async function copyText(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    const before = (done.dataset.says ??= done.textContent);
    fill(done, 'Copied');
    setTimeout(() => fill(done, before), 1600);
  } catch {
    const box = el('textarea', { readonly: true, rows: 6, label: 'Text to copy' }, text),
      dialog = el('dialog.copy', { label: 'Copy this' }, el('h2', 'Copy this'), box, button('Close', () => dialog.close()));
    listen(dialog, 'close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    box.select();
  }
}

function mountFindings(host) {
  let kind = null;
  const order = Object.keys(KINDS), used = order.filter((name) => page.findings.some((finding) => kindOf(finding) === name)),
    titles = used.map((name) => KINDS[name].slice(0, 2).join(' '));
  const columns = [
    { key: 'claim', label: 'Claim', class: 'claim', help: 'What was found; it opens its evidence.' },
    { key: 'kind', label: 'Kind', class: 'kind', help: 'What each sign means stands below.' },
    { key: 'value', label: 'Value', help: 'The number of the claim. Sorted by its distance from chance.' },
    { key: 'interval', label: '95% interval', help: termText('interval') },
    { key: 'n', label: 'n', help: 'How many conversations, pairs or sequences it rests on.' },
    { key: 'chance', label: 'Chance', help: termText('chance level') }, { key: 'cite', label: 'Cite', class: '', fixed: true }];
  const rows = page.findings.map((finding) => {
    const view = viewOf(finding.view), one = finding.estimate, thing = finding.select.map(keyOf).find((key) => THINGS.includes(kindOfKey(key))),
      copy = button('❝', () => copyText(citation(finding), copy), { class: 'icon', label: 'Copy citation', title: 'Copy the claim with its numbers, model and data' }),
      claim = view ? el('a', { href: evidenceOf(finding) }, el('span.sentence', finding.text), el('small.where', `${view.title}${thing ? ', ' + nameOfKey(thing) : ''} →`)) : finding.text;
    return { finding, claim: { value: finding.text, shown: claim }, cite: { shown: copy },
      kind: { value: -order.indexOf(kindOf(finding)), shown: [markOf(finding), ' ', el('small', dots(KINDS[kindOf(finding)][1], TRUSTED[finding.trust], finding.runs))] },
      ...(one && { value: { value: isNumber(one.chance) ? abs(one.value - one.chance) : one.value, shown: [number(one.value), el('small', one.unit === '1' ? '' : one.unit)] },
        interval: { value: one.high - one.low, shown: el('span.between', one.low === one.high ? '–' : interval(one.low, one.high)) },
        n: { value: one.n, shown: [number(one.n), el('small', one.n === 1 ? one.of.replace(/s$/, '') : one.of)] }, chance: one.chance }) };
  });
  const { node, lines } = makeTable({ columns, rows }, 'All findings');
  lines.forEach(({ line }, i) => {
    line.dataset.finding = i;
    for (const part of ['interval', 'chance']) line.children[columns.findIndex(({ key }) => key === part)].dataset.part = part;
  });
  const input = el('input', { type: 'search', label: 'Filter the findings', placeholder: 'Filter by a word', on: { input: () => show() } }),
    tabs = choice('Kind', ['all', ...titles], (i) => ((kind = used[i - 1]), show())), count = el('span.where', LIVE);
  function show() {
    const wanted = input.value.trim().toLowerCase();
    for (const { row: { finding }, line } of lines) line.hidden = Boolean(kind && kindOf(finding) !== kind) || !finding.text.toLowerCase().includes(wanted);
    tabs.show(used.indexOf(kind) + 1);
    fill(count, `${lines.filter(({ line }) => !line.hidden).length} of ${lines.length}`);
  }
  fill(host, el('article.figure.findings', headline('all-findings', 'All findings'),
    el('p.caption', explained('What the analyses claim of this model, on a sample of the held-out conversations; the checks read all of these. Each claim opens its evidence. Numbers of one head may be some points apart: each analysis has its own pairs.')),
    el('div.controls', tabs.node, input, count), rows.length ? node : el('p', 'No analysis stated a finding.'),
    el('p.key', titles.map((title, i) => `${title}: ${KINDS[used[i]][2]}`).join('\n'))));
  show();
  saySideways(host);
  return NO_FIGURE;
}

function mountWords(host) {
  fill(host, el('article.figure.words', headline('words', 'Words explained'),
    el('p.caption', 'Words of the field in this report. Touch one underlined by dots for its text.'),
    el('dl.glossary', page.glossary.map((term) => el('div', el('dt', term.name), el('dd', term.text, term.example && [el('br'), el('a', { href: evidenceOf(term.example) }, `In this model: ${term.example.text}`)]))))));
  return NO_FIGURE;
}
const termText = (name) => page.glossary.find((term) => term.name === name)?.text;
