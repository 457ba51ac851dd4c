"""What ``message_summary_info`` says of a message that was edited or unsent.

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

from wonderland_imessage.archived import ArchiveError

__all__ = ["History", "read_history"]

PLACE = 1  # code units that the place of an attachment takes
MOST_DIGITS = 9
REFUSALS = (
    ValueError,
    ExpatError,
    TypeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    AttributeError,
)  # plistlib's


@dataclass(frozen=True)
class History:
    """The edit history of one message.

    Attributes:
        parts: The numbers of the parts it had originally, and how many UTF-16 code units each had.
        versions: For each edited part, its bodies, oldest first.
        unsent: The parts that were taken back.
    """

    parts: dict[int, int]
    versions: dict[int, tuple[bytes, ...]]
    unsent: frozenset[int]

    @property
    def all_unsent(self) -> bool:
        """Whether nothing of the message is left."""
        whole = self.parts.keys() | self.versions.keys()
        return bool(whole) and whole <= self.unsent

    def latest(self, decode: Callable[[bytes], str]) -> str:
        """Return the current text; empty if no part that is left has one.

        A part that was not edited has no version here. One code unit long, it is the place of an attachment, which is
        no text.

        Raises:
            ArchiveError: A version cannot be read, or a longer part has none: its text is not here.
        """
        left = sorted((self.parts.keys() | self.versions.keys()) - self.unsent)
        edited = [part for part in left if self.versions.get(part)]
        kept = [part for part in left if part not in edited]
        lost = [part for part in kept if part in self.versions or self.parts.get(part, 0) > PLACE]
        if lost:
            raise ArchiveError(f"its edit history lacks the text of part {lost[0]}")
        return "".join(decode(self.versions[part][-1]) for part in edited)


def read_history(blob: bytes | None) -> History | None:
    """Read ``message_summary_info``; None if there is none or it cannot be read."""
    if not isinstance(blob, bytes):
        return None
    try:
        plist = plistlib.loads(blob)
    except REFUSALS:
        return None
    if not isinstance(plist, dict):
        return None
    edited, ranges, unsent = plist.get("ec"), plist.get("otr"), plist.get("rp")
    versions = {}
    for part, events in _if(edited, dict).items():
        if isinstance(events, list) and _is_number(part):
            bodies = (event.get("t") for event in events if isinstance(event, dict))
            versions[int(part)] = tuple(body for body in bodies if isinstance(body, bytes))
    return History(
        parts={int(part): _length(span) for part, span in _if(ranges, dict).items() if _is_number(part)},
        versions=versions,
        unsent=frozenset(part for part in _if(unsent, list) if isinstance(part, int)),
    )


def _if(value: object, kind: type) -> Any:
    return value if isinstance(value, kind) else kind()


def _is_number(part: object) -> bool:
    return str(part).isdecimal() and len(str(part)) < MOST_DIGITS


def _length(span: object) -> int:
    length = _if(span, dict).get("le")
    return length if isinstance(length, int) else 0
