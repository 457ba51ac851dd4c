"""A batch is the same batch however much of it the machine takes at once, and when memory runs out that is said."""

import numpy as np
import pytest
import torch

from wonderland.errors import Interrupted, ResourceError, UsageError
from wonderland.model import engine, gradient
from wonderland.testing.random_models import random_model
from wonderland.tokenizer import PAD


def test_a_batch_in_small_pieces_is_the_same_batch(short):
    whole, pieces = short(epochs=1), short(epochs=1, micro_tokens=100)
    assert [p.loss for p in pieces.history.points] == pytest.approx([p.loss for p in whole.history.points], rel=2e-3)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_that_each_take_a_share_find_the_gradient_of_the_whole(threads):
    model = random_model()
    tokens = torch.randint(5, model.cfg.d_vocab, (7, 12), generator=torch.Generator().manual_seed(0))
    lengths = np.array([4, 6, 7, 9, 9, 11, 12])
    for row, length in zip(tokens, lengths, strict=True):
        row[length:] = PAD
    count = int((lengths - 1).sum())
    summed, counted = gradient.loss_sum(model.requires_grad_(True), tokens)
    wanted = torch.autograd.grad(summed / count, list(model.parameters()))

    one = engine.Engine("cpu")
    one.threads = threads
    loss, _ = gradient.batch_gradient(model, gradient.Batch(tokens, lengths, count), one, 24, pytest.fail)
    assert counted == count
    assert loss == pytest.approx(float(summed.detach()) / count, rel=1e-5)
    for weight, gradient_of in zip(model.parameters(), wanted, strict=True):
        torch.testing.assert_close(weight.grad, gradient_of, rtol=1e-4, atol=1e-6)


def test_pytorch_gets_its_threads_back_even_from_a_share_that_failed():
    one, before = engine.Engine("cpu"), torch.get_num_threads()
    one.threads = before
    with pytest.raises(ZeroDivisionError):
        one.side_by_side(lambda share: 1 / share, [1, 0])
    assert torch.get_num_threads() == before


def test_when_memory_runs_out_less_is_tried_at_once_and_that_is_said(short, monkeypatch):
    computed, sizes, told = gradient.loss_sum, [], []

    def cramped(model, rows):
        sizes.append(rows.numel())
        if rows.numel() > 300:
            raise torch.OutOfMemoryError("out of memory")
        return computed(model, rows)

    with monkeypatch.context() as patch:
        patch.setattr(gradient, "loss_sum", cramped)
        model = short(epochs=1, held_out=None, on_progress=lambda at: told.append(at.remark) if at.remark else None)
    assert told[0].startswith("Out of memory at 1,024 tokens at once; trying ")
    assert all(size <= 300 for size in sizes[len(told) :])  # what did not fit is not tried again
    losses = [epoch.train_loss for epoch in model.history.epochs]
    assert losses == pytest.approx(
        [epoch.train_loss for epoch in short(epochs=1, held_out=None).history.epochs], rel=2e-3
    )


def test_when_not_even_one_window_fits_a_smaller_preset_is_named(short, monkeypatch):
    def full(model, rows):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(gradient, "loss_sum", full)
    with pytest.raises(ResourceError, match=r"not even a window of \d+ tokens fits on cpu") as error:
        short()
    assert "--preset nano" in error.value.hint


@pytest.mark.slow
def test_the_size_of_the_pieces_is_the_machines_affair_so_a_run_may_go_on_with_another(
    short, interrupt_after, tmp_path
):
    path = tmp_path / "checkpoint"
    with pytest.raises(Interrupted):
        short(checkpoint=path, on_progress=interrupt_after(3))
    assert short(checkpoint=path, micro_tokens=100).history.epochs[-1].epoch == 2


def test_a_device_that_is_not_there_is_refused_with_the_one_that_is(short, monkeypatch):
    monkeypatch.setattr(engine, "fastest_device", lambda: "cpu")
    with pytest.raises(UsageError, match="no device 'cuda' here") as error:
        short(device="cuda")
    assert "--device cpu" in error.value.hint


@pytest.mark.parametrize("splitter", ["FSDP", "DEEPSPEED", "MEGATRON_LM"])
def test_splitting_the_weights_over_processes_is_refused_with_what_to_launch(short, monkeypatch, splitter):
    monkeypatch.setenv(f"ACCELERATE_USE_{splitter}", "true")
    with pytest.raises(UsageError, match=splitter) as error:
        short()
    assert "accelerate launch --multi_gpu -m wonderland train" in error.value.hint
