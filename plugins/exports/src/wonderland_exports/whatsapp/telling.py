"""What the user should know of a chat: that messages are missing, or that it is two exports in one file."""

from __future__ import annotations

from datetime import datetime

from wonderland.counted import counted

__all__ = ["cut", "joined"]

_LIMIT, _LIMIT_WITH_MEDIA = 40_000, 10_000
_NEAR = 0.995  # the limits are round about
_TWICE = 2


def joined(title: str, other_heads: int) -> str | None:
    """Say that the last message of a chat looks as if another export followed, by how many lines begin as its would."""
    if other_heads < _TWICE:
        return None
    return (
        f"The last message of {title} holds {other_heads:,} lines that begin as messages of another phone "
        "do. If the file is two exports, one after the other, give each as a file of its own."
    )


def cut(title: str, rows: int, first: datetime | None, *, with_media: bool) -> str | None:
    """Say that the app probably left out the messages before the first, given its day."""
    limit = _LIMIT_WITH_MEDIA if with_media else _LIMIT
    if not _NEAR * limit <= rows <= limit * 1.01:
        return None
    when = f", on {first:%Y-%m-%d}" if first else ""
    return (
        f"{title} has {counted(rows, 'row')}. WhatsApp exports the newest {limit:,} or so and drops older "
        f"ones in silence, so messages before the first one here{when} are probably missing. The source "
        "whatsapp-db reads all."
    )
