"""The local learning coefficient: right where it is known, lower where directions are flat, and never told unasked."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.choosing import select
from wonderland.testing import analysis_checks, parametrize_with_checks
from wonderland.testing.trained_models import induction_tokenizer, repeating_segments, trained_induction_model
from wonderland_cohorts import truths
from wonderland_cohorts.llc import Llc
from wonderland_cohorts.sgld import chain, coefficient, why_not

N_BETA = 1000.0
QUICK = Llc(chains=1, draws=8, windows=4, batch=2)


def measured(loss, start, *, step=2e-4, pull=0.0, draws=3000, chains=2):
    weights = [torch.tensor(start, dtype=torch.float64, requires_grad=True)]
    about = {"temperature": N_BETA, "step": step, "pull": pull, "draws": draws}
    lost = np.stack([chain(lambda _: loss(weights[0]), weights, seed=seed, **about) for seed in range(chains)])
    assert weights[0].tolist() == start  # the model is as it was
    return lost - float(loss(weights[0].detach()))


def bowl(w):
    return (w**2).sum() / 2


def cross(w):
    return (w[0] * w[1]) ** 2 / 2


@pytest.mark.slow  # the next one measures two weights
def test_a_regular_model_of_d_weights_has_half_of_d():
    for d in (2, 8):
        found = coefficient(measured(bowl, [0.0] * d), N_BETA)
        assert found.mean() == pytest.approx(d / 2, rel=0.12)


@pytest.mark.slow
def test_a_product_of_two_weights_has_less_than_two_weights():
    found = coefficient(measured(cross, [0.0, 0.0]), N_BETA).mean()
    assert 0.25 < found < 0.7  # 1/2 in the limit of much data


@pytest.mark.slow
def test_a_bowl_of_two_weights_has_two():
    assert coefficient(measured(bowl, [0.0, 0.0]), N_BETA).mean() == pytest.approx(1.0, rel=0.12)


def test_a_pull_as_strong_as_the_loss_halves_it():
    found = coefficient(measured(bowl, [0.0] * 8, pull=N_BETA), N_BETA)
    assert found.mean() == pytest.approx(2.0, rel=0.12)


def excess(third, last, chains=3):
    return np.tile(np.repeat([0.0, 0.0, third, last], 25), (chains, 1)) / N_BETA


@pytest.mark.parametrize(
    ("long", "short", "why"),
    [
        ((4.0, 4.0), (4.0, 4.1), ""),
        ((0.0, 0.0), (0.0, 0.01), ""),
        ((-0.06, -0.06), (-0.06, -0.06), "falls"),
        ((2.0, 4.0), (4.0, 4.0), "have not levelled: 2 in the third quarter of the draws, 4 in the last"),
        ((4.0, 4.0), (1.0, 1.0), "do not agree: 4 with a step of 0.1 and 1 with a step of 0.025"),
        ((-4.0, -4.0), (-4.0, -4.0), "falls when the weights are shaken"),
        ((np.nan, 4.0), (4.0, 4.0), "no numbers"),
    ],
)
def test_a_number_is_told_only_of_level_chains_that_agree(long, short, why):
    said = why_not({0.1: excess(*long), 0.025: excess(*short)}, N_BETA, 10.0)
    assert why in said
    assert bool(said) == bool(why)


def test_near_zero_chains_must_have_had_the_time_to_come_to_rest():
    still = {0.1: excess(0.01, 0.02), 0.025: excess(0.01, 0.01)}
    assert why_not(still, N_BETA, 10.0) == ""
    assert "levelled" in why_not(still, N_BETA, 0.1)


def test_chains_on_their_way_are_found_out():
    slow = {step: measured(bowl, [0.0] * 4, step=step, draws=200) for step in (2e-6, 5e-7)}
    assert "levelled" in why_not(slow, N_BETA, 0.0) or "agree" in why_not(slow, N_BETA, 0.0)


def test_a_step_too_large_ends_in_no_number():
    far = {step: measured(lambda w: (w**4).sum(), [1.0] * 4, step=step, draws=60) for step in (10.0, 2.5)}
    assert "smaller step" in why_not(far, N_BETA, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("truth", truths.llc(), ids=lambda truth: truth.planted)
def test_what_is_known_of_a_model_is_found(truth):
    from wonderland.testing.selftest import prove

    outcome = prove(Llc, truth)
    assert outcome.passed, outcome.found


@pytest.fixture
def _on_a_specimen_with_text(monkeypatch):
    """Let the checks ask a specimen with training text; those of the checks' own have none."""
    specimen = truths.same_after_all()
    monkeypatch.setattr(analysis_checks, "found", lambda asked: (wl.analyze(specimen, asked)["llc"], specimen))


@pytest.mark.usefixtures("_on_a_specimen_with_text")
@parametrize_with_checks([QUICK])
def test_the_contract(thing, check):
    check(thing)


def test_a_short_chain_of_a_trained_model_is_declined_with_its_reason_and_shows_its_trace():
    specimen = truths.same_after_all()
    result = wl.analyze(specimen, QUICK)["llc"]
    assert result.declined
    assert np.isnan(result.llc.value)
    assert result.summary().startswith("No local learning coefficient is told. ")
    (view,) = result.views()
    assert "No local learning coefficient is told" in view.caption
    assert not view.figure.references
    assert result.claims() == {}


def test_it_runs_when_asked_for_by_name_only():
    assert "llc" not in {one.name for one in select(["all"])}
    assert "llc" not in {one.name for one in select(["development"], kind="snapshots")}
    assert [one.name for one in select(["llc"], kind="snapshots")] == ["llc"]


def test_without_training_text_or_with_unknown_weights_it_says_so():
    tokens = repeating_segments(4).tolist()
    with pytest.raises(NotEnoughData, match="training text"):
        wl.analyze(wl.Specimen.of_tokens(trained_induction_model(), induction_tokenizer(), tokens), QUICK)
    with pytest.raises(wl.UsageError, match="No weight is called 'mlpp'"):
        wl.analyze(truths.same_after_all(), Llc(weights="mlpp"))
    with pytest.raises(wl.UsageError, match="a step over 0"):
        wl.analyze(truths.same_after_all(), Llc(step=0))
