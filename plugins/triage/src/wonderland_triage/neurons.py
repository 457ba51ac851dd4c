"""What does each neuron fire for, and does it fire for one thing?

For every neuron of every layer: the snippets that activate it most, the tokens its output raises and lowers most
(W_out W_U) and those its input reads most (W_E W_in), norms folded in. And how mixed it is: the entropy of the kinds
of tokens among its ``top`` highest activations (0: all of one kind, 1: all kinds alike), the entropy of the tokens
themselves (1: all different), and its selectivity, (μ_best − μ_rest) / (μ_best + μ_rest) of its mean positive
activation for its favourite kind and for all others.

The most selective ones are listed. They and each one's favourite kind are chosen on one half of the conversations;
selectivity, and every other number and snippet of those listed, is of the other half (`wonderland_triage.selectivity`).

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
from wonderland_triage.neuron_stats import KINDS, Fired, Firing, fire
from wonderland_triage.neurons_result import THRESHOLDS, NeuronsResult, nothing
from wonderland_triage.selectivity import CHOOSE, MEASURE, favourites, halves, measured, selectivity

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

_REPLICATES = 1000
_NEURONS = 256  # whose products with the vocabulary are held at a time
_PRODUCTS = 2e11  # of all neurons with the vocabulary: some ten seconds of one thread
_SAME = 1e-9  # entropies of the same counts in another order differ by rounding


@dataclass(frozen=True)
class Neurons:
    """What does each neuron fire for? Snippets, vocabulary and mixture of all neurons, against random directions."""

    name: ClassVar[str] = "neurons"
    version: ClassVar[int] = 5
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    top: Annotated[int, "highest activations of a neuron to judge it by"] = 24
    directions: Annotated[int, "random directions in each layer to compare with"] = 128
    listed: Annotated[int, "neurons to list with their snippets"] = 24
    tokens: Annotated[int, "tokens to name that a neuron raises, lowers and reads"] = 5
    seed: Annotated[int, "seed of the directions and of the halves"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.neurons()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the conversations and measures on the other."""
        from wonderland_triage import choices

        return choices.neurons()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> NeuronsResult:
        """Measure every neuron over the specimen's evidence."""
        if specimen.cfg.attn_only:
            return nothing(specimen.cfg.n_layers)
        half = halves(specimen.evidence, self.seed)
        fired = fire(specimen, half, top=self.top, directions=self.directions, seed=self.seed)
        tokens = specimen.evidence.tokens.ravel()
        counts, shuffles = fired.count(fired.kinds), fired.count(fired.shuffled)
        neurons = _stack([_measure(of, of.by_kind, counts, fired.kinds, tokens) for of in fired.neurons])
        directions = _stack([_measure(of, of.by_kind, counts, fired.kinds, tokens) for of in fired.directions])
        shuffled = _stack([_measure(of, of.by_shuffled, shuffles, fired.shuffled, tokens) for of in fired.neurons])
        units = self._units(neurons["chosen_by"])
        vocabulary = self._vocabulary(specimen, _to_read(specimen.cfg, units))
        chance = np.nanmean(directions["kind"], axis=1)
        fires = np.stack([of.by_kind.sum(1) > 0 for of in fired.neurons], axis=1)  # [half, layer, neuron]
        groups = specimen.evidence.conversation
        result = NeuronsResult(
            kind_entropy=neurons["kind"],
            token_entropy=neurons["token"],
            selectivity=neurons["selectivity"],
            chosen_by=neurons["chosen_by"],
            favourite=neurons["favourite"].astype(np.int64),
            active=np.stack([of.active for of in fired.neurons]),
            conversations=[len(np.unique(groups[half == which])) for which in (CHOOSE, MEASURE)],
            lost=[int((fires[here] & ~fires[there]).sum()) for here, there in ((0, 1), (1, 0))],
            kinds=list(KINDS),
            directions=self.directions,
            mixed=_over_neurons(neurons["kind"], "share of ln(kinds)", chance, self.seed),
            specific=_lower(neurons["kind"], directions["kind"], self.seed),
            nulls={
                name: np.stack([_mean(of["kind"]), _mean(of["selectivity"])])
                for name, of in (("random directions", directions), ("shuffled kinds", shuffled))
            },
            sweep={
                name: (of["kind"][np.isfinite(of["kind"])][:, None] >= THRESHOLDS).mean(0)
                for name, of in (("neurons", neurons), ("random directions", directions), ("shuffled kinds", shuffled))
            },
            raises=vocabulary["raises"][0],
            lowers=vocabulary["lowers"][0],
            reads=vocabulary["reads"][0],
            listed_selectivity=wl.Estimate.missing((0,), unit="1", dims=("neuron",)),
            listed=[],
        )
        listed, found = self._list(specimen, units, vocabulary, result, fired, half)
        return dataclasses.replace(result, listed=listed, listed_selectivity=found)

    def _units(self, chosen_by: np.ndarray) -> list[tuple[int, int]]:
        """Return layer and number of the neurons to list, those of the highest score [layer, neuron] first."""
        order = np.argsort(-np.nan_to_num(chosen_by, nan=-np.inf), axis=None, kind="stable")
        chosen = order[: min(self.listed, int(np.isfinite(chosen_by).sum()))]
        return [(int(i), int(j)) for i, j in zip(*np.unravel_index(chosen, chosen_by.shape), strict=True)]

    def _vocabulary(self, specimen: wl.Specimen, of: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the tokens each neuron raises, lowers and reads most, and by how much, [layer, neuron, place] each.

        Args:
            specimen: The model and its tokenizer.
            of: Which neurons, [layer, neuron]; the others get −1 and NaN.
        """
        # Folded in double precision, one after the other, and multiplied in single: it is the largest product here, and
        # only the ends are read.
        unembedding = torch.from_numpy(fold(specimen.model).W_U).float()
        embedding = torch.from_numpy(fold(specimen.model).W_E.T).float()
        tops: dict[str, list[Any]] = {"raises": [], "lowers": [], "reads": []}
        for layer in np.flatnonzero(of.any(1)).tolist():
            which = torch.from_numpy(of[layer])
            w_in, w_out = (torch.from_numpy(part).float() for part in folded_mlp(specimen.model, layer))
            for some, others in zip(w_out[which].split(_NEURONS), w_in.T[which].split(_NEURONS), strict=True):
                value, key = some @ unembedding, others @ embedding  # [neuron, d_vocab]
                tops["raises"].append(value.topk(self.tokens))
                tops["lowers"].append(value.topk(self.tokens, largest=False))
                tops["reads"].append(key.topk(self.tokens))
        found = {}
        for name, each in tops.items():
            ids, by = np.full((*of.shape, self.tokens), -1), np.full((*of.shape, self.tokens), np.nan)
            if each:
                by[of], ids[of] = (torch.cat(part).numpy() for part in zip(*each, strict=True))
            found[name] = ids, by
        return found

    def _list(
        self,
        specimen: wl.Specimen,
        units: list[tuple[int, int]],
        vocabulary: dict[str, tuple[np.ndarray, np.ndarray]],
        result: NeuronsResult,
        fired: Fired,
        half: np.ndarray,
    ) -> tuple[list[dict[str, Any]], wl.Estimate]:
        """Return the neurons most selective on the half to choose on, told by the other half, and their selectivity."""
        favourite = np.array([result.favourite[at] for at in units], dtype=np.int64)
        kinds, rest = fired.kinds.reshape(specimen.evidence.tokens.shape), half == MEASURE
        watched = watch(specimen, units)
        watched[:, ~rest] = np.nan
        groups = specimen.evidence.conversation[rest]
        found = measured(watched[:, rest], kinds[rest], favourite, groups, seed=self.seed)
        chance = result.nulls["random directions"][1][[layer for layer, _ in units]]
        names = [str(Neuron(*at)) for at in units]
        rows = []
        for at, name, kind, activations in zip(units, names, favourite, watched, strict=True):
            row: dict[str, Any] = {
                "neuron": name,
                "kind": KINDS[kind],
                "entropy": self._entropy(activations, kinds, fired),
                "active": float((activations > 0).sum() / max(np.isfinite(activations).sum(), 1)),
                "bands": bands(specimen, activations, seed=self.seed),
                "histogram": histogram(activations),
            }
            for part, (ids, by) in vocabulary.items():
                pieces = specimen.tokenizer.pieces(ids[at].tolist())
                row[part] = [[piece, round(float(v), 3)] for piece, v in zip(pieces, by[at], strict=True)]
            rows.append(row)
        return rows, dataclasses.replace(found, chance=chance, dims=("neuron",), labels={"neuron": tuple(names)})

    def _entropy(self, activations: np.ndarray, kinds: np.ndarray, fired: Fired) -> float:
        """Return the entropy of the kinds among the highest activations [window, pos]; NaN if there are none."""
        flat = np.nan_to_num(activations, nan=-np.inf).ravel()
        top = np.argsort(-flat, kind="stable")[: self.top]
        counts = np.bincount(kinds.ravel()[top[flat[top] > 0]], minlength=len(KINDS))
        return float(_entropies([counts], _most(fired.count(fired.kinds)))[0])


def _to_read(cfg: Any, units: list[tuple[int, int]]) -> np.ndarray:
    """Return of which neurons to tell the tokens, [layer, neuron]: of all, or of those that are listed if it costs."""
    if cfg.n_layers * cfg.d_mlp * cfg.d_model * cfg.d_vocab <= _PRODUCTS:
        return np.ones((cfg.n_layers, cfg.d_mlp), dtype=bool)
    found = np.zeros((cfg.n_layers, cfg.d_mlp), dtype=bool)
    for at in units:
        found[at] = True
    return found


def _measure(
    of: Firing, by_kind: np.ndarray, count: np.ndarray, kinds: np.ndarray, tokens: np.ndarray
) -> dict[str, np.ndarray]:
    """Return entropies, and selectivity for the kind that is the favourite on the half to choose on, [unit] each."""
    favourite = favourites(by_kind[CHOOSE], count[CHOOSE])
    fires = [column[values > 0] for column, values in zip(of.places.T, of.values.T, strict=True)]
    top = [np.bincount(kinds[places], minlength=len(KINDS)) for places in fires]
    words = [np.unique(tokens[places], return_counts=True)[1] for places in fires]
    return {
        "kind": _entropies(top, _most(count)),
        "token": _entropies(words, np.log(max(len(of.places), 2))),
        "chosen_by": selectivity(by_kind[CHOOSE], count[CHOOSE], favourite),
        "selectivity": selectivity(by_kind[MEASURE], count[MEASURE], favourite),
        "favourite": favourite,
    }


def _most(count: np.ndarray) -> float:
    """Return the most entropy that the kinds which occur can have, of their counts [half, kind]."""
    return float(np.log(max((count.sum(0) > 0).sum(), 2)))


def _mean(values: np.ndarray) -> np.ndarray:
    """Return means over units [layer, unit] where there is a number, [layer]; NaN where there is none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.where(known, values, 0).sum(1) / known.sum(1)
    return found


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
