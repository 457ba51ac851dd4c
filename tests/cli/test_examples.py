"""The worked plugins are strangers: installed from their own folders, they work, and touch public names only."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from wonderland.cli.main import run
from wonderland.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/plugins/*/pyproject.toml"))
MODULES = [path for folder in EXAMPLES for path in folder.rglob("*.py")]


def test_there_are_an_analysis_and_a_source():
    assert [folder.name for folder in EXAMPLES] == ["wonderland-laughter", "wonderland-mbox"]


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_passes_its_tests_where_it_is_installed(folder, install, stranger):
    site = install(folder)
    told = stranger("-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), site=site)
    assert " passed" in told
    assert "failed" not in told


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_an_example_touches_public_names_only(module):
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "wonderland":
            assert not any(part.startswith("_") for part in node.module.split("."))
            offered = importlib.import_module(node.module).__all__
            assert {name.name for name in node.names} <= {*offered}, node.module
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "wl":
            assert node.attr in importlib.import_module("wonderland").__all__
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            assert not node.attr.startswith("_"), node.attr


def test_theirs_and_a_generated_one_are_listed_and_do_their_work(workspace, install, stranger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "analysis", "own-message"]) == 0
    for folder in (*EXAMPLES, tmp_path / "wonderland-own-message"):
        site = install(folder)
    listed = stranger("-m", "wonderland", "plugins", site=site)
    assert all(f"({name})" in listed for name in ("laughter", "mbox", "own-message"))

    mail = ROOT / "examples/plugins/wonderland-mbox/tests/sample.mbox"
    told = stranger("-m", "wonderland", "extract", "-q", "-w", "mail", str(mail), "--me", "bob@example.org", site=site)
    assert "no plain text" in told

    there = ("-q", "-w", str(workspace))
    Workspace(workspace).configure("analysis", windows=60)  # enough that somebody laughs in two conversations
    told = stranger("-m", "wonderland", "analyze", *there, "laughter", "own-message", site=site)
    assert "gives laughter" in told
    assert "attention to its own message" in told
    stranger("-m", "wonderland", "report", *there, "-o", "report.html", site=site)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Who looks at laughter" in page
    assert '"own-message"' in page
