"""It finds the head that listens for laughter, and nothing in a model that was never trained."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.testing.selftest import selftest
from wonderland.testing.truth import handwritten_specimen
from wonderland_laughter import RUN, Laughter


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
