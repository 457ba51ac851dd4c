"""Half precision: every analysis finds in a rounded model what it finds in the model, and names the weights it saw.

Nothing is refused for its precision alone. Where rounding goes over 65,504 nothing is reported but that.
"""

import functools

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland import plugins
from wonderland.errors import InputError, Unsupported
from wonderland.testing.analysis_checks import estimates
from wonderland.testing.handwritten import (
    handwritten_corpus,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.random_models import random_model

pytestmark = pytest.mark.slow

# Largest difference, as a share of 1 + the number itself: three and two decimal places of precision, and some depth.
HALF = {torch.float16: 0.02, torch.bfloat16: 0.08}
SMALLER = {
    "composition": {"rotations": 200},
    "head-clusters": {"most": 3, "clouds": 5},
    "speaker-tracking": {"windows": 12, "places": 100, "pairs": 24},
}
PRECISIONS = pytest.mark.parametrize("precision", HALF, ids=lambda dtype: str(dtype).removeprefix("torch."))


@functools.cache
def specimen(precision):
    return wl.Specimen(random_model().to(precision), handwritten_tokenizer(), handwritten_corpus(24))


@functools.cache
def found(name, precision):
    analysis = plugins.load().analyses[name](**SMALLER.get(name, {}))
    return wl.analyze(specimen(precision), analysis)[name]


# What runs on request needs training text, which this specimen does not have.
ALL = [
    name
    for name, cls in plugins.load().analyses.items()
    if not getattr(cls, "on_request", False) and not getattr(cls, "of", "")
]


@PRECISIONS
@pytest.mark.parametrize("name", ALL)
def test_every_analysis_finds_the_same_in_half_precision(name, precision):
    whole, half = found(name, torch.float32), found(name, precision)
    expected, numbers = dict(estimates(whole)), dict(estimates(half))
    assert numbers.keys() == expected.keys()
    for where, number in numbers.items():
        one, other = (np.asarray(estimate.value, dtype=float) for estimate in (number, expected[where]))
        np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other), err_msg=where)
        apart = np.abs(one - other)[np.isfinite(one)] / (1 + np.abs(other[np.isfinite(one)]))
        assert apart.max(initial=0) <= HALF[precision], where
    assert half.provenance.fingerprints["model"] == specimen(precision).model.fingerprint
    assert half.provenance.fingerprints["model"] != whole.provenance.fingerprints["model"]


@PRECISIONS
def test_a_model_stays_in_its_precision(precision, tmp_path):
    model = random_model().to(precision)
    model.save(tmp_path / "model.safetensors")
    again = wl.ChatTransformer.load(tmp_path / "model.safetensors")
    assert again.fingerprint == model.fingerprint
    assert {weight.dtype for weight in (*again.parameters(), *model.untrained().parameters())} == {precision}
    assert model.float().fingerprint != again.fingerprint  # the same values, in other bits
    weight = next(again.parameters()).data
    before, weight.view(torch.int16).view(-1)[3] = again.fingerprint, weight.view(torch.int16).view(-1)[3] ^ 1
    assert again.fingerprint != before  # a single bit


@PRECISIONS
def test_a_half_model_is_handed_to_transformer_lens_and_back_as_it_is(precision):
    model = random_model().to(precision)
    bridge = model.to_transformer_lens()
    assert {weight.dtype for weight in bridge.parameters()} == {precision}
    again = wl.ChatTransformer.from_transformer_lens(bridge)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), again.parameters(), strict=True))


def test_activations_are_handed_out_in_single_precision():
    for part in specimen(torch.bfloat16).batches("pattern", "logits", "loss"):
        assert {part[name].dtype for name in ("pattern", "logits", "loss")} == {torch.float32}


@functools.cache
def overflowing():
    """A model in which one head moves numbers that half precision cannot hold, by weights that it can."""
    model = handwritten_speaker_model()
    model.blocks[1].attn.W_V[0] *= 3000
    model.blocks[1].attn.W_O[0] *= 3000
    return wl.Specimen(model.half(), handwritten_tokenizer(), handwritten_speaker_corpus(24))


BY_WEIGHTS = ("neurons", "composition", "ov-circuits")  # the model has no MLPs; weights are finite


@pytest.mark.parametrize("name", sorted({*ALL} - {*BY_WEIGHTS, "head-taxonomy"}))
def test_where_half_precision_overflows_that_is_said_and_nothing_else(name):
    with pytest.raises(Unsupported, match="not finite numbers, computed in float16") as refused:
        wl.analyze(overflowing(), name)
    assert "model.float()" in refused.value.hint


def test_weights_that_half_precision_cannot_hold_are_refused():
    model = handwritten_model()
    model.embed.W_E *= 1e6
    with pytest.raises(InputError, match=r"not finite: embed\.W_E"):
        wl.Specimen(model.half(), handwritten_tokenizer(), handwritten_corpus(24))
