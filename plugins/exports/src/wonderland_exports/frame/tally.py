"""Counts by heading, for the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import wonderland as wl

__all__ = ["Tally"]


class Tally(defaultdict[str, "Counter[str]"]):
    """Counts by heading and name: ``tally["Marked"]["edited"] += 1``."""

    def __init__(self) -> None:
        super().__init__(Counter)

    def without(self, message: wl.Message) -> None:
        """Take back what was counted of a message that is left out after all, since another file had it."""
        for heading in ("Marked", "Kinds"):
            for tag in message.tags:
                self._less(heading, tag)
        if message.timestamp is None:
            self._less("Times", "without a date")
            self._less("Times", "not understood, left open")
        elif message.timestamp.tzinfo is None:
            self._less("Times", "local, without a zone")

    def _less(self, heading: str, name: str) -> None:
        if heading in self and self[heading][name]:
            self[heading][name] -= 1

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return what was counted, most frequent first, without what never occurred."""
        present = {heading: {k: n for k, n in counts.most_common() if n} for heading, counts in self.items()}
        return {heading: counts for heading, counts in present.items() if counts}
