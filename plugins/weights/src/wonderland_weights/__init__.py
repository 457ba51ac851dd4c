"""Analyses of the weights alone: what each head reads and writes, and which heads read each other."""

from __future__ import annotations

from typing import Any

import wonderland as wl


@wl.hookimpl
def wonderland_analyses() -> list[type[Any]]:
    """Register the analyses of this plugin."""
    from wonderland_weights.composition import Composition
    from wonderland_weights.ov_circuits import OVCircuits

    return [Composition, OVCircuits]
