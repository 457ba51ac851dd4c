"""Models whose causes are known, under the microscope."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.lab.evidence import Evidence
from wonderland.testing.known import (
    known_corpus,
    known_model,
    known_speaker_corpus,
    known_speaker_model,
    known_tokenizer,
)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def repeating():
    """The known model on 24 windows that repeat three words, two from each of twelve conversations."""
    specimen = wl.Specimen(known_model(), known_tokenizer(), known_corpus(4))
    random = np.random.default_rng(0)
    tokens = np.stack([np.tile(5 + random.permutation(19)[:3], 16) for _ in range(24)])
    specimen.evidence = Evidence(tokens, np.full(24, 48), np.repeat(np.arange(12), 2))
    return specimen


@pytest.fixture(scope="session")
def speaking():
    """The known model in which one head says who speaks, on conversations of several lengths."""
    return wl.Specimen(known_speaker_model(), known_tokenizer(), known_speaker_corpus())
