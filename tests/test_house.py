"""The house is in order: style, types, who imports whom, and what the distribution bundles."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path

import networkx as nx
import pytest
from setuptools import find_packages

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
SOURCES = [ROOT / "wonderland", *(plugin / "src" for plugin in PLUGINS)]


def toml(folder: Path) -> dict:
    with open(folder / "pyproject.toml", "rb") as file:
        return tomllib.load(file)


def run(*command: str) -> None:
    """Run a tool from the root of the repository; what it has to say becomes the failure."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@functools.cache
def parsed(file: Path) -> tuple[str, ast.Module]:
    """Return a module's text and its tree, which several tests look at."""
    text = file.read_text(encoding="utf-8")
    return text, ast.parse(text)


def test_ruff_finds_nothing():
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_every_file_is_formatted():
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.slow
def test_mypy_finds_nothing():
    run(sys.executable, "-m", "mypy")


@pytest.mark.slow
def test_a_script_is_told_the_types_of_its_results():
    run(sys.executable, "-m", "mypy", "tests/typed_script.py")


def test_nobody_imports_whom_they_must_not():
    run(sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache")


def imports() -> nx.DiGraph:
    """Return who imports whom in the core and the plugins, also inside functions and for annotations alone."""
    homes = [ROOT, *(plugin / "src" for plugin in PLUGINS)]
    files = {
        ".".join(file.relative_to(home).with_suffix("").parts).removesuffix(".__init__"): file
        for home in homes
        for file in home.glob("wonderland*/**/*.py")
    }
    graph = nx.DiGraph()
    for name, file in files.items():
        for node in ast.walk(parsed(file)[1]):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            package = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            asked = [".".join([*package, alias.name]) for alias in node.names]
            asked = [other if other in files else ".".join(package) for other in asked]  # a module, or a name in one
            known = {*asked} & {*files} - {name, "wonderland"}
            graph.add_edges_from((name, other) for other in known)
    return graph


@pytest.mark.slow
def test_no_import_goes_round_in_a_circle():
    graph = imports()
    assert graph.has_edge("wonderland_cohorts.llc", "wonderland_cohorts.truths")  # inside a function, of a plugin
    assert [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1] == []


def test_nobody_below_imports_the_whole_library():
    """Names of the root are for users: one floor that asks it for a name asks for all floors."""
    asking = {
        str(file.relative_to(ROOT / "wonderland"))
        for file in (ROOT / "wonderland").rglob("*.py")
        for node in ast.walk(parsed(file)[1])
        if isinstance(node, ast.Import) and any(alias.name == "wonderland" for alias in node.names)
    }
    assert asking == {"cli/main.py", "cli/setup.py"}


def test_a_module_of_more_than_350_lines_says_why_it_is_long():
    modules = {str(file): parsed(file) for home in SOURCES for file in home.rglob("*.py")}
    long = {name: tree for name, (text, tree) in modules.items() if text.count("\n") > 350}
    opening = {name: ast.get_docstring(tree) or "" for name, tree in long.items()}
    assert [name for name, words in opening.items() if not re.search(r"\blong\b", words)] == []


HINTED = {"InputError", "ResourceError", "UsageError"}
"""Errors of somebody who gave something, and is told what to give instead."""


def test_a_refusal_says_what_to_type():
    bare = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for home in SOURCES
        for file in sorted(home.rglob("*.py"))
        for call in ast.walk(parsed(file)[1])
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in HINTED
        and not any(word.arg in ("hint", None) for word in call.keywords)
    ]
    assert not bare


def test_no_view_says_pale_or_dark_as_the_other_theme_has_it_the_other_way_round():
    themed = re.compile(r"\b(?:pale|paler|dark|darker|darkens?|bright|brighter|brightens?|lighter|lightens?)\b")
    homes = [ROOT / "wonderland" / "report", *(plugin / "src" for plugin in PLUGINS)]
    said = [
        f"{file.relative_to(ROOT)}: {node.value}"
        for home in homes
        for file in sorted(home.rglob("*.py"))
        if file.name != "glance.py"  # a notebook's own drawing, on white in either theme
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if themed.search(re.sub("darker or brighter", "", node.value))
    ]
    assert said == []


def test_every_view_of_ours_has_a_subtitle_and_every_column_a_help():
    without = [
        f"{file.name}:{call.lineno} {ast.unparse(call)[:80]}"
        for source in SOURCES
        for file in source.rglob("*.py")
        for call in ast.walk(parsed(file)[1])
        if isinstance(call, ast.Call) and _asks_for(call) not in {None, *(word.arg for word in call.keywords)}
    ]
    assert not without


def _asks_for(call: ast.Call) -> str | None:
    """Return which word a call must give: a view its subtitle, a column with a heading of ours its help."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("View", "of_heads"):
        return "subtitle"
    ours = (
        name == "Column" and len(call.args) in (2, 3, 4) and ast.unparse(call.args[1]) not in ("str(name)", "str(one)")
    )
    return "help" if ours else None


def test_the_core_is_forbidden_to_import_every_plugin():
    contracts = toml(ROOT)["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if "no plugin" in contract["name"])
    assert {f"wonderland_{plugin.name}" for plugin in PLUGINS} <= {*contract["forbidden_modules"]}


def test_the_root_distribution_bundles_every_plugin():
    root = toml(ROOT)
    assert PLUGINS
    bundled = {folder for folder in root["tool"]["setuptools"]["packages"]["find"]["where"] if folder != "."}
    assert bundled == {f"plugins/{plugin.name}/src" for plugin in PLUGINS}
    assert {*root["tool"]["ruff"]["src"]} >= bundled


def test_the_root_distribution_offers_the_entry_points_of_every_plugin_and_its_own():
    offered = dict(toml(ROOT)["project"]["entry-points"]["wonderland"])
    assert offered.pop("core") == "wonderland.corpus.builtin"
    assert offered.pop("audit") == "wonderland.audit.hooks"
    own: dict[str, str] = {}
    for plugin in PLUGINS:
        own |= toml(plugin)["project"]["entry-points"]["wonderland"]
    assert offered == own


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_is_a_complete_distribution(plugin):
    project = toml(plugin)["project"]
    assert project["name"] == f"wonderland-{plugin.name}"
    assert project["requires-python"] == toml(ROOT)["project"]["requires-python"]
    assert project["license"] == "MIT"
    assert "wonderland" in project["dependencies"]
    assert (plugin / project["readme"]).read_text().strip()
    assert (plugin / "src" / f"wonderland_{plugin.name}" / "__init__.py").is_file()


def test_every_package_is_included():
    settings = toml(ROOT)["tool"]["setuptools"]["packages"]["find"]
    found = {name for where in settings["where"] for name in find_packages(ROOT / where, include=settings["include"])}
    wanted = {
        ".".join(path.parent.relative_to(source if source.name == "src" else ROOT).parts)
        for source in SOURCES
        for path in source.rglob("*.py")
    }
    assert wanted <= found
    assert not any(name.startswith(("tests", "benchmarks", "examples")) for name in found)


def test_the_files_that_are_run_first_are_there():
    body = ast.parse((ROOT / "conftest.py").read_text(encoding="utf-8")).body
    (named,) = [node.value for node in body if isinstance(node, ast.Assign) and node.targets[0].id == "LONGEST"]
    assert all((ROOT / place).exists() for place in ast.literal_eval(named))


def test_every_entry_point_can_be_found():
    for value in toml(ROOT)["project"]["entry-points"]["wonderland"].values():
        assert util.find_spec(value), value


def test_nothing_committed_speaks_of_the_place_it_was_written_at():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:  # an unpacked source distribution has no list of files; then look at the package
        files = [path for path in (ROOT / "wonderland").rglob("*") if path.is_file()]
    else:
        files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    places = [b"/".join((b"", *parts)) for parts in ((b"work", b"shared"), (b"tmp", b"w", b""), (b"home", b""))]
    guilty = [path.name for path in files if path.is_file() and any(place in path.read_bytes() for place in places)]
    assert guilty == []
