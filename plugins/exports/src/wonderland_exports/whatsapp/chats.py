"""What the first pass over the chats finds: shapes, senders, dates, and who of two must be the owner."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pyarrow.compute as pc

from wonderland.advice import Hint, Options
from wonderland.errors import InputError
from wonderland_exports.frame import Export, Member, e164, encoding_of, head
from wonderland_exports.whatsapp.halves import month_of
from wonderland_exports.whatsapp.rows import Rows, rows_of
from wonderland_exports.whatsapp.shapes import (
    DAY_FIRST,
    MONTH_FIRST,
    Shape,
    day,
    must_be_month_first,
    order_of,
    shape_of,
)
from wonderland_exports.whatsapp.telling import cut, joined
from wonderland_exports.whatsapp.web import EVENT, is_web
from wonderland_exports.whatsapp.words import NOTICES, OWN_WHOLE, deleted_by_me, placeholder

__all__ = [
    "COPY",
    "FIRST",
    "OWN_WORDS",
    "Chat",
    "Survey",
    "clean",
    "decoded",
    "numbers",
    "split",
    "survey",
]

OWN_WORDS = frozenset({"You", "Du", "Tú", "Vous", "Você", "Tu", "Jij", "Sen", "Вы"})
FIRST = 3  # rows among which the app says that messages are encrypted
_THRICE, _MOSTLY = 3, 0.8  # so often what follows a name belongs to the name
_OFTEN = 0.01  # of the rows of a chat are a placeholder at least that is known by nothing else
_LONGEST_NAME = 60
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
COPY = re.compile(r"\s?\(\d{1,2}\)$")
_QUOTES = re.compile('["“”„«»]')


@dataclass
class Chat:
    """One text file.

    Attributes:
        member: The file.
        title: Its name, which holds the name of the chat.
        shape: The shape of its heads.
        rows: How many rows it has.
        senders: How many typed messages of each.
        longer: What follows a sender's name up to the next ``: `` and belongs to the name.
        dates: Its different dates as numbers, in order.
        repeated: The placeholder in angle brackets that is known by how often it occurs.
        proved: Senders that must be the owner.
        media: How many rows name a file that came with it.
        other_heads: How many lines of the last message begin as messages of another phone do.
        web: Whether WhatsApp Web wrote it.
        thread: What identifies the chat.
    """

    member: Member
    title: str
    shape: Shape
    rows: int = 0
    senders: Counter[str] = field(default_factory=Counter)
    longer: dict[str, str] = field(default_factory=dict)
    dates: list[tuple[int, int, int]] = field(default_factory=list)
    repeated: set[str] = field(default_factory=set)
    proved: set[str] = field(default_factory=set)
    media: int = 0
    other_heads: int = 0
    web: bool = False
    thread: str = ""

    @property
    def is_group(self) -> bool:
        """Whether more than two people wrote."""
        return len(self.senders) > 2

    @property
    def possibly_own(self) -> dict[str, int]:
        """Who may be the owner by a name, with the messages of each: all but "You" and whom the chat is named after."""
        named = {sender: count for sender, count in self.senders.items() if sender not in OWN_WORDS}
        return {sender: count for sender, count in named.items() if not _named_after(self.title, sender)}

    @property
    def is_the_other_alone(self) -> bool:
        """Whether only the one wrote whom the chat is named after."""
        return len(self.senders) == 1 and all(_named_after(self.title, sender) for sender in self.senders)


@dataclass
class Survey:
    """All chats of an export, and the order of day and month by form of their heads."""

    export: Export
    chats: list[Chat]
    order: dict[tuple[str, ...], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def survey(export: Export, members: list[Member], dates: str | None) -> Survey:
    """Make the first pass.

    Raises:
        InputError: Day and month could be either way.
    """
    chats = [_surveyed(export, member) for member in members]
    found = Survey(export, chats, notes=list(export.notes))
    for form in {chat.shape.form: chat for chat in chats}:
        alike = [chat for chat in chats if chat.shape.form == form]
        found.order[form] = dates or _order(alike)
    for chat in chats:
        first = day(chat.dates[0], found.order[chat.shape.form])
        told = joined(chat.title, chat.other_heads), cut(chat.title, chat.rows, first, with_media=bool(chat.media))
        found.notes += filter(None, told)
    return found


def _order(chats: list[Chat]) -> str:
    if chats[0].shape.year_first or all(chat.web for chat in chats):
        return MONTH_FIRST
    runs = [chat.dates for chat in chats]
    if chats[0].shape.proves_day_first:
        return MONTH_FIRST if must_be_month_first(runs) else DAY_FIRST
    order = order_of(runs)
    if order is None:
        chat, date = next(
            ((chat, date) for chat in chats for date in chat.dates if date[0] != date[1]), (chats[0], (1, 1, 1))
        )
        if date[0] == date[1]:
            return DAY_FIRST  # both readings are the same
        days = {order: day(date, order) for order in (DAY_FIRST, MONTH_FIRST)}
        read = [f"{found:%d %B %Y} ({order})" if found else f"no day at all ({order})" for order, found in days.items()]
        raise InputError(
            f"In {chat.member.name} {date[0]}/{date[1]}/{date[2]} can be {' or '.join(read)}, and no date in the "
            "export says which: none has a number over 12 in one place only, or runs backwards in one reading.",
            hint=Hint("Say which comes first: ", Options("extract", dates=DAY_FIRST).or_(dates=MONTH_FIRST)),
        )
    return order


def _surveyed(export: Export, member: Member) -> Chat:
    shape = _shape(member)
    chat = Chat(member, _title(export, member), shape)
    rows = rows_of(member, shape)
    chat.rows = len(rows)
    chat.web = is_web(rows.before, shape)
    chat.other_heads = sum(shape_of(line) is not None for line in "".join(rows.bodies[-1:]).split("\n")[1:])
    chat.dates = [numbers(date, shape) for date, _ in groupby(rows.dates)]
    angles: Counter[str] = Counter()
    following: dict[str, Counter[str]] = {}
    raw, others = _plain(rows)
    for at in others:
        sender, text = rows.senders[at], rows.texts[at]
        if sender == rows.bodies[at] or "\n" in sender:
            sender, _, more = rows.bodies[at].partition("\n")
            if not sender.endswith(":"):
                continue
            text = f"\n{more}" if more else ""
        if text.startswith("\u200e"):
            chat.media += "<" in text
            if deleted_by_me(text):
                chat.proved.add(clean(sender))
            continue
        raw[sender] += 1
        if ": " in text or text.endswith(":"):
            line = text.partition("\n")[0]
            segment = line.partition(": ")[0] if ": " in line else line[:-1] if line.endswith(":") else ""
            if segment and len(segment) < _LONGEST_NAME:
                following.setdefault(sender, Counter())[segment] += 1
        if text.startswith("<") and text.endswith(">") and "\n" not in text:
            angles[text] += 1
        elif text in OWN_WHOLE:
            chat.proved.add(clean(sender))
    for sender, text in zip(rows.senders[:FIRST], rows.texts, strict=False) if shape.bracketed else ():
        raw[sender] -= text.startswith(NOTICES)  # whose mark was taken off
    raw = Counter({sender: count for sender, count in raw.items() if not (chat.web and sender.startswith(EVENT))})
    chat.repeated = _repeated(angles, chat)
    for sender, segments in following.items():
        ((segment, count),) = segments.most_common(1)
        often = count >= _THRICE and count >= _MOSTLY * raw[sender]
        if often or _named_after(chat.title, f"{sender}: {segment}"):
            chat.longer[sender] = segment
            chat.senders[clean(f"{sender}: {segment}")] += count
            raw[sender] -= count
    for sender, count in raw.items():
        if count > 0 and not _is_event(chat, sender, count):
            chat.senders[clean(sender.removesuffix(":"))] += count
    chat.proved &= {*chat.senders}
    if len(chat.senders) == 2:
        named = [sender for sender in chat.senders if _named_after(chat.title, sender)]
        if len(named) == 1:
            chat.proved |= {*chat.senders} - {*named}
    return chat


def _repeated(angles: Counter[str], chat: Chat) -> set[str]:
    """Return the placeholder that Android wrote, in a language that is not known, if there is one.

    A phone writes one placeholder in a chat, often; so it is the most frequent text in angle brackets, and none is
    where one is known by its words. The iPhone marks what nobody typed and writes none.
    """
    if chat.shape.bracketed or any(map(placeholder, angles)):
        return set()
    return {text for text, count in angles.most_common(1) if count >= max(_THRICE, _OFTEN * chat.rows)}


def _plain(rows: Rows) -> tuple[Counter[str], Iterable[int]]:
    """Count the rows by sender whose text has no say in the survey, and return the places of the others."""
    found = rows.in_columns
    if found is None:
        return Counter(), range(len(rows.bodies))
    says_more = [pc.match_substring(found.texts, ": "), pc.ends_with(found.texts, ":")]
    plain = found.untouched & ~np.logical_or.reduce([one.to_numpy(zero_copy_only=False) for one in says_more])
    words = found.senders.dictionary.to_pylist()
    codes = found.senders.indices.to_numpy()
    plain &= np.array(["\n" not in word for word in words], dtype=bool)[codes]
    counts = np.bincount(codes[plain], minlength=len(words)).tolist()
    raw = Counter({word: count for word, count in zip(words, counts, strict=True) if count})
    return raw, np.flatnonzero(~plain).tolist()


def numbers(date: str, shape: Shape) -> tuple[int, int, int]:
    """Return the date of a head as (first, second, year); where the year is first, as (month, day, year)."""
    match = shape.date.fullmatch(date)
    assert match is not None
    first, third = int(match["d1"]), int(match["d3"])
    second = int(match["d2"]) if match["d2"].isdecimal() else month_of(match["d2"]) or 0
    return (second, third, first) if shape.year_first else (first, second, third)


def _is_event(chat: Chat, sender: str, count: int) -> bool:
    """Whether what looks like a sender is a line of the app: ``Bo changed the subject to “a: b”``."""
    if count > 2:
        return False
    return len(_QUOTES.findall(sender)) % 2 == 1 or any(sender.endswith(f" {short}") for short in chat.longer)


def split(chat: Chat, body: str) -> tuple[str, str] | None:
    """Return sender and text of what follows a head; None if it has no sender."""
    if chat.web and body.startswith(EVENT):
        return None
    sender, colon, text = body.partition(": ")
    if not colon or "\n" in sender:
        line, more, rest = body.partition("\n")
        name = clean(line[:-1])
        return (name, more + rest) if line.endswith(":") and name in chat.senders else None
    segment = chat.longer.get(sender)
    if segment is not None and text.startswith(f"{segment}:"):
        return clean(f"{sender}: {segment}"), text[len(segment) + 1 :].removeprefix(" ")
    if segment is not None and text.startswith(f"{segment} "):
        return None  # "Dee: the second left"
    name = clean(sender)
    if name not in chat.senders and not text.startswith("\u200e"):
        return None  # `_is_event` said so
    return name, text


_CLEANED: dict[str, str] = {}


def clean(sender: str) -> str:
    """Return a sender without marks of direction and the sign for strangers; a number in one form."""
    found = _CLEANED.get(sender)
    if found is None:
        plain = _MARKS.sub("", sender).strip()
        plain = plain.removeprefix("~").strip() if plain.startswith("~") else plain
        found = e164(plain) or plain
        if len(_CLEANED) < 1 << 16:
            _CLEANED[sender] = found
    return found


def decoded(content: bytes) -> str:
    """Decode the beginning of a text file."""
    return content.decode(encoding_of(content), "replace").replace("\r\n", "\n")


def _shape(member: Member) -> Shape:
    for line in decoded(head(member)).split("\n"):
        if shape := shape_of(line):
            return shape
    raise InputError(
        f"No line of {member.name} begins as a WhatsApp message does.",
        hint="Give the file that *Export chat* wrote, as it is. Of another program, make JSON Lines.",
    )


def _title(export: Export, member: Member) -> str:
    path = member.path
    if path.stem.lower() != "_chat":
        return path.stem
    return path.parent.name.removesuffix(".zip") if len(path.parts) > 1 else export.path.absolute().stem


def _named_after(title: str, sender: str) -> bool:
    """Whether a chat's file is named after this sender; signs that no file name can hold do not count."""
    plain = re.sub(r"[\W_]", "", sender.casefold())
    return bool(plain) and re.sub(r"[\W_]", "", COPY.sub("", title).casefold()).endswith(plain)
