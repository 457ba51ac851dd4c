"""What is said and shown of neurons: whether they are purer than directions, and cards of the clearest ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Neuron
from wonderland.views import (
    Axis,
    Bars,
    Block,
    Card,
    Cards,
    Lines,
    Number,
    Row,
    SmallBars,
    Snippet,
    Token,
    Wording,
    counted,
    formatted,
    percent,
)
from wonderland_triage.neuron_stats import KINDS

_SAME_AS = 0.6  # probabilities up to here count as no difference from 0.5
THRESHOLDS = np.linspace(0, 1, 41)


@dataclass(frozen=True)
class NeuronsResult(wl.Result):
    """All neurons of all layers.

    Attributes:
        kind_entropy: Entropy of kinds among the highest activations over 0, of ln(kinds), [layer, neuron]; NaN if
            there are none.
        token_entropy: Entropy of tokens among them, of ln(how many), [layer, neuron].
        selectivity: For the favourite kind, on the half of the conversations to measure on, [layer, neuron]; NaN if it
            fires in only one half or in none.
        chosen_by: The same on the half it was chosen on, by which neurons are listed, [layer, neuron]; too high.
        favourite: Number of the favourite kind in ``kinds``, on the half to choose on, [layer, neuron]; −1 if it does
            not fire there.
        active: Share of positions where it is active, [layer, neuron].
        conversations: How many there are to choose on, and to measure on.
        lost: Neurons that fire only on the half to choose on, and only on the half to measure on.
        kinds: Names of the kinds of tokens.
        directions: How many random directions of each layer the neurons are compared with.
        mixed: Mean of ``kind_entropy``, [layer]; chance is that of random directions.
        specific: Probability that a neuron has a lower ``kind_entropy`` than a random direction of its layer, ties
            counting half (Mann and Whitney), [layer]; chance 0.5.
        nulls: Means by layer of "random directions" and "shuffled kinds", [measure (kind entropy, selectivity), layer];
            their selectivity is measured as that of neurons.
        sweep: Share of units over each threshold of kind entropy, by name, [threshold].
        raises: Tokens each neuron raises most, [layer, neuron, place]; ``lowers``, ``reads`` alike. −1 for those that
            are not listed, where all neurons with a large vocabulary would take minutes.
        lowers: Tokens it lowers most.
        reads: Tokens its input reads most.
        listed_selectivity: ``selectivity`` of the neurons that are shown, [neuron]; chance is that of directions.
        listed: The neurons that are shown, those of the highest ``chosen_by``: name, kind, and of the half to measure
            on entropy of kinds, share of positions, snippets in bands, histogram; tokens with their logits.
    """

    kind_entropy: np.ndarray
    token_entropy: np.ndarray
    selectivity: np.ndarray
    chosen_by: np.ndarray
    favourite: np.ndarray
    active: np.ndarray
    conversations: list[int]
    lost: list[int]
    kinds: list[str]
    directions: int
    mixed: wl.Estimate
    specific: wl.Estimate
    nulls: dict[str, np.ndarray]
    sweep: dict[str, np.ndarray]
    raises: np.ndarray
    lowers: np.ndarray
    reads: np.ndarray
    listed_selectivity: wl.Estimate
    listed: list[dict[str, Any]]

    def summary(self) -> str:
        if not self.kind_entropy.size:
            return "The model has no MLPs: there are no neurons."
        lines = [finding.sentence for finding in self.findings()]
        lines += [
            f"L{layer}: entropy of kinds {self.mixed[layer]}; with kinds shuffled "
            f"{self.nulls['shuffled kinds'][0, layer]:.2f}; less mixed than a direction {self.specific[layer]}."
            for layer in range(len(self.kind_entropy))
        ]
        if self._before is not None:
            before = _by_layer(self._before.value)
            lines.append(f"Before training a neuron was less mixed than a direction with probability {before}.")
        if self.listed:
            lines.append(self._clearest())
        else:
            lines.append("No neuron is listed: none fires for one kind of token and can be compared with another.")
        return "\n".join(lines)

    def _clearest(self) -> str:
        """Say what the most selective neuron is, and what of it holds elsewhere."""
        name, kind = self.listed[0]["neuron"], self.listed[0]["kind"]
        found, (chosen, others) = self.listed_selectivity[0], self.conversations
        where = f"on {counted(others, 'other conversation')}"
        if not others:
            number = "there is no other conversation to measure its selectivity on"
        elif np.isnan(found.value):
            number = f"{where} it does not fire"
        else:
            number = f"its selectivity {where} is {found}"
        return f"The neuron most selective on {counted(chosen, 'conversation')} is {name}, for {kind}; {number}."

    @property
    def _before(self) -> wl.Estimate | None:
        return self.control.specific if isinstance(self.control, NeuronsResult) else None

    @property
    def special(self) -> list[int]:
        """Return the layers whose neurons are less mixed than directions and, if known, than before training."""
        level = np.full(len(self.specific.value), 0.5)
        if self._before is not None:
            level = np.maximum(level, self._before.high)
        return [int(layer) for layer in np.flatnonzero(self.specific.low > level)]

    def findings(self) -> Sequence[wl.Finding]:
        if not self.kind_entropy.size:
            return []
        one = self.specific
        than = "random directions of their layer" + ("" if self._before is None else " and than before training")
        n = f"n={one.over} a layer{'' if one.trusted else ', too few to trust the intervals'}"
        told = f"a neuron is less mixed than a direction with probability {_by_layer(one.value)} by layer"
        if self.special:
            layers = ", ".join(f"L{layer}" for layer in self.special)
            text = f"In {layers} single neurons fire for fewer kinds of tokens than {than}: {told} (chance 0.5, {n})."
            trust: Any = "solid" if one.trusted and self._before is not None else "weak"
            return [wl.Finding(text, "neuron-mixture", (), trust, "effect", one[self.special[0]])]
        if not np.isfinite(one.high).any():
            text = "No neuron fires: what neurons fire for could not be measured."
            return [wl.Finding(text, "neuron-mixture", (), "anecdotal", "description")]
        most = float(np.nanmax(one.high))
        text = (
            f"In no layer do single neurons clearly fire for fewer kinds of tokens than {than}: {told}, at most "
            f"{most:.2f} by the intervals (chance 0.5, {n})."
        )
        trust = "solid" if one.trusted and most <= _SAME_AS else "weak"
        highest = one[int(np.nanargmax(one.high))]
        return [wl.Finding(text, "neuron-mixture", (), trust, "null", highest)]

    def views(self) -> Sequence[wl.View]:
        if not self.kind_entropy.size:
            return []
        return [*([self._cards()] if self.listed else []), self._sweep(), self._by_layer()]

    def _cards(self) -> wl.View:
        return wl.View(
            "neurons",
            "Neurons: maximally activating examples",
            Cards([self._card(row, self.listed_selectivity[i]) for i, row in enumerate(self.listed)]),
            subtitle="What does each neuron fire for?",
            caption=f"The {len(self.listed)} neurons, of {self.kind_entropy.size:,}, that are most selective on one "
            f"half of the conversations ({self.conversations[0]}). Numbers and snippets are of the other half "
            f"({self.conversations[1]}), intervals over its conversations; there the selectivity of random directions "
            f"is {_mean(self.nulls['random directions'][1])} on average.{self._lost()}",
            how_to_read="Each neuron with the words it fires for, shaded by how much, from its highest activations "
            "down; and what it then makes likelier (+) or less likely (−), in logits for one unit of activation.",
            misleads="These are the clearest neurons: the typical neuron is far more mixed. And the highest "
            "activations flatter: read the lower bands too.",
            order=120,
        )

    def _lost(self) -> str:
        """Say what became of neurons that fire in one half only."""
        chosen, other = self.lost
        told = ""
        if chosen:
            many, its = ("neurons fire", "their") if chosen > 1 else ("neuron fires", "its")
            told += f" {chosen} {many} only in the half to choose on, so that {its} selectivity is not known."
        if other:
            many = "neurons fire" if other > 1 else "neuron fires"
            told += f" {other} {many} only in the other half and could not be chosen."
        return told

    def _card(self, row: dict[str, Any], found: wl.Estimate) -> Card:
        neuron, kind, bars = Neuron.parse(row["neuron"]), Wording(row["kind"]), row["histogram"]
        entropy = self.nulls["random directions"][0, neuron.layer]
        fires = bool(np.isfinite(found.value))
        silent = Wording("not known: it does not fire in the half to measure on")
        rows = {
            "fires most for": kind,
            "selectivity": Number.of(found) if fires else silent,
            "entropy of kinds": Number(row["entropy"], chance=float(entropy)) if fires else silent,
            "active": Wording(f"{percent(row['active'])} of tokens"),
        }
        blocks = [
            Block("How often, how much", bars=SmallBars(bars["label"], bars["values"], Wording.every(bars["x"]))),
            *(vocabulary(name, row[name], sign) for name, sign in (("raises", 1), ("lowers", -1), ("reads", 1))),
            *map(_band, row["bands"]),
        ]
        said = f"{kind} {formatted(float(found.value), '.2f')}" if fires else f"{kind}, not seen to fire again"
        return Card(neuron, Wording(said), rows=Row.each(rows), blocks=blocks)

    def _sweep(self) -> wl.View:
        curves = dict(self.sweep)
        if isinstance(self.control, NeuronsResult) and self.control.kind_entropy.size:
            curves["untrained neurons"] = self.control.sweep["neurons"]
        return wl.View(
            "neuron-mixture",
            "Neuron polysemanticity by threshold",
            Lines.of(curves, "called mixed from this entropy of kinds on", "share of neurons", THRESHOLDS),
            subtitle="Do single neurons fire for one kind of token or for many?",
            caption=f"Share of all {self.kind_entropy.size:,} neurons whose highest activations mix kinds of tokens at "
            "least that much, and the same of random directions and of kinds dealt out anew.",
            how_to_read="Wherever one draws the line, compare with the other curves: only the distance to them is "
            "about neurons.",
            misleads="A share of polysemantic neurons alone says little: random directions have one, too.",
            order=121,
        )

    def _by_layer(self) -> wl.View:
        bars: dict[str, Any] = {"neurons": self.specific}
        if isinstance(self.control, NeuronsResult) and self.control.kind_entropy.size:
            bars["before training"] = self.control.specific.value
        n = f"n={self.specific.over}, {counted(self.directions, 'direction')}"
        return wl.View(
            "neurons-by-layer",
            "Neuron basis against random directions",
            Bars.by_place([f"L{i}" for i in range(len(self.specific.value))], bars, Axis("probability")),
            subtitle="Is a single neuron purer than a mixture of neurons?",
            caption="Probability that the highest activations of a neuron are of fewer kinds than those of a random "
            f"direction of its layer; 95% interval over {n}; chance 0.5.",
            how_to_read="Over the chance line, and over the bar before training, single neurons are more about one "
            "kind of token than mixtures of neurons are.",
            misleads="Kinds of tokens are not meanings: a neuron of one topic looks mixed here.",
            order=122,
        )


def vocabulary(name: str, tokens: Sequence[Sequence[Any]], sign: int) -> Block:
    """Return the tokens that are really raised, lowered or read: the first of a list of zeros is none."""
    found = [Token(piece, number) for piece, number in tokens if sign * number > 0]
    return Block(name.capitalize(), "" if found else "No token.", tokens=found)


def _band(band: dict[str, Any]) -> Block:
    snippets = sorted(band["snippets"], key=lambda snippet: -snippet["value"])
    return Block(band["title"], snippets=[Snippet(**snippet) for snippet in snippets])


def _mean(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return f"{known.mean():.2f}" if len(known) else "unknown"


def _by_layer(probabilities: np.ndarray) -> str:
    return ", ".join("unknown" if np.isnan(p) else f"{p:.2f}" for p in probabilities)


def nothing(layers: int) -> NeuronsResult:
    """Return the result of a model without MLPs."""
    empty, none = np.zeros((layers, 0)), np.zeros((layers, 0, 0), dtype=np.int64)
    zero = wl.Estimate(np.zeros(0), np.zeros(0), np.zeros(0), n=0, resampled_over="neurons")
    return NeuronsResult(
        kind_entropy=empty,
        token_entropy=empty,
        selectivity=empty,
        chosen_by=empty,
        favourite=empty.astype(np.int64),
        active=empty,
        conversations=[0, 0],
        lost=[0, 0],
        kinds=list(KINDS),
        directions=0,
        mixed=zero,
        specific=zero,
        nulls={},
        sweep={},
        raises=none,
        lowers=none,
        reads=none,
        listed_selectivity=wl.Estimate.missing((0,), unit="1", dims=("neuron",)),
        listed=[],
    )
