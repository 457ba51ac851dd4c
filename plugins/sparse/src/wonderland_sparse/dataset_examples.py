"""Contexts of latents, as far as they may be shown: a latent that is about one conversation would give that away."""

from __future__ import annotations

from typing import Any

import numpy as np

import wonderland as wl
from wonderland.tokenizer import THEM
from wonderland.views import Quoted
from wonderland_sparse.activations import Fires
from wonderland_sparse.streams import Places

__all__ = ["card", "may_be_shown", "shaded"]

_CONVERSATIONS, _HALF = 5, 0.5
_BANDS = ((0.8, 1.0), (0.6, 0.8), (0.4, 0.6), (0.2, 0.4), (0.0, 0.2))
_EACH, _BEFORE, _AFTER, _BINS = 3, 8, 4, 20
_EXAMPLES = 6


def may_be_shown(fired: Fires, places: Places, count: int) -> np.ndarray:
    """Return whether text of each latent may be shown, [latent].

    It must fire in five conversations or more, none of which holds over half of its activation.
    """
    names, index = np.unique(places.conversation, return_inverse=True)
    mass = np.bincount(fired.units * len(names) + index[fired.rows], fired.values, count * len(names))
    mass = mass.reshape(count, len(names))
    return np.asarray(((mass > 0).sum(1) >= _CONVERSATIONS) & (mass.max(1) <= _HALF * mass.sum(1)))


def card(
    specimen: wl.Specimen, layer: int, unit: int, fired: Fires, about: dict[str, Any], effect: int | None
) -> dict[str, Any]:
    """Return what the card of a latent shows: contexts in bands, histogram, what it reads, raises and lowers.

    Args:
        specimen: The model and its evidence.
        layer: Of the latent.
        unit: Its number.
        fired: Where latents fire on the evidence.
        about: What each reads and promotes.
        effect: Its place among the measured effects, if it was measured.
    """
    evidence = specimen.evidence
    rows, values = fired.of_unit(unit)
    window, position = (part[rows] for part in np.nonzero(evidence.mask))
    activation = np.zeros(evidence.tokens.shape, np.float32)
    activation[window, position] = values
    highest, bands = float(values.max()), []
    for low, high in _BANDS:
        inside = np.flatnonzero((values > low * highest) & (values <= high * highest))
        drawn = np.random.default_rng([unit, round(10 * low)]).permutation(inside)
        snippets, seen = [], set[int]()
        for one in drawn.tolist():
            conversation = int(evidence.conversation[window[one]])
            if conversation in seen or len(seen) == _EACH:
                continue
            seen.add(conversation)
            begin, at = max(int(position[one]) - _BEFORE, 0), int(position[one])
            end = min(at + _AFTER + 1, int(evidence.lengths[window[one]]))
            snippets.append(
                {
                    "tokens": specimen.tokenizer.pieces(evidence.tokens[window[one], begin:end].tolist()),
                    "at": at - begin,
                    "value": round(float(values[one]), 3),
                    "values": [round(float(value), 2) for value in activation[window[one], begin:end]],
                }
            )
        title = f"{low:.0%} to {high:.0%} of its highest: {len(inside) / max(len(values), 1):.0%} of its places"
        if snippets:
            bands.append({"title": title, "snippets": snippets})
    counts, edges = np.histogram(values, _BINS, range=(0, highest))
    reads, mean = about["reads"](unit)
    return {
        "layer": layer,
        "unit": unit,
        "effect": -1 if effect is None else effect,
        "bands": bands,
        "histogram": {"values": counts, "x": [f"{edge:.2f}" for edge in edges[1:]]},
        "reads": _tokens(about, reads, mean),
        "raises": _tokens(about, about["raised"][0][unit], about["by"][0][unit]),
        "lowers": _tokens(about, about["raised"][1][unit], about["by"][1][unit]),
    }


def _tokens(about: dict[str, Any], numbers: np.ndarray, by: np.ndarray) -> list[list[Any]]:
    pieces = about["pieces"](numbers.tolist())
    return [[Quoted(piece, "token"), round(float(value), 3)] for piece, value in zip(pieces, by, strict=True)]


def shaded(specimen: wl.Specimen, units: list[int], fired: Fires) -> list[dict[str, Any]]:
    """Return some windows with the activation of some latents at each token, windows in which most of them fire."""
    evidence = specimen.evidence
    window, position = np.nonzero(evidence.mask)
    values = np.zeros((len(units), *evidence.tokens.shape), np.float32)
    for number, unit in enumerate(units):
        rows, activation = fired.of_unit(unit)
        values[number, window[rows], position[rows]] = activation
    together = (values > 0).any(2).sum(0) + (values > 0).sum((0, 2)) / values.size
    found, seen = list[dict[str, Any]](), set[int]()
    for one in np.argsort(-together, kind="stable").tolist():
        if int(evidence.conversation[one]) in seen or len(found) == _EXAMPLES:
            continue
        seen.add(int(evidence.conversation[one]))
        length = int(evidence.lengths[one])
        speakers = ["them"] * length
        if evidence.speakers:
            speakers = ["them" if speaker == THEM else "me" for speaker in evidence.speaker[one, :length]]
        found.append(
            {
                "tokens": specimen.tokenizer.pieces(evidence.tokens[one, :length].tolist()),
                "speakers": speakers,
                "messages": evidence.message[one, :length] if evidence.speakers else np.zeros(length),
                "values": values[:, one, :length],
            }
        )
    return found
