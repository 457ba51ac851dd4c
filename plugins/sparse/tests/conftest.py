"""One thread, as small dictionaries are no faster with more; and one pair of dictionaries for all tests."""

import pytest
import torch

import wonderland as wl
from wonderland.testing.handwritten import handwritten_speaker_corpus, handwritten_speaker_model, handwritten_tokenizer
from wonderland_sparse.circuits import SparseCircuits
from wonderland_sparse.dictionaries import SparseDictionaries
from wonderland_sparse.features import SparseFeatures
from wonderland_sparse.truths import QUICK, speaking_specimen


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def speaking():
    return speaking_specimen()


@pytest.fixture
def shorter(monkeypatch):
    """The model of `speaking` with less text to train on than is asked for, and enough to find who speaks in it."""
    monkeypatch.setattr("wonderland_sparse.streams.LEAST_TOKENS", 1_000)
    evidence, train = handwritten_speaker_corpus(60, seed=2), handwritten_speaker_corpus(400, seed=1)
    return wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), evidence, background=train)


@pytest.fixture
def small(monkeypatch):
    """The same model with less text than is asked for, where it is about how it runs and not about what it finds."""
    monkeypatch.setattr("wonderland_sparse.streams.LEAST_TOKENS", 1_000)
    model, tokenizer = handwritten_speaker_model(), handwritten_tokenizer()
    held_out, train = handwritten_speaker_corpus(12, seed=2), handwritten_speaker_corpus(110, seed=1)
    return wl.Specimen(model, tokenizer, held_out, background=train)


@pytest.fixture(scope="session")
def untrained():
    return speaking_specimen().untrained()


@pytest.fixture(scope="session")
def result(speaking):
    return speaking.run(SparseDictionaries(**QUICK))


@pytest.fixture(scope="session")
def found(speaking, result):
    given = {"sparse-dictionaries": result}
    results = wl.analyze(speaking, SparseFeatures(effects=8, listed=6), SparseCircuits(pairs=24), given=given)
    return results["sparse-features"], results["sparse-circuits"]
