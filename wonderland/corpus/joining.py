"""Several stores as one corpus in which every row is still accounted for.

Each store keeps its ledger. The joined one sums them, each class behind the name of its store, and has a stage of its
own for what is in two stores: a message of the same person in the same second with the same text is counted once, if
their conversations may be one (`wonderland.corpus.chats`). Ids get the name of the store as a prefix.

Times without a zone are compared with each other as they stand, and with moments where enough texts that occur once in
both stores agree on how far the clock was from UTC (`wonderland.corpus.clocks`); a note then says how far.

What would fool it: one person sends the same text twice in a second, and only one of the two is in the other store;
both are kept then if they are in one store. What a clock shows in minutes is compared by the minute, also with what
another shows in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wonderland.corpus import columns
from wonderland.corpus.called import NOBODY, Called, put_in
from wonderland.corpus.chats import Chats
from wonderland.corpus.clocks import UNKNOWN, Written, compared, numbered
from wonderland.corpus.messages import Entry, Ledger
from wonderland.corpus.order import sorted_by_thread
from wonderland.errors import UsageError

__all__ = ["STAGE", "Part", "join", "labels"]

STAGE = "joined"
_MINUTE = 60
_FEW = 3  # messages that are all sent at second 0 by chance in one of 60 ** 3 conversations


class Part(NamedTuple):
    """What was read from one store.

    Attributes:
        label: What the store is called.
        table: Its messages, people and conversations as they are identified.
        ledger: Where its rows went.
        skipped: Its rows that are no messages.
        notes: What the user should know of it.
        called: Names to be put in once the stores are joined.
    """

    label: str
    table: pa.Table
    ledger: Ledger
    skipped: pa.Table
    notes: tuple[str, ...]
    called: Called = NOBODY


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


def join(
    parts: Sequence[Part], *, once: bool = True, pseudonyms: Mapping[str, str] | None = None
) -> tuple[pa.Table, Ledger, pa.Table, tuple[str, ...]]:
    """Join what was read from several stores; who is who, and which conversation, must be settled in them.

    Args:
        parts: The stores, in the order that decides which copy of a message stays.
        once: Whether a message that is in two stores is counted once.
        pseudonyms: The pseudonym of each sender by what it stands for; None if names are kept.

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
        named = {alias: name for name, alias in (pseudonyms or {}).items()}
        chats = Chats([part.table for part in parts], named, pseudonyms=pseudonyms is not None)
        units = [_units(part.table, of) for part, of in zip(parts, chats.of, strict=True)]
        keep, reasons = _again(parts, chats, units)
        told = _by_clock(parts, chats, units, keep, reasons)
        table = table.filter(pa.array(keep)).combine_chunks()
        ledger = ledger.dropped(STAGE, reasons)
    notes = tuple(f"{part.label}: {note}" for part in parts for note in part.notes)
    table = put_in(sorted_by_thread(table), (part.called for part in parts))
    return table, ledger, skipped.unify_dictionaries().combine_chunks(), (*notes, *told)


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


def _again(parts: Sequence[Part], chats: Chats, units: Sequence[np.ndarray]) -> tuple[np.ndarray, Counter[str]]:
    """Return which messages are not in an earlier store, [message], and how many are, by that store."""
    seconds = [_seconds(part.table) for part in parts]
    keys = [_keys(part.table, own // _MINUTE) for part, own in zip(parts, seconds, strict=True)]
    timed = [part.table.column("timestamp").is_valid().to_numpy() for part in parts]
    once = np.concatenate([np.unique(own[here]) for own, here in zip(keys, timed, strict=True)])
    hashes, stores = np.unique(once, return_counts=True)
    several = hashes[stores > 1]
    before: dict[int, list[_Met]] = {}  # by hash of a message
    keep: list[np.ndarray] = []
    reasons: Counter[str] = Counter()
    for number, (part, own, has_time) in enumerate(zip(parts, keys, timed, strict=True)):
        places = np.flatnonzero(has_time & np.isin(own, several))
        told = (chats.of[number], seconds[number], units[number])
        here = [_Met(number, *row) for row in zip(*(one[places].tolist() for one in told), strict=True)]
        called = own[places].tolist()
        left = {key: list(before.get(key, ())) for key in called}
        kept = np.ones(len(own), dtype=bool)
        for place, key, one in zip(places.tolist(), called, here, strict=True):
            found = {other.store: other for other in reversed(left[key]) if one.may_be(other, chats)}
            if found:  # each earlier store has this one; what they have more of is other messages
                left[key] = [other for other in left[key] if found.get(other.store) is not other]
                kept[place] = False
                reasons[f"{part.label}: also in {parts[min(found)].label}"] += 1
        for key, one in zip(called, here, strict=True):
            before.setdefault(key, []).append(one)
        keep.append(kept)
    return np.concatenate(keep), reasons


class _Met(NamedTuple):
    """Where a message was met: store and conversation by number, its second, and how many seconds its clock shows."""

    store: int
    chat: int
    second: int
    unit: int

    def may_be(self, other: _Met, chats: Chats) -> bool:
        """Say whether this message is one of the same minute, person and text in an earlier store."""
        if self.second != other.second and max(self.unit, other.unit) < _MINUTE:
            return False
        return chats.may_be_one(self.store, self.chat, other.store, other.chat)


def _by_clock(
    parts: Sequence[Part], chats: Chats, units: Sequence[np.ndarray], keep: np.ndarray, reasons: Counter[str]
) -> list[str]:
    """Take out what an earlier store has under a time with a zone and a later one without, or the other way round.

    Args:
        parts: The stores.
        chats: Their conversations.
        units: The seconds that each message's clock shows, for each store.
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
            for of_earlier, of_this, unit in ((True, False, 1), (True, False, 60), (False, True, 1), (False, True, 60)):
                if of_earlier not in zones[earlier] or of_this not in zones[number]:
                    continue
                of_unit = units[number if of_earlier else earlier] == unit
                for one in (earlier, number):
                    if one not in sides:
                        sides[one] = _Side.of(parts[one].table, chats.of[one])
                here, there = sides[number], sides[earlier]
                mine, theirs = here.timed & (here.zoned == of_this), there.timed & (there.zoned == of_earlier)
                mine, theirs = (mine & of_unit, theirs) if of_earlier else (mine, theirs & of_unit)
                if not (mine.any() and theirs.any()):
                    continue
                these, those = here.written.where(mine), there.written.where(theirs)
                if of_earlier:
                    clock = compared(those, these, chats.between(earlier, number), unit)
                else:
                    clock = compared(these, those, chats.between(number, earlier), unit)
                if clock is None:
                    continue
                these, those = (
                    side._replace(seconds=clock.shown(side.seconds)) if zoned else side
                    for side, zoned in ((these, of_this), (those, of_earlier))
                )
                count = _taken(these, those, chats.between(number, earlier), np.flatnonzero(mine), kept)
                reasons[f"{part.label}: also in {parts[earlier].label}"] += count
                local, known = (part, parts[earlier]) if of_earlier else (parts[earlier], part)
                notes.append(
                    f"{local.label}: its times have no zone; {len(clock.moments):,} messages that are also in "
                    f"{known.label} say that its clock was {clock.words()} from UTC, "
                    f"and by that {count:,} messages are in both."
                )
    return notes


def _taken(
    these: Written, those: Written, alike: Callable[[int, int], bool], places: np.ndarray, kept: np.ndarray
) -> int:
    """Take out the messages that are among those of an earlier store, as often as it has them; count them."""
    before: dict[tuple[int, int], list[int]] = {}
    for what, second, chat in zip(*(column.tolist() for column in those), strict=True):
        before.setdefault((what, second), []).append(chat)
    count = 0
    rows = zip(places.tolist(), *(column.tolist() for column in these), strict=True)
    for place, what, second, chat in rows:
        left = before.get((what, second), ()) if kept[place] and second != UNKNOWN else ()
        found = next((other for other in left if alike(chat, other)), None)
        if found is not None:
            before[what, second].remove(found)
            kept[place] = False
            count += 1
    return count


class _Side(NamedTuple):
    """The messages of a store, as they are compared by a clock."""

    written: Written
    timed: np.ndarray
    zoned: np.ndarray

    @classmethod
    def of(cls, table: pa.Table, chats: np.ndarray) -> _Side:
        timed = table.column("timestamp").is_valid().to_numpy()
        seconds = _seconds(table)
        people = table.column("sender").cast(pa.string()).to_pylist()
        written = Written(numbered(people, table.column("text").to_pylist()), seconds, chats)
        return cls(written, timed, table.column("zone_known").to_numpy())


def _zones(table: pa.Table) -> set[bool]:
    """Return whether the times of a store have a zone, have none, or are of both kinds."""
    return {*pc.unique(table.filter(table.column("timestamp").is_valid()).column("zone_known")).to_pylist()}


def _seconds(table: pa.Table) -> np.ndarray:
    """Return the second of each message since 1970; 0 where it has no time, [message]."""
    found: np.ndarray = table.column("timestamp").cast(pa.int64()).fill_null(0).to_numpy() // 1_000_000
    return found


def _units(table: pa.Table, chats: np.ndarray) -> np.ndarray:
    """Return how many seconds the clock shows at least by which each message is dated: 60 or 1, [message].

    A clock without a zone shows minutes if no message of its conversation, or of its store, is at another second than
    0; by chance that is so of one message in 60, so a conversation needs some of them.
    """
    local = table.column("timestamp").is_valid().to_numpy() & ~table.column("zone_known").to_numpy()
    odd = local & (_seconds(table) % _MINUTE != 0)
    if not odd.any():
        return np.where(local, _MINUTE, 1)
    count = int(chats.max(initial=-1)) + 1
    often, odds = np.bincount(chats[local], minlength=count), np.bincount(chats[odd], minlength=count)
    return np.where(local & ((odds == 0) & (often >= _FEW))[chats], _MINUTE, 1)


def _keys(table: pa.Table, minutes: np.ndarray) -> np.ndarray:
    """Return the hash of person, minute, zone and text of each message, [message]."""
    rows = zip(
        table.column("sender").cast(pa.string()).to_pylist(),
        minutes.tolist(),
        table.column("zone_known").to_pylist(),
        table.column("text").to_pylist(),
        strict=True,
    )
    return np.fromiter((hash(row) for row in rows), dtype=np.int64, count=len(table))


def renamed(table: pa.Table, label: str, me: str) -> pa.Table:
    """Put the name of its corpus before every sender but the owner, and before every conversation."""
    table = columns.rename(table, "sender", lambda sender: sender if sender == me else f"{label}: {sender}")
    return columns.rename(table, "thread", lambda thread: f"{label}: {thread}")
