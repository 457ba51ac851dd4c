"""The training curve: what it draws, and what it says beside it."""

from wonderland.model.history import Epoch, History, Point, Speed
from wonderland.report.training_curve import training_curve

EPOCHS = [Epoch(1, 10, 1_000_000, 30.0, 4.0, 3.5, "hi"), Epoch(2, 20, 2_000_000, 60.0, 3.0, 3.75, "ho")]
BASELINES = {"uniform": 7.6, "unigram": 6.1, "bigram": 4.2, "trigram": 4.0}


def history(**more):
    return History({}, BASELINES, [Point(500_000, 15.0, 5.0), Point(2_000_000, 60.0, 3.0)], EPOCHS, **more)


def test_train_and_held_out_losses_stand_over_the_tokens_seen_between_the_tables_of_counts():
    view = training_curve(history())
    train, held_out = view.data["series"]
    assert (train["x"], train["y"]) == ([0.5, 2.0], [5.0, 3.0])
    assert (held_out["x"], held_out["y"]) == ([1.0, 2.0], [3.5, 3.75])
    assert [line["name"] for line in view.data["references"]] == ["unigram", "bigram", "trigram"]
    assert "A uniform guess would have 7.60." in view.caption


def test_bytes_time_speed_and_overfitting_are_said():
    speed = Speed(33_333.3, 0.42, 1e11, "cpu", "fp32", 2, 1)
    caption = training_curve(history(bytes_per_token=2.5, speed=speed)).caption
    assert "The model's 3.50 nats a held-out token are 1.40 nats a byte." in caption
    assert "2,000,000 tokens in 60 s." in caption
    assert "33,333 tokens a second, 42% of the speed that 2 × cpu reaches in a large matrix product." in caption
    assert "after epoch 1 the held-out loss rose from 3.500 to 3.750" in caption


def test_nothing_is_said_that_was_not_measured():
    caption = training_curve(History(points=[Point(1, 1.0, 5.0)])).caption
    assert "byte" not in caption
    assert "second" not in caption
    assert "uniform" not in caption
