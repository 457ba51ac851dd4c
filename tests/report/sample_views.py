"""Made-up views, one of each kind, for tests and for looking at: no model, no torch, no real message."""

from __future__ import annotations

from typing import Any

import numpy as np
from sample_words import HEADS, HOSTILE, LAYERS, conversation, patterns

from wonderland.components import Head
from wonderland.estimate import Estimate
from wonderland.views import (
    AttentionPatterns,
    Axis,
    Bar,
    Bars,
    BehindCells,
    Card,
    Cards,
    Column,
    Conversations,
    Curve,
    Edge,
    Expected,
    Graph,
    GraphNode,
    Lines,
    Mark,
    Matrix,
    Measure,
    Number,
    Patterned,
    Point,
    Reference,
    Right,
    Row,
    Scatter,
    Series,
    Shaded,
    Table,
    Triangles,
    View,
    Wording,
    spoken,
)


def named(conversation: dict[str, Any]) -> dict[str, Any]:
    """Mark the title of a made-up conversation as ours."""
    return {**conversation, "title": Wording(conversation["title"])}


def estimate(seed: int, low: float, high: float, unit: str, chance: float | None, n: int = 84) -> Estimate:
    """Make one estimate for each head, with an interval around it."""
    rng = np.random.default_rng(seed)
    value = rng.uniform(low, high, (LAYERS, HEADS))
    half = rng.uniform(0.01, 0.06, (LAYERS, HEADS)) * (high - low)
    return Estimate(value, value - half, value + half, n=n, unit=unit, chance=chance)


def behind_cells(heads: int, length: int) -> BehindCells:
    """Make what lies behind the cells of a conversation."""
    rng = np.random.default_rng(77)
    ids = rng.integers(0, 3, (heads, length, 4))
    size = rng.uniform(1, 4, (heads, length))
    return BehindCells(rng.normal(size=(heads, length)), size, np.full(length, 2.0), ids, rng.normal(size=ids.shape))


def attention_view(
    conversations: int = 3, length: int = 128, layers: int = LAYERS, heads: int = HEADS, hostile: bool = False
) -> View:
    """Make the attention explorer's view."""
    made = []
    for i in range(conversations):
        one = named(conversation(length, i, hostile and i == 0))
        behind = None if i else behind_cells(layers * heads, len(one["tokens"]))  # the others say nothing of it
        made.append(Patterned(**one, patterns=Triangles(patterns(one["speakers"], i, layers, heads)), behind=behind))
    return View(
        "attention",
        "Attention explorer",
        AttentionPatterns(layers, heads, made, d_head=16, words=[" the", " you", HOSTILE[0] if hostile else " yes"]),
        caption="Attention weight of every head on one held-out window; each row of a pattern sums to 1.",
        how_to_read="Each small square is a head. A row is a token and shows, from left to right, how much it looks at "
        "each token before it. A diagonal line means: looks at itself or just behind; a vertical line: always at "
        "the same place.",
        misleads="Attention shows where a head looks, not what it does with what it sees: one on the first token may "
        "be idle.",
        order=90,
    )


def loss_view(conversations: int = 3, length: int = 128, hostile: bool = False) -> View:
    """Make the loss-by-token view with alternatives."""
    made = []
    for i in range(conversations):
        rng = np.random.default_rng(100 + i)
        one = named(conversation(length, i, hostile and i == 0))
        n = len(one["tokens"])
        loss = rng.gamma(1.6, 1.5, n)
        loss[0] = np.nan
        rank = np.floor(np.exp(np.minimum(loss, 8)))
        entropy = rng.uniform(0.5, 6, n)
        options = [" the", " you", " ok", "<|sep|>", HOSTILE[0] if hostile else " yeah"]
        shares = np.sort(rng.dirichlet(np.ones(6), n), axis=1)[:, ::-1]
        alternatives = [[Expected(text, float(p)) for text, p in zip(options, row, strict=False)] for row in shares]
        made.append(Shaded(**one, values=np.array([loss, rank, entropy]), alternatives=alternatives))
    measures = [Measure("loss", "nats"), Measure("rank", "1", scale="log"), Measure("entropy", "nats")]
    return View(
        "loss-by-token",
        "Loss by token",
        Conversations(measures, made),
        caption="Cross-entropy of each token given all before it, in nats; 84 held-out conversations.",
        how_to_read="Dark words surprised the model, pale ones it saw coming. Point at a word for what it "
        "expected instead.",
        misleads="A rare name is dark however well the model understands the sentence: compare words of similar "
        "frequency.",
        order=30,
    )


def entropy_view() -> View:
    """Make the entropy map: a matrix of heads with intervals, chance and a second measure."""
    share = estimate(1, 0.05, 1.0, "1", 1.0)
    nats = estimate(2, 0.1, 4.2, "nats", None)
    effect = estimate(3, -2.7, 1.2, "nats", 0.0)
    series = {
        "normalised": Series(Wording("normalised"), share, chance=np.ones((LAYERS, HEADS)), domain=[0, 1]),
        "entropy": nats,
        "effect": Series(Wording("effect"), effect, chance=np.zeros((LAYERS, HEADS)), scale="diverging"),
    }
    return View(
        "entropy-map",
        "Entropy map",
        Matrix.by_head(series),
        subtitle="How widely each head looks",
        caption="Attention entropy divided by ln(visible keys), averaged over tokens; 95% bootstrap over 84 "
        "conversations.",
        how_to_read="1 means a head spreads its attention evenly over everything it can see, 0 that it looks at one "
        "token only.",
        misleads="A low entropy says that a head is focused, not that it matters.",
        order=10,
    )


def lens_view(hostile: bool = False) -> View:
    """Make a logit lens: a matrix whose cells hold words, columns positions of a conversation."""
    rng = np.random.default_rng(12)
    tokens = conversation(24, 0, hostile)["tokens"]
    words = [[tokens[(column + row) % 24] for column in range(24)] for row in range(LAYERS + 1)]
    names = [Wording("embedding"), *(Wording(f"layer {i}") for i in range(LAYERS))]
    shares = rng.random((LAYERS + 1, 24))
    series = [Series(Wording("probability"), shares, "1", labels=[spoken(row) for row in words], domain=[0, 1])]
    return View(
        "logit-lens",
        "Logit lens",
        Matrix(names, spoken(tokens), series),
        caption="The token each layer would say next, shaded by its probability.",
        order=65,
    )


def training_view(bad: str) -> View:
    """Make the training curve with its reference lines and what it sounded like."""
    steps = np.arange(0, 2001, 50, dtype=float)
    train = 2.9 + 4.6 * np.exp(-steps / 300)
    held = 3.3 + 4.4 * np.exp(-steps / 320) + np.maximum(0, steps - 1500) * 1e-4
    return View(
        "training",
        "Training curve",
        Lines(
            x=Axis("step"),
            y=Axis("loss", "nats per token"),
            series=[
                Curve(Wording("training"), steps, train),
                Curve(bad or Wording("held-out"), steps, held, held - 0.12, held + 0.12),
            ],
            references=[
                Reference(Wording("uniform"), float(np.log(4096))),
                Reference(Wording("unigram"), 6.1),
                Reference(Wording("trigram"), 4.7),
            ],
            marks=[
                Mark(0, "step 0", "me: the of of the ,\nthem: you you a"),
                Mark(500, "step 500", "me: ok ok see\nthem: are you at the"),
                Mark(2000, "step 2,000", bad or "me: see you at noon , bring the charger\nthem: lol ok leaving now"),
            ],
            right=Right("perplexity"),
        ),
        caption="Loss on training and held-out conversations; band: 95% over conversations.",
        how_to_read="Lower is better. The gap between the two lines is what the model learned by heart.",
        misleads="The held-out line was also used to choose when to stop.",
        order=20,
    )


def taxonomy_view(previous_token: Estimate, hostile: bool) -> View:
    """Make the table of heads."""
    columns = [
        Column("head", "Head"),
        Column("role", "Role", help="the rule that gave it"),
        Column("previous", "Previous token", "share", digits=2),
        Column("induction", "Induction", "share", digits=3),
        Column("n", "n"),
    ]
    rows = []
    for head in Head.all(LAYERS, HEADS):
        e = previous_token[head]
        role = Wording(["previous token", "diffuse", "speaker"][head.index % 3])
        previous = Number(float(e.value), float(e.low), float(e.high), 0.03)
        low = 0.01 * head.index
        said = HOSTILE[(head.layer * HEADS + head.index) % len(HOSTILE)] if hostile else role
        rows.append([head, said, previous, Number(low + 0.004, low, low + 0.01, 0.008), 84])
    return View(
        "head-taxonomy",
        "Head taxonomy",
        Table(columns, rows, links="head"),
        caption="Pattern scores of every head with 95% intervals over 84 conversations.",
        how_to_read="Click a column to sort, a row to open the head's card.",
        misleads="A role is a rule applied to scores, not an explanation.",
        order=40,
    )


def clusters_view(bad: str) -> View:
    """Make the scatter plot of heads."""
    rng = np.random.default_rng(8)
    points = [
        Point(Head(i // HEADS, i % HEADS), float(x), float(y), group=i % 3)
        for i, (x, y) in enumerate(rng.normal(size=(LAYERS * HEADS, 2)))
    ]
    groups = [Wording("local"), Wording("first token"), bad or Wording("diffuse")]
    return View(
        "head-clusters",
        "Head clustering",
        Scatter(Axis("PC1", "61% of variance"), Axis("PC2", "19%"), points, groups),
        caption="Heads by their pattern scores, first two principal components.",
        how_to_read="Near points behave alike.",
        misleads="k-means on 16 points is illustrative.",
        order=50,
    )


def effect_view() -> View:
    """Make the bars with whiskers and chance."""
    return View(
        "direct-effect",
        "Effect by layer",
        Bars(
            [Wording(f"layer {i}") for i in range(LAYERS)],
            Axis("loss without it", "nats"),
            [
                Bar(Wording("attention"), [0.4, 0.2, 0.1, 0.6], [0.3, 0.1, 0.0, 0.5], [0.5, 0.3, 0.2, 0.7], [0.05] * 4),
                Bar(Wording("MLP"), [0.9, 0.3, 0.2, -0.1], [0.8, 0.2, 0.1, -0.2], [1.0, 0.4, 0.3, 0.0], [0.05] * 4),
            ],
        ),
        caption="Rise of the loss when a layer is replaced by its mean.",
        order=60,
    )


def circuit_view() -> View:
    """Make the graph."""
    heads = [Head(0, 1), Head(1, 2), Head(2, 1), Head(3, 3)]
    out = Wording("answer")
    return View(
        "circuit",
        "Circuit graph",
        Graph(
            [*(GraphNode(head, head, head.layer) for head in heads), GraphNode(out, out, 4)],
            [
                Edge(heads[0], heads[2], 0.8),
                Edge(heads[1], heads[3], -0.4),
                Edge(heads[2], out, 0.9, 0.7, 1.1),
                Edge(heads[3], out, 0.2),
            ],
        ),
        caption="Path patching effects above 0.1.",
        order=70,
    )


def corpus_view(bad: str) -> View:
    """Make the cards."""
    return View(
        "corpus",
        "Corpus overview",
        Cards(
            [
                Card(
                    bad or Wording("Messages"),
                    text="From one export.",
                    rows=[Row("kept", 48210), Row("filtered", 3120)],
                ),
                Card(Wording("Contacts"), rows=[Row("people", 61), Row("in groups", 12)]),
            ]
        ),
        caption="Aggregates only.",
        order=80,
    )
