"""How did the model grow? Losses, distances to n-grams, heads and repetition at each snapshot of one training run.

On the same held-out tokens at every snapshot:

- loss by kind of token, and on training text, which parts from the held-out loss when the model begins to memorise;
- KL(n-gram ‖ model) for n = 1, 2, 3 at ``places`` places: a model on its way is first like a table of single tokens,
  then like one of pairs (Belrose et al. 2024, 2402.04362);
- the highest score over heads for each pattern of `head-patterns` and for induction, and the gain of a repetition
  (Olsson et al. 2022, 2209.11895); the untrained snapshot is their chance level;
- lens depth: after how many layers the answer is there (`wonderland_cohorts.course.lens_depth`);
- of curves that rise, the largest single rise against chance, and the halfway point (`wonderland_cohorts.transitions`).

What would fool it: learning rates fall at the end, so a loss that falls late need not be something learned. The highest
score over heads is not one head's: it is that of whichever head is highest then. And the best epoch's model need not be
the last snapshot.

Cost: one pass of the evidence for each snapshot, with the whole residual stream; losses are kept for `acquisition`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.stats import benjamini_hochberg, cluster_bootstrap
from wonderland_cohorts.course import NGRAMS, kinds_of_tokens, lens_depth, places, repetition, words_to_repeat
from wonderland_cohorts.development_result import DevelopmentResult
from wonderland_cohorts.transitions import LEAST_SNAPSHOTS, halfway, transition

Floats = NDArray[np.float64]
_SHOWN = 48  # tokens of the window whose attention is kept at every snapshot


@dataclass(frozen=True)
class Development:
    """How did the model grow? Loss, n-grams, heads, repetition and samples at each snapshot, and what came at once."""

    name: ClassVar[str] = "development"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("loss", "logits", "resid_post", "background")
    uses: ClassVar[tuple[str, ...]] = ("head-patterns",)
    groups: ClassVar[tuple[str, ...]] = ("development",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: a curve is the highest score over heads, whichever head that is, and the "
        "untrained snapshot has it, too."
    )
    of: ClassVar[str] = "snapshots"

    places: Annotated[int, "places at which the model is compared with n-grams"] = 1200
    sequences: Annotated[int, "random sequences said twice"] = 24
    trained_on: Annotated[int, "windows of training text to measure the loss on"] = 60
    samples: Annotated[int, "conversations sampled at each snapshot; 0 for none"] = 2
    seed: Annotated[int, "seed of places, sequences and samples"] = 0

    def run(self, cohort: wl.Cohort) -> DevelopmentResult:
        """Measure every snapshot alike."""
        members = list(cohort.members.values())
        first, at = members[0], np.asarray(cohort.at)
        evidence, background = first.evidence, _background(first)
        kinds = kinds_of_tokens(evidence)
        at_places = places(first, background, self.places, self.seed)
        words = words_to_repeat(first, self.sequences, self.seed)
        of_training = None if background is None else _like(background, evidence, self.trained_on, self.seed)
        losses, distances, depths, repeated, trained = [], [], [], [], []
        for number, member in enumerate(members):
            loss, distance, depth = _read(member, at_places)
            losses.append(loss)
            distances.append(distance)
            depths.append(depth)
            repeated.append(repetition(member, words, self.seed) if words.size else None)
            trained.append(None if of_training is None else _trained(member, of_training, self.seed))
            cohort.progress(number + 1, len(members))
        by_kind = {
            name: _stack([self._mean(np.where(where, loss, 0).sum(1), where.sum(1), evidence) for loss in losses])
            for name, where in kinds.items()
        }
        scores, labels, attention, shown = self._heads(cohort)
        curves = {name: _highest(of) for name, of in scores.items()}
        if all(repeated):
            done = [one for one in repeated if one is not None]
            curves["induction"] = _highest([one.induction for one in done])
            scores["induction"] = [one.induction for one in done]
            curves["gain of a repetition"] = _stack([one.gain for one in done])
        rises = {name: found for name, curve in curves.items() if (found := self._rise(curve)) is not None}
        q = np.asarray(benjamini_hochberg([p for _, _, p in rises.values()]) if rises else [])
        return DevelopmentResult(
            at=at,
            loss=by_kind,
            trained=_stack([one for one in trained if one is not None]) if all(trained) else None,
            distance={
                name: _stack([_over(of[name], at_places.conversation, "nats", self.seed) for of in distances])
                for name in NGRAMS
                if at_places.ngrams
            },
            depth=_stack([_over(depth, at_places.conversation, "layers", self.seed) for depth in depths]),
            curves=curves,
            halfway={name: halfway(at, curve.value) for name, curve in curves.items()},
            halfway_loss=halfway(at, by_kind["all tokens"].value, rising=False),
            rises={name: [at_, share, p, float(q[i])] for i, (name, (at_, share, p)) in enumerate(rises.items())},
            scores={name: np.stack([one.value for one in of]) for name, of in scores.items()},
            labels=labels,
            attention=attention,
            shown=shown,
            samples=self._samples(members),
        )

    def _rise(self, curve: wl.Estimate) -> tuple[int, float, float] | None:
        if curve.shape[0] < LEAST_SNAPSHOTS:
            return None
        found = transition(curve)
        return None if found is None else (found.at, found.share, found.p)

    def _mean(self, sums: Floats, counts: Floats, evidence: wl.Evidence) -> wl.Estimate:
        return cluster_bootstrap(sums, counts, evidence.conversation, unit="nats a token", seed=self.seed)

    def _heads(
        self, cohort: wl.Cohort
    ) -> tuple[dict[str, list[wl.Estimate]], list[list[list[str]]], list[np.ndarray], dict[str, Any]]:
        """Return scores by pattern and snapshot, labels, and the attention on one window, from `head-patterns`."""
        found: Any = [cohort.results.get("head-patterns", {}).get(name) for name in cohort.members]
        if any(one is None for one in found):
            return {}, [], [], {}
        scores = {name: [one.scores[name] for one in found] for name in found[0].scores}
        labels = [one.labels for one in found]
        if not found[0].conversations:
            return scores, labels, [], {}
        about = found[0].conversations[0]
        length = min(_SHOWN, len(about["tokens"]))
        shown = {
            "tokens": list(about["tokens"][:length]),
            "speakers": list(about["speakers"][:length]),
            "messages": [int(number) for number in about["messages"][:length]],
        }
        attention = [np.ascontiguousarray(one.attention[0][:, :length, :length]) for one in found]
        return scores, labels, attention, shown

    def _samples(self, members: Sequence[wl.Specimen]) -> list[list[dict[str, Any]]]:
        """Return samples by snapshot, with the same seeds at each; none of models that cannot speak."""
        from wonderland.model.chat_transformer import ChatTransformer
        from wonderland.model.generate import generate
        from wonderland.tokenizer import SpeakerTokenizer

        model, tokenizer = members[0].model, members[0].tokenizer
        if not (isinstance(model, ChatTransformer) and isinstance(tokenizer, SpeakerTokenizer)):
            return []
        if not members[0].evidence.speakers:
            return []
        drawn = []
        for member in members:
            of: list[dict[str, Any]] = []
            for number in range(self.samples):
                speaker = ("me", "them")[number % 2]
                most = min(40, model.cfg.n_ctx - 1)
                own: Any = member.model
                one = generate(own, tokenizer, speaker=speaker, messages=2, max_tokens=most, seed=self.seed + number)
                of.append(
                    {
                        "speaker": speaker,
                        "pieces": list(tokenizer.pieces([*one.prompt, *one.tokens])),
                        "given": len(one.prompt),
                        "probabilities": [float(p) for p in one.probabilities],
                    }
                )
            drawn.append(of)
        return drawn


def _background(specimen: wl.Specimen) -> Any:
    try:
        return specimen.background
    except NotEnoughData:
        return None


def _read(member: wl.Specimen, at_places: Any) -> tuple[Floats, dict[str, Floats], Floats]:
    """Return losses [window, pos], and at the places distances to n-grams and lens depth."""
    evidence = member.evidence
    loss: Floats = np.zeros(evidence.tokens.shape)
    distances = {name: np.zeros(len(at_places.window)) for name in at_places.ngrams}
    depth: Floats = np.zeros(len(at_places.window))
    for batch in member.batches("loss", "logits", "resid_post"):
        loss[batch.windows, : batch.tokens.shape[1]] = np.nan_to_num(batch["loss"].numpy())
        which = at_places.here(batch.windows)
        if not len(which):
            continue
        row = torch.from_numpy(at_places.window[which] - batch.windows.start)
        pos = torch.from_numpy(at_places.pos[which] - 1)  # what is said there is told by the token before
        told = batch["logits"][row, pos].float().log_softmax(-1)
        for name, distance in at_places.distances(which, told).items():
            distances[name][which] = distance
        depth[which] = lens_depth(member, batch["resid_post"][:, row, pos], told)
    return loss, distances, depth


def _like(background: Any, evidence: wl.Evidence, count: int, seed: int) -> Any:
    """Return windows of training text that are as long as held-out ones, since late tokens are easier."""
    long = np.flatnonzero(background.lengths >= evidence.lengths.min())
    chosen = np.sort(np.random.default_rng(seed).permutation(long)[:count])
    if not len(chosen):
        return None
    cut = {name: getattr(background, name)[chosen] for name in ("start", "stop", "conversation")}
    return replace(background, **cut)


def _trained(member: wl.Specimen, windows: Any, seed: int) -> wl.Estimate:
    """Return the loss on windows of training text."""
    sums: list[float] = []
    counts: list[float] = []
    conversation: list[int] = []
    for batch in member.stream(windows, "loss"):
        loss = batch["loss"].numpy()
        sums.extend(np.nan_to_num(loss).sum(1))
        counts.extend(np.isfinite(loss).sum(1))
        conversation.extend(batch.conversation)
    return cluster_bootstrap(sums, counts, conversation, unit="nats a token", seed=seed)


def _over(values: Floats, conversation: NDArray[np.int64], unit: str, seed: int) -> wl.Estimate:
    return cluster_bootstrap(values, np.ones(len(values)), conversation, unit=unit, seed=seed)


def _stack(parts: Sequence[wl.Estimate]) -> wl.Estimate:
    return wl.Estimate.stacked(parts, dims=("snapshot",))


def _highest(scores: Sequence[wl.Estimate]) -> wl.Estimate:
    """Return the highest score over heads at each snapshot, with its interval; the first one's is the chance level."""
    best = []
    for one in scores:
        layer, head = np.unravel_index(int(np.nan_to_num(np.asarray(one.value), nan=-np.inf).argmax()), one.shape)
        best.append(one[int(layer), int(head)])
    made = _stack(best)
    start = float(np.asarray(made.value)[0])
    return wl.Estimate(made.value, made.low, made.high, made.n, made.unit, start, made.resampled_over, made.dims)
