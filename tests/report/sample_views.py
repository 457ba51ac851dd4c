"""Made-up views, one of each kind, for tests and for looking at: no model, no torch, no real message."""

from __future__ import annotations

import numpy as np
from sample_words import HEADS, HOSTILE, LAYERS, conversation, patterns

from wonderland.estimate import Estimate
from wonderland.report.views import Triangles, View


def estimate(seed: int, low: float, high: float, unit: str, chance: float | None, n: int = 84) -> Estimate:
    """Make one estimate for each head, with an interval around it."""
    rng = np.random.default_rng(seed)
    value = rng.uniform(low, high, (LAYERS, HEADS))
    half = rng.uniform(0.01, 0.06, (LAYERS, HEADS)) * (high - low)
    return Estimate(value, value - half, value + half, n=n, unit=unit, chance=chance)


def attention_view(
    conversations: int = 3, length: int = 128, layers: int = LAYERS, heads: int = HEADS, hostile: bool = False
) -> View:
    """Make the attention explorer's view."""
    made = []
    for i in range(conversations):
        one = conversation(length, i, hostile and i == 0)
        made.append(one | {"patterns": Triangles(patterns(one["speakers"], i, layers, heads))})
    return View(
        "attention",
        "Attention explorer",
        "matrix-grid",
        {"n_layers": layers, "n_heads": heads, "conversations": made},
        "Attention weight of every head on one held-out window; each row of a pattern sums to 1.",
        "Each small square is a head. A row is a token and shows, from left to right, how much it looks at each token "
        "before it. A diagonal line means: looks at itself or just behind; a vertical line: always at the same place.",
        "Attention shows where a head looks, not what it does with what it sees: one on the first token may be idle.",
        order=90,
    )


def loss_view(conversations: int = 3, length: int = 128, hostile: bool = False) -> View:
    """Make the loss-by-token view with alternatives."""
    made = []
    for i in range(conversations):
        rng = np.random.default_rng(100 + i)
        one = conversation(length, i, hostile and i == 0)
        n = len(one["tokens"])
        loss = rng.gamma(1.6, 1.5, n)
        loss[0] = np.nan
        rank = np.floor(np.exp(np.minimum(loss, 8)))
        entropy = rng.uniform(0.5, 6, n)
        options = [" the", " you", " ok", "<|sep|>", HOSTILE[0] if hostile else " yeah"]
        shares = np.sort(rng.dirichlet(np.ones(6), n), axis=1)[:, ::-1]
        alternatives = [[[text, float(p)] for text, p in zip(options, row, strict=False)] for row in shares]
        made.append(one | {"values": np.array([loss, rank, entropy]), "alternatives": alternatives})
    measures = [
        {"name": "loss", "unit": "nats"},
        {"name": "rank", "unit": "1", "scale": "log"},
        {"name": "entropy", "unit": "nats"},
    ]
    return View(
        "loss-by-token",
        "Loss by token",
        "tokens",
        {"measures": measures, "conversations": made},
        "Cross-entropy of each token given all before it, in nats; 84 held-out conversations.",
        "Dark words surprised the model, pale ones it saw coming. Point at a word for what it expected instead.",
        "A rare name is dark however well the model understands the sentence: compare words of similar frequency.",
        order=30,
    )


def entropy_view() -> View:
    """Make the entropy map: a matrix of heads with intervals, chance and a second measure."""
    share = estimate(1, 0.05, 1.0, "1", 1.0)
    nats = estimate(2, 0.1, 4.2, "nats", None)
    effect = estimate(3, -2.7, 1.2, "nats", 0.0)
    series = [
        {
            "name": "normalised",
            "unit": "1",
            "values": share.value,
            "low": share.low,
            "high": share.high,
            "chance": np.ones((LAYERS, HEADS)),
            "domain": [0, 1],
        },
        {"name": "entropy", "unit": "nats", "values": nats.value, "low": nats.low, "high": nats.high},
        {
            "name": "effect",
            "unit": "nats",
            "values": effect.value,
            "low": effect.low,
            "high": effect.high,
            "chance": np.zeros((LAYERS, HEADS)),
            "scale": "diverging",
        },
    ]
    return View(
        "entropy-map",
        "Entropy map",
        "matrix",
        {
            "rows": [f"L{i}" for i in range(LAYERS)],
            "columns": [f"H{i}" for i in range(HEADS)],
            "links": "head",
            "series": series,
        },
        "Attention entropy divided by ln(visible keys), averaged over tokens; 95% bootstrap over 84 conversations.",
        "1 means a head spreads its attention evenly over everything it can see, 0 that it looks at one token only.",
        "A low entropy says that a head is focused, not that it matters.",
        order=10,
    )


def lens_view(hostile: bool = False) -> View:
    """Make a logit lens: a matrix whose cells hold words, columns positions of a conversation."""
    rng = np.random.default_rng(12)
    tokens = conversation(24, 0, hostile)["tokens"]
    words = [[tokens[(column + row) % 24] for column in range(24)] for row in range(LAYERS + 1)]
    names = ["embedding", *(f"layer {i}" for i in range(LAYERS))]
    series = [
        {"name": "probability", "unit": "1", "values": rng.random((LAYERS + 1, 24)), "labels": words, "domain": [0, 1]}
    ]
    return View(
        "logit-lens",
        "Logit lens",
        "matrix",
        {"rows": names, "columns": tokens, "series": series},
        "The token each layer would say next, shaded by its probability.",
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
        "line",
        {
            "x": {"label": "step"},
            "y": {"label": "loss", "unit": "nats per token"},
            "series": [
                {"name": "training", "x": steps, "y": train},
                {"name": f"held-out {bad}".strip(), "x": steps, "y": held, "low": held - 0.12, "high": held + 0.12},
            ],
            "references": [
                {"name": "uniform", "y": float(np.log(4096))},
                {"name": "unigram", "y": 6.1},
                {"name": "trigram", "y": 4.7},
            ],
            "marks": [
                {"x": 0, "title": "step 0", "text": "me: the of of the ,\nthem: you you a"},
                {"x": 500, "title": "step 500", "text": "me: ok ok see\nthem: are you at the"},
                {
                    "x": 2000,
                    "title": "step 2,000",
                    "text": bad or "me: see you at noon , bring the charger\nthem: lol ok leaving now",
                },
            ],
            "right": {"label": "perplexity", "exp": True},
        },
        "Loss on training and held-out conversations; band: 95% over conversations.",
        "Lower is better. The gap between the two lines is what the model learned by heart.",
        "The held-out line was also used to choose when to stop.",
        order=20,
    )


def taxonomy_view(previous_token: Estimate, hostile: bool) -> View:
    """Make the table of heads."""
    columns = [
        {"key": "head", "label": "Head"},
        {"key": "role", "label": "Role", "help": "the rule that gave it"},
        {"key": "previous", "label": "Previous token", "unit": "share", "digits": 2},
        {"key": "induction", "label": "Induction", "unit": "share", "digits": 3},
        {"key": "n", "label": "n"},
    ]
    rows = []
    for layer in range(LAYERS):
        for head in range(HEADS):
            e = previous_token[layer, head]
            role = (
                HOSTILE[(layer * HEADS + head) % len(HOSTILE)]
                if hostile
                else ["previous token", "diffuse", "speaker"][head % 3]
            )
            previous = {"value": float(e.value), "low": float(e.low), "high": float(e.high), "chance": 0.03}
            induction = {"value": 0.01 * head + 0.004, "low": 0.01 * head, "high": 0.01 * head + 0.01, "chance": 0.008}
            rows.append(
                {"head": f"L{layer}H{head}", "role": role, "previous": previous, "induction": induction, "n": 84}
            )
    return View(
        "head-taxonomy",
        "Head taxonomy",
        "table",
        {"columns": columns, "rows": rows, "links": "head"},
        "Pattern scores of every head with 95% intervals over 84 conversations.",
        "Click a column to sort, a row to open the head's card.",
        "A role is a rule applied to scores, not an explanation.",
        order=40,
    )


def clusters_view(bad: str) -> View:
    """Make the scatter plot of heads."""
    rng = np.random.default_rng(8)
    points = [
        {
            "label": f"L{i // HEADS}H{i % HEADS}",
            "head": f"L{i // HEADS}H{i % HEADS}",
            "group": i % 3,
            "x": float(x),
            "y": float(y),
        }
        for i, (x, y) in enumerate(rng.normal(size=(LAYERS * HEADS, 2)))
    ]
    return View(
        "head-clusters",
        "Head clustering",
        "scatter",
        {
            "x": {"label": "PC1", "unit": "61% of variance"},
            "y": {"label": "PC2", "unit": "19%"},
            "points": points,
            "groups": ["local", "first token", bad or "diffuse"],
        },
        "Heads by their pattern scores, first two principal components.",
        "Near points behave alike.",
        "k-means on 16 points is illustrative.",
        order=50,
    )


def effect_view() -> View:
    """Make the bars with whiskers and chance."""
    return View(
        "direct-effect",
        "Effect by layer",
        "bars",
        {
            "x": [f"layer {i}" for i in range(LAYERS)],
            "y": {"label": "loss without it", "unit": "nats"},
            "series": [
                {
                    "name": "attention",
                    "values": [0.4, 0.2, 0.1, 0.6],
                    "low": [0.3, 0.1, 0.0, 0.5],
                    "high": [0.5, 0.3, 0.2, 0.7],
                    "chance": [0.05] * 4,
                },
                {
                    "name": "MLP",
                    "values": [0.9, 0.3, 0.2, -0.1],
                    "low": [0.8, 0.2, 0.1, -0.2],
                    "high": [1.0, 0.4, 0.3, 0.0],
                    "chance": [0.05] * 4,
                },
            ],
        },
        "Rise of the loss when a layer is replaced by its mean.",
        order=60,
    )


def circuit_view() -> View:
    """Make the graph."""
    heads = ["L0H1", "L1H2", "L2H1", "L3H3"]
    return View(
        "circuit",
        "Circuit graph",
        "graph",
        {
            "nodes": [{"id": h, "label": h, "layer": i, "head": h} for i, h in enumerate(heads)]
            + [{"id": "out", "label": "answer", "layer": 4}],
            "edges": [
                {"from": "L0H1", "to": "L2H1", "value": 0.8},
                {"from": "L1H2", "to": "L3H3", "value": -0.4},
                {"from": "L2H1", "to": "out", "value": 0.9, "low": 0.7, "high": 1.1},
                {"from": "L3H3", "to": "out", "value": 0.2},
            ],
        },
        "Path patching effects above 0.1.",
        order=70,
    )


def corpus_view(bad: str) -> View:
    """Make the cards."""
    return View(
        "corpus",
        "Corpus overview",
        "cards",
        {
            "cards": [
                {"title": bad or "Messages", "text": "From one export.", "rows": [["kept", 48210], ["filtered", 3120]]},
                {"title": "Contacts", "rows": [["people", 61], ["in groups", 12]]},
            ]
        },
        "Aggregates only.",
        order=80,
    )
