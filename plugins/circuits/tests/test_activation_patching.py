"""Activation patching where the cause was planted: one head reads the speaker token and says so at the answer."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.report.encode import encode
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_corpus,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.views import Key
from wonderland_circuits.activation_patching import ROLES, WAYS, ActivationPatching

SPEAKER = str(HEADS["speaker"])
ROLE = {name: i for i, name in enumerate(ROLES)}
ME_SPEAKS = wl.Contrast("<|them|> c<|sep|><|me|> d e", "<|them|> c<|sep|><|them|> d e", " a", " b")


def patching(specimen, **options):
    return wl.analyze(specimen, ActivationPatching(**options))["activation-patching"]


@pytest.fixture(scope="module")
def result(speaking):
    return wl.analyze(speaking, ActivationPatching(pairs=60), control=True)["activation-patching"]


@pytest.mark.parametrize("way", WAYS)
def test_the_planted_head_and_no_other_carries_the_difference(result, way):
    expected = np.zeros((2, 3))
    expected[HEADS["speaker"]] = 1
    assert result.by_head[way].value == pytest.approx(expected, abs=1e-4)
    assert result.best == SPEAKER


@pytest.mark.parametrize("way", WAYS)
def test_it_stands_at_the_speaker_token_until_layer_one_moves_it_to_the_answer(result, way):
    stream = np.zeros((2, 3))
    stream[:, ROLE["difference"]] = 1
    assert result.grid[way]["resid_pre"].value == pytest.approx(stream, abs=1e-4)
    attention = np.zeros((2, 3))
    attention[1, ROLE["answer"]] = 1
    assert result.grid[way]["attn_out"].value == pytest.approx(attention, abs=1e-4)
    assert "mlp_out" not in result.grid[way]  # the model has none


def test_the_claim_is_chosen_on_some_conversations_and_measured_on_others(result, speaking):
    assert result.held_back
    assert (len(result.pairs), result.confirming) == (60, 30)
    one = result.confirmed["denoising"]
    assert one.value == pytest.approx(1, abs=1e-4)
    assert (one.n, one.resampled_over) == (30, "conversations")
    mined = speaking.contrasts(pairs=60)
    assert one.n == len({c.conversation for c in mined.confirm})
    assert result.trust == "solid"


def test_the_claim_has_its_head_its_number_and_its_interval(result):
    lines = result.summary().splitlines()
    assert lines[0].startswith(
        f"One head alone, {SPEAKER}, brings back 100% [100%, 100%] of the difference (who speaks), over 30 pairs"
    )
    assert lines[0].endswith("it was chosen on other conversations.")
    assert lines[1] == f"Corrupting {SPEAKER} alone takes away 100% [100%, 100%]."
    assert lines[2].startswith("The gap is 20.00 logits")
    assert lines[3] == "Less than half of it is at the answer before the last layer."
    (finding,) = result.findings()
    assert (finding.select, finding.trust) == ((Key.of(SPEAKER),), "solid")


def test_the_untrained_baseline_is_asked_the_same_and_has_no_gap(result):
    assert result.control.pairs == []
    assert result.control.best == ""
    assert np.isnan(result.control.by_head["denoising"].value).all()
    assert "No recovery can be given" in result.control.summary()
    assert "Refused: 60 of 60 contrasts, gap too small." in result.control.summary()
    assert result.control.trust == "anecdotal"
    assert result.control.views() == []


def test_where_the_speaker_changes_nothing_nothing_is_claimed():
    found = patching(wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20)))
    assert found.pairs == []
    assert found.summary().startswith("No recovery can be given")
    assert "none could be mined" in found.summary()


def test_one_pair_is_an_anecdote_without_an_interval(speaking):
    found = patching(speaking, contrasts=(ME_SPEAKS,))
    assert found.best == SPEAKER
    assert found.trust == "anecdotal"
    lines = found.summary().splitlines()  # one pair has no interval, so nothing is shown
    assert lines[0] == (
        f"No head alone is shown to bring the difference back (the contrasts given): {SPEAKER}, chosen on the same "
        "pairs, brings back 100%, over 1 pair, anecdotal: fewer than 20 pairs."
    )
    assert lines[1] == f"Corrupting {SPEAKER} alone takes away 100%."
    assert lines[2].endswith("over 1 pair in all.")
    assert all(encode(view.data) for view in found.views())
    assert all("anecdote" in view.caption for view in found.views()[1:3])
    assert all("anecdote" in view.warning for view in found.views()[1:3])


def test_twenty_pairs_that_chose_the_head_themselves_are_weak_evidence(speaking):
    assert patching(speaking, contrasts=(ME_SPEAKS,) * 20).trust == "weak"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (wl.Contrast("<|me|> c d", "<|them|> c", " a", " b"), "unequal lengths"),
        (wl.Contrast("<|me|> c d", "<|them|> c d", " d", " b"), "target in a prompt"),
        (wl.Contrast("<|me|> c d", "<|them|> c d", " e", " f"), "gap too small"),
        (wl.Contrast("<|them|> c d", "<|me|> c d", " a", " b"), "gap backwards"),
    ],
)
def test_a_bad_contrast_is_refused_and_the_reason_given(speaking, bad, why):
    found = patching(speaking, contrasts=(bad, ME_SPEAKS))
    assert len(found.pairs) == 1
    assert f"Refused: 1 of 2 contrasts, {why}." in found.summary()
    alone = patching(speaking, contrasts=(bad,))
    assert alone.pairs == []
    assert alone.summary().startswith("No recovery can be given: there is no usable contrast")


def test_what_half_a_head_says_half_recovers():
    """Two heads that say the same, one three times as loud."""
    model = handwritten_speaker_model()
    attn, (layer, loud) = model.blocks[1].attn, HEADS["speaker"]
    quiet = HEADS["uniform"][1]
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q"):
        getattr(attn, name)[quiet] = getattr(attn, name)[loud]
    attn.W_O[quiet] /= 3
    found = patching(wl.Specimen(model, handwritten_tokenizer(), handwritten_speaker_corpus(30)), pairs=20)
    for way in WAYS:
        assert found.by_head[way].value[layer, [loud, quiet]] == pytest.approx([0.75, 0.25], abs=1e-4)


def test_the_pairs_are_shown_with_their_gaps(result, speaking):
    pair = result.pairs[0]
    assert {pair["target"], pair["foil"]} == {" a", " b"}
    assert pair["gap"] == pytest.approx(20, abs=1e-3)
    assert len(speaking.tokenizer.encode_prompt(pair["clean"])) == len(
        speaking.tokenizer.encode_prompt(pair["corrupted"])
    )
    assert result.per_pair["denoising"].shape == (60, 2, 3)
    assert result.per_pair["denoising"][:, 1, 2] == pytest.approx(np.ones(60), abs=1e-4)


def test_it_is_saved_and_loaded_and_its_views_can_be_drawn(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    assert again.control.summary() == result.control.summary()
    for view in again.views():
        encode(view.data)
    assert result.figure() is not None
    assert set(result.to_frame()["quantity"]) == set(result.estimates())


def test_the_report_takes_it_with_and_without_pairs(speaking, tmp_path):
    silent = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20))
    for number, specimen in enumerate((speaking, silent)):
        path = wl.analyze(specimen, ActivationPatching(pairs=8)).report(tmp_path / f"{number}.html")
        assert path.stat().st_size > 1000
