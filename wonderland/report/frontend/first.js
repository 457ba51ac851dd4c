// The first page: what there is to know in a minute. Python chose the stories (stories.py); here each gets its picture.

// What a finding claims, by its shape; how far it can be trusted, by its word.
const KINDS = {
  effect: ['◆', 'effect', 'something is there: its interval or exact number lies beyond its chance level'],
  unsure: ['◇', 'effect, not shown', 'something may be there: its interval reaches its chance level, or more is asked of it'],
  few: ['◇', 'effect, undecided', 'there is too little evidence to say'],
  null: ['○', 'null result', 'nothing larger than the bound that the sentence names'],
  description: ['·', 'description', 'a number of the model, with no chance level to compare it with'],
};
const TRUSTED = { solid: '', weak: 'weak', anecdotal: 'too little evidence' };
const kindOf = ({ kind, trust }) => (kind === 'effect' && trust !== 'solid' ? (trust === 'weak' ? 'unsure' : 'few') : kind in KINDS ? kind : 'description');
const markOf = (finding) => {
  const [sign, word] = KINDS[kindOf(finding)], said = dots(word, TRUSTED[finding.trust]);
  return el('span.mark', { role: 'img', label: said, title: said, class: `mark ${kindOf(finding)}` }, sign);
};
const evidenceOf = ({ view, select = [] }) => store.address({ key: null, pos: null, ...selecting(...select), view });
const FAILED = page.checks.filter((check) => !check.passed);
const CHECKED = FAILED.length ? `✗ ${FAILED.length} of ${counted(page.checks.length, 'check')} failed` : '✓ all checks passed';
const NO_FIGURE = { update() {}, leave() {}, openExport() {}, steps() {} };

// Choices left, from a blind guess to this model, on a logarithmic scale. In figures only the ends and the best rule are told;
// the others on pointing, and in the view that it leads to.
function choicesLeft({ points, own }) {
  return (width) => {
    const drawing = new Scene(width, 96), colours = palette(), all = [...points, ['this model', own]].filter(([, value]) => value > 0),
      x = d3.scaleLog([d3.max(all, ([, v]) => v), d3.min(all, ([, v]) => v)], [34, width - 44]);
    drawing.line(x.range()[0], 46, x.range()[1], 46, colours.line, { lineWidth: 2 });
    const told = new Set(d3.extent(points, ([, value]) => value));
    const ends = [-99, -99, -99]; // names go to the first row where they do not touch the one before
    points.forEach(([rule, value]) => {
      const at = x(value), name = abs(at - x(own)) < 9 ? `${rule}, same place` : rule, wide = max(textWidth(name, 12), textWidth(number(round(value)), 13)) / 2 + 5, row = max(0, ends.findIndex((end) => end < at - wide));
      ends[row] = at + wide;
      const middle = max(wide, min(width - wide, at)), top = 66 + 36 * row;
      if (row) drawing.line(at, 52, at, top - 12, colours.line);
      drawing.mark(at, 46, 0, 40, colours.muted);
      drawing.text(middle, top, name, { anchor: 'middle', fill: colours.muted, more: `Choices left here: ${number(round(value))}` });
      if (told.has(value)) drawing.text(middle, top + 15, number(round(value)), { anchor: 'middle', size: 13 });
    });
    drawing.mark(x(own), 46, 0, 140, colours.accent);
    drawing.text(min(width - 30, x(own)), 30, 'this model', { anchor: 'middle', fill: colours.accent });
    drawing.height = 90 + 36 * ends.findLastIndex((end) => end > 0);
    return drawing;
  };
}

// One interval and the level it is held against.
function intervalLine({ value, low, high, chance }) {
  return (width) => {
    const drawing = new Scene(width, 56), colours = palette(),
      x = d3.scaleLinear(padded(min(low, chance), max(high, chance), 0.25), [12, width - 12]);
    drawing.line(12, 22, width - 12, 22, colours.line);
    drawing.line(x(chance), 8, x(chance), 36, colours.ink, { lineWidth: 1.5 });
    drawing.text(x(chance), 50, chance ? 'chance' : 'zero', { anchor: 'middle', fill: colours.muted });
    drawing.line(x(low), 22, x(high), 22, colours.accent, { lineWidth: 4 });
    drawing.mark(x(value), 22, 0, 90, colours.accent);
    return drawing;
  };
}

// Tokens in a line, and over them an arc from each to the one that a head looks at most: as many as there is room for.
function looksBack({ tokens, arcs }, colour) {
  return (width) => {
    const drawing = new Scene(width, 0), colours = palette(), middles = [], most = 52, base = most + 18;
    let right = 2;
    for (const token of tokens) {
      const special = SPECIAL.test(token), text = special ? token.slice(2, -2) : inSentence(token).trim() || '·', wide = textWidth(text, 13);
      if (middles.length && (special || /^ /.test(token))) right += 8; // the pieces of a word stand together
      if (right + wide > width) break;
      drawing.text(right, base, text, { size: 13, quoted: true, fill: special ? colours.muted : colours.ink });
      middles.push(right + wide / 2);
      right += wide + 1;
    }
    for (const [from, to, share] of arcs.slice(0, max(0, middles.length - 1))) {
      const [a, b] = [middles[from], middles[to]], top = base - 15 - 2 * min(most - 10, 10 + (a - b) / 6);
      drawing.path(`M${a},${base - 15}Q${(a + b) / 2},${top} ${b},${base - 15}`, colour() ?? colours.accent, { lineWidth: 0.5 + 3.5 * share, opacity: 0.3 + 0.7 * share });
    }
    drawing.height = base + 8;
    return drawing;
  };
}

const ENDS = new Set(['<|sep|>', '<|endoftext|>']); // a bubble ends as well without

// A few messages, shaded like the conversations of the report.
function excerpt({ tokens, speakers, messages, values, at, title }) {
  const scale = colourScale({ domain: [0, 10] }, values.filter(isNumber));
  return el('div.bubbles.excerpt', { title }, d3.groups(d3.range(tokens.length), (i) => messages[i]).map(([, members]) => el(`p.bubble.${speakers[members[0]] === 'me' ? 'me' : 'them'}`, { dir: 'auto' }, members.map((i) => {
    if (SPECIAL.test(tokens[i])) return ENDS.has(tokens[i]) ? '' : el('span.special', tokens[i].slice(2, -2));
    const word = el(i === at ? 'span.token.chosen' : 'span.token', tokenParts(tokens[i]));
    shadeToken(word, scale, values[i]);
    return word;
  }))));
}

// A picture as wide as there is room. A term in it stands over it as words, which say what it means.
const drawn = (draw, said) => {
  const host = el('div.drawn', { role: said && 'group', label: said, title: said });
  let width;
  const paint = () => {
    width = host.clientWidth;
    const scene = draw(max(240, min(620, width))), [words, rest] = [true, false].map((is) => scene.items.filter(({ text, quoted }) => Boolean(text && !quoted && termIn(text)) === is));
    scene.items = rest;
    fill(host, sceneToSvg(scene), ...words.map(({ text, x, y, fill, more }) => {
      const word = el('span', explained(text, undefined, more));
      styled(word, { left: `${x}px`, top: `${y}px`, color: fill });
      return word;
    }));
  };
  new ResizeObserver(() => host.clientWidth && host.clientWidth !== width && paint()).observe(host);
  return { host, paint };
};

function mountFirst(host) {
  const seen = new Set(), pictures = [];
  const looking = (head, looks) => {
    const one = drawn(looksBack(looks, () => roleOf(head) && colourOfRole(roleOf(head))), `An example of where ${head} looks: an arc leads from each token to the one that it looks at most, the thicker the more`);
    pictures.push(one);
    return [one.host, el('small.looks', 'Example: each token looks back along its arc.')];
  };
  const draw = (picture) => {
    if (!picture) return null;
    if (picture.kind === 'heads') return [modelMap({ lit: picture.lit }), picture.looks && looking(picture.lit[0], picture.looks)];
    if (picture.kind === 'bubbles') return excerpt(picture);
    const scale = picture.kind === 'scale', said = scale ? [...picture.points, ['this model', picture.own]].map(([name, value]) => `${name} ${number(round(value))}`) : [],
      one = drawn((scale ? choicesLeft : intervalLine)(picture), dots(...said));
    pictures.push(one);
    return one.host;
  };
  const measure = ({ number: told }) => (told ? el('p.told', el('b', told.value), ' ', explained(told.unit, seen), told.low ? [' ', termButton(el('small', `${told.low} to ${told.high}`), TERMS.get('interval'), `Here over ${told.of}.`)] : null) : null);
  const told = page.stories.map((story, i) => el('section.story',
    el('h2', { id: `story-${i}` }, story.ask),
    el('p.sentence', markOf(story), el('span', explained(story.text, seen), story.more ? [' ', explained(story.more, seen)] : null)),
    story.picture && el('div.picture', draw(story.picture)), measure(story),
    el('p.onward', el('a', { href: evidenceOf(story) }, `${story.onward} →`))));
  const live = page.views.find(({ renderer }) => renderer === 'live');
  fill(host, el('article.figure.first',
    headline('findings', page.meta.compared ? 'The comparison in a minute' : 'Your model in a minute'),
    el('p.caption', explained(page.meta.compared ?? (page.meta.texts ? 'It comes from elsewhere and guesses the next token of texts.' : 'It read messages and learned to guess the next token.'), seen)),
    page.audit ? auditOf(true, seen) : null,
    page.checks.length ? el('details.checks', { open: FAILED.length > 0 }, el(FAILED.length ? 'summary.bad' : 'summary', CHECKED), el('ul', checksList)) : null,
    told.length ? el('div.stories', told) : el('p', 'No analysis stated a finding.'),
    el('p.goon', live ? linkTo({ view: live.id }, `${live.title}: write, and it answers →`) : null, linkTo({ view: 'all-findings' }, `All findings →`), linkTo({ view: 'words' }, 'Words explained →'))));
  pictures.forEach((one) => one.paint());
  return { ...NO_FIGURE, update: (changed) => changed.has('theme') && store.view === 'findings' && mountFirst(host) };
}

const checksList = d3.sort(page.checks, ({ passed }) => passed).map(({ passed, name, detail }) => el(passed ? 'li.passed' : 'li.failed',
  el('span.sign', { role: 'img', label: passed ? 'passed' : 'failed' }, passed ? '✓' : '✗'), el('div', el('span', name), detail ? el('small', detail) : null)));
