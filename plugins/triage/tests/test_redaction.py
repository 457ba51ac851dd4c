"""What is left of the words of the first look in a report to show to others: its own, and no token or message."""

from __future__ import annotations

import numpy as np
import pytest

import wonderland as wl
from wonderland.components import Component
from wonderland.report.redact import MARK, Redaction
from wonderland.report.schema import Quoted, Text, characters, walk
from wonderland.testing.handwritten import WORDS
from wonderland.testing.truth import handwritten_specimen
from wonderland_triage.truths import one_kind_each

NAMES = ("attention-entropy", "head-patterns", "head-clusters", "token-loss", "residual-pca", "logit-lens", "induction")
NOTHING_IS_COMMON = Redaction(frozenset(), np.array([], dtype=np.int64))


@pytest.fixture(scope="module")
def results():
    found = dict(wl.analyze(handwritten_specimen(), *NAMES, parameters={"head-clusters": {"clouds": 4}}))
    return {**found, **wl.analyze(one_kind_each(), "neurons", control=True)}


def parts_of(result):
    blocks = [block for of in result.cards().values() for block in of]
    return [*result.views(), *result.findings(), *blocks]


def words_of(tree):
    """Yield every text of a tree that is quoted, wherever it stands."""
    for path, text in walk(tree):
        for part in text.parts if isinstance(text, Text) else [text]:
            if isinstance(part, Quoted):
                yield path, part


@pytest.mark.parametrize("name", [*NAMES, "neurons"])
def test_what_is_quoted_is_a_token_of_the_messages_and_nothing_of_our_own(results, name):
    """A label of ours that is not marked counts as quoted, and a redacted report would hide it."""
    vocabulary = {word.strip() for word in WORDS} | {"", "<|me|>", "<|them|>", "<|sep|>", "<|endoftext|>"}
    for part in parts_of(results[name]):
        for path, quoted in words_of(part):
            assert quoted.text.strip() in vocabulary, (path, quoted.text)


@pytest.mark.parametrize("name", [*NAMES, "neurons"])
def test_no_token_is_left_where_no_word_is_common(results, name):
    for part in parts_of(results[name]):
        for path, quoted in words_of(NOTHING_IS_COMMON.tree(part)):
            assert quoted.text.strip() in ("", MARK, "<|me|>", "<|them|>", "<|sep|>", "<|endoftext|>"), path


@pytest.mark.parametrize("name", ["token-loss", "logit-lens", "residual-pca", "head-patterns", "neurons"])
def test_tokens_of_messages_are_shown_and_then_hidden(results, name):
    views = results[name].views()
    before, after = ([q for v in of for _, q in words_of(v)] for of in (views, map(NOTHING_IS_COMMON.view, views)))
    assert any(quoted.text.strip() in set("abcdefgh") for quoted in before)
    assert not any(quoted.text.strip() in set("abcdefgh") for quoted in after)


def test_sentences_and_titles_are_the_same_in_a_redacted_report(results):
    for result in results.values():
        for view in result.views():
            shown = NOTHING_IS_COMMON.view(view)
            for name in ("title", "subtitle", "caption", "how_to_read", "misleads"):
                assert characters(getattr(shown, name)) == characters(getattr(view, name)) != ""
        assert [NOTHING_IS_COMMON.tree(one).sentence for one in result.findings()] == [
            one.sentence for one in result.findings()
        ]


def test_titles_are_terms_one_can_look_up_and_no_text_speaks_of_light_and_dark(results):
    titles = [view.title for result in results.values() for view in result.views()]
    assert len(set(titles)) == len(titles)
    said = " ".join(
        f"{view.title} {view.subtitle} {view.caption} {view.how_to_read} {view.misleads}"
        for result in results.values()
        for view in result.views()
    )
    assert not {"pale", "dark", "strongly", "coloured"} & set(said.casefold().replace(",", " ").split())
    assert "nats a word" not in said


def test_findings_select_parts_of_the_model_and_views_that_are_there(results):
    ids = {view.id for result in results.values() for view in result.views()}
    for result in results.values():
        for finding in result.findings():
            assert finding.view in ids
    assert all(isinstance(key, Component) for key in results["head-patterns"].cards())
