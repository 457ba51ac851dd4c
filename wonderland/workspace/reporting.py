"""What is shown of a workspace: the report and the figures, whole or with messages left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import wonderland
from wonderland.corpus.corpus import Corpus
from wonderland.lab.results import Results
from wonderland.lab.standard_views import standard_views
from wonderland.report import corpus_overview
from wonderland.report.redact import Redaction
from wonderland.report.schema import Quoted, View
from wonderland.tokenizer import SpeakerTokenizer
from wonderland.workspace.stage import guarding
from wonderland.workspace.wipe import remember

if TYPE_CHECKING:
    from wonderland.workspace.workspace import Workspace

__all__ = ["figures", "report"]


def report(workspace: Workspace, path: str | Path | None, results: Results, redact: int | None) -> Path:
    """Write the report; see `Workspace.report`."""
    from wonderland.report.build import write_report

    place = Path(path).expanduser() if path else workspace.folder / "report.html"
    corpus = Corpus.load(workspace.folder / "filtered")
    with guarding(place):
        written = write_report(
            place,
            results,
            results.specimen,
            checks=workspace.check(),
            extra_views=_own_views(workspace, corpus, results),
            meta={
                "corpus": corpus.counts(),
                "source": Quoted(corpus.ledger.source, "message"),
                "wonderland": wonderland.__version__,
            },
            redact=None if redact is None else _redaction(corpus, results, redact).page,
        )
    remember(workspace.folder, [written])
    return written


def figures(workspace: Workspace, folder: str | Path, results: Results, redact: int | None) -> list[Path]:
    """Draw every view into a folder; see `Workspace.figures`."""
    from wonderland.report.plots_files import save_figures

    corpus = Corpus.load(workspace.folder / "filtered")
    views = [*_own_views(workspace, corpus, results), *(view for one in results.values() for view in one.views())]
    if redact is not None:
        redaction = _redaction(corpus, results, redact)
        views = [redaction.view(view) for view in views]
    place = Path(folder).expanduser()
    with guarding(place):
        written = save_figures(views, place)
    remember(workspace.folder, written)
    return written


def _own_views(workspace: Workspace, corpus: Corpus, results: Results) -> Sequence[View]:
    """Return the views that no analysis gives."""
    seed = workspace.settings.analysis.seed
    return [*standard_views(results.specimen, seed=seed), *corpus_overview.corpus_overview(corpus)]


def _redaction(corpus: Corpus, results: Results, contacts: int) -> Redaction:
    tokenizer = results.specimen.tokenizer
    assert isinstance(tokenizer, SpeakerTokenizer)  # a workspace trains no other
    return Redaction.of(corpus, tokenizer, contacts)
