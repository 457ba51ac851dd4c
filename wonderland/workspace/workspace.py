"""A folder in which the whole job is done, step by step, each step once.

    me.wonderland/
      wonderland.toml        the only file a person edits
      people.json            who the pseudonyms are; delete it and nobody can tell any more
      corpus/  filtered/  tokenizer/  model/  checks/  results/<analysis>/
      models/                models of other seeds, and models kept on the way
      report.html

`Workspace` only calls the value layer (`Corpus`, `SpeakerTokenizer`, `ChatTransformer`, `Specimen`, `analyze`) and
keeps what it returns; the same calls in a script give the same fingerprints.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.people import Pseudonyms
from wonderland.errors import InputError, NotEnoughData, UsageError
from wonderland.model.presets import preset
from wonderland.model.processes import is_main
from wonderland.model.settings import TrainingSettings
from wonderland.tokenizer import SpeakerTokenizer
from wonderland.workspace import settings as settings_file
from wonderland.workspace.fingerprint import source_state
from wonderland.workspace.settings import FILE, Settings
from wonderland.workspace.stage import Stage, guarding

if TYPE_CHECKING:
    from wonderland.lab.analysis import Analysis
    from wonderland.lab.result import Result
    from wonderland.lab.results import Results
    from wonderland.lab.specimen import Specimen
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.model.training import Progress
    from wonderland.report.views import Check
    from wonderland.workspace.status import Step

__all__ = ["CHECKPOINT", "DEFAULT_NAME", "Workspace"]

DEFAULT_NAME = "me.wonderland"
CHECKPOINT = "training.checkpoint"
_MODEL = "model.safetensors"
_READ = "read.json"


class Workspace:
    """The stages of one person's model on disk.

    Args:
        folder: The workspace; it must have been made with `Workspace.create`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self.settings = Settings.load(self.folder / FILE)

    @classmethod
    def create(cls, folder: str | Path) -> Workspace:
        """Make a workspace, or open the one that is there.

        Raises:
            ResourceError: The folder cannot be written.
        """
        folder = Path(folder).expanduser()
        with guarding(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (folder / FILE).exists():
                if any(path for path in folder.iterdir() if not path.name.startswith(".")):
                    raise UsageError(
                        f"{folder} is not empty and no workspace.", hint="Choose a new folder: wonderland init NEW"
                    )
                (folder / ".gitignore").write_text("*\n", encoding="utf-8")
                settings_file.write_new(folder / FILE)
        return cls(folder)

    @classmethod
    def find(cls, start: str | Path = ".") -> Path | None:
        """Return the workspace at or above a folder, or ``me.wonderland`` in it, or None."""
        start = Path(start).absolute()
        for folder in (start, *start.parents):
            if (folder / FILE).is_file():
                return folder
        inside = start / DEFAULT_NAME
        return inside if (inside / FILE).is_file() else None

    def configure(self, section: str, **values: Any) -> dict[str, Any]:
        """Write settings into ``wonderland.toml`` and return those that changed; bad ones are refused, not written."""
        wanted = self.settings.changed(section, **values)
        if not is_main():  # of several processes, the first writes the file
            self.settings = wanted
            return {}
        with guarding(self.folder):
            changed = settings_file.update(self.folder / FILE, section, values)
        self.settings = Settings.load(self.folder / FILE)
        return changed

    # -- the stages ----------------------------------------------------------------------------------------------

    @property
    def source_path(self) -> Path:
        """What the messages are read from."""
        if not self.settings.source.path:
            raise UsageError("The workspace has no messages yet.", hint="Read some: wonderland extract PATH")
        path = Path(self.settings.source.path).expanduser()
        return path if path.is_absolute() else self.folder / path

    def stage(self, name: str) -> Stage:
        """Return the stage of this name as the settings want it now."""
        s = self.settings
        if name == "corpus":
            return Stage(name, self.folder / name, 1, {**asdict(s.source), "path": str(self.source_path)})
        if name == "filtered":
            inputs = (self.stage("corpus").key, str(self._read().get("fingerprint", "")))
            return Stage(name, self.folder / name, 1, asdict(s.filter), inputs)
        if name == "tokenizer":
            parameters = {"split": asdict(s.split), "vocab_size": self.vocab_size}
            return Stage(name, self.folder / name, 1, parameters, (self.stage("filtered").key,))
        if name == "model":
            return self._model_stage(self.folder / name, s.training)
        if name == "checks":
            evidence = {"windows": s.analysis.windows, "seed": s.analysis.seed}
            return Stage(name, self.folder / name, 1, evidence, (self.stage("model").key,))
        raise UsageError(f"There is no stage named {name!r}.")

    def seed_stage(self, seed: int) -> Stage:
        """Return the stage of the model that differs from the workspace's in its seed only."""
        return self._model_stage(self.folder / "models" / f"seed-{seed}", replace(self.settings.training, seed=seed))

    def _model_stage(self, folder: Path, training: TrainingSettings) -> Stage:
        return Stage("model", folder, 1, training.resolved().identity(), (self.stage("tokenizer").key,))

    def store_changed(self) -> bool:
        """Say whether the store holds other messages than when it was read. One that is gone has not changed.

        A live store changes with every message that arrives; that makes nothing out of date until it is read again.
        """
        path = self.source_path
        return path.exists() and self._read().get("store") != source_state(path)

    def _read(self) -> dict[str, Any]:
        """Return what was noted when the store was read: its state then, and the fingerprint of the corpus."""
        try:
            value = json.loads((self.folder / "corpus" / _READ).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def analysis_stage(self, analysis: Analysis, used: Sequence[Stage] = ()) -> Stage:
        """Return the stage that keeps the result of an analysis, given those of the analyses it uses."""
        from wonderland.lab.analysis import parameters_of, result_class

        a = self.settings.analysis
        parameters = {name: getattr(analysis, name) for name in parameters_of(type(analysis))}
        evidence = {"windows": a.windows, "seed": a.seed, "control": a.control}
        holds = [one.name for one in fields(result_class(type(analysis)))]  # with other fields it cannot be read
        return Stage(
            analysis.name,
            self.folder / "results" / analysis.name,
            analysis.version,
            {"parameters": parameters, "evidence": evidence, "holds": holds},
            (self.stage("model").key, *(stage.key for stage in used)),
        )

    @property
    def vocab_size(self) -> int:
        """Tokens the tokenizer is trained for."""
        return self.settings.tokenizer.vocab_size or preset(self.settings.training.preset).vocab_size

    # -- doing the work ------------------------------------------------------------------------------------------

    def extract(self, on_rows: Callable[[int, int], None] | None = None, *, again: bool = True) -> Corpus:
        """Read the messages, unless that is done.

        Args:
            on_rows: Called now and then with rows read so far and rows stored.
            again: Whether to read a store again that has changed since.
        """
        stage = self.stage("corpus")
        if stage.done and not (again and self.store_changed()):
            return Corpus.load(stage.folder)
        s = self.settings.source
        store = source_state(self.source_path) if self.source_path.exists() else []
        people = self.folder / "people.json"
        pseudonyms = Pseudonyms.load(people)
        corpus = Corpus.read(
            self.source_path,
            source=s.source or None,
            names=s.names,
            pseudonyms=pseudonyms,
            on_rows=on_rows,
            **s.options,
        )
        with stage.writing() as folder:
            corpus.save(folder)
            noted = {"store": store, "fingerprint": corpus.fingerprint}
            (folder / _READ).write_text(json.dumps(noted), encoding="utf-8")
        if not s.names:
            with guarding(people):
                pseudonyms.save(people)
        return corpus

    def filter(self) -> Corpus:
        """Drop noise, unless that is done."""
        stage = self.stage("filtered")
        if stage.done:
            return Corpus.load(stage.folder)
        corpus = self._needed("corpus", "extract", Corpus.load)
        kept = corpus.filter(*self.settings.filter.names) if self.settings.filter.names else corpus
        with stage.writing() as folder:
            kept.save(folder)
        self.__dict__.pop("_parts", None)
        return kept

    @functools.cached_property
    def _parts(self) -> tuple[Corpus, Corpus]:
        corpus = self._needed("filtered", "filter", Corpus.load)
        split = self.settings.split
        return corpus.split(split.held_out, by=split.by, seed=split.seed)

    def split(self) -> tuple[Corpus, Corpus]:
        """Return the training part and the held-out part."""
        return self._parts

    def tokenize(self) -> SpeakerTokenizer:
        """Train the tokenizer on the training part, unless that is done."""
        stage = self.stage("tokenizer")
        if stage.done:
            return SpeakerTokenizer.load(stage.folder / "tokenizer.json")
        tokenizer = SpeakerTokenizer.train(self.split()[0], self.vocab_size)
        with stage.writing() as folder:
            tokenizer.save(folder / "tokenizer.json")
        return tokenizer

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
        from wonderland.model.chat_transformer import ChatTransformer, train

        chosen = self.settings.training if seed is None else replace(self.settings.training, seed=seed)
        stage = self.stage("model") if seed is None else self.seed_stage(seed)
        tokenizer = self._tokenizer()
        for same in (stage, self.seed_stage(chosen.seed), self.stage("model")):
            if same.key == stage.key and same.done:
                if same != stage and is_main():
                    with stage.writing() as folder:
                        shutil.copyfile(same.folder / _MODEL, folder / _MODEL)
                return ChatTransformer.load(same.folder / _MODEL, tokenizer)
        train_part, held_out = self.split()
        models = self.folder / "models"
        checkpoint = self.folder / CHECKPOINT if seed is None else models / f"seed-{seed}.checkpoint"
        if seed is not None:
            with guarding(models):
                models.mkdir(exist_ok=True, mode=0o700)
        model = train(
            train_part,
            tokenizer,
            held_out=held_out,
            checkpoint=checkpoint,
            snapshots_in=models / f"snapshots-of-seed-{chosen.seed}",
            on_progress=on_progress,
            device=device,
            **asdict(chosen),
        )
        if is_main():
            with stage.writing() as folder:
                model.save(folder / _MODEL)
            with contextlib.suppress(OSError):
                checkpoint.unlink()
        return model

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

        return train_all(self, self._seeds(count), on_progress, device, jobs)

    def trained_seeds(self, count: int) -> dict[int, ChatTransformer]:
        """Return those models of `train_seeds` that there are, by seed."""
        return {seed: self.train(seed=seed) for seed in self._seeds(count) if self.seed_stage(seed).done}

    def _seeds(self, count: int) -> range:
        first = self.settings.training.seed
        return range(first, first + count)

    def load_model(self) -> tuple[ChatTransformer, SpeakerTokenizer]:
        """Return the trained model and its tokenizer."""
        tokenizer = self._tokenizer()
        return self._model(tokenizer), tokenizer

    def specimen(self) -> Specimen:
        """Return the trained model with its held-out evidence."""
        from wonderland.lab.specimen import Specimen

        model, tokenizer = self.load_model()
        a = self.settings.analysis
        return Specimen(model, tokenizer, self.split()[1], windows=a.windows, seed=a.seed)

    def check(self) -> list[Check]:
        """Run the sanity checks, unless that is done."""
        from wonderland.lab.sanity_checks import run_checks
        from wonderland.report.views import Check

        stage = self.stage("checks")
        if stage.done:
            rows = json.loads((stage.folder / "checks.json").read_text(encoding="utf-8"))
            return [Check(**row) for row in rows]
        checks = run_checks(self.specimen(), *self.split())
        with stage.writing() as folder:
            (folder / "checks.json").write_text(
                json.dumps([asdict(check) for check in checks], indent=1), encoding="utf-8"
            )
        return checks

    def analyze(
        self,
        *wanted: str,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        on_start: Callable[[str], None] | None = None,
    ) -> Results:
        """Run the analyses that are not up to date and return all that were asked for."""
        from wonderland.lab.analysis import analyze, result_class, select, with_used
        from wonderland.lab.results import Results

        given = {**self.settings.analysis.parameters, **(parameters or {})}
        chosen = with_used(select(wanted or self.settings.analysis.run, given), given)
        specimen = self.specimen()
        stages: dict[str, Stage] = {}
        for analysis in chosen:
            used = [stages[name] for name in getattr(analysis, "uses", ()) if name in stages]
            stages[analysis.name] = self.analysis_stage(analysis, used)
        todo = [analysis for analysis in chosen if not stages[analysis.name].done]
        kept = {
            analysis.name: result_class(type(analysis)).load(stages[analysis.name].folder)
            for analysis in chosen
            if analysis not in todo
        }
        fresh = Results({}, specimen)
        if todo:
            try:
                fresh = analyze(specimen, *todo, control=self.settings.analysis.control, on_start=on_start, given=kept)
            except NotEnoughData as error:
                if len(chosen) == 1:
                    raise
                fresh = Results({}, specimen, {todo[0].name: error.message})
        results: dict[str, Result] = {}
        for analysis in chosen:
            stage = stages[analysis.name]
            if analysis.name in fresh:
                results[analysis.name] = fresh[analysis.name]
                with stage.writing() as folder:
                    fresh[analysis.name].save(folder)
            elif analysis.name in kept:
                results[analysis.name] = kept[analysis.name]
        return Results(results, specimen, fresh.declined)

    def report(
        self, path: str | Path | None = None, results: Results | None = None, *, redact: int | None = None
    ) -> Path:
        """Write the report of every result that is up to date and return its path.

        Args:
            path: Where to; ``report.html`` in the workspace by default.
            results: What to show; everything that was analysed by default.
            redact: Leave messages out, and show only words and tokens that so many contacts used; see `Redaction`.
        """
        from wonderland.workspace.reporting import report

        return report(self, path, results or self.analyze(), redact)

    def figures(self, folder: str | Path, results: Results | None = None, *, redact: int | None = None) -> list[Path]:
        """Draw every view of the report into a folder, as SVG and PNG with an index, and return the files."""
        from wonderland.workspace.reporting import figures

        return figures(self, folder, results or self.analyze(), redact)

    def status(self) -> list[Step]:
        """Say of every stage whether it is done."""
        from wonderland.workspace.status import status

        return status(self)

    # -- reading what earlier stages left ------------------------------------------------------------------------

    def _needed(self, name: str, command: str, load: Callable[[Path], Corpus]) -> Corpus:
        stage = self.stage(name)
        state = stage.state()
        if state == "done":
            return load(stage.folder)
        raise InputError(
            f"The stage {name!r} is {state}.", hint=f"Run `wonderland {command}`, or `wonderland run` for all."
        )

    def _tokenizer(self) -> SpeakerTokenizer:
        path = self.folder / "tokenizer" / "tokenizer.json"
        state = self.stage("tokenizer").state()
        if state in ("missing", "out of date"):
            raise InputError(
                f"The tokenizer is {state}.", hint="Run `wonderland tokenize`, or `wonderland run` for all."
            )
        return SpeakerTokenizer.load(path)

    def _model(self, tokenizer: SpeakerTokenizer) -> ChatTransformer:
        from wonderland.model.chat_transformer import ChatTransformer

        state = self.stage("model").state()
        if state in ("missing", "out of date"):
            raise InputError(f"The model is {state}.", hint="Run `wonderland train`, or `wonderland run` for all.")
        return ChatTransformer.load(self.folder / "model" / _MODEL, tokenizer)

    def __repr__(self) -> str:
        return f"Workspace({str(self.folder)!r})"
