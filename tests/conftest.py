"""What every test shares: the plugins it sees, and the texts nobody should be hurt by."""

from __future__ import annotations

import gc
import math
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parent.parent

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several, each with a core of its own; too late once torch is loaded
    assert "torch" not in sys.modules
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threadpool_limits(1)  # NumPy is loaded by then, by a plugin of pytest


TOGETHER = ("tests/cli/", "plugins/sparse/")
"""Folders whose files share what takes long to make, and so are run by one worker."""

LONGEST = (
    "tests/cli/",
    "tests/report/test_browser.py",
    "tests/report/test_live_view.py",
    "tests/report/test_live_elsewhere.py",
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
    "plugins/sparse/",
    "tests/testing/test_contract.py",
    "tests/model/test_training.py",
    "plugins/circuits/",
    "plugins/triage/",
)
"""Files that take longest, and those that share a browser. They come first, so that at the end of a run no worker is
left alone with one of them."""


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, which is there to the end: looking takes seconds."""
    gc.collect()
    gc.freeze()


FEWER = 0.4
"""This part of the examples that a test draws is drawn by default; with `slow` tests, it draws all of them."""


def _draw_fewer(items: list[pytest.Item]) -> None:
    """Let tests of drawn input draw fewer examples."""
    for test in {getattr(item.obj, "__func__", item.obj) for item in items if _draws(item)}:
        told = test._hypothesis_internal_use_settings
        test._hypothesis_internal_use_settings = settings(told, max_examples=math.ceil(FEWER * told.max_examples))


def _draws(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that take longest first; of the rest the order stays. What draws examples is also a slow test."""
    if config.option.markexpr == "not slow":
        _draw_fewer(items)
    elif config.option.markexpr == "slow":
        for item in filter(_draws, items):
            item.add_marker(pytest.mark.slow)

    def rank(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))

    items.sort(key=rank)


class Seeded:
    """Every test draws the same random numbers, whichever tests ran before it: also those that give no generator."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        import numpy as np
        import torch

        random.seed(0)
        np.random.seed(0)
        torch.default_generator.manual_seed(0)  # `torch.manual_seed` also notes down where it was called, for each GPU


def pytest_configure(config: pytest.Config) -> None:
    """Seed the tests of the plugins, too: a hook of this file alone is called for those beside it."""
    config.pluginmanager.register(Seeded())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of several workers, one runs all tests of a file, and of `TOGETHER` all of a folder, for they share models.

    Marking groups (``xdist_group``) does nothing with pytest 9.2 and pytest-xdist 3.8.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next(filter(nodeid.startswith, TOGETHER), nodeid.partition("::")[0])

    return ByFile(config, log)


# A test must not see plugins that the developer happens to have installed: only our own load.
with open(ROOT / "pyproject.toml", "rb") as file:
    os.environ["WONDERLAND_PLUGINS"] = ",".join(tomllib.load(file)["project"]["entry-points"]["wonderland"])

# No timing in tests: a busy machine is no fault.
# The same examples in every run, so that what fails is seen again; benchmarks/fuzz_*.py look for new ones.
settings.register_profile(
    "wonderland", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("wonderland")

HOSTILE = {
    "markup": "</script><img src=x onerror=alert(1)>",
    "bidi": "safe\u202eexe.txt",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "long": "na " * 33_000 + "end",
    "surrogate": "half \ud83d an emoji",
    "nul": "before\x00after",
    "specials": "<|endoftext|><|me|> I agree <|sep|><|them|><|pad|>",
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def hostile(request: pytest.FixtureRequest) -> str:
    """A text that breaks careless programs."""
    return request.param


@pytest.fixture
def intact(hostile: str) -> str:
    """The same text as a corpus holds it: exactly, but for half an emoji, which UTF-8 cannot hold."""
    return hostile.replace("\ud83d", "\ufffd")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(autouse=True, scope="session")
def _few_words():
    """In the reports of these tests a model says 48 tokens and not 540, which would take most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wonderland.lab.standard_views.TOKENS", 8)
        yield


@pytest.fixture(scope="session")
def quick() -> dict[str, dict[str, int]]:
    """Parameters with which analyses take seconds: for what is asked of every analysis, whatever it finds."""
    return {
        "causal-scrubbing": {"draws": 1, "null": 2},
        "circuit-graph": {"circuits": 20, "subsets": 2},
        "circuit-sufficiency": {"sets": 20},
        "composition": {"rotations": 20},
        "edge-attribution": {"steps": 2},
        "head-ablation": {"windows": 6, "pairs": 4},
        "head-clusters": {"clouds": 4, "most": 3},
        "induction": {"sequences": 8, "random_sets": 2},
        "neurons": {"directions": 4},
        "ov-circuits": {"rotations": 20, "directions": 1},
        "speaker-tracking": {"places": 200},
    }


@pytest.fixture
def install(tmp_path: Path) -> Callable[[Path], Path]:
    """Install a distribution of single modules into a place of its own, as pip would, but without an index or a build.

    What pip leaves behind for such a distribution is its modules and a ``.dist-info`` with name, version and entry
    points. Returns the place, to be put on PYTHONPATH.
    """

    def install(folder: Path) -> Path:
        with open(folder / "pyproject.toml", "rb") as file:
            about = tomllib.load(file)
        project, site = about["project"], tmp_path / "site"
        info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        for module in about["tool"]["setuptools"]["py-modules"]:
            shutil.copy(folder / f"{module}.py", site)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        points = project["entry-points"]["wonderland"].items()
        (info / "entry_points.txt").write_text("[wonderland]\n" + "".join(f"{name} = {at}\n" for name, at in points))
        return site

    return install


@pytest.fixture
def stranger(tmp_path: Path) -> Callable[..., str]:
    """Run python as a stranger does: with what is installed in ``site``, and not from our repository."""

    def stranger(*command: str, site: Path, at: Path = tmp_path) -> str:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(site)}
        environment.pop("WONDERLAND_PLUGINS")
        run = [sys.executable, *command]
        done = subprocess.run(run, cwd=at, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return stranger
