"""Chats in which it is known what every training run must find: who speaks comes back where it is there to be found."""

import pytest

import wonderland as wl
from wonderland.testing.train_models import train_chats
from wonderland.testing.trained_models import trained_chats
from wonderland_cohorts.replication import Replication

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
