"""Forecasts: what analyses say they will take is asked before the first of them runs, on the model and its baseline."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pytest

import wonderland as wl
from wonderland.errors import NotEnoughData, PluginError
from wonderland.lab.forecast import forecasts


@dataclass(frozen=True)
class Slow:
    """Takes a second for each layer and factor."""

    name: ClassVar[str] = "slow"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("loss",)

    times: Annotated[int, "multiply by this"] = 1
    says: Any = None

    def forecast(self, specimen, used):
        if isinstance(self.says, Exception):
            raise self.says
        trained = bool(specimen.model.W_O.any())
        return self.says or wl.Forecast(self.times * (10.0 if trained else 1.0), 5, 7)

    def run(self, specimen):
        raise AssertionError("nothing runs")


@dataclass(frozen=True)
class After(Slow):
    """Takes as long as what it uses."""

    name: ClassVar[str] = "after"
    uses: ClassVar[tuple[str, ...]] = ("slow", "not-installed")

    def forecast(self, specimen, used):
        assert list(used) == ["slow"]
        return wl.Forecast(used["slow"].times)


@dataclass(frozen=True)
class Strange(Slow):
    """Needs what no model has."""

    name: ClassVar[str] = "strange"
    needs: ClassVar[tuple[str, ...]] = ("mlp_out",)


class Silent:
    """Cannot say."""

    name, version, needs = "silent", 1, ()


def asked(specimen, *chosen, **given):
    found = forecasts(specimen, chosen, given.pop("todo", [one.name for one in chosen]), control=True, **given)
    return {name: one.seconds for name, one in found.items()}


def test_each_run_has_its_forecast_in_the_order_they_run(specimen):
    assert asked(specimen, Slow(3), Silent(), After()) == {
        "slow": 30.0, "after": 3.0, "slow (untrained)": 3.0, "after (untrained)": 3.0,
    }  # fmt: skip


def test_what_is_there_already_takes_nothing(specimen):
    assert asked(specimen, Slow(2), After(), todo={"after"}) == {"after": 2.0, "after (untrained)": 2.0}
    assert asked(specimen, Slow(2), begun=["slow"]) == {"slow (untrained)": 2.0}


@pytest.mark.parametrize("analysis", [Slow(says=NotEnoughData("Too little.")), Strange()])
def test_one_that_will_decline_takes_nothing(specimen, analysis):
    assert asked(specimen, analysis) == {analysis.name: 0.0, f"{analysis.name} (untrained)": 0.0}


def test_what_is_no_forecast_is_refused(specimen):
    with pytest.raises(PluginError, match=r"The forecast of 'slow' is a float, not a wl\.Forecast"):
        asked(specimen, Slow(says=1.5))
