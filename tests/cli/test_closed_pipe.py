"""Who reads only the first lines of a command has it end with the code of a closed pipe, and no word more."""

import errno
import io
import os
import subprocess
import sys

import pytest

from wonderland.cli.main import _COMMANDS, main, run

CLOSED = 141  # 128 and the number of SIGPIPE, as a shell says of `cat`


class Closed(io.TextIOWrapper):
    """A stream that nobody reads any more."""

    def __init__(self):
        super().__init__(io.BytesIO())

    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_every_command_ends_alike(command, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Closed())
    assert run([*filter(None, [command]), "--help"]) == CLOSED


@pytest.mark.parametrize(
    "words",
    [
        ["status", "-w", "none"],
        pytest.param(["plugins"], marks=pytest.mark.slow),
        pytest.param(["plugins", "--json"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_pipe_that_is_closed_is_no_failed_check_and_no_traceback(words):
    """What is wrong is still told by its own code, though nobody hears of it."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "wonderland", *words]
    nowhere = {"stderr": writing} if words[0] == "status" else {"stderr": subprocess.PIPE}
    try:
        done = subprocess.run(program, stdout=writing, check=False, text=True, **nowhere)
    finally:
        os.close(writing)
    assert done.returncode == (3 if words[0] == "status" else CLOSED)
    assert not done.stderr


def test_last_words_that_nobody_reads_are_no_error(monkeypatch):
    """What was printed last may leave only at the end, when the command is done."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr("wonderland.cli.main.run", lambda _words: print("done", file=stream) or 0)
        monkeypatch.setattr("wonderland.cli.main.staying", lambda: None)
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "argv", ["wonderland", "status"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == CLOSED
