"""Run every script of the findings on a workspace and write down what each printed.

    python docs/record_findings.py wonderland-demo docs/findings/demo.md "The demo's model" [LARGER]

The page is committed, so that it can be read without running anything, and says which model it is about. LARGER is the
workspace of a larger model, for the one script that compares two.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from pathlib import Path

import wonderland as wl

SCRIPTS = sorted((Path(__file__).parents[1] / "examples").glob("[0-9][0-9]_*.py"))


def main(folder: str, page: str, title: str, larger: str = "") -> None:
    """Run the scripts and write the page."""
    specimens = [wl.Workspace(one).specimen() for one in (folder, larger) if one]
    told = {script: record(script, specimens if script.stem.startswith("10") else specimens[:1]) for script in SCRIPTS}
    specimen = specimens[0]
    about = specimen.evidence.describe()
    head = [
        f"# {title}",
        f"{specimen.model!r}, fingerprint `{specimen.fingerprints['model']}`, examined on {about['windows']} held-out "
        f"windows of {about['conversations']} conversations. Written by",
        f"    python docs/record_findings.py {Path(folder).name} {page} {title!r} {Path(larger).name}".rstrip(),
        "| notes | here | verdict |\n|---|---|---|\n" + "\n".join(row(script, text) for script, text in told.items()),
    ]
    body = [
        f"## {heading(script)}\n\n[The script](scripts/{script.stem}.rst).\n\n```text\n{text}```"
        for script, text in told.items()
    ]
    Path(page).write_text("\n\n".join([*head, *body]) + "\n", encoding="utf-8")


def record(script: Path, specimens: list[wl.Specimen]) -> str:
    """Return what a script prints about specimens."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(script), run_name="example")["examine"](*specimens)
    return printed.getvalue()


def heading(script: Path) -> str:
    """Return the title of a script."""
    return script.read_text(encoding="utf-8").splitlines()[1]


def row(script: Path, text: str) -> str:
    """Return the row of the table: the first line of each part, the title linked to the rest."""
    parts = {line[:9].strip(): line[9:] for line in text.splitlines() if line[:1].strip()}
    anchor = "".join(c if c.isalnum() else "-" for c in heading(script).lower() if c.isalnum() or c in " -")
    cells = (f"[{heading(script)}](#{anchor}): {parts['notes']}", parts["here"], f"**{parts['verdict']}**")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main(*sys.argv[1:])
