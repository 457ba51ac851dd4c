"""Who is one person, when one person has many handles?

A handle is a phone number or address on one service, so a person has several. Handles are joined when they share a
``person_centric_id``, when they are the same address on two services, or when they are the same phone number written
in two ways; contacts, where given, join the numbers and addresses of one card. Short codes and business addresses are
never joined to a person, and a handle whose address is empty is somebody unknown of its own.

A number without its country's code is read in the country of its handle, else in the commonest of the store. A contact
card has no country: its number counts only as the handle that it is when dialled in one of the store's countries. A
number on the cards of two people (a landline) belongs to neither.

What would fool it: two cards of one name with one number are taken for one person's, as in two accounts; two cards of
different names for two people's.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wonderland.corpus.phones import country_of, e164, is_short_code

__all__ = ["Card", "Handle", "People", "Person", "Union", "address", "automated", "join"]

Card = tuple[str, tuple[str, ...]]
"""The name on a contact card, and its numbers and addresses as they were written."""

NOT_A_NAME = ("me", "unknown")  # senders of their own, which a card of this name must not become
_SCHEME = re.compile(r"(?i)(tel|mailto|e|p):")


class Handle(NamedTuple):
    """A row of the table ``handle``."""

    rowid: int
    id: str
    service: str
    country: str
    person: str


class Person(NamedTuple):
    """Somebody who writes: a key that stays the same, and what is known of a sender of this kind."""

    key: str
    tags: tuple[str, ...]


class Union:
    """Disjoint sets of anything hashable."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        """Return the representative of an item's set."""
        root = item
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while item != root:
            self._parent[item], item = root, self._parent.get(item, item)
        return root

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of the sets of two items."""
        self._parent[self.find(other)] = self.find(one)


@dataclass(frozen=True)
class People:
    """Everybody in the database.

    Attributes:
        by_handle: The person behind each handle's ROWID.
        named: How many persons have a name from the contacts.
        shared: How many handles have an address that stands on the cards of several people, and so names nobody.
        home: The commonest country of the handles, which numbers of no country are read in.
        by_address: The oldest handle of each address.
    """

    by_handle: Mapping[int, Person]
    named: int = 0
    shared: int = 0
    home: str = ""
    by_address: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len({person.key for person in self.by_handle.values()})

    def key(self, handle: int) -> str:
        """Return the key of the person behind a handle; one of its own for a handle that is not known."""
        person = self.by_handle.get(handle)
        return f"handle {handle}" if person is None else person.key


def address(identifier: str, country: str = "") -> str:
    """Return an address in the one form that all ways of writing it share; empty if there is none."""
    identifier = identifier.strip()
    if identifier.lower().startswith("urn:"):
        return identifier
    plain = _SCHEME.sub("", identifier, count=1) if _SCHEME.match(identifier) else identifier
    if "@" in plain or is_short_code(plain, country or None):
        return plain.lower()
    number = e164(plain, country or None)
    if number is not None or not plain.isascii() or re.search(r"[A-Za-z]", plain):
        return number or plain.lower()
    digits = re.sub(r"[^0-9]", "", plain)
    return ("+" + digits if plain.startswith("+") else digits) or plain


def automated(identifier: str, country: str = "") -> tuple[str, ...]:
    """Return ``business`` or ``short-code`` where the address is not a person's."""
    identifier = identifier.strip()
    if identifier.lower().startswith("urn:"):
        return ("business",)
    plain = _SCHEME.sub("", identifier, count=1) if _SCHEME.match(identifier) else identifier
    if "@" in plain:
        return ()
    if any(character.isalpha() for character in plain):  # a sender's name instead of a number
        return ("business",)
    return ("short-code",) if is_short_code(plain, country or None) else ()


def join(handles: Iterable[Handle], cards: Iterable[Card] = ()) -> People:
    """Find the persons behind the handles.

    Args:
        handles: The rows of ``handle``.
        cards: (name, addresses) of each contact, for joining and naming; none keeps everybody nameless.

    Returns:
        People whose keys are the address of their oldest handle, or their name where a card has one.
    """
    handles, cards = sorted(handles), list(cards)
    countries = _countries(handles, everywhere=bool(cards))
    home = countries[0] if countries else ""
    kinds = {handle.rowid: automated(handle.id, handle.country or home) for handle in handles}
    addresses = {handle.rowid: address(handle.id, handle.country or home) for handle in handles}
    union, by_address = Union(), dict[str, int]()
    for handle in handles:
        one = addresses[handle.rowid]
        if one:
            by_address.setdefault(one, handle.rowid)
            union.join(("address", one), ("handle", handle.rowid))
        if handle.person and not kinds[handle.rowid]:
            union.join(("person", handle.person), ("handle", handle.rowid))
    persons_addresses = {addresses[handle.rowid] for handle in handles if not kinds[handle.rowid]} - {""}
    known, shared = _known(cards, persons_addresses, countries)
    names: dict[Hashable, set[str]] = defaultdict(set)
    for _, ones in known:
        for one in ones[1:]:
            union.join(("address", ones[0]), ("address", one))
    for name, ones in known:
        if name and ones:
            names[union.find(("address", ones[0]))].add(name)
    by_root: dict[Hashable, list[Handle]] = defaultdict(list)
    for handle in handles:
        by_root[union.find(("handle", handle.rowid))].append(handle)
    by_handle: dict[int, Person] = {}
    taken = Counter(NOT_A_NAME)
    for root, group in by_root.items():
        key = min(names[root]) if root in names else ""
        if key:
            taken[key] += 1
            key = key if taken[key] == 1 else f"{key} ({taken[key]})"
        written = (addresses[handle.rowid] for handle in group)
        key = key or next(filter(None, written), f"handle {group[0].rowid}")
        for handle in group:
            by_handle[handle.rowid] = Person(key, kinds[handle.rowid])
    return People(
        by_handle=by_handle,
        named=sum(root in names for root in by_root),
        shared=sum(one in shared for one in addresses.values()),
        home=home,
        by_address=by_address,
    )


def _countries(handles: Sequence[Handle], *, everywhere: bool) -> list[str]:
    """Return the countries of a store, the commonest first: those its handles state, else those of their numbers.

    Args:
        handles: The rows of ``handle``.
        everywhere: Whether to add the countries of all numbers after those that are stated.
    """
    stated = Counter(handle.country.lower() for handle in handles if handle.country)
    dialled: Counter[str] = Counter()
    if everywhere or not stated:
        dialled.update(filter(None, (country_of(handle.id) for handle in handles if handle.id.startswith("+"))))
    ordered = [sorted(counts, key=lambda one: (-counts[one], one)) for counts in (stated, dialled)]
    return list(dict.fromkeys(ordered[0] + ordered[1]))


def _known(
    cards: Iterable[Card], persons: Collection[str], countries: Sequence[str]
) -> tuple[list[tuple[str, list[str]]], set[str]]:
    """Return the cards with those of their addresses that are handles and nobody else's; and the addresses of several.

    A card that stands in two accounts, with the same name and an address in common, counts as one.
    """
    union = Union()
    found: list[tuple[str, list[str]]] = []
    for number, (name, written) in enumerate(cards):
        ones = sorted({one for one in (_handle_of(way, persons, countries) for way in written) if one is not None})
        found.append((name, ones))
        for one in ones if name else ():
            union.join(("card", number), (" ".join(name.split()).casefold(), one))
    owners: dict[str, set[Hashable]] = defaultdict(set)
    for number, (_, ones) in enumerate(found):
        for one in ones:
            owners[one].add(union.find(("card", number)))
    shared = {one for one, cards_of in owners.items() if len(cards_of) > 1}
    return [(name, [one for one in ones if one not in shared]) for name, ones in found], shared


def _handle_of(written: str, persons: Collection[str], countries: Sequence[str]) -> str | None:
    """Return the handle's address that a card means; None if it is nobody's, or could be that of several abroad."""
    at_home = address(written, countries[0] if countries else "")
    if at_home in persons:
        return at_home
    abroad = {address(written, country) for country in countries[1:]}.intersection(persons)
    return abroad.pop() if len(abroad) == 1 else None
