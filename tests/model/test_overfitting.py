"""Overfitting: it is noticed and said, it may end a run, and the model is that of the best epoch."""

import pytest

from wonderland.errors import Interrupted
from wonderland.model import training


@pytest.fixture
def overfit(short, parts, monkeypatch):
    """A maker of runs whose held-out loss after each epoch is given, and the weights at those moments."""

    def run(losses, **changes):
        at_the_end = []

        def given(model, *_, **__):
            at_the_end.append(model.fingerprint)
            return losses[len(at_the_end) - 1]

        with monkeypatch.context() as patch:
            patch.setattr(training, "evaluate", given)
            return short(**{"epochs": 4, "corpus": parts[1]} | changes), at_the_end

    return run


def test_the_weights_of_the_best_epoch_are_kept(overfit):
    model, at_the_end = overfit([3.0, 2.0, 2.5, 2.2])
    assert model.history.best_epoch == 2
    assert model.history.held_out_loss == 2.0
    assert model.fingerprint == at_the_end[1]
    assert model.fingerprint != at_the_end[3]


@pytest.mark.slow
def test_they_survive_a_break_after_a_worse_epoch(overfit, interrupt_after, tmp_path):
    path = tmp_path / "checkpoint"
    whole, at_the_end = overfit([3.0, 2.0, 2.5, 2.2])
    with pytest.raises(Interrupted):
        overfit([3.0, 2.0, 2.5], checkpoint=path, on_progress=interrupt_after(whole.history.epochs[2].step + 1))
    model, _ = overfit([2.2], checkpoint=path)
    assert model.history.best_epoch == 2
    assert model.fingerprint == at_the_end[1]


def test_overfitting_is_said(overfit):
    told = overfit([3.0, 2.0, 2.5, 2.2])[0].history.overfitting
    assert "after epoch 2 the held-out loss rose from 2.000 to 2.200" in told
    assert "The weights of epoch 2 are kept" in told
    assert overfit([3.0, 2.5, 2.2, 2.0])[0].history.overfitting == ""


@pytest.mark.parametrize(("best", "lags"), [(0.01, True), (90.0, False)])
def test_a_training_loss_above_the_held_out_loss_of_the_epoch_that_is_kept_is_explained(overfit, best, lags):
    history = overfit([99.0, best, 95.0, 96.0])[0].history
    assert ("while the weights still move" in history.lag) is lags


def test_patience_ends_a_run_that_gets_no_better(overfit):
    assert len(overfit([3.0, 2.0, 2.5, 2.2], patience=1)[0].history.epochs) == 3
    assert len(overfit([3.0, 2.0, 2.5, 2.2], patience=2)[0].history.epochs) == 4
