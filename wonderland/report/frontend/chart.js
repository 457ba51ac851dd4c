// A chart is a scene, and over it a real button for each thing in it: hovered, clicked and walked with the arrows.

// draw(width) returns the scene; it adds to `spots` what can be pointed at, in the scene's own coordinates:
// { x, y, width?, height?, kind?, name, pairs, key?, pick? }, in the order of the arrows.
function makeChart({ view, plot, draw, table, redraw = [] }) {
  const picture = el('div.chart', { 'aria-hidden': 'true' });
  const frame = el('div.overlay', { role: 'group', label: view.title }, picture);
  plot.append(frame);
  let spots = [], buttons = [];
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
  const paint = (whole = true) => {
    const before = spots;
    spots = [];
    picture.replaceChildren(sceneToSvg(draw(max(280, min(960, frame.clientWidth)), spots)));
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
