"""Dates are read as the whole file means them; what it does not tell is asked, and what cannot be is left open."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wonderland.corpus.clock import Clock
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.times import ImpossibleTime, parse_time
from wonderland.errors import InputError, UsageError
from wonderland.report.corpus_overview import corpus_overview


def read(*values, order=""):
    clock = Clock("chats.csv", lambda: values, order)
    return [clock.read(value) for value in values]


@pytest.mark.parametrize(
    ("values", "third"),
    [
        (["03/04/2021", "03/05/2021", "30/05/2021"], datetime(2021, 5, 30)),
        (["03/04/2021", "03/05/2021", "05/30/2021"], datetime(2021, 5, 30)),
        (["3.4.21 8:05", "3.5.21 8:06", "30.5.21 8:07"], datetime(2021, 5, 30, 8, 7)),
        (["3-4-2021, 8:05 pm", "3-5-2021, 8:06 pm", "5-30-2021, 8:07 am"], datetime(2021, 5, 30, 8, 7)),
    ],
)
def test_one_date_that_exists_in_one_order_only_decides_for_the_whole_file(values, third):
    first, _, last = read(*values)
    assert last == third
    day_first = values[2].startswith("30")
    assert (first.day, first.month) == ((3, 4) if day_first else (4, 3))


@given(st.lists(st.dates(datetime(1995, 1, 1).date(), datetime(2060, 1, 1).date()), min_size=1), st.booleans())
def test_dates_written_in_one_order_are_read_in_it_or_refused(days, day_first):
    texts = [f"{day:%d/%m/%Y 09:30}" if day_first else f"{day:%m/%d/%Y 09:30}" for day in days]
    told = any(day.day > 12 for day in days) or all(day.day == day.month for day in days)
    if told:
        assert [moment.date() for moment in read(*texts)] == days
    else:
        with pytest.raises(InputError, match="no other date of the file decides"):
            read(*texts)


def test_dates_that_are_undecided_are_refused_with_both_readings_and_the_option():
    with pytest.raises(InputError) as caught:
        read("7/8/2022 10:00", "7/9/2022 10:00")
    assert "'7/8/2022 10:00' is 07 August 2022 (day first: dmy) or 08 July 2022 (month first: mdy)" in (
        caught.value.message
    )
    assert "--dates dmy or --dates mdy" in caught.value.hint
    assert "dates='dmy' or dates='mdy'" in str(caught.value)
    assert [m.month for m in read("7/8/2022 10:00", "7/9/2022 10:00", order="dmy")] == [8, 9]
    assert [m.month for m in read("7/8/2022 10:00", "7/9/2022 10:00", order="mdy")] == [7, 7]


def test_dates_that_mean_the_same_in_both_orders_need_no_decision():
    assert read("5/5/2022", "6/6/2022") == [datetime(2022, 5, 5), datetime(2022, 6, 6)]


def test_two_orders_in_one_file_are_refused_with_an_example_of_each():
    with pytest.raises(InputError, match=r"'21/5/2022' can only be day first, '5/22/2022' only month first"):
        read("21/5/2022", "5/22/2022")
    clock = Clock("chats.csv", list, "dmy")
    assert clock.read("21/5/2022") == datetime(2022, 5, 21)
    with pytest.raises(ValueError, match="no such day"):
        clock.read("5/22/2022")


def test_dates_that_exist_in_no_order_decide_nothing():
    with pytest.raises(InputError, match="no other date"):
        read("7/8/2022", "31/31/2022", "no date", None, 5)


def test_years_of_two_digits_that_may_stand_first_are_asked_for():
    with pytest.raises(InputError, match=r"year first: ymd(.|\n)*dates='ymd'"):
        read("21-05-13", "21-05-14", "21-06-02")
    assert read("21-05-13", order="ymd") == [datetime(2021, 5, 13)]
    assert read("99-12-31", "99-12-30") == [datetime(1999, 12, 31), datetime(1999, 12, 30)]


def test_a_year_of_four_digits_in_front_needs_no_order():
    assert read("2021/5/3 7:08", "2021.05.04", "2021-5-5 07h09") == [
        datetime(2021, 5, 3, 7, 8),
        datetime(2021, 5, 4),
        datetime(2021, 5, 5, 7, 9),
    ]


def test_2100_is_the_last_year():
    assert parse_time(4133980799).year == 2100


def test_a_file_of_iso_dates_is_never_looked_through():
    def fail():
        raise AssertionError("it was")

    clock = Clock("chats.csv", fail)
    assert clock.read("2021-05-03T07:08:09Z") == datetime(2021, 5, 3, 7, 8, 9, tzinfo=UTC)
    assert clock.read(1620025689) == datetime(2021, 5, 3, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20210503", datetime(2021, 5, 3)),
        (20210503, datetime(2021, 5, 3)),
        ("20210503070809", datetime(2021, 5, 3, 7, 8, 9)),
        ("2021-05-03 07:08:09 UTC", datetime(2021, 5, 3, 7, 8, 9, tzinfo=UTC)),
        ("2021-05-03 07:08:09 GMT+2", datetime(2021, 5, 3, 5, 8, 9, tzinfo=UTC)),
        ("2021-05-03 07:08:09 -0330", datetime(2021, 5, 3, 10, 38, 9, tzinfo=UTC)),
        ("2021-05-03 07:08:09 PDT", datetime(2021, 5, 3, 14, 8, 9, tzinfo=UTC)),
        ("2021-05-03 07:08:09.1234567", datetime(2021, 5, 3, 7, 8, 9, 123456)),
        ("2021-05-03 12:08 AM", datetime(2021, 5, 3, 0, 8)),
        ("2021-05-03 12:08:01 PM", datetime(2021, 5, 3, 12, 8, 1)),
        ("2021-05-03, 1:08\u202fp.\u00a0m.", datetime(2021, 5, 3, 13, 8)),
        ("\u200e[3/5/2021, 1:08:09 p. m.]", datetime(2021, 5, 3, 13, 8, 9)),
        ("07:08, 03.05.2021", datetime(2021, 5, 3, 7, 8)),
        ("Mon 3/5/2021 at 7:08", datetime(2021, 5, 3, 7, 8)),
        ("May 3, 2021 7:08:09 PM", datetime(2021, 5, 3, 19, 8, 9)),
        ("3-May-21 19:08", datetime(2021, 5, 3, 19, 8)),
        ("Monday, May 3, 2021 at 7:08:09\u202fPM UTC", datetime(2021, 5, 3, 19, 8, 9, tzinfo=UTC)),
        ("Mon, 03 May 2021 07:08:09 +0200", datetime(2021, 5, 3, 5, 8, 9, tzinfo=UTC)),
        ("Mon May  3 07:08:09 CEST 2021", datetime(2021, 5, 3, 5, 8, 9, tzinfo=UTC)),
    ],
)
def test_what_exports_write_is_read(written, meant):
    assert parse_time(written, "dmy") == meant


@pytest.mark.parametrize(
    "written",
    ["May 2021", "3 May", "may", "Sat", "12:30", "10", "3/5", "1.62E+09", "3 May 2021 7:08 IST", "3 mai 2021",
     "1/2/3/4", "2021-05-03 13:30 PM", "2021-05-03 25:00", "2021-02-30", "3/5/2021 soon", "5/3/2021" * 20,
     "May 3 2021 " * 9,
     "20211303", "2021-05-03 07:08 XYZ", "162002568900", "99999999"],
)  # fmt: skip
def test_what_is_no_whole_date_is_not_made_up(written):
    with pytest.raises(ValueError, match=r".+"):
        parse_time(written, "dmy")


@pytest.mark.parametrize(
    "never",
    [0, -1, -1523640752, "-5", "0", float("nan"), "NaN", "nan", float("inf"), 4133980800, "0001-01-01T00:00:00Z",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00", "1601-01-01", "1899-12-30 00:00:00", "1/1/1970",
     "1970-01-01T00:00:00Z", "1969-12-31 19:00:00", -62135596800, 253402300799, 253402300799000, "Jan 1, 1904",
     "1921-09-20", "2101-01-01", 7258118400],
)  # fmt: skip
def test_a_date_that_was_never_set_is_no_time(never):
    with pytest.raises(ValueError, match=r".+"):
        parse_time(never, "dmy")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("never", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1601-01-01", 0, -62135596800])
def test_never_is_left_open_and_counted_wherever_the_machine_stands(write, monkeypatch, zone, never):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    times = ["2020-01-31T23:30:00Z", "2020-02-01T00:30:00Z", never, "2020-02-02T10:00:00Z"]
    records = [{"sender": "me", "text": f"m{at}", "time": when} for at, when in enumerate(times)]
    corpus = Corpus.read(write("chat.jsonl", records))
    views = {view.id: view for view in corpus_overview(corpus)}
    monkeypatch.undo()
    time.tzset()
    assert corpus.ledger.facts["Left open"] == {"time that cannot be, left open": 1}
    assert corpus.texts == ["m0", "m1", "m2", "m3"]
    assert len(views["corpus-months"].data["x"]) <= 2
    assert "1 of 4 messages have no time" in views["corpus-months"].caption


@given(st.one_of(st.text(), st.from_regex(r"\A[\d./: \-APMZ+]{1,30}\Z")), st.sampled_from(["", "dmy", "mdy", "ymd"]))
def test_whatever_is_written_it_is_read_or_refused_by_valueerror(text, order):
    try:
        moment = parse_time(text, order)
    except ImpossibleTime:
        return
    except ValueError:
        return
    assert moment is None or 1971 <= moment.year <= 2100


@pytest.mark.parametrize("source", [CsvSource, JsonLines])
def test_an_order_of_dates_there_is_not_lists_those_there_are(write, source):
    with pytest.raises(UsageError, match="no order of dates 'us'") as caught:
        source(write("a.csv", "sender,text\nme,hi\n"), dates="us")
    assert "--dates mdy" in caught.value.hint


# -- in files --------------------------------------------------------------------------------------------------------


def table(write, content, **options):
    return [(m.timestamp, m.text) for m in Corpus.read(write("a.csv", content), **options)]


def test_a_day_and_a_time_of_day_in_two_columns_are_one_time(write):
    content = "Date,Time,From,Text\n2021-05-03,21:40,me,later\n2021-05-03,08:15,Ivo,sooner\n"
    assert table(write, content) == [
        (datetime(2021, 5, 3, 8, 15), "sooner"),
        (datetime(2021, 5, 3, 21, 40), "later"),
    ]


@pytest.mark.parametrize(
    ("header", "day", "clock"),
    [
        ("time,date", "08:15:30 PM", "3/5/2021"),
        ("Message Date,Message Time", "2021-05-03", "20:15:30"),
        ("date,time", "2021-05-03 00:00:00", "20:15:30"),
        ("date,hour", "2021-05-03T00:00:00", "8:15:30 p.m."),
        ("Day,Time", "30.05.2021", "20h15"),
    ],
)
def test_the_two_columns_may_be_called_and_written_as_they_are(write, header, day, clock):
    content = f"{header},from,text\n{day},{clock},me,hi\n"
    options = {"dates": "dmy"} if "/" in clock else {}
    ((moment, _),) = table(write, content, **options)
    assert (moment.hour, moment.minute, moment.month, moment.year) == (20, 15, 5, 2021)


def test_a_column_that_holds_the_whole_time_is_taken_alone(write):
    for header, cells in {
        "time,date": "2021-05-03T08:15:00Z,yesterday",
        "date,time": "2021-05-03T08:15:00Z,08:15",
        "timestamp,time": "1620029700,08:15",
    }.items():
        ((moment, _),) = table(write, f"{header},from,text\n{cells},me,hi\n")
        assert moment == datetime(2021, 5, 3, 8, 15, tzinfo=UTC)


def test_the_user_may_name_both_columns(write):
    content = "Tag,Uhrzeit,from,text\n2021-05-03,21:40,me,hi\n"
    assert table(write, content, time="Tag+Uhrzeit") == [(datetime(2021, 5, 3, 21, 40), "hi")]
    with pytest.raises(UsageError, match="no column 'Stunde'"):
        table(write, content, time="Tag+Stunde")


def test_a_day_without_a_time_of_day_is_that_day(write):
    content = "date,time,from,text\n2021-05-03,,me,hi\n2021-05-04,10:00,me,ho\n"
    assert table(write, content)[0] == (datetime(2021, 5, 3), "hi")


def test_json_lines_decide_by_the_whole_file_too(write):
    records = [{"sender": "me", "text": str(day), "date": f"{day}/4/2021 9:00 PM"} for day in (12, 13, 3)]
    assert Corpus.read(write("a.jsonl", records)).texts == ["3", "12", "13"]
    with pytest.raises(InputError, match="dates='dmy'"):
        Corpus.read(write("a.jsonl", records[::2]))
    assert Corpus.read(write("a.jsonl", records[::2]), dates="mdy").texts == ["3", "12"]
