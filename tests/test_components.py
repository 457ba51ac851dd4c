"""Parts of a model are values: they print, parse, index and never equal a part of another kind."""

import copy
import pickle

import numpy as np
import pytest

from wonderland.components import Edge, Feature, Head, Neuron, parse_component
from wonderland.errors import PluginError, UsageError
from wonderland.lab.edges import Edges
from wonderland.report.schema import Key
from wonderland.views import Column, Quoted, Table, Wording, say


def test_a_head_prints_its_name_and_is_read_back():
    assert str(Head(2, 10)) == f"{Head(2, 10)}" == "L2H10"
    assert Head.parse("L2H10") == Head(2, 10)
    assert (Head(2, 10).layer, Head(2, 10).index) == (2, 10)
    assert repr(Neuron(1, 17)) == "Neuron(1, 17)"


def test_a_head_indexes_arrays_by_layer_and_head():
    scores = np.arange(12).reshape(3, 4)
    assert scores[Head(2, 1)] == 9
    scores[Head(0, 3)] = -1
    assert scores[0, 3] == -1


def test_parts_of_two_kinds_are_never_equal():
    assert Head(2, 0) != Neuron(2, 0)
    assert Head(2, 0) == Head(2, 0) == (2, 0)
    assert {Head(1, 1): "a"}[Head(1, 1)] == "a"
    assert sorted([Head(1, 0), Head(0, 2)]) == [Head(0, 2), Head(1, 0)]


def test_a_name_of_another_form_or_beyond_the_model_is_refused_with_what_there_is():
    with pytest.raises(UsageError, match="no name of a head") as refused:
        Head.parse("L2N0")
    assert "L2H0" in refused.value.hint
    with pytest.raises(UsageError, match="has no head 'L4H0'") as refused:
        Head.parse("L4H0", (4, 2))
    assert refused.value.hint == "Its heads are L0H0 to L3H1."
    with pytest.raises(UsageError):
        Head.parse("L3H2", (4, 2))
    with pytest.raises(UsageError):
        Head(-1, 0)


def test_all_heads_come_layer_by_layer():
    assert [str(head) for head in Head.all(2, 2)] == ["L0H0", "L0H1", "L1H0", "L1H1"]


def test_any_name_is_told_apart_by_its_letter():
    assert [parse_component(n) for n in ("L0H1", "L0N1", "L0F1", "H1", "L0H")] == [
        Head(0, 1),
        Neuron(0, 1),
        Feature(0, 1),
        None,
        None,
    ]


def test_a_copy_of_a_head_is_a_head():
    assert copy.deepcopy(Head(1, 2)) == Head(1, 2)
    assert type(copy.deepcopy(Head(1, 2))) is Head


EDGES = ["embed → L0H1.q", "embed → logits", "L0H1 → MLP0", "L0H1 → L1H0.k", "MLP0 → L1H0.q", "L1H0 → logits"]


@pytest.mark.parametrize(
    "name", [*EDGES, "L0N7 → L1H0", "L2F339 → L2H0", "L0T461 → answer", "tokens that differ → L2H0"]
)
def test_an_edge_prints_its_name_and_is_read_back(name):
    edge = Edge.parse(name)
    assert str(edge) == f"{edge}" == name
    assert Edge.parse(name.replace(" → ", ">")) == edge
    assert eval(repr(edge)) == edge
    assert copy.deepcopy(edge) == pickle.loads(pickle.dumps(edge)) == edge


def test_the_ends_of_an_edge_are_parts_of_the_model():
    edge = Edge.parse("L0H1 → L1H0.k")
    assert edge == Edge(Head(0, 1), Head(1, 0), "k") == Edge("L0H1", "L1H0.k") != Edge("L0H1", "L1H0.q")
    assert (edge.sender, edge.receiver, edge.input) == (Head(0, 1), Head(1, 0), "k")
    assert Edge("L0H1", "L1H0").input == ""
    assert edge.of_model
    assert not Edge("see you", "L1H0").of_model
    assert {edge: 1}[Edge.parse("L0H1>L1H0.k")] == 1


def test_edges_order_as_the_model_computes_them():
    edges = Edges(2, 11, mlps=True)
    computed = [edges.edge(pair) for pair in edges.pairs]
    assert computed == sorted(np.random.default_rng(0).permutation(np.array(computed, dtype=object)))
    assert [edges.pair(edge) for edge in computed] == edges.pairs


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("L0H1", "no name of an edge"),
        ("embed → L0H0 → logits", "no name of an edge"),
        (" → L0H0", "no name of an end"),
        ("L1H0 → L1H1", "L1H1 does not read what L1H0 writes"),
        ("L2H0 → L1H1.k", "does not read"),
        ("MLP0 → L0H1", "does not read"),
        ("logits → L0H1", "does not read"),
        ("L0H1 → embed", "does not read"),
        ("L0N3 → MLP0", "does not read"),
    ],
)
def test_what_is_no_edge_is_refused(name, why):
    with pytest.raises(UsageError, match=why) as refused:
        Edge.parse(name)
    assert refused.value.hint


def test_an_edge_has_the_inputs_of_its_receiver():
    with pytest.raises(UsageError, match="no input 'z'"):
        Edge("L0H1", "L1H0", "z")
    with pytest.raises(UsageError, match="no input 'k'"):
        Edge("L0H1", "MLP0", "k")
    with pytest.raises(UsageError, match="not int"):
        Edge(3, "MLP0")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["L0H2 → L1H0", "L0H0 → L2H0", "MLP1 → MLP2", "error L0 → L1H0", "L0N1 → L1H0"])
def test_an_edge_beyond_the_model_is_refused_with_what_there_is(name):
    Edge.parse("L0H1 → MLP1", (2, 2))
    Edge.parse("embed → logits", (2, 2))
    with pytest.raises(UsageError, match="The model has no") as refused:
        Edge.parse(name, (2, 2))
    assert refused.value.hint
    with pytest.raises(UsageError, match="has no edge"):
        Edges(2, 2, mlps=True).pair(name)


def test_an_edge_in_words_is_ours_only_if_its_ends_are_parts_of_the_model():
    own, other = Edge.parse("L0H1 → L1H0.k"), Edge("see you", "L1H0")
    assert say("{edge} is strong", edge=own).text == "L0H1 → L1H0.k is strong"
    assert Quoted("see you → L1H0") in say("{edge} is strong", edge=other).parts
    table = Table.by_row({Column("edge", "Edge", help="An edge."): [own, other]})
    assert [type(cell) for row in table.rows for cell in row] == [Wording, Quoted]
    assert str(Key.of(own)) == str(Key.edge("L0H1", "L1H0.k")) == "edge:L0H1>L1H0.k"
    with pytest.raises(PluginError, match="is no name of an edge"):
        Key.of(other)
