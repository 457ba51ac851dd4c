"""Settings of a workspace: ``wonderland.toml``, its only file that is meant to be edited.

Each section is a dataclass; a key that does not exist is an error that names the ones that do. Options given on the
command line are written into the file, so that it always says what was done.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
import tomllib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit

from wonderland.advice import Command, Hint
from wonderland.errors import InputError, UsageError
from wonderland.model.settings import TrainingSettings
from wonderland.nearby import did_you_mean
from wonderland.paths import replacing

__all__ = ["DEFAULT_NAME", "FILE", "Settings"]

DEFAULT_NAME = "me.wonderland"
FILE = "wonderland.toml"
VERSION = 1


_LARGEST = 2**63 - 1  # what the libraries below can count to
_TYPES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True)
class Between:
    """The numbers that a key may be.

    Args:
        low: The least.
        high: The most.
        open: Whether the two themselves are excluded.
    """

    low: float
    high: float = _LARGEST
    open: bool = False

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high if self.open else self.low <= value <= self.high

    def __str__(self) -> str:
        if self.high == _LARGEST:
            return f"at least {self.low:g}"
        return f"{'over' if self.open else 'from'} {self.low:g} {'and under' if self.open else 'to'} {self.high:g}"


@dataclass(frozen=True)
class SourceSettings:
    """Where the messages come from."""

    path: Annotated[str, "file or folder to read; empty until `wonderland extract PATH`"] = ""
    source: Annotated[str, "source to read it with; empty for the one that recognises it"] = ""
    names: Annotated[bool, "keep names and numbers instead of pseudonyms"] = False
    options: Annotated[dict[str, Any], "options of the source"] = field(default_factory=dict)
    more: Annotated[list[dict[str, Any]], "further stores, each with its path, source and options"] = field(
        default_factory=list
    )

    @property
    def paths(self) -> list[str]:
        """What is read, store by store, as it was typed."""
        return list(dict.fromkeys(path for path, _ in self.stores))

    @property
    def stores(self) -> list[tuple[str, str]]:
        """Path and source of each store, the source "" where it was not named."""
        more = [(str(store.get("path", "")), str(store.get("source", ""))) for store in self.more]
        return [store for store in ((self.path, self.source), *more) if store[0]]


@dataclass(frozen=True)
class FilterSettings:
    """What to leave out."""

    names: Annotated[list[str], "filters to apply, in this order"] = field(
        default_factory=lambda: ["automated", "short-codes", "urls", "emoji"]
    )
    since: Annotated[str, "leave out what was sent before this day or time"] = ""
    until: Annotated[str, "leave out what was sent from this day or time on"] = ""
    person: Annotated[list[str], "only conversations in which one of these people wrote"] = field(default_factory=list)
    not_person: Annotated[list[str], "leave these people out, and conversations of two with them"] = field(
        default_factory=list
    )
    only_direct: Annotated[bool, "leave out conversations of more than two"] = False
    most_repeats: Annotated[
        int, "keep so many of messages of six words or more that say the same; 0 for all", Between(0)
    ] = 0
    country: Annotated[str, "country whose national phone numbers count as secrets, as two letters such as US"] = ""


@dataclass(frozen=True)
class SplitSettings:
    """What to hold out."""

    held_out: Annotated[float, "share of the messages to hold out", Between(0, 1, open=True)] = 0.1
    by: Annotated[
        Literal["auto", "conversation", "within-contacts", "contact", "time"],
        "what is held out: conversations, some of each contact, all of some contacts, or the end of each",
    ] = "auto"
    seed: Annotated[int, "seed of the choice", Between(0)] = 0


@dataclass(frozen=True)
class TokenizerSettings:
    """How to cut words into tokens."""

    vocab_size: Annotated[int, "tokens of the vocabulary; 0 for the preset's", Between(0, 1_000_000)] = 0
    contacts: Annotated[int, "learn tokens from words that so many contacts used; 0 for all words", Between(0)] = 0


@dataclass(frozen=True)
class AnalysisSettings:
    """What to look at."""

    run: Annotated[list[str], "analyses or groups of them"] = field(default_factory=lambda: ["all"])
    windows: Annotated[int, "held-out windows to examine", Between(1)] = 200
    control: Annotated[bool, "also examine the untrained baseline, beside every number"] = True
    seed: Annotated[int, "seed of the choice of windows", Between(0)] = 0
    parameters: Annotated[dict[str, dict[str, Any]], "parameters by analysis"] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditingSettings:
    """How much to audit."""

    training: Annotated[int, "training messages to examine; 0 for all", Between(0)] = 5000
    held_out: Annotated[int, "held-out messages to examine; 0 for all", Between(0)] = 2500
    generations: Annotated[int, "messages to sample from the model", Between(1, 1_000_000)] = 1000
    candidates: Annotated[int, "fewest others that a secret is ranked among", Between(1, 1_000_000)] = 1000
    secrets: Annotated[int, "most distinct secrets to examine, those said most often", Between(1, 10_000)] = 50
    seed: Annotated[int, "seed of every choice", Between(0)] = 0


@dataclass(frozen=True)
class ExaminedSettings:
    """A model from elsewhere that this workspace is about, instead of one trained on messages."""

    model: Annotated[str, "folder of the model; empty in a workspace of messages"] = ""
    texts: Annotated[str, "file or folder of texts to examine it on"] = ""
    length: Annotated[int, "most tokens of a window", Between(8, 1_000_000)] = 128
    start: Annotated[str, "token that sequences begin with; empty for the tokenizer's own"] = ""


@dataclass(frozen=True)
class Settings:
    """All of ``wonderland.toml``."""

    source: SourceSettings = field(default_factory=SourceSettings)
    filter: FilterSettings = field(default_factory=FilterSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    audit: AuditingSettings = field(default_factory=AuditingSettings)
    examined: ExaminedSettings = field(default_factory=ExaminedSettings)

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read the file.

        Raises:
            InputError: It cannot be read, or a newer version of wonderland wrote it.
            UsageError: A section, a key or a type is not one there is.
        """
        try:
            return copy.deepcopy(_read(path, path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise InputError(
                f"There is no workspace at {path.parent}.", hint=Hint("Make one: ", Command("init", path.parent))
            ) from error
        except NotADirectoryError:
            raise InputError(
                f"{path.parent} is a file, and a workspace is a folder.",
                hint=Hint("Make one: ", Command("init", path.parent)),
            ) from None
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}.", hint="Correct the file in a text editor.") from error

    def changed(self, section: str, **values: Any) -> Settings:
        """Return settings with some keys of a section replaced.

        Raises:
            UsageError: There is no such section or key, a value is of another type or out of bounds, or the training
                settings do not fit together.
        """
        sections = [f.name for f in dataclasses.fields(self)]
        if section not in sections:
            raise UsageError(
                f"There is no section {section!r}.",
                hint=did_you_mean(section, sections, f"Sections: {_listed(sections)}."),
            )
        hints = _hints(type(getattr(self, section)))
        for key in values:
            if key not in hints:
                raise UsageError(
                    f"[{section}] has no key {key!r}.", hint=did_you_mean(key, hints, f"Its keys: {_listed(hints)}.")
                )
        changed = dataclasses.replace(getattr(self, section), **values)
        for key in values:
            _check(f"[{section}] {key}", getattr(changed, key), hints[key])
        settings = dataclasses.replace(self, **{section: changed})
        settings.training.resolved()
        return settings


@functools.lru_cache(maxsize=16)
def _read(path: Path, text: str) -> Settings:
    """Read the text of a file: once, however often a command asks for its settings."""
    value = tomllib.loads(text)
    workspace = value.pop("workspace", {})
    version = workspace.get("version", VERSION) if isinstance(workspace, Mapping) else None
    if not isinstance(version, int):
        raise InputError(f"{path}: [workspace] says no version.", hint=f"It is one line: version = {VERSION}")
    if version > VERSION:
        raise InputError(
            f"{path.parent} is a workspace of version {version}; this wonderland knows up to {VERSION}.",
            hint="Upgrade: pip install -U wonderland",
        )
    sections = {f.name: f for f in dataclasses.fields(Settings)}
    chosen: dict[str, Any] = {}
    for name, keys in value.items():
        if name not in sections or not isinstance(keys, Mapping):
            raise UsageError(f"{path}: there is no section [{name}].", hint=f"Sections: {', '.join(sections)}.")
        chosen[name] = _section(path, name, _hints(Settings)[name], keys)
    return Settings(**chosen)


_HINTS: dict[type[Any], dict[str, Any]] = {}


def _hints(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a section's keys, with what is noted of them: Python compiles each text of them anew."""
    if kind not in _HINTS:
        _HINTS[kind] = typing.get_type_hints(kind, include_extras=True)
    return _HINTS[kind]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _section(path: Path, name: str, kind: type[Any], keys: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for key, value in keys.items():
        if key not in hints:
            raise UsageError(f"{path}: [{name}] has no key {key!r}.", hint=f"Its keys: {', '.join(hints)}.")
        values[key] = _check(f"{path}: [{name}] {key}", value, hints[key])
    return kind(**values)


def _check(where: str, value: Any, hint: Any) -> Any:
    """Return a value as its key wants it.

    Raises:
        UsageError: It is of another type, none of the choices, or out of bounds.
    """
    kind, *notes = typing.get_args(hint)
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise UsageError(f"{where} is {value!r}.", hint=f"It is one of: {', '.join(typing.get_args(kind))}.")
        return value
    wanted, means = typing.get_origin(kind) or kind, f"It means: {next(iter(notes), where)}."
    if wanted is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        value = float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise UsageError(f"{where} is {value!r}; it should be {_TYPES[wanted]}.", hint=means)
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{where} is {value}; it should be a finite number.", hint=means)
    if wanted is int and abs(value) > _LARGEST:
        raise UsageError(f"{where} is {value}, which is too large for this machine.", hint=means)
    bounds = next((note for note in notes if isinstance(note, Between)), None)
    if bounds is not None and value not in bounds:
        raise UsageError(f"{where} is {value:g}; it should be {bounds}.", hint=means)
    return value


def write_new(path: Path) -> None:
    """Write the file with every default and what each key means."""
    document = tomlkit.document()
    document.add(tomlkit.comment("What this workspace does. Options given on the command line are written here too."))
    workspace = tomlkit.table()
    workspace["version"] = VERSION
    document["workspace"] = workspace
    for f in dataclasses.fields(Settings):
        kind = _hints(Settings)[f.name]
        table = tomlkit.table()
        table.comment((kind.__doc__ or "").splitlines()[0])
        hints = _hints(kind)
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
            table[key] = _inline(value)
            changed[key] = value
    if changed:
        _write(path, tomlkit.dumps(document))
    return changed


def _inline(value: Any) -> Any:
    """Return a list of tables as one value in its place; as tables of their own they would end the section."""
    if not isinstance(value, list) or not any(isinstance(one, dict) for one in value):
        return value
    array = tomlkit.array()
    for one in value:
        table = tomlkit.inline_table()
        table.update(one)
        array.append(table)
    return array.multiline(True)


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
