"""Instagram: what `wonderland_exports.meta` reads, in the folders of Instagram; the form before 2020 is refused.

Until 2020 a download held one ``messages.json``: a list of conversations, each with ``participants`` and a
``conversation``. What its rows without a text are, nobody documented; asking for the download again costs little.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from wonderland.errors import InputError
from wonderland_exports.frame import head, peek
from wonderland_exports.meta import Meta

__all__ = ["Instagram"]

_OLD = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\[\s*\{")


class Instagram(Meta):
    """Instagram: the download of its messages as JSON."""

    name: ClassVar[str] = "instagram"
    _of: ClassVar[str] = "instagram"
    _other: ClassVar[str] = "facebook"

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for a file of messages, or for the one file of before 2020, so that opening it can say what to do."""
        return super().sniff(path) or 0.9 * _is_old(path)

    def count(self) -> int:
        """Count the rows of all files."""
        if not super().sniff(self.path) and _is_old(self.path):
            raise InputError(
                f"{self.path} is a download of Instagram from before 2020, whose messages.json is not read.",
                hint="Ask for it again; it holds the old messages too: Accounts Center > Your information and "
                "permissions > Download your information > Messages > format JSON, all time.",
            )
        return super().count()


def _is_old(path: Path) -> bool:
    for member in peek(path, lambda name: name.rsplit("/", 1)[-1] == "messages.json", 2):
        start = head(member, 1 << 16)
        if _OLD.match(start) and b'"participants"' in start and b'"conversation"' in start:
            return True
    return False
