"""`torchrun -m wonderland train`: several processes, one voice, one model; other commands are not for several."""

import os
import socket
import subprocess
import sys
import tomllib

import pytest

from wonderland.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

QUICKLY = ("--epochs", 1, "--stride", 8)


def together(count, *arguments):
    """Run the command line in so many processes, as a launcher would, and return what each printed."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
    shared |= {"MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "wonderland", *map(str, arguments)]
    started = [
        subprocess.Popen(
            command,
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    told = [process.communicate(timeout=240) for process in started]
    return [(process.returncode, out, err) for process, (out, err) in zip(started, told, strict=True)]


@pytest.mark.enable_socket
def test_two_processes_train_one_model_and_one_of_them_speaks(untrained):
    first, second = together(2, "train", "-w", untrained, "--device", "cpu", "--seed", 3, *QUICKLY)
    assert first[0] == second[0] == 0
    assert "Written to" in first[2]
    assert "held-out messages" in first[1]
    assert second[1] == ""
    assert "epoch" not in second[2]
    assert Workspace(untrained).stage("model").done
    assert tomllib.loads((untrained / "wonderland.toml").read_text(encoding="utf-8"))["training"]["seed"] == 3
    assert not (untrained / "training.checkpoint").exists()


@pytest.mark.enable_socket
def test_an_error_that_all_processes_meet_is_told_once(untrained):
    first, second = together(2, "train", "-w", untrained, "--preset", "huge")
    assert first[0] == second[0] == 2
    assert "no preset named" in first[2]
    assert second[2] == ""


@pytest.mark.enable_socket
def test_other_commands_are_refused_with_the_way_to_call_them(untrained):
    first, _ = together(2, "analyze", "-w", untrained)
    assert first[0] == 2
    assert "Without the launcher: wonderland analyze" in first[2]
