"""Interventions: the identities that hold on any model, and planted truth on one whose cause is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformer_lens import patching

from wonderland.lab.contrast import Contrast, ContrastBatch, logit_difference
from wonderland.lab.interventions import Activations, Site, answer_logits, intervene
from wonderland.lab.patching import patch
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.loss import token_losses
from wonderland.model.presets import Config
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_model,
    handwritten_speaker_model,
    handwritten_tokenizer,
    repeated_tokens,
)
from wonderland.tokenizer import ME, THEM

A, B = 5, 6
LAYERS, NAMES = 3, ("resid_pre", "attn_out", "mlp_out", "z", "resid_mid", "resid_post")


def random_model(seed, heads=2, attn_only=False):
    cfg = Config(LAYERS, heads, 16, 8, 32, 12, 24, attn_only=attn_only)
    model = ChatTransformer(cfg)
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    return model.requires_grad_(False).eval()


def random_pairs(seed, pairs=3):
    """Pairs of several lengths that differ at one or two positions, never nowhere."""
    random = np.random.default_rng(seed)
    contrasts = []
    for _ in range(pairs):
        clean = random.integers(7, 24, random.integers(3, 12)).tolist()
        corrupted = list(clean)
        for place in random.integers(0, len(clean), 2):
            corrupted[place] = 7 + (clean[place] - 7 + int(random.integers(1, 17))) % 17
        contrasts.append(Contrast(clean, corrupted, A, B))
    return ContrastBatch.of(contrasts, handwritten_tokenizer())


def assert_same(ours, theirs):
    """The same run, in another row of a batch: equal up to rounding."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def changes(patched, *, noising):
    """Change of the metric by each cell and the change there would be if all were replaced, [cell, pair] and [pair]."""
    base, donor = (patched.clean, patched.corrupted) if noising else (patched.corrupted, patched.clean)
    return (patched.noised if noising else patched.denoised) - base, donor - base


@pytest.mark.parametrize("noising", [False, True], ids=["denoising", "noising"])
@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000), attn_only=st.booleans())
def test_replacing_the_whole_residual_stream_of_any_layer_recovers_everything(seed, attn_only, noising):
    model, batch = random_model(seed, attn_only=attn_only), random_pairs(seed)
    patched = patch(model, batch, [[Site("resid_pre", layer)] for layer in range(LAYERS)])
    change, whole = changes(patched, noising=noising)
    np.testing.assert_allclose(change, np.broadcast_to(whole, change.shape), atol=1e-4)


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_at_layer_zero_only_differing_tokens_can_change_anything(seed):
    batch = random_pairs(seed)
    cells = [[Site("resid_pre", 0, positions=position)] for position in range(batch.clean.shape[1])]
    patched = patch(random_model(seed), batch, cells)
    for noising in (False, True):
        change, _ = changes(patched, noising=noising)
        assert (change[~batch.differs.T] == 0).all()  # exactly
        assert (np.abs(change).max(0) > 0).all()


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(NAMES))
def test_equal_activations_change_exactly_nothing(seed, name):
    model, batch = random_model(seed), random_pairs(seed)
    same = replace(batch, corrupted=batch.clean, differs=np.zeros_like(batch.differs))
    patched = patch(model, same, [[Site(name, layer)] for layer in range(LAYERS)])
    assert (patched.denoised == patched.corrupted).all()
    assert (patched.noised == patched.clean).all()


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_stands_last_at_the_answer_is_all_that_counts(seed):
    batch = random_pairs(seed)
    answer = np.zeros_like(batch.differs)
    answer[np.arange(len(batch)), batch.answer] = True
    cells = [[Site("resid_post", LAYERS - 1, positions="answer")], [Site("resid_post", LAYERS - 1, positions="others")]]
    patched = patch(random_model(seed), batch, cells, positions={"answer": answer, "others": ~answer})
    change, whole = changes(patched, noising=False)
    np.testing.assert_allclose(change[0], whole, atol=1e-4)
    np.testing.assert_allclose(change[1], 0, atol=1e-5)


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_leaving_one_head_out_of_two_is_the_other_alone(seed):
    circuit = [Site("z", 0, 0), Site("z", 2, 1)]
    without = [[site for site in circuit if site != left_out] for left_out in circuit]
    patched = patch(random_model(seed), random_pairs(seed), [*without, *([site] for site in circuit)])
    assert_same(patched.denoised[0], patched.denoised[3])
    assert_same(patched.denoised[1], patched.denoised[2])
    assert_same(patched.noised[0], patched.noised[3])


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000), layer=st.integers(0, LAYERS - 1))
def test_all_heads_together_are_the_attention_output(seed, layer):
    cells = [[Site("z", layer, head) for head in range(2)], [Site("z", layer)], [Site("attn_out", layer)]]
    patched = patch(random_model(seed), random_pairs(seed), cells)
    np.testing.assert_allclose(patched.denoised[0], patched.denoised[2], atol=1e-4)
    np.testing.assert_allclose(patched.denoised[1], patched.denoised[2], atol=1e-4)


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_cell_in_company_is_the_cell_alone(seed):
    """Batching cells as rows and starting at the patched layer is the same as one whole forward pass for each."""
    model, batch = random_model(seed), random_pairs(seed)
    sites = [Site(name, layer, positions=2) for name in NAMES[:3] for layer in range(LAYERS)]
    together = patch(model, batch, [[site] for site in sites], pairs_at_once=2).denoised
    for row, (clean, corrupted, answer) in enumerate(zip(batch.clean, batch.corrupted, batch.answer, strict=True)):
        tokens = [torch.from_numpy(side[None, : answer + 1]) for side in (clean, corrupted)]
        _, cache = model.run_with_cache(tokens[0])
        for cell, site in enumerate(sites):
            name = f"blocks.{site.layer}.hook_{site.name}"

            def put(activation, hook):
                activation[:, 2] = cache[hook.name][:, 2]  # noqa: B023
                return activation

            logits = model.run_with_hooks(tokens[1], fwd_hooks=[(name, put)])[0, -1]
            assert together[cell, row] == pytest.approx(float(logits[A] - logits[B]), abs=1e-4)


def test_a_head_is_replaced_where_it_alone_differs_and_left_where_it_does_not():
    model = random_model(7)
    tokens = torch.tensor([[8, 9, 10, 11, 12]])
    base = Activations.of(model, tokens, ["z"])
    donor = base.values["z"].clone()  # [layer, batch, pos, head, d_head]
    donor[:, :, :, 1] += 1
    metric = answer_logits(model, [4])
    sites = [[Site("z", 1, head)] for head in (0, 1)]
    untouched, replaced = intervene(model, base, {"z": donor}, sites, metric)

    def put(z, hook):
        z = z.clone()
        z[:, :, 1] += 1
        return z

    expected = model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_z", put)])[:, -1]
    assert torch.equal(replaced[0], untouched)
    assert_same(replaced[1], expected)
    assert not torch.allclose(replaced[1], untouched)


@pytest.mark.parametrize("name", ["resid_pre", "attn_out", "mlp_out"])
def test_a_grid_is_the_one_transformer_lens_computes(name):
    model = random_model(7)
    pair = ContrastBatch.of([Contrast([1, 7, 8, 9, 10, 11], [1, 7, 12, 9, 13, 11], A, B)], handwritten_tokenizer())
    bridge = model.to_transformer_lens()
    clean, corrupted = torch.from_numpy(pair.clean), torch.from_numpy(pair.corrupted)
    for way, base, other in (("denoised", corrupted, clean), ("noised", clean, corrupted)):
        _, cache = bridge.run_with_cache(other)
        theirs = getattr(patching, f"get_act_patch_{name}")(
            bridge, base, cache, lambda logits: logits[0, -1, A] - logits[0, -1, B]
        )
        cells = [[Site(name, layer, positions=position)] for layer in range(LAYERS) for position in range(6)]
        ours = getattr(patch(model, pair, cells), way).reshape(LAYERS, 6)
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_the_order_of_pairs_does_not_matter():
    model, batch = random_model(1), random_pairs(1, pairs=7)
    cells = [[Site("z", layer, 1)] for layer in range(LAYERS)]
    order = np.array([3, 0, 6, 2, 5, 1, 4])
    np.testing.assert_allclose(
        patch(model, batch, cells).denoised[:, order], patch(model, batch.rows(order), cells).denoised, atol=1e-5
    )


# --- planted: the latest-speaker head says who speaks, where the next word is predicted

CLEAN, CORRUPTED = "<|them|> c<|sep|><|me|> d e", "<|them|> c<|sep|><|them|> d e"
SPEAKER, ANSWER = 3, 5


def one_at(position):
    return np.eye(6)[position]


@pytest.fixture(scope="module")
def planted():
    model = handwritten_speaker_model()
    pair = ContrastBatch.of([Contrast(CLEAN, CORRUPTED, " a", " b")], handwritten_tokenizer())

    def recover(*cells, **options):
        patched = patch(model, pair, cells, **options)
        return patched.per_pair()[:, 0], patched.per_pair(noising=True)[:, 0]

    return recover


def test_the_difference_travels_from_the_speaker_token_to_the_answer(planted):
    for layer in (0, 1):  # no head of layer 0 moves it
        positions = [[Site("resid_pre", layer, positions=position)] for position in range(6)]
        for found in planted(*positions):
            assert found == pytest.approx(one_at(SPEAKER), abs=1e-5)
    for found in planted(*([Site("resid_post", 1, positions=position)] for position in range(6))):
        assert found == pytest.approx(one_at(ANSWER), abs=1e-5)


def test_the_latest_speaker_head_alone_carries_it(planted):
    names = list(HEADS)
    for found in planted(*([Site("z", *HEADS[name])] for name in names)):
        assert found == pytest.approx([float(name == "speaker") for name in names], abs=1e-5)


def test_only_at_the_answer_does_the_head_matter(planted):
    for found in planted(*([Site("z", *HEADS["speaker"], positions=position)] for position in range(6))):
        assert found == pytest.approx(one_at(ANSWER), abs=1e-5)


def test_two_heads_that_say_the_same_carry_half_each():
    model = handwritten_speaker_model()
    attn = model.blocks[1].attn
    speaker, uniform = HEADS["speaker"][1], HEADS["uniform"][1]
    with torch.no_grad():
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q"):
            getattr(attn, name)[uniform] = getattr(attn, name)[speaker]
    pair = ContrastBatch.of([Contrast(CLEAN, CORRUPTED, " a", " b")], handwritten_tokenizer())
    patched = patch(model, pair, [[Site("z", 1, speaker)], [Site("z", 1, uniform)]])
    assert patched.clean - patched.corrupted == pytest.approx([40], abs=1e-3)
    assert patched.pooled().value == pytest.approx([0.5, 0.5], abs=1e-5)


def test_pooled_recovery_is_a_ratio_of_means_not_a_mean_of_ratios():
    model = random_model(3)
    batch = random_pairs(3, pairs=12)
    patched = patch(model, batch, [[Site("z", 1, 0)]])
    by_hand = (patched.denoised[0] - patched.corrupted).sum() / (patched.clean - patched.corrupted).sum()
    assert patched.pooled().value == pytest.approx([by_hand])
    by_hand = (patched.clean - patched.noised[0]).sum() / (patched.clean - patched.corrupted).sum()
    assert patched.pooled(noising=True).value == pytest.approx([by_hand])
    assert patched.pooled().n == 12
    assert patched.pooled().resampled_over == "pairs"


def test_without_pairs_there_is_no_number():
    none = patch(random_model(0), ContrastBatch.of([], handwritten_tokenizer()), [[Site("z", 0, 0)]])
    assert np.isnan(none.pooled().value).all()
    assert none.pooled().n == 0


# --- ablation: the same function with another donor


def test_zeros_as_donor_take_a_head_away():
    model = random_model(5)
    tokens = torch.randint(0, 24, (3, 9), generator=torch.Generator().manual_seed(0))
    base = Activations.of(model, tokens, ("z",))
    metric = answer_logits(model, [8, 8, 4])
    untouched, ablated = intervene(model, base, {"z": torch.zeros(())}, [[Site("z", 1, 1)]], metric)
    direct = model(tokens)[torch.arange(3), [8, 8, 4]]
    torch.testing.assert_close(untouched, direct)
    without = random_model(5)
    without.blocks[1].attn.W_O[1] = 0
    torch.testing.assert_close(ablated[0], without(tokens)[torch.arange(3), [8, 8, 4]])


def test_the_repeated_half_of_a_text_loses_three_nats_without_the_previous_token_or_the_induction_head():
    model, tokens = handwritten_model(), repeated_tokens(4)
    base = Activations.of(model, tokens, ("z",))

    def metric(final, at):
        return token_losses(model.unembed(model.ln_final(final)), tokens[at])[:, 24:].mean(-1)

    whole, without = intervene(model, base, {"z": torch.zeros(())}, [[Site("z", *at)] for at in HEADS.values()], metric)
    for name, losses in zip(HEADS, without, strict=True):
        if name in ("previous", "induction"):
            assert (losses - whole > 3).all()
        else:
            assert (losses == whole).all()


def test_the_logit_difference_is_target_minus_foil():
    batch = ContrastBatch.of([Contrast([ME], [THEM], A, B), Contrast([ME], [THEM], B, A)], handwritten_tokenizer())
    logits = torch.zeros(2, 24)
    logits[0, A], logits[1, A] = 3, 3
    assert logit_difference(logits, batch).tolist() == [3, -3]
