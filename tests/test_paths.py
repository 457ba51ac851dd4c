"""Files are written whole or not at all, and never through a file that somebody else left."""

import errno
import os
import stat

import numpy as np
import pytest
import torch

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.export import export
from wonderland.corpus.messages import Message
from wonderland.corpus.people import Pseudonyms
from wonderland.errors import InputError
from wonderland.lab.result_files import write_tree
from wonderland.model import tensor_file
from wonderland.paths import expanded, replacing, to_write_it
from wonderland.report.plots_files import _write as write_figure
from wonderland.workspace import settings
from wonderland.workspace.wipe import remember


def _export(folder):
    said = Message("1", "a", "b", is_from_me=False, timestamp=None, text="hi")
    export(Corpus.of([said]), folder, "corpus.txt")


WRITERS = {
    "corpus.txt": _export,
    "people.json": lambda folder: Pseudonyms().save(folder / "people.json"),
    "wonderland.toml": lambda folder: settings.write_new(folder / "wonderland.toml"),
    "elsewhere.json": lambda folder: remember(folder, [folder / "chats.txt"]),
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


@pytest.mark.parametrize(("number", "said"), [(errno.EFBIG, "ulimit -f"), (errno.ENOSPC, "Free some space")])
def test_what_cannot_be_written_says_what_to_do_about_its_size(tmp_path, number, said):
    assert said in to_write_it(OSError(number, "too large"), tmp_path / "report.html")
