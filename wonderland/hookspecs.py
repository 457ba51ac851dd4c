"""The three hooks a plugin may implement: all of wonderland's plugin interface on one screen.

A hook takes no argument and returns classes (or filters); what they do is said by the protocols `Source` and
`Analysis`. Import inside the hook, so that listing plugins stays cheap::

    import wonderland as wl

    @wl.hookimpl
    def wonderland_analyses():
        from my_plugin.vowels import Vowels
        return [Vowels]

and name the module in the ``wonderland`` entry-point group of the distribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from wonderland.corpus.filters import Filter
    from wonderland.corpus.source import Source

PROJECT = "wonderland"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def wonderland_sources() -> Iterable[type[Source]]:  # type: ignore[empty-body]
    """Return the classes that can read messages from somewhere, each a `Source`."""


@hookspec
def wonderland_filters() -> Iterable[Filter]:  # type: ignore[empty-body]
    """Return the filters that can say why a message should be dropped, each a `Filter`."""


@hookspec
def wonderland_analyses() -> Iterable[type[Any]]:  # type: ignore[empty-body]
    """Return the classes that compute something about a trained model, each an `Analysis`."""
