"""Who sent a message where, over which service: what all messages of one origin share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wonderland_imessage.query import Context

__all__ = ["ME", "Origin", "Origins", "Words"]

ME = "me"
SERVICES = {
    "": "no service",
    "imessage": "iMessage",
    "sms": "SMS",
    "rcs": "RCS",
    "imessagelite": "satellite",
}
SERVICE_TAGS = {"sms": ("sms",), "rcs": ("rcs",), "imessagelite": ("satellite",)}


def _decoded(service: bytes | str | None) -> str:
    """Return the name of a service, which `query.select` gives as bytes where that is quicker."""
    if not isinstance(service, bytes):
        return service or ""
    try:
        return service.decode()
    except UnicodeDecodeError:
        return ""


class Words(dict[str, int]):
    """The number of each word, given to it when it is first asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


class Origin(NamedTuple):
    """One sender in one chat over one service."""

    thread: str
    sender: str
    service: str
    tags: tuple[str, ...]
    is_me: bool

    @property
    def is_sms(self) -> bool:
        """Whether a tapback of this origin would have come as a text."""
        return "sms" in self.tags or "rcs" in self.tags


class Origins(dict[tuple[Any, ...], int]):
    """The number of each origin by (chat, handle, service, from me), given to it when it is first asked for.

    Attributes:
        all: The origins by their numbers.
        threads: The words of their conversations.
        senders: The words of their senders.
        tags: The words of tags, joined by spaces.
        further: The number of each tuple of tags that a message may have beside those of its origin; 0 is none.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.all: list[Origin] = []
        self.threads, self.senders, self.tags = Words(), Words(), Words()
        self.further: dict[tuple[str, ...], int] = {(): 0}
        self._context = context
        self._counts = np.zeros(0, dtype=np.int64)
        self._table = np.zeros((5, 0), dtype=np.int32)

    def __missing__(self, key: tuple[Any, ...]) -> int:
        self[key] = number = len(self.all)
        self.all.append(self._made(*key))
        return number

    def table(self) -> np.ndarray:
        """Return the numbers of thread, sender and tags, whether it is me and whether it is SMS, [5, origin]."""
        new = self.all[self._table.shape[1] :]
        if new:
            told = [
                (
                    self.threads[one.thread],
                    self.senders[one.sender],
                    self.tags[" ".join(one.tags)],
                    one.is_me,
                    one.is_sms,
                )
                for one in new
            ]
            self._table = np.concatenate([self._table, np.array(told, dtype=np.int32).T], axis=1)
        return self._table

    def with_tags(self, tags: np.ndarray, of: np.ndarray, further: np.ndarray) -> np.ndarray:
        """Return the numbers of the tags of messages, with further ones behind those of their origins, [message].

        Args:
            tags: The numbers of the tags of their origins, [message].
            of: The numbers of their origins, [message].
            further: The numbers of their further tags, [message].
        """
        some = np.flatnonzero(further)
        pairs, which = np.unique(of[some].astype(np.int64) * len(self.further) + further[some], return_inverse=True)
        tuples = list(self.further)
        told = [divmod(pair, len(tuples)) for pair in pairs.tolist()]
        new = [self.tags[" ".join(self.all[origin].tags + tuples[number])] for origin, number in told]
        tags = tags.copy()
        tags[some] = np.array(new, dtype=tags.dtype)[which]
        return tags

    def count(self, numbers: np.ndarray) -> None:
        """Count messages by the numbers of their origins, [message]."""
        counts = np.bincount(numbers, minlength=len(self.all))
        counts[: len(self._counts)] += self._counts
        self._counts = counts

    def counted(self) -> list[tuple[Origin, int]]:
        """Return the origins that have messages, and how many."""
        return [(self.all[number], int(self._counts[number])) for number in np.flatnonzero(self._counts).tolist()]

    def _made(self, chat: int | None, handle: Any, service: Any, me: Any) -> Origin:
        context = self._context
        thread = context.threads.get(chat) if chat is not None else None
        if not me and not handle and thread is not None:
            handle = thread.only_handle  # in a conversation of two it can only be the other
        person = context.people.by_handle.get(handle) if handle else None
        name = _decoded(service).strip()
        tags: tuple[str, ...] = SERVICE_TAGS.get(name.lower(), ())
        if thread is not None and thread.is_group:
            tags = ("group", *tags)
        if not me and person is not None:
            tags += person.tags
        if thread is None:
            tags += ("orphan",)
        sender = ME if me else person.key if person is not None else f"handle {handle}" if handle else "unknown"
        home = thread.key if thread is not None else f"orphan:{context.oldest_handle(handle)}"
        return Origin(home, sender, SERVICES.get(name.lower(), name), tags, bool(me))
