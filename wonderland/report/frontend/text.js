// Elements and words. Text of strangers enters the page here and only as textContent; what hides is shown as escapes.

const { abs, ceil, floor, max, min, round } = Math, { isFinite: finite } = Number;
const root = document.documentElement, byId = (id) => document.getElementById(id);
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

// A special token is named without its bars: ‹me›.
const unmarked = (text) => String(text).replace(/<\|([a-z_]+)\|>/g, '‹$1›');
// A token named outside of its sentence: its leading space becomes a dot, so that " are" and "are" differ.
const tokenName = (text) => (text === '' ? '∅' : visible(unmarked(text), 40).replace(/^ /, '·').replace(/\n/g, '⏎'));


const handled = (event) => (event.preventDefault(), event.stopPropagation()); // by one, it is for nobody else
const LIVE = { 'aria-live': 'polite' };
const given = (value) => value !== null && value !== undefined && value !== false && value !== '';
const styled = (node, css) => Object.assign(node.style, css);
const listen = (node, name, act, options) => node.addEventListener(name, act, options);

// Make an element: el('button.icon', { attributes }, ...children). Words among the children enter as text, made
// visible. Attributes are fixed words of ours (`label` is the aria label); style, sources and links elsewhere are refused.
function el(name, ...children) {
  const [tag, ...classes] = name.split('.'),
    node = document.createElement(tag);
  node.className = classes.join(' ');
  if (tag === 'button') node.type = 'button';
  const attributes = children[0]?.constructor === Object ? children.shift() : {};
  for (const [key, value] of Object.entries(attributes)) {
    if (!given(value)) continue;
    if (key === 'label') node.ariaLabel = visible(value, 4000);
    else if (key === 'on') for (const event in value) listen(node, event, value[event]);
    else if (key === 'href' && !String(value).startsWith('#/')) throw new Error('a link may only lead into this report');
    else if (/^(style|src|srcdoc|srcset|data|action|formaction|on.+)$/.test(key)) throw new Error('refused: ' + key);
    else node.setAttribute(key, value === true ? '' : visible(value, 4000));
  }
  return fill(node, ...children);
}

function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter(given).map((child) => (child instanceof Node ? child : document.createTextNode(visible(child, 4000)))));
  return node;
}
const headline = (view, title) => el('h1', { id: `title-${view}`, tabindex: -1 }, title);
const button = (text, click, more = {}) => el('button', { ...more, on: { click } }, text);
const pairsOf = (pairs) => el('dl', pairs.filter(([, value]) => given(value))
  .flatMap(([label, value]) => [el('dt', label), el('dd', value instanceof Node ? value : say(value))]));

// Three significant digits, a real minus sign, thousands set apart; counts stay whole.
function number(value, digits = null) {
  if (!isNumber(value)) return '–';
  const size = abs(value);
  if (size === Infinity) return value > 0 ? '∞' : '−∞';
  const form = digits !== null ? `,.${digits}f` : size && (size < 0.0005 || size >= 1e7) ? ',.2~r' : Number.isInteger(value) ? ','
    : size < 0.1 ? '.3f' : size < 10 ? '.2f' : size < 100 ? '.1f' : ',.0f';
  return size && size < 1e-6 ? `${value > 0 ? '< ' : '> −'}0.000001` : d3.format(form)(value);
}

// How many of a thing: 1 head, 2 heads.
const counted = (count, thing) => `${number(count)} ${thing}${count === 1 ? '' : 's'}`;

// With so many digits after the point, unless that would leave nothing of it: q < 0.001, and of others two digits at least.
const rounded = (value, digits = null) => (digits !== null && value && abs(value) < 0.5 * 10 ** -digits ? (digits > 2 || abs(value) < 0.0005 ? (value > 0 ? '< ' : '> −') + (10 ** -max(digits, 3)).toFixed(max(digits, 3)) : number(value)) : number(value, digits));

// In a cell what is nearly nothing is <0.001, or 0.000 where that has no room; a whole number among parts has its digits.
const cellNumber = (value, parts, digits = null, wide = true) => (digits === null && value && abs(value) < 0.0005 ? (!wide ? '0.000' : value > 0 ? '<0.001' : '>−0.001')
  : number(value, digits ?? (parts && Number.isInteger(value) && abs(value) < 10 ? 2 : null)));

// Any JSON value as words.
function say(value) {
  if (typeof value === 'number' || value === null || value === undefined) return number(value);
  if (Array.isArray(value)) return value.map(say).join(', ');
  if (typeof value === 'object' && 'value' in value) return estimated(value);
  if (typeof value === 'object') return Object.entries(value).map(([key, item]) => `${key} ${say(item)}`).join(', ');
  return unmarked(value);
}

const dots = (...parts) => parts.filter(Boolean).join(' · ');
const withUnit = (text, unit) => (!unit || unit === '1' ? text : text + ' ' + visible(unit));
const interval = (low, high, digits) => (isNumber(low) && isNumber(high) ? `[${rounded(low, digits)}, ${rounded(high, digits)}]` : '');
// The digits of a number in a table, of which there are more where both ends of its interval would read alike.
const finer = ({ low, high }, digits) => (low < high && interval(low, high, digits) === interval(low, low, digits) ? (high < 0.0005 ? 3 : null) : digits);
const isNumber = (value) => typeof value === 'number' && !Number.isNaN(value);

// An interval that was asked for and could not be given: all there is to go by is of one conversation, or too few.
const lacking = (low) => low !== undefined && !isNumber(low);
const WEAK = '○  the interval reaches the chance level, or there is none';
// How a number stands to its chance level, in words; '' where there is none.
function verdict({ value, low, high, chance }) {
  if (!isNumber(chance) || !isNumber(value)) return '';
  if (lacking(low)) return 'not distinguishable from chance: no interval';
  const [a, b] = [isNumber(low) ? low : value, isNumber(high) ? high : value];
  return a > chance ? 'above chance' : b < chance ? 'below chance' : 'not distinguishable from chance';
}

const isWeak = (cell) => verdict(cell).startsWith('not');

// A number that may come with its unit, interval and chance level, in one line.
const estimated = (cell, digits) => (cell && typeof cell === 'object'
  ? dots(withUnit(number(cell.value, digits), cell.unit), interval(cell.low, cell.high, digits), isNumber(cell.chance) && `chance ${number(cell.chance, digits)}`) : number(cell, digits));
// The same as label–value pairs, for a tooltip or an aria label.
const measured = (name, cell, unit) => [[name, withUnit(number(cell.value), unit)], ['95% interval', lacking(cell.low) && isNumber(cell.value) ? 'none, it rests on too few' : interval(cell.low, cell.high)], ['chance', isNumber(cell.chance) ? number(cell.chance) : ''], ['', verdict(cell)]];
