// Text to tokens and back: byte-level BPE, as the tokenizer that the model was trained with. No DOM.
//
// A text is cut into words by GPT-2's expression, each word into bytes, and the pair of neighbours that was merged
// first in training is merged first. What looks like a special token in a text is text: speakers come from buttons.

const SPECIAL_TOKENS = ['<|endoftext|>', '<|me|>', '<|them|>', '<|sep|>', '<|pad|>'];
const [END, ME, THEM, SEP, PAD] = [0, 1, 2, 3, 4];

// GPT-2's words. Its White_Space is Unicode's: JavaScript's \s has U+FEFF, which is none, and lacks U+0085, which is one.
const SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORDS = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`, 'gu',
);
const NO_WORD = new RegExp(`[^${SPACE}](?= )`, 'g'); // after it a space begins the next word

// The character that stands for each byte in the tokenizer's file, and the byte behind each such character.
const BYTE_CHARACTERS = (() => {
  const printable = (b) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
})();
const BYTES_BEHIND = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

class LiveTokenizer {
  // names: the name of each token in byte characters, by id; merges: pairs of ids in the order they were learned.
  constructor({ names, merges }) {
    this.names = names;
    this.ids = new Map(names.map((name, id) => [name, id]).slice(SPECIAL_TOKENS.length));
    this.ranks = new Map(); // pair → [rank, the token it becomes]
    merges.forEach(([left, right], rank) => {
      this.ranks.set(left * names.length + right, [rank, this.ids.get(names[left] + names[right])]);
    });
    this.byteIds = BYTE_CHARACTERS.map((character) => this.ids.get(character));
    this.cache = new Map();
  }

  encode(text) {
    const found = [];
    for (const [word] of text.toWellFormed().matchAll(WORDS)) for (const id of this.word(word)) found.push(id);
    return found;
  }

  // A message as the windows hold it: after one space.
  encodeMessage(text) {
    return this.encode(` ${text}`);
  }

  // The last tokens of a message, `most` of them or more, read from a place that no word goes over; and whether they are all.
  encodeEnd(text, most) {
    for (let size = 8 * most + 8; size < text.length; size *= 4) {
      NO_WORD.lastIndex = text.length - size;
      if (!NO_WORD.test(text)) continue;
      const tokens = this.encode(text.slice(NO_WORD.lastIndex));
      if (tokens.length >= most) return { tokens, whole: false };
    }
    return { tokens: text ? this.encodeMessage(text) : [], whole: true };
  }

  word(word) {
    let tokens = this.cache.get(word);
    if (tokens) return tokens;
    tokens = Array.from(new TextEncoder().encode(word), (byte) => this.byteIds[byte]);
    while (tokens.length > 1) {
      let best = Infinity, merged = 0, left = 0, right = 0;
      for (let i = 0; i + 1 < tokens.length; i++) {
        const pair = this.ranks.get(tokens[i] * this.names.length + tokens[i + 1]);
        if (pair && pair[0] < best) [best, merged, left, right] = [...pair, tokens[i], tokens[i + 1]];
      }
      if (best === Infinity) break;
      const next = [];
      for (let i = 0; i < tokens.length; i++) {
        const joins = tokens[i] === left && tokens[i + 1] === right;
        next.push(joins ? merged : tokens[i]);
        if (joins) i++;
      }
      tokens = next;
    }
    if (this.cache.size > 5000) this.cache.clear();
    this.cache.set(word, tokens);
    return tokens;
  }

  bytes(ids) {
    return Uint8Array.from(ids.flatMap((id) => (id < SPECIAL_TOKENS.length
      ? [...new TextEncoder().encode(SPECIAL_TOKENS[id])] : [...this.names[id]].map((c) => BYTES_BEHIND.get(c)))));
  }

  decode(ids) {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes(ids));
  }

  // The text of one token alone; bytes that are no character alone are written \xNN.
  piece(id) {
    if (id < SPECIAL_TOKENS.length) return SPECIAL_TOKENS[id];
    const bytes = this.bytes([id]);
    let text = '';
    for (let i = 0; i < bytes.length;) {
      const length = [1, 2, 3, 4].find((n) => i + n <= bytes.length && wellFormed(bytes.subarray(i, i + n)));
      text += length ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(i, i + length))
        : `\\x${bytes[i].toString(16).padStart(2, '0')}`;
      i += length ?? 1;
    }
    return text;
  }
}

function wellFormed(bytes) {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
