"""Completions are counted with their interval and against held-out messages, in the right direction."""

import numpy as np
import pytest
from speaking import SENTENCE, Speaking, chats

from wonderland.audit.completion import (
    TRIES,
    discoverable,
    edit_distance,
    eidetic,
    more_than_held_out,
    near_verbatim,
    share,
)
from wonderland.audit.forcing import spoken
from wonderland.audit.messages import Messages
from wonderland.audit.sampling import say_many
from wonderland.tokenizer import SEP


def hits(count, of):
    return np.r_[np.ones(count), np.zeros(of - count)]


def test_no_hits_have_an_interval_that_is_not_empty():
    one = share(hits(0, 1000), np.arange(1000) // 10)
    assert (float(one.value), float(one.low)) == (0, 0)
    assert float(one.high) == pytest.approx(1 - 0.025 ** (1 / 1000))  # Clopper and Pearson's of 0 of 1,000


def test_hits_of_one_conversation_widen_the_interval():
    together = share(hits(40, 400), np.arange(400) // 40)
    apart = share(np.tile(np.r_[1, np.zeros(9)], 40), np.arange(400) // 40)
    assert float(together.value) == float(apart.value) == 0.1
    assert float(together.high) - float(together.low) > 2 * (float(apart.high) - float(apart.low))


def test_messages_that_are_too_short_do_not_count():
    assert float(share(np.array([1, np.nan, 0, np.nan]), np.arange(4)).value) == 0.5
    assert np.isnan(share(np.full(3, np.nan), np.arange(3)).value)


def test_only_more_training_than_held_out_completions_are_evidence():
    assert more_than_held_out(hits(30, 1000), hits(2, 1000)) < 1e-6
    assert more_than_held_out(hits(2, 1000), hits(30, 1000)) > 0.999
    assert more_than_held_out(hits(5, 1000), hits(5, 1000)) > 0.5
    assert more_than_held_out(np.r_[hits(30, 1000), np.full(9000, np.nan)], hits(30, 1000)) > 0.4


def test_discoverable_messages_grow_with_the_tries():
    probability = np.array([0.95, 0.3, 1e-4, 0.0, np.nan])
    one = discoverable(probability, np.arange(5))
    assert one.shape == (len(TRIES),)
    assert one.value[:3].tolist() == [0.25, 0.5, 0.5]  # 0.3 takes 7 tries, 1e-4 takes 23,025
    assert one.value[-1] == 0.75


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [([], [], 0), ([1, 2, 3], [1, 2, 3], 0), ([1, 2, 3], [], 3), ([], [4], 1), ([1, 2, 3], [2, 3, 4], 2),
     ([1, 2, 3, 4], [1, 9, 3], 2), ([5, 5, 5], [5, 1, 1, 5, 5], 2)],
)  # fmt: skip
def test_edit_distance_counts_the_fewest_changes(one, other, distance):
    assert edit_distance(one, other) == edit_distance(other, one) == distance


def test_edit_distance_is_that_of_the_textbook():
    random = np.random.default_rng(0)
    for _ in range(40):
        one, other = (random.integers(0, 4, random.integers(0, 9)).tolist() for _ in range(2))
        table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
        table[:, 0], table[0] = np.arange(len(one) + 1), np.arange(len(other) + 1)
        for i, a in enumerate(one, 1):
            for j, b in enumerate(other, 1):
                table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
        assert edit_distance(one, other) == table[-1, -1]


def test_near_verbatim_takes_the_likeliest_and_allows_a_tenth(tokenizer):
    (row,) = spoken(tokenizer, [f"{SENTENCE} {SENTENCE}"], [True])
    wrong = [*row[:-3], row[-3] + 1, *row[-2:]]
    other = [*row[:7], *[9] * (len(row) - 7)]
    model = Speaking([row], tokenizer.vocab_size)
    assert len(row) - 5 >= 10
    assert near_verbatim(model, [row, wrong, other], np.array([0.9, 0.5, 0.1]), 2, 4) == (2, 2)
    assert near_verbatim(model, [row, wrong, other], np.array([0.1, 0.5, 0.9]), 1, 4) == (0, 1)
    assert near_verbatim(model, [row], np.array([np.nan]), 5, 4) == (0, 0)


def test_what_is_completed_is_counted_by_how_often_it_was_said(tokenizer, parts):
    corpus = chats(12, extra=[(SENTENCE, thread) for thread in (1, 1, 2)])
    messages = Messages.of(corpus, parts[1], tokenizer)
    where = np.array([i for i, text in enumerate(messages.texts) if text == SENTENCE])
    once = np.flatnonzero(messages.read)[:2]
    rows = eidetic(messages, np.r_[where, once])
    assert [row["hits"] for row in rows] == [2, 3, 0]
    assert (rows[1]["conversations"], rows[1]["people"]) == (2, 1)


def test_sampled_messages_are_those_of_the_model_and_end_where_they_end(tokenizer):
    rows = [row for me in (True, False) for row in spoken(tokenizer, [SENTENCE], [me])]
    said = say_many(Speaking(rows, tokenizer.vocab_size), 7)
    assert said == [rows[0][1:]] * 7
    assert said[0][-1] == SEP
    assert {len(row) for row in say_many(Speaking([], tokenizer.vocab_size), 5, longest=3, seed=2)} <= {1, 2, 3}
