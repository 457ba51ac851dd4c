"""What an analysis must leave as it was, and how many units there are to resample. Read by the contract of analyses.

What would fool it: an analysis that leaves something else behind, such as a file, or that did so in its first run and
never again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from wonderland.lab.analysis import Analysis
from wonderland.testing.subjects import Subject, members

__all__ = ["most_units", "state_of", "unlike_before"]

_DRAWS = 0x5EED1E55  # a seed that nobody sets by chance


def state_of(subject: Subject) -> dict[str, Any]:
    """Return all that an analysis could change, by what it is called."""
    everyone = members(subject)
    modules = [module for one in everyone for module in one.model.modules()]  # type: ignore[attr-defined]
    return {
        "the model's weights": [
            weight.detach().numpy().tobytes() for one in everyone for weight in one.model.parameters()
        ],
        "whether the model is in training mode": [module.training for module in modules],
        "the model's hooks": [len(module._forward_hooks) for module in modules],
        "the evidence": [
            part.tobytes()
            for one in everyone
            for part in (one.evidence.tokens, one.evidence.lengths, one.evidence.conversation)
        ],
        "whether torch keeps gradients": torch.is_grad_enabled(),
        "torch's default precision": torch.get_default_dtype(),
        "torch's global random state": torch.get_rng_state().numpy().tobytes(),
        "numpy's global random state": repr(np.random.get_state()),
        "Python's global random state": random.getstate(),
    }


@contextmanager
def unlike_before(subject: Subject) -> Iterator[None]:
    """Bring all that is global into a state that no earlier run has left; afterwards it is as it was.

    A run that always sets the same seed, or that leaves a model in training mode, would otherwise find it so already.
    """
    models = [one.model for one in members(subject)]
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        torch.manual_seed(_DRAWS)
        np.random.seed(_DRAWS)
        random.seed(_DRAWS)
        for model in models:
            model.eval()
        with torch.enable_grad():
            yield
    finally:
        for model in models:
            model.eval()
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def most_units(analysis: Analysis, subject: Subject) -> dict[str, int]:
    """Return how many units of a kind an estimate can rest on, by what it says was resampled.

    An analysis that reads training text may count that, too: of it nothing is known here.
    """
    if "background" in analysis.needs:
        return {}
    evidence = [one.evidence for one in members(subject)]
    return {
        "conversations": sum(len(np.unique(one.conversation)) for one in evidence),
        "windows": sum(len(one) for one in evidence),
        "tokens": sum(int(one.lengths.sum()) for one in evidence),
        "models": len(evidence),
    }
