"""Where does the difference between two prompts travel on its way to the answer?

Over many contrasts (`wl.Contrast`: two prompts that differ in one respect, a target and a foil), activations of one run
are put into the other and the logit difference Δ = logit[target] − logit[foil] is watched. Denoising puts clean
activations into the corrupted run: recovery is the share of the gap that comes back, so it asks what suffices. Noising
puts corrupted ones into the clean run: the share that is lost, so it asks what is needed. Three grids by layer, of the
residual stream, of what attention adds and of what the MLP adds, and one by head.

Prompts differ in length, so positions are named by what they are: the difference itself, what stands between it and
the answer, and the answer (the last position). What stands before the first difference is the same in both runs and
recovers exactly nothing. Shares are pooled over pairs as a ratio of means, with a bootstrap over conversations.

The head that is claimed is chosen on one half of the pairs and measured on the other, of other conversations.

What would fool it: one pair (under 20 everything is marked anecdotal); pairs without a gap (refused); and the reading
that what recovers little does nothing: heads back each other up, and a negative recovery says that the parts are not
additive or the mixed run is inconsistent, not that there is superposition.

References: Zhang and Nanda 2023 (2309.16042); Heimersheim and Nanda 2024 (2404.15255).
Cost: 2 × (9 layers-and-roles + heads) × layers short forward passes a pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.interventions import Intervention, Site
from wonderland.lab.patching import Patched, patch
from wonderland.lab.stats import cluster_bootstrap
from wonderland_circuits import patching_grid
from wonderland_circuits.contrast_selection import AsksContrasts, described
from wonderland_circuits.patching_result import MODES, ROLES, WAYS, ActivationPatchingResult

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth


@dataclass(frozen=True)
class ActivationPatching(AsksContrasts):
    """Where does a difference travel to the answer? Many contrasts, both ways, by layer, place and head."""

    name: ClassVar[str] = "activation-patching"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    shown: Annotated[int, "single pairs to show token by token"] = 4

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import truths

        return truths.activation_patching()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the pairs and measures on the other."""
        from wonderland_circuits import choices

        return choices.activation_patching()

    def run(self, specimen: wl.Specimen) -> ActivationPatchingResult:
        """Patch every layer, place and head in every pair that passes the linter."""
        asked = self.asked(specimen)
        model, batch = specimen.model, asked.batch
        modes = [mode for mode in MODES if mode != "mlp_out" or not model.cfg.attn_only]
        layers, heads = model.cfg.n_layers, model.cfg.n_heads
        cells: list[Intervention] = [
            [Site(m, layer, positions=role)] for m in modes for layer in range(layers) for role in ROLES
        ]
        split = len(cells)
        cells += [[Site("z", layer, head)] for layer in range(layers) for head in range(heads)]
        patched = patch(model, batch, cells, positions=batch.places())
        whole = {way: _estimate(patched, way, np.arange(len(batch)), self.seed) for way in WAYS}
        at, best = None, ""
        if len(asked.explore):
            at = int(np.argmax(_estimate(patched, "denoising", asked.explore, self.seed).value[split:]))
            best = str(Head(*divmod(at, heads)))
        shown = patching_grid.grids(specimen, asked, modes, self.shown)
        by_head = {way: _shaped(whole[way], slice(split, None), (layers, heads), "layer", "head") for way in WAYS}
        return ActivationPatchingResult(
            grid={
                way: {
                    mode: _shaped(
                        whole[way], slice(i * layers * 3, (i + 1) * layers * 3), (layers, 3), "layer", "place"
                    )
                    for i, mode in enumerate(modes)
                }
                for way in WAYS
            },
            by_head=by_head,
            per_pair={
                way: patched.per_pair(noising=way == "noising")[split:].T.reshape(len(batch), layers, heads)
                for way in WAYS
            },
            best=best,
            confirmed={way: _estimate(patched, way, asked.confirm, self.seed)[split + (at or 0)] for way in WAYS},
            held_back=self.held_back,
            gap=_gap(patched, self.seed),
            kind=self.differs,
            pairs=[
                described(contrast, specimen.tokenizer, gap)
                for contrast, gap in zip(asked.contrasts, patched.clean - patched.corrupted, strict=True)
            ],
            confirming=len(asked.confirm),
            refused=asked.refused,
            shown=shown,
            words=specimen.tokenizer.pieces(patching_grid.tokens_in(shown)),
        )


def _estimate(patched: Patched, way: str, pairs: np.ndarray, seed: int) -> wl.Estimate:
    """Return the pooled recovery of every cell over some pairs."""
    return patched.pairs(pairs).pooled(noising=way == "noising", seed=seed)


def _shaped(estimate: wl.Estimate, part: slice, shape: tuple[int, ...], *dims: str) -> wl.Estimate:
    return estimate[part].reshape(shape, dims)


def _gap(patched: Patched, seed: int) -> wl.Estimate:
    if not len(patched.batch):
        return wl.Estimate.missing(unit="logits", resampled_over="pairs")
    gaps, batch = patched.clean - patched.corrupted, patched.batch
    over = batch.resampled_over
    return cluster_bootstrap(
        gaps, np.ones(len(gaps)), batch.cluster, unit="logits", chance=0.0, resampled_over=over, seed=seed
    )
