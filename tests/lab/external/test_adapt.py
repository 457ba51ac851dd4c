"""Models from elsewhere: converted where ours can represent them, else bridged, and refused what a bridge cannot do."""

import bridges
import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.errors import InputError, Unsupported, UsageError
from wonderland.lab.external.adapt import as_hooked_model
from wonderland.lab.external.bridge_model import BridgeModel
from wonderland.lab.interventions import Activations, Site, answer_logits, intervene
from wonderland.lab.names import hook_name
from wonderland.lab.weights import effective_embedding, fold

CONVERTED = ("learned positions", "attention only", "no norm", "norm without weights", "gpt2")
BRIDGED = ("rotary", "shared keys", "llama", "neox")
TOKENS = torch.tensor(bridges.sequences(3))


@pytest.fixture(scope="module", params=BRIDGED)
def bridged(request):
    return as_hooked_model(bridges.bridge(request.param))


@pytest.mark.parametrize("kind", CONVERTED)
def test_the_gpt2_family_becomes_a_chat_transformer_with_the_same_logits(kind):
    bridge = bridges.bridge(kind)
    model = as_hooked_model(bridge)
    assert isinstance(model, wl.ChatTransformer)
    torch.testing.assert_close(model(TOKENS), bridge(TOKENS), rtol=1e-5, atol=1e-5)


def test_converting_is_there_and_back_again():
    model = as_hooked_model(bridges.native())
    again = wl.ChatTransformer.from_transformer_lens(model.to_transformer_lens())
    assert again.fingerprint == model.fingerprint


@pytest.mark.parametrize("kind", BRIDGED)
def test_other_architectures_are_not_converted_and_it_is_said_why(kind):
    with pytest.raises(Unsupported, match="A ChatTransformer has no"):
        wl.ChatTransformer.from_transformer_lens(bridges.bridge(kind))


def test_a_bridge_that_only_claims_to_be_of_the_family_is_found_out_by_its_logits():
    bridge = bridges.native()
    bridge.cfg.eps = 0.5  # the configuration says so, the model does otherwise
    with pytest.raises(Unsupported, match="has other logits"):
        wl.ChatTransformer.from_transformer_lens(bridge)


def test_a_bridged_model_has_the_bridges_logits_and_stops_and_starts_anywhere(bridged):
    logits = bridged.bridge(TOKENS)
    torch.testing.assert_close(bridged(TOKENS), logits)
    for layer in range(3):
        stream = bridged(TOKENS, stop_at_layer=layer)
        assert stream.shape == (3, 20, 16)
        torch.testing.assert_close(
            bridged(stream, start_at_layer=layer) if layer < 2 else _end(bridged, stream), logits
        )


def _end(model, stream):
    return model.unembed(model.ln_final(stream))


READABLE = ["resid_pre", "resid_post", "attn_out", "mlp_out", "z", "pattern", "v", "post", "embed", "pos_embed"]


def test_shapes_are_those_of_our_own_model(bridged):
    ours = as_hooked_model(bridges.native())
    names = [hook_name(short, 0) for short in READABLE]
    for model in (ours, bridged):
        _, cache = model.run_with_cache(TOKENS, names_filter=names)
        shapes = {name: tuple(cache[name].shape) for name in names}
        if model is ours:
            expected = shapes
    assert shapes == expected
    for weight in ("W_E", "W_U", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_in", "W_out"):
        assert getattr(bridged, weight).shape == getattr(ours, weight).shape, weight


def test_weights_are_the_ones_activations_come_from(bridged):
    names = [hook_name(short, 1) for short in ("resid_pre", "z", "attn_out", "pattern", "v", "post", "mlp_out")]
    _, cache = bridged.run_with_cache(TOKENS, names_filter=names)
    of = {name.rsplit("hook_", 1)[-1]: value for name, value in cache.items()}
    heads = torch.einsum("bphd,hdm->bpm", of["z"], bridged.W_O[1])
    constant = of["attn_out"] - heads  # the bias, if there is one
    torch.testing.assert_close(constant, constant[:1, :1].expand_as(constant), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.einsum("bhqk,bkhd->bqhd", of["pattern"], of["v"]), of["z"], rtol=1e-4, atol=1e-5)
    normed = bridged.blocks[1].ln1(of["resid_pre"])
    value = torch.einsum("bpm,hmd->bphd", normed, bridged.W_V[1])
    constant = of["v"] - value
    torch.testing.assert_close(constant, constant[:1, :1].expand_as(constant), rtol=1e-4, atol=1e-4)
    constant = of["mlp_out"] - of["post"] @ bridged.W_out[1]
    torch.testing.assert_close(constant, constant[:1, :1].expand_as(constant), rtol=1e-4, atol=1e-4)


def test_norms_are_folded_as_what_they_are(bridged):
    """What a head's values read of a token is the same by the folded weights, but for the scale of the norm."""
    folded = fold(bridged)
    W_E = torch.from_numpy(folded.W_E).float()
    found = W_E @ torch.from_numpy(folded.W_V[0, 1]).float()
    read = bridged.blocks[0].ln1(bridged.W_E) @ bridged.W_V[0, 1]
    shift = bridged.blocks[0].ln1(torch.zeros(1, 16)) @ bridged.W_V[0, 1]  # a norm's bias
    cosine = torch.cosine_similarity(found, read - shift, dim=-1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine), rtol=1e-4, atol=1e-4)
    assert folded.d_effective == (15 if bridged.cfg.normalization_type == "LN" else 16)
    assert folded.rotary
    assert effective_embedding(bridged).shape == (30, 16)


AFTER = {"resid_pre": "", "attn_out": "", "mlp_out": "", "z": "attn_out", "post": "mlp_out", "pattern": "z", "v": "z"}


@pytest.mark.parametrize("short", AFTER)
def test_an_edit_reaches_what_comes_after_it(bridged, short):
    """Each hook is written to, with an answer that is known: nothing put in at z is nothing but a bias in attn_out."""
    seen = {}

    def look(name):
        return hook_name(name, 0), lambda value, hook=None: seen.update({name: value.clone()})

    reading = [look(name) for name in ("resid_pre", "attn_out", "mlp_out", "resid_post", "z") if name != short]
    writing = (hook_name(short, 0), lambda value, hook=None: torch.zeros_like(value))
    changed = bridged.run_with_hooks(TOKENS, fwd_hooks=[writing, *reading])
    assert (changed - bridged(TOKENS)).abs().max() > 1e-3
    if AFTER[short]:  # nothing but a constant is left
        left = seen[AFTER[short]]
        torch.testing.assert_close(left, left[:1, :1].expand_as(left))
    parts = [seen.get(name, torch.zeros(3, 20, 16)) for name in ("resid_pre", "attn_out", "mlp_out")]
    torch.testing.assert_close(sum(parts), seen["resid_post"], rtol=1e-5, atol=1e-4)


def test_a_full_patch_of_the_stream_gives_the_other_runs_answer(bridged):
    """Recovery 1, through the same function as every analysis."""
    clean, corrupted = TOKENS[:1], TOKENS[1:2]
    runs = [Activations.of(bridged, tokens, ("z", "attn_out")) for tokens in (clean, corrupted)]
    metric = answer_logits(bridged, [19])
    cells = [[Site("resid_pre", layer)] for layer in range(2)]
    untouched, patched = intervene(bridged, runs[1], runs[0].values, cells, metric)
    for cell in patched:
        torch.testing.assert_close(cell, metric(runs[0].final), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(untouched, patched[0], atol=0.1)


@pytest.mark.parametrize("kind", BRIDGED)
def test_what_a_bridge_cannot_do_is_refused_with_the_reason(kind):
    model = as_hooked_model(bridges.bridge(kind))
    zero = lambda value, hook=None: torch.zeros_like(value)  # noqa: E731

    def edit(short):
        return model.run_with_hooks(TOKENS, fwd_hooks=[(hook_name(short, 1), zero)])

    with pytest.raises(Unsupported, match="has no activation" if kind == "neox" else "reaches only the MLP"):
        edit("resid_mid")
    with pytest.raises(Unsupported, match="turned by their position"):
        edit("q")
    for short in ("result", "q_input", "mlp_in"):
        with pytest.raises(Unsupported, match=f"has no activation '{short}'"):
            edit(short)
    if kind in ("rotary", "shared keys"):  # in native bridges, not in those of Hugging Face models
        with pytest.raises(Unsupported, match="is the pattern, after the softmax"):
            model.run_with_cache(TOKENS, names_filter=[hook_name("attn_scores", 0)])


def test_the_trap_is_real_and_our_own_model_has_it_not():
    """A native bridge passes an edit at resid_mid to the MLP only; the same weights as a ChatTransformer obey."""
    bridge = bridges.native()
    ours = as_hooked_model(bridge)
    name = hook_name("resid_mid", 1)
    _, cache = ours.run_with_cache(TOKENS[:1], names_filter=[name])
    put = [(name, lambda value, hook=None: cache[name])]
    wanted = ours(TOKENS[:1])
    torch.testing.assert_close(ours.run_with_hooks(TOKENS[1:2], fwd_hooks=put), wanted)
    assert not torch.allclose(bridge.run_with_hooks(TOKENS[1:2], fwd_hooks=put), wanted, atol=0.1)


def test_a_hook_that_only_looks_may_look_where_nobody_may_write(bridged):
    seen = []
    short = "post"
    bridged.run_with_hooks(TOKENS, fwd_hooks=[(hook_name(short, 0), lambda value, hook=None: seen.append(value.sum()))])
    assert len(seen) == 1


def test_one_of_several_heads_that_share_a_value_cannot_be_edited_alone():
    model = as_hooked_model(bridges.bridge("shared keys"))

    def first(value, hook=None):
        value = value.clone()
        value[:, :, 0] = 0
        return value

    with pytest.raises(Unsupported, match="2 heads of this model share one 'v'"):
        model.run_with_hooks(TOKENS, fwd_hooks=[(hook_name("v", 0), first)])


def test_what_a_bridge_does_not_offer_is_named(bridged):
    assert not hasattr(bridged, "generate")
    with pytest.raises(Unsupported, match="offers no 'generate'"):
        bridged.generate()


def test_an_untrained_baseline_has_the_shape_and_none_of_the_knowledge(bridged):
    twin, again = bridged.untrained(3), bridged.untrained(3)
    assert twin.fingerprint == again.fingerprint != bridged.fingerprint
    assert twin.cfg == bridged.cfg
    assert float(twin(TOKENS).std()) < 0.1 * float(bridged(TOKENS).std())
    for weight in ("W_Q", "W_O", "W_E"):
        assert getattr(twin, weight).std() == pytest.approx(0.02, rel=0.2)


def test_anything_else_is_refused_with_what_is_missing():
    with pytest.raises(InputError, match="A Linear cannot be examined: it has no 'cfg'"):
        as_hooked_model(torch.nn.Linear(2, 2))
    with pytest.raises(UsageError, match="context is 32"):
        as_hooked_model(bridges.bridge("rotary"))(torch.zeros(1, 40, dtype=torch.long))


def test_a_model_of_ones_own_with_the_surface_is_taken_as_it_is(bridged):
    assert as_hooked_model(bridged) is bridged
    assert isinstance(bridged, BridgeModel)


def test_a_cap_on_the_logits_is_refused_because_lenses_would_be_wrong():
    from transformer_lens import TransformerBridge, TransformerBridgeConfig

    cfg = {"d_model": 16, "d_head": 4, "n_layers": 1, "n_ctx": 16, "n_heads": 4, "d_vocab": 30, "d_mlp": 8}
    capped = {"output_logits_soft_cap": 0.5, "act_fn": "gelu", "positional_embedding_type": "rotary"}
    bridge = bridges.drawn(TransformerBridge.boot_native(TransformerBridgeConfig(**cfg, **capped)))
    with pytest.raises(Unsupported, match="are not its last norm and unembedding"):
        as_hooked_model(bridge)


def test_numbers_do_not_depend_on_whether_a_model_was_converted():
    """The same weights through the bridge and as a ChatTransformer."""
    bridge = bridges.native()
    ours, theirs = as_hooked_model(bridge), BridgeModel(bridge)
    names = [hook_name(short, 1) for short in ("z", "pattern", "q", "k", "v", "post", "resid_mid", "attn_out")]
    caches = [model.run_with_cache(TOKENS, names_filter=names)[1] for model in (ours, theirs)]
    for name in names:
        torch.testing.assert_close(caches[1][name], caches[0][name], rtol=1e-4, atol=1e-5)
    one, two = fold(ours), fold(theirs)
    for name in ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), atol=1e-6)
