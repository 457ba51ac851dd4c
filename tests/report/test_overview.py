"""The views every report has besides the results: the corpus in counts, training, and what the model says by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import numpy as np
import pytest

import wonderland as wl
from wonderland.corpus.messages import Message
from wonderland.report.corpus_overview import corpus_overview
from wonderland.report.encode import encode
from wonderland.report.generations import generations

EAST = timezone(timedelta(hours=2))


def message(number: int, when: datetime | None, mine: bool = False, text: str = "ok", tags=()) -> Message:
    return Message(str(number), "t", "me" if mine else "P1", mine, when, text, tags=tags)


@pytest.fixture
def corpus() -> wl.Corpus:
    return wl.Corpus.of(
        [
            message(0, datetime(2024, 1, 31, 23, 30, tzinfo=UTC), text="secret words"),  # February, in the east
            message(1, datetime(2024, 2, 3, 7, 0, tzinfo=UTC), mine=True),
            message(2, datetime(2024, 4, 3, 7, 0, tzinfo=UTC), mine=True),
            message(3, datetime(2024, 4, 3, 9, 5), text="ok"),  # a store without a zone: as it was written
            message(4, None, tags=("group",)),
        ]
    )


def views(corpus: wl.Corpus) -> dict[str, wl.View]:
    found = {view.id: view for view in corpus_overview(corpus, EAST)}
    for view in found.values():
        encode(view.data)
    return found


def test_months_are_told_in_one_zone_and_a_month_without_messages_is_a_gap(corpus):
    view = views(corpus)["corpus-months"]
    assert (view.renderer, view.data["x"]) == ("bars", ["2024-02", "2024-03", "2024-04"])
    me, them = view.data["series"]
    assert (me["name"], list(me["values"])) == ("me", [1, 0, 1])
    assert (them["name"], list(them["values"])) == ("them", [1, 0, 1])
    assert "1 of 5 messages have no time" in view.caption


@pytest.mark.parametrize(("years", "drawn"), [(5, "bars"), (6, "line")])
def test_of_many_years_the_months_are_a_curve(years, drawn):
    times = [datetime(2020 + year, month, 3, 12, tzinfo=UTC) for year in range(years) for month in range(1, 13)]
    found = views(wl.Corpus.of([message(i, at) for i, at in enumerate(times)]))["corpus-months"]
    assert found.renderer == drawn


@pytest.mark.parametrize("never", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59), datetime(1904, 1, 1)])
@pytest.mark.parametrize("zone", [timezone(timedelta(hours=-12)), timezone(timedelta(hours=14)), None])
def test_a_time_that_no_message_can_have_is_none_and_makes_no_chart_of_centuries(corpus, never, zone):
    one = wl.Corpus.of([message(0, never), message(1, datetime(2024, 2, 3, 7, 0, tzinfo=UTC))])
    found = {view.id: view for view in corpus_overview(one, zone)}
    assert found["corpus-months"].data["x"] == ["2024-02"]
    assert "1 of 2 messages have no time" in found["corpus-months"].caption
    assert [view.id for view in corpus_overview(wl.Corpus.of([message(0, never)]), zone)] == ["corpus", "corpus-funnel"]


def test_hours_are_shares_of_each_side(corpus):
    me, them = views(corpus)["corpus-hours"].data["series"]
    assert {hour: share for hour, share in enumerate(me["values"]) if share} == {9: 1.0}
    assert {hour: share for hour, share in enumerate(them["values"]) if share} == {1: 0.5, 9: 0.5}


def test_counts_and_repeats_add_up(corpus):
    rows = {label: value for card in views(corpus)["corpus"].data["cards"] for label, value in card["rows"]}
    assert rows["kept"] == "5"
    assert rows["from me"] == "2 (40%)"
    assert rows["in group chats"] == "1 (20%)"
    assert rows["without a time"] == "1"
    assert rows["texts that differ"] == "2"
    assert rows["messages that repeat an earlier text"] == "3 (60%)"


def test_every_stored_row_is_kept_or_has_a_reason():
    long = wl.Corpus.of(
        [message(i, None, text=text) for i, text in enumerate(["http://a.example", "hello you", "yes"])]
    )
    rows = views(long.filter("urls"))["corpus-funnel"].data["rows"]
    assert [(row["stage"], row["left"]) for row in rows] == [("stored", 3), ("urls", 2), ("kept", 2)]
    assert sum(row["rows"] or 0 for row in rows) == 1


def test_how_each_text_was_found_is_shown_if_the_source_counted(corpus):
    assert "corpus-found" not in views(corpus)
    facts = {"text": {"from the text column": 1, "from attributedBody": 3}}
    counted = replace(corpus, ledger=replace(corpus.ledger, facts=facts))
    rows = views(counted)["corpus-found"].data["rows"]
    assert [(row["what"], row["rows"], row["share"]) for row in rows] == [
        ("from the text column", 1, 0.25),
        ("from attributedBody", 3, 0.75),
    ]


def test_the_overview_holds_no_word_and_no_name(corpus):
    assert "secret" not in repr([view.data for view in corpus_overview(corpus, EAST)])
    assert "P1" not in repr([view.data for view in corpus_overview(corpus, EAST)])


def test_an_empty_corpus_has_an_overview():
    assert views(wl.Corpus.of([]))["corpus"].data["cards"]


TOKENS = ["<|me|>", " hi", "<|sep|>", "<|them|>", " yes"]


def sample(finished: bool = True) -> SimpleNamespace:
    return SimpleNamespace(prompt=[0], tokens=[1, 2, 3, 4], probabilities=[0.5, 1.0, 0.25, 0.125], finished=finished)


def test_a_sample_is_shaded_by_the_surprise_of_what_it_said_and_not_of_its_prompt():
    view = generations([("as me", sample())], lambda ids: [TOKENS[i] for i in ids], "seed 0")
    encode(view.data)
    [shown] = view.data["conversations"]
    np.testing.assert_allclose(shown["values"][0], [np.nan, np.log(2), 0, np.log(4), np.log(8)], atol=1e-7)
    np.testing.assert_allclose(shown["values"][1], [np.nan, 0.5, 1, 0.25, 0.125])
    assert shown["speakers"] == ["me", "me", "me", "them", "them"]
    assert list(shown["messages"]) == [0, 0, 0, 1, 1]
    assert "n=4 tokens" in view.caption
    assert f"{np.log(64) / 4:.2f} nats" in view.caption


def test_a_sample_that_was_cut_says_so():
    view = generations([("as me", sample(finished=False))], lambda ids: [TOKENS[i] for i in ids])
    assert view.data["conversations"][0]["title"] == "as me, cut short"
