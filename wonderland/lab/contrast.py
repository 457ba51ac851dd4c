"""Contrasts: pairs of prompts that ask about cause, and the linter that says whether a pair is fair.

Patching moves activations between two runs that differ in one respect and watches one number, the logit difference
Δ = logit[target] − logit[foil] at the last position: high on the clean prompt, low on the corrupted one. The answer
means something only if the prompts have the same number of tokens (else positions do not line up), if target and foil
are one token each and not the same, if neither stands in a prompt already (else copying it is the cheapest
explanation, and a target standing in both leaves no gap), and if the gap Δ(clean) − Δ(corrupted) is large against the
noise that dividing by it would blow up. `Contrast.problems` names what is wrong; analyses refuse what has a problem.

What would fool it: one pair. A pair is an anecdote however clean it is; `ENOUGH_PAIRS` marks results below it.

Reference: Zhang and Nanda 2023 (2309.16042), on logit difference and symmetric token replacement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wonderland.errors import InputError
from wonderland.lab.interventions import Activations, answer_logits
from wonderland.tokenizer import PAD

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel, Tokenizer

__all__ = ["ENOUGH_PAIRS", "LEAST_GAP", "Contrast", "ContrastBatch", "Problem", "gaps", "lint", "logit_difference"]

LEAST_GAP = 0.5
"""Logits by which Δ must be higher on the clean prompt than on the corrupted one."""
ENOUGH_PAIRS = 20
"""Fewer pairs than this are an anecdote."""

Prompt = str | Sequence[int]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Something that makes a contrast unfit.

    Args:
        name: Which problem, always in the same words: "unequal lengths", "target in a prompt", "gap too small", ….
        detail: What was found, with numbers or positions.
    """

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


@dataclass(frozen=True)
class Contrast:
    """Two prompts that differ in one respect, and the two tokens that tell them apart.

    Args:
        clean: The prompt that shows the behaviour: a text in which specials mean what they say, such as
            ``"<|me|> are you free"``, or a sequence of token ids. The model is asked what comes next.
        corrupted: The same without what causes the behaviour, of as many tokens.
        target: The token that the clean prompt makes likelier: a text of one token (usually with a leading space) or
            its id.
        foil: The token that the corrupted prompt makes likelier.
        kind: What was changed, for example "speaker".
        conversation: Number of the conversation it was mined from: the unit of resampling.
        copying: Allow target and foil to stand in the prompts, where copying them is the behaviour in question.
    """

    clean: Prompt
    corrupted: Prompt
    target: str | int
    foil: str | int
    kind: str = ""
    conversation: int | None = None
    copying: bool = False

    def tokens(self, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
        """Return the tokens of the clean and of the corrupted prompt."""
        return _prompt(self.clean, tokenizer), _prompt(self.corrupted, tokenizer)

    def answers(self, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
        """Return the tokens of target and foil, one each if all is well."""
        return _answer(self.target, tokenizer), _answer(self.foil, tokenizer)

    def differences(self, tokenizer: Tokenizer) -> list[int]:
        """Return the positions at which the prompts differ, up to the end of the shorter one."""
        clean, corrupted = self.tokens(tokenizer)
        return [i for i, (a, b) in enumerate(zip(clean, corrupted, strict=False)) if a != b]

    def problems(self, tokenizer: Tokenizer, model: HookedModel | None = None) -> list[Problem]:
        """List what makes this contrast unfit; an empty list if nothing does.

        Args:
            tokenizer: The model's tokenizer.
            model: Also run both prompts through it and look at the gap.
        """
        return lint([self], tokenizer, model)[0]

    def _problems(self, tokenizer: Tokenizer, longest: int | None) -> list[Problem]:
        """List what can be seen without running the model, whose context is ``longest``."""
        clean, corrupted = self.tokens(tokenizer)
        target, foil = self.answers(tokenizer)
        size = tokenizer.vocab_size
        found = [
            Problem("empty prompt", f"the {name} prompt has no tokens")
            for name, tokens in (("clean", clean), ("corrupted", corrupted))
            if not tokens
        ]
        if len(clean) != len(corrupted):
            detail = f"{len(clean)} and {len(corrupted)} tokens, so that positions do not line up"
            found.append(Problem("unequal lengths", detail))
        elif clean == corrupted:
            found.append(Problem("identical prompts", "nothing differs, so nothing can be the cause"))
        for name, tokens in (("target", target), ("foil", foil)):
            if len(tokens) != 1:
                pieces = ", ".join(map(repr, tokenizer.pieces(tokens)))
                found.append(Problem(f"{name} not one token", f"{len(tokens)} tokens: {pieces or 'none'}"))
        if target == foil:
            found.append(Problem("target equals foil", "the logit difference of a token with itself is always 0"))
        strange = [token for token in (*clean, *corrupted, *target, *foil) if not 0 <= token < size]
        if strange:
            found.append(Problem("unknown token", f"{strange[0]} is no token of a vocabulary of {size:,}"))
        if not self.copying:
            found += [
                Problem(f"{name} in a prompt", f"{tokenizer.pieces(tokens)[0]!r} stands in {where}")
                for name, tokens in (("target", target), ("foil", foil))
                if len(tokens) == 1 and (where := _where(tokens[0], clean, corrupted))
            ]
        if longest is not None and clean and max(len(clean), len(corrupted)) > longest:
            found.append(Problem("too long", f"{len(clean)} tokens do not fit a context of {longest}"))
        return found


def lint(contrasts: Sequence[Contrast], tokenizer: Tokenizer, model: HookedModel | None = None) -> list[list[Problem]]:
    """List the `Contrast.problems` of each of some contrasts; those that look well run through the model together."""
    longest = None if model is None else model.cfg.n_ctx
    found = [contrast._problems(tokenizer, longest) for contrast in contrasts]
    well = [i for i, problems in enumerate(found) if not problems]
    if model is not None:
        gap = gaps(model, ContrastBatch.of([contrasts[i] for i in well], tokenizer))
        for i, one in zip(well, gap.tolist(), strict=True):
            found[i] = gap_problem(one)
    return found


def gap_problem(gap: float) -> list[Problem]:
    """Return what is wrong with a gap Δ(clean) − Δ(corrupted), in logits: nothing, or one problem."""
    if not np.isfinite(gap):
        return [Problem("gap not a number", f"the gap is {gap}")]
    if gap <= -LEAST_GAP:
        return [Problem("gap backwards", f"the corrupted prompt favours the target by {-gap:.2f} logits")]
    if gap < LEAST_GAP:
        return [Problem("gap too small", f"{gap:.2f} logits, at least {LEAST_GAP:g} are needed")]
    return []


@dataclass(frozen=True)
class ContrastBatch:
    """Contrasts as arrays, one a row, padded on the right.

    Attributes:
        clean: [pair, pos], int64.
        corrupted: [pair, pos].
        differs: Where the two differ, [pair, pos], bool.
        answer: Position at which the next token is asked for, the last of each prompt, [pair].
        target: [pair].
        foil: [pair].
        cluster: Number of the conversation of each pair, or a number of its own, [pair].
        resampled_over: What the clusters are: "conversations" or "pairs".
    """

    clean: np.ndarray
    corrupted: np.ndarray
    differs: np.ndarray
    answer: np.ndarray
    target: np.ndarray
    foil: np.ndarray
    cluster: np.ndarray
    resampled_over: str

    @classmethod
    def none(cls) -> ContrastBatch:
        """Return a batch of no contrasts."""
        none, row = np.zeros(0, np.int64), np.zeros((0, 1), np.int64)
        return cls(row, row, row.astype(bool), none, none, none, none, "pairs")

    @classmethod
    def of(cls, contrasts: Sequence[Contrast], tokenizer: Tokenizer) -> ContrastBatch:
        """Align contrasts whose `problems` are none.

        Raises:
            InputError: A pair's prompts have unequal lengths, or a target or foil is not one token.
        """
        if not contrasts:
            return cls.none()
        pairs = [contrast.tokens(tokenizer) for contrast in contrasts]
        answers = [contrast.answers(tokenizer) for contrast in contrasts]
        for (clean, corrupted), (target, foil) in zip(pairs, answers, strict=True):
            if len(clean) != len(corrupted) or not clean or len(target) != 1 or len(foil) != 1:
                raise InputError(
                    "A contrast whose prompts or answers do not line up cannot be used.",
                    hint="contrast.problems(tokenizer) says what is wrong with it.",
                )
        longest = max(len(clean) for clean, _ in pairs)
        sides = np.full((2, len(pairs), longest), PAD, dtype=np.int64)
        for row, pair in enumerate(pairs):
            for side, tokens in enumerate(pair):
                sides[side, row, : len(tokens)] = tokens
        mined = all(contrast.conversation is not None for contrast in contrasts)
        cluster = [c.conversation if mined else i for i, c in enumerate(contrasts)]
        return cls(
            clean=sides[0],
            corrupted=sides[1],
            differs=sides[0] != sides[1],
            answer=np.array([len(clean) - 1 for clean, _ in pairs]),
            target=np.array([target[0] for target, _ in answers]),
            foil=np.array([foil[0] for _, foil in answers]),
            cluster=np.array(cluster, dtype=np.int64),
            resampled_over="conversations" if mined else "pairs",
        )

    def __len__(self) -> int:
        return len(self.clean)

    def rows(self, chosen: Any) -> ContrastBatch:
        """Return some of the pairs, no longer than the longest of them."""
        answer = self.answer[chosen]
        shown = slice(0, int(answer.max()) + 1 if len(answer) else 1)
        return ContrastBatch(
            clean=self.clean[chosen, shown],
            corrupted=self.corrupted[chosen, shown],
            differs=self.differs[chosen, shown],
            answer=answer,
            target=self.target[chosen],
            foil=self.foil[chosen],
            cluster=self.cluster[chosen],
            resampled_over=self.resampled_over,
        )

    def places(self) -> dict[str, np.ndarray]:
        """Return where the difference, the answer and what stands between them are, [pair, pos] each."""
        position = np.arange(self.clean.shape[1])
        answer = position == self.answer[:, None]
        difference = self.differs & ~answer
        begun = np.maximum.accumulate(self.differs, axis=1) if len(self) else self.differs
        between = begun & ~self.differs & (position < self.answer[:, None])
        return {"difference": difference, "between": between, "answer": answer}

    def batches(self, size: int = 16) -> Iterator[tuple[np.ndarray, ContrastBatch]]:
        """Yield some pairs at a time, with their numbers: those of like length together, for little padding."""
        order = np.argsort(self.answer, kind="stable")
        for start in range(0, len(self), size):
            chosen = order[start : start + size]
            yield chosen, self.rows(chosen)


def logit_difference(logits: Tensor, batch: ContrastBatch) -> Floats:
    """Return Δ = logit[target] − logit[foil] of logits [..., pair, d_vocab], as [..., pair]."""
    rows = torch.arange(len(batch))
    values = logits.cpu().double()
    return np.asarray((values[..., rows, batch.target] - values[..., rows, batch.foil]).numpy())


def gaps(model: HookedModel, batch: ContrastBatch) -> np.ndarray:
    """Return Δ(clean) − Δ(corrupted) of each pair in logits, [pair]."""
    found = np.zeros(len(batch))
    for chosen, some in batch.batches():
        metric = answer_logits(model, some.answer)
        clean, corrupted = (
            logit_difference(metric(Activations.of(model, tokens, ()).final), some)
            for tokens in (some.clean, some.corrupted)
        )
        found[chosen] = clean - corrupted
    return found


def _prompt(prompt: Prompt, tokenizer: Tokenizer) -> list[int]:
    return tokenizer.encode_prompt(prompt) if isinstance(prompt, str) else [int(token) for token in prompt]


def _answer(answer: str | int, tokenizer: Tokenizer) -> list[int]:
    return tokenizer.encode_prompt(answer) if isinstance(answer, str) else [int(answer)]


def _where(token: int, clean: list[int], corrupted: list[int]) -> str:
    sides = [name for name, tokens in (("the clean", clean), ("the corrupted", corrupted)) if token in tokens]
    return f"{' and '.join(sides)} prompt" if sides else ""
