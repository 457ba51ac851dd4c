"""The held-out windows that views show: the same in all of them, so that a selected token is selected everywhere.

One window of each conversation, those with both speakers first, then the longest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.lab.evidence import Evidence
from wonderland.tokenizer import ME
from wonderland.views import Wording


def windows_to_show(evidence: Evidence, count: int) -> list[int]:
    """Return the windows to show, in the order of the evidence."""
    both = [0] * len(evidence)
    if evidence.speakers:
        both = [len(np.unique(row[evidence.is_speaker[i]])) for i, row in enumerate(evidence.tokens)]
    order = sorted(range(len(evidence)), key=lambda i: (-both[i], -evidence.lengths[i], i))
    chosen: dict[int, int] = {}
    for index in order:
        chosen.setdefault(int(evidence.conversation[index]), index)
    return sorted(list(chosen.values())[:count])


def describe(specimen: wl.Specimen, window: int) -> dict[str, Any]:
    """Return the title, pieces, speakers and message numbers of a window of the evidence."""
    evidence = specimen.evidence
    length = int(evidence.lengths[window])
    # A text that nobody is known to have said is shown as one message of somebody else.
    speakers, messages = ["them"] * length, [0] * length
    if evidence.speakers:
        speakers = ["me" if token == ME else "them" for token in evidence.speaker[window, :length]]
        messages = evidence.message[window, :length].tolist()
    return {
        "title": f"Held-out window {window + 1}",
        "tokens": specimen.tokenizer.pieces(evidence.tokens[window, :length]),
        "speakers": speakers,
        "messages": messages,
    }


def spoken_window(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `describe` says of a window as fields of a part of a view: its title is ours, its tokens are not."""
    return {**about, "title": Wording(about["title"])}
