// Axes of a scene: few ticks, hairline grid, the unit beside the last number rather than a rotated title.

const unitLabel = ({ label = '', unit = '' } = {}) => visible(unit && unit !== '1' ? `${label}, ${unit}` : label);
const padded = (low, high, share = 0.05) => [low - (high - low || 1) * share, high + (high - low || 1) * share];
const LEFT = 58;
const titleOf = (axis, width) => fitText(unitLabel(axis), width, 12, 600);

function drawYAxis(scene, y, left, right, axis, count = 6) { // its title stands 16 px above the highest place
  const { line, muted } = palette(), format = y.tickFormat(count);
  for (const tick of y.ticks(count)) {
    scene.line(left, y(tick), right, y(tick), line);
    scene.text(left - 8, y(tick) + 4, format(tick), { anchor: 'end', fill: muted });
  }
  scene.text(left - 8, d3.min(y.range()) - 16, titleOf(axis, scene.width - left + 8), { weight: 600 });
}

function drawXAxis(scene, x, bottom, axis, count = 7, whole = false) {
  const { muted } = palette(), [left, right] = x.range(), format = x.tickFormat(count);
  scene.line(left, bottom, right, bottom, muted);
  for (const tick of x.ticks(count)) {
    if ((whole || axis.names) && !Number.isInteger(tick)) continue; // names are of whole numbers
    scene.line(x(tick), bottom, x(tick), bottom + 5, muted);
    const text = axis.names?.[tick] ?? (whole ? number(tick) : format(tick)), half = textWidth(text) / 2;
    scene.text(max(half, min(scene.width - half, x(tick))), bottom + 19, text, { anchor: 'middle', fill: muted }); // not beyond the drawing
  }
  scene.text((left + right) / 2, bottom + 40, titleOf(axis, min(left + right, 2 * scene.width - left - right)), { anchor: 'middle', weight: 600 });
}

// A second axis on the right that shows exp(y): round values of it, wherever they fall.
function drawExpAxis(scene, y, right, label) {
  const { muted } = palette(), [low, high] = y.domain().map(Math.exp),
    steps = d3.range(-3, 12).flatMap((e) => [1, 2, 5].map((m) => m * 10 ** e)).filter((v) => v >= low && v <= high);
  for (const value of steps) {
    scene.line(right, y(Math.log(value)), right + 5, y(Math.log(value)), muted);
    scene.text(right + 9, y(Math.log(value)) + 4, number(value), { fill: muted });
  }
  scene.text(right, y.range()[1] - 16, label, { weight: 600, anchor: 'middle' });
}

const whisker = (scene, x, low, high, colour) => isNumber(low) && isNumber(high) && scene.path(`M${x},${low}V${high}M${x - 4},${low}h8M${x - 4},${high}h8`, colour, { lineWidth: 1.5 });
