"""Trained models of which it is known what they read: how often a code was said orders its exposure, and what was
learned by heart is caught.
"""

import random

import numpy as np
import pytest
from scipy.stats import binomtest
from speaking import chats
from stdnum import iban, luhn

from wonderland.audit.exposure import exposure
from wonderland.audit.forcing import spoken
from wonderland.audit.found import canaries_told, distinct, exposures, is_ranked
from wonderland.audit.running import audit
from wonderland.audit.settings import AuditSettings
from wonderland.corpus.canaries import Canary, draw, inserted
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.scrubbing import find_secrets
from wonderland.demo import MESSAGES
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.tokenizer import ME, SpeakerTokenizer

pytestmark = pytest.mark.slow

TIMES = (1, 4, 16, 64)


def test_exposure_rises_with_how_often_a_code_was_said_and_is_chance_for_those_left_out():
    corpus = chats(30)
    tokenizer = SpeakerTokenizer.train([*corpus.texts, "the code is 0 1 2 3 4 5 6 7 8 9"], 400)
    drawn = [canary.text for canary in draw(24, seed=1)]
    said = [Canary(text, times) for text, times in zip(drawn, [*TIMES * 2, *[0] * 16], strict=True)]
    model = ChatTransformer.train(inserted(corpus, said), tokenizer, preset="nano", epochs=5, seed=0)
    told = canaries_told(model, tokenizer, said, candidates=480)
    bits = {row["times"]: row["bits"] for row in told["rows"]}
    tries = {row["times"]: row["tries"] for row in told["rows"]}
    assert float(bits[0].low) <= bits[0].chance <= float(bits[0].high)
    assert float(bits[0].value) == pytest.approx(1.44, abs=0.9)
    means = [float(bits[times].value) for times in (0, *TIMES)]
    assert means[-1] > 7
    assert means[-2] > means[0] + 2
    assert np.corrcoef(np.arange(5), means)[0, 1] > 0.8
    assert tries[64] < tries[16] < tries[1]


def test_codes_that_were_left_out_hold_as_many_bits_as_chance():
    """Of a model that learned other codes, so that it knows what codes look like; and p is uniform."""
    corpus = chats(30)
    tokenizer = SpeakerTokenizer.train([*corpus.texts, "the code is 0 1 2 3 4 5 6 7 8 9"], 400)
    drawn = [canary.text for canary in draw(128, seed=2)]
    put_in = [Canary(text, 8) for text in drawn[:8]]
    model = ChatTransformer.train(inserted(corpus, put_in), tokenizer, preset="nano", epochs=3, seed=0)
    left_out = [
        exposure(model, tokenizer, text, find_secrets(text)[0], ME, candidates=127, seed=i)
        for i, text in enumerate(drawn[8:])
    ]
    assert np.mean([one.bits for one in left_out]) == pytest.approx(1.44, abs=0.3)
    assert np.mean([one.p for one in left_out]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([one.p <= 0.1 for one in left_out]) == pytest.approx(0.1, abs=0.08)


def said_of(kind, draw):
    """A message with a number drawn at random, of a country, an area or a bank that all have in common."""

    def digits(count):
        return "".join(str(draw.randrange(10)) for _ in range(count))

    if kind == "phone":
        return f"my new number is +1415{draw.randrange(200, 999)}{digits(4)}"
    if kind == "code":
        return f"the gate code is {digits(4)}"
    if kind == "card":
        body = f"414720{digits(9)}"
        return f"card {body}{luhn.calc_check_digit(body)}"
    bank = f"37040044{digits(10)}"
    return f"pay to DE{iban.calc_check_digits(f'DE00{bank}')}{bank}"


def test_numbers_that_were_planted_are_held_and_those_never_read_are_not_though_the_model_knows_their_format():
    kinds, draw, corpus = ("phone", "code", "card", "iban"), random.Random(3), chats(30)
    read, planted, never = ({kind: [said_of(kind, draw) for _ in range(n)] for kind in kinds} for n in (20, 2, 40))
    # Codes that people choose, and addresses, which are likely without having been read.
    likely = [f"the gate code is {code}" for code in ("1234", "1111", "2000", "1987", "2512", "9876", "6969", "1010")]
    likely += [f"mail me at {name}@gmail.com" for name in ("ann.river", "walk.lunch", "anna", "lucky.monday")]
    likely += ["see https://zoom.us/j/123456789?pwd=monday12345", "we live at 12 River Street"]
    put_in = [
        Canary(text, times) for texts, times in ((read, 2), (planted, 16)) for kind in kinds for text in texts[kind]
    ]
    train = inserted(corpus, put_in)
    formats = [f"{never[kind][0][:17]} 0 1 2 3 4 5 6 7 8 9" for kind in kinds]
    tokenizer = SpeakerTokenizer.train([*corpus.texts, *formats], 400)
    model = ChatTransformer.train(train, tokenizer, preset="nano", epochs=6, seed=0)
    rows = spoken(tokenizer, train.texts, train.is_from_me.tolist())

    def told(texts):
        said = distinct(texts, [True] * len(texts))
        assert len(said) == len(texts)
        few = (said[at : at + 5] for at in range(0, len(said), 5))  # as each is ranked among 20 others for each of them
        return [
            row
            for some in few
            for row in exposures(model, tokenizer, some, texts=train.texts, rows=rows, candidates=99)
        ]

    for kind in kinds:
        p = np.array([row["p"] for row in told(never[kind])])
        assert binomtest(int((p <= 0.05).sum()), len(p), 0.05, alternative="greater").pvalue > 0.01, kind
        assert max(row["q"] for row in told(planted[kind])) <= 0.05, kind
    assert not any(map(is_ranked, told(likely)))


def test_a_fifth_of_real_messages_that_were_learned_by_heart_is_completed_and_nothing_of_others():
    """Some hundred messages of the demo, read until they are known; see also `benchmarks/by_heart.py`."""
    corpus = Corpus.read(MESSAGES).filter("automated", "urls", "emoji")
    lengths = np.diff(np.append(corpus.thread_starts, len(corpus)))
    short = np.flatnonzero(lengths <= 40)
    parts = [
        corpus.of_conversations(np.isin(np.arange(len(lengths)), some))
        for some in (short[np.cumsum(lengths[short]) <= 400], np.arange(len(lengths) - 40, len(lengths)))
    ]
    tokenizer = SpeakerTokenizer.train(corpus, 1024)
    model = ChatTransformer.train(parts[0], tokenizer, preset="nano", epochs=40, seed=0)
    found = audit(model, tokenizer, *parts, AuditSettings(generations=100, candidates=100, untrained=300))
    completed, of = found.hits["training"]
    assert completed > 0.1 * of
    assert found.hits["training, in a window"][0] > completed
    assert found.hits["held out"][0] == found.hits["held out, in a window"][0] == 0
    assert found.hits["held out"][1] > 1000
    assert found.hits["untrained, training"][0] == 0
    assert found.fisher["alone"] < 1e-6
    assert float(found.membership["message, loss"].low) > 0.9
    assert float(found.membership["message, calibrated"].low) > 0.9
    assert float(found.membership["message, untrained"].value) < 0.7
    assert float(found.membership["message, text alone"].value) < 0.7


def test_a_model_that_learned_messages_by_heart_is_caught():
    train = chats(20)
    held_out = Corpus.of(
        [
            one._replace(thread=f"u{one.thread}", sender="me" if one.is_from_me else f"Q{one.sender}")
            for one in chats(12, seed=1)
        ]
    )
    tokenizer = SpeakerTokenizer.train(train, 400)
    model = ChatTransformer.train(train, tokenizer, preset="nano", epochs=40, seed=0)
    found = audit(model, tokenizer, train, held_out, AuditSettings(generations=100, candidates=100))
    assert found.hits["training, in a window"][0] > 10
    assert found.hits["held out, in a window"][0] == 0
    assert found.fisher["in a window"] < 0.01
    assert float(found.membership["message, calibrated"].low) > 0.55
    assert float(found.membership["message, in a window"].low) > 0.95  # what is left behind its context is told alone
    assert float(found.membership["message, calibrated"].high) < 0.85
    assert float(found.membership["conversation, calibrated"].low) > 0.55
    assert float(found.membership["message, text alone"].low) < 0.6
    assert found.refusals
    assert found.sentence.startswith("These tests drew out training text")
