"""Run every script of the findings on workspaces and write down what each printed: a page each, and one table.

    python docs/record_findings.py demo=wonderland-demo seed=wonderland-seed

writes ``findings/demo.md``, ``findings/seed.md`` and the table in ``findings/index.md``. They are committed, so that
they can be read without running anything, and each page says which model it is about. The script that compares a model
with a larger one is given the workspaces in their order, so name the smaller first.

    python docs/record_findings.py demo seed crd3=me.wonderland

A name without a folder keeps its page as it was recorded; its column is read from there. ``crd3`` is a corpus whose
texts are not ours to show: words that a script quotes are left out of its page.
"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import wonderland as wl

HERE = Path(__file__).parent / "findings"
# From 11 on the scripts ask what the notes did not.
SCRIPTS = sorted((Path(__file__).parents[1] / "examples").glob("[0-9][0-9]_*.py"))[:10]
PAIRED = "10_larger_model"
DEMO = "the conversations of the demo"
# What a workspace was trained on, by its name, where that is not the demo; none of its words are quoted.
ELSEWHERE = {
    "crd3": "CRD3 (Rameshkumar and Bailey, *Storytelling with Dialogue*, ACL 2020; CC BY-SA 4.0), the transcripts of "
    "159 evenings of one table's role-playing game: 660,886 sentences as messages, the game master as me,"
}
WORD = re.compile(r"(?<=[ :])\S+ (\(\d+\.\d\))")
TABLE = re.compile(r"(<!-- table: [^>]*-->\n).*?(<!-- end -->)", flags=re.S)


def main(*named: str) -> None:
    """Run the scripts and write the pages and the table."""
    folders = {name: folder for name, _, folder in (one.partition("=") for one in named)}
    workspaces = {name: wl.Workspace(folder) for name, folder in folders.items() if folder}
    told = {script: record(script, workspaces) for script in SCRIPTS}
    for name, workspace in workspaces.items():
        parts = [page(name, workspace, named), *(section(script, told[script][name]) for script in SCRIPTS)]
        (HERE / f"{name}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    pages = {name: (HERE / f"{name}.md").read_text(encoding="utf-8") for name in folders}
    told = {script: {name: recorded(script, text) for name, text in pages.items()} for script in SCRIPTS}
    index = HERE / "index.md"
    text = TABLE.sub(
        lambda found: f"{found[1]}\n{table(told, folders)}\n\n{found[2]}", index.read_text(encoding="utf-8")
    )
    index.write_text(text, encoding="utf-8")


def record(script: Path, workspaces: dict[str, wl.Workspace]) -> dict[str, str]:
    """Return what a script prints about each workspace; of a pair, about both of them and after the larger."""
    names = runpy.run_path(str(script), run_name="example")
    results = {name: workspace.analyze(*names["ASKS"]) for name, workspace in workspaces.items()}
    told = {}
    for name in workspaces:
        alike = [one for one in workspaces if ELSEWHERE.get(one) == ELSEWHERE.get(name)]
        group = alike[: alike.index(name) + 1] if script.stem == PAIRED else [name]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            names["examine"](*(results[one] for one in group[-2:]))
        told[name] = WORD.sub(r"… \1", printed.getvalue()) if name in ELSEWHERE else printed.getvalue()
    return told


def recorded(script: Path, text: str) -> str:
    """Return what a page says that a script printed."""
    return text.split(f"## {heading(script)}\n", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]


def page(name: str, workspace: wl.Workspace, named: Sequence[str]) -> str:
    """Return the head of a page: which model it is about, how well it was trained, and how to get the page again."""
    specimen, settings = workspace.specimen(), workspace.settings.training.resolved()
    evidence, history = specimen.evidence.describe(), specimen.model.history
    trigram, held_out = history.baselines["trigram"], history.held_out_loss
    how = "better" if held_out < trigram else "worse"
    trained = history.epochs[-1].train_loss
    lines = [
        f"# The findings: {name}",
        f"`{specimen.model!r}`, fingerprint `{specimen.fingerprints['model']}`, trained on {ELSEWHERE.get(name, DEMO)} "
        f"for {settings.epochs} epochs, and examined on {evidence['windows']} held-out windows of "
        f"{evidence['conversations']} conversations.",
        f"Held-out loss {held_out:.2f} nats a token, {held_out / history.bytes_per_token:.2f} a byte; "
        f"{abs(held_out - trigram):.2f} {how} than the trigram. Training loss {trained:.2f}.",
    ]
    if held_out - trained > 0.5:
        lines.append(
            "The gap between the two is large: the model has learned its training messages by heart rather than how "
            "they are written. Take what is found in it as said of such a model."
        )
    short = {one: Path(folder).name for one, _, folder in (each.partition("=") for each in named)}
    made = [f"    wonderland demo {short[name]} --preset {settings.preset} --epochs {settings.epochs}"]
    if name in ELSEWHERE:
        share = workspace.settings.split.held_out
        made = [
            f"    wonderland extract {name}.jsonl",
            "    wonderland filter",
            f"    wonderland tokenize --preset {settings.preset} --held-out {share:g}",
            f"    wonderland train --preset {settings.preset} --epochs {settings.epochs} --stride {settings.stride}",
        ]
    recorder = " ".join(f"{one}={folder}" if folder else one for one, folder in short.items())
    made.append(f"    python docs/record_findings.py {recorder}")
    return "\n\n".join([*lines, "Written by", "\n".join(made)])


def section(script: Path, text: str) -> str:
    """Return what a script printed, under its title."""
    return f"## {heading(script)}\n\n[The script](scripts/{script.stem}.rst).\n\n```text\n{text}```"


def heading(script: Path) -> str:
    """Return the title of a script."""
    return script.read_text(encoding="utf-8").splitlines()[1]


def table(told: dict[Path, dict[str, str]], names: Iterable[str]) -> str:
    """Return the table: a row a finding, a column a model, then the verdicts."""
    columns = ["finding", "the notes", *(f"here ({name})" for name in names), "verdict"]
    return "\n".join(
        [
            f"| {' | '.join(columns)} |",
            "|---" * len(columns) + "|",
            *(row(script, texts) for script, texts in told.items()),
        ]
    )


def row(script: Path, texts: dict[str, str]) -> str:
    """Return the row of a finding: the first line of each part, the title linked to what was printed."""
    parts = {
        name: {line[:9].strip(): line[9:] for line in text.splitlines() if line[:1].strip()}
        for name, text in texts.items()
    }
    first = next(iter(parts))
    anchor = "".join(c if c.isalnum() else "-" for c in heading(script).lower() if c.isalnum() or c in " -")
    here = [part["here"].rstrip(":;,. ") + "." for part in parts.values()]
    if script.stem == PAIRED:  # each model's own line, not that of the smaller one twice
        here = [re.findall(r"^.{9}(.* parameters.*);$", text, flags=re.M)[-1] + "." for text in texts.values()]
    verdicts = [f"[{name}]({name}.md#{anchor}): **{part['verdict']}**" for name, part in parts.items()]
    title = heading(script).removeprefix("Finding ")
    cells = (title, parts[first]["notes"], *here, "<br>".join(verdicts))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main(*sys.argv[1:])
