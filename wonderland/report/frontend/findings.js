// All findings, for those who check: a table to sort and to filter, each with its numbers, its evidence and a citation.

// What to write under a claim that is quoted elsewhere: the claim, its numbers, and of which model and data it holds.
function citation({ text, estimate: one, view }) {
  const prints = page.meta.fingerprints ?? {}, short = (print) => String(print).slice(0, 16);
  return visible(dots(text, one && dots(withUnit(number(one.value), one.unit), one.low !== one.high && interval(one.low, one.high) && `95% interval ${interval(one.low, one.high)}`, `n = ${number(one.n)} ${one.of}`, isNumber(one.chance) && `chance ${number(one.chance)}`),
    ...Object.entries(prints).map(([what, print]) => `${what} ${short(print)}`), page.meta.wonderland && `wonderland ${page.meta.wonderland}`, page.meta.date, view && store.address({ view, key: null, pos: null })), 4000);
}

// To the clipboard, where the browser allows it; elsewhere into a box from which it can be copied by hand.
async function copyText(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    fill(done, 'Copied');
    setTimeout(() => fill(done, done.ariaLabel ? '❝' : 'Copy'), 1600);
  } catch {
    const box = el('textarea', { readonly: true, rows: 6, label: 'Text to copy' }, text);
    const dialog = el('dialog.copy', { label: 'Copy this' }, el('h2', 'Copy this'), box, button('Close', () => dialog.close()));
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    box.select();
  }
}

function mountFindings(host) {
  let kind = null, sorted = null, up = false;
  const used = Object.keys(KINDS).filter((name) => page.findings.some((finding) => kindOf(finding) === name));
  const size = ({ estimate: one }) => (one ? (isNumber(one.chance) ? abs(one.value - one.chance) : one.value) : NaN);
  const columns = [
    ['Claim', (f) => f.text, null, 'What was found, in plain words; it opens its evidence.'], ['Kind', (f) => Object.keys(KINDS).indexOf(kindOf(f)), null, 'An effect, an effect that is not shown, a null result or a description.'],
    ['Value', size, 'number', 'The number of the claim. Sorted by its distance from chance.'], ['95% interval', (f) => (f.estimate ? f.estimate.high - f.estimate.low : NaN), 'number', termText('interval')],
    ['n', (f) => f.estimate?.n ?? NaN, 'number', 'How many conversations, pairs or sequences it rests on.'], ['Chance', (f) => f.estimate?.chance ?? NaN, 'number', termText('chance level')], ['', null]];
  const rows = page.findings.map((finding, i) => {
    const view = page.views.find(({ id }) => id === finding.view), one = finding.estimate;
    const thing = finding.select.map(keyOf).find((key) => THINGS.includes(kindOfKey(key)));
    const cell = (text, part) => el('td.number', { 'data-part': part }, text);
    const copy = button('❝', () => copyText(citation(finding), copy), { class: 'icon', label: 'Copy citation', title: 'Copy the claim with its numbers, model and data' });
    const claim = view ? el('a', { href: evidenceOf(finding) }, el('span.sentence', finding.text), el('small.where', `${view.title}${thing ? ', ' + nameOfKey(thing) : ''} →`)) : finding.text;
    return { finding, line: el('tr.finding', { 'data-finding': i }, el('td.claim', claim), el('td.kind', markOf(finding), ' ', el('small', dots(KINDS[kindOf(finding)][1], TRUSTED[finding.trust], finding.runs))),
      cell(one ? [number(one.value), el('small', one.unit === '1' ? '' : one.unit)] : '–'), cell(one ? el('span.between', one.low === one.high ? '–' : interval(one.low, one.high)) : '', 'interval'), cell(one ? [number(one.n), el('small', one.n === 1 ? one.of.replace(/s$/, '') : one.of)] : ''), cell(one && isNumber(one.chance) ? number(one.chance) : '', 'chance'), el('td', copy)) };
  });
  const input = el('input', { type: 'search', label: 'Filter the findings', placeholder: 'Filter by a word', on: { input: () => show() } });
  const kinds = ['all', ...used];
  const tabs = choice('Kind', kinds.map((name) => (name === 'all' ? 'all' : dots(`${KINDS[name][0]} ${KINDS[name][1]}`))), (i) => ((kind = i ? kinds[i] : null), show()));
  const body = el('tbody'), count = el('span.where', LIVE);
  const headings = columns.map(([label, read, , help], i) => el('th', { scope: 'col', class: columns[i][2] ?? '' }, read ? button(label, () => ((up = sorted === i ? !up : !columns[i][2]), (sorted = i), show()), { class: 'sort', title: help }) : el('span.hidden', 'Cite')));
  function show() {
    const wanted = input.value.trim().toLowerCase();
    const shown = rows.filter(({ finding }) => (!kind || kindOf(finding) === kind) && finding.text.toLowerCase().includes(wanted));
    if (sorted !== null) {
      const read = columns[sorted][1], sign = up ? 1 : -1;
      shown.sort(({ finding: a }, { finding: b }) => {
        const [x, y] = [read(a), read(b)];
        if (typeof x === 'string') return sign * x.localeCompare(y, 'en');
        return isNumber(x) && isNumber(y) ? sign * (x - y) : isNumber(y) - isNumber(x);
      });
      headings.forEach((th, i) => (th.ariaSort = i === sorted ? (up ? 'ascending' : 'descending') : 'none'));
    }
    body.replaceChildren(...shown.map(({ line }) => line));
    tabs.show(kinds.indexOf(kind ?? 'all'));
    fill(count, `${shown.length} of ${rows.length}`);
  }
  host.replaceChildren(el('article.figure.findings',
    el('h1', { id: 'title-all-findings', tabindex: -1 }, 'All findings'),
    el('p.caption', explained('What the analyses claim of this model, on held-out conversations. Each claim opens its evidence. Analyses that ask the same of one head, each with pairs of its own, give numbers some points apart.')),
    el('div.controls', tabs.node, input, count),
    rows.length ? el('div.scroll', { tabindex: 0, role: 'region', label: 'All findings' }, el('table', el('thead', el('tr', headings)), body)) : el('p', 'No analysis stated a finding.'),
    el('p.key', used.map((name) => `${KINDS[name][0]} ${KINDS[name][1]}: ${KINDS[name][2]}`).join('\n'))));
  show();
  saySideways(host);
  return NO_FIGURE;
}

function mountWords(host) {
  host.replaceChildren(el('article.figure.words', el('h1', { id: 'title-words', tabindex: -1 }, 'Words explained'),
    el('p.caption', 'The words of the field that stand in this report; where one is underlined by dots, its text is a touch away.'),
    el('dl.glossary', page.glossary.map((term) => el('div', el('dt', term.name), el('dd', term.text))))));
  return NO_FIGURE;
}
const termText = (name) => page.glossary.find((term) => term.name === name)?.text;
