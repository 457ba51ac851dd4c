"""What leaves a workspace for other programs: the model for the transformers library, and results as tables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.advice import Command, Hint
from wonderland.errors import InputError, UsageError
from wonderland.lab.result_files import write_folder
from wonderland.paths import expanded
from wonderland.report.findings import judged
from wonderland.version import __version__
from wonderland.workspace import auditing, models
from wonderland.workspace.fingerprint import hash_file
from wonderland.workspace.wipe import new_folders, remember_parts

if TYPE_CHECKING:
    import pandas

    from wonderland.lab.result import Result
    from wonderland.lab.results import Results
    from wonderland.workspace.layout import Layout

__all__ = ["FORMATS", "export_model", "export_results", "not_of_now"]

FORMATS = ("csv", "parquet")
_MARK = "wonderland-export.json"
_CARD = """# A model trained by wonderland {version}

A GPT-2 with {layers} layers and {heads} heads, {parameters:,} parameters, trained from scratch on somebody's messages.

**It is personal data, like the messages.** Whoever has it can ask it for names, numbers and sentences of theirs, and
sometimes it knows them. Do not publish it. {sharing}

    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained("{name}")
    tokenizer = AutoTokenizer.from_pretrained("{name}")
    start = tokenizer("<|them|> are you free tomorrow?<|sep|><|me|>", return_tensors="pt")
    print(tokenizer.decode(model.generate(**start, do_sample=True, max_new_tokens=40)[0]))

`<|me|>` is token 1, `<|them|>` 2, `<|sep|>` 3 (the end of a message), `<|endoftext|>` 0, `<|pad|>` 4. In the chat
template the assistant is me and the user is them. The tokenizer reads these names as special tokens wherever they
stand, also in messages of strangers. Its context is {context} tokens. Fingerprint of the weights: {fingerprint}.
"""


def export_model(layout: Layout, folder: str | Path, *, asked: bool) -> Path:
    """Write the model as a folder that the transformers library opens; see `Workspace.export_model`."""
    from wonderland.model.hf_export import save_gpt2

    model, tokenizer = models.load_model(layout)
    told = auditing.sharing(layout, model.fingerprint).let_out(asked=asked)
    place = expanded(folder)

    def write(partial: Path) -> None:
        save_gpt2(model, tokenizer, partial)
        about = {
            "version": __version__,
            "layers": model.cfg.n_layers,
            "heads": model.cfg.n_heads,
            "parameters": model.n_params,
            "context": model.cfg.n_ctx,
            "fingerprint": model.fingerprint,
            "sharing": told,
        }
        (partial / "README.md").write_text(_CARD.format(name=place.name, **about), encoding="utf-8")
        _mark(partial, {"model": about})
        remember_parts(layout.folder, place, partial, made)

    _only_an_export(place, "model")
    made = new_folders(place)
    write_folder(place, _MARK, write)
    return place


def not_of_now(results: Mapping[str, Result], of_settings: Mapping[str, Result]) -> list[str]:
    """Return the names of results that are not those of the settings of now."""
    now = {name: result.provenance for name, result in of_settings.items()}
    return [name for name, result in results.items() if name not in now or result.provenance != now[name]]


def export_results(layout: Layout, results: Results, of_settings: Results, folder: str | Path, kind: str) -> list[Path]:
    """Write the numbers of results as tables; see `Workspace.export_results`.

    Args:
        layout: The workspace.
        results: What is written.
        of_settings: The results of the settings of now; the table ``about`` says which are those.
        folder: Where to.
        kind: "csv" or "parquet".
    """
    if kind not in FORMATS:
        raise UsageError(f"There is no format {kind!r}.", hint=f"Formats: {', '.join(FORMATS)}.")
    if not results:
        raise InputError(
            "There is no result to export.", hint=Hint("Run some first, for example: ", Command("analyze", "triage"))
        )
    tables = _tables(results, not_of_now(results, of_settings))
    place = expanded(folder)

    def write(partial: Path) -> None:
        for name, table in tables.items():
            _write(table, partial / f"{name}.{kind}", kind)
        _mark(partial, {"results": list(results)})
        remember_parts(layout.folder, place, partial, made)

    _only_an_export(place, "results")
    made = new_folders(place)
    write_folder(place, _MARK, write)
    return sorted(path for path in place.iterdir() if path.name != _MARK)


def _mark(folder: Path, about: dict[str, Any]) -> None:
    """Write what was exported, which files are ours, and what was in them."""
    files = {str(path.relative_to(folder)): hash_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    (folder / _MARK).write_text(json.dumps({**about, "files": files}, indent=1), encoding="utf-8")


def _only_an_export(folder: Path, what: str) -> None:
    """Refuse a folder with anything in it that an export of this kind did not write so: it would be lost.

    Raises:
        UsageError: There is an export of another kind, something of somebody else, or a file that was changed since.
    """
    if not os.path.lexists(folder / _MARK):
        return  # `write_folder` refuses what is no export
    try:
        known = json.loads((folder / _MARK).read_text(encoding="utf-8")) if (folder / _MARK).is_file() else None
    except (OSError, ValueError, RecursionError):
        known = None
    files = known.get("files") if isinstance(known, dict) else None
    if not isinstance(known, dict) or not isinstance(files, dict):
        raise _lost(f"{folder} holds a {_MARK} that says nothing of what was exported: what else is there would be")
    if what not in known:
        raise _lost(f"{folder} holds an export of another kind, which would be")
    made = {*files, _MARK, *(str(above) for name in files for above in Path(name).parents)}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        kept = path.is_file() if name in {*files, _MARK} else path.is_dir()
        if name not in made or path.is_symlink() or not kept:
            raise _lost(f"{folder} holds {name}, which would be")
        if name in files and hash_file(path) != files[name]:
            raise _lost(f"{path} was changed since it was written; it would be")


def _lost(what: str) -> UsageError:
    return UsageError(f"{what} lost.", hint="Choose a new folder, or move that one away.")


def _tables(results: Results, others: Sequence[str]) -> dict[str, pandas.DataFrame]:
    """Return a table of each analysis, one row a number; one of all findings; and one of how each result came about."""
    import pandas

    from wonderland.lab.tables import joined, table

    found: dict[str, pandas.DataFrame] = {}
    findings: list[dict[str, Any]] = []
    about: list[dict[str, Any]] = []
    for name, result in results.items():
        models_ = {"trained": result, **({"untrained": result.control} if result.control is not None else {})}
        frames = []
        for model, one in models_.items():
            frame = table(name, one.estimates())
            frame.insert(0, "model", model)
            frames.append(frame)
        found[name] = joined(frames)
        for finding in map(judged, result.findings()):
            number = finding.estimate
            row: dict[str, Any] = {"analysis": name, "finding": finding.sentence, "kind": finding.kind}
            row |= {"trust": finding.trust, "view": finding.view}
            row |= {part: None if number is None else float(getattr(number, part)) for part in ("value", "low", "high")}
            row |= {"n": None if number is None else number.n, "unit": "" if number is None else number.unit}
            findings.append(row)
        if (made := result.provenance) is not None:
            facts: dict[str, Any] = {
                "analysis": name,
                "version": made.version,
                "seconds": made.seconds,
                "wonderland": made.wonderland,
            }
            told = {"parameters": made.parameters, "evidence": made.evidence, "fingerprints": made.fingerprints}
            facts["up_to_date"] = name not in others
            about.append(facts | {key: json.dumps(value, default=str) for key, value in told.items()})
    found["findings"] = pandas.DataFrame(findings)
    found["about"] = pandas.DataFrame(about)
    return found


def _write(table: pandas.DataFrame, path: Path, kind: str) -> None:
    if kind == "parquet":
        for name in table.columns:
            if table[name].dtype == object:  # a dimension may have names in one quantity and numbers in another
                table[name] = table[name].map(lambda value: None if value is None or value != value else str(value))
        table.to_parquet(path, index=False)
        return
    texts = table.select_dtypes(include=["object", "string"]).columns
    safe = table.copy()
    for name in texts:
        safe[name] = safe[name].map(_no_formula)
    safe.to_csv(path, index=False)


def _no_formula(value: Any) -> Any:
    """Return a text that a spreadsheet does not run: with an apostrophe before what begins a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
