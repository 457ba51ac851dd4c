"""What a report shows, noted when it is written, so that one can tell later whether it shows what there is.

``reports.json`` holds for each report the hash of its file, the keys of the stages it was made of, of each analysis the
key of the result it shows, and whether it was redacted. Nothing that is compared is a time or a place, so a copy of a
workspace is as up to date as the workspace was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.paths import replacing
from wonderland.workspace.fingerprint import hash_file, hash_value
from wonderland.workspace.kept import Kept, kept
from wonderland.workspace.locking import in_turn
from wonderland.workspace.stage import guarding
from wonderland.workspace.versions import versions

if TYPE_CHECKING:
    from wonderland.lab.results import Results
    from wonderland.workspace.layout import Layout

__all__ = ["NOTED", "Shown", "is_redacted", "later", "latest_keys", "note", "noted", "options_of", "stages_now"]

NOTED = "reports.json"
_REDACTED = b'"containsText":false'  # not in a string of the page, where quotation marks are escaped
_STAGES = ("corpus", "filtered", "tokenizer", "model", "checks", "audit")


@dataclass(frozen=True)
class Shown:
    """What a report shows.

    Attributes:
        file: Hash of the report.
        stages: What each stage held, by its name.
        results: The key of the result of each analysis.
        of_settings: The key of each that the settings asked for and that was there.
        others: Results that were there and not shown, as "analysis/key".
        written: When it was written, in seconds since 1970.
        redacted: How many contacts must have used a word that it shows; 0 if it is not redacted.
    """

    file: str
    stages: Mapping[str, str]
    results: Mapping[str, str]
    of_settings: Mapping[str, str]
    others: Sequence[str] = field(default=())
    written: float = 0.0
    redacted: int = 0


def note(layout: Layout, place: Path, results: Results, of_settings: Mapping[str, str], redacted: int = 0) -> None:
    """Note what a report in the workspace shows; of one that was written elsewhere nothing is noted.

    Args:
        layout: The workspace.
        place: The report.
        results: What it shows.
        of_settings: The key of the result of each analysis that the settings ask for.
        redacted: How many contacts must have used a word that it shows; 0 if it is not redacted.
    """
    if place.parent.resolve() != layout.folder.resolve():
        return
    there = kept(layout.folder)
    keys: dict[str, str] = {}
    for name, result in results.items():
        about = result.provenance
        wanted = None if about is None else hash_value(about.parameters)
        same = (one for one in there if one.analysis == name and hash_value(one.parameters) == wanted)
        if (key := next((one.key for one in same if dict(one.evidence) == layout.evidence), "")) != "":
            keys[name] = key
    others = [_path(one) for one in there if keys.get(one.analysis) != one.key]
    now = round(time.time(), 3)
    shown = Shown(hash_file(place), stages_now(layout), keys, dict(of_settings), others, now, redacted)
    file = layout.folder / NOTED
    with in_turn(layout.folder / ".reports.lock"), guarding(file), replacing(file) as partial:
        told = {**_all(layout.folder), place.name: vars(shown)}
        partial.write_text(json.dumps(told, indent=1), encoding="utf-8")


def noted(folder: Path, name: str) -> Shown | None:
    """Return what a report of a workspace shows; None if it was not noted, or the file is another one."""
    try:
        found = Shown(**_all(folder)[name])
    except (KeyError, TypeError):
        return None
    return found if (folder / name).is_file() and hash_file(folder / name) == found.file else None


def options_of(shown: Shown | None) -> str:
    """Return the options that write a report redacted as this one is, " --redact --contacts 5"; "" if it is not."""
    return f" --redact --contacts {shown.redacted}" if shown is not None and shown.redacted else ""


def is_redacted(place: Path) -> bool:
    """Whether a report that was redacted stands at a place: its page says that it contains no text of messages."""
    try:
        return place.is_file() and _REDACTED in place.read_bytes()
    except OSError:
        return False


def stages_now(layout: Layout) -> dict[str, str]:
    """Return what each stage holds, by its name, of those that are there."""
    found = {}
    for name in ("model",) if layout.examines else _STAGES:
        if key := _key(layout.folder / name / "stage.json"):
            found[name] = key
    if "corpus" in found:  # read again under the same settings
        found["corpus"] += f" {layout.noted().get('fingerprint', '')}"
    return found


def later(shown: Shown, layout: Layout, wanted: Mapping[str, str]) -> list[str]:
    """Return what a report does not show as it is now, by the names of stages and "results".

    Args:
        shown: What it shows.
        layout: The workspace.
        wanted: The key of the result of each analysis that it should show.
    """
    now = stages_now(layout)
    names = [name for name, key in now.items() if shown.stages.get(name) != key]
    there = kept(layout.folder)
    known = {*shown.others, *(f"{name}/{key}" for name, key in shown.results.items())}
    of_now = versions()  # what another version made, or a plugin that is gone, no report can show
    mine = (one for one in there if of_now.get(one.analysis) == one.version)
    fresh = [one for one in mine if one.analysis not in wanted and _path(one) not in known]
    if fresh or any(key and shown.results.get(name) != key for name, key in wanted.items()):
        names.append("results")
    return names


def latest_keys(there: Sequence[Kept], shown: Mapping[str, str]) -> dict[str, str]:
    """Return of each analysis that is shown the key of the result asked for last, about the same model and evidence."""
    found: dict[str, str] = {}
    for name, key in shown.items():
        one = next((one for one in there if (one.analysis, one.key) == (name, key)), None)
        alike = [] if one is None else [other for other in there if _about(other) == _about(one)]
        found[name] = max(alike, key=lambda other: other.used).key if alike else ""
    return found


def _about(one: Kept) -> tuple[Any, ...]:
    return one.analysis, one.version, one.inputs[:1], hash_value(one.evidence), one.estimates


def _path(one: Kept) -> str:
    return f"{one.analysis}/{one.key}"


def _key(record: Path) -> str:
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return ""


def _all(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / NOTED).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
