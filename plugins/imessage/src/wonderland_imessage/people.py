"""Who is one person, when one person has many handles?

A handle is a phone number or address on one service, so a person has several. Handles are joined when they share a
``person_centric_id``, when they are the same address on two services, or when they are the same phone number written
in two ways; contacts, where given, join the numbers and addresses of one card. Short codes and business addresses are
never joined to a person.

What would fool it: a number without a country code is taken for a North American one only if it has ten digits and its
handle's country does not say otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Handle", "People", "Person", "Union", "address", "automated", "join"]

SHORTEST_NUMBER = 7  # fewer digits are a short code, which belongs to a machine
NORTH_AMERICA = {"us", "ca", ""}


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
    """

    by_handle: Mapping[int, Person]
    named: int = 0

    def __len__(self) -> int:
        return len({person.key for person in self.by_handle.values()})


def address(identifier: str, country: str = "") -> str:
    """Return an address in the one form that all ways of writing it share."""
    identifier = identifier.strip()
    if identifier.lower().startswith("urn:"):
        return identifier
    plain = re.sub(r"^(tel|mailto|e|p):", "", identifier, flags=re.IGNORECASE)
    if "@" in plain:
        return plain.lower()
    digits = re.sub(r"\D", "", plain)
    if len(digits) < SHORTEST_NUMBER or re.search(r"[A-Za-z]", plain):
        return plain.lower()
    if plain.startswith("+"):
        return "+" + digits
    if len(digits) == 10 and digits[0] not in "01" and country.lower() in NORTH_AMERICA:
        return "+1" + digits
    return digits if digits.startswith("0") else "+" + digits


def automated(identifier: str) -> tuple[str, ...]:
    """Return ``business`` or ``short-code`` where the address is not a person's."""
    lowered = identifier.strip().lower()
    if lowered.startswith("urn:"):
        return ("business",)
    if "@" in lowered:
        return ()
    digits = re.sub(r"\D", "", lowered)
    if re.search(r"[a-z]", lowered):  # a sender's name instead of a number
        return ("business",)
    return ("short-code",) if digits and len(digits) < SHORTEST_NUMBER else ()


def join(handles: Iterable[Handle], cards: Iterable[tuple[str, tuple[str, ...]]] = ()) -> People:
    """Find the persons behind the handles.

    Args:
        handles: The rows of ``handle``.
        cards: (name, addresses) of each contact, for joining and naming; none keeps everybody nameless.

    Returns:
        People whose keys are the address of their oldest handle, or their name where a card has one.
    """
    handles = sorted(handles)
    union = Union()
    for handle in handles:
        known = ("address", address(handle.id, handle.country))
        union.join(known, ("handle", handle.rowid))
        if handle.person and not automated(handle.id):
            union.join(("person", handle.person), known)
    names: dict[Hashable, set[str]] = defaultdict(set)
    for name, addresses in cards:
        known_addresses = [("address", address(one)) for one in addresses if not automated(one)]
        for other in known_addresses[1:]:
            union.join(known_addresses[0], other)
        if name and known_addresses:
            names[known_addresses[0]].add(name)
    by_root: dict[Hashable, list[Handle]] = defaultdict(list)
    for handle in handles:
        by_root[union.find(("handle", handle.rowid))].append(handle)
    name_of: dict[Hashable, str] = {}
    for known_address, given in names.items():
        root = union.find(known_address)
        name_of[root] = min({*given, name_of[root]} if root in name_of else given)
    by_handle: dict[int, Person] = {}
    taken: dict[str, int] = {}
    named = 0
    for root, group in by_root.items():
        key = name_of.get(root, "")
        if key:
            named += 1
            taken[key] = taken.get(key, 0) + 1
            key = key if taken[key] == 1 else f"{key} ({taken[key]})"
        key = key or address(group[0].id, group[0].country)
        for handle in group:
            by_handle[handle.rowid] = Person(key, automated(handle.id))
    return People(by_handle, named)
