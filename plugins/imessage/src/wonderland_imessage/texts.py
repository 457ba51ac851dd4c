"""The places where a text may be stored, which of them has the text of a row, and how often each was the one.

Since macOS 13 the text is in ``attributedBody`` and ``text`` is mostly empty; older rows have ``text`` alone; some have
both, and then ``text`` may be stale. An edited row also has its versions in ``message_summary_info``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland_imessage.archived import ArchiveError
from wonderland_imessage.body import OBJECT_REPLACEMENT, UndecodableBody
from wonderland_imessage.edits import read_history
from wonderland_imessage.plain_bodies import layout, plain_texts
from wonderland_imessage.salvage import salvage
from wonderland_imessage.skeletons import PLAIN, Decoding

__all__ = ["APP_PLACE", "Found", "Plain", "Texts"]

EMPTY: frozenset[str] = frozenset()
APP_PLACE = "\ufffd"  # where old rows keep the place of an app message
BODY, COLUMN, SAME = HOW = ("attributedBody", "text column", "both, the same")
_MAYBE_BLANK = np.zeros(256, dtype=bool)  # first bytes of the blanks in UTF-8, and of the place of an app message
_MAYBE_BLANK[[*range(0x21), 0xC2, 0xE1, 0xE2, 0xE3, 0xEF]] = True


class Found(NamedTuple):
    """The text of a row, the attributes used in it, how it was found, and what went wrong on the way."""

    text: str
    names: frozenset[str]
    how: str
    problem: str = ""
    salvaged: bool = False


class Plain(NamedTuple):
    """Rows that have a text and nothing else.

    Attributes:
        places: The place of each among the rows that were looked at, [text].
        texts: Their texts.
        how: How each was found, as a number of ``HOW``, [text].
    """

    places: np.ndarray
    texts: pa.LargeStringArray
    how: np.ndarray

    def only(self, keep: np.ndarray) -> Plain:
        """Return some of them; ``keep`` is one bool a text."""
        return self if keep.all() else Plain(self.places[keep], self.texts.filter(pa.array(keep)), self.how[keep])


class Texts:
    """Finds the texts of rows: of most together, of each other one by itself."""

    def __init__(self, salvage_damaged: bool = False) -> None:
        self.bodies = Decoding()
        self.how: Counter[str] = Counter()
        self._salvage = salvage_damaged

    def find(self, text: object, blob: object, summary: bytes | None = None) -> Found:
        """Return the text of a row whose columns are ``text``, ``attributedBody`` and ``message_summary_info``."""
        problem, body, names = "", None, EMPTY
        if text is not None and not isinstance(text, str):
            problem, text = f"its text column is not UTF-8 text but {type(text).__name__}", None
        if blob is not None:
            try:
                body, names = self.bodies.decode(blob)  # type: ignore[arg-type]
            except UndecodableBody as error:
                problem = error.reason
                recovered = salvage(blob) if self._salvage and not text else None
                if recovered:
                    return Found(recovered, EMPTY, "salvaged from a damaged attributedBody", problem, salvaged=True)
        if body:
            if not text:
                return Found(body, names, "attributedBody", problem)
            return Found(body, names, "both, the same" if body == text else "both, different: attributedBody", problem)
        if text:
            how = "text column" if blob is None else "text column, attributedBody "
            return Found(text, names, how if blob is None else how + ("undecodable" if problem else "empty"), problem)
        latest, lack = self._latest(summary)
        if latest:
            return Found(latest, PLAIN, "edit history", problem)
        return Found("", names, "", problem or (lack if body is None else ""))

    def plain(self, texts: Sequence[Any], bodies: Sequence[Any]) -> Plain:
        """Return those of some rows that have a text without attributes, in their body, their text column or both.

        Rows without any text, and those that hold the place of an attachment or an app message, are left out.
        """
        if not (set(map(type, texts)) <= _TEXT and set(map(type, bodies)) <= _BODY):
            return Plain(np.zeros(0, dtype=np.int64), pa.array([], pa.large_string()), np.zeros(0, dtype=np.int64))
        column, blobs = pa.array(texts, pa.large_string()), pa.array(bodies, pa.large_binary())
        has_text, has_body = (array.is_valid().to_numpy(zero_copy_only=False) for array in (column, blobs))
        places, words = plain_texts(blobs, self.bodies.forms())
        both = has_text[places]
        same = pc.equal(column.take(pa.array(places)), words).fill_null(False).to_numpy(zero_copy_only=False)
        found = Plain(places, words, np.where(both, HOW.index(SAME), HOW.index(BODY))).only(~both | same)
        alone = np.flatnonzero(has_text & ~has_body)
        found = Plain(
            np.concatenate([found.places, alone]),
            pa.concat_arrays([found.texts, column.take(pa.array(alone))]),
            np.concatenate([found.how, np.full(len(alone), HOW.index(COLUMN))]),
        )
        return found.only(~_says_nothing(found.texts))

    def count(self, plain: Plain) -> None:
        """Count how the texts of some rows were found."""
        for how, count in zip(HOW, np.bincount(plain.how, minlength=len(HOW)).tolist(), strict=True):
            self.how[how] += count

    def _latest(self, summary: bytes | None) -> tuple[str, str]:
        """Return the current text that the edit history has, and what is wrong with it."""
        history = read_history(summary)
        if history is None:
            return "", "its edit history cannot be read" if summary else ""
        try:
            return history.latest(lambda blob: self.bodies.decode(blob)[0]), ""
        except ArchiveError as error:
            return "", error.reason


_TEXT, _BODY = {str, type(None)}, {bytes, type(None)}


def _says_nothing(texts: pa.LargeStringArray) -> np.ndarray:
    """Say which texts are empty, blank, the place of an app message, or hold that of an attachment, [text]."""
    nothing: np.ndarray = pc.match_substring(texts, OBJECT_REPLACEMENT).to_numpy(zero_copy_only=False)
    starts, data = layout(texts)
    empty = starts[1:] == starts[:-1]
    doubtful = empty.copy()
    doubtful[~empty] = _MAYBE_BLANK[data[starts[:-1][~empty]]]
    blank = [not text or text.isspace() or text == APP_PLACE for text in texts.filter(pa.array(doubtful)).to_pylist()]
    nothing = nothing.copy()
    nothing[doubtful] |= np.array(blank, dtype=bool)
    return nothing
