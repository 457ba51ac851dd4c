"""The places where a text may be stored, which of them has the text of a row, and how often each was the one.

Since macOS 13 the text is in ``attributedBody`` and ``text`` is mostly empty; older rows have ``text`` alone; some have
both, and then ``text`` may be stale. An edited row also has its versions in ``message_summary_info``.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from wonderland_imessage.archived import ArchiveError
from wonderland_imessage.body import UndecodableBody
from wonderland_imessage.edits import read_history
from wonderland_imessage.salvage import salvage
from wonderland_imessage.skeletons import PLAIN, decoder

__all__ = ["Found", "Texts"]

EMPTY: frozenset[str] = frozenset()


class Found(NamedTuple):
    """The text of a row, the attributes used in it, how it was found, and what went wrong on the way."""

    text: str
    names: frozenset[str]
    how: str
    problem: str = ""
    salvaged: bool = False


class Texts:
    """Finds the text of one row after another."""

    def __init__(self, salvage_damaged: bool = False) -> None:
        self.decode = decoder()
        self.how: Counter[str] = Counter()
        self._salvage = salvage_damaged

    def find(self, text: object, blob: object, summary: bytes | None = None) -> Found:
        """Return the text of a row whose columns are ``text``, ``attributedBody`` and ``message_summary_info``."""
        problem, body, names = "", None, EMPTY
        if text is not None and not isinstance(text, str):
            problem, text = f"its text column is not UTF-8 text but {type(text).__name__}", None
        if blob is not None:
            try:
                body, names = self.decode(blob)  # type: ignore[arg-type]
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

    def _latest(self, summary: bytes | None) -> tuple[str, str]:
        """Return the current text that the edit history has, and what is wrong with it."""
        history = read_history(summary)
        if history is None:
            return "", "its edit history cannot be read" if summary else ""
        try:
            return history.latest(lambda blob: self.decode(blob)[0]), ""
        except ArchiveError as error:
            return "", error.reason
