// Colour: sequential maps run from the paper to ink, so that zero vanishes; diverging ones are symmetric about 0.

const STOPS = {
  light: {
    sequential: ['#fcfbf8', '#dbe5ee', '#a3c1dc', '#5a90bf', '#225a95', '#0b2149'],
    diverging: ['#0d3b73', '#3f7fbd', '#a9c9e4', '#fcfbf8', '#efb493', '#c9612e', '#7a2706'],
  },
  dark: {
    sequential: ['#15171c', '#1b2f49', '#23517f', '#3f83b8', '#8fc1e0', '#f1f7fb'],
    diverging: ['#b5d8f5', '#5aa0db', '#274d76', '#15171c', '#6e3720', '#d77a48', '#ffcba8'],
  },
};
const STEPS = 255;
// Okabe and Ito's colours in an order that keeps neighbours apart; each goes with a shape of its own.
const CATEGORIES = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#8a8f98', '#a6761d'];
const CATEGORIES_DARK = ['#56B4E9', '#E8813A', '#2FBF92', '#E3A3C8', '#E9B949', '#9AD0F0', '#a0a6b2', '#c9a35a'];

const darkWanted = matchMedia('(prefers-color-scheme: dark)');
// 'light' while printing
let forced = null;
const themeName = () => forced ?? store.theme ?? (darkWanted.matches ? 'dark' : 'light');
const made = new Map();

function palette() {
  const name = themeName();
  if (!made.has(name)) {
    const read = getComputedStyle(root),
      css = (variable) => read.getPropertyValue('--' + variable).trim(),
      plain = ['paper', 'panel', 'ink', 'muted', 'line', 'accent', 'mask', 'me', 'them'];
    made.set(name, {
      ...Object.fromEntries(plain.map((variable) => [variable, css(variable)])),
      sequential: ramp(STOPS[name].sequential),
      diverging: ramp(STOPS[name].diverging),
      categories: name === 'dark' ? CATEGORIES_DARK : CATEGORIES,
    });
  }
  return made.get(name);
}

function ramp(stops) {
  const between = d3.piecewise(d3.interpolateLab, stops),
    css = [], ink = [], packed = new Uint32Array(STEPS + 1);
  for (let i = 0; i <= STEPS; i++) {
    const { r, g, b } = d3.rgb(between(i / STEPS)),
      [R, G, B] = [r, g, b].map((v) => max(0, min(255, round(v))));
    css.push(`rgb(${R},${G},${B})`);
    packed[i] = packColour(css[i]);
    ink.push(luminance(R, G, B) > 0.179 ? '#000000' : '#ffffff'); // at 0.179 both have a contrast of 4.58
  }
  return { css, ink, packed };
}

function luminance(...rgb) {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// A scale from values to colours. Domains grow to hold every value: nothing is clipped.
function colourScale({ scale = 'sequential', domain = null }, values) {
  const real = [...values].filter(finite);
  let low = min(domain?.[0] ?? 0, d3.min(real) ?? 0), high = max(domain?.[1] ?? -Infinity, d3.max(real) ?? 1);
  const diverging = scale === 'diverging';
  if (diverging) low = -(high = max(-low, high));
  if (high <= low) [low, high] = [low - diverging, low + 1];
  const shape = { linear: (t) => t, log: (t) => Math.log1p(t * 999) / Math.log(1000) }[scale] ?? Math.sqrt;
  const place = (v) => {
    const t = max(0, min(1, (v - low) / (high - low)));
    return diverging ? t : shape(t);
  };
  const step = (v) => round(place(v) * STEPS),
    note = diverging ? '0 in the middle' : { linear: 'linear scale', log: 'logarithmic scale' }[scale] ?? 'square-root scale',
    map = () => palette()[diverging ? 'diverging' : 'sequential'],
    css = (v) => (finite(v) ? map().css[step(v)] : 'transparent'),
    paint = (v) => ({ background: css(v), color: finite(v) ? map().ink[step(v)] : palette().muted });
  return { low, high, note, css, paint };
}
