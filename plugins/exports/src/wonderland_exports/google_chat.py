"""Messages from Google Chat, and from Hangouts before it, as Google Takeout writes them.

Chat has a folder a conversation, with times in words of the account's language; Hangouts is one file with everything.
Whose export it is stands in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import wonderland as wl
from wonderland.errors import InputError
from wonderland_exports.again import Once
from wonderland_exports.frame import CUT, Export, Member, Surveyed, Tally, find_owner, head, load, open_export, peek
from wonderland_exports.google_rows import ChatRows, Conversation, HangoutsRows, creator_of, gaia
from wonderland_exports.walking import cut_off, numbered, walk_rows

__all__ = ["GoogleChat"]

_CHAT = re.compile(r"(?:^|.*/)messages\.json$")
_HANGOUTS = re.compile(r"(?:^|.*/)Hangouts\.json$")
_ABOUT = re.compile(r"(?:^|.*/)(?:group_info|user_info)\.json$")
_EVENTS = ("conversations.*.events", "conversation_state.*.conversation_state.event")
_HOW = "Ask takeout.google.com for Google Chat (and Hangouts), and give the zip or the folder it unpacks to."


class _Survey(NamedTuple):
    chats: list[tuple[Member, Conversation]]
    hangouts: list[Member]
    rows: int
    senders: Counter[str]
    names: dict[str, str]
    ids: dict[str, str]  # names by the ids of Hangouts
    known: frozenset[str]


class GoogleChat(Surveyed[_Survey]):
    """Google Chat and Hangouts: what Google Takeout writes.

    Args:
        path: The zip, the folder, or one ``messages.json`` or ``Hangouts.json``.
        names: Whether people are called by their names instead of their addresses.
        me: Your e-mail address or name, where the export does not say.
        partial: Whether a file that is cut off keeps the rows before.
    """

    name: ClassVar[str] = "google-chat"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        me: Annotated[str, "your e-mail address or name, where the export does not say"] = "",
        partial: Annotated[bool, "keep the rows before the place where a file is cut off"] = False,
    ) -> None:
        super().__init__(path)
        self._names, self._me, self._partial = names, me, partial

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for a file of messages whose rows have a creator, or for Hangouts.json."""
        found = peek(path, lambda name: bool(_CHAT.match(name) or _HANGOUTS.match(name)))
        return 0.97 if any(_is_chat(head(one)) or _is_hangouts(head(one)) for one in found) else 0.0

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield a message or a skipped row for each row."""
        export, survey = self._open()
        tally, once = Tally(), Once()
        owners = find_owner(export.where, survey.senders, self._me or None, names=survey.names, known=survey.known)
        chat = ChatRows(owners, survey.names if self._names else {}, tally["Left open"])
        hangouts = HangoutsRows(survey.ids if self._names else {}, tally["Left open"])
        for member, place in survey.chats:
            for number, row in numbered(member, "messages", partial=self._partial):
                if number is None:
                    yield cut_off(member, row)
                    continue
                tally["Found in"]["Google Chat"] += 1
                item = partial(chat.item, row, place=place)
                yield once(_text_at(row, "message_id"), f"{member.name}:{number}", item)
        for member in survey.hangouts:
            for number, row, place in self._hangouts(member):
                if number is None:
                    yield cut_off(member, row)
                    continue
                tally["Found in"]["Hangouts"] += 1
                item = partial(hangouts.item, row, place=place)
                yield once(_text_at(row, "event_id"), f"{member.name}:{number}", item)
        self._facts = tally.facts()

    def _files(self) -> Export:
        # A folder may hold two groups of the same people, whose group_info.json are the same.
        return open_export(self.path, _wants, "messages.json of Google Chat, nor a Hangouts.json", once=False)

    def _survey(self, export: Export) -> _Survey:
        about = {member.path.parent: load(member) for member in export.members if _ABOUT.match(member.name)}
        files = [member for member in export.members if not _ABOUT.match(member.name)]
        chats = [
            (one, _conversation(one, about)) for one in files if not _is_hangouts(head(one)) and _is_chat(head(one))
        ]
        hangouts = [one for one in files if _is_hangouts(head(one))]
        if not chats and not hangouts:
            export.refuse_damaged()
            raise InputError(f"{self.path} holds no messages of Google Chat or Hangouts.", hint=_HOW)
        read = {one.name for one, _ in chats} | {one.name for one in hangouts}
        export.leave_out((one for one in files if one.name not in read), "Google Chat or Hangouts")
        senders, names, count = Counter[str](), dict[str, str](), 0
        for member, _ in chats:
            for number, row in numbered(member, "messages", partial=self._partial):
                count += 1
                if number is not None and isinstance(row, Mapping) and (who := creator_of(row)).identity:
                    senders[who.identity] += 1
                    if who.name.lower() != who.identity or who.identity not in names:  # not only the address
                        names[who.identity] = who.name
        ids, before = dict[str, str](), None
        for member in hangouts:
            for _, _, place in self._hangouts(member):
                count += 1
                if place is not before:
                    before = place
                    ids |= {who: name for who, name in place.people.items() if name != who or who not in ids}
        return _Survey(chats, hangouts, count, senders, names, ids, _owners(about.values()))

    def _hangouts(self, member: Member) -> Iterator[tuple[int | None, Any, Conversation]]:
        number, place = 0, Conversation("", ())
        for path, value in walk_rows(member, *_EVENTS, partial=self._partial):
            if path == CUT:
                yield None, value, place
            elif path[-1] == "*":
                yield number, value, place
                number += 1
            elif path[-1] == "conversation" and isinstance(value, Mapping):
                place = _of_hangouts(value, place)
            elif len(path) > 1 and path[-1] in ("conversation_id", "response_header"):
                place = _of_hangouts({"id": value}, place) if path[-1] == "conversation_id" else place


def _wants(name: str) -> bool:
    return any(kind.match(name) for kind in (_CHAT, _HANGOUTS, _ABOUT))


def _is_chat(content: bytes) -> bool:
    return b'"messages"' in content and (b'"creator"' in content or b'"created_date"' in content)


def _is_hangouts(content: bytes) -> bool:
    return b'"conversation' in content and (b'"gaia_id"' in content or b'"conversation_state"' in content)


def _conversation(member: Member, about: Mapping[Any, Any]) -> Conversation:
    folder = member.path.parent
    info = about.get(folder)
    members = info.get("members") if isinstance(info, Mapping) else None
    many = len(members) > 2 if isinstance(members, list) else False
    direct = folder.name.startswith("DM") and not many
    return Conversation(folder.name or "conversation", () if direct else ("group",))


def _owners(infos: Any) -> frozenset[str]:
    """Return the identities of the accounts whose export it is."""
    found = set()
    for info in infos:
        user = info.get("user") if isinstance(info, Mapping) else None
        if isinstance(user, Mapping) and (who := creator_of({"creator": user})).identity:
            found.add(who.identity)
    return frozenset(found)


def _of_hangouts(value: Mapping[str, Any], before: Conversation) -> Conversation:
    """Return a conversation of Hangouts from what stands before its events."""
    nested = value.get("conversation")
    inner = nested if isinstance(nested, Mapping) else value
    identity = value.get("conversation_id") or value.get("id") or inner.get("id")
    named = identity.get("id") if isinstance(identity, Mapping) else identity
    data = inner.get("participant_data")
    listed = [one for one in data if isinstance(one, Mapping)] if isinstance(data, list) else []
    people = {gaia(one.get("id")): str(one.get("fallback_name") or "") for one in listed}
    tags = ("group",) if inner.get("type") == "GROUP" or len(people) > 2 else ()
    if not listed and before.identity == str(named):
        return before
    return Conversation(str(named or "conversation"), tags, {who: name for who, name in people.items() if name})


def _text_at(row: object, key: str) -> str:
    value = row.get(key) if isinstance(row, Mapping) else None
    return value if isinstance(value, str) else ""
