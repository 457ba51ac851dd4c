"""What may be recovered from a body that the walker refuses, if the user asks for it.

Only when asked (``salvage``), and every row recovered this way is tagged ``salvaged``: the string's bytes are taken
where the marker of a byte string is followed by a length that fits and an end-of-object. That is a guess; a body that
was cut short may yield its whole text, another nothing.
"""

from __future__ import annotations

__all__ = ["salvage"]

MARKER = b"\x84\x01+"
END = 0x86


def salvage(blob: object) -> str | None:
    """Return the text a damaged body seems to hold, or None."""
    if not isinstance(blob, bytes):
        return None
    at = blob.find(MARKER)
    if at < 0:
        return None
    at += len(MARKER)
    head = blob[at : at + 1]
    width = {b"\x81": 2, b"\x82": 4}.get(head, 0)
    start = at + 1 + width
    length = int.from_bytes(blob[at + 1 : start], "little") if width else int.from_bytes(head, "little")
    end = start + length
    if end > len(blob) or (end < len(blob) and blob[end] != END):
        return None
    try:
        return blob[start:end].decode("utf-8")
    except UnicodeDecodeError:
        return None
