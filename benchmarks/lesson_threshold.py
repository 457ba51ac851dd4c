"""How much does the best head of a model that knows no speakers bring back? For the threshold of the first lesson.

    python benchmarks/lesson_threshold.py WORKSPACE [--draws 20]

Asks the page's engine what the lesson asks: of what swapping the speakers changes on the invented texts, how much comes
back through each head. Of the trained model, and of the same with the weights shuffled: of its blocks, all of them, or
those of attention alone. Pairs with a gap under half a logit are not asked. Needs node and a trained workspace.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import wonderland as wl
from wonderland.lab.live_lessons import PROMPTS
from wonderland.report.live import live_data
from wonderland.tokenizer import ME, SEP, THEM

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "report"))
import node_engine

LEAST = 0.5  # logits
SCRIPT = """
const own = tensorsOf(given.live), found = { trained: [], blocks: [], all: [], attention: [] };
const ask = (tensors) => {
  const shares = [], model = finish(modelOf(given.live.cfg, tensors));
  for (const prompt of given.prompts) {
    const pair = finish(speakerPair(model, Array.from(prompt)));
    if (pair.gap >= given.least) shares.push(finish(shareThroughEach(pair)));
  }
  return shares.length ? Math.max(...shares[0].map((_, i) => meanOf(shares.map((one) => one[i])))) : null;
};
const shuffled = (values, draw) => {
  const out = values.slice();
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
};
found.trained.push(ask(own));
for (const [kind, which] of [['blocks', /^blocks.*W_/], ['all', /W_/], ['attention', /W_(QKV|O)$/]]) {
  for (let seed = 1; seed <= given.draws; seed++) {
    const draw = draws(seed), mixed = (name, values) => (which.test(name) ? shuffled(values, draw) : values);
    found[kind].push(ask(Object.fromEntries(Object.entries(own).map(([name, values]) => [name, mixed(name, values)]))));
  }
}
return found;
"""


def main() -> None:
    """Ask, and print a line for each kind of model."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("workspace", type=Path)
    options.add_argument("--draws", type=int, default=20)
    given = options.parse_args()
    model, tokenizer = wl.Workspace(given.workspace).load_model()
    prompts = []
    for prompt in PROMPTS:
        tokens: list[int] = []
        for who, text in prompt:
            begin = [SEP] if tokens else []
            tokens += [*begin, ME if who == "me" else THEM, *map(int, tokenizer.encode_messages([text])[0])]
        prompts.append(np.array(tokens[-model.cfg.n_ctx :], dtype=np.int32))
    asked = {"live": live_data(model, tokenizer), "prompts": prompts, "least": LEAST, "draws": given.draws}
    for kind, found in node_engine.run(SCRIPT, asked).items():  # type: ignore[attr-defined]
        best = np.array([one for one in found if one is not None])
        if not len(best):
            print(f"{kind:10} of {len(found)} models none had a pair with a gap of {LEAST} logits")
            continue
        print(
            f"{kind:10} best head: median {np.median(best):.2f}, 95% under {np.quantile(best, 0.95):.2f}, least "
            f"{best.min():.2f}, most {best.max():.2f}; {len(best)} of {len(found)} models had a pair to ask"
        )


if __name__ == "__main__":
    main()
