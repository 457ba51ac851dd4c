"""What `head-patterns` found, in sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
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
    bounds_in_words,
    interval_over,
    percent,
)
from wonderland_triage.example_windows import spoken_window

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
        highest: By pattern that a head is labelled with, the head of the highest score, of those with the label, on the
            half of the conversations to choose on.
        highest_apart: By pattern, its score on the other half; missing if there is no other.
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
    highest: dict[str, str] = field(default_factory=dict)
    highest_apart: dict[str, wl.Estimate] = field(default_factory=dict)

    def heads_with(self, pattern: str) -> list[Head]:
        """List the heads that carry a label, highest score first."""
        found = [
            head for head in Head.all(len(self.labels), len(self.labels[0])) if pattern in names_in(self.label(head))
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
        for pattern in self.scores:
            if heads := self.heads_with(pattern):
                named = ", ".join(map(str, heads))
                head, score, where = self._named(pattern)
                lines.append(f"To {_MEANING[pattern]}: {named}; {head} gives it {score}, {where}.")
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
        for pattern in self.highest:
            head, score, where = self._named(pattern)
            text = (
                f"{head} gives {percent(score.value)} of its attention to {_MEANING[pattern]} ("
                f"{bounds_in_words(score)}, {where}; uniform attention would give "
                f"{percent(score.chance)})."
            )
            sure = score.trusted and bool(score.above_chance)
            select = self._example(head, pattern)
            found.append(wl.Finding(text, "attention", select, "solid" if sure else "weak", "effect", score))
        return found

    def _named(self, pattern: str) -> tuple[Head, wl.Estimate, str]:
        """Return the head that is named for a pattern, its score, and on which conversations that is, in words.

        Beside the score of one half stands that of all conversations, which the table and the card have.
        """
        head, apart = Head.parse(self.highest[pattern]), self.highest_apart[pattern]
        whole = self.scores[pattern][head]
        if apart.n:
            where = f"on other conversations than it was chosen on, over all conversations {percent(whole.value)}"
            return head, apart, where
        return head, whole, "on the text it was chosen on"

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

    def _half(self) -> str:
        """Say why the findings give a head another number than the table."""
        if not any(one.n for one in self.highest_apart.values()):
            return ""
        return " The findings give a head's number on the half of the conversations that it was not chosen on."

    def card(self) -> Mapping[str, wl.Estimate]:
        return {f"Attention to {_MEANING[pattern]}, all conversations": self.scores[pattern] for pattern in self.scores}

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        rule = f"over {self.threshold:g} of its attention and {self.margin:g} standard errors above chance"
        return {head: [self._role(head, rule)] for head in Head.all(len(self.labels), len(self.labels[0]))}

    def _role(self, head: Head, rule: str) -> Role:
        label = self.label(head)
        if label in _MEANING:
            return Role(Wording(f"looks at {_MEANING[label]}"), f"{label}: {rule}")
        return Role(self.told(head), f"no pattern {rule}" if label == NONE else f"several patterns at once: {rule}")

    def views(self) -> Sequence[wl.View]:
        columns: dict[Column, Any] = {
            Column("label", "Pattern", help="The kind of token after which the head is named."): self._told_all()
        }
        for pattern, scores in self.scores.items():
            about = f"Attention to {_MEANING[pattern]}; chance is uniform attention."
            columns[Column(pattern, pattern.capitalize(), "share", 2, about)] = scores
        table = wl.View(
            "head-patterns",
            "Attention pattern scores",
            Table.by_head(columns),
            subtitle="How much of its attention does each head give to which kind of token?",
            caption=f"Mean share of attention, {interval_over(self.scores['previous'])}; "
            f"chance is uniform attention at the same positions.{self._half()}",
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


def names_in(label: str) -> list[str]:
    """Return the patterns that a label names."""
    return label.removeprefix("mixed: ").split(", ")
