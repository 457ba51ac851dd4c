"""Files are written whole or not at all, and never through a file that somebody else left."""

import errno
import os
import re
import stat
import tempfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland import plugins
from wonderland.cli.main import run
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.export import export
from wonderland.corpus.messages import Message
from wonderland.corpus.people import Pseudonyms
from wonderland.errors import InputError, ResourceError
from wonderland.lab.result_files import write_folder, write_tree
from wonderland.lab.running import Watching, _named
from wonderland.model import tensor_file
from wonderland.paths import expanded, lack_of_room, replacing, to_write_it
from wonderland.report.plots_files import _write as write_figure
from wonderland.workspace import settings
from wonderland.workspace.wipe import remembering


def _export(folder):
    said = Message("1", "a", "b", is_from_me=False, timestamp=None, text="hi")
    export(Corpus.of([said]), folder, "corpus.txt")


def _note(folder):
    with remembering(folder, [folder / "chats.txt"]):
        pass


WRITERS = {
    "corpus.txt": _export,
    "people.json": lambda folder: Pseudonyms().save(folder / "people.json"),
    "wonderland.toml": lambda folder: settings.write_new(folder / "wonderland.toml"),
    "elsewhere.json": lambda folder: _note(folder),
    "model.safetensors": lambda folder: tensor_file.write(
        folder / "model.safetensors", {}, {"a": torch.zeros(1)}, what="model"
    ),
    "figure.png": lambda folder: write_figure(folder / "figure.png", b"x"),
    "result.json": lambda folder: write_tree(folder, "T", {"a": np.zeros(1)}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_written_through_a_name_that_can_be_guessed(tmp_path, name):
    precious, folder = tmp_path / "precious", tmp_path / "folder"
    precious.write_text("letters", encoding="utf-8")
    folder.mkdir()
    (folder / "chats.txt").write_text("x", encoding="utf-8")
    ends = (".partial", ".tmp", f".{os.getpid()}")
    guessed = [folder / f"{dot}{name}{end}" for dot in ("", ".") for end in ends]
    for link in guessed:
        link.symlink_to(precious)
    WRITERS[name](folder)
    assert precious.read_text(encoding="utf-8") == "letters"
    assert all(link.is_symlink() for link in guessed)
    written = [path for path in folder.iterdir() if path.name != "chats.txt" and not path.is_symlink()]
    assert written
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def test_a_write_that_fails_leaves_what_stood_there_and_nothing_else(tmp_path):
    path = tmp_path / ("n" * 250)  # the drawn name must not be longer than a name can be
    path.write_text("before", encoding="utf-8")
    with pytest.raises(TypeError), replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(["half", None])
    assert [one.read_text(encoding="utf-8") for one in tmp_path.iterdir()] == ["before"]


def test_the_home_folder_of_nobody_is_told():
    with pytest.raises(InputError, match="'~nobody-of-that-name'"):
        expanded("~nobody-of-that-name/x")


@pytest.mark.parametrize("name", ["model.safetensors", "result.json"])
def test_a_full_disk_is_told_as_the_system_says_it_and_without_names_of_ours(tmp_path, monkeypatch, name):
    def full(*_, **__):
        raise Exception("Error while serializing: I/O error: No space left on device (os error 28)")

    def full_too(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "a hidden name")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    monkeypatch.setattr("pathlib.Path.write_bytes", full_too)
    with pytest.raises(ResourceError) as caught:
        WRITERS[name](tmp_path)
    assert re.fullmatch(r".*: No space left on device\. What was there before is untouched\.", caught.value.message)
    assert caught.value.hint == "Free some space and run the same again."
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_written_names_no_hidden_one_and_leaves_none(tmp_path):
    def full(partial):
        raise OSError(errno.EFBIG, "File too large", str(partial))

    place = tmp_path / "new" / "out"
    with pytest.raises(ResourceError) as caught:
        write_folder(place, "mark", full)
    assert caught.value.message == f"{place} cannot be written: File too large. What was there before is untouched."
    assert "ulimit -f" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_takes_the_place_of_one_of_its_kind_or_leaves_it(tmp_path, monkeypatch, at_once):
    place, replace = tmp_path / "out", os.replace

    def write(text):
        return lambda partial: (partial / "mark").write_text(text, encoding="utf-8")

    def full(one, other):
        if other == place and not str(one).endswith(".old"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(one, other)

    write_folder(place, "mark", write("1"))
    if not at_once:
        monkeypatch.setattr("wonderland.lab.result_files.exchanged", lambda *_: False)
    write_folder(place, "mark", write("2"))
    assert (place / "mark").read_text(encoding="utf-8") == "2"
    monkeypatch.setattr("wonderland.lab.result_files.exchanged", lambda *_: False)
    monkeypatch.setattr("wonderland.lab.result_files.os.replace", full)
    with pytest.raises(ResourceError, match="No space left"):
        write_folder(place, "mark", write("3"))
    assert (place / "mark").read_text(encoding="utf-8") == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(("number", "said"), [(errno.EFBIG, "ulimit -f"), (errno.ENOSPC, "Free some space")])
def test_what_cannot_be_written_says_what_to_do_about_its_size(tmp_path, number, said):
    assert said in to_write_it(OSError(number, "too large"), tmp_path / "report.html")


def no_place(*_, **__):
    """What Python raises where it finds no place for temporary files."""
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/a b']")


def test_a_lack_of_room_is_told_apart_from_a_fault():
    with pytest.raises(FileNotFoundError) as raised:
        no_place()
    found = lack_of_room(raised.value)
    assert str(found.message) == "There is no room for temporary files: none could be written in /tmp, /a b."
    assert "TMPDIR" in found.hint
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        found = lack_of_room(OSError(number, "no room", "/place/file"))
        assert found.message == "/place/file could not be written: no room."
    missing = FileNotFoundError(errno.ENOENT, "No such file", "x")
    for other in (missing, OSError("what"), ValueError("x"), KeyboardInterrupt()):
        assert lack_of_room(other) is None


def test_python_still_says_it_so(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "missing")])
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(FileNotFoundError) as raised:
        tempfile.gettempdir()
    assert str(tmp_path / "missing") in lack_of_room(raised.value).message


@pytest.mark.parametrize("where", ["a command", "a plugin", "an analysis"])
def test_without_room_for_temporary_files_a_command_says_so_and_blames_nobody(where, monkeypatch, capsys, tmp_path):
    if where == "a plugin":
        with pytest.raises(ResourceError, match="no room for temporary files"):
            plugins.load()._call(no_place, "core", "source")
    elif where == "an analysis":
        with pytest.raises(FileNotFoundError), _named(SimpleNamespace(name="x"), Watching(on_result=print)):
            no_place()
    else:
        wl.Workspace.create(tmp_path / "me.wonderland")
        monkeypatch.setattr(wl.Workspace, "status", no_place)
        assert run(["status", "-w", str(tmp_path / "me.wonderland")]) == 5
        error = " ".join(capsys.readouterr().err.split())
        assert "no room for temporary files" in error
        assert "fault" not in error
