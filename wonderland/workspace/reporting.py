"""What is shown of a workspace: the report and the figures, whole or with messages left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import wonderland
from wonderland.corpus.corpus import Corpus
from wonderland.lab.live_page import live_page
from wonderland.lab.results import Results
from wonderland.lab.standard_views import standard_views
from wonderland.report import corpus_overview
from wonderland.report.findings import Check
from wonderland.report.live_view import redacted_model
from wonderland.report.redact import Redaction
from wonderland.report.schema import Quoted, View
from wonderland.tokenizer import SpeakerTokenizer
from wonderland.workspace.layout import Layout
from wonderland.workspace.replicated import replicated_in
from wonderland.workspace.stage import guarding
from wonderland.workspace.wipe import remember

__all__ = ["Showing"]


@dataclass(frozen=True)
class Showing:
    """What a report and figures are made of.

    Args:
        layout: The workspace.
        results: What to show.
        redact: Leave messages out, and show only words and tokens that so many contacts used.
    """

    layout: Layout
    results: Results
    redact: int | None

    @property
    def _corpus(self) -> Corpus:
        return self.layout.done("filtered", "filter").read(Corpus.load)

    def report(self, path: str | Path | None, checks: list[Check], *, live: bool = False) -> Path:
        """Write the report; see `Workspace.report`."""
        from wonderland.report.build import write_report

        if live and self.redact is not None:
            raise redacted_model()
        name = "report-live.html" if live else "report.html"
        place = Path(path).expanduser() if path else self.layout.folder / name
        packed = live_page(self.results.specimen, self.results) if live else None
        corpus = self._corpus
        with guarding(place):
            written = write_report(
                place,
                self.results,
                self.results.specimen,
                checks=checks,
                extra_views=self._own_views(corpus),
                meta={
                    "corpus": corpus.counts(),
                    "source": Quoted(corpus.ledger.source, "message"),
                    "wonderland": wonderland.__version__,
                },
                redact=None if self.redact is None else self._redaction(corpus, self.redact).page,
                live=packed,
                replicated=replicated_in(self.layout.folder, self.results.specimen),
            )
        remember(self.layout.folder, [written])
        return written

    def figures(self, folder: str | Path) -> list[Path]:
        """Draw every view into a folder; see `Workspace.figures`."""
        from wonderland.report.plots_files import save_figures

        corpus = self._corpus
        views = [*self._own_views(corpus), *(view for one in self.results.values() for view in one.views())]
        if self.redact is not None:
            redaction = self._redaction(corpus, self.redact)
            views = [redaction.view(view) for view in views]
        place = Path(folder).expanduser()
        with guarding(place):
            written = save_figures(views, place)
        remember(self.layout.folder, written)
        return written

    def _own_views(self, corpus: Corpus) -> Sequence[View]:
        """Return the views that no analysis gives."""
        seed = self.layout.settings.analysis.seed
        return [*standard_views(self.results.specimen, seed=seed), *corpus_overview.corpus_overview(corpus)]

    def _redaction(self, corpus: Corpus, contacts: int) -> Redaction:
        subject = self.results.specimen
        members = getattr(subject, "members", {})  # of a cohort, which has one tokenizer for all
        tokenizer = next(iter(members.values()), subject).tokenizer
        assert isinstance(tokenizer, SpeakerTokenizer)  # a workspace trains no other
        return Redaction.of(corpus, tokenizer, contacts)
