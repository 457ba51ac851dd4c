"""Bad input: a clear refusal or a marked result, never a plausible number.

Contrasts are linted in ``tests/lab/test_contrast.py``; evidence that is too little is a sentence of the contract that
every analysis is held to (``tests/testing/test_contract.py``). Here is the rest, for all analyses at once.
"""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland import plugins
from wonderland.errors import InputError, UsageError
from wonderland.testing.edge_cases import small_specimen
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_corpus,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
    word_tokenizer,
)

SILENT = HEADS["uniform"]
NAMED = {"circuit-sufficiency": "heads", "path-patching": "heads", "causal-scrubbing": "hypothesis"}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(bad):
    model = handwritten_model()
    with torch.no_grad():
        model.blocks[0].attn.W_K[1, 3, 4] = bad
    with pytest.raises(InputError, match=r"not finite: blocks\.0\.attn\.W_K") as refused:
        wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(4))
    assert refused.value.hint


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_file_of_weights_that_are_no_numbers_is_refused_and_so_is_talking_to_such_a_model(bad, tmp_path):
    model = handwritten_model()
    with torch.no_grad():
        model.unembed.W_U[:, 7] = bad
    with pytest.raises(InputError, match="answers are not finite"):
        model.generate(handwritten_tokenizer(), "<|them|> a", temperature=0)
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"not finite: unembed\.W_U"):
        wl.ChatTransformer.load(tmp_path / "model.safetensors")


def test_a_tokenizer_of_as_many_other_words_is_refused():
    other = word_tokenizer("tuvwxyzabcdefghijkl")
    assert other.vocab_size == handwritten_tokenizer().vocab_size
    with pytest.raises(InputError, match="its token numbers would mean other words"):
        wl.Specimen(handwritten_model(), other, handwritten_corpus(4))


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("head", ["L2H0", "L0H3", "l0h0", "0.1"])
def test_a_head_that_does_not_exist_is_refused_with_those_that_do(name, head):
    claim = f"{head}=speaker" if name == "causal-scrubbing" else head
    specimen = wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus())
    with pytest.raises(UsageError, match=f"no head '{head}'") as refused:
        wl.analyze(specimen, plugins.load().analyses[name](**{NAMED[name]: (claim,)}))
    assert "L0H0 to L1H2" in refused.value.hint


@pytest.fixture(scope="module")
def silent():
    """What is found in a model one head of which reads and writes nothing."""
    model = handwritten_speaker_model()
    with torch.no_grad():
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            getattr(model.blocks[SILENT[0]].attn, name)[SILENT[1]] = 0
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_speaker_corpus())
    made = plugins.load().analyses
    rotations = {"rotations": 200}
    return wl.analyze(
        specimen,
        made["ov-circuits"](**rotations),
        made["composition"](**rotations),
        "head-ablation",
        "activation-patching",
        "causal-scrubbing",
    )


def test_a_head_of_no_norm_has_no_score_rather_than_one(silent):
    assert np.isnan(silent["ov-circuits"].copying[SILENT])
    assert np.isnan(silent["ov-circuits"].q[SILENT])
    assert SILENT not in silent["ov-circuits"].copiers
    name = "L{}H{}".format(*SILENT)
    composition = silent["composition"]
    for kind in "QKV":
        at = composition.at(kind, "L0H0", name)
        assert np.isnan(composition.ratio[at])
        assert np.isnan(composition.q[at])
    assert not [pair for pair in composition.pairs if name in pair]
    assert all(np.isnan(part.value[SILENT]) for part in silent["causal-scrubbing"].explained.values())


def test_and_nothing_depends_on_it_exactly(silent):
    assert all(cost.value[SILENT] == 0 for cost in silent["head-ablation"].cost.values())
    assert silent["head-ablation"].verdicts[SILENT[0]][SILENT[1]] == "no effect found"
    assert all(part.value[SILENT] == 0 for part in silent["activation-patching"].by_head.values())


def test_one_short_conversation_makes_no_finding_solid():
    names = ("attention-entropy", "head-patterns", "logit-lens", "token-loss", "head-ablation")
    results = wl.analyze(small_specimen(), *names)
    trust = {finding.trust for result in results.values() for finding in result.findings()}
    assert trust
    assert "solid" not in trust
