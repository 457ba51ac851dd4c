"""A stage is there whenever a process is killed: at once, or when the workspace is opened the next time."""

import json
import os
import signal
import subprocess
import sys
import warnings

import pytest

import wonderland as wl
from wonderland.paths import exchanged
from wonderland.workspace import stage as module
from wonderland.workspace.locking import _folder_held
from wonderland.workspace.stage import Stage

NAMES = ["checks", "models/seed-1", "results/triage/0123456789abcdef", "stores/jsonl"]


@pytest.fixture
def workspace(tmp_path):
    return wl.Workspace.create(tmp_path / "me.wonderland").folder


def written(place, text, key=1):
    """A sealed stage with one file that says which it is."""
    with Stage("letters", place, 1, {"n": key}).writing() as folder:
        (folder / "a").write_text(text, encoding="utf-8")
    return place


def text(place):
    return (place / "a").read_text(encoding="utf-8")


def killed(workspace, name, *, new="", old=""):
    """Leave what a process leaves that is killed between two moves, and return the place where nothing is."""
    place = workspace / name
    beside = place.parent
    if new:
        written(place, new, 2).rename(beside / f".{place.name}.abcdefgh.partial")
    if old:
        (beside / f".{place.name}.ijklmnop.old").mkdir(parents=True)
        written(place, old).rename(beside / f".{place.name}.ijklmnop.old" / "0")
    return place


def left(workspace):
    return [path for path in workspace.rglob(".*") if path.suffix in (".partial", ".old")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("new", "old", "found", "said"),
    [("new", "old", "new", "the new one"), ("", "old", "old", "the one before"), ("new", "", "new", "the new one")],
)
def test_what_was_left_beside_its_place_is_put_back_and_told(workspace, name, new, old, found, said):
    place = killed(workspace, name, new=new, old=old)
    with pytest.warns(RuntimeWarning, match=rf"killed.*there again: {name} \({said}\)"):
        wl.Workspace(workspace)
    assert text(place) == found
    assert Stage("letters", place, 1, {"n": 2 if new else 1}).done
    assert left(workspace) == []


@pytest.mark.parametrize("damage", ["unsealed", "a file changed", "no record of ours"])
def test_a_new_one_that_is_not_whole_is_not_taken(workspace, damage):
    place = killed(workspace, "checks", new="new", old="old")
    half = workspace / ".checks.abcdefgh.partial"
    if damage == "unsealed":
        (half / "stage.json").unlink()
    else:
        (half / ("stage.json" if "record" in damage else "a")).write_text(json.dumps("cut"), encoding="utf-8")
    with pytest.warns(RuntimeWarning, match="the one before"):
        wl.Workspace(workspace)
    assert text(place) == "old"


def test_of_several_new_ones_that_sealed_last_is_taken(workspace):
    place = workspace / "checks"
    for number, when in enumerate((3.0, 9.0, 5.0)):
        half = written(place, str(when))
        record = json.loads((half / "stage.json").read_text(encoding="utf-8"))
        (half / "stage.json").write_text(json.dumps({**record, "written": when}), encoding="utf-8")
        half.rename(workspace / f".checks.abcdefg{number}.partial")
    with pytest.warns(RuntimeWarning, match="the new one"):
        wl.Workspace(workspace)
    assert text(place) == "9.0"


def test_while_somebody_works_there_nothing_is_moved(workspace):
    place = killed(workspace, "checks", new="new", old="old")
    before = sorted(left(workspace))
    with _folder_held(workspace, "works", alone=False), warnings.catch_warnings():
        warnings.simplefilter("error")
        wl.Workspace(workspace)
    assert not place.exists()
    assert sorted(left(workspace)) == before


def test_a_stage_that_is_there_is_left_alone(workspace):
    place = killed(workspace, "checks", new="new", old="old")
    written(place, "later", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wl.Workspace(workspace)
    assert text(place) == "later"


def test_two_folders_change_places_or_nothing_happens(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "a").write_text(folder.name, encoding="utf-8")
    assert not exchanged(one, tmp_path / "nothing")
    assert text(one) == "one"
    if exchanged(one, other):
        assert (text(one), text(other)) == ("other", "one")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError(5, "Input/output error")])
def test_stopped_between_two_moves_the_old_one_stays(tmp_path, monkeypatch, at_once, error):
    if not at_once:
        monkeypatch.setattr(module, "exchanged", lambda *_: False)
    elif not exchanged(written(tmp_path / "one", "1"), written(tmp_path / "other", "2")):
        pytest.skip("two folders cannot change places here")
    place, real = written(tmp_path / "letters", "old"), os.replace

    def replace(one, other):
        if other == place and str(one).endswith(".partial"):
            raise error
        real(one, other)

    monkeypatch.setattr(module.os, "replace", replace)
    if at_once:  # there are no two moves
        written(place, "new", 2)
    else:
        with pytest.raises(type(error) if isinstance(error, OSError) else error):
            written(place, "new", 2)
    assert text(place) == ("new" if at_once else "old")
    assert left(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from wonderland.workspace import stage as module
module.exchanged = lambda *_: False
real = os.replace
def replace(one, other):
    if str(one).endswith(".partial"):
        os.kill(os.getpid(), signal.SIGKILL)
    real(one, other)
module.os.replace = replace
with module.Stage("letters", Path(sys.argv[1]), 1, {"n": 2}).writing() as folder:
    (folder / "a").write_text("new", encoding="utf-8")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_between_two_moves_the_new_one_is_there_when_the_workspace_is_opened(workspace):
    place = written(workspace / "checks", "old")
    assert subprocess.run([sys.executable, "-c", KILLED, place], check=False).returncode == -signal.SIGKILL
    assert not place.exists()
    with pytest.warns(RuntimeWarning, match=r"checks \(the new one\)"):
        wl.Workspace(workspace)
    assert text(place) == "new"
    assert left(workspace) == []
