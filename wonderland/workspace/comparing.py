"""Parts of the messages of a workspace compared, or those of two workspaces: what is chosen, and the page of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wonderland.advice import Command, Either, Hint, Options
from wonderland.errors import InputError, UsageError
from wonderland.nearby import is_near
from wonderland.paths import expanded
from wonderland.version import __version__
from wonderland.workspace.layout import Layout
from wonderland.workspace.settings import FILE, Settings
from wonderland.workspace.stage import guarding
from wonderland.workspace.wipe import must_be_ours, remembering

if TYPE_CHECKING:
    from wonderland.comparison.comparison import Comparison
    from wonderland.comparison.sides import Sides
    from wonderland.comparison.twins_result import Twins
    from wonderland.corpus.corpus import Corpus
    from wonderland.lab.result import Result
    from wonderland.lab.specimen import Specimen

__all__ = ["COMPARISON", "WAYS", "compared", "compared_heads", "write_comparison"]

COMPARISON = "compare.html"
"""The page of a comparison in a workspace."""
_ABOUT = "Two sides of messages, and what a model of one loses on the other. No model of a side is kept."
_HOLDS = "There is no model on this page. It shows words of messages, and numbers about them."
_REDACTED = "There is no model on this page. Of words it shows those that at least {} contacts used."
WAYS = ("period", "contact", "speaker")
_PARTS = {
    **{way: Command("compare", by=way) for way in WAYS},
    **dict.fromkeys(("me", "them"), Command("compare", by="speaker")),
}
"""What parts of one workspace can be compared by."""


def compared(
    layout: Layout,
    by: str,
    at: Sequence[str],
    contacts: Sequence[str],
    other: str | Path | None,
    permutations: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None,
) -> Comparison:
    """Compare; see `Workspace.compare`."""
    from wonderland.comparison.comparison import compare
    from wonderland.corpus.corpus import Corpus

    if permutations < 20:
        raise UsageError(
            f"{permutations} draws cannot show p < 0.05; it takes 20.",
            hint=Hint("Draw more: ", Options("compare", permutations=199)),
        )
    chosen = _sides(layout.done("filtered", "filter").read(Corpus.load), by, at, contacts, other)
    return compare(chosen, permutations=permutations, seed=seed, on_progress=on_progress)


def compared_heads(
    layout: Layout,
    specimen: Specimen,
    train: Corpus,
    by: str,
    at: Sequence[str],
    contacts: Sequence[str],
    other: str | Path | None,
    steps: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None,
) -> Twins:
    """Compare heads of models fine-tuned on two sides; see `Workspace.compare_heads`.

    Args:
        layout: The workspace.
        specimen: Its model.
        train: The messages that the model read; those held out are no part of a side, since heads are compared on them.
        by, at, contacts, other: What to compare.
        steps: Steps of fine-tuning.
        seed: Seed of all that is random.
        on_progress: Called with (models fine-tuned, all).
    """
    from wonderland.comparison.twins import twins

    if steps < 1:
        raise UsageError(
            f"A model is fine-tuned for at least one step, not {steps}.",
            hint=Hint("For example: ", Options("compare", steps=40)),
        )
    return twins(specimen, _sides(train, by, at, contacts, other), steps=steps, seed=seed, on_progress=on_progress)


def _sides(corpus: Corpus, by: str, at: Sequence[str], contacts: Sequence[str], other: str | Path | None) -> Sides:
    from wonderland.comparison import sides

    if by not in ("", *WAYS):
        raise UsageError(f"Nothing can be compared by {by!r}.", hint=f"Choose from: {', '.join(WAYS)}.")
    if bool(by) == (other is not None):
        raise UsageError(
            "Say what to compare: parts of this workspace, or this workspace with another.",
            hint=Hint(
                "Parts of this one: ",
                Command("compare", by="speaker"),
                ". With another: ",
                Command("compare", "OTHER.wonderland"),
            ),
        )
    if by == "speaker":
        return sides.by_speaker(corpus)
    if by == "period":
        return sides.by_period(corpus, at)
    if by == "contact":
        return sides.by_contact(corpus, contacts)
    assert other is not None
    return sides.of_two(corpus, _messages_of(expanded(other)))


def _messages_of(folder: Path) -> Corpus:
    from wonderland.corpus.corpus import Corpus

    if not (folder / FILE).is_file():
        hint = Hint(
            "Give the folder that holds wonderland.toml; parts of this workspace are compared with ",
            Either("--by", "by"),
            ".",
        )
        near = [name for name in (*_PARTS, *_beside(folder)) if is_near(folder.name, [name])]
        if near:
            told = [part for name in near[:2] for part in (" or ", _PARTS.get(name, Command("compare", name)))]
            hint = Hint("Did you mean ", *told[1:], "? ", hint)
        raise InputError(f"There is no workspace at {folder}.", hint=hint)
    return Layout(folder, Settings.load(folder / FILE)).done("filtered", "filter").read(Corpus.load)


def _beside(folder: Path) -> list[str]:
    """Return the names of the workspaces that stand beside a place."""
    return sorted(one.parent.name for one in folder.absolute().parent.glob(f"*/{FILE}"))


def write_comparison(
    layout: Layout, result: Comparison, path: Path | None, redact: int | None, heads: Twins | None = None
) -> tuple[Path, list[str]]:
    """Write the page of a comparison; return its path, and what was found as lines that show no more than the page.

    Args:
        layout: The workspace.
        result: The comparison.
        path: Where to; ``compare.html`` in the workspace by default.
        redact: Show only words that so many contacts used, and of contacts none.
        heads: What came of fine-tuning, if that was asked for.
    """
    from wonderland.corpus.corpus import Corpus
    from wonderland.report.build import write_report
    from wonderland.report.redact import Redaction
    from wonderland.report.schema import characters
    from wonderland.tokenizer import SpeakerTokenizer

    place = expanded(path) if path else layout.folder / COMPARISON
    must_be_ours(layout.folder, [place])
    corpus = layout.done("filtered", "filter").read(Corpus.load)
    redaction = None
    if redact is not None:
        redaction = Redaction.of(corpus, SpeakerTokenizer.train(corpus, layout.vocab_size), redact)
    results: dict[str, Result] = {"comparison": result} | ({} if heads is None else {"comparison-heads": heads})
    with remembering(layout.folder, [place]), guarding(place):
        written = write_report(
            place,
            results,
            None,
            meta={"corpus": corpus.counts(), "compared": _ABOUT, "wonderland": __version__},
            redact=None if redaction is None else redaction.page,
            audit=_HOLDS if redact is None else _REDACTED.format(redact),
        )
    if redaction is None:
        return written, [line for one in results.values() for line in one.summary().splitlines()]
    found = [redaction.tree(finding) for one in results.values() for finding in one.findings()]
    return written, [characters(finding.text) for finding in found]
