"""What a specimen, a model's shape or a bootstrap cannot be made of is refused, with what to write instead."""

import re

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.errors import NotEnoughData, PluginError, UsageError
from wonderland.model.presets import Config
from wonderland.testing.truth import repeating_specimen, speaking_specimen

SIZES = {"n_layers": 1, "n_heads": 1, "d_model": 8, "d_head": 8, "d_mlp": 8, "n_ctx": 16, "d_vocab": 300}


@pytest.fixture(scope="module")
def specimen():
    """A small model on repeating text."""
    return repeating_specimen()


@pytest.fixture(scope="module")
def made(specimen):
    """The constructors of a specimen, with the same model and tokenizer."""
    parts = specimen.model, specimen.tokenizer
    return {
        "texts": lambda texts, **more: wl.Specimen.of_texts(*parts, texts, **more),
        "tokens": lambda rows, **more: wl.Specimen.of_tokens(*parts, rows, **more),
        "corpus": lambda corpus, **more: wl.Specimen(*parts, corpus, **more),
    }


@pytest.mark.parametrize(
    ("what", "given", "more", "told"),
    [
        ("texts", "hello there you", {}, "many texts, not one"),
        ("texts", b"hello", {}, "many texts, not one"),
        ("texts", 3, {}, "texts, not int"),
        ("texts", ["hello there", 3], {}, "texts, not int"),
        ("texts", ["hello there"], {"length": 1}, "length is at least 2, not 1"),
        ("texts", ["hello there"], {"length": 0}, "length is at least 2, not 0"),
        ("texts", ["hello there"], {"length": -3}, "length is at least 2, not -3"),
        ("texts", ["hello there"], {"length": 2.5}, "whole number, not float"),
        ("texts", ["hello there"], {"windows": 1.5}, "whole number, not float"),
        ("tokens", [[1, 5.7, 9]], {}, "Sequence 1 holds 5.7"),
        ("tokens", [[1, 2], [True, False, 3]], {}, "Sequence 2 holds True"),
        ("tokens", [[float("nan"), 1]], {}, "holds nan"),
        ("tokens", [[1, 10**30]], {}, "which is no token"),
        ("tokens", [1, 2, 3], {}, "Sequence 1 of tokens is a list of whole numbers, not int"),
        ("tokens", ["abc"], {}, "Sequence 1 of tokens is a list of whole numbers, not str"),
        ("tokens", "abc", {}, "lists of whole numbers, not str"),
        ("tokens", None, {}, "lists of whole numbers, not NoneType"),
        ("tokens", np.ones((2, 3)), {}, "holds 1.0"),
        ("tokens", [[1, 2], [1, 3]], {"conversation": ["a", "b"]}, "numbered by whole numbers"),
        ("tokens", [[1, 2], [1, 3]], {"conversation": "ab"}, "numbered by whole numbers"),
        ("tokens", [[1, 2]], {"windows": True}, "whole number, not bool"),
        ("tokens", [[1, 2]], {"seed": -1}, "seed is at least 0"),
        ("corpus", ["a"], {}, "a Corpus, not list"),
        ("corpus", "a.jsonl", {}, "a Corpus, not str"),
    ],
)
def test_what_a_specimen_cannot_be_made_of_is_refused(made, what, given, more, told):
    with pytest.raises(UsageError, match=told) as caught:
        made[what](given, **more)
    assert caught.value.hint


def test_arrays_tensors_and_whole_numbers_of_numpy_are_tokens(made):
    rows = [[5, 6, 7], [8, 9, 10]]
    for given in (rows, np.array(rows), torch.tensor(rows), [list(map(np.int64, row)) for row in rows]):
        assert made["tokens"](given).evidence.tokens.tolist() == rows


def test_the_sites_that_the_documentation_names_can_be_used(specimen):
    advice = {
        name: re.findall(r'`(Site\("[^`]*\))`', getattr(wl.Specimen, name).__doc__) for name in ("patch", "ablate")
    }
    assert all(advice.values())
    speaking = speaking_specimen()
    for site in advice["patch"]:
        assert speaking.patch(eval(site, {"Site": wl.Site}), "speaker", pairs=8).n
    for site in advice["ablate"]:
        assert specimen.ablate(eval(site, {"Site": wl.Site}), windows=4).n


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda s: s.ablate("L0H0", seed=-1), "seed is at least 0"),
        (lambda s: s.ablate("L0H0", windows=1.5), "whole number"),
        (lambda s: s.ablate("L0H0", windows=0), "windows is at least 1"),
        (lambda s: s.ablate(["L0H0", "L0H0"]), "L0H0 is named twice"),
        (lambda s: s.ablate([["L0H0", "L0H0"]]), "L0H0 is named twice"),
        (lambda s: s.ablate([["L0H0", "L0H1"], ["L0H0", "L0H1"]]), "named twice"),
        (lambda s: s.ablate(wl.Site("z", 0, positions=-1)), "position -1.*\nPositions count from 0"),
        (lambda s: s.patch("L0H0", seed=-1), "seed is at least 0"),
        (lambda s: s.patch("L0H0", pairs=0), "pairs is at least 1"),
        (lambda s: s.patch("L0H0", pairs=-1), "pairs is at least 1"),
        (lambda s: s.patch("L0H0", 5), "contrasts, not int"),
        (lambda s: s.contrasts("speaker", pairs=0), "pairs is at least 1"),
        (lambda s: s.contrasts("speaker", seed=-1), "seed is at least 0"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(specimen, ask, told):
    with pytest.raises(UsageError, match=told):
        ask(specimen)


@pytest.mark.parametrize(
    "part",
    [
        {"n_layers": 1.5},
        {"n_heads": "2"},
        {"d_mlp": 0},
        {"d_model": True},
        {"n_ctx": 0},
        {"eps": -1},
        {"eps": float("nan")},
        {"eps": "x"},
        {"attn_only": 1},
    ],
)
def test_a_shape_that_no_model_has_is_refused(part):
    with pytest.raises(UsageError, match=next(iter(part))):
        Config(**SIZES | part)


def test_a_shape_takes_whole_numbers_of_numpy_and_no_neurons_where_there_is_no_mlp():
    assert Config(**SIZES | {"n_layers": np.int64(2)}).to_json()["n_layers"] == 2
    assert Config(**SIZES | {"d_mlp": 0, "attn_only": True}).n_params


def test_weights_of_another_shape_than_the_sums_are_refused():
    with pytest.raises(UsageError, match=r"\[2\].*\[3\]"):
        wl.cluster_bootstrap(np.ones((3, 2)), np.ones((3, 3)), [0, 1, 2])
    with pytest.raises(UsageError, match="weights"):
        wl.cluster_bootstrap(np.ones(3), np.ones((3, 2)), [0, 1, 2])
    with pytest.raises(NotEnoughData, match="no difference"):
        wl.paired_permutation([], [])


@pytest.mark.parametrize("tags", ["group", (1,), ("two words",), (b"group",)])
def test_tags_that_would_not_be_the_same_when_read_again_are_refused(tags):
    row = wl.Message("1", "t", "me", True, None, "hi", tags=tags)
    for rows in ([row], [row._replace(id="2", tags=()), row]):
        with pytest.raises(PluginError, match="tags"):
            wl.Corpus.of(rows)


def test_a_stream_of_one_dimension_has_no_directions():
    specimen = repeating_specimen()
    shape = {"d_model": 1, "d_head": 1, "d_mlp": 1, "d_vocab": specimen.cfg.d_vocab, "n_ctx": 64}
    narrow = specimen.with_model(wl.ChatTransformer(Config(**SIZES | shape)))
    with pytest.raises(wl.Unsupported, match="one dimension"):
        narrow.run(wl.analyses["ov-circuits"]())
