"""What a workspace learns from: the times and people that ``wonderland.toml`` chooses, before any filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.filters import Filter, scrub
from wonderland.corpus.handles import Acquaintances, handle_of
from wonderland.corpus.people import ME, Pseudonyms
from wonderland.counted import counted
from wonderland.errors import InputError, UsageError
from wonderland.workspace.layout import Layout
from wonderland.workspace.several import PEOPLE

__all__ = ["choose", "filters", "must_keep_any"]

_CHOICES = ("dates", "people")  # stages of the ledger
_REPEATS = "repeats"


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
        owner = _called_owner(layout)
        people, without = (
            [_sender(one, known, said, owner, option) for one in named]
            for named, option in ((f.person, "person"), (f.not_person, "not_person"))
        )
        if len(chosen) < len(corpus):
            wrote, before = (set(one.table.column("sender").unique().to_pylist()) for one in (chosen, corpus))
            _must_have_written(people, wrote, before, layout)
            if not wrote:  # the dates leave nothing, which is said once all is chosen
                return chosen
            without = [one for one in without if one in wrote or one not in before]
        try:
            chosen = chosen.of_people(*people, without=without)
        except UsageError as error:
            told = f"{layout.folder / 'people.json'} says who is who."
            asked = "A store that numbers people, such as Telegram, knows them by that number."
            raise UsageError(error.message, hint=f"{error.hint} {told} {asked}") from None
    chosen = chosen.only_direct() if f.only_direct else chosen
    return chosen.cap_repeats(f.most_repeats) if f.most_repeats else chosen


def _called_owner(layout: Layout) -> set[str]:
    """Return what the owner was said to be called in the stores."""
    source = layout.settings.source
    said = [options.get("me") for options in (source.options, *(store.get("options", {}) for store in source.more))]
    names = [name for one in said for name in (one if isinstance(one, (list, tuple)) else [one])]
    return {name for name in names if isinstance(name, str) and name}


def _must_have_written(people: Sequence[str], wrote: set[str], before: set[str], layout: Layout) -> None:
    """Refuse people of whom one wrote messages, and none in the time that is chosen, where others wrote some.

    Raises:
        UsageError: There is one.
    """
    f = layout.settings.filter
    late = [one for one in people if one in before - wrote]
    if wrote and late:
        time = " ".join(f"{word} {said}" for word, said in (("since", f.since), ("until", f.until)) if said)
        raise UsageError(
            f"{late[0]!r} wrote messages here, but none in the time chosen ({time}).",
            hint=Hint("To choose all times again: ", Command("filter", keeping=True, since="", until="")),
        )


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
    gone: Counter[tuple[str, str]] = Counter()
    for entry in kept.ledger.entries[len(read.ledger.entries) :]:
        if entry.count:
            gone[entry.stage, entry.reason] += entry.count
    listed = ", ".join(f"{stage}: {reason} ({count:,})" for (stage, reason), count in gone.most_common())
    back = Command("filter", keeping=True, since="", until="", person="", not_person="", only_direct=False)
    hint: list[str | Command] = []
    if any(stage in _CHOICES for stage, _ in gone):
        hint += ["Choose less narrowly. To choose all again: ", back]
    if any(stage not in (*_CHOICES, _REPEATS) for stage, _ in gone):  # else there was no noise to leave out
        hint += [". " if hint else "", "To drop no noise: ", Command("filter", keeping=True, none=True)]
    raise InputError(f"Of {counted(len(read), 'message')} none would be left. What goes: {listed}.", hint=Hint(*hint))


def _sender(named: str, known: dict[str, str], said: Acquaintances, owner: Collection[str], option: str) -> str:
    """Return the sender somebody is: by pseudonym, number, address, or name in one of the stores.

    A name of a store that the user's list of people gives to somebody is that person; ``whatsapp: Ada`` says whose
    name it is.

    Raises:
        UsageError: It is the name of several people, or of the owner, who is called "me" here.
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
    if not found and named in owner:
        raise UsageError(
            f"{named!r} is you here, and you are called {ME!r}.",
            hint=Hint("Name yourself so: ", Command("filter", keeping=True, **{option: ME})),
        )
    return next(iter(found.values()), named)
