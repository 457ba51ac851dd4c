"""Where is the model surprised? The loss of each token, by speaker, by place in the message and by kind of token.

Loss is −ln p(token | what came before), in nats; beside it the rank of the token that came and the entropy of the
prediction, which is the loss the model expected. Tables average over tokens with intervals over conversations.

What would fool it: reading single surprising tokens. The first word of a message is surprising for any model, because
much could have been said; the entropy beside the loss tells that apart from a model that was sure and wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import SPECIALS
from wonderland_triage.shown import describe, windows_to_show

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_KINDS = ("first word", "later words", "end of message", "next speaker")


@dataclass(frozen=True)
class TokenLossResult(wl.Result):
    """Loss by token, speaker and place.

    Attributes:
        overall: Mean loss, nats a token.
        by_speaker: Mean loss of words by who wrote them: "me", "them".
        by_kind: Mean loss of the first word of a message, later words, the end of a message, the next speaker.
        by_place: Mean loss by word of the message, [place]; the last place holds all later words.
        surprising: The most surprising words of the windows shown: piece, loss, entropy, rank, speaker, number of the
            window among those shown, position.
        conversations: Windows shown, with pieces, speakers, values [loss, rank, entropy] and alternatives.
        values: The numbers of each window shown, [measure, token].
    """

    overall: wl.Estimate
    by_speaker: dict[str, wl.Estimate]
    by_kind: dict[str, wl.Estimate]
    by_place: wl.Estimate
    surprising: list[dict[str, Any]]
    conversations: list[dict[str, Any]]
    values: list[np.ndarray]

    def summary(self) -> str:
        lines = [f"Held-out loss {self.overall}; perplexity {math.exp(float(self.overall.value)):.1f}."]
        lines += [f"{name}: {estimate}" for name, estimate in self.by_kind.items()]
        lines += [f"words by {name}: {estimate}" for name, estimate in self.by_speaker.items()]
        top = ", ".join(f"{row['piece'].strip()!r} ({row['loss']:.1f})" for row in self.surprising[:5])
        lines.append(f"Most surprising in the windows shown: {top}.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        trust: Any = "solid" if self.overall.trusted else "weak"
        found = [
            wl.Finding(
                "On conversations it never saw, the model is as unsure as among "
                f"{math.exp(float(self.overall.value)):.0f} equally likely tokens: a loss of {self.overall}.",
                "token-loss",
                {},
                trust,
            )
        ]
        me, them = self.by_speaker.get("me"), self.by_speaker.get("them")
        if me is not None and them is not None:
            apart = me.high < them.low or them.high < me.low
            who = "me better than them" if me.value < them.value else "them better than me"
            words = f"It predicts {who}" if apart else "It predicts me and them about equally well"
            text = f"{words}: {float(me.value):.2f} nats a word for me, {float(them.value):.2f} for them."
            found.append(wl.Finding(text, "loss-by-kind", {}, trust if apart else "weak"))
        return found

    def views(self) -> Sequence[wl.View]:
        uniform = float(self.overall.chance)
        shown = [{**about, "values": values} for about, values in zip(self.conversations, self.values, strict=True)]
        kinds = {**self.by_kind, **{f"words by {name}": estimate for name, estimate in self.by_speaker.items()}}
        place = self.by_place
        return [
            wl.View.of_data(
                "token-loss",
                "Loss by token",
                "tokens",
                {
                    "measures": [
                        {"name": "loss", "unit": "nats", "domain": [0, 10]},
                        {"name": "rank", "unit": "1", "domain": [1, 200]},
                        {"name": "entropy", "unit": "nats", "domain": [0, uniform]},
                    ],
                    "conversations": shown,
                    "highlights": self.surprising,
                },
                caption=f"Loss of each token given what came before; a uniform guess would have {uniform:.2f} nats.",
                how_to_read="Strongly coloured tokens surprised the model. Point at one to see its rank and "
                "what the model would rather have said; switch to entropy to see where it expected to be surprised.",
                misleads="The first word of a message is surprising for any model, because much could have been said.",
                order=40,
            ),
            wl.View.of_data(
                "loss-by-kind",
                "Loss by kind",
                "bars",
                {
                    "x": list(kinds),
                    "y": {"label": "loss", "unit": "nats a token"},
                    "series": [
                        {
                            "name": "loss",
                            "values": [float(e.value) for e in kinds.values()],
                            "low": [float(e.low) for e in kinds.values()],
                            "high": [float(e.high) for e in kinds.values()],
                        }
                    ],
                },
                caption=f"Mean loss, 95% interval over n={self.overall.n} conversations.",
                how_to_read="Which parts of a message the model can predict, and whose words it knows better.",
                misleads="Me and them also differ in what they talk about, not only in how predictable they are.",
                order=45,
            ),
            wl.View.of_data(
                "loss-by-place",
                "Loss by place",
                "line",
                {
                    "x": {"label": "word of the message"},
                    "y": {"label": "loss", "unit": "nats a token"},
                    "series": [
                        {
                            "name": "loss",
                            "x": np.arange(1, len(place.value) + 1),
                            "y": place.value,
                            "low": place.low,
                            "high": place.high,
                        }
                    ],
                },
                caption=f"Mean loss of the n-th token of a message, 95% interval over n={place.n} conversations.",
                how_to_read="How much easier a message gets once it has begun.",
                misleads="Long messages only count at the right end, and people who write long messages differ.",
                order=47,
            ),
        ]


@dataclass(frozen=True)
class TokenLoss:
    """Where is the model surprised? Loss by token, speaker and place in the message."""

    name: ClassVar[str] = "token-loss"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("logits", "loss")
    groups: ClassVar[tuple[str, ...]] = ("triage",)

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
        kinds = _kinds(evidence) & predicted
        words = kinds[0] | kinds[1]
        return TokenLossResult(
            overall=self._mean(loss, predicted, evidence, chance=math.log(specimen.cfg.d_vocab)),
            by_speaker={
                name: self._mean(loss, words & (evidence.speaker == token), evidence)
                for name, token in (("me", 1), ("them", 2))
                if (words & (evidence.speaker == token)).any()
            },
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
