"""Columns that every table of latents has: what a latent fires for, how well that is told, and whether it is stable."""

from __future__ import annotations

from wonderland.views import Column

__all__ = ["F1", "FIRES_FOR", "STABILITY"]

FIRES_FOR = Column("label", "Fires for", help="The kind of token that it fires for best.")
F1 = Column(
    "f1",
    "F1",
    digits=2,
    help="How well it tells where this stands, the harmonic mean of precision and recall: 1 is right every time.",
)
STABILITY = Column(
    "stability", "Stability", digits=2, help="Cosine with its partner of another start: 1 is found again."
)
