"""What is said before training of how much text there is: which preset fits it, and whether it is too little."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from wonderland.cli.console import Console, number
from wonderland.corpus.misnamed import in_words
from wonderland.corpus.splitting import SHARES
from wonderland.errors import NotEnoughData
from wonderland.model.fitting import TOO_LITTLE, WHY_TOO_LITTLE, estimated_tokens, fitting, parameters_of

if TYPE_CHECKING:
    from wonderland.corpus.corpus import Corpus
    from wonderland.workspace.settings import SplitSettings
    from wonderland.workspace.workspace import Workspace

__all__ = ["advice", "counted_tokens", "say_what_fits", "too_little", "what_may_help", "what_to_do"]

_SAMPLE = 20_000  # messages
_GUIDE = "The tutorial Your messages in an evening says which preset fits how much text."


def say_what_fits(console: Console, workspace: Workspace, command: str) -> int:
    """Say how much text there is to train on and, if another preset fits it, which one and what to type.

    Returns the tokens there are to train on.

    Args:
        console: Where to print.
        workspace: The workspace, its messages filtered.
        command: What takes the option ``--preset``.
    """
    done = workspace.stage("tokenizer").done
    tokens = counted_tokens(workspace) if done else estimated_tokens(workspace.split()[0].texts)
    chosen = workspace.settings.training.preset
    asked = workspace.settings.tokenizer.vocab_size
    console.result(text={"tokens": tokens, "preset": chosen, "fitting": fitting(tokens, chosen, asked)})
    vocabulary = workspace.tokenize().vocab_size if done else None
    for sentence in advice(tokens, chosen, command, vocabulary, asked):
        console.paragraph(sentence)
    return tokens


def what_to_do(workspace: Workspace) -> list[str]:
    """Return what can be done where there is too little text: keep what filters leave out, hold out less.

    More messages are what helps most, and that is said as what to type next.
    """
    filtered = workspace.filter()
    kept, read = len(filtered), len(workspace.extract(again=False))
    train, held_out = (len(part) for part in workspace.split())
    told = []
    if kept < read / 2:
        told.append(
            f"The filters keep {number(kept)} of {number(read)} messages. To keep all: wonderland filter --none"
        )
    if held_out > train / 2 and (share := _share_of_fewer(filtered, held_out, workspace.settings.split)):
        told.append(
            f"{number(held_out)} of {number(train + held_out)} messages are held out. To hold out fewer: wonderland "
            f"tokenize --held-out {share:g}"
        )
    return told


def _share_of_fewer(corpus: Corpus, held_out: int, split: SplitSettings) -> float | None:
    """Return the least of the usual shares that can be held out and is fewer messages; None if there is none."""
    for share in SHARES:
        with contextlib.suppress(NotEnoughData):
            if len(corpus.split(share, by=split.by, seed=split.seed)[1]) < held_out:
                return share
    return None


def what_may_help(workspace: Workspace) -> str:
    """Say what may help where a model knows too little: more epochs only where the last ones made it better."""
    history = None if workspace.layout.examines else workspace.load_model()[0].history
    may = ["more messages"]
    if history is None or not history.overfitting:
        may.append("more epochs")
    if fitting(0) != workspace.settings.training.preset:
        may.append("a smaller preset")
    return in_words(may, "or")


def counted_tokens(workspace: Workspace) -> int:
    """Return how many tokens the training text is, with speakers and ends of messages; of much text from a sample.

    Before there is a tokenizer `estimated_tokens` says it; of little text too high, as its tokenizer knows every word.
    """
    texts, tokenizer = list(workspace.split()[0].texts), workspace.tokenize()
    some = texts[:: -(-len(texts) // _SAMPLE) or 1]
    return round(sum(len(row) + 2 for row in tokenizer.encode_messages(some)) * len(texts) / max(len(some), 1))


def advice(
    tokens: int, chosen: str, command: str, vocabulary: int | None = None, asked: int | None = None
) -> list[str]:
    """Return what there is to say of a preset for so many tokens of text; nothing if it fits.

    Args:
        tokens: Tokens of training text.
        chosen: Name of the preset that is taken.
        command: What takes the option ``--preset``.
        vocabulary: Tokens of the tokenizer; None if there is none yet, and then parameters are told as "up to".
        asked: Tokens that the settings ask a tokenizer to have at most; None for those of each preset.
    """
    best = fitting(tokens, chosen, asked)
    parameters, size = parameters_of(chosen, vocabulary or asked), parameters_of(best, asked)
    told_size = f"{'up to ' if vocabulary is None else ''}{parameters / 1e6:.1f}M"
    told = [too_little(tokens)] if tokens < TOO_LITTLE else []
    if 0 < tokens < parameters:
        told.append(
            f"Note: {chosen} has {told_size} parameters and there are about {_about(tokens)} tokens to "
            "train on: that is under one token a parameter, so much of it may be learned by heart."
        )
    if best != chosen and tokens < parameters:
        why = "fits so much text" if size <= tokens else "is the smallest there is"
        told.append(f"{best} (up to {size / 1e6:.1f}M) {why}: `{command} --preset {best}`. {_GUIDE}")
    elif best != chosen:
        told.append(
            f"There are about {_about(tokens)} tokens to train on, enough for {best}: `{command} --preset {best}`, "
            f"which takes longer. {_GUIDE}"
        )
    return told


def too_little(tokens: int) -> str:
    """Return that so few tokens are too few to say anything, and why."""
    return (
        f"Too little text to say anything: about {_about(tokens)} tokens to train on, and it takes some "
        f"{number(TOO_LITTLE)}. {WHY_TOO_LITTLE}"
    )


def _about(tokens: int) -> str:
    """Return a count that is an estimate, to two digits, rounded down so that what is under a bound stays there.

    >>> _about(212_617), _about(9_960), _about(7)
    ('210,000', '9,900', '7')
    """
    step = 10 ** max(len(str(tokens)) - 2, 0)
    return number(tokens // step * step)
