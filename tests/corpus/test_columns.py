"""Messages go into columns and come out the same; what is no message says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wonderland as wl
from wonderland.corpus.columns import Builder, count_words, distinct_ids, iterate, rename, skipped_table
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.order import sorted_by_thread
from wonderland.errors import PluginError

WORDS = st.text(st.characters(exclude_categories=["Cs"]))
TIMES = st.none() | st.datetimes() | st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))
TAGS = st.lists(st.sampled_from(["group", "sms", "one-time-code"]), unique=True).map(tuple)
MESSAGES = st.lists(st.builds(Message, WORDS, WORDS, WORDS, st.booleans(), TIMES, WORDS, WORDS, TAGS))


def table(messages, at_once=1):
    builder = Builder()
    for rows in batched(messages, at_once):
        builder.extend(rows)
    return builder.table()


def batched(rows, size):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@given(MESSAGES)
def test_what_goes_in_comes_out(messages):
    assert list(iterate(table(messages))) == messages


def test_a_zone_becomes_utc_and_no_zone_stays_none(say):
    there = timezone(timedelta(hours=-7))
    aware, naive = iterate(
        table([say("a", timestamp=datetime(2020, 1, 1, 5, tzinfo=there)), say("b", timestamp=datetime(2020, 1, 1, 5))])
    )
    assert aware.timestamp == datetime(2020, 1, 1, 12, tzinfo=UTC)
    assert naive.timestamp == datetime(2020, 1, 1, 5)


def test_half_an_emoji_becomes_a_replacement_character_and_its_text_is_counted(say):
    builder = Builder()
    for text in ("fine", "half \ud83d", "\ude00 other \ud83d half", "whole \U0001f600", "as a pair \ud83d\ude00"):
        builder.extend([say(text, thread="\ud83d")])
    texts = [message.text for message in iterate(builder.table())]
    assert texts == ["fine", "half \ufffd", "\ufffd other \ufffd half", "whole \U0001f600", "as a pair \U0001f600"]
    assert builder.repaired == 3


def test_hostile_text_comes_out_as_it_went_in(say, hostile, intact):
    (message,) = iterate(table([say(hostile, thread=hostile, sender=hostile, id=hostile)]))
    assert message == say(intact, thread=intact, sender=intact, id=intact)


def test_a_batch_is_no_border(say):
    many = [say(str(number), thread=str(number % 7)) for number in range(70_000)]
    assert list(iterate(table(many, at_once=997))) == many


def test_a_message_costs_its_text_and_a_few_dozen_bytes(say):
    many = [say("x" * 20, thread=f"t{number % 50}", id=f"{number:08}") for number in range(50_000)]
    assert sorted_by_thread(table(many, at_once=997)).nbytes / len(many) < 20 + 60


@pytest.mark.parametrize(
    "fault",
    [
        {"text": None}, {"text": 5}, {"text": b"\xff"}, {"thread": None}, {"sender": 7}, {"id": 3}, {"kind": None},
        {"is_from_me": None}, {"is_from_me": "yes"}, {"timestamp": 1523640752}, {"timestamp": "2018"}, {"tags": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_message_that_is_not_what_its_type_says_names_itself_and_the_field(say, fault):
    (name,) = fault
    with pytest.raises(PluginError, match=f"'guilty'.* as its {name}|as its id"):
        table([say("fine"), say("odd", id="guilty")._replace(**fault), say("fine")])


def test_skipped_rows_keep_everything_even_half_an_emoji_in_an_id():
    rows = [Skipped("1", "tapback"), Skipped("\ud83d", "undecodable body", True, "at \ud83d")]
    assert skipped_table(rows).to_pylist() == [
        {"id": "1", "reason": "tapback", "failed": False, "detail": ""},
        {"id": "\ufffd", "reason": "undecodable body", "failed": True, "detail": "at \ufffd"},
    ]
    assert skipped_table([]).num_rows == 0


def test_renaming_asks_once_for_each_name_in_order_of_appearance(say):
    asked = []
    renamed = rename(
        table([say("1", "b"), say("2", "a"), say("3", "b")]), "thread", lambda name: asked.append(name) or name.upper()
    )
    assert asked == ["b", "a"]
    assert [message.thread for message in iterate(renamed)] == ["B", "A", "B"]


def test_renaming_does_not_ask_for_names_whose_messages_are_gone(say):
    whole = table([say("1", "gone"), say("2", "left")])
    asked = []
    rename(whole.slice(1).combine_chunks(), "thread", lambda name: asked.append(name) or name)
    assert asked == ["left"]


def test_two_conversations_given_one_name_become_one(say):
    merged = rename(table([say("1", "x"), say("2", "y"), say("3", "x")]), "thread", lambda _: "one")
    assert merged.column("thread").combine_chunks().dictionary.to_pylist() == ["one"]


def test_conversations_come_together_by_first_appearance_each_in_order_of_time(say):
    def at(text, thread, minute):
        return say(text, thread, timestamp=datetime(2020, 1, 1, 0, minute, tzinfo=UTC))

    scattered = [at("b2", "b", 9), at("a1", "a", 1), at("b1", "b", 2), at("a2", "a", 3), at("b1 too", "b", 2)]
    together = [message.text for message in iterate(sorted_by_thread(table(scattered)))]
    assert together == ["b1", "b1 too", "b2", "a1", "a2"]


@given(MESSAGES)
def test_sorting_loses_and_invents_nothing(messages):
    found = list(iterate(sorted_by_thread(table(messages))))
    assert sorted(found, key=repr) == sorted(messages, key=repr)
    threads = [message.thread for message in found]
    assert list(dict.fromkeys(threads)) == list(dict.fromkeys(message.thread for message in messages))
    assert threads == sorted(threads, key=list(dict.fromkeys(threads)).index)


@given(st.lists(st.text(st.sampled_from("ab \t\n\x0b\x1c\x85\u00a0\u2028é😂")), min_size=1))
def test_words_are_counted_as_split_takes_them(texts):
    table = wl.Corpus.of([wl.Message(str(at), "a", "b", False, None, text) for at, text in enumerate(texts)]).table
    for part in (table, table.slice(1)):
        assert count_words(part) == sum(len(text.split()) for text in part.column("text").to_pylist())


@pytest.mark.parametrize(
    ("ids", "distinct"),
    [("1 2 10", 3), ("1 2 2", 2), ("1 01 1", 2), ("2 1 2", 2), ("b a b", 2), ("9999999999999999999 1", 2), ("1", 1)],
)
def test_ids_are_counted_whether_they_are_numbers_or_not(ids, distinct):
    messages = [wl.Message(one, "a", "b", False, None, "x") for one in ids.split()]
    assert distinct_ids(wl.Corpus.of(messages).table) == distinct
