"""What every test shares, of the core and of the plugins: one core, the plugins it sees, the order, the seeds.

It lies at the root, so that it is read before any other `conftest.py`, whichever folders are tested.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parent

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several, each with a core of its own; too late once torch is loaded
    assert "torch" not in sys.modules
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threadpool_limits(1)  # NumPy is loaded by then, by a plugin of pytest


TOGETHER = ("tests/cli/", "plugins/sparse/")
"""Folders whose files share what takes long to make, and so are run by one worker."""

APART = tuple(
    f"tests/cli/test_{name}.py"
    for name in ("closed_pipe", "compare", "console", "ended", "examine", "new", "refusals", "stores", "time_left")
)
"""Files in them that share nothing of it, and so may be run by another worker."""

LONGEST = (
    "tests/cli/",
    "tests/report/test_browser.py",
    "tests/report/test_live_view.py",
    "tests/report/test_live_elsewhere.py",
    "tests/report/test_live_now.py",
    "tests/report/test_reading.py",
    "tests/report/test_accessibility.py",
    "tests/report/test_cell.py",
    "tests/report/test_tour.py",
    "tests/report/test_narrow.py",
    "tests/report/test_exports_alone.py",
    "tests/report/test_graph_layout.py",
    "tests/report/test_moments.py",
    "tests/report/test_chance.py",
    "tests/report/test_glance.py",
    "tests/report/test_damaged.py",
    "tests/report/test_matrix_rows.py",
    "plugins/sparse/",
    "tests/testing/test_contract.py",
    "tests/model/test_training.py",
    "plugins/circuits/",
    "plugins/triage/",
)
"""Files that take longest, and those that share a browser. They come first, so that at the end of a run no worker is
left alone with one of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what records the numbers of analyses anew, see `tests/lab/test_tables.py`."""
    parser.addoption("--record-numbers", action="store_true", help="record the numbers of analyses of a new version")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Any:
    """A module of tests is read once, for in it are no examples of docstrings; another only if it has examples."""
    found = yield
    of_tests = file_path.is_relative_to(ROOT) and "tests" in file_path.relative_to(ROOT).parts
    if file_path.suffix == ".py" and (of_tests or b">>>" not in file_path.read_bytes()):
        return [one for one in found if type(one) is pytest.Module]
    return found


def pytest_collection() -> None:
    """Let the garbage collector rest while everything is imported: there is nothing to collect yet."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, which is there to the end: looking takes seconds.

    It looks at the rest when there is more of it than by default: most of what a test makes goes without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


def _draws(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that take longest first; of the rest the order stays. What draws examples is also a slow test."""
    if config.option.markexpr == "slow":
        for item in filter(_draws, items):
            item.add_marker(pytest.mark.slow)

    def rank(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))

    items.sort(key=rank)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Every test draws the same random numbers, whichever tests ran before it: also those that give no generator."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)  # `torch.manual_seed` also notes down where it was called, for each GPU


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of several workers, one runs all tests of a file, and of `TOGETHER` all of a folder but `APART`, to share models.

    Marking groups (``xdist_group``) does nothing with pytest 9.2 and pytest-xdist 3.8.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file in APART else next(filter(nodeid.startswith, TOGETHER), file)

    return ByFile(config, log)


# A test must not see plugins that the developer happens to have installed: only our own load.
with open(ROOT / "pyproject.toml", "rb") as file:
    os.environ["WONDERLAND_PLUGINS"] = ",".join(tomllib.load(file)["project"]["entry-points"]["wonderland"])

# No timing in tests: a busy machine is no fault.
# The same examples in every run, so that what fails is seen again; benchmarks/fuzz_*.py look for new ones.
settings.register_profile(
    "all", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("few", settings.get_profile("all"), max_examples=20)


def pytest_configure(config: pytest.Config) -> None:
    """Draw two fifths of the examples by default; with `slow` tests, all of them.

    A test that needs another number says it as a part of `settings().max_examples`, the number of the run.
    """
    settings.load_profile("few" if config.option.markexpr == "not slow" else "all")
