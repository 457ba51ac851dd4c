"""What lies behind a cell of a pattern is what the model computed, found here by another way: its own hooks."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.testing.handwritten import HEADS
from wonderland_triage.behind_cells import _ends, behind_cells, numbered
from wonderland_triage.head_patterns import HeadPatterns


@pytest.fixture(scope="module", params=["LN", None])
def drawn(specimen, request):
    """A small model with drawn weights, so that nothing is zero or one, on the same evidence."""
    cfg = Config(2, 3, 18, 6, 24, specimen.cfg.n_ctx, specimen.cfg.d_vocab, normalization_type=request.param)
    model = ChatTransformer(cfg, seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            norm = name.endswith(".w")
            weight.copy_(torch.randn(weight.shape, generator=generator) * (0.3 if norm else 0.2) + norm)
    return SimpleNamespace(model=model.requires_grad_(False).eval(), cfg=cfg, evidence=specimen.evidence)


def run(specimen, window):
    length = int(specimen.evidence.lengths[window])
    tokens = torch.as_tensor(specimen.evidence.tokens[window : window + 1, :length])
    with torch.no_grad():
        logits, cache = specimen.model.run_with_cache(tokens)
    return logits[0], cache, length


def centred(x, specimen):
    """A LayerNorm does not see the mean; without one it is seen."""
    return x - x.mean() if specimen.cfg.normalization_type == "LN" else x


def test_weight_and_log_sum_give_the_score_and_the_root_of_the_width_gives_query_times_key(drawn):
    [behind] = behind_cells(drawn, [1])
    _, cache, length = run(drawn, 1)
    heads, width = drawn.cfg.n_heads, drawn.cfg.d_head
    for layer in range(drawn.cfg.n_layers):
        weights = cache[f"blocks.{layer}.attn.hook_pattern"][0]
        q, k = (cache[f"blocks.{layer}.attn.hook_{name}"][0] for name in "qk")
        for head in range(heads):
            for query in (0, 3, length - 1):
                for key in (0, query // 2, query):
                    score = float(weights[head, query, key].log()) + behind["log_sum"][layer * heads + head, query]
                    assert score * width**0.5 == pytest.approx(float(q[query, head] @ k[key, head]), abs=1e-3)


def test_what_a_value_writes_is_what_the_logits_lose_without_it_along_the_direct_path(drawn):
    """Take one term weight × value out of the last residual stream and hold the norm's scale: logits move by that."""
    [behind] = behind_cells(drawn, [1])
    _, cache, length = run(drawn, 1)
    model, heads = drawn.model, drawn.cfg.n_heads
    stream = cache[f"blocks.{drawn.cfg.n_layers - 1}.hook_resid_post"][0]
    for layer, head, query, key in [(0, 1, length - 1, 2), (drawn.cfg.n_layers - 1, 0, 5, 5), (0, 0, 4, 0)]:
        at = layer * heads + head
        value = cache[f"blocks.{layer}.attn.hook_v"][0, key, head]
        weight = cache[f"blocks.{layer}.attn.hook_pattern"][0, head, query, key]
        written = value @ model.blocks[layer].attn.W_O[head].detach()
        written = centred(written, drawn)
        assert float(written.norm()) == pytest.approx(float(behind["size"][at, key]), rel=1e-4)
        normed = drawn.cfg.normalization_type == "LN"
        scale = (centred(stream[query], drawn).pow(2).mean() + drawn.cfg.eps).sqrt() if normed else torch.ones(())
        assert behind["scale"][query] == pytest.approx(float(scale), rel=1e-5)
        term = weight * written / scale
        moved = (term * model.ln_final.w.detach() if normed else term) @ model.W_U.detach()
        moved = (moved - moved.mean()).numpy()
        ids, amounts = behind["ids"][at, key], behind["amounts"][at, key]
        np.testing.assert_allclose(float(weight) * amounts / behind["scale"][query], moved[ids], rtol=2e-3, atol=1e-4)
        assert moved[ids[0]] == pytest.approx(moved.max(), rel=2e-3)
        assert moved[ids[len(ids) // 2]] == pytest.approx(moved.min(), rel=2e-3)


def test_words_are_counted_by_those_that_occur():
    behind = [{"ids": np.array([[[7, 9]]])}, {"log_sum": np.zeros((1, 1))}, {"ids": np.array([[[2, 7]]])}]
    made, words = numbered(behind, lambda ids: [f"w{one}" for one in ids])
    assert words == ["w2", "w7", "w9"]
    assert [one["ids"].tolist() for one in made if "ids" in one] == [[[[1, 2]]], [[[0, 1]]]]


def test_a_finding_opens_the_head_on_a_token_that_shows_its_pattern(specimen):
    result = wl.analyze(specimen, HeadPatterns())["head-patterns"]
    claims = {finding.sentence.split("attention to ")[1].split(" (")[0]: finding for finding in result.findings()[1:]}
    finding = claims["the previous token"]
    head, conversation, position = (str(key).split(":")[1] for key in finding.select)
    layer, index = HEADS["previous"]
    assert head == f"L{layer}H{index}"
    pattern = result.attention[int(conversation)][layer * specimen.cfg.n_heads + index] / 65535
    assert pattern[int(position), int(position) - 1] == pytest.approx(1, abs=1e-4)
    speaker = claims["the latest speaker token"]
    _, conversation, position = (str(key).split(":")[1] for key in speaker.select)
    tokens = result.conversations[int(conversation)]["tokens"]
    layer, index = HEADS["speaker"]
    row = result.attention[int(conversation)][layer * specimen.cfg.n_heads + index][int(position)]
    assert 0 < int(row.argmax()) < int(position) - 1  # neither the first token nor the one before: it shows one thing
    assert tokens[int(row.argmax())] in ("<|me|>", "<|them|>")


def test_the_ends_are_those_of_a_stable_sort_with_ties_too():
    random = np.random.default_rng(0)
    for rows in (random.normal(size=(5, 30)), random.integers(0, 3, (5, 30)).astype(float), np.zeros((2, 7))):
        order = np.argsort(-rows, axis=-1, kind="stable")
        expected = np.concatenate([order[:, :3], order[:, ::-1][:, :3]], axis=-1)
        np.testing.assert_array_equal(_ends(rows, 3), expected)
