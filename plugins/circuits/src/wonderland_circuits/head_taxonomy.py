"""What is each head for? The synthesis: a role only where something was shown to depend on the head.

Nothing is measured here. The results of other analyses are read (``uses``), and each head gets the first role whose
rule it meets; the rule stands beside the role, with the numbers it went by:

1. ``says who speaks``, ``says who spoke first``: the six tests of `speaker-tracking` agree, among them that what a swap
   of speakers changes goes through this head. ``sink``: they agree that it looks at the first token and passes nothing
   on.
2. ``induction``: its prefix-matching score is over the threshold of `induction`, the model does gain from repetitions,
   and the gain falls without this head.
3. ``relays the previous token`` and the like: a pattern of `head-patterns`, *and* the loss rises without the head under
   resample and mean ablation (`head-ablation`), by ``least`` or more.
4. ``copies what it looks at``: no pattern, needed as much, and a copying score of `ov-circuits` beyond chance.
5. ``needed for something not named``, ``harmful``: ablation says so, by as much, and no rule above does.
6. ``no role found``: everything else. What is not there is not claimed.

A pattern alone is no role: a head may look at the previous token and write nothing that anybody reads. And a head that
looks at position 0 cannot be told anything there by earlier heads, since nothing reaches position 0 from later ones:
key and value compositions into it are left out, and that is said.

What would fool it: what fools the analyses it reads; a head with two jobs has the first one that is named here; and
roles of heads that back each other up stay unnamed, because ablating either costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.advice import Command, Hint
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland.views import formatted, with_bounds
from wonderland_circuits.phrases import share
from wonderland_circuits.taxonomy_result import COPIES, LEAST, NOTHING, UNNAMED, HeadTaxonomyResult

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_LOOKS = {
    "previous": "relays the previous token",
    "self": "works on the token itself",
    "first": "reads the first token",
    "speaker": "reads the latest speaker token",
    "separator": "reads separators",
    "duplicate": "finds the same token earlier",
}
_NEEDED = ("head-patterns", "head-ablation")


@dataclass(frozen=True)
class HeadTaxonomy:
    """What is each head for? A role with its rule, only where something was shown to depend on the head."""

    name: ClassVar[str] = "head-taxonomy"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("circuits",)
    no_choices: ClassVar[str] = (
        "It measures nothing: each head gets the first role whose rule it meets, and the rules read "
        "analyses that say how they chose."
    )
    uses: ClassVar[tuple[str, ...]] = (
        "head-patterns",
        "attention-entropy",
        "head-ablation",
        "ov-circuits",
        "composition",
        "induction",
        "speaker-tracking",
    )

    least: Annotated[float, "least change of the loss without a head, in nats a token, to give it a role"] = 0.01

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_circuits import truths

        return truths.head_taxonomy()

    def run(self, specimen: wl.Specimen) -> HeadTaxonomyResult:
        """Read what was found and give each head the first role it meets."""
        results = specimen.results
        missing = [name for name in _NEEDED if name not in results]
        if missing:
            raise NotEnoughData(
                f"A role needs a pattern and an ablation, and there is no result of {' or '.join(missing)}.",
                hint=Hint("Run them: ", Command("analyze", *missing)),
            )
        shape = (specimen.cfg.n_layers, specimen.cfg.n_heads)
        judged = [_role(results, at, self.least) for at in Head.all(*shape)]
        return HeadTaxonomyResult(
            heads=list(map(str, Head.all(*shape))),
            roles=[role for role, _, _ in judged],
            rules=[rule for _, rule, _ in judged],
            causal=[causal for _, _, causal in judged],
            patterns=[_of(results, "head-patterns").labels[layer][head] for layer, head in Head.all(*shape)],
            ablation=[_of(results, "head-ablation").verdicts[layer][head] for layer, head in Head.all(*shape)],
            partners=[_partners(results, at) for at in Head.all(*shape)],
            numbers=_numbers(results, shape),
            absent=[name for name in self.uses if name not in results],
            shape=list(shape),
            least=self.least,
        )


def _of(results: Mapping[str, wl.Result], name: str) -> Any:
    return results[name]


def _role(results: Mapping[str, Any], at: tuple[int, int], least: float = LEAST) -> tuple[str, str, bool]:
    """Return the role of a head, the rule that gave it, and whether something was shown to depend on the head."""
    speaking = _speaking(results, at)
    if speaking:
        return speaking
    copying = _induction(results, at)
    if copying:
        return copying
    ablation, patterns = results["head-ablation"], results["head-patterns"]
    verdict, label = ablation.verdicts[at[0]][at[1]], patterns.labels[at[0]][at[1]]
    change = ablation.cost["resample"][at]
    cost = f"without it the loss changes by {with_bounds(change, '.3g')}"
    small = verdict in ("needed", "harmful") and not abs(float(change.value)) >= least
    looks = [name for name in _LOOKS if name in label]
    if small:
        return NOTHING, f"ablation: {verdict}, by less than {least:g} nats a token, which gives no role; {cost}", False
    if verdict == "needed" and looks:
        score = f"{with_bounds(patterns.scores[looks[0]][at], '.3g')} on {label}"
        return " and ".join(_LOOKS[name] for name in looks), f"attention {score}; {cost}", True
    if verdict == "needed":
        ov = results.get("ov-circuits")
        if ov is not None and at in [tuple(head) for head in ov.copiers]:
            return (
                COPIES,
                f"no single pattern; copying score {formatted(float(ov.copying[at]), '+.2f')} beyond rotated weights; "
                f"{cost}",
                True,
            )
        return UNNAMED, f"no pattern and no copying; {cost}", True
    if verdict == "harmful":
        return "harmful", cost, True
    why = f"ablation: {verdict}" + (f"; it has the pattern {label}, which alone is no role" if looks else "")
    return NOTHING, why, False


def _speaking(results: Mapping[str, Any], at: tuple[int, int]) -> tuple[str, str, bool] | None:
    found = results.get("speaker-tracking")
    if found is None:
        return None
    verdict, head = found.verdicts[at[0]][at[1]], str(Head(*at))
    if verdict in ("current-speaker", "first-speaker"):
        side = verdict.partition("-")[0]
        role = "says who speaks" if side == "current" else "says who spoke first"
        through = f"{share(found.through(head, side))} of what swapping it changes goes through this head"
        return role, f"six tests agree; {through}", True
    if verdict == "sink":
        return "sink", f"six tests agree; {found.reasons[at[0]][at[1]]}", False
    return None


def _induction(results: Mapping[str, Any], at: tuple[int, int]) -> tuple[str, str, bool] | None:
    found = results.get("induction")
    if found is None or not found.behaves or not found.over_threshold or found.lost is None:
        return None
    if str(Head(*at)) not in found.candidates or not found.lost[at].low > 0:
        return None
    score = max(float(part.value[at]) for part in found.scores.values())
    rule = f"prefix matching {score:.2f}; without it repetitions gain {with_bounds(found.lost[at], '.3g')} less"
    return "induction", rule, True


def _partners(results: Mapping[str, Any], at: tuple[int, int]) -> str:
    """Return whom the head composes with beyond chance, without what cannot reach it."""
    found = results.get("composition")
    if found is None:
        return "not computed"
    head = str(Head(*at))
    into = [(kind, earlier) for kind, earlier, later in found.pairs if later == head]
    first = float(results["head-patterns"].scores["first"].value[at]) > 0.5
    dropped = first and any(kind in ("K", "V") for kind, _ in into)
    told = [f"{earlier} ({kind})" for kind, earlier in into if not (first and kind in ("K", "V"))][:3]
    left = "keys and values left out: nothing reaches position 0 from later tokens" if dropped else ""
    return "; ".join(filter(None, (", ".join(told), left))) or "none beyond chance"


def _numbers(results: Mapping[str, Any], shape: tuple[int, int]) -> dict[str, wl.Estimate]:
    """Return the numbers of the table, [layer, head] each, by heading."""
    numbers = {"Ablation": results["head-ablation"].cost["resample"]}
    if (entropy := results.get("attention-entropy")) is not None:
        numbers["Entropy"] = entropy.normalised
    patterns = results["head-patterns"].scores  # nothing is to speakers where tokens do not say who speaks
    numbers |= {f"To {name}": patterns[name] for name in ("previous", "speaker", "first") if name in patterns}
    if (induction := results.get("induction")) is not None:
        numbers["Induction"] = max(induction.scores.values(), key=lambda part: float(np.max(part.value)))
    if (ov := results.get("ov-circuits")) is not None:
        low, _, high = (np.broadcast_to(part, shape) for part in ov.copying_null)
        numbers["Copying"] = _exact(ov.copying, (low + high) / 2)
        numbers["σ₁/σ₂"] = _exact(ov.ratio["OV"], np.full(shape, ov.random_ratio[1]))
    tracked = results.get("speaker-tracking")
    if tracked is not None and "current" not in tracked.silent:
        numbers["Speaker through it"] = tracked.swap["current"]["confirm"]["through"]
    return numbers


def _exact(value: np.ndarray, chance: np.ndarray) -> wl.Estimate:
    """Return a number of the weights: it has a null but no sample, so its interval is itself."""
    dims = ("layer", "head")
    return wl.Estimate(value, value, value, n=1, unit="1", chance=chance, resampled_over="models", dims=dims)
