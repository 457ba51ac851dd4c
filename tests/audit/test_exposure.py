"""A secret that a model holds ranks first among others of its format; one that was never said ranks anywhere."""

import math
import re
from dataclasses import replace
from itertools import pairwise

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

MESSAGE = "the door code is 493817 ok"


@pytest.fixture(scope="module")
def tokenizer():
    return SpeakerTokenizer.train([MESSAGE, "yes we can", "0 1 2 3 4 5 6 7 8 9"], 290)


def secret_in(message):
    (one,) = find_secrets(message)
    return one


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE,
        "call (+44 20) 7946 0958",
        "call +1 415-555-2671",
        "card 4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
    ],
)
def test_others_of_the_same_format_are_all_different_and_of_its_kind(message):
    one = secret_in(message)
    others = redrawn(one, 50)
    assert len(others) == len(set(others)) == 50
    assert one.text not in others
    for other in others:
        assert re.sub(r"\d", "0", other) == re.sub(r"\d", "0", one.text)
        if one.kind != "code":  # its country, area or bank is known to whoever read other numbers
            kept = [*filter(str.isdigit, one.text)][4 * (one.kind == "iban") : -4 - (one.kind == "card")]
            assert [*filter(str.isdigit, other)][4 * (one.kind == "iban") :][: len(kept)] == kept
        if one.kind == "card":
            assert luhn.is_valid(other.replace(" ", ""))
        if one.kind == "iban":
            assert iban.is_valid(other)


@pytest.mark.parametrize(
    "message",
    [
        "mail ann.lee7@gmail.com",
        "see https://zoom.us/j/8492716053?pwd=aB3xY9",
        "we live at 221 Baker Street",
        *(f"the gate code is {code}" for code in ("1987", "2015", "2512", "1231", "1234", "987654", "6969")),
    ],
)
def test_what_has_no_fair_others_has_no_rank_and_still_its_tries(tokenizer, message):
    one = secret_in(message)
    assert redrawn(one, 50) == []
    row = [ME, *tokenizer.encode_messages([message])[0]]
    for model, tries in ((Knows(row, tokenizer.vocab_size), 1), (Knows([0, 0], tokenizer.vocab_size), 1e9)):
        found = exposure(model, tokenizer, message, one, ME, candidates=20)
        assert np.isnan([found.bits, found.most, found.rank, found.p]).all()
        assert found.tries == 1 if tries == 1 else found.tries > tries


def test_a_code_that_looks_drawn_is_ranked_among_others_that_do_too_and_one_known_to_be_drawn_among_all():
    looks_chosen = re.compile(r"(19|20)..|(.)\2*")
    one = secret_in("the gate code is 8351")
    assert not [*filter(looks_chosen.fullmatch, redrawn(one, 500))]
    assert [*filter(looks_chosen.fullmatch, redrawn(one, 500, at_random=True))]
    assert len(redrawn(secret_in("the gate code is 1234"), 50, at_random=True)) == 50


def test_a_format_with_few_members_gives_what_there_is():
    few = redrawn(replace(secret_in("pin: 1234"), text="12"), 200, at_random=True)
    assert len(few) == 99


class Knows:
    """A model that has learned one continuation and finds everything else equally likely."""

    device = torch.device("cpu")

    def __init__(self, row, d_vocab, n_ctx=64, sure=15):
        self.row, self.cfg, self.sure = row, Config(1, 1, 4, 4, 4, n_ctx, d_vocab), sure

    def __call__(self, tokens):
        logits = torch.zeros(*tokens.shape, self.cfg.d_vocab)
        for r in range(len(tokens)):
            for t in range(min(tokens.shape[1], len(self.row) - 1)):
                if tokens[r, : t + 1].tolist() == self.row[: t + 1]:
                    logits[r, t, self.row[t + 1]] = self.sure
        return logits


class Follows(Knows):
    """A model that knows which token follows each of a few, wherever they stand."""

    def __call__(self, tokens):
        logits = torch.zeros(*tokens.shape, self.cfg.d_vocab)
        for token, following in pairwise(self.row):
            logits[..., following] += self.sure * (tokens == token)
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
    message = "pin: 7746"
    found = exposure(model, tokenizer, message, secret_in(message), ME, candidates=99)
    assert found.bits < 2.5


def test_what_a_table_of_counts_finds_likelier_still_is_not_held(tokenizer):
    row = [ME, *tokenizer.encode_messages([MESSAGE])[0]]
    model = Knows(row, tokenizer.vocab_size, sure=0.5)  # a little likelier than the others
    options = {"candidates": 255, "seed": 1}
    assert exposure(model, tokenizer, MESSAGE, secret_in(MESSAGE), ME, **options).p == pytest.approx(1 / 256)
    found = exposure(model, tokenizer, MESSAGE, secret_in(MESSAGE), ME, counted=[np.array(row)] * 50, **options)
    assert found.p > 0.5
    others = [np.array([ME, *ids]) for ids in tokenizer.encode_messages(["yes we can", "0 1 2 3 4 5 6 7 8 9"])]
    found = exposure(
        Knows(row, tokenizer.vocab_size), tokenizer, MESSAGE, secret_in(MESSAGE), ME, counted=others, **options
    )
    assert found.p == pytest.approx(1 / 256)  # beyond both


def test_a_secret_behind_the_context_is_examined_whole(tokenizer):
    """What does not fit is cut off before it: scored on nothing it would have probability 1."""
    message = "yes we can " * 40 + MESSAGE
    digits = tokenizer.encode_messages([secret_in(MESSAGE).text])[0]
    for text in (MESSAGE, message):
        found = exposure(Knows([0, 0], tokenizer.vocab_size), tokenizer, text, secret_in(text), ME, candidates=40)
        assert found.probability == pytest.approx(tokenizer.vocab_size ** -float(len(digits)))
    told = tokenizer.encode_messages([message[: secret_in(message).stop]])[0][-len(digits) - 1 :]
    held = exposure(Follows(told, tokenizer.vocab_size), tokenizer, message, secret_in(message), ME, candidates=127)
    assert (held.rank, held.tries) == (1, 1)


def test_a_secret_that_does_not_fit_the_context_is_not_examined(tokenizer):
    one = secret_in(MESSAGE)
    longest = max(map(len, tokenizer.encode_messages([one.text, *redrawn(one, 40)])))
    found = exposure(Knows([0, 0], tokenizer.vocab_size, longest + 1), tokenizer, MESSAGE, one, ME, candidates=40)
    assert found.probability < 1e-6
    with pytest.raises(UsageError, match="does not fit"):
        exposure(Knows([0, 0], tokenizer.vocab_size, longest), tokenizer, MESSAGE, one, ME, candidates=40)


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
