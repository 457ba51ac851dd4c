"""Are the numbers of every analysis the same before and after a change?

Run both versions' analyses on one model, then compare what they stored::

    python benchmarks/same_numbers.py before.wonderland/results after.wonderland/results --changed neurons

prints, for each analysis, how many numbers were compared, their largest difference, and whatever stands on one side
only. The exit code is 1 if a number differs by more than the tolerance in an analysis that is not named as changed.
"""

from __future__ import annotations

from pathlib import Path

import click

from wonderland.testing.recorded import difference, stored_numbers


def stored(folder: Path) -> dict[str, Path]:
    """Return the folder of the newest stored result of each analysis, in ``results/<analysis>/`` or a key below it."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*/**/result.json"), key=lambda path: path.stat().st_mtime):
        if "control" not in path.parts:
            found[path.relative_to(folder).parts[0]] = path.parent
    return found


@click.command()
@click.argument("before", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--tolerance", default=1e-6, show_default=True, help="Largest difference that counts as the same.")
@click.option("--changed", multiple=True, help="An analysis whose numbers were changed on purpose; may be repeated.")
def main(before: Path, after: Path, tolerance: float, changed: tuple[str, ...]) -> None:
    """Compare the results that two versions stored for one model."""
    old, new = stored(before), stored(after)
    wrong = sorted(set(old) - set(new))
    for name in wrong:
        click.echo(f"{name}: only before")
    for name in sorted(set(old) & set(new)):
        a, b = stored_numbers(old[name]), stored_numbers(new[name])
        apart = {path: difference(a[path], b[path]) for path in a.keys() & b.keys()}
        worst = max(apart, key=lambda path: apart[path], default="")
        largest = apart.get(worst, 0.0)
        counted = sum(a[path].size for path in apart)
        verdict = "same" if largest <= tolerance else "changed on purpose" if name in changed else "DIFFERENT"
        if verdict == "DIFFERENT":
            wrong.append(name)
        where = f" at {worst}" if largest > 0 else ""
        click.echo(f"{name}: {verdict}; {counted:,} numbers, largest difference {largest:.2g}{where}")
        for label, paths in (("only before", a.keys() - b.keys()), ("only after", b.keys() - a.keys())):
            if paths:
                click.echo(f"  {label}: {len(paths)} numbers, for example {', '.join(sorted(paths)[:3])}")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
