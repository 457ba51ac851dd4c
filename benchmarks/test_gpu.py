"""How long does the field notes' whole run take on a GPU? Tokens a second of three loops over the same windows.

The notes trained 5.3M parameters on 332,000 windows of 128 tokens, 20 epochs (850 million tokens; 90 minutes for 10
epochs on an L4). Here: our loop as `wonderland train` runs it, the optimisers and the feeding of windows included; a
loop over a TransformerLens native bridge; and a plain loop over a compiled GPT, both with AdamW in bf16, their tokens
on the GPU already. What the whole run would take is computed from the rate, or with ``WONDERLAND_BENCH_WHOLE=1``
measured. Without a GPU all are skipped; ``WONDERLAND_BENCH_DEVICE=cpu WONDERLAND_BENCH_WINDOWS=64`` tries the code.

    pytest benchmarks/test_gpu.py --benchmark-only -s
"""

import os
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wonderland.corpus.windows import Windows
from wonderland.demo import MESSAGES
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.engine import Engine, fastest_device
from wonderland.model.peak_flops import peak_flops
from wonderland.model.presets import PRESETS
from wonderland.model.settings import TrainingSettings
from wonderland.model.training import fit

LENGTH, WHOLE_WINDOWS, WHOLE_EPOCHS = 128, 332_000, 20
DEVICE = os.environ.get("WONDERLAND_BENCH_DEVICE", "cuda" if fastest_device() == "cuda" else "")
WHOLE = bool(os.environ.get("WONDERLAND_BENCH_WHOLE"))
COUNT = int(os.environ.get("WONDERLAND_BENCH_WINDOWS", WHOLE_WINDOWS if WHOLE else 65_536))
BATCH_TOKENS = 65_536 if DEVICE == "cuda" else 4_096
CONFIG = PRESETS["seed"].config
WARM_UP = 10

pytestmark = [
    pytest.mark.skipif(not DEVICE, reason="there is no CUDA GPU here"),
    pytest.mark.benchmark(group=f"seed preset on {DEVICE}, windows of {LENGTH} tokens"),
]


@pytest.fixture(scope="module")
def tokenizer():
    import wonderland as wl

    return wl.SpeakerTokenizer.train(wl.Corpus.read(MESSAGES).texts[:20_000], CONFIG.d_vocab)


@pytest.fixture(scope="module")
def windows():
    """Windows of one length: what is in them does not change what they cost."""
    stream = np.random.default_rng(0).integers(5, CONFIG.d_vocab, COUNT * LENGTH).astype(np.uint16)
    start = np.arange(COUNT) * LENGTH
    return Windows(stream, start, start + LENGTH, np.zeros(COUNT, dtype=np.int64), {})


@pytest.fixture(scope="module")
def ceiling():
    return peak_flops(DEVICE, torch.bfloat16 if DEVICE == "cuda" else torch.float32)


def report(name, tokens, seconds, ceiling):
    rate = tokens / seconds
    minutes = WHOLE_WINDOWS * (LENGTH - 1) * WHOLE_EPOCHS / rate / 60
    share = 6 * CONFIG.n_params * rate / ceiling
    print(f"\n{name}: {rate:,.0f} tokens/s, {share:.0%} of the product rate; the whole run: {minutes:.1f} min")


def test_ours(benchmark, windows, tokenizer, ceiling):
    epochs = WHOLE_EPOCHS if WHOLE else 1
    settings = TrainingSettings(preset="seed", epochs=epochs, batch_tokens=BATCH_TOKENS).resolved()
    engine = Engine(DEVICE, settings.precision)
    seen: list[tuple[float, int]] = []

    def train():
        model = ChatTransformer(CONFIG, seed=0).to(engine.device)
        model.tokenizer_fingerprint = tokenizer.fingerprint
        fit(
            model,
            windows,
            None,
            settings,
            tokenizer,
            engine=engine,
            on_progress=lambda at: seen.append((time.perf_counter(), at.tokens)),
        )

    benchmark.pedantic(train, rounds=1)
    steps = seen[:-1] if not WHOLE else seen  # the end of an epoch, with its sample, is not a step
    (begun, before), (ended, after) = steps[0 if WHOLE else min(WARM_UP, (len(steps) - 1) // 2)], steps[-1]
    report("wonderland", after - before, ended - begun, ceiling)


@pytest.mark.parametrize("peer", ["TransformerLens bridge", "plain GPT, compiled"])
def test_peer(benchmark, windows, ceiling, peer):
    torch.set_float32_matmul_precision("high")
    model = bridge() if peer == "TransformerLens bridge" else plain()
    model.to(DEVICE).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    rows = torch.from_numpy(windows.stream.astype(np.int64)).view(COUNT, LENGTH).to(DEVICE)
    batches = rows.split(BATCH_TOKENS // LENGTH)

    def step(tokens):
        with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
            logits = model(tokens[:, :-1])
        F.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten()).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    for tokens in batches[:WARM_UP]:
        step(tokens)
    wait(model)
    timed = batches[:200]

    def train():
        for tokens in timed:
            step(tokens)
        wait(model)

    benchmark.pedantic(train, rounds=1)
    report(peer, sum(len(b) for b in timed) * (LENGTH - 1), benchmark.stats.stats.min, ceiling)


def bridge():
    return ChatTransformer(CONFIG).to_transformer_lens()


def plain():
    model = PlainGPT()
    return torch.compile(model) if DEVICE == "cuda" else model


def wait(model):
    next(model.parameters()).flatten()[0].item()


class PlainBlock(nn.Module):
    def __init__(self):
        super().__init__()
        width = CONFIG.d_model
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, CONFIG.d_mlp), nn.Linear(CONFIG.d_mlp, width)

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.qkv(self.ln1(x)).view(batch, length, 3, CONFIG.n_heads, -1).permute(2, 0, 3, 1, 4)
        z = F.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2).reshape(batch, length, width)
        x = x + self.out(z)
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class PlainGPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.pos = nn.Embedding(CONFIG.d_vocab, CONFIG.d_model), nn.Embedding(CONFIG.n_ctx, CONFIG.d_model)
        self.blocks = nn.Sequential(*(PlainBlock() for _ in range(CONFIG.n_layers)))
        self.norm, self.unembed = nn.LayerNorm(CONFIG.d_model), nn.Linear(CONFIG.d_model, CONFIG.d_vocab, bias=False)

    def forward(self, tokens):
        x = self.embed(tokens) + self.pos(torch.arange(tokens.shape[1], device=tokens.device))
        return self.unembed(self.norm(self.blocks(x)))
