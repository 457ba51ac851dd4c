"""Contrasts of one's own, typed on the command line or read from a file, and what the linter says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland.cli.options import FURTHER, Place
from wonderland.cli.plugin_command import Group
from wonderland.errors import InputError, UsageError
from wonderland.paths import expanded

if TYPE_CHECKING:
    from wonderland.lab.contrast import Contrast
    from wonderland.workspace.workspace import Workspace

__all__ = ["GROUP", "of_file", "taken_from"]

_SIDES = ("clean", "corrupted", "target", "foil")
_FILE = "contrasts"
_OWN = "own_contrast_"  # so that a parameter of an analysis may be called target
_HELP = {
    "clean": 'prompt that shows what you ask about, for example "<|me|> do you like it"',
    "corrupted": 'the same prompt, of as many tokens, without what causes it: "<|me|> i do like it"',
    "target": 'token that the clean prompt makes likelier, for example "?"; a word begins with its space',
    "foil": 'token that the corrupted prompt makes likelier: "."',
}
GROUP = Group(
    "A contrast of your own, in place of mined ones",
    (
        *(click.Option([f"{FURTHER}{_OWN}{side}", f"--{side}"], help=_HELP[side]) for side in _SIDES),
        click.Option(
            [f"{FURTHER}{_OWN}{_FILE}", f"--{_FILE}"],
            type=Place(),
            metavar="PAIRS.jsonl",
            help="file of contrasts, a JSON object a line: clean, corrupted, target, foil; kind if you like",
        ),
    ),
)
_SHOWN = 5  # problems of a file that are printed


def taken_from(workspace: Workspace, extras: dict[str, Any]) -> tuple[Contrast, ...]:
    """Take the contrasts out of the options that were given; none if there were none.

    Raises:
        UsageError: A part of the pair is missing, or nothing that was given is fit to be asked; the linter's words.
        InputError: The file cannot be read.
    """
    sides = {side: extras.pop(_OWN + side) for side in _SIDES if _OWN + side in extras}
    path = extras.pop(_OWN + _FILE, None)
    if path is not None and sides:
        raise UsageError("Give one contrast by its parts or a file of them.", hint="Leave one of the two out.")
    if not sides and path is None:
        return ()
    missing = [f"--{side}" for side in _SIDES if side not in sides]
    if path is None and missing:
        needed = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        raise UsageError(f"A contrast also needs {needed}.", hint=f"All of: --{', --'.join(_SIDES)}.")
    rows: list[Mapping[str, Any]] = [{**sides, "kind": "given"}] if path is None else _rows(path)
    return _linted(workspace, rows, "" if path is None else f"{path}: ")


def of_file(workspace: Workspace, path: Path) -> tuple[Contrast, ...]:
    """Return the contrasts of a file, linted; see `taken_from`."""
    return _linted(workspace, _rows(path), f"{path}: ")


def _rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        lines = expanded(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.", hint="Give a file of JSON Lines, in UTF-8.") from error
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number} is no JSON: {error}.", hint="One JSON object a line.") from error
        known = {*_SIDES, "kind", "copying"}
        if not isinstance(row, dict) or not set(_SIDES) <= set(row) <= known or not _typed(row):
            raise InputError(
                f"{path}, line {number} is no contrast.",
                hint='For example: {"clean": "<|me|> do you like it", "corrupted": "<|me|> i do like it", '
                '"target": "?", "foil": "."}',
            )
        rows.append(row)
    if not rows:
        raise InputError(f"{path} holds no contrast.", hint="One JSON object a line.")
    return rows


def _typed(row: Mapping[str, Any]) -> bool:
    texts = all(isinstance(row.get(name, ""), str) for name in (*_SIDES, "kind"))
    return texts and isinstance(row.get("copying", False), bool)


def _opened(workspace: Workspace) -> tuple[Any, Any]:
    if workspace.layout.examines:
        specimen = workspace.specimen()
        return specimen.model, specimen.tokenizer
    return workspace.load_model()


def _linted(workspace: Workspace, rows: list[Mapping[str, Any]], where: str) -> tuple[Contrast, ...]:
    from wonderland.lab.contrast import Contrast, lint

    contrasts = tuple(Contrast(**row) for row in rows)
    model, tokenizer = _opened(workspace)
    problems = lint(contrasts, tokenizer, model)
    if any(not found for found in problems):
        return contrasts  # the analysis says which it refused
    told = [f"pair {i}: {found[0]}" for i, found in enumerate(problems, 1)]
    if len(rows) == 1:
        told = list(map(str, problems[0]))
    more = f"\nand {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    raise UsageError(
        f"{where}{'No pair is' if len(rows) > 1 else 'This pair is not'} fit to be asked.\n"
        + "\n".join(told[:_SHOWN])
        + more,
        hint="docs/how-to/choosing-a-contrast.md says what makes a pair fair.",
    )
