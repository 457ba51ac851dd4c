"""Conversations token by token: shaded by a measure, or with the attention patterns of every head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from wonderland.report.schema.figure import Figure
from wonderland.report.schema.kinds import Triangles
from wonderland.report.schema.matrix import Scale
from wonderland.report.schema.node import Label, Node, Numbers, Piece, Said, Spoken

__all__ = [
    "AttentionPatterns",
    "BehindCells",
    "Conversations",
    "Expected",
    "Highlight",
    "Measure",
    "Patterned",
    "Shaded",
]

Speaker = Literal["me", "them"]


@dataclass(frozen=True)
class BehindCells(Node):
    """What lies behind each cell of the patterns of a conversation, beside the weight itself.

    A score is the weight's logarithm plus ``log_sum`` of its query, as the softmax has it; q · k is the score times the
    root of the head's width. What a head writes from one key is the weight times its value; a logit of the query's
    position is moved by the weight times an amount, divided by ``scale`` of the query.
    """

    log_sum: Annotated[Numbers, "Logarithm of the sum of exp(score) over the keys, [layer × head, query]."]
    size: Annotated[Numbers | None, "Length of what a head writes at a weight of 1, [layer × head, key]."] = None
    scale: Annotated[Numbers | None, "What the final norm divides by, [query]."] = None
    ids: Annotated[Numbers | None, "Numbers of the words raised most, then of those lowered most, [.., key, word]."] = (
        None
    )
    amounts: Annotated[Numbers | None, "By how much, before scale and at a weight of 1, [.., key, word]."] = None

    def guarded(self) -> BehindCells:
        """Leave out the words: a head that copies would tell the message."""
        return replace(self, ids=None, amounts=None)


@dataclass(frozen=True)
class Patterned(Node):
    """A conversation with an attention pattern for each head."""

    title: Annotated[Label, "What it is called."]
    tokens: Annotated[Sequence[Spoken], "Its tokens."]
    speakers: Annotated[Sequence[Speaker], "Who said each."]
    patterns: Annotated[Triangles, "Attention [layer × head, query, key]."]
    messages: Annotated[Numbers | None, "The number of the message each token belongs to."] = None
    behind: Annotated[BehindCells | None, "What lies behind each cell."] = None

    def _check(self) -> None:
        self.filled("tokens")
        length = len(self.tokens)
        self.sized((length,), "speakers", "messages")
        if self.behind is not None:
            heads = self.patterns.values.shape[0]
            self.sized((heads, length), "log_sum", "size", "ids", "amounts", of=self.behind, where=".behind")
            self.sized((length,), "scale", of=self.behind, where=".behind")
        self.require(
            self.patterns.values.shape[1] == length,
            f".patterns are of {self.patterns.values.shape}, not of {length} tokens",
        )


@dataclass(frozen=True)
class AttentionPatterns(Figure):
    """One attention pattern for each head, on one conversation at a time.

    The first view of this kind also serves the card of the selected head.
    """

    renderer: ClassVar[str] = "matrix-grid"

    n_layers: Annotated[int, "How many layers the model has."]
    n_heads: Annotated[int, "How many heads a layer has."]
    conversations: Annotated[Sequence[Patterned], "The conversations."]
    labels: Annotated[Sequence[Sequence[Label]] | None, "A word for each head, [layer][head]."] = None
    d_head: Annotated[int | None, "Width of a head, where the conversations say what lies behind their cells."] = None
    words: Annotated[Sequence[Piece] | None, "The words that ids behind the cells are numbers of."] = None
    of: Annotated[Said, "What each is, if not one of the report's conversations: a snapshot of one in training."] = (
        "conversation"
    )

    def _check(self) -> None:
        self.filled("conversations")
        heads = self.n_layers * self.n_heads
        for i, one in enumerate(self.conversations):
            found = one.patterns.values.shape[0]
            self.require(found == heads, f".conversations[{i}].patterns are of {found} heads, not {heads}")
        self.sized((self.n_layers, self.n_heads), "labels")
        told = any(one.behind is not None for one in self.conversations)
        self.require(not told or self.d_head, ".d_head is needed where something is said of what lies behind the cells")

    def guarded(self) -> AttentionPatterns:
        """Leave out the words that heads write; see `BehindCells.guarded`."""
        return replace(self, words=None)


@dataclass(frozen=True)
class Measure(Node):
    """What shades the tokens."""

    name: Annotated[Said, "What it measures."]
    unit: Annotated[Said, 'Its unit; "1" for a pure ratio.'] = ""
    domain: Annotated[Sequence[float] | None, "Lowest and highest number of the scale."] = None
    scale: Annotated[Scale, "How numbers become colour."] = "sequential"


@dataclass(frozen=True)
class Expected(Node):
    """What the model expected at a place, and how much."""

    AS_LIST = True

    text: Annotated[Spoken, "The token."]
    probability: Annotated[float, "Its probability."]


@dataclass(frozen=True)
class Shaded(Node):
    """A conversation whose tokens are shaded by measures."""

    title: Annotated[Label, "What it is called."]
    tokens: Annotated[Sequence[Spoken], "Its tokens."]
    speakers: Annotated[Sequence[Speaker], "Who said each."]
    messages: Annotated[Numbers, "The number of the message each token belongs to."]
    values: Annotated[Numbers, "Numbers [measure, token]; NaN where there is none."]
    alternatives: Annotated[Sequence[Sequence[Expected]] | None, "What the model expected at each token."] = None

    def _check(self) -> None:
        self.filled("tokens")
        length = len(self.tokens)
        self.sized((length,), "speakers", "messages")
        self.require(
            self.alternatives is None or len(self.alternatives) == length,
            f".alternatives are not as many as the {length} tokens",
        )

    def guarded(self) -> Shaded:
        """Leave out what the model expected: with the right one marked, it would tell the words."""
        return replace(self, alternatives=None)


@dataclass(frozen=True)
class Highlight(Node):
    """A place to jump to."""

    conversation: Annotated[int, "Which conversation, counted from 0."]
    position: Annotated[int, "Which token, counted from 0."]
    value: Annotated[float, "The number there."]


@dataclass(frozen=True)
class Conversations(Figure):
    """Conversations as bubbles, shaded token by token.

    The selected conversation and position are shared by all views of a report: give them the same conversations in the
    same order, or say with ``of`` what else they are.
    """

    renderer: ClassVar[str] = "tokens"

    measures: Annotated[Sequence[Measure], "What shades them; the reader toggles."]
    conversations: Annotated[Sequence[Shaded], "The conversations."]
    highlights: Annotated[Sequence[Highlight] | None, "Places to jump to, else the highest of the first measure."] = (
        None
    )
    of: Annotated[Said, "What each is, if not one of the report's conversations."] = "conversation"

    def _check(self) -> None:
        self.filled("measures")
        for i, one in enumerate(self.conversations):
            shape = (len(self.measures), len(one.tokens))
            self.sized(shape, "values", of=one, where=f".conversations[{i}]")
        for i, jump in enumerate(self.highlights or ()):
            number = jump.conversation
            inside = 0 <= number < len(self.conversations) and (
                0 <= jump.position < len(self.conversations[number].tokens)
            )
            self.require(inside, f".highlights[{i}] points outside of the conversations")
