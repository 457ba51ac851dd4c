"""Settings that a refused command wrote are taken back, and what somebody else wrote meanwhile is not lost."""

import errno
import os

import pytest

from wonderland.cli.console import Console
from wonderland.cli.context import record
from wonderland.cli.main import run
from wonderland.errors import Interrupted, NotEnoughData
from wonderland.workspace.folder import LOCK
from wonderland.workspace.locking import alone
from wonderland.workspace.workspace import Workspace


def test_what_a_command_wrote_is_taken_back(tmp_path):
    workspace = Workspace.create(tmp_path / "me.wonderland")
    file, console = workspace.folder / "wonderland.toml", Console(quiet=True)
    before = file.read_text(encoding="utf-8")
    record(console, workspace, "training", {"preset": "large"})
    record(console, workspace, "split", {"by": "time"})
    assert "large" in file.read_text(encoding="utf-8")
    console.take_back()
    assert file.read_text(encoding="utf-8") == before


def test_what_somebody_changed_while_it_ran_stays(tmp_path):
    workspace = Workspace.create(tmp_path / "me.wonderland")
    file, console = workspace.folder / "wonderland.toml", Console(quiet=True)
    record(console, workspace, "training", {"preset": "large"})
    changed = file.read_text(encoding="utf-8").replace("windows = 200", "windows = 77")
    file.write_text(changed, encoding="utf-8")
    console.take_back()
    assert file.read_text(encoding="utf-8") == changed
    assert "windows = 77" in changed


def test_what_was_written_is_said_when_it_is_sure_and_not_when_it_is_taken_back(tmp_path, capsys):
    workspace = Workspace.create(tmp_path / "me.wonderland")
    console = Console()
    record(console, workspace, "training", {"preset": "large"})
    assert capsys.readouterr().err == ""
    console.take_back()
    console.next("wonderland status")
    assert "Written to" not in capsys.readouterr().err
    console = Console()
    record(console, workspace, "training", {"preset": "nano"})
    console.next("wonderland status")
    assert "[training] preset = 'nano'" in capsys.readouterr().err
    console.take_back()  # too late to say nothing
    assert "is as it was before" in capsys.readouterr().err


def test_what_an_interrupted_run_saved_keeps_its_settings(tmp_path, monkeypatch, capsys):
    workspace = Workspace.create(tmp_path / "me.wonderland")
    monkeypatch.setattr("wonderland.cli.model.train_model", stopped(Interrupted("Stopped.")))
    assert run(["train", "-w", str(workspace.folder), "--epochs", "7"]) == 130
    assert workspace.settings.training.epochs == 7
    assert "[training] epochs = 7" in capsys.readouterr().err
    monkeypatch.setattr("wonderland.cli.model.train_model", stopped(NotEnoughData("Too few.")))
    assert run(["train", "-w", str(workspace.folder), "--epochs", "8"]) == 4
    assert workspace.settings.training.epochs == 7
    assert "Written to" not in capsys.readouterr().err


def stopped(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("typed", [["filter", "--none"], ["tokenize", "--by", "time"], ["extract", "--names"], ["run"]])
def test_while_another_process_chooses_messages_settings_and_results_stay_together(tmp_path, capsys, typed):
    pytest.importorskip("fcntl", reason="the system has no such locks")
    workspace = Workspace.create(tmp_path / "me.wonderland")
    before = (workspace.folder / "wonderland.toml").read_text(encoding="utf-8")
    with workspace.alone():
        assert run([*typed, "-w", str(workspace.folder)]) == 2
    said = capsys.readouterr().err
    assert "Another process reads or chooses the messages of this workspace." in said
    assert "Wait until it has ended" in said
    assert (workspace.folder / "wonderland.toml").read_text(encoding="utf-8") == before
    assert sorted(path.name for path in workspace.folder.iterdir()) == [".gitignore", "wonderland.toml"]


def test_training_makes_no_tokenizer_while_another_process_chooses_messages(untrained, capsys):
    pytest.importorskip("fcntl", reason="the system has no such locks")
    workspace = Workspace(untrained)
    workspace.configure("tokenizer", vocab_size=300)
    with workspace.alone():
        assert run(["train", "-q", "-w", str(untrained)]) == 2
    assert "Another process reads or chooses the messages of this workspace." in capsys.readouterr().err
    assert not workspace.stage("tokenizer").done


def test_a_folder_that_cannot_be_written_is_not_locked(tmp_path, monkeypatch):
    workspace = Workspace.create(tmp_path / "me.wonderland")

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("wonderland.workspace.locking.open", refused, raising=False)
    with workspace.alone():
        pass


@pytest.mark.parametrize("made", ["folder", "link", "pipe"])
def test_a_lock_that_is_no_plain_file_is_refused_and_stays(tmp_path, capsys, made):
    pytest.importorskip("fcntl", reason="the system has no such locks")
    workspace = Workspace.create(tmp_path / "me.wonderland")
    lock = workspace.folder / LOCK
    {"folder": os.mkdir, "link": lambda path: os.symlink(tmp_path / "nowhere", path), "pipe": os.mkfifo}[made](lock)
    assert run(["filter", "--none", "-w", str(workspace.folder)]) == 2
    assert f"{LOCK} is no plain file" in capsys.readouterr().err
    assert os.path.lexists(lock)
    assert not (tmp_path / "nowhere").exists()


def test_a_lock_that_somebody_deleted_meanwhile_is_taken_again(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="the system has no such locks")
    path, flock, tried = tmp_path / "lock", fcntl.flock, []

    def meanwhile(file, how):
        if not tried:
            path.unlink()
        tried.append(how)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", meanwhile)
    with alone(path, "does it"):
        assert len(tried) == 2
        assert path.exists()
    assert not path.exists()


def test_nothing_is_wiped_while_another_process_reads_messages(tmp_path, capsys):
    pytest.importorskip("fcntl", reason="the system has no such locks")
    workspace = Workspace.create(tmp_path / "me.wonderland")
    with workspace.alone():
        assert run(["wipe", "--yes", "-w", str(workspace.folder)]) == 2
        assert (workspace.folder / "wonderland.toml").exists()
    assert "Another process reads or chooses the messages" in capsys.readouterr().err
    assert run(["wipe", "--yes", "-w", str(workspace.folder)]) == 0
    assert not workspace.folder.exists()
