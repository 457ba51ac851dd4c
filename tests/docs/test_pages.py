"""What the pages say can be typed exists, what they link to is there, and their Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from wonderland import plugins
from wonderland.cli import contrasts
from wonderland.cli.main import cli
from wonderland.cli.options import signature_options
from wonderland.lab.analysis import parameters_of

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("plugins/*/*.md"),
    ]
    if not {"generated", "scripts"} & {*page.relative_to(ROOT).parts}
)
OWN = ROOT / "docs" / "tutorials" / "write-a-plugin.md"  # it makes a plugin, and is run in tests/test_tutorial.py
INSTALLED = [page for page in PAGES if page != OWN]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands_on(page: Path) -> list[list[str]]:
    """Return the command lines of a page, in blocks and in running text, each as its words."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^(?: {4}|\$ |> )*(wonderland [^\n]*)$", text, flags=re.M)
    lines += [part for line in re.findall(r"&& \S*(wonderland [^\n`&]*)", text) for part in [line]]
    lines += re.findall(r"`(wonderland [^`\n]+)`", text)
    return [shlex.split(line.split("  #")[0], comments=True) for line in lines]


def options_of(command: click.Command) -> set[str]:
    context = click.Context(command, **command.context_settings)
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    return {flag for one in options for flag in (*one.opts, *one.secondary_opts)}


def options_of_plugins(command: str) -> set[str]:
    """Return the options that only sources or analyses know; the command line takes any of them."""
    host = plugins.load()
    found: set[str] = set()
    if command == "extract":
        found = {name for source in host.sources.values() for name in signature_options(source.__init__)}
    if command == "analyze":
        found = {name for analysis in host.analyses.values() for name in parameters_of(analysis)}
    flags = {f"--{name.replace('_', '-')}" for name in found}
    if command == "analyze":
        flags |= {flag for one in contrasts.GROUP.options for flag in one.opts}
    return flags | {f"--no-{flag[2:]}" for flag in flags}


@pytest.mark.parametrize("page", INSTALLED, ids=name_of)
def test_every_command_of_a_page_exists_with_its_options(page):
    context = click.Context(cli)
    known = set(cli.list_commands(context))
    for words in commands_on(page):
        command, options = words[1], [word.split("=")[0] for word in words[2:] if re.match("--?[a-z]", word)]
        if command.startswith("-"):
            continue
        assert command in known, " ".join(words)
        allowed = options_of(cli.get_command(context, command)) | options_of_plugins(command)
        assert set(options) - allowed == set(), " ".join(words)


@pytest.mark.parametrize("page", INSTALLED, ids=name_of)
def test_what_a_page_asks_to_analyze_is_an_analysis_or_a_group(page):
    known = plugins.load().analyses
    groups = {"all", *(group for one in known.values() for group in getattr(one, "groups", ()))}
    for words in commands_on(page):
        if words[1] == "analyze":
            named = words[2:]
            options = next((i for i, word in enumerate(named) if word.startswith("-")), len(named))
            assert {word for word in named[:options] if word.islower()} - known.keys() - groups == set(), words


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if target.startswith("scripts/"):  # built from the examples
            assert (ROOT / "examples" / Path(target).name).with_suffix(".py").exists(), target
        elif not target.startswith(("http", "mailto:")):
            assert (page.parent / target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in INSTALLED if page.is_relative_to(ROOT / "docs")], ids=name_of)
def test_the_python_of_a_page_runs(page, python_blocks, home):
    blocks = python_blocks(page)
    if not blocks:
        return
    # Twenty epochs of five million parameters are for an evening, not for a test; all else is as it stands.
    script = "\n".join(blocks).replace("epochs=20", 'epochs=1, preset="nano"')
    exec(compile(script, page.name, "exec"), {"__name__": "page"})
