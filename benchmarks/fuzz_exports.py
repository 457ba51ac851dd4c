"""Do the readers of exports ever crash or lose a row of a file that was damaged?

    python benchmarks/fuzz_exports.py 20000 [seed]

The property of ``plugins/exports/tests/test_fuzz_exports.py`` on so many examples in all, a share for each reader. The
tests run a dozen for each; run it for longer after changing a reader.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

ROUND = 250  # examples of one reader at a time; hypothesis remembers all it has tried in one round


def main(count: int, first_seed: int) -> None:
    """Run every reader on its share of the examples; the first that fails is shown and ends the run."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "plugins" / "exports"))
    module = importlib.import_module("tests.test_fuzz_exports")
    rounds = max(1, round(count / ROUND / len(module.MAKERS)))
    done, started = 0, time.perf_counter()
    for number in range(rounds):
        for place, name in enumerate(module.MAKERS):
            long(name, first_seed + number * len(module.MAKERS) + place, module.check)
            done += ROUND
            print(f"{done:,} exports in {time.perf_counter() - started:,.0f} s, {name} last", flush=True)
    print(f"{done:,} exports from seed {first_seed}: no crash, no row lost")


def long(name: str, first: int, check: Callable[[str, st.DataObject], None]) -> None:
    """Run one round of one reader."""

    @seed(first)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        check(name, data)

    one()


if __name__ == "__main__":
    given_ = [int(argument) for argument in sys.argv[1:3]]
    main(*given_, *(10_000, 0)[len(given_) :])
