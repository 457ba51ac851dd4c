"""JSON Lines: one JSON object a line becomes one message, and every other line is accounted for."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime

import pytest

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.messages import Message, Skipped
from wonderland.errors import InputError, UsageError

RECORD = {
    "id": "m1",
    "thread": "family",
    "timestamp": "2018-04-13T17:32:32Z",
    "sender": "Ada",
    "is_from_me": False,
    "text": "  What up? ",
}
PLANTED = Message("m1", "family", "Ada", False, datetime(2018, 4, 13, 17, 32, 32, tzinfo=UTC), "  What up? ")


def rows(path, **options):
    source = JsonLines(path, **options)
    found = list(source.rows())
    assert len(found) == source.count()
    return found


def test_a_record_becomes_the_message_it_says_its_text_untouched(write):
    assert rows(write("a.jsonl", [RECORD])) == [PLANTED]


def test_a_gzipped_file_reads_the_same_whatever_its_name(write):
    plain = write("a.jsonl", [RECORD] * 3)
    assert rows(write("packed", gzip.compress(plain.read_bytes()))) == rows(plain)


def test_it_is_recognised_plain_gzipped_with_a_mark_and_after_blank_lines(write):
    plain = write("a.jsonl", [RECORD]).read_bytes()
    for content in (plain, gzip.compress(plain), b"\xef\xbb\xbf" + plain, b"\n\n" + plain):
        assert JsonLines.sniff(write("file", content)) == 0.9


def test_a_first_message_longer_than_what_is_looked_at_is_no_hindrance(write):
    assert JsonLines.sniff(write("a.jsonl", [RECORD | {"text": "ha" * 600_000}, RECORD])) == 0.3
    assert JsonLines.sniff(write("b.jsonl", b"[" + b"1, " * 600_000 + b"1]")) == 0


def test_blank_lines_are_no_rows(write):
    content = b"\n" + write("a.jsonl", [RECORD]).read_bytes() + b"  \n\r\n"
    assert rows(write("b.jsonl", content)) == [PLANTED]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json at all", "not JSON"),
        ('{"text": "cut o', "not JSON"),
        ('{"text": "a\x00b"}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["a list"]', "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"text": 5}', "text is not a string"),
        ('{"text": ["rich", "text"]}', "text is not a string"),
        ('{"is_from_me": "perhaps", "text": "hi"}', "unclear whether it is from me"),
    ],
    ids=["words", "cut", "control", "deep", "list", "null", "number", "rich", "perhaps"],
)
def test_a_line_that_is_no_message_is_one_failed_row_and_reading_goes_on(write, line, reason):
    good = write("a.jsonl", [RECORD]).read_text()
    first, odd, last = rows(write("b.jsonl", f"{good}{line}\n{good}"))
    assert first == last == PLANTED
    assert odd == Skipped("line 2", reason, failed=True, detail=odd.detail)


def test_a_broken_line_is_told_by_its_place_never_by_its_words(write):
    secret = '{"text": "my secret", oops}'
    path = write("a.jsonl", [RECORD])
    path.write_text(path.read_text() + secret)
    assert "secret" not in rows(path)[1].detail


@pytest.mark.parametrize(("record", "reason"), [({"is_from_me": True}, "no text"), ({"text": " \n"}, "empty text")])
def test_a_record_without_words_is_passed_over_but_is_no_failure(write, record, reason):
    assert rows(write("a.jsonl", [RECORD, record]))[1] == Skipped("line 2", reason)


def test_records_that_lack_keys_take_defaults(write):
    bare = rows(write("a.jsonl", [RECORD, {"text": "yo", "is_from_me": True}]))[1]
    assert bare == Message("line 2", "all", "me", True, None, "yo")


def test_the_first_record_may_lack_what_the_others_have(write):
    records = [{"is_from_me": False, "attachment": "photo.jpg"}, RECORD, {**RECORD, "thread": "work"}]
    skipped, *messages = rows(write("a.jsonl", records))
    assert skipped == Skipped("line 1", "no text")
    assert [message.thread for message in messages] == ["family", "work"]
    assert messages[0] == PLANTED


def test_the_usual_other_names_of_keys_are_found(write):
    record = {"guid": 7, "chat_id": 3, "date": 1523640752, "author": "Ada", "from_me": 0, "body": "hi"}
    assert rows(write("a.jsonl", [record])) == [Message("7", "3", "Ada", False, PLANTED.timestamp, "hi")]


def test_a_named_key_is_taken_and_a_key_that_is_not_there_lists_those_that_are(write):
    path = write("a.jsonl", [{**RECORD, "raw": "as typed"}])
    assert rows(path, text="raw")[0].text == "as typed"
    with pytest.raises(UsageError, match="has no column 'txt'") as caught:
        rows(path, text="txt")
    assert "raw" in caught.value.hint


def test_where_only_the_sender_tells_me_is_the_one_named(write):
    records = [{"sender": "Ada", "text": "hi"}, {"sender": "Bob", "text": "yo"}]
    mine = [(message.sender, message.is_from_me) for message in rows(write("a.jsonl", records), me="Ada")]
    assert mine == [("me", True), ("Bob", False)]


@pytest.mark.parametrize(
    ("me", "said"),
    [
        ({}, "a.jsonl does not say which of its senders is you"),
        ({"me": ""}, "a.jsonl does not say which of its senders is you"),
        ({"me": "Adda"}, "No message in a.jsonl was sent by 'Adda'"),
    ],
)
def test_a_file_in_which_nobody_is_me_is_refused_with_the_senders_to_choose_from(write, me, said):
    path = write("a.jsonl", [{"sender": "Ada B", "text": "hi"}, {"sender": "Bob", "text": "yo"}])
    with pytest.raises(InputError, match=r"'Ada B' \(1\), 'Bob' \(1\)") as caught:
        rows(path, **me)
    assert caught.value.message.startswith(said)
    typed = "Say who of these you are: --me NAME" if me.get("me") else "Say who you are, for example: --me 'Ada B'"
    assert caught.value.hint == typed


def test_a_monologue_needs_no_owner_but_an_owner_who_was_named_must_be_in_it(write):
    path = write("a.jsonl", [{"sender": "Ada", "text": "hi"}])
    assert [message.is_from_me for message in rows(path)] == [False]
    with pytest.raises(InputError, match=r"No message in a\.jsonl was sent by 'Bob'\. Most were sent by 'Ada' \(1\)"):
        rows(path, me="Bob")


def test_a_key_that_says_who_i_am_comes_before_the_name_given(write):
    assert rows(write("a.jsonl", [RECORD]), me="Bob") == [PLANTED]


def test_a_time_that_cannot_be_understood_is_left_open_and_counted(write):
    source = JsonLines(
        write("a.jsonl", [{**RECORD, "timestamp": odd} for odd in ("soon", 12, float("inf"), {"at": 1})])
    )
    assert [message.timestamp for message in source.rows()] == [None] * 4
    assert source.facts() == {"Left open": {"time not understood, left open": 3, "time that cannot be, left open": 1}}


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02\xff" * 99, b"[1]\n[2]\n", b"one\ntwo\n"], ids=["binary", "lists", "words"]
)
def test_a_file_without_one_object_is_not_json_lines_even_when_named_so(write, content):
    with pytest.raises(InputError, match="is not JSON Lines"):
        Corpus.read(write("file", content), source="jsonl")


def test_a_file_without_a_key_for_the_text_says_which_keys_it_has(write):
    with pytest.raises(InputError, match=r"looks like the text.* one, two"):
        rows(write("a.jsonl", [{"one": 1, "two": 2}]))


@pytest.fixture
def packed(write):
    letters = random.Random(0)
    records = [{**RECORD, "text": "".join(letters.choices("abcdefgh", k=40))} for _ in range(2000)]
    return gzip.compress(write("plain.jsonl", records).read_bytes())


@pytest.mark.parametrize("damage", ["cut", "checksum", "middle"])
def test_a_damaged_gzip_file_is_an_error_with_a_hint_and_no_half_corpus(write, packed, damage):
    half = len(packed) // 2
    content = {
        "cut": packed[:half],
        "checksum": packed[:-8] + b"12345678",
        "middle": packed[:half] + bytes(200) + packed[half + 200 :],
    }[damage]
    with pytest.raises(InputError, match="cannot be read to its end") as caught:
        Corpus.read(write("a.jsonl.gz", content))
    assert caught.value.hint


def test_a_gzip_file_broken_at_its_beginning_is_not_recognised_but_does_not_crash(write, packed):
    assert JsonLines.sniff(write("a.jsonl.gz", packed[:20] + bytes(50) + packed[70:])) == 0.0


def test_a_folder_named_as_json_lines_is_an_error(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="is a folder, and the source 'jsonl' reads a file"):
        Corpus.read(tmp_path, source="jsonl")


def test_hostile_text_arrives_as_it_was_written(write, hostile):
    (message,) = rows(write("a.jsonl", [{**RECORD, "text": hostile}]))
    assert message.text == hostile
