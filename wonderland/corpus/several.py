"""Several stores, read one after another with one mapping of people, and joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from wonderland import plugins
from wonderland.advice import Hint, Options
from wonderland.corpus import columns
from wonderland.corpus.called import names_between
from wonderland.corpus.dealing import Given, dealt, options_of, say_it_of_each
from wonderland.corpus.handles import Acquaintances, StoreNames
from wonderland.corpus.joining import Part, join, labels
from wonderland.corpus.locating import locate
from wonderland.corpus.messages import Ledger
from wonderland.corpus.misnamed import blaming_the_name
from wonderland.corpus.people import ME, Pseudonyms
from wonderland.corpus.reading import read_source
from wonderland.corpus.secrets import beside
from wonderland.corpus.source import Source, choose_source, closing_source, open_source
from wonderland.counted import counted
from wonderland.errors import OwnerUnknown, UsageError
from wonderland.nearby import near_of
from wonderland.paths import expanded

__all__ = ["named_stores", "read_part", "read_several", "space_of"]

_Place = TypeVar("_Place")


def read_several(
    paths: Sequence[str | Path],
    sources: Sequence[str] = (),
    names: bool = False,
    pseudonyms: Pseudonyms | None = None,
    people: str | Path | None = None,
    on_rows: Callable[[int, int], None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[pa.Table, Ledger, pa.Table, tuple[str, ...], tuple[Ledger, ...]]:
    """Read stores and join them; arguments as of `Corpus.read`.

    Raises:
        UsageError: More or fewer sources are named than there are stores, or an option that none of the sources has.
    """
    installed = plugins.load().sources
    stores = named_stores([locate(path, installed) for path in paths], sources)
    chosen = [choose_source(path, installed, name or None) for path, name in stores]
    _require_known(chosen, options or {})
    each = dealt(options or {}, chosen, [path for path, _ in stores])
    given = [Given(path, name, kind, own) for (path, name), kind, own in zip(stores, chosen, each, strict=True)]
    known = Acquaintances.named(people)
    shared = None if names else pseudonyms or Pseudonyms()
    parts = []
    for number, (label, store) in enumerate(zip(labels([kind.name for kind in chosen]), given, strict=True)):
        try:
            with beside(chosen):
                parts.append(
                    read_part(label, store.path, store.kind, store.options, known, shared, on_rows, names=names)
                )
        except OwnerUnknown as error:
            say_it_of_each(error, given, number)
            raise
    return (*join(parts, pseudonyms=shared.people if shared else None), tuple(part.ledger for part in parts))


def named_stores(places: Sequence[_Place], sources: Sequence[str]) -> list[tuple[_Place, str]]:
    """Return each store with the source it is read with, "" for the one that recognises it.

    A place that is read with several sources is as many stores: a phone's backup holds more than one messenger.

    >>> named_stores(["a.zip", "b.json"], [])
    [('a.zip', ''), ('b.json', '')]
    >>> named_stores(["backup"], ["imessage", "whatsapp-db"])
    [('backup', 'imessage'), ('backup', 'whatsapp-db')]
    >>> named_stores(["backup", "b.json"], ["imessage", "telegram"])
    [('backup', 'imessage'), ('b.json', 'telegram')]

    Raises:
        UsageError: Of several places, some have no source of their own, or a store is given twice.
    """
    if not sources:
        return _each_once([(place, "") for place in places])
    if len(places) == 1:
        return _each_once([(places[0], source) for source in sources])
    if len(places) != len(sources):
        raise UsageError(
            f"There are {len(places)} stores and {counted(len(sources), 'source')} named.",
            hint=Hint(
                "Name one for each store, in the same order, or none; '' stands for the one that recognises it: ",
                Options("extract", source=(*sources, *[""] * len(places))[: len(places)]),
            ),
        )
    return _each_once(list(zip(places, sources, strict=True)))


def _each_once(stores: list[tuple[_Place, str]]) -> list[tuple[_Place, str]]:
    """Return the stores, or refuse one that is given twice: its messages without a time would count twice."""
    met: dict[Path, list[str]] = {}
    for place, source in stores:
        named = met.setdefault(expanded(str(place)).resolve(), [])
        if named and (not source or source in named or "" in named):
            told = f"{place} is given twice{f' with the source {source!r}' if source in named and source else ''}."
            raise UsageError(told, hint="Give each store once, or once with each of its sources.")
        named.append(source)
    return stores


def read_part(
    label: str,
    path: Path,
    kind: type[Source],
    options: Mapping[str, Any],
    known: Acquaintances,
    pseudonyms: Pseudonyms | None,
    on_rows: Callable[[int, int], None] | None = None,
    *,
    names: bool = False,
    met: set[str] | None = None,
) -> Part:
    """Read one store among several; who wrote in it is added to ``met``.

    People are who the store identifies them as, also where ``names`` asks for names: those are found out by a second
    reading and stand beside (`wonderland.corpus.called`), to be put in when stores are joined.
    """
    naming = StoreNames(label, space_of(label, kind), known, pseudonyms, set() if met is None else met)
    where = f"{path.name}, {label}"

    def read(more: Mapping[str, Any], called: StoreNames | None) -> tuple[pa.Table, Ledger, pa.Table, tuple[str, ...]]:
        with blaming_the_name(path, kind, plugins.load().sources):
            opened = open_source(path, {kind.name: kind}, kind.name, {**options, **more})
            with closing_source(opened):
                return read_source(opened, where, called, on_rows)

    if not names or "names" not in options_of(kind):
        return Part(label, *read({}, naming))
    table, ledger, skipped, notes = read({"names": False}, None)
    named, _, _, more = read({"names": True}, None)
    naming = replace(naming, called=names_between(table, named))
    table = columns.rename(table, "sender", lambda sender: ME if sender == ME else naming.person(sender))
    table = columns.rename(table, "thread", naming.thread)
    return Part(label, table, ledger, skipped, tuple(dict.fromkeys((*notes, *more))), naming.shown())


def space_of(label: str, kind: type[Source]) -> str:
    """Return where the names of a store are unique: in all stores of its source if it says so, else in itself."""
    return kind.name if getattr(kind, "same_names", False) else label


def _require_known(chosen: Sequence[type[Source]], options: Mapping[str, Any]) -> None:
    for name in options:
        if not any(name in options_of(kind) for kind in chosen):
            told = ", ".join(dict.fromkeys(kind.name for kind in chosen))
            known = sorted({known for kind in chosen for known in options_of(kind)})
            raise UsageError(
                f"None of the sources {told} has an option {name!r}.",
                hint=near_of(name, known, f"Their options: {', '.join(known)}."),
            )
