"""What the tests of the lab share: the hand-built model under the microscope."""

import sys
from pathlib import Path

import pytest
import torch

from wonderland.lab.specimen import Specimen
from wonderland.testing.known import known_corpus, known_model, known_tokenizer

sys.path.insert(0, str(Path(__file__).parent))  # bridges.py, which several modules use


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def specimen():
    """The known model on conversations of several lengths, so that some rows are padded."""
    return Specimen(known_model(), known_tokenizer(), known_corpus(40, shortest=10))
