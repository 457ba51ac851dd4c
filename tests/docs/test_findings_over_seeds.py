"""The page of findings over seeds says what the scripts print: verdicts counted, numbers with their interval."""

import re
import runpy
import sys
from pathlib import Path

import pytest

import wonderland as wl
from wonderland.testing.truth import speaking_specimen

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def over_seeds():
    before = list(sys.path)
    yield runpy.run_path(str(ROOT / "docs" / "findings_over_seeds.py"), run_name="docs")
    sys.path[:] = before


@pytest.fixture(scope="module")
def recorded():
    """What the ten scripts printed of the demo's model."""
    return re.findall(r"```text\n(.*?)```", (ROOT / "docs/findings/demo.md").read_text(encoding="utf-8"), re.S)


def test_the_number_of_every_script_is_found_in_what_it_prints(over_seeds, recorded):
    found = [of.read(text) for of, text in zip(over_seeds["NUMBERS"], recorded, strict=True)]
    patched = found[8]
    assert (patched.value, patched.low, patched.high, patched.chance) == (0.63, 0.56, 0.70, 0.0)
    assert (found[2].value, found[2].chance) == (0.28, 0.03)
    assert found[3].value == pytest.approx((0.61 + 0.73 + 0.59 + 0.56) / 4)  # the mean of layers
    assert (found[4].value, found[4].low) == (1, 1)  # a count has no interval
    assert found[6].value == -0.011
    assert found[7].value == pytest.approx(4.66 - 4.17)
    assert (found[7].low, found[7].high) == pytest.approx((4.45 - 4.24, 4.87 - 4.10))


def test_verdicts_are_counted_and_numbers_stand_beside_their_interval(over_seeds):
    text = "here     L2H0 alone brings back {}% [{}%, {}%] and more.\nverdict  {}"
    shares = [(60, 58, 62), (40, 38, 42), (50, 48, 52)]
    said = ["holds (solid).", "holds in part (solid).", "holds (solid)."]
    row = over_seeds["row"](8, [text.format(*share, what) for share, what in zip(shares, said, strict=True)])
    assert "| holds: 2 of 3, holds in part: 1 of 3 |" in row
    assert "| 0.60, 0.40, 0.50 |" in row
    low, high = map(float, re.search(r"0\.50 \[(\S+), (\S+)\] over n=3 seeds and conversations", row).groups())
    assert low < 0.40  # wider than what three seeds scatter: another one may lie outside
    assert high > 0.60


def test_a_seed_of_which_nothing_can_be_said_is_counted_and_has_no_number(over_seeds):
    said = "here     there are no usable pairs of prompts.\nverdict  cannot be said: there is nothing to patch."
    number = "here     L2H0 alone brings back 63% [56%, 70%] and more.\nverdict  holds (solid)."
    row = over_seeds["row"](8, [number, said, number])
    assert "holds: 2 of 3, cannot be said: 1 of 3" in row
    assert "over n=2 seeds" in row
    assert "[" not in row.split("|")[5]  # two seeds have no interval
    assert "| – | – | – |" in over_seeds["row"](8, [said, said])


def test_a_share_of_one_pair_of_prompts_has_no_interval_over_seeds_either(over_seeds):
    text = "here     L2H0 + L3H1 bring back {}% (no interval); alone so much.\nverdict  cannot be said: one."
    row = over_seeds["row"](0, [text.format(share) for share in (1, 16, 41)])
    assert "| 0.010, 0.16, 0.41 |" in row
    assert row.split("|")[5] == " 0.19 over n=3 seeds, no interval: one pair of prompts in each "


def test_a_count_is_a_whole_number_and_its_interval_no_less_than_nothing(over_seeds):
    text = "here     {} of the top 5 by keys, 1 from the last layer but one.\nverdict  does not hold (one run)."
    row = over_seeds["row"](5, [text.format(k) for k in (1, 0, 0)])
    assert "| 1, 0, 0 |" in row
    assert "[0, " in row


def test_two_negative_ends_are_no_minus_sign_lost(over_seeds):
    one = over_seeds["NUMBERS"][6].read("here     a repetition is worth -0.020 nats [-0.049, +0.011], chance 0.")
    assert (one.value, one.low, one.high) == (-0.020, -0.049, 0.011)


def test_text_without_a_verdict_is_no_row(over_seeds):
    with pytest.raises(ValueError, match="no verdict"):
        over_seeds["row"](0, ["here     nothing."])


def test_pairs_are_counted_and_those_left_out_of_all_are_told(over_seeds):
    first = speaking_specimen()
    cohort = wl.Cohort("seeds", {"seed-0": first, "seed-1": first.with_model(first.untrained().model)})
    whole, told = len(first.contrasts("speaker")), over_seeds["pairs_used"](cohort)
    assert whole > 0
    assert f"| speaker | {whole} | 0 | 0 | 0 |" in told  # a seed that does not hear the difference
    both = wl.Cohort("seeds", {"seed-0": first, "seed-1": first.with_model(first.model)})
    halves = [len(half) for half in (first.contrasts("speaker").explore, first.contrasts("speaker").confirm)]
    assert f"| speaker | {whole} | {whole} | {halves[0]} | {halves[1]} |" in over_seeds["pairs_used"](both)
