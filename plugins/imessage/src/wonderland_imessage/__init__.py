"""iMessage for wonderland: every row of a Messages database, read or accounted for.

`ChatDb` is the source that ``wonderland extract`` finds; `decode_body` and `walk` are of use on their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import wonderland as wl
from wonderland_imessage.archived import ArchiveError
from wonderland_imessage.body import Body, UndecodableBody, decode_body
from wonderland_imessage.typedstream import walk

if TYPE_CHECKING:
    from wonderland_imessage.chatdb import ChatDb as ChatDb

__all__ = ["ArchiveError", "Body", "ChatDb", "UndecodableBody", "decode_body", "walk"]


@wl.hookimpl
def wonderland_sources() -> Iterable[type[wl.Source]]:
    """Register the iMessage source."""
    from wonderland_imessage.chatdb import ChatDb

    return [ChatDb]


def __getattr__(name: str) -> Any:
    if name == "ChatDb":
        from wonderland_imessage.chatdb import ChatDb

        return ChatDb
    raise AttributeError(f"module 'wonderland_imessage' has no attribute {name!r}; public names: {', '.join(__all__)}")
