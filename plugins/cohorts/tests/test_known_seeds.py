"""What is known of several training runs: all toys repeat, six by textbook heads; who speaks comes back where it is."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.testing.train_models import train_chats
from wonderland.testing.trained_models import trained_chats, trained_induction_seeds
from wonderland_cohorts.replication import Replication
from wonderland_cohorts.spread import share

WHO_SPEAKS = (
    "speaker-tracking: Swapping who speaks, share through it: largest over heads",
    "speaker-tracking: Probe reads who speaks: largest over heads",
)


def replicated(kind):
    """Compare three seeds of a kind of chats: the one that comes along, and two that are trained here."""
    first = trained_chats(kind)
    models = {f"seed-{seed}": first.with_model(train_chats(kind, 5, seed=seed)) for seed in (1, 2)}
    chosen = Replication()
    object.__setattr__(chosen, "uses", ("speaker-tracking",))
    return wl.analyze(wl.Cohort("seeds", {"seed-0": first, **models}), chosen, control=True)["replication"]


@pytest.mark.slow
def test_with_messages_scrambled_who_speaks_comes_back_in_every_seed():
    result = replicated("scrambled")
    for claim in WHO_SPEAKS:
        assert result.k_of_n(claim) == (3, 3)
        assert result.solid(claim)


@pytest.mark.slow
def test_with_speakers_shuffled_it_comes_back_in_none():
    result = replicated("shuffled")
    for claim in WHO_SPEAKS:
        assert not any(result.holds.get(claim, []))


@pytest.mark.slow
def test_eight_toys_repeat_and_six_of_them_by_textbook_heads():
    chosen = Replication()
    object.__setattr__(chosen, "uses", ("head-patterns", "induction"))
    parameters = {"induction": {"sequences": 12, "random_sets": 2}, "head-patterns": {"shown": 1}}
    result = wl.analyze(trained_induction_seeds(8, 40), chosen, control=True, parameters=parameters)["replication"]
    assert result.k_of_n("induction: Gain by the order of a repetition, uniform words") == (8, 8)
    textbook = np.ones(8, dtype=bool)
    for claim, least in (
        ("head-patterns: Attention to the previous token, all conversations: largest over heads", 0.35),
        ("induction: Induction score, uniform: largest over heads", 0.4),
    ):
        textbook &= np.asarray(result.values[claim].value) >= least
    assert textbook.tolist() == [seed not in (1, 6) for seed in range(8)]
    share_of = share(int(textbook.sum()), 8)
    assert (round(float(share_of.low), 2), round(float(share_of.high), 2)) == (0.35, 0.97)
