"""What does ``message_summary_info`` say of a message that was edited or unsent?

It is a property list. ``otr`` has the ranges of the original parts, ``ec`` for each edited part its versions, oldest
first, each a typedstream body, and ``rp`` the parts that were unsent. When every part was, the message is gone, though
its row remains.
"""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError

__all__ = ["History", "read_history"]


@dataclass(frozen=True)
class History:
    """The edit history of one message.

    Attributes:
        parts: The numbers of the parts it had originally.
        versions: For each edited part, its bodies, oldest first.
        unsent: The parts that were taken back.
    """

    parts: frozenset[int]
    versions: dict[int, tuple[bytes, ...]]
    unsent: frozenset[int]

    @property
    def all_unsent(self) -> bool:
        """Whether nothing of the message is left."""
        return bool(self.unsent) and self.parts <= self.unsent

    def latest(self, decode: Callable[[bytes], str]) -> str | None:
        """Return the current text, if every part that is left has a version here; else None."""
        left = sorted((self.parts | self.versions.keys()) - self.unsent)
        if not left or not all(self.versions.get(part) for part in left):
            return None
        return "".join(decode(self.versions[part][-1]) for part in left)


def read_history(blob: bytes | None) -> History | None:
    """Read ``message_summary_info``; None if there is none or it cannot be read."""
    if not isinstance(blob, bytes):
        return None
    try:
        plist = plistlib.loads(blob)
    except (ValueError, ExpatError, TypeError, KeyError, RecursionError, AttributeError):
        return None
    if not isinstance(plist, dict):
        return None
    edited, ranges, unsent = plist.get("ec"), plist.get("otr"), plist.get("rp")
    versions = {}
    for part, events in (edited if isinstance(edited, dict) else {}).items():
        if isinstance(events, list) and str(part).isdigit():
            bodies = (event.get("t") for event in events if isinstance(event, dict))
            versions[int(part)] = tuple(body for body in bodies if isinstance(body, bytes))
    return History(
        parts=frozenset(int(part) for part in _if(ranges, dict) if str(part).isdigit()),
        versions=versions,
        unsent=frozenset(part for part in _if(unsent, list) if isinstance(part, int)),
    )


def _if(value: object, kind: type) -> Any:
    return value if isinstance(value, kind) else ()
