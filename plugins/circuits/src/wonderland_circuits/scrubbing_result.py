"""What `causal-scrubbing` found, how it is told and drawn; what it means stands in that module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland_circuits.questions import share
from wonderland_circuits.scrubbing import FEATURES

_MEANING = {
    "nothing": "nothing: any place will do",
    "position": "its position",
    "speaker": "who speaks",
    "token": "the token that stands there",
    "previous": "the token before",
    "pair": "the token and the one before",
    "everything": "more than any of these",
}


@dataclass(frozen=True)
class CausalScrubbingResult(wl.Result):
    """A hypothesis about heads and how much of the model it leaves whole.

    Attributes:
        hypothesis: The feature each head is claimed to depend on, by its name.
        given: Whether the hypothesis was given, not found.
        recovered: Share of the model's advantage over answers to other places that is left under the hypothesis.
        covered: Share of places that had a partner.
        dealt: The same for hypotheses with these features dealt out to the heads at random, [draw].
        explained: By feature, the share of each head's effect that is left when only the feature is kept,
            [layer, head]; NaN for a head without effect.
        coverage: By feature, share of places that had a partner.
        loss: Loss of the model on these windows.
        random_loss: Loss of its answers to other places.
        enough: Share of a head's effect from which a feature explains it.
        windows: Windows that all of this rests on.
        places: Predicted tokens in them.
    """

    hypothesis: dict[str, str]
    given: bool
    recovered: wl.Estimate
    covered: float
    dealt: np.ndarray
    explained: dict[str, wl.Estimate]
    coverage: dict[str, float]
    loss: wl.Estimate
    random_loss: wl.Estimate
    enough: float
    windows: int
    places: int

    @property
    def p(self) -> float:
        """Share of random deals that recover as much, this hypothesis included; NaN if there is nothing to deal."""
        if not len(self.dealt):
            return float("nan")
        return float((1 + (self.dealt >= self.recovered.value).sum()) / (1 + len(self.dealt)))

    @property
    def claimed(self) -> dict[str, list[str]]:
        """Heads by the feature they are claimed to depend on, in the order of features."""
        groups: dict[str, list[str]] = {}
        for feature in (*FEATURES, "everything"):
            heads = [head for head, one in self.hypothesis.items() if one == feature]
            if heads:
                groups[feature] = heads
        return groups

    def summary(self) -> str:
        how = "the hypothesis given" if self.given else "the simplest hypothesis found on other conversations"
        null = (
            f"; its features dealt out at random {np.mean(self.dealt):.0%}, p={self.p:.3f}" if len(self.dealt) else ""
        )
        few = "" if self.recovered.trusted else "; too few conversations to trust the interval"
        claimed = sum(feature != "everything" for feature in self.hypothesis.values())
        lines = [
            f"Causal scrubbing: {how} makes claims about {claimed} heads and recovers {share(self.recovered)} of what "
            f"the model knows (n={self.recovered.n} conversations, {self.places:,} tokens){null}{few}."
        ]
        lines += [f"Depends on {_MEANING[feature]}: {', '.join(heads)}." for feature, heads in self.claimed.items()]
        lines.append(
            f"{self.covered:.0%} of places had a partner; loss {self.loss.value:.3f}, of answers to other places "
            f"{self.random_loss.value:.3f} nats a token."
        )
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        solid = self.recovered.trusted and self.recovered.low > 0 and self.p < 0.05
        return [wl.Finding(self.summary().splitlines()[0], "scrubbing", {}, "solid" if solid else "weak")]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {f"Left if only {name} is kept": self.explained[name] for name in ("speaker", "token", "pair")}

    def views(self) -> Sequence[wl.View]:
        layers, each = np.shape(self.explained["token"].value)
        n = self.recovered
        series = [
            {
                "name": f"{feature} kept",
                "unit": "share",
                "values": one.value,
                "low": one.low,
                "high": one.high,
                "chance": 0.0,
                "scale": "diverging",
            }
            for feature, one in self.explained.items()
            if feature != "nothing"  # 0 by definition
        ]
        columns: list[dict[str, Any]] = [{"key": "head", "label": "Head"}, {"key": "claim", "label": "Depends on"}]
        columns += [{"key": name, "label": name.capitalize(), "unit": "share", "digits": 2} for name in FEATURES[1:]]
        rows = [
            {
                "head": str(Head(layer, head)),
                "claim": _MEANING[self.hypothesis.get(str(Head(layer, head)), "everything")],
            }
            | {name: _cell(self.explained[name][layer, head]) for name in FEATURES[1:]}
            for layer, head in np.ndindex(layers, each)
        ]
        coverage = ", ".join(f"{name} {part:.0%}" for name, part in self.coverage.items())
        caption = (
            f"Share of a head's effect (KL from the model's answers) that is left when its output is swapped with "
            f"that of a place of another conversation with an equal feature; 95% interval over n={n.n} "
            f"conversations; 0 is what a place drawn without regard to the feature leaves. Places with a partner: "
            f"{coverage}."
        )
        return [
            wl.View.of_data(
                "scrubbing",
                "What each head depends on",
                "matrix",
                {
                    "rows": [f"L{layer}" for layer in range(layers)],
                    "columns": [f"H{head}" for head in range(each)],
                    "links": "head",
                    "series": series,
                },
                caption=caption,
                how_to_read="Each head's output is swapped with what it computed somewhere else where one feature is "
                "the same. Near 1, the feature is all that the head passes on; near 0, it is no part of it.",
                misleads="A feature that goes along with the true one explains it too, and places without a partner "
                "are left as they are.",
                order=56,
            ),
            wl.View.of_data(
                "scrubbing-table",
                "What each head depends on, in numbers",
                "table",
                {"columns": columns, "rows": rows, "links": "head"},
                caption=caption + f" The hypothesis as a whole recovers {share(n)} of the model's advantage.",
                how_to_read=f"A head is claimed to depend on the simplest feature that leaves {self.enough:.0%} of its "
                "effect, on other conversations.",
                misleads="The whole hypothesis can fail though each head passes: then their errors add up.",
                order=57,
            ),
        ]


def _cell(one: wl.Estimate) -> dict[str, float]:
    return {"value": float(one.value), "low": float(one.low), "high": float(one.high), "chance": 0.0}
