"""What the tests of the lab share: the hand-written model and its evidence."""

import pytest
import torch

from wonderland.lab.specimen import Specimen
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def specimen():
    """The hand-written model on conversations of several lengths, so that some rows are padded."""
    return Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(40, shortest=10))
