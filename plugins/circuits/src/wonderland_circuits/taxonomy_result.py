"""How the head taxonomy is told and drawn: the sortable index of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.components import Head
from wonderland.views import Column, Number, Role, Table, Wording

NOTHING = "no role found"
COPIES = "copies what it looks at"
LEAST = 0.01
"""Nats a token: a head without which the loss changes by less has no role by that, however sure the change is."""
_SAID = {COPIES: f"needed, and {COPIES}"}  # where roles are counted: more heads copy by their weights than are needed
_FIRST = ("Ablation", "Speaker through it", "Induction")  # what a role stands on, before what only describes
UNNAMED = "needed for something not named"
_HELP = {
    "Ablation": "Rise of the loss without the head, its output resampled, in nats a token; 0 is no effect.",
    "Speaker through it": "Share of the effect of swapping the speaker that goes through the head; 0 is no effect.",
    "Induction": "Attention to the token after the last same one, as a share; chance is beside it.",
    "To previous": "Share of its attention that goes to the token before; chance is uniform attention.",
    "To speaker": "Share of its attention that goes to the latest speaker token; chance is uniform attention.",
    "To first": "Share of its attention that goes to the first token; chance is uniform attention.",
    "Entropy": "How spread the head's attention is: 0 looks at one token, 1 at all alike.",
    "Copying": "Copying score of its weights, −1 to 1; chance is near 0.",
    "σ₁/σ₂": "Largest singular value of its OV circuit over the second: large if it does nearly one thing.",
}
_VAGUE = (NOTHING, "harmful", UNNAMED)


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
        least: Least change of the loss that gave a role, nats a token.
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
    least: float = LEAST

    def role(self, head: str) -> str:
        """Return the role of a head by its name."""
        return self.roles[self.heads.index(head)]

    @property
    def by_role(self) -> dict[str, list[str]]:
        """Heads by role, those shown to matter first."""
        groups: dict[str, list[str]] = {}
        for i in sorted(range(len(self.heads)), key=lambda i: (not self.causal[i], self.roles[i] == NOTHING)):
            groups.setdefault(self.roles[i], []).append(self.heads[i])
        return groups

    @property
    def named(self) -> list[int]:
        """Heads with a role that says what they do, shown by intervention."""
        return [i for i in range(len(self.heads)) if self.causal[i] and self.roles[i] not in _VAGUE]

    @property
    def copying(self) -> list[int]:
        """Heads that are needed, by ablation, and copy what they look at, by their weights alone."""
        return [i for i in self.named if self.roles[i] == COPIES]

    def summary(self) -> str:
        told = {_said(role).capitalize(): heads for role, heads in self.by_role.items()}
        lines = [self._claim(), *(f"{role}: {', '.join(heads)}." for role, heads in told.items())]
        if self.absent:
            lines.append(f"Not there to read: {', '.join(self.absent)}; their roles cannot be given.")
        if isinstance(self.control, HeadTaxonomyResult):
            named, copying = len(self.control.named), len(self.control.copying)
            also = f"; {copying} copied by the weights" if copying else ""
            lines.append(f"Before training {named - copying} had one{also}.")
        return "\n".join(lines)

    def _claim(self) -> str:
        copying = len(self.copying)
        count = len(self.named) - copying
        have = "has" if count == 1 else "have"
        claim = f"{count} of {len(self.heads)} heads {have} a role that an intervention supports"
        rest = "".join(f"; {told}" for told in self._unnamed())
        if not copying:
            return f"{claim}{rest}."
        many = str(copying) if not count else f"{copying} other" if copying == 1 else f"{copying} others"
        least = f"by {self.least:g} nats a token or more"
        needed, copy = ("are needed, each", "copy what they look at") if copying > 1 else ("is needed", COPIES)
        return f"{claim}; {many} {needed} {least}, and {copy} by the weights alone{rest}."

    def _unnamed(self) -> list[str]:
        """Return how many heads have each verdict that is no role, so that all heads are told of."""
        counted = ((verdict, self.roles.count(verdict)) for verdict in (UNNAMED, "harmful"))
        told = [f"{count} {'is' if count == 1 else 'are'} {verdict}" for verdict, count in counted if count]
        none = self.roles.count(NOTHING)
        return [*told, f"no role was found for {none}"] if none else told

    def findings(self) -> Sequence[wl.Finding]:
        trusted = all(one.trusted for one in self.numbers.values() if one.resampled_over != "models")
        trust: Any = "solid" if trusted else "weak"
        kind: Any = "description" if self.named else "null"
        found = [wl.Finding(self._claim(), "head-taxonomy", trust=trust if self.named else "weak", kind=kind)]
        special = [i for i in self.named if self.roles[i].startswith(("says", "induction", "relays"))]
        for i in special[:4]:
            head, role = Head.parse(self.heads[i]), self.roles[i]
            text = f"{head} {'does induction' if role == 'induction' else role}: {self.rules[i]}."
            one = self._number_of(role, head)
            apart = one is None or one.chance is None or float(one.low) > float(one.chance)
            found.append(wl.Finding(text, "head-taxonomy", head, trust if apart else "weak", "effect", one))
        return found

    def _number_of(self, role: str, head: Head) -> wl.Estimate | None:
        """Return the number that a role rests on, where one heading has it."""
        heading = "Speaker through it" if role.startswith("says") else "Induction" if role == "induction" else ""
        one = self.numbers[heading][head] if heading in self.numbers else None
        return one if one is not None and np.isfinite(one.value) else None

    def cards(self) -> Mapping[Any, Sequence[Role]]:
        """Return what each head is called in the table; what ablation alone says of a head names no role."""
        told = zip(self.heads, self.roles, self.rules, strict=True)
        return {
            Head.parse(name): [Role(Wording(_said(role)), rule, named=role not in _VAGUE)] for name, role, rule in told
        }

    def views(self) -> Sequence[wl.View]:
        n = self.numbers["Ablation"]
        role: dict[Column, Any] = {
            Column("role", "Role", help="What the head is for, by the first rule that it meets."): self._words(
                [_said(role) for role in self.roles]
            )
        }
        said: dict[Column, Any] = {
            Column("pattern", "Pattern", help="Which kind of token the head looks at most."): self._words(
                self.patterns
            ),
            Column(
                "verdict", "Ablation verdict", help="Whether the model predicts worse without the head."
            ): self._words(self.ablation),
        }
        order = sorted(self.numbers, key=lambda name: (name not in _FIRST, list(self.numbers).index(name)))
        numbers = {
            Column(
                name, name, digits=3 if name == "Ablation" else 2, help=_HELP.get(name, ""), bar=True
            ): self._numbers(self.numbers[name])
            for name in order
        }
        before = self.control.roles if isinstance(self.control, HeadTaxonomyResult) else [""] * len(self.heads)
        why: dict[Column, Any] = {
            Column("rule", "Rule", help="The first rule that the head meets, with its numbers."): self._words(
                self.rules
            ),
            Column(
                "partners", "Reads from (by weights)", help="Earlier heads it composes with beyond chance."
            ): self._words(self.partners),
            Column("before", "Before training", help="The role of the same head of the untrained model."): self._words(
                [_said(role) for role in before]
            ),
        }
        return [
            wl.View(
                "head-taxonomy",
                "Head taxonomy",
                Table.by_head({**role, **numbers, **said}),
                subtitle="What is each head for?",
                caption="Ablation in nats a token (resampled); attention as shares; 95% intervals over "
                f"n={n.over} where numbers come from text, chance levels beside them; weights have "
                "a null and no interval.",
                how_to_read="A role is named only of a head that an intervention shows to be needed, where ablation is "
                f"all that shows it by a change of the loss of at least {self.least:g} nats a token; that it copies is "
                "read off its weights, by which more heads copy than are needed. The next table has the rule. Pattern "
                "and ablation are what two analyses say of the head alone, and no roles. Sort by a heading; click a "
                "head for everything measured about it.",
                misleads="A head with two jobs has one role here, and heads that back each other up have none.",
                order=5,
            ),
            wl.View(
                "head-taxonomy-rules",
                "Head taxonomy: rules",
                Table.by_head({**role, **why}),
                subtitle="Why does each head have its role?",
                caption="The first rule that each head meets, with the numbers it went by, and earlier heads that it "
                "composes with beyond chance by its queries (Q), keys (K) or values (V).",
                how_to_read="Each role stands on the numbers beside it. Before training no head should have one.",
                misleads="That weights can be read is no proof that they are: look at the paths and edges.",
                order=6,
            ),
        ]

    def _words(self, words: Sequence[str]) -> list[list[Wording]]:
        """Return words of the order L0H0, L0H1, … as [layer][head], marked as our own."""
        layers, each = self.shape
        return [[Wording(words[layer * each + head]) for head in range(each)] for layer in range(layers)]

    def _numbers(self, estimate: wl.Estimate) -> list[list[Any]]:
        """Return an estimate as cells [layer][head]; a number of the weights has no interval."""
        cells = [one if estimate.resampled_over != "models" else _exact(one) for _, one in estimate.cells()]
        layers, each = self.shape
        return [cells[layer * each : (layer + 1) * each] for layer in range(layers)]


def _said(role: str) -> str:
    return _SAID.get(role, role)


def _exact(one: wl.Estimate) -> Number:
    return Number(float(one.value), chance=None if one.chance is None else float(one.chance))
