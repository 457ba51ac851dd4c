"""What leaves a workspace for other programs: the model for the transformers library, and results as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import InputError, UsageError
from wonderland.lab.result_files import write_folder
from wonderland.workspace import auditing, models
from wonderland.workspace.wipe import remember

if TYPE_CHECKING:
    import pandas

    from wonderland.lab.results import Results
    from wonderland.workspace.layout import Layout

__all__ = ["FORMATS", "export_model", "export_results"]

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
    import wonderland
    from wonderland.model.hf_export import save_gpt2

    model, tokenizer = models.load_model(layout)
    told = auditing.sharing(layout, model.fingerprint).let_out(asked=asked)
    place = Path(folder).expanduser()

    def write(partial: Path) -> None:
        save_gpt2(model, tokenizer, partial)
        about = {
            "version": wonderland.__version__,
            "layers": model.cfg.n_layers,
            "heads": model.cfg.n_heads,
            "parameters": model.n_params,
            "context": model.cfg.n_ctx,
            "fingerprint": model.fingerprint,
            "sharing": told,
        }
        (partial / "README.md").write_text(_CARD.format(name=place.name, **about), encoding="utf-8")
        _mark(partial, {"model": about})

    _only_an_export(place, "model")
    write_folder(place, _MARK, write)
    remember(layout.folder, [path for path in place.rglob("*") if path.is_file()])
    return place


def export_results(layout: Layout, results: Results, folder: str | Path, kind: str) -> list[Path]:
    """Write the numbers of results as tables; see `Workspace.export_results`."""
    if kind not in FORMATS:
        raise UsageError(f"There is no format {kind!r}.", hint=f"Formats: {', '.join(FORMATS)}.")
    if not results:
        raise InputError("There is no result to export.", hint="Run some first, for example: wonderland analyze triage")
    tables = _tables(results)
    place = Path(folder).expanduser()

    def write(partial: Path) -> None:
        for name, table in tables.items():
            _write(table, partial / f"{name}.{kind}", kind)
        _mark(partial, {"results": list(results)})

    _only_an_export(place, "results")
    write_folder(place, _MARK, write)
    written = sorted(path for path in place.iterdir() if path.name != _MARK)
    remember(layout.folder, [*written, place / _MARK])
    return written


def _mark(folder: Path, about: dict[str, Any]) -> None:
    """Write what was exported, and which files are ours."""
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    (folder / _MARK).write_text(json.dumps({**about, "files": files}, indent=1), encoding="utf-8")


def _only_an_export(folder: Path, what: str) -> None:
    """Refuse a folder that holds files of somebody else, or an export of another kind: both would be lost.

    Raises:
        UsageError: It does.
    """
    try:
        known = json.loads((folder / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # `write_folder` refuses what is no export
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {_MARK}
    others = sorted(there - set(known.get("files", [])))
    if what not in known or others:
        kept = others[0] if others else "an export of another kind"
        raise UsageError(f"{folder} holds {kept}, which would be lost.", hint="Choose a new folder.")


def _tables(results: Results) -> dict[str, pandas.DataFrame]:
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
        for finding in result.findings():
            number = finding.estimate
            row: dict[str, Any] = {"analysis": name, "finding": finding.sentence, "kind": finding.kind}
            row |= {"trust": finding.trust, "view": finding.view}
            row |= {part: None if number is None else float(getattr(number, part)) for part in ("value", "low", "high")}
            row |= {"n": None if number is None else number.n, "unit": "" if number is None else number.unit}
            findings.append(row)
        if (made := result.provenance) is not None:
            facts = {"analysis": name, "version": made.version, "seconds": made.seconds, "wonderland": made.wonderland}
            told = {"parameters": made.parameters, "evidence": made.evidence, "fingerprints": made.fingerprints}
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
