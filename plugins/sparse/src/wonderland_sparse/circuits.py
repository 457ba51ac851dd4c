"""Do a few latents carry a difference, and fewer of them than of anything else?

Contrasts are mined from held-out messages (who speaks, by default). After each layer that has a dictionary, the latents
that differ between the two runs are put in order by attribution on one half of the contrasts; on the other half, of
other conversations, the first 1, 2, 4, … of them are swapped, and the share of the answer's difference that follows is
measured, into the corrupted run (what suffices) and out of the clean one (what is needed).

The same is done with neurons of the layer, principal components, latents whose decoder was drawn and never trained,
and one direction, the difference of means; and with heads of the whole model, in the order of what each brings back
alone on the half to choose on. Chance is 200 random sets of as many
latents that differ, too. What the latents leave (the error, and in a context dictionary the table of tokens) is
swapped alone: if it carries the difference, the latents are not the whole story.

The order is used only if attribution agrees with swapping each latent by itself (r of 0.9 and more); else the layer is
left out.

What would fool it: the difference of means and a probe are found with labels, latents without, so a latent that comes
close has earned more. Heads are swapped wherever they stand, not after a layer: some of what they bring back may not
pass through it. And a set chosen by what it does on the same pairs always does it: so it is chosen on others.

References: Marks et al. 2024 (2403.19647), sparse feature circuits; Sundararajan et al. 2017, integrated gradients.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.advice import Command, Hint
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch, recovery
from wonderland_sparse.asking import AsksContrasts
from wonderland_sparse.circuits_result import CircuitsResult
from wonderland_sparse.controls import components, moments
from wonderland_sparse.dictionaries_result import DictionariesResult
from wonderland_sparse.streams import held_out
from wonderland_sparse.swapping import (
    Pairs,
    Units,
    attribution,
    difference_of_means,
    of_directions,
    of_latents,
    pairs_of,
    swap,
)

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

SIZES = (1, 2, 4, 8, 16, 32, 64)
LEAST_AGREEMENT = 0.9
_SETS, _SET = 200, 4
_EXACT = 48  # latents that are also swapped alone, to hold attribution to it


@dataclass(frozen=True)
class SparseCircuits(AsksContrasts):
    """Do a few latents carry a difference? Swapped on held-out contrasts, beside neurons, components and heads."""

    name: ClassVar[str] = "sparse-circuits"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("resid_post", "contrasts")
    groups: ClassVar[tuple[str, ...]] = ("sparse",)
    no_choices: ClassVar[str] = (
        "Latents are put in order on one half of the contrasts and swapped on the other; it takes "
        "dictionaries of a trained model, which the shared noise has none of."
    )
    uses: ClassVar[tuple[str, ...]] = ("sparse-dictionaries",)
    on_request: ClassVar[bool] = True

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_sparse import truths

        return truths.circuits()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> CircuitsResult:
        """Choose latents on one half of the contrasts and swap them on the other."""
        found = specimen.results.get("sparse-dictionaries")
        if not isinstance(found, DictionariesResult):
            raise wl.NotEnoughData(
                "There are no dictionaries whose latents could be swapped.",
                hint=Hint("Train some: ", Command("analyze", "sparse-dictionaries")),
            )
        mined = self.asked(specimen)
        layers = found.layers[:1] if found.shared else found.layers
        parts = []
        for number, layer in enumerate(layers):
            specimen.progress(number, len(layers))
            parts.append(self._layer(specimen, found, layer, mined))
        specimen.progress(len(layers), len(layers))
        return CircuitsResult.of(parts, contrast=self.contrast, heads=self._heads(specimen, mined))

    def _layer(
        self, specimen: wl.Specimen, found: DictionariesResult, layer: int, mined: wl.Contrasts
    ) -> dict[str, Any]:
        explore, confirm = (pairs_of(specimen, half, layer) for half in (mined.explore, mined.confirm))
        x = held_out(specimen, [layer])[layer].x
        axes = components(moments(x), x.shape[1])[1]
        dictionary, table = found.dictionary(layer), found.table(layer)
        frozen = found.frozen(layer)
        one = difference_of_means(explore)

        def kinds(pairs: Pairs) -> dict[str, Units]:
            made = {"latents": of_latents(pairs, dictionary, table), "components": of_directions(pairs, axes)}
            if frozen is not None:
                made["latents of a frozen decoder"] = of_latents(pairs, frozen, table)
            if pairs.post is not None:
                w_out = specimen.model.blocks[layer].mlp.W_out.detach().float().cpu()
                made["neurons"] = Units(pairs.post[0] - pairs.post[1], w_out)
            made["difference of means"] = of_directions(pairs, one[None])
            return made

        first, second = kinds(explore), kinds(confirm)
        scores = attribution(specimen, layer, explore, first)
        orders = {name: np.argsort(-score, kind="stable") for name, score in scores.items()}
        agreement = self._agreement(specimen, layer, explore, first["latents"], scores["latents"])
        part: dict[str, Any] = {
            "layer": layer,
            "agreement": agreement,
            "order": orders["latents"][: SIZES[-1]],
            "scores": scores["latents"][orders["latents"]][: SIZES[-1]],
            "refused": not agreement >= LEAST_AGREEMENT,
        }
        if part["refused"]:
            return part
        whole = confirm.clean - confirm.corrupted
        ends = list(swap(specimen, layer, confirm, lambda i: i * whole, 2))

        def measured(steps: Any, count: int, noising: bool = False) -> wl.Estimate:
            base, donor = ends[::-1] if noising else ends
            made = swap(specimen, layer, confirm, steps, count, noising=noising)
            return recovery(made, base, donor, confirm.batch, seed=self.seed)

        curves, sizes = {}, {}
        for name, units in second.items():
            most = units.directions.shape[0]
            sizes[name] = [size for size in SIZES if size <= most]
            curves[name] = measured(lambda i, u=units, n=name: u.step(orders[n][: sizes[n][i]]), len(sizes[name]))
        latents = second["latents"]
        everything = latents.step(np.arange(latents.directions.shape[0]))
        left = whole - everything
        differ = np.flatnonzero((latents.change != 0).any(0).any(0).numpy())
        random = np.random.default_rng(self.seed)
        size = min(_SET, len(differ))
        sets = [random.choice(differ, size, replace=False) for _ in range(_SETS)] if size else []
        by_chance = measured(lambda i: latents.step(sets[i]), len(sets)).value if sets else np.zeros(0)
        part |= {
            "sizes": sizes,
            "curves": curves,
            "needed": measured(
                lambda i: latents.step(orders["latents"][: sizes["latents"][i]]), len(sizes["latents"]), True
            ),
            "all latents": measured(lambda _: everything, 1)[0],
            "error": measured(lambda _: left, 1)[0],
            "differ": len(differ),
            "by chance": np.asarray(by_chance),
        }
        return part

    def _agreement(self, specimen: wl.Specimen, layer: int, pairs: Pairs, units: Units, scores: np.ndarray) -> float:
        """Return the correlation of attribution with swapping single latents, of the first and of some others."""
        order = np.argsort(-np.abs(scores), kind="stable")
        differ = order[scores[order] != 0]
        some = np.unique(np.r_[differ[: _EXACT // 2], differ[:: max(len(differ) // (_EXACT // 2), 1)]])
        if len(some) < 3:
            return float("nan")
        base = swap(specimen, layer, pairs, lambda _: torch.zeros_like(pairs.clean), 1)[0]
        exact = swap(specimen, layer, pairs, lambda i: units.step([some[i]]), len(some)) - base
        return float(np.corrcoef(exact.sum(1), scores[some])[0, 1])

    def _heads(self, specimen: wl.Specimen, mined: wl.Contrasts) -> dict[str, Any]:
        """Return all heads, those first that bring back most alone on one half, and what sets of them do on the other.

        Some heads of a set may stand behind one another, so that a set is no sum of them.
        """
        from wonderland.lab.contrast import ContrastBatch

        every = list(wl.Head.all(specimen.cfg.n_layers, specimen.cfg.n_heads))
        sizes = [size for size in SIZES if size < len(every)] + [len(every)] * (len(every) <= SIZES[-1])
        halves = [ContrastBatch.of(half, specimen.tokenizer) for half in (mined.explore, mined.confirm)]

        def brought_back(half: int, sets: list[list[wl.Head]]) -> wl.Estimate:
            sites = [[Site("z", head.layer, head.index) for head in heads] for heads in sets]
            return patch(specimen.model, halves[half], sites, directions=("denoising",)).pooled(seed=self.seed)

        alone = np.asarray(brought_back(0, [[head] for head in every]).value)
        if not np.isfinite(alone).any():
            curve = wl.Estimate.missing((len(sizes),), unit="recovery", chance=0.0, dims=("size",))
            return {"order": [], "sizes": sizes, "curve": curve}
        order = [every[place] for place in np.argsort(-np.nan_to_num(alone, nan=-np.inf), kind="stable")]
        curve = dataclasses.replace(brought_back(1, [order[:size] for size in sizes]), dims=("size",))
        return {"order": [str(head) for head in order], "sizes": sizes, "curve": curve}
