"""Made-up conversations and attention, and the words of somebody who means harm."""

from __future__ import annotations

from typing import Any

import numpy as np

LAYERS, HEADS = 4, 4
HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>alert(2)",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "half \ud83d a pair",
    "nul\x00bell\x07",
    "\x1b[31mred\x1b[0m",
    "=cmd|' /C calc'!A1",
    "{{script}} {{data}} $& $1",
    "<a href=https://example.org onclick=alert(3)>click</a>",
    "שלום مرحبا",
    "x" * 100_000,
]
CHAT = [
    ("them", " are you free tomorrow ?"),
    ("me", " yeah totally , what time"),
    ("them", " noon at the usual place ?"),
    ("me", " works for me"),
    ("them", " great , bring the charger please , mine broke again"),
    ("me", " lol ok ! leaving at half past eleven"),
    ("them", " perfect , see you there"),
    ("me", " see you ! and tell her happy birthday from me"),
]


def conversation(length: int, seed: int, hostile: bool = False) -> dict[str, Any]:
    """Make the tokens of a window of messages, with who speaks and which message each belongs to."""
    rng = np.random.default_rng(seed)
    tokens: list[str] = []
    speakers: list[str] = []
    messages: list[int] = []
    texts = [CHAT[i] for i in rng.permutation(len(CHAT))] * 4
    if hostile:
        texts = [("me" if i % 2 else "them", text) for i, text in enumerate(HOSTILE)] + texts
    for number, (speaker, text) in enumerate(texts):
        pieces = [text] if hostile and number < len(HOSTILE) else [f" {word}" for word in text.split()]
        for piece in [f"<|{speaker}|>", *pieces, "<|sep|>"]:
            tokens.append(piece)
            speakers.append(speaker)
            messages.append(number)
    return {
        "title": f"window {seed}",
        "tokens": tokens[:length],
        "speakers": speakers[:length],
        "messages": np.array(messages[:length]),
    }


def patterns(speakers: list[str], seed: int, layers: int = LAYERS, heads: int = HEADS) -> np.ndarray:
    """Make attention [head, query, key]: previous token, first token, itself, same speaker, and diffuse heads."""
    rng = np.random.default_rng(seed)
    n = len(speakers)
    lower = np.tril(np.ones((n, n)))
    me = np.array([speaker == "me" for speaker in speakers])
    kinds = [np.eye(n), np.eye(n, k=-1), np.outer(np.ones(n), np.arange(n) == 0), (me[:, None] == me) * 0.1, lower * 0]
    out = []
    for head in range(layers * heads):
        scores = rng.gumbel(size=(n, n)) * 0.8 + 9 * kinds[(head * 7 + head // heads) % len(kinds)] * rng.uniform(
            0.5, 1
        )
        weights = np.exp(scores) * lower
        out.append(weights / weights.sum(1, keepdims=True))
    return np.array(out)
