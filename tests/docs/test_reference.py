"""The documentation builds offline and without a warning, and its reference holds what there is and nothing else."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import typing
import zlib
from pathlib import Path

import click
import pytest

import wonderland
from wonderland import hookspecs, plugins
from wonderland.cli.main import cli
from wonderland.cli.options import signature_options
from wonderland.lab.analysis import parameters_of, result_class
from wonderland.workspace.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WITHOUT_NETWORK = """
import socket, sys
def refuse(*_, **__): raise OSError("the documentation reached for the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built pages. Every warning is an error: a link that leads nowhere, a page that nobody finds."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-c", WITHOUT_NETWORK, "-W", "--keep-going", "-q", "-b", "html", ROOT / "docs", site]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return site


@pytest.fixture(scope="module")
def inventory(site) -> dict[str, set[str]]:
    """Everything the pages define: names by kind, as Sphinx wrote them down for those who link here."""
    raw = (site / "objects.inv").read_bytes()
    found: dict[str, set[str]] = {}
    for line in zlib.decompress(raw.split(b"\n", 4)[4]).decode().splitlines():
        name, kind, *_ = line.rsplit(" ", 4)
        found.setdefault(kind, set()).add(name)
    return found


def test_the_public_names_are_those_that_have_an_entry(inventory):
    kinds = ("py:class", "py:exception", "py:function", "py:data")
    entries = {name for kind in kinds for name in inventory[kind] if name.startswith("wonderland.")}
    assert {name.split(".")[1] for name in entries if name.count(".") == 1} == set(wonderland.__all__)


def test_the_hooks_are_those_that_have_an_entry(inventory):
    prefix = "wonderland.hookspecs."
    entries = {name.removeprefix(prefix) for name in inventory["py:function"] if name.startswith(prefix)}
    assert entries == {name for name in vars(hookspecs) if name.startswith("wonderland_")}


def test_the_options_of_every_command_are_those_that_have_an_entry(inventory):
    context = click.Context(cli, info_name="wonderland")
    wanted = set()
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        inner = click.Context(command, info_name=name, parent=context, **command.context_settings)
        options = [one for one in command.get_params(inner) if isinstance(one, click.Option)]
        wanted |= {f"{name}.{flag}" for one in options for flag in (*one.opts, *one.secondary_opts)}
    assert {name for name in _options(inventory) if "-" not in name.split(".")[0]} == wanted


def test_the_parameters_of_every_analysis_are_those_that_have_an_entry(inventory):
    wanted = set()
    for name, cls in plugins.load().analyses.items():
        for parameter, (kind, _, _) in parameters_of(cls).items():
            if "Contrast" not in str(kind):
                wanted.add(f"analyze-{name}.--{parameter.replace('_', '-')}")
    assert {name for name in _options(inventory) if name.startswith("analyze-")} == wanted


def test_the_options_of_every_source_are_those_that_have_an_entry(inventory):
    wanted = {
        f"extract---source-{name}.--{option.replace('_', '-')}"
        for name, source in plugins.load().sources.items()
        for option in signature_options(source.__init__)
    }
    assert {name for name in _options(inventory) if name.startswith("extract-")} == wanted


def test_the_settings_are_those_that_have_an_entry(inventory):
    sections = typing.get_type_hints(Settings)
    wanted = {f"{section}.{field.name}" for section, kind in sections.items() for field in dataclasses.fields(kind)}
    assert inventory["std:confval"] == wanted


def test_every_analysis_and_every_result_is_explained(inventory):
    for name, cls in plugins.load().analyses.items():
        result = result_class(cls)
        assert f"analysis-{name}" in inventory["std:label"]
        assert f"{result.__module__}.{result.__qualname__}" in inventory["py:class"]


def test_every_analysis_that_draws_says_how_to_read_its_pictures(site):
    page = (site / "explanation" / "how-to-read.html").read_text(encoding="utf-8")
    missing = [name for name in plugins.load().analyses if f"analyses.html#analysis-{name}" not in page]
    assert missing == []


def test_what_plugins_import_from_the_core_is_documented(inventory):
    documented = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    documented |= {wonderland._HOMES[name] + f".{name}" for name in wonderland.__all__}
    used = {one for path in ROOT.glob("plugins/*/src/**/*.py") for one in _imported(path)}
    internal = {name for name in used if name.split(".")[1] in ("corpus", "report", "workspace", "model")}
    assert used - internal - documented == set()


def _imported(path: Path) -> set[str]:
    import ast

    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {f"{node.module}.{a.name}" for node in froms if node.module.startswith("wonderland.") for a in node.names}


def _options(inventory: dict[str, set[str]]) -> set[str]:
    """Return the documented options as "command.--option"."""
    return {name.removeprefix("wonderland-") for name in inventory["std:cmdoption"]}
