"""What must hold of any model, whatever was learned: identities tried on models whose every weight is drawn.

Those of single parts stand beside their parts: patching in ``tests/lab/test_interventions.py``, edges in
``tests/lab/test_edges.py``, weights in ``plugins/weights/tests``. Here are the ones that run through everything.
"""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland as wl
from wonderland.lab.contrast import Contrast, ContrastBatch
from wonderland.lab.evidence import Evidence
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland_circuits.activation_patching import ActivationPatching
from wonderland_circuits.head_ablation import HeadAblation
from wonderland_triage.head_clusters import HeadClusters
from wonderland_triage.induction import Induction
from wonderland_triage.logit_lens import LogitLens
from wonderland_triage.residual_pca import ResidualPCA

LAYERS, HEADS, TOKENS = 2, 3, 24
few = settings(max_examples=settings().max_examples // 6, deadline=None)
shapes = st.fixed_dictionaries({"attn_only": st.booleans(), "normalization_type": st.sampled_from(["LN", None])})
seeds = st.integers(0, 10_000)


def tokens_of(seed, rows=3, length=9):
    return torch.randint(TOKENS, (rows, length), generator=torch.Generator().manual_seed(seed))


def specimen_of(model, conversations=8):
    return wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(conversations, shortest=16))


# --- decompositions add up


@few
@given(seed=seeds, shape=shapes)
def test_the_final_stream_is_the_embedding_and_what_every_part_wrote(seed, shape):
    model, tokens = random_model(seed, **shape), tokens_of(seed)
    logits, cache = model.run_with_cache(tokens)
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer, block in enumerate(model.blocks):
        parts += list(cache[f"blocks.{layer}.attn.hook_result"].unbind(2))
        parts.append(block.attn.b_O.expand_as(parts[0]))
        if not model.cfg.attn_only:
            parts.append(cache[f"blocks.{layer}.hook_mlp_out"])
    last = cache[f"blocks.{LAYERS - 1}.hook_resid_post"]
    torch.testing.assert_close(sum(parts), last, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.unembed(model.ln_final(last)), logits, atol=1e-4, rtol=1e-4)


@few
@given(seed=seeds, shape=shapes)
def test_a_row_of_attention_sums_to_one_and_its_entropy_lies_between_nothing_and_uniform(seed, shape):
    pattern = random_model(seed, **shape).run_with_cache(tokens_of(seed))[1]["blocks.1.attn.hook_pattern"]
    torch.testing.assert_close(pattern.sum(-1), torch.ones(pattern.shape[:-1]), atol=1e-5, rtol=1e-5)
    assert (pattern.triu(1) == 0).all()
    result = wl.analyze(specimen_of(random_model(seed, **shape), 3), "attention-entropy")["attention-entropy"]
    assert (result.normalised.value >= 0).all()
    assert (result.normalised.value <= 1 + 1e-9).all()
    assert (result.nats.value <= result.nats.chance + 1e-9).all()
    assert (np.exp(result.nats.value) <= result.effective.value + 1e-9).all()  # Jensen


# --- nothing moves from later to earlier


@few
@given(seed=seeds, shape=shapes, at=st.integers(0, 7))
def test_a_token_changes_nothing_before_it(seed, shape, at):
    model, tokens = random_model(seed, **shape), tokens_of(seed)
    other = tokens.clone()
    other[:, at + 1 :] = (tokens[:, at + 1 :] + 1) % TOKENS
    for name, value in model.run_with_cache(tokens)[1].items():
        if name.endswith(("resid_post", "hook_z", "mlp_out")):
            changed = model.run_with_cache(other, names_filter=name)[1][name]
            torch.testing.assert_close(changed[:, : at + 1], value[:, : at + 1], atol=1e-4, rtol=1e-4)


@few
@given(seed=seeds, shape=shapes)
def test_position_0_knows_its_own_token_alone(seed, shape):
    model, tokens = random_model(seed, **shape), tokens_of(seed, rows=TOKENS)
    tokens[:, 0] = torch.arange(TOKENS)
    last = f"blocks.{LAYERS - 1}.hook_resid_post"
    stream = model.run_with_cache(tokens, names_filter=last)[1][last][:, 0]
    alone = model.run_with_cache(tokens[:, :1], names_filter=last)[1][last][:, 0]
    torch.testing.assert_close(stream, alone, atol=1e-4, rtol=1e-4)


# --- patching forwards is patching backwards with the sides exchanged


@few
@given(seed=seeds, shape=shapes)
def test_noising_is_denoising_with_clean_and_corrupted_exchanged(seed, shape):
    model, random = random_model(seed, **shape), np.random.default_rng(seed)
    clean = random.integers(7, TOKENS, (4, 8))
    corrupted = clean.copy()
    corrupted[:, 2] = 7 + (clean[:, 2] - 6) % (TOKENS - 7)
    pairs = list(zip(clean.tolist(), corrupted.tolist(), strict=True))
    cells = [[Site("z", layer, head)] for layer in range(LAYERS) for head in range(HEADS)]
    one, other = (
        patch(model, ContrastBatch.of([Contrast(a, b, *answers) for a, b in sides], handwritten_tokenizer()), cells)
        for sides, answers in ((pairs, (5, 6)), ([(b, a) for a, b in pairs], (6, 5)))
    )
    np.testing.assert_allclose(one.noised, -other.denoised, atol=1e-5)
    np.testing.assert_allclose(one.per_pair(noising=True), other.per_pair(), rtol=1e-3, atol=1e-3)


# --- names of heads and the order of windows are nothing


@torch.no_grad()
def with_heads_in_order(model, order):
    other = copy.deepcopy(model)
    for block in other.blocks:
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V"):
            weight = getattr(block.attn, name)
            weight.copy_(weight[order].clone())
    return other


def contrasts(model, count=24):
    """Contrasts in one token, with the answers that it moves most in this model."""
    random = np.random.default_rng(0)
    clean = random.integers(7, TOKENS, (count, 8))
    corrupted = clean.copy()
    corrupted[:, 2] = 7 + (clean[:, 2] - 6) % (TOKENS - 7)
    logits = [model(torch.from_numpy(side).to(model.device))[:, -1].double().cpu() for side in (clean, corrupted)]
    moved = logits[0] - logits[1]
    answers = zip(moved.argmax(-1).tolist(), moved.argmin(-1).tolist(), strict=True)
    pairs = zip(clean.tolist(), corrupted.tolist(), answers, strict=True)
    return tuple(Contrast(one, other, *of, copying=True) for one, other, of in pairs)


def by_head(specimen):
    """What several analyses say of heads, [layer, head] each; nothing in it that is drawn anew for each place."""
    found = wl.analyze(
        specimen,
        "attention-entropy",
        "head-patterns",
        HeadAblation(windows=100, pairs=0),
        ActivationPatching(contrasts=contrasts(specimen.model), shown=0),
        Induction(sequences=4, random_sets=1),
    )
    assert len(found["activation-patching"].pairs) > 5
    return {
        "entropy": found["attention-entropy"].normalised.value,
        **{f"to {name}": score.value for name, score in found["head-patterns"].scores.items()},
        **{f"{kind} ablation": found["head-ablation"].cost[kind].value for kind in ("mean", "zero")},
        **{f"by {way}": part.value for way, part in found["activation-patching"].by_head.items()},
        "induction": found["induction"].scores["uniform"].value,
    }


def assert_alike(one, other, tolerance):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, atol=tolerance, rtol=tolerance, err_msg=name)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])  # too dear to be drawn and shrunk
def test_heads_in_another_order_are_found_in_that_order(seed):
    model, order = random_model(seed), [2, 0, 1]
    one, other = (by_head(specimen_of(m)) for m in (model, with_heads_in_order(model, order)))
    assert_alike({name: value[:, order] for name, value in one.items()}, other, 1e-3)


def without_order(specimen):
    """What is measured over the windows of the evidence, each the same whichever comes first."""
    found = wl.analyze(
        specimen,
        ResidualPCA(),
        "token-loss",
        "neurons",
        "ov-circuits",
        LogitLens(windows=0),
        HeadClusters(clouds=2, most=2),
    )
    return {
        "variance": found["residual-pca"].variance.value,
        "steps": found["residual-pca"].step.value,
        "loss": found["token-loss"].overall.value,
        "kinds": np.array([kind.value for kind in found["token-loss"].by_kind.values()]),
        "selectivity": found["neurons"].selectivity,
        "active": found["neurons"].active,
        "copying": found["ov-circuits"].copying,
        "lens": found["logit-lens"].kl.value,
        "rank": found["logit-lens"].log_rank.value,
        "features": found["head-clusters"].table,
    }


@pytest.mark.parametrize("seed", [0])
def test_windows_in_another_order_give_the_same_numbers(seed):
    one = specimen_of(random_model(seed))
    order = np.random.default_rng(seed).permutation(len(one.evidence))
    other = specimen_of(random_model(seed))
    evidence = one.evidence
    other.evidence = Evidence(evidence.tokens[order], evidence.lengths[order], evidence.conversation[order])
    assert_alike(by_head(one) | without_order(one), by_head(other) | without_order(other), 1e-3)


def test_a_window_said_twice_counts_twice_and_means_stay():
    one = specimen_of(random_model(1))
    other = specimen_of(random_model(1))
    twice = np.repeat(np.arange(len(one.evidence)), 2)
    evidence = one.evidence
    other.evidence = replace(
        evidence,
        tokens=evidence.tokens[twice],
        lengths=evidence.lengths[twice],
        conversation=evidence.conversation[twice],
    )
    for name in ("attention-entropy", "token-loss"):
        first, second = (wl.analyze(specimen, name)[name] for specimen in (one, other))
        estimates = ("normalised", "nats") if name == "attention-entropy" else ("overall",)
        for field in estimates:
            a, b = getattr(first, field), getattr(second, field)
            assert b.value == pytest.approx(a.value)
            assert b.n == a.n  # no more conversations than before, and so no narrower
            assert b.low == pytest.approx(a.low)


# --- precision and device are nothing either


def test_in_double_precision_the_numbers_are_the_same():
    model = random_model(3)
    one, other = specimen_of(model), specimen_of(copy.deepcopy(model).double())
    assert next(iter(other.model.parameters())).dtype == torch.float64
    assert_alike(by_head(one) | without_order(one), by_head(other) | without_order(other), 2e-3)


AVAILABLE = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}


@pytest.mark.parametrize("device", AVAILABLE)
def test_on_another_device_the_numbers_are_the_same(device):
    if not AVAILABLE[device]:
        pytest.skip(f"there is no {device} device here")
    model = random_model(3)
    one, other = specimen_of(model), specimen_of(copy.deepcopy(model).to(device))
    assert_alike(by_head(one) | without_order(one), by_head(other) | without_order(other), 5e-3)
