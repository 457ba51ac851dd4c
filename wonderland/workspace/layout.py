"""Where everything lies and under which key it is sealed: the folders and stages that settings ask for.

A `Layout` is a value: a folder and the settings of one moment. Whatever makes a stage takes one layout at its start and
asks it for everything, so the settings that the work used are those that its key is made of, whatever is written into
``wonderland.toml`` meanwhile.

The versions of sources and filters are part of the keys: a plugin that is mended raises its version, and the messages
are read or filtered again. One that is not installed here cannot have changed what it left, so that stays good.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.corpus.locating import is_there
from wonderland.errors import InputError, UsageError
from wonderland.model.presets import preset
from wonderland.model.settings import TrainingSettings
from wonderland.paths import expanded
from wonderland.workspace.fingerprint import hash_file, source_state
from wonderland.workspace.settings import Settings
from wonderland.workspace.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wonderland.corpus.source import Source
    from wonderland.lab.choosing import Runnable

__all__ = ["AUDIT_LOCK", "CHECKPOINT", "MODEL", "READ", "Layout"]

AUDIT_LOCK = ".audit.lock"
CHECKPOINT = "training.checkpoint"
MODEL = "model.safetensors"
READ = "read.json"


@dataclass(frozen=True)
class Layout:
    """The stages of a workspace as some settings want them.

    Args:
        folder: The workspace.
        settings: What is wanted.
    """

    folder: Path
    settings: Settings

    @property
    def examines(self) -> bool:
        """Whether the workspace is of a model from elsewhere."""
        return bool(self.settings.examined.model)

    @property
    def source_path(self) -> Path:
        """What the messages are read from."""
        if not self.settings.source.path:
            raise UsageError("The workspace has no messages yet.", hint=Hint("Read some: ", Command("extract", "PATH")))
        path = expanded(self.settings.source.path)
        return path if path.is_absolute() else self.folder / path

    @property
    def more(self) -> list[tuple[Path, dict[str, Any], str]]:
        """What further messages are read from, with which options, and with which source, "" if it was not named."""
        found = []
        for store in self.settings.source.more:
            kinds = {"path": (store.get("path"), str), "options": (store.get("options", {}), dict)}
            kinds["source"] = (store.get("source", ""), str)
            if not all(isinstance(value, kind) for value, kind in kinds.values()):
                raise UsageError(
                    "Each store under [source] more has a path, options and perhaps a source.",
                    hint='Write it so: more = [{path = "result.json", source = "telegram", options = {}}]',
                )
            path = expanded(store["path"])
            place = path if path.is_absolute() else self.folder / path
            found.append((place, store.get("options", {}), store.get("source", "")))
        return found

    @property
    def vocab_size(self) -> int:
        """Tokens the tokenizer is trained for."""
        return self.settings.tokenizer.vocab_size or preset(self.settings.training.preset).vocab_size

    def stage(self, name: str) -> Stage:
        """Return the stage of this name.

        Raises:
            UsageError: There is none, or none in a workspace of a model from elsewhere.
        """
        s = self.settings
        if self.examines:
            from wonderland.workspace.elsewhere import model_stage

            if name == "model":
                return model_stage(self.folder, s.examined)
            raise UsageError(
                f"This workspace is of the model in {s.examined.model}, which was not trained here: it has no {name}.",
                hint=Hint("Here one can analyze, report, status and wipe; for messages: ", Command("init", "NEW")),
            )
        if name == "corpus":
            return self.corpus_stage()
        if name == "filtered":
            inputs = (self.stage("corpus").key, str(self.noted().get("fingerprint", "")))
            return Stage(name, self.folder / name, 1, self._filters(), inputs)
        if name == "tokenizer":
            parameters = {"split": asdict(s.split), "vocab_size": self.vocab_size}
            if s.tokenizer.contacts:  # left out otherwise, as before there was the choice
                parameters["contacts"] = s.tokenizer.contacts
            return Stage(name, self.folder / name, 1, parameters, (self.stage("filtered").key,))
        if name == "model":
            return self._model_stage(self.folder / name, s.training)
        if name == "checks":
            evidence = {"windows": s.analysis.windows, "seed": s.analysis.seed}
            return Stage(name, self.folder / name, 2, evidence, (self.stage("model").key,))
        if name == "audit":
            return self.audit_stage()
        raise UsageError(
            f"There is no stage named {name!r}.", hint="Stages: corpus, filtered, tokenizer, model, checks, audit."
        )

    def corpus_stage(self, source: type[Source] | None = None, further: Sequence[Any] | None = None) -> Stage:
        """Return the stage of the messages read with a source; by default the one they are or will be read with.

        Args:
            source: The source of the first store.
            further: Name and version of the source of each further one.
        """
        path = expanded(self.settings.source.path) if self.source_path else ""  # as typed: a copy of it is as it was
        parameters = {**asdict(self.settings.source), "path": str(path)}
        if not parameters["more"]:  # as before a workspace could have several stores
            del parameters["more"]
        else:
            people = self.folder / "people.toml"
            parameters["people"] = hash_file(people) if people.exists() else ""
            parameters["further"] = self._further() if further is None else list(further)
        version = source.version if source else self._source_version()
        return Stage("corpus", self.folder / "corpus", version, parameters)

    def audit_stage(self, *, full: bool = False) -> Stage:
        """Return the stage of the audit of the model that lies in its folder now.

        Args:
            full: Whether models trained on halves belong to it.
        """
        model = self.stage("model")
        weights = (model.record() or {}).get("files", {}).get(MODEL, "")
        how_much = asdict(self.settings.audit)
        parameters = {"version": 4, "country": self.settings.filter.country, "full": full, **how_much}
        return Stage(
            "audit", self.folder / "audit", 1, parameters, (model.key, str(weights), self.stage("filtered").key)
        )

    def half_stage(self, number: int) -> Stage:
        """Return the stage of a model trained on half of the conversations, for the full audit."""
        stage = self._model_stage(self.folder / "models" / f"half-{number}", self.settings.training)
        return replace(stage, name="half", parameters={**stage.parameters, "half": number})

    def seed_stage(self, seed: int) -> Stage:
        """Return the stage of the model that differs from the workspace's in its seed only."""
        return self._model_stage(self.folder / "models" / f"seed-{seed}", replace(self.settings.training, seed=seed))

    def snapshots_stage(self, seed: int) -> Stage:
        """Return the stage of the models kept on the way to the one of a seed."""
        training = replace(self.settings.training, seed=seed)
        return replace(
            self._model_stage(self.folder / "models" / f"snapshots-of-seed-{seed}", training), name="snapshots"
        )

    def analysis_stage(self, analysis: Runnable, used: Sequence[Stage] = (), models: Sequence[str] = ()) -> Stage:
        """Return the stage that keeps the result of an analysis. Each parametrisation has a folder of its own.

        Args:
            analysis: The analysis with its parameters.
            used: Stages of the analyses it uses.
            models: Keys of the models it is about; that of the workspace's by default.
        """
        from wonderland.estimate import Estimate
        from wonderland.lab.analysis import parameters_of, result_class

        parameters = {name: getattr(analysis, name) for name in parameters_of(type(analysis))}
        holds = [one.name for one in fields(result_class(type(analysis)))]  # with other fields it cannot be read
        stage = Stage(
            analysis.name,
            self.folder / "results" / analysis.name,
            analysis.version,
            {
                "parameters": parameters,
                "evidence": self.evidence,
                "holds": holds,
                "estimates": [one.name for one in fields(Estimate)],
            },
            (*(models or (self.stage("model").key,)), *(stage.key for stage in used)),
        )
        return replace(stage, folder=stage.folder / stage.key)

    @property
    def evidence(self) -> dict[str, Any]:
        """What says which windows an analysis examines, and whether also of a model before training."""
        a = self.settings.analysis
        return {"windows": a.windows, "seed": a.seed, "control": a.control}

    def analysis_stages(
        self, chosen: Sequence[Runnable], model: str = "", asked_alike: Sequence[str] = ()
    ) -> dict[str, Stage]:
        """Return the stages of analyses of one model by name, each listed after those it uses.

        Args:
            chosen: The analyses.
            model: Key of the model; that of the workspace's by default.
            asked_alike: Keys of all models that are asked the same contrasts, for these depend on all of them.
        """
        stages: dict[str, Stage] = {}
        for analysis in chosen:
            used = [stages[name] for name in getattr(analysis, "uses", ()) if name in stages]
            models = [model] if model else []
            if asked_alike and "contrasts" in analysis.needs:
                models += asked_alike
            stages[analysis.name] = self.analysis_stage(analysis, used, models)
        return stages

    def done(self, name: str, command: str) -> Stage:
        """Return the stage of this name, which must be done.

        Raises:
            InputError: It is not; the message says which command makes it.
        """
        stage = self.stage(name)
        state = stage.state()
        if state == "done":
            return stage
        what = {"corpus": "The messages were", "filtered": "The filtered messages were"}.get(name, f"The {name} was")
        why = {
            "missing": f"{what} not made yet.",
            "out of date": f"{what} made with other settings, messages or versions than those of now.",
            "damaged": f"The {name} is damaged: its files are not those that were written.",
        }[state]
        raise InputError(why, hint=Hint("Run `", Command(command), "`, or `", Command("run"), "` for all."))

    # -- what was noted when the messages were read --------------------------------------------------------------

    def noted(self) -> dict[str, Any]:
        """Return what was noted when the store was read: its state, the source, the corpus' fingerprint."""
        noted = _json(self.folder / "corpus" / READ)
        if noted and "source" not in noted:  # by a version that did not note it; the ledger names the source last
            said = str(_json(self.folder / "corpus" / "ledger.json").get("source", ""))
            noted = {**noted, "source": said.rsplit(", ", 1)[-1], "version": 1}
        return noted

    def store_changed(self) -> bool:
        """Say whether the store holds other messages than when it was read. One that is gone has not changed.

        A live store changes with every message that arrives; that makes nothing out of date until it is read again.
        """
        before = {entry[0]: entry[1] for entry in _by_store(self.noted().get("store"), self.source_path)}
        return any(before.get(str(path)) != source_state(path) for path in self._paths if is_there(path))

    def stores_state(self) -> list[Any]:
        """Return what can tell later whether a store has changed: of one its state, of several each with its path."""
        states = [source_state(path) if is_there(path) else [] for path in self._paths]
        return [list(entry) for entry in zip(map(str, self._paths), states, strict=True)] if self.more else states[0]

    def sources_noted(self) -> dict[str, str]:
        """Return the source that each of several stores was read with, by path."""
        noted = self.noted()
        names = [str(noted.get("source", "")), *(str(name) for name, _ in noted.get("more", []))]
        return {
            entry[0]: name for entry, name in zip(_by_store(noted.get("store"), self.source_path), names, strict=False)
        }

    @property
    def _paths(self) -> list[Path]:
        return [self.source_path, *(path for path, _, _ in self.more)]

    def _further(self) -> list[Any]:
        """Return name and version now of the sources that further stores were read with."""
        sources, noted = plugins.load().sources, self.noted().get("more", [])
        return [[name, sources[name].version if name in sources else version] for name, version in noted]

    @property
    def source_name(self) -> str:
        """The source that the messages are read with; "" if it is still to be chosen."""
        return self.settings.source.source or str(self.noted().get("source", ""))

    @property
    def lost_source(self) -> str:
        """The source that the messages were read with, if it is not installed here, else ""."""
        return "" if self.source_name in plugins.load().sources else self.source_name

    def _source_version(self) -> int:
        installed = plugins.load().sources.get(self.source_name)
        return installed.version if installed else int(self.noted().get("version", 1))

    def _filters(self) -> dict[str, Any]:
        """Return what the filtered corpus depends on. Versions of 1 are left out, as before filters had versions."""
        names = self.settings.filter.names
        known = plugins.load().filters
        before = _json(self.folder / "filtered" / "stage.json").get("parameters", {}).get("versions", {})
        versions = {name: known[name].version if name in known else before.get(name, 1) for name in names}
        later = {name: version for name, version in versions.items() if version != 1}
        chosen = {key: value for key, value in asdict(self.settings.filter).items() if value or key == "names"}
        return {**chosen, **({"versions": later} if later else {})}

    def _model_stage(self, folder: Path, training: TrainingSettings) -> Stage:
        return Stage("model", folder, 1, training.resolved().identity(), (self.stage("tokenizer").key,))


def _by_store(state: Any, path: Path) -> list[list[Any]]:
    """Return states by path, of what was noted for one store too."""
    several = isinstance(state, list) and all(len(entry) == 2 and isinstance(entry[1], list) for entry in state)
    return state if several and state else [[str(path), state]]


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
