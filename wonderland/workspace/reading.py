"""Reading the messages into a workspace: once, and again when the store or the source that reads it has changed."""

from __future__ import annotations

import json
from collections.abc import Callable

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.people import Pseudonyms
from wonderland.corpus.source import choose_source
from wonderland.errors import InputError
from wonderland.workspace.layout import READ, Layout
from wonderland.workspace.options import as_annotated
from wonderland.workspace.several import know_again, read_stores
from wonderland.workspace.stage import guarding

__all__ = ["read_messages"]


def read_messages(
    layout: Layout,
    on_rows: Callable[[int, int], None] | None = None,
    on_store: Callable[[str], None] | None = None,
    *,
    again: bool,
) -> Corpus:
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
            hint=Hint(
                "Install the plugin that brings it, or choose another: ",
                Command("extract", s.path, **s.options, source="NAME"),
            ),
        )
    store = layout.stores_state()
    people = layout.folder / "people.json"
    if layout.more:
        corpus, pseudonyms, (source, *further) = read_stores(layout, on_rows, on_store)
    else:
        source, further = choose_source(layout.source_path, plugins.load().sources, s.source or None), []
        pseudonyms = Pseudonyms.load(people)
        know_again(pseudonyms, layout, source)
        corpus = Corpus.read(
            layout.source_path,
            source=source.name,
            names=s.names,
            pseudonyms=pseudonyms,
            on_rows=on_rows,
            **as_annotated(source, s.options),
        )
    noted = {"store": store, "fingerprint": corpus.fingerprint, "source": source.name, "version": source.version}
    noted |= {"path": str(layout.source_path)}
    more = [[one.name, one.version] for one in further]
    noted |= {"more": more} if more else {}
    with layout.corpus_stage(source, more).writing() as folder:
        corpus.save(folder)
        (folder / READ).write_text(json.dumps(noted), encoding="utf-8")
        if not s.names:  # before the messages, which name people by it
            with guarding(people):
                pseudonyms.save(people)
    return corpus
