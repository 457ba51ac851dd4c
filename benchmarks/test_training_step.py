"""How fast is a training step beside the peers a person would reach for?

The `seed` preset (5.3M parameters) against a TransformerLens 4 native bridge and Hugging Face's GPT2LMHeadModel of the
same shape: forward and backward of one batch of 16 rows of 128 tokens, same tokens, same run, no optimiser. The
benchmark also prints the share of the machine's fp32 matrix-product rate (6 × parameters × tokens a second over the
rate of a 2048³ product).

    python -m pytest benchmarks/test_training_step.py --benchmark-only -s
"""

import time

import numpy as np
import pytest
import torch

from wonderland.model.loss import linear_cross_entropy
from wonderland.model.presets import PRESETS
from wonderland.model.transformer import ChatTransformer

ROWS, LENGTH = 16, 128
CONFIG = PRESETS["seed"].config


@pytest.fixture(scope="module")
def tokens():
    return torch.from_numpy(np.random.default_rng(0).integers(5, CONFIG.d_vocab, (ROWS, LENGTH)))


def ours():
    model = ChatTransformer(CONFIG)

    def step(tokens):
        final = model.ln_final(model(tokens[:, :-1], stop_at_layer=CONFIG.n_layers)).flatten(0, 1)
        loss = linear_cross_entropy(final, model.unembed.W_U, tokens[:, 1:].flatten())
        (loss / len(final)).backward()
        model.zero_grad(set_to_none=True)

    return step


def transformer_lens():
    bridge = ChatTransformer(CONFIG).to_transformer_lens().train()

    def step(tokens):
        logits = bridge(tokens[:, :-1])
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
        bridge.zero_grad(set_to_none=True)

    return step


def hugging_face():
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = {"n_layer": CONFIG.n_layers, "n_head": CONFIG.n_heads, "n_embd": CONFIG.d_model, "n_inner": CONFIG.d_mlp}
    free = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "tie_word_embeddings": False}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=CONFIG.d_vocab, n_positions=CONFIG.n_ctx, **shape, **free))

    def step(tokens):
        model(input_ids=tokens, labels=tokens).loss.backward()
        model.zero_grad(set_to_none=True)

    return step


@pytest.mark.parametrize("maker", [ours, transformer_lens, hugging_face])
@pytest.mark.benchmark(group="seed preset, forward and backward of 2,048 tokens")
def test_step(benchmark, tokens, maker):
    step = maker()
    benchmark.pedantic(step, (tokens,), rounds=10, warmup_rounds=3)
    rate = ROWS * (LENGTH - 1) / benchmark.stats.stats.min
    share = 6 * CONFIG.n_params * rate / product_rate()
    benchmark.extra_info.update(tokens_per_second=round(rate), share_of_matrix_product_rate=round(share, 2))
    print(f"\n{maker.__name__}: {rate:,.0f} tokens/s, {share:.0%} of the machine's matrix-product rate")


def product_rate():
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    best = float("inf")
    for _ in range(8):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * 2048**3 / best
