"""Several models side by side: what replicates over seeds, and how one model grew."""

from __future__ import annotations

from typing import Any

import wonderland as wl

__all__ = ["wonderland_analyses"]


@wl.hookimpl
def wonderland_analyses() -> list[type[Any]]:
    """Register the analyses of this plugin."""
    from wonderland_cohorts.acquisition import Acquisition
    from wonderland_cohorts.development import Development
    from wonderland_cohorts.head_matching import HeadMatching
    from wonderland_cohorts.layer_similarity import LayerSimilarity
    from wonderland_cohorts.llc import Llc
    from wonderland_cohorts.neuron_universality import NeuronUniversality
    from wonderland_cohorts.replication import Replication

    return [Acquisition, Development, HeadMatching, LayerSimilarity, Llc, NeuronUniversality, Replication]
