"""How the beginning of a file looks, for ``sniff``, in either UTF-8 or UTF-16."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wonderland.corpus.unrecognised import fresh_name
from wonderland.errors import InputError

__all__ = ["begins_with", "first_line", "not_lines", "says"]


def begins_with(bracket: bytes, start: bytes) -> bool:
    """Say whether the first bytes of a file that are neither a mark nor blank are these."""
    return start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(bracket)


def first_line(start: bytes) -> Mapping[str, Any]:
    """Return the JSON object that is the first line of a file, as in JSON Lines; empty if there is none.

    >>> first_line(b'{"a": 1}\\n{"a": 2}'), first_line(b'[{"a": 1}]'), first_line(b'{"a":\\n1}')
    ({'a': 1}, {}, {})
    """
    line = start.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def not_lines(path: Path, app: str) -> InputError:
    """Return what refuses rows of an app that stand one a line, as JSON Lines, and says how to make a list of them."""
    new = fresh_name(f"{path.stem}-list", ".json")
    return InputError(
        f"{path.name} holds rows as {app} exports them, but each on a line of its own, which {app} does not write.",
        hint=f"Give the export as it was; or make one list of them, and give that: jq -s . {shlex.quote(str(path))} "
        f"> {new}",
    )


def says(pattern: bytes, start: bytes) -> bool:
    """Say whether the first bytes of a file match a pattern somewhere.

    >>> says(rb'"type":\\s', b'{"type": 1}'), says(rb'"type":\\s', '{"type": 1}'.encode("utf-16")), says(b"x", b"y")
    (True, True, False)
    """
    return re.search(pattern, start.replace(b"\0", b"")) is not None
