"""An analysis that takes long says how far it has come, and when it will be done."""

import pytest

import wonderland as wl
from wonderland.cli import time_left
from wonderland.cli.console import Meter


class Noted(Meter):
    def __init__(self):
        self.told = []

    def update(self, done, total, remark=""):
        self.told.append((done, total, remark))


def counting(monkeypatch, seconds, **forecasts):
    """Return a meter and what moves it, with a clock that goes on as it is told."""
    clock = iter(seconds)
    monkeypatch.setattr(time_left.time, "monotonic", lambda: next(clock))
    meter = Noted()
    return meter, *time_left.counting(meter, 2, {name: wl.Forecast(took) for name, took in forecasts.items()})


def test_what_is_left_is_told_from_the_pace_so_far(monkeypatch):
    meter, begin, go_on = counting(monkeypatch, [0, 1, 60, 110])
    begin("slow")
    go_on("slow", 0, 100)
    go_on("slow", 20, 100)
    go_on("slow", 80, 100)
    assert meter.told[0] == (0, 2, "1 of 2: slow")
    assert meter.told[1][2] == "1 of 2: slow, 0%"
    assert meter.told[2] == (0.2, 2, "1 of 2: slow, 20%, about 4 min left of this one")
    assert meter.told[3] == (0.8, 2, "1 of 2: slow, 80%, under a minute left of this one")


def test_what_was_done_before_a_stop_does_not_count_as_pace(monkeypatch):
    meter, begin, go_on = counting(monkeypatch, [0, 1, 100])
    begin("slow")
    go_on("slow", 80, 100)
    go_on("slow", 90, 100)
    assert meter.told[-1][2].endswith("90%, about 2 min left of this one")


def test_an_analysis_after_another_starts_anew(monkeypatch):
    meter, begin, go_on = counting(monkeypatch, [0, 500, 501, 502])
    begin("quick")
    begin("slow")
    go_on("slow", 0, 10)
    go_on("slow", 5, 10)
    assert meter.told[-1] == (1.5, 2, "2 of 2: slow, 50%")  # too early to tell


def test_of_the_last_one_what_is_left_is_all_that_is_left(monkeypatch):
    meter, begin, go_on = counting(monkeypatch, [0, 0, 1, 60])
    begin("quick")
    begin("slow")
    go_on("slow", 0, 10)
    go_on("slow", 5, 10)
    assert meter.told[-1][2] == "2 of 2: slow, 50%, about 1 min left"


def test_what_is_left_of_all_is_told_before_the_first_begins(monkeypatch):
    meter, begin, go_on = counting(monkeypatch, [0, 1, 60, 120, 120, 180], one=120, other=480)
    begin("one")
    go_on("one", 0, 100)
    go_on("one", 25, 100)
    assert meter.told[0][2] == "1 of 2: one, about 10 min left"
    assert meter.told[2][2] == "1 of 2: one, 25%, about 19 min left"  # at half the pace: 3 min of it, and 16
    begin("other")
    assert meter.told[3][2] == "2 of 2: other, about 8 min left"  # it was as long as foretold after all
    go_on("other", 0, 100)
    go_on("other", 50, 100)
    assert meter.told[5][2] == "2 of 2: other, 50%, about 1 min left"


def test_those_to_come_are_expected_to_miss_as_those_before_did(monkeypatch):
    meter, begin, _ = counting(monkeypatch, [0, 240], one=120, other=480)
    begin("one")
    begin("other")
    assert meter.told[-1][2] == "2 of 2: other, about 16 min left"


def test_a_run_that_never_began_is_not_waited_for(monkeypatch):
    meter, begin, _ = counting(monkeypatch, [0], declined=600, other=120)
    begin("other")
    assert meter.told[-1][2].endswith("other, about 2 min left")


def test_where_one_has_no_forecast_nothing_is_said_of_all(monkeypatch):
    meter, begin, go_on = counting(monkeypatch, [0, 0, 60], one=600)
    begin("one")
    assert meter.told[-1][2] == "1 of 2: one, about 10 min left of this one"
    go_on("one", 0, 100)
    go_on("one", 50, 100)
    assert meter.told[-1][2] == "1 of 2: one, 50%, about 1 min left of this one"


SLOW = ["sparse-dictionaries", "sparse-features"]
BOTH = {
    "sparse-dictionaries": wl.Forecast(500, 2_000_000_000, 10**7),
    "sparse-features": wl.Forecast(400, 10**9, 10**6),
}


def test_what_they_take_is_said_before_they_begin():
    assert time_left.before(SLOW, 1, BOTH).startswith(
        "2 analyses. About 15 min on this machine, as busy as it is now, 2.0 GB of memory and 11 MB of disk"
    )
    told = time_left.before(SLOW[:1], 2, {"sparse-dictionaries": wl.Forecast(500)})
    assert told.startswith("sparse-dictionaries, on the model and on its untrained baseline. About 8 min on this")


def test_where_others_run_as_well_it_is_said_how_many_it_is_about():
    assert time_left.before([*SLOW, "head-patterns"], 1, BOTH).startswith("3 analyses. 2 of them take about 15 min")
    told = time_left.before([*SLOW, "memorisation"], 1, BOTH)
    assert told.startswith("3 analyses. 2 of them take about 15 min")
    assert told.endswith("1 other takes minutes, too")


def test_how_many_there_are_is_said_of_slow_ones_that_cannot_say():
    assert time_left.before([*SLOW, "head-patterns"], 2, {}).startswith(
        "3 analyses, each on the model and on its untrained baseline: 6 runs. 2 of them take minutes"
    )
    assert time_left.before(SLOW, 1, {}).startswith("2 analyses. 2 of them")
    assert time_left.before(SLOW[:1], 2, {}) == time_left.before(["head-patterns", "token-loss"], 2, {}) == ""


@pytest.mark.parametrize(("todo", "able"), [(["head-patterns"], False), (["head-patterns", "sparse-features"], True)])
def test_only_analyses_that_can_say_are_asked(todo, able):
    assert time_left.able(todo) is able
