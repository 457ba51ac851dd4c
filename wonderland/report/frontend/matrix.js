// matrix: a table of numbers as coloured cells. Up to a thousand cells are real buttons; more are one canvas.

const MANY_CELLS = 1200;

renderers.matrix = ({ view, data, plot, controls }) => {
  const { rows, columns, links } = data;
  const series = data.series.map((s) => ({ ...s, values: asGrid(s.values), low: asGrid(s.low), high: asGrid(s.high), chance: asGrid(s.chance) }));
  const scales = series.map((s) => colourScale(s, s.values.values));
  const chosen = () => Math.min(store.tab, series.length - 1);
  const cellOf = (s, r, c) => ({ value: s.values.at(r, c), low: s.low?.at(r, c), high: s.high?.at(r, c), chance: s.chance?.at(r, c) });
  const headAt = (r, c) => (links === 'head' ? headName(r, c) : links === 'column' ? columns[c] : null);
  const flatChance = (s) => (s.chance && s.chance.values.every((v) => v === s.chance.values[0]) ? s.chance.values[0] : null);
  const nameOf = (r, c) => links === 'head' ? headName(r, c) : `${visible(rows[r], 40)}, ${visible(columns[c], 40)}`;

  const tabs = series.length > 1 ? choice('Measure', series.map((s) => s.name), (tab) => store.set({ tab })) : null;
  const scaleKey = legend();
  controls.append(...[tabs?.node, scaleKey.node].filter(Boolean));
  const mark = el('p', { class: 'key', text: '○  the interval reaches the chance level' });
  const grid = rows.length * columns.length > MANY_CELLS ? canvasCells() : buttonCells();
  plot.append(grid.node, mark);

  function describe(r, c) {
    const s = series[chosen()];
    const cell = cellOf(s, r, c);
    return facts(nameOf(r, c), [
      ['', s.labels ? tokenName(s.labels[r][c]) : ''],
      [s.name, withUnit(number(cell.value), s.unit)],
      ['95 % interval', interval(cell.low, cell.high)],
      ['chance', isNumber(cell.chance) ? number(cell.chance) : ''],
      ['', verdict(cell)],
      ...series.filter((other) => other !== s).map((other) => [other.name, withUnit(number(other.values.at(r, c)), other.unit)]),
    ]);
  }
  function aria(s, r, c) {
    const cell = cellOf(s, r, c);
    return [nameOf(r, c), s.labels ? tokenName(s.labels[r][c]) : '', `${s.name} ${withUnit(number(cell.value), s.unit)}`, interval(cell.low, cell.high), verdict(cell)].filter(Boolean).join(', ');
  }

  function buttonCells() {
    const cells = [];
    const table = el('div', { class: 'cells', role: 'grid', 'aria-label': view.title });
    table.style.gridTemplateColumns = `max-content repeat(${columns.length}, var(--cell))`;
    table.append(el('div', { class: 'row', role: 'row' }, el('span', { role: 'columnheader' }), ...columns.map((text) => el('span', { class: 'column', role: 'columnheader' }, el('span', { text: shortName(text), title: text })))));
    rows.forEach((text, r) => {
      const line = el('div', { class: 'row', role: 'row' }, el('span', { class: 'rowname', role: 'rowheader', text }));
      columns.forEach((_, c) => {
        const cell = el('button', { type: 'button', role: 'gridcell', 'data-head': headAt(r, c), on: {
          click: () => store.set(headAt(r, c) ? { head: store.head === headAt(r, c) ? null : headAt(r, c) } : { layer: r, pos: c }),
          pointermove: (event) => (tip.show(event, ...describe(r, c)), store.look({ head: headAt(r, c) ?? undefined })),
          pointerleave: () => (tip.hide(), store.look({})),
        } });
        cells.push(cell);
        line.append(cell);
      });
      table.append(line);
    });
    const keys = roving(cells, columns.length);
    table.addEventListener('keydown', keys.move);
    table.addEventListener('focusin', (event) => {
      const i = cells.indexOf(event.target);
      if (i < 0) return;
      keys.stop(event.target);
      if (event.target.matches(':focus-visible')) tip.show(event.target, ...describe(Math.floor(i / columns.length), i % columns.length));
    });
    table.addEventListener('focusout', () => tip.hide());

    const draw = () => {
      const s = series[chosen()], scale = scales[chosen()];
      const width = Math.floor(Math.max(s.labels ? 56 : 16, Math.min(124, (plot.clientWidth - 80) / columns.length - 3)));
      table.style.setProperty('--cell', `${width}px`);
      table.style.setProperty('--tall', `${Math.max(14, Math.min(78, width * 0.66))}px`);
      table.classList.toggle('tight', width < 26);
      table.classList.toggle('turned', Math.max(...columns.map((text) => textWidth(text, 12))) > width + 2);
      cells.forEach((cell, i) => {
        const [r, c] = [Math.floor(i / columns.length), i % columns.length];
        const value = s.values.at(r, c);
        cell.style.background = scale.css(value);
        cell.style.color = scale.ink(value);
        cell.textContent = s.labels ? shortName(s.labels[r][c]) : width >= 40 ? cellNumber(value) : '';
        if (width >= 84 && s.low && !s.labels && isNumber(value)) cell.append(el('small', { text: interval(s.low.at(r, c), s.high.at(r, c)) }));
        cell.classList.toggle('chance', verdict(cellOf(s, r, c)).startsWith('not'));
        cell.classList.toggle('undefined', Number.isNaN(value));
        cell.setAttribute('aria-label', aria(s, r, c));
      });
    };
    const select = () => cells.forEach((cell, i) => {
      const [r, c] = [Math.floor(i / columns.length), i % columns.length];
      const on = links ? cell.dataset.head === store.head : store.layer === r && store.pos === c;
      cell.classList.toggle('chosen', on);
      cell.setAttribute('aria-selected', String(on));
      cell.classList.toggle('peeked', cell.dataset.head !== undefined && cell.dataset.head === store.peek.head);
      if (on && links !== 'column') keys.stop(cell);
    });
    return { node: el('div', { class: 'sideways' }, table), draw, select };
  }

  function canvasCells() {
    const canvas = el('canvas', { role: 'img', 'aria-label': `${view.title}: ${rows.length} by ${columns.length} numbers; the table holds them` });
    const node = el('div', { class: 'bigmatrix' }, canvas);
    let size = 4;
    const at = (event) => {
      const [r, c] = [Math.floor(event.offsetY / size), Math.floor(event.offsetX / size)];
      return r >= 0 && c >= 0 && r < rows.length && c < columns.length ? [r, c] : null;
    };
    canvas.addEventListener('pointermove', (event) => {
      const cell = at(event);
      if (!cell) return tip.hide();
      tip.show(event, ...describe(...cell));
      store.look({ head: headAt(...cell) ?? undefined });
    });
    canvas.addEventListener('pointerleave', () => (tip.hide(), store.look({})));
    canvas.addEventListener('click', (event) => {
      const cell = at(event);
      if (cell) store.set(headAt(...cell) ? { head: headAt(...cell) } : { layer: cell[0], pos: cell[1] });
    });
    const draw = () => {
      const s = series[chosen()], scale = scales[chosen()];
      size = Math.max(2, Math.min(24, Math.floor(plot.clientWidth / columns.length)));
      const dense = sizeCanvas(canvas, size * columns.length, size * rows.length);
      const pen = canvas.getContext('2d');
      pen.scale(dense, dense);
      rows.forEach((_, r) => columns.forEach((__, c) => {
        pen.fillStyle = scale.css(s.values.at(r, c));
        pen.fillRect(c * size, r * size, size, size);
      }));
      const chosenHead = links === 'head' && headOf(store.head);
      const [r, c] = chosenHead || (links ? [-1, -1] : [store.layer ?? -1, store.pos ?? -1]);
      if (r >= 0 && c >= 0) {
        pen.strokeStyle = palette().accent;
        pen.lineWidth = 2;
        pen.strokeRect(c * size, r * size, size, size);
      }
    };
    return { node, draw, select: draw };
  }

  function scene() {
    const s = series[chosen()], scale = scales[chosen()];
    const cell = Math.max(10, Math.min(72, 900 / columns.length)), tall = Math.max(10, Math.min(52, cell * 0.72));
    const left = 24 + Math.max(...rows.map((text) => Math.min(160, textWidth(text)))), top = 30;
    const drawing = new Scene(left + cell * columns.length + 20, top + tall * rows.length + 60);
    drawing.text(left, 14, withUnit(s.name + (s.unit && s.unit !== '1' ? ',' : ''), s.unit), { weight: 600 });
    columns.forEach((text, c) => cell >= 30 && drawing.text(left + (c + 0.5) * cell, top + tall * rows.length + 18, fitText(shortName(text), cell), { anchor: 'middle', fill: palette().muted }));
    rows.forEach((text, r) => {
      drawing.text(left - 8, top + (r + 0.5) * tall + 4, fitText(text, 160), { anchor: 'end', fill: palette().muted });
      columns.forEach((_, c) => {
        const value = s.values.at(r, c);
        drawing.rect(left + c * cell + 1, top + r * tall + 1, cell - 2, tall - 2, Number.isNaN(value) ? palette().mask : scale.css(value), { rx: 2, stroke: palette().line });
        if (cell >= 40) drawing.text(left + (c + 0.5) * cell, top + (r + 0.5) * tall + 4, s.labels ? fitText(shortName(s.labels[r][c]), cell - 4) : cellNumber(value), { anchor: 'middle', fill: scale.ink(value) });
      });
    });
    drawing.text(left, top + tall * rows.length + 44, `${number(scale.low)} to ${number(scale.high)}, ${scale.note}`, { fill: palette().muted });
    return drawing;
  }

  function table() {
    const named = links === 'head' ? [{ key: 'head', label: 'Head' }] : [{ key: 'row', label: 'Row' }, { key: 'column', label: 'Column' }];
    const measures = series.map((s, i) => ({ key: `s${i}`, label: s.name, unit: s.unit }));
    const lines = rows.flatMap((row, r) => columns.map((column, c) => ({
      ...(links === 'head' ? { head: headName(r, c) } : { row, column: tokenName(column) }),
      ...Object.fromEntries(series.map((s, i) => [`s${i}`, Object.fromEntries(Object.entries(cellOf(s, r, c)).filter(([, v]) => v !== undefined))])),
    })));
    return { columns: [...named, ...measures], rows: lines, links: links === 'head' ? links : undefined };
  }

  const update = (changed) => {
    if (['mounted', 'size', 'tab', 'theme'].some((key) => changed.has(key))) {
      const s = series[chosen()];
      tabs?.show(chosen());
      scaleKey.show(scales[chosen()], { unit: s.unit, chance: flatChance(s) });
      mark.hidden = !rows.some((_, r) => columns.some((__, c) => verdict(cellOf(s, r, c)).startsWith('not')));
      grid.draw();
    }
    grid.select();
  };
  return { update, table, scene };
};
