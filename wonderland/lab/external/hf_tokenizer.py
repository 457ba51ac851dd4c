"""A Hugging Face tokenizer under the names that the analyses use.

A ``transformers`` tokenizer or a ``tokenizers.Tokenizer``. Speakers are not among its tokens, so what needs to know who
speaks declines. What would fool it: a tokenizer that is not the model's. `Specimen` compares sizes, which is all that
can be compared; read some tokens of the report to be sure.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from typing import Any

from wonderland.errors import InputError, UsageError

__all__ = ["HFTokenizer"]


class HFTokenizer:
    """A tokenizer from elsewhere under the names that the analyses use.

    Args:
        tokenizer: A ``tokenizers.Tokenizer`` or a fast ``transformers`` tokenizer.
        start: The token that sequences begin with, as text or number; by default the tokenizer's own beginning or end
            of text.

    Raises:
        InputError: It is neither.
        UsageError: It has no token to begin with, or not this one.
    """

    tells_speakers = False

    def __init__(self, tokenizer: Any, *, start: str | int | None = None) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not hasattr(backend, "id_to_token") or not hasattr(backend, "to_str"):
            raise InputError(
                f"A {type(tokenizer).__name__} is no tokenizer that wonderland can read.",
                hint="Give a tokenizers.Tokenizer or a fast transformers tokenizer (PreTrainedTokenizerFast).",
            )
        from tokenizers import Tokenizer

        self._prompt = Tokenizer.from_str(backend.to_str())
        self._text = Tokenizer.from_str(backend.to_str())
        self._text.encode_special_tokens = True
        added = self._prompt.get_added_tokens_decoder()
        named = [getattr(tokenizer, name, None) for name in ("bos_token_id", "eos_token_id", "pad_token_id")]
        marked = [token for token, about in added.items() if about.special]
        self.specials: frozenset[int] = frozenset(int(token) for token in (*marked, *named) if token is not None)
        self.start = self._start(tokenizer, start)

    def _start(self, tokenizer: Any, start: str | int | None) -> int:
        if isinstance(start, str):
            start, text = self._prompt.token_to_id(start), start
            if start is None:
                raise UsageError(f"The tokenizer has no token {text!r} to begin with.", hint='Name one: start="<s>".')
        for name in ("bos_token_id", "eos_token_id"):
            start = getattr(tokenizer, name, None) if start is None else start
        if start is None and len(self.specials) == 1:
            start = next(iter(self.specials))
        if start is None or not 0 <= start < self.vocab_size:
            raise UsageError(
                "The tokenizer does not say which token sequences begin with. Many heads attend to that token when "
                "nothing else matches, so it has to be the one the model was trained with.",
                hint='Name it: HFTokenizer(tokenizer, start="<s>"), or start=5 for a number.',
            )
        return int(start)

    @property
    def vocab_size(self) -> int:
        """Number of tokens: the highest number and one."""
        return max(self._prompt.get_vocab().values()) + 1

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short hash of the tokenizer's own file and of what sequences begin with."""
        return hashlib.sha256(f"{self._prompt.to_str()} {self.start}".encode()).hexdigest()[:16]

    def encode(self, text: str) -> list[int]:
        """Encode a text as text, with nothing put before or after it."""
        return list(self._text.encode(text, add_special_tokens=False).ids)

    def encode_prompt(self, prompt: str) -> list[int]:
        """Encode a prompt in which special tokens mean what they say."""
        return list(self._prompt.encode(prompt, add_special_tokens=False).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of tokens, specials spelled out."""
        return str(self._prompt.decode(list(ids), skip_special_tokens=False))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the text of each token alone, or its name in the vocabulary if it is no character alone."""
        return [self._piece(int(token)) for token in ids]

    @functools.cache  # noqa: B019 - one entry a token, and tokenizers live as long as the program
    def _piece(self, token: int) -> str:
        name = self._prompt.id_to_token(token)
        if name is None:
            return f"\\{token}"
        if token in self.specials:
            return str(name)
        text = self.decode([token])
        if "\N{REPLACEMENT CHARACTER}" in text:  # a piece of a character
            return str(name)
        # Decoders drop the space that such a piece begins with, when it comes first.
        return f" {text}" if name.startswith("\N{LOWER ONE EIGHTH BLOCK}") and text[:1] != " " else text

    def __repr__(self) -> str:
        return f"HFTokenizer({self.vocab_size:,} tokens, {self.fingerprint})"
