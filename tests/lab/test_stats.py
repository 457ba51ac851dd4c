"""Intervals that cover, tests that stay quiet under the null, and estimates that say what they rest on."""

import numpy as np
import pytest
from scipy import stats as reference

from wonderland.errors import NotEnoughData, UsageError
from wonderland.lab.stats import (
    Estimate,
    benjamini_hochberg,
    cluster_bootstrap,
    paired_permutation,
    sum_by_cluster,
)


def clustered(random, clusters=30, each=10, between=1.0, within=1.0):
    """Values around 0 whose clusters have means of their own."""
    means = random.normal(0, between, clusters)
    labels = np.repeat(np.arange(clusters), each)
    return means[labels] + random.normal(0, within, len(labels)), labels


# --- the bootstrap


def test_intervals_over_conversations_cover_the_truth_and_intervals_over_tokens_do_not():
    random = np.random.default_rng(0)
    by_conversation = by_token = 0
    for trial in range(200):
        values, labels = clustered(random)
        ones = np.ones(len(values))
        right = cluster_bootstrap(values, ones, labels, replicates=400, seed=trial)
        wrong = cluster_bootstrap(values, ones, np.arange(len(values)), replicates=400, seed=trial)
        by_conversation += right.low <= 0 <= right.high
        by_token += wrong.low <= 0 <= wrong.high
    assert 0.89 <= by_conversation / 200 <= 0.98  # 0.95 is wanted; percentile intervals of 30 clusters have about 0.93
    assert by_token / 200 < 0.65


def test_the_estimate_is_the_ratio_of_sums_not_the_mean_of_ratios():
    estimate = cluster_bootstrap([10.0, 1.0], [100, 1], ["long", "short"])
    assert estimate.value == pytest.approx(11 / 101)
    assert estimate.n == 2


def test_windows_of_one_conversation_are_one_unit():
    estimate = cluster_bootstrap(np.ones(6), np.ones(6), [0, 0, 0, 1, 1, 1])
    assert estimate.n == 2
    assert not estimate.trusted


def test_one_conversation_has_no_interval():
    estimate = cluster_bootstrap([[1.0, 2.0], [2.0, 2.0]], [1, 1], ["a", "a"], chance=0.0)
    assert estimate.value.tolist() == [1.5, 2.0]
    assert np.isnan([estimate.low, estimate.high]).all()
    assert not estimate.above_chance.any()


def test_a_cell_all_of_one_conversation_has_no_interval_either():
    """Of three conversations, the second column occurs in one: drawn again, it is that one or nothing."""
    sums, weights = np.array([[1.0, 0.0], [2.0, 6.0], [4.0, 0.0]]), np.array([[1, 0], [1, 2], [1, 0]])
    estimate = cluster_bootstrap(sums, weights, ["a", "b", "c"], chance=0.0)
    assert estimate.value.tolist() == [7 / 3, 3]
    assert np.isnan([estimate.low, estimate.high]).tolist() == [[False, True], [False, True]]
    assert estimate.above_chance.tolist() == [True, False]
    assert estimate.n == 3
    alone = cluster_bootstrap(sums[:, 1], weights[:, 1], ["a", "b", "c"], unit="nats")
    assert str(alone) == "3 nats (n=1 conversation, no interval)"
    zero = cluster_bootstrap([0.0, 0.0], [1, 1], ["a", "b"])  # two conversations that say 0 are two
    assert (zero.low, zero.high, zero.n) == (0, 0, 2)
    assert np.isnan(cluster_bootstrap([[1.0, 2.0], [0.0, 0.0]], [1, 0], ["a", "b"]).low).all()  # one weight for both


def test_an_interval_shrinks_with_the_root_of_the_conversations():
    random = np.random.default_rng(1)
    width = {}
    for clusters in (50, 800):
        values, labels = clustered(random, clusters)
        estimate = cluster_bootstrap(values, np.ones(len(values)), labels)
        width[clusters] = estimate.high - estimate.low
    assert width[50] / width[800] == pytest.approx(4, rel=0.25)


def test_arrays_are_estimated_entry_by_entry():
    random = np.random.default_rng(2)
    values = random.normal(size=(40, 2, 3))
    labels = np.arange(40)
    together = cluster_bootstrap(values, np.ones(40), labels)
    alone = cluster_bootstrap(values[:, 1, 2], np.ones(40), labels)
    assert together.value.shape == (2, 3)
    assert together.value[1, 2] == pytest.approx(alone.value)
    assert together.low[1, 2] == pytest.approx(alone.low)


def test_what_never_occurs_has_no_estimate_and_warns_of_nothing(recwarn):
    weights = np.array([[1, 0], [1, 0], [1, 0]])
    estimate = cluster_bootstrap(weights * 2.0, weights, [0, 1, 2])
    assert estimate.value[0] == 2
    assert np.isnan([estimate.value[1], estimate.low[1], estimate.high[1]]).all()
    assert not recwarn.list


def test_the_same_seed_gives_the_same_interval():
    values, labels = clustered(np.random.default_rng(3))
    one, same, other = (cluster_bootstrap(values, np.ones(300), labels, seed=seed) for seed in (5, 5, 6))
    assert (one.low, one.high) == (same.low, same.high) != (other.low, other.high)


def test_nothing_cannot_be_averaged():
    with pytest.raises(NotEnoughData):
        cluster_bootstrap([], [], [])


def test_sums_are_by_cluster_in_sorted_order():
    assert sum_by_cluster([1, 2, 3, 4], ["b", "a", "b", "a"]).tolist() == [6, 4]


# --- estimates


def test_an_estimate_says_its_number_its_interval_and_what_it_rests_on():
    assert str(Estimate(0.5, 0.4, 0.6, n=40, unit="nats", chance=0.1)) == (
        "0.5 nats [0.4, 0.6] (n=40 conversations, chance 0.1)"
    )
    assert "too few to trust" in str(Estimate(0.5, 0.4, 0.6, n=9))


def test_an_estimate_of_an_array_is_taken_apart_with_its_chance():
    estimate = Estimate(np.array([1.0, 2.0]), np.zeros(2), np.full(2, 3.0), n=20, chance=np.array([0.5, 0.6]))
    second = estimate[1]
    assert (second.value, second.low, second.high, second.chance, second.n) == (2.0, 0.0, 3.0, 0.6, 20)
    assert Estimate(np.ones(2), np.ones(2), np.ones(2), n=20, chance=0.5)[1].chance == 0.5


def test_above_chance_means_the_whole_interval_is():
    values = np.array([0.5, 0.5])
    estimate = Estimate(values, np.array([0.3, 0.1]), values + 1, n=20, chance=0.2)
    assert estimate.above_chance.tolist() == [True, False]
    assert not Estimate(1.0, 0.9, 1.1, n=20).above_chance


# --- permutation


def test_under_the_null_permutation_ps_are_uniform():
    random = np.random.default_rng(4)
    found = []
    for trial in range(200):
        values, labels = clustered(random, clusters=20, each=3)
        found.append(float(paired_permutation(values, labels, replicates=200, seed=trial)[0]))
    assert reference.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) < 0.05) < 0.09


def test_what_is_not_a_number_has_no_p_and_counts_as_no_test():
    differences = np.random.default_rng(0).normal(size=(20, 3))
    without = paired_permutation(differences[:, 1:], np.arange(20))
    differences[0, 0] = np.nan
    alone, family = paired_permutation(differences, np.arange(20))
    assert np.isnan([alone[0], family[0]]).all()
    np.testing.assert_array_equal([alone[1:], family[1:]], without)
    assert np.isnan(paired_permutation([np.nan], [1])).all()


def test_each_unit_has_a_value_a_weight_and_a_cluster():
    with pytest.raises(UsageError, match="2 units have a cluster, and 1 a value"):
        cluster_bootstrap([1, 2], [1], [0, 1])
    with pytest.raises(UsageError, match="1 units have a cluster, and 2 a value"):
        paired_permutation([1, 2], [0])


def test_a_planted_difference_is_found_among_many_and_the_others_are_not():
    random = np.random.default_rng(5)
    differences = random.normal(size=(40, 20))
    differences[:, 7] += 1.0
    alone, family = paired_permutation(differences, np.arange(40))
    assert family[7] < 0.01
    assert (np.delete(family, 7) > 0.05).all()
    assert (family >= alone).all()


def test_the_family_is_wrong_at_most_as_often_as_it_says():
    random = np.random.default_rng(6)
    false = 0
    for trial in range(100):
        _, family = paired_permutation(random.normal(size=(15, 10)), np.arange(15), replicates=200, seed=trial)
        false += family.min() < 0.05
    assert false <= 11  # 5 expected; more than 11 has a chance of 0.4%


def test_a_p_is_never_zero_and_no_difference_has_p_one():
    alone, family = paired_permutation(np.c_[np.full(30, 5.0), np.zeros(30)], np.arange(30), replicates=99)
    assert alone[0] == pytest.approx(0.01)
    assert (alone[1], family[1]) == (1.0, 1.0)


# --- false discoveries


def test_q_values_are_those_of_benjamini_and_hochberg():
    p = np.array([0.01, 0.04, 0.03, 0.5])
    assert benjamini_hochberg(p) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    random = np.random.default_rng(7).random((4, 5))
    assert benjamini_hochberg(random).ravel() == pytest.approx(reference.false_discovery_control(random.ravel()))


def test_what_was_not_tested_does_not_count_as_a_test():
    q = benjamini_hochberg([0.01, np.nan, 0.04])
    assert q[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(q[1])
    assert np.isnan(benjamini_hochberg([np.nan])).all()
