"""What is too small, too wide or cut on a page as it stands? One script for the tests and for looking at a report."""

MEASURE = """
(() => {
  const wide = document.documentElement.clientWidth, said = (node) => (node.textContent || '').trim().slice(0, 40);
  const found = { page: document.documentElement.scrollWidth - wide, small: [], beyond: [] };
  const scrolls = (node) => node.closest('.sideways, .scroll, #nav, .index, .hidden, dialog, .skip, .unrolled, #sheets');
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT)$/.test(node.tagName) || !node.checkVisibility({ visibilityProperty: true })) continue;
    const box = node.getBoundingClientRect(), svg = node.closest('svg');
    if (!box.width) continue;
    const times = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(getComputedStyle(node).fontSize) * times;
    if (size < 11.95) found.small.push(`${size.toFixed(1)} ${node.className.baseVal ?? node.className} ${said(text)}`);
    if (!scrolls(node) && (box.right > wide + 1 || box.left < -1)) found.beyond.push(`${Math.round(box.left)}–${Math.round(box.right)} ${node.className.baseVal ?? node.className} ${said(text)}`);
  }
  return found;
})()
"""
