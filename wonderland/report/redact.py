"""Redaction: the words of messages are replaced before anything is written, so that a report can be shown to others.

`Redaction` walks the typed tree of a `Page` (see `wonderland.report.schema.words`). What an analysis wrote stays. What
is quoted is kept only if at least k contacts used every word of it: parts of messages go whole, tokens of a vocabulary
are looked at one by one, and in labels that stand one after another a run of three words that stands in a message goes,
even if each word alone is common. Attention, losses and all other numbers stay.

What would fool it: numbers tell, too. Lengths of messages, and how surprising each token was, are left; so are
messages of one or two common words, which say nothing of anybody. And an analysis that writes a word into its own
sentence as plain text. Keep a redacted report from strangers you do not trust.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wonderland.report.schema import Node, Quoted, Text, View, characters, fields_of, rewrite, walk

if TYPE_CHECKING:
    from wonderland.corpus.corpus import Corpus
    from wonderland.report.build import Page
    from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["MARK", "Redaction"]

MARK = "▒"
"""What stands in place of a word."""

# A word, or a sign that is no letter: a rare emoji tells as much as a rare word. Signs of the keyboard do not.
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s\x00-\x7f“”‘’…–—·×−▒]")
_SPECIAL = re.compile(r"<\|(?:me|them|sep|endoftext|pad)\|>")
N = TypeVar("N")


@dataclass(frozen=True)
class Redaction:
    """What may be shown of the words of a corpus. Make one with `Redaction.of` and hand it to `write_report`.

    Attributes:
        common: Words, folded, and tokens that at least k contacts used.
        runs: Hashes of every run of three words in the corpus, sorted.
    """

    common: frozenset[str]
    runs: np.ndarray = field(repr=False)

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
            runs.update(_runs(words), _runs(_unnumbered(words)))
            if not message.is_from_me:
                pieces = tokenizer.pieces(tokenizer.encode(f" {message.text}"))
                for word in {*words, *(piece.strip().casefold() for piece in pieces)}:
                    known = users.setdefault(word, set())
                    if len(known) < contacts:
                        known.add(message.sender)
        common = frozenset(word for word, who in users.items() if len(who) >= max(contacts, 1))
        return cls(common, np.array(sorted(runs), dtype=np.int64))

    def page(self, page: Page) -> Page:
        """Return the page without a message in it."""
        return replace(
            page,
            # A chat's file bears a name.
            meta={name: fact for name, fact in page.meta.items() if not isinstance(fact, (Quoted, Text))},
            views=[self.view(view) for view in page.views],
            findings=[self.tree(finding) for finding in page.findings],
            checks=[self.tree(check) for check in page.checks],
            about={key: [self.tree(block) for block in blocks] for key, blocks in page.about.items()},
            contains_text=False,
        )

    def view(self, view: View) -> View:
        """Return a view without a message in it."""
        return self.tree(view)

    def tree(self, tree: N) -> N:
        """Return a view, a finding or a block without a word in it that too few people used."""
        tree = _guarded(tree)
        told = self._told(tree)
        return rewrite(tree, lambda text: self._clean(text, told))

    def text(self, text: Quoted | Text | str) -> str:
        """Return text as it may be shown: of a ``str``, as if all of it were quoted."""
        return characters(self._clean(Quoted(text) if isinstance(text, str) else text, set()))

    def _told(self, tree: Any) -> set[int]:
        """Return which quoted texts (by identity) stand one after another as they stand in a message."""
        lists: dict[str, list[Quoted]] = {}
        for path, text in walk(tree):
            quoted = [part for part in text.parts if isinstance(part, Quoted)] if isinstance(text, Text) else [text]
            lists.setdefault(path, []).extend(part for part in quoted if part.source == "words")
        return {id(part) for parts in lists.values() for part in self._in_a_row(parts)}

    def _in_a_row(self, parts: Sequence[Quoted]) -> list[Quoted]:
        apart = [(word, i) for i, part in enumerate(parts) for word in _unnumbered(_words(part.text))]
        found = {
            apart[k + j][1] for k, run in enumerate(_runs([w for w, _ in apart])) if self._said(run) for j in range(3)
        }
        if any(part.text.startswith(" ") for part in parts):  # tokens, which make a word only together
            found |= self._joined(parts)
        return [parts[i] for i in found]

    def _joined(self, parts: Sequence[Quoted]) -> set[int]:
        """Return which of some tokens, written together, make a word that too few people used, or a message."""
        ends = np.cumsum([len(part.text) for part in parts])
        joint = "".join(part.text for part in parts)
        words = list(_WORD.finditer(joint))
        bad = {i for i, word in enumerate(words) if not self._known(word[0])}
        bad |= {
            k + j for k, run in enumerate(_runs([w[0].casefold() for w in words])) if self._said(run) for j in range(3)
        }
        return {
            i
            for b in bad
            for i in range(
                int(np.searchsorted(ends, words[b].start(), "right")),
                int(np.searchsorted(ends, words[b].end() - 1, "right")) + 1,
            )
        }

    def _clean(self, text: Any, told: set[int]) -> Any:
        if isinstance(text, Text):
            return Text(part if isinstance(part, str) else self._clean(part, told) for part in text.parts)
        if _SPECIAL.fullmatch(text.text):
            return text
        if text.source == "message" or id(text) in told:
            return Quoted(MARK, text.source)
        if text.source == "token":
            return text if self._known(text.text.strip()) else Quoted(MARK, "token")
        return Quoted(self._words_of(text.text), text.source)

    def _words_of(self, text: str) -> str:
        found = list(_WORD.finditer(text))
        words = [match[0].casefold() for match in found]
        gone = {i + k for i, run in enumerate(_runs(words)) if self._said(run) for k in range(3)}
        for i in reversed(range(len(found))):
            if i in gone or not self._known(found[i][0]):
                text = text[: found[i].start()] + MARK + text[found[i].end() :]
        return re.sub(rf"{MARK}(?:[^\w<]*{MARK})+", MARK, text)

    def _known(self, word: str) -> bool:
        return not _WORD.search(word) or word.casefold() in self.common

    def _said(self, run: int) -> bool:
        at = int(np.searchsorted(self.runs, run))
        return at < len(self.runs) and int(self.runs[at]) == run


def _guarded(tree: N) -> N:
    """Return a tree without what exists only to show messages, and without names that a plugin could make of words."""
    if isinstance(tree, Node):
        parts = {one.name: getattr(tree, one.name) for one in fields_of(type(tree))}
        new = {name: _guarded(part) for name, part in parts.items()}
        changed = {name: part for name, part in new.items() if part is not parts[name]}
        return (replace(tree, **changed) if changed else tree).guarded()
    if isinstance(tree, tuple):
        made = tuple(map(_guarded, tree))
        return tree if all(a is b for a, b in zip(made, tree, strict=True)) else made  # type: ignore[return-value]
    return tree


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _unnumbered(words: Sequence[str]) -> list[str]:
    """Leave out numbers, with which a list could count the words of a message."""
    return [word for word in words if not word.isdigit()]


def _runs(words: Sequence[str]) -> list[int]:
    return [hash(three) for three in zip(words, words[1:], words[2:], strict=False)]
