"""The linter of contrasts: every mistake that makes a patching result meaningless has a name."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import InputError
from wonderland.lab.contrast import ContrastBatch, gaps, lint
from wonderland.testing.handwritten import handwritten_speaker_model, handwritten_tokenizer
from wonderland.tokenizer import ME, PAD, THEM

GOOD = {"clean": "<|me|> c d", "corrupted": "<|them|> c d", "target": " a", "foil": " b"}


def problems(model=None, **changes):
    return [p.name for p in wl.Contrast(**{**GOOD, **changes}).problems(handwritten_tokenizer(), model)]


@pytest.fixture(scope="module")
def model():
    return handwritten_speaker_model()


def test_a_fair_contrast_has_no_problem(model):
    assert problems() == []
    assert problems(model) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"corrupted": "<|them|> c"}, "unequal lengths"),
        ({"corrupted": "<|me|> c d"}, "identical prompts"),
        ({"clean": "", "corrupted": ""}, "empty prompt"),
        ({"target": " a a"}, "target not one token"),
        ({"target": ""}, "target not one token"),
        ({"foil": " b b"}, "foil not one token"),
        ({"foil": " a"}, "target equals foil"),
        ({"target": " c"}, "target in a prompt"),
        ({"foil": " d"}, "foil in a prompt"),
        ({"target": 99}, "unknown token"),
        ({"clean": [ME, 7, -1]}, "unknown token"),
    ],
)
def test_each_mistake_is_named(changes, name):
    assert name in problems(**changes)


def test_the_field_notes_contrasts_are_refused(model):
    # The final word as target: it stands in both prompts, so there is no gap.
    both = wl.Contrast("<|me|> a c", "<|them|> a c", " c", " b")
    (problem,) = both.problems(handwritten_tokenizer(), model)
    assert problem.name == "target in a prompt"
    assert "the clean and the corrupted prompt" in problem.detail
    assert problems(model, clean="<|me|> c d e", corrupted="<|them|> c d") == ["unequal lengths"]


def test_a_gap_too_small_is_named_with_its_size(model):
    (problem,) = wl.Contrast(**{**GOOD, "target": " e", "foil": " f"}).problems(handwritten_tokenizer(), model)
    assert problem.name == "gap too small"
    assert problem.detail.startswith("0.00 logits")


def test_a_swapped_clean_and_corrupted_prompt_is_noticed(model):
    swapped = {"clean": GOOD["corrupted"], "corrupted": GOOD["clean"]}
    assert problems(model, **swapped) == ["gap backwards"]
    assert problems(model, target=" b", foil=" a") == ["gap backwards"]


def test_a_prompt_longer_than_the_context_is_refused_before_the_model_runs(model):
    assert problems(model, clean=[ME] + [7] * 48, corrupted=[THEM] + [7] * 48) == ["too long"]


def test_where_copying_is_the_behaviour_the_target_may_stand_in_the_prompt():
    assert problems(target=" c", copying=True) == []


def test_many_are_linted_together_as_each_alone(model):
    changes = [{}, {"target": " b", "foil": " a"}, {"clean": "<|me|> c d d"}, {"target": " e", "foil": " f"}, {}]
    many = [wl.Contrast(**{**GOOD, **some}) for some in changes]
    alone = [contrast.problems(handwritten_tokenizer(), model) for contrast in many]
    assert lint(many, handwritten_tokenizer(), model) == alone
    assert [[problem.name for problem in found[:1]] for found in alone] == [
        [],
        ["gap backwards"],
        ["unequal lengths"],
        ["gap too small"],
        [],
    ]
    assert lint([], handwritten_tokenizer(), model) == []


def test_the_gap_is_the_difference_of_logit_differences(model):
    # me: +10 for a; them: +10 for b. Δ(clean) = 10, Δ(corrupted) = −10.
    batch = ContrastBatch.of([wl.Contrast(**GOOD)], handwritten_tokenizer())
    assert gaps(model, batch) == pytest.approx([20], abs=1e-4)


def test_the_differing_positions_are_those_written():
    contrast = wl.Contrast("<|me|> c d e", "<|me|> c f g", " a", " b")
    assert contrast.differences(handwritten_tokenizer()) == [2, 3]


def test_contrasts_are_aligned_as_rows():
    longer = wl.Contrast([ME, 7, 8, 9], [ME, 7, 10, 9], 5, 6, conversation=3)
    shorter = wl.Contrast([ME, 7], [THEM, 7], 6, 5, conversation=3)
    batch = ContrastBatch.of([longer, shorter], handwritten_tokenizer())
    assert batch.clean.tolist() == [[ME, 7, 8, 9], [ME, 7, PAD, PAD]]
    assert batch.corrupted.tolist() == [[ME, 7, 10, 9], [THEM, 7, PAD, PAD]]
    assert np.argwhere(batch.differs).tolist() == [[0, 2], [1, 0]]
    assert batch.answer.tolist() == [3, 1]
    assert (batch.target.tolist(), batch.foil.tolist()) == ([5, 6], [6, 5])
    assert (batch.cluster.tolist(), batch.resampled_over) == ([3, 3], "conversations")
    assert batch.rows([1]).clean.tolist() == [[ME, 7]]


def test_contrasts_of_no_conversation_are_units_of_their_own():
    batch = ContrastBatch.of([wl.Contrast(**GOOD), wl.Contrast(**GOOD)], handwritten_tokenizer())
    assert (batch.cluster.tolist(), batch.resampled_over) == ([0, 1], "pairs")


def test_what_does_not_line_up_cannot_become_a_batch():
    with pytest.raises(InputError, match="do not line up"):
        ContrastBatch.of([wl.Contrast(**{**GOOD, "clean": "<|me|> c"})], handwritten_tokenizer())
    assert len(ContrastBatch.of([], handwritten_tokenizer())) == 0
