"""Several processes: the same run as one, and only the first of them writes."""

import json
import os
import socket
import subprocess
import sys

import pytest

TWO = """
import json, sys
import torch
torch.set_num_threads(1)
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.model.processes import is_main, processes, rank
from wonderland.model.training import train
from wonderland.testing.planted import planted_chats
from wonderland.tokenizer import SpeakerTokenizer

PRESETS["tiny"] = Preset(Config(2, 2, 32, 16, 64, 64, 320), 320, 6, 512, 1e-2, 1e-1, 2e-2)
corpus = planted_chats().corpus
tokenizer = SpeakerTokenizer.train(corpus, vocab_size=320)
part, held_out = corpus.split(0.2)
seen = []
model = train(part, tokenizer, held_out=held_out, preset="tiny", epochs=2, batch_tokens=800, seed=7, device="cpu",
              checkpoint=f"{sys.argv[1]}/checkpoint-{rank()}", snapshots=3, snapshots_in=f"{sys.argv[1]}/way-{rank()}",
              on_progress=seen.append)
print(json.dumps({
    "rank": rank(),
    "processes": processes(),
    "told": len(seen),
    "losses": [point.loss for point in model.history.points],
    "held out": [epoch.held_out_loss for epoch in model.history.epochs],
    "samples": [epoch.sample for epoch in model.history.epochs],
    "fingerprint": model.fingerprint,
}))
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def trained_by(count, folder):
    """Train in so many processes, as `torchrun` would start them, and return what each printed."""
    launcher = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
    launcher["MASTER_PORT"] = str(free_port())
    started = []
    for rank in range(count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} | launcher if count > 1 else {}
        command = [sys.executable, "-c", TWO, str(folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | own
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    told = [process.communicate(timeout=240)[0] for process in started]
    assert [process.returncode for process in started] == [0] * count
    return [json.loads(text.splitlines()[-1]) for text in told]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = {count: tmp_path_factory.mktemp(f"by-{count}") for count in (1, 2)}
    return {count: trained_by(count, folder[count]) for count in (1, 2)}, folder


@pytest.mark.enable_socket
def test_two_processes_learn_what_one_learns(runs):
    (alone,), two = runs[0][1], runs[0][2]
    assert [one["processes"] for one in two] == [2, 2]
    assert two[0]["losses"] == pytest.approx(alone["losses"], rel=2e-3)
    assert two[0]["held out"] == pytest.approx(alone["held out"], rel=2e-3)


@pytest.mark.enable_socket
def test_both_hold_the_same_model_in_the_end(runs):
    first, second = runs[0][2]
    assert {**first, "rank": 1, "told": 0} == second


@pytest.mark.enable_socket
def test_only_the_first_writes_and_speaks(runs):
    results, folder = runs
    assert [one["told"] > 0 for one in results[2]] == [True, False]
    assert {path.name for path in folder[2].iterdir()} == {"checkpoint-0", "way-0"}
