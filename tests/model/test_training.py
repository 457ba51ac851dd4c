"""Training: it learns what was planted, and a run that was stopped in whatever way goes on as if it had not been."""

import json
import random
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.errors import InputError, Interrupted, NotEnoughData, ResourceError, UsageError, WonderlandError
from wonderland.model import gradient, tensor_file, training
from wonderland.model.chat_transformer import train
from wonderland.model.training import evaluate
from wonderland.tokenizer import PAD

STEPS = 25  # of the short run below, in two epochs


def weights(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- it learns


@pytest.fixture(scope="module")
def made():
    """Models that several tests look at and none changes."""
    return {}


@pytest.fixture
def whole(short, made):
    """The run that nothing interrupts, made once: the same settings give the same weights."""
    if "whole" not in made:
        made["whole"] = short()
    return made["whole"]


@pytest.fixture
def learned(tiny, parts, tokenizer, made):
    """A model that was trained for long enough to know the chats."""
    if "learned" not in made:
        made["learned"] = train(parts[0], tokenizer, held_out=parts[1], preset=tiny, epochs=8)
    return made["learned"]


def test_a_tiny_model_learns_more_from_planted_chats_than_any_table_of_counts(learned):
    history = learned.history
    assert history.held_out_loss < history.baselines["trigram"] - 0.1
    assert history.baselines["trigram"] < history.baselines["bigram"]
    losses = [epoch.held_out_loss for epoch in history.epochs]
    assert losses[-1] < losses[0]


def test_the_planted_habit_is_what_the_model_says(learned, chats, tokenizer):
    said = [str(learned.generate(tokenizer, f"<|them|> {q}<|sep|>", temperature=0)) for q in chats.habit]
    right = sum(answer == expected for answer, expected in zip(said, chats.habit.values(), strict=True))
    assert right >= len(chats.habit) - 1


def test_the_history_says_what_happened(short, parts):
    seen = []
    model = short(on_progress=seen.append)
    history = model.history
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    assert set(history.baselines) == {"uniform", "unigram", "bigram", "trigram"}
    assert history.settings["seed"] == 7
    assert history.settings["learning_rate"] == 1e-2  # the preset's, in place of 0
    assert seen[-1].tokens == seen[-1].all_tokens == history.epochs[-1].tokens
    steps = [progress for progress in seen if progress.epoch is None]
    assert len(steps) == history.epochs[-1].step
    assert [progress.epoch for progress in seen if progress.epoch is not None] == history.epochs
    total = sum(point.loss for point in history.points)
    assert total / len(history.points) == pytest.approx(sum(epoch.train_loss for epoch in history.epochs) / 2, rel=0.1)


def test_the_held_out_loss_in_the_history_is_the_one_the_model_has(whole, parts, tokenizer):
    windows = pack(parts[1], tokenizer, size=8, stride=8, context=64)
    by_hand = tokens = 0.0
    for row in windows:
        by_hand += float(whole(torch.from_numpy(row)[None], return_type="loss")) * (len(row) - 1)
        tokens += len(row) - 1
    assert evaluate(whole, windows) == pytest.approx(by_hand / tokens, rel=1e-5)
    assert whole.history.held_out_loss == pytest.approx(by_hand / tokens, rel=1e-5)


def test_every_epoch_shows_every_window_once_in_another_order(short, parts, tokenizer, monkeypatch):
    computed, shown = training.batch_gradient, []

    def watched(model, batch, *rest):
        shown.append([tuple(int(token) for token in row if token != PAD) for row in batch.rows])
        return computed(model, batch, *rest)

    monkeypatch.setattr(training, "batch_gradient", watched)
    steps = short().history.epochs[0].step
    windows = sorted(tuple(row) for row in pack(parts[0], tokenizer, context=64))
    for epoch in (shown[:steps], shown[steps:]):
        assert sorted(row for batch in epoch for row in batch) == windows
    assert shown[:steps] != shown[steps:]


def test_without_held_out_conversations_there_is_no_held_out_loss(short):
    history = short(held_out=None).history
    assert history.held_out_loss is None
    assert history.baselines == {}


def test_the_model_that_comes_back_is_ready_to_look_into(whole, tokenizer):
    assert not whole.training
    assert not any(weight.requires_grad for weight in whole.parameters())
    assert whole.tokenizer_fingerprint == tokenizer.fingerprint


def test_the_same_settings_give_the_same_weights_and_another_seed_others(short, whole):
    assert same(weights(whole), weights(short()))
    assert not same(weights(whole), weights(short(seed=8)))


def test_looking_at_progress_or_saving_changes_nothing(short, whole, tmp_path):
    assert same(weights(whole), weights(short(on_progress=print, checkpoint=tmp_path / "checkpoint")))


# --- it stops and goes on


DRAWN = sorted(random.Random(0).sample(range(2, STEPS), 3))


@pytest.mark.parametrize("step", [DRAWN[1], *(pytest.param(one, marks=pytest.mark.slow) for one in (1, *DRAWN[::2]))])
def test_an_interrupted_run_goes_on_to_the_same_weights(short, whole, tmp_path, step, interrupt_after):
    path = tmp_path / "checkpoint"
    with pytest.raises(Interrupted, match="saved in") as stopped:
        short(checkpoint=path, on_progress=interrupt_after(step))
    assert stopped.value.exit_code == 130
    resumed = []
    model = short(checkpoint=path, on_progress=resumed.append)
    assert same(weights(model), weights(whole))
    steps = sum(progress.epoch is None for progress in resumed)
    assert steps == whole.history.epochs[-1].step - step  # it went on, not back to the start
    kept, full = model.history, whole.history
    assert [(e.step, e.train_loss, e.held_out_loss, e.sample) for e in kept.epochs] == [
        (e.step, e.train_loss, e.held_out_loss, e.sample) for e in full.epochs
    ]
    assert [(p.tokens, p.loss) for p in kept.points] == [(p.tokens, p.loss) for p in full.points]


def test_a_run_interrupted_at_the_end_of_an_epoch_measures_that_epoch_when_it_goes_on(
    short, whole, tmp_path, interrupt_after
):
    path, epochs = tmp_path / "checkpoint", whole.history.epochs
    with pytest.raises(Interrupted):
        short(checkpoint=path, on_progress=interrupt_after(epochs[0].step))
    model = short(checkpoint=path)
    assert [epoch.held_out_loss for epoch in model.history.epochs] == [e.held_out_loss for e in epochs]


@pytest.mark.slow
def test_a_run_interrupted_again_and_again_goes_on_each_time(short, whole, tmp_path, interrupt_after):
    path = tmp_path / "checkpoint"
    for _ in range(3):
        with pytest.raises(Interrupted):
            short(checkpoint=path, on_progress=interrupt_after(4))
    assert same(weights(short(checkpoint=path)), weights(whole))


def test_the_signal_handler_is_given_back(short, interrupt_after):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(Interrupted, match="nothing was saved"):
        short(on_progress=interrupt_after(2))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_finished_run_is_not_run_again(short, tmp_path):
    path = tmp_path / "checkpoint"
    model = short(checkpoint=path)
    seen = []
    again = short(checkpoint=path, on_progress=seen.append)
    assert seen == []
    assert same(weights(again), weights(model))
    assert again.history == model.history


KILLED = """
import sys
import torch
torch.set_num_threads(1)
from wonderland.model import gradient, training
from wonderland.model.chat_transformer import train
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer

PRESETS["tiny"] = Preset(Config(2, 2, 32, 16, 64, 64, 320), 320, 6, 512, 1e-2, 1e-1, 2e-2)
training._CHECKPOINT_SECONDS = 0.0  # after every step
corpus = synthetic_chats().corpus
tokenizer = SpeakerTokenizer.train(corpus, vocab_size=320)
part, held_out = corpus.split(0.2)
train(part, tokenizer, held_out=held_out, preset="tiny", epochs=2, batch_tokens=800, seed=7,
      checkpoint=sys.argv[1], on_progress=lambda at: print(at.tokens, flush=True))
"""


@pytest.mark.slow
def test_a_run_killed_without_warning_goes_on_to_the_same_weights(short, tmp_path):
    path = tmp_path / "checkpoint"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for _ in range(9):
            assert run.stdout.readline(), "the run ended before it could be killed"
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert run.returncode == -signal.SIGKILL
    resumed = []
    model = short(checkpoint=path, on_progress=resumed.append)
    whole = short()
    assert same(weights(model), weights(whole))
    assert 0 < len(resumed) < whole.history.epochs[-1].step + 2


# --- it refuses


@pytest.fixture
def stopped_run(short, interrupt_after):
    """A run that was stopped after three steps, with its state saved in a file."""

    def stop(path):
        with pytest.raises(Interrupted):
            short(checkpoint=path, on_progress=interrupt_after(3))

    return stop


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"seed": 8}, "settings.seed: 7 then, 8 now"),
        ({"batch_tokens": 700}, "settings.batch_tokens: 800 then, 700 now"),
        ({"epochs": 3}, "settings.epochs: 2 then, 3 now"),
    ],
    ids=str,
)
def test_going_on_with_other_settings_is_refused_and_the_difference_named(
    short, tmp_path, change, difference, stopped_run
):
    path = tmp_path / "checkpoint"
    stopped_run(path)
    with pytest.raises(InputError) as error:
        short(checkpoint=path, **change)
    assert difference in error.value.message
    assert "settings.learning_rate" not in error.value.message  # what is the same is not listed
    assert f"rm {path}" in error.value.hint


def test_going_on_with_other_conversations_is_refused_even_if_there_are_as_many(short, chats, tmp_path, stopped_run):
    path = tmp_path / "checkpoint"
    stopped_run(path)
    train_on, held_out = chats.shuffled().corpus.split(0.2)  # the same texts, said by others
    with pytest.raises(InputError, match="held-out windows"):
        short(checkpoint=path, held_out=held_out)
    with pytest.raises(InputError, match="training windows"):
        short(checkpoint=path, corpus=train_on)


def test_a_damaged_checkpoint_is_refused_with_the_way_out(short, tmp_path, stopped_run):
    path = tmp_path / "checkpoint"
    stopped_run(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged") as error:
        short(checkpoint=path)
    assert f"rm {path}" in error.value.hint


def test_a_checkpoint_of_another_format_is_refused(short, tmp_path, stopped_run):
    path = tmp_path / "checkpoint"
    stopped_run(path)
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["wonderland"])
    save_file(load_file(path), path, metadata={"wonderland": json.dumps(about | {"format": 99})})
    with pytest.raises(InputError, match="another format"):
        short(checkpoint=path)


def test_a_model_in_place_of_the_checkpoint_is_refused_with_the_way_out(short, tmp_path, whole):
    path = tmp_path / "checkpoint"
    tensor_file.write(path, {"format": 1}, weights(whole), what="model")
    with pytest.raises(InputError, match="is no checkpoint of a training run") as error:
        short(checkpoint=path)
    assert f"rm {path}" in error.value.hint


def test_a_full_disk_leaves_the_checkpoint_before_and_training_goes_on_from_it(
    short, whole, tmp_path, monkeypatch, stopped_run
):
    path = tmp_path / "checkpoint"
    stopped_run(path)
    before = path.read_bytes()

    def full(tensors, filename, **options):
        filename.write_bytes(b"half a checkpoint")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", full)
        patch.setattr(training, "_CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(ResourceError, match="No space left on device"):
            short(checkpoint=path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert same(weights(short(checkpoint=path)), weights(whole))


def test_a_loss_that_is_no_number_stops_the_run_with_what_to_change(short, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    whole = gradient.loss_sum
    calls = 0

    def diverges(model, rows):
        nonlocal calls
        calls += 1
        loss, count = whole(model, rows)
        return (loss * float("nan") if calls == 5 else loss), count

    monkeypatch.setattr(gradient, "loss_sum", diverges)
    with pytest.raises(WonderlandError, match="nan at step 4: training diverged") as error:
        short(checkpoint=path)
    assert "--learning-rate" in error.value.hint


def test_learning_rates_far_too_high_end_in_that_error(short):
    with pytest.raises(WonderlandError, match="training diverged"):
        short(learning_rate=1e30, embedding_learning_rate=1e30)


@pytest.mark.parametrize("held_out", [True, False])
def test_a_run_of_one_batch_an_epoch_that_diverges_in_its_last_step_says_so(tiny, parts, tokenizer, held_out):
    """No loss is taken after the last step: it is the weights, the held-out loss or the sample that tells."""
    rates = {"learning_rate": 1e30, "embedding_learning_rate": 1e30, "muon_learning_rate": 1e30}
    options = {"epochs": 1, "batch_tokens": 10**6, "held_out": parts[1] if held_out else None}
    with pytest.raises(WonderlandError, match=r"at step 1: training diverged") as error:
        train(parts[0], tokenizer, preset=tiny, **options, **rates)
    assert "--learning-rate" in error.value.hint


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ("weights", r"The weights ln_final\.w are no longer finite at step"),
        ("held-out loss", "The held-out loss became nan at step"),
        ("answers", "The model's answers are no longer finite at step"),
    ],
)
def test_what_is_no_number_at_the_end_of_an_epoch_stops_the_run(short, monkeypatch, spoiled, said):
    nan, forward = float("nan"), wl.ChatTransformer.forward

    def lost(model, tokens, *rest, **options):
        return forward(model, tokens, *rest, **options) * (nan if len(tokens) == 1 else 1)

    if spoiled == "weights":
        monkeypatch.setattr(wl.ChatTransformer, "not_finite", "ln_final.w")
    elif spoiled == "held-out loss":
        monkeypatch.setattr(training, "evaluate", lambda *arguments, **options: nan)
    else:
        monkeypatch.setattr(wl.ChatTransformer, "forward", lost)
        monkeypatch.setattr(training, "evaluate", lambda *arguments, **options: 1.0)
    with pytest.raises(WonderlandError, match=said) as error:
        short()
    assert "training diverged" in error.value.message
    assert "--learning-rate" in error.value.hint


def test_a_mean_over_no_token_is_no_perfect_loss(tiny, parts, tokenizer):
    """In windows of one token nothing is predicted."""
    model = wl.ChatTransformer.from_preset(tiny, tokenizer)
    windows = pack(parts[1], tokenizer)
    nothing = replace(windows, stop=windows.start)
    assert set(nothing.lengths.tolist()) <= {0, 1}
    with pytest.raises(NotEnoughData, match="held-out part has no window of two tokens"):
        evaluate(model, nothing)


def test_a_corpus_without_two_tokens_in_a_row_is_too_little(tiny, tokenizer):
    with pytest.raises(NotEnoughData):
        train(wl.Corpus.of([]), tokenizer, preset=tiny)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"preset": "huge"}, "no preset named 'huge'"),
        ({"learn_rate": 1}, "learn_rate"),
        ({"epochs": -1}, "epochs is positive, or 0 for the preset's value, not -1.\nFor the preset's value: epochs=0"),
        ({"stride": 0}, "stride is positive, not 0.\nFor the usual value: stride=4"),
        ({"weight_decay": float("nan")}, "weight_decay is a finite number, not nan.\n.*weight_decay=0.1"),
        ({"seed": 2**31}, "seed is at most 2,147,483,647, not 2,147,483,648.\n.*seed=0"),
        ({"canaries": 1001}, "not 1,001.\n.*canaries=1000"),
        ({"optimiser": "sgd"}, "no optimiser named 'sgd'"),
        ({"precision": "fp8"}, "no precision named 'fp8'"),
        ({"patience": -1}, "patience is 0 or more, not -1.\n.*patience=0"),
        ({"snapshots": 3}, "Snapshots need a folder"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(parts, tokenizer, settings, complaint):
    with pytest.raises(UsageError, match=complaint):
        train(parts[0], tokenizer, **settings)


def test_a_loss_can_be_read_per_byte():
    from wonderland.testing.synthetic_chats import synthetic_chats

    corpus = synthetic_chats().corpus
    tokenizer = wl.SpeakerTokenizer.train(corpus, 300)
    windows = pack(corpus, tokenizer, size=8, stride=8)
    # The text of every message after a space, less nothing: a window's first token is a speaker, which has no bytes.
    written = sum(len(f" {text}".encode()) for text in corpus.texts)
    predicted = int((windows.lengths - 1).sum())
    assert training.bytes_per_token(windows, tokenizer) == pytest.approx(written / predicted)
