"""A time is read from whatever an export writes, and what is unclear is refused rather than guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wonderland.corpus.times import parse_time

MOMENT = datetime(2018, 4, 13, 17, 32, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1523640752,
        1523640752_000,
        1523640752_000_000,
        1523640752_000_000_000,
        1523640752.0,
        "1523640752",
        " 1523640752000 ",
        "1523640752.000",
        "2018-04-13T17:32:32Z",
        "2018-04-13 19:32:32+02:00",
    ],
)
def test_seconds_to_nanoseconds_and_iso_text_mean_the_same_moment(value):
    assert parse_time(value) == MOMENT


def test_fractions_of_a_second_are_kept():
    assert parse_time(1523640752.25).microsecond == parse_time(1523640752250).microsecond == 250_000


def test_text_without_a_zone_stays_without_one():
    assert parse_time("2018-04-13 17:32:32") == datetime(2018, 4, 13, 17, 32, 32)
    assert parse_time("2018-04-13").tzinfo is None


@pytest.mark.parametrize("value", [None, "", "  ", "null", "NULL"])
def test_nothing_is_no_time(value):
    assert parse_time(value) is None


@pytest.mark.parametrize(
    "value",
    [
        0,
        12,
        545333552,
        -1,
        True,
        float("nan"),
        float("inf"),
        1e400,
        "soon",
        "4/13/2018",
        "0001-01-01T00:00+14:00",
        {},
        [],
    ],
)
def test_what_is_unclear_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        parse_time(value)


@given(st.datetimes(datetime(2001, 9, 10), datetime(2100, 1, 1), timezones=st.just(UTC)), st.sampled_from([0, 3, 6]))
def test_every_time_since_2001_is_recovered_from_its_number_in_every_unit(moment, digits):
    moment = moment.replace(microsecond=0)
    assert parse_time(int(moment.timestamp()) * 10**digits) == moment


@given(st.one_of(st.text(), st.integers(), st.floats()))
def test_whatever_it_is_given_it_answers_or_refuses_by_valueerror(value):
    try:
        answer = parse_time(value)
    except ValueError:
        return
    assert answer is None or isinstance(answer, datetime)
