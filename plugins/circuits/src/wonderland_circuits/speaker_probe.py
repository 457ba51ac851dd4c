"""A linear probe for the speaker on a head's output: the last of the six tests of a speaker head, with three nulls.

A linear classifier (ridge) is trained on z at places of later turns and asked about conversations it has not seen: who
speaks here, and who spoke first. Places are drawn so that the four combinations of the two are equally frequent; so
neither answer gives the other away, and balanced guessing is right half of the time.

Nulls: the same with the labels of whole messages shuffled; the median of the other heads; and a random projection of
what the layer reads to as many dimensions, which sees the word that stands there and what earlier layers left.

What would fool it: that something can be read says nothing about whether the model reads it.
Reference: Alain and Bengio 2016 (1610.01644); Hewitt and Liang 2019 (1909.03368) on control tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import ME, SPECIALS

_FOLDS = 5


def probe(specimen: wl.Specimen, *, places: int, seed: int) -> dict[str, dict[str, wl.Estimate]]:
    """Probe every head for the current and the first speaker.

    Args:
        specimen: The specimen.
        places: Places to draw from the evidence at most.
        seed: Seed of places, projections, shuffles and intervals.

    Returns:
        By side ("current", "first") and what was read: "head" [layer, head], "shuffled" (the same with shuffled
        labels, [layer, head]) and "projection" [layer]; balanced accuracy, chance ½.
    """
    random = np.random.default_rng(seed)
    window, place = _drawn(specimen, places, random)
    z, projected = _features(specimen, window, place, random)
    evidence = specimen.evidence
    conversation = evidence.conversation[window]
    current = evidence.speaker[window, place] == ME
    first = evidence.tokens[window, 0] == ME
    message = np.unique(np.stack([window, evidence.message[window, place]]), axis=1, return_inverse=True)[1].ravel()
    found = {}
    with threadpool_limits(limits=1):  # small problems: threads that wait for each other cost more
        for side, labels, unit in (("current", current, message), ("first", first, window)):
            mixed = _shuffled(labels, unit, random)
            found[side] = {
                "head": _read(z, labels, conversation, seed),
                "shuffled": _read(z, mixed, conversation, seed),
                "projection": _read(projected, labels, conversation, seed),
            }
    return found


def _drawn(specimen: wl.Specimen, most: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return windows and places of words in later turns, as many of each combination of current and first speaker."""
    evidence = specimen.evidence
    word = evidence.mask & (evidence.tokens >= len(SPECIALS)) & (evidence.speaker_position > 0)
    cells = []
    for current in (True, False):
        for first in (True, False):
            fits = word & ((evidence.speaker == ME) == current) & ((evidence.tokens[:, :1] == ME) == first)
            found = np.argwhere(fits)
            cells.append(found[random.permutation(len(found))])
    fewest = min(most // 4, *map(len, cells))
    drawn = np.concatenate([cell[:fewest] for cell in cells])
    drawn = drawn[np.lexsort(drawn.T[::-1])]
    return drawn[:, 0], drawn[:, 1]


def _features(
    specimen: wl.Specimen, window: np.ndarray, place: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return z [layer, head, place, d_head] and a random projection of what each layer reads [layer, place, d_head]."""
    layers, d_model, d_head = specimen.cfg.n_layers, specimen.cfg.d_model, specimen.cfg.d_head
    turned = random.standard_normal((layers, d_model, d_head)) / d_model**0.5
    z, projected = [], []
    for batch in specimen.batches("z", "resid_pre"):
        here = (window >= batch.windows.start) & (window < batch.windows.stop)
        at = (window[here] - batch.windows.start, place[here])
        z.append(batch["z"][:, at[0], at[1]].double().numpy())  # [layer, place, head, d_head]
        read = batch["resid_pre"][:, at[0], at[1]].double().numpy()
        projected.append(np.einsum("lpm,lmd->lpd", read, turned))
    return np.concatenate(z, axis=1).transpose(0, 2, 1, 3), np.concatenate(projected, axis=1)


def _read(features: np.ndarray, labels: np.ndarray, conversation: np.ndarray, seed: int) -> wl.Estimate:
    """Return the balanced accuracy, on conversations unseen, of each of features [..., place, width]."""
    import sklearn
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import GroupKFold

    shape = features.shape[:-2]
    dims = ("layer", "head")[: len(shape)]
    groups = len(np.unique(conversation))
    if groups < 2 or len(np.unique(labels)) < 2:
        return replace(wl.Estimate.missing(shape, unit="balanced accuracy", chance=0.5, dims=dims), n=groups)
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    folds = list(GroupKFold(min(_FOLDS, groups)).split(labels, groups=conversation))
    right = np.zeros((len(labels), int(np.prod(shape))))
    # Hundreds of fits of a millisecond: checking each input again would take longer than they do.
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for number, some in enumerate(features.reshape(-1, *features.shape[-2:])):
            for known, unseen in folds:
                mean, spread = some[known].mean(0), some[known].std(0) + 1e-9
                probe = RidgeClassifier(class_weight="balanced", solver="cholesky")
                probe.fit((some[known] - mean) / spread, labels[known])
                said = probe.predict((some[unseen] - mean) / spread)
                right[unseen, number] = (said == labels[unseen]) * weights[unseen]
    by = right.reshape(len(labels), *shape)
    return cluster_bootstrap(by, weights, conversation, unit="balanced accuracy", chance=0.5, dims=dims, seed=seed)


def _shuffled(labels: np.ndarray, unit: Sequence[int] | np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return labels moved between units (messages, or windows), each unit keeping one label."""
    _, first, number = np.unique(unit, return_index=True, return_inverse=True)
    return np.asarray(labels[first][random.permutation(len(first))][number.ravel()])
