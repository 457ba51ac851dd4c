"""What does each head's output save, in nats a token?

Over held-out windows, ΔL = L(without the head) − L, where the head's output z is replaced in three ways: by zeros, by
its mean over the evidence, and by what the same head computed at the same position of another conversation (resample).
Positive: the model needs the head. Per window, paired, with a cluster bootstrap over conversations; p by flipping the
signs of whole conversations, and q by Benjamini and Hochberg over all heads.

What would fool it: zeros. A head that always adds the same vector is missed when zeroed although it carries nothing, so
the verdict goes by resample and mean ablation, and a head that matters only when zeroed is called that. Heads that back
each other up each cost little alone, so pairs are ablated too (`wonderland_circuits.head_pairs`). And a cost says that
a head is used, not what for.

References: Chan et al. 2022 (causal scrubbing) on resampling; Li and Janson 2024 (2409.09951) on kinds of ablation.
Cost: three forward passes a head over ``windows`` windows, from the head's layer on, and one a pair over fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.ablation import collect, donors, spread, summed_losses, writing
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.stats import benjamini_hochberg, cluster_bootstrap, paired_permutation
from wonderland_circuits import head_pairs

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

KINDS = ("resample", "mean", "zero")
_MEANING = {
    "resample": "what it computed in another conversation",
    "mean": "its mean",
    "zero": "zeros",
}
_BATCH = 16


@dataclass(frozen=True)
class HeadAblationResult(wl.Result):
    """Cost of losing each head.

    Attributes:
        cost: ΔL in nats a token by kind of ablation, each [layer, head].
        q: False-discovery rate of each cost being different from 0, by kind, each [layer, head].
        verdicts: "needed", "harmful", "only when zeroed", "depends on the ablation" or "no effect found",
            [layer][head].
        loss: Loss without ablation.
        level: The false-discovery rate the verdicts go by.
        windows: Windows ablated in.
        enough: Whether the evidence is enough to trust.
        pairs: Names of the heads that were also ablated together, [pair][2].
        interaction: What both cost beyond the sum of what each costs (`wonderland_circuits.head_pairs`), [pair].
        pair_q: False-discovery rate of its being different from 0, [pair].
        pair_windows: Windows in which pairs were ablated.
        pairs_left_out: Pairs that were not, since there were too many.
    """

    cost: dict[str, wl.Estimate]
    q: dict[str, np.ndarray]
    verdicts: list[list[str]]
    loss: wl.Estimate
    level: float
    windows: int
    enough: bool
    pairs: list[list[str]]
    interaction: wl.Estimate
    pair_q: np.ndarray
    pair_windows: int
    pairs_left_out: int

    def heads_that_are(self, verdict: str) -> list[str]:
        """List the heads of a verdict, largest cost under resampling first."""
        cost = {str(head): abs(float(one.value)) for head, one in self.cost["resample"].heads()}
        named = zip(cost, (v for row in self.verdicts for v in row), strict=True)
        return sorted((name for name, found in named if found == verdict), key=lambda name: -cost[name])

    def summary(self) -> str:
        needed, total = self.heads_that_are("needed"), sum(map(len, self.verdicts))
        rule = f"false-discovery rate {self.level:g}, resample and mean ablation agreeing"
        trust = "" if self.enough else "; too little evidence to trust"
        if needed:
            cost = self.cost["resample"][Head.parse(needed[0])]
            first = f"{len(needed)} of {total} heads are needed ({rule}){trust}; without {needed[0]} it costs {cost}."
        else:
            n = self.loss.n
            first = f"None of {total} heads is shown to be needed on its own ({rule}; n={n} conversations){trust}."
        lines = [first]
        if len(needed) > 1:
            lines.append(f"Needed, dearest first: {', '.join(needed)}.")
        for verdict, meaning in (
            ("harmful", "The loss falls without"),
            ("only when zeroed", "Missed only when zeroed, which no text does, so not counted"),
            ("depends on the ablation", "The kinds of ablation disagree on"),
        ):
            if found := self.heads_that_are(verdict):
                lines.append(f"{meaning}: {', '.join(found)}.")
        lines += head_pairs.told(self.pairs, self.interaction, self.pair_q, self.level, self.pairs_left_out)
        if isinstance(self.control, HeadAblationResult):
            lines.append(f"Before training {len(self.control.heads_that_are('needed'))} were needed.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        needed = self.heads_that_are("needed")
        if not needed:
            return [wl.Finding(self.summary().splitlines()[0], "head-ablation", {}, "weak")]
        cost = self.cost["resample"][Head.parse(needed[0])]
        trust: Any = "solid" if self.enough and cost.trusted else "weak"
        text = (
            f"{len(needed)} of {sum(map(len, self.verdicts))} heads are needed; most of all {needed[0]}: with "
            f"{_MEANING['resample']} in its place the loss rises by {cost.value:.3f} nats a token (95% interval "
            f"{cost.low:.3f} to {cost.high:.3f}, {cost.n} conversations)."
        )
        return [wl.Finding(text, "head-ablation", {"head": needed[0]}, trust)]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {
            "Ablation, nats a token": self.cost["resample"],
            "Ablation to the mean, nats a token": self.cost["mean"],
            "Ablation to zero, nats a token": self.cost["zero"],
        }

    def about_heads(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        rule = f"by ablation: false-discovery rate {self.level:g}, resample and mean agreeing"
        together = head_pairs.card_blocks(self.pairs, self.interaction, self.pair_q, self.level)
        return {
            (name := str(Head(layer, head))): [{"role": verdict, "rule": rule}, *together.get(name, [])]
            for layer, row in enumerate(self.verdicts)
            for head, verdict in enumerate(row)
        }

    def views(self) -> Sequence[wl.View]:
        layers, each = self.cost["zero"].value.shape
        series = [
            {
                "name": kind,
                "unit": "nats a token",
                "values": self.cost[kind].value,
                "low": self.cost[kind].low,
                "high": self.cost[kind].high,
                "chance": 0.0,
                "scale": "diverging",
            }
            for kind in KINDS
        ]
        columns: list[dict[str, Any]] = [{"key": "head", "label": "Head"}, {"key": "verdict", "label": "Verdict"}]
        columns += [
            {
                "key": kind,
                "label": kind.capitalize(),
                "unit": "nats a token",
                "digits": 3,
                "help": f"Rise of the loss with {_MEANING[kind]} in place of the head's output",
            }
            for kind in KINDS
        ]
        columns.append({"key": "q", "label": "q", "digits": 3, "help": "False-discovery rate, resample ablation"})
        caption = (
            f"Rise of the held-out loss without each head, over {self.windows} windows; 95% interval over "
            f"n={self.loss.n} conversations; without ablation the loss is {self.loss.value:.3f} nats a token."
        )
        return [
            wl.View.of_data(
                "head-ablation",
                "Head ablation",
                "matrix",
                {
                    "rows": [f"L{layer}" for layer in range(layers)],
                    "columns": [f"H{head}" for head in range(each)],
                    "links": "head",
                    "series": series,
                },
                caption=caption,
                how_to_read="How much worse the model predicts when a head's output is replaced. Above 0 the model "
                "needs the head, below 0 it does better without. Toggle between what it is replaced by: the same "
                "head's output in another conversation, its mean, or zeros.",
                misleads="Heads that back each other up each look dispensable alone; and zeros, which the model never "
                "meets, make heads look needed that say the same thing everywhere.",
                order=40,
            ),
            wl.View.of_data(
                "head-ablation-table",
                "Head ablation, in numbers",
                "table",
                {"columns": columns, "rows": [self._row(*at) for at in np.ndindex(layers, each)], "links": "head"},
                caption=caption,
                how_to_read="A head is needed if its loss costs under resample and under mean ablation, with at most "
                f"{self.level:.0%} expected false discoveries among the heads named.",
                misleads="No effect found is not no effect: the interval says how large it could be.",
                order=42,
            ),
            *head_pairs.views(
                self.pairs,
                self.interaction,
                self.pair_q,
                windows=self.pair_windows,
                left_out=self.pairs_left_out,
                alone={str(head): float(one.value) for head, one in self.cost["mean"].heads()},
            ),
        ]

    def _row(self, layer: int, head: int) -> dict[str, Any]:
        row: dict[str, Any] = {"head": str(Head(layer, head)), "verdict": self.verdicts[layer][head]}
        for kind in KINDS:
            one = self.cost[kind][layer, head]
            row[kind] = {"value": float(one.value), "low": float(one.low), "high": float(one.high), "chance": 0.0}
        return row | {"q": float(self.q["resample"][layer, head])}


@dataclass(frozen=True)
class HeadAblation:
    """What does each head save? Rise of the loss without it: zero, mean and resample ablation, by conversation."""

    name: ClassVar[str] = "head-ablation"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("z",)
    groups: ClassVar[tuple[str, ...]] = ("circuits",)

    windows: Annotated[int, "held-out windows to ablate in, spread over all conversations"] = 48
    level: Annotated[float, "false-discovery rate for a verdict"] = 0.05
    pairs: Annotated[int, "pairs of heads to ablate together, all of them if there are no more; 0 for none"] = 120
    pair_windows: Annotated[int, "of those windows, how many to ablate pairs in"] = 14
    seed: Annotated[int, "seed of windows, donors and intervals"] = 0

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
        rises: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
        losses = []
        for start in range(0, len(chosen), _BATCH):
            batch = slice(start, start + _BATCH)
            plain, rise = _ablated(specimen, chosen[batch], donor[batch], mean, stored)
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
            q[kind] = benjamini_hochberg(p)
        pairs, left_out = head_pairs.chosen_pairs(specimen.model, cost["mean"].value, self.pairs)
        few = np.isin(chosen, order[: self.pair_windows])
        interaction, pair_q = head_pairs.interactions(
            specimen, pairs, chosen[few], whole["mean"][few], mean, seed=self.seed
        )
        return HeadAblationResult(
            cost=cost,
            q=q,
            verdicts=_verdicts(cost, q, self.level),
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
            pairs=[head_pairs.named(pair) for pair in pairs],
            interaction=interaction,
            pair_q=pair_q,
            pair_windows=int(few.sum()),
            pairs_left_out=left_out,
        )


def _verdicts(cost: Mapping[str, wl.Estimate], q: Mapping[str, np.ndarray], level: float) -> list[list[str]]:
    signs = {kind: np.where(q[kind] < level, np.sign(cost[kind].value), 0) for kind in KINDS}  # NaN < level is False
    layers, each = signs["zero"].shape
    table = [["no effect found"] * each for _ in range(layers)]
    for at in np.ndindex(layers, each):
        resample, mean, zero = (int(signs[kind][at]) for kind in KINDS)
        if resample and resample == mean:
            table[at[0]][at[1]] = "needed" if resample > 0 else "harmful"
        elif resample or mean:
            table[at[0]][at[1]] = "depends on the ablation"
        elif zero:
            table[at[0]][at[1]] = "only when zeroed"
    return table


def _ablated(
    specimen: wl.Specimen, windows: np.ndarray, donor: np.ndarray, mean: Tensor, stored: Mapping[int, Tensor]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return summed losses [window] and how much they rise without each head, by kind, [window, layer, head]."""
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
    places = writing(model)  # a head that writes nothing changes nothing
    cells = [[Site("z", *at)] for at in places]
    rise = {kind: np.zeros((len(windows), model.cfg.n_layers, model.cfg.n_heads)) for kind in KINDS}
    plain = read(base.final, torch.arange(len(windows), device=tokens.device))
    for kind, value in (("resample", other), ("mean", mean.to(z)), ("zero", torch.zeros((), device=z.device))):
        if cells:
            _, without = intervene(model, base, {"z": value}, cells, read)
            for at, losses in zip(places, without, strict=True):
                rise[kind][(slice(None), *at)] = (losses - plain).cpu().numpy()
    return plain.cpu().numpy(), rise
