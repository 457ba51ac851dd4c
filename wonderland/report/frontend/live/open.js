// The part that answers lies in the page deflated. It is put in as a style and a script of their own before the page
// begins; the policy names the hashes of what they say, so that nothing else runs. Its names and those of the page:
// a live report's page has no scope around it, and this script has one, so that it sees the page and replaces nothing.

async function openLive() {
  try {
    for (const [tag, packed] of Object.entries(readBlock('live-code'))) {
      const node = document.createElement(tag);
      node.textContent = new TextDecoder().decode(await inflate(packed));
      document.head.append(node);
    }
    return Live.announce;
  } catch (error) { // Live is not there if the browser refused the script
    renderers.live = ({ plot }) => {
      fill(plot, el('p.banner', `The part of this file that answers cannot be used: ${error instanceof ReferenceError ? 'it is not what was written' : error.message}. The file was damaged, or this browser does not allow it. Write the report anew, or open it in another browser; everything else in it works.`));
      plot.setAttribute('data-live', 'off');
      return { update() {}, table: () => tableOf([]) };
    };
    return () => {};
  }
}
