"""What every test shares: the plugins it sees, and the texts nobody should be hurt by."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

# A test must not see plugins that the developer happens to have installed: only our own load.
with open(ROOT / "pyproject.toml", "rb") as file:
    os.environ["WONDERLAND_PLUGINS"] = ",".join(tomllib.load(file)["project"]["entry-points"]["wonderland"])

settings.register_profile("wonderland", deadline=None)  # no timing in tests: a busy machine is no fault
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
