// The page itself: header, list of views, the view shown, the card; every change of the state passes through here.

// Until the page has its theme, the first style in the file says, two seconds late, that it is damaged; so it does again
// where the page cannot begin.
const start = () => begin().catch((error) => {
  document.body.replaceChildren();
  delete root.dataset.theme;
  throw error;
});

async function begin() {
  await unpack(page);
  if (!getComputedStyle(root).getPropertyValue('--ink')) throw Error('The style is not what was written.');
  document.title = visible(page.title);
  Object.assign(store, store.read());
  root.dataset.theme = themeName();
  const main = byId('main'),
    tour = makeTour(), help = makeHelp(tour), search = makeSearch(),
    card = makeCard(byId('card'));
  let figure = null, turn = 0;

  // The list goes by question; views of one analysis stand together, its first always, the others while one is open.
  const own = OWN_PAGES.map(([id, title]) => ({ id, title })),
    parts = [['Start', own], ...page.sections.map(([section, heading]) => [heading, page.views.filter((view) => view.section === section)])].filter(([, members]) => members.length),
    sections = parts.map(([, members]) => members[0].id),
    nav = [];
  parts.forEach(([heading, members], s) => {
    const links = d3.groups(members, (view) => view.group || view.id).flatMap(([group, views]) => views.map((view, i) => el(i ? 'a.sub' : 'a', { 'data-view': view.id, 'data-group': group, 'data-own': !view.renderer, href: '#/' + view.id }, el('span', view.title))));
    byId('nav').append(el('div.navpart', { role: 'group', label: heading }, el('span.heading', { 'aria-hidden': 'true' }, heading, el('kbd', s + 1)), links));
    nav.push(...links);
  });
  byId('nav').hidden = Boolean(page.opens) && page.views.length < 2;
  document.body.classList.toggle('notebook', Boolean(page.opens));
  fill(byId('top'), header(help, search, tour));
  document.body.append(help, search, makeAbout(), tour.node, tip.node);

  const showNav = (changed = new Set(['view'])) => {
    const open = nav.find((link) => link.dataset.view === store.view)?.dataset.group;
    nav.forEach((link) => {
      link.setAttribute('href', store.address({ view: link.dataset.view }));
      link.classList.toggle('open', link.dataset.group === open);
      if (link.dataset.view !== store.view) return link.removeAttribute('aria-current');
      link.setAttribute('aria-current', 'page');
      if (!changed.has('view')) return; // a selection moves nothing, and needs no layout before it is drawn
      const list = byId('nav');
      if (list.scrollWidth > list.clientWidth || list.scrollHeight > list.clientHeight) link.scrollIntoView({ block: 'nearest', inline: 'center' });
    });
  };

  // One figure that cannot be drawn leaves the others as they are.
  const fail = (error) => {
    fill(main, headline(store.view, viewShown()?.title), harmed(error, viewShown()));
    figure = NO_FIGURE;
  };

  async function open() {
    const now = ++turn;
    figure?.leave();
    tip.hide();
    document.body.dataset.view = store.view;
    const view = viewShown(),
      [, ownTitle] = OWN_PAGES.find(([id]) => id === store.view) ?? [];
    document.title = visible(store.view === 'findings' ? page.title : `${view?.title ?? ownTitle} – ${page.title}`);
    try {
      if (view) await prepare(view);
      if (now !== turn) return;
      figure = view ? await mountFigure(view, main) : { findings: mountFirst, 'all-findings': mountFindings, words: mountWords }[store.view](main);
    } catch (error) {
      if (now !== turn) return;
      fail(error);
    }
    card.update(new Set(['mounted', 'view']));
    scrollTo(0, 0);
    if (document.activeElement === document.body || document.activeElement === null) main.focus({ preventScroll: true });
  }

  store.listeners.push((changed) => {
    if (changed.has('theme')) root.dataset.theme = themeName();
    if (!changed.has('peek')) showNav(changed);
    if (changed.has('view')) return void open();
    try {
      figure?.update(changed);
    } catch (error) {
      fail(error);
    }
    card.update(changed);
  });
  // A frame without an address of its own (a notebook) would load its surroundings where a link leads: it is followed here.
  addEventListener('click', (event) => {
    const link = event.target.closest('a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.id === 'skip') main.focus();
    else store.set(store.read(link.hash));
  });
  addEventListener('hashchange', () => store.follow());
  addEventListener('popstate', () => store.follow());
  listen(darkWanted, 'change', () => store.tell(new Set(['theme'])));
  listenForKeys({ sections, help, search, figure: () => figure });
  preparePrinting();
  showNav();
  open().then(() => root.setAttribute('data-ready', ''));
  // The rest is unpacked piece by piece afterwards, so that opening a view or printing needs no wait.
  const warm = (rest) => setTimeout(async () => {
    if (!rest.length) return root.setAttribute('data-warm', '');
    await prepare(rest[0]).catch(() => {}); // is told where it is opened
    warm(rest.slice(1));
  }, 30);
  warm(page.views);
}

function header(help, search, tour) {
  const { model, corpus } = page.meta, failed = FAILED.length;
  return [
    el('strong.name', 'wonderland'), model ? el('span.fact', model) : null, corpus ? el('span.fact', typeof corpus === 'string' ? corpus : Object.entries(corpus).slice(0, 2).map(([what, count]) => `${number(count)} ${what}`).join(', ')) : null, el('span.gap'),
    page.checks.length ? el(`a.badge.${failed ? 'bad' : 'good'}`, { href: '#/findings', label: CHECKED }, failed ? ['✗ ', failed, el('span', ` of ${counted(page.checks.length, 'check')}`), ' failed'] : CHECKED) : null,
    page.containsText ? el('span.badge.text', { title: `Whoever has this file can read the ${page.meta.texts ? 'texts' : 'messages'} in it.` }, page.meta.texts ? 'contains texts' : 'contains message text')
      : el('span.badge', 'redacted'),
    button('Copy link', (event) => copyText(location.href, event.target), { class: 'copylink', title: 'Copy the address of what is shown; it holds no message' }),
    page.tour.length ? button('Tour', () => tour.begin(), { title: 'This model in five minutes, step by step' }) : null,
    button('Find', () => search.begin(), { title: 'Find a word, a view, a head or a finding  /' }),
    button('◐', toggleTheme, { class: 'icon', label: 'Light or dark', title: 'Light or dark  t' }),
    button('?', () => help.showModal(), { class: 'icon', label: 'Tour and keys', title: 'Tour and keys  ?' }),
  ];
}
