"""Does a word that one or two people used come through a redacted report? A sentence of the contract of analyses.

A rare word is planted in the messages of two contacts of twenty-four. The page of an analysis is built, redacted as
`wonderland report --redact` does, and every text in it is searched: views, findings, cards, tables, the page's facts.
What an analysis marks as quoted (`wonderland.views.Quoted`, `say`, tokens) is replaced by the redaction; a plain
``str`` counts as the analysis' own words, so a token that was written into a title, a caption or a finding stays, and
is found.

What would fool it: an analysis that declines these chats; and one that shows other tokens than this one by chance. The
two say the word in most of their messages, so that it is among the tokens anybody would show.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from wonderland.corpus.corpus import Corpus
from wonderland.lab.result import Result
from wonderland.lab.specimen import Specimen
from wonderland.report.encode import encode
from wonderland.report.gather import gather
from wonderland.report.page_data import page_data
from wonderland.report.redact import Redaction
from wonderland.testing.comparing import require
from wonderland.testing.handwritten import word_tokenizer
from wonderland.testing.random_models import random_model
from wonderland.testing.synthetic_chats import CHAT_WORDS, synthetic_chats

__all__ = ["PLANTED", "comes_through", "planted_corpus", "planted_specimen"]

PLANTED = "swordfish"
"""Said by two contacts of twenty-four, and often."""
_SAID_BY = ("person 0", "person 1")


@functools.cache
def planted_corpus() -> Corpus:
    """Return chats in which two contacts say a word that nobody else says."""
    said = [
        message._replace(text=re.sub(r"\b(rain|again|later|maybe|sure|soon|good|is|the)\b", PLANTED, message.text))
        if message.thread in _SAID_BY and not message.is_from_me
        else message
        for message in synthetic_chats(conversations=24, exchanges=6).corpus
    ]
    return Corpus.of(said, name="planted chats")


@functools.cache
def planted_specimen() -> Specimen:
    """Return a drawn model on those chats, whose tokens are words."""
    tokenizer = word_tokenizer([*CHAT_WORDS, PLANTED])
    model = random_model(d_vocab=tokenizer.vocab_size)
    model.tokenizer_fingerprint = tokenizer.fingerprint
    specimen = Specimen(model, tokenizer, planted_corpus())
    (word,) = tokenizer.encode(f" {PLANTED}")
    require((specimen.evidence.tokens == word).sum() > 10, "the planted word is not in the evidence")
    return specimen


@functools.cache
def _redaction() -> Redaction:
    return Redaction.of(planted_corpus(), planted_specimen().tokenizer, contacts=5)  # type: ignore[arg-type]


def comes_through(name: str, result: Result, subject: Any) -> str:
    """Return the text of a redacted page in which the planted word stands; nothing if there is none.

    Args:
        name: Name of the analysis.
        result: What it found in `planted_specimen`, or in a cohort of it.
        subject: That specimen or cohort.
    """
    page = _redaction().page(gather({name: result}, subject))
    views = sorted(page.views, key=lambda view: view.order)
    trees = [page_data(page, views), *(encode(view.data) for view in views)]
    for text in (text for tree in trees for text in _texts(tree)):
        if PLANTED in text.casefold():
            return text
    return ""


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        yield from tree
        for part in tree.values():
            yield from _texts(part)
    elif isinstance(tree, list):
        if all(isinstance(part, str) for part in tree):
            yield "".join(tree)  # a word may be dealt out letter by letter
        for part in tree:
            yield from _texts(part)
    else:
        yield json.dumps(tree)
