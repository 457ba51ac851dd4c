"""What the report needs of a result, and nothing more: so that it knows no analysis and no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wonderland.estimate import Estimate
from wonderland.report.findings import Finding
from wonderland.report.schema import Block, Role, View

__all__ = ["Made", "Reported"]


class Made(Protocol):
    """How a result came about."""

    @property
    def wonderland(self) -> str:
        """The version that computed it."""


class Reported(Protocol):
    """A result that can be shown."""

    @property
    def provenance(self) -> Made | None:
        """How it came about."""

    @property
    def control(self) -> Reported | None:
        """The same of the untrained baseline."""

    def findings(self) -> Sequence[Finding]:
        """List what the first page says."""

    def views(self) -> Sequence[View]:
        """Return the pictures."""

    def card(self) -> Mapping[str, Estimate]:
        """Return what the card of a selected head shows: estimates [layer, head] by label."""

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        """Return what the cards of heads, and of other things that can be selected, say beyond numbers."""
