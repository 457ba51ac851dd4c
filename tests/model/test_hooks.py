"""Whatever a hook returns is what the rest of the model computes with: for each hook a write with a known answer."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.model.loss import linear_cross_entropy, token_losses

ONCE = ["hook_embed", "hook_pos_embed", "ln_final.hook_scale", "ln_final.hook_normalized"]
IN_BLOCK = ["hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_in", "hook_mlp_out"]
IN_BLOCK += ["hook_q_input", "hook_k_input", "hook_v_input"]
IN_BLOCK += ["ln1.hook_scale", "ln1.hook_normalized", "ln2.hook_scale", "ln2.hook_normalized"]
IN_BLOCK += [f"attn.hook_{name}" for name in ("q", "k", "v", "z", "attn_scores", "pattern", "result")]
IN_BLOCK += ["mlp.hook_pre", "mlp.hook_post"]
NAMES = [*ONCE, *(f"blocks.{layer}.{name}" for layer in (0, 1) for name in IN_BLOCK)]


@pytest.fixture(scope="module")
def model(random_model):
    return random_model()


@pytest.fixture(scope="module")
def two(model):
    """Two batches of tokens, and what the model computes on each: all activations by hook name, and the logits."""
    generator = torch.Generator().manual_seed(1)
    runs = []
    for _ in range(2):
        tokens = torch.randint(0, 30, (3, 10), generator=generator)
        # One at a time, so that every value comes from the path the model takes when nothing else is looked at.
        cache = {name: model.run_with_cache(tokens, names_filter=name)[1][name] for name in NAMES}
        runs.append((tokens, cache, model(tokens)))
    return runs


def write(model, tokens, hook, value, read=None):
    """Run with a value, or a function of what was there, written at a hook; return logits, or what ``read`` then is."""
    seen = {}

    def put(old, hook):
        return value(old.clone()) if callable(value) else value

    def note(now, hook):
        seen[hook.name] = now.clone()

    hooks = [(hook, put)] + ([(read, note)] if read else [])
    logits = model.run_with_hooks(tokens, fwd_hooks=hooks)
    return seen[read] if read else logits


def close(a, b, tolerance=1e-5):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


# --- the names


def test_the_hooks_are_these_and_no_others(model):
    assert set(model.hook_dict) == set(NAMES)


def test_every_name_is_a_name_of_transformer_lens(model):
    assert set(model.hook_dict) <= set(model.to_transformer_lens().hook_dict)


def test_a_model_without_mlps_and_norms_has_no_hooks_that_would_never_be_called(random_model):
    bare = random_model(attn_only=True, normalization_type=None)
    tokens = torch.tensor([[1, 7, 8]])
    _, cache = bare.run_with_cache(tokens)
    assert set(cache) == set(bare.hook_dict)


@pytest.mark.parametrize("name", NAMES)
def test_no_write_is_ignored(model, two, name):
    tokens, _, logits = two[0]
    generator = torch.Generator().manual_seed(2)
    changed = write(model, tokens, name, lambda old: old * (1 + torch.rand(old.shape, generator=generator)))
    assert (changed - logits).abs().max() > 1e-3


# --- the residual stream


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("point", ["resid_pre", "resid_mid", "resid_post"])
def test_the_residual_stream_of_another_run_written_everywhere_is_that_run(model, two, layer, point):
    (tokens, _, _), (_, cache, logits) = two
    name = f"blocks.{layer}.hook_{point}"
    assert torch.equal(write(model, tokens, name, cache[name]), logits)


def test_the_embedding_of_other_tokens_is_the_run_of_those_tokens(model, two):
    (tokens, _, _), (_, cache, logits) = two
    assert torch.equal(write(model, tokens, "hook_embed", cache["hook_embed"]), logits)


def test_without_positions_the_residual_stream_begins_as_the_embedding(model, two):
    tokens, cache, _ = two[0]
    begins = write(model, tokens, "hook_pos_embed", torch.zeros_like, read="blocks.0.hook_resid_pre")
    assert torch.equal(begins, cache["hook_embed"])


def test_what_attention_adds_is_what_hook_attn_out_says(model, two):
    tokens, cache, _ = two[0]
    mid = write(model, tokens, "blocks.1.hook_attn_out", torch.zeros_like, read="blocks.1.hook_resid_mid")
    close(mid, cache["blocks.1.hook_resid_pre"])


def test_what_the_mlp_adds_is_what_hook_mlp_out_says(model, two):
    tokens, cache, _ = two[0]
    post = write(model, tokens, "blocks.1.hook_mlp_out", torch.zeros_like, read="blocks.1.hook_resid_post")
    close(post, cache["blocks.1.hook_resid_mid"])


# --- attention


@pytest.mark.parametrize("point", ["q_input", "k_input", "v_input"])
def test_the_input_of_one_head_reaches_that_head_and_nothing_else(model, two, point):
    (tokens, here, _), (_, there, _) = two

    def other_run_for_head_1(old):
        old[:, :, 1] = there["blocks.1.hook_resid_pre"]
        return old

    for read in "qkv":
        name = f"blocks.1.attn.hook_{read}"
        got = write(model, tokens, f"blocks.1.hook_{point}", other_run_for_head_1, read=name)
        close(got[:, :, 0], here[name][:, :, 0])
        close(got[:, :, 1], (there if point.startswith(read) else here)[name][:, :, 1])


@pytest.mark.parametrize("point", ["q", "k"])
def test_without_queries_or_keys_attention_is_uniform(model, two, point):
    tokens, cache, _ = two[0]
    z = write(model, tokens, f"blocks.0.attn.hook_{point}", torch.zeros_like, read="blocks.0.attn.hook_z")
    values = cache["blocks.0.attn.hook_v"]
    close(z, values.cumsum(1) / torch.arange(1, 11)[:, None, None])


def test_without_values_attention_adds_its_bias_alone(model, two):
    tokens, _, _ = two[0]
    out = write(model, tokens, "blocks.0.attn.hook_v", torch.zeros_like, read="blocks.0.hook_attn_out")
    close(out, model.b_O[0].expand_as(out))


def test_scores_are_written_before_the_softmax(model, two):
    tokens, _, _ = two[0]
    causal = torch.ones(10, 10).tril()
    scores = torch.where(causal > 0, 0.0, float("-inf"))
    scores[:, 0] = 1.0  # e times as much for the first token
    pattern = write(
        model,
        tokens,
        "blocks.1.attn.hook_attn_scores",
        lambda old: scores.expand_as(old),
        read="blocks.1.attn.hook_pattern",
    )
    e = torch.e
    close(pattern[0, 0, 3, :4], torch.tensor([e, 1, 1, 1]) / (e + 3))
    close(pattern.sum(-1), torch.ones(3, 2, 10))


def test_scores_of_the_future_are_minus_infinity_and_the_others_are_products_of_queries_and_keys(two):
    _, cache, _ = two[0]
    scores = cache["blocks.0.attn.hook_attn_scores"]
    assert torch.isneginf(scores[:, :, 2, 3:]).all()
    q, k = cache["blocks.0.attn.hook_q"], cache["blocks.0.attn.hook_k"]
    close(scores[1, 1, 7, 4], (q[1, 7, 1] @ k[1, 4, 1]) / 8**0.5)


def test_a_pattern_that_looks_at_itself_makes_each_head_copy_its_values(model, two):
    tokens, cache, _ = two[0]
    itself = torch.eye(10)
    z = write(
        model, tokens, "blocks.0.attn.hook_pattern", lambda old: itself.expand_as(old), read="blocks.0.attn.hook_z"
    )
    close(z, cache["blocks.0.attn.hook_v"])


def test_a_head_without_z_or_without_result_is_a_head_that_writes_nothing(model, two):
    tokens, _, _ = two[0]

    def no_head_1(old):
        old[:, :, 1] = 0
        return old

    without_z = write(model, tokens, "blocks.0.attn.hook_z", no_head_1)
    without_result = write(model, tokens, "blocks.0.attn.hook_result", no_head_1)
    close(without_z, without_result)

    kept = model.blocks[0].attn.W_O[1].clone()
    model.blocks[0].attn.W_O[1] = 0
    cut = model(tokens)
    model.blocks[0].attn.W_O[1] = kept
    close(without_z, cut)


def test_results_of_the_heads_and_the_bias_add_up_to_what_attention_writes(model, two):
    _, cache, _ = two[0]
    result = cache["blocks.1.attn.hook_result"]
    assert result.shape == (3, 10, 2, 16)
    close(result.sum(2) + model.b_O[1], cache["blocks.1.hook_attn_out"])


# --- MLPs and norms


def test_the_input_of_the_mlp_reaches_the_mlp_alone(model, two):
    (tokens, here, _), (_, there, _) = two
    other = there["blocks.0.hook_resid_mid"]
    post = write(model, tokens, "blocks.0.hook_mlp_in", other, read="blocks.0.hook_resid_post")
    close(post, here["blocks.0.hook_resid_mid"] + there["blocks.0.hook_mlp_out"])


def test_neurons_are_activated_between_pre_and_post(model, two):
    tokens, _, _ = two[0]
    post = write(model, tokens, "blocks.0.mlp.hook_pre", torch.ones_like, read="blocks.0.mlp.hook_post")
    close(post, torch.full_like(post, 0.8413447))  # gelu(1) = Φ(1)


def test_one_neuron_alone_writes_its_row_of_the_output_weights(model, two):
    tokens, _, _ = two[0]

    def neuron_5(old):
        return F.one_hot(torch.full(old.shape[:2], 5), old.shape[-1]).float()

    out = write(model, tokens, "blocks.1.mlp.hook_post", neuron_5, read="blocks.1.hook_mlp_out")
    close(out, (model.W_out[1, 5] + model.b_out[1]).expand_as(out))


def test_twice_the_scale_is_half_the_normalised_stream(model, two):
    tokens, cache, _ = two[0]
    name = "blocks.1.ln2.hook_normalized"
    halved = write(model, tokens, "blocks.1.ln2.hook_scale", lambda old: old * 2, read=name)
    norm = model.blocks[1].ln2
    close(halved - norm.b, (cache[name] - norm.b) / 2)


def test_the_scale_is_the_standard_deviation_of_the_stream(model, two):
    _, cache, _ = two[0]
    stream = cache["blocks.0.hook_resid_pre"]
    close(cache["blocks.0.ln1.hook_scale"], (stream.var(-1, correction=0, keepdim=True) + 1e-5).sqrt())


@pytest.mark.parametrize(
    ("norm", "read", "rest"),
    [
        ("blocks.0.ln1", "blocks.0.attn.hook_q", lambda model: model.b_Q[0]),
        ("blocks.0.ln2", "blocks.0.mlp.hook_pre", lambda model: model.b_in[0]),
    ],
)
def test_nothing_normalised_leaves_the_biases(model, two, norm, read, rest):
    tokens, _, _ = two[0]
    got = write(model, tokens, f"{norm}.hook_normalized", torch.zeros_like, read=read)
    close(got, rest(model).expand_as(got))


def test_logits_are_the_last_normalised_stream_unembedded(model, two):
    tokens, cache, _ = two[0]
    doubled = write(model, tokens, "ln_final.hook_normalized", lambda old: old * 2)
    close(doubled, 2 * cache["ln_final.hook_normalized"] @ model.W_U)


# --- looking changes nothing


shapes = st.fixed_dictionaries(
    {
        "n_heads": st.integers(1, 4),
        "d_head": st.sampled_from([1, 4, 8]),
        "d_model": st.sampled_from([4, 12]),
        "normalization_type": st.sampled_from(["LN", None]),
        "attn_only": st.booleans(),
    }
)


@settings(max_examples=settings().max_examples * 2 // 5, deadline=None)
@given(shape=shapes, batch=st.integers(1, 3), length=st.integers(1, 16), seed=st.integers(0, 99))
def test_the_fused_and_the_explicit_path_agree(random_model, shape, batch, length, seed):
    model = random_model(seed, scale=0.2, **shape)  # logits of order 1, as trained models have
    tokens = torch.randint(0, 30, (batch, length), generator=torch.Generator().manual_seed(seed))
    looked_at, cache = model.run_with_cache(tokens)
    close(looked_at, model(tokens))
    assert set(cache) == set(model.hook_dict)


def test_the_gradient_is_the_same_on_both_paths(random_model):
    model = random_model().requires_grad_(True)
    tokens = torch.tensor([[1, 7, 8, 9, 3, 2, 11, 0]])
    gradients = []
    for hooks in ([], [("blocks.0.attn.hook_pattern", lambda old, hook: None)]):
        model.zero_grad()
        with model.hooks(fwd_hooks=hooks):
            model(tokens, return_type="loss").backward()
        gradients.append({name: weight.grad.clone() for name, weight in model.named_parameters()})
    for name, gradient in gradients[0].items():
        close(gradients[1][name], gradient)


# --- losses


@pytest.mark.parametrize("tokens", [1, 7, 512, 1100])
def test_the_loss_taken_in_chunks_is_the_cross_entropy_with_its_gradients(tokens):
    generator = torch.Generator().manual_seed(tokens)
    x = torch.randn(tokens, 8, generator=generator, requires_grad=True)
    weight = torch.randn(8, 50, generator=generator, requires_grad=True)
    targets = torch.randint(0, 50, (tokens,), generator=generator)
    expected = F.cross_entropy(x @ weight, targets, reduction="sum")
    wanted = torch.autograd.grad(expected / 3, (x, weight))
    loss = linear_cross_entropy(x, weight, targets)
    got = torch.autograd.grad(loss / 3, (x, weight))
    close(loss, expected)
    close(got[0], wanted[0])
    close(got[1], wanted[1], 1e-4)
    with torch.no_grad():
        close(linear_cross_entropy(x, weight, targets), expected)


def test_the_loss_at_a_position_is_of_the_token_after_it():
    logits = torch.zeros(1, 3, 4)
    logits[0, 0, 2] = 100.0  # sure that 2 comes second
    losses = token_losses(logits, torch.tensor([[1, 2, 3]]))
    close(losses, torch.tensor([[0.0, torch.log(torch.tensor(4.0))]]))
