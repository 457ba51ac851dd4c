"""The plan of an epoch: every window once, within the budget of tokens, the same for the same seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wonderland.model.batches import plan_epoch

lengths_of_windows = arrays(np.int64, st.integers(1, 300), elements=st.integers(2, 128))


@given(lengths=lengths_of_windows, budget=st.integers(1, 4096), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_every_window_is_in_exactly_one_batch_of_at_most_the_budget(lengths, budget, seed, epoch):
    plan = plan_epoch(lengths, budget, seed, epoch)
    assert sorted(np.concatenate(plan)) == list(range(len(lengths)))
    for batch in plan:
        assert len(batch) * lengths[batch].max() <= budget or len(batch) == 1


def test_the_plan_depends_on_the_seed_and_the_epoch_alone():
    lengths = np.random.default_rng(0).integers(2, 128, 500)
    plan = plan_epoch(lengths, 1024, 3, 1)
    same, other_seed, other_epoch = (plan_epoch(lengths, 1024, *at) for at in ((3, 1), (4, 1), (3, 2)))
    assert all(np.array_equal(a, b) for a, b in zip(plan, same, strict=True))
    for other in (other_seed, other_epoch):
        assert [list(batch) for batch in other] != [list(batch) for batch in plan]


def test_batches_are_of_windows_of_about_one_length_so_that_padding_is_rare():
    random = np.random.default_rng(0)
    lengths = random.integers(8, 128, 5000)

    def padding(batches):
        return 1 - lengths.sum() / sum(len(batch) * lengths[batch].max() for batch in batches)

    assert padding(np.array_split(random.permutation(5000), 5000 // 60)) > 0.4  # at random, nearly half is padding
    assert padding(plan_epoch(lengths, 4096, 0, 0)) < 0.05


def test_short_windows_do_not_all_come_first():
    lengths = np.random.default_rng(0).integers(8, 128, 5000)
    longest = np.array([lengths[batch].max() for batch in plan_epoch(lengths, 4096, 0, 0)])
    half = len(longest) // 2
    assert abs(longest[:half].mean() - longest[half:].mean()) < 15
