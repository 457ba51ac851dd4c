"""What is too small, too wide or cut on a page as it stands? One script for the tests and for looking at a report.

``moving``: boxes whose background moves with what is in them, which is painted as large as all of it, seen or not.
"""

MEASURE = """
(() => {
  const wide = document.documentElement.clientWidth, said = (node) => (node.textContent || '').trim().slice(0, 40);
  const found = { page: document.documentElement.scrollWidth - wide, small: [], beyond: [], moving: [] };
  const inside = '.sideways, .scroll, #nav, .index, .hidden, dialog, .skip, .unrolled, #sheets';
  const scrolls = (node) => node.closest(inside), named = (node) => node.className.baseVal ?? node.className;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT)$/.test(node.tagName)) continue;
    if (!node.checkVisibility({ visibilityProperty: true })) continue;
    const box = node.getBoundingClientRect(), svg = node.closest('svg');
    if (!box.width) continue;
    const times = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(getComputedStyle(node).fontSize) * times;
    if (size < 11.95) found.small.push(`${size.toFixed(1)} ${named(node)} ${said(text)}`);
    const [left, right] = [Math.round(box.left), Math.round(box.right)];
    const out = !scrolls(node) && (right > wide + 1 || left < -1);
    if (out) found.beyond.push(`${left}–${right} ${named(node)} ${said(text)}`);
  }
  for (const box of document.querySelectorAll('main, main *')) {
    if (getComputedStyle(box).backgroundAttachment.includes('local')) found.moving.push(named(box));
  }
  return found;
})()
"""

CUT = """
[...document.querySelectorAll('main :is(th, .sort, h1, h2, h3, dt, dd, button, svg text)')]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest('.hidden'))
  .filter((node) => {
    if (node.ownerSVGElement) { // beyond what its drawing shows
      const [box, frame] = [node, node.ownerSVGElement].map((one) => one.getBoundingClientRect());
      return !node.closest('.sideways') && (box.left < frame.left - 6 || box.right > frame.right + 6);
    }
    const { overflowX, textOverflow } = getComputedStyle(node);
    return textOverflow !== 'ellipsis' && overflowX !== 'visible' && node.scrollWidth > node.clientWidth + 1;
  })
  .map((node) => `${node.tagName} ${node.textContent.trim().slice(0, 40)}`)
"""
"""Words that are cut without a sign that they go on: in a box that hides them, or beyond the edge of a drawing."""
