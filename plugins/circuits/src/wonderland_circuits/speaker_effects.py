"""Effects of swapping the speaker on the next word through one head: two of the six tests of a speaker head.

4. Swap. In many contrasts the two prompts differ in one speaker token: the latest one, or the first one with others
   after it. Through a head goes the share of the difference that patching its z alone brings back (denoising, as
   `activation-patching` does it), and the share of the KL divergence of the whole swap that patching it alone makes.
   Straight to the logits, past all later layers, goes its direct share. Patched are places of later turns only: during
   the first message who spoke first is who speaks, and a head that says the one there would pass for saying the other.
5. Resample. In the clean run the head's z is replaced, at each place of the last turn, by its mean, or by what it
   computed at the same place of another conversation in which the same person speaks, or the other. The other minus
   the same is what the head's knowledge of the speaker is worth; a head that says only who speaks loses nothing with
   the same and half with the mean.

What would fool it: target and foil are chosen for their gap, so only shares of it mean something.
References: Zhang and Nanda 2023 (2309.16042); Chan et al. 2022 on resampling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.ablation import writing
from wonderland.lab.contrast import ContrastBatch, logit_difference
from wonderland.lab.evidence import Evidence
from wonderland.lab.interventions import Activations, Intervention, Site, answer_logits, intervene
from wonderland.lab.patching import recovery
from wonderland.lab.stats import cluster_bootstrap

DONORS = ("mean", "same speaker", "other speaker")


@dataclass(frozen=True)
class Swapped:
    """Effects of one kind of swap by pair.

    Attributes:
        clean: Δ of the clean run, [pair].
        corrupted: Δ of the corrupted run, [pair].
        through: Δ of the corrupted run with a head's clean z, [layer × head, pair].
        direct: Δ of the corrupted run with a head's clean output at the logits only, [layer × head, pair].
        kl: KL(corrupted ‖ clean) of the next word, nats, [pair].
        kl_through: KL(corrupted ‖ corrupted run with a head's clean z), [layer × head, pair].
        batch: The pairs.
    """

    clean: np.ndarray
    corrupted: np.ndarray
    through: np.ndarray
    direct: np.ndarray
    kl: np.ndarray
    kl_through: np.ndarray
    batch: ContrastBatch

    def shares(self, chosen: np.ndarray, *, seed: int) -> dict[str, wl.Estimate]:
        """Return the shares that go through each head over some pairs: "through", "direct" and "kl", [layer × head]."""
        batch = self.batch.rows(chosen)
        base, donor = self.corrupted[chosen], self.clean[chosen]
        found = {
            name: recovery(values[:, chosen], base, donor, batch, seed=seed)
            for name, values in (("through", self.through), ("direct", self.direct))
        }
        if not len(batch):
            return {**found, "kl": found["through"]}
        kl = cluster_bootstrap(
            self.kl_through[:, chosen].T,
            self.kl[chosen],
            batch.cluster,
            unit="recovery",
            chance=0.0,
            resampled_over=batch.resampled_over,
            seed=seed,
        )
        return {**found, "kl": kl}


@torch.no_grad()
def swap(specimen: wl.Specimen, batch: ContrastBatch) -> Swapped:
    """Measure what goes through each head alone in every pair."""
    model, heads = specimen.model, specimen.cfg.n_heads
    total = specimen.cfg.n_layers * heads
    pairs = len(batch)
    single = {name: np.zeros(pairs) for name in ("clean", "corrupted", "kl")}
    by_head = {name: np.zeros((total, pairs)) for name in ("through", "direct", "kl_through")}
    places = writing(model)
    cells: list[Intervention] = [[Site("z", *at, positions="later")] for at in places]
    rows = [layer * heads + head for layer, head in places]
    for chosen, some in batch.batches():
        metric, positions = (
            answer_logits(model, some.answer),
            {"later": torch.from_numpy(_own(some).speaker_position > 0)},
        )
        clean, corrupted = (Activations.of(model, tokens, ("z",)) for tokens in (some.clean, some.corrupted))
        last_position = torch.from_numpy(some.answer)
        before, through = intervene(
            model, corrupted, clean.values, cells, metric, positions=positions, last_position=last_position
        )
        after = metric(clean.final)
        single["clean"][chosen] = logit_difference(after, some)
        single["corrupted"][chosen] = logit_difference(before, some)
        single["kl"][chosen] = _kl(before, after)
        for values in by_head.values():  # a head that writes nothing passes nothing on
            values[:, chosen] = 0
        by_head["through"][:, chosen] = by_head["direct"][:, chosen] = single["corrupted"][chosen]
        if cells:
            by_head["through"][np.ix_(np.asarray(rows), chosen)] = logit_difference(through, some)
            by_head["kl_through"][np.ix_(np.asarray(rows), chosen)] = _kl(before, through)
            straight = torch.stack(
                [metric(corrupted.final + added) for added in _outputs(model, clean, corrupted, places)]
            )
            by_head["direct"][np.ix_(np.asarray(rows), chosen)] = logit_difference(straight, some)
    return Swapped(**single, **by_head, batch=batch)


@torch.no_grad()
def resample(
    specimen: wl.Specimen,
    batch: ContrastBatch,
    side: str,
    mean: Tensor,
    stored: Mapping[int, Tensor],
    *,
    heads: Sequence[tuple[int, int]],
    seed: int,
) -> dict[str, wl.Estimate]:
    """Return the share of the gap that is lost with each donor in a head's place, [layer × head] each.

    Args:
        specimen: The specimen.
        batch: Pairs of one kind of swap.
        side: Whose sameness counts: "current" or "first" speaker.
        mean: Mean of z, [layer, 1, 1, head, d_head].
        stored: z of some windows of the evidence, by number, [layer, pos, head, d_head].
        heads: The heads to ask, as (layer, head); the others have NaN.
        seed: Seed of donors and intervals.
    """
    model, total = specimen.model, specimen.cfg.n_layers * specimen.cfg.n_heads
    lost = {name: np.full((total, len(batch)), np.nan) for name in DONORS}
    gap = np.zeros((2, len(batch)))
    rows = [layer * specimen.cfg.n_heads + head for layer, head in heads]
    cells: list[Intervention] = [[Site("z", *at, positions="last turn")] for at in heads]
    random = np.random.default_rng(seed)
    for chosen, some in batch.batches():
        metric = answer_logits(model, some.answer)
        clean = Activations.of(model, some.clean, ("z",))
        plain = logit_difference(metric(clean.final), some)
        gap[:, chosen] = plain, logit_difference(metric(Activations.of(model, some.corrupted, ()).final), some)
        z, own = clean.values["z"], _own(some)
        turn = own.mask & (own.speaker_position == own.speaker_position[np.arange(len(some)), some.answer, None])
        for name in DONORS if cells else ():
            donor = mean.to(z)
            if name != "mean":
                donor = _donated(specimen.evidence, own, turn, z, stored, side, name == "same speaker", random)
            positions = {"last turn": torch.from_numpy(turn)}
            _, without = intervene(
                model,
                clean,
                {"z": donor},
                cells,
                metric,
                positions=positions,
                last_position=torch.from_numpy(some.answer),
            )
            lost[name][np.ix_(np.asarray(rows), chosen)] = plain - logit_difference(without, some)
    nothing = np.zeros(len(batch))
    lost["other − same"] = lost["other speaker"] - lost["same speaker"]
    return {name: recovery(values, nothing, gap[0] - gap[1], batch, seed=seed) for name, values in lost.items()}


def _donated(
    evidence: Evidence,
    own: Evidence,
    where: np.ndarray,
    z: Tensor,
    stored: Mapping[int, Tensor],
    side: str,
    same: bool,
    random: np.random.Generator,
) -> Tensor:
    """Return z [layer, batch, pos, …] taken place by place from other conversations in which the same or other speaks.

    A place for which no window has a donor keeps its own z.
    """
    windows = np.array(sorted(stored))
    who = _speaker(evidence, side)[windows]  # [window, pos]
    there = evidence.mask[windows]
    asked = _speaker(own, side)
    result = z.clone()
    for row, place in zip(*np.nonzero(where), strict=True):
        fits = there[:, place] & (evidence.conversation[windows] != own.conversation[row])
        fits &= (who[:, place] == asked[row, place]) == same
        if fits.any():
            result[:, row, place] = stored[int(random.choice(windows[fits]))][:, place].to(z)
    return result


def _own(batch: ContrastBatch) -> Evidence:
    """Return the clean prompts as evidence, for who speaks where in them."""
    return Evidence(batch.clean, batch.answer + 1, batch.cluster)


def _speaker(evidence: Evidence, side: str) -> np.ndarray:
    return evidence.speaker if side == "current" else np.broadcast_to(evidence.tokens[:, :1], evidence.tokens.shape)


def _outputs(
    model: Any, clean: Activations, corrupted: Activations, places: Sequence[tuple[int, int]]
) -> Iterator[Tensor]:
    """Yield what each head writes in the clean run less what it writes in the corrupted, [batch, pos, d_model]."""
    for layer, head in places:
        moved = clean.values["z"][layer][:, :, head] - corrupted.values["z"][layer][:, :, head]
        yield moved @ model.W_O[layer, head]


def _kl(here: Tensor, there: Tensor) -> np.ndarray:
    """Return KL(here ‖ there) of logits [..., d_vocab] in nats."""
    p, q = here.double().log_softmax(-1), there.double().log_softmax(-1)
    return np.asarray((p.exp() * (p - q)).sum(-1).clamp(min=0).cpu().numpy())
