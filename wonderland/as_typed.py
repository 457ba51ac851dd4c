"""Commands as somebody types them: every advice that prints one with paths or options of the user has it from here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

__all__ = ["as_typed", "options_as_typed", "quoted"]


def quoted(word: object) -> str:
    """Return a word as a shell takes it; what cannot be seen is written as an escape.

    >>> quoted("a b.zip"), quoted(""), quoted("tab\\tit's")
    ("'a b.zip'", "''", "$'tab\\\\x09it\\\\'s'")
    """
    text = str(word)
    return shlex.quote(text) if text.isprintable() else f"$'{''.join(map(_escaped, text))}'"


def as_typed(command: str, *words: object, where: str = "") -> str:
    """Return a command of wonderland as it is typed.

    Args:
        command: Its name.
        words: What follows, as it is meant, not yet quoted.
        where: The option that names the workspace, as it is typed, with a space before it.

    >>> as_typed("extract", "my chats.zip", "--me", "", where=" -w ours")
    "wonderland extract 'my chats.zip' --me '' -w ours"
    """
    return " ".join(["wonderland", command, *map(quoted, words)]) + where


def options_as_typed(options: Mapping[str, Any]) -> list[str]:
    """Return options by name as words, not yet quoted.

    >>> options_as_typed({"me": "Ada Berg", "partial": True, "edited_only": False, "years": [2019, 2020]})
    ['--me', 'Ada Berg', '--partial', '--no-edited-only', '--years', '2019,2020']
    """
    words = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)]
    return words


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
