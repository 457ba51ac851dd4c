"""What is said and shown of the six tests of a speaker head: verdicts, tables, and the share that goes through each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.contrast import ENOUGH_PAIRS
from wonderland_circuits.questions import share
from wonderland_circuits.speaker_verdicts import RULE, SIDES, TESTS

_WHOSE = {"current": "who speaks", "first": "who spoke first"}
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
        found = [
            (layer, head) for layer, row in enumerate(self.verdicts) for head, name in enumerate(row) if name == verdict
        ]
        if verdict in _SIDE:
            through = self.swap[_SIDE[verdict]]["confirm"]["through"].value
            found.sort(key=lambda at: -through[at])
        return [str(Head(layer, head)) for layer, head in found]

    def through(self, head: str, side: str = "current") -> wl.Estimate:
        """Return the share of a swap that goes through a head, on the pairs to confirm."""
        return self.swap[side]["confirm"]["through"][Head.parse(head)]

    def trust(self, side: str) -> Any:
        """How far a claim about one side can be trusted."""
        if side not in self.silent and self.pairs[side]["confirm"] < ENOUGH_PAIRS:
            return "anecdotal"
        return "solid" if self.swap[side]["confirm"]["through"].trusted else "weak"

    def summary(self) -> str:
        lines = [str(finding.text) for finding in self.findings()]
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
            for head in self.heads_that_are(verdict):
                at = Head.parse(head)
                looks = self.seen["latest" if side == "current" else "first"][at]
                probe = self.probe[side]["head"][at]
                text = (
                    f"{head} says {_WHOSE[side]}: it gives {looks.value:.0%} of its attention to the "
                    f"{'latest' if side == 'current' else 'first'} speaker token (uniform attention would give "
                    f"{float(looks.chance):.0%}), {share(self.through(head, side))} of what swapping "
                    f"{_WHOSE[side]} changes goes through it alone ({self.pairs[side]['confirm']} pairs not used to "
                    f"choose it), and a probe reads it off its output {probe.value:.0%} of the time (chance 50%)."
                )
                found.append(wl.Finding(text, "speaker-tracking", {"head": head}, self.trust(side)))
        if not found:
            text = f"None of {sum(map(len, self.verdicts))} heads is shown to track who speaks or who spoke first."
            found.append(wl.Finding(text, "speaker-tracking", {}, self.trust("current")))
        return found

    def card(self) -> Mapping[str, wl.Estimate]:
        shown = {"Value at position 0, of other values": self.seen["ratio"]}
        for side in SIDES:
            if side not in self.silent and self.pairs[side]["confirm"]:
                shown[f"Swapping {_WHOSE[side]}, share through it"] = self.swap[side]["confirm"]["through"]
            shown[f"Probe reads {_WHOSE[side]}"] = self.probe[side]["head"]
        return shown

    def views(self) -> Sequence[wl.View]:
        layers, heads = len(self.verdicts), len(self.verdicts[0])
        places = [(layer, head) for layer in range(layers) for head in range(heads)]
        n = self.seen["latest"].n
        at = self.thresholds
        numbers = [
            ("verdict", "Verdict", "", "The rule is below"),
            (
                "ratio",
                "Value at 0",
                "of others",
                "Norm of the value at position 0 over that of others; a sink's is small",
            ),
            ("written", "Writes", "of others", "Norm of what it writes over that of the values it could write"),
            ("latest", "To latest", "share", "Attention to the latest speaker token, in later turns"),
            ("first", "To first", "share", "Attention to position 0, in later turns"),
            ("stays", "Stays", "share", "Attention to a neutral token put in front"),
            ("follows", "Follows", "share", "Attention to the first speaker token behind it"),
        ]
        for side in SIDES:
            numbers += [
                (f"{side} through", f"Swap {side}", "share", f"Of swapping {_WHOSE[side]}, what goes through the head"),
                (
                    f"{side} resample",
                    f"Other {side}",
                    "share",
                    "Cost of the other speaker's output over the same one's",
                ),
                (f"{side} probe", f"Probe {side}", "accuracy", "How well a classifier reads it; chance is the null"),
            ]
        columns: list[dict[str, Any]] = [{"key": "head", "label": "Head"}]
        columns += [
            {"key": key, "label": label, "unit": unit or "1", "digits": 2, "help": told}
            for key, label, unit, told in numbers
        ]
        caption = (
            f"95% intervals over n={n} conversations, and over {self._confirming()} that were not used to choose; "
            "chance is uniform attention, no effect, and for probes the highest of three nulls."
        )
        rule = "; ".join(f"{name}: {RULE[name]}" for name in ("sink", "first-speaker", "current-speaker"))
        tests = [{"key": "head", "label": "Head"}, {"key": "verdict", "label": "Verdict"}]
        tests += [{"key": test, "label": test.capitalize()} for test in TESTS]
        tests.append({"key": "reason", "label": "Why"})
        if isinstance(self.control, SpeakerTrackingResult):
            tests.append({"key": "before", "label": "Before training"})
        return [
            wl.View.of_data(
                "speaker-tracking",
                "Sink, or who speaks?",
                "table",
                {"columns": tests, "rows": [self._words(place) for place in places], "links": "head"},
                caption=f"Outcomes of six tests of each head; it looks somewhere with {at['attention']:.0%} of its "
                f"attention, a value is small under {at['small']:g} of others, an effect counts from "
                f"{at['effect']:.0%} of a swap. {caption}",
                how_to_read=f"A verdict needs several tests. {rule[0].upper()}{rule[1:]}.",
                misleads="Heads that share the work can each stay under the threshold: none is not no part in it.",
                order=48,
            ),
            wl.View.of_data(
                "speaker-tests",
                "Sink, or who speaks? In numbers",
                "table",
                {"columns": columns, "rows": [self._numbers(place) for place in places], "links": "head"},
                caption=caption,
                how_to_read="Left to right: what stands at position 0, where the head looks, whether it follows the "
                "token, and for the current and the first speaker what goes through it and can be read off it.",
                misleads="That something can be read off a head is no proof that the model reads it: go by the swaps.",
                order=49,
            ),
        ]

    def _confirming(self) -> str:
        return ", ".join(f"{self.swap[s]['confirm']['through'].n} ({_WHOSE[s]})" for s in SIDES)

    def _words(self, at: tuple[int, int]) -> dict[str, Any]:
        row: dict[str, Any] = {"head": f"L{at[0]}H{at[1]}", "verdict": self.verdicts[at[0]][at[1]]}
        row |= self.outcomes[at[0]][at[1]] | {"reason": self.reasons[at[0]][at[1]]}
        if isinstance(self.control, SpeakerTrackingResult):
            row["before"] = self.control.verdicts[at[0]][at[1]]
        return row

    def _numbers(self, at: tuple[int, int]) -> dict[str, Any]:
        shown = {name: self.seen[name] for name in ("ratio", "written", "latest", "first")}
        shown |= {name: self.shift[name] for name in ("stays", "follows")}
        for side in SIDES:
            shown[f"{side} through"] = self.swap[side]["confirm"]["through"]
            shown[f"{side} resample"] = self.resample[side]["other − same"]
            shown[f"{side} probe"] = self.probe[side]["head"]
        row: dict[str, Any] = {"head": f"L{at[0]}H{at[1]}", "verdict": self.verdicts[at[0]][at[1]]}
        for name, estimate in shown.items():
            one = estimate[at]
            row[name] = {"value": float(one.value), "low": float(one.low), "high": float(one.high)}
            if one.chance is not None:
                row[name]["chance"] = float(one.chance)
        return row
