"""Several models at once: the same training with other seeds, one model as it grew, or models of several corpora.

A `Cohort` holds specimens that can be compared: one tokenizer, one shape, one evidence. It is an error if they cannot.
An analysis of a cohort says ``of: ClassVar[str] = "seeds"`` and gets the cohort in its ``run``; results of specimen
analyses that it ``uses`` stand in ``cohort.results[name][member]``.

Contrasts are mined once and kept where the gap suffices in every member, so that all are asked the same. Of snapshots
the last model mines, and all it finds are kept: in the first ones, which have learned nothing, none would suffice.

What would fool it: comparing heads by index, since seeds number their heads differently (`Result.claims` names none);
and untrained baselines of one seed, which would be one model that agrees with itself: `Cohort.untrained` numbers them.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wonderland.errors import PluginError, UsageError
from wonderland.lab.batch import Batch
from wonderland.lab.contrast import Contrast, lint
from wonderland.lab.mining import Contrasts, mine
from wonderland.lab.specimen import Specimen

if TYPE_CHECKING:
    from wonderland.lab.result import Result

__all__ = ["COHORTS", "Cohort"]

COHORTS = ("seeds", "snapshots", "corpora")
"""What the members of a cohort may differ in."""


@dataclass(frozen=True)
class Cohort:
    """Models that can be compared, each with the same evidence.

    Args:
        kind: What they differ in: "seeds", "snapshots" or "corpora".
        members: Specimens by name, at least two; of snapshots in the order of training.
        at: Of snapshots, how many tokens each had seen, [member], increasing.
        results: Inside of an analysis, results of those it ``uses``, by name and member.
        mined: What mines the contrasts of all; made here.

    Raises:
        UsageError: There is no such kind, a member's name is no name of a folder, or the members differ in tokenizer,
            shape or evidence.
    """

    kind: str
    members: Mapping[str, Specimen]
    at: np.ndarray | None = None
    results: Mapping[str, Mapping[str, Result]] = field(default_factory=dict, repr=False)
    mined: Callable[..., Contrasts] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in COHORTS:
            raise UsageError(f"There is no kind of cohort {self.kind!r}.", hint=f"Kinds: {', '.join(COHORTS)}.")
        if len(self.members) < 2:
            raise UsageError(
                f"A cohort has at least two members, not {len(self.members)}.",
                hint="Give a mapping from names to specimens. One model is analysed by wl.analyze(specimen).",
            )
        for name in self.members:
            if not re.fullmatch(r"[\w-][\w.-]*", name):
                raise UsageError(
                    f"A member of a cohort cannot be called {name!r}: its results lie in a folder of that name.",
                    hint="Use letters, digits, and - _ . inside.",
                )
        first, *others = self.members
        for other in others:
            for what, of in _ALIKE.items():
                if of(self.members[first]) != of(self.members[other]):
                    raise UsageError(
                        f"{other!r} has another {what} than {first!r}: they cannot be compared.",
                        hint="Make them with specimen.with_model(model), on the same evidence.",
                    )
        if (self.at is None) == (self.kind == "snapshots"):
            raise UsageError("Snapshots, and only they, say how many tokens each had seen.", hint="Cohort(…, at=[…])")
        if self.at is not None:
            at = np.asarray(self.at, dtype=np.int64)
            if at.shape != (len(self.members),) or (np.diff(at) <= 0).any():
                raise UsageError(
                    f"{len(self.members)} snapshots need as many increasing numbers of tokens seen.",
                    hint="For example, of three: at=[1000, 2000, 4000]",
                )
            object.__setattr__(self, "at", at)
        if self.mined is None:  # baselines and restricted views keep those of the trained models
            object.__setattr__(self, "mined", functools.cache(functools.partial(_mine, self.kind, dict(self.members))))
        assert self.mined is not None
        members = {name: member.asking(self.mined) for name, member in self.members.items()}
        object.__setattr__(self, "members", members)

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        first, *_, last = self.members
        evidence = next(iter(self.members.values())).evidence.describe()
        return (
            f"Cohort({len(self)} {self.kind}, {first} to {last}, on the same {evidence['windows']} windows of "
            f"{evidence['conversations']} held-out conversations)"
        )

    @property
    def begins_untrained(self) -> bool:
        """Whether these are snapshots of which the first had seen no token: then it is the untrained baseline."""
        return self.at is not None and int(self.at[0]) == 0

    @property
    def fingerprints(self) -> dict[str, str]:
        """Short hashes of what the members share and of the model of each, as ``model NAME``."""
        one = next(iter(self.members.values())).fingerprints
        shared = {name: value for name, value in one.items() if name != "model"}
        return shared | {f"model {name}": member.fingerprints["model"] for name, member in self.members.items()}

    def batches(self, *names: str) -> Iterator[dict[str, Batch]]:
        """Yield the evidence some windows at a time, the same windows of every member, by its name.

        Args:
            *names: The activations that will be read; what was declared if none are named.
        """
        streams = [member.batches(*names) for member in self.members.values()]
        for batches in zip(*streams, strict=True):
            yield dict(zip(self.members, batches, strict=True))

    def contrasts(self, kind: str = "speaker", *, pairs: int = 64, seed: int = 0) -> Contrasts:
        """Return contrasts that every member is asked alike, in two halves; see `Specimen.contrasts`."""
        return next(iter(self.members.values())).contrasts(kind, pairs=pairs, seed=seed)

    def untrained(self) -> Cohort:
        """Return the untrained baselines of all members, each of a seed of its own: 1, 2, 3, …"""
        made = {name: member.untrained(seed) for seed, (name, member) in enumerate(self.members.items(), start=1)}
        return replace(self, members=made, results={})

    def restricted_to(self, needs: Sequence[str], results: Mapping[str, Mapping[str, Result]] | None = None) -> Cohort:
        """Return this cohort handing out only declared activations and results, for one analysis."""
        made = {name: member.restricted_to(needs) for name, member in self.members.items()}
        return replace(self, members=made, results=_Used(results or {}))

    def running(self, on_progress: Callable[[int, int], None] | None, scratch: Path | None) -> Cohort:
        """Return this cohort as one analysis sees it: whom to tell of progress, and where its scratch folder is."""
        made = {name: member.running(on_progress, scratch) for name, member in self.members.items()}
        return replace(self, members=made)

    def progress(self, done: int, total: int) -> None:
        """Say how far an analysis that takes long has come; see `Specimen.progress`."""
        next(iter(self.members.values())).progress(done, total)

    @property
    def scratch(self) -> Path:
        """A folder for what an analysis writes on the way; see `Specimen.scratch`."""
        return next(iter(self.members.values())).scratch

    def lacks(self, needs: Sequence[str]) -> str:
        """Return why a member cannot give one of these activations; nothing if all can."""
        return next((why for member in self.members.values() if (why := member.lacks(needs))), "")


class _Used(dict[str, "Mapping[str, Result]"]):
    """The results an analysis declared that it uses."""

    def __missing__(self, name: str) -> Mapping[str, Result]:
        raise PluginError(
            f"There are no results of {name!r} to read.",
            hint="Name it in the analysis' uses; and ask with .get(), since it may have declined or not be installed.",
        )


def _mine(
    cohort: str, members: Mapping[str, Specimen], kind: str = "speaker", *, pairs: int = 64, seed: int = 0
) -> Contrasts:
    """Return contrasts mined by one member, without those that do not suffice in another."""
    name = list(members)[-1 if cohort == "snapshots" else 0]
    one = members[name]
    found = mine(one.model, one.tokenizer, one.evidence, kind, pairs=pairs, seed=seed)
    if cohort == "snapshots":
        return found
    refused = Counter(found.refused)
    halves: list[tuple[Contrast, ...]] = []
    for half in (found.explore, found.confirm):
        kept = list(half)
        for other in (member for key, member in members.items() if key != name):
            problems = lint(kept, other.tokenizer, other.model)
            refused.update(f"{of[0].name} in another member" for of in problems if of)
            kept = [contrast for contrast, of in zip(kept, problems, strict=True) if not of]
        halves.append(tuple(kept))
    return replace(found, explore=halves[0], confirm=halves[1], refused=dict(refused))


def _evidence(specimen: Specimen) -> tuple[bytes, bytes, bytes]:
    one = specimen.evidence
    return one.tokens.tobytes(), one.lengths.tobytes(), one.conversation.tobytes()


def _shape(specimen: Specimen) -> tuple[object, ...]:
    cfg = specimen.cfg
    return cfg.n_layers, cfg.n_heads, cfg.d_model, cfg.d_head, cfg.d_mlp, cfg.n_ctx, cfg.d_vocab, cfg.act_fn


_ALIKE = {
    "tokenizer": lambda specimen: specimen.tokenizer.fingerprint,
    "shape": _shape,
    "evidence": _evidence,
}
