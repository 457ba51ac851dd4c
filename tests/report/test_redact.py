"""A report to show to others: words of messages are gone wherever a view can hold words, and the numbers stay.

The people here use a few words all of them know, and each a few that nobody else uses. What only one of them wrote is
planted in every text field of every part that a view, a finding, a check or a card can be made of, by walking the
schema: a field that is added tomorrow is covered by itself.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import re
import typing
import zlib
from dataclasses import replace

import numpy as np
import pytest
import sample
import sample_views
from sample_words import HOSTILE
from unpacking import data_of, unpacked

import wonderland as wl
from wonderland.corpus.messages import Message
from wonderland.report.build import render
from wonderland.report.findings import Check, Finding
from wonderland.report.plots import figure
from wonderland.report.plots_files import save_figures
from wonderland.report.redact import MARK, Redaction
from wonderland.report.schema.describe import parts_of
from wonderland.report.schema.kinds import Kind
from wonderland.views import (
    Axis,
    Block,
    Card,
    Cards,
    Column,
    Edge,
    Graph,
    GraphNode,
    Lines,
    Matrix,
    Node,
    Quoted,
    Role,
    Series,
    Table,
    Text,
    Token,
    View,
    Wording,
    fields_of,
    say,
    spoken,
)

PEOPLE = 6
COMMON = "see you there , the train is late again"
SECRET = "my locker opens with swordfish"
ORDINARY = "is the train there again"  # said by one person, in words that all of them use


@pytest.fixture(scope="module")
def corpus() -> wl.Corpus:
    said = [(f"P{i}", COMMON) for i in range(PEOPLE)] + [("P0", SECRET), ("P1", ORDINARY), ("me", "just_mine zebra")]
    said += [("P2", "appointment 🦄 4711")]
    return wl.Corpus.of(
        [
            Message(str(i), "P0" if who == "me" else who, who, who == "me", None, text)
            for i, (who, text) in enumerate(said * 20)
        ]
    )


@pytest.fixture(scope="module")
def tokenizer(corpus) -> wl.SpeakerTokenizer:
    return wl.SpeakerTokenizer.train(corpus, vocab_size=330)


@pytest.fixture(scope="module")
def redaction(corpus, tokenizer) -> Redaction:
    return Redaction.of(corpus, tokenizer, contacts=5)


# -- words


def test_words_that_many_contacts_used_stay_and_those_of_a_few_go(redaction):
    assert redaction.text("train swordfish") == f"train {MARK}"
    assert redaction.text("zebra") == MARK  # only I said it: I am no contact
    assert redaction.text("swordfish, xylophone") == MARK  # neither what they are nor how many


def test_no_word_is_harmless_because_our_own_code_says_it(redaction):
    for word in ("appointment", "passcode", "lockbox", "residual", "head"):
        assert redaction.text(word) == MARK


def test_a_rare_sign_or_number_tells_as_much_as_a_rare_word(redaction):
    assert redaction.text("see 🦄") == f"see {MARK}"
    assert redaction.text("4711") == MARK
    assert redaction.text("there ?! (again)") == "there ?! (again)"


def test_how_many_contacts_it_takes_is_a_choice(corpus, tokenizer):
    assert Redaction.of(corpus, tokenizer, contacts=7).text("train") == MARK
    assert Redaction.of(corpus, tokenizer, contacts=1).text("swordfish") == "swordfish"


def test_three_words_in_a_row_of_a_message_go_though_each_is_common(redaction):
    assert redaction.text("the train is") == MARK
    assert redaction.text("late is there") == "late is there"  # common words that stand so in no message


def test_in_a_sentence_only_the_words_of_others_are_looked_at(redaction):
    told = say("The passcode head {head} fires on {word}, {other}.", head="L0H1", word="swordfish", other="train")
    assert redaction.text(told) == f"The passcode head L0H1 fires on {MARK}, train."


def test_a_part_of_a_message_goes_whatever_it_says_and_our_specials_stay(redaction):
    assert redaction.text(Quoted(" train", "message")) == MARK
    assert redaction.text(Quoted("<|me|>", "message")) == "<|me|>"
    assert redaction.text(Quoted("<|nope|>", "message")) == MARK


def test_a_token_is_looked_at_as_a_whole(redaction):
    assert redaction.text(Quoted(" late", "token")) == " late"
    assert redaction.text(Quoted(" swordfish", "token")) == MARK
    assert redaction.text(Quoted("<|sep|>", "token")) == "<|sep|>"


def labels(*words) -> View:
    return View("t", "T", Matrix(list(words), ["H0"], [Series(Wording("x"), np.zeros((len(words), 1)))]))


@pytest.mark.parametrize("hide", [
    lambda words: labels(*words),
    lambda words: labels(*(f"{i} {word}" for i, word in enumerate(words))),
    lambda words: View("t", "T", Table([Column("w", "Word")], [[word] for word in words])),
    lambda words: View("t", "T", Table([Column("w", "Text")], [[" ".join(words)]])),
    lambda words: View("t", "T", Table([Column("w", "Text")], [[list(words)]])),
    lambda words: View("t", "T", Table([Column(w, Quoted(w)) for w in words], [dict.fromkeys(words, 1.0)])),
    lambda words: View("t", "T", Cards([Card(word) for word in words])),
    lambda words: View("t", "T", Graph([GraphNode(w, w, i) for i, w in enumerate(words)], [Edge(*words[:2], 1.0)])),
    lambda words: View("t", say("{a}", a=list(words)), labels("L0").figure),
], ids=["labels", "numbered", "cells", "one cell", "a list", "headings", "cards", "nodes", "title"])  # fmt: skip
@pytest.mark.parametrize("text", [SECRET, ORDINARY])
def test_a_message_cannot_be_hidden_by_dealing_it_out(redaction, hide, text):
    said = text.split()
    shown = json.dumps(redaction.view(hide(said)).plain(), default=str, ensure_ascii=False)
    left = [word for word in re.findall(r"\w+", shown) if word in said]
    runs = set(zip(said, said[1:], said[2:], strict=False))
    assert not runs & set(zip(left, left[1:], left[2:], strict=False))
    assert "swordfish" not in shown


def test_pieces_of_a_rare_word_go_though_each_piece_is_common():
    known = Redaction(frozenset({"sw", "ord", "fish", "the", "late"}), np.zeros(0, dtype=np.int64))
    rows = known.view(labels(" the", " sw", "ord", "fish", " late")).figure.rows
    assert [row.text for row in rows] == [" the", MARK, MARK, MARK, " late"]


def test_numbers_and_names_of_heads_stay(redaction):
    shown = redaction.view(sample_views.entropy_view())
    assert shown.figure.columns == ("H0", "H1", "H2", "H3")
    assert shown.caption == sample_views.entropy_view().caption
    for before, after in zip(sample_views.entropy_view().figure.series, shown.figure.series, strict=True):
        np.testing.assert_array_equal(before.values, after.values)
        assert before.name == after.name


# -- everything a report can be made of


RARE, PHRASE = "swordfish", "the train there"


@functools.cache
def everything() -> list[Node]:
    """Return made-up views, findings, checks and blocks that have every part of the schema in them."""
    page = sample.page(conversations=1, length=24)
    blocks = [block for blocks in page.about.values() for block in blocks]
    more = [
        View("months", "Months", Lines(Axis("month", names=["a"]), Axis("n"), [sample_views.Curve("c", [0], [1])])),
        replace(sample_views.attention_view(1, 8), id="roles"),
    ]
    headed = replace(sample_views.circuit_view(), id="headed")
    headed = replace(headed, figure=replace(headed.figure, layers=[Wording("first"), "second"]))
    labelled = replace(more[1].figure, labels=[["role"] * 4] * 4)
    return [*page.views, more[0], replace(more[1], figure=labelled), headed, *page.findings, *page.checks, *blocks]


@functools.cache
def parts_in(number: int) -> frozenset[type]:
    """Return the classes of all parts that stand in one of `everything`."""

    def found(tree) -> set[type]:
        if isinstance(tree, tuple):
            return set().union(*map(found, tree)) if tree else set()
        if not isinstance(tree, Node):
            return set()
        return {type(tree)}.union(*(found(getattr(tree, one.name)) for one in fields_of(type(tree))))

    return frozenset(found(everything()[number]))


def kinds(hint) -> list[str]:
    """Return the kinds of words a field holds."""
    kind = next((note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Kind)), None)
    if kind is not None:
        return [kind.name]
    return [name for inner in typing.get_args(hint) for name in kinds(inner)]


WORDS = {"said", "label", "spoken", "piece", "cell"}
PARTS = [*parts_of(), View, Finding, Check, Role]
PLACES = [(cls, one.name) for cls in PARTS for one in fields_of(cls) if WORDS & set(kinds(one.hint))]
PLACES += [(Column, "key")]  # which a plugin could take from its words


def plant(value, words: str, cls: type, name: str):
    """Return a field's value with words planted in it: as `say` puts them there, or as plain text where that may be."""
    kind = next(iter(kinds(next(one for one in fields_of(cls) if one.name == name).hint)), "")
    if name == "key":
        return words.replace(" ", "_")
    if kind == "said":
        return say("It says {word}.", word=words)
    if isinstance(value, tuple):  # words one after another, as in a list of labels
        return tuple(plant(one, words, cls, name) for one in value)
    if isinstance(value, dict):
        return value
    return words


def planted(tree, words: str, cls: type, name: str):
    """Return a tree with words planted in one field of one class, wherever that part stands in it."""
    if isinstance(tree, tuple):
        return tuple(planted(one, words, cls, name) for one in tree)
    if not isinstance(tree, Node):
        return tree
    changed = {one.name: planted(getattr(tree, one.name), words, cls, name) for one in fields_of(type(tree))}
    if isinstance(tree, cls) and getattr(tree, name) is not None:
        changed[name] = plant(getattr(tree, name), words, cls, name)
    if isinstance(tree, Graph) and (cls, name) in ((GraphNode, "id"), (Edge, "start"), (Edge, "end")):
        return renamed(tree, words)
    if isinstance(tree, Table) and cls is Column and name == "key":
        columns = [replace(column, key=f"{words}_{i}") for i, column in enumerate(tree.columns)]
        return replace(tree, columns=columns, links=f"{words}_0" if tree.links else "")
    return dataclasses.replace(tree, **changed)


def renamed(graph: Graph, words: str) -> Graph:
    """Return a graph whose nodes are called by words; a graph has one name for each, and edges find it by that."""
    names = {node.id: f"{words} {i}" for i, node in enumerate(graph.nodes)}
    nodes = [replace(node, id=names[node.id], select=None) for node in graph.nodes]
    return replace(graph, nodes=nodes, edges=[replace(e, start=names[e.start], end=names[e.end]) for e in graph.edges])


def told(tree) -> str:
    """Return every character of a tree's plain data, arrays left out."""
    return json.dumps(tree.plain(), default=lambda value: "", ensure_ascii=False)


@pytest.mark.parametrize(("cls", "name"), PLACES, ids=[f"{cls.__name__}.{name}" for cls, name in PLACES])
def test_a_rare_word_and_a_piece_of_a_message_go_from_every_field_there_is(redaction, cls, name):
    found = 0
    with_it = [tree for i, tree in enumerate(everything()) if any(issubclass(one, cls) for one in parts_in(i))]
    for words in (RARE, PHRASE):
        for tree in with_it:
            before = planted(tree, words, cls, name)
            if before is tree or words.split()[0] not in told(before):
                continue
            found += words in told(before) or words.replace(" ", "_") in told(before)
            after = told(redaction.tree(before))
            assert words not in after, (words, tree)
            assert words.replace(" ", "_") not in after
            assert "swordfish" not in after
    assert found >= 2, "the made-up views do not use this field: use it in a sample, so that it is looked at"


@pytest.mark.slow
@pytest.mark.parametrize("words", [RARE, PHRASE])
def test_figures_on_paper_and_their_index_hold_no_such_word(redaction, words, tmp_path):
    views = [tree for tree in everything() if isinstance(tree, View)]
    for cls, name in PLACES:
        views = [
            planted(view, words, cls, name) if cls not in (Edge,) and (cls, name) != (GraphNode, "id") else view
            for view in views
        ]
    views = list({view.renderer: view for view in views}.values())  # the last of a kind, which has every part
    clean = [redaction.view(view) for view in views]
    assert any(words in text for view in views for text in drawn(view))
    for view in clean:
        assert not [text for text in drawn(view) if words in text]
    written = save_figures(clean[::3], tmp_path, dpi=40)
    for path in written:
        assert words not in path.name
        assert words not in "".join(unpacked(path.read_bytes()))


def drawn(view: View) -> list[str]:
    """Return every text that matplotlib draws of a view."""
    from matplotlib.text import Text as Drawn

    return [one.get_text().replace("\n", " ") for one in figure(view).findobj(Drawn)]


def test_what_the_unpacking_looks_for_it_finds():
    for data in (zlib.compress(RARE.encode() * 9), RARE.encode() * 9):
        assert RARE in "".join(unpacked(b'{"z":"' + base64.b64encode(data) + b'"}'))
    assert RARE in "".join(unpacked(rb"\u0073wordfish"))
    assert RARE in "".join(unpacked(b"&#115;wordfish"))


def test_tokens_along_a_conversation_all_go_and_the_specials_and_numbers_stay(redaction):
    shown = redaction.view(sample_views.loss_view(1, 24)).figure.conversations[0]
    before = sample_views.loss_view(1, 24).figure.conversations[0]
    assert {token.text for token in shown.tokens} == {"<|me|>", "<|them|>", "<|sep|>", MARK}
    assert shown.alternatives is None
    np.testing.assert_array_equal(shown.values, before.values)


def test_what_a_head_promotes_is_shown_if_many_used_it(redaction):
    block = Block("late", tokens=[Token(" late", 2.0), Token(" swordfish", 1.5), Token("<|sep|>", 1.0, "12")])
    shown = redaction.tree(block)
    assert [one.plain() for one in shown.tokens] == [[" late", 2.0], [MARK, 1.5], ["<|sep|>", 1.0, "12"]]
    assert shown.title == "late"


def test_a_page_of_hostile_words_is_redacted_whole_and_says_so(redaction):
    page = sample.page(hostile=True, conversations=1, length=48)
    page = replace(page, findings=[*page.findings, Finding(Quoted(SECRET), "attention")], title="wonderland")
    page = replace(page, meta={**page.meta, "source": Quoted("Chat with Maria Swordfish.txt, whatsapp")})
    shown = redaction.page(page)
    assert "source" not in shown.meta
    text = render(shown)
    data = "".join(unpacked(data_of(text)))
    for word in ("swordfish", "Swordfish", "onerror", "charger", "birthday", "calc", "Maria"):
        assert word not in data, word
    assert shown.contains_text is False
    before, after = (one.views[0].figure.conversations[0].patterns for one in (page, shown))
    assert after is before
    assert HOSTILE[0] in "".join(unpacked(json.dumps(HOSTILE[0]).replace("<", "\\u003c").encode()))


def test_text_that_is_said_with_quotes_keeps_its_own_part(redaction):
    finding = Finding(say("{head} reads {words}.", head="L0H1", words=[" train", " swordfish"]), "attention")
    shown = redaction.tree(finding)
    assert shown.sentence == f"L0H1 reads  train, {MARK}."
    assert isinstance(shown.text, Text)
    assert redaction.tree(Check("passcode", True)).name == "passcode"
    assert redaction.view(labels(*spoken([" the", "<|me|>"]))).figure.rows[1].text == "<|me|>"
