"""What analyses will take, told before the first of them begins.

An analysis that takes minutes may have a method ``forecast``: it is given the specimen and the analyses it uses, with
their parameters, measures for a second or two how fast this machine is, and says how long it will take, and how much
memory and disk. The command ``analyze`` adds them up and corrects the sum by what those took that have ended.

What would fool it: another process that begins to work, and whatever is only known once something was found. A forecast
is said with "about".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wonderland.errors import NotEnoughData, PluginError, Unsupported
from wonderland.lab.choosing import Runnable
from wonderland.lab.observed import Observed

__all__ = ["UNTRAINED", "Forecast", "forecasts"]

UNTRAINED = " (untrained)"
"""What stands behind the name of an analysis where it runs on the untrained baseline."""


@dataclass(frozen=True)
class Forecast:
    """What an analysis will take.

    Attributes:
        seconds: How long, by the clock.
        memory: Bytes of memory that the process takes at most at one time, PyTorch and the messages among them.
        disk: Bytes of its result.
    """

    seconds: float
    memory: int = 0
    disk: int = 0


def forecasts(
    specimen: Observed,
    chosen: Sequence[Runnable],
    todo: Collection[str],
    *,
    control: bool,
    begun: Collection[str] = (),
) -> dict[str, Forecast]:
    """Return what each run of those analyses will take that can say so, in the order they run.

    Args:
        specimen: The model with its evidence.
        chosen: All that are asked for and what they use, each after those it uses.
        todo: Names of those that will run.
        control: Whether each also runs on the untrained baseline.
        begun: Names of those of which only that is left.

    Returns:
        Forecasts by name, `UNTRAINED` behind it where it is of the untrained baseline. One that will decline takes
        nothing.

    Raises:
        PluginError: What an analysis says is no `Forecast`.
    """
    able = [one for one in chosen if one.name in todo and callable(getattr(one, "forecast", None))]
    found: dict[str, Forecast] = {}
    for behind in ("", UNTRAINED) if control and able else ("",):
        subject = specimen.untrained() if behind else specimen
        for one in able:
            if behind or one.name not in begun:
                found[one.name + behind] = _of(one, subject, {other.name: other for other in chosen})
    return found


def _of(analysis: Runnable, specimen: Observed, others: Mapping[str, Runnable]) -> Forecast:
    used = {name: others[name] for name in getattr(analysis, "uses", ()) if name in others}
    if specimen.lacks(analysis.needs):
        return Forecast(0.0)
    try:
        said = analysis.forecast(specimen, used)  # type: ignore[attr-defined]
    except (NotEnoughData, Unsupported):
        return Forecast(0.0)
    if not isinstance(said, Forecast):
        raise PluginError(f"The forecast of {analysis.name!r} is a {type(said).__name__}, not a wl.Forecast.")
    return said
