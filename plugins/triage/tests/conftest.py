"""The hand-built model under the microscope: six heads whose patterns are known."""

import pytest
import torch

from wonderland.testing.truth import handwritten_specimen


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def specimen():
    """Conversations of several lengths, so that rows of padding would spoil every mean they got into."""
    return handwritten_specimen()
