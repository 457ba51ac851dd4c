"""What the model was taught with: when messages were written and by whom, where every row went, what repeats.

`corpus_overview` counts; it holds no message, no name and no word of either, so it is the same in a redacted report. It
reads each column once: a second for 700,000 messages.

What would fool it: the clock. Times are told in one time zone, by default this machine's; a person who travelled, or a
store read elsewhere, has other hours. Exports that do not say their zone are taken as they were written. A time that no
message can have (year 1, year 9999) counts as none, so that no chart is drawn from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.corpus.columns import without_impossible_times
from wonderland.report.schema import (
    Axis,
    Bar,
    Bars,
    Card,
    Cards,
    Column,
    Lines,
    Row,
    Table,
    View,
    Wording,
)

if TYPE_CHECKING:
    from wonderland.corpus.corpus import Corpus

__all__ = ["corpus_overview"]

_HOUR = 3_600_000_000  # microseconds
_MONTHS = 60  # so many have a bar each, which begins at 0; more are a curve


def corpus_overview(corpus: Corpus, zone: tzinfo | None = None) -> list[View]:
    """Return the views of a corpus: what it holds, by month, by hour, and where every row of its store went.

    Args:
        corpus: The messages the model was trained and examined on, with their ledger.
        zone: The time zone the hours are told in; this machine's if None.
    """
    mine = np.asarray(corpus.is_from_me, dtype=bool)
    moments, timed = _moments(corpus, zone)
    return [_contents(corpus, timed), *_times(moments, mine[timed], len(mine), zone), _funnel(corpus), *_found(corpus)]


def _moments(corpus: Corpus, zone: tzinfo | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the month since year 0 and the hour of each message that has a time, and which messages those are."""
    table, _ = without_impossible_times(corpus.table)
    column = table.column("timestamp").combine_chunks()
    timed = ~column.is_null().to_numpy(zero_copy_only=False)
    hours = column.cast("int64").fill_null(0).to_numpy()[timed] // _HOUR
    known = corpus.table.column("zone_known").combine_chunks().to_numpy(zero_copy_only=False)[timed]
    distinct, at = np.unique(np.stack([hours, known.astype(np.int64)], 1), axis=0, return_inverse=True)
    told = [_told(int(hour), bool(aware), zone) for hour, aware in distinct]
    return np.array(told, dtype=np.int64).reshape(-1, 2)[np.ravel(at)], timed


def _told(hour: int, aware: bool, zone: tzinfo | None) -> tuple[int, int]:
    moment = datetime.fromtimestamp(hour * 3600, UTC)
    if aware:
        moment = moment.astimezone(zone)
    return moment.year * 12 + moment.month - 1, moment.hour


def _contents(corpus: Corpus, timed: np.ndarray) -> View:
    counts = corpus.counts()
    texts = corpus.table.column("text")
    distinct = len(texts.unique())
    shares = {"from me": counts["from me"], "in group chats": counts["in group chats"], "by SMS": counts["sms"]}
    repeated = len(corpus) - distinct
    cards = [
        _card("Messages", {
            "kept": _count(len(corpus)),
            **{name: _counted(n, len(corpus)) for name, n in shares.items()},
            "without a time": _count(int((~timed).sum())),
        }),
        _card("Conversations", {
            "conversations": _count(counts["conversations"]),
            "people besides me": _count(counts["people"]),
            "messages in the longest": _count(_longest(corpus)),
            "words": _count(counts["words"]),
            "words in a message": f"{counts['words'] / max(len(corpus), 1):.1f}",
        }),
        _card("Repeats", {
            "texts that differ": _count(distinct),
            "messages that repeat an earlier text": _counted(repeated, len(corpus)),
        }),
    ]  # fmt: skip
    return View(
        "corpus",
        "Corpus overview",
        Cards(cards),
        subtitle="How many messages were kept, from whom and of whom?",
        caption=f"Counts over n={len(corpus):,} messages that were kept, after the filters (wonderland extract counts "
        "before them); no sampling, so no interval.",
        how_to_read="What the model could learn from. A person's replies need messages from me; a model of groups "
        "needs group chats.",
        misleads="Repeats are texts that are alike letter by letter: “ok” said often is not a fault of the data.",
        order=140,
        group="corpus",
    )


def _longest(corpus: Corpus) -> int:
    return int(np.max(np.diff(np.r_[corpus.thread_starts, len(corpus)]), initial=0))


def _times(moments: np.ndarray, mine: np.ndarray, total: int, zone: tzinfo | None) -> list[View]:
    if not len(moments):
        return []
    month, hour = moments.T
    first, last = int(month.min()), int(month.max())
    months = np.arange(first, last + 1)
    where = "this machine's time zone" if zone is None else f"the time zone {zone}"
    untimed = f" {total - len(moments):,} of {total:,} messages have no time." if total > len(moments) else ""
    both = (("me", mine), ("them", ~mine))
    names = [Wording(f"{m // 12}-{m % 12 + 1:02d}") for m in months]
    counts = {name: np.bincount(month[who] - first, minlength=len(months)) + 0.0 for name, who in both}
    by_month = View(
        "corpus-months",
        "Messages by month",
        Bars(names, Axis("messages a month"), [Bar(Wording(name), of) for name, of in counts.items()])
        if len(months) <= _MONTHS
        else Lines.of(counts, Axis("month", names=names), "messages a month"),
        subtitle="When were the messages written?",
        caption=f"Messages in each of {len(months):,} months, n={len(moments):,}, in {where}.{untimed}",
        how_to_read="An empty month is one of which the store has no messages: another phone, another app, or deleted.",
        misleads="The first and the last month are seldom whole.",
        order=141,
        group="corpus",
    )
    by_hour = View(
        "corpus-hours",
        "Messages by hour",
        Bars(
            x=[Wording(f"{h:02d}") for h in range(24)],
            y=Axis("share of their messages"),
            series=[
                Bar(Wording(name), np.bincount(hour[who], minlength=24) / max(int(who.sum()), 1)) for name, who in both
            ],
        ),
        subtitle="At what time of the day does each side write?",
        caption=f"Share of the messages of each side by hour of the day, in {where}; n={int(mine.sum()):,} by me and "
        f"{int((~mine).sum()):,} by them.",
        how_to_read="Both sides alike is a conversation; a side that is awake at other hours lives elsewhere or "
        "answers late.",
        misleads="Hours are told in one time zone for all years, journeys included.",
        order=142,
        group="corpus",
    )
    return [by_month, by_hour]


def _funnel(corpus: Corpus) -> View:
    ledger, left = corpus.ledger, corpus.ledger.stored
    whole = max(ledger.stored, 1)
    rows: list[list[Any]] = [[Wording("stored"), None, None, left, 1.0]]
    for stage in ledger.stages():
        for entry in (entry for entry in ledger.entries if entry.stage == stage):
            left -= entry.count
            reason = entry.reason + (" (failed)" if entry.failed else "")
            rows.append([Wording(stage), Wording(reason), entry.count, left, left / whole])
    rows.append([Wording("kept"), None, None, left, left / whole])
    columns = [
        Column("stage", "Step", help="What left the rows out: reading the source, or a filter."),
        Column("reason", "Reason", help="Why rows were left out."),
        Column("rows", "Rows left out", digits=0, help="How many rows were left out for this reason; a count."),
        Column("left", "Rows remaining", digits=0, help="How many rows were still there afterwards; a count."),
        Column("share", "Share remaining", digits=4, help="Rows remaining, of all rows stored.", bar=True),
    ]
    return View(
        "corpus-funnel",
        "Rows kept and left out",
        Table(columns, rows),
        subtitle="How many stored rows became messages, and why did others leave?",
        caption=f"Every one of the n={ledger.stored:,} rows that were stored is kept or accounted for.",
        how_to_read="Read downwards: each line is a reason to leave rows out, at reading and then at each filter.",
        misleads="A row leaves at the first reason that holds; filters in another order would count otherwise.",
        order=143,
        group="corpus",
    )


def _found(corpus: Corpus) -> Sequence[View]:
    facts = corpus.ledger.facts
    if not facts:
        return []
    rows = [
        [Wording(heading), Wording(name), count, count / max(sum(counts.values()), 1)]
        for heading, counts in facts.items()
        for name, count in counts.items()
    ]
    columns = [
        Column("about", "Counted", help="What the source counted."),
        Column("what", "Found", help="How it was found."),
        Column("rows", "Rows", digits=0, help="How many rows; a count."),
        Column("share", "Share", digits=4, help="Of all rows that were counted for it.", bar=True),
    ]
    return [
        View(
            "corpus-found",
            "How each text was found",
            Table(columns, rows),
            subtitle="Where in the source did each text stand?",
            caption="What the source counted while reading, n as it stands in each line.",
            how_to_read="For Messages: whether a text stood in the text column or in attributedBody, and how many "
            "could not be decoded.",
            misleads="Counts are of rows as they were read, before any filter.",
            order=144,
            group="corpus",
        )
    ]


def _card(title: str, rows: Mapping[str, str]) -> Card:
    return Card(Wording(title), rows=[Row(label, Wording(value)) for label, value in rows.items()])


def _counted(part: int, whole: int) -> str:
    return f"{_count(part)} ({part / max(whole, 1):.0%})"


def _count(number: int) -> str:
    return f"{number:,}"
