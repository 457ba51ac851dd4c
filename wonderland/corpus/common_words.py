"""Which words did several people use? A vocabulary learned from them alone holds fewer words of one person.

Byte-pair merges of a rare word make it a token, and whoever has the tokenizer can read it there. Learned from common
words only, the vocabulary has tokens that parts of many people's words are made of. Rare words are then cut into more
tokens, which costs some length.

What would fool it: a name that many use, and fragments of common words that happen to be a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import regex

from wonderland.advice import Hint, Options
from wonderland.errors import NotEnoughData

if TYPE_CHECKING:
    from wonderland.corpus.corpus import Corpus

__all__ = ["shared_words"]

# As byte-level pre-tokenisation cuts texts: a run of letters, of digits or of signs, with the space before it.
_PIECE = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def shared_words(corpus: Corpus, contacts: int) -> Iterator[str]:
    """Yield each message after a space, without the words that fewer than so many contacts used.

    Raises:
        NotEnoughData: No word is left.
    """
    users: dict[str, set[str]] = {}
    for message in corpus:
        if not message.is_from_me:
            for word in {piece.strip().casefold() for piece in _PIECE.findall(f" {message.text}")}:
                known = users.setdefault(word, set())
                if len(known) < contacts:
                    known.add(message.sender)
    common = {word for word, known in users.items() if word and len(known) >= contacts}
    if not common:
        people = len({message.sender for message in corpus if not message.is_from_me})
        raise NotEnoughData(
            f"No word was used by {contacts} contacts; there are {people}.",
            hint=Hint("Ask for fewer, for example: ", Options("tokenize", contacts=2)),
        )
    return _without(corpus, common)


def _without(corpus: Corpus, common: set[str]) -> Iterator[str]:
    for text in chain.from_iterable(corpus.texts_in_parts()):
        yield "".join(
            piece for piece in _PIECE.findall(f" {text}") if not piece.strip() or piece.strip().casefold() in common
        )
