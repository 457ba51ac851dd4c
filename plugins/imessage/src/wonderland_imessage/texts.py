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
from wonderland_imessage.body import OBJECT_REPLACEMENT, ONE_TIME_CODE, UndecodableBody
from wonderland_imessage.edits import read_history
from wonderland_imessage.many_bodies import layout, many_texts
from wonderland_imessage.salvage import salvage
from wonderland_imessage.skeletons import PLAIN, Decoding

__all__ = ["APP_PLACE", "HISTORY", "Found", "Plain", "Texts"]

EMPTY: frozenset[str] = frozenset()
APP_PLACE = "\ufffd"  # where old rows keep the place of an app message
BODY, COLUMN, SAME = HOW = ("attributedBody", "text column", "both, the same")
HISTORY = "edit history"
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
    """Rows whose text was found beyond doubt, many together.

    Attributes:
        places: The place of each among the rows that were looked at, [text].
        texts: What was written, without the places of attachments.
        how: How each was found, as a number of ``HOW``, [text].
        attachment: Whether there is nothing but the places of attachments, [text].
        code: Whether Messages saw a one-time code in it, [text].
    """

    places: np.ndarray
    texts: pa.LargeStringArray
    how: np.ndarray
    attachment: np.ndarray
    code: np.ndarray

    def only(self, keep: np.ndarray) -> Plain:
        """Return some of them; ``keep`` is one bool a text."""
        if keep.all():
            return self
        texts = self.texts.filter(pa.array(keep))
        return Plain(self.places[keep], texts, self.how[keep], self.attachment[keep], self.code[keep])


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
            return Found(latest, PLAIN, HISTORY, problem)
        return Found("", names, "", problem or (lack if body is None else ""))

    def plain(self, texts: Sequence[Any], bodies: Sequence[Any]) -> Plain:
        """Return those of some rows whose text is in their body, their text column or the same in both.

        Rows that say nothing and hold no place of an attachment are left out, and rows whose columns disagree.
        """
        if not (set(map(type, texts)) <= _TEXT and set(map(type, bodies)) <= _BODY):
            number, yes = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
            return Plain(number, pa.array([], pa.large_string()), number, yes, yes)
        column, blobs = pa.array(texts, pa.large_string()), pa.array(bodies, pa.large_binary())
        has_text, has_body = (array.is_valid().to_numpy(zero_copy_only=False) for array in (column, blobs))
        read = many_texts(blobs, self.bodies.learned())
        codes = np.array([ONE_TIME_CODE in names for names in read.all_names], dtype=bool)
        both = has_text[read.places]
        same = ~both
        same[both] = pc.equal(column.take(pa.array(read.places[both])), read.texts.filter(pa.array(both))).to_numpy(
            zero_copy_only=False
        )
        alone = np.flatnonzero(has_text & ~has_body)
        how = np.where(both, HOW.index(SAME), HOW.index(BODY))[same]
        words = pa.concat_arrays([read.texts.filter(pa.array(same)), column.take(pa.array(alone))])
        words, holds = _without_places(words)
        nothing = _says_nothing(words)
        return Plain(
            np.concatenate([read.places[same], alone]),
            words,
            np.concatenate([how, np.full(len(alone), HOW.index(COLUMN))]),
            nothing & holds,
            np.concatenate([codes[read.names[same]], np.zeros(len(alone), dtype=bool)]),
        ).only(~nothing | holds)

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


def _without_places(texts: pa.LargeStringArray) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Return texts without the places of attachments, and which of them held one."""
    holds: np.ndarray = pc.match_substring(texts, OBJECT_REPLACEMENT).to_numpy(zero_copy_only=False)
    if holds.any():
        mask = pa.array(holds)
        texts = pc.replace_with_mask(texts, mask, pc.replace_substring(texts.filter(mask), OBJECT_REPLACEMENT, ""))
    return texts, holds


def _says_nothing(texts: pa.LargeStringArray) -> np.ndarray:
    """Say which texts are empty, blank or the place of an app message, [text]."""
    starts, data = layout(texts)
    nothing: np.ndarray = starts[1:] == starts[:-1]
    doubtful = np.flatnonzero(~nothing)
    doubtful = doubtful[_MAYBE_BLANK[data[starts[doubtful]]]]
    blank = [text.isspace() or text == APP_PLACE for text in texts.take(pa.array(doubtful)).to_pylist()]
    nothing[doubtful] = blank
    return nothing
