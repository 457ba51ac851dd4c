"""What the contract asks of an analysis, asked of those of several models: form, sameness, disk, hostile text."""

import dataclasses
import functools

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.lab.analysis import parameters_of
from wonderland.report.encode import encode, inert
from wonderland.report.schema import characters
from wonderland.testing.edge_cases import hostile_specimen
from wonderland.testing.explained import unexplained
from wonderland.testing.extremes import told_badly
from wonderland_cohorts.acquisition import Acquisition
from wonderland_cohorts.development import Development
from wonderland_cohorts.head_matching import HeadMatching
from wonderland_cohorts.layer_similarity import LayerSimilarity
from wonderland_cohorts.neuron_universality import NeuronUniversality
from wonderland_cohorts.replication import Replication

ANALYSES = {
    "head-matching": HeadMatching(permutations=5),
    "layer-similarity": LayerSimilarity(batches=6),
    "neuron-universality": NeuronUniversality(tokens=600),
    "development": Development(places=40, sequences=4, samples=1, trained_on=6),
    "acquisition": Acquisition(least=4, like=3, replicates=10),
}


EACH = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (one.of == "snapshots")) for name, one in ANALYSES.items()]
)
"""Those of snapshots take long; test_development.py asks in the default run what they find."""


@pytest.fixture(scope="module")
def found(request):
    """Run each once, and once more."""

    @functools.cache
    def found(name):
        cohort = request.getfixturevalue({"seeds": "drawn", "snapshots": "growing"}[ANALYSES[name].of])
        return [wl.analyze(cohort, ANALYSES[name])[name] for _ in range(2)]

    return found


@pytest.mark.parametrize("analysis", [*ANALYSES.values(), Replication()], ids=lambda one: one.name)
def test_every_parameter_is_explained_and_the_class_is_frozen(analysis):
    assert dataclasses.fields(analysis) is not None
    assert type(analysis).__dataclass_params__.frozen
    for name, (_, help_text, default) in parameters_of(type(analysis)).items():
        assert help_text, name
        assert default is not dataclasses.MISSING


@EACH
def test_whatever_the_numbers_are_everything_can_be_said_and_drawn(found, name):
    assert told_badly(found(name)[0]) == {}
    assert unexplained(found(name)[0].views()) == []


@EACH
def test_the_same_numbers_come_again_and_carry_their_intervals(found, name):
    one, other = found(name)
    numbers = dict(other.estimates())
    assert one.estimates().keys() == numbers.keys()
    for path, estimate in one.estimates().items():
        np.testing.assert_array_equal(estimate.value, numbers[path].value, err_msg=path)
        low, value, high = (np.asarray(getattr(estimate, part), dtype=float) for part in ("low", "value", "high"))
        known = np.isfinite(low) & np.isfinite(value) & np.isfinite(high)
        assert (low[known] <= value[known] + 1e-9).all(), path
        assert (value[known] <= high[known] + 1e-9).all(), path


@EACH
def test_a_result_comes_back_from_disk_and_explains_its_views(found, name, tmp_path):
    result = found(name)[0]
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    ids = [view.id for view in result.views()]
    assert len(ids) == len({*ids})
    for view in result.views():
        encode(view.data)
        for part in ("title", "caption", "how_to_read", "misleads"):
            assert characters(getattr(view, part)).strip(), f"{view.id}: {part}"
    for finding in result.findings():
        assert not finding.view or finding.view in ids
    assert result.figure().axes


@pytest.mark.slow
def test_hostile_messages_end_up_as_text():
    one = hostile_specimen()
    models = [one.model.untrained(seed) for seed in range(9)]
    cohort = wl.Cohort("snapshots", {f"t{i}": one.with_model(m) for i, m in enumerate(models)}, at=range(0, 900, 100))
    results = wl.analyze(
        cohort, Development(places=20, sequences=4, samples=1), Acquisition(least=2, like=2, replicates=5)
    )
    assert len(results)
    for result in results.values():
        for view in result.views():
            assert "<" not in inert(encode(view.plain())), view.id


def test_global_randomness_is_left_alone(drawn):
    before = torch.get_rng_state()
    wl.analyze(drawn, LayerSimilarity(batches=3), NeuronUniversality(tokens=200), HeadMatching(permutations=2))
    assert torch.equal(before, torch.get_rng_state())
