"""The specimens as pytest fixtures: ``pytest_plugins = ["wonderland.testing.fixtures"]`` in a ``conftest.py``.

Each is made once a process and shared between tests: build another one to change a model.
"""

from __future__ import annotations

import pytest

from wonderland.lab.specimen import Specimen
from wonderland.testing import edge_cases, truth
from wonderland.testing.synthetic_chats import SyntheticChats
from wonderland.testing.synthetic_chats import synthetic_chats as plant

__all__ = [
    "handwritten_specimen",
    "hostile_specimen",
    "random_specimen",
    "repeating_specimen",
    "small_specimen",
    "speaking_specimen",
    "synthetic_chats",
    "synthetic_specimen",
]


@pytest.fixture
def handwritten_specimen() -> Specimen:
    """The model whose every weight was written by hand (`wonderland.testing.handwritten`)."""
    return truth.handwritten_specimen()


@pytest.fixture
def speaking_specimen() -> Specimen:
    """The same model, in which one head says who speaks."""
    return truth.speaking_specimen()


@pytest.fixture
def repeating_specimen() -> Specimen:
    """The same model on windows that repeat three words."""
    return truth.repeating_specimen()


@pytest.fixture
def random_specimen() -> Specimen:
    """A model whose every weight was drawn: nothing was planted in it."""
    return truth.random_specimen()


@pytest.fixture
def synthetic_specimen() -> Specimen:
    """A drawn model on chats with a nickname and a habit planted in them."""
    return edge_cases.synthetic_specimen()


@pytest.fixture
def small_specimen() -> Specimen:
    """One short conversation: too little to say anything."""
    return edge_cases.small_specimen()


@pytest.fixture
def hostile_specimen() -> Specimen:
    """Chats whose messages hold markup, control characters and our own special tokens."""
    return edge_cases.hostile_specimen()


@pytest.fixture
def synthetic_chats() -> SyntheticChats:
    """Chats and the truth about them."""
    return plant()
