"""Models whose causes are known, under the microscope."""

import pytest
import torch

from wonderland.testing.truth import repeating_specimen, speaking_specimen


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def repeating():
    """The known model on 24 windows that repeat three words, two from each of twelve conversations."""
    return repeating_specimen()


@pytest.fixture(scope="session")
def speaking():
    """The known model in which one head says who speaks."""
    return speaking_specimen()
