"""WhatsApp's text export: what becomes of each message, from a file, a folder of chats or the archives as they came.

The first pass finds the shape of the heads, the senders, the order of day and month and the placeholders of the app;
the second judges each row. What would fool it: a message that holds another export's lines in the very same shape; a
sender's name with ``: `` in it who wrote less than three times; a text somebody typed that is word for word a
placeholder. The export has no ids, so a row is known by its line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import wonderland as wl
from wonderland.advice import Hint, Options
from wonderland.corpus.blocks import Block
from wonderland.corpus.reading import batches
from wonderland.errors import InputError, UsageError
from wonderland_exports.again import AGAIN
from wonderland_exports.discord_rows import EXPORTERS_TEXT
from wonderland_exports.frame import Member, Tally, find_owner, head, maybe_own, open_export, peek
from wonderland_exports.whatsapp.chats import OWN_WORDS, Survey, decoded, survey
from wonderland_exports.whatsapp.judging import Judge
from wonderland_exports.whatsapp.shapes import DAY_FIRST, MONTH_FIRST, shape_of
from wonderland_exports.whatsapp.threads import name_threads
from wonderland_exports.whatsapp_db import apple

__all__ = ["WhatsApp"]

_LINES = 12


class WhatsApp:
    """WhatsApp's text export, of iPhone or Android: ``.txt``, ``.zip``, or a folder of them, one a chat.

    Raises:
        InputError: No line begins as WhatsApp writes it, or it is not clear who you are or which number is the month.
    """

    name: ClassVar[str] = "whatsapp"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        me: Annotated[str | None, "your name as it stands in the chat, where that is not clear"] = None,
        dates: Annotated[Literal["dmy", "mdy"] | None, "which comes first in dates, where that is not clear"] = None,
    ) -> None:
        if dates not in (None, DAY_FIRST, MONTH_FIRST):
            raise UsageError(
                f"dates is {dates!r}.",
                hint=Hint("Say which comes first: ", Options("extract", dates=DAY_FIRST).or_(dates=MONTH_FIRST)),
            )
        self.path = Path(path)
        self._me, self._dates = me, dates
        self._found: Survey | None = None
        self._tally = Tally()

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look whether a text file begins with the head of a message."""
        return max((_sure(member) for member in peek(path, _is_text, 8)), default=0.0)

    @classmethod
    def default_location(cls) -> Path:
        """Return the database of WhatsApp on a Mac: an export lies wherever it was put, and the database is better."""
        return apple.home()

    def count(self) -> int:
        """Count the messages and system lines of all chats."""
        return sum(chat.rows for chat in self._survey().chats)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return counts of marks and times, once `rows` is exhausted."""
        return self._tally.facts()

    def notes(self) -> list[str]:
        """Return what the user should know of this export."""
        return list(self._found.notes) if self._found else []

    def close(self) -> None:
        """Close the export."""
        if self._found is not None:
            self._found.export.close()
            self._found = None

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield one `Message` or `Skipped` for each row of each chat."""
        for block in self.blocks():
            yield from block.rows()

    def blocks(self) -> Iterator[Block]:
        """Yield the same, some thousands of rows at a time as columns."""
        found = self._survey()
        owner = self._owner(found)
        alike = Counter(chat.thread for chat in found.chats)
        coarse = {chat.thread for chat in found.chats if not chat.shape.seconds}
        seen: dict[str, Counter[tuple[object, ...]]] = {}
        for chat in found.chats:
            judged = Judge(chat, owner, found.order[chat.shape.form], self._tally).blocks()
            if alike[chat.thread] == 1:
                yield from judged
            else:
                rows = (row for block in judged for row in block.rows())
                once = _once(rows, seen.setdefault(chat.thread, Counter()), self._tally, minutes=chat.thread in coarse)
                yield from map(Block.of, batches(once))

    def _survey(self) -> Survey:
        if self._found is None:
            export = open_export(self.path, _is_text, "text file of a WhatsApp chat")
            named = [member for member in export.members if _sure(member)]
            export.leave_out(member for member in export.members if member not in named)
            if not named:
                export.refuse_damaged()
                raise _no_chat(export.where, export.members)
            found = survey(export, named, self._dates)
            found.notes += name_threads(found.chats, found.order)
            self._found = found
        return self._found

    def _owner(self, found: Survey) -> frozenset[str]:
        senders: Counter[str] = Counter()
        proved: set[str] = set()
        for chat in found.chats:
            senders.update(chat.senders)
            proved |= chat.proved
        known = proved if len(proved) == 1 else ()
        own, others = OWN_WORDS & {*senders}, Counter[str]()
        for chat in found.chats:
            others.update(chat.possibly_own if OWN_WORDS & {*chat.senders} else {})
        if others and not (self._me or known):
            found.notes = [*dict.fromkeys([*found.notes, maybe_own(found.export.where, own, others)])]
        alone = [chat for chat in found.chats if chat.senders and not chat.is_the_other_alone]
        if not (self._me or known or alone):
            return frozenset()  # nothing but messages from the others
        return find_owner(found.export.where, senders, self._me, own_words=OWN_WORDS, known=known)


def _once(
    items: Iterator[wl.Message | wl.Skipped], seen: Counter[tuple[object, ...]], tally: Tally, *, minutes: bool
) -> Iterator[wl.Message | wl.Skipped]:
    """Pass over what another export of the same chat already had, as often as it had it.

    Args:
        items: What became of the rows of a file.
        seen: How often earlier files had a message; counted on here.
        tally: Takes back what was counted of what is passed over.
        minutes: Whether times are compared by the minute, since a file of the chat shows no seconds.
    """
    here: Counter[tuple[object, ...]] = Counter()
    for item in items:
        if isinstance(item, wl.Skipped):
            yield item
            continue
        when = item.timestamp.replace(second=0) if minutes and item.timestamp else item.timestamp
        key: tuple[object, ...] = (item.sender, when, item.text)
        here[key] += 1
        if here[key] <= seen[key]:
            tally.without(item)
            yield wl.Skipped(item.id, AGAIN)
        else:
            yield item
    for known, count in here.items():
        seen[known] = max(seen[known], count)


def _sure(member: Member) -> float:
    """Say how sure it is that a text file is a chat: a head at the start of one of its first lines."""
    start = head(member)
    if EXPORTERS_TEXT.match(start):
        return 0.0
    for line in decoded(start).split("\n")[:_LINES]:
        shape = shape_of(line)
        if shape is not None:
            iso = shape.year_first and shape.form[1] == "-"
            if shape.bracketed and iso and not shape.seconds:  # that is Signal's old layout
                return 0.0
            return 0.7 if shape.bare else 0.95
    return 0.0


def _is_text(name: str) -> bool:
    return name.lower().endswith(".txt") and not name.startswith("__MACOSX/")


def _no_chat(where: str, members: tuple[Member, ...]) -> InputError:
    lines = decoded(head(members[0])).split("\n")
    signs = "".join(
        "9" if sign.isdigit() else sign for sign in lines[0][:24] if sign.isprintable() and not sign.isalpha()
    )
    return InputError(
        f"No line of {where} begins as a WhatsApp message does, with date, time and name. "
        f"The first begins like {signs.strip()[:24]!r}.",
        hint="In WhatsApp: the chat > ... > Export chat. If this is such an export, please report the beginning of a "
        "line (only date and time): its shape is new.",
    )
