"""Made-up views that use what a view may have beyond its numbers: panels, blocks, details, warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
from sample_words import HEADS, HOSTILE, LAYERS, conversation

from wonderland.components import Head, Neuron
from wonderland.views import (
    Axis,
    Block,
    Card,
    Cards,
    CellDetail,
    CellRow,
    CellTokens,
    Key,
    Matrix,
    Number,
    Panel,
    Panels,
    Quoted,
    RankLine,
    RankLines,
    Ranks,
    Role,
    Row,
    Scatter,
    Series,
    SmallBars,
    Snippet,
    Token,
    View,
    Ways,
    Wording,
    join,
    spoken,
)

PLACES = 9


def patching_view(bad: str = "") -> View:
    """Make a patching grid: two pairs of prompts, four modes on one scale, details behind each cell."""
    rng = np.random.default_rng(31)
    words = [" yes", " no", " ok", bad or " sure", "<|sep|>"]

    def series(name: str, rows: list[Any]) -> Series:
        values = rng.normal(0, 0.02, (len(rows), PLACES))
        values[1, 4], values[-1, -1], values[0, 2] = 1.0, 0.97, -2.7
        behind = [CellRow("clean run", np.full(values.shape, 2.0)), CellRow("patched run", 4 * values - 2)]
        shares = np.tile([0.5, 0.2, 0.1, 0.05, 0.01], (*values.shape, 1))
        tokens = CellTokens("After patching it says", words, np.tile(np.arange(5), (*values.shape, 1)), shares)
        return Series(
            Wording(name),
            values,
            "recovery",
            scale="diverging",
            domain=[-1, 1],
            rows=rows,
            detail=CellDetail("Logit difference", behind, tokens),
        )

    def pair(number: int) -> Panel:
        clean = ["<|them|>", " are", " you", "<|sep|>", "<|me|>", " yeah", " totally", bad or " works", " for"]
        corrupted = [*clean[:4], "<|them|>", *clean[5:]]
        layers = [f"L{i}" for i in range(LAYERS)]
        modes = [series(name, layers) for name in ("residual stream", "attention", "MLP")]
        figure = Matrix(
            rows=[],
            columns=spoken(clean),
            series=[*modes, series("head", list(Head.all(LAYERS, HEADS)))],
            shared=True,
            below=spoken(corrupted),
            marked=[4],
            context=[Block("Before it says", tokens=[Token(word, 0.2) for word in words])],
        )
        return Panel(Wording(f"pair {number}"), figure)

    return View(
        "patching",
        "Activation patching",
        Panels([pair(1), pair(2)], of="pair"),
        caption="Recovery of the logit difference.",
        how_to_read="A strong cell carries the difference.",
        misleads="One pair is an anecdote.",
        order=52,
        warning=join(["The linter refused 3 of 12 pairs: target in a prompt.", *([Quoted(bad)] if bad else [])]),
    )


def ranks_view(hostile: bool) -> View:
    """Make a logit lens of two conversations with a bump chart behind each column."""
    rng = np.random.default_rng(32)
    levels = [Wording("embed"), *(f"L{i}" for i in range(LAYERS))]

    def panel(number: int) -> Panel:
        tokens = conversation(14, number, hostile and number == 0)["tokens"]
        ranks = np.stack([rng.permuted(np.tile(np.arange(1, 6) * 9, (14, 1)), axis=1) for _ in levels])
        ranks[-1] = np.arange(1, 6)
        figure = Matrix(
            rows=levels,
            columns=spoken(tokens),
            labels=[spoken(tokens[level:] + tokens[:level]) for level in range(len(levels))],
            series=[Series(Wording("probability"), rng.random((len(levels), 14)), "1")],
            ranks=Ranks("How they rise", [tokens[:5]] * 14, ranks),
        )
        return Panel(Wording(f"window {number}"), figure)

    return View("lens", "Logit lens", Panels([panel(0), panel(1)]), caption="Top token by level.", order=53)


def ways_view(hostile: bool) -> View:
    """Make a residual PCA: every token's way through the layers, and the length of the steps beside it."""
    rng = np.random.default_rng(33)
    levels = [Wording("embed"), *(f"L{i}" for i in range(LAYERS))]
    steps = Block(
        "Length of each step",
        rows=[Row("L0", Number(0.9, 0.8, 1.0))],
        bars=SmallBars("step", [0.9, 0.7, 0.5, 0.6], x=levels[1:], chance=0.1, mark=0),
    )
    ranked = Block("Ranks", lines=RankLines(levels, [RankLine(" noon", [9, 5, 3, 2, 1])]))

    def panel(number: int) -> Panel:
        tokens = conversation(30, number, hostile and number == 0)["tokens"]
        x, y = rng.normal(size=(2, 30, len(levels))).cumsum(-1)
        figure = Scatter(
            Axis("PC1", "12%"),
            Axis("PC2", "9%"),
            groups=levels,
            ordered=True,
            ways=Ways(spoken(tokens), x, y, list(range(30))),
            aside=[steps, ranked],
        )
        return Panel(Wording(f"window {number}"), figure)

    return View(
        "ways", "Residual PCA", Panels([panel(0), panel(1)]), caption="One projection for all layers.", order=54
    )


def heads_view(bad: str) -> View:
    """Make cards by head: spectrum and the tokens of both sides and signs."""
    sides = [
        Block(title, tokens=[Token(word, None, "0×") for word in (" the", bad or " you")])
        for title in ("+ reads", "+ promotes", "− reads", "− promotes")
    ]
    cards = [
        Card(
            head,
            Wording(f"copying {0.1 * head.index:.1f}"),
            rows=[Row("copying", 0.1 * head.index)],
            blocks=[
                Block("Singular values", bars=SmallBars("σ", [3.0, 1.0, 0.5, 0.2])),
                Block("Direction 1", beside=sides),
            ],
        )
        for head in Head.all(LAYERS, HEADS)
    ]
    return View("ov", "OV circuits", Cards(cards), caption="Both sides and both signs.", order=55)


def neurons_view(bad: str) -> View:
    """Make cards with snippets in bands, a histogram and tokens raised and lowered."""
    cards = [
        Card(
            Neuron(0, n),
            Wording("numbers 0.9"),
            rows=[Row("selectivity", Number(0.9, chance=0.4))],
            blocks=[
                Block("How often", bars=SmallBars("tokens", [9, 1], x=[0, 1])),
                Block("Raises", tokens=[Token(" noon", 0.7), Token(bad or " lol", -0.2)]),
                Block("Fires most", snippets=[Snippet([" at", bad or " half", " past"], 1, 2.0, [0, 2, 1])]),
            ],
        )
        for n in range(5)
    ]
    return View("neurons", "Neurons", Cards(cards), caption="The most selective.", order=56)


def _reads(head: Head) -> Row:
    return Row(f"reads L0H{head.index} by its keys", Number(2.3, unit="× chance"))


def about(bad: str) -> dict[Key, list[Block | Role]]:
    """Make what the cards of heads, and of one neuron, say beyond their numbers."""
    said: dict[Key, list[Block | Role]] = {
        Key.of(head): [
            Role(bad or Wording("previous token"), "over 0.4 and above chance"),
            Block("Composes with", rows=[_reads(head)], group="composition"),
            Block("OV circuit", tokens=[Token(HOSTILE[head.layer] if bad else " ok", None, "12×")]),
        ]
        for head in Head.all(LAYERS, HEADS)
    }
    for layer in range(1, LAYERS):  # of the MLP of layer 0 nothing was measured
        named = (
            Role(Wording("acts on the answer itself"), "8% of it") if layer == 1 else Role("no role found", named=False)
        )
        effect = Block("Path patching", rows=[Row("whole effect", Number(0.08))], group="ablation")
        said[Key("mlp", f"MLP{layer}")] = [named, effect]
    for n in range(20, 25):  # their names begin like the next one's, which is meant all the same
        said[Key.of(Neuron(0, n))] = [Block("Raises", tokens=[Token(" noon", 0.7)])]
    said[Key.of(Neuron(0, 2))] = [Role(Wording("fires for numbers")), Block("Raises", tokens=[Token(" noon", 0.7)])]
    return said
