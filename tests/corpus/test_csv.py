"""A table becomes messages whatever program wrote it, and no row of it is swallowed or misread in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pandas
import pytest

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.messages import Message, Skipped
from wonderland.counted import counted
from wonderland.errors import InputError, UsageError

TABLE = "id,thread,timestamp,sender,is_from_me,text\nm1,family,2018-04-13T17:32:32Z,Ada,false,What up?\n"
PLANTED = Message("m1", "family", "Ada", False, datetime(2018, 4, 13, 17, 32, 32, tzinfo=UTC), "What up?")


def rows(path, **options):
    source = CsvSource(path, **options)
    found = list(source.rows())
    assert len(found) == source.count()
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_dialect_reads_the_same(write, delimiter, encoding, end):
    content = TABLE.replace(",", delimiter).replace("\n", end)
    path = write("a.csv", content.encode(encoding))
    assert rows(path) == [PLANTED]
    assert CsvSource.sniff(path) == 0.8


def test_the_delimiter_is_read_off_the_header_not_the_messages(write):
    content = 'sender;text\nme;"a, b, c, d"\nme;one, two, three, four, five\n'
    assert [message.text for message in rows(write("a.csv", content))] == ["a, b, c, d", "one, two, three, four, five"]


def test_a_text_may_hold_line_breaks_quotation_marks_and_delimiters_in_quotes(write):
    content = 'sender,text\r\nme,"one\r\ntwo, ""three""\n"\r\nme,four\r\n'
    first, second = rows(write("a.csv", content))
    assert first.text == 'one\r\ntwo, "three"\n'
    assert (second.id, second.text) == ("record 3", "four")


def test_a_cell_may_be_longer_than_the_usual_limit(write):
    long = "na " * 70_000
    assert rows(write("a.csv", f'sender,text\nme,"{long}"\nme,short\n'))[0].text == long


def test_a_last_line_without_a_line_break_counts(write):
    assert len(rows(write("a.csv", "sender,text\nme,one\nme,two"))) == 2


def test_blank_lines_are_no_rows(write):
    assert len(rows(write("a.csv", "sender,text\n\nme,one\n\n\nme,two\n\n"))) == 2


@pytest.mark.parametrize(
    "time", ["1523640752", "1523640752000", "1523640752000000", "1523640752000000000", "2018-04-13T17:32:32+00:00"]
)
def test_a_time_in_any_unit_since_1970_is_the_same_moment(write, time):
    assert rows(write("a.csv", TABLE.replace("2018-04-13T17:32:32Z", time))) == [PLANTED]


@pytest.mark.parametrize(("record", "cells"), [("me,hi,there", 3), ("me", 1), ("me,hi,", 3)])
def test_a_record_with_the_wrong_number_of_cells_is_one_failed_row_and_reading_goes_on(write, record, cells):
    first, odd, last = rows(write("a.csv", f"sender,text\nme,one\n{record}\nme,two\n"))
    assert (first.text, last.text) == ("one", "two")
    assert odd == Skipped(
        "record 3", "wrong number of cells", failed=True, detail=f"{counted(cells, 'cell')}, the header has 2"
    )


@pytest.mark.parametrize("text_last", [True, False])
def test_a_quotation_mark_never_closed_is_an_error_because_it_swallows_every_row_after_it(write, text_last):
    header, row = ("sender,text", 'me,"oh') if text_last else ("text,sender", '"oh,me')
    path = write("a.csv", f"{header}\n{row}\n" + "me,me\n" * 100)
    with pytest.raises(InputError, match="record 2 opens a quotation mark that is never closed"):
        Corpus.read(path)


def test_an_unnamed_column_is_only_an_unnamed_column(write):
    content = ",sender,text\n0,Ada,one\n1,me,two\n"  # as pandas writes it
    first, second = rows(write("a.csv", content))
    assert first == Message("record 2", "all", "Ada", False, None, "one")
    assert second.thread == "all"


def test_columns_are_found_by_their_usual_names_in_any_case(write):
    content = "Chat ID,Date,From,Message\n7,2018-04-13,Ada,hi\n7,2018-04-14,me,yo\n"
    first, second = rows(write("a.csv", content))
    assert first == Message("record 2", "7", "Ada", False, datetime(2018, 4, 13), "hi")
    assert (second.sender, second.is_from_me) == ("me", True)


def test_columns_can_be_named_and_so_can_i(write):
    content = "wer,was,wann,wo\nAda,hi,1523640752,here\nBob,yo,1523640753,there\n"
    found = rows(write("a.csv", content), text="was", sender="wer", time="wann", thread="wo", me="Bob")
    assert found == [
        Message("record 2", "here", "Ada", False, datetime(2018, 4, 13, 17, 32, 32, tzinfo=UTC), "hi"),
        Message("record 3", "there", "me", True, datetime(2018, 4, 13, 17, 32, 33, tzinfo=UTC), "yo"),
    ]


def test_a_named_column_that_is_not_there_lists_those_that_are(write):
    with pytest.raises(UsageError, match="has no column 'txt'") as caught:
        rows(write("a.csv", TABLE), text="txt")
    assert "sender" in caught.value.hint


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("one,two", "no column that looks like the text"),
        ("text,two", "does not say who wrote"),
        ("text,sender,text", "two columns named 'text'"),
    ],
)
def test_wrong_columns_are_an_error_that_says_what_is_missing(write, header, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        Corpus.read(write("a.csv", f"{header}\na,me,c\n"), source="csv")
    assert caught.value.hint


def test_the_column_that_is_proposed_for_the_sender_is_one_of_the_file_and_holds_no_numbers(write):
    with pytest.raises(InputError) as caught:
        Corpus.read(write("a.csv", "text,clock,who it was\nhi,12,Ada\nho,13,Bob\n"), source="csv")
    assert "--sender 'who it was' --me Ada" in caught.value.hint


def test_a_table_in_which_nobody_is_me_is_refused(write):
    with pytest.raises(InputError, match="'Ada'") as caught:
        Corpus.read(write("a.csv", "sender,text\nAda,hi\nBob,yo\n"))
    assert "--me" in caught.value.hint


@pytest.mark.parametrize("content", ["sender,text\n", "sender,text", "sender,text\n\n\n"])
def test_a_table_with_only_a_header_has_not_a_single_row(write, content):
    with pytest.raises(InputError, match="not a single row"):
        Corpus.read(write("a.csv", content))


def test_a_table_saved_in_an_old_encoding_is_told_to_be_saved_again(write):
    with pytest.raises(InputError, match="cannot be read as") as caught:
        Corpus.read(write("a.csv", "sender,text\nme,café\n".encode("latin-1")))
    assert "UTF-8" in caught.value.hint


def test_a_utf16_file_cut_in_half_a_character_is_an_error(write):
    with pytest.raises(InputError, match="cannot be read as"):
        Corpus.read(write("a.csv", "sender\ttext\nme\thi\n".encode("utf-16")[:-1]))


def test_a_file_with_a_csv_name_is_offered_less_surely_and_any_other_not_at_all(write):
    assert CsvSource.sniff(write("a.csv", "wer,was\nme,hi\n")) == 0.3
    assert CsvSource.sniff(write("a.log", "wer,was\nme,hi\n")) == 0.0


def test_hostile_text_arrives_as_it_was_written(write, hostile):
    written = hostile.replace("\ud83d", "\ufffd")  # a file cannot hold half a character
    assert [message.text for message in rows(write("a.csv", f'sender,text\nme,"{written}"\n'))] == [written]


def test_a_table_of_which_no_column_is_the_time_says_which_were_not_taken_and_how_to_name_one(write):
    rows = 'sender,text,when,"a ""b"""\nme,hi,2024-01-31 10:00,x\nBo,ho,2024-01-31 10:01,y\n'
    note, order = Corpus.read(write("a.csv", rows)).notes
    assert "'when', 'a \"b\"'" in note
    assert note.endswith("name it: --time when")
    assert order.startswith("No message has a time")
    assert not Corpus.read(write("a.csv", rows), time="when").notes
    assert "--time 'a day'" in Corpus.read(write("a.csv", rows.replace("when", "a day"))).notes[0]


def test_times_without_a_zone_are_counted_in_a_table_in_lines_and_in_a_frame(write, tmp_path):
    times = ("2024-05-01 12:00", "2024-05-01T12:00:00Z", "1714564800", "", "soon", "2024-05-01 12:01")
    records = [{"sender": "me", "text": "hi", "time": time} for time in times]
    table = write("a.csv", "sender,text,time\n" + "".join(f"me,hi,{time}\n" for time in times))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    for read in (Corpus.read(table), Corpus.read(tmp_path / "a.jsonl"), Corpus.from_frame(pandas.DataFrame(records))):
        assert read.ledger.facts["Times"] == {"local, without a zone": 2}
    source = CsvSource(write("b.csv", "sender,text,time\nme,hi,2024-05-01T12:00:00Z\n"))
    assert [*source.rows()]
    assert source.facts() == {}


LINE = json.dumps({"who": "Ada", "text": "private"})


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "content",
    [LINE, f"{LINE}\n{LINE}\n", f"[{LINE},\n {LINE}]", f'{{"messages": [{LINE}]}}', '[["private", "who"]]', "[]", "{}"],
)
def test_json_is_said_to_be_json_and_none_of_it_is_told(write, content, encoding, name):
    path = write(name, content.encode(encoding))
    assert CsvSource.sniff(path) == 0
    for ask in (lambda: list(CsvSource(path, text="body").rows()), CsvSource(path, delimiter=",").count):
        with pytest.raises(InputError, match="is JSON, and no table") as caught:
            ask()
        assert caught.value.hint
        assert "private" not in str(caught.value)


def test_the_source_that_reads_json_is_named_where_a_table_was_expected(write):
    path = write("a.json", f"{LINE}\n")
    with pytest.raises(InputError, match=r"a\.json is JSON, and no table") as caught:
        Corpus.read(path, source="csv", text="body")
    assert "jsonl" in caught.value.hint


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ('a,text": "private', "a, …."),
        ("b,[1]", "b, …."),
        ('c,x: ["private"', "c, …."),
        ("d,my letter to you " + "word " * 9 + "private", f"d, {('my letter to you ' + 'word ' * 9)[:40]}…."),
    ],
)
def test_a_first_line_that_is_none_of_names_is_not_told_whole(write, header, told):
    path = write("a.csv", f"{header}\nx,y\n")
    with pytest.raises(UsageError) as caught:
        rows(path, text="body", quotes="no")
    assert caught.value.hint == f"Its columns: {told}"


def test_columns_in_brackets_are_a_table(write):
    path = write("a.csv", "[sender],{text}\nme,one\n")
    assert [one.text for one in rows(path, sender="[sender]", text="{text}")] == ["one"]
