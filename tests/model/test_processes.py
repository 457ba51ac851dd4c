"""Several processes: the same run as one, and only the first of them writes."""

import json
import os
import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

TWO = """
import json, sys
import torch
torch.set_num_threads(1)
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.model.processes import is_main, processes, rank
from wonderland.model.chat_transformer import train
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer

PRESETS["tiny"] = Preset(Config(2, 2, 32, 16, 64, 64, 320), 320, 6, 512, 1e-2, 1e-1, 2e-2)
corpus = synthetic_chats().corpus
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


LOST = """
import sys
import torch
torch.set_num_threads(1)
from wonderland.errors import WonderlandError
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.model.processes import rank
from wonderland.model.chat_transformer import train
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer

PRESETS["tiny"] = Preset(Config(2, 2, 32, 16, 64, 64, 320), 320, 6, 512, 1e-2, 1e-1, 2e-2)
corpus = synthetic_chats().corpus
part, held_out = corpus.split(0.2)
try:
    train(part, SpeakerTokenizer.train(corpus, vocab_size=320), held_out=held_out, preset="tiny", epochs=2,
          batch_tokens=800, seed=7 + rank() * int(sys.argv[2]), device="cpu", checkpoint=sys.argv[1],
          on_progress=lambda at: print(at.tokens, flush=True))
except WonderlandError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def started(count, script, *arguments):
    """Start so many processes of a script, as `torchrun` would."""
    launcher = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
    launcher["MASTER_PORT"] = str(free_port())
    command = [sys.executable, "-c", script, *map(str, arguments)]
    run = []
    for rank in range(count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} | launcher if count > 1 else {}
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | own
        run.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    return run


def trained_by(count, folder):
    """Train in so many processes and return what each printed."""
    run = started(count, TWO, folder)
    told = [process.communicate(timeout=240)[0] for process in run]
    assert [process.returncode for process in run] == [0] * count
    return [json.loads(text.splitlines()[-1]) for text in told]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = {count: tmp_path_factory.mktemp(f"by-{count}") for count in (1, 2)}
    return {count: trained_by(count, folder[count]) for count in (1, 2)}, folder


@pytest.mark.enable_socket
def test_two_processes_learn_what_one_learns(runs):
    (alone,), two = runs[0][1], runs[0][2]
    assert [one["processes"] for one in two] == [2, 2]
    assert two[0]["losses"][:3] == pytest.approx(alone["losses"][:3], rel=1e-5)  # sums in another order
    assert two[0]["losses"] == pytest.approx(alone["losses"], rel=2e-3)  # which steps amplify
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


@pytest.mark.enable_socket
def test_a_run_that_lost_a_process_is_saved_and_goes_on_alone(short, tmp_path):
    path = tmp_path / "checkpoint"
    first, second = started(2, LOST, path, 0)
    for _ in range(9):
        assert first.stdout.readline(), "the run ended before one of it could be killed"
    second.kill()
    told = first.communicate(timeout=240)[0]
    assert first.returncode == 5
    assert "Process 0 of 2 lost another one" in told
    assert "it goes on from the last checkpoint" in told
    steps = told.splitlines().index(next(line for line in told.splitlines() if line.startswith("Process"))) + 9
    resumed = []
    model = short(checkpoint=path, on_progress=resumed.append)
    whole = short()
    left = whole.history.epochs[-1].step - sum(at.epoch is None for at in resumed)
    assert left >= steps  # nothing was lost of what was told; steps may be saved before their lines are printed
    losses = [epoch.held_out_loss for epoch in whole.history.epochs]
    assert [epoch.held_out_loss for epoch in model.history.epochs] == pytest.approx(losses, rel=2e-3)


@pytest.mark.enable_socket
def test_processes_that_would_not_do_the_same_work_refuse_to_begin(tmp_path):
    run = started(2, LOST, tmp_path / "checkpoint", 1)  # the second has another seed
    told = [process.communicate(timeout=240)[0] for process in run]
    assert [process.returncode for process in run] == [2, 2]
    assert all("do not have the same messages, settings and checkpoint" in one for one in told)
    assert list(tmp_path.iterdir()) == []
