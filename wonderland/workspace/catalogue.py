"""Analyses and the names of their parameters, read from the plugins' text, not by importing them.

Importing an analysis loads torch, which takes seconds; a mistyped name should be answered at once. A plugin's hook
returns a list of classes that it imports in itself, and each class writes its name and its fields down, so all of it
stands in the text. A plugin that is written otherwise is not guessed at: then the answer is None, and whoever asks
imports the plugins.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from wonderland import plugins

__all__ = ["KINDS", "Parameters", "Sketch", "analyses", "chosen", "groups_of"]

KINDS = ("seeds", "snapshots")
"""What the models that training leaves in a workspace may differ in."""
Parameters = Mapping[str, tuple[Any, str, Any]]
"""Type, help text and default by name."""


@dataclass(frozen=True)
class Sketch:
    """What the source of an analysis says of it.

    Attributes:
        name: Its name.
        about: First line of its docstring.
        version: Its version.
        groups: The groups it belongs to.
        uses: The analyses whose results it reads.
        on_request: Whether it is left out of "all".
        of: What the models it is about differ in; "" for one model.
        parameters: Type, help text and default of each of its parameters by name; None if there may be others, or if
            one is not written so that it can be read.
    """

    name: str
    about: str
    version: int
    groups: tuple[str, ...]
    uses: tuple[str, ...]
    parameters: Parameters | None
    on_request: bool = False
    of: str = ""


_KNOWN: dict[str, Any] = {
    **{kind.__name__: kind for kind in (bool, int, float, str, tuple, list, Path, date, datetime)},
    "Annotated": typing.Annotated,
    "Literal": typing.Literal,
    "Any": Any,
    "wl": types.SimpleNamespace(Contrast=object),
}
"""What types of parameters are written with."""


class _Unreadable(Exception):
    """The source is not written as expected."""


def analyses() -> dict[str, Sketch] | None:
    """Return what there is, by name in order, or None if a plugin is not written so that it can be read."""
    hooks = plugins.load().manager.hook.wonderland_analyses.get_hookimpls()
    try:
        found = [sketch for hook in hooks for sketch in _of_hook(hook.function)]
    except (_Unreadable, OSError, TypeError, SyntaxError, ValueError, ImportError):
        return None
    return {sketch.name: sketch for sketch in sorted(found, key=lambda sketch: sketch.name)}


def chosen(names: Sequence[str], sketches: Mapping[str, Sketch], kind: str = "") -> dict[str, Sketch]:
    """Return those that names and groups mean, as `wonderland.lab.choosing.select`.

    Args:
        names: Names and groups; if there are none, all of one model, or those that compare models of a kind.
        sketches: Those there are.
        kind: What the models of a cohort differ in; "" for one model.
    """
    wanted = set(names) or {"all"}
    kinds = (kind,) if kind and not names else ("", kind)
    return {
        name: sketch
        for name, sketch in sketches.items()
        if name in wanted
        or (sketch.of in kinds and wanted & {*sketch.groups, *(() if sketch.on_request else ("all",))})
    }


def groups_of(sketches: Mapping[str, Sketch]) -> set[str]:
    """Return the names of the groups, "all" among them."""
    return {"all", *(group for sketch in sketches.values() for group in sketch.groups)}


@functools.cache  # every command asks several times, and a module once imported stays as it was
def _of_hook(function: Callable[[], Any]) -> tuple[Sketch, ...]:
    """Return the analyses that a hook returns: names in a list, each imported in the hook itself."""
    return tuple(_read(function))


def _read(function: Callable[[], Any]) -> Iterator[Sketch]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise _Unreadable
    imported = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    }
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    if len(returned) != 1 or not isinstance(returned[0], (ast.List, ast.Tuple)):
        raise _Unreadable
    for item in returned[0].elts:
        if not isinstance(item, ast.Name):
            raise _Unreadable
        yield _of_class(*_place(function, item.id, imported))


def _place(function: Callable[[], Any], name: str, imported: dict[str, tuple[str, str]]) -> tuple[Path, str]:
    """Return the file and the name of the class that a hook calls by a name."""
    if name in imported:
        module, original = imported[name]
        spec = importlib.util.find_spec(module)
        if spec is None or not spec.origin:
            raise _Unreadable
        return Path(spec.origin), original
    here = inspect.getsourcefile(function)
    if here is None:
        raise _Unreadable
    return Path(here), name


def _of_class(path: Path, name: str) -> Sketch:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = next((one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name), None)
    if node is None:
        raise _Unreadable
    values: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            target, value = statement.target, statement.value
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            target, value = statement.targets[0], statement.value
        else:
            continue
        if target.id in ("name", "version", "groups", "uses", "on_request", "of") and value is not None:
            values[target.id] = ast.literal_eval(value)
    if not isinstance(values.get("name"), str):
        raise _Unreadable
    about = (ast.get_docstring(node) or "").split("\n")[0]
    fields = _fields(path, tree, node)
    parameters = None if fields is None else _parameters(fields)
    groups, uses = (tuple(values.get(what, ())) for what in ("groups", "uses"))
    on_request, of = bool(values.get("on_request", False)), str(values.get("of", ""))
    return Sketch(values["name"], about, int(values.get("version", 0)), groups, uses, parameters, on_request, of)


def _fields(path: Path, tree: ast.Module, node: ast.ClassDef) -> list[ast.AnnAssign] | None:
    """Return the fields of a dataclass, those of its bases first; None if a base cannot be read."""
    imported = {
        alias.asname or alias.name: (statement.module or "", alias.name)
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and not statement.level
        for alias in statement.names
    }
    found: dict[str, ast.AnnAssign] = {}
    for base in node.bases:
        if not isinstance(base, ast.Name):
            return None
        where, name = path, base.id
        if base.id in imported:
            module, name = imported[base.id]
            spec = importlib.util.find_spec(module)
            if spec is None or not spec.origin:
                return None
            where = Path(spec.origin)
        there = ast.parse(where.read_text(encoding="utf-8"))
        above = next((one for one in there.body if isinstance(one, ast.ClassDef) and one.name == name), None)
        fields = None if above is None else _fields(where, there, above)
        if fields is None:
            return None
        found |= {ast.unparse(field.target): field for field in fields}
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(statement.annotation):
            found[ast.unparse(statement.target)] = statement
    return list(found.values())


def _parameters(fields: list[ast.AnnAssign]) -> Parameters | None:
    found: dict[str, tuple[Any, str, Any]] = {}
    for field in fields:
        assert isinstance(field.target, ast.Name)
        try:
            hint = eval(ast.unparse(field.annotation), {"__builtins__": {}}, dict(_KNOWN))  # noqa: S307 - of a plugin
            default = None if field.value is None else ast.literal_eval(field.value)
        except Exception:  # noqa: BLE001 - a type or a default that is named elsewhere
            return None
        notes = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
        help_text = next((note for note in notes if isinstance(note, str)), "")
        found[field.target.id] = (typing.get_args(hint)[0] if notes else hint, help_text, default)
    return found
