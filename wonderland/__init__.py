"""wonderland: train a small transformer on your own conversations, then look inside it.

The names below are the whole public interface of the library; each is imported when first used, so that
``import wonderland`` costs next to nothing and loads no torch.
"""

from __future__ import annotations

import importlib

from wonderland.version import __version__ as __version__

TYPE_CHECKING = False  # that of `typing`, which would be the slowest of all that is imported here
if TYPE_CHECKING:
    from typing import Any

    from wonderland import views as views
    from wonderland.components import Edge as Edge
    from wonderland.components import Feature as Feature
    from wonderland.components import Head as Head
    from wonderland.components import Neuron as Neuron
    from wonderland.corpus.corpus import Corpus as Corpus
    from wonderland.corpus.filters import Filter as Filter
    from wonderland.corpus.messages import Message as Message
    from wonderland.corpus.messages import Skipped as Skipped
    from wonderland.corpus.source import Source as Source
    from wonderland.corpus.windows import Windows as Windows
    from wonderland.errors import InputError as InputError
    from wonderland.errors import NotEnoughData as NotEnoughData
    from wonderland.errors import Unsupported as Unsupported
    from wonderland.errors import UsageError as UsageError
    from wonderland.errors import WonderlandError as WonderlandError
    from wonderland.estimate import Estimate as Estimate
    from wonderland.hookspecs import hookimpl as hookimpl
    from wonderland.lab.analysis import Analysis as Analysis
    from wonderland.lab.analysis import CohortAnalysis as CohortAnalysis
    from wonderland.lab.analysis import analyze as analyze
    from wonderland.lab.batch import Batch as Batch
    from wonderland.lab.cohort import Cohort as Cohort
    from wonderland.lab.contrast import Contrast as Contrast
    from wonderland.lab.evidence import Evidence as Evidence
    from wonderland.lab.forecast import Forecast as Forecast
    from wonderland.lab.interventions import Site as Site
    from wonderland.lab.mining import Contrasts as Contrasts
    from wonderland.lab.result import Provenance as Provenance
    from wonderland.lab.result import Result as Result
    from wonderland.lab.results import Results as Results
    from wonderland.lab.specimen import Specimen as Specimen
    from wonderland.lab.stats import cluster_bootstrap as cluster_bootstrap
    from wonderland.lab.stats import paired_permutation as paired_permutation
    from wonderland.model.chat_transformer import ChatTransformer as ChatTransformer
    from wonderland.plugins import analyses as analyses
    from wonderland.report.findings import Finding as Finding
    from wonderland.report.schema import View as View
    from wonderland.tokenizer import SpeakerTokenizer as SpeakerTokenizer
    from wonderland.workspace.workspace import Workspace as Workspace

_HOMES = {
    "Analysis": "wonderland.lab.analysis",
    "Batch": "wonderland.lab.batch",
    "ChatTransformer": "wonderland.model.chat_transformer",
    "Cohort": "wonderland.lab.cohort",
    "CohortAnalysis": "wonderland.lab.analysis",
    "Contrast": "wonderland.lab.contrast",
    "Contrasts": "wonderland.lab.mining",
    "Corpus": "wonderland.corpus.corpus",
    "Edge": "wonderland.components",
    "Estimate": "wonderland.estimate",
    "Evidence": "wonderland.lab.evidence",
    "Feature": "wonderland.components",
    "Filter": "wonderland.corpus.filters",
    "Finding": "wonderland.report.findings",
    "Forecast": "wonderland.lab.forecast",
    "Head": "wonderland.components",
    "InputError": "wonderland.errors",
    "Message": "wonderland.corpus.messages",
    "Neuron": "wonderland.components",
    "NotEnoughData": "wonderland.errors",
    "Provenance": "wonderland.lab.result",
    "Result": "wonderland.lab.result",
    "Results": "wonderland.lab.results",
    "Site": "wonderland.lab.interventions",
    "Skipped": "wonderland.corpus.messages",
    "Source": "wonderland.corpus.source",
    "SpeakerTokenizer": "wonderland.tokenizer",
    "Specimen": "wonderland.lab.specimen",
    "Unsupported": "wonderland.errors",
    "UsageError": "wonderland.errors",
    "View": "wonderland.report.schema",
    "Windows": "wonderland.corpus.windows",
    "WonderlandError": "wonderland.errors",
    "Workspace": "wonderland.workspace.workspace",
    "analyses": "wonderland.plugins",
    "analyze": "wonderland.lab.analysis",
    "cluster_bootstrap": "wonderland.lab.stats",
    "hookimpl": "wonderland.hookspecs",
    "paired_permutation": "wonderland.lab.stats",
}

__all__ = [
    "Analysis",
    "Batch",
    "ChatTransformer",
    "Cohort",
    "CohortAnalysis",
    "Contrast",
    "Contrasts",
    "Corpus",
    "Edge",
    "Estimate",
    "Evidence",
    "Feature",
    "Filter",
    "Finding",
    "Forecast",
    "Head",
    "InputError",
    "Message",
    "Neuron",
    "NotEnoughData",
    "Provenance",
    "Result",
    "Results",
    "Site",
    "Skipped",
    "Source",
    "SpeakerTokenizer",
    "Specimen",
    "Unsupported",
    "UsageError",
    "View",
    "Windows",
    "WonderlandError",
    "Workspace",
    "analyses",
    "analyze",
    "cluster_bootstrap",
    "hookimpl",
    "paired_permutation",
]


def __getattr__(name: str) -> Any:
    if name == "views":  # what views are made of; a module of its own, as there are many parts
        return importlib.import_module("wonderland.views")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'wonderland' has no attribute {name!r}; public names: {', '.join(__all__)}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "views", *(name for name in globals() if name.startswith("__"))})
