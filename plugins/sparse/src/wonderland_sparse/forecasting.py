"""What the analyses of this group will take on this machine, told before they begin.

Two things are measured, in a second or two: how long a token of text takes to pass through the model, and how long a
step of a dictionary takes while as many are trained as there are threads. All else is counted: steps, passes over the
text, and for what is measured of latents and contrasts how many tokens pass through the model for each, as they did on
the demo's model. What is found decides how much is tried (a latent is refused early or late), so this is about right at
best: of the whole group on the demo's model it said 10 minutes, and 10.8 it was.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import wonderland as wl
from wonderland.advice import Command, Hint
from wonderland_sparse.learning import SOONER, Recipe, learn, steps_of, transcode
from wonderland_sparse.streams import MOST_BYTES, mlp_of_text, of_text, some_windows, together, writes

__all__ = ["Pace", "of", "pace", "trained"]

_TOKENS, _STEPS, _TIMES = 3_000, 60, 3  # that are measured, and how often
_BATCH = 1024
_SPARE = 1.5  # of the memory that vectors take: copies on the way, and what is freed and not given back
_PROCESS = 600_000_000  # bytes of PyTorch, the model, the messages and the evidence

# How things took on the demo's model, on two cores, beside what is measured here.
_LONGER = 1.15  # a step of a long training, whose vectors lie far apart in memory
_SILENT = 1.6  # a step where the model writes nothing: many latents are dead, and are brought back
# Passes through the whole model that take as long as what is measured:
_BY_LAYER = 11.0  # over the evidence, for each layer with a dictionary
_BY_LATENT, _OF_CONTROL = 8.5, 0.6  # over 24 windows, for each latent taken out, on one thread of two; of a control
_BY_PAIR = {"attribution-graphs": 235.0, "sparse-circuits": 12.5, "sparse-graphs": 19.5}  # over a window; by layer
_WITHOUT = 0.22  # of attribution graphs, where no MLP writes anything


@dataclass(frozen=True)
class Pace:
    """How fast this machine is with a model.

    Attributes:
        token: Seconds that a token of text takes to pass through the model.
        step: Seconds a step, while as many dictionaries are trained as there are threads.
    """

    token: float
    step: float


def trained(recipe: Recipe, tokens: int, *, untrained: bool) -> float:
    """Return how many dictionaries of a layer are trained, those that are trained in part counted as that part."""
    if untrained:
        return 2.0
    return 4 + 2 * steps_of(recipe.sooner(SOONER), tokens) / steps_of(recipe, tokens)


_KNOWN: dict[tuple[Any, ...], Pace] = {}


def pace(specimen: wl.Specimen, recipe: Recipe, *, mlp: bool = False) -> Pace:
    """Return how fast this machine is, from a short measurement: one in a process for all models of one shape.

    Args:
        specimen: The model and its training text.
        recipe: How dictionaries are trained.
        mlp: Whether they are transcoders.
    """
    shape = {name: weight.shape for name, weight in specimen.model.state_dict().items()}  # type: ignore[attr-defined]
    how = dataclasses.replace(recipe, epochs=1)
    known = (*shape.items(), how, mlp, torch.get_num_threads())
    if known not in _KNOWN:
        _KNOWN[known] = _measure(specimen, how, mlp)
    return _KNOWN[known]


@torch.no_grad()
def _measure(specimen: wl.Specimen, recipe: Recipe, mlp: bool) -> Pace:
    """Measure some times and take the quickest: what else this machine did for a moment is no pace."""
    from wonderland_sparse.trainings import side_by_side

    quiet = specimen.running(None, None)
    gather: Callable[..., Any] = mlp_of_text if mlp else of_text
    layers, took = range(specimen.cfg.n_layers), []
    for number in range(_TIMES + 1):
        some = some_windows(specimen.background, _TOKENS, number)
        begun = time.perf_counter()
        found = gather(quiet, some, layers)[layers[-1]]
        took.append((time.perf_counter() - begun) / int(some.lengths.sum()))
    sides = [of.x for of in found] if mlp else [found.x]
    short = dataclasses.replace(recipe, epochs=_STEPS * _BATCH // len(sides[0]) + 1)
    ended: list[float] = []
    works = [functools.partial(_trained, sides, short, seed, ended) for seed in range(torch.get_num_threads())]
    side_by_side(works, lambda: None)
    return Pace(min(took[1:]), _quickest(sorted(ended), _STEPS // _TIMES * len(works)))


def _quickest(ended: Sequence[float], many: int) -> float:
    """Return how long one of so many steps took on average where they took least, of when each step ended."""
    many = min(many, len(ended) - 1)
    return min((ended[at + many] - ended[at]) / many for at in range(len(ended) - many))


def _trained(
    sides: Sequence[torch.Tensor], recipe: Recipe, seed: int, ended: list[float], step: Callable[[], None]
) -> None:
    def tell(_: int) -> None:
        ended.append(time.perf_counter())
        step()

    if len(sides) > 1:
        transcode(sides[0], sides[1], recipe, seed, tell)
    else:
        learn(sides[0], recipe, seed, tell)


def of(asked: Any, specimen: wl.Specimen, used: Mapping[str, Any]) -> wl.Forecast:
    """Return what an analysis of this group will take; see `wonderland.lab.forecast`."""
    told: wl.Forecast = _OF[asked.name](asked, specimen, used)
    return told


def _chosen(asked: Any, specimen: wl.Specimen) -> list[int]:
    from wonderland_sparse.dictionaries_result import chosen_layers
    from wonderland_sparse.streams import enough

    layers: list[int] = chosen_layers(asked.layers, specimen.cfg.n_layers)
    enough(specimen.background)
    return layers


def _weights(specimen: wl.Specimen, latents: int, *, dictionaries: int, tables: int = 0) -> int:
    width = specimen.cfg.d_model
    return 4 * (dictionaries * (2 * latents * width + 3 * latents) + tables * specimen.cfg.d_vocab * width)


def _dictionaries(asked: Any, specimen: wl.Specimen, _: Mapping[str, Any]) -> wl.Forecast:
    recipe, layers = asked.recipe(specimen), _chosen(asked, specimen)
    tokens, untrained = int(specimen.background.lengths.sum()), not writes(specimen)
    count = 1 if untrained else len(layers)
    groups, here = together(specimen, specimen.background, layers[:count]), pace(specimen, recipe)
    passes = 1 / specimen.cfg.n_layers if untrained else 2.0 * len(groups)
    steps = steps_of(recipe, tokens) * trained(recipe, tokens, untrained=untrained) * (_SILENT if untrained else 1)
    seconds = passes * tokens * here.token + count * steps * _LONGER * here.step
    seconds += count * _BY_LAYER * int(specimen.evidence.lengths.sum()) * here.token
    kept, tables = (
        ((2, 1) if untrained else (4, 2)) if asked.tokens == "subtract" else ((2, 0) if untrained else (4, 0))
    )
    return wl.Forecast(
        seconds,
        _memory(specimen, len(groups[0]) + 3, tokens),
        count * _weights(specimen, recipe.latents, dictionaries=kept, tables=tables),
    )


def _memory(specimen: wl.Specimen, copies: int, tokens: int) -> int:
    """Return about how many bytes the process takes with so many vectors of each token."""
    return _PROCESS + round(_SPARE * copies * min(2 * specimen.cfg.d_model * tokens, MOST_BYTES))


def _transcoders(asked: Any, specimen: wl.Specimen, _: Mapping[str, Any]) -> wl.Forecast:
    recipe, layers = asked.recipe(specimen), _chosen(asked, specimen)
    tokens, evidence = (int(one.lengths.sum()) for one in (specimen.background, specimen.evidence))
    here = pace(specimen, recipe, mlp=True)
    if not writes(specimen):
        return wl.Forecast(2 * evidence * here.token, _PROCESS)
    groups = together(specimen, specimen.background, layers, copies=2)
    seconds = (2 * len(groups) * tokens + len(layers) * _BY_LAYER * evidence) * here.token
    seconds += 3 * len(layers) * steps_of(recipe, tokens) * _LONGER * here.step
    size = len(layers) * _weights(specimen, recipe.latents, dictionaries=2)
    return wl.Forecast(seconds, _memory(specimen, 2 * len(groups[0]) + 2, tokens), size)


def _layers_of(specimen: wl.Specimen, used: Mapping[str, Any]) -> tuple[int, Pace, bool]:
    """Return how many layers have a dictionary to measure, the pace, and whether any layer writes anything."""
    made = used.get("sparse-dictionaries")
    if made is None:
        raise wl.NotEnoughData(
            "There are no dictionaries.", hint=Hint("Train some: ", Command("analyze", "sparse-dictionaries"))
        )
    layers, there = _chosen(made, specimen), writes(specimen)
    return (len(layers) if there else 1), pace(specimen, made.recipe(specimen)), there


def _features(asked: Any, specimen: wl.Specimen, used: Mapping[str, Any]) -> wl.Forecast:
    layers, here, there = _layers_of(specimen, used)
    window = float(np.mean(specimen.evidence.lengths))
    works = (1 + _OF_CONTROL) * layers if there else 1.0
    works /= min(torch.get_num_threads(), 2 * layers if there else 1)
    seconds = works * asked.effects * _BY_LATENT * 24 * window * here.token
    return wl.Forecast(seconds, _memory(specimen, 2 * layers, 60_000), layers * 900_000)


def _of_contrasts(asked: Any, specimen: wl.Specimen, used: Mapping[str, Any]) -> wl.Forecast:
    if asked.name == "attribution-graphs":
        made = used.get("transcoders")
        if made is None:
            raise wl.NotEnoughData(
                "There are no transcoders.", hint=Hint("Train some: ", Command("analyze", "transcoders"))
            )
        here, share = pace(specimen, made.recipe(specimen), mlp=True), 1.0 if writes(specimen) else _WITHOUT
    else:
        share, here, _ = _layers_of(specimen, used)
    window = float(np.mean(specimen.evidence.lengths))
    return wl.Forecast(share * asked.pairs * _BY_PAIR[asked.name] * window * here.token, _PROCESS, 100_000)


_OF: dict[str, Callable[[Any, wl.Specimen, Mapping[str, Any]], wl.Forecast]] = {
    "attribution-graphs": _of_contrasts,
    "sparse-circuits": _of_contrasts,
    "sparse-dictionaries": _dictionaries,
    "sparse-features": _features,
    "sparse-graphs": _of_contrasts,
    "transcoders": _transcoders,
}
