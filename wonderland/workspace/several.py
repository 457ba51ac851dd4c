"""Several stores in one workspace: each is read by itself, kept, and read again only when it has changed.

What was read of a store lies in ``stores/NAME``; the corpus joins them. Who is one person in two stores is settled when
a store is read (`wonderland.corpus.handles`), so a change of ``people.toml`` has all of them read again, and so does a
missing ``people.json``, without which a new pseudonym could be one that an old store uses for somebody else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wonderland import plugins
from wonderland.corpus.called import Called
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.dealing import Given, dealt, say_it_of_each
from wonderland.corpus.handles import Acquaintances, handle_of
from wonderland.corpus.joining import Part, join, labels
from wonderland.corpus.locating import is_there
from wonderland.corpus.people import ME, Pseudonyms
from wonderland.corpus.secrets import beside
from wonderland.corpus.several import read_part, space_of
from wonderland.corpus.source import Source, choose_source
from wonderland.errors import OwnerUnknown
from wonderland.workspace.fingerprint import hash_file, source_state
from wonderland.workspace.layout import READ, Layout
from wonderland.workspace.options import as_annotated
from wonderland.workspace.stage import Stage, guarding

__all__ = ["PEOPLE", "know_again", "read_stores", "typed_stores"]

PEOPLE = "people.toml"
_FOLDER, _CALLED = "stores", "called.json"


@dataclass(frozen=True)
class _Store:
    label: str
    path: Path
    kind: type[Source]
    options: dict[str, Any]
    stage: Stage

    def unchanged(self) -> bool:
        """Say whether what is kept is what the store holds now. A store that is gone has not changed."""
        return not is_there(self.path) or _noted(self.stage.folder) == source_state(self.path)


def read_stores(
    layout: Layout,
    on_rows: Callable[[int, int], None] | None = None,
    on_store: Callable[[str], None] | None = None,
) -> tuple[Corpus, Pseudonyms, list[type[Source]]]:
    """Read the stores that have changed, and join all.

    Args:
        layout: The workspace.
        on_rows: Called now and then with rows read so far of a store and rows it holds.
        on_store: Called with what a store is called before it is read.

    Returns:
        The corpus, the pseudonyms to save before it, and the source of each store.

    Raises:
        OwnerUnknown: A store does not say who its owner is; ``store`` says which one.
    """
    people = layout.folder / "people.json"
    known = Acquaintances.load(layout.folder / PEOPLE)
    pseudonyms = Pseudonyms.load(people)
    stores = _stores(layout)
    if not layout.noted().get("more"):  # the last reading, if any, was of one store
        _take_over(pseudonyms, stores, str(layout.noted().get("path", "")), str(layout.noted().get("source", "")))
    names = layout.settings.source.names
    shared = None if names else pseudonyms
    usable = names or people.exists()
    parts, met = [], dict[str, set[str]]()
    for number, store in enumerate(stores):
        if usable and store.stage.done and store.unchanged():
            parts.append(_kept(store))
            continue
        try:
            if on_store:
                on_store(f"{store.path.name}, {store.label}")
            state = source_state(store.path) if is_there(store.path) else []
            with beside(one.kind for one in stores):
                part = read_part(
                    store.label,
                    store.path,
                    store.kind,
                    store.options,
                    known,
                    shared,
                    on_rows,
                    names=names,
                    met=met.setdefault(store.label, set()),
                )
        except OwnerUnknown as error:
            error.store = number
            named = [name for _, name in layout.settings.source.stores]
            read = [Given(one.path, name, one.kind, one.options) for one, name in zip(stores, named, strict=True)]
            say_it_of_each(error, read, number)
            raise
        with store.stage.writing() as folder:
            Corpus(part.table, part.ledger, part.skipped, part.notes).save(folder)
            (folder / _CALLED).write_text(json.dumps(part.called), encoding="utf-8")
            (folder / READ).write_text(json.dumps(state), encoding="utf-8")
            if not names:  # before the messages, which name people by it
                with guarding(people):
                    pseudonyms.save(people)
        parts.append(part)
    table, ledger, skipped, notes = join(parts, pseudonyms=None if names else pseudonyms.people)
    told = (*notes, *_strange(known, stores), *_nobody(known, stores, met))
    corpus = Corpus(table, ledger, skipped, told, stores=tuple(part.ledger for part in parts))
    return corpus, pseudonyms, [store.kind for store in stores]


def _strange(known: Acquaintances, stores: Sequence[_Store]) -> list[str]:
    """Say which stores the user's list of people names that are not here: what it says of them joins nobody."""
    here = sorted({name for store in stores for name in (store.label, space_of(store.label, store.kind))})
    strange = sorted({store for store, _ in known.names} - {*here, "any"})
    return [
        f"{PEOPLE} says what people are called in {one!r}, and no store here is called so; stores: {', '.join(here)}, "
        "or any for all."
        for one in strange
    ]


def _nobody(known: Acquaintances, stores: Sequence[_Store], met: Mapping[str, set[str]]) -> list[str]:
    """Say for which stores the user's list has names that nobody has; which ones, no note says, for notes are shown.

    A change of the list has all stores read again, so it is said when it was written.
    """
    nobody: Counter[str] = Counter()
    for where, called in known.names:
        meant = [store for store in stores if where in (store.label, space_of(store.label, store.kind), "any")]
        if where == "any" and handle_of(called):
            continue  # who lists all addresses of somebody need not have been written to from each
        if meant and all(store.label in met for store in meant):
            nobody[where] += not any(called in met[store.label] for store in meant)
    return [
        f"{PEOPLE} gives {count} {'name' if count == 1 else 'names'} for {where!r} that nobody has who wrote there, so "
        "they join nobody. A name stands there as the store writes it; people.json has all of them."
        for where, count in nobody.items()
        if count
    ]


def _stores(layout: Layout) -> list[_Store]:
    s, sources = layout.settings.source, plugins.load().sources
    given = [(layout.source_path, s.options, s.source)]
    given += layout.more
    before = layout.sources_noted()
    kinds = []
    for path, _, name in given:
        # What is gone is what it was when it was read.
        noted = "" if is_there(path) else name or before.get(str(path), "")
        kinds.append(sources[noted] if noted in sources else choose_source(path, sources, name or None))
    people = layout.folder / PEOPLE
    said = hash_file(people) if people.exists() else ""
    stores = []
    for label, kind, (path, options, _) in zip(labels([kind.name for kind in kinds]), kinds, given, strict=True):
        parameters = {"path": str(path), "options": dict(options), "names": s.names, "people": said}
        parameters |= {"named": "when joined"} if s.names else {}  # before, a store was kept with names alone
        stage = Stage("store", layout.folder / _FOLDER / label, kind.version, parameters)
        stores.append(_Store(label, path, kind, as_annotated(kind, options), stage))
    return stores


def _kept(store: _Store) -> Part:
    corpus, called = store.stage.read(lambda folder: (Corpus.load(folder), _called(folder)))
    return Part(store.label, corpus.table, corpus.ledger, corpus.skipped, corpus.notes, called)


def _called(folder: Path) -> Called:
    """Return what people and conversations of a store that was kept are called."""
    people, threads = json.loads((folder / _CALLED).read_text(encoding="utf-8"))
    return Called(people, threads)


def _noted(folder: Path) -> object:
    try:
        return json.loads((folder / READ).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _take_over(pseudonyms: Pseudonyms, stores: Sequence[_Store], path: str, source: str) -> None:
    """Call the people of a workspace that had one store as they are called among several, so they stay who they are.

    Args:
        pseudonyms: Of that one store.
        stores: The stores of now. Where that one is not among them, its people are those of no other store.
        path: The place of that store; "" if nothing was noted of it, which is then the first.
        source: What it was read with.
    """
    was = next((store for store in stores if str(store.path) == path), None if path else stores[0])
    kind = was.kind if was else plugins.load().sources.get(source)
    if kind is None or (was is None and not getattr(kind, "same_names", False)):
        return
    space = space_of(was.label if was else kind.name, kind)
    for names in (pseudonyms.people, pseudonyms.threads):
        for name in list(names):
            called = (handle_of(name) if names is pseudonyms.people else None) or f"{space}: {name}"
            if name != ME and not _is_among_several(name) and called not in names:
                names[called] = names.pop(name)


def _is_among_several(name: str) -> bool:
    """Whether somebody is called so among several stores: by the store, and what it calls them."""
    label = name.partition(": ")[0].rstrip("0123456789").removesuffix("-")
    return ": " in name and label in plugins.load().sources


def know_again(pseudonyms: Pseudonyms, layout: Layout, kind: type[Source]) -> None:
    """Let who had a pseudonym among several stores keep it where one of those is read alone.

    Names that are unique in one store only are known again in the store that was the first; the label of a further one
    tells its place among the others, and may be another store's by now.
    """
    was_first = bool(layout.noted().get("more")) and layout.noted().get("path") == str(layout.source_path)
    if not (was_first or getattr(kind, "same_names", False)):
        return
    begins = f"{space_of(kind.name, kind)}: "
    for names in (pseudonyms.people, pseudonyms.threads):
        for name in [one for one in names if one.startswith(begins)]:
            names.setdefault(name.removeprefix(begins), names[name])


def typed_stores(stores: Sequence[tuple[Path, str]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return stores, each a path and a source or "", as ``wonderland.toml`` holds them.

    An option goes to each whose source has it, and one that was given for each of them to each in their order.

    Raises:
        UsageError: An option was given several times, and not once for each.
    """
    kinds = [choose_source(path, plugins.load().sources, source or None) for path, source in stores]
    return [
        {"path": str(path), **({"source": source} if source else {}), "options": own}
        for (path, source), own in zip(stores, dealt(options, kinds, [path for path, _ in stores]), strict=True)
    ]
