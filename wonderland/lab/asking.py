"""A causal question in one call: how much of the gap between two prompts heads or sites carry.

What would fool it: choosing and measuring on the same pairs. Of mined contrasts one half is to explore, the other, of
other conversations, to confirm; ``part`` takes one. Named heads need no choice, so for them all pairs count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from wonderland.components import Component, Head
from wonderland.errors import InputError, NotEnoughData, UsageError, must_be, must_be_whole
from wonderland.estimate import Estimate
from wonderland.lab.contrast import Contrast, ContrastBatch, lint
from wonderland.lab.interventions import Site
from wonderland.lab.mining import Contrasts
from wonderland.lab.named_sites import Named, What, must_be_one_list
from wonderland.lab.observed import Observed
from wonderland.lab.patching import DIRECTIONS, patch

__all__ = ["What", "ask_by_patching"]

_HEAD = re.compile(r"L\d+H\d+")
_KINDS = 'For mined ones: specimen.patch("L2H0", "speaker")'
PARTS = ("all", "explore", "confirm")


def ask_by_patching(
    specimen: Observed,
    what: What,
    contrasts: str | Contrast | Sequence[Contrast] | Contrasts,
    *,
    direction: str,
    part: str,
    pairs: int,
    seed: int,
) -> Estimate:
    """Return the share of the gap that follows each intervention; see `Specimen.patch`."""
    for said, name, known in ((direction, "direction", DIRECTIONS), (part, "part", PARTS)):
        if said not in known:
            raise UsageError(f"There is no {name} {said!r}.", hint=f"Choose from: {', '.join(known)}.")
    must_be_whole(pairs, "pairs", 1)
    must_be_whole(seed, "seed")
    must_be_one_list("patch", [contrasts] if _a_place(contrasts) else [])
    named = Named.of(what, specimen.cfg)
    fit = _usable(specimen, contrasts, part, pairs, seed)
    batch = ContrastBatch.of(fit, specimen.tokenizer)
    places = batch.places()
    if strange := [name for name in named.places if name not in places]:
        raise UsageError(f"There is no place {strange[0]!r} in a contrast.", hint=f"Places: {', '.join(places)}.")
    named.check_positions(int(batch.answer.min()) + 1, "prompt")
    found = patch(specimen.model, batch, named.interventions, positions=places, directions=(direction,))
    return named.shaped(found.pooled(noising=direction == "noising", seed=seed))


def _a_place(value: object) -> bool:
    """Whether a value is a head or a site, by name or as such."""
    return isinstance(value, (Component, Head, Site)) or (isinstance(value, str) and bool(_HEAD.fullmatch(value)))


def _usable(
    specimen: Observed, contrasts: str | Contrast | Sequence[Contrast] | Contrasts, part: str, pairs: int, seed: int
) -> list[Contrast]:
    """Return the contrasts that this model tells apart: of mined ones those that do, of given ones all or an error."""
    if isinstance(contrasts, str):
        contrasts = specimen.contrasts(contrasts, pairs=pairs, seed=seed)
    if isinstance(contrasts, Contrasts):
        halves = {"explore": contrasts.explore, "confirm": contrasts.confirm}
        asked = list(halves.get(part, (*contrasts.explore, *contrasts.confirm)))
        problems = lint(asked, specimen.tokenizer, specimen.model)
        fit = [contrast for contrast, found in zip(asked, problems, strict=True) if not found]
        if not fit:
            why = ", ".join(f"{count} {name}" for name, count in contrasts.refused.items())
            raise NotEnoughData(
                f"There is no usable contrast of the kind {contrasts.kind!r}: the model tells apart none "
                f"of {len(asked)} that were mined{f'; refused before: {why}' if why else ''}.",
                hint="Hold more conversations out, ask another kind, or write contrasts of your own: wl.Contrast.",
            )
        return fit
    must_be(contrasts, (Contrast, Iterable), "what is compared is a kind of contrast or contrasts", _KINDS)
    given = [contrasts] if isinstance(contrasts, Contrast) else list(contrasts)
    if part != "all":
        raise UsageError("Contrasts of your own are one set, without halves.", hint='Leave part="all".')
    if strange := [one for one in given if not isinstance(one, Contrast)]:
        must_be_one_list("patch", strange if any(map(_a_place, strange)) else [])
        raise UsageError(f"A {type(strange[0]).__name__} is no contrast.", hint=_KINDS)
    if not given:
        raise UsageError("No contrast is given.", hint=_KINDS)
    for number, found in enumerate(lint(given, specimen.tokenizer, specimen.model), start=1):
        if found:
            raise InputError(
                f"Contrast {number} of {len(given)} is no fair question: {found[0]}.",
                hint="contrast.problems(specimen.tokenizer, specimen.model) lists all that is wrong with one.",
            )
    return given
