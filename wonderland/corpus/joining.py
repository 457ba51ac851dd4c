"""Several stores as one corpus in which every row is still accounted for.

Each store keeps its ledger. The joined one sums them, each class behind the name of its store, and has a stage of its
own for what is in two stores: a message of the same person in the same second with the same text is counted once. Ids
get the name of the store as a prefix.

Times without a zone are compared with each other as they stand, and with moments where enough texts that occur once in
both stores agree on how far the clock was from UTC (`wonderland.corpus.clocks`); a note then says how far.

What would fool it: one person sends the same text twice in a second, and only one of the two is in the other store;
both are kept then if they are in one store. What a clock shows in minutes is compared by the minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland.corpus import columns
from wonderland.corpus.clocks import Written, compared, numbered
from wonderland.corpus.messages import Entry, Ledger
from wonderland.corpus.order import sorted_by_thread
from wonderland.errors import UsageError

__all__ = ["STAGE", "Part", "join", "labels"]

STAGE = "joined"


class Part(NamedTuple):
    """What was read from one store."""

    label: str
    table: pa.Table
    ledger: Ledger
    skipped: pa.Table
    notes: tuple[str, ...]


def labels(names: Sequence[str]) -> list[str]:
    """Return what each store is called: its source, with a number from the second of a source on.

    >>> labels(["imessage", "whatsapp", "whatsapp"])
    ['imessage', 'whatsapp', 'whatsapp-2']
    """
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found


def join(parts: Sequence[Part], *, once: bool = True) -> tuple[pa.Table, Ledger, pa.Table, tuple[str, ...]]:
    """Join what was read from several stores; who is who, and which conversation, must be settled in them.

    Args:
        parts: The stores, in the order that decides which copy of a message stays.
        once: Whether a message that is in two stores is counted once.

    Returns:
        Messages with conversations together, the joined ledger, the skipped rows and the notes.

    Raises:
        UsageError: There is no store, or two have one label.
    """
    if not parts or len({part.label for part in parts}) < len(parts):
        raise UsageError(
            "Stores are joined by different names, and there must be one at least.",
            hint="Give each part a label of its own.",
        )
    tables = [_with_ids(part.table, part.label) for part in parts]
    skipped = pa.concat_tables([_with_ids(part.skipped, part.label) for part in parts])
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    ledger, told = _sum(parts), list[str]()
    if once and len(parts) > 1:
        keep, reasons = _again(parts)
        told = _by_clock(parts, keep, reasons)
        table = table.filter(pa.array(keep)).combine_chunks()
        ledger = ledger.dropped(STAGE, reasons)
    notes = tuple(f"{part.label}: {note}" for part in parts for note in part.notes)
    return sorted_by_thread(table), ledger, skipped.unify_dictionaries().combine_chunks(), (*notes, *told)


def _with_ids(table: pa.Table, label: str) -> pa.Table:
    ids = pc.binary_join_element_wise(label, table.column("id"), "/")
    return table.set_column(table.schema.get_field_index("id"), table.schema.field("id"), ids)


def _sum(parts: Sequence[Part]) -> Ledger:
    entries: list[Entry] = []
    facts: dict[str, dict[str, int]] = {}
    for part in parts:
        entries += [replace(entry, reason=f"{part.label}: {entry.reason}") for entry in part.ledger.entries]
        facts |= {f"{part.label}: {heading}": dict(counts) for heading, counts in part.ledger.facts.items()}
    return Ledger(
        source=" + ".join(part.ledger.source for part in parts),
        stored=sum(part.ledger.stored for part in parts),
        kept=sum(part.ledger.kept for part in parts),
        entries=tuple(sorted(entries, key=lambda entry: _stages(parts).index(entry.stage))),
        facts=facts,
    )


def _stages(parts: Sequence[Part]) -> list[str]:
    return list(dict.fromkeys(stage for part in parts for stage in part.ledger.stages()))


def _again(parts: Sequence[Part]) -> tuple[np.ndarray, Counter[str]]:
    """Return which messages are not in an earlier store, [message], and how many are, by that store."""
    before: dict[int, tuple[int, int]] = {}  # hash of a message: how often an earlier store has it, and which store
    keep: list[bool] = []
    reasons: Counter[str] = Counter()
    for number, part in enumerate(parts):
        here: Counter[int] = Counter()
        for key in _keys(part.table):
            if key is None:
                keep.append(True)
                continue
            here[key] += 1
            count, store = before.get(key, (0, 0))
            keep.append(here[key] > count)
            if here[key] <= count:
                reasons[f"{part.label}: also in {parts[store].label}"] += 1
        for key, count in here.items():
            if count > before.get(key, (0, 0))[0]:
                before[key] = (count, number if key not in before else before[key][1])
    return np.array(keep, dtype=bool), reasons


def _by_clock(parts: Sequence[Part], keep: np.ndarray, reasons: Counter[str]) -> list[str]:
    """Take out what an earlier store has under a time with a zone and a later one without, or the other way round.

    Args:
        parts: The stores.
        keep: Which messages of all stores are still kept, [message]; changed here.
        reasons: How many messages left for each reason; changed here.

    Returns:
        Notes on the clocks by which messages were compared.
    """
    starts = np.cumsum([0, *(len(part.table) for part in parts)])
    zones = [_zones(part.table) for part in parts]
    sides: dict[int, _Side] = {}
    notes: list[str] = []
    for number, part in enumerate(parts):
        kept = keep[starts[number] : starts[number + 1]]  # a view: what is taken out is taken out of all
        for earlier in range(number):
            for of_earlier, of_this in ((True, False), (False, True)):
                if of_earlier not in zones[earlier] or of_this not in zones[number]:
                    continue
                for one in (earlier, number):
                    if one not in sides:
                        sides[one] = _Side.of(parts[one].table)
                here, there = sides[number], sides[earlier]
                mine, theirs = here.timed & (here.zoned == of_this), there.timed & (there.zoned == of_earlier)
                these, those = here.written.where(mine), there.written.where(theirs)
                clock = compared(those, these) if of_earlier else compared(these, those)
                if clock is None:
                    continue
                these, those = (
                    side._replace(seconds=clock.shown(side.seconds)) if zoned else side
                    for side, zoned in ((these, of_this), (those, of_earlier))
                )
                count = _taken(these, those, np.flatnonzero(mine), kept)
                reasons[f"{part.label}: also in {parts[earlier].label}"] += count
                local, known = (part, parts[earlier]) if of_earlier else (parts[earlier], part)
                notes.append(
                    f"{local.label}: its times have no zone; {len(clock.moments):,} messages that are also in "
                    f"{known.label} say that its clock was {clock.words()} from UTC, "
                    f"and by that {count:,} messages are in both."
                )
    return notes


def _taken(these: Written, those: Written, places: np.ndarray, kept: np.ndarray) -> int:
    """Take out the messages that are among those of an earlier store, as often as it has them; count them."""
    before = Counter(zip(those.what.tolist(), those.seconds.tolist(), strict=True))
    count = 0
    for place, key in zip(places.tolist(), zip(these.what.tolist(), these.seconds.tolist(), strict=True), strict=True):
        if kept[place] and before[key] > 0:
            before[key] -= 1
            kept[place] = False
            count += 1
    return count


class _Side(NamedTuple):
    """The messages of a store, as they are compared by a clock."""

    written: Written
    timed: np.ndarray
    zoned: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> _Side:
        timed = table.column("timestamp").is_valid().to_numpy()
        seconds = table.column("timestamp").cast(pa.int64()).fill_null(0).to_numpy() // 1_000_000
        people = table.column("sender").cast(pa.string()).to_pylist()
        written = Written(numbered(people, table.column("text").to_pylist()), seconds)
        return cls(written, timed, table.column("zone_known").to_numpy())


def _zones(table: pa.Table) -> set[bool]:
    """Return whether the times of a store have a zone, have none, or are of both kinds."""
    return {*pc.unique(table.filter(table.column("timestamp").is_valid()).column("zone_known")).to_pylist()}


def _keys(table: pa.Table) -> list[int | None]:
    """Return the hash of person, second and text of each message; None for one without a time."""
    seconds = pc.floor(pc.divide(table.column("timestamp").cast(pa.int64()), pa.scalar(1e6))).to_pylist()
    rows = zip(
        table.column("sender").cast(pa.string()).to_pylist(),
        seconds,
        table.column("zone_known").to_pylist(),
        table.column("text").to_pylist(),
        strict=True,
    )
    return [None if row[1] is None else hash(row) for row in rows]


def renamed(table: pa.Table, label: str, me: str) -> pa.Table:
    """Put the name of its corpus before every sender but the owner, and before every conversation."""
    table = columns.rename(table, "sender", lambda sender: sender if sender == me else f"{label}: {sender}")
    return columns.rename(table, "thread", lambda thread: f"{label}: {thread}")
