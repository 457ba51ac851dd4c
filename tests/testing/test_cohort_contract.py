"""The contract of an analysis of several models: the same sentences, asked of cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.cohort import COHORTS
from wonderland.testing import check_analysis
from wonderland.testing.analysis_checks import ANALYSIS_CHECKS, found
from wonderland.testing.cohorts import related_models
from wonderland.testing.truth import random_specimen
from wonderland.views import Bars


@dataclass(frozen=True)
class AgreementResult(wl.Result):
    loss: wl.Estimate  # [member]
    members: list[str]

    def summary(self) -> str:
        return f"{len(self.members)} models lose {np.ptp(self.loss.value):.2f} nats a token more or less."

    def findings(self) -> Sequence[wl.Finding]:
        return [wl.Finding(self.summary(), "losses", (), self._trust, "effect")]

    @property
    def _trust(self) -> str:
        return "solid" if self.loss.trusted and len(self.members) > 2 else "weak"

    def views(self) -> Sequence[wl.View]:
        bars = Bars.by_place(self.members, {"loss": self.loss}, "nats a token")
        return [
            wl.View(
                "losses", "Loss", bars, caption="Of each model.", how_to_read="Low is good.", misleads="Few models."
            )
        ]


@dataclass(frozen=True)
class Agreement:
    """How much do models lose, each alone?"""

    name: ClassVar[str] = "agreement"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("loss",)
    of: ClassVar[str] = "seeds"

    def run(self, cohort: wl.Cohort) -> AgreementResult:
        from wonderland.lab.stats import cluster_bootstrap

        names = list(cohort.members)
        sums, words, owners = [], [], next(iter(cohort.members.values())).evidence.conversation
        for batches in cohort.batches("loss"):
            masks = [batch.mask & batch["loss"].isfinite() for batch in batches.values()]
            losses = [torch.where(m, b["loss"], 0.0) for m, b in zip(masks, batches.values(), strict=True)]
            sums.append(torch.stack([one.sum(-1) for one in losses], -1).numpy())
            words.append(masks[0].sum(-1).numpy())
        found = cluster_bootstrap(np.concatenate(sums), np.concatenate(words), owners, unit="nats a token")
        return AgreementResult(replace(found, dims=("member",)), names)


@dataclass(frozen=True)
class Using(Agreement):
    """The same, after another analysis of each model."""

    uses: ClassVar[tuple[str, ...]] = ("attention-entropy",)

    def run(self, cohort: wl.Cohort) -> AgreementResult:
        assert list(cohort.results["attention-entropy"]) == list(cohort.members)
        return super().run(cohort)


@pytest.mark.slow
def test_a_well_made_analysis_of_several_models_that_uses_another_passes():
    check_analysis(Using)


def test_a_well_made_analysis_of_several_models_passes():
    check_analysis(Agreement)


@pytest.mark.parametrize("kind", COHORTS)
def test_it_is_asked_of_four_models_that_differ_in_what_it_says(kind):
    @dataclass(frozen=True)
    class OfKind(Agreement):
        """The same of another kind of cohort."""

        of: ClassVar[str] = kind

    _, cohort = found(OfKind())
    assert (cohort.kind, len(cohort)) == (kind, 4)


def broken(**changes):
    """`Agreement`, whose result is changed."""

    @dataclass(frozen=True)
    class Broken(Agreement):
        """It breaks one sentence of the contract."""

        def run(self, cohort: wl.Cohort) -> AgreementResult:
            result = super().run(cohort)
            return replace(result, **{name: change(result, cohort) for name, change in changes.items()})

    return Broken


class Sure(AgreementResult):
    """Calls what two models did solid."""

    def findings(self):
        return [replace(one, trust="solid") for one in super().findings()]


class ByHead(AgreementResult):
    """Says of heads what is true of members."""

    def card(self):
        return {"Loss": self.loss}


@dataclass(frozen=True)
class TooSure(Agreement):
    """It trusts two models."""

    def run(self, cohort: wl.Cohort) -> Sure:
        return Sure(**{name: getattr(super(TooSure, self).run(cohort), name) for name in ("loss", "members")})


@dataclass(frozen=True)
class Headed(Agreement):
    """It speaks of heads."""

    def run(self, cohort: wl.Cohort) -> ByHead:
        return ByHead(**{name: getattr(super(Headed, self).run(cohort), name) for name in ("loss", "members")})


@dataclass(frozen=True)
class Picky(TooSure):
    """It takes three models."""

    def run(self, cohort: wl.Cohort) -> Sure:
        if len(cohort) < 3:
            raise NotEnoughData("There are two models; it takes three.", hint="Train more.")
        return super().run(cohort)


@dataclass(frozen=True)
class Cousins(Agreement):
    """Its models differ in what no cohort does."""

    of: ClassVar[str] = "cousins"


def moved(result, cohort):
    list(cohort.members.values())[2].model.embed.W_E[0, 0] += 1
    return result.members


def slightly_more(estimate, share):
    return estimate.map(lambda part: part + 1e-3 * share)


BROKEN = {
    "two_models_are_refused_or_marked": TooSure,
    "the_card_is_by_layer_and_head": Headed,
    "has_a_name_a_version_and_needs": Cousins,
    "numbers_carry_their_uncertainty": broken(loss=lambda r, c: replace(r.loss, low=r.loss.high + 1)),
    "gives_the_same_numbers_again": broken(loss=lambda r, c: slightly_more(r.loss, np.random.rand())),
    "reads_only_what_it_declares": broken(members=lambda r, c: [str(len(c.contrasts()))]),
    "streams_to_the_same_numbers": broken(members=lambda r, c: [f"{one.hold_bytes > 0}" for one in c.members.values()]),
    "leaves_everything_as_it_was": broken(members=moved),
}


@pytest.mark.parametrize(("sentence", "analysis"), BROKEN.items(), ids=BROKEN)
def test_a_broken_sentence_is_seen(sentence, analysis):
    (check,) = (check for check in ANALYSIS_CHECKS if check.__name__ == sentence)
    check(Agreement())
    with pytest.raises(AssertionError):
        check(analysis())


def test_who_declines_two_models_may_be_sure_of_more():
    (check,) = (check for check in ANALYSIS_CHECKS if check.__name__ == "two_models_are_refused_or_marked")
    check(Picky())


def test_related_models_of_seeds_do_the_same_by_other_heads_and_snapshots_grow():
    one = random_specimen()
    seeds = related_models(one, "seeds", 3)
    losses = [mean_loss(member) for member in seeds.members.values()]
    assert losses[1:] == [pytest.approx(losses[0], abs=0.05)] * 2
    sizes = [member.model.W_V[0].norm(dim=(1, 2)) for member in seeds.members.values()]
    for other in sizes[1:]:
        assert torch.allclose(sizes[0].sort().values, other.sort().values, rtol=0.1, atol=0.1)
        assert not torch.equal(sizes[0], other)
    assert len({member.model.fingerprint for member in seeds.members.values()}) == 3
    grown = related_models(one, "snapshots", 3)
    first, _, last = (member.model.fingerprint for member in grown.members.values())
    assert (first, last) == (one.model.untrained().fingerprint, one.model.fingerprint)
    middle = list(grown.members.values())[1].model
    torch.testing.assert_close(middle.W_E, (one.model.W_E + one.model.untrained().W_E) / 2)
    assert grown.at.tolist() == [0, 1000, 2000]


def mean_loss(specimen):
    return float(torch.cat([b["loss"][b.mask] for b in specimen.batches("loss")]).nanmean())
