// Drawing one attention pattern: a lower triangle, square-root scale, max-pooled where it is smaller than its tokens.

// Level (16 bits) → colour step; the square root lets a weight of 0.01 be seen beside one of 1.
const ROOT = Uint8Array.from({ length: 65536 }, (_, level) => round(Math.sqrt(level / 65535) * 255));

function drawPattern(canvas, triangles, pattern, side) {
  const dense = sizeCanvas(canvas, side, side),
    pixels = round(side * dense),
    pen = canvas.getContext('2d'),
    image = pen.createImageData(pixels, pixels),
    out = new Uint32Array(image.data.buffer),
    { n, levels, area } = triangles,
    colours = palette().sequential.packed,
    mask = packColour(palette().mask),
    start = pattern * area;
  // The cells each pixel covers: one where it is magnified, several (of which the darkest shows) where it is reduced.
  const first = Array.from({ length: pixels }, (_, i) => floor((i * n) / pixels)),
    last = first.map((f, i) => (pixels >= n ? f : max(f, ceil(((i + 1) * n) / pixels) - 1)));
  for (let y = 0; y < pixels; y++) {
    for (let x = 0; x < pixels; x++) {
      if (first[x] > last[y]) {
        out[y * pixels + x] = mask;
        continue;
      }
      let most = 0;
      for (let q = first[y]; q <= last[y]; q++) {
        const row = start + (q * (q + 1)) / 2,
          end = min(last[x], q);
        for (let k = first[x]; k <= end; k++) if (levels[row + k] > most) most = levels[row + k];
      }
      out[y * pixels + x] = colours[ROOT[most]];
    }
  }
  pen.putImageData(image, 0, 0);
}

function packColour(css) {
  const { r, g, b } = d3.rgb(css);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

// The large pattern, with bands that tell who speaks along both sides and a cross at the position looked at.
function largePattern() {
  // Arrows and Enter are its own, so it is an application to those who hear it; what it points at is said beside it.
  const canvas = el('canvas.pixels', { role: 'application', tabindex: 0, 'aria-roledescription': 'attention pattern' }), said = el('span.hidden', LIVE),
    across = el('i.cross'), down = el('i.cross'),
    bands = [el('canvas.band', { 'aria-hidden': 'true' }), el('canvas.band.side', { 'aria-hidden': 'true' })],
    stage = el('div.stage', canvas, across, down);
  const node = el('div.large',
    bands[1], stage, said, el('span.axis.looking', 'looking token ↓'), bands[0], el('span.axis.lookedat', 'token looked at →'));
  let shown = { n: 1, side: 1 };

  const draw = (triangles, pattern, side, speakers) => {
    shown = { triangles, pattern, n: triangles.n, side };
    drawPattern(canvas, triangles, pattern, side);
    stage.style.width = stage.style.height = `${side}px`;
    bands.forEach((band, vertical) => {
      const dense = sizeCanvas(band, vertical ? 4 : side, vertical ? side : 4),
        pen = band.getContext('2d');
      pen.scale(dense, dense);
      const step = side / triangles.n;
      speakers.forEach((who, i) => {
        pen.fillStyle = palette()[who === 'me' ? 'me' : 'them'];
        if (vertical) pen.fillRect(0, i * step, 4, step + 0.5);
        else pen.fillRect(i * step, 0, step + 0.5, 4);
      });
    });
  };
  const cross = (query, key) => {
    const { n, side } = shown, step = side / n, thick = max(1, round(step));
    across.hidden = !isNumber(query) || query >= n;
    down.hidden = !isNumber(key) || key >= n;
    if (!across.hidden) styled(across, { left: '0', width: `${min(side, (query + 1) * step)}px`, top: `${query * step}px`, height: `${thick}px` });
    if (!down.hidden) styled(down, { top: `${key * step}px`, height: `${side - key * step}px`, left: `${key * step}px`, width: `${thick}px` });
  };
  const at = (event) => {
    const { n, side } = shown,
      clamp = (v) => max(0, min(n - 1, floor((v / side) * n)));
    return [clamp(event.offsetY), clamp(event.offsetX)];
  };
  return { node, canvas, said, draw, cross, at };
}
