"""Paths, edges and circuits where one was written by hand: the head that reads who speaks and says so."""

import networkx as nx
import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData, UsageError
from wonderland.lab.edges import Edges
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_speaker_model, handwritten_tokenizer
from wonderland_circuits.causal_scrubbing import CausalScrubbing
from wonderland_circuits.circuit_graph import CircuitGraph, connected, random_circuit
from wonderland_circuits.edge_attribution import EdgeAttribution, _measures
from wonderland_circuits.path_patching import PathPatching
from wonderland_circuits.scrubbing import _drawn, features
from wonderland_circuits.truths import shared_speaker

SPEAKER = str(HEADS["speaker"])
PATH = {f"embed → {SPEAKER}.v", f"{SPEAKER} → logits"}


def run(specimen, analysis):
    return wl.analyze(specimen, analysis)[analysis.name]


@pytest.fixture(scope="module")
def paths(speaking):
    return run(speaking, PathPatching(pairs=40))


@pytest.fixture(scope="module")
def edges(speaking):
    return run(speaking, EdgeAttribution(pairs=40))


@pytest.fixture(scope="module")
def circuit(speaking):
    return run(speaking, CircuitGraph(pairs=40, circuits=60))


@pytest.fixture(scope="module")
def scrubbed(speaking):
    return run(speaking, CausalScrubbing())


# --- paths


@pytest.mark.parametrize("way", ["denoising", "noising"])
def test_the_planted_head_acts_straight_on_the_answer_and_the_embedding_through_it(paths, way):
    at = {name: i for i, name in enumerate(paths.senders)}
    assert paths.whole[way].value[at[SPEAKER]] == pytest.approx(1, abs=1e-4)
    assert paths.direct[way].value[at[SPEAKER]] == pytest.approx(1, abs=1e-4)
    assert paths.whole[way].value[at["embed"]] == pytest.approx(1, abs=1e-4)
    assert paths.direct[way].value[at["embed"]] == pytest.approx(0, abs=1e-4)


def test_what_it_is_told_comes_by_its_values_from_the_embedding_alone(paths):
    assert paths.receivers[0] == SPEAKER
    into = paths.into[SPEAKER]
    expected = np.full(into.value.shape, 0.0)
    expected[2, 0] = 1  # values, embed
    there = np.isfinite(into.value)
    assert into.value[there] == pytest.approx(expected[there], abs=1e-4)
    assert not there[:, [paths.senders.index(name) for name in (SPEAKER, "L1H0")]].any()  # no path backwards
    assert paths.paths()[0][0] == wl.Edge("embed", SPEAKER, "v")


def test_a_head_to_look_into_can_be_named_and_must_exist(speaking):
    assert run(speaking, PathPatching(pairs=40, heads=("L0H1",))).receivers == ["L0H1"]
    with pytest.raises(UsageError, match="no head 'L7H0'"):
        run(speaking, PathPatching(heads=("L7H0",)))


# --- edges


def test_the_two_planted_edges_carry_everything_and_every_other_nothing(edges):
    assert len(edges.edges) == edges.count == len(Edges.of(handwritten_speaker_model()).pairs)
    for name, effect in zip(edges.edges, edges.exact.value, strict=True):
        assert effect == pytest.approx(1 if name in PATH else 0, abs=1e-4), name
    assert set(edges.strongest[:2]) == PATH


@pytest.mark.parametrize("method", ["EAP", "EAP-IG"])
def test_gradients_agree_where_the_model_is_linear(edges, method):
    assert edges.estimated[method].value == pytest.approx(edges.exact.value, abs=1e-3)
    assert edges.agreement[method]["correlation"].value == pytest.approx(1, abs=1e-6)
    assert edges.agreement[method]["strongest shared"].value >= 0.5


def test_of_too_many_edges_the_strongest_and_random_ones_are_patched_and_that_is_said(speaking):
    some = run(speaking, EdgeAttribution(pairs=40, exact=10))
    assert len(some.edges) == 10
    assert set(some.edges) >= PATH
    assert f"Of {some.count} edges (10 of them patched exactly)" in some.summary()


def test_agreement_is_of_signs_ranks_and_the_strongest():
    effect = np.array([1.0, -2.0, 3.0, 0.0])
    assert _measures(effect, effect, 2) == pytest.approx((1, 1, 1, 1))
    assert _measures(-effect, effect, 2) == pytest.approx((-1, -1, 0, 1))


def test_ranks_agree_where_sizes_do_not():
    """An estimate in the right order with one value far too large: ranks say so, sizes do not."""
    effect = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.5])
    estimate = np.array([0.1, 0.2, 0.3, 0.4, 50.0, 50.0])
    along, ranks, *_ = _measures(estimate, effect, 2)
    assert ranks == pytest.approx(1)
    assert along == pytest.approx(np.corrcoef(estimate, effect)[0, 1])
    assert along < 0.9
    swapped = np.array([0.2, 0.1, 0.3, 0.4, 50.0, 50.0])
    assert _measures(swapped, effect, 2)[1] == pytest.approx(1 - 2 * 0.5 / np.var([1, 2, 3, 4, 5.5, 5.5]) / 6)
    assert np.isnan(_measures(np.ones(6), effect, 2)[:2]).all()


# --- the circuit


def test_the_circuit_is_the_planted_path_faithful_complete_and_minimal(circuit):
    assert set(circuit.edges) == PATH
    assert circuit.faithfulness.value == pytest.approx(1, abs=1e-4)
    assert circuit.without.value == pytest.approx([0, 0], abs=1e-4)
    assert circuit.incompleteness.max() < 1e-4
    assert circuit.idle == []
    assert circuit.p < 0.2
    assert circuit.cpr > 0.9
    assert circuit.cmd == pytest.approx(1 - circuit.cpr, abs=1e-3)


def test_it_is_a_networkx_graph(circuit):
    graph = circuit.graph()
    assert list(nx.topological_sort(graph)) == ["embed", SPEAKER, "logits"]
    assert graph["embed"][SPEAKER]["inputs"] == {"v": pytest.approx(1, abs=1e-4)}
    assert graph[SPEAKER]["logits"]["weight"] == pytest.approx(1, abs=1e-4)


def test_a_circuit_is_complete_if_it_loses_what_the_model_loses_without_the_same_edges():
    """Two heads say half each: both are the circuit, and complete; one of them alone is not."""
    both = run(shared_speaker(), CircuitGraph(circuits=3))
    assert both.faithfulness.value == pytest.approx(1, abs=1e-3)
    assert len(both.edges) == 4
    assert both.incompleteness.max() < 1e-3
    one = run(shared_speaker(), CircuitGraph(circuits=3, enough=0.4))
    assert one.faithfulness.value == pytest.approx(0.5, abs=1e-3)
    assert one.incompleteness.max() == pytest.approx(0.5, abs=1e-3)


def test_loose_ends_are_no_part_of_a_circuit():
    there = Edges(2, 2, mlps=False)
    name = {there.name(edge): edge for edge in there.pairs}
    way = [name["embed → L0H0.v"], name["L0H0 → L1H1.k"], name["L1H1 → logits"]]
    assert connected(there, [*way, name["L0H1 → L1H1.q"], name["embed → L1H0.v"]]) == way
    assert connected(there, way[:2]) == []


def test_random_circuits_lead_from_the_embedding_to_the_answer():
    there = Edges(3, 2, mlps=True)
    random = np.random.default_rng(0)
    for size in (2, 5, 20):
        drawn = random_circuit(there, size, random)
        assert size <= len(drawn) <= size + 8 or len(drawn) <= size
        assert sorted(connected(there, drawn)) == drawn


# --- scrubbing


def test_the_planted_head_depends_on_who_speaks_and_that_is_all(scrubbed):
    assert scrubbed.hypothesis[SPEAKER] == "speaker"
    left = {name: float(one.value[HEADS["speaker"]]) for name, one in scrubbed.explained.items()}
    assert left["speaker"] == pytest.approx(1, abs=1e-6)
    assert max(left["nothing"], left["position"]) < 0.2
    assert scrubbed.recovered.value > 0.99


def test_a_true_hypothesis_recovers_everything_and_a_false_one_does_not(speaking, repeating):
    everything = run(speaking, CausalScrubbing(hypothesis=(f"{SPEAKER}=everything",)))
    assert everything.recovered.value == pytest.approx(1)
    early = str(HEADS["previous"])
    true, false = (
        run(repeating, CausalScrubbing(hypothesis=(f"{early}={feature}",))) for feature in ("previous", "nothing")
    )
    assert true.recovered.value == pytest.approx(1, abs=1e-6)
    assert false.recovered.value < 0.8


def test_the_previous_token_head_is_explained_by_the_previous_token(repeating):
    found = run(repeating, CausalScrubbing())
    at = HEADS["previous"]
    assert found.explained["previous"].value[at] == pytest.approx(1, abs=1e-6)
    assert found.explained["position"].value[at] < 0.3
    assert found.hypothesis["L{}H{}".format(*at)] == "previous"


def test_features_of_places_are_what_they_are_called():
    tokens = np.array([[1, 7, 8, 3, 2, 7]])
    found = features(tokens)
    assert found["speaker"].tolist() == [[1, 1, 1, 1, 2, 2]]
    assert found["previous"].tolist() == [[-1, 1, 7, 8, 3, 2]]
    assert found["pair"][0, 1] != found["pair"][0, 5]
    assert found["position"].tolist() == [[0, 1, 2, 3, 4, 5]]


def test_partners_have_an_equal_feature_and_another_owner():
    random = np.random.default_rng(0)
    label, owner = random.integers(0, 5, 300), random.integers(0, 4, 300)
    label[0] = 99
    label[1:3], owner[1:3] = 98, 2  # twice, but in one conversation
    partner = _drawn(label, owner, random)
    assert (partner[:3] == -1).all()
    has = partner >= 0
    assert has[3:].all()
    assert (label[partner[has]] == label[has]).all()
    assert (owner[partner[has]] != owner[has]).all()
    seen = {int(_drawn(label, owner, random)[7]) for _ in range(400)}
    assert seen == set(np.flatnonzero((label == label[7]) & (owner != owner[7])).tolist())


def test_a_claim_that_names_no_feature_is_refused_with_those_there_are(speaking):
    with pytest.raises(UsageError, match="names no feature") as refused:
        run(speaking, CausalScrubbing(hypothesis=("L1H2=mood",)))
    assert "speaker" in refused.value.hint


def test_too_few_conversations_to_swap_between_are_refused():
    few = wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), handwritten_corpus(5))
    with pytest.raises(NotEnoughData, match="takes 8"):
        run(few, CausalScrubbing())


# --- all of them


@pytest.mark.parametrize("name", ["paths", "edges", "circuit", "scrubbed"])
def test_views_fit_their_renderers_and_results_can_be_kept(name, request, tmp_path):
    result = request.getfixturevalue(name)
    for view in result.views():
        encode(view.data)
        assert view.caption
        assert view.how_to_read
        assert view.misleads
    result.save(tmp_path)
    assert type(result).load(tmp_path).summary() == result.summary()
    assert result.findings()[0].view in {view.id for view in result.views()}


@pytest.mark.parametrize("analysis", [PathPatching(), EdgeAttribution(), CircuitGraph()])
def test_without_a_usable_contrast_nothing_is_claimed_and_the_reason_is_given(speaking, analysis):
    result = wl.analyze(speaking.untrained(), analysis)[analysis.name]
    assert "no usable contrast" in result.summary()
    assert "Refused: " in result.summary()
    assert result.views() == []
    assert result.trust == "anecdotal"


def test_in_the_table_an_edge_has_its_name(paths, edges, circuit):
    of_edges = edges.to_frame().query("quantity == 'exact'")
    assert of_edges["edge"].tolist() == edges.edges
    row = of_edges[of_edges["edge"] == f"{SPEAKER} → logits"].iloc[0]
    assert row["value"] == edges.effect(wl.Edge(SPEAKER, "logits")).value == edges.effect(f"{SPEAKER}>logits").value
    assert set(circuit.to_frame().query("quantity == 'without'")["edge"]) == set(circuit.edges)
