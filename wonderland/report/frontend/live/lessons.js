// Five exercises. The engine checks each answer on this model, on invented texts or on the reader's own; what the report
// measured over many conversations stands beside it. Where the model has no such head, that is the right answer.

const NONE = 'none of them', HALF = 0.5, SPEAKS = 0.2; // SPEAKS: less than this share through a head is not called a speaker head

function lessonsPanel(session) {
  const { prompts, speaks, induction } = session.data.lessons, lane = makeLane(), told = el('div.judged', LIVE), body = el('div');
  const done = new Map(); // lesson → whether the last answer was right
  const seen = new Set(), wording = (tokens) => tokens.filter((id) => id >= SPECIAL_TOKENS.length).join(); // texts of the first lessons, whoever says them
  let at = 0, found = null;
  const oneOf = (label, ...names) => el('select', { label }, names.map((name) => el('option', { value: name }, name)));
  const [first, again] = [1, 2].map(() => oneOf('Head', ...HEADS, NONE)), sure = oneOf('Answer', 'yes', 'no', 'cannot tell'), often = oneOf('Answer', 'yes', 'no');
  const averageOf = (lists) => lists[0].map((_, i) => meanOf(lists.map((list) => list[i])));
  const byMean = () => ({ method: 'mean', means: session.means });
  const textsLike = (tokens) => prompts.map((prompt) => promptTokens(prompt)).filter((one) => one.join() !== tokens.join());
  const promptTokens = (prompt) => writtenTokens(session.tokenizer, { turns: prompt.slice(0, -1), ...prompt.at(-1) }).slice(-session.model.context);

  // The pairs of the lessons: each prompt and the same with the speakers swapped, with what comes through each head.
  function* pairs() {
    if (found) return found;
    const usable = [];
    for (const prompt of prompts) {
      const pair = yield* speakerPair(session.model, promptTokens(prompt));
      if (!(pair.gap >= session.data.leastGap)) continue;
      pair.shares = yield* shareThroughEach(pair);
      usable.push(pair);
    }
    return (found = usable);
  }
  const without = 'On none of the invented texts does swapping the speakers move the next word by half a logit: no head can carry it.';
  const reported = () => {
    if (!speaks) return 'This report did not measure who speaks (speaker-tracking).';
    const all = speaks.heads.map((name) => `${name} (${percent(speaks.value.at(...headOf(name)))}, ${interval(speaks.low.at(...headOf(name)), speaks.high.at(...headOf(name)), 2)})`);
    return `The report, over ${counted(speaks.pairs, 'pair')} of real conversations: ${all.length ? all.join(', ') : 'no head is shown to say who speaks'}.`;
  };
  const through = (name, shares) => `${name} brings back ${percent(shares[HEADS.indexOf(name)])}`;
  const judge = (answer, shares, count, of) => {
    const best = d3.maxIndex(shares), right = shares[best] >= SPEAKS ? HEADS[best] : NONE;
    return { right: answer === right, said: [`Of what swapping the speakers changes, ${answer === NONE ? '' : `${through(answer, shares)}; `}the most by any head: ${through(HEADS[best], shares)} (${of}, n = ${count}). ${right === NONE ? `No head reaches ${percent(SPEAKS)}: none of them is right.` : ''}`, reported()] };
  };

  const LESSONS = [
    { name: 'Find it', title: 'Find the head that says who speaks', form: first,
      text: () => [`Write something above as me, then as them. Under “Swap” press “A, and B with the speakers swapped”, and then “By head”: beside each head stands what it brings back. Which head brings most? If none reaches ${percent(SPEAKS)} (our choice: less is one share of many), the answer is “${NONE}”. The check asks not your text but ${counted(prompts.length, 'invented one')}, where another can be best.`,
        `To reach ${percent(SPEAKS)} proves nothing of speakers: the best of 16 heads does so in nonsense, too. With the weights of the demo’s model shuffled it brought back about a third on the invented texts (40 shuffles, each over a fifth), unshuffled 48%.`],
      * check() {
        const all = yield* pairs();
        if (!all.length) return { right: first.value === NONE, said: [without, reported()] };
        return judge(first.value, averageOf(all.map(({ shares }) => shares)), all.length, 'mean over invented texts');
      } },
    { name: 'Break it', title: 'Break it', also: 'No one alone does it', of: 'text off',
      text: () => ['Switch off at most three heads or MLPs, so that swapping the speakers changes at most half of what it did (under 0%: the reverse of it). Off means: its mean in its place. As many heads at random are compared. Or say that no one alone does it, whatever two or three do.'],
      * check(cannot) {
        const all = yield* pairs(), parts = offNames().map(partNamed).filter((part) => !part.mlp || session.model.hasMlp), left = [], drawn = [];
        if (!all.length) return { right: cannot, said: [without] };
        if (cannot) {
          const each = session.parts();
          for (const name of each) {
            const shares = [];
            for (const pair of all) shares.push(yield* gapWithout(pair, [partNamed(name)], byMean()));
            left.push(meanOf(shares));
          }
          const least = d3.minIndex(left);
          return { right: left[least] > HALF, said: [`Each of ${counted(each.length, 'part')} (heads, MLPs) was switched off alone: without ${each[least]} the least is left, ${percent(left[least])} (mean over invented texts, n = ${all.length}). Two or three together were not tried.`, reported()] };
        }
        if (!parts.length || parts.length > 3) return { said: [parts.length ? `${parts.length} heads and MLPs are off; three are the most.` : 'Nothing is off yet: press a head.'] };
        const others = HEADS.filter((name) => !offNames().includes(name)), draw = draws(5);
        const chosen = parts.map(() => others.splice(floor(draw() * others.length), 1)[0]).filter(Boolean).map(partNamed);
        for (const pair of all) {
          left.push(yield* gapWithout(pair, parts, byMean()));
          drawn.push(chosen.length ? yield* gapWithout(pair, chosen, byMean()) : 1);
        }
        return { right: meanOf(left) <= HALF && meanOf(drawn) > meanOf(left), said: [`Without ${offNames().join(', ')}, ${percent(meanOf(left))} of what swapping the speakers changes is left. Without ${chosen.map(partName).join(', ') || 'others (there are none)'}, drawn at random: ${percent(meanOf(drawn))} (mean over invented texts, n = ${all.length}).`] };
      } },
    { name: 'Prove it', title: 'Prove it with a second pair', form: again, of: 'text',
      text: () => ['A head found on some texts may be that of these texts. Write another one above, in your own words. Then say, before you look, which head will carry most of the swap.'],
      * check() {
        const { tokens } = session;
        if (isEmpty() || tokens.length < 4) return { said: ['Write a text of your own above: at least four tokens.'] };
        if (seen.has(wording(tokens)) || textsLike(tokens).length < prompts.length) return { said: ['This text was there before. Write another.'] };
        const pair = yield* speakerPair(session.model, [...tokens]);
        if (!(pair.gap >= session.data.leastGap)) return { said: [`Here swapping the speakers moves the next word by ${number(pair.gap, 2)} logits; at least ${session.data.leastGap} are needed. Write one that ends where the other might answer.`] };
        const verdict = judge(again.value, yield* shareThroughEach(pair), 1, 'your text');
        return { ...verdict, said: [...verdict.said, 'One pair more is an anecdote. A result needs many pairs that did not choose the head, and an interval.'] };
      } },
    { name: 'Look for induction', title: 'Look for induction, and believe the answer', form: sure,
      text: () => ['Many models continue a repetition: after “A B … A” they expect “B”. Does this one? It reads random words twice, and again after the same words in another order. Is the right order worth something?'],
      * check() {
        const { worth, scores, words } = yield* repetitions(session.model), [mean, low, high] = meanInterval(worth), least = induction?.least ?? 0.05, best = d3.maxIndex(scores);
        const right = low > least ? 'yes' : high < least ? 'no' : 'cannot tell';
        return { right: sure.value === right, said: [`The order is worth ${number(mean, 3)} nats a word ${interval(low, high, 3)} (${counted(worth.length, 'sequence')} of ${words} random words; from ${least} on it counts): ${right}. The head that looks most at what came after the word before: ${HEADS[best]}, ${percent(scores[best])} of its attention (spread evenly: ${percent(d3.mean(d3.range(words + 2, 2 * words + 1), (n) => 1 / n))}).`,
          right === 'no' ? 'Not to find it is a result, too, with a bound.' : null, induction ? `The report: ${induction.claim}` : 'This report did not measure induction.'] };
      } },
    { name: 'Fool yourself', title: 'Fool yourself with one prompt', form: often, of: 'text',
      text: () => ['Write a text above. Under “Heads” stands what each head is worth there, with its mean in its place. Will the largest be the largest on most other texts?'],
      * check() {
        const { tokens } = session, each = [];
        if (isEmpty()) return { said: ['Write a text above first.'] };
        for (const one of [[...tokens], ...textsLike(tokens)]) {
          const run = yield* readTokens(new LiveRun(session.model, one.length), one), before = softmax(yield* nextLogits(run)), { vocab } = session.model;
          const logits = yield* ablateEach(run, HEADS.map(partNamed), byMean());
          each.push(HEADS.map((_, i) => klDivergence(before, softmax(logits.subarray(i * vocab, (i + 1) * vocab)))));
        }
        const [here, ...others] = each, best = d3.maxIndex(here), times = others.filter((list) => d3.maxIndex(list) === best).length, ranks = others.map((list) => 1 + list.filter((value) => value > list[best]).length);
        return { right: (times > others.length / 2) === (often.value === 'yes'), said: [`On your text ${HEADS[best]} is the largest of ${HEADS.length}: KL ${number(here[best], 3)} nats with its mean in its place. On ${counted(others.length, 'other text')} it is the largest ${counted(times, 'time')}, its middle rank is ${d3.median(ranks)}, its mean ${number(meanOf(others.map((list) => list[best])), 3)} nats.`,
          'Chosen because it was the largest, it looks larger on your text than it is. Choose on some texts, measure on others.'] };
      } },
  ];
  const tabs = choice('Lesson', LESSONS.map(({ name }, i) => `${i + 1}. ${name}`), (i) => ((at = i), show()));
  const node = panel('lessons', 'Lessons', el('div.controls', tabs.node), body);
  const check = (also) => {
    const mine = at, lesson = LESSONS[mine];
    if (!session.fresh) return;
    if (mine < 2) seen.add(wording(session.tokens));
    fill(told, el('p.quiet', 'The model is asked …'));
    lane.run(lesson.check(also)).then((answer) => {
      if (!answer || mine !== at) return;
      if (answer.right !== undefined) done.set(mine, answer.right);
      told.dataset.right = String(answer.right ?? '');
      fill(told, answer.right === undefined ? null : el('p', el(answer.right ? 'b.up' : 'b.down', answer.right ? '✓ Right.' : '✗ Not so.')), answer.said.map((line) => el('p', line)));
      const tab = tabs.node.children[mine];
      fill(tab, `${mine + 1}. ${lesson.name}${done.get(mine) ? ' ✓' : ''}`);
    });
  };
  const clear = (words) => {
    lane.cancel();
    delete told.dataset.right;
    fill(told, words);
  };
  // What was judged of another text, or with other parts off, stands no longer.
  const forget = (changed) => LESSONS[at].of?.includes(changed) && told.firstChild && clear(el('p.quiet', `The ${changed === 'text' ? 'text' : 'parts that are off'} changed. Press “Check” again.`));
  const show = () => {
    const { title, text, form, also } = LESSONS[at];
    clear();
    tabs.show(at);
    fill(body, el('h3', title), text().map((line) => el('p', line)), el('div.controls.answer', form ?? null, button('Check', () => check(false)), also ? button(also, () => check(true), { class: 'quiet' }) : null), told);
  };
  show();
  return { node, forget };
}
