"""Which chats are one conversation?

Messages keeps a chat for each service, so one conversation is several rows of ``chat``. Chats are joined when they have
the same participants (as persons, see `people`), or when ``chat_lookup``, where present, gives them one identifier.
Groups of the same people under different names stay apart. A chat without participants is told by its
``chat_identifier``: the other one's address, or the name that the system gave the group. A thread is named after its
oldest chat, ``chat:12``: no number or name can be read from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wonderland_imessage.people import People, Union, address

__all__ = ["Chat", "Thread", "merge", "participants"]

GROUP, DIRECT = 43, 45  # ASCII "+" and "-", as in the guid "iMessage;+;chat1234"


class Chat(NamedTuple):
    """A row of the table ``chat``."""

    rowid: int
    style: int | None
    name: str
    identifier: str = ""


class Thread(NamedTuple):
    """A conversation: its key, whether it is a group, and the one other participant of a conversation of two."""

    key: str
    is_group: bool
    only_handle: int


def participants(
    chats: Iterable[Chat], members: Mapping[int, Iterable[int]], people: People
) -> dict[int, tuple[int, ...]]:
    """Return the handles in each chat, in order.

    A direct chat that lists none has the handle whose address is its identifier, if there is one.
    """
    inside: dict[int, tuple[int, ...]] = {}
    for chat in chats:
        handles = tuple(sorted(members.get(chat.rowid, ())))
        if not handles and chat.style == DIRECT:
            handle = people.by_address.get(address(chat.identifier, people.home))
            handles = () if handle is None else (handle,)
        inside[chat.rowid] = handles
    return inside


def merge(
    chats: Iterable[Chat],
    members: Mapping[int, Iterable[int]],
    people: People,
    lookup: Iterable[tuple[str, int]] = (),
) -> dict[int, Thread]:
    """Return the thread of each chat's ROWID.

    Args:
        chats: The rows of ``chat``.
        members: The handles in each chat.
        people: Who is behind the handles.
        lookup: (identifier, chat) rows of ``chat_lookup``.
    """
    chats = sorted(chats)
    inside = participants(chats, members, people)
    persons = {rowid: frozenset(map(people.key, handles)) for rowid, handles in inside.items()}
    union = Union()
    alike: dict[tuple[bool, frozenset[str]], list[Chat]] = defaultdict(list)
    for chat in chats:
        if persons[chat.rowid]:
            alike[_is_group(chat, persons[chat.rowid]), persons[chat.rowid]].append(chat)
    for group in alike.values():
        names = {chat.name for chat in group if chat.name}
        first: dict[str, int] = {}
        for chat in group:
            name = chat.name if len(names) > 1 else ""
            union.join(first.setdefault(name, chat.rowid), chat.rowid)
    _join_without_participants(chats, persons, people, union)
    known = {chat.rowid for chat in chats}
    by_identifier: dict[str, int] = {}
    for identifier, rowid in lookup:
        if rowid in known:
            union.join(by_identifier.setdefault(identifier, rowid), rowid)
    oldest: dict[object, int] = {}
    for chat in chats:
        oldest.setdefault(union.find(chat.rowid), chat.rowid)
    threads = {}
    for chat in chats:
        is_group = _is_group(chat, persons[chat.rowid])
        only = 0 if is_group or len(persons[chat.rowid]) != 1 else inside[chat.rowid][0]
        threads[chat.rowid] = Thread(f"chat:{oldest[union.find(chat.rowid)]}", is_group, only)
    return threads


def _join_without_participants(
    chats: Iterable[Chat], persons: Mapping[int, frozenset[str]], people: People, union: Union
) -> None:
    """Join each chat that nobody is known to be in to the oldest one of its kind with the same identifier."""
    oldest: dict[tuple[bool, str], int] = {}
    for chat in chats:
        is_group = _is_group(chat, persons[chat.rowid])
        identifier = chat.identifier.strip() if is_group else address(chat.identifier, people.home)
        if identifier:
            first = oldest.setdefault((is_group, identifier), chat.rowid)
            if not persons[chat.rowid] or not persons[first]:
                union.join(first, chat.rowid)


def _is_group(chat: Chat, persons: frozenset[str]) -> bool:
    return chat.style == GROUP if chat.style in (GROUP, DIRECT) else len(persons) > 1
