"""What every test of a source asks: are the rows those that were planted, and is damage no accident?

Each function raises `AssertionError` where the answer is no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import wonderland as wl
from wonderland.errors import PluginError, WonderlandError
from wonderland_exports.testing.known import Known

__all__ = ["DAMAGES", "agrees", "damaged", "no_accident", "read"]

DAMAGES = ("cut", "byte", "gap", "noise", "twice")


def read(source: Any) -> tuple[list[wl.Message], list[wl.Skipped]]:
    """Return messages and skipped rows; there are as many as the source counts."""
    stored = source.count()
    rows = list(source.rows())
    source.close()
    assert len(rows) == stored
    assert len({row.id for row in rows}) == stored
    return [row for row in rows if isinstance(row, wl.Message)], [row for row in rows if isinstance(row, wl.Skipped)]


def _key(message: wl.Message) -> tuple[Any, ...]:
    milliseconds = None if message.timestamp is None else round(message.timestamp.timestamp() * 1000)
    return message.thread, message.sender, milliseconds, message.text, message.tags


def _planted(planted: Known, sender: Callable[[str], str]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (said.thread, "me" if said.sender == planted.me else sender(said.sender), said.milliseconds, *said[3:])
        for said in planted.said
    )


def agrees(source: Any, planted: Known, sender: Callable[[str], str] = str) -> None:
    """Check that a source finds exactly what was planted."""
    messages, skipped = read(source)
    assert Counter(map(_key, messages)) == _planted(planted, sender)
    assert Counter(row.reason for row in skipped) == planted.reasons
    assert not [row for row in skipped if row.failed]
    assert all(message.is_from_me == (message.sender == "me") for message in messages)
    assert len(messages) + len(skipped) == planted.rows


def no_accident(make: Callable[[], Any]) -> list[wl.Message | wl.Skipped] | None:
    """Read a damaged store: all rows are accounted for, or a sentence says why not."""
    try:
        source = make()
        stored = source.count()
        rows = list(source.rows())
    except PluginError:
        raise
    except WonderlandError:
        return None
    assert len(rows) == stored
    assert len({row.id for row in rows}) == stored
    return rows


def damaged(content: bytes, how: str, where: float, byte: int) -> bytes:
    """Damage a file: cut, overwrite a byte, leave out a piece, or put noise into it."""
    place = int(where * len(content))
    return {
        "cut": content[:place],
        "byte": content[:place] + bytes([byte]) + content[place + 1 :],
        "gap": content[:place] + content[place + byte :],
        "noise": content[:place] + bytes(range(byte, 256)) + content[place:],
        "twice": content[:place] + content[place // 2 :],
    }[how]
