"""The numbers of an audit, as they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.report.schema.numbers import counted

__all__ = ["Measured"]


@dataclass(frozen=True, repr=False)
class Measured(Result):
    """What can be drawn out of a model, and whether one can tell what it read.

    Attributes:
        model: Fingerprint of the model.
        examined: How many messages, conversations and people were examined, by name.
        completion: Share of messages that greedy decoding completes word for word, alone behind their speaker, by what
            was asked: "training", "held out"; "n-gram, training", "n-gram, held out" of a trigram that has not read the
            conversation; "untrained, training", "untrained, held out".
        in_window: The same behind what stood before each in a training window, of fewer messages.
        hits: Messages completed and examined, by the same names; of those in a window "…, in a window".
        fisher: One-sided p that training messages are completed more often than held-out ones: "alone", "in a window".
        discoverable: Share of messages whose rest comes up with 90% within n tries, [tries]: "training", "held out",
            "untrained".
        eidetic: How many hits stand how often in the training text.
        near: Near-verbatim completions and how many were tried: "training", "held out".
        generated: Of sampled messages, how many there are of 8 tokens or more, and how many of them stand in the
            training text and in the held-out text word for word.
        membership: AUC of telling what was read, by unit and score: "message, loss", "message, calibrated", "message,
            text alone", the same of conversations; calibrated, too, "message, in a window" and "message, untrained".
        roc: Share of those read that score above the line, by false-positive rate from 0 to 1, by the same names.
        caught: Share of those read that are told at 1% false positives, by the same names.
        found: Secrets by kind in the "training text", in "generations" and in the "report", and those of "generations,
            also in training".
        secrets: A row for each distinct secret examined: kind, times, bits, most, rank, p, q, tries; NaN but for kind,
            times and tries where there is no fair other text to rank it among.
        not_examined: Distinct secrets that were not examined: said less often, or longer than the model's context.
        canaries: What the model holds of canaries that training put in; empty without any.
        people: A row for each person: person, messages, completed, share, alone (those completed that no training
            message of another person holds), secrets; conversations, auc, null, p and q (see
            `wonderland.audit.people.membership_within`); and changed, the counterfactual memorisation of a full audit.
        vocabulary: Tokens by how many contacts used the word.
        full: What models trained on halves add; empty without them.
        left_out: Parts that could not be examined, with the reason.
    """

    model: str
    examined: Mapping[str, int]
    completion: Mapping[str, Estimate] = field(default_factory=dict)
    in_window: Mapping[str, Estimate] = field(default_factory=dict)
    hits: Mapping[str, Sequence[int]] = field(default_factory=dict)
    fisher: Mapping[str, float] = field(default_factory=dict)
    discoverable: Mapping[str, Estimate] = field(default_factory=dict)
    eidetic: Sequence[Mapping[str, Any]] = ()
    near: Mapping[str, Sequence[int]] = field(default_factory=dict)
    generated: Mapping[str, int] = field(default_factory=dict)
    membership: Mapping[str, Estimate] = field(default_factory=dict)
    roc: Mapping[str, np.ndarray] = field(default_factory=dict)
    caught: Mapping[str, float] = field(default_factory=dict)
    found: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    secrets: Sequence[Mapping[str, Any]] = ()
    not_examined: int = 0
    canaries: Mapping[str, Any] = field(default_factory=dict)
    people: Sequence[Mapping[str, Any]] = ()
    vocabulary: Mapping[str, int] = field(default_factory=dict)
    full: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def sides(self, name: str) -> str:
        """Say how many conversations an AUC of ``membership`` is over, of those that were read and of those not."""
        what = f"conversations {'told apart' if name.startswith('conversation') else 'examined'}"
        read, unread = (self.examined.get(f"{side} {what}") for side in ("training", "held-out"))
        if read is None or unread is None:  # measured before both were kept
            return f"n = {counted(self.membership[name].n, 'conversation')} on the smaller side"
        return f"n = {counted(read, 'conversation')} that it read and {unread:,} that it did not"
