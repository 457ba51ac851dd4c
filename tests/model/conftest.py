"""What the tests of the model share: models with random weights, chats with a known answer, a preset for seconds."""

import os
import signal

import pytest
import torch

from wonderland.model.chat_transformer import ChatTransformer, train
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tiny matrices are slower on several threads, and bit-equal runs need the same number of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def random_model():
    """A maker of models all of whose weights are random: at initialisation, what layers write is zero."""

    def make(seed=0, scale=0.4, **changes):
        shape = {"n_layers": 2, "n_heads": 2, "d_model": 16, "d_head": 8, "d_mlp": 32, "n_ctx": 16, "d_vocab": 30}
        model = ChatTransformer(Config(**shape | changes))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
        return model.requires_grad_(False).eval()

    return make


@pytest.fixture(scope="session")
def chats():
    return synthetic_chats()


@pytest.fixture(scope="session")
def tokenizer(chats):
    return SpeakerTokenizer.train(chats.corpus, vocab_size=320)


@pytest.fixture
def tiny(monkeypatch):
    """A preset that trains in a second."""
    monkeypatch.setitem(PRESETS, "tiny", Preset(Config(2, 2, 32, 16, 64, 64, 320), 320, 6, 512, 1e-2, 1e-1, 2e-2))
    return "tiny"


@pytest.fixture
def parts(chats):
    return chats.corpus.split(0.2)


@pytest.fixture
def short(tiny, parts, tokenizer):
    """A maker of one and the same short run."""

    def run(**changes):
        options = {"preset": tiny, "epochs": 2, "batch_tokens": 800, "seed": 7, "held_out": parts[1]}
        return train(changes.pop("corpus", parts[0]), tokenizer, **options | changes)

    return run


@pytest.fixture(scope="session")
def interrupt_after():
    """A maker of callbacks that press Ctrl-C after so many steps."""

    def at(step):
        seen = 0

        def on_progress(progress):
            nonlocal seen
            seen += progress.epoch is None
            if seen == step and progress.epoch is None:
                os.kill(os.getpid(), signal.SIGINT)

        return on_progress

    return at
