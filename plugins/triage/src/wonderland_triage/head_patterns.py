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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.evidence import Evidence
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import END, SEP
from wonderland.views import (
    AttentionPatterns,
    BehindCells,
    Block,
    Column,
    Key,
    Patterned,
    Role,
    Table,
    Triangles,
    Wording,
    percent,
)
from wonderland_triage.behind_cells import behind_cells, numbered
from wonderland_triage.example_windows import describe, spoken_window, windows_to_show

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

NONE = "diffuse"
"""The label of a head without a pattern."""
_VISIBLE = 0.01  # a score that differs less from chance is not said to be above it
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
        behind: What lies behind the cells of each, as `behind_cells` returns it; empty where it could not be read.
        words: The text of each token that stands there, by its number.
        d_head: Width of a head.
    """

    scores: dict[str, wl.Estimate]
    labels: list[list[str]]
    threshold: float
    margin: float
    conversations: list[dict[str, Any]]
    attention: list[np.ndarray]
    behind: list[dict[str, np.ndarray]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    d_head: int = 0

    def heads_with(self, pattern: str) -> list[Head]:
        """List the heads that carry a label, highest score first."""
        found = [
            head for head in Head.all(len(self.labels), len(self.labels[0])) if pattern in _names(self.label(head))
        ]
        return sorted(found, key=lambda head: (-self.scores[pattern].value[head], head))

    def label(self, head: Head) -> str:
        """Return the label of a head."""
        return self.labels[head.layer][head.index]

    def told(self, head: Head, *, short: bool = False) -> Wording:
        """Return the label of a head; where it has none, its highest score that is above chance.

        Args:
            head: The head.
            short: Leave out that it has no pattern.
        """
        if self.label(head) != NONE:
            return Wording(self.label(head))
        above = {name: score for name, of in self.scores.items() if (score := of[head]).above_chance.all()}
        above = {name: score for name, score in above.items() if score.value - score.chance > _VISIBLE}
        if not above:
            return Wording("no pattern" if short else "no pattern above chance")
        most = max(above, key=lambda name: float(above[name].value))
        highest = f"most: {most} {float(above[most].value):.2f}"
        over = float(above[most].value) > self.threshold
        return Wording(
            highest if short else f"no pattern {'clear of' if over else 'over'} {self.threshold:g}; {highest}"
        )

    def _told_all(self, *, short: bool = False) -> list[list[Wording]]:
        return [[self.told(Head(i, j), short=short) for j in range(len(row))] for i, row in enumerate(self.labels)]

    def summary(self) -> str:
        lines = [self._count()]
        for pattern, scores in self.scores.items():
            if heads := self.heads_with(pattern):
                named = ", ".join(map(str, heads))
                lines.append(f"To {_MEANING[pattern]}: {named}; {heads[0]} gives it {scores[heads[0]]}.")
        return "\n".join(lines)

    def _count(self) -> str:
        counted = sum(label != NONE for row in self.labels for label in row)
        rule = f"score over {self.threshold:g} and above chance, n={self.scores['previous'].over}"
        return (
            f"{counted} of {sum(map(len, self.labels))} heads {'has' if counted == 1 else 'have'} a pattern ({rule})."
        )

    def findings(self) -> Sequence[wl.Finding]:
        some = any(label != NONE for row in self.labels for label in row)
        clear = some or all((of.high < self.threshold).all() for of in self.scores.values())
        trust: Any = "solid" if self.scores["previous"].trusted and clear else "weak"
        found = [wl.Finding(self._count(), "head-patterns", (), trust, "description" if some else "null")]
        for pattern in self.scores:
            for head in self.heads_with(pattern)[:1]:
                score = self.scores[pattern][head]
                text = (
                    f"{head} gives {percent(score.value)} of its attention to {_MEANING[pattern]} (95% interval "
                    f"{percent(score.low)} to {percent(score.high)}; uniform attention would give "
                    f"{percent(score.chance)})."
                )
                sure = score.trusted and bool(score.above_chance)
                select = self._example(head, pattern)
                found.append(wl.Finding(text, "attention", select, "solid" if sure else "weak", "effect", score))
        return found

    def _example(self, head: Head, pattern: str) -> list[Key | Head]:
        """Return the head and the token, of the conversations shown, from which it shows its pattern most clearly."""
        best: tuple[float, int, int] | None = None
        for number, (about, attention) in enumerate(zip(self.conversations, self.attention, strict=True)):
            weights = np.asarray(attention[head.layer * len(self.labels[0]) + head.index], dtype=float) / 65535
            for query in range(4, len(weights)):
                keys = _looked_at(pattern, about, query)
                found = float(weights[query, keys].sum()) if keys else 0.0
                if best is None or found > best[0]:
                    best = found, number, query
        return [head] if best is None else [head, Key.conversation(best[1]), Key.position(best[2])]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {f"Attention to {_MEANING[pattern]}": self.scores[pattern] for pattern in self.scores}

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        rule = f"over {self.threshold:g} of its attention and {self.margin:g} standard errors above chance"
        return {head: [self._role(head, rule)] for head in Head.all(len(self.labels), len(self.labels[0]))}

    def _role(self, head: Head, rule: str) -> Role:
        label = self.label(head)
        if label in _MEANING:
            return Role(Wording(f"looks at {_MEANING[label]}"), f"{label}: {rule}")
        return Role(self.told(head), f"no pattern {rule}" if label == NONE else f"several patterns at once: {rule}")

    def views(self) -> Sequence[wl.View]:
        columns: dict[Column, Any] = {Column("label", "Pattern"): self._told_all()}
        for pattern, scores in self.scores.items():
            about = f"Attention to {_MEANING[pattern]}"
            columns[Column(pattern, pattern.capitalize(), "share", 2, about)] = scores
        table = wl.View(
            "head-patterns",
            "Attention pattern scores",
            Table.by_head(columns),
            subtitle="How much of its attention does each head give to which kind of token?",
            caption=f"Mean share of attention, 95% interval over n={self.scores['previous'].over}; "
            "chance is uniform attention at the same positions.",
            how_to_read="Each row is a head, each number the share of its attention that goes to one kind of "
            f"token. A head is named after a pattern if it is over {self.threshold:g} and clearly above chance; "
            "of a head without a pattern the highest score is named.",
            misleads="A pattern is not a job: attention to the first token is often a sink that moves nothing.",
            order=30,
        )
        if not self.conversations:
            return [table]
        behind: list[BehindCells | None] = [BehindCells(**each) for each in self.behind]
        behind = behind or [None] * len(self.conversations)
        shown = [
            Patterned(
                **spoken_window(about),
                patterns=Triangles(np.asarray(attention, dtype=np.float64) / 65535),
                behind=cells,
            )
            for about, attention, cells in zip(self.conversations, self.attention, behind, strict=True)
        ]
        layers, heads = len(self.labels), len(self.labels[0])
        figure = AttentionPatterns(
            layers, heads, shown, self._told_all(short=True), self.d_head or None, self.words or None
        )
        return [
            wl.View(
                "attention",
                "Attention patterns",
                figure,
                subtitle="Where does each head look, token by token?",
                caption="Attention of every head on one held-out conversation; rows are queries, columns are keys. "
                f"Under each head its pattern, averaged over all conversations, if it gives more than "
                f"{self.threshold:g} of its attention to one kind of token; else its highest score above chance.",
                how_to_read="Each small square is a head: a row is a token that looks, a column a token that is looked "
                "at. Click a head to enlarge it, then a cell of the large square for what is behind its weight.",
                misleads="One conversation is an anecdote; the table of pattern scores has the averages.",
                order=10,
            ),
            table,
        ]


@dataclass(frozen=True)
class HeadPatterns:
    """What does each head attend to? Previous, self, first, speaker, separator, duplicate; each against chance."""

    name: ClassVar[str] = "head-patterns"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("triage",)
    no_choices: ClassVar[str] = (
        "A head is named if it is five standard errors beyond chance and over the threshold, a bar "
        "that the best of many by luck does not pass; all are shown with their intervals."
    )

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
        behind, words = numbered(behind_cells(specimen, sorted(show)), specimen.tokenizer.pieces)
        return HeadPatternsResult(
            scores,
            self._labels(scores),
            self.threshold,
            self.margin,
            conversations,
            attention,
            behind,
            words,
            specimen.cfg.d_head,
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


def _looked_at(pattern: str, about: Mapping[str, Any], query: int) -> list[int]:
    """Return the keys that a pattern looks at from a query of a conversation, where patterns do not coincide."""
    tokens = about["tokens"]
    speaker = max((i for i in range(query + 1) if tokens[i] in ("<|me|>", "<|them|>")), default=0)
    keys = {
        "previous": [query - 1],
        "self": [query],
        "first": [0] if speaker else [],
        "speaker": [speaker] if 0 < speaker < query - 1 else [],
        "separator": [i for i in range(query) if tokens[i] in ("<|sep|>", "<|endoftext|>")],
        "duplicate": [i for i in range(query) if tokens[i] == tokens[query]],
    }
    return keys[pattern]


def _names(label: str) -> list[str]:
    return label.removeprefix("mixed: ").split(", ")


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
