"""Which preset fits how much text, and from how much text on a model can say anything.

The rule: the largest preset that has no more parameters than there are tokens of text; it is a rule of thumb, and a
model may beat it. A tokenizer of twice the vocabulary makes 0.89 to 0.91 times the tokens of the same text (of 630 to
40,333 messages of the demo, 4,096 against 2,048), so a preset with a larger one must fit fewer than were counted: else
each of two presets would advise the other.

What was measured, on conversations of the demo (MIT; Myers, Etchart and Fulda, 2020), one seed each, the loss of
held-out conversations in nats a token:

    tokens of text    preset, epochs    model    trigram    frequencies
               204    nano, 3            6.21       6.03           6.18
               204    nano, 20           6.21       6.03           6.18
             3,675    nano, 3            6.75       6.34           6.72
             3,675    nano, 20           6.77       6.34           6.72
            35,459    nano, 3            5.03       4.98           6.13
           620,300    nano, 3            3.77       4.00
     the same text    seed, 5            4.39       4.38

Under some thousand tokens a model knows less than a list of how often each token occurs, so that there is nothing in it
to look into; with ten times as many it does far better than such a list. Of the whole demo ``nano`` beats the trigram
and ``seed``, four times as large, does not.
"""

from __future__ import annotations

from collections.abc import Iterable

from wonderland.model.presets import PRESETS

__all__ = ["TOO_LITTLE", "WHY_TOO_LITTLE", "estimated_tokens", "fitting", "parameters_of"]

TOO_LITTLE = 10_000
"""Tokens of training text under which a model is not worth looking into."""
WHY_TOO_LITTLE = (
    "Trained on 3,675 tokens of the demo's conversations, nano guessed new ones worse than a list of how often each "
    "token occurs (6.75 nats a token against 6.72); trained on 35,459, far better than that (5.03 against 6.13)."
)
"""What was measured of it, as a sentence."""
_FEWER = 0.88  # of the tokens of one preset's tokenizer, those of one with twice the vocabulary, or fewer
_A_WORD, _A_MESSAGE = 1.3, 3
_BYTES = 4.5  # of a token where there are no spaces; 3.8 were measured of Chinese characters drawn by frequency


def estimated_tokens(texts: Iterable[str]) -> int:
    """Return about how many tokens some messages will be, before there is a tokenizer.

    >>> estimated_tokens(["how are you", "fine"])
    11
    >>> estimated_tokens(["你好吗今天天气很好我们一起去公园散步吧"])
    16
    """
    sizes = ((_A_WORD * len(text.split()), len(text.encode()) / _BYTES) for text in texts)
    return round(sum(max(one) + _A_MESSAGE for one in sizes))


def parameters_of(name: str, vocabulary: int | None = None) -> int:
    """Return how many parameters a preset has at most with a vocabulary of so many tokens, its own by default."""
    return PRESETS[name].sized(vocabulary or PRESETS[name].vocab_size).n_params


def fitting(tokens: int, chosen: str = "", vocabulary: int | None = None) -> str:
    """Return the name of the preset that fits so many tokens of text, or else of the smallest.

    Args:
        tokens: Tokens of text.
        chosen: The preset whose tokenizer they were counted with; "" for no tokenizer.
        vocabulary: Tokens that every preset's tokenizer is to have at most; None or 0 for those of each.

    >>> fitting(1_000), fitting(600_000), fitting(6_000_000), fitting(60_000_000)
    ('nano', 'nano', 'seed', 'large')
    >>> fitting(5_500_000, "nano"), fitting(5_200_000, "seed")  # 5.5 million with one tokenizer and 5.0 with the other
    ('nano', 'nano')
    """
    sizes = {name: parameters_of(name, vocabulary) for name in PRESETS}
    known = PRESETS[chosen].vocab_size if chosen and not vocabulary else None
    fewer = {name: _FEWER if known is not None and one.vocab_size > known else 1 for name, one in PRESETS.items()}
    small = [name for name in sizes if sizes[name] <= tokens * fewer[name]]
    return max(small, key=sizes.__getitem__) if small else min(sizes, key=sizes.__getitem__)
