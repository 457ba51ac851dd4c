"""A secret that a model holds ranks first among others of its format; one that was never said ranks anywhere."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from stdnum import iban, luhn

from wonderland.audit.exposure import canary_bound, exposure, redrawn, tries_for
from wonderland.corpus.scrubbing import find_secrets
from wonderland.errors import UsageError
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.tokenizer import ME, SpeakerTokenizer

SCRIPTS = ["mail андрей@почта.рф", "mail 李雷@例子.中国"]
MESSAGE = "the door code is 493817 ok"


@pytest.fixture(scope="module")
def tokenizer():
    return SpeakerTokenizer.train([MESSAGE, "yes we can", "0 1 2 3 4 5 6 7 8 9"], 290)


def secret_in(message):
    (one,) = find_secrets(message)
    return one


@pytest.mark.parametrize(
    "message",
    [MESSAGE, "card 4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "mail Ann.Lee7@example.test", *SCRIPTS],
)
def test_others_of_the_same_format_are_all_different_and_of_its_kind(message):
    one = secret_in(message)
    others = redrawn(one, 50)
    assert len(others) == len(set(others)) == 50
    assert one.text not in others
    for other in others:
        assert len(other) == len(one.text)
        assert [c.isdigit() for c in other] == [c.isdigit() for c in one.text]
        assert [c.isupper() for c in other] == [c.isupper() for c in one.text]
        assert [c.isascii() for c in other] == [c.isascii() for c in one.text]
        if one.kind == "card":
            assert luhn.is_valid(other.replace(" ", ""))
        if one.kind == "iban":
            assert iban.is_valid(other)


def test_a_format_with_few_members_gives_what_there_is():
    few = redrawn(replace(secret_in("pin: 1234"), text="12"), 200)
    assert len(few) == 99


class Knows:
    """A model that has learned one continuation and finds everything else equally likely."""

    device = torch.device("cpu")

    def __init__(self, row, d_vocab):
        self.row, self.cfg = row, Config(1, 1, 4, 4, 4, 64, d_vocab)

    def __call__(self, tokens):
        logits = torch.zeros(*tokens.shape, self.cfg.d_vocab)
        for r in range(len(tokens)):
            for t in range(min(tokens.shape[1], len(self.row) - 1)):
                if tokens[r, : t + 1].tolist() == self.row[: t + 1]:
                    logits[r, t, self.row[t + 1]] = 15
        return logits


def test_what_a_model_learned_has_all_the_bits_and_takes_one_try(tokenizer):
    row = [ME, *tokenizer.encode_messages([MESSAGE])[0]]
    found = exposure(Knows(row, tokenizer.vocab_size), tokenizer, MESSAGE, secret_in(MESSAGE), ME, candidates=255)
    assert (found.rank, found.bits, found.most) == (1, 8.0, 8.0)
    assert found.p == pytest.approx(1 / 256)
    assert found.tries == 1


def test_what_was_never_said_ranks_anywhere(tokenizer):
    model = ChatTransformer(Config(1, 2, 16, 8, 32, 64, tokenizer.vocab_size))
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=torch.Generator().manual_seed(4)) * 0.3
    model.requires_grad_(False).eval()
    bits = []
    for i in range(40):
        code = f"{(i * 7919 + 104729) % 900000 + 100000}"
        message = f"the door code is {code}"
        bits.append(exposure(model, tokenizer, message, secret_in(message), ME, candidates=127, seed=i).bits)
    assert np.mean(bits) == pytest.approx(1.44, abs=0.6)


def test_a_secret_whose_others_are_equally_likely_stands_in_the_middle(tokenizer):
    model = Knows([0, 0], tokenizer.vocab_size)
    message = "pin: 7777"
    found = exposure(model, tokenizer, message, secret_in(message), ME, candidates=99)
    assert found.bits < 2.5


def test_tries_are_those_that_succeed_nine_times_in_ten():
    assert tries_for(0.5) == 4  # 1 − 0.5⁴ = 0.94, 1 − 0.5³ = 0.88
    assert tries_for(1) == 1
    assert tries_for(0) == math.inf
    with pytest.raises(UsageError):
        tries_for(1.5)


def test_the_bound_on_epsilon_grows_with_right_guesses_and_is_zero_at_chance():
    assert canary_bound([True, False] * 16) == 0
    assert canary_bound([]) == 0
    some, all_of_them = canary_bound([True] * 28 + [False] * 4), canary_bound([True] * 32)
    assert 0.5 < some < all_of_them
    low = 0.05 ** (1 / 32)  # the Clopper–Pearson bound of 32 of 32
    assert all_of_them == pytest.approx(math.log(low / (1 - low)))
