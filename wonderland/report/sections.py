"""Sections of a report: five questions order the list on the left, as a reader knows no names yet.

The analyses that come with wonderland are named here, because a figure alone does not tell whether it shows weights. A
view of another plugin goes by its figure, so that it stands among its like without being known.
"""

from __future__ import annotations

from collections.abc import Mapping

from wonderland.report.schema import AttentionPatterns, Conversations, Graph, View

__all__ = ["SECTIONS", "section_of"]

SECTIONS: Mapping[str, str] = {
    "read": "Read",
    "heads": "Heads and neurons",
    "circuit": "Circuit",
    "weights": "Weights",
    "data": "Data and training",
}
"""The questions, in the order of the list, with their headings."""

_OF_ANALYSIS = {
    "read": ("token-loss", "logit-lens", "generations"),
    "heads": (
        "head-taxonomy", "head-patterns", "attention-entropy", "head-clusters", "induction", "speaker-tracking",
        "neurons", "residual-pca", "sparse-features",
    ),
    "circuit": (
        "head-ablation", "activation-patching", "path-patching", "edge-attribution", "circuit-graph",
        "circuit-sufficiency", "causal-scrubbing",
    ),
    "weights": ("ov-circuits", "composition"),
    "data": ("training",),
}  # fmt: skip
_KNOWN = {name: section for section, names in _OF_ANALYSIS.items() for name in names}


def section_of(view: View, selects: set[str]) -> str:
    """Return the question of a view: by its analysis, else by what is drawn and what can be selected in it."""
    for name in (view.group, view.id):
        if name in _KNOWN:
            return _KNOWN[name]
    if any(isinstance(figure, Conversations) for figure in view.figures()):
        return "read"
    if any(isinstance(figure, Graph) for figure in view.figures()) or "edge" in selects:
        return "circuit"
    heads = any(isinstance(figure, AttentionPatterns) for figure in view.figures())
    return "heads" if heads or selects & {"head", "neuron", "feature"} else "data"
