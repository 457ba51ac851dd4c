"""How can a report be shown to others when it is made of messages? Its words are replaced before anything is written.

`Redaction` works on the values of a `Page`, never on its HTML, by a closed-world rule: a word in a view, a finding or
a card is kept only if it is known to be harmless, whatever a plugin put there and wherever. Harmless are numbers and
names of heads, words of the analysis' own code, and words and tokens that at least k contacts used. What is a message
goes whole: conversations token by token, what the model expected there, snippets, and any run of three words that
stands in a message, even if each word alone is common. Attention, losses and all other numbers stay.

What would fool it: numbers tell, too. Lengths of messages, and how surprising each token was, are left; so are
messages of one or two common words, which say nothing of anybody. A title, a caption or a unit is taken as the words of
its analysis' author, as `wonderland.report.views` asks. Keep a redacted report from strangers you do not trust.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.report.views import View

if TYPE_CHECKING:
    from wonderland.corpus.corpus import Corpus
    from wonderland.report.build import Page
    from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["MARK", "Redaction"]

MARK = "▒"
"""What stands in place of a word."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SPECIAL = re.compile(r"<\|(?:me|them|sep|endoftext|pad)\|>")
_PLAIN = re.compile(r"[\W_]*|[+−-]?\d[\d,.]*|[LHNPC]?\d{1,4}|L\d+H\d+|(?:PC|MLP|V|Q|K|O|R)\d*|\d+[x×%]|me|them")
_MESSAGE = re.compile(r"(<\|(?:me|them)\|>).*?(?=<\||$)", re.S)
_SEQUENCES = {"tokens", "labels", "words"}  # along a conversation: common words in a row are a message
_STRUCTURE = {"key", "from", "to", "id", "head", "scale", "links", "speakers", "renderer", "unit", "of"}


@dataclass(frozen=True)
class Redaction:
    """What may be shown of the words of a corpus.

    Make one with `Redaction.of`, tell it the words of the analyses with `knowing`, and hand it to `write_report`.

    Attributes:
        common: Words, folded, and tokens that at least k contacts used.
        runs: Hashes of every run of three words in the corpus, sorted.
        own: Words of the analyses' code, folded.
        own_runs: Hashes of the runs of three words in that code, sorted.
    """

    common: frozenset[str]
    runs: np.ndarray = field(repr=False)
    own: frozenset[str] = field(default=frozenset(), repr=False)
    own_runs: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)

    @classmethod
    def of(cls, corpus: Corpus, tokenizer: SpeakerTokenizer, contacts: int = 5) -> Redaction:
        """Count who used what.

        Args:
            corpus: Every message the model was trained and examined on.
            tokenizer: Its tokenizer, whose tokens are counted like words.
            contacts: A word or token is shown if so many people besides me used it; at least 1.
        """
        users: dict[str, set[str]] = {}
        runs: set[int] = set()
        for message in corpus:
            words = _words(message.text)
            runs.update(_runs(words))
            if not message.is_from_me:
                for word in {
                    *words,
                    *(p.strip().casefold() for p in tokenizer.pieces(tokenizer.encode(f" {message.text}"))),
                }:
                    known = users.setdefault(word, set())
                    if len(known) < contacts:
                        known.add(message.sender)
        common = frozenset(word for word, who in users.items() if len(who) >= max(contacts, 1))
        return cls(common, np.array(sorted(runs), dtype=np.int64))

    def knowing(self, code: Iterable[Any]) -> Redaction:
        """Return the redaction that keeps the words of some classes' modules: their labels, verdicts and sentences."""
        sources = [_source(one) for one in code]
        words = [word for text in sources for word in _words(text)]
        runs = {run for text in sources for line in text.splitlines() for run in _runs(_words(line))}
        return replace(
            self, own=self.own | frozenset(words), own_runs=np.union1d(self.own_runs, [*runs]).astype(np.int64)
        )

    def page(self, page: Page) -> Page:
        """Return the page without a message in it."""
        return replace(
            page,
            views=[self.view(view) for view in page.views],
            findings=[replace(f, text=self.text(f.text)) for f in page.findings],
            about={head: self._tree(list(blocks)) for head, blocks in page.about.items()},
            contains_text=False,
        )

    def view(self, view: View) -> View:
        """Return a view without a message in it."""
        return replace(view, data=self._tree(view.data))

    def text(self, text: str) -> str:
        """Return a sentence with every word that is not known to be harmless replaced."""
        text = _MESSAGE.sub(rf"\1{MARK}", text)
        found = [match for match in _WORD.finditer(text) if not _special_at(text, match)]
        words = [match[0].casefold() for match in found]
        told = {i + k for i, run in enumerate(_runs(words)) if self._in_messages(run) for k in range(3)}
        for i in reversed(range(len(found))):
            if i in told or not self._harmless(found[i][0]):
                text = text[: found[i].start()] + MARK + text[found[i].end() :]
        return re.sub(rf"{MARK}(?:[^\w<]*{MARK})+", MARK, text)

    def _harmless(self, word: str) -> bool:
        return bool(_PLAIN.fullmatch(word)) or word.casefold() in self.common or word.casefold() in self.own

    def _in_messages(self, run: int) -> bool:
        return _holds(self.runs, run) and not _holds(self.own_runs, run)

    def _token(self, token: str) -> str:
        """Return one token alone, as a list of what a head promotes has them."""
        if _SPECIAL.fullmatch(token):
            return token
        known = token.strip().casefold() in self.common or self.text(token) == token
        return token if known else MARK

    def _tree(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            return value if key in _STRUCTURE else self.text(value)
        if isinstance(value, Mapping):
            kept = {name: item for name, item in value.items() if name != "alternatives"}
            if "marks" in kept:  # what it sounded like: the model's words, which can be a message's
                kept["marks"] = [{**mark, "text": MARK} for mark in kept["marks"]]
            return {name: self._tree(item, name) for name, item in kept.items()}
        if isinstance(value, (list, tuple)):
            return self._list(value, key)
        return value

    def _list(self, items: Sequence[Any], key: str) -> list[Any]:
        if key in _STRUCTURE:
            return list(items)
        if items and all(isinstance(item, str) for item in items):
            return self._strings(items, key)
        if key == "tokens" and all(
            isinstance(item, (list, tuple)) and item and isinstance(item[0], str) for item in items
        ):
            # what a head promotes: [token, number, note]
            return [[self._token(item[0]), *(self._tree(part) for part in item[1:])] for item in items]
        if items and all(isinstance(item, Mapping) for item in items):
            return self._records(items)
        return [self._tree(item, key) for item in items]

    def _strings(self, items: Sequence[str], key: str) -> list[str]:
        if key in _SEQUENCES or self._reads_as_message(items):
            return [
                item if _SPECIAL.fullmatch(item) or _PLAIN.fullmatch(item) or self._own(item) else MARK
                for item in items
            ]
        return [self.text(item) for item in items]

    def _own(self, item: str) -> bool:
        """Say whether a label is the analysis' own; a sequence of them is not, if it reads as a message."""
        return False if not (words := _words(item)) else len(words) > 1 and all(word in self.own for word in words)

    def _records(self, items: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Redact rows one after another, and a column whose cells in a row read as a message as a whole."""
        cleaned: list[Any] = [self._tree(item) for item in items]
        for name in {name for item in items for name, cell in item.items() if isinstance(cell, str)} - _STRUCTURE:
            cells = [item[name] for item in items if isinstance(item.get(name), str)]
            bare = [re.sub(r"\(.*?\)|^\d+ ", "", cell).strip() for cell in cells]
            apart = [cell for cell, before in zip(bare, ["", *bare], strict=False) if cell != before]
            if max((len(_words(cell)) for cell in bare), default=0) <= 2 and self._reads_as_message(apart):
                for item in cleaned:
                    if isinstance(item.get(name), str):
                        item[name] = MARK
        return cleaned

    def _reads_as_message(self, items: Sequence[str]) -> bool:
        """Say whether strings one after another hold three words of a message, put together with or without spaces."""
        return any(
            self._in_messages(run) for joint in (" ", "") for run in _runs(_words(_SPECIAL.sub(" ", joint.join(items))))
        )


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _runs(words: Sequence[str]) -> list[int]:
    return [hash(three) for three in zip(words, words[1:], words[2:], strict=False)]


def _holds(table: np.ndarray, run: int) -> bool:
    at = int(np.searchsorted(table, run))
    return at < len(table) and int(table[at]) == run


def _special_at(text: str, match: re.Match[str]) -> bool:
    return text[max(match.start() - 2, 0) : match.start()] == "<|" and text[match.end() : match.end() + 2] == "|>"


def _source(one: Any) -> str:
    """Return the code of the module a class is from; nothing where it cannot be read."""
    module = inspect.getmodule(one)
    try:
        return inspect.getsource(module) if module is not None else ""
    except (OSError, TypeError):
        return ""
