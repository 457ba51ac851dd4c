"""What the group will take: counted in steps and passes, whose pace is measured on this machine."""

import dataclasses

import numpy as np
import pytest

import wonderland as wl
from wonderland.testing.random_models import random_model
from wonderland_sparse import forecasting, trainings
from wonderland_sparse.attribution_graphs import AttributionGraphs
from wonderland_sparse.circuits import SparseCircuits
from wonderland_sparse.dictionaries import SparseDictionaries
from wonderland_sparse.features import SparseFeatures
from wonderland_sparse.learning import Recipe
from wonderland_sparse.sparse_graphs import SparseGraphs
from wonderland_sparse.transcoders import Transcoders

BOTH = SparseDictionaries(latents=32, active=4), Transcoders(latents=32, active=4)


@pytest.fixture
def small(small):
    """A model with MLPs, which transcoders are of."""
    return small.with_model(random_model(3))


@pytest.fixture
def foretold(small, monkeypatch):
    """Return what is said of an analysis on a machine that takes a second for 1,000 tokens and for 10 steps."""
    monkeypatch.setattr(forecasting, "_KNOWN", {})
    monkeypatch.setattr(forecasting, "_measure", lambda *_: forecasting.Pace(1e-3, 0.1))
    used = {one.name: one for one in BOTH}

    def of(analysis, specimen=small, **given):
        return analysis.forecast(specimen, {**used, **given})

    return of


def test_the_pace_is_measured_once_for_models_of_one_shape(small, monkeypatch):
    monkeypatch.setattr(forecasting, "_KNOWN", {})
    recipe = Recipe(32, 4, epochs=3)
    here = forecasting.pace(small, recipe)
    assert 0 < here.token < 1
    assert 0 < here.step < 1
    assert forecasting.pace(small.untrained(), dataclasses.replace(recipe, epochs=8)) is here
    assert forecasting.pace(small, recipe, mlp=True) is not here


def test_what_the_machine_did_for_a_moment_is_no_pace():
    ended = np.cumsum([0.0, 1, 1, 1, 50, 1, 2, 2, 1])
    assert forecasting._quickest(ended, 3) == 1
    assert forecasting._quickest(ended, 4) == pytest.approx(1.5)
    assert forecasting._quickest(ended[:3], 10) == 1  # of fewer steps all


@pytest.mark.parametrize("analysis", [*BOTH, SparseFeatures(), SparseCircuits(), SparseGraphs(), AttributionGraphs()])
def test_every_analysis_of_the_group_says_what_it_takes(foretold, small, analysis):
    told = foretold(analysis)
    assert told.seconds > 0
    assert told.memory > 0
    assert told.disk > 0
    assert foretold(analysis, small.untrained()).seconds < told.seconds  # whose layers write nothing


def test_steps_are_counted_as_they_are_trained(foretold, small, monkeypatch):
    """What is foretold of steps is what the run itself tells its progress by."""
    seen = []
    monkeypatch.setattr("wonderland_sparse.streams.LEAST_TOKENS", 1_000)
    monkeypatch.setattr(trainings.Trainings, "train", lambda self, wanted: seen.append(self) or 1 / 0)
    tokens, evidence = (int(one.lengths.sum()) for one in (small.background, small.evidence))
    for analysis in BOTH:
        with pytest.raises(ZeroDivisionError):
            analysis.run(small)
        steps = seen[-1].total - 2 * seen[-1].passing  # without the passes over the text
        passes = 2 * tokens + 2 * forecasting._BY_LAYER * evidence
        assert foretold(analysis).seconds == pytest.approx(
            1e-3 * passes + 0.1 * forecasting._LONGER * steps, rel=0.02
        ), analysis.name


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (SparseDictionaries(latents=32, active=4, epochs=6), SparseDictionaries(latents=32, active=4, epochs=2)),
        (Transcoders(latents=32, active=4), Transcoders(latents=32, active=4, layers="1")),
        (SparseFeatures(effects=48), SparseFeatures(effects=16)),
        (SparseCircuits(pairs=128), SparseCircuits(pairs=64)),
    ],
)
def test_more_of_it_takes_longer(foretold, more, less):
    assert foretold(more).seconds > 1.2 * foretold(less).seconds


def test_layers_asked_of_dictionaries_are_those_that_are_explained(foretold):
    one = SparseDictionaries(latents=32, active=4, layers="1")
    whole = foretold(SparseFeatures())
    assert foretold(SparseFeatures(), **{one.name: one}).seconds == pytest.approx(whole.seconds / 2)


def test_disk_is_what_is_then_stored(foretold, small, tmp_path):
    analysis = SparseDictionaries(latents=256, active=4, epochs=1)
    result = small.run(analysis)
    result.save(tmp_path / "found")
    stored = (tmp_path / "found" / "arrays.safetensors").stat().st_size
    assert stored == pytest.approx(foretold(analysis).disk, rel=0.2)


def test_too_little_text_is_said_by_the_forecast_as_by_the_run(foretold, monkeypatch):
    monkeypatch.setattr("wonderland_sparse.streams.LEAST_TOKENS", 10**9)
    with pytest.raises(wl.NotEnoughData):
        foretold(BOTH[0])
