"""What the first pass over a Telegram export finds: its chats, and who wrote in each; and how its rows look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wonderland_exports.frame import Export
from wonderland_exports.frame.looks import begins_with, says

__all__ = ["ROWS", "Chat", "Survey", "is_list", "is_row"]

ROWS = rb'"type"\s*:\s*"(message|service)"(?s:.{0,400}?)"date(_unixtime)?"\s*:\s*"[\dT:-]+"'  # of a chat without a type


@dataclass
class Chat:
    """What a chat's own fields say, and who wrote in it."""

    number: int
    fields: dict[str, Any] = field(default_factory=dict)
    senders: Counter[str] = field(default_factory=Counter)

    @property
    def key(self) -> str:
        """What identifies it."""
        identity = self.fields.get("id")
        return str(identity) if isinstance(identity, int | str) else f"chat {self.number}"

    @property
    def type(self) -> str:
        """One of Telegram's nine types."""
        return str(self.fields.get("type", ""))


@dataclass
class Survey:
    """What the first pass found."""

    export: Export
    rows: int = 0
    chats: dict[tuple[int, tuple[Any, ...]], Chat] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    account: set[str] = field(default_factory=set)

    def chat(self, index: int, place: tuple[Any, ...]) -> Chat:
        """Return the chat at a place of a file, noted now if it was not."""
        return self.chats.setdefault((index, place), Chat(len(self.chats) + 1))


def is_list(start: bytes) -> bool:
    """Say whether a file begins as a list of rows alone, which somebody took out of an export."""
    return begins_with(b"[", start) and says(ROWS, start)


def is_row(row: Mapping[str, Any]) -> bool:
    """Say whether an object is a row of a chat."""
    return row.get("type") in ("message", "service") and "date" in row and ("from_id" in row or "actor_id" in row)
