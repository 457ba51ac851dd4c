// The page itself: header, list of views, the view shown, the card; every change of the state passes through here.

async function start() {
  await unpack(page);
  document.title = visible(page.title);
  Object.assign(store, store.read());
  document.documentElement.dataset.theme = themeName();
  const main = document.getElementById('main');
  const help = makeHelp(), search = makeSearch();
  const card = makeCard(document.getElementById('card'));
  let figure = null;
  let turn = 0;

  const views = ['findings', ...page.views.map((view) => view.id)];
  const titles = ['Findings', ...page.views.map((view) => view.title)];
  const nav = views.map((id, i) => el('a', { 'data-view': id, href: '#/' + id },
    el('span', { text: titles[i] }), i < 9 ? el('kbd', { text: i + 1, 'aria-hidden': 'true' }) : null));
  document.getElementById('nav').append(...nav);
  document.getElementById('top').append(...header(help, search));
  document.body.append(help, search, tip.node);
  document.getElementById('skip').addEventListener('click', (event) => (event.preventDefault(), main.focus()));

  const showNav = () => nav.forEach((link) => {
    const here = link.dataset.view === store.view;
    link.setAttribute('href', store.address({ view: link.dataset.view }));
    if (here) {
      link.setAttribute('aria-current', 'page');
      if (link.parentNode.scrollWidth > link.parentNode.clientWidth) link.scrollIntoView({ block: 'nearest', inline: 'center' });
    }
    else link.removeAttribute('aria-current');
  });

  async function open() {
    const now = ++turn;
    figure?.leave();
    tip.hide();
    document.body.dataset.view = store.view;
    const view = page.views.find(({ id }) => id === store.view);
    if (!view) figure = mountFindings(main);
    else {
      try {
        await prepare(view);
        if (now !== turn) return;
        figure = await mountFigure(view, main);
      } catch (error) { // one figure that cannot be drawn leaves the others as they are
        main.replaceChildren(el('h1', { id: `title-${view.id}`, text: view.title }), el('p', { class: 'caption', text: `This figure could not be drawn: ${error.message}` }));
        figure = { update() {}, leave() {}, openExport() {} };
        console.error(error);
      }
    }
    card.update(new Set(['mounted', 'view']));
    main.scrollTo?.(0, 0);
    if (document.activeElement === document.body || document.activeElement === null) main.focus({ preventScroll: true });
  }

  store.listeners.push((changed) => {
    if (changed.has('theme')) document.documentElement.dataset.theme = themeName();
    showNav();
    if (changed.has('view')) return void open();
    figure?.update(changed);
    card.update(changed);
  });
  addEventListener('hashchange', () => store.follow());
  addEventListener('popstate', () => store.follow());
  darkWanted.addEventListener('change', () => store.tell(new Set(['theme'])));
  listenForKeys({ views, help, search, figure: () => figure });
  preparePrinting();
  showNav();
  open().then(() => document.documentElement.setAttribute('data-ready', ''));
  // The rest is unpacked piece by piece afterwards, so that opening a view or printing needs no wait.
  const warm = (rest) => setTimeout(async () => {
    if (!rest.length) return document.documentElement.setAttribute('data-warm', '');
    await prepare(rest[0]);
    warm(rest.slice(1));
  }, 30);
  warm(page.views);
}

function header(help, search) {
  const failed = page.checks.filter((check) => !check.passed).length;
  const state = page.checks.length ? el('a', { class: failed ? 'badge bad' : 'badge good', href: '#/findings', text: failed ? `✗ ${failed} of ${page.checks.length} checks failed` : `✓ ${page.checks.length} checks passed` }) : null;
  return [
    el('strong', { class: 'name', text: 'wonderland' }),
    page.meta.model ? el('span', { class: 'fact', text: page.meta.model }) : null,
    typeof page.meta.corpus === 'string' ? el('span', { class: 'fact', text: page.meta.corpus }) : null,
    el('span', { class: 'gap' }), state,
    el('span', { class: page.containsText ? 'badge text' : 'badge', text: page.containsText ? 'contains message text' : 'redacted', title: page.containsText ? 'Whoever has this file can read the messages in it.' : 'Message text was replaced before it was written here.' }),
    button('Find', () => search.begin(), { title: 'Find a view or a head  /' }),
    button('◐', toggleTheme, { class: 'icon', 'aria-label': 'Light or dark', title: 'Light or dark  t' }),
    button('?', () => help.showModal(), { class: 'icon', 'aria-label': 'Help', title: 'Help  ?' }),
  ].filter(Boolean);
}
