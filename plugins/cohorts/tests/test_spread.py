"""Shares of seeds and intervals over seeds: exact where there is a book value, and wide enough for few seeds."""

import numpy as np
import pytest

import wonderland as wl
from wonderland_cohorts.agreement import fleiss, kappa_null
from wonderland_cohorts.spread import over_both, over_seeds, share


def around(value, error):
    return wl.Estimate(value, value - 1.96 * error, value + 1.96 * error, n=50, chance=0.0)


def test_a_share_of_seeds_has_the_interval_of_clopper_and_pearson():
    found = [(share(k, n).low, share(k, n).high) for k, n in ((5, 5), (0, 5), (6, 8), (3, 5))]
    expected = [(0.478, 1), (0, 0.522), (0.349, 0.968), (0.147, 0.947)]
    np.testing.assert_allclose(found, expected, atol=5e-4)


def test_the_interval_over_seeds_is_that_of_t():
    one = over_seeds([1.0, 2.0, 3.0])
    assert (one.value, one.n) == (2.0, 3)
    assert one.high - one.value == pytest.approx(4.3027 / np.sqrt(3), rel=1e-3)


def test_fewer_than_three_seeds_have_no_interval():
    for one in (over_seeds([1.0, 2.0]), over_both([around(1, 0.1), around(2, 0.1)], chance=0)):
        assert one.value == 1.5
        assert np.isnan([one.low, one.high]).all()
        assert not one.above_chance


def test_seeds_that_say_the_same_have_none_either():
    one = over_seeds([5.0, 5.0, 5.0, 5.0, 5.0], chance=1.7)
    assert one.value == 5.0
    assert np.isnan([one.low, one.high]).all()
    assert not one.above_chance


def test_the_interval_over_both_is_as_wide_as_the_wider_source():
    seeds_scatter = over_both([around(v, 0.001) for v in (1.0, 2.0, 3.0, 2.5, 1.5)])
    text_scatters = over_both([around(v, 1.0) for v in (2.0, 2.001, 1.999, 2.0, 2.0)])
    plain = over_seeds([1.0, 2.0, 3.0, 2.5, 1.5])
    assert seeds_scatter.high - seeds_scatter.low == pytest.approx(plain.high - plain.low, rel=0.12)
    assert text_scatters.high - text_scatters.low == pytest.approx(2 * 1.96, rel=0.06)  # as in one seed, not less


@pytest.mark.parametrize(("seeds", "text"), [(1.0, 0.1), (0.1, 1.0), (1.0, 1.0)])
def test_the_interval_over_both_holds_the_truth(seeds, text):
    random, held = np.random.default_rng(0), 0
    for number in range(300):
        common = random.normal() * text
        values = random.normal(size=4) * seeds + common
        one = over_both([around(v, text) for v in values], replicates=400, seed=number)
        held += bool(one.low <= 0 <= one.high)
    assert 0.91 <= held / 300 <= 1.0


def test_kappa_is_that_of_the_book():
    # Fleiss 1971 by way of a table often reprinted: 10 items, 14 raters, 5 categories, kappa 0.210.
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    labels = [[str(kind) for kind, n in enumerate(row) for _ in range(n)] for row in counts]
    assert fleiss(labels) == pytest.approx(0.210, abs=5e-4)
    assert np.isnan(fleiss([["a", "a"], ["a", "a"]]))


def test_labels_dealt_out_anew_agree_as_chance_has_it():
    labels = [[name] * 3 for name in ("a", "b", "a", "b", "c", "c")]
    null = kappa_null(labels, [np.arange(6)])
    assert fleiss(labels) == 1
    assert abs(null.mean()) < 0.05
    assert (null < 1).mean() > 0.9
    alone = kappa_null(labels, [np.array([i]) for i in range(6)])  # a layer of one head cannot be dealt out
    assert (alone == 1).all()
