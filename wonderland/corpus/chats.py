"""Which conversations of two stores may be one: those in which the same people write, as far as their names tell.

What one person sends to two friends in the same minute is two messages, though person, time and text are the same. So a
message is looked for only in conversations that may be the same one. Of a name and a number nothing is known: they may
be one person, and so may their conversations.

What would fool it: two conversations with people of one name; and one person whom two stores call by different names,
unless the user says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from wonderland.corpus.handles import handle_of

__all__ = ["Chats"]

_Who = tuple[bool, str]  # whether it is a number or address, and which; or a name


class Chats:
    """The conversations of several stores, by number.

    Args:
        tables: The messages of each store.
        named: What each pseudonym stands for; of one that is not here nothing is known.
        pseudonyms: Whether senders are pseudonyms.
    """

    def __init__(self, tables: Sequence[pa.Table], named: Mapping[str, str], *, pseudonyms: bool) -> None:
        self._named, self._pseudonyms = named, pseudonyms
        self._others: list[list[frozenset[_Who] | None]] = []
        self.of: list[npt.NDArray[np.int64]] = []
        for table in tables:
            threads = table.column("thread").cast(pa.string()).combine_chunks().dictionary_encode()
            self.of.append(threads.indices.to_numpy(zero_copy_only=False).astype(np.int64))
            self._others.append(self._people(table, threads.dictionary.to_pylist()))
        self._known: dict[tuple[int, int, int, int], bool] = {}

    def may_be_one(self, store: int, chat: int, other: int, other_chat: int) -> bool:
        """Say whether a conversation of one store may be one of another store."""
        key = store, chat, other, other_chat
        if key not in self._known:
            self._known[key] = _may_be_one(self._others[store][chat], self._others[other][other_chat])
        return self._known[key]

    def between(self, store: int, other: int) -> Callable[[int, int], bool]:
        """Return what says whether a conversation of one store may be one of another store."""
        return lambda chat, other_chat: self.may_be_one(store, chat, other, other_chat)

    def _people(self, table: pa.Table, threads: list[str]) -> list[frozenset[_Who] | None]:
        """Return who but the owner writes in each conversation; None where that is not known."""
        columns = {name: table.column(name).cast(pa.string()) for name in ("thread", "sender")}
        pairs = pa.table({**columns, "mine": table.column("is_from_me")}).group_by(["thread", "sender", "mine"])
        found: dict[str, set[_Who | None]] = {thread: set() for thread in threads}
        for row in pairs.aggregate([]).to_pylist():
            if not row["mine"]:
                found[row["thread"]].add(self._who(row["sender"]))
        return [
            None if not found[one] or None in found[one] else frozenset(filter(None, found[one])) for one in threads
        ]

    def _who(self, sender: str) -> _Who | None:
        if self._pseudonyms and sender not in self._named:
            return None
        called = self._named.get(sender, sender)
        handle = handle_of(called)
        return (True, handle) if handle else (False, called.partition(": ")[2].casefold() or called.casefold())


def _may_be_one(some: frozenset[_Who] | None, others: frozenset[_Who] | None) -> bool:
    if some is None or others is None:
        return True
    if 2 * len(some & others) > min(len(some), len(others)):
        return True
    return len({is_handle for is_handle, _ in some | others}) > 1
