"""Where a head looks, on the first page: the clearest excerpt and its arcs; nothing where no message is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_stories import FOUND, effect, one, page_of, told

from wonderland.components import Head
from wonderland.report.looks import MOST_TOKENS, clearest_look
from wonderland.report.page import Page
from wonderland.views import AttentionPatterns, Patterned, Triangles, View

LENGTH = 24
MESSAGES = np.repeat([0, 1, 2], 8)


def patterns(*strong):
    """Return attention [4, 24, 24] of 2 layers and 2 heads: uniform, but where (head, query, key) are given."""
    values = np.tril(np.ones((4, LENGTH, LENGTH))) / np.arange(1, LENGTH + 1)[:, None]
    for head, query, key, share in strong:
        values[head, query, : query + 1] = (1 - share) / query if query else 1
        values[head, query, key] = share
    return values


def shown(*several, messages=MESSAGES, of="conversation"):
    conversations = [
        Patterned(f"c{c}", [f" {c}.{i}" for i in range(LENGTH)], ["me"] * LENGTH, Triangles(values), messages=messages)
        for c, values in enumerate(several)
    ]
    return View("attention", "Attention", AttentionPatterns(2, 2, conversations, of=of))


ANCHORED = [(3, query, 8, 0.9) for query in range(9, 17)]
"""Head L1H1 looks from the second message at the token with which it begins."""


def test_the_clearest_excerpt_begins_where_a_message_begins():
    looks = clearest_look([shown(patterns(), patterns(*ANCHORED))], Head(1, 1))
    assert looks["conversation"] == 1
    assert looks["tokens"] == [f" 1.{i}" for i in range(8, 8 + MOST_TOKENS)]
    assert [(q, k) for q, k, _ in looks["arcs"]] == [(q, 0) for q in range(1, MOST_TOKENS)]
    assert [share for _, _, share in looks["arcs"]] == pytest.approx([0.9] * (MOST_TOKENS - 1))


def test_a_head_is_judged_by_its_own_pattern_and_beyond_looking_at_all_alike():
    looks = clearest_look([shown(patterns(*ANCHORED))], Head(1, 0))
    assert looks["tokens"][0] == " 0.0"  # all alike: the first, though there an arc is half of the attention
    late = patterns(*((2, query, query - 1, 0.45) for query in range(17, 24)))  # less than the 0.5 of a second token
    assert clearest_look([shown(late)], Head(1, 0))["tokens"][0] == " 0.16"


def test_two_messages_are_preferred_to_a_clearer_one():
    short = np.repeat([0, 1, 2, 3], [9, 4, 5, 6])
    looks = clearest_look([shown(patterns(*((3, q, 0, 0.99) for q in range(1, 9))), messages=short)], Head(1, 1))
    assert looks["tokens"][0] == " 0.9"  # of the first message alone nine tokens would fit
    assert clearest_look([shown(patterns(*((3, q, 0, 0.99) for q in range(1, 9))))], Head(1, 1))["tokens"][0] == " 0.0"


def test_looking_at_itself_is_no_arc_and_counts_for_nothing():
    itself = patterns(*((3, query, query, 0.95) for query in range(9, 17)), *((3, q, 16, 0.6) for q in range(17, 24)))
    looks = clearest_look([shown(itself)], Head(1, 1))
    assert looks["tokens"][0] == " 0.16"
    assert all(key < query for query, key, _ in looks["arcs"])


def test_without_patterns_of_the_head_or_of_conversations_there_is_none():
    assert clearest_look([], Head(0, 0)) is None
    assert clearest_look([shown(patterns())], Head(2, 0)) is None
    assert clearest_look([shown(patterns(), of="snapshot")], Head(0, 0)) is None
    ends = np.repeat([0, 1], [LENGTH - 2, 2])
    short = shown(patterns((0, LENGTH - 1, LENGTH - 2, 0.9)), messages=ends)  # the clearest, of two tokens
    assert len(clearest_look([short], Head(0, 0))["tokens"]) == MOST_TOKENS


def test_the_story_of_a_head_has_its_look_and_a_page_without_text_has_none():
    found = [effect("L1H1 anchors: 62%.", head="L1H1", estimate=one(0.62, 0.55, 0.69))]
    page: Page = page_of(found, [shown(patterns(*ANCHORED))], contains_text=True)
    picture = told(page)[FOUND]["picture"]
    assert picture["lit"] == ["L1H1"]
    assert picture["looks"]["tokens"][0] == " 0.8"
    assert "looks" not in told(replace(page, contains_text=False))[FOUND]["picture"]
