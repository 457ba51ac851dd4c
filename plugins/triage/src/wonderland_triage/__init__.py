"""Forward-only analyses: the first look at a trained model."""

from __future__ import annotations

from typing import Any

import wonderland as wl


@wl.hookimpl
def wonderland_analyses() -> list[type[Any]]:
    """Register the analyses of this plugin."""
    from wonderland_triage.attention_entropy import AttentionEntropy
    from wonderland_triage.head_clusters import HeadClusters
    from wonderland_triage.head_patterns import HeadPatterns
    from wonderland_triage.induction import Induction
    from wonderland_triage.logit_lens import LogitLens
    from wonderland_triage.neurons import Neurons
    from wonderland_triage.residual_pca import ResidualPCA
    from wonderland_triage.token_loss import TokenLoss

    return [AttentionEntropy, HeadClusters, HeadPatterns, Induction, LogitLens, Neurons, ResidualPCA, TokenLoss]
