"""``wonderland new`` writes a plugin that is complete: installed from its own folder it works, and its tests pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wonderland.cli.main import run

pytestmark = pytest.mark.slow


def code(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def tidy(*command: str, at: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length=120", "--no-cache", "."],
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["long-words", "a-name-that-is-rather-long-for-a-plugin1", "x"])
@pytest.mark.parametrize("kind", ["analysis", "source"])
def test_a_generated_plugin_is_tidy_whatever_its_name(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["new", kind, name]) == 0
    tidy("check", "--select=E,F,I,B,UP", at=tmp_path / f"wonderland-{name}")
    tidy("format", "--check", at=tmp_path / f"wonderland-{name}")


@pytest.mark.parametrize("kind", ["analysis", "source"])
def test_a_generated_plugin_passes_its_tests_where_it_is_installed(
    kind, tmp_path, monkeypatch, capsys, install, stranger
):
    monkeypatch.chdir(tmp_path)
    assert run(["new", kind, "long-words"]) == 0
    assert (
        "Next: pip install -e 'wonderland-long-words[test]' && python -m pytest wonderland-long-words"
        in capsys.readouterr().out
    )
    folder = tmp_path / "wonderland-long-words"
    site = install(folder)
    told = stranger("-m", "pytest", "-q", "-p", "no:cacheprovider", site=site, at=folder)
    assert " passed" in told
    assert "skipped" not in told


def test_a_generated_analysis_is_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "analysis", "long-words"]) == 0
    assert code((tmp_path / "wonderland-long-words/wonderland_long_words.py").read_text()) <= 40
    assert code((tmp_path / "wonderland-long-words/tests/test_contract.py").read_text()) <= 6


@pytest.mark.parametrize("name", ["Long", "long words", "../up", "-x", "1st", "a_b", "x" * 41, "", "induction", "core"])
def test_a_bad_or_taken_name_is_refused_and_nothing_is_written(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "analysis", "--", name]) == 2
    assert capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wonderland-mine").mkdir()
    (tmp_path / "wonderland-mine/notes").write_text("keep me")
    assert run(["new", "source", "mine"]) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["wonderland-mine", "notes"]


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("wonderland.cli.new._filled", lambda *_: 1 / 0)
    assert run(["new", "source", "mine"]) != 0
    assert list(tmp_path.iterdir()) == []
