"""Does a run that is killed again and again end where it would have? Ten SIGKILLs at random steps of one run.

A process trains and writes a checkpoint several times a second; it is killed without warning after a random number of
steps and started again, ten times, then left to end. Its weights must be those of a run nobody disturbed, bit for bit
(same machine, same number of threads). What is timed is the price: the killed run beside the undisturbed one.

    pytest benchmarks/test_resume.py --benchmark-only -s
"""

import random
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

KILLS = 10
TRAIN = """
import sys
import torch
torch.set_num_threads(1)
from wonderland.model import training
from wonderland.model.chat_transformer import train
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer

PRESETS["tiny"] = Preset(Config(2, 2, 64, 32, 256, 64, 320), 320, 6, 512, 1e-2, 1e-1, 2e-2)
training._CHECKPOINT_SECONDS = 0.2
corpus = synthetic_chats().corpus
tokenizer = SpeakerTokenizer.train(corpus, vocab_size=320)
part, held_out = corpus.split(0.2)
model = train(part, tokenizer, held_out=held_out, preset="tiny", epochs=60, batch_tokens=800, seed=7,
              device="cpu", checkpoint=sys.argv[1], on_progress=lambda at: print(at.tokens, flush=True))
model.save(sys.argv[1] + ".model")
"""


def run(checkpoint, steps=None):
    """Train, or go on, and kill it after so many steps; return the steps that were seen."""
    command = [sys.executable, "-c", TRAIN, str(checkpoint)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        seen = 0
        for _ in process.stdout:
            seen += 1
            if seen == steps:
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    assert process.returncode == (0 if steps is None else -signal.SIGKILL), "it ended before it could be killed"
    return seen


@pytest.mark.parametrize("disturbed", [False, True], ids=["undisturbed", f"killed {KILLS} times"])
@pytest.mark.benchmark(group="a run of some hundred steps, in processes of its own")
def test_resume(benchmark, tmp_path_factory, disturbed):
    folder = tmp_path_factory.getbasetemp()
    path = folder / ("killed" if disturbed else "whole")
    chance = random.Random(0)
    kills = [chance.randint(15, 70) for _ in range(KILLS)] if disturbed else []

    def train():
        seen = [run(path, steps) for steps in kills]
        return [*seen, run(path)]

    seen = benchmark.pedantic(train, rounds=1)
    if disturbed:
        killed, whole = (load_file(folder / f"{name}.model") for name in ("killed", "whole"))
        assert killed.keys() == whole.keys()
        assert all(torch.equal(killed[name], whole[name]) for name in whole)
        print(f"\nkilled after {seen[:-1]} steps, then {seen[-1]} to the end: {len(whole)} tensors, equal bit for bit")
