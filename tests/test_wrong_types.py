"""What is given in Python and is of another type is refused in a sentence that says what to write instead."""

import numpy as np
import pandas as pd
import pytest

import wonderland as wl
from wonderland.errors import PluginError

ROWS = [wl.Message("1", "t", "me", True, None, "hi"), wl.Message("2", "t", "bo", False, None, "ho")]
FRAME = pd.DataFrame({"text": ["hi"], "sender": ["me"]})
BY_HEAD = wl.Estimate([[0.1]], [[0.0]], [[0.2]], n=3, dims=("layer", "head"))


@pytest.fixture(scope="module")
def corpus():
    """Two messages."""
    return wl.Corpus.of(ROWS)


WRONG = {
    "a number as a path": lambda c: wl.Corpus.read(3),
    "bytes as a path": lambda c: wl.Corpus.read(b"chat.db"),
    "a list as a path": lambda c: wl.Corpus.read(["chat.db"]),
    "a second path": lambda c: wl.Corpus.read(".", 3),
    "a text as a frame": lambda c: wl.Corpus.from_frame("chats.csv"),
    "nothing as a frame": lambda c: wl.Corpus.from_frame(None),
    "rows as a frame": lambda c: wl.Corpus.from_frame([{"text": "hi"}]),
    "an option of no frame": lambda c: wl.Corpus.from_frame(FRAME, txt="text"),
    "a number as a column": lambda c: wl.Corpus.from_frame(FRAME, text=3),
    "nothing as messages": lambda c: wl.Corpus.of(None),
    "texts as messages": lambda c: wl.Corpus.of(["hi"]),
    "a text as messages": lambda c: wl.Corpus.of("hi"),
    "a message short of fields": lambda c: wl.Corpus.of([("1", "t")]),
    "a corpus that is none": lambda c: wl.Corpus.concat(c, "x"),
    "a list of corpora": lambda c: wl.Corpus.concat([c, c]),
    "a number as a folder": lambda c: wl.Corpus.load(3),
    "a number to save to": lambda c: c.save(3),
    "a folder that is not there": lambda c: c.save("/nowhere/at/all"),
    "a list of filters": lambda c: c.filter(["urls"]),
    "a number as a filter": lambda c: c.filter(3),
    "a text as a share": lambda c: c.split("0.1"),
    "yes as a share": lambda c: c.split(True),
    "a text as a seed": lambda c: c.split(0.5, seed="x"),
    "a number as a day": lambda c: c.between(2024),
    "a list as a day": lambda c: c.between(None, []),
    "a text as a number": lambda c: c.cap_repeats("2"),
    "half a repeat": lambda c: c.cap_repeats(1.5),
    "numbers as choices": lambda c: c.of_conversations([0]),
    "too many choices": lambda c: c.of_conversations(np.ones(7, dtype=bool)),
    "nothing as a workspace": lambda c: wl.Workspace(None),
    "a number as a workspace": lambda c: wl.Workspace.create(3),
    "a number to look from": lambda c: wl.Workspace.find(3),
    "a text as a layer": lambda c: wl.Head("2", 0),
    "half a head": lambda c: wl.Head(0, 0.5),
    "yes as a neuron": lambda c: wl.Neuron(0, True),
    "one text to train a tokenizer on": lambda c: wl.SpeakerTokenizer.train("hello"),
    "numbers to train a tokenizer on": lambda c: wl.SpeakerTokenizer.train([1]),
    "a number among texts": lambda c: wl.SpeakerTokenizer.train(["a", "b", 1]),
    "one text to verify with": lambda c: wl.SpeakerTokenizer.train(c, 300).verify("hello"),
    "one text as messages to encode": lambda c: wl.SpeakerTokenizer.train(c, 300).encode_messages("hello"),
    "a text as who is left out": lambda c: c.of_people(without="bo"),
    "no corpus to join": lambda c: wl.Corpus.concat(),
    "a split with a seed under 0": lambda c: c.split(0.5, by="conversation", seed=-1),
    "nothing to train a tokenizer on": lambda c: wl.SpeakerTokenizer.train(None),
    "contacts under 0": lambda c: wl.SpeakerTokenizer.train(c, 300, contacts=-1),
    "half a contact": lambda c: wl.SpeakerTokenizer.train(c, 300, contacts=1.5),
    "a text as a vocabulary": lambda c: wl.SpeakerTokenizer.train(c, "4096"),
    "a number as a tokenizer's file": lambda c: wl.SpeakerTokenizer.load(3),
    "a number as an analysis": lambda c: wl.analyses[3],
    "a number as a result's folder": lambda c: wl.Result.load(3),
    "nothing as results' folder": lambda c: wl.Results.load(None),
    "a number as a model's file": lambda c: wl.ChatTransformer.load(3),
    "a text to train on": lambda c: wl.ChatTransformer.train("chats.jsonl", None),
    "no tokenizer": lambda c: wl.ChatTransformer.train(c, None),
    "a corpus to analyze": lambda c: wl.analyze(c),
    "one value of numpy as messages": lambda c: wl.Corpus.of(np.ma.masked),
    "a text for whether names stay": lambda c: wl.Corpus.from_frame(FRAME, names="x"),
    "a number for whether names stay": lambda c: wl.Corpus.read(".", names=1),
    "nothing to resample": lambda c: wl.cluster_bootstrap(None, [1.0], [0]),
    "texts to resample": lambda c: wl.cluster_bootstrap(["1", "2"], [1, 1], [0, 1]),
    "rows of two lengths to resample": lambda c: wl.cluster_bootstrap([[1], [1, 2]], [1, 1], [0, 1]),
    "nothing as clusters": lambda c: wl.cluster_bootstrap([1.0], [1], None),
    "nothing among clusters": lambda c: wl.cluster_bootstrap([1.0, 2.0], [1, 1], [None, "a"]),
    "nothing as replicates": lambda c: wl.cluster_bootstrap([1.0], [1], [0], replicates=None),
    "no replicates": lambda c: wl.cluster_bootstrap([1.0], [1], [0], replicates=0),
    "a list of replicates": lambda c: wl.paired_permutation([1.0], [0], replicates=[]),
    "too many replicates": lambda c: wl.paired_permutation([1.0], [0], replicates=10**400),
    "a text as a seed of replicates": lambda c: wl.cluster_bootstrap([1.0], [1], [0], seed="x"),
    "nothing as a seed of patterns": lambda c: wl.paired_permutation([1.0], [0], seed=None),
    "a seed under 0": lambda c: wl.paired_permutation([1.0], [0], seed=-1),
    "texts as differences": lambda c: wl.paired_permutation(["1"], [0]),
    "nothing as differences": lambda c: wl.paired_permutation(None, [0]),
    "nothing as estimates of heads": lambda c: wl.View.of_heads("id", "t", None),
    "numbers as estimates of heads": lambda c: wl.View.of_heads("id", "t", {"a": 1}),
    "a part that no view has": lambda c: wl.View.of_heads("id", "t", {"a": BY_HEAD}, nosuch=1),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_of_another_type_is_refused_in_a_sentence(corpus, what):
    with pytest.raises(wl.UsageError) as caught:
        WRONG[what](corpus)
    assert caught.value.message.endswith(".")
    assert "object" not in caught.value.message


def test_numbers_of_numpy_are_numbers(corpus):
    assert wl.Head(np.int64(1), np.int32(2)) == wl.Head(1, 2)
    assert len(corpus.cap_repeats(np.int64(5))) == len(corpus)
    assert len(corpus.split(np.float32(0.5), seed=np.int64(1))) == 2
    assert len(wl.Corpus.of(iter(ROWS))) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: wl.Finding("x", select=np.array(["a"])),
        lambda: wl.Finding("x", select=np.ma.masked),
        lambda: wl.Finding(np.nan),
        lambda: wl.Finding(10**400),
        lambda: wl.View.of_heads("id", 5, {"a": BY_HEAD}),
        lambda: wl.View.of_heads("id", "t", {"a": BY_HEAD}, caption=np.float16(3)),
        lambda: wl.View.of_heads("id", "t", {"a": BY_HEAD}, how_to_read=True),
    ],
)
def test_what_a_view_or_a_finding_cannot_hold_is_refused(make):
    with pytest.raises(PluginError):
        make()


def test_a_selection_may_be_an_array_or_empty():
    assert [str(key) for key in wl.Finding("x", select=np.array(["L0H1", "head:L2H0"])).select] == [
        "head:L0H1",
        "head:L2H0",
    ]
    assert wl.Finding("x", select=[]).select == wl.Finding("x", select=np.array([])).select == ()


def test_a_mistyped_part_of_a_view_is_answered_with_the_one_there_is():
    with pytest.raises(wl.UsageError) as caught:
        wl.View.of_heads("id", "t", {"a": BY_HEAD}, captoin="in nats")
    assert "Did you mean caption?" in caught.value.hint


@pytest.mark.parametrize("texts", [[1, 2], [b"a", b"b"], [["a"], ["b"]], [1, None]])
def test_a_frame_whose_text_is_none_is_refused_by_its_column(texts):
    frame = pd.DataFrame({"text": texts, "sender": ["me", "bo"]})
    with pytest.raises(wl.InputError, match="no text in the column 'text'") as caught:
        wl.Corpus.from_frame(frame, names=True)
    assert 'text="..."' in caught.value.hint


def test_a_row_of_a_frame_without_text_is_accounted_for():
    corpus = wl.Corpus.from_frame(pd.DataFrame({"text": [1, "hi"], "sender": ["bo", "me"]}), names=np.True_)
    assert (len(corpus), corpus.skipped.column("reason").to_pylist()) == (1, ["text is not a string"])


def test_a_frame_without_a_text_is_told_of_its_own_column_and_of_no_delimiter():
    frame = pd.DataFrame({"who": ["me", "bo"], "n": [1, 2], "remark": ["hello", "good day"]})
    with pytest.raises(wl.InputError, match="no column that looks like the text") as caught:
        wl.Corpus.from_frame(frame)
    assert str(caught.value).endswith("Name it, for example: text='remark'")
    assert len(wl.Corpus.from_frame(frame, text="remark", sender="who", me="me")) == 2


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda c, t, m: wl.ChatTransformer.train(c, t, epoch=1), "Did you mean epochs?"),
        (lambda c, t, m: wl.ChatTransformer.train(c, t, epochs=-1), "epochs is positive, or 0 for the preset's value,"),
        (lambda c, t, m: wl.ChatTransformer.train(c, t, stride=-1), "stride is positive, not -1."),
        (lambda c, t, m: wl.ChatTransformer.train(c, t, optimiser="moun"), "Did you mean muon?"),
        (lambda c, t, m: wl.ChatTransformer.train(c, t, preset="nanoo"), "Did you mean nano?"),
        (lambda c, t, m: m.generate("hello"), "The tokenizer comes first and then the prompt, not str."),
        (lambda c, t, m: m.generate(t, 3), "A prompt is text, not int."),
        (lambda c, t, m: m.generate(t, "<|me|>", topk=3), "Did you mean top_k?"),
        (lambda c, t, m: wl.analyze(wl.Specimen(m, t, c), "triag"), "Did you mean triage?"),
        (lambda c, t, m: wl.analyze(wl.Specimen(m, t, c), minuts=3), "Did you mean minutes?"),
        (lambda c, t, m: wl.analyze(wl.Specimen(m, t, c), heads=3), "There are: parameters, control, "),
        (
            lambda c, t, m: wl.analyze(wl.Specimen(m, t, c), "head-ablation", windows=3),
            "import HeadAblation; wl.analyze(specimen, HeadAblation(windows=...))",
        ),
        (
            lambda c, t, m: wl.analyze(wl.Specimen(m, t, c), "head-ablation", heads=3),
            "Parameters of 'head-ablation' (windows, ",
        ),
        (
            lambda c, t, m: wl.analyze(
                wl.Specimen(m, t, c), "head-ablation", parameters={"head-ablation": {"windws": 3}}
            ),
            "Did you mean windows?",
        ),
    ],
)
def test_what_was_meant_is_said_of_a_name_or_an_order_that_is_not(corpus, call, told):
    tokenizer = wl.SpeakerTokenizer.train(corpus, 261)
    with pytest.raises(wl.UsageError) as caught:
        call(corpus, tokenizer, wl.ChatTransformer.from_preset("nano", tokenizer))
    assert told in str(caught.value)
