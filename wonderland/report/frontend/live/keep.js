// Texts kept as examples: in this page until it is closed, or in a file that the reader saves and can open again.
//
// The file is JSON: {format: "wonderland-example", version: 1, turns: [{who, text}], who, text, off}. It holds the text as
// it was typed and the names of what was off; nothing else, and only because the reader saved it.

const FORMAT = 'wonderland-example', LONGEST = 200000, UNBROKEN = 2 * FIELD; // characters: of a file, and of a word in it
const keptExamples = []; // {turns, who, text, off}

const exampleOf = () => ({ turns: written.turns.map(({ who, text }) => ({ who, text })), who: written.who, text: written.text, off: store.off });
const exampleFile = (example) => JSON.stringify({ format: FORMAT, version: 1, ...example }, null, 1);

// What a file says, checked; an Error that says what is wrong otherwise.
function exampleFrom(text) {
  let found;
  if (text.length > LONGEST) throw new Error(`it is longer than ${number(LONGEST)} characters`);
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  if (found?.format !== FORMAT || found.version !== 1) throw new Error(`it does not say "format": "${FORMAT}", "version": 1`);
  const message = (one) => SPEAKERS.includes(one?.who) && typeof one.text === 'string';
  if (!Array.isArray(found.turns) || ![...found.turns, found].every(message)) throw new Error('a message in it has no speaker (me or them) or no text');
  const unbroken = d3.max([...found.turns, found], ({ text: said }) => d3.max(said.split(/(?<=\S)(?= )/), (part) => part.length));
  if (unbroken > UNBROKEN) throw new Error(`${number(unbroken)} characters in it are one word; ${number(UNBROKEN)} are the most`);
  return { turns: found.turns.map(({ who, text: said }) => ({ who, text: said })), who: found.who, text: found.text, off: cleanOff(found.off) };
}

function keepPanel({ take }) {
  const list = el('ul.kept'), said = el('span.quiet', LIVE);
  const open = (example) => {
    Object.assign(written, structuredClone({ turns: example.turns, who: example.who, text: example.text }));
    store.set({ off: example.off });
    take();
  };
  const keep = (example) => {
    keptExamples.push(example);
    show();
  };
  const file = el('input', { type: 'file', accept: '.json,application/json', label: 'Open a saved example', hidden: true, on: { change: async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      if (chosen.size > 4 * LONGEST) throw new Error(`it is larger than ${number(4 * LONGEST)} bytes`);
      const example = exampleFrom(await chosen.text());
      keep(example);
      open(example);
      fill(said, 'Opened.');
    } catch (error) {
      fill(said, `This file cannot be opened: ${error.message}.`);
    }
    file.value = '';
  } } });
  const now = (act) => () => (isEmpty() ? fill(said, 'Write something first.') : act(exampleOf()));
  const node = el('div.keep', el('div.controls', button('Keep as an example', now((one) => (keep(one), fill(said, 'Kept until this page is closed.'))), { class: 'quiet' }),
    button('Save as a file', now((one) => (download('wonderland-example.json', new Blob([exampleFile(one)], { type: 'application/json' })), fill(said, 'Saved; your text is in the file.'))), { class: 'quiet' }),
    button('Open a file', () => file.click(), { class: 'quiet' }), file, said), list);
  const show = () => fill(list, keptExamples.map((example, i) => el('li', button([...example.turns, example].map(({ text }) => text).join(' / ').slice(0, 120), () => open(example), { class: 'link' }),
    example.off ? el('small', ` without ${example.off.split('.').join(', ')}`) : null, button('×', () => (keptExamples.splice(i, 1), show()), { class: 'icon', label: 'Forget it' }))));
  show();
  return node;
}
