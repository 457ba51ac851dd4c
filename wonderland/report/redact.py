"""How can a report be shown to others when it is made of messages? Its words are replaced before anything is written.

`Redaction` works on the values of a `Page`, never on its HTML, by a closed-world rule: a word in a view, a finding or
a card is kept only if it is known to be harmless, whatever a plugin put there and wherever. Harmless are short numbers,
names of heads, words that the analyses' own code says between quotation marks, and words and tokens that at least k
contacts used. What is a message goes whole: conversations token by token, what the model expected there, snippets, and
any run of three words that stands in a message, even if each word alone is common. Attention, losses and all other
numbers stay.

What would fool it: numbers tell, too. Lengths of messages, and how surprising each token was, are left; so are
messages of one or two common words, which say nothing of anybody. Keep a redacted report from strangers you do not
trust.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.report import views
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
_PLAIN = re.compile(r"[\W_]*|\d{1,5}|[a-zA-Z]?\d{1,4}|L\d+[HN]\d+|(?:PC|MLP|V|Q|K|O|R)\d*|\d{1,5}[x×%]|me|them")
_MESSAGE = re.compile(r"(<\|(?:me|them)\|>).*?(?=<\||$)", re.S)
_SEQUENCES = {"tokens", "labels", "words"}  # along a conversation: common words in a row are a message
_SAID = ("title", "caption", "how_to_read", "misleads", "warning")
_TOLD = ("scale", "links")  # what tells a renderer how to draw, if it is one of these
_KEYS = frozenset(re.findall(r"\w+", " ".join(re.findall(r"``(.+?)``", views.__doc__ or "", re.S))))
_HOW = {"sequential", "linear", "log", "diverging", "head", "column"}


@dataclass(frozen=True)
class Redaction:
    """What may be shown of the words of a corpus.

    Make one with `Redaction.of`, tell it the words of the analyses with `knowing`, and hand it to `write_report`.

    Attributes:
        common: Words, folded, and tokens that at least k contacts used.
        runs: Hashes of every run of three words in the corpus, sorted.
        own: Words that the analyses' code says, folded.
        own_runs: Hashes of the runs of three words it says, sorted.
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
        """Return the redaction that keeps what some classes and their packages say: labels, verdicts, sentences."""
        told = [text for source in _sources(code) for text in _strings_in(source)]
        words = [word for text in told for word in _words(text)]
        runs = {run for text in told for run in _runs(_words(text))}
        return replace(
            self, own=self.own | frozenset(words), own_runs=np.union1d(self.own_runs, [*runs]).astype(np.int64)
        )

    def page(self, page: Page) -> Page:
        """Return the page without a message in it."""
        return replace(
            page,
            meta={name: fact for name, fact in page.meta.items() if name != "source"},  # a chat's file bears a name
            views=[self.view(view) for view in page.views],
            findings=[replace(f, text=self.text(f.text)) for f in page.findings],
            checks=[replace(c, name=self.text(c.name), detail=self.text(c.detail)) for c in page.checks],
            about={head: self._tree(list(blocks)) for head, blocks in page.about.items()},
            contains_text=False,
        )

    def view(self, view: View) -> View:
        """Return a view without a message in it."""
        data = self._tree(view.data)
        if view.renderer == "matrix-grid" and "labels" in view.data:  # of heads, not along a conversation
            data["labels"] = [[self.text(label) for label in row] for row in view.data["labels"]]
        said: dict[str, Any] = {name: self.text(getattr(view, name)) for name in _SAID}
        return replace(view, data=data, **said)

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
        known = _SPECIAL.fullmatch(token) or token.strip().casefold() in self.common
        return token if known else MARK

    def _tree(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            return value if key in _TOLD and value in _HOW else self.text(value)
        if isinstance(value, Mapping):
            kept = {name: item for name, item in value.items() if name != "alternatives"}
            if not _KEYS.issuperset(kept) and self._reads_as_message([*kept]):
                return {f"{MARK}{i}": self._tree(item) for i, item in enumerate(kept.values())}
            if "marks" in kept:  # what it sounded like: the model's words, which can be a message's
                kept["marks"] = [{**mark, "text": MARK} for mark in kept["marks"]]
            return {self.text(name): self._tree(item, name) for name, item in kept.items()}
        if isinstance(value, (list, tuple)):
            return self._list(value, key)
        return value

    def _list(self, items: Sequence[Any], key: str) -> list[Any]:
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
            return [item if _SPECIAL.fullmatch(item) or self._own(item) else MARK for item in items]
        return [self.text(item) for item in items]

    def _own(self, item: str) -> bool:
        """Say whether a label is the analysis' own, of several words: tokens are of one."""
        words = _words(item)
        return len(words) > 1 and all(word in self.own for word in words) and self.text(item) == item

    def _records(self, items: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Redact rows one after another, and a column whose cells in a row read as a message as a whole."""
        cleaned: list[Any] = [self._tree(item) for item in items]
        for name in {name for item in items for name, cell in item.items() if isinstance(cell, str)}:
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


def _sources(code: Iterable[Any]) -> Iterator[str]:
    """Yield the code of the packages that some classes are from, and of those every report is made by."""
    modules = [module for module in map(inspect.getmodule, code) if module is not None]
    packages = {module.__name__.partition(".")[0] for module in modules} | {"wonderland"}
    loaded = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in packages - {"__main__"} and ".testing" not in name
    ]
    for module in {id(module): module for module in [*modules, *loaded]}.values():
        try:
            yield inspect.getsource(module)
        except (OSError, TypeError):  # an empty file, or one that is not there to read
            continue


def _strings_in(source: str) -> Iterator[str]:
    """Yield what a module says between quotation marks, but not its docstrings, and the names of its fields."""
    tree = ast.parse(source)
    unsaid = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unsaid:
            yield node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
