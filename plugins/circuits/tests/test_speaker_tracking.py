"""Speaker tracking where it was planted: a head that says who speaks, one that says who began, a sink, and none."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import entropy

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.report.encode import encode
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_first_speaker_model,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.tokenizer import THEM
from wonderland.views import Key
from wonderland_circuits.contrast_selection import ContrastSelection
from wonderland_circuits.speaker_effects import swap
from wonderland_circuits.speaker_probe import _read
from wonderland_circuits.speaker_tracking import SpeakerTracking
from wonderland_circuits.speaker_verdicts import Measured, Thresholds, judge, outcomes

SPEAKER, SINK = HEADS["speaker"], HEADS["first"]
NAME = "L{}H{}".format(*SPEAKER)
SMALL = SpeakerTracking(pairs=48, windows=24, places=400)


def tracking(specimen, **options):
    return wl.analyze(specimen, SMALL, **options)["speaker-tracking"]


@pytest.fixture(scope="module")
def current(speaking):
    return tracking(speaking, control=True)


@pytest.fixture(scope="module")
def began():
    return tracking(
        wl.Specimen(handwritten_first_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus())
    )


@pytest.fixture(scope="module")
def silent():
    """The model whose speaker head looks at the latest speaker token and says nothing that anybody reads."""
    return tracking(wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_speaker_corpus()))


def test_the_head_that_says_who_speaks_is_found_and_no_other(current):
    assert current.heads_that_are("current-speaker") == [NAME]
    assert current.heads_that_are("first-speaker") == []


def test_the_head_that_says_who_began_is_not_taken_for_one_that_says_who_speaks(began):
    assert began.heads_that_are("first-speaker") == [NAME]
    assert began.heads_that_are("current-speaker") == []


def test_a_sink_is_called_a_sink_although_it_looks_at_the_first_speaker_token(current, began, silent):
    for result in (current, began, silent):
        assert result.heads_that_are("sink") == ["L{}H{}".format(*SINK)]
        assert result.seen["first"].value[SINK] == pytest.approx(1, abs=1e-4)


def test_attention_to_the_speaker_and_a_probe_that_reads_it_do_not_make_a_speaker_head(silent):
    assert silent.seen["latest"].value[SPEAKER] == pytest.approx(1, abs=1e-4)
    assert silent.probe["current"]["head"].value[SPEAKER] > 0.99
    assert silent.heads_that_are("current-speaker") == []
    assert silent.verdicts[SPEAKER[0]][SPEAKER[1]] == "undetermined"
    assert "swap says neither" in silent.reasons[SPEAKER[0]][SPEAKER[1]]
    assert silent.silent == ["current", "first"]
    assert silent.summary().startswith("None of 6 heads is shown to track who speaks")


def test_before_training_there_is_none(current):
    assert {name for row in current.control.verdicts for name in row} == {"none"}
    assert "Before training 0 heads tracked a speaker." in current.summary()


def test_1_the_value_at_position_0_is_nothing_in_the_sink_and_as_any_other_elsewhere(current):
    ratio = current.seen["ratio"].value
    assert ratio[SINK] == pytest.approx(0, abs=1e-6)
    assert ratio[SPEAKER] == pytest.approx(1, abs=1e-6)  # tokens one-hot
    assert current.seen["written"].value[SINK] == pytest.approx(0, abs=1e-5)
    assert current.seen["written"].value[SPEAKER] > 0.5


def test_2_behind_a_neutral_token_the_sink_stays_and_the_first_speaker_head_follows(began):
    assert began.shift["stays"].value[SINK] == pytest.approx(1, abs=1e-4)
    assert began.shift["follows"].value[SINK] == pytest.approx(0, abs=1e-4)
    assert began.shift["follows"].value[SPEAKER] == pytest.approx(1, abs=1e-4)
    assert began.shift["stays − follows"].high[SPEAKER] < 0


def test_3_attention_is_to_the_latest_speaker_token_or_to_the_first_and_chance_stands_beside(current, began):
    assert current.seen["latest"].value[SPEAKER] == pytest.approx(1, abs=1e-4)
    assert current.seen["first"].value[SPEAKER] == pytest.approx(0, abs=1e-4)
    assert began.seen["first"].value[SPEAKER] == pytest.approx(1, abs=1e-4)
    uniform = current.seen["others"].value[HEADS["uniform"]]
    assert uniform == pytest.approx(current.seen["others"].chance, abs=1e-6)


@pytest.mark.parametrize("measure", ["through", "direct", "kl"])
def test_4_all_of_a_swap_goes_through_the_planted_head_straight_to_the_logits(current, began, measure):
    expected = np.zeros((2, 3))
    expected[SPEAKER] = 1
    for result, side in ((current, "current"), (began, "first")):
        for part in ("explore", "confirm"):
            assert result.swap[side][part][measure].value == pytest.approx(expected, abs=1e-4)
        assert result.swap[side]["confirm"][measure].n > 10


def test_4_it_is_the_same_as_patching(speaking):
    batch = ContrastSelection.of(speaking, (), kind="speaker", pairs=12, seed=0).batch
    found = swap(speaking, batch)
    cells = [[Site("z", layer, head)] for layer, head in np.ndindex(2, 3)]
    patched = patch(speaking.model, batch, cells, directions=("denoising",))
    later = ~batch.differs[:, 0]  # during the first message the swap asks something else
    np.testing.assert_allclose(found.through[:, later], patched.denoised[:, later], atol=1e-4)
    assert found.through[5, ~later] == pytest.approx(found.corrupted[~later], abs=1e-4)


def test_5_the_other_speaker_costs_everything_the_same_nothing_and_the_mean_half(current, began):
    for result, side in ((current, "current"), (began, "first")):
        found = {name: estimate.value[SPEAKER] for name, estimate in result.resample[side].items()}
        assert found["same speaker"] == pytest.approx(0, abs=1e-4)
        assert found["other speaker"] == pytest.approx(1, abs=1e-4)
        assert found["mean"] == pytest.approx(0.5, abs=0.1)
        assert found["other − same"] == pytest.approx(1, abs=1e-4)
        assert np.isnan(result.resample[side]["other − same"].value[SINK])  # nothing goes through it: not asked


def test_6_a_probe_reads_the_speaker_off_the_planted_head_and_nothing_off_the_sink(current, began):
    for result, side, other in ((current, "current", "first"), (began, "first", "current")):
        found = result.probe[side]
        assert found["head"].value[SPEAKER] == pytest.approx(1)
        assert found["head"].value[SINK] == pytest.approx(0.5, abs=0.05)
        assert abs(found["shuffled"].value[SPEAKER] - 0.5) < 0.2
        assert found["projection"].value[1] < 0.8
        assert result.probe[other]["head"].value[SPEAKER] == pytest.approx(0.5, abs=0.15)  # the two are balanced


def test_4_the_divergence_is_of_the_corrupted_run_from_the_others():
    """KL(corrupted ‖ clean), not the reverse: by scipy, from the logits of a model that is surer of one speaker."""
    model = handwritten_speaker_model()
    model.blocks[SPEAKER[0]].attn.W_O[SPEAKER[1], THEM] *= 0.3  # else the two are mirror images, and equal
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_speaker_corpus())
    batch = ContrastSelection.of(specimen, (), kind="speaker", pairs=12, seed=0).batch
    ends = [
        model(torch.from_numpy(tokens)).double()[np.arange(len(batch)), batch.answer].softmax(-1).numpy()
        for tokens in (batch.clean, batch.corrupted)
    ]
    clean, corrupted = ends
    there, back = entropy(corrupted, clean, axis=1), entropy(clean, corrupted, axis=1)
    assert np.median(np.abs(there / back - 1)) > 0.1
    found = swap(specimen, batch)
    np.testing.assert_allclose(found.kl, there, rtol=1e-4)
    at = SPEAKER[0] * 3 + SPEAKER[1]
    later = ~batch.differs[:, 0]
    np.testing.assert_allclose(found.kl_through[at, later], there[later], rtol=0.05)  # nearly all goes through it


def test_6_a_probe_is_asked_about_conversations_it_has_not_seen():
    """Places of one conversation are nearly equal, and its label is its own: nothing can be known about others."""
    random = np.random.default_rng(0)
    conversation = np.repeat(np.arange(40), 10)
    labels = (random.permutation(40) < 20)[conversation]
    features = random.standard_normal((40, 30))[conversation] + 0.01 * random.standard_normal((400, 30))
    order = random.permutation(400)
    read = _read(features[None, order], labels[order], conversation[order], seed=0)
    assert read.n == 40
    assert read.low[0] < 0.5 < read.high[0]
    assert read.value[0] < 0.7  # with places of the same conversation on both sides it would be near 1


def test_a_verdict_says_what_it_goes_by(current):
    assert current.thresholds == {"attention": 0.4, "small": 0.5, "effect": 0.1}
    assert current.outcomes[SPEAKER[0]][SPEAKER[1]] == {
        "values": "ordinary",
        "shift": "not asked",
        "attention": "latest",
        "swap": "current",
        "resample": "current",
        "probe": "current",
    }
    (finding,) = current.findings()
    assert (finding.select, finding.trust) == ((Key.of(NAME),), "solid")
    assert finding.text.startswith(f"{NAME} says who speaks: in later turns it gives 100% of its attention")
    assert "100% [100%, 100%] of what swapping who speaks changes" in finding.text


def test_windows_of_one_speaker_are_refused(repeating):
    with pytest.raises(NotEnoughData, match="second speaker token"):
        tracking(repeating)


def test_it_is_saved_and_loaded_and_its_views_can_be_drawn(current, tmp_path):
    current.save(tmp_path)
    again = type(current).load(tmp_path)
    assert again.summary() == current.summary()
    assert again.outcomes == current.outcomes
    for view in again.views():
        encode(view.data)
    assert set(current.to_frame()["quantity"]) == set(current.estimates())


# The rule, on numbers made by hand.

AT = Thresholds(attention=0.4, small=0.5, effect=0.1)


def about(value, spread=0.02, chance=0.0):
    return wl.Estimate(value, value - spread, value + spread, n=30, chance=chance)


NOTHING = (about(0.0), about(0.0))
HEAD = Measured(
    ratio=about(0.9),
    stays=about(0.0),
    follows=about(0.0),
    moved=about(0.0),
    latest=about(0.5, chance=0.02),
    first=about(0.02, chance=0.02),
    swap={"current": (about(0.6), about(0.6)), "first": NOTHING},
    few=frozenset(),
    resample={"current": about(0.4), "first": about(0.0)},
    probe={"current": about(0.95), "first": about(0.5)},
    readable={"current": 0.6, "first": 0.6},
)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "current-speaker"),
        ({"latest": about(0.3, chance=0.02)}, "undetermined"),
        ({"swap": {"current": (about(0.6), about(0.05)), "first": NOTHING}}, "undetermined"),
        ({"swap": {"current": (about(0.05), about(0.6)), "first": NOTHING}}, "undetermined"),
        ({"swap": {"current": (about(0.6), about(0.6)), "first": (about(0.6), about(0.6))}}, "undetermined"),
        ({"swap": {"current": (about(0.6), about(0.6, spread=0.7)), "first": NOTHING}}, "undetermined"),
        ({"swap": {"current": None, "first": None}}, "undetermined"),
        ({"resample": {"current": about(0.0), "first": about(0.0)}}, "undetermined"),
        ({"probe": {"current": about(0.55), "first": about(0.5)}}, "undetermined"),
        ({"few": frozenset({"current"})}, "undetermined"),
        ({"latest": about(0.02, chance=0.02), "swap": {"current": NOTHING, "first": NOTHING}}, "none"),
        (
            {"latest": about(0.02, chance=0.02), "swap": {"current": (about(-0.4),) * 2, "first": NOTHING}},
            "undetermined",
        ),
    ],
)
def test_a_speaker_head_needs_every_test(change, verdict):
    assert judge(dataclasses.replace(HEAD, **change), AT).name == verdict


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"stays": about(0.9), "moved": about(0.8)}, "stays"),
        ({"follows": about(0.9), "moved": about(-0.8)}, "follows"),
        ({"stays": about(0.1), "moved": about(0.1)}, "neither"),
        ({"stays": about(0.5), "follows": about(0.5)}, "unclear"),
        ({"first": about(0.2)}, "not asked"),
    ],
)
def test_the_shift_is_asked_of_heads_that_look_at_the_first_token(change, outcome):
    head = dataclasses.replace(HEAD, **{"first": about(0.9, chance=0.02), **change})
    assert outcomes(head, AT)["shift"] == outcome
