"""What the user should know of a chat: that messages are missing, or that it is two exports in one file."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from wonderland.counted import counted

if TYPE_CHECKING:
    from wonderland_exports.whatsapp.chats import Chat

__all__ = ["cut", "joined"]

_LIMIT, _LIMIT_WITH_MEDIA = 40_000, 10_000
_NEAR = 0.995  # the limits are round about
_TWICE = 2


def joined(chat: Chat) -> str | None:
    """Say that the last message of a chat looks as if another export followed."""
    if chat.other_heads < _TWICE:
        return None
    return (
        f"The last message of {chat.title} holds {chat.other_heads:,} lines that begin as messages of another phone "
        "do. If the file is two exports, one after the other, give each as a file of its own."
    )


def cut(chat: Chat, first: datetime | None) -> str | None:
    """Say that the app probably left out the messages before the first, given its day."""
    limit = _LIMIT_WITH_MEDIA if chat.media else _LIMIT
    if not _NEAR * limit <= chat.rows <= limit * 1.01:
        return None
    when = f", on {first:%Y-%m-%d}" if first else ""
    return (
        f"{chat.title} has {counted(chat.rows, 'row')}. WhatsApp exports the newest {limit:,} or so and drops older "
        f"ones in silence, so messages before the first one here{when} are probably missing. The source "
        "whatsapp-db reads all."
    )
