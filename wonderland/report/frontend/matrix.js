// matrix: tables of numbers as coloured cells, every one a real button.

renderers.matrix = ({ view, data, plot, controls }) => {
  const { columns, links, below, marked = [] } = data,
    series = data.series.map((s) => ({ rows: data.rows, labels: data.labels, ...s, values: asGrid(s.values), low: asGrid(s.low), high: asGrid(s.high), chance: asGrid(s.chance) })),
    together = data.shared ? series.flatMap((s) => [...s.values.values]) : null,
    scales = series.map((s) => colourScale(s, together ?? s.values.values)),
    chosen = () => min(store.tab, series.length - 1),
    current = () => series[chosen()],
    cellOf = (s, r, c) => ({ value: s.values.at(r, c), low: s.low?.at(r, c), high: s.high?.at(r, c), chance: s.chance?.at(r, c) }),
    keyAt = (r, c) => data.keys?.[r] ?? keyOf(links === 'head' ? headName(r, c) : links === 'column' ? columns[c] : current().rows[r]),
    nameOf = (r, c) => (links === 'head' ? headName(r, c) : `${current().rows[r]}, ${columns[c]}${marked.includes(c) ? ` / ${below?.[c]}` : ''}`),
    weak = (s, r, c) => isWeak(cellOf(s, r, c));

  const tabs = series.length > 1 ? choice('Measure', series.map((s) => s.name), (tab) => store.set({ tab, ...(String(series[tab].rows) !== String(current().rows) && { layer: null, pos: null }) })) : null; // a cell of other rows is another cell
  const scaleKey = legend(),
    sizes = series.map((s) => d3.max(s.values.values, abs) || 1),
    slider = isNumber(data.threshold) ? threshold(data.threshold, d3.max(sizes), series[0].unit) : null;
  fill(controls, tabs?.node, scaleKey.node, slider?.node);
  const mark = el('p.key', WEAK),
    host = el('div.sideways'), detail = el('section.celldetail', LIVE);
  plot.append(host, mark, detail);

  let cells = [];
  function words(i, hovering) {
    const [r, c] = placeOf(i), s = current(), told = measured(s.name, cellOf(s, r, c), s.unit), { textContent: text } = cells[i];
    // A button is called by what stands on it, the number as it is written there.
    if (text && !hovering && !s.labels) told.splice(0, 1 + text.includes('['), [s.name, withUnit(text, s.unit)]);
    return [nameOf(r, c), [['', s.labels ? tokenName(s.labels[r][c]) : ''], ...told,
      ...series.filter((other) => other !== s && other.rows === s.rows).map((other) => [other.name, withUnit(number(other.values.at(r, c)), other.unit)])]];
  }
  const placeOf = (i) => [floor(i / columns.length), i % columns.length];
  function pick(i) {
    const [r, c] = placeOf(i), key = keyAt(r, c),
      again = store.layer === r && store.pos === c;
    if (links) store.set(toggling(key));
    else store.set({ layer: again ? null : r, pos: again ? null : c, ...(key && { key: again ? null : key }) });
  }
  const isOn = (r, c) => (links ? isChosen(keyAt(r, c)) : store.layer === r && store.pos === c);

  function buttonCells() {
    const s = current(),
      name = (text, c) => el(marked.includes(c) ? 'span.column.marked' : 'span.column', { role: 'columnheader', title: text }, el('span', tokenName(text)));
    cells = s.rows.flatMap((_, r) => columns.map((__, c) => el('button', { role: 'gridcell', ...keyed(keyAt(r, c)) })));
    const line = (title, parts) => el('div.row', { role: 'row' }, el('span.rowname', { role: title ? 'rowheader' : 'gridcell', title }, title && tokenName(title)), parts);
    const grid = el('div.cells', { role: 'grid', label: view.title }, line(below ? 'clean' : '', columns.map(name)),
      s.rows.map((text, r) => line(text, cells.slice(r * columns.length, (r + 1) * columns.length))),
      below ? line('corrupted', below.map(name)) : null);
    grid.style.gridTemplateColumns = `max-content repeat(${columns.length}, var(--cell))`;
    const hand = pointing(grid, { columns: columns.length, state: 'aria-selected', words, pick, peek: (i) => ({ key: keyAt(...placeOf(i)), pos: links ? undefined : placeOf(i)[1] }),
      move: (i) => (links === 'head' ? store.set({ key: keyAt(...placeOf(i)) }) : isNumber(store.pos) && !links && store.set({ layer: placeOf(i)[0], pos: placeOf(i)[1] })) });
    hand.set(cells);
    const draw = () => {
      const scale = scales[chosen()],
        parts = s.values.values.some((v) => v % 1),
        room = (plot.clientWidth - 80) / columns.length - 3,
        width = floor(max(s.labels ? 62 : below ? 42 : 16, min(columns.length > 6 ? 124 : 200, room))),
        most = max(-scale.low, scale.high), digits = parts && width < 52 && most >= 0.1 && most < 100 ? 2 : null,
        texts = cells.map((_, i) => (s.labels ? tokenName(s.labels[placeOf(i)[0]][placeOf(i)[1]]) : cellNumber(s.values.at(...placeOf(i)), parts, digits, width >= 52)));
      // A number that does not fit is set smaller; one that still does not is left to the tooltip, never cut.
      const longest = s.labels ? '' : d3.max(texts, (text) => textWidth(text, 14)),
        size = s.labels ? 13 : [14, 13, 12].find((px) => (longest * px) / 14 <= width - 3);
        const ends = cells.map((_, i) => (!s.labels && isNumber(s.low?.at(...placeOf(i))) ? `[${cellNumber(s.low.at(...placeOf(i)), parts)}, ${cellNumber(s.high.at(...placeOf(i)), parts)}]` : ''));
        const wide = d3.max(ends, (text) => textWidth(text)) <= width - 4;
      grid.style.setProperty('--cell', `${width}px`);
      grid.style.setProperty('--tall', `${max(14, min(s.labels || below ? 38 : 74, below ? 34 : width * 0.66))}px`);
      grid.classList.toggle('tight', width < 27);
      grid.classList.toggle('turned', max(...[...columns, ...(below ?? [])].map((text) => textWidth(tokenName(text), 13))) > width - 3);
      cells.forEach((cell, i) => {
        const [r, c] = placeOf(i), value = s.values.at(r, c);
        styled(cell, { ...scale.paint(value), fontSize: `${size ?? 12}px` });
        fill(cell, size && width >= 38 ? texts[i] : '', wide && ends[i] ? [' ', el('small', ends[i])] : null);
        cell.classList.toggle('chance', weak(s, r, c));
        cell.classList.toggle('undefined', Number.isNaN(value));
        cell.classList.toggle('faded', slider !== null && abs(value) < slider.limit());
      });
      slider?.show(`${number(cells.filter((cell) => !cell.classList.contains('faded')).length)} of ${counted(cells.length, 'cell')}`);
      hand.say();
    };
    const select = () => hand.mark((_, i) => isOn(...placeOf(i)), (cell, i) => (links ? isChosen(cell.dataset.key, store.peek) : placeOf(i)[1] === store.peek.pos && placeOf(i)[0] === store.layer));
    return { node: grid, draw, select };
  }

  // What is known of the selected cell beyond its number: as its series, the figure and its column say.
  function showDetail() {
    const s = current(), [r, c] = [store.layer, store.pos],
      inside = isNumber(c) && c < columns.length, cell = inside && isNumber(r) && r < s.rows.length,
      ranks = inside && data.ranks, own = cell && s.detail;
    if (links || !(own || ranks)) {
      return void fill(detail, series.some((x) => x.detail) || data.ranks ? el('p.quiet.hint', 'Click a cell for what is behind it.') : null);
    }
    const at = (grid, ...index) => asGrid(grid).at(r, c, ...index), { rows, tokens } = own || {};
    const blocks = [
      rows ? { title: own.title, rows: rows.map(([label, grid]) => [label, at(grid)]) } : null,
      tokens ? { title: tokens.title, tokens: d3.range(asGrid(tokens.ids).shape[2]).map((k) => [tokens.words[at(tokens.ids, k)], at(tokens.shares, k)]) } : null,
      ...(own ? data.context ?? [] : []),
      ranks ? { title: ranks.title, lines: { x: s.rows, series: ranks.names[c].map((name, k) => ({ name, values: s.rows.map((_, row) => asGrid(ranks.values).at(row, c, k)) })) } } : null];
    fill(detail, el('h2', cell ? nameOf(r, c) : columns[c]), el('div.blocks', blocks.filter(Boolean).map(drawBlock)));
  }

  function table() {
    const { rows } = current(), same = series.filter((s) => s.rows === rows), heads = links === 'head';
    const made = tableOf(rows.flatMap((_, r) => columns.map((__, c) => [r, c])),
      ['Row', ([r]) => rows[r]], ['Column', ([, c]) => tokenCell(columns[c])],
      ...same.flatMap((s) => [...(s.labels ? [[`${s.name}: word`, ([r, c]) => tokenCell(s.labels[r][c])]] : []), [s.name, ([r, c]) => cellOf(s, r, c), s.unit]]));
    if (!heads) return made;
    return { links: 'head', columns: [{ key: 'head', label: 'Head' }, ...made.columns.slice(2)], rows: made.rows.map((row, i) => ({ ...row, head: headName(...placeOf(i)) })) };
  }

  let grid = null, built = -1;
  const update = (changed) => {
    if (when(changed, 'mounted', 'size', 'tab', 'theme', 'threshold')) {
      const s = current(), chance = s.chance?.values;
      if (built !== chosen()) {
        built = chosen();
        grid = buttonCells();
        fill(host, grid.node);
      }
      tabs?.show(built);
      scaleKey.show(scales[built], { unit: s.unit, chance: chance && chance.every((v) => v === chance[0]) ? chance[0] : null });
      mark.hidden = !s.rows.some((_, r) => columns.some((__, c) => weak(s, r, c)));
      grid.draw();
      if (marked.length && !host.scrollLeft) host.scrollLeft = grid.node.querySelector('.marked').offsetLeft - 160;
    }
    grid.select();
    if (when(changed, 'mounted', 'tab', 'pos', 'layer', 'theme')) showDetail();
  };
  return { update, table };
};
