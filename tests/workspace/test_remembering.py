"""What is written elsewhere is noted first: what cannot be noted is not written, and `wipe` finds what was."""

import errno
import json

import pytest

import wonderland as wl
from wonderland.errors import ResourceError
from wonderland.workspace import wipe
from wonderland.workspace.stage import guarding
from wonderland.workspace.wipe import delete, must_be_ours, new_folders, remember_parts, remembering, traces


@pytest.fixture
def workspace(tmp_path):
    return wl.Workspace.create(tmp_path / "me.wonderland").folder


@pytest.fixture
def sealed(monkeypatch):
    """Return a function after which nothing can be written into the workspace."""

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    return lambda: (
        monkeypatch.setattr(wipe, "in_turn", lambda path: guarding(path.parent))
        or monkeypatch.setattr(wipe, "replacing", refuse)
    )


def notes(workspace):
    file = workspace / "elsewhere.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def test_what_cannot_be_noted_is_not_written(workspace, sealed, tmp_path):
    place = tmp_path / "r.html"
    sealed()
    with (
        pytest.raises(ResourceError, match=r"Nothing was written: .*wipe` finds it") as caught,
        remembering(workspace, [place]),
    ):
        place.write_text("all texts", encoding="utf-8")
    assert not place.exists()
    assert "Read-only file system" in caught.value.message
    assert f"cp -r {workspace} " in caught.value.hint


def test_the_parts_of_a_folder_that_cannot_be_noted_are_told_before_it_is_moved(workspace, sealed, tmp_path):
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial" / "a").write_text("all texts", encoding="utf-8")
    sealed()
    with pytest.raises(ResourceError, match="Nothing was written"):
        remember_parts(workspace, tmp_path / "out", tmp_path / "partial", [])


def test_the_parts_of_a_folder_are_found_at_its_place(workspace, tmp_path):
    out, partial = tmp_path / "deep" / "out", tmp_path / "partial"
    (partial / "sub").mkdir(parents=True)
    (partial / "sub" / "a").write_text("all texts", encoding="utf-8")
    made = new_folders(out)
    remember_parts(workspace, out, partial, made)
    out.parent.mkdir()
    partial.rename(out)
    assert traces(workspace).elsewhere == (out / "sub" / "a",)
    delete(traces(workspace))
    assert not out.parent.exists()


def test_a_file_that_a_killed_process_wrote_is_named(workspace, tmp_path):
    place = tmp_path / "r.html"
    held = remembering(workspace, [place])
    held.__enter__()  # and nothing afterwards
    assert traces(workspace).changed == ()
    place.write_text("all texts", encoding="utf-8")
    assert traces(workspace).changed == (place,)
    with pytest.raises(wl.WonderlandError, match="did not write it"):
        must_be_ours(workspace, [place])


def test_what_failed_is_not_noted_any_more_and_what_was_there_still_is(workspace, tmp_path):
    old, new, folder = tmp_path / "old.html", tmp_path / "deep" / "new.html", tmp_path / "deep"
    with remembering(workspace, [old]):
        old.write_text("before", encoding="utf-8")
    before = notes(workspace)
    with pytest.raises(KeyboardInterrupt), remembering(workspace, [old, new], [folder]):
        raise KeyboardInterrupt
    assert notes(workspace) == before
    assert traces(workspace).elsewhere == (old,)


def test_what_was_written_before_it_failed_is_found(workspace, tmp_path):
    first, second = tmp_path / "1.svg", tmp_path / "2.svg"

    def stopped():
        with remembering(workspace, [first, second]):
            first.write_text("words", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert traces(workspace).elsewhere == (first,)
    assert list(notes(workspace)) == [str(first)]


def test_what_cannot_be_noted_afterwards_is_taken_away_unless_it_was_there(workspace, sealed, tmp_path):
    old, new = tmp_path / "old.html", tmp_path / "deep" / "new.html"
    with remembering(workspace, [old]):
        old.write_text("before", encoding="utf-8")

    def full_by_then():
        with remembering(workspace, [old, new], new_folders(new.parent)):
            new.parent.mkdir()
            for place in (old, new):
                place.write_text("now", encoding="utf-8")
            sealed()

    with pytest.raises(ResourceError):
        full_by_then()
    assert not new.parent.exists()
    assert old.exists()
    assert traces(workspace).changed == (old,)
