"""Parts of a model are values: they print, parse, index and never equal a part of another kind."""

import copy

import numpy as np
import pytest

from wonderland.components import Feature, Head, Neuron, parse_component
from wonderland.errors import UsageError


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
