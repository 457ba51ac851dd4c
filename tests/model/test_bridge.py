"""A model handed on to TransformerLens computes the same there."""

import pytest
import torch


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attn_only": True},
        {"normalization_type": None},
        {"attn_only": True, "normalization_type": None},
        {"act_fn": "gelu_new"},
        {"act_fn": "relu"},
        {"d_head": 5},
    ],
    ids=str,
)
def test_logits_are_equal(random_model, changes):
    model = random_model(scale=0.2, **changes)
    tokens = torch.randint(0, 30, (3, 16), generator=torch.Generator().manual_seed(0))
    bridge = model.to_transformer_lens()
    torch.testing.assert_close(bridge(tokens), model(tokens), rtol=1e-5, atol=1e-5)


def test_activations_have_the_same_names_and_values(random_model):
    model = random_model(scale=0.2)
    tokens = torch.randint(0, 30, (2, 9), generator=torch.Generator().manual_seed(0))
    _, ours = model.run_with_cache(tokens)
    _, theirs = model.to_transformer_lens().run_with_cache(tokens)
    for name in ("attn.hook_pattern", "attn.hook_z", "hook_resid_post", "hook_resid_mid", "mlp.hook_post"):
        torch.testing.assert_close(
            theirs[f"blocks.1.{name}"].reshape(ours[f"blocks.1.{name}"].shape),
            ours[f"blocks.1.{name}"],
            rtol=1e-5,
            atol=1e-5,
        )


def test_the_bridge_is_a_copy(random_model):
    model = random_model()
    tokens = torch.tensor([[1, 2, 3]])
    before = model(tokens)
    with torch.no_grad():
        for weight in model.to_transformer_lens().parameters():
            weight.zero_()
    assert torch.equal(model(tokens), before)
