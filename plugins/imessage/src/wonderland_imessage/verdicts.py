"""What a row is, as far as its columns say, told once for all rows whose columns are the same.

Tapbacks, replies, links and what apps sent are a fifth of a database, in a few dozen combinations of columns. A row
that was edited or unsent, that is scheduled, spoken or has a subject, and what happened in a group, is not told here:
it takes more than these columns.
"""

from __future__ import annotations

from typing import Any

from wonderland_imessage.kinds import LINK_PREVIEW, Passed, Special, passed_over

__all__ = ["ORDINARY", "Verdicts", "tags_of"]

ORDINARY = Special._make([None] * len(Special._fields))
TAGS = [
    (Special._fields.index(column), tag)
    for column, tag in {
        "date_edited": "edited",
        "subject": "subject",
        "reply": "reply",
        "is_auto_reply": "auto-reply",
        "is_forward": "forwarded",
        "is_spam": "spam",
    }.items()
]
FURTHER = [
    Special._fields.index(column)
    for column in ("item_type", "is_audio_message", "date_edited", "date_retracted", "subject", "schedule_type")
]
SUMMARY = Special._fields.index("message_summary_info")
MOST = 4096  # combinations that are remembered


def tags_of(special: Special, *, partly_unsent: bool = False) -> tuple[str, ...]:
    """Return the tags of a message that its columns tell."""
    if special is ORDINARY:
        return ()
    tags = [tag for at, tag in TAGS if special[at]]
    if partly_unsent:
        tags.append("partly-unsent")
    if special.balloon_bundle_id == LINK_PREVIEW:
        tags.append("link")
    return tuple(tags)


class Verdicts:
    """What rows are, by their columns."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Passed | tuple[str, ...] | None] = {}

    def of(self, columns: tuple[Any, ...] | None) -> Passed | tuple[str, ...] | None:
        """Return why a row is no message, or its tags if it is one; None if the columns alone do not tell.

        Args:
            columns: Those of `Special`; None of an ordinary row.
        """
        if columns is None:
            return ()
        if float in map(type, columns):  # 2000.0 equals 2000, and is another value
            return None
        try:
            return self._known[columns]
        except KeyError:
            verdict = _told(columns)
            if verdict is not None and len(self._known) < MOST:
                self._known[columns] = verdict
            return verdict


def _told(columns: tuple[Any, ...]) -> Passed | tuple[str, ...] | None:
    if columns[SUMMARY] is not None or any(columns[at] for at in FURTHER):
        return None
    special = Special._make(columns)
    return passed_over(special, None) or tags_of(special)
