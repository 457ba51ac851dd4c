"""Bridged models in half precision: every analysis finds what it finds in single precision, or says why it cannot.

Models of the shape of gpt2, which become a `ChatTransformer`, and of llama, whose heads share keys and which stay
bridges; tiny, with every weight drawn. Numbers may differ by what rounding makes of weights and activations, so the
model in single precision is given the rounded weights.
"""

from __future__ import annotations

import functools

import bridges
import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland import plugins
from wonderland.lab.external.hf_tokenizer import HFTokenizer
from wonderland.testing.comparing import estimates

HALF = {torch.float16: 0.02, torch.bfloat16: 0.08}
ALL = [
    name
    for name, cls in plugins.load().analyses.items()
    if not getattr(cls, "on_request", False) and not getattr(cls, "of", "")
]
FEW = ("attention-entropy", "head-patterns", "logit-lens", "neurons", "ov-circuits", "speaker-tracking")
EACH = pytest.mark.parametrize(
    ("kind", "precision", "asked"),
    [
        pytest.param("llama", torch.bfloat16, FEW, id="llama-bfloat16, few"),
        *(
            pytest.param(kind, precision, tuple(ALL), marks=pytest.mark.slow, id=f"{kind}-{str(precision)[6:]}")
            for kind in ("gpt2", "llama")
            for precision in (torch.float16, torch.bfloat16)
        ),
    ],
)
"""One that stays a bridge, in the precision with the fewest digits, is asked a few; every one in the slow run."""


@pytest.fixture(scope="module")
def found(quick):
    """The results of a model whose weights are rounded to one precision and whose numbers are computed in another."""

    @functools.cache
    def found(kind, precision, computed, asked):
        bridge = bridges.hugging_face(kind).to(precision).to(computed)
        names = HFTokenizer(bridges.tokenizer(), start="w0")
        conversation = np.arange(24) // 2
        specimen = wl.Specimen.of_tokens(bridge, names, bridges.sequences(24), conversation=conversation)
        return wl.analyze(specimen, *asked, parameters=quick)

    return found


@EACH
def test_the_same_analyses_run_and_the_same_decline_in_one_sentence(found, kind, precision, asked):
    whole, half = found(kind, precision, torch.float32, asked), found(kind, precision, precision, asked)
    assert isinstance(half.specimen.model, wl.ChatTransformer) == (kind == "gpt2")
    assert {weight.dtype for weight in half.specimen.model.parameters()} == {precision}
    assert half.keys() == whole.keys()
    assert half.declined == whole.declined
    assert half.keys() | half.declined.keys() == {*asked}
    assert {"attention-entropy", "head-patterns", "logit-lens", "neurons", "ov-circuits"} <= {*half}
    assert ("head-ablation" in half) == (asked != FEW)
    for why in half.declined.values():
        assert why.endswith(".")


@EACH
def test_numbers_are_those_of_single_precision(found, kind, precision, asked):
    whole, half = found(kind, precision, torch.float32, asked), found(kind, precision, precision, asked)
    for name, result in half.items():
        expected, numbers = dict(estimates(whole[name])), dict(estimates(result))
        assert numbers.keys() == expected.keys()
        for where, number in numbers.items():
            one, other = (np.asarray(e.value, dtype=float) for e in (number, expected[where]))
            np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other), err_msg=f"{name}: {where}")
            apart = np.abs(one - other)[np.isfinite(one)] / (1 + np.abs(other[np.isfinite(one)]))
            assert apart.max(initial=0) <= HALF[precision], f"{name}: {where}"
