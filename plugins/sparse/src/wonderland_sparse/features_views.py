"""What is shown of latents beside their cards: the table of all, what one unit knows, and conversations."""

from __future__ import annotations

from typing import Any

import numpy as np

import wonderland as wl
from wonderland.views import (
    Axis,
    Bars,
    Block,
    Column,
    Conversations,
    Measure,
    Panel,
    Panels,
    Row,
    Shaded,
    SmallBars,
    Snippet,
    Table,
    Token,
    Wording,
    counted,
    percent,
)
from wonderland_sparse.features_measured import CONTEXTUAL, GOOD, MeasuredFeatures
from wonderland_sparse.latent_columns import F1, FIRES_FOR, STABILITY
from wonderland_sparse.shares import share_of_latents

__all__ = [
    "beside_cards",
    "blocks",
    "contextual_view",
    "explained_view",
    "known_view",
    "needed_view",
    "number",
    "table_view",
    "tokens_view",
    "told",
]

_KINDS = {
    "latent": "best latent",
    "neuron": "best neuron",
    "direction": "best direction",
    "component": "best component",
}
_AHEAD = {"a question mark will come": "question mark ahead"}
"""What is too long to stand under a bar."""


def known_view(result: MeasuredFeatures) -> wl.View:
    """Return the best unit of each kind for what is known."""
    panels = [Panel(Wording(place), _known(of)) for place, of in result.known.items() if of]
    return wl.View(
        "sparse-known",
        "Sparse features: one unit for what is known",
        panels[0].figure if len(panels) == 1 else Panels(panels, "layer"),
        subtitle="Is there one latent for who speaks, and one for what will come?",
        caption="AUROC of the unit of each kind that ranks places best, chosen on training text; 95% interval over "
        f"n={result.conversations:,} held-out conversations; chance 0.5.",
        how_to_read="A latent that is ahead of neurons, directions and components stands for the thing. All "
        "dimensions is a linear probe: what is there to be found at all.",
        misleads="Where a random direction does as well, the tokens themselves say it.",
        order=615,
    )


def _known(by_label: dict[str, dict[str, wl.Estimate]]) -> Bars:
    """Return the best unit of each kind of one layer, by what is known."""
    rows = list(by_label.values())
    kinds = [kind for kind in rows[0] if kind != "number"]
    bars = {_KINDS.get(kind, kind): wl.Estimate.stacked([row[kind] for row in rows]) for kind in kinds}
    return Bars.by_place([_AHEAD.get(label, label) for label in by_label], bars, Axis("AUROC"))


def _beside(result: MeasuredFeatures, own: str, of: str) -> dict[str, Any]:
    """Return a share of the trained model beside the same of models in which nothing was learned.

    Args:
        result: The latents.
        own: What the first bar is called.
        of: The name of the estimate [layer].
    """
    bars: dict[str, Any] = {own: getattr(result, of)}
    scrambled = getattr(result, f"scrambled_{of}")
    if np.isfinite(np.asarray(scrambled.value)).any():
        bars["scrambled weights"] = scrambled
    if isinstance(result.control, MeasuredFeatures):
        bars["before training"] = result.control.along(getattr(result.control, of), result.places)
    return bars


def explained_view(result: MeasuredFeatures) -> wl.View:
    """Return the share of latents with an explanation, beside other units and other models."""
    bars = _beside(result, "latents", "explained")
    for name in next(iter(result.nulls.values())):
        if all(name in of for of in result.nulls.values()):
            bars[name] = wl.Estimate.stacked([_share(of[name]) for of in result.nulls.values()], dims=("layer",))
    return wl.View(
        "sparse-explained",
        "Sparse features: share with an explanation",
        Bars.by_place(result.places, bars, Axis("share of units")),
        subtitle="How many latents stand for something that can be named?",
        caption=f"F1 of {GOOD:g} and more on n={result.conversations:,} held-out conversations, label chosen on other "
        "text; 95% interval over units. Neurons see the whole stream, its tokens too.",
        how_to_read="Compare with the same before training, which is often more: most labels are of the token itself.",
        misleads="A latent without an explanation may mean something nobody thought of.",
        order=612,
    )


def _share(f1: np.ndarray) -> wl.Estimate:
    return share_of_latents(np.nan_to_num(f1) >= GOOD, of="units")


def contextual_view(result: MeasuredFeatures) -> wl.View:
    """Return the share of latents that stand for something in the context, beside other models."""
    return wl.View(
        "sparse-contextual",
        "Sparse features: share explained by context",
        Bars.by_place(result.places, _beside(result, "latents", "contextually"), Axis("share of latents")),
        subtitle="How many latents stand for something that the current token does not say?",
        caption=f"F1 of {GOOD:g} and more, by a label of the context and with a token share under {CONTEXTUAL:g}; "
        f"n={result.conversations:,} held-out conversations, label chosen on other text, 95% interval over latents.",
        how_to_read="Compare with the controls: what is left over is what was learned.",
        misleads="Labels are those somebody thought of, so the share is a lower bound.",
        order=613,
    )


def needed_view(result: MeasuredFeatures) -> wl.View:
    """Return the share of latents the model needs, beside models in which nothing was learned."""
    bars = _beside(result, "stable latents", "needed")
    return wl.View(
        "sparse-needed",
        "Sparse features: latents the model needs",
        Bars.by_place(result.places, bars, Axis("share of the latents asked")),
        subtitle="Without which of them is the next token predicted worse?",
        caption="Stable latents without which the loss rises where they fire, by more than after steps as long along "
        f"twenty others; 95% interval over latents, loss on n={result.conversations:,} held-out conversations. By "
        "chance 1 in 21.",
        how_to_read="Compare with the controls: what is above them is what the trained model makes use of.",
        misleads="Each is taken out of some windows only, so small effects do not show. A latent that later positions "
        "read, or whose work others do as well, is not counted.",
        order=614,
    )


def table_view(result: MeasuredFeatures) -> wl.View:
    """Return the table of all latents that fire."""
    columns = [
        Column("feature", "Feature", help="L2F339 is feature 339 of layer 2."),
        FIRES_FOR,
        F1,
        Column("context", "In its context", help="What around the token it fires for best."),
        Column("contextual", "F1 of context", digits=2, help="F1 of what stands in the column before."),
        Column("next", "What follows", help="The token that follows most often where it fires."),
        Column("coming", "F1 of what follows", digits=2, help="F1 of the token that follows where it fires."),
        STABILITY,
        Column("share", "Token share", digits=2, help="How much of it the current token explains."),
        Column("density", "Fires on", "share of tokens", 4, "Share of held-out tokens on which it is active."),
        Column("rise", "Loss without it", "nats a place", digits=3, help="Rise of the loss where it fires."),
        Column(
            "effect",
            "P(promoted) without it",
            digits=2,
            help="Probability of the tokens it raises, as a ratio; 1 is no effect.",
        ),
        Column(
            "held",
            "P(promoted), held high",
            digits=2,
            help="Where it does not fire, at the 90% quantile of its activation.",
        ),
    ]
    rows = []
    for place, arrays in result.arrays.items():
        ratio = dict(zip(arrays["asked"].tolist(), range(len(arrays["asked"])), strict=True))
        for unit in np.flatnonzero(arrays["density"] > 0):
            shown = bool(arrays["shown"][unit])
            rows.append(
                [
                    wl.Feature(int(place[1:]), int(unit)),
                    told(result.explanations[place][unit]) if shown else Wording("in too few conversations"),
                    number(arrays["f1"][unit]),
                    told(result.contextual[place][unit]) if shown else Wording(""),
                    number(arrays["contextual"][unit]),
                    told(result.coming[place][unit]) if shown else Wording(""),
                    number(arrays["coming"][unit]),
                    number(arrays["stability"][unit]),
                    number(arrays["share"][unit]),
                    number(arrays["density"][unit]),
                    result.rise[place][ratio[int(unit)]] if int(unit) in ratio else None,
                    result.effects[place][ratio[int(unit)]] if int(unit) in ratio else None,
                    result.held[place][ratio[int(unit)]] if int(unit) in ratio else None,
                ]
            )
    return wl.View(
        "sparse-latents",
        "Sparse features: all latents",
        Table(columns, rows, links="feature"),
        subtitle="Every latent that fires on held-out text",
        caption=f"n={result.conversations:,} held-out conversations; effects with 95% intervals; a rise of 0 "
        "and a ratio of 1 are none.",
        how_to_read="Sort by a column; a click on a row shows what is known of the latent at the side. Those with "
        "contexts and effects are under “what each fires for and does”.",
        misleads="Labels of latents that fire in too few conversations are left out.",
        order=616,
    )


def tokens_view(result: MeasuredFeatures) -> wl.View:
    """Return conversations shaded by the clearest latents."""
    of_layer = {place: _shaded(result, place) for place, examples in result.examples.items() if examples}
    panels = [Panel(Wording(place), figure) for place, figure in of_layer.items()]
    counts = [len(figure.conversations) for figure in of_layer.values()]
    n = counted(max(counts), "window") if min(counts) == max(counts) else f"{min(counts)} to {max(counts)} windows"
    where = f"latents of {next(iter(of_layer))}" if len(panels) == 1 else "latents of one layer at a time"
    return wl.View(
        "sparse-tokens",
        "Sparse features: along a conversation",
        panels[0].figure if len(panels) == 1 else Panels(panels, "layer"),
        subtitle="Where does each of the clearest latents fire?",
        caption=f"Activation of {where} in the units of the stream; n={n}"
        f"{'' if len(panels) == 1 else ' a layer'} of different held-out conversations, those in which most of them "
        "fire; a latent that does not fire is at 0.",
        how_to_read="Choose a latent; the more a token is shaded, the more of it is in the stream there.",
        misleads="These windows were chosen for their activity.",
        order=617,
    )


def _shaded(result: MeasuredFeatures, place: str) -> Conversations:
    """Return windows shaded by the clearest latents of one layer."""
    measures = [Measure(f"{wl.Feature(int(place[1:]), unit)}", "length") for unit in result.shading[place]]
    shown = [
        Shaded(
            Wording(f"example {number + 1}"),
            one["tokens"],
            one["speakers"],
            np.asarray(one["messages"]),
            np.asarray(one["values"]),
        )
        for number, one in enumerate(result.examples[place])
    ]
    return Conversations(measures, shown, of="example")


def told(label: Any) -> Any:
    """Return a label as it stands in a cell: plain words are ours, tokens in it are quoted."""
    return Wording(label) if isinstance(label, str) else label


def beside_cards(result: MeasuredFeatures) -> dict[wl.Feature, list[Block]]:
    """Return what is known of each latent that fires and has no card of its own, to three digits."""
    carded = {(card["layer"], card["unit"]) for card in result.cards_}
    found = {}
    for place, arrays in result.arrays.items():
        layer = int(place[1:])
        for unit in np.flatnonzero(arrays["density"] > 0).tolist():
            if (layer, unit) in carded:
                continue
            label = result.explanations[place][unit] if arrays["shown"][unit] else "in too few conversations"
            rows: dict[str, Any] = {"fires for": told(label)}
            names = (("F1", "f1"), ("stability", "stability"), ("token share", "share"))
            rows |= {name: _rounded(arrays[of][unit]) for name, of in names}
            rows["fires on"] = Wording(f"{percent(arrays['density'][unit])} of tokens")
            found[wl.Feature(layer, unit)] = [Block(rows=Row.each(rows))]
    return found


def _rounded(value: Any) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def number(value: Any) -> float | None:
    """Return a number for a cell, or nothing where there is none."""
    return float(value) if np.isfinite(value) else None


def blocks(card: dict[str, Any]) -> list[Block]:
    """Return what stands under the rows of a card."""
    bars = card["histogram"]
    heights = np.log10(1 + np.asarray(bars["values"]))
    small = SmallBars("places by activation; logarithm of their number", heights, Wording.every(bars["x"]))
    return [
        Block("How often, how much", bars=small),
        *(
            Block(title, tokens=[Token(piece, by) for piece, by in card[name]])
            for name, title in (("reads", "Reads"), ("raises", "Raises"), ("lowers", "Lowers"))
        ),
        *(Block(band["title"], snippets=[Snippet(**one) for one in band["snippets"]]) for band in card["bands"]),
    ]
