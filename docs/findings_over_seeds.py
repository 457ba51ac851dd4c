"""Run every script of the findings on models that differ in their seed only: in how many does each finding hold?

    wonderland train --seeds 5 -w wonderland-demo
    python docs/findings_over_seeds.py wonderland-demo

writes ``findings/over-seeds.md``: a row a finding, with the verdicts counted, and the number that the script prints
first beside its interval over seeds and conversations (`wonderland_cohorts.spread`). The numbers are read from what the
scripts print, so that the page can say nothing else than they do.

What would fool it: contrasts. Those that do not suffice in every seed are left out, so that all seeds are asked the
same; a seed's number may differ from the one on its own page.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import runpy
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from record_findings import HERE, SCRIPTS, heading

import wonderland as wl
from wonderland.lab.mining import KINDS
from wonderland.model.settings import TrainingSettings
from wonderland.report.schema import digits
from wonderland_cohorts.spread import over_both, over_seeds, share

FOLDER = "wonderland-demo"
VERDICTS = ("holds", "holds in part", "does not hold", "cannot be said")
_SHARE = r"(?P<value>-?\d+)% (?:\[(?P<low>-?\d+)%, (?P<high>-?\d+)%\]|\(no interval\))"
_NATS = r"(?P<value>[-+]?[\d.]+) nats \[(?P<low>[-+]?[\d.]+), (?P<high>[-+]?[\d.]+)\]"


@dataclass(frozen=True)
class Number:
    """Which number a script prints that its verdict rests on.

    Attributes:
        name: What it is.
        pattern: Where it stands, with groups ``value`` and, if it has an interval, ``low`` and ``high``. Of several
            places the mean is taken.
        less: Where a second number stands that is taken off. The interval is then that of the ends furthest apart, as
            the script compares the two.
        chance: Its chance level, or a pattern of where that stands; None if there is none.
        over: What its interval is resampled over.
    """

    name: str
    pattern: str
    less: str = ""
    chance: float | str | None = None
    over: str = "conversations"

    def read(self, printed: str) -> wl.Estimate:
        """Return the number in what a script printed.

        Raises:
            ValueError: It is not there.
        """
        found = [_numbers(m) for m in re.finditer(self.pattern, printed, flags=re.M)]
        if not found:
            raise ValueError(f"{self.name!r} does not stand in:\n{printed}")
        value, low, high = (sum(column) / len(found) for column in zip(*found, strict=True))
        if self.less:
            second = re.search(self.less, printed, flags=re.M)
            if second is None:
                raise ValueError(f"What is taken off {self.name!r} does not stand in:\n{printed}")
            other, lower, upper = _numbers(second)
            value, low, high = value - other, low - upper, high - lower
        chance = self.chance
        if isinstance(chance, str):
            there = re.search(chance, printed, flags=re.M)
            chance = None if there is None else _one(there, "value")
        return wl.Estimate(value, low, high, n=1, chance=chance, resampled_over=self.over)


def _numbers(found: re.Match[str]) -> tuple[float, float, float]:
    value = _one(found, "value")
    return (value, _one(found, "low"), _one(found, "high")) if "low" in found.groupdict() else (value, value, value)


def _one(found: re.Match[str], group: str) -> float:
    if found[group] is None:
        return math.nan
    shares = found.string[found.end(group) : found.end(group) + 1] == "%"
    return float(found[group]) / (100 if shares else 1)


NUMBERS = (
    Number("the best pair of heads brings back, share of yes or no", rf"^here .* bring back {_SHARE}", chance=0.0),
    Number("a swap of speakers that goes through one head", rf"{_SHARE} of a swap of speakers", chance=0.0),
    Number(
        "highest attention of a head to the token before", rf"^here .* most, {_SHARE}",
        chance=r"Even attention would give\s+(?P<value>\d+)%",
    ),
    Number(
        "a neuron is less mixed than a random direction, probability, mean of layers",
        r"^ +L\d+ (?P<value>[\d.]+) \[(?P<low>[\d.]+), (?P<high>[\d.]+)\]", chance=0.5, over="neurons",
    ),
    Number("heads with a role that an intervention supports, of 16", r"^here +(?P<value>\d+) of \d+ heads", over=""),
    Number("of the five strongest pairs of heads, by keys", r"^here +(?P<value>\d+) of the top", chance=5 / 3, over=""),
    Number("nats that the order of a repetition is worth", rf"^here .* worth {_NATS}", chance=0.0, over="sequences"),
    Number(
        "nats that first words cost more than later ones", rf"^here +first words cost {_NATS}", rf"later ones {_NATS}",
        chance=0.0,
    ),
    Number("one head brings back, share of who speaks", rf"^here .* alone brings back {_SHARE}", chance=0.0),
    Number("heads that have a pattern, of 16", r"(?P<value>\d+) of \d+ heads have a pattern", over=""),
)  # fmt: skip
"""Of each script, in their order."""


def main(folder: str = FOLDER) -> None:
    """Run the scripts on every seed and write the page."""
    workspace = wl.Workspace(folder)
    asked = [runpy.run_path(str(script), run_name="example") for script in SCRIPTS]
    results = workspace.analyze(*dict.fromkeys(name for one in asked for name in one["ASKS"]), cohort="seeds")
    told = [[printed(one["examine"], member) for member in results.members.values()] for one in asked]
    (HERE / "over-seeds.md").write_text(page(workspace, list(results.members), told), encoding="utf-8")


def printed(examine: object, results: object) -> str:
    """Return what a script prints of the results of one seed."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        examine(results)  # type: ignore[operator]
    return text.getvalue()


def page(workspace: wl.Workspace, members: list[str], told: list[list[str]]) -> str:
    """Return the page: which models, the table, and the verdict of every seed."""
    settings, models = workspace.settings.training.resolved(), workspace.cohort("seeds").members
    losses = [member.model.history.held_out_loss for member in models.values()]  # type: ignore[attr-defined]
    first = next(iter(models.values())).model
    trigram = first.history.baselines["trigram"]  # type: ignore[attr-defined]
    how = "better than" if max(losses) < trigram else "no better than"
    every = f"{settings.epochs} epoch{'s' * (settings.epochs > 1)}"
    lines = [
        "# The ten findings over seeds",
        f"{len(members)} models of the conversations of the demo, which differ in their seed only: preset "
        f"`{settings.preset}`, {every} each, held-out loss {min(losses):.2f} to {max(losses):.2f} nats a token, {how} "
        f"the trigram ({trigram:.2f}). Each "
        "was asked by the same scripts, on the same held-out windows, with the same pairs of prompts: those that "
        f"suffice in every seed.{_shorter(settings)} Written by",
        f"    wonderland demo {FOLDER}\n"
        f"    wonderland train --seeds {len(members)} --epochs {settings.epochs} -w {FOLDER}\n"
        f"    python docs/findings_over_seeds.py {FOLDER}",
        "The interval of a mean is over seeds and what else is named: conversations, neurons or sequences of words. It "
        "speaks of the next training run on these conversations; an interval of one model does not. All of "
        f"{len(members)} seeds is a share of {float(share(len(members), len(members)).low):.0%} to 100%.",
        table(told),
        "## The pairs of prompts",
        pairs_used(workspace.cohort("seeds")),
        "## The verdict in every seed",
        *(verdicts(number, members, texts) for number, texts in enumerate(told)),
    ]
    return "\n\n".join(lines) + "\n"


def _shorter(settings: TrainingSettings) -> str:
    """Return how these models differ from the one that the preset's own number of epochs gives."""
    usual = TrainingSettings(preset=settings.preset).resolved().epochs
    if usual == settings.epochs:
        return ""
    return (
        f" The model of [the demo's page](demo.md) was trained for {usual} epochs, so that its numbers are others; "
        "what this page tells is how far training runs differ."
    )


def table(told: list[list[str]]) -> str:
    """Return the table: a row a finding."""
    head = ["finding", "verdicts", "number", "of each seed", "mean [95% interval]", "chance"]
    rows = [row(number, texts) for number, texts in enumerate(told)]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


def pairs_used(cohort: wl.Cohort) -> str:
    """Return which pairs of prompts were used: how many of each kind the first seed gives, and suffice in all."""
    head = ["what differs", "pairs", "suffice in every seed", "to explore", "to confirm"]
    rows = []
    for kind in KINDS:
        found = cohort.contrasts(kind)
        lost = sum(n for why, n in found.refused.items() if why.endswith("in another member"))
        cells = (kind, len(found) + lost, len(found), len(found.explore), len(found.confirm))
        rows.append(f"| {' | '.join(map(str, cells))} |")
    first = next(iter(cohort.members))
    return "\n".join(
        [
            f"Pairs are cut from held-out conversations and answered by {first}, at most 64 of a kind. One that does "
            "not move another seed's answer enough is left out for all. Those to explore and those to confirm are from "
            'different conversations. `workspace.cohort("seeds").contrasts("speaker")` gives the prompts.',
            "",
            f"| {' | '.join(head)} |",
            "|---" * len(head) + "|",
            *rows,
        ]
    )


def row(number: int, texts: list[str]) -> str:
    """Return the row of a finding: its verdicts counted, and its number over seeds."""
    of, counted = NUMBERS[number], Counter(verdict(text)[0] for text in texts)
    verdicts = ", ".join(f"{kind}: {counted[kind]} of {len(texts)}" for kind in VERDICTS if counted[kind])
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):  # a seed of which it cannot be said
            found.append(of.read(text))
    if not found:
        return f"| {heading(SCRIPTS[number]).removeprefix('Finding ')} | {verdicts} | {of.name} | – | – | – |"
    known = [one.chance for one in found if one.chance is not None]
    chance = sum(known) / len(known) if known else None
    values = [float(one.value) for one in found]
    bare = bool(of.over) and any(math.isnan(float(one.low)) for one in found)
    mean = over_both(found, chance=chance) if of.over and not bare else over_seeds(values, chance=chance)
    low = mean.low if of.over else max(float(mean.low), 0.0)  # a count
    there = math.isfinite(mean.high) and not bare  # not of fewer than three, nor of a count alike in all
    interval = f" [{digits(low)}, {digits(mean.high)}]" if there else ""
    over = f" over n={len(found)} seeds{' and ' * bool(of.over)}{of.over}"
    if bare:
        over = f" over n={len(found)} seeds, no interval: one pair of prompts in each"
    each = ", ".join(digits(value) if of.over else f"{value:.0f}" for value in values)
    cells = (
        heading(SCRIPTS[number]).removeprefix("Finding "), verdicts, of.name, each,
        f"{digits(mean.value)}{interval}{over}", "–" if chance is None else digits(chance),
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def verdicts(number: int, members: list[str], texts: list[str]) -> str:
    """Return what is concluded of each seed in one finding."""
    lines = [f"- {member}: {verdict(text)[1]}" for member, text in zip(members, texts, strict=True)]
    return "\n".join([f"### {heading(SCRIPTS[number])}", "", *lines])


def verdict(text: str) -> tuple[str, str]:
    """Return the kind of a verdict, one of `VERDICTS`, and its words."""
    found = re.search(r"^verdict  (.*)$", text, flags=re.M)
    begins = [] if found is None else [kind for kind in VERDICTS if found[1].startswith(kind)]
    kind = max(begins, key=len, default="")
    if found is None or not kind:
        raise ValueError(f"There is no verdict in:\n{text}")
    return kind, found[1]


if __name__ == "__main__":
    main(*sys.argv[1:])
