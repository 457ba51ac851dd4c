"""The history says how fast a run was beside what the machine can do, and reads its losses per byte."""

import json

import pytest

from wonderland.model import training
from wonderland.model.history import History
from wonderland.model.peak_flops import peak_flops


def test_a_run_long_enough_to_tell_says_its_share_of_what_the_machine_can_do(short, monkeypatch):
    monkeypatch.setattr(training, "_SECONDS_TO_TELL", 0.0)
    monkeypatch.setattr(training, "peak_flops", lambda *_: 1e9)
    model = short()
    speed, last = model.history.speed, model.history.epochs[-1]
    assert speed.tokens_per_second == pytest.approx(last.tokens / last.seconds, rel=0.01)
    assert speed.utilisation == pytest.approx(6 * model.n_params * speed.tokens_per_second / 1e9)
    assert History.from_json(json.loads(json.dumps(model.history.to_json()))) == model.history


def test_the_rate_of_a_product_is_measured():
    assert 1e8 < peak_flops(rounds=1) < 1e15


def test_baselines_can_be_read_per_byte(short):
    history = short().history
    assert history.per_byte(history.baselines["trigram"]) == history.baselines["trigram"] / history.bytes_per_token
    assert History().per_byte(1.0) is None
