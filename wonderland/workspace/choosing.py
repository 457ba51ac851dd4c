"""What a workspace learns from: the times and people that ``wonderland.toml`` chooses, before any filter."""

from __future__ import annotations

from collections import Counter

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.filters import Filter, scrub
from wonderland.corpus.handles import Acquaintances, handle_of
from wonderland.corpus.people import Pseudonyms
from wonderland.counted import counted
from wonderland.errors import InputError, UsageError
from wonderland.workspace.layout import Layout
from wonderland.workspace.several import PEOPLE

__all__ = ["choose", "filters", "must_keep_any"]


def choose(corpus: Corpus, layout: Layout) -> Corpus:
    """Return the messages that are chosen; each that goes has a line in the ledger.

    Raises:
        UsageError: A time is none, or somebody named is nobody or several people here.
    """
    f = layout.settings.filter
    chosen = corpus.between(f.since, f.until)
    if f.person or f.not_person:
        known = Pseudonyms.load(layout.folder / "people.json").people
        said = Acquaintances.load(layout.folder / PEOPLE) if layout.more else Acquaintances()
        people, without = ([_sender(one, known, said) for one in named] for named in (f.person, f.not_person))
        try:
            chosen = chosen.of_people(*people, without=without)
        except UsageError as error:
            told = f"{layout.folder / 'people.json'} says who is who."
            asked = "A store that numbers people, such as Telegram, knows them by that number."
            raise UsageError(error.message, hint=f"{error.hint} {told} {asked}") from None
    chosen = chosen.only_direct() if f.only_direct else chosen
    return chosen.cap_repeats(f.most_repeats) if f.most_repeats else chosen


def filters(layout: Layout) -> list[str | Filter]:
    """Return the filters that are chosen; `scrub` knows the country of the settings."""
    f = layout.settings.filter
    return [scrub(f.country) if name == "scrub" else name for name in f.names]


def must_keep_any(read: Corpus, kept: Corpus) -> None:
    """Refuse choices and filters that leave nothing of the messages that were read.

    Raises:
        InputError: Nothing is left, though there were messages.
    """
    if len(kept) or not len(read):
        return
    gone: Counter[str] = Counter()
    for entry in kept.ledger.entries[len(read.ledger.entries) :]:
        gone[f"{entry.stage}: {entry.reason}"] += entry.count
    listed = ", ".join(f"{what} ({count:,})" for what, count in gone.most_common())
    raise InputError(
        f"Of {counted(len(read), 'message')} none would be left. What goes: {listed}.",
        hint=Hint(
            "Choose less narrowly. To choose all again: ",
            Command("filter", keeping=True, since="", until="", person="", not_person="", only_direct=False),
            ". To drop no noise: ",
            Command("filter", keeping=True, none=True),
        ),
    )


def _sender(named: str, known: dict[str, str], said: Acquaintances) -> str:
    """Return the sender somebody is: by pseudonym, number, address, or name in one of the stores.

    A name of a store that the user's list of people gives to somebody is that person; ``whatsapp: Ada`` says whose
    name it is.
    """
    if named in known.values():
        return named
    exact = known.get(named) or known.get(handle_of(named) or "")
    if exact:
        return exact
    found = {name: pseudonym for name, pseudonym in known.items() if name.partition(": ")[2] == named}
    called = handle_of(named) or named
    for (store, one), person in said.names.items():
        if called in (one, f"{store}: {one}"):
            found[f"{person}, in {store}"] = known.get(person, person)
    if len({*found.values()}) > 1:
        listed = ", ".join(f"{pseudonym} ({name})" for name, pseudonym in found.items())
        raise UsageError(f"{named!r} is the name of several people: {listed}.", hint="Name one by pseudonym.")
    return next(iter(found.values()), named)
