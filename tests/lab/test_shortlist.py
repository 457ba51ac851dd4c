"""Of many heads the likely ones and a random sample are tried."""

import numpy as np
import pytest

from wonderland.errors import UsageError
from wonderland.lab.shortlist import drawn_apart, layers_in, shortlist


def test_all_are_tried_where_there_are_few():
    assert shortlist(np.zeros((4, 4)), 16).all()


def test_the_best_are_tried_and_a_quarter_is_drawn_from_the_rest():
    score = np.arange(200.0).reshape(20, 10)
    tried = shortlist(score, 40)
    assert tried.sum() == 40
    assert tried.ravel()[-30:].all()
    drawn = [shortlist(score, 40, seed=seed).ravel()[:-30] for seed in range(200)]
    often = np.mean(drawn, axis=0)
    assert all(one.sum() == 10 for one in drawn)
    assert 0.0 < often.min() < 10 / 170 < often.max() < 0.15  # any of the rest, none preferred


def test_it_is_said_which_were_drawn_and_which_are_the_best():
    score = np.arange(200.0).reshape(20, 10)
    tried, drawn = drawn_apart(score, 40)
    np.testing.assert_array_equal(tried, shortlist(score, 40))
    assert drawn.sum() == 10
    assert not drawn.ravel()[-30:].any()
    assert tried[drawn].all()
    assert not drawn_apart(score, 200)[1].any()


def test_what_has_no_score_comes_last_and_other_layers_never():
    score = np.full((10, 10), np.nan)
    score[3, 3] = 1.0
    tried = shortlist(score, 8, layers=[3, 5])
    assert tried[3, 3]
    assert tried.sum() == 8
    assert np.flatnonzero(tried.any(1)).tolist() == [3, 5]


def test_layers_are_named_or_it_is_said_which_there_are():
    assert layers_in("", 4) is None
    assert layers_in("2, 0,2", 4) == [0, 2]
    assert layers_in("2,5-7") == layers_in(" L2 6,5-7") == [2, 5, 6, 7]
    assert layers_in("3-3", 4) == [3]
    for wrong in ("x", "1,", ",", "-1", "3-", "1.5", "2-b", "²", "9" * 30):
        with pytest.raises(UsageError, match="no layer and no range of layers"):
            layers_in(wrong, 4)
    for absent in ("4", "2-4"):
        with pytest.raises(UsageError, match="There is no layer 4 in this model"):
            layers_in(absent, 4)
    with pytest.raises(UsageError, match="'5-2' goes backwards") as error:
        layers_in("5-2")
    assert error.value.hint == "For example: --layers 2-5"
    with pytest.raises(UsageError, match="none to try"):
        shortlist(np.zeros((2, 2)), 0)
