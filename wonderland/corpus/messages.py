"""Messages, and the ledger of what became of every row that was stored.

A source yields one `Message` or one `Skipped` for each stored row. The `Ledger` counts them: rows kept, rows passed
over and why, and later every row a filter dropped. Its law, ``kept + skipped == stored``, is checked when a corpus is
read, so that no message can vanish in silence.

Both row types are named tuples because a store holds hundreds of thousands of them and a tuple is the cheapest
immutable value Python has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from wonderland.errors import PluginError
from wonderland.notebook import table_of

__all__ = ["Entry", "Ledger", "Message", "Skipped"]


class Message(NamedTuple):
    """One message that somebody wrote.

    Attributes:
        id: The row's identity in its store, unique there.
        thread: The conversation it belongs to.
        sender: Who wrote it; becomes a pseudonym when the corpus is read, unless names are asked for.
        is_from_me: Whether the owner of the store wrote it.
        timestamp: When, timezone-aware; naive where the store does not say the zone; None where it does not say when.
        text: What was written, exactly.
        kind: ``"text"`` for what was typed; a source may use other words (``"audio"``, ``"poll"``) for transcripts.
        tags: What the reader knows and a filter or table may want: ``group``, ``sms``, ``one-time-code``,
            ``business``, ``edited``, ``forwarded``, ``bot``.
    """

    id: str
    thread: str
    sender: str
    is_from_me: bool
    timestamp: datetime | None
    text: str
    kind: str = "text"
    tags: tuple[str, ...] = ()


class Skipped(NamedTuple):
    """One stored row that is no message.

    Attributes:
        id: The row's identity in its store.
        reason: Its class, in a few words that repeat from row to row ("tapback", "no text"); the ledger counts by it.
        failed: True if the row should have been readable and was not ("undecodable body"), so that it can be listed.
        detail: What went wrong with this row in particular; never message text.
    """

    id: str
    reason: str
    failed: bool = False
    detail: str = ""


_OF_MESSAGES = frozenset(
    ("How each text was found", "Kinds", "Left open", "Marked", "Messages", "Repeated", "Services", "Times")
)
_OF_ROWS = frozenset(("Found in", "Service messages", "System messages", "Unknown types"))


@dataclass(frozen=True)
class Entry:
    """So many rows left at one stage for one reason."""

    stage: str
    reason: str
    count: int
    failed: bool = False


@dataclass(frozen=True)
class Ledger:
    """Where every stored row went.

    Attributes:
        source: What was read, for people ("chat.db, imessage").
        stored: Rows the store says it holds.
        kept: Messages that are left now.
        entries: Rows that left, by stage ("read", then one stage for each filter) and reason.
        facts: Further counts of the rows that were kept, by heading (how each text was found, services, repairs).
    """

    source: str
    stored: int
    kept: int
    entries: tuple[Entry, ...] = ()
    facts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        gone = sum(entry.count for entry in self.entries)
        if self.kept + gone != self.stored:
            raise PluginError(
                f"{self.source}: {self.stored:,} rows are stored, but {self.kept:,} were kept and {gone:,} accounted "
                f"for as skipped: {self.stored - self.kept - gone:+,} rows are missing from the ledger.",
                hint="This is a fault of the source, not of your file. Please report it to the source's author.",
            )

    def whole_of(self, heading: str) -> int:
        """Return what the counts under a heading of the facts are parts of; 0 where that is not known.

        That is the messages as they were read, before any filter, or the rows stored. Of one store among several, of
        what is no row (strings that were mended), and under a heading of a plugin's own, no share is told.
        """
        read = self.stored - self.count("read")
        whole = read if heading in _OF_MESSAGES else self.stored if heading in _OF_ROWS else 0
        return whole if all(count <= whole for count in self.facts[heading].values()) else 0

    def dropped(self, stage: str, reasons: Mapping[str, int]) -> Ledger:
        """Return the ledger after ``stage`` dropped so many messages for each reason."""
        entries = tuple(Entry(stage, reason, count) for reason, count in sorted(reasons.items()) if count)
        return replace(self, kept=self.kept - sum(e.count for e in entries), entries=self.entries + entries)

    def count(self, stage: str | None = None, reason: str | None = None) -> int:
        """Count the rows that left, at one stage or for one reason if given."""
        return sum(e.count for e in self.entries if stage in (None, e.stage) and reason in (None, e.reason))

    def stages(self) -> list[str]:
        """List the stages at which rows left, in order."""
        return list(dict.fromkeys(entry.stage for entry in self.entries))

    def __str__(self) -> str:
        lines = [_line(self.source, self.stored, self.stored)]
        left = self.stored
        for stage in self.stages():
            for entry in self.entries:
                if entry.stage == stage:
                    mark = "!" if entry.failed else "-"
                    lines.append(_line(f"  {mark} {stage}: {entry.reason}", entry.count, self.stored))
                    left -= entry.count
        lines.append(_line("  = messages", left, self.stored))
        for heading, counts in self.facts.items():
            lines.append(heading)
            whole = self.whole_of(heading)
            lines.extend(_line(f"    {name}", count, whole) for name, count in counts.items())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            ("stored", self.stored, _share(self.stored, self.stored)),
            *((f"− {e.stage}: {e.reason}", e.count, _share(e.count, self.stored)) for e in self.entries),
            ("= messages", self.kept, _share(self.kept, self.stored)),
        ]
        return table_of(f"Ledger of {self.source}", rows)

    def to_json(self) -> dict[str, object]:
        """Return the ledger as JSON values."""
        return {
            "source": self.source,
            "stored": self.stored,
            "kept": self.kept,
            "entries": [[e.stage, e.reason, e.count, e.failed] for e in self.entries],
            "facts": {heading: dict(counts) for heading, counts in self.facts.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Ledger:
        """Read back what `to_json` wrote."""
        entries, facts = value["entries"], value["facts"]
        if not isinstance(entries, list) or not isinstance(facts, Mapping):
            raise TypeError("a ledger holds a list of entries and a mapping of facts")
        return cls(
            source=str(value["source"]),
            stored=int(str(value["stored"])),
            kept=int(str(value["kept"])),
            entries=tuple(Entry(*entry) for entry in entries),
            facts=facts,
        )


def count_reasons(skipped: Iterable[Skipped]) -> tuple[Entry, ...]:
    """Count skipped rows by reason, most frequent first, as the ledger's first stage."""
    counts: dict[tuple[str, bool], int] = {}
    for row in skipped:
        counts[row.reason, row.failed] = counts.get((row.reason, row.failed), 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Entry("read", reason, count, failed) for (reason, failed), count in ordered)


def _line(label: str, count: int, whole: int) -> str:
    return f"{label:<46} {count:>11,} {_share(count, whole):>7}".rstrip()


def _share(count: int, whole: int) -> str:
    return f"{count / whole:.1%}" if whole else ""
