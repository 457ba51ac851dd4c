"""Counts by heading, for the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

__all__ = ["Tally"]


class Tally(defaultdict[str, "Counter[str]"]):
    """Counts by heading and name: ``tally["Marked"]["edited"] += 1``."""

    def __init__(self) -> None:
        super().__init__(Counter)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return what was counted, most frequent first, without what never occurred."""
        present = {heading: {k: n for k, n in counts.most_common() if n} for heading, counts in self.items()}
        return {heading: counts for heading, counts in present.items() if counts}
