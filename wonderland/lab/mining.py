"""Contrasts mined from a person's own held-out messages, with one token changed.

A window is cut some tokens after a place, and the token at that place is changed: who speaks (``<|me|>`` ↔
``<|them|>`` of the last message, the same words after it), who spoke first (the same of the first message, where others
follow it), an affirmation into a negation, or a question mark into a full stop. Target and foil are the tokens that
the model itself prefers after one prompt and after the other: of its ten likeliest after the clean prompt the one that
gains most from it, and likewise for the corrupted. So each is unique to one side, neither stands in a prompt, and what
remains is linted by `Contrast.problems`.

Pairs fall into two disjoint sets by conversation, explore and confirm: what was chosen by looking at the first is
measured on the second.

What would fool it: the gap. Target and foil are chosen for it, so its size is no evidence that the change matters;
recovery, which is relative to it, is. And a preference of this model is not one of the person's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from wonderland.errors import UsageError
from wonderland.lab.contrast import Contrast, ContrastBatch, gap_problem
from wonderland.lab.evidence import Evidence
from wonderland.lab.finite import require_finite
from wonderland.lab.interventions import Activations, answer_logits
from wonderland.tokenizer import ME, SPECIALS, THEM

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel, Tokenizer

__all__ = ["KINDS", "Contrasts", "mine"]

KINDS = ("speaker", "affirmation", "question", "first-speaker")
"""What can be changed."""

_YES = ("yes", "yeah", "yep", "sure", "ok", "okay", "yea", "yup", "definitely", "totally")
_NO = ("no", "nah", "nope")
_SHORTEST, _LONGEST = 4, 48  # tokens of a prompt: enough context to be in the middle of a chat, few enough to be cheap
_AFTER = {  # tokens between the change and the end; of the first speaker, between the last speaker token and the end
    "speaker": range(1, 5),
    "affirmation": range(1, 6),
    "question": range(2, 6),
    "first-speaker": range(1, 5),
}
_LIKELIEST = 10
_BATCH = 64
_TRIES = 6  # candidates looked at for each pair wanted


@dataclass(frozen=True)
class Contrasts:
    """Mined contrasts in two sets that share no conversation.

    Attributes:
        explore: For choosing what to claim.
        confirm: For measuring it.
        kind: What was changed.
        refused: How many candidates were refused, by the problem's name.
        seed: Seed of the choice.
    """

    explore: tuple[Contrast, ...]
    confirm: tuple[Contrast, ...]
    kind: str
    refused: dict[str, int]
    seed: int = 0

    def __len__(self) -> int:
        return len(self.explore) + len(self.confirm)


def mine(
    model: HookedModel,
    tokenizer: Tokenizer,
    evidence: Evidence,
    kind: str = "speaker",
    *,
    pairs: int = 64,
    seed: int = 0,
) -> Contrasts:
    """Mine contrasts from held-out evidence; `Specimen.contrasts` does it once and keeps them.

    Args:
        model: The model that is asked for its answers.
        tokenizer: Its tokenizer.
        evidence: Where prompts are cut from.
        kind: What to change: "speaker", "first-speaker", "affirmation" or "question".
        pairs: How many to find at most, half for each set.
        seed: Seed of the choice.

    Raises:
        UsageError: There is no such kind.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no kind of contrast named {kind!r}.", hint=f"Kinds: {', '.join(KINDS)}.")
    random = np.random.default_rng([seed, KINDS.index(kind)])
    groups = np.unique(evidence.conversation)
    exploring = set(random.permutation(groups)[: (len(groups) + 1) // 2].tolist())
    candidates = _spread(list(_candidates(tokenizer, evidence, kind, random)), random)
    found: dict[bool, list[Contrast]] = {True: [], False: []}
    refused: Counter[str] = Counter()
    half = {True: (pairs + 1) // 2, False: pairs // 2}
    for exploratory in (True, False):
        mine_of = [c for c in candidates if (c.conversation in exploring) == exploratory][: _TRIES * half[exploratory]]
        for start in range(0, len(mine_of), _BATCH):
            if len(found[exploratory]) >= half[exploratory]:
                break
            for contrast, problem in _asked(model, tokenizer, mine_of[start : start + _BATCH]):
                if contrast is None:
                    refused[problem] += 1
                elif len(found[exploratory]) < half[exploratory]:
                    found[exploratory].append(contrast)
    return Contrasts(tuple(found[True]), tuple(found[False]), kind, dict(refused), seed)


@dataclass(frozen=True)
class _Candidate:
    clean: tuple[int, ...]
    corrupted: tuple[int, ...]
    kind: str
    conversation: int


def _spread(candidates: list[_Candidate], random: np.random.Generator) -> list[_Candidate]:
    """Return candidates in random order, the first of every conversation before the second of any."""
    seen: Counter[int] = Counter()
    ranked = []
    for place, index in enumerate(random.permutation(len(candidates))):
        candidate = candidates[index]
        ranked.append((seen[candidate.conversation], place, candidate))
        seen[candidate.conversation] += 1
    return [candidate for _, _, candidate in sorted(ranked, key=lambda item: item[:2])]


def _candidates(
    tokenizer: Tokenizer, evidence: Evidence, kind: str, random: np.random.Generator
) -> Iterator[_Candidate]:
    """Yield at most one candidate of each message: a change, and a prompt that ends some tokens after it."""
    swaps = _swaps(tokenizer, kind)
    if not swaps:
        return
    for window, (row, length) in enumerate(zip(evidence.tokens, evidence.lengths.tolist(), strict=True)):
        starts = np.flatnonzero(evidence.is_speaker[window])
        for place in np.flatnonzero(np.isin(row[:length], list(swaps))).tolist():
            ends = [place + after for after in _AFTER[kind] if _fits(row, place, after, kind, length)]
            if not ends:
                continue
            end = int(random.choice(ends))
            allowed = [start for start in starts.tolist() if start <= place and end + 1 - start <= _LONGEST]
            first = kind == "first-speaker"
            if not allowed or end + 1 - allowed[0] < _SHORTEST or (first and allowed[0] == place):
                continue
            clean = row[allowed[0] : end + 1].tolist()
            corrupted = list(clean)
            changed = 0 if first else place - allowed[0]
            corrupted[changed] = int(random.choice(swaps[clean[changed]]))
            yield _Candidate(tuple(clean), tuple(corrupted), kind, int(evidence.conversation[window]))


def _fits(row: np.ndarray, place: int, after: int, kind: str, length: int) -> bool:
    """Whether a prompt may end ``after`` tokens behind a place: for a speaker, while the message lasts."""
    if place + after >= length - 1:
        return False
    between = row[place + 1 : place + after + 1]
    return "speaker" not in kind or bool((between >= len(SPECIALS)).all())


def _swaps(tokenizer: Tokenizer, kind: str) -> dict[int, list[int]]:
    """Return what each token may be changed into; only what is one token in this vocabulary."""
    if "speaker" in kind:
        return {ME: [THEM], THEM: [ME]}
    if kind == "question":
        ask, state = _one(tokenizer, "?"), _one(tokenizer, ".")
        return {ask: [state]} if ask is not None and state is not None else {}
    swaps: dict[int, list[int]] = {}
    for spelled in (str.lower, str.capitalize):
        yes, no = ([_one(tokenizer, f" {spelled(word)}") for word in words] for words in (_YES, _NO))
        denials = [token for token in no if token is not None]
        swaps |= {token: denials for token in yes if token is not None and denials}
    return swaps


def _one(tokenizer: Tokenizer, text: str) -> int | None:
    tokens = tokenizer.encode(text)
    return tokens[0] if len(tokens) == 1 else None


def _asked(
    model: HookedModel, tokenizer: Tokenizer, candidates: list[_Candidate]
) -> Iterator[tuple[Contrast | None, str]]:
    """Yield each candidate as a contrast with the model's own answers, or the name of its problem."""
    # Target and foil are still to be found: 0 and 1 stand in for them where only the prompts are needed.
    prompts = [Contrast(c.clean, c.corrupted, 0, 1, c.kind, c.conversation) for c in candidates]
    batch = ContrastBatch.of(prompts, tokenizer)
    metric = answer_logits(model, batch.answer)
    logits = [metric(Activations.of(model, tokens, ()).final) for tokens in (batch.clean, batch.corrupted)]
    for answers in logits:
        require_finite(answers)
    clean, corrupted = (torch.log_softmax(answers.float(), -1).cpu() for answers in logits)
    for c, ours, theirs in zip(candidates, clean, corrupted, strict=True):
        taken = [*c.clean, *c.corrupted, *tokenizer.specials]
        target, foil = _preferred(ours, theirs, taken), _preferred(theirs, ours, taken)
        contrast = Contrast(c.clean, c.corrupted, target, foil, c.kind, c.conversation)
        gap = (ours[target] - ours[foil]) - (theirs[target] - theirs[foil])  # of logits as of their log-softmax
        problems = contrast.problems(tokenizer) or gap_problem(float(gap))
        yield (None, problems[0].name) if problems else (contrast, "")


def _preferred(here: torch.Tensor, there: torch.Tensor, taken: list[int]) -> int:
    """Return the token, not among those taken, that is likely here and gains most from being here."""
    allowed = here.clone()
    allowed[taken] = -torch.inf
    likeliest = allowed.topk(min(_LIKELIEST, max(len(allowed) - len(set(taken)), 1))).indices
    return int(likeliest[(here - there)[likeliest].argmax()])
