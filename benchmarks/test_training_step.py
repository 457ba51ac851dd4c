"""How fast is training beside the peers a person would reach for?

The `seed` preset (5.3M parameters) against a TransformerLens 4 native bridge and Hugging Face's GPT2LMHeadModel of the
same shape, same tokens, same machine, taking turns so that a noisy neighbour meets all of them:

* the gradient alone: forward and backward of 4,096 tokens, no padding, no optimiser;
* end to end: the demo's windows as each would train on them, optimiser included (peers pad every window to the context
  and step with AdamW, as their tutorials do), counted in useful tokens.

Printed are the median of the paired ratios, and the share of the machine's fp32 matrix-product rate (6 × parameters ×
tokens a second over the rate of a 2048³ product in the same run).

    python -m pytest benchmarks/test_training_step.py --benchmark-only -s
"""

import itertools
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.demo import MESSAGES
from wonderland.model.batches import plan_epoch
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.engine import Engine
from wonderland.model.gradient import Batch, batch_gradient, feed
from wonderland.model.optimisers import optimisers_of
from wonderland.model.peak_flops import peak_flops
from wonderland.model.presets import PRESETS
from wonderland.model.settings import TrainingSettings
from wonderland.tokenizer import PAD

CONFIG = PRESETS["seed"].config
ROWS, MICRO, ROUNDS = 32, 1024, 12


def transformer_lens():
    bridge = ChatTransformer(CONFIG).to_transformer_lens().train()
    return bridge, lambda tokens: bridge(tokens[:, :-1])


def hugging_face():
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = {"n_layer": CONFIG.n_layers, "n_head": CONFIG.n_heads, "n_embd": CONFIG.d_model, "n_inner": CONFIG.d_mlp}
    free = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "tie_word_embeddings": False}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=CONFIG.d_vocab, n_positions=CONFIG.n_ctx, **shape, **free))
    return model, lambda tokens: model(input_ids=tokens[:, :-1]).logits


PEERS = {"TransformerLens bridge": transformer_lens, "GPT2LMHeadModel": hugging_face}


def peer_gradient(logits_of, tokens, rows=16):
    for part in tokens.split(rows):
        logits, targets = logits_of(part).flatten(0, 1), part[:, 1:].flatten()
        F.cross_entropy(logits, targets, ignore_index=PAD).backward()


def taking_turns(benchmark, steps, tokens):
    """Time every step in turn; ``steps`` begin with ours, ``tokens`` are the useful ones of each step."""
    times = {name: [] for name in steps}
    for step in steps.values():
        step()

    def round_():
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - started)

    benchmark.pedantic(round_, rounds=ROUNDS)
    ceiling = peak_flops(torch.device("cpu"), torch.float32)
    ours = np.array(times["wonderland"]) / tokens["wonderland"]
    print()
    for name in steps:
        seconds = np.array(times[name]) / tokens[name]  # a token
        rate = 1 / seconds.min()
        share = 6 * ChatTransformer(CONFIG).n_params * rate / ceiling
        ratio = float(np.median(seconds / ours))
        low, high = np.quantile(seconds / ours, [0.25, 0.75])
        print(
            f"{name:24} best {rate:7,.0f} tokens/s, {share:4.0%} of the matrix-product rate; "
            f"wonderland is {ratio:.2f} times as fast (middle half of {ROUNDS} rounds: {low:.2f} to {high:.2f})"
        )
        benchmark.extra_info[name] = {"tokens_per_second": round(rate), "times_as_fast": round(ratio, 2)}


@pytest.mark.benchmark(group="seed preset, gradient of 4,096 tokens")
def test_gradient(benchmark):
    tokens = torch.from_numpy(np.random.default_rng(0).integers(5, CONFIG.d_vocab, (ROWS, 128)))
    model, engine = ChatTransformer(CONFIG), Engine("cpu")
    batch = Batch(tokens, np.full(ROWS, 128), ROWS * 127)

    def ours():
        batch_gradient(model, batch, engine, MICRO, print)
        model.zero_grad(set_to_none=True)

    def peer(make):
        its, logits_of = make()

        def step():
            peer_gradient(logits_of, tokens)
            its.zero_grad(set_to_none=True)

        return step

    steps = {"wonderland": ours} | {name: peer(make) for name, make in PEERS.items()}
    taking_turns(benchmark, steps, dict.fromkeys(steps, batch.count))


@pytest.mark.benchmark(group="seed preset, a step on the demo's windows")
def test_end_to_end(benchmark):
    corpus = wl.Corpus.read(MESSAGES).filter("automated", "urls", "emoji")
    tokenizer = wl.SpeakerTokenizer.train(corpus, vocab_size=CONFIG.d_vocab)
    settings = TrainingSettings(preset="seed").resolved()
    windows = pack(corpus, tokenizer, size=settings.window_size, stride=settings.stride, context=CONFIG.n_ctx)
    steps_in_turn = 2
    plan = plan_epoch(windows.lengths, ROWS * 128, 0, 0)
    some = [plan[place] for place in np.random.default_rng(0).choice(len(plan), steps_in_turn * 4, replace=False)]

    model, engine = ChatTransformer(CONFIG), Engine("cpu")
    optimisers = optimisers_of(model, settings)
    ours_batches = itertools.cycle(
        [some[start : start + steps_in_turn] for start in range(0, len(some), steps_in_turn)]
    )

    def ours():
        for batch in feed(windows, next(ours_batches), engine):
            batch_gradient(model, batch, engine, MICRO, print)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)

    def peer(make):
        its, logits_of = make()
        adamw = torch.optim.AdamW(its.parameters(), lr=1e-3)
        random = np.random.default_rng(1)

        def step():
            for _ in range(steps_in_turn):
                chosen = random.choice(len(windows), ROWS, replace=False)
                rows = np.full((ROWS, CONFIG.n_ctx), PAD)
                packed = windows.batch(chosen, PAD)
                rows[:, : packed.shape[1]] = packed
                peer_gradient(logits_of, torch.from_numpy(rows))
                adamw.step()
                adamw.zero_grad()

        return step

    useful = float(np.mean([(windows.lengths[chosen] - 1).sum() for chosen in some])) * steps_in_turn
    padded = float((windows.lengths - 1).mean()) * ROWS * steps_in_turn
    steps = {"wonderland": ours} | {name: peer(make) for name, make in PEERS.items()}
    taking_turns(benchmark, steps, {name: useful if name == "wonderland" else padded for name in steps})
