"""Circuit sufficiency where the circuit was planted: what suffices, what does not, what any set of heads would do."""

import math

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import UsageError
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS
from wonderland_circuits.activation_patching import ActivationPatching
from wonderland_circuits.circuit_sufficiency import CircuitSufficiency
from wonderland_circuits.truths import shared_speaker

SPEAKER, INDUCTION = (str(HEADS[name]) for name in ("speaker", "induction"))


def sufficiency(specimen, **options):
    return wl.analyze(specimen, CircuitSufficiency(**options))["circuit-sufficiency"]


@pytest.fixture(scope="module")
def shared():
    """Two heads that each say half of who speaks."""
    return shared_speaker()


@pytest.fixture(scope="module")
def result(shared):
    return wl.analyze(shared, CircuitSufficiency(), control=True)["circuit-sufficiency"]


def test_the_planted_pair_is_found_on_some_pairs_and_suffices_on_others(result):
    assert result.circuit == ["L1H0", "L1H2"]
    assert result.chosen == "other conversations"
    assert result.recovery.value == pytest.approx(1, abs=1e-4)
    assert result.damage.value == pytest.approx(1, abs=1e-4)
    assert result.every.value == pytest.approx(1, abs=1e-4)


def test_each_head_alone_brings_back_its_half(result):
    assert [one.value for one in result.alone.values()] == pytest.approx([0.5, 0.5], abs=1e-4)


def test_of_two_heads_leaving_one_out_is_the_other_alone(result):
    first, second = result.circuit
    assert result.without[first].value == result.alone[second].value
    assert result.without[second].value == result.alone[first].value


def test_the_null_is_all_other_sets_of_two(result):
    assert result.exhaustive
    assert len(result.others) == math.comb(6, 2) - 1
    # Four other sets hold the one head, four the other; each brings back a half. The rest bring nothing.
    assert sorted(result.others.round(3).tolist()) == [0.0] * 6 + [0.5] * 8
    assert result.rank == 1
    assert result.p == pytest.approx(1 / 15)
    assert not result.sufficient  # fifteen sets are too few for p < 0.05, and it says so
    assert result.trust == "weak"


def test_a_wrong_circuit_is_near_the_end_of_the_ranks(shared):
    found = sufficiency(shared, heads=("L0H0", INDUCTION))
    assert found.chosen == "named"
    assert found.recovery.value == pytest.approx(0, abs=1e-4)
    assert found.rank > 8
    assert ": not sufficient: 80% would be." in found.summary()
    (finding,) = found.findings()
    assert (finding.kind, finding.trust) == ("null", "solid")  # the whole interval is under what it takes


def test_an_empty_rest_brings_back_exactly_nothing(speaking):
    found = sufficiency(speaking, heads=(SPEAKER,))
    assert f"{SPEAKER} alone brings back" in found.summary()
    assert "single heads (all there are)" in found.summary()
    assert found.recovery.value == pytest.approx(1, abs=1e-4)
    assert found.without[SPEAKER].value == 0
    assert len(found.others) == 5


def test_single_heads_have_the_numbers_of_activation_patching(shared):
    pairs = tuple(shared.contrasts(pairs=12).explore)
    alone = sufficiency(shared, heads=("L1H0", "L1H2"), contrasts=pairs).alone
    grid = wl.analyze(shared, ActivationPatching(contrasts=pairs))["activation-patching"].by_head["denoising"]
    assert alone["L1H0"].value == pytest.approx(grid.value[1, 0], abs=1e-6)
    assert alone["L1H2"].value == pytest.approx(grid.value[1, 2], abs=1e-6)


def test_where_there_are_too_many_sets_a_random_sample_is_compared(shared):
    found = sufficiency(shared, heads=("L1H0", "L1H2"), sets=10, seed=1)
    assert not found.exhaustive
    assert 9 <= len(found.others) <= 10
    assert "sets of the same size (a random sample)" in found.summary()


def test_the_notes_single_pair_is_an_anecdote(speaking):
    pair = wl.Contrast("<|them|> c<|sep|><|me|> d e", "<|them|> c<|sep|><|them|> d e", " a", " b")
    found = sufficiency(speaking, contrasts=(pair,))
    assert found.trust == "anecdotal"
    assert "anecdotal: fewer than 20 pairs" in found.summary().splitlines()[0]
    assert "chosen on the same pairs" in found.summary()


def test_without_a_usable_contrast_there_is_no_number(result, speaking):
    bad = wl.Contrast("<|me|> c d", "<|them|> c d", " d", " b")
    for found, why in ((result.control, "gap too small"), (sufficiency(speaking, contrasts=(bad,)), "target in a")):
        assert found.summary().startswith("No circuit can be judged")
        assert why in found.summary()
        assert np.isnan(found.recovery.value)
        assert found.views() == []
        assert found.trust == "anecdotal"
        assert found.findings()[0].trust == "anecdotal"


def test_a_head_that_does_not_exist_is_refused(speaking):
    with pytest.raises(UsageError, match="no head 'L9H9'"):
        sufficiency(speaking, heads=("L9H9",))


def test_it_is_saved_and_loaded_and_its_views_can_be_drawn(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    for view in again.views():
        encode(view.data)
    assert result.figure() is not None
    parts, null = result.views()
    (bars,) = parts.figure.series
    assert np.isfinite(bars.chance).tolist() == [True] + [False] * 5  # sets of other sizes have another chance level
    assert bars.chance[0] == pytest.approx(result.others.mean())
    assert sum(sum(series["values"]) for series in null.data["series"]) == 15
