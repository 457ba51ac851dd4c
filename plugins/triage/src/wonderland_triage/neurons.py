"""What does each neuron fire for, and does it fire for one thing?

For every neuron of every layer: the snippets that activate it most, the tokens its output raises and lowers most
(W_out W_U) and those its input reads most (W_E W_in), norms folded in. And how mixed it is: the entropy of the kinds
of tokens among its ``top`` highest activations (0: all of one kind, 1: all kinds alike), the entropy of the tokens
themselves (1: all different), and its selectivity, (μ_best − μ_rest) / (μ_best + μ_rest) of its mean positive
activation for its favourite kind and for all others.

A neuron is called mixed or specific only against something: random directions among the neurons of the same layer (is
the neuron basis special at all?), kinds dealt out anew over positions (nothing to do with tokens), and the untrained
model (through ``control``). A share of "polysemantic" neurons depends on where one draws the line, so the curve over
all lines is shown with those nulls. Intervals are bootstraps over the neurons of a layer: all of them are measured, but
another training run would have others. A layer without MLP has none.

What would fool it: seven kinds of tokens are not meanings. A neuron for times of day looks mixed here (words and
numbers), one for a single frequent token looks specific. And vocabulary lists are often fragments: trust snippets.

References: Geva et al. 2021 (2012.14913), keys and values; Elhage et al. 2022, Toy Models of Superposition.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Neuron
from wonderland.lab.stats import cluster_bootstrap
from wonderland.lab.weights import fold, folded_mlp
from wonderland_triage.dataset_examples import bands, histogram, watch
from wonderland_triage.neuron_stats import KINDS, Firing, fire
from wonderland_triage.neurons_result import THRESHOLDS, NeuronsResult, nothing

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_REPLICATES = 1000
_NEURONS = 256  # whose products with the vocabulary are held at a time
_SAME = 1e-9  # entropies of the same counts in another order differ by rounding


@dataclass(frozen=True)
class Neurons:
    """What does each neuron fire for? Snippets, vocabulary and mixture of all neurons, against random directions."""

    name: ClassVar[str] = "neurons"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    top: Annotated[int, "highest activations of a neuron to judge it by"] = 24
    directions: Annotated[int, "random directions in each layer to compare with"] = 128
    listed: Annotated[int, "neurons to list with their snippets"] = 24
    tokens: Annotated[int, "tokens to name that a neuron raises, lowers and reads"] = 5
    seed: Annotated[int, "seed of the directions"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.neurons()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> NeuronsResult:
        """Measure every neuron over the specimen's evidence."""
        if specimen.cfg.attn_only:
            return nothing(specimen.cfg.n_layers)
        fired = fire(specimen, top=self.top, directions=self.directions, seed=self.seed)
        tokens = specimen.evidence.tokens.ravel()
        neurons = _stack([_measure(of, of.by_kind, fired.kinds, tokens) for of in fired.neurons])
        directions = _stack([_measure(of, of.by_kind, fired.kinds, tokens) for of in fired.directions])
        shuffled = _stack([_measure(of, of.by_shuffled, fired.shuffled, tokens) for of in fired.neurons])
        vocabulary = self._vocabulary(specimen)
        chance = np.nanmean(directions["kind"], axis=1)
        result = NeuronsResult(
            kind_entropy=neurons["kind"],
            token_entropy=neurons["token"],
            selectivity=neurons["selectivity"],
            favourite=neurons["favourite"].astype(np.int64),
            active=np.stack([of.active for of in fired.neurons]),
            kinds=list(KINDS),
            directions=self.directions,
            mixed=_over_neurons(neurons["kind"], "share of ln(kinds)", chance, self.seed),
            specific=_lower(neurons["kind"], directions["kind"], self.seed),
            nulls={
                name: np.stack([np.nanmean(of["kind"], axis=1), of["selectivity"].mean(1)])
                for name, of in (("random directions", directions), ("shuffled kinds", shuffled))
            },
            sweep={
                name: (of["kind"][np.isfinite(of["kind"])][:, None] >= THRESHOLDS).mean(0)
                for name, of in (("neurons", neurons), ("random directions", directions), ("shuffled kinds", shuffled))
            },
            raises=vocabulary["raises"][0],
            lowers=vocabulary["lowers"][0],
            reads=vocabulary["reads"][0],
            listed=[],
        )
        return dataclasses.replace(result, listed=self._list(specimen, vocabulary, result))

    def _vocabulary(self, specimen: wl.Specimen) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the tokens each neuron raises, lowers and reads most, and by how much, [layer, neuron, place] each."""
        folded = fold(specimen.model)
        raises, lowers, reads = [], [], []
        # Folded in double precision, multiplied in single: it is the largest product here, and only the ends are read.
        unembedding, embedding = (torch.from_numpy(part).float() for part in (folded.W_U, folded.W_E.T))
        for layer in range(specimen.cfg.n_layers):
            w_in, w_out = (torch.from_numpy(part).float() for part in folded_mlp(specimen.model, layer))
            for some, others in zip(w_out.split(_NEURONS), w_in.T.split(_NEURONS), strict=True):
                value, key = some @ unembedding, others @ embedding  # [neuron, d_vocab]
                raises.append(value.topk(self.tokens))
                lowers.append(value.topk(self.tokens, largest=False))
                reads.append(key.topk(self.tokens))
        shape = (specimen.cfg.n_layers, -1, self.tokens)
        return {
            name: (
                torch.cat([top.indices for top in tops]).reshape(shape).numpy(),
                torch.cat([top.values for top in tops]).reshape(shape).numpy(),
            )
            for name, tops in (("raises", raises), ("lowers", lowers), ("reads", reads))
        }

    def _list(
        self, specimen: wl.Specimen, vocabulary: dict[str, tuple[np.ndarray, np.ndarray]], result: NeuronsResult
    ) -> list[dict[str, Any]]:
        alive = np.where(result.active > 0, result.selectivity, -2.0)
        chosen = np.argsort(-alive, axis=None, kind="stable")[: min(self.listed, int((alive > -2).sum()))]
        units = [
            (int(layer), int(neuron)) for layer, neuron in zip(*np.unravel_index(chosen, alive.shape), strict=True)
        ]
        rows = []
        for at, activations in zip(units, watch(specimen, units), strict=True):
            row: dict[str, Any] = {
                "neuron": str(Neuron(*at)),
                "kind": KINDS[result.favourite[at]],
                "selectivity": float(result.selectivity[at]),
                "entropy": float(result.kind_entropy[at]),
                "active": float(result.active[at]),
                "bands": bands(specimen, activations, seed=self.seed),
                "histogram": histogram(activations),
            }
            for name, (ids, by) in vocabulary.items():
                pieces = specimen.tokenizer.pieces(ids[at].tolist())
                row[name] = [[piece, round(float(v), 3)] for piece, v in zip(pieces, by[at], strict=True)]
            rows.append(row)
        return rows


def _measure(of: Firing, by_kind: np.ndarray, kinds: np.ndarray, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Return entropies, selectivity and favourite kind of the units of a layer, [unit] each."""
    count = np.bincount(kinds[kinds >= 0], minlength=len(KINDS)).astype(float)[:, None]  # [kind, 1]
    there = count[:, 0] > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there[:, None], by_kind / count, -np.inf)
        rest = (by_kind.sum(0) - by_kind) / (count.sum() - count)
        favourite = mean.argmax(0)
        best, others = (np.take_along_axis(a, favourite[None], 0)[0] for a in (mean, rest))
        selectivity = np.nan_to_num((best - others) / (best + others))  # of a neuron that never fires: 0
    fires = [column[values > 0] for column, values in zip(of.places.T, of.values.T, strict=True)]
    top = [np.bincount(kinds[places], minlength=len(KINDS)) for places in fires]
    words = [np.unique(tokens[places], return_counts=True)[1] for places in fires]
    return {
        "kind": _entropies(top, np.log(max(there.sum(), 2))),
        "token": _entropies(words, np.log(max(len(of.places), 2))),
        "selectivity": selectivity,
        "favourite": favourite,
    }


def _entropies(counts: Sequence[np.ndarray], most: float) -> np.ndarray:
    """Return the entropy of each of several counts as a share of the most there could be; NaN where none counts."""
    shares = [count[count > 0] / count.sum() for count in counts]
    return np.array([np.abs((p * np.log(p)).sum()) if len(p) else np.nan for p in shares]) / most


def _stack(layers: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack([of[name] for of in layers]) for name in layers[0]}


def _over_neurons(values: np.ndarray, unit: str, chance: Any, seed: int) -> wl.Estimate:
    """Return means over neurons [layer, neuron], those that never fire left out, with their intervals."""
    fires, number = np.isfinite(values).T, np.arange(values.shape[1])
    about: dict[str, Any] = {"unit": unit, "chance": chance, "resampled_over": "neurons", "dims": ("layer",)}
    return cluster_bootstrap(np.nan_to_num(values).T, fires, number, seed=seed, **about)


def _lower(of: np.ndarray, than: np.ndarray, seed: int) -> wl.Estimate:
    """Return the probability that a value of one array [layer, i] is lower than one of another [layer, j].

    Both sides are resampled for the interval: the random directions are a sample, too.
    """
    random = np.random.default_rng(seed)
    value, samples = [], []
    for one, other in zip(of, than, strict=True):
        one, other = one[np.isfinite(one)], other[np.isfinite(other)]
        if not (len(one) and len(other)):
            value.append(np.nan)
            samples.append(np.full(_REPLICATES, np.nan))
            continue
        rows, columns = (
            random.multinomial(count, np.full(count, 1 / count), size=_REPLICATES) / count
            for count in (len(one), len(other))
        )
        wins = (one[:, None] < other - _SAME) + 0.5 * (np.abs(one[:, None] - other) <= _SAME)
        value.append(wins.mean())
        samples.append(((rows @ wins) * columns).sum(1))
    low, high = np.quantile(samples, [0.025, 0.975], axis=1)
    return wl.Estimate(
        np.array(value),
        low,
        high,
        n=of.shape[1],
        unit="probability",
        chance=0.5,
        resampled_over="neurons",
        dims=("layer",),
    )
