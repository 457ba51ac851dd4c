"""The audit of a workspace's model, kept as a stage: of these very weights, and of no others.

The folder ``audit`` holds ``audit.json``, the figures as anybody can read them, and the result itself. Its key is made
of the weights' hash, the messages and the settings, so that an audit of other weights is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from wonderland.corpus.corpus import Corpus
from wonderland.demo import MESSAGES
from wonderland.errors import InputError, NotEnoughData
from wonderland.report.sharing import OUTDATED, Sharing
from wonderland.workspace import models
from wonderland.workspace.declined import forget_declined, save_declined
from wonderland.workspace.fingerprint import hash_file
from wonderland.workspace.layout import AUDIT_LOCK, MODEL, Layout
from wonderland.workspace.locking import alone
from wonderland.workspace.seeds import train_all
from wonderland.workspace.stage import guarding

if TYPE_CHECKING:
    import numpy as np

    from wonderland.audit.forcing import Forced
    from wonderland.audit.messages import Messages
    from wonderland.audit.result import Memorisation
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.model.training import Progress
    from wonderland.report.schema import View
    from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["AUDIT", "audit", "is_public", "sharing", "strings_in", "there", "train_half"]

AUDIT = "audit.json"
Parts = Callable[[], tuple[Corpus, Corpus]]


def there(layout: Layout) -> Memorisation | None:
    """Return the audit of the model that lies in the workspace now, or None."""
    from wonderland.audit.result import Memorisation

    if layout.examines:  # what it was trained on is not here
        return None
    for full in (True, False):
        stage = layout.audit_stage(full=full)
        if stage.done:
            try:
                return stage.read(Memorisation.load)
            except InputError:  # of another version of wonderland
                return None
    return None


def audit(
    layout: Layout,
    parts: Parts,
    strings: Iterable[str],
    on_progress: Callable[[str, int, int], None] | None,
    halves: Callable[[], None] | None,
) -> Memorisation:
    """Audit the model, unless that is done; see `Workspace.audit`.

    Args:
        layout: The workspace.
        parts: Returns the training part and the held-out part.
        strings: Texts of the report.
        on_progress: Called with what is examined, how many parts are done, and how many there are.
        halves: Trains the models of a full audit; None for a short one.

    Raises:
        UsageError: Another process audits it.
    """
    model, tokenizer = models.load_model(layout)
    known = there(layout)
    if known is not None and (known.full or halves is None):
        return known
    with guarding(layout.folder), alone(layout.folder / AUDIT_LOCK, "audits this model"):
        return _audited(layout, model, tokenizer, parts, strings, on_progress, halves)


def _audited(
    layout: Layout,
    model: ChatTransformer,
    tokenizer: SpeakerTokenizer,
    parts: Parts,
    strings: Iterable[str],
    on_progress: Callable[[str, int, int], None] | None,
    halves: Callable[[], None] | None,
) -> Memorisation:
    from wonderland.audit.running import audit as run
    from wonderland.audit.settings import AuditSettings
    from wonderland.corpus.canaries import draw

    stage = layout.audit_stage(full=halves is not None)
    train, held_out = parts()
    settings, training = layout.settings.audit, layout.settings.training
    references = None
    if halves is not None:
        halves()
        references = partial(_with_halves, layout)
    try:
        found = run(
            model,
            tokenizer,
            train,
            held_out,
            AuditSettings(**asdict(settings), country=layout.settings.filter.country),
            canaries=draw(training.canaries, training.seed),
            strings=strings,
            halves=references,
            on_progress=on_progress,
        )
    except NotEnoughData as error:
        save_declined(layout.audit_stage(), error.message)  # a full one takes as many messages
        raise
    with stage.writing(lambda: layout.audit_stage(full=halves is not None).key) as folder:
        found.save(folder)
        (folder / AUDIT).write_text(json.dumps(found.figures(), indent=1), encoding="utf-8")
    forget_declined(layout.audit_stage())
    return found


def strings_in(views: Iterable[View]) -> Iterator[str]:
    """Yield the words of others in views, those that stand one after another as one text."""
    from wonderland.report.schema import characters, walk

    for view in views:
        lists: dict[str, list[str]] = {}
        for path, text in walk(view):
            lists.setdefault(path, []).append(characters(text))
        yield from ("".join(texts) for texts in lists.values())


def is_public(layout: Layout) -> bool:
    """Say whether the model was trained on the messages that come with wonderland, which anybody may have.

    What lies at the path of the source says so only while everything up to the model was made of it.
    """
    if not layout.settings.source.path or layout.settings.source.more:
        return False
    if not all(layout.stage(name).done for name in ("corpus", "filtered", "tokenizer", "model")):
        return False
    source = layout.source_path
    return source.is_file() and hash_file(source) == hash_file(MESSAGES)


def sharing(layout: Layout, model: str) -> Sharing:
    """Return whether the weights of a model may leave the workspace: the one rule for every file that holds them.

    Args:
        layout: The workspace.
        model: Fingerprint of the weights.
    """
    found = there(layout)  # and no other, which somebody may have run with other settings
    if found is None and not layout.examines and (layout.folder / "audit").exists():
        return Sharing(OUTDATED, [OUTDATED], public=is_public(layout))
    return Sharing.of({} if found is None else {"memorisation": found}, model, public=is_public(layout))


def train_halves(train: Callable[..., Any], device: str | None, jobs: int, tell: Any) -> None:
    """Train the models of a full audit side by side, one thread each.

    Args:
        train: Trains the model of a number; picklable.
        device: "cpu", "cuda" or "mps"; the fastest there is by default.
        jobs: How many at a time; 0 for one per core on a CPU.
        tell: Called with the number and the progress of each.
    """
    from wonderland.audit.full import MODELS

    train_all(train, range(MODELS), tell, device, jobs)


def train_half(
    layout: Layout,
    parts: Parts,
    number: int,
    on_progress: Callable[[Progress], None] | None,
    device: str | None,
) -> ChatTransformer:
    """Train a model on its half of all conversations, unless that is done."""
    from wonderland.audit.full import halves_of
    from wonderland.model import chat_transformer

    stage = layout.half_stage(number)
    tokenizer = layout.done("tokenizer", "tokenize").read(models.load_tokenizer)
    if stage.done:
        return _load(stage, tokenizer)
    train, held_out = parts()
    known = len(train.thread_starts)
    mine = halves_of(known + len(held_out.thread_starts), layout.settings.audit.seed)[number]
    half = Corpus.concat(
        train.of_conversations(mine[:known]), held_out.of_conversations(mine[known:]), same_people=True
    )
    unread = ~mine[known:]
    chosen = replace(layout.settings.training, canaries=0, snapshots=0)
    with guarding(layout.folder / "models"):
        (layout.folder / "models").mkdir(exist_ok=True, mode=0o700)
    checkpoint = layout.folder / "models" / f"half-{number}.checkpoint"
    model: ChatTransformer = chat_transformer.train(
        half,
        tokenizer,
        held_out=held_out.of_conversations(unread) if unread.any() else None,
        checkpoint=checkpoint,
        on_progress=on_progress,
        device=device,
        **asdict(chosen),
    )
    with stage.writing() as folder:
        model.save(folder / MODEL)
    checkpoint.unlink(missing_ok=True)
    return model


def _load(stage: Any, tokenizer: Any) -> ChatTransformer:
    from wonderland.model.chat_transformer import ChatTransformer

    return stage.read(lambda folder: ChatTransformer.load(folder / MODEL, tokenizer))  # type: ignore[no-any-return]


def _with_halves(layout: Layout, messages: Messages, chosen: np.ndarray, own: Forced) -> dict[str, Any]:
    """Return what the models trained on halves add to an audit."""
    from wonderland.audit.forcing import force
    from wonderland.audit.full import MODELS, halves_of, with_references

    tokenizer = layout.done("tokenizer", "tokenize").read(models.load_tokenizer)
    rows = [messages.rows[i] for i in chosen.tolist()]
    references = [force(_load(layout.half_stage(number), tokenizer), rows) for number in range(MODELS)]
    conversations = int(messages.conversation.max()) + 1
    was_in = halves_of(conversations, layout.settings.audit.seed)[:, messages.conversation[chosen]]
    read, conversation, sender = messages.read[chosen], messages.conversation[chosen], messages.sender[chosen]
    return with_references(own, references, was_in, read, conversation, sender)
