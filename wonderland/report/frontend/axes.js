// Axes of a scene: few ticks, hairline grid, the unit beside the last number rather than a rotated title.

const unitLabel = ({ label = '', unit = '' } = {}) => visible(unit && unit !== '1' ? `${label}, ${unit}` : label);

function drawYAxis(scene, y, left, right, axis, count = 6) { // its title stands 16 px above the highest place
  const colours = palette();
  const format = y.tickFormat(count);
  for (const tick of y.ticks(count)) {
    scene.line(left, y(tick), right, y(tick), colours.line);
    scene.text(left - 8, y(tick) + 4, format(tick).replace('-', '−'), { anchor: 'end', fill: colours.muted });
  }
  scene.text(left, y.range()[1] - 16, unitLabel(axis), { fill: colours.ink, weight: 600, anchor: 'start' });
}

function drawXAxis(scene, x, bottom, axis, count = 7) {
  const colours = palette();
  const [left, right] = x.range();
  const format = x.tickFormat(count);
  scene.line(left, bottom, right, bottom, colours.muted);
  for (const tick of x.ticks(count)) {
    scene.line(x(tick), bottom, x(tick), bottom + 5, colours.muted);
    scene.text(x(tick), bottom + 19, format(tick).replace('-', '−'), { anchor: 'middle', fill: colours.muted });
  }
  scene.text((left + right) / 2, bottom + 40, unitLabel(axis), { anchor: 'middle', weight: 600 });
}

// A second axis on the right that shows exp(y): round values of it, wherever they fall.
function drawExpAxis(scene, y, right, label) {
  const colours = palette();
  const [low, high] = y.domain().map(Math.exp);
  const round = d3.range(-3, 12).flatMap((e) => [1, 2, 5].map((m) => m * 10 ** e)).filter((v) => v >= low && v <= high);
  for (const value of round) {
    scene.line(right, y(Math.log(value)), right + 5, y(Math.log(value)), colours.muted);
    scene.text(right + 9, y(Math.log(value)) + 4, number(value), { fill: colours.muted });
  }
  scene.text(right, y.range()[1] - 16, label, { weight: 600, anchor: 'middle' });
}

const padded = (low, high, share = 0.05) => [low - (high - low || 1) * share, high + (high - low || 1) * share];
