"""Whatever the scores are, a claim on weights says no more than its number: none, all, below zero, like chance."""

from dataclasses import replace

import numpy as np
import pytest

import wonderland as wl
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland_weights.ov_circuits import OVCircuits


@pytest.fixture(scope="module")
def result():
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(4, shortest=10))
    return wl.analyze(specimen, OVCircuits(rotations=30))["ov-circuits"]


def at(result, score, low, high, q, ratio):
    """Give every head one score, one range of its rotations, one q and one ratio of singular values."""
    shape = result.copying.shape
    null = np.broadcast_to(np.array([low, 0.0, high])[:, None, None], (3, *shape)).copy()
    return replace(
        result,
        copying=np.full(shape, score),
        copying_null=null,
        p=np.full(shape, q),
        q=np.full(shape, q),
        ratio={**result.ratio, "OV": np.full(shape, ratio)},
        random_ratio=(1.0, 1.1, 1.2),
    )


CASES = {
    "all copy": ((0.6, -0.2, 0.2, 0.01, 1.5), "effect", "heads lean to copying"),
    "all suppress": ((-0.6, -0.2, 0.2, 0.01, 1.5), "effect", "heads lean to suppressing"),
    "none beyond chance": ((0.1, -0.2, 0.2, 0.7, 1.1), "null", "No head copies or suppresses"),
    "nothing at all": ((0.0, 0.0, 0.0, 1.0, 1.0), "null", "No head copies or suppresses"),
    "no score": ((np.nan, np.nan, np.nan, np.nan, np.nan), "description", "No head has a copying score"),
}


@pytest.mark.parametrize(("numbers", "kind", "says"), CASES.values(), ids=CASES)
def test_a_claim_on_weights_is_as_strong_as_its_number(result, numbers, kind, says):
    made = at(result, *numbers)
    findings = made.findings()
    assert findings[0].kind == kind
    assert says in findings[0].sentence
    assert made.summary()
    assert made.views()
    for finding in findings:
        one = finding.estimate
        if finding.kind == "effect":
            assert one.low > one.chance or one.high < one.chance, finding.sentence
        assert (finding.kind == "effect") == (finding.trust == "solid")
        assert "nan" not in finding.sentence


def test_one_head_leans_and_two_lean(result):
    made = at(result, 0.6, -0.2, 0.2, 0.01, 1.5)
    one = np.full(made.q.shape, 0.9)
    one[0, 0] = 0.01
    assert " heads leans to copying" in replace(made, q=one).findings()[0].sentence
