"""Run every script of the findings on workspaces and write down what each printed, side by side.

    python docs/record_findings.py docs/findings/demo.md wonderland-demo wonderland-seed

The page is committed, so that it can be read without running anything, and says which models it is about. The one
script that compares a model with a larger one is given the first two workspaces.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from pathlib import Path

import wonderland as wl

SCRIPTS = sorted((Path(__file__).parents[1] / "examples").glob("[0-9][0-9]_*.py"))
PAIRED = "10_larger_model"


def main(page: str, *folders: str) -> None:
    """Run the scripts and write the page."""
    workspaces = {wl.Workspace(folder).settings.training.preset: wl.Workspace(folder) for folder in folders}
    told = {script: record(script, workspaces) for script in SCRIPTS}
    names = [Path(folder).name for folder in folders]
    head = [
        "# On the conversations of the demo",
        "\n".join(about(preset, workspace) for preset, workspace in workspaces.items()),
        "Written by",
        "\n".join(
            [
                *(f"    wonderland demo {n} --preset {p}" for n, p in zip(names, workspaces, strict=True)),
                f"    python docs/record_findings.py {page} {' '.join(names)}",
            ]
        ),
        "\n".join(
            [
                f"| the notes | here ({'), here ('.join(workspaces)}) | verdict |".replace("), here", ") | here"),
                "|---" * (2 + len(workspaces)) + "|",
                *(row(script, texts, list(workspaces)) for script, texts in told.items()),
            ]
        ),
    ]
    body = [
        "\n\n".join(
            [
                f"## {heading(script)}",
                f"[The script](scripts/{script.stem}.rst).",
                *(f"{preset}:\n\n```text\n{text}```" for preset, text in texts.items()),
            ]
        )
        for script, texts in told.items()
    ]
    Path(page).write_text("\n\n".join([*head, *body]) + "\n", encoding="utf-8")


def about(preset: str, workspace: wl.Workspace) -> str:
    """Return which model a workspace holds, and what it was examined on."""
    specimen = workspace.specimen()
    evidence = specimen.evidence.describe()
    return (
        f"- **{preset}**: {specimen.model!r}, fingerprint `{specimen.fingerprints['model']}`, examined on "
        f"{evidence['windows']} held-out windows of {evidence['conversations']} conversations."
    )


def record(script: Path, workspaces: dict[str, wl.Workspace]) -> dict[str, str]:
    """Return what a script prints about each workspace, by preset, or about the first two together."""
    names = runpy.run_path(str(script), run_name="example")
    results = {preset: workspace.analyze(*names["ASKS"]) for preset, workspace in workspaces.items()}
    groups = {preset: [one] for preset, one in results.items()}
    if script.stem == PAIRED:
        groups = {" and ".join(list(results)[:2]): list(results.values())[:2]}
    told = {}
    for name, group in groups.items():
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            names["examine"](*group)
        told[name] = printed.getvalue()
    return told


def heading(script: Path) -> str:
    """Return the title of a script."""
    return script.read_text(encoding="utf-8").splitlines()[1]


def row(script: Path, texts: dict[str, str], presets: list[str]) -> str:
    """Return the row of the table: the first line of each part, the title linked to the rest."""
    parts = [{line[:9].strip(): line[9:] for line in text.splitlines() if line[:1].strip()} for text in texts.values()]
    anchor = "".join(c if c.isalnum() else "-" for c in heading(script).lower() if c.isalnum() or c in " -")
    here = [part["here"].rstrip(":;,.") + "." for part in parts]
    here += ["beside it" for _ in presets[len(here) :]]
    verdicts = [part["verdict"] for part in parts]
    said = [f"{name}: **{verdict}**" for name, verdict in zip(texts, verdicts, strict=True)]
    cells = (f"[{heading(script)}](#{anchor}): {parts[0]['notes']}", *here, "<br>".join(said))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main(*sys.argv[1:])
