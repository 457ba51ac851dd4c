"""An analysis that takes long says how far it has come, and when it will be done."""

from wonderland.cli import analysis
from wonderland.cli.console import Meter


class Noted(Meter):
    def __init__(self):
        self.told = []

    def update(self, done, total, remark=""):
        self.told.append((done, total, remark))


def counting(monkeypatch, seconds):
    """Return a meter and what moves it, with a clock that goes on as it is told."""
    clock = iter(seconds)
    monkeypatch.setattr(analysis.time, "monotonic", lambda: next(clock))
    meter = Noted()
    return meter, *analysis._counting(meter, 2)


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


def test_how_many_there_are_is_said_before_slow_ones_begin():
    slow = ["sparse-dictionaries", "sparse-features"]
    told = analysis._how_many([*slow, "head-patterns"], 2)
    assert told.startswith(
        "3 analyses, each on the model and on its untrained baseline: 6 runs. 2 of them take minutes"
    )
    assert analysis._how_many(slow, 1).startswith("2 analyses. 2 of them")
    assert analysis._how_many(slow[:1], 2) == analysis._how_many(["head-patterns", "token-loss"], 2) == ""
