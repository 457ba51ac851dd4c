"""Which chats are one conversation?

Messages keeps a chat for each service, so one conversation is several rows of ``chat``. Chats are joined when they have
the same participants (as persons, see `people`), or when ``chat_lookup``, where present, gives them one identifier.
Groups of the same people under different names stay apart. A thread is named after its oldest chat, ``chat:12``:
no number or name can be read from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wonderland_imessage.people import People, Union

__all__ = ["Chat", "Thread", "merge"]

GROUP, DIRECT = 43, 45  # ASCII "+" and "-", as in the guid "iMessage;+;chat1234"


class Chat(NamedTuple):
    """A row of the table ``chat``."""

    rowid: int
    style: int | None
    name: str


class Thread(NamedTuple):
    """A conversation: its key, whether it is a group, and the one other participant of a conversation of two."""

    key: str
    is_group: bool
    only_handle: int


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
    union = Union()
    alike: dict[tuple[bool, frozenset[str]], list[Chat]] = defaultdict(list)
    for chat in chats:
        handles = sorted(members.get(chat.rowid, ()))
        persons = frozenset(people.by_handle[h].key if h in people.by_handle else f"handle {h}" for h in handles)
        if persons:
            alike[_is_group(chat, handles), persons].append(chat)
    for group in alike.values():
        names = {chat.name for chat in group if chat.name}
        first: dict[str, int] = {}
        for chat in group:
            name = chat.name if len(names) > 1 else ""
            union.join(first.setdefault(name, chat.rowid), chat.rowid)
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
        handles = sorted(members.get(chat.rowid, ()))
        is_group = _is_group(chat, handles)
        only = 0 if is_group or not handles else handles[0]
        threads[chat.rowid] = Thread(f"chat:{oldest[union.find(chat.rowid)]}", is_group, only)
    return threads


def _is_group(chat: Chat, handles: list[int]) -> bool:
    return chat.style == GROUP if chat.style in (GROUP, DIRECT) else len(handles) > 1
