"""Models of several seeds and snapshots, made once for all tests."""

import pytest
import torch

import wonderland as wl
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland.testing.trained_models import chat_tokenizer, chats_of_kind, trained_chats, trained_induction_seeds


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def toys():
    """Three models that learned to continue repetitions: two by induction heads, seed 1 by another way."""
    return trained_induction_seeds(3, 40)


@pytest.fixture(scope="session")
def drawn():
    """Three models of drawn weights on conversations, with MLPs."""
    first = wl.Specimen(random_model(0, n_layers=2), handwritten_tokenizer(), handwritten_corpus(12), windows=24)
    return wl.Cohort("seeds", {str(seed): first.with_model(random_model(seed)) for seed in range(3)})


@pytest.fixture(scope="session")
def growing():
    """Nine snapshots on the way from drawn weights to a model of the planted chats: nearly all comes in one step."""
    train, held_out = chats_of_kind("planted").corpus.split(held_out=0.15)
    model = trained_chats().model
    last = wl.Specimen(model, chat_tokenizer(), held_out, windows=40, background=train)
    begin = last.untrained().model
    shares = (0.0, 0.0, 0.01, 0.01, 0.02, 0.02, 0.98, 1.0, 1.0)
    members = {f"tokens-{i}": last.with_model(_between(begin, last.model, share)) for i, share in enumerate(shares)}
    return wl.Cohort("snapshots", members, at=[0, 10, 20, 40, 80, 160, 320, 640, 1280])


def _between(one, other, share):
    import copy

    model = copy.deepcopy(other)
    ours, theirs = dict(one.named_parameters()), dict(other.named_parameters())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_((1 - share) * ours[name] + share * theirs[name])
    return model
