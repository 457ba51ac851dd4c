"""How far a workspace is: every stage with its state (done, begun, out of date, missing, …), its date and its size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from wonderland.errors import UsageError, WonderlandError
from wonderland.workspace.catalogue import analyses, chosen, groups_of
from wonderland.workspace.declined import declined, why_declined
from wonderland.workspace.fingerprint import hash_value
from wonderland.workspace.folder import LOCK
from wonderland.workspace.kept import Kept, damaged, kept, read_record
from wonderland.workspace.layout import AUDIT_LOCK, CHECKPOINT, Layout
from wonderland.workspace.locking import held, holder
from wonderland.workspace.shown import later, latest_keys, noted, options_of
from wonderland.workspace.stage import State
from wonderland.workspace.versions import of_other_versions, versions
from wonderland.workspace.wipe import bytes_of

__all__ = ["LIVE_REPORT", "REPORT", "Step", "keys_of_settings", "status"]

REPORT, LIVE_REPORT = "report.html", "report-live.html"
_FEW = 3  # analyses to name


@dataclass(frozen=True)
class Step:
    """One line of `Workspace.status`.

    Attributes:
        name: What it is about.
        state: Whether it is done.
        detail: What else there is to say.
        size: Bytes on disk.
        written: When it was written, in seconds since 1970; None if it is not there.
        again: What to type to have it as it should be, if there is anything.
        passed: Whether what it found is as it should be: False of checks of which one failed.
        working: Whether another process makes it now, so that to ask for it would be refused.
    """

    name: str
    state: State
    detail: str = ""
    size: int = 0
    written: float | None = None
    again: str = ""
    passed: bool = True
    working: bool = False


def status(layout: Layout) -> list[Step]:
    """Say of every stage of a workspace whether it is done."""
    names = ("model",) if layout.examines else ("corpus", "filtered", "tokenizer", "model", "checks", "audit")
    steps = [_step(layout, name) for name in names]
    steps = _with_messages_at_work(layout, steps)
    results, keys = _results(layout)
    results = _with_analyses_at_work(layout, results)
    live = _of_before(steps, _report(layout, "live report", LIVE_REPORT, "wonderland report --live", keys))
    report = _of_before(steps, _report(layout, "report", REPORT, "wonderland report", keys))
    return [*steps, results, report, *([] if live.state == "missing" else [live])]


def _of_before(steps: Sequence[Step], report: Step) -> Step:
    """Return the line of a report, which is out of date where what it is made of has to be made anew first."""
    first = next((step.name for step in steps if step.name in _MADE_OF and step.state != "done"), "")
    if report.state != "done" or not first:
        return report
    told = f"{report.detail}; it is of the {_MADE_OF[first]} from before, which the settings do not ask for now"
    return replace(report, state="out of date", detail=told)


_MADE_OF = {"corpus": "messages", "filtered": "messages", "tokenizer": "tokenizer", "model": "model"}
_OF_MESSAGES = {"extract": "corpus", "filter": "filtered", "tokenize": "tokenizer"}


def _with_messages_at_work(layout: Layout, steps: list[Step]) -> list[Step]:
    """Return the lines, that of what another process makes of the messages with what it does.

    Of a command that makes several of them it is the first that is not done, and of one that does not say what it is.
    """
    command = None if layout.examines else holder(layout.folder / LOCK)
    if command is None:
        return steps
    first = next((step.name for step in steps if step.name in _OF_MESSAGES.values() and step.state != "done"), "corpus")
    name = _OF_MESSAGES.get(command, first)
    told = f"`wonderland {command}` runs now, in another process" if command else "being made now, in another process"
    return [_at_work_too(step, told) if step.name == name else step for step in steps]


def _with_analyses_at_work(layout: Layout, results: Step) -> Step:
    """Return the line of the results, with the analyses that another process runs."""
    locks = (layout.folder / "results").glob("*/.*.lock")
    running = sorted({lock.parent.name for lock in locks if held(lock)})
    if not running:
        return results
    few = ", ".join(running[:_FEW]) + (f" and {len(running) - _FEW} more" if len(running) > _FEW else "")
    return _at_work_too(results, f"`wonderland analyze` runs now, in another process: {few}")


def _at_work_too(step: Step, told: str) -> Step:
    """Return the line of what another process makes; what is done stays so until there is another."""
    state: State = "done" if step.state == "done" else "begun"
    return replace(step, state=state, detail="; ".join(filter(None, [step.detail, told])), working=True)


def _report(layout: Layout, name: str, file: str, command: str, keys: Mapping[str, str]) -> Step:
    """Say of a report whether it shows everything that there is now.

    Args:
        layout: The workspace.
        name: What it is called.
        file: Its file.
        command: What writes it.
        keys: The key of the result of each analysis that the settings ask for, "" of one that is not there.
    """
    place = layout.folder / file
    if not place.exists():
        return Step(name, "missing", again=command)
    size = bytes_of(place)
    shown = noted(layout.folder, file)
    if shown is None:
        why = f"{place}; what it shows is not known, as another version wrote it or it was changed: `{command}`"
        return _unless_refused(layout, Step(name, "out of date", why, size, place.stat().st_mtime, command))
    command += options_of(shown)
    told = f"{place}, redacted: words of at least {shown.redacted} contacts" if shown.redacted else f"{place}"
    wanted = {analysis: key for analysis, key in keys.items() if key}
    if any(shown.results.get(analysis, key) != key for analysis, key in shown.of_settings.items()):
        wanted, command = latest_keys(kept(layout.folder), shown.results), f"{command} --latest"
    after = later(shown, layout, wanted)
    if not after:
        return Step(name, "done", told, size, shown.written)
    names = " and ".join(filter(None, [", ".join(after[:-1]), *after[-1:]]))
    told = f"{told}; it does not show {names} of now: `{command}` does"
    return _unless_refused(layout, Step(name, "out of date", told, size, shown.written, command))


def _unless_refused(layout: Layout, step: Step) -> Step:
    """Return the line of a report that is out of date, without what to type if the audit would refuse it."""
    if step.name != "live report":
        return step
    from wonderland.workspace.auditing import sharing

    known = sharing(layout, "")
    if known.public or not known.refusals:
        return step
    return replace(step, detail=f"{step.detail}, unless the audit is against it, as it is now", again="")


def _step(layout: Layout, name: str) -> Step:
    state: State
    try:
        state = layout.stage(name).state()
        if name == "audit" and state == "out of date":
            state = layout.audit_stage(full=True).state()
        if name == "audit" and state != "done" and (why := why_declined(layout.audit_stage())):
            return Step(name, "declined", why, *_on_disk([layout.folder / name]))
    except UsageError:
        state = "missing"
    if state != "done" and (doing := _at_work(layout, name)):
        size, written = _on_disk([layout.folder / name])
        if written is not None:  # what is there is not what is being made
            doing, written = (
                f"{doing}; until then the {name} of {datetime.fromtimestamp(written):%Y-%m-%d %H:%M} is there",
                None,
            )
        return Step(name, "begun", doing, size, written, working=True)
    detail = ""
    if name == "model" and not layout.examines and state != "done" and (layout.folder / CHECKPOINT).exists():
        detail = "training was interrupted and can go on"
        state = "begun" if state == "missing" else state
    if layout.examines:
        detail = f"{layout.settings.examined.model}, on {layout.settings.examined.texts}"
        return Step(name, state, detail, *_on_disk([layout.folder / name]))
    if name == "corpus" and state == "done" and layout.store_changed():
        detail = "the store has changed since; `wonderland extract` reads it again"
    if name == "corpus" and state != "missing" and layout.lost_source:
        detail = f"the source {layout.lost_source!r} that read it is not installed here, so it cannot be read again"
    passed = True
    if name == "checks" and state == "done":
        state, passed, detail = _checked(layout.folder / name)
    return Step(name, state, detail, *_on_disk([layout.folder / name]), passed=passed)


def _at_work(layout: Layout, name: str) -> str:
    """Say what another process does to make a stage; "" if none does. A model may be one of several seeds."""
    if name == "model" and not layout.examines:
        locks = [layout.folder / f"{CHECKPOINT}.lock", *(layout.folder / "models").glob("seed-*.checkpoint.lock")]
        return "training now, in another process" if any(map(held, locks)) else ""
    return "being made now, in another process" if name == "audit" and held(layout.folder / AUDIT_LOCK) else ""


def _checked(folder: Path) -> tuple[State, bool, str]:
    """Say of the checks that were kept whether they can be read, whether all passed, and which did not."""
    try:
        rows = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
        failed = [str(row["name"]) for row in rows if not row["passed"]]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return "damaged", False, "they cannot be read; `wonderland check` makes them anew"
    if not failed:
        return "done", True, ""
    told = f"{len(failed)} of {len(rows)} failed: {'; '.join(failed)}. `wonderland check` has the numbers"
    return "done", False, told


def _on_disk(places: Sequence[Path]) -> tuple[int, float | None]:
    """Return the bytes of files and folders, and when the last of them was written: a folder when it was sealed."""
    there = [place for place in places if place.exists()]
    return sum(map(bytes_of, there)), max(map(_written, there), default=None)


def _written(place: Path) -> float:
    """Return when a file or a stage was written: as its record says, for a copy has other times of change."""
    record = place / "stage.json"
    try:
        return float(json.loads(record.read_text(encoding="utf-8"))["written"])
    except (
        OSError,
        ValueError,
        RecursionError,
        KeyError,
        TypeError,
    ):  # a file, or a stage of a version that did not note it
        return (record if record.exists() else place).stat().st_mtime


def keys_of_settings(layout: Layout) -> dict[str, str]:
    """Return the key of the result of each analysis that the settings ask for, of those that are there."""
    try:
        keys = _of_now(layout, kept(layout.folder))
    except WonderlandError:  # settings that name an analysis which is not installed
        return {}
    broken = _damaged(layout, keys)
    return {name: key for name, key in keys.items() if key and name not in broken}


def _damaged(layout: Layout, keys: Mapping[str, str]) -> list[str]:
    """Return the analyses whose result of now is damaged, or that have one of which nothing can be said any more."""

    def broken(name: str, key: str) -> bool:
        folder = layout.folder / "results" / name
        if key:
            return damaged(folder / key)
        return any(read_record(one / "stage.json") is None for one in folder.glob("[!.]*") if one.is_dir())

    return [name for name, key in keys.items() if broken(name, key)]


def _results(layout: Layout) -> tuple[Step, dict[str, str]]:
    """Say how many analyses of the settings have a result, and how many others there are; return their keys too."""
    there, refused = kept(layout.folder), declined(layout.folder)
    if not there and not refused and not any((layout.folder / "results").glob("*/[!.]*/")):
        return Step("results", "missing"), {}
    size, written = _on_disk([one.folder for one in (*there, *(one for one, _ in refused))])
    try:
        keys = _of_now(layout, [*there, *(one for one, _ in refused)])
    except WonderlandError as error:  # settings that name an analysis which is not installed
        return Step("results", "out of date", error.message, size, written), {}
    wanted, done = len(keys), sum(bool(key) for key in keys.values())
    whys = {one.analysis: why for one, why in refused if keys.get(one.analysis) == one.key}
    broken = _damaged(layout, keys)
    done -= len(whys) + sum(bool(keys[name]) for name in broken)
    detail = f"{done} of {wanted} analyses"
    if whys:
        detail += f"; declined for these messages and this model: {', '.join(whys)}"
    if broken:
        detail += (
            f"; damaged: {', '.join(broken)}; `wonderland analyze` makes {'it' if len(broken) == 1 else 'them'} anew"
        )
    detail += "".join(f"; {told}" for told in _further(there, keys))
    state: State = "damaged" if broken else "done" if done + len(whys) == wanted else "out of date"
    made = {name: "" if name in broken else key for name, key in keys.items() if name not in whys}
    return Step("results", state, detail, size, written), made


def _further(there: Sequence[Kept], of_now: Mapping[str, str]) -> list[str]:
    """Say how many results there are beside those of the settings, and why each kind is kept and not shown.

    Args:
        there: Every result.
        of_now: The key of the result of each analysis that the settings ask for.
    """
    others = [one for one in there if of_now.get(one.analysis) != one.key]
    installed, old = versions(), of_other_versions(others)
    gone = [one for one in others if one.analysis not in installed]
    word = "an older" if all(one.version <= installed[one.analysis] for one in old) else "another"
    kinds = [
        (len(old), f"made by {word} version of {_names(old)}"),
        (len(gone), f"of an analysis that is not installed: {_names(gone)}"),
        (len(others) - len(old) - len(gone), "with other parameters or of another model"),
    ]
    return [f"{f'{n} further results are' if n > 1 else '1 further result is'} kept, {why}" for n, why in kinds if n]


def _names(results: Sequence[Kept]) -> str:
    return ", ".join(sorted({one.analysis for one in results}))


def _of_now(layout: Layout, there: Sequence[Kept]) -> dict[str, str]:
    """Return the key of the result of each analysis that the settings ask for, "" of one that is not there.

    The plugins' text says what their parameters are by default, so that nothing slow is loaded.
    """
    settings = layout.settings.analysis
    sketches = analyses()
    readable = sketches is not None and all(sketch.parameters is not None for sketch in sketches.values())
    if sketches is None or not readable or not set(settings.run) <= {"all", *sketches, *groups_of(sketches)}:
        return _of_now_by_importing(layout, there)
    from wonderland.estimate import Estimate

    model, estimates = layout.stage("model").key, tuple(one.name for one in fields(Estimate))
    keys: dict[str, str] = {}

    def find(name: str) -> str:
        if name not in keys:
            sketch = sketches[name]
            usual = {key: default for key, (_, _, default) in (sketch.parameters or {}).items()}
            wanted = hash_value({**usual, **settings.parameters.get(name, {})})
            inputs = (model, *(find(used) for used in sketch.uses if used in sketches))
            same = (
                one.key
                for one in there
                if (one.analysis, one.version, one.inputs) == (name, sketch.version, inputs)
                and hash_value(one.parameters) == wanted
                and dict(one.evidence) == layout.evidence
                and one.estimates == estimates
            )
            keys[name] = next(same, "")
        return keys[name]

    for name in chosen(settings.run, sketches):
        find(name)
    return keys


def _of_now_by_importing(layout: Layout, there: Sequence[Kept]) -> dict[str, str]:
    from wonderland.lab.analysis import select, with_used

    given = layout.settings.analysis.parameters
    stages = layout.analysis_stages(with_used(select(layout.settings.analysis.run, given), given))
    keys = {(one.analysis, one.key) for one in there}
    return {name: stage.key if (name, stage.key) in keys else "" for name, stage in stages.items()}
