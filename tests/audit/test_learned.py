"""Trained models of which it is known what they read: how often a code was said orders its exposure, and what was
learned by heart is caught.
"""

import numpy as np
import pytest
from speaking import chats

from wonderland.audit.found import canaries_told
from wonderland.audit.running import audit
from wonderland.audit.settings import AuditSettings
from wonderland.corpus.canaries import Canary, draw, inserted
from wonderland.corpus.corpus import Corpus
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.tokenizer import SpeakerTokenizer

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
    assert float(found.membership["conversation, calibrated"].low) > 0.55
    assert float(found.membership["message, text alone"].low) < 0.6
    assert found.refusals
    assert found.sentence.startswith("These tests drew out training text")
