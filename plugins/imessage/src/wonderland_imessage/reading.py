"""What becomes of each row, one after another.

Most rows are a text and nothing else; they take the short way through `Reading.rows`. Every other row takes the long
way, `Reading.judge`, which asks in turn: was it deleted, is it a message at all, was it unsent, where is its text, is
anything left of it. Both end in one `Message` or one `Skipped`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import wonderland as wl
from wonderland_imessage import query
from wonderland_imessage.body import OBJECT_REPLACEMENT, ONE_TIME_CODE, UndecodableBody, decode_body
from wonderland_imessage.edits import read_history
from wonderland_imessage.kinds import LINK_PREVIEW, Special, looks_like_tapback, passed_over
from wonderland_imessage.skeletons import PLAIN
from wonderland_imessage.texts import Found, Texts

__all__ = ["ME", "Reading"]

EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
NANOSECONDS = 10**11  # a larger number counts nanoseconds, a smaller one seconds (which would be the year 5169)
ME = "me"
SERVICES = {
    "": "no service",
    "imessage": "iMessage",
    "sms": "SMS",
    "rcs": "RCS",
    "imessagelite": "satellite",
}
SERVICE_TAGS = {"sms": ("sms",), "rcs": ("rcs",), "imessagelite": ("satellite",)}
TAGS = [
    (Special._fields.index(column), tag)
    for column, tag in {
        "date_edited": "edited",
        "subject": "subject",
        "reply": "reply",
        "is_auto_reply": "auto-reply",
        "is_forward": "forwarded",
        "is_spam": "spam",
    }.items()
]
ORDINARY = Special._make([None] * len(Special._fields))
END = (None,)
APP_PLACE = "\ufffd"  # where old rows keep the place of an app message


class Origin:
    """One sender in one chat over one service: what all messages of this origin share, and how many there are."""

    __slots__ = ("count", "is_me", "is_sms", "sender", "service", "tags", "thread")

    def __init__(self, thread: str, sender: str, service: str, tags: tuple[str, ...], *, is_me: bool) -> None:
        self.thread, self.sender, self.service, self.tags, self.is_me = thread, sender, service, tags, is_me
        self.is_sms = "sms" in tags or "rcs" in tags
        self.count = 0


class Reading:
    """One pass over the rows of a database, with its counts.

    Args:
        context: What the other tables say.
        salvage: Whether to take what can be recovered of damaged bodies.
    """

    def __init__(self, context: query.Context, *, salvage: bool = False) -> None:
        self._context = context
        self._texts = Texts(salvage)
        self._origins: dict[tuple[Any, ...], Origin] = {}
        self._tagged: Counter[str] = Counter()
        self._finer: dict[str, Counter[str]] = defaultdict(Counter)
        self._undated = 0

    def rows(self, connection: sqlite3.Connection) -> Iterator[wl.Message | wl.Skipped]:
        """Yield what becomes of each row."""
        decode, deleted = self._texts.decode, self._context.deleted
        chat_of, origins = self._context.chat_of.get, self._origins
        message, make = wl.Message, tuple.__new__  # a named tuple's own constructor costs twice as much
        bodies = columns = 0
        specials = connection.execute(query.select_special(connection))
        upcoming = next(specials, END)
        for rowid, date, handle, me, service, text, blob in connection.execute(query.select(connection)):
            special = ORDINARY
            if rowid == upcoming[0]:
                special = Special._make(upcoming[1:])
                upcoming = next(specials, END)
            elif (text is None) != (blob is None) and type(date) is int and date > 0 and rowid not in deleted:
                words, names = text, PLAIN
                if text is None:
                    try:
                        words, names = decode(blob)
                    except UndecodableBody:
                        words = ""
                elif type(text) is not str:
                    words = ""
                if OBJECT_REPLACEMENT in words:
                    words = words.replace(OBJECT_REPLACEMENT, "")
                if words and not words.isspace() and words != APP_PLACE and ONE_TIME_CODE not in names:
                    key = chat_of(rowid), handle, service, me
                    origin = origins.get(key) or self._origin(*key)
                    if not (origin.is_sms and looks_like_tapback(words)):
                        if text is None:
                            bodies += 1
                        else:
                            columns += 1
                        origin.count += 1
                        when = EPOCH + timedelta(0, 0, date // 1000 if date >= NANOSECONDS else date * 1_000_000)
                        yield make(
                            message,
                            (str(rowid), origin.thread, origin.sender, origin.is_me, when, words, "text", origin.tags),
                        )
                        continue
            yield self.judge(rowid, date, handle, me, service, text, blob, special)
        self._texts.how.update({"attributedBody": bodies, "text column": columns})

    def judge(
        self, rowid: int, date: Any, handle: Any, me: Any, service: Any, text: Any, blob: Any, special: Special
    ) -> wl.Message | wl.Skipped:
        """Return what becomes of any row."""
        identity = str(rowid)
        if rowid in self._context.deleted:
            return wl.Skipped(identity, "recently deleted")
        passed = passed_over(special if me else special._replace(schedule_type=None), handle)
        if passed is not None:
            if passed.heading:
                self._finer[passed.heading][passed.name] += 1
            return wl.Skipped(identity, passed.reason, passed.failed, passed.name if passed.failed else "")
        summary = special.message_summary_info
        unsent = isinstance(summary, bytes) and b"rp" in summary  # "rp" lists what was unsent; parsing costs 100 µs
        history = read_history(summary) if unsent else None
        if history is not None and history.all_unsent:
            return wl.Skipped(identity, "unsent")

        found = self._texts.find(text, blob, summary)
        words = found.text.replace(OBJECT_REPLACEMENT, "")
        kind = "text"
        if special.is_audio_message:
            words, kind = _transcription(blob), "audio"
        elif isinstance(special.subject, str) and special.subject:
            words = f"{special.subject}\n{words}" if words else special.subject
        if not words or words.isspace() or words == APP_PLACE:
            gone = bool(special.date_retracted or (history is not None and history.unsent))
            return self._empty(identity, rowid, special, found, gone=gone, stored=text is not None or blob is not None)

        tags = () if special is ORDINARY else _tags(special, partly_unsent=history is not None and bool(history.unsent))
        if ONE_TIME_CODE in found.names:
            tags += ("one-time-code",)
        if found.salvaged:
            tags += ("salvaged",)
        key = self._context.chat_of.get(rowid), handle, service, me
        origin = self._origins.get(key) or self._origin(*key)
        origin.count += 1
        self._texts.how[found.how or "the subject alone"] += 1
        if origin.is_sms and looks_like_tapback(words):
            tags += ("sms-tapback",)
        for tag in tags:
            self._tagged[tag] += 1
        when = self._when(date)
        return wl.Message(identity, origin.thread, origin.sender, origin.is_me, when, words, kind, origin.tags + tags)

    def _empty(
        self, identity: str, rowid: int, special: Special, found: Found, *, gone: bool, stored: bool
    ) -> wl.Skipped:
        """Say why nothing that was written is left of a row, which may have been taken back or have a body stored."""
        text = found.text
        if found.problem and not text and (stored or not gone):
            return wl.Skipped(identity, "undecodable body", True, found.problem)
        if special.is_audio_message:
            return wl.Skipped(identity, "audio message")
        if OBJECT_REPLACEMENT in text or rowid in self._context.with_attachments:
            return wl.Skipped(identity, "attachment only")
        if gone:
            return wl.Skipped(identity, "unsent")
        if text == APP_PLACE:
            return wl.Skipped(identity, "app message")
        return wl.Skipped(identity, "no text")

    def _origin(self, chat: int | None, handle: Any, service: Any, me: Any) -> Origin:
        """Make the origin that messages of this chat, handle and service share."""
        context = self._context
        thread = context.threads.get(chat) if chat is not None else None
        key = chat, handle, service, me
        if not me and not handle and thread is not None:
            handle = thread.only_handle  # in a conversation of two it can only be the other
        person = context.people.by_handle.get(handle) if handle else None
        name = service.strip() if isinstance(service, str) else ""
        tags: tuple[str, ...] = SERVICE_TAGS.get(name.lower(), ())
        if thread is not None and thread.is_group:
            tags = ("group", *tags)
        if not me and person is not None:
            tags += person.tags
        if thread is None:
            tags += ("orphan",)
        sender = ME if me else person.key if person is not None else f"handle {handle}" if handle else "unknown"
        home = thread.key if thread is not None else f"orphan:{context.oldest_handle(handle)}"
        origin = Origin(home, sender, SERVICES.get(name.lower(), name), tags, is_me=bool(me))
        self._origins[key] = origin
        return origin

    def _when(self, date: Any) -> datetime | None:
        if not isinstance(date, int | float) or not 0 < date < 2**63:
            self._undated += 1
            return None
        date = int(date)
        return EPOCH + timedelta(0, 0, date // 1000 if date >= NANOSECONDS else date * 1_000_000)

    def facts(self) -> dict[str, dict[str, int]]:
        """Return the counts of a finished pass by heading."""
        everything = list(self._origins.values())
        services: Counter[str] = Counter()
        for origin in everything:
            services[origin.service] += origin.count
        messages = {
            "from you": sum(o.count for o in everything if o.is_me),
            "from others": sum(o.count for o in everything if not o.is_me),
            "in group chats": sum(o.count for o in everything if "group" in o.tags),
            "without a chat": sum(o.count for o in everything if "orphan" in o.tags),
            "in several chats, counted once": self._context.in_several,
            "without a date": self._undated,
        }
        people = {
            "handles": self._context.handles,
            "people behind them": len(self._context.people),
            "people named by contacts": self._context.people.named,
            "handles on the cards of several people": self._context.people.shared,
        }
        found = {
            "How each text was found": dict(self._texts.how.most_common()),
            "Messages": messages,
            "Services": dict(services.most_common()),
            "Handles": people,
            "Marked": dict(self._tagged.most_common()),
            **{heading: dict(counts.most_common()) for heading, counts in sorted(self._finer.items())},
        }
        present = {heading: {k: n for k, n in counts.items() if n} for heading, counts in found.items()}
        return {heading: counts for heading, counts in present.items() if counts}

    def notes(self) -> list[str]:
        """Return what the user should know after a finished pass."""
        if not self._context.in_cloud:
            return []
        return [
            "Messages in iCloud is in use: history that this device has not downloaded is not in its database. To have "
            "it, keep Messages open on a Mac with enough space until it has synchronised, and read again."
        ]


def _transcription(blob: Any) -> str:
    try:
        return decode_body(blob).transcription
    except UndecodableBody:
        return ""


def _tags(special: Special, *, partly_unsent: bool) -> tuple[str, ...]:
    tags = [tag for at, tag in TAGS if special[at]]
    if partly_unsent:
        tags.append("partly-unsent")
    if special.balloon_bundle_id == LINK_PREVIEW:
        tags.append("link")
    return tuple(tags)
