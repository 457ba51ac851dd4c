"""What does each head attend to? Six scores by head, each against what uniform attention would give.

Over the rows i ≥ 1 of each window, the mean attention to: the previous token (A[i, i−1]), the token itself, the first
token, the latest speaker token, all separators, and earlier copies of the same token. Chance is the same sum with
uniform attention 1/(i + 1) at the same positions. A head is labelled if a score is over ``threshold`` and its interval
lies above chance by ``margin`` standard errors; several labels make it "mixed", none "diffuse".

What would fool it: at position i = 1 the previous and the first token are the same, so rows 1 to ``skip`` − 1 are left
out; while the first message lasts, so are the first and the latest speaker token, which is why those rows do not count
for either. And a label names a pattern, not a job: half of all heads of larger models put most of their attention on
the first token and do nothing there (attention sinks, 2309.17453), so a first-token head is not called a speaker head
here. That needs an intervention. Of the heads with a label the one that is named is chosen on one half of the
conversations, and its share is of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.evidence import Evidence
from wonderland.lab.halves import best_apart, first_half
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import END, SEP
from wonderland_triage.behind_cells import behind_cells, numbered
from wonderland_triage.example_windows import describe, windows_to_show
from wonderland_triage.head_patterns_result import NONE, PATTERNS, HeadPatternsResult, names_in

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

__all__ = ["PATTERNS", "HeadPatterns", "HeadPatternsResult"]


@dataclass(frozen=True)
class HeadPatterns:
    """What does each head attend to? Previous, self, first, speaker, separator, duplicate; each against chance."""

    name: ClassVar[str] = "head-patterns"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    threshold: Annotated[float, "least share of attention for a label"] = 0.4
    margin: Annotated[float, "standard errors above chance for a label"] = 5.0
    skip: Annotated[int, "leave out the rows before this one, where the targets coincide"] = 4
    shown: Annotated[int, "conversations shown in the attention explorer"] = 6

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.head_patterns()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the conversations and measures on the other."""
        from wonderland_triage import choices

        return choices.head_patterns()

    def run(self, specimen: wl.Specimen) -> HeadPatternsResult:
        """Compute the scores over the specimen's evidence."""
        observed, uniform, counts = [], [], []
        conversations: list[dict[str, Any]] = []
        attention: list[np.ndarray] = []
        show = set(windows_to_show(specimen.evidence, self.shown))
        for batch in specimen.batches():
            pattern = batch["pattern"]  # [layer, batch, head, query, key]
            targets, rows = _targets(batch, self.skip)  # [pattern, batch, query, key], [pattern, batch, query]
            even = _uniform(pattern.shape[-1])
            observed.append(torch.einsum("lbhqk,pbqk->bplh", pattern, targets).double().numpy())
            uniform.append(torch.einsum("qk,pbqk->bp", even, targets).double().numpy())
            counts.append(rows.sum(-1).T.double().numpy())  # [batch, pattern]
            for index in range(batch.windows.start, batch.windows.stop):
                if index in show:
                    row = index - batch.windows.start
                    length = int(batch.evidence.lengths[row])
                    conversations.append(describe(specimen, index))
                    grid = pattern[:, row, :, :length, :length].flatten(0, 1)
                    attention.append((grid * 65535).round().numpy().astype(np.uint16))
        scores, parts = {}, {}
        for number, name in enumerate(_patterns(specimen.evidence)):
            seen = np.concatenate(observed)[:, number]  # [window, layer, head]
            weights = np.concatenate(counts)[:, number]
            of_uniform = np.concatenate(uniform)[:, number]
            parts[name] = seen, weights, of_uniform
            chance = float(of_uniform.sum() / max(weights.sum(), 1))
            scores[name] = cluster_bootstrap(
                seen,
                weights,
                specimen.evidence.conversation,
                unit="share of attention",
                chance=chance,
                dims=("layer", "head"),
                seed=specimen.evidence.seed,
            )
        behind, words = numbered(behind_cells(specimen, sorted(show)), specimen.tokenizer.pieces)
        labels = self._labels(scores)
        highest, highest_apart = _highest(parts, labels, specimen.evidence)
        return HeadPatternsResult(
            scores,
            labels,
            self.threshold,
            self.margin,
            conversations,
            attention,
            behind,
            words,
            specimen.cfg.d_head,
            highest,
            highest_apart,
        )

    def _labels(self, scores: Mapping[str, wl.Estimate]) -> list[list[str]]:
        layers, heads = scores["previous"].value.shape
        table = [[NONE] * heads for _ in range(layers)]
        for layer, head in np.ndindex(layers, heads):
            names = []
            for name, estimate in scores.items():
                one = estimate[layer, head]
                error = (one.high - one.low) / (2 * 1.96)
                if one.value > self.threshold and one.value > one.chance + self.margin * error:
                    names.append(name)
            if names:
                table[layer][head] = names[0] if len(names) == 1 else "mixed: " + ", ".join(names)
        return table


def _highest(
    parts: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], labels: list[list[str]], evidence: Evidence
) -> tuple[dict[str, str], dict[str, wl.Estimate]]:
    """Return the head to name for each pattern that a head is labelled with, and its score where it was not chosen.

    Args:
        parts: By pattern: what each head gives, summed over rows, [window, layer, head]; rows, [window]; and what
            uniform attention would give, [window].
        labels: Label of each head, [layer][head].
        evidence: The windows.
    """
    first = first_half(evidence.conversation, evidence.seed)
    highest, apart = {}, {}
    for name, (seen, rows, even) in parts.items():
        labelled = np.array([[name in names_in(label) for label in of_layer] for of_layer in labels])
        chance = float(even[~first].sum() / max(rows[~first].sum(), 1))
        about: dict[str, Any] = {"unit": "share of attention", "chance": chance, "seed": evidence.seed}
        best, score = best_apart(seen, rows, evidence.conversation, first, among=labelled, **about)
        if best is not None:
            highest[name], apart[name] = str(Head(*best)), score
        elif labelled.any():  # none of its rows is in the half to choose on
            layer, head = np.argwhere(labelled)[0]
            highest[name], apart[name] = str(Head(int(layer), int(head))), wl.Estimate.missing(())
    return highest, apart


def _patterns(evidence: Evidence) -> tuple[str, ...]:
    return PATTERNS if evidence.speakers else tuple(p for p in PATTERNS if p not in ("speaker", "separator"))


def _targets(part: Any, skip: int) -> tuple[Tensor, Tensor]:
    """Return where each pattern looks [pattern, batch, query, key] and the rows it counts [pattern, batch, query]."""
    tokens = part.tokens
    batch, length = tokens.shape
    position = torch.arange(length)
    valid = part.mask & (position >= skip)
    key, query = position[None, None, :], position[None, :, None]
    causal = key <= query
    where = {
        "previous": (key == query - 1).expand(batch, -1, -1),
        "self": (key == query).expand(batch, -1, -1),
        "first": (key == 0).expand(batch, length, -1),
        "duplicate": (tokens[:, None, :] == tokens[:, :, None]) & (key < query),
    }
    rows = dict.fromkeys(PATTERNS, valid)
    if part.evidence.speakers:
        speaker_at = torch.from_numpy(part.evidence.speaker_position)
        # While the first message lasts, first token and speaker token coincide.
        rows["first"] = rows["speaker"] = valid & (speaker_at > 0)
        where["speaker"] = key == speaker_at[:, :, None]
        where["separator"] = ((tokens == SEP) | (tokens == END))[:, None, :] & causal
    names = _patterns(part.evidence)
    counted = torch.stack([rows[name] for name in names])
    return (torch.stack([where[name] for name in names]) & counted[..., None]).float(), counted


def _uniform(length: int) -> Tensor:
    visible = torch.arange(1, length + 1, dtype=torch.float32)
    return torch.ones(length, length).tril() / visible[:, None]
