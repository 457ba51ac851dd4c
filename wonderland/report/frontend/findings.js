// The first page: what was found, in plain words, each sentence linked to its evidence; and what was checked.

const TRUST = {
  solid: ['●', 'solid', 'its interval excludes chance, on enough conversations'],
  weak: ['◐', 'weak', 'its interval does not exclude chance'],
  anecdotal: ['○', 'anecdotal', 'too little evidence to say'],
};

function mountFindings(host) {
  const used = new Set(page.findings.map((finding) => finding.trust));
  const list = page.findings.map((finding) => {
    const [sign, word] = TRUST[finding.trust] ?? TRUST.weak;
    const view = page.views.find((v) => v.id === finding.view);
    const text = el('span', { class: 'sentence', text: finding.text });
    const link = view ? el('a', { href: store.address({ head: null, pos: null, ...finding.select, view: view.id }) }, text, el('span', { class: 'where', text: `${view.title}${headOf(finding.select.head) ? ', ' + finding.select.head : ''} →` })) : text;
    return el('li', { class: `finding ${word}` }, el('span', { class: 'trust', text: sign, title: word, role: 'img', 'aria-label': word }), link);
  });
  const failed = page.checks.filter((check) => !check.passed);
  const checks = [...failed, ...page.checks.filter((check) => check.passed)].map((check) => el('li', { class: check.passed ? 'passed' : 'failed' },
    el('span', { class: 'sign', text: check.passed ? '✓' : '✗', role: 'img', 'aria-label': check.passed ? 'passed' : 'failed' }),
    el('div', {}, el('span', { text: check.name }), check.detail ? el('small', { text: check.detail }) : null)));
  host.replaceChildren(el('article', { class: 'figure findings' },
    el('h1', { text: 'Findings', tabindex: -1 }),
    el('p', { class: 'caption', text: 'What this model does, as far as its held-out conversations can tell. Each sentence opens its evidence.' }),
    el('div', { class: 'first' },
      el('section', {}, list.length ? el('ol', { class: 'sentences' }, ...list) : el('p', { text: 'No analysis stated a finding.' }),
        el('p', { class: 'key', text: Object.entries(TRUST).filter(([name]) => used.has(name)).map(([, [sign, word, meaning]]) => `${sign} ${word}: ${meaning}`).join('\n') })),
      page.checks.length ? el('section', { class: 'checks' }, el('h2', { text: failed.length ? `${failed.length} of ${page.checks.length} checks failed` : `${page.checks.length} checks passed` }), el('ul', {}, ...checks)) : null)));
  return { view: { id: 'findings' }, update() {}, leave() {}, openExport() {} };
}
