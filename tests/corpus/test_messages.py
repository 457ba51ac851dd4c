"""Every stored row is a message or is accounted for; the ledger says where each went."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wonderland.corpus.messages import Entry, Ledger, Skipped, count_reasons
from wonderland.errors import PluginError


def test_rows_kept_and_rows_accounted_for_are_all_the_rows_there_are():
    ledger = Ledger("chat.db", 10, 7, (Entry("read", "tapback", 2), Entry("read", "no text", 1)))
    assert ledger.count() == 3


@pytest.mark.parametrize(("kept", "difference"), [(6, r"\+1"), (9, r"-2")])
def test_a_row_too_few_or_too_many_is_an_error_that_says_how_many(kept, difference):
    with pytest.raises(PluginError, match=f"{difference} rows are missing from the ledger"):
        Ledger("chat.db", 10, kept, (Entry("read", "tapback", 3),))


def test_what_a_filter_drops_leaves_kept_and_enters_the_ledger():
    ledger = (
        Ledger("chat.db", 10, 10).dropped("urls", {"only links": 3, "never": 0}).dropped("emoji", {"only emoji": 1})
    )
    assert ledger.kept == 6
    assert ledger.stored == 10
    assert ledger.stages() == ["urls", "emoji"]
    assert ledger.count("urls") == ledger.count(reason="only links") == 3
    assert ledger.count("urls", "only emoji") == 0


def test_a_stage_cannot_drop_more_than_there_was():
    with pytest.raises(PluginError):
        Ledger("chat.db", 10, 10, (Entry("urls", "only links", -1),))


def test_skipped_rows_are_counted_by_reason_most_frequent_first_failures_apart():
    rows = [Skipped("1", "no text"), Skipped("2", "tapback"), Skipped("3", "tapback"), Skipped("4", "no text", True)]
    assert count_reasons(rows) == (
        Entry("read", "tapback", 2),
        Entry("read", "no text", 1),
        Entry("read", "no text", 1, failed=True),
    )


def test_the_printed_ledger_has_every_count_and_marks_failures():
    ledger = Ledger(
        "chat.db", 1000, 900, (Entry("read", "tapback", 60), Entry("read", "undecodable body", 40, failed=True))
    )
    lines = [" ".join(line.split()) for line in str(ledger).splitlines()]
    assert lines == [
        "chat.db 1,000 100.0%",
        "- read: tapback 60 6.0%",
        "! read: undecodable body 40 4.0%",
        "= messages 900 90.0%",
    ]


@given(
    st.lists(st.tuples(st.text(), st.text(), st.integers(0, 10**6), st.booleans())),
    st.integers(0, 10**6),
    st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers(0))),
)
def test_a_ledger_survives_json(entries, kept, facts):
    entries = tuple(Entry(*entry) for entry in entries)
    ledger = Ledger("chat.db", kept + sum(entry.count for entry in entries), kept, entries, facts)
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))) == ledger


@pytest.mark.parametrize("damage", [{"entries": 3}, {"facts": []}, {"stored": "many"}, {"kept": 1}])
def test_a_damaged_ledger_is_refused(damage):
    value = {**Ledger("chat.db", 3, 3).to_json(), **damage}
    with pytest.raises((TypeError, ValueError, PluginError)):
        Ledger.from_json(value)


def test_a_share_is_told_only_of_what_is_a_part_and_of_what_it_is_a_part_of():
    facts = {
        "Marked": {"edited": 2},
        "Found in": {"inbox": 12},
        "Letters": {"mended": 3},
        "Handles": {"handles": 4},
        "Times": {"local": 9},
        "chats: Marked": {"edited": 1},
    }
    read = Ledger("a.zip", 16, 8, (Entry("read", "no text", 8),), facts)
    for ledger in (read, read.dropped("urls", {"only links": 7})):  # which facts, counted before, know nothing of
        lines = {line.split()[0]: line.split()[-1] for line in str(ledger).splitlines() if line.startswith("    ")}
        assert lines == {"edited": "1", "inbox": "75.0%", "mended": "3", "handles": "4", "local": "9"}
        assert [ledger.whole_of(heading) for heading in facts] == [8, 16, 0, 0, 0, 0]
    assert "edited 2 25.0%" in [" ".join(line.split()) for line in str(read).splitlines()]
