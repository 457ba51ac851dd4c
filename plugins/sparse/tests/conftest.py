"""One thread, as small dictionaries are no faster with more; and one pair of dictionaries for all tests."""

import pytest
import torch

from wonderland_sparse.dictionaries import SparseDictionaries
from wonderland_sparse.truths import QUICK, silent_specimen, speaking_specimen


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def speaking():
    return speaking_specimen()


@pytest.fixture(scope="session")
def silent():
    return silent_specimen()


@pytest.fixture(scope="session")
def result(speaking):
    return speaking.run(SparseDictionaries(**QUICK))
