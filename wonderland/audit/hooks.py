"""What the audit registers: its analysis."""

from __future__ import annotations

from typing import Any

from wonderland.hookspecs import hookimpl

__all__ = ["wonderland_analyses"]


@hookimpl
def wonderland_analyses() -> list[type[Any]]:
    """Register the audit."""
    from wonderland.audit.analysis import MemorisationAudit

    return [MemorisationAudit]
