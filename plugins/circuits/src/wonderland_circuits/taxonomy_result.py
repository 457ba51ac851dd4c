"""How the head taxonomy is told and drawn: the sortable index of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl

_NOTHING = "no role found"


@dataclass(frozen=True)
class HeadTaxonomyResult(wl.Result):
    """A role for each head, in the order L0H0, L0H1, ….

    Attributes:
        heads: Their names.
        roles: What each is for; "no role found" where nothing was shown to depend on it.
        rules: The rule that gave the role, with its numbers.
        causal: Whether something was shown to depend on the head.
        patterns: The label of `head-patterns`.
        ablation: The verdict of `head-ablation`.
        partners: Earlier heads it composes with beyond chance.
        numbers: The numbers of the table by heading, each [layer, head].
        absent: Analyses that were not there to read.
        shape: (layers, heads).
    """

    heads: list[str]
    roles: list[str]
    rules: list[str]
    causal: list[bool]
    patterns: list[str]
    ablation: list[str]
    partners: list[str]
    numbers: dict[str, wl.Estimate]
    absent: list[str]
    shape: list[int]

    def role(self, head: str) -> str:
        """Return the role of a head by its name."""
        return self.roles[self.heads.index(head)]

    @property
    def by_role(self) -> dict[str, list[str]]:
        """Heads by role, those shown to matter first."""
        groups: dict[str, list[str]] = {}
        for i in sorted(range(len(self.heads)), key=lambda i: (not self.causal[i], self.roles[i] == _NOTHING)):
            groups.setdefault(self.roles[i], []).append(self.heads[i])
        return groups

    @property
    def named(self) -> list[int]:
        """Heads with a role that says what they do, shown by intervention."""
        vague = (_NOTHING, "harmful", "needed for something not named")
        return [i for i in range(len(self.heads)) if self.causal[i] and self.roles[i] not in vague]

    def summary(self) -> str:
        count = len(self.named)
        have = "has" if count == 1 else "have"
        first = f"{count} of {len(self.heads)} heads {have} a role that an intervention supports."
        lines = [first, *(f"{role.capitalize()}: {', '.join(heads)}." for role, heads in self.by_role.items())]
        if self.absent:
            lines.append(f"Not there to read: {', '.join(self.absent)}; their roles cannot be given.")
        if isinstance(self.control, HeadTaxonomyResult):
            lines.append(f"Before training {len(self.control.named)} had one.")
        return "\n".join(lines)

    def findings(self) -> Sequence[wl.Finding]:
        trusted = all(one.trusted for one in self.numbers.values() if one.resampled_over != "models")
        found = [wl.Finding(self.summary().splitlines()[0], "head-taxonomy", {}, "solid" if trusted else "weak")]
        special = [i for i in self.named if self.roles[i].startswith(("says", "induction", "relays"))]
        for i in special[:4]:
            text = f"{self.heads[i]} {_verb(self.roles[i])}: {self.rules[i]}."
            found.append(wl.Finding(text, "head-taxonomy", {"head": self.heads[i]}, "solid" if trusted else "weak"))
        return found

    def about_heads(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {
            head: [{"role": self.roles[i], "rule": self.rules[i]}]
            for i, head in enumerate(self.heads)
            if self.roles[i] != _NOTHING
        }

    def views(self) -> Sequence[wl.View]:
        columns: list[dict[str, Any]] = [
            {"key": "head", "label": "Head"},
            {"key": "role", "label": "Role"},
            {"key": "pattern", "label": "Pattern"},
            {"key": "verdict", "label": "Ablation says"},
        ]
        columns += [
            {"key": name, "label": name, "digits": 3 if name == "Ablation" else 2, "bar": True} for name in self.numbers
        ]
        why = [
            {"key": "head", "label": "Head"},
            {"key": "role", "label": "Role"},
            {"key": "rule", "label": "The rule that gave it"},
            {"key": "partners", "label": "Told by (weights)"},
            {"key": "before", "label": "Before training"},
        ]
        rows = [self._row(i) for i in range(len(self.heads))]
        n = self.numbers["Ablation"]
        return [
            wl.View.of_data(
                "head-taxonomy",
                "Head taxonomy",
                "table",
                {"columns": columns, "rows": rows, "links": "head"},
                caption="Ablation in nats a token (resampled); attention as shares; 95% intervals over "
                f"n={n.n} {n.resampled_over} where numbers come from text, chance levels beside them; weights have "
                "a null and no interval.",
                how_to_read="A role is named only if an intervention supports it; the next table has the rule. Sort by "
                "a heading; click a head for everything measured about it.",
                misleads="A head with two jobs has one role here, and heads that back each other up have none.",
                order=5,
            ),
            wl.View.of_data(
                "head-taxonomy-rules",
                "Why each head has its role",
                "table",
                {"columns": why, "rows": [{key: row[key] for key in _keys(why)} for row in rows], "links": "head"},
                caption="The first rule that each head meets, with the numbers it went by, and earlier heads that it "
                "composes with beyond chance by its queries (Q), keys (K) or values (V).",
                how_to_read="Each role stands on the numbers beside it. Before training no head should have one.",
                misleads="That weights can be read is no proof that they are: look at the paths and edges.",
                order=6,
            ),
        ]

    def _row(self, i: int) -> dict[str, Any]:
        at = tuple(int(part) for part in np.unravel_index(i, self.shape))
        before = self.control.roles[i] if isinstance(self.control, HeadTaxonomyResult) else ""
        row: dict[str, Any] = {
            "head": self.heads[i],
            "role": self.roles[i],
            "pattern": self.patterns[i],
            "verdict": self.ablation[i],
            "partners": self.partners[i],
            "before": before,
            "rule": self.rules[i],
        }
        return row | {name: _cell(estimate[at]) for name, estimate in self.numbers.items()}


def _keys(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(column["key"]) for column in columns]


def _cell(one: wl.Estimate) -> dict[str, float]:
    cell = {"value": float(one.value)}
    if one.resampled_over != "models":
        cell |= {"low": float(one.low), "high": float(one.high)}
    return cell if one.chance is None else cell | {"chance": float(one.chance)}


def _verb(role: str) -> str:
    return "does induction" if role == "induction" else role
