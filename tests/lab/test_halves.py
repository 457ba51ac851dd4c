"""Halves of conversations: what is chosen on the one is measured on the other."""

import numpy as np
import pytest

from wonderland.lab.halves import best_apart, first_half

CONVERSATION = np.repeat(np.arange(8), 3)
FIRST = first_half(CONVERSATION, 0)


@pytest.fixture
def drawn():
    """Sums of 2 × 5 things in 24 windows of unlike weights."""
    random = np.random.default_rng(0)
    return random.normal(size=(24, 2, 5)), random.integers(1, 9, 24).astype(float)


def test_no_conversation_is_in_both_halves():
    for seed in range(5):
        first = first_half(CONVERSATION, seed)
        assert first.sum() == 12
        assert not set(CONVERSATION[first]) & set(CONVERSATION[~first])
    assert first_half(np.repeat(np.arange(9), 2), 0).sum() == 10  # the odd one is to choose on
    assert any((first_half(CONVERSATION, seed) != FIRST).any() for seed in range(1, 5))
    assert first_half(np.zeros(3, int), 0).all()


@pytest.mark.parametrize("least", [False, True])
def test_the_best_is_of_one_half_and_its_ratio_of_the_other(drawn, least):
    sums, weights = drawn
    best, found = best_apart(sums, weights, CONVERSATION, FIRST, least=least, unit="nats", chance=0.5)
    scores = sums[FIRST].sum(0) / weights[FIRST].sum()
    assert scores[best] == (scores.min() if least else scores.max())
    assert found.value == pytest.approx(sums[(~FIRST, *best)].sum() / weights[~FIRST].sum())
    assert (found.n, found.unit, found.chance, found.resampled_over) == (4, "nats", 0.5, "conversations")
    other = sums.copy()
    other[~FIRST] *= -9
    assert best_apart(other, weights, CONVERSATION, FIRST, least=least)[0] == best  # the other half has no say


def test_what_may_not_be_chosen_and_what_was_not_measured_is_not_chosen(drawn):
    sums, weights = drawn
    best, _ = best_apart(sums, weights, CONVERSATION, FIRST)
    among = np.ones((2, 5), dtype=bool)
    among[best] = False
    second, _ = best_apart(sums, weights, CONVERSATION, FIRST, among=among)
    assert second != best
    sums[(slice(None), *best)] = np.nan
    assert best_apart(sums, weights, CONVERSATION, FIRST)[0] == second
    nothing = best_apart(sums, weights, CONVERSATION, FIRST, among=np.zeros((2, 5), dtype=bool), unit="nats")
    assert nothing[0] is None
    assert (nothing[1].n, nothing[1].unit) == (0, "nats")


def test_of_one_conversation_there_is_a_choice_and_no_estimate(drawn):
    sums, weights = drawn
    best, found = best_apart(sums, weights, np.zeros(24, int), np.ones(24, dtype=bool), chance=1.0)
    assert best is not None
    assert (found.n, found.chance) == (0, 1.0)
    assert np.isnan(found.value)
