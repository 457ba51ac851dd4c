"""Analyses that intervene: what is the cause of what the model does?"""

from __future__ import annotations

from typing import Any

import wonderland as wl


@wl.hookimpl
def wonderland_analyses() -> list[type[Any]]:
    """Register the analyses of this plugin."""
    from wonderland_circuits.activation_patching import ActivationPatching
    from wonderland_circuits.causal_scrubbing import CausalScrubbing
    from wonderland_circuits.circuit_graph import CircuitGraph
    from wonderland_circuits.circuit_sufficiency import CircuitSufficiency
    from wonderland_circuits.edge_attribution import EdgeAttribution
    from wonderland_circuits.head_ablation import HeadAblation
    from wonderland_circuits.head_taxonomy import HeadTaxonomy
    from wonderland_circuits.path_patching import PathPatching
    from wonderland_circuits.speaker_tracking import SpeakerTracking

    return [
        HeadAblation,
        ActivationPatching,
        CircuitSufficiency,
        PathPatching,
        EdgeAttribution,
        CausalScrubbing,
        CircuitGraph,
        SpeakerTracking,
        HeadTaxonomy,
    ]
