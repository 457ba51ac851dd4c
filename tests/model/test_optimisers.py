"""What moves the weights: Muon beside AdamW, or AdamW alone; a run never goes on with the other."""

import pytest

import wonderland as wl
from wonderland.errors import InputError, Interrupted
from wonderland.model.optimisers import optimisers_of
from wonderland.model.settings import TrainingSettings


@pytest.mark.slow
def test_adamw_alone_learns_too_and_is_another_run(short, interrupt_after, tmp_path):
    path = tmp_path / "checkpoint"
    adamw = short(optimiser="adamw", learning_rate=3e-2)
    assert adamw.history.held_out_loss < adamw.history.baselines["unigram"]
    assert adamw.fingerprint != short(learning_rate=3e-2).fingerprint
    with pytest.raises(Interrupted):
        short(checkpoint=path, on_progress=interrupt_after(3))
    with pytest.raises(InputError, match=r"settings\.optimiser: the default then, 'adamw' now"):
        short(checkpoint=path, optimiser="adamw")


def test_every_weight_is_moved_by_one_optimiser_and_only_matrices_decay(tiny, tokenizer):
    model = wl.ChatTransformer.from_preset(tiny, tokenizer)
    for name in ("muon", "adamw"):
        groups = [
            group
            for optimiser in optimisers_of(model, TrainingSettings(preset=tiny, optimiser=name).resolved())
            for group in optimiser.param_groups
        ]
        moved = [id(weight) for group in groups for weight in group["params"]]
        assert sorted(moved) == sorted(id(weight) for weight in model.parameters())
        flat = [weight for group in groups if not group["weight_decay"] for weight in group["params"]]
        assert {id(weight) for weight in flat} == {
            id(weight) for key, weight in model.named_parameters() if ".W_" not in key
        }


def test_settings_that_came_later_leave_older_models_what_they_are():
    known = TrainingSettings().resolved().identity()
    assert not {"optimiser", "patience", "precision", "snapshots", "micro_tokens"} & known.keys()
    assert TrainingSettings(patience=2, micro_tokens=9).resolved().identity() == {**known, "patience": 2}
