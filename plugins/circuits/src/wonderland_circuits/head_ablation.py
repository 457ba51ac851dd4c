"""What does each head's output save, in nats a token?

Over held-out windows, ΔL = L(without the head) − L, where the head's output z is replaced in three ways: by zeros, by
its mean over the evidence, and by what the same head computed at the same position of another conversation (resample).
Positive: the model needs the head. Per window, paired, with a cluster bootstrap over conversations; p by flipping the
signs of whole conversations, and q by Benjamini and Hochberg over all heads. Every head is shown; the one that is named
as costing most is chosen on half of the conversations, and its cost is given on the other half.

What would fool it: zeros. A head that always adds the same vector is missed when zeroed although it carries nothing, so
the verdict goes by resample and mean ablation, and a head that matters only when zeroed is called that. Heads that back
each other up each cost little alone, so pairs are ablated too (`wonderland_circuits.head_pairs`). And a cost says that
a head is used, not what for.

References: Chan et al. 2022 (causal scrubbing) on resampling; Li and Janson 2024 (2409.09951) on kinds of ablation.
Cost: three forward passes a head over ``windows`` windows, from the head's layer on, and one a pair over fewer. Of a
model with more than ``alone`` heads those are ablated of which the gradient of the loss expects most, and a random
quarter of others, beside which the estimate is shown; the rest has no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.ablation import collect, donors, estimated_rises, spread, summed_losses, writing
from wonderland.lab.halves import best_apart, first_half
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.shortlist import layers_in, shortlist
from wonderland.lab.stats import benjamini_hochberg, cluster_bootstrap, paired_permutation
from wonderland_circuits import head_pairs
from wonderland_circuits.ablation_result import KINDS, NOT_TRIED, HeadAblationResult

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_BATCH = 16


@dataclass(frozen=True)
class HeadAblation:
    """What does each head save? Rise of the loss without it: zero, mean and resample ablation, by conversation."""

    name: ClassVar[str] = "head-ablation"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ("z",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)
    no_choices: ClassVar[str] = (
        "It chooses by conversations and not by contrasts, so that its tests, not the shared noise, "
        "exchange the halves: the dearest head and the pairs are measured on the other half."
    )

    windows: Annotated[int, "held-out windows to ablate in, spread over all conversations"] = 48
    level: Annotated[float, "false-discovery rate for a verdict"] = 0.05
    alone: Annotated[int, "heads to ablate: of more, those a gradient expects most of, and a random quarter"] = 64
    layers: Annotated[str, "of these layers only, such as 2, 0,2 or 5-7; all if empty"] = ""
    pairs: Annotated[int, "pairs of heads to ablate together, all of them if there are no more; 0 for none"] = 120
    pair_windows: Annotated[int, "of those windows, how many to ablate pairs in, half to choose by"] = 24
    seed: Annotated[int, "seed of windows, halves, donors and intervals"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import truths

        return truths.head_ablation()

    def run(self, specimen: wl.Specimen) -> HeadAblationResult:
        """Ablate every head in every window."""
        evidence = specimen.evidence
        random = np.random.default_rng(self.seed)
        order = spread(evidence.conversation, random)
        chosen = order[: self.windows]
        chosen = chosen[np.argsort(evidence.lengths[chosen], kind="stable")]  # like lengths together: little padding
        donor = donors(evidence.lengths, evidence.conversation, chosen, random)
        mean, stored = collect(specimen, set(donor[donor >= 0].tolist()))
        first = first_half(evidence.conversation[chosen], self.seed)  # of windows: those to choose by
        expected, tried = self._tried(specimen, chosen[first], mean)
        rises: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
        losses = []
        for start in range(0, len(chosen), _BATCH):
            batch = slice(start, start + _BATCH)
            plain, rise = _ablated(specimen, chosen[batch], donor[batch], mean, stored, tried)
            losses.append(plain)
            for kind in KINDS:
                rises[kind].append(rise[kind])
        words = (evidence.lengths[chosen] - 1).astype(float)
        conversation = evidence.conversation[chosen]
        whole = {kind: np.concatenate(rises[kind]) for kind in KINDS}  # [window, layer, head], summed over tokens
        kept = {"resample": donor >= 0, "mean": donor >= -1, "zero": donor >= -1}
        cost, q = {}, {}
        for kind in KINDS:
            rows = kept[kind]
            if rows.any():
                cost[kind] = cluster_bootstrap(
                    whole[kind][rows],
                    words[rows],
                    conversation[rows],
                    unit="nats a token",
                    chance=0.0,
                    dims=("layer", "head"),
                    seed=self.seed,
                )
                p, _ = paired_permutation(whole[kind][rows], conversation[rows], seed=self.seed)
            else:  # one conversation only: there is no other to take from
                p = np.full(whole[kind].shape[1:], np.nan)
                cost[kind] = wl.Estimate.missing(p.shape, unit="nats a token", chance=0.0, dims=("layer", "head"))
            q[kind] = benjamini_hochberg(np.where(tried, p, np.nan))
        dearest, dearest_cost = self._dearest(whole["resample"], words, conversation, first, donor >= 0)
        alone = np.abs(whole["mean"][first].sum(0)) / max(words[first].sum(), 1)
        pairs, left_out = head_pairs.candidates(specimen.model, alone, self.pairs)
        few = _few(chosen, order, first, self.pair_windows)
        found = head_pairs.interactions(
            specimen, pairs, chosen[few], whole["mean"][few], mean, first[few], level=self.level, seed=self.seed
        )
        return HeadAblationResult(
            cost=cost,
            q=q,
            verdicts=_verdicts(cost, q, self.level, tried),
            dearest=dearest,
            dearest_cost=dearest_cost,
            conversations=[len(np.unique(conversation[side])) for side in (first, ~first)],
            loss=cluster_bootstrap(
                np.concatenate(losses),
                words,
                conversation,
                unit="nats a token",
                chance=float(np.log(specimen.cfg.d_vocab)),
            ),
            level=self.level,
            windows=len(chosen),
            enough=evidence.enough and cost["resample"].trusted,
            pairs=[list(names) for names in found.names],
            interaction=found.interaction,
            pair_explored=found.explored,
            pair_q=found.q,
            pair_windows=int((few & ~first).sum()),
            pairs_left_out=left_out,
            tried=tried,
            expected=expected,
        )

    def _tried(self, specimen: wl.Specimen, windows: np.ndarray, mean: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return the estimated cost of each head, NaN if none was needed, and which heads to ablate, [layer, head]."""
        cfg, evidence = specimen.cfg, specimen.evidence
        layers = layers_in(self.layers, cfg.n_layers)
        among = cfg.n_heads * (cfg.n_layers if layers is None else len(layers))
        expected = np.full((cfg.n_layers, cfg.n_heads), np.nan)
        if among > self.alone:
            longest = int(evidence.lengths[windows].max())
            device = specimen.model.device
            tokens, mask = (torch.from_numpy(part[windows, :longest]) for part in (evidence.tokens, evidence.mask))
            expected = estimated_rises(specimen.model, tokens.to(device), mask.to(device), mean)
            expected /= float((evidence.lengths[windows] - 1).sum())
        return expected, shortlist(np.abs(expected), self.alone, layers=layers, seed=self.seed)

    def _dearest(
        self, rise: np.ndarray, words: np.ndarray, conversation: np.ndarray, first: np.ndarray, kept: np.ndarray
    ) -> tuple[str, wl.Estimate]:
        """Return the head that costs most in the windows to choose by, and what it costs in the others.

        Args:
            rise: How much summed losses rise without each head, [window, layer, head].
            words: Tokens of each window, [window].
            conversation: Of each window, [window].
            first: Whether a window is one to choose by, [window].
            kept: Whether it has a donor, [window].
        """
        parts = (part[kept] for part in (rise, words, conversation, first))
        best, cost = best_apart(*parts, unit="nats a token", chance=0.0, seed=self.seed)
        return "" if best is None else str(Head(*best)), cost


def _few(chosen: np.ndarray, order: np.ndarray, first: np.ndarray, count: int) -> np.ndarray:
    """Return the first so many windows in this order, half of them to choose by and half to measure in, [window]."""
    place = np.argsort(order)[chosen]  # of each window in the order
    few = np.zeros(len(chosen), dtype=bool)
    for side, some in ((first, (count + 1) // 2), (~first, count // 2)):
        at = np.flatnonzero(side)
        few[at[np.argsort(place[at])[:some]]] = True
    return few


def _verdicts(
    cost: Mapping[str, wl.Estimate], q: Mapping[str, np.ndarray], level: float, tried: np.ndarray
) -> list[list[str]]:
    signs = {kind: np.where(q[kind] < level, np.sign(cost[kind].value), 0) for kind in KINDS}  # NaN < level is False
    layers, each = signs["zero"].shape
    table = [["no effect found"] * each for _ in range(layers)]
    for at in np.ndindex(layers, each):
        if not tried[at]:
            table[at[0]][at[1]] = NOT_TRIED
            continue
        resample, mean, zero = (int(signs[kind][at]) for kind in KINDS)
        if resample and resample == mean:
            table[at[0]][at[1]] = "needed" if resample > 0 else "harmful"
        elif resample or mean:
            table[at[0]][at[1]] = "depends on the ablation"
        elif zero:
            table[at[0]][at[1]] = "only when zeroed"
    return table


def _ablated(
    specimen: wl.Specimen,
    windows: np.ndarray,
    donor: np.ndarray,
    mean: Tensor,
    stored: Mapping[int, Tensor],
    tried: np.ndarray,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return summed losses [window] and how much they rise without each head, by kind, [window, layer, head].

    What is not tried is NaN.
    """
    model, evidence = specimen.model, specimen.evidence
    longest = int(evidence.lengths[windows].max())
    tokens = torch.from_numpy(evidence.tokens[windows, :longest]).to(model.device)
    mask = torch.from_numpy(evidence.mask[windows, :longest]).to(model.device)
    base = Activations.of(model, tokens, ("z",))
    read = summed_losses(model, tokens, mask)
    z = base.values["z"]
    other = z.clone()
    for row, window in enumerate(donor.tolist()):
        if window >= 0:
            length = min(longest, stored[window].shape[1])
            other[:, row, :length] = stored[window][:, :length].to(z)
    places = [head for head in writing(model) if tried[head]]  # a head that writes nothing changes nothing
    cells = [[Site("z", *at)] for at in places]
    nothing = np.where(tried, 0.0, np.nan)
    rise = {kind: np.tile(nothing, (len(windows), 1, 1)) for kind in KINDS}
    plain = read(base.final, torch.arange(len(windows), device=tokens.device))
    for kind, instead in (("resample", other), ("mean", mean.to(z)), ("zero", torch.zeros((), device=z.device))):
        if cells:
            _, without = intervene(model, base, {"z": instead}, cells, read)
            for at, losses in zip(places, without, strict=True):
                rise[kind][(slice(None), *at)] = (losses - plain).cpu().numpy()
    return plain.cpu().numpy(), rise
