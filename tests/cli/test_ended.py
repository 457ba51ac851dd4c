"""SIGTERM and a closed terminal end a command as Ctrl-C does: words, a code, and nothing half done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wonderland.cli import main
from wonderland.cli.interrupted import interrupted
from wonderland.cli.main import run
from wonderland.model.interrupts import Ended, ending_on_signals
from wonderland.workspace.stage import Stage
from wonderland.workspace.workspace import Workspace

FROM_OUTSIDE = [signal.SIGTERM, signal.SIGHUP]
READING = "wonderland.corpus.corpus.read_source"


@pytest.fixture(autouse=True)
def as_a_shell_starts_it():
    """Handle no signal: who starts the tests may ignore one (``nohup``), and what is ignored stays so."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in FROM_OUTSIDE}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"sender": "me", "text": "hi"}\n{"sender": "Ada", "text": "ho"}\n')
    return tmp_path


@pytest.mark.parametrize("number", FROM_OUTSIDE)
@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("extract", READING),
        ("filter", "wonderland.corpus.corpus.judged"),
        ("tokenize", "wonderland.cli.data.train_tokenizer"),
    ],
)
def test_a_command_that_is_ended_says_so_and_writes_no_half(place, monkeypatch, capsys, number, command, step):
    words = {"extract": ["extract", "a.jsonl"], "filter": ["filter"], "tokenize": ["tokenize"]}
    for before in list(words)[: list(words).index(command)]:
        assert run([*words[before], "-q"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(step, lambda *_, **__: signal.raise_signal(number))
    assert run([*words[command], "-q"]) == 128 + number
    error = capsys.readouterr().err
    assert error.endswith(f"Error: Interrupted.\n{interrupted(words[command])[1]}\n")
    assert "begun anew" in error  # for nothing goes on where it was
    assert signal.getsignal(number) is signal.SIG_DFL
    left = {"extract": "corpus", "filter": "filtered", "tokenize": "tokenizer"}[command]
    assert not [path for path in Path("me.wonderland").iterdir() if left in path.name]
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert command == "tokenize" or run([*words[command], "-q"]) == 0  # two messages are too few to cut


def test_what_is_half_written_goes_when_it_is_ended(place):
    stage = Stage("corpus", place / "corpus", 1, {})

    def write():
        with ending_on_signals(), stage.writing() as folder:
            (folder / "messages.parquet").write_text("half")
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Ended):
        write()
    assert [path.name for path in place.iterdir()] == ["a.jsonl"]


def test_a_signal_that_somebody_ignores_or_handles_stays_theirs():
    came = []
    before = [signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: came.append(1))]
    try:
        with ending_on_signals():
            for number in FROM_OUTSIDE:
                signal.raise_signal(number)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert came == [1]


ENDED_TWICE = """
import signal
from wonderland.model.interrupts import Ended, ending_on_signals
with ending_on_signals():
    try:
        signal.raise_signal(signal.SIGTERM)
    except Ended:
        signal.raise_signal(signal.SIGTERM)
print("still here")
"""
TERMINAL = """
import os, signal, sys
from wonderland.cli import main
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored signals are inherited
def hang_up(*_, **__):
    os.close(master)
    print("to nobody", flush=True)
master, terminal = os.openpty()
os.login_tty(terminal) if hasattr(os, "login_tty") else (os.setsid(), __import__("fcntl").ioctl(
    terminal, __import__("termios").TIOCSCTTY, 0), os.dup2(terminal, 1), os.dup2(terminal, 2))
main.cli.main = hang_up
os._exit(main.run([]))
"""


def test_a_second_signal_ends_it_at_once():
    done = subprocess.run([sys.executable, "-c", ENDED_TWICE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="the system has no such terminals")
def test_a_terminal_that_is_closed_is_no_error_of_printing():
    done = subprocess.run([sys.executable, "-c", TERMINAL], capture_output=True, check=False, start_new_session=False)
    assert done.returncode == 128 + signal.SIGHUP


STOPPED = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Stop(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname == {module!r}:
            try:
                os.kill(os.getpid(), {number})
            except BaseException as error:  # as some libraries do that try to import others
                raise ImportError if {converted} else error

for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # who starts the tests may ignore one
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background is started without
from wonderland.__main__ import main
sys.argv = ["wonderland", "status", *{words}]
sys.meta_path.insert(0, Stop())
main()
"""
ALL = [signal.SIGINT, *FROM_OUTSIDE]


def stopped(number, module, *words, converted=False):
    script = STOPPED.format(module=module, number=int(number), converted=converted, words=words)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("number", "module"), list(zip(ALL, ["wonderland.cli.main", "click", "wonderland.cli.setup"], strict=True))
)
def test_a_command_that_is_stopped_while_it_is_loaded_says_the_same(number, module):
    done = stopped(number, module)
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert done.stderr.splitlines() == [f"Error: {line}" if not at else line for at, line in enumerate(SAID)]


SAID = interrupted(["status"])


def test_as_json_it_is_said_as_json():
    done = stopped(signal.SIGTERM, "click", "--json")
    assert json.loads(done.stdout) == {"error": SAID[0], "hint": SAID[1], "exit_code": 143}
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_an_import_makes_of_a_signal_is_no_fault_of_wonderland(number):
    done = stopped(number, "wonderland.workspace.workspace", converted=True)
    assert done.returncode == 128 + number
    assert "unforeseen" not in done.stderr
    assert done.stderr.endswith(f"Error: {SAID[0]}\n{SAID[1]}\n")


AFTERWARDS = """
import atexit, signal, sys
from wonderland.__main__ import main
sys.argv = ["wonderland", "status", "-q", *sys.argv[1:]]
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    atexit.register(signal.raise_signal, number)
main()
"""


def test_after_the_last_line_a_signal_changes_nothing(tmp_path):
    place = Workspace.create(tmp_path / "me.wonderland").folder
    command = [sys.executable, "-c", AFTERWARDS, "-w", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (Ended(signal.SIGTERM), 143)])
def test_one_that_is_stopped_while_it_tells_its_error_says_so(stop, code, monkeypatch, capsys):
    def stopping(_arguments):
        raise stop

    monkeypatch.setattr(main, "run", stopping)
    monkeypatch.setattr(main, "staying", lambda: None)
    monkeypatch.setattr(sys, "argv", ["wonderland", "train"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == "Error: Interrupted.\nRun the same command again to go on.\n"
