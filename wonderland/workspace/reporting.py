"""What is shown of a workspace: the report and the figures, whole or with messages left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.errors import Unsupported
from wonderland.lab.live_page import live_page
from wonderland.lab.results import Results
from wonderland.lab.standard_views import standard_views
from wonderland.paths import expanded
from wonderland.report import corpus_overview
from wonderland.report.findings import Check
from wonderland.report.live_view import redacted_model
from wonderland.report.redact import Redaction
from wonderland.report.schema import Quoted, View
from wonderland.report.sharing import NO_AUDIT, Sharing
from wonderland.tokenizer import SpeakerTokenizer
from wonderland.version import __version__
from wonderland.workspace import auditing
from wonderland.workspace.layout import Layout
from wonderland.workspace.replicated import replicated_in
from wonderland.workspace.shown import note
from wonderland.workspace.stage import guarding
from wonderland.workspace.status import LIVE_REPORT, REPORT, keys_of_settings
from wonderland.workspace.wipe import must_be_ours, new_folders, remembering

__all__ = ["Showing"]


_ELSEWHERE = "What it was trained on is not here, so what it gives away of that was not asked."


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
    def _corpus(self) -> Corpus | None:
        """The messages; None of a model from elsewhere."""
        if self.layout.examines:
            if self.redact is not None:
                raise Unsupported(
                    "Redaction shows only words that several contacts used, and texts have no contacts.",
                    hint=Hint("Write the report as it is: ", Command("report")),
                )
            return None
        return self.layout.done("filtered", "filter").read(Corpus.load)

    def report(self, path: str | Path | None, checks: list[Check], *, live: bool = False, asked: bool = False) -> Path:
        """Write the report; see `Workspace.report`."""
        from wonderland.report.build import write_report

        if live and self.redact is not None:
            raise redacted_model()
        results = self._with_audit()
        model = self.results.specimen.fingerprints.get("model", "")
        sharing = auditing.sharing(self.layout, model)
        told = sharing.let_out(asked=asked) if live else ""
        place = expanded(path) if path else self.layout.folder / (LIVE_REPORT if live else REPORT)
        must_be_ours(self.layout.folder, [place])
        made = new_folders(place.parent)
        packed = live_page(self.results.specimen, self.results) if live else None
        corpus = self._corpus
        with remembering(self.layout.folder, [place], made), guarding(place):
            written = write_report(
                place,
                results,
                self.results.specimen,
                checks=checks,
                extra_views=self._own_views(corpus),
                meta={**self._about(corpus), "wonderland": __version__},
                redact=None if self.redact is None or corpus is None else self._redaction(corpus, self.redact).page,
                live=packed,
                replicated=replicated_in(self.layout.folder, self.results.specimen),
                audit=self._of_audit(results, sharing, model),
                sharing=told,
            )
        note(self.layout, written, self.results, keys_of_settings(self.layout), self.redact or 0)
        return written

    def _of_audit(self, results: Results, sharing: Sharing, model: str) -> str:
        """Return what the first page says of the audit: the workspace's, or one that was run as an analysis."""
        if self.layout.examines:
            return _ELSEWHERE
        found = Sharing.of(results, model).sentence
        return sharing.sentence if found == NO_AUDIT else found

    def figures(self, folder: str | Path) -> list[Path]:
        """Draw every view into a folder; see `Workspace.figures`."""
        from wonderland.report.plots_files import figure_files, save_figures

        corpus = self._corpus
        shown = self._with_audit()
        views = [*self._own_views(corpus), *(view for one in shown.values() for view in one.views())]
        if self.redact is not None and corpus is not None:
            redaction = self._redaction(corpus, self.redact)
            views = [redaction.view(view) for view in views]
        place = expanded(folder)
        files, made = figure_files(views, place), new_folders(place)
        must_be_ours(self.layout.folder, files)
        with remembering(self.layout.folder, files, made), guarding(place):
            return save_figures(views, place)

    def _with_audit(self) -> Results:
        """Return the results with the audit of this model, if there is one."""
        found = auditing.there(self.layout)
        known = self.results
        if found is None:
            return known
        return replace(known, by_name={**known.by_name, "memorisation": found})

    def _about(self, corpus: Corpus | None) -> dict[str, Any]:
        """Return what the report says of where messages or texts are from."""
        if corpus is not None:
            return {"corpus": corpus.counts(), "source": Quoted(corpus.ledger.source, "message")}
        examined = self.layout.settings.examined
        return {"folder": Quoted(examined.model, "message"), "texts": Quoted(examined.texts, "message")}

    def _own_views(self, corpus: Corpus | None) -> Sequence[View]:
        """Return the views that no analysis gives."""
        seed = self.layout.settings.analysis.seed
        overview = [] if corpus is None else corpus_overview.corpus_overview(corpus)
        return [*standard_views(self.results.specimen, seed=seed), *overview]

    def _redaction(self, corpus: Corpus, contacts: int) -> Redaction:
        subject = self.results.specimen
        members = getattr(subject, "members", {})  # of a cohort, which has one tokenizer for all
        tokenizer = next(iter(members.values()), subject).tokenizer
        assert isinstance(tokenizer, SpeakerTokenizer)  # a workspace trains no other
        return Redaction.of(corpus, tokenizer, contacts)
