"""What is put before a model with the right tokens given says what decoding would give."""

import itertools
import math

import numpy as np
import pytest
import torch

from wonderland.audit.forcing import force, spoken
from wonderland.errors import UsageError
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.generate import generate
from wonderland.model.presets import Config
from wonderland.tokenizer import SpeakerTokenizer

SENTENCE = "the boat leaves at nine tomorrow"


class Reciter:
    """A model that says one sequence of tokens whatever stood before, and anything else with equal probability."""

    device = torch.device("cpu")

    def __init__(self, tokens, d_vocab, n_ctx=32, sure=20.0):
        self.cfg = Config(1, 1, 4, 4, 4, n_ctx, d_vocab)
        self.after = dict(itertools.pairwise(tokens))
        self.sure = sure

    def __call__(self, tokens):
        logits = torch.zeros(*tokens.shape, self.cfg.d_vocab)
        for token, following in self.after.items():
            logits[..., following] += self.sure * (tokens == token)
        return logits


@pytest.fixture(scope="module")
def tokenizer():
    return SpeakerTokenizer.train([SENTENCE, "nothing of the kind ever happened"], 300)


@pytest.fixture(scope="module")
def rows(tokenizer):
    return spoken(tokenizer, [SENTENCE, "nothing of the kind ever happened", "yes"], [True, False, True])


def test_a_model_that_continues_one_sentence_completes_exactly_that_one(tokenizer, rows):
    forced = force(Reciter(rows[0], tokenizer.vocab_size), rows)
    assert forced.completed(4, 4).tolist()[:2] == [1.0, 0.0]
    assert math.isnan(forced.completed(4, 4)[2])
    p = forced.suffix_probability(4, 4)
    assert p[0] > 0.99
    assert p[1] == pytest.approx(tokenizer.vocab_size ** -(len(rows[1]) - 1 - 4), rel=0.2)


def test_completed_is_what_greedy_decoding_gives(tokenizer):
    model = ChatTransformer(Config(1, 2, 8, 4, 16, 32, tokenizer.vocab_size))
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    model.requires_grad_(False).eval()
    said = generate(model, tokenizer, "<|me|> the", temperature=0, max_tokens=14)
    row = [*said.prompt, *said.tokens]
    forced = force(model, [row, [*row[:-1], (row[-1] + 1) % 100 + 5]])
    given = len(said.prompt) - 1
    assert forced.completed(given, 4).tolist() == [1.0, 0.0]


def test_losses_are_those_of_the_model_whatever_stands_beside_them(tokenizer, rows):
    model = ChatTransformer(Config(1, 2, 8, 4, 16, 32, tokenizer.vocab_size)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(2))
        together = force(model, rows)
        for row, losses in zip(rows, together.losses, strict=True):
            logp = model(torch.tensor([row]))[0].log_softmax(-1)
            expected = [-float(logp[i, token]) for i, token in enumerate(row[1:])]
            assert np.allclose(losses, expected, atol=1e-5)


def test_a_context_stands_before_the_message_and_is_cut_at_its_beginning(tokenizer, rows):
    model = Reciter([7, rows[2][1]], tokenizer.vocab_size, n_ctx=len(rows[2]) + 1)
    alone = force(model, [rows[2]])
    behind = force(model, [rows[2]], contexts=[[5, 6, 7]])
    assert [len(losses) for losses in (alone.losses[0], behind.losses[0])] == [len(rows[2]) - 1] * 2
    model.after = {7: rows[2][0]}
    assert np.allclose(force(model, [rows[2]], contexts=[[5, 6, 7]]).losses[0], alone.losses[0])


def test_a_message_longer_than_the_context_is_refused_and_one_that_fits_is_whole(tokenizer, rows):
    fits = Reciter(rows[0], tokenizer.vocab_size, n_ctx=len(rows[0]))
    assert len(force(fits, [rows[0]], contexts=[[5, 6]]).losses[0]) == len(rows[0]) - 1
    with pytest.raises(UsageError, match="does not fit"):
        force(Reciter(rows[0], tokenizer.vocab_size, n_ctx=len(rows[0]) - 1), [rows[0]])
