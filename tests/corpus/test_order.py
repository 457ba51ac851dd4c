"""Messages stand in the order they were sent, or reading says that it cannot know it."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wonderland.corpus.columns import Builder, iterate
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.corpus.order import _by_number, sorted_by_thread
from wonderland.errors import InputError, UsageError

START = datetime(2021, 5, 4, 12, tzinfo=UTC)


def arranged(messages, order=""):
    builder = Builder()
    builder.extend(messages)
    return [message.text for message in iterate(sorted_by_thread(builder.table(), order))]


def stored(write, *times, **options):
    """Read messages 1, 2, 3, … with these times, in this order."""
    records = [
        {"sender": "Ivo" if number % 2 else "me", "text": f"m{number}", **({} if time is ... else {"time": time})}
        for number, time in enumerate(times, 1)
    ]
    return Corpus.read(write("chat.jsonl", records), **options)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=40), st.booleans())
def test_whichever_way_a_file_runs_messages_of_one_minute_come_out_in_the_order_they_were_sent(steps, newest_first):
    minutes = itertools.accumulate(step for step, _ in steps)
    messages = [
        Message(str(number), thread, "Ivo", False, START + timedelta(minutes=minute), str(number))
        for number, ((_, thread), minute) in enumerate(zip(steps, minutes, strict=True))
    ]
    threads = {thread: [m for m in messages if m.thread == thread] for _, thread in steps}
    assume(any(one[0].timestamp != one[-1].timestamp for one in threads.values()))  # else nothing tells the direction
    found = arranged(messages[::-1] if newest_first else messages)
    for sent in threads.values():
        texts = [message.text for message in sent]
        assert [text for text in found if text in texts] == texts


def test_a_message_without_a_time_stands_after_the_one_before_it(say):
    def at(text, minute):
        return say(text, timestamp=None if minute is None else START + timedelta(minutes=minute))

    forwards = [at("0", None), at("1", 1), at("2", 2), at("2b", None), at("3", 3), at("3b", None)]
    assert arranged(forwards) == ["0", "1", "2", "2b", "3", "3b"]
    assert arranged(forwards[::-1]) == ["0", "1", "2", "2b", "3", "3b"]


def test_a_time_missing_does_not_spoil_the_order_of_the_others(say):
    minutes = [5, 1, None, 4, 2, 3]
    messages = [say(str(m), timestamp=None if m is None else START + timedelta(minutes=m)) for m in minutes]
    found = arranged(messages)
    assert [text for text in found if text != "None"] == ["1", "2", "3", "4", "5"]


def test_a_conversation_of_one_message_takes_no_part_in_it(say):
    messages = [say("b", "b", timestamp=START), say("a", "a", timestamp=START - timedelta(1)), say("c", "c")]
    assert arranged(messages) == ["b", "a", "c"]


@pytest.mark.parametrize(("order", "wanted"), [("file", ["x", "y", "z"]), ("newest-first", ["z", "y", "x"])])
def test_what_the_user_says_of_the_order_counts_more_than_times(say, order, wanted):
    minutes = {"x": 2, "y": 3, "z": 1}
    messages = [say(text, timestamp=START + timedelta(minutes=minute)) for text, minute in minutes.items()]
    assert arranged(messages, order) == wanted


# -- what reading says ---------------------------------------------------------------------------------------------


def test_an_export_that_runs_backwards_is_turned_round(write):
    times = ["11/28/2022 9:05 PM", "11/28/2022 9:05 PM", "11/28/2022 9:04 PM", "11/27/2022 11:59 AM"]
    assert stored(write, *times).texts == ["m4", "m3", "m2", "m1"]


def test_times_that_nobody_understands_are_refused_and_the_user_may_say_the_order(write):
    times = ["28 Brumaire CCXXXI", "27 Brumaire CCXXXI", "26 Brumaire CCXXXI"]
    with pytest.raises(InputError, match=r"order of the messages cannot be known\. 3 of 3 .*'28 Brumaire") as caught:
        stored(write, *times)
    assert caught.value.exit_code == 3
    assert "--order newest-first" in caught.value.hint
    assert stored(write, *times, order="file").texts == ["m1", "m2", "m3"]
    assert stored(write, *times, order="newest-first").texts == ["m3", "m2", "m1"]


def test_one_conversation_that_is_mostly_not_understood_is_refused_among_good_ones(write):
    good = [{"sender": "me", "thread": "a", "text": f"a{i}", "time": f"2021-05-04 10:0{i}"} for i in range(8)]
    odd = [{"sender": "Ivo", "thread": "b", "text": f"b{i}", "time": f"4 mai 2021 {i}h"} for i in range(3)]
    with pytest.raises(InputError, match="3 of 11 times were not understood"):
        Corpus.read(write("chat.jsonl", good + odd))


def test_a_few_times_not_understood_in_a_file_that_runs_one_way_are_placed_beside_their_neighbours(write):
    times = [f"2021-05-04 10:{minute:02}" for minute in range(12)]
    times[5] = "five past"
    corpus = stored(write, *times)
    assert corpus.texts == [f"m{number}" for number in range(1, 13)]
    assert corpus.notes == ("1 of 12 messages have no time; each stands beside the message before it in the file.",)


def test_a_file_in_no_order_with_many_times_missing_is_refused(write):
    times = [f"2021-05-04 10:{minute:02}" for minute in random.Random(3).sample(range(60), 30)] + [None] * 3
    with pytest.raises(InputError, match="3 of 33 have no time, and the times of the others") as caught:
        stored(write, *times)
    assert "--order" in caught.value.hint


def test_a_file_in_no_order_with_one_time_missing_in_hundreds_is_read_and_says_that_its_place_is_a_guess(write):
    minutes = random.Random(3).sample(range(600), 300)
    times = [(START + timedelta(minutes=minute)).isoformat() for minute in minutes]
    corpus = stored(write, *times, "0001-01-01T00:00:00Z")
    assert "place is a guess" in corpus.notes[0]
    known = [message.timestamp for message in corpus if message.timestamp]
    assert known == sorted(known)


@pytest.mark.parametrize("nothing", [..., None, "", "null"])
def test_a_file_without_any_time_is_read_in_its_own_order_with_a_note(write, nothing):
    corpus = stored(write, *[nothing] * 3)
    assert corpus.texts == ["m1", "m2", "m3"]
    assert corpus.notes == ("No message has a time: each conversation stands in the order of the file, taken as oldest "
                            "first.",)  # fmt: skip


def numbered(write, ids, **options):
    records = [{"id": number, "sender": "me", "text": f"m{number}"} for number in ids]
    return Corpus.read(write("chat.jsonl", records), **options)


def test_ids_that_count_down_speak_against_the_order_of_a_file_without_times(write):
    with pytest.raises(InputError, match="ids count down") as caught:
        numbered(write, [52, 51, 40])
    assert "--order newest-first" in caught.value.hint
    assert numbered(write, [52, 51, 40], order="newest-first").texts == ["m40", "m51", "m52"]


@pytest.mark.parametrize("ids", [[40, 51, 52], [52, 40, 51], ["c", "b", "a"], [2, 1], [7, 7, 7]])
def test_other_ids_do_not(write, ids):
    assert numbered(write, ids).texts == [f"m{number}" for number in ids]


@pytest.mark.parametrize("source", ["jsonl", "csv"])
def test_an_order_there_is_not_lists_those_there_are(write, source):
    path = write("chat.csv", "sender,text\nme,hi\n")
    with pytest.raises(UsageError, match="no order 'oldest'") as caught:
        Corpus.read(path, source=source, order="oldest")
    assert "--order file or --order newest-first" in caught.value.hint


@pytest.mark.parametrize("most", [7, (1 << 16) - 1, 1 << 16, 1 << 20])
def test_conversations_are_put_together_however_many_there_are(most):
    numbers = np.array([most, 3, most, 0, 3, 1], dtype=np.int32)
    assert _by_number(numbers).tolist() == [3, 5, 1, 4, 0, 2]


def shown(say, *times, zone=None, thread="t"):
    """Return messages whose texts are what a clock showed."""
    moments = [datetime.fromisoformat(f"2023-10-{time}").replace(tzinfo=zone) for time in times]
    return [say(time, thread, timestamp=moment) for time, moment in zip(times, moments, strict=True)]


BEFORE = [f"28 {hour:02d}:00" for hour in range(20)]
CHANGE = ["29 02:10", "29 02:40", "29 02:15", "29 02:45", "29 02:45", "29 03:05"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_where_a_clock_was_put_back_the_order_of_the_file_stays(say, newest_first):
    sent = shown(say, *BEFORE, *CHANGE, *(f"30 {hour:02d}:00" for hour in range(20)))
    texts = [message.text for message in sent]
    assert arranged(sent[::-1] if newest_first else sent) == texts


def test_of_few_messages_too(say):
    sent = shown(say, "13 09:00", *CHANGE[:4])
    assert arranged(sent) == [message.text for message in sent]
    apart = shown(say, *(f"29 02:{minute}" for minute in (50, 10, 40, 20, 30)))  # as often back as on: in no order
    assert arranged(apart) == sorted(message.text for message in apart)


def test_of_moments_the_times_alone_tell(say):
    sent = shown(say, *BEFORE, *CHANGE, zone=UTC)
    assert arranged(sent) == sorted(message.text for message in sent)


@pytest.mark.parametrize(("back", "stays"), [("29 01:00", True), ("29 00:59", False)])
def test_no_clock_is_put_back_by_more_than_two_hours(say, back, stays):
    sent = shown(say, *BEFORE, "29 03:00", back, "29 04:00")
    found = arranged(sent)
    assert (found == [message.text for message in sent]) == stays
    assert stays or found == sorted(found)


def test_two_conversations_do_not_put_each_others_clocks_back(say):
    one, other = shown(say, *BEFORE, "29 02:40", thread="a"), shown(say, "28 01:00", "29 02:10", thread="b")
    assert arranged([*one, *other]) == [message.text for message in [*one, *other]]
    mixed = [message for pair in itertools.zip_longest(one, other) for message in pair if message]
    assert arranged(mixed) == [message.text for message in [*one, *other]]


def test_a_file_in_no_order_is_sorted_by_its_times_without_a_zone(say):
    sent = shown(say, *BEFORE, *CHANGE)
    random.Random(5).shuffle(sent)
    assert arranged(sent) == sorted(message.text for message in sent)


def test_a_message_without_a_time_stays_where_a_clock_was_put_back(say):
    sent = shown(say, *BEFORE, *CHANGE)
    sent.insert(-3, say("none", "t", timestamp=None))
    assert arranged(sent) == [message.text for message in sent]
