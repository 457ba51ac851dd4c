"""What models trained on halves tell of a message: planted memory is found, and none where there is none."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from wonderland.audit.forcing import Forced
from wonderland.audit.full import MODELS, counterfactual, halves_of, lira, rmia, with_references

N = 400


def test_each_conversation_is_read_by_half_of_the_models_and_pairs_are_complements():
    halves = halves_of(31, seed=2)
    assert halves.shape == (MODELS, 31)
    assert halves.sum(0).tolist() == [3] * 31
    for one, other in zip(halves[::2], halves[1::2], strict=True):
        assert (one ^ other).all()
    assert not (halves[0] == halves[2]).all()
    assert (halves_of(31, seed=2) == halves).all()


def test_counterfactual_memorisation_is_the_difference_that_reading_makes():
    was_in = np.array([[True, False], [False, True]])
    assert counterfactual(np.array([[0.9, 0.2], [0.1, 0.2]]), was_in) == pytest.approx([0.8, 0.0])


def planted(memory, seed=0):
    random = np.random.default_rng(seed)
    conversation = np.arange(N) // 4
    was_in = halves_of(N // 4, seed)[:, conversation]
    read = conversation % 2 == 0
    hard = random.normal(4, 0.8, N)
    losses = hard + random.normal(0, 0.1, (MODELS, N)) - memory * was_in
    loss = hard + random.normal(0, 0.1, N) - memory * read
    return loss, losses, was_in, read, conversation


def test_what_was_read_is_told_by_each_score_and_hard_texts_are_no_excuse():
    loss, losses, was_in, read, _ = planted(0.3)
    assert roc_auc_score(read, -loss) < 0.7
    assert roc_auc_score(read, lira(loss, losses, was_in)) > 0.9
    assert roc_auc_score(read, rmia(loss, losses)) > 0.9


def test_lira_has_no_preference_where_reading_changes_nothing():
    loss, losses, was_in, read, _ = planted(0.0)
    assert roc_auc_score(read, lira(loss, losses, was_in)) == pytest.approx(0.5, abs=0.08)
    assert roc_auc_score(read, rmia(loss, losses)) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(("memory", "told"), [(0.3, True), (0.0, False)])
def test_all_of_it_together_stands_with_intervals_and_chance(memory, told):
    loss, losses, was_in, read, conversation = planted(memory)
    first = np.random.default_rng(1).random((MODELS, N, 6)) < 0.2 + memory * was_in[..., None]

    def forced(means, right):
        return Forced([np.full(6, mean) for mean in means], list(right))

    sender = np.where(conversation < 3, "P001", np.where(conversation % 2, "P002", "me"))
    found = with_references(
        forced(loss, first[0]),
        [forced(a, b) for a, b in zip(losses, first, strict=True)],
        was_in,
        read,
        conversation,
        sender,
    )
    assert set(found["people"]) == {"me", "P002"}  # P001 wrote in three conversations
    assert found["people"]["P002"].n == (N // 4 - 3 + 1) // 2
    assert (float(found["people"]["P002"].low) > 0) == told
    changed = found["estimates"]["counterfactual memorisation"]
    assert changed.chance == 0
    assert (float(changed.low) > 0) == told
    many = found["estimates"]["messages of which it is over a half"]
    assert float(many.value) == pytest.approx(float(many.chance), abs=0.05) or told
    assert float(many.high) > float(many.value)  # none of so many does not show that there can be none
    for name, one in found["membership"].items():
        assert (float(one.value) > 0.65) == told, name
        assert found["roc"][name][-1] == 1
