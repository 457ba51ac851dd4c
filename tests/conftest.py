"""What the tests of the core share: texts nobody should be hurt by, and what a stranger would install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

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
        "speaker-tracking": {"places": 80},
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
