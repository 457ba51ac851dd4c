"""wonderland: train a small transformer on your own conversations, then look inside it.

The names below are the whole public interface of the library; each is imported when first used, so that
``import wonderland`` costs next to nothing and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wonderland import views as views
    from wonderland.corpus.corpus import Corpus as Corpus
    from wonderland.corpus.filters import Filter as Filter
    from wonderland.corpus.messages import Message as Message
    from wonderland.corpus.messages import Skipped as Skipped
    from wonderland.corpus.source import Source as Source
    from wonderland.errors import WonderlandError as WonderlandError
    from wonderland.estimate import Estimate as Estimate
    from wonderland.hookspecs import hookimpl as hookimpl
    from wonderland.lab.analysis import Analysis as Analysis
    from wonderland.lab.analysis import analyze as analyze
    from wonderland.lab.contrast import Contrast as Contrast
    from wonderland.lab.result import Result as Result
    from wonderland.lab.specimen import Specimen as Specimen
    from wonderland.model.chat_transformer import ChatTransformer as ChatTransformer
    from wonderland.report.findings import Finding as Finding
    from wonderland.report.schema import View as View
    from wonderland.tokenizer import SpeakerTokenizer as SpeakerTokenizer
    from wonderland.workspace.workspace import Workspace as Workspace

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "wonderland.lab.analysis",
    "ChatTransformer": "wonderland.model.chat_transformer",
    "Contrast": "wonderland.lab.contrast",
    "Corpus": "wonderland.corpus.corpus",
    "Estimate": "wonderland.estimate",
    "Filter": "wonderland.corpus.filters",
    "Finding": "wonderland.report.findings",
    "Message": "wonderland.corpus.messages",
    "Result": "wonderland.lab.result",
    "Skipped": "wonderland.corpus.messages",
    "Source": "wonderland.corpus.source",
    "SpeakerTokenizer": "wonderland.tokenizer",
    "Specimen": "wonderland.lab.specimen",
    "View": "wonderland.report.schema",
    "WonderlandError": "wonderland.errors",
    "Workspace": "wonderland.workspace.workspace",
    "analyze": "wonderland.lab.analysis",
    "hookimpl": "wonderland.hookspecs",
}

__all__ = [
    "Analysis",
    "ChatTransformer",
    "Contrast",
    "Corpus",
    "Estimate",
    "Filter",
    "Finding",
    "Message",
    "Result",
    "Skipped",
    "Source",
    "SpeakerTokenizer",
    "Specimen",
    "View",
    "WonderlandError",
    "Workspace",
    "analyze",
    "hookimpl",
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
    return sorted({*globals(), *__all__})
