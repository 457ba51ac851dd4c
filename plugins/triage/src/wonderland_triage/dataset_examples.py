"""Dataset examples of single neurons, from their highest activation down to their lowest, in bands.

The highest activations alone flatter a neuron: what stands at 30% of the highest is often something else (Bolukbasi et
al. 2021, 2104.07143, on interpretability illusions). So each neuron that is shown is watched over the whole evidence
once more, and snippets are drawn from five bands of its positive activations, beside their histogram.

Cost: one forward pass up to the last layer of a neuron that is shown, and the activations of those neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.lab.names import hook_name

_BEFORE, _AFTER = 8, 4  # tokens of a snippet around the one that activates
_TOP, _EACH = 4, 2  # snippets of the highest activations, and of each band below
_BINS = 24
_BATCH = 16
_BANDS = ((0.75, 1.0), (0.5, 0.75), (0.25, 0.5), (0.0, 0.25))


@torch.no_grad()
def watch(specimen: wl.Specimen, units: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the activations of some neurons over the evidence, [unit, window, pos]; NaN in padding.

    Args:
        specimen: The model and its evidence.
        units: Layer and number of each.
    """
    evidence = specimen.evidence
    found = np.full((len(units), *evidence.tokens.shape), np.nan, dtype=np.float32)
    layers = sorted({layer for layer, _ in units})
    names, end = [hook_name("post", layer) for layer in layers], max(layers, default=0) + 1
    for start in range(0, len(evidence), _BATCH):
        windows = slice(start, min(start + _BATCH, len(evidence)))
        tokens = torch.from_numpy(evidence.tokens[windows]).to(specimen.model.device)
        _, cache = specimen.model.run_with_cache(tokens, names_filter=names, stop_at_layer=end)
        for unit, (layer, neuron) in enumerate(units):
            found[unit, windows] = cache[hook_name("post", layer)][..., neuron].float().cpu().numpy()
    found[:, ~evidence.mask] = np.nan
    return found


def bands(specimen: wl.Specimen, activations: np.ndarray, *, seed: int) -> list[dict[str, Any]]:
    """Return blocks of snippets of one neuron, the highest activations first, then bands below them.

    Args:
        specimen: The model and its evidence.
        activations: Of this neuron, [window, pos]; NaN where not to look.
        seed: Seed of which snippets of a band are shown.
    """
    if not (activations > 0).any():
        return []
    highest = float(np.nanmax(activations))
    random = np.random.default_rng(seed)
    order = np.argsort(-np.nan_to_num(activations, nan=-np.inf), axis=None)
    best = [int(place) for place in order[: 40 * _TOP] if activations.flat[place] > 0]
    blocks = [_block(specimen, "Fires most", best, _TOP, activations)]
    for low, high in _BANDS:
        inside = (activations > low * highest) & (activations <= high * highest)
        places = np.flatnonzero(inside)
        if len(places) and (low, high) != _BANDS[0]:
            drawn = random.permutation(places)[: 10 * _EACH].tolist()
            share = len(places) / np.isfinite(activations).sum()
            title = f"At {low:.0%} to {high:.0%} of that: {share:.1%} of tokens"
            blocks.append(_block(specimen, title, drawn, _EACH, activations))
    return blocks


def histogram(activations: np.ndarray) -> dict[str, Any]:
    """Return the bars of how often a neuron is how active, of the activations over 0."""
    positive = activations[np.nan_to_num(activations, nan=-1.0) > 0]
    counts, edges = np.histogram(positive, _BINS, range=(0, float(positive.max()) if len(positive) else 1.0))
    return {
        "label": "tokens by activation, those over 0; logarithm of their number",
        "x": [f"{edge:.2f}" for edge in edges[1:]],
        "values": [round(float(number), 3) for number in np.log10(1 + counts)],
    }


def _block(
    specimen: wl.Specimen, title: str, places: Sequence[int], count: int, activations: np.ndarray
) -> dict[str, Any]:
    """Return the snippets around the first few places, one of each window."""
    evidence, found = specimen.evidence, dict[int, Any]()
    for place in places:
        window, at = divmod(int(place), evidence.tokens.shape[1])
        if window not in found and len(found) < count:
            begin, end = max(at - _BEFORE, 0), min(at + _AFTER + 1, int(evidence.lengths[window]))
            around = activations[window, begin:end]
            found[window] = {
                "tokens": specimen.tokenizer.pieces(evidence.tokens[window, begin:end]),
                "at": at - begin,
                "value": round(float(activations[window, at]), 3),
                "values": [round(max(float(a), 0.0), 2) for a in around],
            }
    return {"title": title, "snippets": list(found.values())}
