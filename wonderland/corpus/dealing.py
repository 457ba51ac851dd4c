"""Options of sources where several stores are read: said once they are of all, said once for each they are of each.

The owner may be called otherwise in each messenger, and each table has columns of its own. So ``--me Ada --me "Ada B"``
goes to the first and the second of the stores whose source has the option, in the order in which they are read.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wonderland.advice import Command, Either, Hint, Options, in_python
from wonderland.as_typed import options_as_typed
from wonderland.counted import counted
from wonderland.errors import OwnerUnknown, UsageError

__all__ = ["Each", "Given", "dealt", "options_of", "say_it_of_each"]

_ME = "me"
_SEVERAL = Either(
    "Give it once for all, or once for each of them, in their order.",
    "Give one value for all, or a list with one for each of them, in their order.",
)
_ONE = Either("Give it once.", "Give one value, not a list.")


class Each(tuple[Any, ...]):
    """Several values of one option, as they were said one after another."""

    __slots__ = ()


class Given(NamedTuple):
    """A store as it is read.

    Attributes:
        path: Where it is.
        named: The source that was named for it; "" for the one that recognises it.
        kind: The source that reads it.
        options: What it is told.
    """

    path: Path
    named: str
    kind: type[Any]
    options: Mapping[str, Any]


def options_of(kind: type[Any]) -> set[str]:
    """Return the names of the options of a source."""
    return {name for name in inspect.signature(kind).parameters if name != "path"}


def dealt(options: Mapping[str, Any], kinds: Sequence[type[Any]], places: Sequence[Path] = ()) -> list[dict[str, Any]]:
    """Return the options of each store, by the source that reads it.

    Args:
        options: By name; one that was said several times as `Each`, or as a list where the source wants one value.
        kinds: The source of each store, in their order.
        places: Where each store is, for the error; none names them by their sources alone.

    Raises:
        UsageError: An option was said several times, and not once for each store whose source has it.
    """
    found: list[dict[str, Any]] = [{} for _ in kinds]
    for name, value in options.items():
        takers = [number for number, kind in enumerate(kinds) if name in options_of(kind)]
        several = isinstance(value, Each) or (
            isinstance(value, (list, tuple)) and not any(_takes_several(kinds[number], name) for number in takers)
        )
        if several and len(value) != len(takers):
            flag = f"--{name.replace('_', '-')}"
            stores = counted(len(takers), "store takes", "stores take")
            named = [f"{places[one]} ({kinds[one].name})" if places else kinds[one].name for one in takers]
            told = Either(f"{flag} is given {counted(len(value), 'time')}", f"{name} is a list of {len(value)}")
            raise UsageError(
                Hint(told, f", and {stores} it" + (f": {', '.join(named)}." if takers else ".")),
                hint=Hint(_SEVERAL if len(takers) > 1 else _ONE),
            )
        for place, number in enumerate(takers):
            found[number][name] = value[place] if several else value
    return found


def _takes_several(kind: type[Any], name: str) -> bool:
    hint = typing.get_type_hints(kind.__init__).get(name)
    kinds = {hint, *typing.get_args(hint)}
    return any((typing.get_origin(one) or one) in (list, tuple) for one in kinds)


def say_it_of_each(error: OwnerUnknown, stores: Sequence[Given], number: int) -> None:
    """Where one of several stores does not say who its owner is, add how to say it of that one.

    Args:
        error: What was said of it, whose hint is made longer.
        stores: All stores, in their order.
        number: Which one it is.
    """
    takers = [place for place, store in enumerate(stores) if _ME in options_of(store.kind)]
    if len(takers) < 2:  # what is said is said of this one alone
        return
    paths = list(dict.fromkeys(store.path for store in stores))
    words = [str(path) for path in (paths if len(paths) == 1 else [store.path for store in stores])]
    if len(paths) < len(stores) or any(store.named for store in stores):
        names = [store.kind.name if len(paths) < len(stores) else store.named for store in stores]
        words += [word for name in names for word in ("--source", name)]
    name = _probable(error, stores, number)
    told = [
        {**store.options, _ME: name or "NAME"} if at == number else store.options for at, store in enumerate(stores)
    ]
    which = f"{stores[number].path.name}, {stores[number].kind.name}"
    who = f"if {name!r} is" if name else "NAME is"
    said = (
        " Of several stores, say it once for each, in their order, '' of one that tells it itself; "
        f"{who} who you are in {which}: "
    )
    kinds = [store.kind for store in stores]
    argument = Options(**{_ME: [value for name, values in _values(kinds, told) if name == _ME for value in values]})
    again = Command("extract", *words, *_said(kinds, told), in_python=argument.in_python)
    of_one = Either(error.hint, in_python(error.hint))  # no command: it would be said of all
    error.hint = Hint(of_one, "" if error.hint.endswith(".") else ".", said, again)


def _probable(error: OwnerUnknown, stores: Sequence[Given], number: int) -> str:
    """Return who of those that wrote in a store to propose as its owner; "" for nobody.

    It is the one that has a word of a name in common with what the owner was said to be called, in this store or
    another; who wrote most only where nothing was said of this store.
    """
    names = [name for name, _ in error.candidates]
    said = [str(store.options[_ME]) for store in stores if store.options.get(_ME)]
    words = {word for one in said for word in one.casefold().split()}
    alike = [name for name in names if words & {*name.casefold().split()}]
    if len(alike) == 1:
        return alike[0]
    return names[0] if names and not stores[number].options.get(_ME) else ""


def _said(kinds: Sequence[type[Any]], options: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the options of several stores as they are typed."""
    each = ((name, one) for name, values in _values(kinds, options) for one in values)
    return [word for name, one in each for word in options_as_typed({name: one})]


def _values(kinds: Sequence[type[Any]], options: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield each option of several stores with what is said of it: once where all have the same, else once for each.

    What one has that others were not told is told them as it is by default; of who the owner is, that is "" where a
    source has no name by default. Of what is on or off, which can only be said of all, and of what cannot be typed by
    default, that is what one has.
    """
    for name in dict.fromkeys(name for one in options for name in one):
        takers = [number for number, kind in enumerate(kinds) if name in options_of(kind)]
        usual = [inspect.signature(kinds[number]).parameters[name].default for number in takers]
        usual = ["" if name == _ME and default is None else default for default in usual]
        values = [options[number].get(name, default) for number, default in zip(takers, usual, strict=True)]
        given = next(one[name] for one in options if name in one)
        apart = any(value != given for value in values) and not isinstance(given, bool)
        each = [value for value in values if isinstance(value, (str, int, float, list, tuple))]
        yield name, each if apart and len(each) == len(values) else [given]
