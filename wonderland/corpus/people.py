"""Pseudonyms for senders and conversations, the same from run to run.

A store names people by number, address or name. A corpus names them ``P001``, ``P002``, … in order of first
appearance, and conversations ``C001``, …; only this mapping knows which is which. A workspace keeps it in one file of
mode 0600; deleting that file makes the pseudonyms irreversible, since they are derived from nothing but the order.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from wonderland.errors import InputError
from wonderland.paths import replacing

__all__ = ["ME", "Pseudonyms"]

ME = "me"


@dataclass
class Pseudonyms:
    """A growing mapping from senders and threads, as the store names them, to pseudonyms."""

    people: dict[str, str] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Counting on from the highest, not from how many there are: a person taken out of the file must not make the
        # next newcomer share the pseudonym of somebody else.
        self._last = {"P": _highest(self.people, "P"), "C": _highest(self.threads, "C")}

    def person(self, sender: str) -> str:
        """Return the pseudonym of a sender, a new one if it was never seen."""
        return self._pseudonym(self.people, sender, "P")

    def thread(self, thread: str) -> str:
        """Return the pseudonym of a conversation, a new one if it was never seen."""
        return self._pseudonym(self.threads, thread, "C")

    def _pseudonym(self, known: dict[str, str], name: str, letter: str) -> str:
        if name not in known:
            self._last[letter] += 1
            known[name] = f"{letter}{self._last[letter]:03d}"
        return known[name]

    @classmethod
    def load(cls, path: Path) -> Pseudonyms:
        """Read the mapping, or start an empty one if there is no file."""
        if not path.exists():
            return cls()
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            return cls(dict(value["people"]), dict(value["threads"]))
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            raise InputError(
                f"The pseudonyms in {path} cannot be read: {error}.",
                hint="Restore the file, or delete it to start again with new pseudonyms.",
            ) from error

    def save(self, path: Path) -> None:
        """Write the mapping, readable by its owner only."""
        with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
            json.dump({"people": self.people, "threads": self.threads}, file, ensure_ascii=True, indent=0)


def _highest(known: dict[str, str], letter: str) -> int:
    return max((int(name[1:]) for name in known.values() if re.fullmatch(rf"{letter}\d+", name)), default=0)
