"""What may each head depend on? Causal scrubbing: everything a hypothesis calls irrelevant is replaced.

A hypothesis says of each head on which feature of the text before it its output depends: ``position``, ``speaker`` (who
speaks now), ``token``, ``previous`` (the token before), ``pair`` (both tokens), ``nothing``, or ``everything`` (no
claim). Then every output of the head, at every position, is swapped for one it computed at a place of another
conversation where the feature is equal, and for any place where the claim is ``nothing``. Layers are scrubbed one after
the other, so what a head computes at that other place has itself been scrubbed. If the hypothesis is right the model
does as well as before:

    recovered = 1 − (L_scrubbed − L_model) / (L_random − L_model)

with L_random the loss of the answers the model gives to other places (Chan et al. 2022). For a single head the loss
may hide what it does, so heads are told by the divergence from the model's own answers: 1 − KL_scrubbed / KL_unrelated,
where everything is the same except that the places are drawn without regard to the feature.

Without a hypothesis of yours, one is found: for each head the simplest feature that explains ``enough`` of it, on half
of the conversations; it is tested on the other half, against the same features assigned to the heads at random.

What would fool it: places without a partner. The token pair of a place may stand in no other conversation; such places
keep their value under scrubbing and under the unrelated draw alike, and the share of places that had a partner stands
beside each number. And a feature that goes along with the true one explains it too.

Cost: up to 2 × features × heads forward passes over the windows of each half, from the head's layer on.
References: Chan et al. 2022, Causal scrubbing (Alignment Forum); Geiger et al. 2021 (2106.02997).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.advice import Command, Hint
from wonderland.components import Head
from wonderland.errors import NotEnoughData, UsageError
from wonderland.lab.stats import cluster_bootstrap
from wonderland_circuits.scrubbing import FEATURES, Bench
from wonderland_circuits.scrubbing_result import CausalScrubbingResult

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_LEAST = 4  # conversations of each half


@dataclass(frozen=True)
class CausalScrubbing:
    """What may each head depend on? Outputs swapped wherever a hypothesis says that it makes no difference."""

    name: ClassVar[str] = "causal-scrubbing"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("circuits",)
    no_choices: ClassVar[str] = (
        "It chooses by conversations and not by contrasts, so that its tests, not the shared noise, "
        "exchange the halves: a hypothesis is tested on conversations it was not found on."
    )

    hypothesis: Annotated[
        tuple[str, ...], "claims such as L2H0=speaker,L0H1=pair; heads not named are claimed to do everything"
    ] = ()
    enough: Annotated[float, "share of a head's effect from which a feature explains it"] = 0.8
    windows: Annotated[int, "held-out windows to scrub, a third of them to explore with, the others to confirm"] = 27
    draws: Annotated[int, "times partners are drawn anew for the hypothesis as a whole"] = 5
    null: Annotated[int, "times its features are assigned to the heads at random, for comparison"] = 20
    seed: Annotated[int, "seed of windows, partners and intervals"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import edge_truths

        return edge_truths.causal_scrubbing()

    def run(self, specimen: wl.Specimen) -> CausalScrubbingResult:
        """Scrub every head by every feature, then a whole hypothesis."""
        claims = _claims(self.hypothesis, specimen.cfg)
        halves = _halves(specimen.evidence, self.windows, self.seed)
        explore, confirm = (Bench.of(specimen, rows) for rows in halves)
        heads = list(Head.all(specimen.cfg.n_layers, specimen.cfg.n_heads))
        found = claims or _simplest(explore, heads, self.enough, self.seed)

        explained, covered = {}, {}
        for feature in FEATURES:
            shares = [_explained(confirm, head, feature, self.seed) for head in heads]
            explained[feature] = _stack([one for one, _ in shares], specimen.cfg)
            covered[feature] = float(np.mean([part for _, part in shares]))
        recovered, whole_covered = _recovered(confirm, found, self.draws, self.seed)
        random = np.random.default_rng(self.seed)
        dealt = []
        if len(set(found.values())) > 1:
            for draw in range(self.null):
                names = random.permutation(list(found.values()))
                other = dict(zip(found, names.tolist(), strict=True))
                dealt.append(float(_recovered(confirm, other, 1, self.seed + draw)[0].value))
        return CausalScrubbingResult(
            hypothesis={str(head): feature for head, feature in found.items()},
            given=bool(claims),
            recovered=recovered,
            covered=whole_covered,
            dealt=np.array(dealt),
            explained=explained,
            coverage=covered,
            loss=confirm.estimate(confirm.loss, unit="nats a token"),
            random_loss=confirm.estimate(confirm.random_loss(self.seed), unit="nats a token"),
            enough=self.enough,
            windows=len(halves[1]),
            places=int(confirm.counts.sum()),
        )


def _claims(hypothesis: tuple[str, ...], cfg: Any) -> dict[Head, str]:
    """Read "L2H0=speaker"; heads that are not named are left alone."""
    claims: dict[Head, str] = {}
    for claim in hypothesis:
        name, _, feature = claim.partition("=")
        if feature not in (*FEATURES, "everything"):
            raise UsageError(
                f"The claim {claim!r} names no feature.",
                hint=f"For example L0H1=previous; features: {', '.join((*FEATURES, 'everything'))}.",
            )
        claims[Head.parse(name.strip(), (cfg.n_layers, cfg.n_heads))] = feature
    return claims


def _halves(evidence: Any, windows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows to explore and windows to confirm with, of different conversations."""
    random = np.random.default_rng(seed)
    conversations = random.permutation(np.unique(evidence.conversation))
    if len(conversations) < 2 * _LEAST:
        raise NotEnoughData(
            f"Swapping between conversations, on two halves, takes {2 * _LEAST} of them; "
            f"there are {len(conversations)} held out.",
            hint=Hint("Hold out more: ", Command("tokenize", held_out=0.2)),
        )
    first = np.isin(evidence.conversation, conversations[: len(conversations) // 2])
    order = random.permutation(len(evidence.conversation))
    explore = order[first[order]][: max(windows // 3, 1)]
    return explore, order[~first[order]][: max(windows - len(explore), 1)]


def _explained(bench: Bench, head: Head, feature: str, seed: int) -> tuple[wl.Estimate, float]:
    """Return the share of a head's effect that is left when only a feature is kept, and the share of places swapped."""
    if not bench.writes(head):  # before training no head writes anything
        nan, n = np.nan, len(np.unique(bench.conversation))
        return wl.Estimate(nan, nan, nan, n=n, unit="share", chance=0.0), 1.0
    kept, unrelated, places = bench.explained(head, feature, seed)
    lost = cluster_bootstrap(kept, unrelated, bench.conversation, unit="share", seed=seed)
    if not float(np.sum(unrelated)) > 1e-9:  # whatever is swapped, nothing changes: there is nothing to explain
        nan = np.nan
        return wl.Estimate(nan, nan, nan, n=lost.n, unit="share", chance=0.0), places
    return wl.Estimate(1 - lost.value, 1 - lost.high, 1 - lost.low, n=lost.n, unit="share", chance=0.0), places


def _simplest(bench: Bench, heads: list[Head], enough: float, seed: int) -> dict[Head, str]:
    """Return for each head the first feature that explains enough of it, and "everything" if none does."""
    found = {}
    for head in heads:
        found[head] = "everything"
        for feature in FEATURES:
            share, places = _explained(bench, head, feature, seed)
            if not np.isfinite(share.value) and places:  # swapped, and nothing changed
                found[head] = "nothing"
                break
            if share.value >= enough and places >= 0.5:
                found[head] = feature
                break
    return found


def _recovered(bench: Bench, claims: Mapping[Head, str], draws: int, seed: int) -> tuple[wl.Estimate, float]:
    """Return the share of the model's advantage over answers to other places that is left, and of places swapped."""
    scrubbed, places = zip(*(bench.scrubbed_loss(claims, seed + draw) for draw in range(draws)), strict=True)
    worse = np.mean(scrubbed, axis=0) - bench.loss
    room = np.mean([bench.random_loss(seed + draw) for draw in range(draws)], axis=0) - bench.loss
    lost = cluster_bootstrap(worse, room, bench.conversation, unit="share", seed=seed)
    share = wl.Estimate(1 - lost.value, 1 - lost.high, 1 - lost.low, n=lost.n, unit="share", chance=0.0)
    return share, float(np.mean(places))


def _stack(shares: list[wl.Estimate], cfg: Any) -> wl.Estimate:
    return wl.Estimate.stacked(shares, (cfg.n_layers, cfg.n_heads), ("layer", "head"))
