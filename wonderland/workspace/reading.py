"""Reading the messages into a workspace: once, and again when the store or the source that reads it has changed."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wonderland import plugins
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.people import Pseudonyms
from wonderland.corpus.source import Source, choose_source
from wonderland.errors import InputError
from wonderland.workspace.fingerprint import source_state
from wonderland.workspace.layout import READ, Layout
from wonderland.workspace.stage import guarding

__all__ = ["read_messages"]


def read_messages(layout: Layout, on_rows: Callable[[int, int], None] | None, *, again: bool) -> Corpus:
    """Read the messages, unless that is done; see `Workspace.extract`.

    Raises:
        InputError: The source they are read with is not installed here.
    """
    stage = layout.stage("corpus")
    if stage.done and not (again and layout.store_changed()):
        return stage.read(Corpus.load)
    s = layout.settings.source
    if layout.lost_source:
        raise InputError(
            f"The messages are read with the source {layout.lost_source!r}, which is not installed here.",
            hint=f"Install the plugin that brings it, or choose another: wonderland extract {s.path} --source NAME",
        )
    source = choose_source(layout.source_path, plugins.load().sources, s.source or None)
    store = source_state(layout.source_path) if layout.source_path.exists() else []
    people = layout.folder / "people.json"
    pseudonyms = Pseudonyms.load(people)
    corpus = Corpus.read(
        layout.source_path,
        source=source.name,
        names=s.names,
        pseudonyms=pseudonyms,
        on_rows=on_rows,
        **_as_annotated(source, s.options),
    )
    noted = {"store": store, "fingerprint": corpus.fingerprint, "source": source.name, "version": source.version}
    with layout.corpus_stage(source).writing() as folder:
        corpus.save(folder)
        (folder / READ).write_text(json.dumps(noted), encoding="utf-8")
        if not s.names:  # before the messages, which name people by it
            with guarding(people):
                pseudonyms.save(people)
    return corpus


def _as_annotated(source: type[Source], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the source wants them: TOML knows neither paths nor tuples."""
    hints = typing.get_type_hints(source.__init__)
    return {name: _converted(value, hints.get(name)) for name, value in options.items()}


def _converted(value: Any, kind: Any) -> Any:
    kinds = {kind, typing.get_origin(kind), *typing.get_args(kind)}
    if isinstance(value, str) and Path in kinds and str not in kinds:
        return Path(value)
    return tuple(value) if isinstance(value, list) and tuple in kinds else value
