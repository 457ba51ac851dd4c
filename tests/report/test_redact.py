"""A report to show to others: words of messages are gone whatever a view does with them, and the numbers stay.

The people here use a few words all of them know, and each a few that nobody else uses. What only one of them wrote must
not be in the page in any form: not in a cell, a label, a key, a finding, nor as a row of tokens that are each common.
"""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
import sample

import wonderland as wl
from wonderland.corpus.messages import Message
from wonderland.report.build import render
from wonderland.report.findings import Finding
from wonderland.report.redact import MARK, Redaction
from wonderland.report.views import View

PEOPLE = 6
COMMON = "see you there , the train is late again"
SECRET = "my locker opens with swordfish"
ORDINARY = "is the train there again"  # said by one person, in words that all of them use


@pytest.fixture(scope="module")
def corpus() -> wl.Corpus:
    said = [(f"P{i}", COMMON) for i in range(PEOPLE)] + [("P0", SECRET), ("P1", ORDINARY), ("me", "just_mine zebra")]
    return wl.Corpus.of(
        [
            Message(str(i), "P0" if who == "me" else who, who, who == "me", None, text)
            for i, (who, text) in enumerate(said * 20)
        ]
    )


@pytest.fixture(scope="module")
def tokenizer(corpus) -> wl.SpeakerTokenizer:
    return wl.SpeakerTokenizer.train(corpus, vocab_size=320)


ANALYSIS = '''
class Looked:
    """What it only tells who reads its code: marvellous receptive fields."""

    def summary(self) -> str:
        return "The heads have quixotic attention."
'''


@pytest.fixture(scope="module")
def redaction(corpus, tokenizer, tmp_path_factory) -> Redaction:
    place = tmp_path_factory.mktemp("plugin")
    (place / "a_strange_analysis.py").write_text(ANALYSIS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        looked = importlib.import_module("a_strange_analysis").Looked
        return Redaction.of(corpus, tokenizer, contacts=5).knowing([looked])


def test_words_that_many_contacts_used_stay_and_those_of_a_few_go(redaction):
    assert redaction.text("train swordfish") == f"train {MARK}"
    assert redaction.text("zebra") == MARK  # only I said it: I am no contact
    assert redaction.text("swordfish, xylophone") == MARK  # neither what they are nor how many


def test_how_many_contacts_it_takes_is_a_choice(corpus, tokenizer):
    assert Redaction.of(corpus, tokenizer, contacts=7).text("train") == MARK
    assert Redaction.of(corpus, tokenizer, contacts=1).text("swordfish") == "swordfish"


def test_three_words_in_a_row_of_a_message_go_though_each_is_common(redaction):
    assert redaction.text("the train is") == MARK
    assert redaction.text("late is there") == "late is there"  # common words that stand so in no message


def test_what_a_speaker_says_goes_as_a_whole(redaction):
    assert redaction.text("<|them|> see it<|sep|><|me|> late") == f"<|them|>{MARK}<|sep|><|me|>{MARK}"


def test_what_the_analysis_says_stays_but_not_what_it_only_notes_for_its_readers(redaction):
    assert redaction.text("The heads have quixotic attention.") == "The heads have quixotic attention."
    assert MARK in redaction.text("marvellous")


def test_heads_and_short_numbers_stay_and_long_ones_go(redaction):
    assert redaction.text("L2H1 reads L0H3: 0.81, 12,480 or 97%") == "L2H1 reads L0H3: 0.81, 12,480 or 97%".replace(
        "reads", redaction.text("reads")
    )
    assert redaction.text("01727654321") == MARK


def words_in(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [word for key, item in value.items() for word in [key, *words_in(item)]]
    return [word for item in value for word in words_in(item)] if isinstance(value, (list, tuple)) else []


@pytest.mark.parametrize("hide", [
    lambda words: {"columns": [{"key": "w", "label": "Word"}], "rows": [{"w": word} for word in words]},
    lambda words: {"columns": [{"key": "w", "label": "Text"}], "rows": [{"w": " ".join(words)}]},
    lambda words: {"columns": [{"key": word, "label": word} for word in words], "rows": [dict.fromkeys(words, 1.0)]},
    lambda words: {"columns": [{"key": "w", "label": "W"}], "rows": [{"w": f"{i} {w}"} for i, w in enumerate(words)]},
], ids=["a word a row", "one cell", "as keys", "numbered"])  # fmt: skip
@pytest.mark.parametrize("text", [SECRET, ORDINARY])
def test_a_plugin_cannot_hide_a_message_in_a_table(redaction, hide, text):
    said = text.split()
    shown = redaction.view(View("t", "T", "table", hide(said))).data
    left = [word for word in " ".join(words_in(shown)).split() if word in said]
    runs = set(zip(said, said[1:], said[2:], strict=False))
    assert not runs & set(zip(left, left[1:], left[2:], strict=False))
    assert "swordfish" not in str(shown)


def test_tokens_along_a_conversation_all_go_and_the_specials_and_numbers_stay(redaction):
    tokens = ["<|me|>", " the", " train", "<|sep|>"]
    conversation = {
        "title": "1", "tokens": tokens, "speakers": ["me"] * 4, "values": np.ones((1, 4)),
        "alternatives": [[["swordfish", 0.5]]] * 4,
    }  # fmt: skip
    view = View("t", "T", "tokens", {"measures": [{"name": "loss", "unit": "nats"}], "conversations": [conversation]})
    shown = redaction.view(view).data["conversations"][0]
    assert shown["tokens"] == ["<|me|>", MARK, MARK, "<|sep|>"]
    assert "alternatives" not in shown
    np.testing.assert_array_equal(shown["values"], np.ones((1, 4)))


def test_what_a_head_promotes_is_shown_if_many_used_it(redaction):
    block = {"title": "late", "tokens": [[" late", 2.0], [" swordfish", 1.5], ["<|sep|>", 1.0, "12"]]}
    [shown] = redaction.view(View("t", "T", "cards", {"cards": [{"title": "late", "blocks": [block]}]})).data["cards"][
        0
    ]["blocks"]
    assert shown["tokens"] == [[" late", 2.0], [MARK, 1.5], ["<|sep|>", 1.0, "12"]]


def test_what_it_sounded_like_is_gone(redaction):
    marks = [{"x": 1.0, "title": "late", "text": "late"}]
    data = {"x": {"label": "x"}, "y": {"label": "y"}, "series": [], "marks": marks}
    assert redaction.view(View("t", "T", "line", data)).data["marks"][0]["text"] == MARK


def test_a_page_of_hostile_words_is_redacted_whole_and_says_so(redaction):
    page = sample.page(hostile=True, conversations=1, length=48)
    page = replace(page, findings=[*page.findings, Finding(SECRET, "attention")], title="wonderland")
    page = replace(page, meta={**page.meta, "source": "Chat with Maria Swordfish.txt, whatsapp"})
    shown = redaction.page(page)
    html = render(shown)
    told = html[html.index('id="page"') : html.index("'use strict'")]
    for word in ("swordfish", "Swordfish", "onerror", "charger", "birthday", "calc"):
        assert word not in told, word
    assert shown.contains_text is False
    assert shown.views[0].data["conversations"][0]["patterns"] is page.views[0].data["conversations"][0]["patterns"]
