"""The audit: what can be drawn out of a model, measured on the messages that it read and on those that it did not.

Each part is a module of its own; here they are run one after another, and what one of them needs and is not there is
left out with its reason, never in silence. One class for an audit under way, since its parts use what those before
them found, hence a long file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wonderland.advice import Command, Hint
from wonderland.audit.completion import discoverable, eidetic, more_than_held_out, near_verbatim, share
from wonderland.audit.forcing import Forced, force
from wonderland.audit.found import Said, canaries_told, distinct, exposures, kinds_in
from wonderland.audit.membership import (
    auc_estimate,
    by_conversation,
    calibrated,
    reference_losses,
    roc,
    true_positives_at,
)
from wonderland.audit.messages import Messages
from wonderland.audit.people import by_person, membership_by_person, membership_within, too_few, vocabulary
from wonderland.audit.result import Memorisation
from wonderland.audit.sampling import say_many
from wonderland.audit.settings import AuditSettings
from wonderland.corpus.canaries import Canary
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.people import ME
from wonderland.corpus.scrubbing import find_secrets, known_country
from wonderland.errors import NotEnoughData, Unsupported
from wonderland.lab.protocols import HookedModel
from wonderland.model.baselines import ngram_first_choices
from wonderland.tokenizer import END, SEP, SpeakerTokenizer

__all__ = ["audit"]

NOT_HERE = "The text that this model was trained on is not here, so only what it says and its vocabulary were examined."
BY_TIME = (
    "Both parts hold the same conversations, split by time: what is new looks unread, so this says little of memory."
)
TOO_LONG = (
    "Messages longer than the model's context of {2:,} tokens were not examined, as it cannot read them whole: {0:,} "
    "training and {1:,} held-out."
)


def audit(
    model: HookedModel | Any,
    tokenizer: SpeakerTokenizer,
    train: Corpus | None,
    held_out: Corpus | None,
    settings: AuditSettings | None = None,
    *,
    canaries: Sequence[Canary] = (),
    strings: Iterable[str] = (),
    halves: Callable[[Messages, np.ndarray, Forced], Mapping[str, Any]] | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Memorisation:
    """Measure what can be drawn out of a model.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        train: What it was trained on, without canaries; None if that is not here.
        held_out: Conversations it was not trained on.
        settings: How much to examine.
        canaries: What training put in and left out on purpose.
        strings: Texts of a report, to be searched for secrets.
        halves: Given all messages, the numbers of those examined and the model's losses of them, returns what models
            trained on halves add (`wonderland.audit.full.with_references`).
        on_progress: Called with what is examined next, how many parts are done and how many there are.

    Raises:
        NotEnoughData: There is training text, and too few messages of it or no held-out ones to compare with.
        Unsupported: The tokenizer is no `SpeakerTokenizer`.
    """
    if not isinstance(tokenizer, SpeakerTokenizer):
        raise Unsupported(f"An audit reads conversations, with a SpeakerTokenizer, not a {type(tokenizer).__name__}.")
    run = _Run(model, tokenizer, settings or AuditSettings(), on_progress or (lambda what, done, total: None))
    if train is None:
        run.sampled(None)
        run.of_vocabulary()
        return Memorisation(**run.found, left_out={"training text": NOT_HERE})
    if held_out is None or not len(held_out):
        raise NotEnoughData(
            "There is no held-out part, and without messages that the model never read nothing can be compared.",
            hint=Hint("Hold some out: ", Command("tokenize", held_out=0.1)),
        )
    messages = Messages.of(train, held_out, tokenizer)
    forced, chosen = run.completions(messages)
    run.memberships(messages, forced, chosen)
    run.sampled(messages)
    run.secrets(messages, strings)
    if canaries:
        run.told("canaries")
        run.found["canaries"] = canaries_told(model, tokenizer, canaries, candidates=run.s.candidates, seed=run.s.seed)
    run.persons(messages, forced, chosen)
    if halves is not None:
        run.told("models trained on halves")
        more = halves(messages, chosen, forced)
        run.found["full"] = more["estimates"]
        run.found["people"] = [{**row, "changed": more["people"].get(row["person"])} for row in run.found["people"]]
        for part in ("membership", "roc", "caught"):
            run.found[part] |= more[part]
    return Memorisation(**run.found, left_out=run.left_out)


class _Run:
    """One audit under way: what was found so far, and what was left out."""

    def __init__(
        self,
        model: Any,
        tokenizer: SpeakerTokenizer,
        settings: AuditSettings,
        on_progress: Callable[[str, int, int], None],
    ) -> None:
        self.model, self.tokenizer, self.s, self.on_progress = model, tokenizer, settings, on_progress
        self.found: dict[str, Any] = {"model": model.fingerprint, "examined": {}}
        self.left_out: dict[str, str] = {}
        self.country = known_country(settings.country)
        self.scores = np.zeros(0)
        self.done = 0

    def told(self, what: str) -> None:
        self.on_progress(what, self.done, 9)
        self.done += 1

    def completions(self, messages: Messages) -> tuple[Forced, np.ndarray]:
        """Put messages before the model, alone and in a window; return losses and numbers of those examined alone."""
        s, least = self.s, self.s.prompt + self.s.least
        read = messages.sample(True, s.training, least, s.seed, most=self.model.cfg.n_ctx)
        unread = messages.sample(False, s.held_out, least, s.seed, most=self.model.cfg.n_ctx)
        chosen = np.concatenate([read, unread])
        sides = {"training": np.arange(len(chosen)) < len(read), "held out": np.arange(len(chosen)) >= len(read)}
        conversation = messages.conversation[chosen]
        rows = [messages.rows[i] for i in chosen.tolist()]
        self.told("messages, word for word")
        forced = force(self.model, rows)
        few = _some(sides, s.untrained)
        untrained = force(self.model.untrained(), [rows[i] for i in few.tolist()])
        self.untrained = (few, untrained)
        read_few = sides["training"][few]
        self.told("a table of counts")
        table = self._ngram_hits(messages, chosen)
        hits = forced.completed(s.prompt, s.least)
        likely = forced.suffix_probability(s.prompt, s.least)
        by_name = {name: (hits[side], conversation[side]) for name, side in sides.items()}
        by_name |= {f"n-gram, {name}": (table[side], conversation[side]) for name, side in sides.items()}
        blank = untrained.completed(s.prompt, s.least)
        parts = {f"untrained, {name}": few[side[few]] for name, side in sides.items()}
        by_name |= {name: (blank[np.isin(few, part)], conversation[part]) for name, part in parts.items()}
        counts = {name: _counted(of) for name, (of, _) in by_name.items()}
        self.told("messages in their windows")
        some = _some(sides, s.in_window)
        in_window = force(self.model, [rows[i] for i in some], messages.contexts(chosen[some]))
        self.in_window = (some, in_window)
        behind = in_window.completed(s.prompt, s.least)
        window = {name: (behind[side[some]], conversation[some][side[some]]) for name, side in sides.items()}
        counts |= {f"{name}, in a window": _counted(of) for name, (of, _) in window.items()}
        self.told("near-verbatim repetition")
        near = {
            name: near_verbatim(
                self.model,
                [row for row, is_in in zip(rows, side, strict=True) if is_in],
                likely[side],
                s.near,
                s.prompt,
            )
            for name, side in sides.items()
        }
        self.found |= {
            "examined": self._examined(messages, chosen),
            "completion": {name: share(*of, seed=s.seed) for name, of in by_name.items()},
            "in_window": {name: share(*of, seed=s.seed) for name, of in window.items()},
            "hits": counts,
            "fisher": {
                "alone": more_than_held_out(*(by_name[name][0] for name in sides)),
                "in a window": more_than_held_out(*(window[name][0] for name in sides)),
            },
            "discoverable": {
                **{name: discoverable(likely[side], conversation[side], seed=s.seed) for name, side in sides.items()},
                "untrained": discoverable(
                    untrained.suffix_probability(s.prompt, s.least)[read_few], conversation[few][read_few], seed=s.seed
                ),
            },
            "eidetic": eidetic(messages, chosen[sides["training"] & (hits == 1)]),
            "near": near,
        }
        return forced, chosen

    def _examined(self, messages: Messages, chosen: np.ndarray) -> dict[str, int]:
        read, least, most = messages.read[chosen], self.s.prompt + self.s.least, self.model.cfg.n_ctx
        if any(long := messages.too_long(most)):
            self.left_out["long messages"] = TOO_LONG.format(*long, most)
        return {
            "training messages": int(messages.read.sum()),
            "held-out messages": int((~messages.read).sum()),
            "training messages long enough": len(messages.sample(True, 0, least, 0, most=most)),
            "training messages examined": int(read.sum()),
            "held-out messages long enough": len(messages.sample(False, 0, least, 0, most=most)),
            "held-out messages examined": int((~read).sum()),
            "messages sampled": self.s.generations,
            "people": len({*messages.sender.tolist()}),
            "people examined": len({*messages.sender[chosen].tolist()}),
            "people examined of those read": len({*messages.sender[chosen][read].tolist()}),
            "training conversations examined": len(np.unique(messages.conversation[chosen][read])),
            "held-out conversations examined": len(np.unique(messages.conversation[chosen][~read])),
        }

    def _ngram_hits(self, messages: Messages, chosen: np.ndarray) -> np.ndarray:
        """Return which messages a trigram completes that was counted on a half without them, [chosen]."""
        half = _halves(messages, self.s.seed)
        found = np.full(len(chosen), np.nan)
        rows = [np.asarray(row, dtype=np.int64) for row in messages.rows]
        for side in (False, True):
            mine = np.flatnonzero(half[chosen] != side)
            counted = [rows[i] for i in np.flatnonzero(messages.read & (half == side)).tolist()]
            if not len(mine) or not counted:
                continue
            first = ngram_first_choices(counted, [rows[i] for i in chosen[mine].tolist()], self.tokenizer.vocab_size)
            ends = np.cumsum([len(rows[i]) - 1 for i in chosen[mine].tolist()])
            parts = Forced([np.zeros(0)] * len(mine), np.split(first, ends[:-1]))
            found[mine] = parts.completed(self.s.prompt, self.s.least)
        return found

    def memberships(self, messages: Messages, forced: Forced, chosen: np.ndarray) -> None:
        """Ask whether one can tell what was read, by message and by conversation, with the blind baseline beside."""
        self.told("membership")
        read, conversation = messages.read[chosen], messages.conversation[chosen]
        reference = reference_losses(
            messages.rows, messages.conversation, messages.read, self.tokenizer.vocab_size, self.s.seed, chosen
        )
        losses = forced.mean_losses()
        self.scores = calibrated(forced, reference)
        # Each score is higher for what looks read; the table of counts, whose loss is the last one, knows no model.
        scores = {"loss": -losses, "calibrated": self.scores, "text alone": -reference}
        lengths = np.array([len(row) for row in forced.losses], dtype=float)
        whole, was_read = by_conversation(np.stack(list(scores.values())), lengths, conversation, read)
        told = {f"message, {name}": (of, read, conversation) for name, of in scores.items()}
        if was_read.any() and not was_read.all():
            told |= {
                f"conversation, {name}": (of, was_read, np.arange(len(of)))
                for name, of in zip(scores, whole, strict=True)
            }
            self.found["examined"] |= {
                "training conversations told apart": int(was_read.sum()),
                "held-out conversations told apart": int((~was_read).sum()),
            }
        else:
            self.left_out["membership by conversation"] = "Too few conversations of five messages on one side."
        for name, (few, forced) in {"in a window": self.in_window, "untrained": self.untrained}.items():
            told[f"message, {name}"] = (calibrated(forced, reference[few]), read[few], conversation[few])
        self.found["membership"] = {name: auc_estimate(*of, seed=self.s.seed) for name, of in told.items()}
        self.found["roc"] = {name: roc(of[0], of[1]) for name, of in told.items()}
        self.found["caught"] = {name: true_positives_at(of[0], of[1]) for name, of in told.items()}
        if messages.by_time:
            self.left_out["split"] = BY_TIME

    def sampled(self, messages: Messages | None) -> None:
        """Let the model speak, and look for secrets and for messages word for word."""
        self.told("what the model says")
        said = say_many(self.model, self.s.generations, seed=self.s.seed)
        texts = [self.tokenizer.decode(row[:-1] if row[-1] in (SEP, END) else row).strip() for row in said]
        found = {"generations": kinds_in(texts, self.country)}
        if messages is not None:
            long = [text for text, row in zip(texts, said, strict=True) if len(row) > 8]
            parts = {
                name: {text.strip() for text, is_in in zip(messages.texts, side, strict=True) if is_in}
                for name, side in (("training", messages.read), ("held out", ~messages.read))
            }
            self.found["generated"] = {
                "messages": len(long),
                **{name: sum(text in of for text in long) for name, of in parts.items()},
            }
        self.found["found"] = found
        self.said = texts

    def secrets(self, messages: Messages, strings: Iterable[str]) -> None:
        """Look for secrets in the training text, and rank those that are there."""
        self.told("secrets")
        s, country = self.s, self.country
        where = np.flatnonzero(messages.read).tolist()
        mine = [messages.sender[i] == ME for i in where]
        there = distinct([messages.texts[i] for i in where], mine, country)
        again = {(one.secret.kind, one.secret.text.casefold()) for one in there}
        both = [
            secret.kind
            for text in self.said
            for secret in find_secrets(text, country)
            if (secret.kind, secret.text.casefold()) in again
        ]
        self.found["found"] = {
            "training text": _by_kind(there),
            **self.found["found"],
            "generations, also in training": {kind: both.count(kind) for kind in sorted({*both})},
            "report": kinds_in(strings, country),
        }
        self.found["secrets"] = exposures(
            self.model,
            self.tokenizer,
            there[: s.secrets],
            texts=[messages.texts[i] for i in where],
            rows=[messages.rows[i] for i in where],
            candidates=s.candidates,
            seed=s.seed,
        )
        self.found["not_examined"] = len(there) - len(self.found["secrets"])
        self.found["examined"] |= {"secrets asked for": s.secrets, "others of a secret": s.candidates}

    def persons(self, messages: Messages, forced: Forced, chosen: np.ndarray) -> None:
        """Say of whom something is given back, and by how many people the words of the vocabulary were used."""
        self.told("people and vocabulary")
        read = messages.read[chosen]
        hits = forced.completed(self.s.prompt, self.s.least)[read]
        secrets: dict[str, int] = {}
        for i in np.flatnonzero(messages.read).tolist():
            count = len(find_secrets(messages.texts[i], self.country))
            if count:
                secrets[messages.sender[i]] = secrets.get(messages.sender[i], 0) + count
        rows = by_person(messages, chosen[read], hits, secrets)
        try:
            within = membership_within(messages, chosen, self.scores, seed=self.s.seed)
        except NotEnoughData as error:
            within, self.left_out["membership within people"] = {}, error.message
        else:
            without = sum(row["auc"] is None for row in within.values())
            if without:
                self.left_out["membership within people"] = too_few(without, len(within))
        self.found["people"] = [{**row, **within.get(row["person"], {})} for row in rows]
        try:
            one = membership_by_person(messages, chosen, self.scores)
            self.found["membership"]["contact, calibrated"] = one
        except NotEnoughData as error:
            self.left_out["membership by contact"] = error.message
        self.found["vocabulary"] = vocabulary(messages, self.tokenizer)

    def of_vocabulary(self) -> None:
        """Look for secrets among tokens, where there is no text to say who used them."""
        pieces = self.tokenizer.pieces(range(self.tokenizer.vocab_size))
        self.found["found"]["vocabulary"] = kinds_in(pieces, self.country)


def _some(sides: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """Return the places of at most so many messages of each side, evenly spread, in order."""
    taken = [np.flatnonzero(side)[:: max(1, -(-int(side.sum()) // count))] for side in sides.values()]
    return np.sort(np.concatenate(taken))


def _counted(hits: np.ndarray) -> list[int]:
    return [int(np.nansum(hits)), int((~np.isnan(hits)).sum())]


def _by_kind(there: Sequence[Said]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in there:
        counts[one.secret.kind] = counts.get(one.secret.kind, 0) + 1
    return dict(sorted(counts.items()))


def _halves(messages: Messages, seed: int) -> np.ndarray:
    """Deal the training conversations into halves, and say of each message in which one its conversation is."""
    known = np.unique(messages.conversation[messages.read])
    dealt = np.random.default_rng(seed).permutation(known)
    half: np.ndarray = np.isin(messages.conversation, dealt[: len(dealt) // 2])
    return half
