"""Several processes in one workspace: who is refused, who waits, and that nothing of either is lost."""

import errno
import json
import os
import threading

import pytest

import wonderland as wl
from wonderland.cli.console import Console
from wonderland.cli.main import run
from wonderland.cli.model import train_model
from wonderland.errors import InputError, UsageError
from wonderland.paths import changed_file
from wonderland.workspace import auditing, stage, wipe
from wonderland.workspace.kept import claimed
from wonderland.workspace.locking import alone, at_work, held, in_turn, undisturbed
from wonderland.workspace.stage import Stage

fcntl = pytest.importorskip("fcntl", reason="the system has no such locks")


class Work:
    def __init__(self, folder):
        self.folder = folder

    @at_work
    def calls(self, function):
        return function()


@pytest.fixture
def workspace(tmp_path):
    return wl.Workspace.create(tmp_path / "me.wonderland")


def test_nothing_is_wiped_while_another_process_works(workspace, capsys):
    wiped = Work(workspace.folder).calls(lambda: run(["wipe", "--yes", "-w", str(workspace.folder)]))
    assert wiped == 2
    assert "Another process works in this workspace." in capsys.readouterr().err
    assert (workspace.folder / "wonderland.toml").exists()
    assert Work(workspace.folder).calls(lambda: Work(workspace.folder).calls(lambda: "both")) == "both"
    assert run(["wipe", "--yes", "-w", str(workspace.folder)]) == 0


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        *((name, ()) for name in ("extract", "filter", "tokenize", "train", "check", "audit", "analyze", "report")),
        *((name, ("somewhere",)) for name in ("figures", "export_model", "export_results")),
        ("train_seeds", (2,)),
        ("examine", ("model", "texts")),
    ],
)
def test_nothing_is_begun_while_another_process_wipes(workspace, method, arguments):
    with undisturbed(workspace.folder), pytest.raises(UsageError, match="Another process deletes this workspace"):
        getattr(workspace, method)(*arguments)


def test_who_comes_when_the_workspace_is_gone_is_told_so(workspace):
    assert workspace.discard()
    for work in (workspace.analyze, lambda: workspace.configure("training", epochs=2)):
        with pytest.raises(InputError, match="There is no workspace"):
            work()
    assert not workspace.folder.exists()


def test_two_that_note_a_file_written_elsewhere_lose_neither(workspace, tmp_path, monkeypatch):
    first, second = tmp_path / "first.html", tmp_path / "second.html"
    first.write_text("1")
    second.write_text("2")
    waiting, flock = threading.Event(), fcntl.flock

    def told(file, how):
        if threading.current_thread() is not threading.main_thread():
            waiting.set()
        flock(file, how)

    def note():
        with wipe.remembering(workspace.folder, [second]):
            pass

    monkeypatch.setattr(fcntl, "flock", told)
    late = threading.Thread(target=note)
    with in_turn(workspace.folder / ".elsewhere.lock"):
        late.start()
        assert waiting.wait(30)
        noted = workspace.folder / "elsewhere.json"
        assert not noted.exists()
        noted.write_text(json.dumps({str(first): wipe.hash_file(first)}))
    late.join()
    assert wipe.traces(workspace.folder).elsewhere == (first, second)
    assert not list(workspace.folder.glob(".*.lock"))


@pytest.mark.parametrize("section", ["training", "analysis"])
def test_settings_are_written_in_turn(workspace, monkeypatch, section):
    asked = []
    monkeypatch.setattr(
        fcntl, "flock", lambda file, how: asked.append((os.readlink(f"/proc/self/fd/{file.fileno()}"), how))
    )
    workspace.configure(section, seed=7)
    assert (str(workspace.folder / ".settings.lock"), fcntl.LOCK_EX) in asked


def test_the_same_result_is_made_by_one_process_at_a_time(tmp_path):
    one, other = (Stage("induction", tmp_path / "results" / "induction" / key, 1) for key in ("a", "b"))
    with claimed([one]):
        with claimed([other]):
            pass
        with pytest.raises(UsageError, match="Another process runs induction in this workspace"), claimed([other, one]):
            pass
    with claimed([other, one]):
        pass
    assert not list(tmp_path.rglob("*.lock"))


def test_two_do_not_audit_a_model_at_once(workspace, monkeypatch):
    monkeypatch.setattr("wonderland.workspace.models.load_model", lambda layout: (None, None))
    monkeypatch.setattr(auditing, "there", lambda layout: None)
    with alone(workspace.folder / ".audit.lock", ""), pytest.raises(UsageError, match="Another process audits"):
        auditing.audit(workspace.layout, lambda: pytest.fail("it began"), (), None, None)


def test_a_file_system_without_locks_is_worked_on_all_the_same(workspace, monkeypatch):
    def without(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    with workspace.alone(), undisturbed(workspace.folder):
        assert Work(workspace.folder).calls(lambda: "done") == "done"


def test_the_later_of_two_that_replace_a_folder_stays(tmp_path, monkeypatch):
    made, replace, tried = Stage("one", tmp_path / "one", 1), os.replace, []

    def meanwhile(source, place):
        if str(source).endswith(".partial") and not tried:
            tried.append(source)
            made.folder.mkdir()
            (made.folder / "theirs").touch()
        replace(source, place)

    monkeypatch.setattr(stage.os, "replace", meanwhile)
    with made.writing() as folder:
        (folder / "ours").touch()
    assert sorted(path.name for path in made.folder.iterdir()) == ["ours", "stage.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_folder_that_cannot_be_replaced_is_as_it_was(tmp_path, monkeypatch):
    made, replace = Stage("one", tmp_path / "one", 1), os.replace
    with made.writing() as folder:
        (folder / "before").touch()

    def full(source, place):
        if str(source).endswith(".partial"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, place)

    monkeypatch.setattr(stage, "exchanged", lambda *_: False)
    monkeypatch.setattr(stage.os, "replace", full)
    with pytest.raises(wl.WonderlandError, match="The disk is full"), made.writing() as folder:
        (folder / "after").touch()
    assert made.done
    assert (made.folder / "before").exists()


def test_a_file_that_is_replaced_while_it_is_hashed_counts_as_changed(tmp_path, monkeypatch):
    (tmp_path / "file").touch()

    def gone(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr("wonderland.paths.hash_file", gone)
    assert changed_file(tmp_path, {"file": "0"}) == "file"


def test_a_model_whose_messages_changed_meanwhile_is_said_to_be_out_of_date(workspace, tmp_path, monkeypatch, capsys):
    class Model:
        history, fingerprint = None, ""

    store = tmp_path / "chats.jsonl"
    store.touch()
    workspace.configure("source", path=str(store))
    monkeypatch.setattr("wonderland.cli.model._announce", lambda *_, **__: None)
    monkeypatch.setattr(wl.Workspace, "train", lambda *_: Model())
    train_model(Console(), workspace)
    assert "out of date already" in capsys.readouterr().err


# -- what is said of it


def test_a_lock_is_held_while_its_work_is_done_and_by_no_file_that_was_left_behind(tmp_path):
    lock = tmp_path / "one.lock"
    assert not held(lock)
    assert not lock.exists()
    with alone(lock, "works"):
        assert held(lock)
    assert not held(lock)
    lock.touch()  # its process was killed
    assert not held(lock)
    with alone(lock, "works"):  # to have asked keeps nobody away
        pass
