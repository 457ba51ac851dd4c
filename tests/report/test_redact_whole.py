"""A rare word in the messages of one person, every analysis there is, the report built and redacted: it is nowhere."""

from __future__ import annotations

import re

import pytest
from unpacking import data_of, unpacked

import wonderland as wl
from wonderland.report.build import render
from wonderland.report.corpus_overview import corpus_overview
from wonderland.report.gather import gather
from wonderland.report.plots import figure
from wonderland.report.redact import Redaction
from wonderland.testing.handwritten import word_tokenizer
from wonderland.testing.random_models import random_model
from wonderland.testing.synthetic_chats import CHAT_WORDS, synthetic_chats

pytestmark = pytest.mark.slow  # analysis by analysis the contract asks the same, and figure by figure test_redact.py
RARE, MINE = "swordfish", "bubs"  # said by two contacts of forty, and by me alone


@pytest.fixture(scope="module")
def corpus() -> wl.Corpus:
    return wl.Corpus.of(
        [
            m._replace(text=re.sub(r"\b(rain|again|later)\b", RARE, m.text))
            if m.sender in ("person 0", "person 1")
            else m
            for m in synthetic_chats(exchanges=6).corpus
        ]
    )


@pytest.fixture(scope="module")
def pages(corpus, quick):
    """Return the page of every analysis, and the same to show to others."""
    tokenizer = word_tokenizer([*CHAT_WORDS, RARE])
    model = random_model(d_vocab=tokenizer.vocab_size)
    model.tokenizer_fingerprint = tokenizer.fingerprint
    specimen = wl.Specimen(model, tokenizer, corpus)
    page = gather(wl.analyze(specimen, "all", parameters=quick), specimen, extra_views=corpus_overview(corpus))
    return page, Redaction.of(corpus, tokenizer, contacts=5).page(page)


@pytest.mark.parametrize("word", [RARE, MINE])
def test_a_rare_word_is_nowhere_in_the_report(pages, word):
    before, after = (data_of(render(page)) for page in pages)
    assert word in "".join(unpacked(before))
    for said in unpacked(after):
        said = re.sub(
            r"[A-Za-z0-9+/]{60,}={0,2}", " ", said
        )  # packed, and looked at unpacked: four letters occur by chance
        at = said.casefold().find(word)
        assert at < 0, said[max(at - 200, 0) : at + 100]


def test_it_is_in_no_figure_on_paper(pages):
    from matplotlib.text import Text

    def drawn(page):
        return (one.get_text() for view in page.views for one in figure(view).findobj(Text))

    before, after = pages
    for text in drawn(after):
        assert RARE not in text.casefold()
        assert MINE not in text.casefold()
    for word in (RARE, MINE):
        assert any(word in text for text in drawn(before))  # as far as the first figure that tells it
