"""It finds the head that listens for laughter, and nothing in a model that was never trained."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.testing.selftest import selftest
from wonderland.testing.truth import handwritten_specimen
from wonderland_laughter import RUN, Laughter, LaughterResult


def test_what_was_planted_is_found_and_nothing_where_nothing_was():
    done = selftest(Laughter())
    assert [one.found for one in done.failed] == []
    assert len(done.outcomes) == 2


def test_chance_is_what_even_attention_gives():
    result = wl.analyze(handwritten_specimen(), Laughter(words="a b c"))["laughter"]
    assert result.share.value[1, 0] == pytest.approx(result.share.chance)  # L1H0 attends evenly
    assert np.all((result.share.value >= 0) & (result.share.value <= 1))


def test_laughter_is_recognised():
    assert all(RUN.fullmatch(text) for text in ("haha", "Hahahah", "ahaha", "hehe", "jajaja"))
    assert not any(RUN.fullmatch(text) for text in ("ha", "he", "hat", "here", "the"))


def test_without_laughter_it_declines():
    with pytest.raises(NotEnoughData, match="Nobody laughs"):
        wl.analyze(handwritten_specimen(), Laughter())


def test_of_three_conversations_it_is_not_said_whether_the_share_is_beyond_chance():
    far = wl.Estimate(np.array([[0.9]]), np.array([[0.8]]), np.array([[1.0]]), n=3, chance=0.1)
    (found,) = LaughterResult(far, {}).findings()
    assert found.trust == "anecdotal"
    assert "on 3 conversations, too few to say whether that is beyond chance" in found.sentence
    assert "not beyond" not in found.sentence
