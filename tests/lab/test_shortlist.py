"""Of many heads the likely ones and a random sample are tried."""

import numpy as np
import pytest

from wonderland.errors import UsageError
from wonderland.lab.shortlist import layers_in, shortlist


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
    for wrong in ("4", "x", "1,", "-1"):
        with pytest.raises(UsageError, match="no layer of this model"):
            layers_in(wrong, 4)
    with pytest.raises(UsageError, match="none to try"):
        shortlist(np.zeros((2, 2)), 0)
