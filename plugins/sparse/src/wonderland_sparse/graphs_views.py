"""How paths are drawn: the graph over contrasts, edges beside their removal, latents on the way, single prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import (
    Axis,
    Column,
    Edge,
    Graph,
    GraphNode,
    Point,
    Quoted,
    Scatter,
    Table,
    Wording,
    counted,
    formatted,
    no_more,
    percent,
    say,
    with_bounds,
)
from wonderland_sparse.edge_names import name_of
from wonderland_sparse.graphs_measured import MeasuredGraphs
from wonderland_sparse.latent_columns import F1, FIRES_FOR, STABILITY
from wonderland_sparse.shares import in_words

__all__ = ["checked", "drawn", "edge_name", "example", "graph", "latents"]


def edge_name(sender: Sequence[Any], receiver: Sequence[Any]) -> str:
    """Return what an edge is called beside its point, where there is room for some twenty characters.

    >>> edge_name(("token", "differs"), ("head", 2, 0)), edge_name(("latent", 0, 461), ("logits",))
    ('differing → L2H0', 'L0T461 → answer')
    """
    short = {"tokens that differ": "differing", "other tokens": "other"}
    return str(wl.Edge(short.get(name_of(sender), name_of(sender)), name_of(receiver)))


def _columns(parts: Sequence[Sequence[Any]]) -> tuple[dict[str, int], list[Wording]]:
    """Return the column of each part by name, and the headings of the columns there are."""

    def order(part: Sequence[Any]) -> tuple[float, str]:
        kind = part[0]
        if kind in ("token", "position"):
            return -1, "input"
        if kind == "logits":
            return float("inf"), ""
        of = {"head": "heads", "feature": "stream", "rest": "stream"}.get(kind, "MLP")
        return part[1] + (0.0 if kind == "head" else 0.5), f"L{part[1]} {of}"

    there = sorted({order(part) for part in parts})
    at = {place: number for number, (place, _) in enumerate(there)}
    return {name_of(part): at[order(part)[0]] for part in parts}, Wording.every([heading for _, heading in there])


def drawn(
    edges: Sequence[Sequence[Any]], values: Sequence[Any], notes: Sequence[str], unit: str, labels: dict[str, Any]
) -> Graph:
    """Return the graph of some edges, with a value and a note for each; the sixteen largest are shown at first."""
    parts = {name_of(part): part for edge in edges for part in edge}
    at, headings = _columns(list(parts.values()))
    nodes = [
        GraphNode(Wording(name), labels.get(name, Wording(name)), at[name])
        for name in sorted(parts, key=lambda name: at[name])
    ]
    lines = []
    for (sender, receiver), value, note in zip(edges, values, notes, strict=True):
        ends = Wording(name_of(sender)), Wording(name_of(receiver))
        if isinstance(value, wl.Estimate):
            lines.append(Edge(*ends, float(value.value), float(value.low), float(value.high), note=Wording(note)))
        else:
            lines.append(Edge(*ends, float(value), note=Wording(note)))
    sizes = sorted((abs(edge.value) for edge in lines), reverse=True)
    least = sizes[min(len(sizes), 16) - 1]
    return Graph(nodes, lines, unit, least, headings)


def graph(result: MeasuredGraphs) -> wl.View:
    """Return the graph over all contrasts that were measured."""
    flows = [result.flow[i] for i in range(len(result.edges))]
    removed = [result.removed[i] for i in range(len(result.edges))]
    notes = [f"taken out: {with_bounds(one, '.2f')}" for one in removed]
    over = counted(len(result.edges), "edge")
    replaced, complete = result.scores["replacement"], result.scores["completeness"]
    bare = result.scores["replacement, no transcoder"]
    return wl.View(
        "attribution-graph",
        "Attribution graph",
        drawn(result.edges, flows, notes, "share of the gap", {}),
        subtitle=f"Along which paths does the {result.contrast} difference reach the answer?",
        caption=f"Share of the gap between two prompts that flows along an edge, 95% interval over "
        f"n={counted(result.conversations, 'conversation')}; edges chosen on other conversations, chance 0. Every "
        f"edge was also taken out of the real model: r = {in_words(result.agreement, '.2f')} over {over}. "
        f"Replacement score {with_bounds(replaced)} (with no transcoder "
        f"{percent(bare.value)}), completeness {with_bounds(complete)}.",
        how_to_read="From tokens on the left through heads and latents of MLPs (T) to the answer. What comes into a "
        "part is what goes out of it, apart from edges too small to be drawn. The slider shows more of them. Errors "
        "are what transcoders leave of an MLP.",
        misleads="Attention is taken as it is: what moves a head's pattern is not drawn. Read the note of an edge: "
        "where taking it out does something else, the line is not what the model does.",
        order=640,
    )


def checked(result: MeasuredGraphs) -> wl.View:
    """Return each edge's share beside what goes if it is taken out."""
    points = [
        Point(
            Wording(edge_name(sender, receiver)),
            float(flow),
            float(removed),
            int(receiver[0] != "logits"),
        )
        for (sender, receiver), flow, removed in zip(
            result.edges, np.asarray(result.flow.value), np.asarray(result.removed.value), strict=True
        )
    ]
    return wl.View(
        "attribution-checked",
        "Attribution graph: edges taken out",
        Scatter(
            Axis("flows, by the account", "share of the gap"),
            Axis("goes without the edge", "share of the gap"),
            points,
            groups=Wording.every(["into the answer", "into heads and latents"]),
        ),
        subtitle="Do edges do in the real model what the account says?",
        caption="A point is an edge, chosen on other conversations; “differing” are the tokens that differ between the "
        f"prompts. r = {in_words(result.agreement, '.2f')}, n={counted(result.conversations, 'conversation')}. "
        f"Accounts miss the logit difference by {no_more(result.away)} logits.",
        how_to_read="On the diagonal an edge does what the account says. Under it, other parts make up for its loss, "
        "or attention moves.",
        misleads="Edges are taken out one at a time: two that do the same both look unneeded.",
        order=641,
    )


def latents(result: MeasuredGraphs) -> wl.View:
    """Return the latents on the way, with what they fire for."""
    columns = [
        Column("latent", "Latent", help="L2T17 is latent 17 of the transcoder of layer 2."),
        Column("into", "Passes through it", "share of the gap", 3, "What reaches the answer through it; 0 is nothing."),
        FIRES_FOR,
        F1,
        STABILITY,
        Column("raises", "Raises", help="Tokens whose logit it raises most."),
    ]
    order = np.argsort(-np.abs(np.asarray(result.into.value)), kind="stable")
    rows = []
    for i in order.tolist():
        about, part = result.about[i], result.parts[i]
        f1 = about["f1"]
        rows.append(
            [
                Wording(name_of(part)),
                result.into[i],
                about["label"],
                f1 if np.isfinite(f1) else None,
                about["stability"],
                say("{tokens}", tokens=[Quoted(piece, "token") for piece in about["raises"]]),
            ]
        )
    return wl.View(
        "attribution-latents",
        "Attribution graph: its latents",
        Table(columns, rows),
        subtitle="What are the latents on the way?",
        caption=f"Share of the gap with 95% intervals over n={counted(result.conversations, 'conversation')}; labels "
        "chosen on training text and scored on held-out text.",
        how_to_read="A latent that much passes through, with a label of high F1 and found by both starts, is a part "
        "that can be named.",
        misleads="Labels are those somebody thought of. Shares of latents that follow each other count the same flow "
        "twice.",
        order=642,
    )


def example(result: MeasuredGraphs, number: int) -> wl.View:
    """Return the account of one prompt."""
    one = result.examples[number]
    notes = [f"taken out: {formatted(float(value), '.2f')} logits" for value in one["removed"]]
    labels: dict[str, Any] = {f"token {at}": Quoted(piece, "token") for at, piece in enumerate(one["tokens"])}
    text = say(
        "One held-out prompt, number {number} of those measured: an anecdote, n=1. Logit of “{target}” less that of "
        "“{foil}”: {answer:.2f}; the drawn edges into the answer add up to {told:.2f}. Replacement "
        "score {replacement:.0%}, completeness {completeness:.0%}.",
        number=number + 1,
        target=Quoted(one["target"], "token"),
        foil=Quoted(one["foil"], "token"),
        answer=one["answer"],
        told=one["told"],
        replacement=one["replacement"],
        completeness=one["completeness"],
    )
    return wl.View(
        f"attribution-prompt-{number + 1}",
        f"Attribution graph: prompt {number + 1}",
        drawn(one["edges"], list(one["flow"]), notes, "logits", labels),
        subtitle="How does one answer come about?",
        caption=text,
        how_to_read="Each word is a token of the prompt, in its order from top to bottom; the slider shows smaller "
        "edges. The note of an edge is what the answer loses if it is taken out of the real model.",
        misleads="One prompt shows what can happen, not what usually does; the graph over all contrasts says that.",
        order=643 + number,
    )
