"""The analyses of this plugin keep to the contract, on a specimen that has text to train on."""

import pytest

import wonderland as wl
from wonderland.testing import analysis_checks, parametrize_with_checks, runs
from wonderland.testing.explained import unexplained
from wonderland.testing.extremes import told_badly
from wonderland_sparse import graph_truths
from wonderland_sparse.attribution_graphs import AttributionGraphs
from wonderland_sparse.circuits import SparseCircuits
from wonderland_sparse.dictionaries import SparseDictionaries
from wonderland_sparse.features import SparseFeatures
from wonderland_sparse.graph_truths import known_mlp_specimen
from wonderland_sparse.sparse_graphs import SparseGraphs
from wonderland_sparse.transcoders import Transcoders
from wonderland_sparse.truths import QUICK, speaking_specimen

pytestmark = pytest.mark.slow

ANALYSES = [
    SparseDictionaries(**{**QUICK, "latents": 32, "epochs": 1}),
    SparseFeatures(effects=4, listed=3),
    SparseCircuits(pairs=16),
    Transcoders(**graph_truths.QUICK),
    AttributionGraphs(pairs=16),
]
OF_MLPS = ("transcoders", "attribution-graphs")


_ONCE = {}


@pytest.fixture(autouse=True)
def _on_a_specimen_with_text(monkeypatch, result):
    """Let the checks ask a specimen with training text, and give them dictionaries that were trained already."""

    def given(analysis, specimen):
        if analysis.name == "attribution-graphs":
            return {"transcoders": run(Transcoders(**graph_truths.QUICK), specimen)}
        ours = specimen is speaking_specimen() and analysis.name.startswith("sparse-")
        return {"sparse-dictionaries": result} if ours and analysis.name != "sparse-dictionaries" else None

    def run(analysis, specimen):
        return wl.analyze(specimen, analysis, given=given(analysis, specimen))[analysis.name]

    def found(analysis):
        specimen = known_mlp_specimen() if analysis.name in OF_MLPS else speaking_specimen()
        if analysis.name not in _ONCE:
            _ONCE[analysis.name] = run(analysis, specimen)
        return _ONCE[analysis.name], specimen

    for where in (analysis_checks, runs):
        monkeypatch.setattr(where, "run", run)
        monkeypatch.setattr(where, "found", found)


@pytest.mark.parametrize("analysis", [*ANALYSES, SparseGraphs(pairs=16)], ids=lambda one: one.name)
def test_whatever_the_numbers_are_everything_can_be_said_and_drawn(analysis):
    assert told_badly(runs.found(analysis)[0]) == {}
    assert unexplained(runs.found(analysis)[0].views()) == []


@parametrize_with_checks(ANALYSES)
def test_the_contract_is_kept(thing, check):
    check(thing)
