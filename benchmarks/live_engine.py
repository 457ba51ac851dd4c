"""How fast is the engine of a live report beside Python? One model, both in the same run; prints milliseconds.

    python benchmarks/live_engine.py WORKSPACE

Needs node. Each number is the best and the median of several runs, Python's with one thread. Read the load it prints:
on a shared machine the best is the better guide.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "report"))
import node_engine

from wonderland.model.chat_transformer import ChatTransformer
from wonderland.report.live import live_data
from wonderland.tokenizer import SpeakerTokenizer

SCRIPT = """
const model = finish(modelOf(given.live.cfg, tensorsOf(given.live))), out = {};
const read = (tokens) => finish(readTokens(new LiveRun(model), tokens));
const tokensOf = (n) => Array.from({ length: n }, (_, i) => (i ? 5 + (i * 131) % (model.vocab - 5) : 2));
const time = (name, work, n = 5) => {
  const all = [];
  for (let i = 0; i < n; i++) { const from = performance.now(); work(); all.push(performance.now() - from); }
  all.sort((a, b) => a - b);
  out[name] = [all[0], all[n >> 1]];
};
const each = (make) => Array.from({ length: model.layers * model.heads },
  (_, i) => make(Math.floor(i / model.heads), i % model.heads));
for (const n of [32, 128].filter((n) => n <= model.context)) {
  time(`${n} tokens, all and the next`, () => finish(nextLogits(read(tokensOf(n)))));
  const typed = read(tokensOf(n).slice(0, -1));
  time(`keystroke at ${n}: one token more and surprise`, () => {
    finish(readTokens(typed, tokensOf(n)));
    finish(nextLogits(typed));
    finish(surprise(typed));
    typed.truncate(n - 1);
  });
}
const run = read(tokensOf(32)), a = read(tokensOf(12)), b = read([1, ...tokensOf(12).slice(1)]);
const heads = each((layer, head) => ({ layer, head }));
time('every head out, 32 tokens', () => finish(ablateEach(run, heads, { method: 'zero' })));
const places = Array.from({ length: 12 }, (_, position) => position);
const layers = Array.from({ length: model.layers }, (_, layer) => layer);
const stream = layers.flatMap((layer) => places.map((position) => ({ site: 'resid_pre', layer, position })));
time('stream grid, 12 tokens', () => finish(patchEach(a, b, stream, 10, 20)));
const z = heads.flatMap(({ layer, head }) => places.map((position) => ({ site: 'z', layer, head, position })));
time('head × position grid, 12 tokens', () => finish(patchEach(a, b, z, 10, 20)));
time('what carries a token, 32 tokens', () => finish(effectFlow(run, 10)));
let said = 0;
const from = performance.now();
for (let seed = 0; seed < 4; seed++) {
  said += finish(reply(read([2, 300 % model.vocab]), { seed, most: 100, stops: [], temperature: 1 })).length;
}
out.speech = said / (performance.now() - from) * 1000;
return out;
"""


def timed(work: Callable[[], object], n: int = 5) -> tuple[float, float]:
    """Return the best and the median of n runs, in milliseconds."""
    found = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - start))
    return min(found), statistics.median(found)


def python_times(model: ChatTransformer) -> dict[str, tuple[float, float]]:
    """Return the same work in Python, where it is one call: a pass, and a pass without each head."""
    found = {}
    tokens = torch.arange(128) * 131 % (model.cfg.d_vocab - 5) + 5
    for n in (32, 128):
        if n <= model.cfg.n_ctx:
            found[f"{n} tokens, all and the next"] = timed(lambda n=n: model(tokens[None, :n]))  # type: ignore[misc]

    def without_each() -> None:
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):

                def out(z: torch.Tensor, hook: object, head: int = head) -> torch.Tensor:
                    return z.index_fill(2, torch.tensor([head]), 0.0)

                model.run_with_hooks(tokens[None, :32], fwd_hooks=[(f"blocks.{layer}.attn.hook_z", out)])

    found["every head out, 32 tokens"] = timed(without_each)
    return found


def main(workspace: Path) -> None:
    """Time both and print a table."""
    torch.set_num_threads(1)
    tokenizer = SpeakerTokenizer.load(workspace / "tokenizer" / "tokenizer.json")
    model = ChatTransformer.load(workspace / "model" / "model.safetensors", tokenizer)
    with torch.no_grad():
        beside = python_times(model)
    found = node_engine.run(SCRIPT, {"live": live_data(model, tokenizer)})
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {model.cfg.n_params:,} parameters")
    speech = found.pop("speech")
    for name, (best, median) in found.items():
        python = "{:8.1f} {:8.1f}".format(*beside[name]) if name in beside else ""
        print(f"{name:46} {best:8.1f} {median:8.1f}   {python}")
    print(f"{'a reply, tokens a second':46} {speech:8.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
