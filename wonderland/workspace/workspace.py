"""A folder in which the whole job is done, step by step, each step once.

    me.wonderland/
      wonderland.toml        the only file a person edits
      people.json            who the pseudonyms are; delete it and nobody can tell any more
      corpus/  filtered/  tokenizer/  model/  checks/  results/<analysis>/<key>/
      models/                models of other seeds, and models kept on the way
      report.html
      report-live.html

`Workspace` only calls the value layer (`Corpus`, `SpeakerTokenizer`, `ChatTransformer`, `Specimen`, `analyze`) and
keeps what it returns; the same calls in a script give the same fingerprints.

This file is long because it is everything that can be asked of a workspace, a method each; the work is done in the
modules they call.

What would fool it: a change in the middle. Each method takes a `Layout` at its start, which holds the settings of that
moment, and uses no others; nothing that was read once is used again unless its key is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.errors import InputError, ResourceError
from wonderland.tokenizer import SpeakerTokenizer
from wonderland.workspace import auditing, checking, cohorts, models
from wonderland.workspace.analysing import Asked, requested
from wonderland.workspace.choosing import choose, filters, must_keep_any
from wonderland.workspace.fingerprint import hash_value
from wonderland.workspace.folder import WorkspaceFolder
from wonderland.workspace.kept import Kept
from wonderland.workspace.layout import Layout
from wonderland.workspace.locking import at_work
from wonderland.workspace.reading import read_messages

if TYPE_CHECKING:
    from wonderland.audit.result import Memorisation
    from wonderland.comparison.comparison import Comparison
    from wonderland.comparison.twins_result import Twins
    from wonderland.corpus.plain_texts import PlainTexts
    from wonderland.lab.cohort import Cohort
    from wonderland.lab.external.on_disk import Opened
    from wonderland.lab.forecast import Forecast
    from wonderland.lab.results import Results
    from wonderland.lab.specimen import Specimen
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.model.training import Progress
    from wonderland.report.findings import Check
    from wonderland.workspace.status import Step

__all__ = ["NOTHING_TO_SHOW", "Workspace"]

NOTHING_TO_SHOW = Hint(
    "Run some first, for example: ",
    Command("analyze", "triage"),
    ". All at once: ",
    Command("report", keeping=True, all=True),
)
"""What to type where there is no result yet."""

_Parameters = Mapping[str, Mapping[str, Any]]


class Workspace(WorkspaceFolder):
    """The stages of one person's model on disk.

    Args:
        folder: The workspace; it must have been made with `Workspace.create`.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self._split: tuple[str, tuple[Corpus, Corpus]] | None = None
        self._opened: tuple[str, Specimen] | None = None
        self._elsewhere: tuple[str, Opened] | None = None

    # -- doing the work ------------------------------------------------------------------------------------------

    @at_work
    def extract(
        self,
        on_rows: Callable[[int, int], None] | None = None,
        *,
        again: bool = True,
        on_store: Callable[[str], None] | None = None,
    ) -> Corpus:
        """Read the messages, unless that is done.

        Args:
            on_rows: Called now and then with rows read so far and rows stored; of several stores, of each in turn.
            on_store: Called with what each of several stores is called before it is read.
            again: Whether to read a store again that has changed since.
        """
        return read_messages(self.layout, on_rows, on_store, again=again)

    @at_work
    def filter(self) -> Corpus:
        """Drop noise, unless that is done.

        Raises:
            InputError: The messages were not read yet, or none would be left.
        """
        layout = self.layout
        stage = layout.stage("filtered")
        if stage.done:
            return stage.read(Corpus.load)
        read = layout.done("corpus", "extract").read(Corpus.load)
        chosen, wanted = choose(read, layout), filters(layout)
        kept = chosen.filter(*wanted) if wanted else chosen
        must_keep_any(read, kept)
        with stage.writing(lambda: layout.stage("filtered").key) as folder:
            kept.save(folder)
        return kept

    def split(self) -> tuple[Corpus, Corpus]:
        """Return the training part and the held-out part."""
        return self._parts(self.layout)

    def _parts(self, layout: Layout) -> tuple[Corpus, Corpus]:
        stage, split = layout.done("filtered", "filter"), layout.settings.split
        key = hash_value([stage.key, asdict(split)])
        if self._split is None or self._split[0] != key:
            corpus = stage.read(Corpus.load)
            self._split = (key, corpus.split(split.held_out, by=split.by, seed=split.seed))
        return self._split[1]

    @at_work
    def tokenize(self) -> SpeakerTokenizer:
        """Train the tokenizer on the training part, unless that is done."""
        layout = self.layout
        stage = layout.stage("tokenizer")
        if stage.done:
            return stage.read(models.load_tokenizer)
        contacts = layout.settings.tokenizer.contacts
        tokenizer = SpeakerTokenizer.train(self._parts(layout)[0], layout.vocab_size, contacts=contacts)
        with stage.writing(lambda: layout.stage("tokenizer").key) as folder:
            tokenizer.save(folder / "tokenizer.json")
        return tokenizer

    @at_work
    def train(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        device: str | None = None,
        *,
        seed: int | None = None,
    ) -> ChatTransformer:
        """Train the model, or go on training it, unless that is done.

        Args:
            on_progress: Called after each step.
            device: "cpu", "cuda" or "mps"; the fastest there is by default.
            seed: Train the model of this seed, in its own place, instead of the workspace's.
        """
        layout = self.layout
        return models.train(layout, partial(self._parts, layout), on_progress, device, seed)

    @at_work
    def train_seeds(
        self,
        count: int,
        on_progress: Callable[[int, Progress], None] | None = None,
        device: str | None = None,
        *,
        jobs: int = 0,
    ) -> dict[int, ChatTransformer]:
        """Train models that differ in their seed only, several at a time, and return them by seed.

        Args:
            count: How many, from the seed of the settings upwards.
            on_progress: Called in the process that trains, with the seed; it must be picklable.
            device: "cpu", "cuda" or "mps"; the fastest there is by default.
            jobs: How many at a time; 0 for one per core on a CPU, one on others.

        Raises:
            WonderlandError: One of them failed; the others are trained all the same (`trained_seeds`).
        """
        from wonderland.workspace.seeds import train_all

        seeds, layout = self._seeds(count), self.layout
        left = [seed for seed in seeds if not layout.seed_stage(seed).done]
        train_all(partial(_train_seed, self.folder), left or seeds, on_progress, device, jobs)
        return {seed: self.train(seed=seed) for seed in seeds}

    def trained_seeds(self, count: int) -> dict[int, ChatTransformer]:
        """Return those models of `train_seeds` that there are, by seed."""
        layout = self.layout
        return {seed: self.train(seed=seed) for seed in self._seeds(count) if layout.seed_stage(seed).done}

    def _seeds(self, count: int) -> range:
        first = self.settings.training.seed
        return range(first, first + count)

    # -- looking inside ------------------------------------------------------------------------------------------

    def load_model(self) -> tuple[ChatTransformer, SpeakerTokenizer]:
        """Return the trained model and its tokenizer."""
        return models.load_model(self.layout)

    @at_work
    def examine(self, model: str | Path, texts: str | Path, *, length: int = 128, start: str = "") -> Opened:
        """Make this the workspace of a model from elsewhere, and return it opened.

        Args:
            model: Its folder, in the form of Hugging Face.
            texts: A file or folder of texts to examine it on.
            length: Most tokens of a window.
            start: The token that sequences begin with; the tokenizer's own by default.

        Raises:
            UsageError: The workspace is of messages.
            InputError: The model or the texts cannot be read.
        """
        from wonderland.workspace import examined

        opened = examined.examine(self, model, texts, length=length, start=start)
        self._elsewhere = (self.layout.stage("model").key, opened)
        return opened

    def texts(self) -> PlainTexts:
        """Return the texts that a model from elsewhere is examined on."""
        from wonderland.workspace import examined

        return examined.texts_of(self.layout)

    def snapshots(self, seed: int | None = None) -> dict[int, Path]:
        """Return the models that ``train --snapshots`` kept on the way, by the tokens they had seen.

        Args:
            seed: Those of this seed; of the workspace's by default.
        """
        return models.snapshots(self.layout, seed)

    def specimen(self, *, seed: int | None = None, snapshot: int | None = None) -> Specimen:
        """Return the trained model with its held-out evidence.

        Args:
            seed: The model of this seed that ``train --seeds`` left; the workspace's by default.
            snapshot: The model that had seen so many tokens, one of `snapshots`; the trained one by default.

        Raises:
            InputError: There is no such model, or it was trained with other settings.
        """
        return self._specimen(self.layout, seed, snapshot)

    def _specimen(self, layout: Layout, seed: int | None = None, snapshot: int | None = None) -> Specimen:
        from wonderland.lab.specimen import Specimen

        if layout.examines:
            from wonderland.workspace import examined

            key = hash_value([layout.stage("model").key, asdict(layout.settings.analysis)])
            if self._opened is None or self._opened[0] != key:  # a large model is opened once
                open_ = self._elsewhere
                same = open_ is not None and open_[0] == layout.stage("model").key
                self._opened = (key, examined.specimen(layout, open_[1] if open_ is not None and same else None))
            return self._opened[1]
        model, tokenizer = models.load_model(layout, seed, snapshot)
        a = layout.settings.analysis
        train, held_out = self._parts(layout)
        return Specimen(model, tokenizer, held_out, windows=a.windows, seed=a.seed, background=train)

    def cohort(self, kind: str) -> Cohort:
        """Return the models that training left as one cohort, on the same evidence.

        Args:
            kind: "seeds", those of ``train --seeds``; or "snapshots", those of ``train --snapshots``.

        Raises:
            InputError: There are fewer than two.
        """
        return self._cohort(self.layout, cohorts.Members.of(self.layout, kind))

    def _cohort(self, layout: Layout, members: cohorts.Members) -> Cohort:
        return cohorts.cohort(layout, members, partial(self._specimen, layout))

    @at_work
    def check(self) -> list[Check]:
        """Run the sanity checks, unless that is done."""
        layout = self.layout
        if layout.examines:
            from wonderland.workspace import examined

            return examined.sanity(self._specimen(layout))
        return checking.checks(layout, partial(self._specimen, layout), partial(self._parts, layout))

    @at_work
    def audit(
        self,
        on_progress: Callable[[str, int, int], None] | None = None,
        *,
        full: bool = False,
        device: str | None = None,
        jobs: int = 0,
        on_training: Callable[[int, Progress], None] | None = None,
    ) -> Memorisation:
        """Measure what can be drawn out of the model, unless that is done.

        Args:
            on_progress: Called with what is examined, how many parts are done, and how many there are.
            full: Also train six models on halves of the conversations, for the strongest tests.
            device: Where those are trained.
            jobs: How many of them at a time; 0 for one per core on a CPU.
            on_training: Called in the process that trains, with the number of the model; it must be picklable.

        Raises:
            NotEnoughData: There are too few messages.
        """
        layout = self.layout
        views = (view for result in self.results().values() for view in result.views())
        halves = partial(auditing.train_halves, partial(_train_half, self.folder), device, jobs, on_training)
        return auditing.audit(
            layout, partial(self._parts, layout), auditing.strings_in(views), on_progress, halves if full else None
        )

    def audited(self) -> Memorisation | None:
        """Return the audit of the model as it is now, or None if there is none."""
        return auditing.there(self.layout)

    @at_work
    def analyze(
        self,
        *wanted: str,
        parameters: _Parameters | None = None,
        on_start: Callable[[str], None] | None = None,
        on_removed: Callable[[Kept], None] | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
        cohort: str = "",
        minutes: float | None = None,
        jobs: int = 1,
    ) -> Results:
        """Run the analyses that are not up to date and return all that were asked for.

        Each result is kept as soon as it is there: a run that is stopped goes on where it was.

        Args:
            *wanted: Names of analyses or groups; those of the settings if none is given, or with ``cohort`` those that
                compare its models.
            parameters: Parameters by analysis, over those of the settings.
            on_start: Called with the name of each analysis before it runs.
            on_removed: Called with each result that was deleted to make room: of each analysis a dozen are kept.
            on_progress: Called with (name, done, total) by an analysis that takes long.
            cohort: Analyse the models of `Workspace.cohort` instead of the workspace's: "seeds" or "snapshots". An
                analysis of one model is run on each, and its results are in ``members``.
            minutes: Begin no further analysis after so long; those left are named in ``declined``.
            jobs: Of a cohort, analyze so many models at a time, each in a process of its own; 0 for one per core.
        """
        layout = self.layout
        if cohort:
            of_all = cohorts.AskedOfCohort.of(layout, cohort, wanted, parameters)
            apart = None if jobs == 1 else partial(_members_apart, self.folder, cohort, wanted, parameters, jobs)
            return of_all.run(self._cohort(layout, of_all.members), on_start, on_removed, on_progress, minutes, apart)
        asked = Asked.of(layout, wanted, parameters)
        return asked.run(self._specimen(layout), on_start, on_removed, on_progress, minutes)

    def results(self, *wanted: str, parameters: _Parameters | None = None, latest: bool = False) -> Results:
        """Return the results that are there and up to date, and run nothing.

        Args:
            *wanted: Names of analyses or groups; those of the settings if none is given, and those that run only on
                request and have; then also those of several models.
            parameters: Parameters by analysis, over those of the settings.
            latest: Of each analysis the result that was asked for last, whatever its parameters.
        """
        layout = self.layout
        of_one = wanted or (*layout.settings.analysis.run, *requested(layout.folder))
        found = Asked.of(layout, of_one, parameters).there(self._specimen(layout), last=latest)
        return found if wanted else replace(found, by_name={**found, **cohorts.shown(layout, last=latest)})

    def missing(self, *wanted: str, parameters: _Parameters | None = None, cohort: str = "") -> list[str]:
        """Return the names of the analyses that `analyze` would run, with the member of a cohort behind.

        Those that declined with the same inputs are not among them (`declined`), unless they are named.
        """
        if cohort:
            return cohorts.AskedOfCohort.of(self.layout, cohort, wanted, parameters).missing
        return Asked.of(self.layout, wanted, parameters).missing

    def forecast(self, *wanted: str, parameters: _Parameters | None = None) -> dict[str, Forecast]:
        """Return what each run that is missing will take on this machine: seconds, memory, disk.

        Args:
            *wanted: Names of analyses or groups; those of the settings if none is given.
            parameters: Parameters by analysis, over those of the settings.

        Returns:
            Forecasts by name, with " (untrained)" behind it for the untrained baseline, in the order they would run.
            Only of analyses that can say so; each measures for a second or two.
        """
        layout = self.layout
        return Asked.of(layout, wanted, parameters).forecast(self._specimen(layout))

    def damaged(self) -> list[str]:
        """Return the analyses of the settings whose result is damaged: `analyze` makes it anew."""
        return Asked.of(self.layout, (), None).damaged

    def declined(self) -> dict[str, str]:
        """Return why analyses of the settings declined with the model and evidence of now, by name."""
        return Asked.of(self.layout, (), None).declined

    def failed(self) -> dict[str, str]:
        """Return why analyses of the settings failed when they were last tried with the inputs of now, by name."""
        return Asked.of(self.layout, (), None).failed

    def compare(
        self,
        by: str = "",
        *,
        at: Sequence[str] = (),
        contacts: Sequence[str] = (),
        other: str | Path | None = None,
        permutations: int = 199,
        seed: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Comparison:
        """Say how far parts of the messages are apart, and by which words; nothing of it is kept.

        Args:
            by: "period", "contact", "speaker" (me and them), or "" with ``other``.
            at: Of periods, the days at which one ends and the next begins.
            contacts: Of contacts, at least two pseudonyms.
            other: Another workspace, to compare all of its messages with all of these.
            permutations: Null draws of each pair.
            seed: Seed of all that is random.
            on_progress: Called with (draws done, all).

        Raises:
            UsageError: It is not said what to compare, or it does not exist.
            NotEnoughData: A side has fewer than 1,000 messages.
            InputError: Two workspaces hold the same conversations.
        """
        from wonderland.workspace.comparing import compared

        return compared(self.layout, by, at, contacts, other, permutations, seed, on_progress)

    def compare_heads(
        self,
        by: str = "",
        *,
        at: Sequence[str] = (),
        contacts: Sequence[str] = (),
        other: str | Path | None = None,
        steps: int = 40,
        seed: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Twins:
        """Fine-tune the model on two sides and say which heads they move apart; no such model is kept.

        Args:
            by: As in `compare`; there must be two sides.
            at: The day at which the second period begins.
            contacts: Two pseudonyms.
            other: Another workspace.
            steps: Steps of each fine-tuning.
            seed: Seed of all that is random.
            on_progress: Called with (models fine-tuned, all).

        Raises:
            UsageError: It is not said what to compare, it does not exist, or it is more than two sides.
            NotEnoughData: A side has fewer than 1,000 messages that are not held out, or too few conversations.
        """
        from wonderland.workspace.comparing import compared_heads

        layout = self.layout
        specimen, train = self._specimen(layout), self._parts(layout)[0]
        return compared_heads(layout, specimen, train, by, at, contacts, other, steps, seed, on_progress)

    # -- showing -------------------------------------------------------------------------------------------------

    @at_work
    def report(
        self,
        path: str | Path | None = None,
        results: Results | None = None,
        *,
        redact: int | None = None,
        live: bool = False,
        asked: bool = False,
    ) -> Path:
        """Write the report and return its path.

        Args:
            path: Where to; ``report.html`` in the workspace by default, ``report-live.html`` with ``live``.
            results: What to show; those that are there (`results`) by default.
            redact: Leave messages out, and show only words and tokens that so many contacts used; see `Redaction`.
            live: Put the model itself into the file, which then answers what is typed. Weights and tokens were learned
                from the messages and can give some away.
            asked: That those whose messages the model read agree to ``live``, whatever the audit says; the file says
                so.

        Raises:
            CheckFailed: With ``live``, there is no audit of this very model that lets it be shared.
            InputError: There is no result to show.
            UsageError: ``live`` and ``redact`` together.
            Unsupported: With ``live``, the model is none that a page can run.
        """
        from wonderland.workspace.reporting import Showing

        return Showing(self.layout, self._shown(results), redact).report(path, self.check(), live=live, asked=asked)

    @at_work
    def figures(self, folder: str | Path, results: Results | None = None, *, redact: int | None = None) -> list[Path]:
        """Draw every view of the report into a folder, as SVG and PNG with an index, and return the files."""
        from wonderland.workspace.reporting import Showing

        return Showing(self.layout, self._shown(results), redact).figures(folder)

    @at_work
    def export_model(self, folder: str | Path, *, asked: bool = False) -> Path:
        """Write the model and its tokenizer as a folder that the transformers library opens, with the same logits.

        Args:
            folder: Where to; one that an export wrote before is replaced.
            asked: Whatever the audit says: all whose messages the model read agree. The folder says so.

        Raises:
            CheckFailed: There is no audit of this model that refuses nothing, and nobody was asked.
            UsageError: The folder holds something else.
            Unsupported: GPT-2 has no equivalent of the model.
        """
        from wonderland.workspace.exporting import export_model

        return export_model(self.layout, folder, asked=asked)

    @at_work
    def export_results(self, folder: str | Path, results: Results | None = None, *, kind: str = "csv") -> list[Path]:
        """Write every number of the results as tables, one row a number, and return the files.

        Args:
            folder: Where to; one that an export wrote before is replaced.
            results: Which results; those that are there (`results`) by default.
            kind: "csv" or "parquet".

        Raises:
            UsageError: There is no such kind; or the folder holds something else.
            InputError: There is no result.
        """
        from wonderland.workspace.exporting import export_results

        return export_results(self.layout, self._shown(results), self.results(), folder, kind)

    def _shown(self, results: Results | None) -> Results:
        found = self.results() if results is None else results
        if results is None and not found and not self.declined():  # where all declined, what else there is is shown
            raise InputError(
                "There is no result to show.",
                hint=NOTHING_TO_SHOW,
            )
        return found

    def status(self) -> list[Step]:
        """Say of every stage whether it is done."""
        from wonderland.workspace.status import status

        return status(self.layout)

    def __repr__(self) -> str:
        return f"Workspace({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        from wonderland.notebook import table_of

        return table_of(repr(self), [(step.name, step.state, step.detail) for step in self.status()])


def _train_half(
    folder: Path, number: int, on_progress: Callable[[Progress], None] | None, device: str | None
) -> ChatTransformer:
    """Train a model of a full audit, in another process."""
    workspace = Workspace(folder)
    layout = workspace.layout
    return auditing.train_half(layout, partial(workspace._parts, layout), number, on_progress, device)


def _members_apart(
    folder: Path,
    kind: str,
    wanted: tuple[str, ...],
    parameters: _Parameters | None,
    jobs: int,
    names: list[str],
    minutes: float | None,
) -> Iterator[tuple[dict[str, str], list[Kept]]]:
    """Analyze the members of a cohort, so many at a time; yield what declined and what made room, in their order."""
    from wonderland.lab.jobs import in_processes

    until = None if minutes is None else time.time() + 60 * minutes
    tasks = [(folder, kind, wanted, parameters, name, until) for name in names]
    try:
        yield from in_processes(_analyze_member, tasks, jobs)
    except ResourceError as error:
        kept = "Results that were finished are kept, and the same command goes on with the others."
        raise ResourceError(f"{error.message} {kept}", hint=error.hint) from error


def _analyze_member(
    folder: Path, kind: str, wanted: tuple[str, ...], parameters: _Parameters | None, name: str, until: float | None
) -> tuple[dict[str, str], list[Kept]]:
    """Analyze a member of a cohort, in another process."""
    workspace = Workspace(folder)
    layout = workspace.layout
    asked = cohorts.AskedOfCohort.of(layout, kind, wanted, parameters)
    left = None if until is None else max(until - time.time(), 0.0) / 60
    return asked.run_member(workspace._cohort(layout, asked.members), name, left)


def _train_seed(
    folder: Path, seed: int, on_progress: Callable[[Progress], None] | None, device: str | None
) -> ChatTransformer:
    """Train a model of a workspace, in another process."""
    return Workspace(folder).train(on_progress, device, seed=seed)
