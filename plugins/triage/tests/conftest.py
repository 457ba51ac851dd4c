"""The hand-built model under the microscope: six heads whose patterns are known."""

import pytest
import torch

import wonderland as wl
from wonderland.testing.known import known_corpus, known_model, known_tokenizer


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def specimen():
    """Conversations of several lengths, so that rows of padding would spoil every mean they got into."""
    return wl.Specimen(known_model(), known_tokenizer(), known_corpus(40, shortest=10))
