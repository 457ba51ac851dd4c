// Elements and words. Text of strangers enters the page here and only as textContent; what hides is shown as escapes.

const HIDDEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/gu;
const JOINER = /(?<![\u{1f000}-\u{1faff}\u2600-\u27bf\ufe0f])\u200d|\u200d(?![\u{1f000}-\u{1faff}\u2600-\u27bf])/gu;
const SPECIAL = /^<\|[a-z_]+\|>$/;

const escapeCharacter = (c) => {
  const code = c.codePointAt(0);
  return code < 0x10000 ? '\\u' + code.toString(16).padStart(4, '0') : '\\u{' + code.toString(16) + '}';
};

function visible(text, longest = 200) {
  text = String(text);
  if (text.length > longest) {
    return visible(text.slice(0, longest), longest) + '… (' + text.length.toLocaleString('en') + ' characters)';
  }
  return text.replace(HIDDEN, escapeCharacter).replace(JOINER, escapeCharacter);
}

// A token named outside of its sentence: its leading space becomes a dot, so that " are" and "are" differ.
const tokenName = (text) => (text === '' ? '∅' : visible(text, 40).replace(/^ /, '·').replace(/\n/g, '⏎'));

// In a narrow cell a special token loses its bars: ‹me›.
const shortName = (text) => (SPECIAL.test(text) ? '‹' + text.slice(2, -2) + '›' : tokenName(text));

// Make an element. Attributes are fixed words of ours; style, sources and links elsewhere are refused.
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') node.textContent = visible(value, 4000);
    else if (name === 'on') for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else if (name === 'href' && !String(value).startsWith('#/')) throw new Error('a link may only lead into this report');
    else if (/^(style|src|srcdoc|srcset|data|action|formaction|on.+)$/.test(name)) throw new Error('refused: ' + name);
    else node.setAttribute(name, value === true ? '' : visible(value, 4000));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Three significant digits, a real minus sign, thousands set apart; counts stay whole.
function number(value, digits = null) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value === Infinity) return '∞';
  if (value === -Infinity) return '−∞';
  const size = Math.abs(value);
  let text;
  if (digits !== null && digits !== undefined) text = size.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  else if (size === 0) text = '0';
  else if (size < 0.0005 || size >= 1e7) text = size.toExponential(1).replace('e+', 'e').replace('-', '−');
  else if (Number.isInteger(value)) text = size.toLocaleString('en');
  else if (size < 0.1) text = size.toFixed(3);
  else if (size >= 100) text = size.toLocaleString('en', { maximumFractionDigits: 0 });
  else text = size.toFixed(size < 10 ? 2 : 1);
  return value < 0 && Number(text) !== 0 ? '−' + text : text;
}

// In a narrow cell what is nearly nothing is 0.000; the tooltip has its digits.
const cellNumber = (value) => (isNumber(value) && value !== 0 && Math.abs(value) < 0.0005 ? '0.000' : number(value));

// Any JSON value as words.
function say(value) {
  if (typeof value === 'number' || value === null || value === undefined) return number(value);
  if (Array.isArray(value)) return value.map(say).join(', ');
  if (typeof value === 'object') return Object.entries(value).map(([key, item]) => `${key} ${say(item)}`).join(', ');
  return String(value);
}

const withUnit = (text, unit) => (!unit || unit === '1' ? text : text + ' ' + visible(unit));
const interval = (low, high, digits) => (isNumber(low) && isNumber(high) ? `[${number(low, digits)}, ${number(high, digits)}]` : '');
const isNumber = (value) => typeof value === 'number' && !Number.isNaN(value);

// How a number stands to its chance level, in words; '' where there is none.
function verdict({ value, low, high, chance }) {
  if (!isNumber(chance)) return '';
  const [a, b] = [isNumber(low) ? low : value, isNumber(high) ? high : value];
  return a > chance ? 'above chance' : b < chance ? 'below chance' : 'not distinguishable from chance';
}
