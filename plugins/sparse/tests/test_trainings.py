"""Trainings beside each other: the same dictionaries as one after the other, progress of all, and an end for all."""

import threading

import numpy as np
import pytest
import torch

from wonderland_sparse.learning import Recipe, learn
from wonderland_sparse.trainings import Trainings, Wanted, dealt, halves, side_by_side


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Telling:
    """What of a specimen trainings use."""

    def __init__(self, scratch):
        self.scratch, self.told = scratch, []

    def progress(self, done, total):
        self.told.append((done, total))


def wanted(name, seed, steps=60):
    x = torch.randn(640, 8, generator=torch.Generator().manual_seed(1))
    recipe = Recipe(16, 2, epochs=steps, batch=640)
    return Wanted(name, {"seed": seed}, steps, lambda tell: learn(x, recipe, seed, tell))


def test_beside_each_other_they_learn_what_each_does_alone(tmp_path, two_threads):
    specimen = Telling(tmp_path)
    trainings = Trainings(specimen, steps=60, trained=3, passes=0)
    made = trainings.train([wanted(f"L0S{seed}", seed) for seed in range(3)])
    torch.set_num_threads(1)
    for seed, one in enumerate(made):
        alone = wanted("alone", seed).train(lambda step: None)
        for name, part in alone.arrays().items():
            np.testing.assert_array_equal(part, one.arrays()[name], err_msg=f"{seed} {name}")
    done = [done for done, _ in specimen.told]
    assert done == sorted(done)
    assert len(done) == 5  # at the beginning, after each 50 of 180 steps, and at the end
    assert specimen.told[-1] == (180, 180)


def test_what_is_trained_beside_each_other_meets(two_threads):
    """Each waits for the other to have begun: one after the other they would wait in vain."""
    meet = threading.Barrier(2)

    def work(step):
        meet.wait(timeout=30)
        step()
        return torch.get_num_threads()

    told = []
    assert side_by_side([work, work], lambda: told.append(threading.current_thread())) == [1, 1]
    assert told == [threading.current_thread()] * 2
    assert torch.get_num_threads() == 2


def test_with_one_thread_they_come_one_after_the_other():
    order = []

    def work(name):
        return lambda step: order.append((name, threading.current_thread()))

    side_by_side([work("first"), work("second")], lambda: None)
    assert order == [("first", threading.current_thread()), ("second", threading.current_thread())]


@pytest.mark.parametrize("fails", ["work", "tell"])
def test_if_one_fails_the_others_stop_and_the_reason_is_told(two_threads, fails):
    stopped, begun = [], threading.Event()

    def endless(step):
        try:
            begun.wait(timeout=30)  # for the other one, which may be given a processor late
            for _ in range(1_000_000):
                step()
            raise AssertionError("nobody stopped it")
        except Exception as error:
            stopped.append(type(error).__name__)
            raise

    def failing(step):
        begun.set()
        step()
        if fails == "work":
            raise ValueError("no more")
        endless(step)

    def tell():
        if fails == "tell":
            raise KeyboardInterrupt

    with pytest.raises(ValueError if fails == "work" else KeyboardInterrupt):
        side_by_side([endless, failing], tell)
    assert "_StoppedError" in stopped
    assert torch.get_num_threads() == 2


def test_items_are_measured_in_two_models_and_told_in_their_order(two_threads, speaking):
    groups = halves(speaking, range(5))
    assert [items for _, items in groups] == [[0, 2, 4], [1, 3]]
    models = [running.model for running, _ in groups]
    assert models[0] is speaking.model
    assert models[1] is not speaking.model
    for (name, weight), other in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        assert torch.equal(weight, other), name
    told = []
    made = dealt(groups, lambda running, item: (item, running.model), lambda: told.append(threading.current_thread()))
    assert [item for item, _ in made] == [0, 1, 2, 3, 4]
    assert all(model is models[item % 2] for item, model in made)
    assert told == [threading.current_thread()] * 5


def test_with_one_thread_no_model_is_copied(speaking):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert halves(speaking, range(3)) == [(speaking, [0, 1, 2])]
    finally:
        torch.set_num_threads(before)


def test_one_item_needs_one_model(two_threads, speaking):
    assert halves(speaking, ["only"]) == [(speaking, ["only"])]
