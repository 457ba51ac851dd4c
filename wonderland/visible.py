"""Text from strangers made safe to look at: whatever hides, reorders or rings a bell becomes a visible escape.

Messages hold what other people typed: direction overrides that make ``gnp.exe`` read ``exe.png``, zero-width joiners,
terminal escapes, half of a surrogate pair. `visible` is the rule for Python (pictures, the terminal); the report's
``text.js`` holds the same rule for the browser, and a test compares the two.
"""

from __future__ import annotations

import re

__all__ = ["visible"]

_HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# A joiner between two pictures makes one picture of them (a family, a flag); anywhere else it only hides.
_JOINER = re.compile(
    "(?<![\U0001f000-\U0001faff\u2600-\u27bf\ufe0f])\u200d|\u200d(?![\U0001f000-\U0001faff\u2600-\u27bf])"
)
_LONGEST = 200


def visible(text: str, longest: int = _LONGEST) -> str:
    r"""Return ``text`` with hidden characters escaped and what is longer than ``longest`` cut and counted.

    >>> visible("a\u202eb\x00")
    'a\\u202eb\\u0000'
    """
    if len(text) > longest:
        return visible(text[:longest], longest) + f"… ({len(text):,} characters)"
    return _JOINER.sub(_escape, _HIDDEN.sub(_escape, text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\u{{{code:x}}}"
