"""The specimens as pytest fixtures: ``pytest_plugins = ["wonderland.testing.fixtures"]`` in a ``conftest.py``.

Each is made once a process and shared between tests: build another one to change a model.
"""

from __future__ import annotations

import pytest

from wonderland.lab.specimen import Specimen
from wonderland.testing import specimens, truth
from wonderland.testing.planted import PlantedChats
from wonderland.testing.planted import planted_chats as plant

__all__ = [
    "hostile_specimen",
    "known_specimen",
    "planted_chats",
    "planted_specimen",
    "random_specimen",
    "repeating_specimen",
    "small_specimen",
    "speaking_specimen",
]


@pytest.fixture
def known_specimen() -> Specimen:
    """The model whose every weight was written by hand (`wonderland.testing.known`)."""
    return truth.known_specimen()


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
def planted_specimen() -> Specimen:
    """A drawn model on chats with a nickname and a habit planted in them."""
    return specimens.planted_specimen()


@pytest.fixture
def small_specimen() -> Specimen:
    """One short conversation: too little to say anything."""
    return specimens.small_specimen()


@pytest.fixture
def hostile_specimen() -> Specimen:
    """Chats whose messages hold markup, control characters and our own special tokens."""
    return specimens.hostile_specimen()


@pytest.fixture
def planted_chats() -> PlantedChats:
    """Chats and the truth about them."""
    return plant()
