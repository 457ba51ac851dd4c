"""How is a record of strings and numbers turned into a message? Shared by the two generic sources.

A record is a mapping; which key is the text, the sender, the time and the conversation is given, or detected from the
names such columns usually have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.people import ME
from wonderland.corpus.times import parse_time
from wonderland.errors import InputError, UsageError

__all__ = ["Fields", "detect"]

USUAL_NAMES = {
    "text": ("text", "message", "body", "content", "msg", "message_text", "contents"),
    "sender": ("sender", "from", "author", "name", "user", "username", "sender_name", "handle", "contact", "role"),
    "time": ("timestamp", "time", "date", "datetime", "sent_at", "created_at", "sent", "date_sent", "ts"),
    "thread": ("thread", "conversation", "chat", "conversation_id", "thread_id", "chat_id", "channel", "room", "group"),
    "id": ("id", "message_id", "guid", "rowid", "uuid"),
    "from_me": ("is_from_me", "from_me", "is_me", "outgoing", "is_sender", "sent_by_me"),
}
_TRUE, _FALSE = {"1", "true", "yes", "y", "t"}, {"0", "false", "no", "n", "f", ""}


@dataclass
class Fields:
    """Which keys of a record mean what, and what was odd about the records read so far.

    Attributes:
        keys: Key by meaning: "text" always, "sender", "time", "thread", "id", "from_me" where there is one.
        me: The sender who is the owner of the messages, where no key says so.
        oddities: Counts of what had to be left open, for the ledger.
        senders: Counts of who wrote, kept where only the sender tells whether a message is the owner's.
    """

    keys: Mapping[str, str]
    me: str = ""
    oddities: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)

    def message(self, record: Mapping[str, Any], row: str) -> Message | Skipped:
        """Turn a record into a message, or say why it is none. ``row`` names it where it has no id of its own."""
        identity = self._get(record, "id") or row
        text = record.get(self.keys["text"])
        if text is None:
            return Skipped(identity, "no text")
        if not isinstance(text, str):
            return Skipped(identity, "text is not a string", failed=True, detail=f"it is a {type(text).__name__}")
        if not text.strip():
            return Skipped(identity, "empty text")
        sender = self._get(record, "sender")
        mine = self._is_mine(record, sender)
        if mine is None:
            return Skipped(
                identity, "unclear whether it is from me", failed=True, detail=f"in {self.keys['from_me']!r}"
            )
        try:
            time = parse_time(record.get(self.keys["time"]) if "time" in self.keys else None)
        except ValueError:
            self.oddities["time not understood, left open"] += 1
            time = None
        thread = self._get(record, "thread") or "all"
        return Message(identity, thread, ME if mine else sender or "them", mine, time, text)

    def require_owner(self, where: str) -> None:
        """Make sure, once everything is read, that some message was the owner's.

        Raises:
            InputError: Only the sender tells, and of several none was the owner, or the owner named did not write.
        """
        me = self.me or ME
        if self.senders and not self.senders[me] and (self.me or len(self.senders) > 1):
            most = ", ".join(repr(sender) for sender, _ in self.senders.most_common(5))
            raise InputError(
                f"No message in {where} is yours: none was sent by {me!r}. Most were sent by {most}.",
                hint="Say who you are, for example: --me Ada",
            )

    def _is_mine(self, record: Mapping[str, Any], sender: str) -> bool | None:
        if "from_me" not in self.keys:
            self.senders[sender] += 1
            return sender == (self.me or ME)
        value = str(record.get(self.keys["from_me"], "")).strip().lower()
        return True if value in _TRUE else False if value in _FALSE else None

    def _get(self, record: Mapping[str, Any], meaning: str) -> str:
        # Not `.get(keys.get(meaning, ""))`: a table may well have a column without a name (pandas' index).
        value = record.get(self.keys[meaning]) if meaning in self.keys else None
        return "" if value is None else str(value).strip()


def detect(where: str, columns: Iterable[str], given: Mapping[str, str], me: str) -> Fields:
    """Find out which columns mean what.

    Args:
        where: The file, for errors.
        columns: The columns there are.
        given: Columns the user named, by meaning; an empty string means "detect it".
        me: The sender who is the owner.

    Raises:
        UsageError: A given column does not exist.
        InputError: No column can be the text, two could be the same one, or nothing tells which messages are the
            owner's.
    """
    columns = list(columns)
    by_lower = {column.strip().lower().replace(" ", "_"): column for column in columns}
    keys: dict[str, str] = {}
    for meaning, usual in USUAL_NAMES.items():
        wanted = given.get(meaning, "")
        if wanted and wanted not in columns:
            raise UsageError(f"{where} has no column {wanted!r}.", hint=f"Its columns: {', '.join(columns)}.")
        found = wanted or next((by_lower[name] for name in usual if name in by_lower), "")
        if found:
            if columns.count(found) > 1:
                raise InputError(f"{where} has two columns named {found!r}.", hint="Rename or delete one of them.")
            keys[meaning] = found
    if "text" not in keys:
        raise InputError(
            f"{where} has no column that looks like the text of a message. Its columns: {', '.join(columns)}.",
            hint="Name it, for example: --text body",
        )
    if "from_me" not in keys and "sender" not in keys:
        raise InputError(
            f"{where} does not say who wrote each message. Its columns: {', '.join(columns)}.",
            hint="Name the column of the sender and say who you are, for example: --sender author --me Ada",
        )
    return Fields(keys, me)
