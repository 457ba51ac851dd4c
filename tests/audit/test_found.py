"""Secrets are counted and ranked; what a model holds of canaries bounds what it keeps of one message."""

import math

import numpy as np
import pytest
from speaking import Speaking

from wonderland.audit.forcing import spoken
from wonderland.audit.found import canaries_told, distinct, exposures, is_ranked, kinds_in, tries_told
from wonderland.corpus.canaries import Canary, draw

TEXTS = ["the code is 4821", "ok", "The code is 4821 again", "my pin: 7713", "mail a@b.test", "mail A@B.TEST"]


def test_a_secret_is_one_however_often_it_was_said():
    found = distinct(TEXTS, [True] * 6)
    assert [(one.secret.kind, one.times) for one in found] == [("code", 2), ("email", 2), ("code", 1)]
    assert found[0].message == TEXTS[0]
    assert "4821" not in repr(found)


def test_kinds_are_counted():
    assert kinds_in(TEXTS) == {"code": 3, "email": 2}


def test_the_secret_that_the_model_holds_ranks_first_and_the_other_does_not(tokenizer):
    rows = spoken(tokenizer, [TEXTS[0]], [True])
    held, other = exposures(
        Speaking(rows, tokenizer.vocab_size), tokenizer, distinct(TEXTS[:4], [True] * 4), candidates=99
    )
    assert (held["rank"], held["times"], held["tries"]) == (1, 2, 1)
    assert held["bits"] == held["most"] == pytest.approx(math.log2(100))
    assert held["q"] == pytest.approx(0.02)  # 1 of 100, of two tests
    assert other["rank"] > 10
    assert other["q"] > 0.05
    assert other["tries"] > 1000


def test_a_secret_without_fair_others_has_no_rank_and_the_rest_are_ranked(tokenizer):
    rows = spoken(tokenizer, ["mail a@b.test", "my pin: 7713"], [True] * 2)
    said = distinct(["mail a@b.test", "my pin: 7713"], [True] * 2)
    email, code = exposures(Speaking(rows, tokenizer.vocab_size), tokenizer, said, candidates=10)
    assert [is_ranked(row) for row in (email, code)] == [False, True]
    assert np.isnan([email[name] for name in ("bits", "most", "rank", "p", "q")]).all()
    assert email["tries"] == code["tries"] == 1
    assert code["q"] == code["p"] == pytest.approx(1 / 41)  # one test, as the other is none


def test_the_table_of_counts_has_not_read_the_messages_that_hold_the_secret(tokenizer):
    texts = ["THE code is 4821", "ok", "the code is 4821 again", "0 1 2 3 4 5 6 7 8 9", *["yes 4821"] * 50]
    rows = spoken(tokenizer, texts, [True] * len(texts))
    (row,) = exposures(
        Speaking(rows[:1], tokenizer.vocab_size, sure=2.0),
        tokenizer,
        distinct(texts[:1], [True]),
        texts=texts,
        rows=rows,
        candidates=99,
    )
    assert row["rank"] == 1
    assert row["q"] < 0.05
    known = [text.replace("4821", "7713") for text in texts]  # messages that seem not to hold it are counted
    (row,) = exposures(
        Speaking(rows[:1], tokenizer.vocab_size, sure=2.0),
        tokenizer,
        distinct(texts[:1], [True]),
        texts=known,
        rows=rows,
        candidates=99,
    )
    assert row["q"] > 0.05


def test_a_secret_longer_than_the_context_has_no_row(tokenizer):
    said = distinct(["my pin: 7713", "DE89 3704 0044 0532 0130 00"], [True] * 2)
    (row,) = exposures(Speaking([], tokenizer.vocab_size, n_ctx=10), tokenizer, said, candidates=10)
    assert row["kind"] == "code"


def test_there_are_twenty_others_for_each_secret(tokenizer):
    said = distinct([f"my pin: {8351 + i}" for i in range(4)], [True] * 4)
    found = exposures(Speaking([], tokenizer.vocab_size), tokenizer, said, candidates=10)
    assert {row["most"] for row in found} == {math.log2(81)}


def test_canaries_that_the_model_holds_bound_epsilon_and_others_do_not(tokenizer):
    canaries = draw(12, seed=3)
    put_in = [canary.text for canary in canaries if canary.times]
    model = Speaking(spoken(tokenizer, put_in, [True] * len(put_in)), tokenizer.vocab_size)
    told = canaries_told(model, tokenizer, canaries, candidates=20)
    assert told["guesses"] == 12
    assert told["right"] >= 12 - abs(len(put_in) - 6)
    assert told["epsilon"] > 0.5
    left_out, inserted = (row["bits"] for row in told["rows"])
    assert float(inserted.value) > 6
    assert float(left_out.low) < left_out.chance < float(left_out.high) + 1
    assert left_out.chance == pytest.approx(1.4427, abs=1e-3)
    blank = canaries_told(Speaking([], tokenizer.vocab_size), tokenizer, canaries, candidates=20)
    assert blank["epsilon"] == 0


def test_guesses_are_by_what_the_model_holds_not_by_the_coin(tokenizer):
    canaries = [Canary(canary.text, 1 - canary.times) for canary in draw(12, seed=3)]  # the wrong way round
    put_in = [canary.text for canary in canaries if not canary.times]
    model = Speaking(spoken(tokenizer, put_in, [True] * len(put_in)), tokenizer.vocab_size)
    assert canaries_told(model, tokenizer, canaries, candidates=20)["right"] <= abs(len(put_in) - 6)


def test_tries_are_said_as_people_say_them():
    assert [tries_told(n) for n in (1.0, 51_000.0, 2.3e8, np.inf)] == ["1", "51,000", "2×10⁸", "never"]
