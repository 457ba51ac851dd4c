"""Membership is told by the model, and chance where nothing is to be told."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from wonderland.audit.forcing import Forced
from wonderland.audit.membership import (
    auc,
    auc_estimate,
    by_conversation,
    calibrated,
    reference_losses,
    roc,
    true_positives_at,
)
from wonderland.errors import NotEnoughData
from wonderland.model.baselines import ngram_probabilities

RANDOM = np.random.default_rng(0)


def test_auc_is_that_of_a_library_ties_and_weights_included():
    scores = RANDOM.integers(0, 12, 300) / 3
    read = RANDOM.random(300) < 0.4
    weights = RANDOM.integers(0, 4, 300)
    assert auc(scores, read) == pytest.approx(roc_auc_score(read, scores))
    assert auc(scores, read, weights) == pytest.approx(roc_auc_score(read, scores, sample_weight=weights))
    assert auc(np.array([2.0, 1.0]), np.array([True, False])) == 1.0
    assert np.isnan(auc(np.array([2.0]), np.array([True])))


def test_permuted_labels_are_at_chance_and_planted_ones_are_not():
    conversation = np.repeat(np.arange(80), 10)
    read = conversation < 50
    scores = RANDOM.normal(size=800) + 0.5 * RANDOM.normal(size=80)[conversation]
    null = auc_estimate(scores, read, conversation)
    assert null.low < 0.5 < null.high
    planted = auc_estimate(scores + 1.5 * read, read, conversation)
    assert planted.low > 0.7
    assert planted.chance == 0.5
    assert planted.n == 30


def test_the_interval_resamples_conversations_not_messages():
    few = np.repeat(np.arange(8), 100)
    read = few < 4
    scores = RANDOM.normal(size=8)[few] + 0.01 * RANDOM.normal(size=800)
    by_conversation = auc_estimate(scores, read, few)
    by_message = auc_estimate(scores, read, np.arange(800))
    assert by_conversation.high - by_conversation.low > 3 * (by_message.high - by_message.low)


def test_the_reference_never_counts_the_conversation_it_scores():
    rows = [[1, *RANDOM.integers(5, 30, 12)] for _ in range(40)]
    conversation, read = np.arange(40), np.arange(40) < 30
    found = reference_losses(rows, conversation, read, 30)
    arrays = [np.asarray(row) for row in rows]
    dealt = np.random.default_rng(0).permutation(np.arange(30))
    half = set(dealt[:15].tolist())
    for i in (0, 7, 29):
        counted = [arrays[j] for j in range(30) if (j in half) != (i in half)]
        expected = -np.log(ngram_probabilities(counted, [arrays[i]], 30)["trigram"]).mean()
        assert found[i] == pytest.approx(expected)
    both = [
        -np.log(ngram_probabilities([arrays[j] for j in range(30) if (j in half) == side], [arrays[35]], 30)["trigram"])
        for side in (True, False)
    ]
    assert found[35] == pytest.approx(np.mean([losses.mean() for losses in both]))


def test_a_reference_needs_two_conversations():
    with pytest.raises(NotEnoughData, match="two training conversations"):
        reference_losses([[1, 5, 6]] * 3, np.array([0, 0, 1]), np.array([True, True, False]), 10)


def test_the_score_is_how_much_better_the_model_is_than_the_reference():
    forced = Forced([np.array([1.0, 3.0]), np.array([4.0])], [np.array([True, False]), np.array([False])])
    assert calibrated(forced, np.array([5.0, 5.0])).tolist() == [3.0, 1.0]


def test_true_positives_are_counted_at_the_line_of_those_not_read():
    scores = np.concatenate([np.arange(100) / 100, np.full(50, 0.98), np.full(50, 0.5)])
    read = np.arange(200) >= 100
    assert true_positives_at(scores, read, 0.05) == 0.5
    assert true_positives_at(scores, read, 0.0) == 0.0


def test_the_curve_is_that_of_a_library_and_rises_from_those_told_first():
    scores, read = RANDOM.normal(size=500), RANDOM.random(500) < 0.5
    found = roc(scores + read, read)
    false, true, _ = roc_curve(read, scores + read, drop_intermediate=False)
    for rate, share in zip(np.linspace(0, 1, 101), found, strict=True):
        assert share <= true[false <= rate + 1e-9].max() + 1e-9
        assert share >= true[false <= max(rate - 0.02, 0)].max() - 0.05
    assert (np.diff(found) >= 0).all()
    assert found[50] > 0.7
    assert np.isnan(roc(scores, np.ones(500, dtype=bool))).all()


def test_only_the_messages_asked_for_are_scored_and_all_are_counted():
    rows = [[1, *RANDOM.integers(5, 30, 12)] for _ in range(40)]
    conversation, read = np.arange(40), np.arange(40) < 30
    everything = reference_losses(rows, conversation, read, 30)
    some = np.array([2, 17, 35])
    assert reference_losses(rows, conversation, read, 30, chosen=some) == pytest.approx(everything[some])


def test_a_conversation_is_the_mean_over_its_tokens_and_short_ones_are_left_out():
    losses, tokens = np.array([1.0, 4.0, 2.0, 9.0]), np.array([3.0, 1.0, 2.0, 2.0])
    conversation, read = np.array([7, 7, 8, 9]), np.array([True, True, False, False])
    means, was_read = by_conversation(losses, tokens, conversation, read, least=1)
    assert means.tolist() == [[1.75, 2.0, 9.0]]
    assert was_read.tolist() == [True, False, False]
    assert by_conversation(losses, tokens, conversation, read, least=2)[0].tolist() == [[1.75]]
