"""The n-gram baselines are real language models: their probabilities sum to one and find what a planted chain holds."""

import numpy as np
import pytest

from wonderland.corpus.windows import pack
from wonderland.model.baselines import (
    baseline_losses,
    ngram_distributions,
    ngram_first_choices,
    ngram_probabilities,
)


def chain(random, transitions, order, windows, length):
    """Windows of a Markov chain: ``transitions`` [token, ..., next] of the given order."""
    rows = []
    for _ in range(windows):
        row = list(random.integers(0, transitions.shape[-1], order))
        while len(row) < length:
            row.append(random.choice(transitions.shape[-1], p=transitions[tuple(row[-order:])]))
        rows.append(np.array(row))
    return rows


def losses(train, held_out, d_vocab):
    found = ngram_probabilities(train, held_out, d_vocab)
    return {name: -np.log(probability).mean() for name, probability in found.items()}


@pytest.mark.parametrize("history", [(0, 0), (3, 1), (5, 5), (9, 9)], ids=str)
def test_probabilities_of_all_continuations_of_a_history_sum_to_one(history):
    random = np.random.default_rng(0)
    train = chain(random, random.dirichlet(np.full(8, 0.3), size=8), 1, 20, 30)  # tokens 8 and 9 never occur
    continuations = [np.array([*history, token]) for token in range(10)]
    for name, probability in ngram_probabilities(train, continuations, 10).items():
        last = probability[1::2]  # each window predicts two tokens; the second of them is the continuation
        assert last.sum() == pytest.approx(1), name
        assert (last > 0).all(), name


def test_the_bigram_finds_the_entropy_of_a_planted_chain():
    random = np.random.default_rng(1)
    transitions = random.dirichlet(np.full(6, 0.5), size=6)
    found = losses(chain(random, transitions, 1, 300, 100), chain(random, transitions, 1, 100, 100), 6)
    values, vectors = np.linalg.eig(transitions.T)
    stationary = vectors[:, values.real.argmax()].real
    stationary /= stationary.sum()
    entropy = -(stationary[:, None] * transitions * np.log(transitions)).sum()
    assert found["bigram"] == pytest.approx(entropy, abs=0.02)
    assert found["unigram"] == pytest.approx(-(stationary * np.log(stationary)).sum(), abs=0.02)
    assert found["uniform"] == np.log(6)
    assert found["trigram"] == pytest.approx(entropy, abs=0.02)  # a longer history knows nothing more


def test_the_trigram_alone_finds_what_two_tokens_say_together():
    random = np.random.default_rng(2)
    transitions = np.full((4, 4, 4), 0.1 / 3)
    for a in range(4):
        for b in range(4):
            transitions[a, b, (a + b) % 4] = 0.9  # b alone says nothing about what follows
    found = losses(chain(random, transitions, 2, 200, 60), chain(random, transitions, 2, 50, 60), 4)
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1 / 3))
    assert found["trigram"] == pytest.approx(entropy, abs=0.03)
    assert found["bigram"] > entropy + 0.4


def test_a_history_never_seen_falls_back_to_the_shorter_one():
    found = ngram_probabilities([np.array([0, 1, 2, 1, 2])], [np.array([3, 1, 2])], 4)
    assert found["trigram"][1] == found["bigram"][1]  # 3, 1 was never seen
    assert found["bigram"][0] == found["unigram"][0]  # nor was 3


def test_the_first_token_of_a_window_is_given_not_scored():
    found = ngram_probabilities([np.array([0, 1, 2])], [np.array([0, 1]), np.array([2]), np.array([2, 1, 0])], 4)
    assert {len(probability) for probability in found.values()} == {3}


def test_on_chats_each_longer_history_does_better(chats, tokenizer):
    train, held_out = chats.corpus.split(0.2)
    packed = [pack(part, tokenizer, stride=8, context=64) for part in (train, held_out)]
    found = baseline_losses(*packed, tokenizer.vocab_size)
    assert list(found) == ["uniform", "unigram", "bigram", "trigram"]
    assert found["uniform"] > found["unigram"] > found["bigram"] > found["trigram"]


def test_the_first_choice_is_the_likeliest_of_all_tokens():
    random = np.random.default_rng(0)
    train = [np.r_[1, random.choice(np.arange(5, 12), random.integers(2, 9))] for _ in range(30)]
    held_out = [np.r_[1, random.choice(np.arange(5, 12), 5)] for _ in range(12)]
    found = ngram_first_choices(train, held_out, 12)
    expected = []
    for row in held_out:
        for place in range(1, len(row)):
            others = [ngram_probabilities(train, [np.r_[row[:place], w]], 12)["trigram"][-1] for w in range(12)]
            expected.append(int(np.argmax(others)) == row[place])
    assert found.tolist() == expected
    assert 0 < found.sum() < len(found)


def test_whole_distributions_hold_the_probability_of_each_token():
    random = np.random.default_rng(0)
    train = chain(random, random.dirichlet(np.full(8, 0.3), size=8), 1, 20, 30)
    before = np.array([[0, 0], [3, 1], [9, 9]])
    whole = ngram_distributions(train, before, 10)
    for row, (earlier, last) in enumerate(before):
        alone = ngram_probabilities(train, [np.array([earlier, last, token]) for token in range(10)], 10)
        for name, probabilities in whole.items():
            np.testing.assert_allclose(probabilities[row], alone[name][1::2], rtol=1e-12)
            assert probabilities[row].sum() == pytest.approx(1)
