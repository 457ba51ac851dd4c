"""What does a person decide? ``wonderland.toml``, the only file of a workspace that is meant to be edited.

Each section is a dataclass; a key that does not exist is an error that names the ones that do. Options given on the
command line are written into the file, so that it always says what was done.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tomlkit

from wonderland.errors import InputError, UsageError
from wonderland.model.settings import TrainingSettings

__all__ = ["FILE", "Settings"]

FILE = "wonderland.toml"
VERSION = 1


@dataclass(frozen=True)
class SourceSettings:
    """Where the messages come from."""

    path: Annotated[str, "file or folder to read; empty until `wonderland extract PATH`"] = ""
    source: Annotated[str, "source to read it with; empty for the one that recognises it"] = ""
    names: Annotated[bool, "keep names and numbers instead of pseudonyms"] = False
    options: Annotated[dict[str, Any], "options of the source"] = field(default_factory=dict)


@dataclass(frozen=True)
class FilterSettings:
    """What to leave out."""

    names: Annotated[list[str], "filters to apply, in this order"] = field(
        default_factory=lambda: ["automated", "short-codes", "urls", "emoji"]
    )


@dataclass(frozen=True)
class SplitSettings:
    """What to hold out."""

    held_out: Annotated[float, "share of the messages to hold out"] = 0.1
    by: Annotated[str, "conversation, time or auto"] = "auto"
    seed: Annotated[int, "seed of the choice"] = 0


@dataclass(frozen=True)
class TokenizerSettings:
    """How to cut words into tokens."""

    vocab_size: Annotated[int, "tokens of the vocabulary; 0 for the preset's"] = 0


@dataclass(frozen=True)
class AnalysisSettings:
    """What to look at."""

    run: Annotated[list[str], "analyses or groups of them"] = field(default_factory=lambda: ["all"])
    windows: Annotated[int, "held-out windows to examine"] = 200
    control: Annotated[bool, "also examine the untrained baseline, beside every number"] = True
    seed: Annotated[int, "seed of the choice of windows"] = 0
    parameters: Annotated[dict[str, dict[str, Any]], "parameters by analysis"] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """All of ``wonderland.toml``."""

    source: SourceSettings = field(default_factory=SourceSettings)
    filter: FilterSettings = field(default_factory=FilterSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read the file.

        Raises:
            InputError: It cannot be read, or a newer version of wonderland wrote it.
            UsageError: A section, a key or a type is not one there is.
        """
        try:
            value = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(f"There is no workspace at {path.parent}.", hint="Make one: wonderland init") from error
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}.", hint="Correct the file in a text editor.") from error
        version = value.pop("workspace", {}).get("version", VERSION)
        if version > VERSION:
            raise InputError(
                f"{path.parent} is a workspace of version {version}; this wonderland knows up to {VERSION}.",
                hint="Upgrade: pip install -U wonderland",
            )
        sections = {f.name: f for f in dataclasses.fields(cls)}
        chosen: dict[str, Any] = {}
        for name, keys in value.items():
            if name not in sections or not isinstance(keys, Mapping):
                raise UsageError(f"{path}: there is no section [{name}].", hint=f"Sections: {', '.join(sections)}.")
            chosen[name] = _section(path, name, typing.get_type_hints(cls)[name], keys)
        return cls(**chosen)

    def changed(self, section: str, **values: Any) -> Settings:
        """Return settings with some keys of a section replaced.

        Raises:
            UsageError: The training settings do not fit together.
        """
        settings = dataclasses.replace(self, **{section: dataclasses.replace(getattr(self, section), **values)})
        settings.training.resolved()
        return settings


def _section(path: Path, name: str, kind: type[Any], keys: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in keys.items():
        if key not in hints:
            raise UsageError(f"{path}: [{name}] has no key {key!r}.", hint=f"Its keys: {', '.join(hints)}.")
        wanted = typing.get_origin(hints[key]) or hints[key]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise UsageError(f"{path}: [{name}] {key} is {value!r}; it should be a {wanted.__name__}.")
        values[key] = value
    return kind(**values)


def write_new(path: Path) -> None:
    """Write the file with every default and what each key means."""
    document = tomlkit.document()
    document.add(tomlkit.comment("What this workspace does. Options given on the command line are written here too."))
    workspace = tomlkit.table()
    workspace["version"] = VERSION
    document["workspace"] = workspace
    for f in dataclasses.fields(Settings):
        kind = typing.get_type_hints(Settings)[f.name]
        table = tomlkit.table()
        table.comment((kind.__doc__ or "").splitlines()[0])
        hints = typing.get_type_hints(kind, include_extras=True)
        for key, value in dataclasses.asdict(kind()).items():
            item = tomlkit.item(value)
            item.comment(typing.get_args(hints[key])[1])
            table[key] = item if not isinstance(value, dict) else tomlkit.inline_table()
        document[f.name] = table
    _write(path, tomlkit.dumps(document))


def update(path: Path, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write changed keys into the file, leaving all else as the person wrote it; return what changed."""
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document.setdefault(section, tomlkit.table())
    changed: dict[str, Any] = {}
    for key, value in values.items():
        before = table.get(key)
        if (before.unwrap() if hasattr(before, "unwrap") else before) != value:
            table[key] = value
            changed[key] = value
    if changed:
        _write(path, tomlkit.dumps(document))
    return changed


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o600)
    os.replace(partial, path)
