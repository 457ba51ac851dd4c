// The first page: what was found, in plain words, each sentence linked to its evidence; and what was checked.

const TRUST = {
  solid: ['●', 'solid', 'its interval excludes chance, on enough conversations'],
  weak: ['◐', 'weak', 'its interval does not exclude chance'],
  anecdotal: ['○', 'anecdotal', 'too little evidence to say'],
};

const NO_FIGURE = { update() {}, leave() {}, openExport() {}, steps() {} };

function mountFindings(host) {
  const used = new Set(page.findings.map((finding) => finding.trust));
  const list = page.findings.map((finding) => {
    const [sign, word] = TRUST[finding.trust] ?? TRUST.weak;
    const view = page.views.find((v) => v.id === finding.view);
    const text = el('span.sentence', finding.text), thing = finding.select.map(keyOf).find((key) => THINGS.includes(kindOfKey(key)));
    return el(`li.finding.${word}`, el('span.trust', { title: word, role: 'img', label: word }, sign),
      view ? el('a', { href: store.address({ key: null, pos: null, ...selecting(...finding.select), view: view.id }) }, text, el('span.where', `${view.title}${thing ? ', ' + nameOfKey(thing) : ''} →`)) : text);
  });
  const failed = page.checks.filter((check) => !check.passed);
  const checks = [...failed, ...page.checks.filter((check) => check.passed)].map(({ passed, name, detail }) => el(passed ? 'li.passed' : 'li.failed',
    el('span.sign', { role: 'img', label: passed ? 'passed' : 'failed' }, passed ? '✓' : '✗'), el('div', el('span', name), detail ? el('small', detail) : null)));
  host.replaceChildren(el('article.figure.findings',
    el('h1', { tabindex: -1 }, 'Findings'),
    el('p.caption', 'What this model does, as far as its held-out conversations can tell. Each sentence opens its evidence.'),
    el('div.first',
      el('section', list.length ? el('ol.sentences', list) : el('p', 'No analysis stated a finding.'),
        el('p.key', Object.entries(TRUST).filter(([name]) => used.has(name)).map(([, [sign, word, meaning]]) => `${sign} ${word}: ${meaning}`).join('\n'))),
      page.checks.length ? el('section.checks', el('h2', failed.length ? `${failed.length} of ${page.checks.length} checks failed` : `${page.checks.length} checks passed`), el('ul', checks)) : null)));
  return NO_FIGURE;
}
