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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland.lab.interventions import Intervention, Site
from wonderland.lab.patching import Patched, patch
from wonderland.lab.stats import cluster_bootstrap
from wonderland_circuits import patching_grid
from wonderland_circuits.questions import Questions, described, share, spelled

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

MODES = ("resid_pre", "attn_out", "mlp_out")
ROLES = ("difference", "between", "answer")
WAYS = ("denoising", "noising")
_MODE = {"resid_pre": "residual stream", "attn_out": "attention", "mlp_out": "MLP"}


@dataclass(frozen=True)
class ActivationPatchingResult(wl.Result):
    """Recovery by what was patched.

    Attributes:
        grid: By way ("denoising", "noising") and mode ("resid_pre", "attn_out", "mlp_out"), share of the gap
            recovered or lost, each [layer, role].
        by_head: By way, the same for each head's output at all positions, each [layer, head].
        per_pair: By way, recovery of each pair by each head, each [pair, layer, head].
        best: The head that recovers most on the pairs to explore with, "" if there are no pairs.
        confirmed: By way, its recovery on the other pairs.
        held_back: Whether ``confirmed`` is on pairs that were not used to choose it.
        gap: Mean gap in logits; NaN without pairs.
        kind: What differs between the prompts.
        pairs: Clean and corrupted text, target, foil and gap of each pair.
        confirming: Pairs that ``confirmed`` rests on.
        refused: Why pairs were refused, each a line.
        shown: Single pairs token by token, as ``wonderland_circuits.patching_grid`` says.
        words: Pieces of the tokens that are likely in them.
    """

    grid: dict[str, dict[str, wl.Estimate]]
    by_head: dict[str, wl.Estimate]
    per_pair: dict[str, np.ndarray]
    best: str
    confirmed: dict[str, wl.Estimate]
    held_back: bool
    gap: wl.Estimate
    kind: str
    pairs: list[dict[str, Any]]
    confirming: int
    refused: list[str]
    shown: list[dict[str, Any]]
    words: list[str]

    @property
    def anecdotal(self) -> bool:
        """Whether the claim rests on fewer than 20 pairs."""
        return self.confirming < ENOUGH_PAIRS

    @property
    def trust(self) -> Any:
        """How far the claim can be trusted."""
        one = self.confirmed["denoising"]
        if self.anecdotal:
            return "anecdotal"
        return "solid" if self.held_back and one.trusted and one.low > 0 else "weak"

    def summary(self) -> str:
        what = spelled(self.kind)
        refusals = [f"Refused: {reason}." for reason in self.refused]
        if not self.pairs:
            return "\n".join([f"No recovery can be given: there is no usable contrast ({what}).", *refusals])
        one, other = (self.confirmed[way] for way in WAYS)
        anecdote = f", anecdotal: fewer than {ENOUGH_PAIRS} pairs" if self.anecdotal else ""
        chosen = "chosen on other conversations" if self.held_back else "chosen on the same pairs"
        lines = [
            f"Of all heads {self.best} alone brings back most of the difference ({what}): {share(one)} of it "
            f"over {self.confirming} pairs, {chosen}{anecdote}.",
            f"Corrupting it alone takes away {share(other)}.",
            f"The gap is {self.gap.value:.2f} logits on average, over {len(self.pairs)} pairs in all.",
        ]
        if arrives := self.arrives():
            lines.append(arrives)
        return "\n".join(lines + refusals)

    def arrives(self) -> str:
        """Say by which layer most of the difference stands at the answer, or nothing if it does not travel."""
        stream = self.grid["denoising"]["resid_pre"].value
        at_answer = stream[:, ROLES.index("answer")]
        if not np.isfinite(at_answer).all() or at_answer[0] > 0.5:
            return ""
        late = np.flatnonzero(at_answer > 0.5)
        before = f"before layer {late[0]}" if len(late) else "only in the last layer"
        return f"Most of it has arrived at the answer {before}; until then it stands elsewhere."

    def findings(self) -> Sequence[wl.Finding]:
        first = self.summary().splitlines()[0]
        view = "patching-heads" if self.pairs else ""
        return [wl.Finding(first, view, {"head": self.best} if self.best else {}, self.trust)]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {
            "Patched in alone, share brought back": self.by_head["denoising"],
            "Corrupted alone, share lost": self.by_head["noising"],
        }

    def views(self) -> Sequence[wl.View]:
        if not self.pairs:
            return []
        layers, each = self.by_head["denoising"].value.shape
        n = self.by_head["denoising"]
        anecdote = f" Fewer than {ENOUGH_PAIRS} pairs: an anecdote." if self.anecdotal else ""
        caption = (
            f"Share of the gap of {self.gap.value:.2f} logits, pooled over {len(self.pairs)} pairs; 95% interval over "
            f"n={n.n} {n.resampled_over}; 0 is no effect.{anecdote}"
        )
        misleads = (
            "Heads back each other up, so one that brings back little may still be used; below 0 the mixed run is "
            "worse than either, which shows that the parts do not simply add up."
        )
        rows = [f"L{layer}" for layer in range(layers)]
        grids = [
            _series(f"{_MODE[mode]}, {way}", self.grid[way][mode])
            for way in WAYS
            for mode in MODES
            if mode in self.grid[way]
        ]
        by_head = [_series(way, self.by_head[way]) for way in WAYS]
        columns = [
            {"key": "clean", "label": "Clean"},
            {"key": "corrupted", "label": "Corrupted"},
            {"key": "target", "label": "Target"},
            {"key": "foil", "label": "Foil"},
            {"key": "gap", "label": "Gap", "unit": "logits", "digits": 2},
            {"key": "best", "label": f"{self.best} brings back", "unit": "share", "digits": 2},
        ]
        at = Head.parse(self.best)
        table = [{**pair, "best": float(self.per_pair["denoising"][(i, *at)])} for i, pair in enumerate(self.pairs)]
        single = [patching_grid.view(self.shown, self.words, self.refused, each)] if self.shown else []
        return [
            *single,
            wl.View.of_data(
                "patching-heads",
                "Patching by head",
                "matrix",
                {"rows": rows, "columns": [f"H{head}" for head in range(each)], "links": "head", "series": by_head},
                caption=caption,
                how_to_read="Two prompts differ in one respect. Denoising: this head's output from the first prompt is "
                "put into the second, and the share of the first one's answer that comes back is shown. Noising is the "
                "reverse: the share that is lost.",
                misleads=misleads,
                order=44,
                warning=self._refusals(),
            ),
            wl.View.of_data(
                "patching",
                "Patching by layer and place",
                "matrix",
                {"rows": rows, "columns": list(ROLES), "series": grids},
                caption=caption,
                how_to_read="Follow the residual stream downwards: the difference starts where the prompts differ and "
                "must reach the answer, the last position. Attention moves it there, in the layer where its column "
                "'answer' is strong.",
                misleads=misleads,
                order=45,
                warning=self._refusals(),
            ),
            wl.View.of_data(
                "patching-pairs",
                "Contrasts that were used",
                "table",
                {"columns": columns, "rows": table},
                caption=f"All {len(self.pairs)} pairs; the gap is the logit difference of target and foil, clean minus "
                "corrupted.",
                how_to_read="Each row is a question to the model: what changes its next word from the foil to the "
                "target?",
                misleads="One row is an anecdote; target and foil were chosen for their gap.",
                order=46,
            ),
        ]

    def _refusals(self) -> str:
        few = f"Fewer than {ENOUGH_PAIRS} pairs: an anecdote. " if self.anecdotal else ""
        return few + ("The linter refused pairs: " + "; ".join(self.refused) + "." if self.refused else "")


@dataclass(frozen=True)
class ActivationPatching:
    """Where does a difference travel to the answer? Many contrasts, both ways, by layer, place and head."""

    name: ClassVar[str] = "activation-patching"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("contrasts",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    kind: Annotated[str, "what differs: speaker, first-speaker, affirmation or question"] = "speaker"
    pairs: Annotated[int, "pairs to mine at most, half to explore and half to confirm"] = 64
    shown: Annotated[int, "single pairs to show token by token"] = 4
    seed: Annotated[int, "seed of pairs and intervals"] = 0
    contrasts: Annotated[tuple[wl.Contrast, ...], "contrasts of your own, in place of mined ones"] = ()

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
        asked = Questions.of(specimen, self.contrasts, kind=self.kind, pairs=self.pairs, seed=self.seed)
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
            best = f"L{at // heads}H{at % heads}"
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
            held_back=not self.contrasts,
            gap=_gap(patched, self.seed),
            kind="" if self.contrasts else self.kind,
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


def _series(name: str, estimate: wl.Estimate) -> dict[str, Any]:
    return {
        "name": name,
        "unit": "share of the gap",
        "values": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "chance": 0.0,
        "scale": "diverging",
    }
