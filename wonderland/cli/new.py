"""``new``: a plugin to begin with, a complete distribution whose tests pass as it is written."""

from __future__ import annotations

import builtins
import keyword
import re
import shlex
import shutil
import tempfile
from importlib import resources, util
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.cli.console import Console
from wonderland.cli.context import command
from wonderland.errors import UsageError
from wonderland.workspace.stage import guarding

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "plugin.py": "wonderland_MODULE.py",
    "test_contract.py": "tests/test_contract.py",
    "test_truth.py": "tests/test_MODULE.py",
    "sample.log": "tests/sample.log",
}
"""Where each file of a template goes; one that a template lacks is left out."""


@click.argument("kind", type=click.Choice(["analysis", "source"]))
@click.argument("name")
def new(console: Console, kind: str, name: str) -> None:
    """Write a plugin called NAME into the folder wonderland-NAME: its module, tests, README and pyproject.toml.

    NAME is what people will type: lower-case words joined by a hyphen, for example: wonderland new analysis long-words
    """
    folder = Path(f"wonderland-{name}")
    _refuse(kind, name, folder)
    with guarding(folder):
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            partial.chmod(0o755)
            written = _write(partial, kind, name)
            partial.rename(folder)  # all of it or nothing
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    console.result(folder=str(folder), files=[str(folder / file) for file in written])
    for file in written:
        console.say(str(folder / file))
    whole = shlex.quote(f"{folder}[test]")
    console.next(f"pip install -e {whole} && python -m pytest {shlex.quote(str(folder))}")


def _refuse(kind: str, name: str, folder: Path) -> None:
    if name == "contract":
        raise UsageError("'contract' is what one file of the plugin's tests is called.", hint="Choose another name.")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UsageError(
            f"{name!r} is no name for a plugin: lower-case words of letters and digits, joined by a hyphen, "
            f"of {_LONGEST} characters at most.",
            hint=Hint("For example: ", Command("new", kind, "long-words")),
        )
    host = plugins.load()
    known = host.analyses if kind == "analysis" else host.sources
    if name in known:
        raise UsageError(
            f"There is a{'n' * (kind == 'analysis')} {kind} named {name!r} already, of the plugin "
            f"{host.provider(known[name])!r}.",
            hint="Choose another name; `wonderland plugins` lists those that are taken.",
        )
    if kind == "analysis" and (name == "all" or any(name in getattr(one, "groups", ()) for one in known.values())):
        raise UsageError(
            f"{name!r} is a group of analyses, which would be run in its place.", hint="Choose another name."
        )
    if name in {plugin.name for plugin in host.found} or util.find_spec(_module(name)):
        raise UsageError(f"A plugin named {name!r} is installed already.", hint="Choose another name.")
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"There is a {folder} here already; nothing was written.", hint="Choose another name.")


def _write(folder: Path, kind: str, name: str) -> list[str]:
    words = {"MODULE": name.replace("-", "_"), "CLASS": _class_name(kind, name), "NAME": name}
    written = []
    for template, place in _FILES.items():
        text = _template(kind) / f"{template}.txt"
        if not text.is_file():
            continue
        file = folder / _filled(place, words)
        file.parent.mkdir(exist_ok=True)
        file.write_text(_filled(text.read_text(encoding="utf-8"), words), encoding="utf-8")
        written.append(str(file.relative_to(folder)))
    return written


def _class_name(kind: str, name: str) -> str:
    """Return the name of the plugin's class, with its kind behind it where it would hide a name the files use."""
    own = name.title().replace("-", "")
    texts = [file.read_text(encoding="utf-8") for file in _template(kind).iterdir() if file.name.endswith(".py.txt")]
    used = {word for text in texts for word in re.findall(r"\w+", text)} | set(keyword.kwlist) | set(dir(builtins))
    return own + kind.title() if {own, f"{own}Result"} & used else own


def _template(kind: str) -> Traversable:
    return resources.files("wonderland.cli") / "templates" / kind


def _filled(text: str, words: dict[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text


def _module(name: str) -> str:
    return f"wonderland_{name.replace('-', '_')}"


new_command = command("new", workspace=False)(new)
