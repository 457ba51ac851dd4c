"""Messages from the downloads of Messenger and Instagram, as JSON, of either layout, a folder or a zip.

A conversation is a folder of ``message_1.json``, ``message_2.json``, …, newest first in each file and over all; an
end-to-end encrypted one is one file. The same conversation may lie in several places (before and after encryption).
HTML says the same again with less, so it is never counted: beside JSON it is passed over and named, alone refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import orjson

import wonderland as wl
from wonderland.corpus.blocks import Block
from wonderland.counted import counted
from wonderland.errors import InputError
from wonderland_exports.again import AGAIN, Again, Shared
from wonderland_exports.evidence import in_all
from wonderland_exports.frame import (
    CUT,
    Export,
    Member,
    Mender,
    Surveyed,
    Tally,
    find_owner,
    head,
    load,
    open_export,
    peek,
)
from wonderland_exports.frame.looks import begins_with
from wonderland_exports.meta_rows import Chat, Rows, is_readable, sender_of
from wonderland_exports.meta_together import sender_counts
from wonderland_exports.walking import cut_off, is_row, run_rows

__all__ = ["Meta"]

FEW = 256
"""Rows of a file under which they are decided with those of the next."""
_MANY = 1 << 12
_NUMBERED = re.compile(r"(?:^|.*/)message_(\d+)\.json$")
_ENCRYPTED = re.compile(r"(?:^|.*/)([^/]+_\d+)\.json$")
_HTML = re.compile(r"(?:^|.*/)message_\d+\.html$")
_PROFILE = re.compile(r"(?:^|.*/)(?:profile_information|personal_information)\.json$")
_INSTAGRAMS = re.compile(rb'"(?:your_instagram_activity/|https://ig\.me/)')
_BOXES = {"message_requests": "request", "filtered_threads": "filtered"}
_HOW = (
    "Ask for it again as JSON: Accounts Center > Your information and permissions > Download your information > "
    "format JSON (HTML leaves out what is not shown, and writes times in words without a zone)."
)


class _File(NamedTuple):
    member: Member
    thread: str
    number: int
    box: str


class _Survey(NamedTuple):
    files: list[_File]
    rows: int
    senders: Counter[str]
    chats: dict[str, Chat]
    shared: Shared


class Meta(Surveyed[_Survey]):
    """What the two messengers share; ``_of`` and ``_other`` are words in the names of their folders."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True
    _of: ClassVar[str]
    _other: ClassVar[str]

    def __init__(
        self,
        path: Path,
        *,
        me: Annotated[str, "your name as it stands there, where the download does not say"] = "",
        partial: Annotated[bool, "keep the rows before the place where a file is cut off"] = False,
    ) -> None:
        super().__init__(path)
        self._me, self._partial = me, partial

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for a file of messages, and at whether it is this messenger's."""
        found = peek(path, lambda name: bool(_NUMBERED.match(name) or _ENCRYPTED.match(name) or _HTML.match(name)), 12)
        looked = [member for member in found if _looks_right(head(member, 1 << 16)) or _is_html(member)]
        if not looked:
            return 0.0
        sure = 0.9 if all(_is_html(member) for member in looked) else 0.96
        way = f"{Path(path).absolute()} {' '.join(member.name for member in looked)}".lower()
        if len(looked) == 1 and _INSTAGRAMS.search(head(looked[0], 1 << 16)):
            way += "instagram"
        if cls._of in way:
            return sure
        return 0.3 if cls._other in way or cls._of == "instagram" else sure - 0.01

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield a message or a skipped row for each row, the oldest of each conversation first."""
        for block in self.blocks():
            yield from block.rows()

    def blocks(self) -> Iterator[Block]:
        """Yield the same, some thousands of rows at a time as columns."""
        export, survey = self._open()
        tally, mend = Tally(), Mender()
        rows = Rows(self._owner(export, survey), mend, tally["Left open"])
        few: list[tuple[str, Any, Chat]] = []
        for name, places, found, chat in self._stored(survey, tally):
            if len(found) < FEW:
                few += [(f"{name}:{place}", row, chat) for place, row in zip(places, found, strict=True)]
            if few and (len(found) >= FEW or len(few) >= _MANY):
                yield rows.block(few)
                few = []
            for start in range(0, len(found), _MANY) if len(found) >= FEW else ():
                yield rows.run(name, places[start : start + _MANY], found[start : start + _MANY], chat)
        if few:
            yield rows.block(few)
        tally["Letters"] = mend.counts
        self._facts = tally.facts()

    def _stored(self, survey: _Survey, tally: Tally) -> Iterator[tuple[str, list[int], list[Any], Chat]]:
        """Yield each file's name, the numbers of its rows, the rows or what became of them, and its conversation."""
        again, thread, shared = Again(), "", frozenset[int]()
        parts = Counter(file.thread for file in survey.files)
        for file in survey.files:
            if file.thread != thread:
                again, thread, shared = Again(), file.thread, survey.shared.of(file.thread)
            again.next_file()
            chat = _with_box(survey.chats[thread], file.box)
            (places, found), name = self._oldest_first(file), file.member.name
            for at, row in enumerate(found) if parts[thread] > 1 else ():
                if not is_readable(row) or ((time := _time(row)) is not None and time not in shared):
                    continue
                if again(_key(row)):
                    found[at] = wl.Skipped(f"{name}:{places[at]}", AGAIN)
            yield name, places, found, chat
            if found:
                tally["Found in"][file.box] += len(found)

    def _files(self) -> Export:
        return open_export(self.path, self._wants, f"message_1.json of {self.name}")

    def _wants(self, name: str) -> bool:
        known = any(kind.match(name) for kind in (_NUMBERED, _ENCRYPTED, _HTML, _PROFILE))
        return known and (self._other not in name.lower() or self._of in name.lower())

    def _survey(self, export: Export) -> _Survey:
        files = [file for member in export.members if (file := self._file(member))]
        html = [member for member in export.members if _is_html(member)]
        if not files:
            export.refuse_damaged()
            raise InputError(f"{self.path} holds no messages of {self.name} as JSON.", hint=_HOW)
        _note_html(export, {file.member.path.parent for file in files}, html)
        read, folders = {file.member.name for file in files}, {file.member.path.parent for file in files}
        others = (one for one in export.members if _ENCRYPTED.match(one.name) and one.name not in read)
        export.leave_out((one for one in others if one.path.parent in folders), self.name.capitalize())
        # The oldest file of a conversation has the highest number.
        files.sort(key=lambda file: (file.thread, file.box, -file.number, file.member.name))
        rows, mend = 0, Mender()
        senders: Counter[str] = Counter()
        people: defaultdict[str, dict[str, None]] = defaultdict(dict)
        groups: set[str] = set()
        shared, parts = Shared(), Counter(file.thread for file in files)
        for file in files:
            times: list[int] = []
            for path, values in run_rows(file.member, "messages", partial=self._partial):
                value = values[0]
                if is_row(path):
                    rows += len(values)
                    if parts[file.thread] > 1:
                        times += filter(None, map(_time, values))
                    for written, count in sender_counts(values, sender_of).items():
                        if name := mend(written):
                            senders[name] += count
                elif path == ("participants",):
                    people[file.thread] |= dict.fromkeys(mend(name) for name in _names(value))
                elif path == ("joinable_mode",) or (path == ("thread_type",) and "group" in str(value).lower()):
                    groups.add(file.thread)
            shared.add(file.thread, times)
        return _Survey(files, rows, senders, _chats(files, people, groups), shared)

    def _file(self, member: Member) -> _File | None:
        alone = member.name == self.path.name and member.name.lower().endswith(".json")
        if alone and not _NUMBERED.match(member.name) and _looks_right(content := head(member, 1 << 16)):
            return _File(member, member.path.stem, int(b'"senderName"' not in content), "one conversation")
        if found := _NUMBERED.match(member.name):
            parts = member.path.parts
            thread = parts[-2] if len(parts) > 1 else self.path.absolute().parent.name
            return _File(member, thread, int(found[1]), parts[-3] if len(parts) > 2 else "one conversation")
        if (found := _ENCRYPTED.match(member.name)) and _looks_right(head(member, 1 << 16)):
            return _File(member, found[1], 0, "end-to-end encrypted")
        return None

    def _oldest_first(self, file: _File) -> tuple[list[int], list[Any]]:
        """Return the numbers of the rows of a file, and the rows; the place where it is cut off has the number -1."""
        found: list[Any] = []
        cut: list[Any] = []
        for path, values in run_rows(file.member, "messages", partial=self._partial):
            if path == CUT:
                cut = [cut_off(file.member, values[0])]
            elif path[-1] == "*":
                found += values
        places = [*range(len(found)), *(-1 for _ in cut)]
        found += cut
        return (places[::-1], found[::-1]) if file.number else (places, found)

    def _owner(self, export: Export, survey: _Survey) -> str:
        everybody = {*survey.senders, *(name for chat in survey.chats.values() for name in chat.people)}
        known = self._of_profile(export, everybody) or in_all({*chat.people} for chat in survey.chats.values())
        owners = find_owner(export.where, survey.senders, self._me or None, known=known)
        return next(iter(owners), "")

    @staticmethod
    def _of_profile(export: Export, people: set[str]) -> frozenset[str]:
        """Return the owner's name as the profile in the download says it, if that person takes part."""
        mend = Mender()
        for member in export.members:
            if _PROFILE.match(member.name):
                try:
                    said = {mend(text).strip() for text in _names_in(load(member))} & people
                except InputError:
                    continue
                if len(said) == 1:
                    return frozenset(said)
        return frozenset()


def _time(row: object) -> int | None:
    """Return when a row was sent, which is the same for rows that say the same; None if only the whole row tells."""
    time = row.get("timestamp_ms", row.get("timestamp")) if isinstance(row, dict) else None
    return time if type(time) is int and 0 < time < 1 << 63 else None


def _key(row: object) -> bytes:
    """Return what is the same for rows that say the same."""
    try:
        return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # halves of emoji, numbers beyond 64 bits
        return json.dumps(row, sort_keys=True).encode()


def _looks_right(content: bytes) -> bool:
    """Say whether a file begins as one of messages; who takes part may stand at its end, or nowhere."""
    people, rows = b'"participants"' in content, b'"messages"' in content
    sender = b'"sender_name"' in content or b'"senderName"' in content
    told = (people and (rows or sender)) or (rows and sender and b'"timestamp' in content)
    return told and begins_with(b"{", content)


def _is_html(member: Member) -> bool:
    return bool(_HTML.match(member.name))


def _note_html(export: Export, read: Any, html: list[Member]) -> None:
    beside = sum(member.path.parent in read for member in html)
    if beside:
        told = counted(beside, "HTML file says", "HTML files say")
        export.notes.append(f"{told} what the JSON beside says, and {'was' if beside == 1 else 'were'} passed over.")
    if alone := {member.path.parent for member in html} - read:
        told = counted(len(alone), "conversation is", "conversations are")
        export.notes.append(f"{told} there as HTML only and not read. {_HOW}")


def _names(listed: object) -> Iterator[str]:
    for one in listed if isinstance(listed, list) else []:
        name = one.get("name") if isinstance(one, Mapping) else one
        if isinstance(name, str) and name.strip():
            yield name.strip()


def _names_in(profile: object) -> Iterator[str]:
    """Yield the strings of a profile that may be the name of its owner."""
    if isinstance(profile, Mapping):
        for key, inner in profile.items():
            if key in ("value", "full_name", "name") and isinstance(inner, str):
                yield inner
            elif key not in ("family_members", "relationship", "previous_names", "other_names"):
                yield from _names_in(inner)
    elif isinstance(profile, list):
        for inner in profile:
            yield from _names_in(inner)


def _chats(files: list[_File], people: Mapping[str, Mapping[str, None]], groups: set[str]) -> dict[str, Chat]:
    chats = {}
    for thread in dict.fromkeys(file.thread for file in files):
        members = tuple(people.get(thread, ()))
        chats[thread] = Chat(thread, members, ("group",) if thread in groups or len(members) > 2 else ())
    return chats


def _with_box(chat: Chat, box: str) -> Chat:
    return chat._replace(tags=(*chat.tags, _BOXES[box])) if box in _BOXES else chat
