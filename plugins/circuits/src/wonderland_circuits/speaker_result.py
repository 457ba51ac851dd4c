"""What is said and shown of the six tests of a speaker head: verdicts, tables, and the share that goes through each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland.views import Column, Table, Wording, percent
from wonderland_circuits.phrases import share
from wonderland_circuits.speaker_verdicts import RULE, SIDES, TESTS

_WHOSE = {"current": "who speaks", "first": "who spoke first"}
_TESTS = (
    ("Value at 0", "Is what the head reads at position 0 small beside what it reads elsewhere, as a sink's is?"),
    (
        "Token moved",
        "With a neutral token put in front, does attention stay at position 0 or follow the speaker token?",
    ),
    ("Looks at", "Where most of the attention goes: the latest speaker token, the first one, or elsewhere."),
    ("Speaker swapped", "How much of the effect of swapping the speaker goes through the head."),
    ("Output replaced", "Is the output of another speaker's place worse for the answer than one of the same speaker?"),
    ("Probe reads", "Which speaker can be read off the head's output, better than chance."),
)
_SIDE = {"current-speaker": "current", "first-speaker": "first"}


@dataclass(frozen=True)
class SpeakerTrackingResult(wl.Result):
    """The six tests of every head, and their verdicts.

    Attributes:
        verdicts: "sink", "first-speaker", "current-speaker", "none" or "undetermined", [layer][head].
        outcomes: The outcome of each test in words, [layer][head].
        reasons: What made the verdict, or stood against the nearest, [layer][head].
        seen: "ratio" (‖v₀‖ over mean ‖vⱼ‖), "written" (‖z W_O‖ over mean ‖vⱼ W_O‖), and attention to the "latest"
            speaker token, "others" and the "first", each [layer, head].
        shift: Attention that "stays" at position 0 and that "follows" the token to 1, and "stays − follows".
        swap: By side ("current", "first") and part ("explore", "confirm"), the share of a swap that goes "through"
            each head, "direct" to the logits, and of the KL divergence ("kl"), each [layer, head].
        resample: By side, the share lost with each donor ("mean", "same speaker", "other speaker") and
            "other − same", each [layer, head]; NaN for heads that were not asked, as little goes through them.
        probe: By side, balanced accuracy from each "head" [layer, head], with "shuffled" labels [layer, head] and from
            a random "projection" [layer].
        pairs: By side, how many pairs there are to "explore" and to "confirm".
        gaps: By side, the mean gap in logits.
        silent: Sides on which a swap moves nothing in this model, wherever it was tried.
        refused: By side, why pairs were refused.
        thresholds: What the verdicts go by.
    """

    verdicts: list[list[str]]
    outcomes: list[list[dict[str, str]]]
    reasons: list[list[str]]
    seen: dict[str, wl.Estimate]
    shift: dict[str, wl.Estimate]
    swap: dict[str, dict[str, dict[str, wl.Estimate]]]
    resample: dict[str, dict[str, wl.Estimate]]
    probe: dict[str, dict[str, wl.Estimate]]
    pairs: dict[str, dict[str, int]]
    gaps: dict[str, float]
    silent: list[str]
    refused: dict[str, list[str]]
    thresholds: dict[str, float]

    def heads_that_are(self, verdict: str) -> list[str]:
        """List the heads of a verdict; speaker heads by what goes through them, most first."""
        found = [head for head in self._heads() if self.verdicts[head.layer][head.index] == verdict]
        if verdict in _SIDE:
            through = self.swap[_SIDE[verdict]]["confirm"]["through"].value
            found.sort(key=lambda head: -through[head])
        return list(map(str, found))

    def _heads(self) -> Iterator[Head]:
        return Head.all(len(self.verdicts), len(self.verdicts[0]))

    def through(self, head: str, side: str = "current") -> wl.Estimate:
        """Return the share of a swap that goes through a head, on the pairs to confirm."""
        return self.swap[side]["confirm"]["through"][Head.parse(head)]

    def trust(self, side: str) -> Any:
        """How far a claim about one side can be trusted."""
        if side not in self.silent and self.pairs[side]["confirm"] < ENOUGH_PAIRS:
            return "anecdotal"
        return "solid" if self.swap[side]["confirm"]["through"].trusted else "weak"

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        for verdict, said in (
            ("sink", "Sinks, which look at the first token and pass nothing on"),
            ("undetermined", "Undetermined, as the tests disagree or cannot tell"),
        ):
            if heads := self.heads_that_are(verdict):
                lines.append(f"{said}: {', '.join(heads)}.")
        for side in SIDES:
            if side in self.silent:
                lines.append(f"Swapping {_WHOSE[side]} moves no next word by half a logit, wherever it was tried.")
            else:
                few = f", fewer than {ENOUGH_PAIRS}: too few to judge by" * (self.trust(side) == "anecdotal")
                lines.append(
                    f"Swapping {_WHOSE[side]}: {self.pairs[side]['explore']} pairs to explore, "
                    f"{self.pairs[side]['confirm']} of other conversations to confirm{few}."
                )
        if isinstance(self.control, SpeakerTrackingResult):
            before = sum(len(self.control.heads_that_are(verdict)) for verdict in _SIDE)
            lines.append(f"Before training {before} heads tracked a speaker.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        found = []
        for verdict, side in _SIDE.items():
            for head in map(Head.parse, self.heads_that_are(verdict)):
                looks = self.seen["latest" if side == "current" else "first"][head]
                probe, through = self.probe[side]["head"][head], self.through(str(head), side)
                text = (
                    f"{head} says {_WHOSE[side]}: in later turns it gives {percent(looks.value)} of its attention to "
                    f"the {'latest' if side == 'current' else 'first'} speaker token (uniform attention would give "
                    f"{percent(float(looks.chance))}), {share(through)} of what swapping "
                    f"{_WHOSE[side]} changes goes through it alone ({self.pairs[side]['confirm']} pairs not used to "
                    f"choose it), and a probe reads it off its output {percent(probe.value)} of the time (chance 50%)."
                )
                one = replace(through, chance=0.0)
                sure: Any = self.trust(side) if float(one.low) > 0 else "weak"
                found.append(wl.Finding(text, "speaker-tracking", head, sure, "effect", one))
        if not found:
            text = (
                f"None of {sum(map(len, self.verdicts))} heads is shown to track who speaks or who spoke first"
                f"{self._bound()}."
            )
            trust = "anecdotal" if "anecdotal" in map(self.trust, SIDES) else "weak"
            found.append(wl.Finding(text, "speaker-tracking", trust=trust, kind="null"))  # type: ignore[arg-type]
        return found

    def _bound(self) -> str:
        """Return the most that can go through one head by its interval, where swaps were asked about."""
        highs = {side: np.asarray(self.swap[side]["confirm"]["through"].high) for side in SIDES}
        told = [
            f"at most {percent(float(np.nanmax(high)))} of swapping {_WHOSE[side]} goes through one head"
            for side, high in highs.items()
            if side not in self.silent and np.isfinite(high).any()
        ]
        return f" ({'; '.join(told)}, by 95% intervals)" if told else ""

    def card(self) -> Mapping[str, wl.Estimate]:
        shown = {"Value at position 0, of other values": self.seen["ratio"]}
        for side in SIDES:
            if side not in self.silent and self.pairs[side]["confirm"]:
                shown[f"Swapping {_WHOSE[side]}, share through it"] = self.swap[side]["confirm"]["through"]
            shown[f"Probe reads {_WHOSE[side]}"] = self.probe[side]["head"]
        return shown

    def views(self) -> Sequence[wl.View]:
        at = self.thresholds
        caption = (
            f"95% intervals over n={self.seen['latest'].over}, and over {self._confirming()} that were not "
            "used to choose; chance is uniform attention, no effect, and for probes the highest of three nulls. "
            "The pairs are its own: an analysis of the same heads with others can give shares some points away."
        )
        rule = "; ".join(f"{name}: {RULE[name]}" for name in ("sink", "first-speaker", "current-speaker"))
        verdicts: dict[Column, Any] = {
            Column("verdict", "Verdict", help="What the six tests together say of the head."): Wording.every(
                self.verdicts
            )
        }
        tests = {
            Column(test, label, help=about): [[Wording(one[test]) for one in row] for row in self.outcomes]
            for test, (label, about) in zip(TESTS, _TESTS, strict=True)
        }
        why: dict[Column, Any] = {
            Column("reason", "Reason", help="What made the verdict, or stood against the nearest one."): Wording.every(
                self.reasons
            )
        }
        if isinstance(self.control, SpeakerTrackingResult):
            why[Column("before", "Before training", help="The verdict on the same head of the untrained model.")] = (
                Wording.every(self.control.verdicts)
            )
        return [
            wl.View(
                "speaker-tracking",
                "Speaker tracking: six tests",
                Table.by_head({**verdicts, **tests, **why}),
                subtitle="Which heads follow who speaks, and which only look at the first token?",
                caption=f"Outcomes of six tests of each head; it looks somewhere with {percent(at['attention'])} of "
                f"its attention, a value is small under {at['small']:g} of others, an effect counts from "
                f"{percent(at['effect'])} of a swap. {caption}",
                how_to_read=f"A verdict needs several tests. {rule[0].upper()}{rule[1:]}.",
                misleads="Heads that share the work can each stay under the threshold: the verdict 'none' does not "
                "mean that a head has no part in it.",
                order=48,
            ),
            wl.View(
                "speaker-tests",
                "Speaker tracking: numbers",
                Table.by_head({**verdicts, **self._numbers()}),
                subtitle="The six tests in numbers",
                caption=caption,
                how_to_read="Left to right: for the current and the first speaker what goes through the head and can "
                "be read off it, then where the head looks, whether it follows the token, and what stands at "
                "position 0.",
                misleads="That something can be read off a head is no proof that the model reads it: go by the swaps.",
                order=49,
            ),
        ]

    def _numbers(self) -> dict[Column, wl.Estimate]:
        """Return the columns of numbers, those that a verdict stands on first."""
        shown: list[tuple[str, str, str, wl.Estimate]] = []
        for side in SIDES:
            through, other = self.swap[side]["confirm"]["through"], self.resample[side]["other − same"]
            shown += [
                (f"Swap {side}", "share", f"Of swapping {_WHOSE[side]}, what goes through the head", through),
                (f"Other {side}", "share", "Cost of the other speaker's output over the same one's", other),
                (f"Probe {side}", "accuracy", f"How well {_WHOSE[side]} is read off it", self.probe[side]["head"]),
            ]
        shown += [
            ("To latest", "share", "Attention to the latest speaker token, in later turns", self.seen["latest"]),
            ("To first", "share", "Attention to position 0, in later turns", self.seen["first"]),
            ("Stays", "share", "Attention to a neutral token put in front", self.shift["stays"]),
            ("Follows", "share", "Attention to the first speaker token behind it", self.shift["follows"]),
            (
                "Value at 0",
                "of others",
                "Norm of the value at position 0 over that of others; a sink's is small",
                self.seen["ratio"],
            ),
            (
                "Writes",
                "of others",
                "Norm of what it writes over that of the values it could write",
                self.seen["written"],
            ),
        ]
        return {Column(label, label, unit, 2, told): estimate for label, unit, told, estimate in shown}

    def _confirming(self) -> str:
        return ", ".join(f"{self.swap[s]['confirm']['through'].n:,} ({_WHOSE[s]})" for s in SIDES)
