"""Planted chats, learned: the speaker effect, the habit and the copying are found, and are not where they were undone.

Three models of one shape. The first read the chats; the second the same with speakers shuffled, where who speaks says
nothing; the third the same with messages scrambled, where an earlier message says nothing. Each control takes away
what it must and leaves the rest.
"""

from itertools import permutations

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import UsageError
from wonderland.testing.trained_models import CHATS, chats_of_kind, trained_chats
from wonderland_circuits.activation_patching import ActivationPatching

THINGS = [question.split()[-1] for question in chats_of_kind("planted").habit]
GUESS = np.log(2)  # nats, of who speaks next


@pytest.fixture(scope="module")
def losses():
    return {kind: wl.analyze(trained_chats(kind), "token-loss")["token-loss"] for kind in CHATS}


@pytest.fixture(scope="module")
def speakers():
    """Patching of pairs that differ in who speaks, mined from each model's own held-out chats."""
    return {kind: wl.analyze(trained_chats(kind), "activation-patching")["activation-patching"] for kind in CHATS}


@pytest.fixture(scope="module")
def copies():
    """Patching of pairs that differ in what was asked for, where the answer is about to name it."""
    asked = tuple(
        wl.Contrast(
            f"<|them|> where is the {one}<|sep|><|me|> the",
            f"<|them|> where is the {other}<|sep|><|me|> the",
            f" {one}",
            f" {other}",
            copying=True,
        )
        for one, other in permutations(THINGS, 2)
    )
    return {
        kind: wl.analyze(trained_chats(kind), ActivationPatching(contrasts=asked))["activation-patching"]
        for kind in CHATS
    }


@pytest.mark.parametrize("kind", ["planted", "scrambled"])
def test_who_speaks_moves_the_next_word_and_a_head_carries_it(speakers, kind):
    result = speakers[kind]
    assert len(result.pairs) == 64
    assert result.gap.low > 2
    assert result.trust == "solid"
    assert result.confirmed["denoising"].low > 0.1
    assert result.confirmed["noising"].low > 0.1


def test_with_speakers_shuffled_who_speaks_moves_nothing(speakers):
    result = speakers["shuffled"]
    assert len(result.pairs) < 8  # of hundreds tried, by as much as the least that counts
    assert all(pair["gap"] < 0.8 for pair in result.pairs)
    assert all(finding.trust != "solid" for finding in result.findings())


@pytest.mark.parametrize("kind", ["planted", "scrambled"])
def test_the_nickname_is_among_what_moves_and_only_where_me_speaks(speakers, kind):
    nickname = f" {chats_of_kind(kind).nickname}"
    sides = [(pair["clean"], pair["target"]) for pair in speakers[kind].pairs]
    sides += [(pair["corrupted"], pair["foil"]) for pair in speakers[kind].pairs]
    after_me = [prompt.rfind("<|me|>") > prompt.rfind("<|them|>") for prompt, token in sides if token == nickname]
    assert len(after_me) > 10
    assert all(after_me)


def test_where_who_speaks_is_all_there_is_to_know_one_head_tracks_it(speakers):
    tracking = wl.analyze(trained_chats("scrambled"), "speaker-tracking")["speaker-tracking"]
    (head,) = tracking.heads_that_are("current-speaker")
    assert speakers["scrambled"].best == head
    assert speakers["scrambled"].confirmed["denoising"].low > 0.7
    patterns = wl.analyze(trained_chats("scrambled"), "head-patterns")["head-patterns"]
    assert list(map(str, patterns.heads_with("speaker"))) == [head]


def test_with_speakers_shuffled_no_head_is_said_to_track_them():
    result = wl.analyze(trained_chats("shuffled"), "speaker-tracking")["speaker-tracking"]
    assert not result.heads_that_are("current-speaker") + result.heads_that_are("first-speaker")


def test_the_habit_says_who_speaks_next_and_is_gone_in_both_controls(losses):
    following = {kind: losses[kind].by_kind["next speaker"] for kind in CHATS}
    assert following["planted"].high < GUESS / 2
    for control in ("shuffled", "scrambled"):
        assert following[control].value == pytest.approx(GUESS, abs=0.05)


@pytest.mark.parametrize("kind", ["planted", "shuffled"])
def test_the_answer_copies_what_was_asked_for(copies, kind):
    result = copies[kind]
    assert len(result.pairs) == len(THINGS) * (len(THINGS) - 1)
    assert result.gap.low > 10
    assert result.confirmed["denoising"].low > 0.2
    stream = result.grid["denoising"]["resid_pre"].value  # [layer, role]
    assert stream[0].max() == pytest.approx(1)  # it enters where the question names it


def test_with_messages_scrambled_nothing_is_copied(copies):
    result = copies["scrambled"]
    assert len(result.pairs) < len(THINGS) * (len(THINGS) - 1) / 2
    assert not len(result.pairs) or result.gap.value < 2
    assert any("gap too small" in reason for reason in result.refused)


def test_knowing_who_speaks_and_what_was_asked_is_worth_something(losses):
    loss = {kind: losses[kind].overall for kind in CHATS}
    assert loss["planted"].high < loss["shuffled"].low
    assert loss["planted"].high < loss["scrambled"].low


def test_there_are_no_other_chats():
    with pytest.raises(UsageError, match="There are no chats 'sorted'"):
        chats_of_kind("sorted")
