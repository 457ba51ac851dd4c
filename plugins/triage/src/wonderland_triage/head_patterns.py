"""What does each head attend to? Six scores by head, each against what uniform attention would give.

Over the rows i ≥ 1 of each window, the mean attention to: the previous token (A[i, i−1]), the token itself, the first
token, the latest speaker token, all separators, and earlier copies of the same token. Chance is the same sum with
uniform attention 1/(i + 1) at the same positions. A head is labelled if a score is over ``threshold`` and its interval
lies above chance by ``margin`` standard errors; several labels make it "mixed", none "diffuse".

What would fool it: at position i = 1 the previous and the first token are the same, so rows 1 to ``skip`` − 1 are left
out; while the first message lasts, so are the first and the latest speaker token, which is why those rows do not count
for either. And a label names a pattern, not a job: half of all heads of larger models put most of their attention on
the first token and do nothing there (attention sinks, 2309.17453), so a first-token head is not called a speaker head
here. That needs an intervention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.evidence import Evidence
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import END, SEP
from wonderland.views import Triangles
from wonderland_triage.shown import describe, windows_to_show

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

PATTERNS = ("previous", "self", "first", "speaker", "separator", "duplicate")
_MEANING = {
    "previous": "the previous token",
    "self": "itself",
    "first": "the first token",
    "speaker": "the latest speaker token",
    "separator": "separators",
    "duplicate": "earlier copies of the same token",
}


@dataclass(frozen=True)
class HeadPatternsResult(wl.Result):
    """Pattern scores by head.

    Attributes:
        scores: Share of attention by pattern name, each [layer, head], with its chance level; none to speakers and
            separators where tokens do not say who speaks.
        labels: Label of each head: a pattern, "mixed: a, b" or "diffuse", [layer][head].
        threshold: Least score for a label.
        margin: Standard errors above chance for a label.
        conversations: Windows shown in the attention explorer: title, token pieces, speaker of each token.
        attention: Their patterns, one array [layer × head, query, key] each, uint16 of 65,535ths.
    """

    scores: dict[str, wl.Estimate]
    labels: list[list[str]]
    threshold: float
    margin: float
    conversations: list[dict[str, Any]]
    attention: list[np.ndarray]

    def heads_with(self, pattern: str) -> list[str]:
        """List the heads that carry a label, highest score first."""
        score = self.scores[pattern].value
        found = [
            (score[layer, head], str(Head(layer, head)))
            for layer, row in enumerate(self.labels)
            for head, label in enumerate(row)
            if pattern in label
        ]
        return [name for _, name in sorted(found, reverse=True)]

    def summary(self) -> str:
        named = {pattern: self.heads_with(pattern) for pattern in self.scores}
        counted = sum(label != "diffuse" for row in self.labels for label in row)
        n = self.scores["previous"].n
        total = sum(map(len, self.labels))
        rule = f"score over {self.threshold:g} and above chance, n={n} conversations"
        lines = [f"{counted} of {total} heads {'has' if counted == 1 else 'have'} a pattern ({rule})."]
        for pattern, heads in named.items():
            if heads:
                score = self.scores[pattern][Head.parse(heads[0])]
                lines.append(f"To {_MEANING[pattern]}: {', '.join(heads)}; {heads[0]} gives it {score}.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        trust: Any = "solid" if self.scores["previous"].trusted else "weak"
        found = [wl.Finding(self.summary().splitlines()[0], "head-patterns", {}, trust)]
        for pattern in self.scores:
            for name in self.heads_with(pattern)[:1]:
                score = self.scores[pattern][Head.parse(name)]
                text = (
                    f"{name} gives {score.value:.0%} of its attention to {_MEANING[pattern]} (95% interval "
                    f"{score.low:.0%} to {score.high:.0%}; uniform attention would give {float(score.chance):.0%})."
                )
                found.append(wl.Finding(text, "attention", {"head": name}, trust))
        return found

    def card(self) -> Mapping[str, wl.Estimate]:
        return {f"Attention to {_MEANING[pattern]}": self.scores[pattern] for pattern in self.scores}

    def about_heads(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        rule = f"over {self.threshold:g} of its attention and {self.margin:g} standard errors above chance"
        return {
            str(Head(layer, head)): [
                {"role": f"looks at {_MEANING[label]}", "rule": f"{label}: {rule}"}
                if label in _MEANING
                else {"role": label, "rule": "several patterns at once" if ":" in label else f"no pattern {rule}"}
            ]
            for layer, row in enumerate(self.labels)
            for head, label in enumerate(row)
        }

    def views(self) -> Sequence[wl.View]:
        layers, heads = len(self.labels), len(self.labels[0])
        caption = (
            f"Mean share of attention, 95% interval over n={self.scores['previous'].n} conversations; "
            "chance is uniform attention at the same positions."
        )
        rows = [self._row(layer, head) for layer in range(layers) for head in range(heads)]
        columns: list[dict[str, Any]] = [{"key": "head", "label": "Head"}, {"key": "label", "label": "Pattern"}]
        columns += [
            {
                "key": pattern,
                "label": pattern.capitalize(),
                "unit": "share",
                "digits": 2,
                "help": f"Attention to {_MEANING[pattern]}",
            }
            for pattern in self.scores
        ]
        views = [
            wl.View.of_data(
                "head-patterns",
                "Head patterns",
                "table",
                {"columns": columns, "rows": rows, "links": "head"},
                caption=caption,
                how_to_read="Each row is a head, each number the share of its attention that goes to one kind of "
                f"token. A head is named after a pattern if it is over {self.threshold:g} and clearly above chance.",
                misleads="A pattern is not a job: attention to the first token is often a sink that moves nothing.",
                order=30,
            )
        ]
        if self.conversations:
            shown = [
                {**about, "patterns": Triangles(np.asarray(attention, dtype=np.float64) / 65535)}
                for about, attention in zip(self.conversations, self.attention, strict=True)
            ]
            views.insert(
                0,
                wl.View.of_data(
                    "attention",
                    "Attention explorer",
                    "matrix-grid",
                    {"n_layers": layers, "n_heads": heads, "conversations": shown, "labels": self.labels},
                    caption="Attention of every head on one held-out conversation; rows are queries, columns keys.",
                    how_to_read="Each small square is a head; colour says that the row's token looks at the "
                    "column's. Click a head to enlarge it, then move over the text to see where a token looks.",
                    misleads="One conversation is an anecdote; the table of head patterns has the averages.",
                    order=10,
                ),
            )
        return views

    def _row(self, layer: int, head: int) -> dict[str, Any]:
        row: dict[str, Any] = {"head": str(Head(layer, head)), "label": self.labels[layer][head]}
        for pattern, estimate in self.scores.items():
            one = estimate[layer, head]
            row[pattern] = {
                "value": float(one.value),
                "low": float(one.low),
                "high": float(one.high),
                "chance": float(one.chance),
            }
        return row


@dataclass(frozen=True)
class HeadPatterns:
    """What does each head attend to? Previous, self, first, speaker, separator, duplicate; each against chance."""

    name: ClassVar[str] = "head-patterns"
    version: ClassVar[int] = 1
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
        scores = {}
        for number, name in enumerate(_patterns(specimen.evidence)):
            seen = np.concatenate(observed)[:, number]  # [window, layer, head]
            weights = np.concatenate(counts)[:, number]
            chance = float(np.concatenate(uniform)[:, number].sum() / max(weights.sum(), 1))
            scores[name] = cluster_bootstrap(
                seen,
                weights,
                specimen.evidence.conversation,
                unit="share of attention",
                chance=chance,
                dims=("layer", "head"),
                seed=specimen.evidence.seed,
            )
        return HeadPatternsResult(scores, self._labels(scores), self.threshold, self.margin, conversations, attention)

    def _labels(self, scores: Mapping[str, wl.Estimate]) -> list[list[str]]:
        layers, heads = scores["previous"].value.shape
        table = [["diffuse"] * heads for _ in range(layers)]
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
