"""Made-up views that use what a view may have beyond its numbers: panels, blocks, details, warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
from sample_words import HEADS, HOSTILE, LAYERS, conversation

from wonderland.report.views import View

PLACES = 9


def patching_view(bad: str = "") -> View:
    """Make a patching grid: two pairs of prompts, four modes on one scale, details behind each cell."""
    rng = np.random.default_rng(31)
    words = [" yes", " no", " ok", bad or " sure", "<|sep|>"]

    def series(name: str, rows: list[str]) -> dict[str, Any]:
        values = rng.normal(0, 0.02, (len(rows), PLACES))
        values[1, 4], values[-1, -1], values[0, 2] = 1.0, 0.97, -2.7
        return {
            "name": name,
            "unit": "recovery",
            "values": values,
            "scale": "diverging",
            "domain": [-1, 1],
            "rows": rows,
            "detail": {
                "title": "Logit difference",
                "rows": {"clean run": np.full(values.shape, 2.0), "patched run": 4 * values - 2},
                "tokens": {
                    "title": "After patching it says",
                    "words": words,
                    "ids": np.tile(np.arange(5), (*values.shape, 1)),
                    "shares": np.tile([0.5, 0.2, 0.1, 0.05, 0.01], (*values.shape, 1)),
                },
            },
        }

    def pair(number: int) -> dict[str, Any]:
        clean = ["<|them|>", " are", " you", "<|sep|>", "<|me|>", " yeah", " totally", bad or " works", " for"]
        corrupted = [*clean[:4], "<|them|>", *clean[5:]]
        layers = [f"L{i}" for i in range(LAYERS)]
        heads = [f"L{i}H{j}" for i in range(LAYERS) for j in range(HEADS)]
        return {
            "title": f"pair {number}",
            "columns": clean,
            "below": corrupted,
            "marked": [4],
            "series": [
                *(series(name, layers) for name in ("residual stream", "attention", "MLP")),
                series("head", heads),
            ],
            "context": [{"title": "Before it says", "tokens": [[word, 0.2] for word in words]}],
        }

    return View(
        "patching",
        "Activation patching",
        "matrix",
        {"rows": [], "of": "pair", "shared": True, "panels": [pair(1), pair(2)]},
        "Recovery of the logit difference.",
        "A strong cell carries the difference.",
        "One pair is an anecdote.",
        order=52,
        warning=f"The linter refused 3 of 12 pairs: target in a prompt. {bad}".strip(),
    )


def ranks_view(hostile: bool) -> View:
    """Make a logit lens of two conversations with a bump chart behind each column."""
    rng = np.random.default_rng(32)
    levels = ["embed", *(f"L{i}" for i in range(LAYERS))]

    def panel(number: int) -> dict[str, Any]:
        tokens = conversation(14, number, hostile and number == 0)["tokens"]
        ranks = np.stack([rng.permuted(np.tile(np.arange(1, 6) * 9, (14, 1)), axis=1) for _ in levels])
        ranks[-1] = np.arange(1, 6)
        return {
            "title": f"window {number}",
            "columns": tokens,
            "labels": [tokens[level:] + tokens[:level] for level in range(len(levels))],
            "series": [{"name": "probability", "unit": "1", "values": rng.random((len(levels), 14))}],
            "ranks": {"title": "How they rise", "names": [tokens[:5]] * 14, "values": ranks},
        }

    return View(
        "lens",
        "Logit lens",
        "matrix",
        {"rows": levels, "panels": [panel(0), panel(1)]},
        "Top token by level.",
        order=53,
    )


def ways_view(hostile: bool) -> View:
    """Make a residual PCA: every token's way through the layers, and the length of the steps beside it."""
    rng = np.random.default_rng(33)
    levels = ["embed", *(f"L{i}" for i in range(LAYERS))]

    def panel(number: int) -> dict[str, Any]:
        tokens = conversation(30, number, hostile and number == 0)["tokens"]
        x, y = rng.normal(size=(2, 30, len(levels))).cumsum(-1)
        return {"title": f"window {number}", "ways": {"names": tokens, "x": x, "y": y, "pos": list(range(30))}}

    return View(
        "ways",
        "Residual PCA",
        "scatter",
        {
            "x": {"label": "PC1", "unit": "12%"},
            "y": {"label": "PC2", "unit": "9%"},
            "groups": levels,
            "ordered": True,
            "panels": [panel(0), panel(1)],
            "aside": [
                {
                    "title": "Length of each step",
                    "rows": [["L0", {"value": 0.9, "low": 0.8, "high": 1.0}]],
                    "bars": {
                        "label": "step",
                        "x": levels[1:],
                        "values": [0.9, 0.7, 0.5, 0.6],
                        "chance": 0.1,
                        "mark": 0,
                    },
                }
            ],
        },
        "One projection for all layers.",
        order=54,
    )


def heads_view(bad: str) -> View:
    """Make cards by head: spectrum and the tokens of both sides and signs."""
    sides = [
        {"title": title, "tokens": [[word, None, "0×"] for word in (" the", bad or " you")]}
        for title in ("+ reads", "+ promotes", "− reads", "− promotes")
    ]
    cards = [
        {
            "title": f"L{i}H{j}",
            "head": f"L{i}H{j}",
            "note": f"copying {0.1 * j:.1f}",
            "rows": [["copying", 0.1 * j]],
            "blocks": [
                {"title": "Singular values", "bars": {"label": "σ", "values": [3.0, 1.0, 0.5, 0.2]}},
                {"title": "Direction 1", "beside": sides},
            ],
        }
        for i in range(LAYERS)
        for j in range(HEADS)
    ]
    return View("ov", "OV circuits", "cards", {"cards": cards}, "Both sides and both signs.", order=55)


def neurons_view(bad: str) -> View:
    """Make cards with snippets in bands, a histogram and tokens raised and lowered."""
    cards = [
        {
            "title": f"L0N{n}",
            "note": "numbers 0.9",
            "rows": [["selectivity", {"value": 0.9, "chance": 0.4}]],
            "blocks": [
                {"title": "How often", "bars": {"label": "tokens", "x": ["0", "1"], "values": [9, 1]}},
                {"title": "Raises", "tokens": [[" noon", 0.7], [bad or " lol", -0.2]]},
                {
                    "title": "Fires most",
                    "snippets": [
                        {"tokens": [" at", bad or " half", " past"], "at": 1, "value": 2.0, "values": [0, 2, 1]}
                    ],
                },
            ],
        }
        for n in range(5)
    ]
    return View("neurons", "Neurons", "cards", {"cards": cards}, "The most selective.", order=56)


def about_heads(bad: str) -> dict[str, list[dict[str, Any]]]:
    """Make what the card of each head says beyond its numbers."""
    return {
        f"L{i}H{j}": [
            {"role": bad or "previous token", "rule": "over 0.4 and above chance"},
            {"title": "Composes with", "rows": [[f"reads L0H{j} by its keys", {"value": 2.3, "unit": "× chance"}]]},
            {"title": "OV circuit", "tokens": [[HOSTILE[i] if bad else " ok", None, "12×"]]},
        ]
        for i in range(LAYERS)
        for j in range(HEADS)
    }
