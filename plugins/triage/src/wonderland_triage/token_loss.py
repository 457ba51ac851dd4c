"""Where is the model surprised? The loss of each token, by speaker, by place in the message and by kind of token.

Loss is −ln p(token | what came before), in nats; beside it the rank of the token that came and the entropy of the
prediction, which is the loss the model expected. Tables average over tokens with intervals over conversations.

What would fool it: reading single surprising tokens. The first word of a message is surprising for any model, because
much could have been said; the entropy beside the loss tells that apart from a model that was sure and wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import SPECIALS
from wonderland.views import (
    Bars,
    Block,
    Conversations,
    Highlight,
    Key,
    Lines,
    Measure,
    Quoted,
    Row,
    Shaded,
    bounds,
    digits,
    interval_over,
    join,
    say,
)
from wonderland_triage.apart import me_less_them, mean_apart
from wonderland_triage.example_windows import describe, spoken_window, windows_to_show

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_KINDS = ("first word", "later words", "end of message", "next speaker")
_TOLD = {
    "first word": "first token of a message",
    "later words": "other tokens of a message",
    "end of message": "end of a message",
    "next speaker": "who speaks next",
}
_SAME = 0.1  # nats a token: losses that differ by no more count as equal


@dataclass(frozen=True)
class TokenLossResult(wl.Result):
    """Loss by token, speaker and place.

    Attributes:
        overall: Mean loss, nats a token.
        by_speaker: Mean loss of words by who wrote them: "me", "them".
        apart: Mean loss of words by "me" less that of words by "them", both drawn again from the same conversations;
            None where one of them wrote nothing.
        by_kind: Mean loss of the first word of a message, later words, the end of a message, the next speaker.
        by_place: Mean loss by word of the message, [place]; the last place holds all later words.
        surprising: The most surprising words of the windows shown: piece, loss, entropy, rank, speaker, number of the
            window among those shown, position.
        conversations: Windows shown, with pieces, speakers, values [loss, rank, entropy] and alternatives.
        values: The numbers of each window shown, [measure, token].
    """

    overall: wl.Estimate
    by_speaker: dict[str, wl.Estimate]
    apart: wl.Estimate | None
    by_kind: dict[str, wl.Estimate]
    by_place: wl.Estimate
    surprising: list[dict[str, Any]]
    conversations: list[dict[str, Any]]
    values: list[np.ndarray]

    def summary(self) -> str:
        lines = [f"Loss in the held-out windows that are examined: {self.overall}."]
        lines += [f"{name}: {estimate}" for name, estimate in self._kinds().items()]
        if self.surprising:
            words = [
                say("“{word}” ({loss:.1f})", word=Quoted(row["piece"]).strip(), loss=row["loss"])
                for row in self.surprising[:5]
            ]
            lines.append(f"Most surprising in the windows shown: {join(words, ', ').text}.")
        return "\n".join(lines)

    def _kinds(self) -> dict[str, wl.Estimate]:
        kinds = {_TOLD.get(name, name): of for name, of in self.by_kind.items()}
        return {**kinds, **{f"words by {name}": of for name, of in self.by_speaker.items()}}

    def cards(self) -> Mapping[Any, Sequence[Block]]:
        """Return the loss of each class of tokens, beside that of all."""
        return {
            Key.spelled("class", name): [
                Block(
                    rows=[Row("its loss, nats a token", of), Row("of all tokens", replace(self.overall, chance=None))]
                )
            ]
            for name, of in self._kinds().items()
        }

    def findings(self) -> Sequence[wl.Finding]:
        one = self.overall
        better = float(one.value) < float(one.chance)
        text = (
            "On held-out text, the model predicts no better than a uniform guess: a loss of "
            f"{one}, in the windows that are examined."
        )
        apart = float(one.high) < float(one.chance) if better else float(one.low) >= float(one.chance)
        sure = apart and one.trusted
        if not one.trusted:
            text = (
                "Whether the model predicts held-out text better than a uniform guess "
                f"rests on {one.over}, too few to say: a loss of {one}, in the windows that are examined."
            )
        elif better:
            text = (
                f"On held-out text, the model {'predicts' if sure else 'is not shown to predict'} better "
                f"than a uniform guess: a loss of {one}, in the windows that are examined."
            )
        trust: Any = "solid" if sure else "weak"
        found = [wl.Finding(text, "token-loss", (), trust, "effect" if better else "null", one)]
        if np.isnan(one.value):
            found = [wl.Finding("The loss could not be measured.", "token-loss", (), "anecdotal", "description")]
        return found + self._of_speakers()

    def _of_speakers(self) -> list[wl.Finding]:
        """Say whose words are predicted better, or up to which difference nobody's are."""
        me, them, apart = self.by_speaker.get("me"), self.by_speaker.get("them"), self.apart
        if me is None or them is None or apart is None or not np.isfinite([me.value, them.value]).all():
            return []
        losses = " and ".join(
            f"{float(of.value):.2f} nats a token for {name} {bounds(of, '.2f')}".rstrip()
            for name, of in (("me", me), ("them", them))
        )
        enough, view = me.trusted and them.trusted, "loss-by-kind"
        n = f"n={me.over}{'' if enough else ', too few to trust the intervals'}"
        told = f"{losses}; {me_less_them(apart)}"
        if not np.isfinite([apart.low, apart.high]).all():
            return []
        if apart.low > 0 or apart.high < 0:
            who = "me better than of them" if me.value < them.value else "them better than of me"
            text = f"It predicts words of {who}: {told}, words alone ({n})."
            return [wl.Finding(text, view, (), "solid" if enough else "weak", "effect", apart)]
        most = float(np.max(np.abs([apart.low, apart.high])))
        text = (
            f"No clear difference between how well it predicts words of me and of them: {told}, so that they are at "
            f"most {digits(most)} nats apart ({n})."
        )
        return [wl.Finding(text, view, (), "solid" if enough and most <= _SAME else "weak", "null", apart)]

    def claims(self) -> Mapping[str, wl.Estimate]:
        uniform = float(self.overall.chance)
        gained = {"all tokens": self.overall, **self._kinds()}
        return {
            f"Nats gained over a uniform guess, {name}": replace(one, chance=uniform).map(lambda loss: uniform - loss)
            for name, one in gained.items()
        }

    def views(self) -> Sequence[wl.View]:
        uniform, over = float(self.overall.chance), interval_over(self.overall)
        shown = zip(self.conversations, self.values, strict=True)
        return [
            wl.View(
                "token-loss",
                "Loss by token",
                Conversations(
                    [
                        Measure("loss", "nats", [0, 10]),
                        Measure("rank", "1", [1, 200]),
                        Measure("entropy", "nats", [0, uniform]),
                    ],
                    [Shaded(**spoken_window(about), values=values) for about, values in shown],
                    [Highlight(row["conversation"], row["position"], row["value"]) for row in self.surprising],
                ),
                subtitle="Where is the model surprised?",
                caption=f"Loss of each token given what came before; a uniform guess would have {uniform:.2f} nats.",
                how_to_read="A high loss: the token surprised the model. Point at a token to see its rank and what the "
                "model expected instead. Entropy is the loss that the model itself expected.",
                misleads="The first word of a message is surprising for any model, because much could have been said.",
                order=40,
            ),
            wl.View(
                "loss-by-kind",
                "Loss by kind of token",
                replace(Bars.of(self._kinds(), "loss"), keys=[Key.spelled("class", name) for name in self._kinds()]),
                subtitle="Which parts of a message can the model predict, and whose words?",
                caption=f"Mean loss, {over}; a uniform guess would have {uniform:.2f} nats.",
                how_to_read="A low bar is a part of a message that the model predicts well. 'Words by me' are the "
                "words of the person whose messages these are.",
                misleads="Me and them also differ in what they talk about, not only in how predictable they are.",
                order=45,
            ),
            wl.View(
                "loss-by-place",
                "Loss by place in the message",
                Lines.of(
                    {"loss": self.by_place}, "token of the message", "loss", np.arange(1, len(self.by_place.value) + 1)
                ),
                subtitle="Does a message get easier to predict once it has begun?",
                caption=f"Mean loss of the n-th token of a message, {over}; the last place holds all later tokens.",
                how_to_read="The curve falls if the model predicts a message better once it has begun.",
                misleads="Only long messages count at the right end, and people who write long messages differ.",
                order=47,
            ),
        ]


@dataclass(frozen=True)
class TokenLoss:
    """Where is the model surprised? Loss by token, speaker and place in the message."""

    name: ClassVar[str] = "token-loss"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("logits", "loss")
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: the loss is that of the model as a whole and of every token that is shown."
    )

    shown: Annotated[int, "conversations shown"] = 6
    top: Annotated[int, "most surprising words to list"] = 20
    alternatives: Annotated[int, "what the model would rather have said, for each token shown"] = 5
    places: Annotated[int, "words of a message to average separately"] = 16

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.token_loss()

    def run(self, specimen: wl.Specimen) -> TokenLossResult:
        """Compute the losses over the specimen's evidence."""
        evidence, pieces = specimen.evidence, specimen.tokenizer.pieces
        kinds = _kinds(evidence)  # first: where nobody tells who speaks there is nothing to run the model for
        loss: np.ndarray = np.full(evidence.tokens.shape, np.nan)
        rank, entropy = loss.copy(), loss.copy()
        show = set(windows_to_show(evidence, self.shown))
        conversations: dict[int, dict[str, Any]] = {}
        for batch in specimen.batches():
            width = batch.tokens.shape[1]
            log_probs = batch["logits"][:, :-1].log_softmax(-1)  # [batch, pos - 1, d_vocab]
            came = log_probs.gather(-1, batch.tokens[:, 1:, None])
            loss[batch.windows, :width] = batch["loss"].numpy()
            rank[batch.windows, 1:width] = 1 + (log_probs > came).sum(-1).numpy()
            entropy[batch.windows, 1:width] = -(log_probs.exp() * log_probs).sum(-1).numpy()
            for index in range(batch.windows.start, batch.windows.stop):
                if index in show:
                    row = index - batch.windows.start
                    length = int(evidence.lengths[index])
                    best = log_probs[row, : length - 1].exp().topk(self.alternatives)
                    others: list[list[Any]] = [
                        list(zip(pieces(tokens), (round(p, 4) for p in values), strict=True))
                        for tokens, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
                    ]
                    conversations[index] = {
                        **describe(specimen, index),
                        "alternatives": [[], *([list(pair) for pair in other] for other in others)],
                    }
        rank[~evidence.mask] = entropy[~evidence.mask] = np.nan
        shown = sorted(conversations)
        predicted = evidence.mask & (np.arange(loss.shape[1]) > 0)
        measures = np.stack([loss, rank, entropy])
        kinds = kinds & predicted
        words = kinds[0] | kinds[1]
        return TokenLossResult(
            overall=self._mean(loss, predicted, evidence, chance=math.log(specimen.cfg.d_vocab)),
            by_speaker={
                name: self._mean(loss, words & (evidence.speaker == token), evidence)
                for name, token in (("me", 1), ("them", 2))
                if (words & (evidence.speaker == token)).any()
            },
            apart=mean_apart(loss, [words & (evidence.speaker == token) for token in (1, 2)], evidence),
            by_kind={
                name: self._mean(loss, kind, evidence) for name, kind in zip(_KINDS, kinds, strict=True) if kind.any()
            },
            by_place=self._by_place(loss, words, evidence),
            surprising=self._surprising(measures, words, evidence, shown, pieces),
            conversations=[conversations[index] for index in shown],
            values=[measures[:, index, : evidence.lengths[index]].astype(np.float32) for index in shown],
        )

    def _mean(self, loss: np.ndarray, which: np.ndarray, evidence: Any, chance: float | None = None) -> wl.Estimate:
        sums = np.where(which, loss, 0).sum(1)
        return cluster_bootstrap(
            sums, which.sum(1), evidence.conversation, unit="nats a token", chance=chance, seed=evidence.seed
        )

    def _by_place(self, loss: np.ndarray, words: np.ndarray, evidence: Any) -> wl.Estimate:
        place = np.arange(loss.shape[1]) - evidence.speaker_position - 1
        place = np.where(words, np.minimum(place, self.places - 1), -1)
        at = place[:, :, None] == np.arange(self.places)
        sums = np.where(at, np.nan_to_num(loss)[:, :, None], 0).sum(1)
        return cluster_bootstrap(
            sums, at.sum(1), evidence.conversation, unit="nats a token", dims=("place",), seed=evidence.seed
        )

    def _surprising(
        self, measures: np.ndarray, words: np.ndarray, evidence: Any, shown: Sequence[int], pieces: Any
    ) -> list[dict[str, Any]]:
        loss = np.where(words, measures[0], -np.inf)
        here = np.zeros(len(loss), dtype=bool)
        here[list(shown)] = True
        rows = []
        for index in np.argsort(-np.where(here[:, None], loss, -np.inf), axis=None)[: self.top]:
            window, position = np.unravel_index(index, loss.shape)
            if not np.isfinite(loss[window, position]):
                break
            rows.append(
                {
                    "conversation": list(shown).index(int(window)),
                    "position": int(position),
                    "value": float(loss[window, position]),
                    "piece": pieces([evidence.tokens[window, position]])[0],
                    "loss": float(loss[window, position]),
                    "rank": float(measures[1, window, position]),
                    "entropy": float(measures[2, window, position]),
                    "speaker": "me" if evidence.speaker[window, position] == 1 else "them",
                }
            )
        return rows


def _kinds(evidence: Any) -> np.ndarray:
    """Return where each kind of token stands, [kind, window, pos], in the order of ``_KINDS``."""
    special = evidence.tokens < len(SPECIALS)
    after_speaker = np.zeros_like(special)
    after_speaker[:, 1:] = evidence.is_speaker[:, :-1]
    word = ~special
    return np.stack([word & after_speaker, word & ~after_speaker, special & ~evidence.is_speaker, evidence.is_speaker])
