"""Views of a model's development with a slider over training: head scores, attention and samples at each snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import (
    AttentionPatterns,
    Conversations,
    Matrix,
    Measure,
    Panel,
    Panels,
    Patterned,
    Series,
    Shaded,
    Triangles,
    Wording,
    counted,
)
from wonderland_cohorts.over_training import MOMENT, told_tokens

__all__ = ["attention_then", "samples_then", "scores_by_head"]


def scores_by_head(at: np.ndarray, scores: Mapping[str, np.ndarray], labels: Sequence[Any]) -> wl.View:
    """Show the scores of heads, each [snapshot, layer, head], with what heads are called, [snapshot][layer][head]."""
    names = list(scores)
    panels = []
    for number, tokens in enumerate(at):
        series = _roles(number, scores, labels)
        for name in names:
            most = float(np.nanmax(scores[name]))
            series.append(Series(Wording(name), scores[name][number], "share of attention", domain=[0, most]))
        panels.append(Panel(Wording(told_tokens(tokens)), Matrix.by_head({s.name: s for s in series})))
    return wl.View(
        "development-scores",
        "Head scores at each snapshot",
        Panels(panels, MOMENT),
        subtitle="Which heads looked where, then?",
        caption="Scores of attention patterns by head at one snapshot, means over held-out conversations; each "
        "pattern has one scale for all snapshots. Intervals stand in the view of heads over training.",
        how_to_read="Move the slider through training. A cell that moves up the scale is a head that forms.",
        misleads="Small differences between neighbouring snapshots are noise.",
        order=15,
    )


def _roles(number: int, scores: Mapping[str, np.ndarray], labels: Sequence[Any]) -> list[Series]:
    """Return what heads are called at a snapshot, over the highest of their scores."""
    if not labels:
        return []
    of = [name for name in scores if name != "induction"]
    highest = np.max([scores[name] for name in of], axis=0)
    words = Wording.every([list(row) for row in labels[number]])
    domain = [0, float(np.nanmax(highest))]
    return [Series(Wording("role"), highest[number], "share of attention", domain=domain, labels=words)]


def attention_then(
    at: np.ndarray, attention: Sequence[np.ndarray], window: Mapping[str, Any], layers: int, heads: int
) -> wl.View:
    """Show attention on one window, [layer × head, query, key] for each snapshot, as uint16 of 65,535ths."""
    shown = [
        Patterned(
            Wording(told_tokens(tokens)),
            window["tokens"],
            window["speakers"],
            Triangles(np.asarray(one, dtype=np.float64) / 65535),
            window["messages"],
        )
        for tokens, one in zip(at, attention, strict=True)
    ]
    return wl.View(
        "development-attention",
        "Attention at each snapshot",
        AttentionPatterns(layers, heads, shown, of=MOMENT),
        subtitle="What did each head look at, then?",
        caption=f"Attention of every head on the first {len(window['tokens'])} tokens of one held-out window "
        "at each snapshot. One window, so no interval.",
        how_to_read="Move the slider through training and see the squares change. Rows are tokens that look, "
        "columns tokens that are looked at.",
        misleads="One window is an anecdote; the head scores have the averages.",
        order=16,
    )


def samples_then(at: np.ndarray, samples: Sequence[Sequence[Mapping[str, Any]]]) -> wl.View:
    """Show what the model said at each snapshot with the same seeds."""
    panels = []
    for tokens, said in zip(at, samples, strict=True):
        shaded = [_shaded(sample) for sample in said]
        measures = [Measure("surprise", "nats", domain=[0, 10])]
        panels.append(Panel(Wording(told_tokens(tokens)), Conversations(measures, shaded, of="sample")))
    return wl.View(
        "development-samples",
        "Samples at each snapshot",
        Panels(panels, MOMENT),
        subtitle="What did it say, then?",
        caption=f"n={counted(len(samples[0]), 'sample')} at each snapshot, with the same seeds, temperature 0.9, from "
        "the likeliest 95% of tokens; shaded by −ln of the probability of the token. Nothing is estimated, so "
        "there is no interval.",
        how_to_read="Move the slider through training: first characters without order, then words, then messages.",
        misleads="A sample is one draw of the model, and may repeat what it read word for word.",
        order=17,
    )


def _shaded(sample: Mapping[str, Any]) -> Shaded:
    pieces = sample["pieces"]
    speakers: list[Any] = []
    messages: list[int] = []
    for piece in pieces:
        begins = piece in ("<|me|>", "<|them|>")
        speakers.append(piece[2:-2] if begins else speakers[-1] if speakers else sample["speaker"])
        messages.append((messages[-1] if messages else -1) + begins if messages or begins else 0)
    told = np.r_[np.full(sample["given"], np.nan), np.asarray(sample["probabilities"], dtype=np.float64)]
    with np.errstate(divide="ignore"):
        surprise = np.maximum(-np.log(told), 0)
    return Shaded(Wording(f"as {sample['speaker']}"), pieces, speakers, np.asarray(messages), surprise[None])
