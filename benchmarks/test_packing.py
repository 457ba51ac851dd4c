"""How should windows of unequal length be laid out in a batch? The time of a training step for each useful token.

Three layouts of the same windows of the demo corpus, in the `seed` shape, forward and backward, without an optimiser:
batches by length (ours), every row padded to the context, and rows of several windows whose attention is masked so
that none sees another. Padding is not useful; separators and speakers are.

    pytest benchmarks/test_packing.py --benchmark-only -s
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.demo import MESSAGES
from wonderland.model.batches import plan_epoch
from wonderland.model.gradient import loss_sum
from wonderland.model.presets import PRESETS
from wonderland.tokenizer import PAD

TOKENS, BATCHES, CONTEXT = 4096, 4, 128


@pytest.fixture(scope="module")
def rows():
    corpus = wl.Corpus.read(MESSAGES)
    windows = pack(corpus, wl.SpeakerTokenizer.train(corpus.texts[:20_000], 4096), context=CONTEXT)
    plan = plan_epoch(windows.lengths, TOKENS, 0, 0)
    by_length = sorted(plan, key=lambda chosen: windows.lengths[chosen].mean())
    return windows, by_length[len(plan) // 8 :: len(plan) // BATCHES][:BATCHES]  # short windows and long ones


@pytest.fixture(scope="module")
def model():
    return wl.ChatTransformer(replace(PRESETS["seed"].config, n_ctx=512))  # for rows that are longer


def by_length(windows, plan):
    return [(torch.from_numpy(windows.batch(chosen, PAD)), None) for chosen in plan]


def padded(windows, plan):
    batches = []
    for tokens, _ in by_length(windows, plan):
        whole = F.pad(tokens, (0, CONTEXT - tokens.shape[1]), value=PAD)
        batches += [(part, None) for part in whole.split(TOKENS // CONTEXT)]
    return batches


def masked(width):
    def make(windows, plan):
        """Fill rows with windows, the longest first, each where it fits; no window sees another."""
        batches = []
        for chosen in plan:
            filled: list[list[np.ndarray]] = []
            for index in sorted(chosen, key=lambda index: -windows.lengths[index]):
                room = (row for row in filled if sum(map(len, row)) + windows.lengths[index] <= width)
                row = next(room, None)
                if row is None:
                    filled.append(row := [])
                row.append(windows[index])
            tokens = np.full((len(filled), width), PAD)
            segment = np.full((len(filled), width), -1)
            for number, row in enumerate(filled):
                tokens[number, : sum(map(len, row))] = np.concatenate(row)
                segment[number, : sum(map(len, row))] = np.repeat(np.arange(len(row)), list(map(len, row)))
            segment = torch.from_numpy(segment[:, :-1])
            mask = (segment[:, :, None] == segment[:, None, :]).tril()[:, None]
            batches.append((torch.from_numpy(tokens), mask))
        return batches

    return make


LAYOUTS = {
    "by length, causal": by_length,
    "padded to 128, causal": padded,
    "rows of 128, masked": masked(128),
    "rows of 512, masked": masked(512),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.benchmark(group="seed preset, forward and backward of the same windows")
def test_layout(benchmark, rows, model, layout, monkeypatch):
    batches = LAYOUTS[layout](*rows)
    useful = sum(int((rows[0].lengths[chosen] - 1).sum()) for chosen in rows[1])
    attend, mask = F.scaled_dot_product_attention, None

    def attention(q, k, v, **_):
        return attend(q, k, v, is_causal=True) if mask is None else attend(q, k, v, attn_mask=mask)

    monkeypatch.setattr(F, "scaled_dot_product_attention", attention)

    def step():
        nonlocal mask
        for tokens, mask in batches:  # noqa: B007
            loss, count = loss_sum(model, tokens)
            (loss / count).backward()
            model.zero_grad(set_to_none=True)

    benchmark.pedantic(step, rounds=3, warmup_rounds=1)
    all_of_it = sum(tokens.shape[0] * (tokens.shape[1] - 1) for tokens, _ in batches)
    rate = useful / benchmark.stats.stats.min
    print(f"\n{layout}: {rate:,.0f} useful tokens/s, {1 - useful / all_of_it:.0%} of the positions padding")
