"""Dates in words are read in every language there is, and never wrongly."""

from datetime import UTC, datetime, timedelta

import pytest
from babel import Locale
from babel.dates import format_date, format_time

from wonderland_exports.worded_dates import LANGUAGES, WordedDates

NOON = datetime(2016, 11, 3, 11, 59, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Thursday, November 3, 2016 at 11:59:50 AM UTC",
        "Thursday, November 3, 2016 at 11:59:50\u202fAM UTC",
        "Thursday, 3 November 2016 at 11:59:50 UTC",
        "Donnerstag, 3. November 2016 um 11:59:50 UTC",
        "jeudi 3 novembre 2016 à 11:59:50 UTC",
        "jueves, 3 de noviembre de 2016, 11:59:50 UTC",
        "quinta-feira, 3 de novembro de 2016 às 11:59:50 UTC",
        "giovedì 3 novembre 2016 alle ore 11:59:50 UTC",
        "donderdag 3 november 2016 om 11:59:50 UTC",
        "czwartek, 3 listopada 2016 11:59:50 UTC",
        "четверг, 3 ноября 2016 г. в 11:59:50 UTC",
        "2016年11月3日木曜日 11:59:50 UTC",
        "2016年11月3日星期四 UTC 11:59:50",
        "2016年11月3日星期四 UTC 上午11:59:50",
        "2016년 11월 3일 목요일 오전 11시 59분 50초 UTC",
        "3 Kasım 2016 Perşembe 11:59:50 UTC",
    ],
)
def test_one_moment_in_many_languages(text):
    assert WordedDates().parse(text) == NOON


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_unicode_tables_write_is_read_back_in_every_language(language):
    locale, dates = Locale.parse(language), WordedDates()
    for hours in range(0, 24 * 400, 331):  # every month, every weekday, every hour of the day
        moment = datetime(2019, 1, 1, 0, 7, 42, tzinfo=UTC) + timedelta(hours=hours)
        shown = f"{format_date(moment, 'full', locale=locale)} {format_time(moment, 'long', locale=locale)}"
        assert dates.parse(shown) == moment, shown


@pytest.mark.parametrize(
    "text",
    [
        "Friday, November 3, 2016 at 11:59:50 AM UTC",  # it was a Thursday
        "Thursday, November 31, 2016 at 11:59:50 AM UTC",
        "Thursday, November 3, 2016 at 13:59:50 AM UTC",
        "Thursday, November 3, 2016 at 11:59:50 AM CET",
        "Thursday, November 3, 2016",
        "",
        "2016-11-03",
        "\u0d66" * 1000,
    ],
)
def test_what_is_no_such_date_is_refused(text):
    with pytest.raises(ValueError, match="not a date"):
        WordedDates().parse(text)


def test_a_half_of_the_day_is_not_guessed():
    assert WordedDates().parse("Thursday, November 3, 2016 at 12:00:00 AM UTC").hour == 0
    assert WordedDates().parse("Thursday, November 3, 2016 at 12:00:00 PM UTC").hour == 12
    with pytest.raises(ValueError, match="not a date"):
        WordedDates().parse("Thursday, November 3, 2016 at 17:00:00 PM UTC")
