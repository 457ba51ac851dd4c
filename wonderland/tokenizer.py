"""From a conversation to tokens, so that nobody can be mistaken for somebody else.

Byte-level BPE with five special tokens registered when the tokenizer is trained, so that each is one token with a
fixed id and no merge ever crosses it. Two ways to encode that are never mixed: `encode` treats everything as text, so
that a message containing ``<|me|>`` stays text and cannot forge a speaker; `encode_prompt` reads the specials, for
prompts that a user of the library writes. `verify` proves all of it on the tokenizer at hand.

Reference: Sennrich, Haddow and Birch 2016 (1508.07909); byte-level alphabet as in GPT-2. Implemented by Hugging Face
``tokenizers``. What would fool it: a tokenizer file changed behind its back, which its fingerprint reveals.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from numbers import Integral
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from wonderland.advice import Command, Hint, Options
from wonderland.corpus.columns import without_lone_surrogates
from wonderland.corpus.common_words import shared_words
from wonderland.corpus.corpus import Corpus
from wonderland.counted import counted
from wonderland.errors import InputError, NotEnoughData, UsageError, must_be, must_be_many, must_be_whole
from wonderland.paths import expanded, inside

__all__ = ["END", "ME", "PAD", "SEP", "SPECIALS", "THEM", "SpeakerTokenizer", "Verification"]

SPECIALS = ("<|endoftext|>", "<|me|>", "<|them|>", "<|sep|>", "<|pad|>")
"""The special tokens, in the order of their ids."""
END, ME, THEM, SEP, PAD = range(5)
"""The id of a special token."""

_ALPHABET = 256
_USUAL = Hint("A usual one: ", Options("tokenize", vocab_size=4096))
_MANY = "Give a Corpus or a list of texts."
_MOST = 1_000_000  # tokens; beyond that memory may run out, which ends Python
_TEXTS = (
    "",
    " a  b\n\t",
    "\x00\x1b[31m",
    "Ärger naïve ½ ＡＢＣ e\u0301",
    "שלום مرحبا\u202e",
    "\N{GRINNING FACE}\u200d\ufe0f",
    *SPECIALS,
)
_PROBES = ("{}", "{} yes", "yes {}", "yes{}", "\N{GRINNING FACE}{}", "\N{GRINNING FACE} {}!", "<{}>", "{}{}")


@dataclass(frozen=True)
class Verification:
    """One thing `SpeakerTokenizer.verify` proved or refuted; ``special`` is the special token it is about, if any."""

    name: str
    passed: bool
    detail: str = ""
    special: str = ""


class SpeakerTokenizer:
    """Byte-level BPE that knows who is speaking. Make one with `train` or `load`.

    The ids of the specials are fixed: ``<|endoftext|>`` 0, ``<|me|>`` 1, ``<|them|>`` 2, ``<|sep|>`` 3, ``<|pad|>`` 4.

    Attributes:
        specials: The ids of the specials.
        start: The token that sequences begin with.
        tells_speakers: That tokens say who speaks.
    """

    specials = frozenset(range(len(SPECIALS)))
    start = THEM
    tells_speakers = True

    def __init__(self, serialized: str) -> None:
        self._text = Tokenizer.from_str(serialized)
        self._text.encode_special_tokens = True  # specials in a text are text
        self._prompt = Tokenizer.from_str(serialized)
        self._serialized = self._prompt.to_str()
        found = [self._prompt.token_to_id(special) for special in SPECIALS]
        if found != list(range(len(SPECIALS))):
            raise InputError(
                f"This is not a speaker tokenizer: {', '.join(SPECIALS)} have the ids {found}, not 0 to 4.",
                hint=Hint("Train one with SpeakerTokenizer.train or `", Command("tokenize"), "`."),
            )
        if sorted(self._prompt.get_vocab().values()) != list(range(self.vocab_size)):
            raise InputError(
                f"This is not a speaker tokenizer: its {self.vocab_size:,} tokens are not numbered 0 to "
                f"{self.vocab_size - 1:,}.",
                hint=Hint("Train one with SpeakerTokenizer.train or `", Command("tokenize"), "`."),
            )

    @classmethod
    def train(cls, corpus: Corpus | Iterable[str], vocab_size: int = 4096, *, contacts: int = 0) -> SpeakerTokenizer:
        """Train on the texts of a corpus.

        Args:
            corpus: The messages (or plain texts) to learn merges from.
            vocab_size: Tokens to end up with, the five specials and 256 bytes included. A small corpus may hold too
                few repeated pairs to reach it; the vocabulary is then smaller.
            contacts: Learn merges only from words that so many people beside the owner used, so that fewer tokens are
                somebody's word: a k-contact vocabulary. 0 for all words.

        Raises:
            UsageError: It is one text or no texts, ``vocab_size`` leaves no room for the specials and bytes, or
                ``contacts`` was given with plain texts, of which nobody knows who wrote them.
            NotEnoughData: There is no text at all, or no word that so many contacts used.
        """
        must_be(vocab_size, Integral, "vocab_size is a whole number", _USUAL)
        must_be_whole(contacts, "contacts")
        plain = () if isinstance(corpus, Corpus) else must_be_many(corpus, "A tokenizer is trained on", _MANY)
        if vocab_size < len(SPECIALS) + _ALPHABET:
            raise UsageError(
                f"vocab_size is at least {len(SPECIALS) + _ALPHABET}, not {vocab_size}: there are {len(SPECIALS)} "
                f"specials and {_ALPHABET} bytes.",
                hint=_USUAL,
            )
        if vocab_size > _MOST:
            raise UsageError(f"vocab_size is at most {_MOST:,}, not {vocab_size:,}.", hint=_USUAL)
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIALS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        texts = chain.from_iterable(corpus.texts_in_parts()) if isinstance(corpus, Corpus) else iter(plain)
        first = next(texts, None)
        if first is None:
            raise NotEnoughData(
                "There is no message to train a tokenizer on.", hint=Hint("Check `", Command("status"), "`.")
            )
        spaced: Iterable[str] = (f" {without_lone_surrogates(text)}" for text in chain([first], texts))
        if contacts:
            if not isinstance(corpus, Corpus):
                raise UsageError("Plain texts do not say who wrote them.", hint="Give a Corpus, or contacts=0.")
            spaced = shared_words(corpus, contacts)
        tokenizer.train_from_iterator(spaced, trainer=trainer)
        return cls(tokenizer.to_str())

    @property
    def vocab_size(self) -> int:
        """Number of tokens, specials included."""
        return int(self._prompt.get_vocab_size())

    @property
    def serialized(self) -> str:
        """The tokenizer as JSON in the format of Hugging Face ``tokenizers``."""
        return self._serialized

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short hash of the vocabulary, merges and specials."""
        return hashlib.sha256(self._serialized.encode()).hexdigest()[:16]

    def encode(self, text: str) -> list[int]:
        """Encode a text as text: what looks like a special token is not one. A lone surrogate becomes U+FFFD."""
        return list(self._text.encode(without_lone_surrogates(text), add_special_tokens=False).ids)

    def encode_messages(self, texts: Sequence[str]) -> list[list[int]]:
        """Encode many messages as the windows hold them: as text, each after one space.

        Raises:
            UsageError: It is one text, or something else than texts.
        """
        given = must_be_many(texts, "Messages are", 'For example: tokenizer.encode_messages(["hello"])')
        encoded = self._text.encode_batch_fast(
            [f" {without_lone_surrogates(text)}" for text in given], add_special_tokens=False
        )
        return [encoding.ids for encoding in encoded]

    def encode_prompt(self, prompt: str) -> list[int]:
        """Encode a prompt in which special tokens mean what they say; for prompts you write, never for messages."""
        return list(self._prompt.encode(without_lone_surrogates(prompt), add_special_tokens=False).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of tokens, specials spelled out."""
        return str(self._prompt.decode(list(ids), skip_special_tokens=False))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the text of each token alone; bytes that are no character alone are written ``\\xNN``."""
        return [self._piece(int(token)) for token in ids]

    @functools.cached_property
    def byte_lengths(self) -> list[int]:
        """Bytes of text each token stands for, [token]; 0 for the specials."""
        names = {token: name for name, token in self._prompt.get_vocab().items()}
        return [0 if token < len(SPECIALS) else len(names[token]) for token in range(self.vocab_size)]

    @functools.cache  # noqa: B019 - one entry a token, and tokenizers live as long as the program
    def _piece(self, token: int) -> str:
        if token < len(SPECIALS):
            return SPECIALS[token]
        name = self._prompt.id_to_token(token)
        if name is None:
            return f"\\{token}"
        raw = bytes(_BYTE_OF[character] for character in name)
        return raw.decode("utf-8", errors="backslashreplace")

    def save(self, path: str | Path) -> None:
        """Write the tokenizer as one JSON file in the format of Hugging Face ``tokenizers``."""
        Path(path).write_text(self._serialized, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> SpeakerTokenizer:
        """Read what `save` wrote.

        Args:
            path: The file, or the folder of a workspace that holds it as ``tokenizer.json``.

        Raises:
            InputError: There is no tokenizer file, or its specials are not where they must be.
        """
        path = expanded(path)
        try:
            serialized = inside(path, "tokenizer.json").read_text(encoding="utf-8")
            json.loads(serialized)
            return cls(serialized)
        except InputError:
            raise
        except Exception as error:  # tokenizers raises plain Exception
            raise InputError(
                f"There is no readable tokenizer at {path}: {error}.", hint=Hint("Run `", Command("tokenize"), "`.")
            ) from error

    def verify(self, texts: Iterable[str] = ()) -> list[Verification]:
        """Prove what the model relies on.

        Args:
            texts: Messages for the round trip, next to a few hard ones of our own; the first 10,000 are tried.

        Raises:
            UsageError: It is one text, or something else than texts.
        """
        apart, where = True, ""
        for token, special in enumerate(SPECIALS):
            for probe in _PROBES:
                prompt = probe.format(*([special] * probe.count("{}")))
                if self.encode_prompt(prompt).count(token) != probe.count("{}"):
                    apart, where = False, f"{special} in {prompt!r}"
        again = SpeakerTokenizer(self._serialized)
        same = again.fingerprint == self.fingerprint and all(
            again.encode_prompt(probe.replace("{}", special)) == self.encode_prompt(probe.replace("{}", special))
            for probe in _PROBES
            for special in SPECIALS
        )
        forged = [s for s in SPECIALS for probe in _PROBES if min(self.encode(probe.replace("{}", s)), default=9) < 5]
        given = must_be_many(texts, "A tokenizer is tried on", "For example: tokenizer.verify(corpus.texts)")
        tried = [*map(without_lone_surrogates, islice(given, 10_000)), *_TEXTS]
        spaced = self.encode_messages(tried)
        lost = sum(self.decode(ids) != f" {text}" for ids, text in zip(spaced, tried, strict=True))
        return [
            *(
                Verification(f"{special} is token {token}", self.encode_prompt(special) == [token], special=special)
                for token, special in enumerate(SPECIALS)
            ),
            Verification("one token each in text, at the start, after a space, after an emoji", apart, where),
            Verification("the saved file, read again, gives the same ids", same),
            Verification("a message cannot forge a special token", not forged, ", ".join(sorted(set(forged)))),
            Verification(f"round trip of {counted(len(tried), 'text')}", lost == 0, f"{lost:,} differ" if lost else ""),
        ]

    def __repr__(self) -> str:
        return f"SpeakerTokenizer({self.vocab_size:,} tokens, {self.fingerprint})"


def _byte_alphabet() -> dict[str, int]:
    """Return the byte each character of the byte-level alphabet stands for (printable bytes stand for themselves)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


_BYTE_OF = _byte_alphabet()
