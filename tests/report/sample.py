"""A made-up page with everything a report can hold, for tests and for looking at.

``PYTHONPATH=. python tests/report/sample.py report.html`` writes it; add ``hostile`` for words that attack the reader.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sample_more import about, heads_view, neurons_view, patching_view, ranks_view, ways_view
from sample_views import (
    attention_view,
    circuit_view,
    clusters_view,
    corpus_view,
    effect_view,
    entropy_view,
    estimate,
    lens_view,
    loss_view,
    taxonomy_view,
    training_view,
)
from sample_words import HOSTILE

from wonderland.components import Head
from wonderland.report.build import Page, render
from wonderland.report.findings import Check, Finding
from wonderland.views import Key, Quoted, say


def page(hostile: bool = False, conversations: int = 3, length: int = 128) -> Page:
    """Make the whole page; with ``hostile``, every text is an attempt on the reader."""
    scores = {
        "Previous token": estimate(4, 0.0, 0.9, "share of attention", 0.03),
        "First token": estimate(5, 0.0, 0.9, "share of attention", 0.04),
        "Same speaker": estimate(6, 0.3, 0.7, "share of attention", 0.5),
    }
    bad = HOSTILE[0] if hostile else ""
    ablation = {"Loss without it": estimate(7, -0.02, 0.6, "nats", 0.0)}
    findings = [
        Finding(
            "L0H1 looks at the token just before it: 0.81 of its attention, against 0.03 by chance.",
            "attention",
            Head(0, 1),
            "solid",
        ),
        Finding(
            "Sixteen heads use 41% of the entropy they could; L2H0 is the most focused.",
            "entropy-map",
            {"head": "L2H0"},
            "solid",
        ),
        Finding("The held-out loss ends at 3.35 nats, 1.35 below the trigram.", "training", {}, "solid"),
        Finding(
            say("Names after “{word}” are the most surprising words.", word="charger"),
            "loss-by-token",
            [Key.conversation(1), Key.position(12)],
            "weak",
        ),
        Finding(
            Quoted(bad) if bad else "One head may follow who is speaking.",
            "head-taxonomy",
            {"head": "L3H2"},
            "anecdotal",
        ),
    ]
    checks = [
        Check("Specials are one token each", True, "5 of 5"),
        Check("Future tokens are invisible", True, "largest change 0 after shuffling what follows"),
        Check("Better than a trigram", True, "3.35 < 4.70 nats"),
        Check("No conversation in both parts", True),
        Check(Quoted(bad) if bad else "Held-out loss still falling", False, "rose by 0.05 in the last 500 steps"),
    ]
    return Page(
        title=bad or "wonderland",
        meta={
            "model": "4 layers × 4 heads, 5.3M parameters",
            "corpus": "48,210 messages, 61 people",
            "sizes": {"width": 256, "MLP width": 1024, "context": 128, "tokens known": 4096},
            "held-out evidence": {"conversations": 84, "windows": 312, "tokens": 31877},
            "fingerprints": {"model": "9f3c2e6a71b04d55", "tokenizer": "77ab01c2"},
            "wonderland": "0.1.0",
            "date": "2026-11-20",
        },
        views=[
            attention_view(conversations, length, hostile=hostile),
            patching_view(bad),
            ranks_view(hostile),
            ways_view(hostile),
            heads_view(bad),
            neurons_view(bad),
            loss_view(conversations, length, hostile),
            entropy_view(),
            lens_view(hostile),
            training_view(bad),
            taxonomy_view(scores["Previous token"], hostile),
            clusters_view(bad),
            effect_view(),
            circuit_view(),
            corpus_view(bad),
        ],
        cards={"head-scores": scores, "ablation": ablation},
        findings=findings,
        checks=checks,
        controls={"head-scores": {"Previous token": estimate(14, 0.01, 0.05, "share of attention", None)}},
        about=about(bad),
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(page(hostile="hostile" in sys.argv)), encoding="utf-8")
