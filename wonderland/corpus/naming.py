"""What the columns of a table, or the keys of a record, mean.

The user names a column, or it has one of the names such columns usually have. Where names alone do not tell, the values
of the first thousand records do: a column "Type" says whose a message is if it holds "Incoming" and "Outgoing"; a
"Date" and a "Time" are one time if the one holds days and the other times of day.

What would fool it: two columns of texts, of which the first in ``USUAL_NAMES`` is taken; a usual name with an unusual
meaning. Columns whose names differ in case or spaces only are refused unless the user names one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wonderland.advice import Hint, Options
from wonderland.corpus.times import ImpossibleTime, OrderNeeded, parse_time
from wonderland.errors import InputError, UsageError

__all__ = [
    "BLANK",
    "MINE",
    "NEITHER",
    "RECEIVED",
    "SENT",
    "THEIRS",
    "USUAL_NAMES",
    "detect",
    "name_of",
    "word",
]

USUAL_NAMES = {
    "text": ("text", "message", "body", "content", "msg", "message_text", "contents"),
    "sender": ("sender", "from", "author", "name", "user", "username", "sender_name", "handle", "contact", "role"),
    "time": ("timestamp", "time", "date", "datetime", "sent_at", "created_at", "sent", "date_sent", "ts",
             "message_date", "date_time", "message_time", "sent_date", "day"),
    "thread": ("thread", "conversation", "chat", "conversation_id", "thread_id", "chat_id", "channel", "room", "group",
               "chat_session", "chat_name"),
    "id": ("id", "message_id", "guid", "rowid", "uuid"),
    "from_me": ("is_from_me", "from_me", "is_me", "outgoing", "is_sender", "sent_by_me", "is_outgoing"),
}  # fmt: skip
_DIRECTIONS = ("direction", "type", "message_type", "msg_type", "folder")  # whose it is, if their values say so
_LONGEST = 40  # signs of a column that are told
_OF_JSON = re.compile(r'^[{\["]|[{\[]\s*"|"\s*:|:\s*["{\[]')  # in what is no name
_HOURS = ("time", "hour", "clock", "message_time")  # of the day, beside a column of days
_PARTNERS = {"contact", "contact_name", "address", "phone_number", "number", "phone"}  # the other, on both sides' rows
_OTHER_CELLS = (
    ". If these are not its columns, say what stands between its cells, for example: ",
    Options("extract", delimiter=";"),
)
_SENDER_IDS = ("sender_id", "author_id", "authorid", "user_id", "senderid")

# What the cells of such a column say, in lower case.
MINE = {"1", "1.0", "-1", "true", "yes", "y", "t"}
THEIRS = {"0", "0.0", "false", "no", "n", "f"}
BLANK = {"", "null", "none", "nan", "n/a", "<na>"}
SENT = {"sent", "outgoing", "out", "outbound", "gesendet", "ausgehend", "envoyé", "sortant", "enviado", "saliente",
        "inviato", "verzonden", "uitgaand"}  # fmt: skip
RECEIVED = {"received", "incoming", "in", "inbound", "inbox", "empfangen", "eingehend", "reçu", "entrant", "recibido",
            "entrante", "ricevuto", "ontvangen", "inkomend"}  # fmt: skip
NEITHER = {"notification", "system", "draft"}
_KINDS = {"text", "message", "chat", "sms", "mms", "rcs", "imessage", "whatsapp", "image", "photo", "picture", "video",
          "audio", "voice", "file", "media", "link", "sticker", "gif", "call"}  # fmt: skip
_CLOCK_ONLY = re.compile(
    r"(?i)\s*\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?\s?m\.?)?\s*(?:[a-z+-]\S{0,8})?"
)

_DAY = re.compile(r"(?!\d{9})(?!\d+\.\d*$)[^:]{6,40}?(?:[T ]00:00(?::00(?:\.0+)?)?)?")  # a table calculator adds 00:00


def name_of(column: str) -> str:
    """Return the name of a column as ``USUAL_NAMES`` spells it: case, spaces and hyphens apart."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFC", column).strip().lower())


def word(value: object) -> str:
    """Return a cell as one word, the same however it is written."""
    text = str(value)
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip().lower()


def detect(
    where: str,
    columns: Iterable[str],
    given: Mapping[str, str],
    records: Sequence[Mapping[str, Any]],
    *,
    delimited: bool = False,
) -> dict[str, str]:
    """Find out which columns mean what.

    Args:
        where: The file, for errors.
        columns: The columns there are.
        given: Columns the user named, by meaning; an empty string means "detect it".
        records: The first records of the file, whose values tell what names do not.
        delimited: Whether columns may be wrong because something else stands between the cells.

    Returns:
        Column by meaning: those of ``USUAL_NAMES``, "clock" for a time of day beside the day, "sender_id".

    Raises:
        UsageError: A given column does not exist.
        InputError: No column can be the text, two could be the same one, or nothing tells which messages are the
            owner's.
    """
    table = _Table(where, list(columns), records)
    keys: dict[str, str] = {}
    for meaning, usual in USUAL_NAMES.items():
        if meaning == "time" and given.get("time"):
            keys |= table.times_named(given["time"])
        elif meaning == "time":
            keys |= table.times()
        elif found := table.named(given[meaning]) if given.get(meaning) else table.usual(usual):
            keys[meaning] = found
    if "text" not in keys:
        raise InputError(
            f"{where} has no column that looks like the text of a message. Its columns: {_told(table.columns)}.",
            hint=Hint(
                "Name it, for example: ",
                Options("extract", text=_likely_text(table.columns, keys, records)),
                *(_OTHER_CELLS if delimited else ()),
            ),
        )
    if "from_me" not in keys and (direction := table.direction(keys)):
        keys["from_me"] = direction
    if "from_me" not in keys and "sender" not in keys:
        raise InputError(
            f"{where} does not say who wrote each message. Its columns: {_told(table.columns)}.",
            hint=_name_the_sender([column for column in table.columns if column not in keys.values()], records),
        )
    if "thread" not in keys and "from_me" in keys and name_of(keys.get("sender", "")) in _PARTNERS:
        keys["thread"] = keys["sender"]  # the same on the messages of both sides, so it names the conversation
    sender_id = table.usual(_SENDER_IDS)
    if sender_id and "sender" in keys and sender_id != keys["sender"]:
        keys["sender_id"] = sender_id
    return keys


def _told(columns: Sequence[str]) -> str:
    """Return columns as an error names them, without what is no name: the first line may be of texts, or of JSON."""
    named = ("…" if _OF_JSON.search(one) else one if len(one) <= _LONGEST else f"{one[:_LONGEST]}…" for one in columns)
    return ", ".join(named)


def _name_the_sender(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> str:
    """Return what to type where no column says who wrote, by one of those that mean nothing yet and hold no numbers."""
    if not columns:
        said = "Add a column with who wrote each message, called sender, and say who you are, for example: "
        return Hint(said, Options("extract", me="Ada"))
    advice = Options("extract", sender=_no_number(columns, records) or columns[0], me="Ada")
    return Hint("Name the column of the sender and say who you are, for example: ", advice)


def _likely_text(columns: Sequence[str], keys: Mapping[str, str], records: Sequence[Mapping[str, Any]]) -> str:
    """Return the column with the most text among those that mean nothing yet; "body" if there is no column."""
    left = [column for column in columns if column not in keys.values()] or columns
    sizes = {one: sum(len(value) for row in records if isinstance(value := row.get(one), str)) for one in left}
    return max(left, key=sizes.__getitem__, default="body")


def _no_number(columns: Iterable[str], records: Sequence[Mapping[str, Any]]) -> str:
    """Return the first column that holds no numbers; "" if there is none."""
    words = (column for column in columns if not any(re.search(r"\d", str(one.get(column))) for one in records))
    return next(words, "")


class _Table:
    """The columns of one file and the values of its first records."""

    def __init__(self, where: str, columns: list[str], records: Sequence[Mapping[str, Any]]) -> None:
        self.where = where
        self.columns = columns
        self.records = records
        self.by_name: dict[str, list[str]] = {}
        for column in columns:
            self.by_name.setdefault(name_of(column), []).append(column)

    def values(self, column: str) -> list[str]:
        """Return what the first records hold in a column, blanks apart."""
        found = (str(record[column]).strip() for record in self.records if record.get(column) is not None)
        return [value for value in found if value.lower() not in BLANK]

    def named(self, wanted: str) -> str:
        """Return the column the user named."""
        if wanted not in self.columns:
            alike = self.by_name.get(name_of(wanted), [])
            if len(alike) != 1:
                raise UsageError(f"{self.where} has no column {wanted!r}.", hint=f"Its columns: {_told(self.columns)}.")
            wanted = alike[0]
        if self.columns.count(wanted) > 1:
            raise InputError(f"{self.where} has two columns named {wanted!r}.", hint="Rename or delete one of them.")
        return wanted

    def usual(self, names: Iterable[str]) -> str:
        """Return the column with the first of these names that there is, or an empty string."""
        for name in names:
            alike = self.by_name.get(name, [])
            if len(alike) > 1:
                raise self._double(name, alike)
            if alike:
                return alike[0]
        return ""

    def _double(self, name: str, alike: list[str]) -> InputError:
        if len(set(alike)) == 1:
            return InputError(f"{self.where} has two columns named {alike[0]!r}.", hint="Rename or delete one of them.")
        spelled = ", ".join(repr(column) for column in alike)
        meaning = next((meaning for meaning, usual in USUAL_NAMES.items() if name in usual), "")
        choose = "Rename one of them."
        if meaning not in ("", "id"):
            choose = Hint("Say which one is meant, for example: ", Options("extract", **{meaning: alike[0]}))
        return InputError(f"{self.where} has two columns named {name!r}: {spelled}.", hint=choose)

    def times_named(self, wanted: str) -> dict[str, str]:
        """Return the column of the time the user named, or the two, joined by a plus sign."""
        day, plus, clock = wanted.partition("+")
        if plus and wanted not in self.columns:
            return {"time": self.named(day), "clock": self.named(clock)}
        return self._with_clock(self.named(wanted))

    def times(self) -> dict[str, str]:
        """Return the first usual column of the time that holds a time, with a clock beside it if it needs one."""
        there = [name for name in USUAL_NAMES["time"] if name in self.by_name]
        for name in there:
            if any(_is_time(value) for value in self.values(self.by_name[name][0])[:100]):
                return self._with_clock(self.usual([name]))
        return {"time": self.usual(there)} if there else {}

    def _with_clock(self, column: str) -> dict[str, str]:
        found = {"time": column}
        if all(_DAY.fullmatch(value) for value in self.values(column)):
            for name in _HOURS:
                if name in self.by_name and self.by_name[name] != [column]:
                    values = self.values(self.by_name[name][0])
                    if values and all(_CLOCK_ONLY.fullmatch(value) for value in values):
                        return found | {"clock": self.usual([name])}
        return found

    def direction(self, keys: Mapping[str, str]) -> str:
        """Return the column whose values say whether a message was sent or received, or an empty string."""
        for name in _DIRECTIONS:
            for column in self.by_name.get(name, []):
                words = {word(value) for value in self.values(column)}
                if words & (SENT | RECEIVED) and words <= SENT | RECEIVED | NEITHER:
                    return self.usual([name])
                if len(words) == 2 and not words & _KINDS and all(map(str.isalpha, words)) and self._one_sender(keys):
                    one, other = sorted(words)
                    raise InputError(
                        f"{self.where}: its column {column!r} says {one!r} or {other!r} of each message, and one of "
                        "them may mean yours.",
                        hint=Hint("Say which, for example: ", Options("extract", from_me=column, me=other)),
                    )
        return ""

    def _one_sender(self, keys: Mapping[str, str]) -> bool:
        return "sender" not in keys or len(set(self.values(keys["sender"]))) <= 1


def _is_time(value: str) -> bool:
    if _CLOCK_ONLY.fullmatch(value):
        return False
    try:
        return parse_time(value) is not None
    except (ImpossibleTime, OrderNeeded):
        return True
    except ValueError:
        return False
