"""Views of dictionaries that need no result: how often latents fire, and the table of all measures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

import wonderland as wl
from wonderland.views import Axis, Bars, Table

__all__ = ["HELP", "SHORT", "density_view", "table_view"]

DECADES = ("never", "to 0.01%", "to 0.1%", "to 1%", "to 10%", "over 10%")
SHORT = {
    "fvu": "FVU",
    "fvu own": "FVU of its own text",
    "fvu table": "FVU against tokens and positions",
    "delta ce": "ΔCE",
    "of lead": "ΔCE as a share of the lead",
    "l0": "L0",
    "dead": "Dead",
    "stable": "Agreement of two starts",
}
"""What measures are called."""

HELP = {
    "fvu": "Share of the variance that is left when the latents stand in for it: 0 is all held, 1 nothing.",
    "fvu own": "The same on the text that the dictionary was trained on.",
    "fvu table": "Share that is left of what token and position alone do not predict.",
    "delta ce": "Rise of the loss if the model goes on from the latents, in nats a token; 0 is no loss.",
    "of lead": "That rise as a share of what the model knows beyond counted trigrams.",
    "l0": "How many latents are active on a token, on average.",
    "dead": "Share of latents that never fire.",
    "stable": "Share of latents with a partner of cosine 0.7 or more in a dictionary of another start.",
}
"""What each measure says, in a sentence."""


def density_view(density: Mapping[str, np.ndarray], n: str) -> wl.View:
    """Show how many latents fire how often; ``density`` by layer, [latent]."""
    bars = {place: _by_decade(density[place]) for place in density}
    return wl.View(
        "sparse-density",
        "Sparse dictionaries: how often latents fire",
        Bars.by_place(list(DECADES), bars, Axis("latents")),
        subtitle="How many latents are rare, common or dead?",
        caption=f"Latents of the first dictionary by the share of held-out tokens on which they are active; {n}.",
        how_to_read="Those that never fire are dead, or too rare for this much held-out text. Those over 10% are "
        "more like a background than like a feature.",
        misleads="Held-out text is short: a latent that fires once in 10,000 tokens may never be seen here.",
        order=603,
    )


def table_view(
    places: Sequence[str], subjects: Mapping[str, Mapping[str, wl.Estimate]], lead: float, n: str
) -> wl.View:
    """Show every measure by whose it is, each [layer]; ``lead`` in nats a token."""
    found = {
        place: {whose: {name: one[index] for name, one in of.items()} for whose, of in subjects.items()}
        for index, place in enumerate(places)
    }
    return wl.View(
        "sparse-table",
        "Sparse dictionaries: all numbers",
        Table.by_subject(found, SHORT, HELP),
        subtitle="Each measure beside its controls",
        caption=f"On held-out text, 95% intervals over {n}; dead latents and agreement over latents. The "
        f"lead is what the model knows beyond counted trigrams, {lead:.3f} nats a token.",
        how_to_read="Read a column from top to bottom: a number means something only where it differs from the "
        "same number of a control.",
        misleads="Scrambled weights and noise are other streams: their rise of the loss would be of no model.",
        order=604,
    )


def _by_decade(density: np.ndarray) -> np.ndarray:
    """Return how many latents never fire, and how many fire up to 10⁻⁴, 10⁻³, 10⁻², 10⁻¹ and 1 of the time."""
    never = int((density == 0).sum())
    edges = [0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    within = [int(((density > low) & (density <= high)).sum()) for low, high in itertools.pairwise(edges)]
    return np.array([never, *within])
