// A chart is a scene, and over it a real button for each thing in it: hovered, clicked and walked with the arrows.

// draw(width) returns the scene; it adds to `spots` what can be pointed at, in the scene's own coordinates:
// { x, y, width?, height?, kind?, name, pairs, key?, pick? }, in the order of the arrows. With `lit`, a selection draws only
// what is chosen: lit(scene) draws it over the rest, and returns how faint the scene's `marks`, from one item to another, become.
function makeChart({ view, plot, draw, table, redraw = [], lit = null }) {
  const picture = el('div.chart', { 'aria-hidden': 'true' }),
    frame = el('div.overlay', { role: 'group', label: view.title }, picture);
  plot.append(frame);
  let spots = [], buttons = [], base = null, marks = null, over = null;
  const act = (i) => {
    const { pick, key } = spots[i];
    if (pick) pick();
    else if (key) store.set(toggling(key));
  };
  const hand = pointing(frame, {
    words: (i) => [spots[i].name, spots[i].pairs],
    pick: act,
    peek: (i) => selecting(spots[i].key),
    move: (i) => headOfKey(spots[i].key) && store.set(selecting(spots[i].key)),
  });
  let chosen = null, faint = 1;
  const light = () => {
    chosen = new Scene(base.width, base.height);
    marks.setAttribute('opacity', (faint = lit(chosen)));
    fill(over, ...sceneToSvg(chosen).children);
  };
  const asSeen = () => Object.assign(new Scene(base.width, base.height), { items: [...base.items.map((item, i) => (i < base.marks[0] || i >= base.marks[1] ? item : { ...item, opacity: (item.opacity ?? 1) * faint })), ...chosen.items] });
  const paint = (whole = true) => {
    if (!whole && lit) return light();
    const before = spots;
    spots = [];
    base = draw(max(280, min(960, frame.clientWidth)), spots);
    const svg = sceneToSvg(base);
    fill(picture, svg);
    if (lit) {
      [marks, over] = ['g', 'g'].map((name) => document.createElementNS(SVG, name));
      marks.append(...[...svg.children].slice(...base.marks));
      svg.insertBefore(marks, svg.children[base.marks[0]] ?? null);
      svg.append(over);
      Object.defineProperty(svg, 'scene', { get: asSeen });
      light();
    }
    // A selection changes colours, not places: then hundreds of buttons stay as they are.
    const same = (a, b) => b && a.x === b.x && a.y === b.y && a.width === b.width && a.key === b.key && a.name === b.name;
    if (!whole && before.length === spots.length && spots.every((spot, i) => same(spot, before[i]))) return;
    if (buttons.length !== spots.length) { // those that stay keep the focus
      buttons.splice(spots.length).forEach((one) => one.remove());
      const more = spots.slice(buttons.length).map(() => el('button'));
      frame.append(...more);
      hand.set((buttons = [...buttons, ...more]));
    }
    spots.forEach((spot, i) => {
      const { x, y, width = 22, height = 22, kind = 'round' } = spot;
      buttons[i].className = `spot ${kind}`;
      for (const [name, value] of Object.entries(keyed(spot.key))) given(value) ? buttons[i].setAttribute(name, value) : buttons[i].removeAttribute(name);
      styled(buttons[i], { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    });
    hand.say();
  };
  const update = (changed) => {
    const whole = when(changed, 'mounted', 'size', 'theme', 'threshold');
    if (whole || when(changed, ...redraw)) paint(whole);
    hand.mark(
      (cell, i) => spots[i].on?.() ?? isChosen(spots[i].key),
      (cell, i) => isChosen(spots[i].key, store.peek));
  };
  return { update, table };
}

// Names of series or groups in one line above a chart, each with its mark; returns the height taken.
function drawNames(scene, names, left, width, sign, first = 14) {
  let [x, y] = [left, first];
  names.forEach((name, i) => {
    const wide = 34 + textWidth(name);
    if (x > left && x + wide > width) [x, y] = [left, y + 20];
    sign(x + 5, y - 4, i);
    scene.text(x + 16, y, name);
    x += wide;
  });
  return names.length ? y + 12 : 0;
}
