"""Senders who are the same person in every store: those named by a phone number or an e-mail address.

A number counts if it carries the code of its country; one without could be anybody's. A name never counts: two people
may have one. Names are joined by what the user writes into ``people.toml``, a name with what that person is called in
each store, the store called as the ledger calls it (``whatsapp``, ``whatsapp-2``), or ``any``:

    ["Ada"]
    messenger = ["Ada Berg"]
    any = ["+15550100001", "ada@x.example"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wonderland.corpus.called import NOBODY, Called
from wonderland.corpus.people import ME, Pseudonyms
from wonderland.corpus.phones import e164
from wonderland.errors import InputError
from wonderland.paths import expanded

__all__ = ["Acquaintances", "StoreNames", "handle_of"]

_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # of writing direction, which WhatsApp writes
_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+\.[^\s@<>,;:\".]{2,}")
_HOW = 'Write it so:\n["Ada"]\nwhatsapp = ["Ada B"]\nany = ["+15550100001"]'


def handle_of(sender: str) -> str | None:
    """Return the phone number (``+`` and digits) or e-mail address (small letters) a sender is named by, or None.

    >>> handle_of("+1 (555) 010-0001"), handle_of("Ada@X.example"), handle_of("Ada"), handle_of("0151 1234567")
    ('+15550100001', 'ada@x.example', None, None)
    """
    address = sender.strip().lower()
    if _ADDRESS.fullmatch(address):
        return address
    return e164(_MARKS.sub("", sender)) if "+" in sender else None


@dataclass(frozen=True)
class Acquaintances:
    """Who the user says is one person.

    Attributes:
        names: The person's name by store (or ``any``) and what the person is called there.
    """

    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def name_of(self, sender: str, stores: Iterable[str]) -> str | None:
        """Return the person a sender is, if the user says so for one of the names the store goes by."""
        called = handle_of(sender) or sender
        return next((self.names[key] for store in (*stores, "any") if (key := (store, called)) in self.names), None)

    @classmethod
    def named(cls, path: str | Path | None) -> Acquaintances:
        """Read a file that the user names; nobody if none is named.

        Raises:
            InputError: There is none of that name, or as `load`.
        """
        if path is None or path == "":
            return cls()
        file = expanded(path)
        if not file.is_file():
            raise InputError(f"There is no file {file}, which is to say who is one person.", hint=_HOW)
        return cls.load(file)

    @classmethod
    def load(cls, path: Path) -> Acquaintances:
        """Read ``people.toml``; nobody if there is no such file.

        Raises:
            InputError: It is no such file, or gives what one sender is called to two people.
        """
        if not path.exists():
            return cls()
        try:
            people = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}.", hint=_HOW) from error
        found: dict[tuple[str, str], str] = {}
        for name, stores in people.items():
            if not isinstance(stores, dict) or not all(_is_texts(called) for called in stores.values()):
                raise InputError(f"{path}: {name!r} is no person with what they are called in each store.", hint=_HOW)
            for store, called in stores.items():
                for one in [called] if isinstance(called, str) else called:
                    key = (store, handle_of(one) or one)
                    if found.setdefault(key, name) != name:
                        raise InputError(
                            f"{path}: {one!r} in {store!r} is both {found[key]!r} and {name!r}.",
                            hint="Leave it with one of them.",
                        )
        return cls(found)


@dataclass(frozen=True)
class StoreNames:
    """What senders and conversations of one store among several are called, instead of `Pseudonyms` alone.

    Attributes:
        label: What the store is called among the others.
        space: Where its names are unique: its label, or its source if a name means the same in all of its stores.
        known: Who the user says is one person.
        pseudonyms: The mapping all stores share; None to keep names.
        met: Who was asked for so far, as the user's list would call them.
        called: What people and conversations are called, where the store was asked for names too.
    """

    label: str
    space: str
    known: Acquaintances
    pseudonyms: Pseudonyms | None
    met: set[str] = field(default_factory=set)
    called: Called = NOBODY

    def person(self, sender: str) -> str:
        """Return what a sender is called among all stores."""
        named = self.called.people.get(sender, "")
        self.met.update(handle_of(one) or one for one in (sender, named) if one)
        key = self._key(sender)
        return self.pseudonyms.person(key) if self.pseudonyms and key != ME else key

    def _key(self, sender: str) -> str:
        stores, named = (self.label, self.space), self.called.people.get(sender, "")
        name = self.known.name_of(sender, stores) or (self.known.name_of(named, stores) if named else None)
        return name or handle_of(sender) or f"{self.space}: {sender}"

    def shown(self) -> Called:
        """Return the names of people and conversations by what they are identified by among all stores."""
        people = {self._key(sender): f"{self.space}: {name}" for sender, name in self.called.people.items()}
        threads = {f"{self.space}: {one}": f"{self.space}: {name}" for one, name in self.called.threads.items()}
        said = {*self.known.names.values(), ME}
        return Called({key: name for key, name in people.items() if key not in said}, threads)

    def thread(self, thread: str) -> str:
        """Return what a conversation is called among all stores."""
        key = f"{self.space}: {thread}"
        return self.pseudonyms.thread(key) if self.pseudonyms else key


def _is_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
