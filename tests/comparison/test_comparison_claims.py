"""A sentence of a comparison says no more than its number: every one is asked at extremes, with numbers written here.

Far apart, as far apart as by chance, below zero, not measured, an interval that p contradicts, no draw of the null.
"""

import numpy as np
import pytest

from wonderland.comparison.comparison_result import Comparison
from wonderland.comparison.twins_result import Twins
from wonderland.estimate import Estimate
from wonderland.report.encode import encode
from wonderland.report.schema import characters
from wonderland.testing.extremes import told_badly

NAN = float("nan")
# value, low and high, the p of its test, and whether the two say that there is something
NUMBERS = {
    "apart": ((0.05, 0.03, 0.07), 0.001, True),
    "by chance": ((0.05, 0.03, 0.07), 0.6, False),
    "around zero": ((0.001, -0.01, 0.012), 0.4, False),
    "an interval that p contradicts": ((0.01, -0.002, 0.02), 0.01, False),
    "below zero": ((-0.02, -0.03, -0.01), 1.0, False),
    "not measured": ((NAN, NAN, NAN), NAN, False),
}


def estimate(number, shape=(), n=40, unit="nats a token"):
    return Estimate(*(np.full(shape, part) for part in number), n=n, unit=unit, chance=np.full(shape, 0.001))


def compared(number, p, n=40, draws=40, words=2, **parts):
    one = estimate(number, (1,), n)
    made = {
        "names": ["2020", "2021"],
        "kind": "period",
        "of": "conversations",
        "messages": np.array([900, 1100]),
        "pairs": [[0, 1]],
        "d": one,
        "p": np.array([p]),
        "q": np.array([p]),
        "null": np.full((1, draws), 0.001),
        "frequent": one,
        "frequent_p": np.array([p]),
        "cross": np.full((1, 2, 2), 4.0),
        "counted": np.array([9000]),
        "words": [" up", " down"][:words],
        "shares": np.full(words, 0.01),
        "shares_p": np.full(words, p if draws else NAN),
        "months": np.arange(24240, 24243),
        "by_month": estimate(number, (3,), n),
    }
    return Comparison(**{**made, **parts})


def twins(number, p, n=40, **parts):
    more = Estimate(
        *(np.full((1, 1), part) for part in number), n=n, unit="share of attention", chance=np.zeros((1, 1))
    )
    made = {
        "names": ["2020", "2021"],
        "kind": "period",
        "of": "conversations",
        "more": more,
        "across": more,
        "within": more,
        "p": np.array([[p]]),
        "overall": Estimate(*number, n=n, unit="share of attention", chance=0.0),
        "overall_p": p,
        "ways": 70,
        "kept": np.ones((1, 1), dtype=bool),
        "tokens": 20_000,
        "steps": 100,
    }
    return Twins(**{**made, **parts})


@pytest.mark.parametrize("made", [compared, twins])
@pytest.mark.parametrize("name", NUMBERS)
def test_everything_can_be_said_and_drawn_at_every_extreme(made, name):
    number, p, _ = NUMBERS[name]
    result = made(number, p)
    for view in result.views():
        encode(view.data, view.id)
        assert "nan" not in characters(view.caption)
    said = [result.summary(), *(characters(finding.sentence) for finding in result.findings())]
    assert "nan" not in "\n".join(said).replace("nats", "")
    if name == "apart":
        assert told_badly(result) == {}


@pytest.mark.parametrize("name", NUMBERS)
def test_two_sides_are_apart_only_where_p_and_the_interval_say_so(name):
    number, p, sure = NUMBERS[name]
    sides, style, _ = compared(number, p).findings()
    for finding in (sides, style):
        assert (finding.kind, finding.trust) == (("effect", "solid") if sure else ("null", "weak"))
        assert ("not shown" in characters(finding.sentence)) is not sure
    assert ("are 0.05 nats a token apart" in characters(sides.sentence).replace("0.050", "0.05")) is sure


def test_of_few_conversations_no_side_is_surely_apart():
    number, p, _ = NUMBERS["apart"]
    assert {one.trust for one in compared(number, p, n=5).findings()} == {"weak"}
    assert twins(number, p, n=5).findings()[0].trust == "weak"


@pytest.mark.parametrize("name", NUMBERS)
def test_words_lead_only_where_their_own_p_says_so(name):
    number, p, _ = NUMBERS[name]
    leading = characters(compared(number, p).findings()[2].sentence)
    assert ("Words that add more" in leading) is bool(p < 0.05)
    assert ("No word was tested" in leading) is bool(np.isnan(p))


def test_without_draws_there_is_no_chance_level_and_no_word_was_tested():
    number, _, _ = NUMBERS["apart"]
    result = compared(number, NAN, draws=0)
    said = "\n".join([result.summary(), *(characters(view.caption) for view in result.views())])
    assert "dealt out anew 0" not in said
    assert "No word was tested" in said
    assert "there is no chance level" in said
    assert "0 draws" not in said


@pytest.mark.parametrize("name", NUMBERS)
def test_sides_move_heads_apart_only_where_p_and_the_interval_say_so(name):
    number, p, sure = NUMBERS[name]
    overall, heads = twins(number, p).findings()
    assert (overall.kind, overall.trust) == (("effect", "solid") if sure else ("null", "weak"))
    assert characters(overall.sentence).startswith("The two sides move heads apart") is sure
    assert ("No head differs" in characters(heads.sentence)) is not bool(heads.select)
    assert bool(heads.select) is sure
