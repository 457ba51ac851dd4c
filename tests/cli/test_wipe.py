"""wipe: all that was written goes, what was not stays, and what cannot be reached is said."""

import errno
import io
import json
from types import SimpleNamespace

import pytest

from wonderland.cli.main import run
from wonderland.corpus.export import FILES
from wonderland.errors import ResourceError, UsageError
from wonderland.workspace.comparing import write_comparison
from wonderland.workspace.wipe import OWN, must_be_ours, remembering, traces
from wonderland.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def few(messages, tmp_path_factory):
    """A file with a part of the messages, all of which go away again."""
    path = tmp_path_factory.mktemp("few") / "chats.jsonl"
    with open(messages, encoding="utf-8") as file:
        rows = [line for line, _ in zip(file, range(200), strict=False) if len(line) < 10_000]
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def small(few, tmp_path, monkeypatch, capsys):
    """A workspace with a corpus, an export elsewhere and a file of its owner in it."""
    folder = tmp_path / "me.wonderland"
    assert run(["extract", "-q", "-w", str(folder), str(few)]) == 0
    assert run(["filter", "-q", "-w", str(folder)]) == 0
    assert run(["export", "-q", "-w", str(folder), str(tmp_path / "plain")]) == 0
    (folder / "diary.txt").write_text("mine", encoding="utf-8")
    capsys.readouterr()
    return folder


def test_everything_that_was_written_is_deleted_and_nothing_else(small, few, tmp_path, capsys):
    assert run(["wipe", "--yes", "-w", str(small)]) == 0
    assert [path.name for path in small.iterdir()] == ["diary.txt"]
    assert not (tmp_path / "plain").exists()
    assert few.exists()
    out = capsys.readouterr().out
    assert "corpus/" in out
    assert str(tmp_path / "plain" / "corpus.txt") in out
    assert "Left: " in out
    assert "diary.txt" in out
    assert f"Never touched: {few}" in out
    assert "backups" in out


def test_a_folder_that_is_empty_then_goes_too(small, capsys):
    (small / "diary.txt").unlink()
    assert run(["wipe", "--yes", "-w", str(small)]) == 0
    assert not small.exists()


def test_folders_made_for_an_export_go_with_it_and_others_are_named(small, tmp_path, capsys):
    here, there, shared = tmp_path / "new" / "deep", tmp_path / "was-there", small / "shared"
    there.mkdir()
    for place in (here, there, shared):
        assert run(["export", "-q", "-w", str(small), str(place), "--only", "corpus.txt"]) == 0
    (shared / "mine.txt").write_text("mine", encoding="utf-8")
    capsys.readouterr()
    assert run(["wipe", "--yes", "-w", str(small)]) == 0
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "plain").exists()
    assert [path.name for path in shared.iterdir()] == ["mine.txt"]
    assert list(there.iterdir()) == []
    told = capsys.readouterr().out
    assert f"Left: {there} (a folder, empty now)" in told
    assert f"Left: {shared} (not written by wonderland)" in told


def test_a_folder_in_the_workspace_that_an_export_made_goes_with_it(small, capsys):
    (small / "diary.txt").unlink()
    assert run(["export", "-q", "-w", str(small), str(small / "out")]) == 0
    capsys.readouterr()
    assert run(["wipe", "--yes", "-w", str(small)]) == 0
    assert not small.exists()
    assert "Left:" not in capsys.readouterr().out


def test_a_file_elsewhere_that_was_changed_since_stays_and_is_named(small, tmp_path, capsys):
    changed = tmp_path / "plain" / "corpus.txt"
    changed.write_text("now something else", encoding="utf-8")
    assert run(["wipe", "--yes", "--json", "-w", str(small)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert changed.exists()
    assert str(changed) in told["left"]
    assert told["bytes"] > 50_000


def test_without_an_answer_nothing_is_deleted(small, monkeypatch, capsys):
    before = sorted(small.rglob("*"))
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert run(["wipe", "-w", str(small)]) == 2
    assert "Nothing was deleted" in capsys.readouterr().err
    assert sorted(small.rglob("*")) == before


@pytest.mark.parametrize(("typed", "gone"), [("me.wonderland", True), ("yes", False), ("", False)])
def test_the_name_of_the_workspace_must_be_typed(small, typed, gone, monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(f"{typed}\n"))
    assert run(["wipe", "-w", str(small)]) == (0 if gone else 2)
    assert (small / "corpus").exists() is not gone


def test_a_link_out_of_the_workspace_is_unlinked_not_followed(small, tmp_path, capsys):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "photo").write_text("x", encoding="utf-8")
    (small / "results").symlink_to(precious)
    assert run(["wipe", "--yes", "-w", str(small)]) == 0
    assert (precious / "photo").exists()


def test_no_folder_that_a_run_makes_is_forgotten(made):
    assert traces(made).strangers == ()
    assert {path.name for path in made.iterdir()} <= set(OWN)


def test_a_report_written_elsewhere_is_remembered(workspace, tmp_path):
    place = Workspace(workspace).report(tmp_path / "for a friend.html")
    assert traces(workspace).elsewhere == (place,)


def test_an_export_writes_over_its_own_files_and_over_nobody_elses(small, tmp_path, capsys):
    plain = tmp_path / "plain"
    assert run(["export", "-q", "-w", str(small), str(plain)]) == 0  # its own, as it wrote them
    (plain / "corpus.txt").write_text("now something else", encoding="utf-8")
    assert run(["export", "-q", "-w", str(small), str(plain)]) == 2
    assert "changed since it was written" in capsys.readouterr().err
    assert (plain / "corpus.txt").read_text(encoding="utf-8") == "now something else"
    assert run(["export", "-q", "-w", str(small), str(plain), "--only", "messages.jsonl"]) == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / "messages.jsonl").write_text("of somebody else", encoding="utf-8")
    assert run(["export", "-q", "-w", str(small), str(other)]) == 2
    told = capsys.readouterr().err
    assert "this workspace did not write it" in told
    assert "Name another place" in told
    assert [path.name for path in other.iterdir()] == ["messages.jsonl"]  # nothing was begun
    assert (other / "messages.jsonl").read_text(encoding="utf-8") == "of somebody else"
    assert set(FILES) == {path.name for path in plain.iterdir()}


@pytest.mark.parametrize("how", ["-o", "--figures", "compare"])
def test_no_page_and_no_figure_takes_the_place_of_a_file_of_somebody_else(how, workspace, tmp_path, capsys):
    place = tmp_path / "figures.md"
    place.write_text("of somebody else", encoding="utf-8")
    if how == "compare":
        with pytest.raises(UsageError, match="did not write it"):
            write_comparison(Workspace(workspace).layout, None, place, None)
    else:
        target = place if how == "-o" else tmp_path
        assert run(["report", "-q", "-w", str(workspace), how, str(target)]) == 2
        assert "did not write it" in capsys.readouterr().err
    assert place.read_text(encoding="utf-8") == "of somebody else"
    assert {path.name for path in tmp_path.iterdir()} == {"figures.md", "me.wonderland"}


@pytest.mark.parametrize("name", ["people.json", "wonderland.toml", "filtered/ledger.json", "diary.txt"])
def test_a_page_never_takes_the_place_of_a_file_of_the_workspace(small, name):
    with pytest.raises(UsageError, match="would be lost"):
        must_be_ours(small, [small / name])


def test_what_was_written_into_the_workspace_by_name_is_written_again_and_wiped(small):
    page = small / "mine.html"
    with remembering(small, [page, small / "corpus" / "ledger.json"]):
        page.write_text("a report", encoding="utf-8")
    must_be_ours(small, [small / "filtered" / ".." / "mine.html", small / "report.html", small / "new.html"])
    found = traces(small)
    assert page in found.elsewhere
    assert small / "diary.txt" in found.strangers
    assert page not in found.strangers
    assert run(["wipe", "--yes", "-q", "-w", str(small)]) == 0
    assert [path.name for path in small.iterdir()] == ["diary.txt"]


def read_only(path):
    raise OSError(errno.EROFS, "Read-only file system", str(path))


@pytest.mark.parametrize(
    "how", ["corpus", "-o", "compare", *(pytest.param(one, marks=pytest.mark.slow) for one in ("results", "--figures"))]
)
def test_nothing_is_written_elsewhere_that_a_workspace_cannot_note(how, workspace, tmp_path, monkeypatch, capsys):
    Workspace(workspace).check()
    monkeypatch.setattr("wonderland.workspace.wipe.replacing", read_only)
    place = tmp_path / "deep" / "out"
    if how == "compare":
        result = SimpleNamespace(views=list, findings=list, summary=str, declined={}, control=None, provenance=None)
        with pytest.raises(ResourceError, match="Nothing was written"):
            write_comparison(Workspace(workspace).layout, result, tmp_path / "out", None)
    else:
        typed = {
            "corpus": ["export", str(place)],
            "results": ["export", "--results", str(place)],
            "-o": ["report", "-o", str(tmp_path / "out")],
            "--figures": ["report", "--figures", str(place)],
        }[how]
        assert run([*typed, "-q", "-w", str(workspace)]) == 5
        error = " ".join(capsys.readouterr().err.split())
        assert "Read-only file system" in error
        assert "Nothing was written: " in error
        assert f"cp -r {workspace} " in error
    assert [path.name for path in tmp_path.iterdir() if path != workspace] == []
