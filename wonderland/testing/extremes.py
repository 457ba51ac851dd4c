"""A result with other numbers: all zero, none measured, below zero, one unit, giant. What it says must stay sayable.

`told_badly` changes every `Estimate` in a result, however deep, and nothing else; asks the result for all of its words
and drawings; and returns the sentences that say a number that is none, a p of nothing, a plural of one, thousands that
are not set apart or an exponent.

What would fool it: words beside the numbers, such as verdicts, are those of before. So a sentence may contradict the
changed numbers; that a claim follows from its number takes a result made for it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.report.encode import encode
from wonderland.report.schema import characters

__all__ = ["EXTREMES", "told_badly"]


def _all(value: float) -> Callable[[Estimate], Estimate]:
    def changed(one: Estimate) -> Estimate:
        made = np.full(np.shape(one.value), value)
        return dataclasses.replace(one, value=made, low=made, high=made)

    return changed


EXTREMES: Mapping[str, Callable[[Estimate], Estimate]] = {
    "zero": _all(0.0),
    "nothing measured": _all(np.nan),
    "below zero": _all(-0.2),
    "giant": _all(50.0),
    "no interval": lambda one: dataclasses.replace(
        one, low=np.full(np.shape(one.value), np.nan), high=np.full(np.shape(one.value), np.nan)
    ),
    "thousands": lambda one: dataclasses.replace(one, n=12345),
    "one unit": lambda one: dataclasses.replace(one, n=1),
    "one of each": lambda one: dataclasses.replace(one, n=1),
}
"""What is done with every estimate, by its name. With "one of each" the counts of `_COUNTS` are one, too, with
"thousands" 12,345, which a sentence must set apart."""

_COUNTS = {"conversations", "counted", "count", "directions", "draws", "pair_windows", "places", "rotations", "windows"}
"""Fields of results that count and shape nothing."""

_THINGS = (
    "conversation|sequence|neuron|pair|window|head|place|token|set|seed|snapshot|message|layer|latent|edge|unit|secret|"
    "time|word|sample|step|rotation|draw|direction|other"
)
_BAD = re.compile(
    r"(?<![\w-])(?:nan|inf)(?!\w)|\b[pq]\s?=\s?0(?:\.0+)?(?![.\d])|12345|\de[+-]\d"
    rf"|(?<![\w.,])(?<!1 of )1 (?:(?:{_THINGS})s|tries|people)\b"
)


def told_badly(result: Result) -> dict[str, list[str]]:
    """Return by extreme the sentences that say no number: of a result as it is, "", and at each of `EXTREMES`.

    Its views must be ones that can be drawn, and its cards and claims be made, whatever the numbers are.
    """
    others = {name: _changed(result, change) for name, change in EXTREMES.items()}
    fields = {f.name for f in dataclasses.fields(result) if f.init and type(getattr(result, f.name)) is int}
    for name, count in (("one of each", 1), ("thousands", 12345)):
        others[name] = dataclasses.replace(others[name], **dict.fromkeys(_COUNTS & fields, count))
    found = {name: _sentences(one) for name, one in {"": result, **others}.items()}
    return {name: sentences for name, sentences in found.items() if sentences}


def _names(node: Any) -> Iterator[str]:
    """Yield the words in a drawing that say how many; single words may be tokens of texts, such as "inf"."""
    if isinstance(node, str):
        if " " in node.strip():
            yield node
    elif isinstance(node, Mapping):
        for key, item in node.items():
            if key not in ("z", "raw"):
                yield from _names(item)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from _names(item)


def _changed(value: Any, change: Callable[[Estimate], Estimate]) -> Any:
    if isinstance(value, Estimate):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_changed(item, change) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_changed(item, change) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init and f.name != "provenance"
        }
        return dataclasses.replace(value, **{name: _changed(item, change) for name, item in fields.items()})
    return value


def _sentences(result: Result) -> list[str]:
    said = [result.summary(), *(finding.sentence for finding in result.findings())]
    for view in result.views():
        words = (view.title, view.subtitle, view.caption, view.how_to_read, view.misleads, view.warning)
        said += [*map(characters, words), *_names(encode(view.data, view.id))]
    result.card(), result.cards(), result.claims()
    return [line for text in said for line in text.splitlines() if _BAD.search(line)]
