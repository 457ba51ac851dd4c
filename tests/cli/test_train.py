"""`wonderland train`: what each option does, what is said on the way, and what each trouble ends with."""

import json
import re
import shutil
import signal

import pytest
import torch

import wonderland as wl
from wonderland.cli.main import run
from wonderland.model import gradient, training
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.workspace.workspace import Workspace

EPOCHS = ("--epochs", 2, "--batch-tokens", 1000)


@pytest.fixture
def train(untrained, monkeypatch, capsys):
    """Train a model that takes a second, and return what was printed."""
    small = Preset(Config(2, 2, 32, 16, 64, 64, 400), 400, 2, 1000, 1e-2, 1e-1, 2e-2)
    monkeypatch.setitem(PRESETS, "nano", small)

    def train(*options, code=0):
        capsys.readouterr()
        assert run(["train", "-w", str(untrained), "--device", "cpu", *map(str, options)]) == code
        return capsys.readouterr()

    return train


# -- what is said


def test_the_curve_is_read_against_chance_and_counting_per_token_and_per_byte(train, untrained, monkeypatch):
    monkeypatch.setattr(training, "_SECONDS_TO_TELL", 0.0)
    printed = train(*EPOCHS)
    rows = {line[:21].strip(" 12"): line.split() for line in printed.out.splitlines() if "nats a byte" in line}
    assert set(rows) == {"held-out messages", "training, epoch", "uniform", "unigram", "bigram", "trigram"}
    history = wl.ChatTransformer.load(untrained / "model" / "model.safetensors").history
    assert f"{history.held_out_loss:.3f}" in rows["held-out messages"]
    assert f"{history.held_out_loss / history.bytes_per_token:.2f}" in rows["held-out messages"]
    assert f"{history.baselines['trigram'] / history.bytes_per_token:.2f}" in rows["trigram"]
    each = history.epochs[history.best_epoch - 1].train_loss / history.train_bytes_per_token
    assert f"{each:.2f}" in rows["training, epoch"]
    assert "tokens/s" in printed.out
    assert "of the speed that cpu reaches in a large matrix product (100 GFLOP/s, fp32)" in printed.out
    each = history.epochs[-1].tokens / history.text_tokens
    assert f"on {history.epochs[-1].tokens:,} tokens, each token of text about {each:.2g} times" in printed.out


@pytest.mark.slow
def test_how_often_a_token_is_read_is_said_alike_before_and_after(train, untrained):
    """Short conversations are in fewer windows than window and stride alone would say."""
    workspace = Workspace(untrained)
    corpus, tokenizer = workspace.split()[0], workspace.tokenize()
    printed = train("--window-size", 8, "--stride", 2, *EPOCHS)
    text = sum(len(row) + 2 for row in tokenizer.encode_messages(list(corpus.texts)))
    history = wl.ChatTransformer.load(untrained / "model" / "model.safetensors").history
    assert text <= history.text_tokens < 1.01 * text  # a message cut in pieces has a speaker and an end in each
    before = float(re.search(r"each about ([\d.]+) times an epoch", printed.err)[1])
    after = float(re.search(r"each token of text about ([\d.]+) times", printed.out)[1])
    assert 0.85 < 2 * before / after < 1.15
    assert before < 4  # what the stride alone would say


def test_the_same_stands_in_the_json(train):
    history = json.loads(train("--json", *EPOCHS).out)["history"]
    assert set(history["baselines"]) == {"uniform", "unigram", "bigram", "trigram"}
    assert {"held_out_loss", "train_loss", "tokens", "seconds"} <= history["epochs"][0].keys()
    assert history["bytes_per_token"] > 1
    assert history["train_bytes_per_token"] > 1


def test_fewer_tokens_than_parameters_are_said_with_the_preset_that_fits(train, monkeypatch):
    shape = Config(2, 2, 48, 16, 64, 64, 400)
    monkeypatch.setitem(PRESETS, "seed", Preset(shape, 400, 1, 1000, 1e-2, 1e-1, 2e-2))
    error = train("--preset", "seed").err
    assert "under one token a parameter" in error
    assert " is the smallest there is: `wonderland train -w " in error  # of so little text no preset is said to fit
    assert " --preset nano`. The tutorial" in error
    again = train("--preset", "nano", "--seed", 2).err
    assert "under one token a parameter" in again
    assert " --preset " not in again


# -- what can be asked for


def test_models_on_the_way_are_kept_and_what_they_take_is_said_first(train, untrained):
    error = train("--snapshots", 4, *EPOCHS).err
    assert error.index("Keeping 4 models on the way takes") < error.index("epoch 1:")
    kept = sorted((untrained / "models" / "snapshots-of-seed-0").glob("*.safetensors"))
    assert len(kept) == 4
    last = wl.ChatTransformer.load(kept[-1])
    assert last.fingerprint == Workspace(untrained).load_model()[0].fingerprint


@pytest.mark.slow
def test_adamw_can_move_everything(train, untrained):
    muon = Workspace(untrained).train().fingerprint
    assert "optimiser = 'adamw'" in train("--optimiser", "adamw", *EPOCHS).err
    model, _ = Workspace(untrained).load_model()
    assert model.history.settings["optimiser"] == "adamw"
    assert model.history.settings["learning_rate"] == PRESETS["nano"].adamw_learning_rate
    assert model.fingerprint != muon


def test_overfitting_is_said_the_best_epoch_kept_and_patience_ends_it(train, untrained, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.2])
    monkeypatch.setattr(training, "evaluate", lambda *_, **__: next(losses))
    printed = train("--epochs", 9, "--patience", 2, "--batch-tokens", 1000)
    assert "held out 2.500 (worse than 2.000: it overfits)" in printed.err
    assert "after epoch 2 the held-out loss rose from 2.000 to 2.200" in printed.out
    history = Workspace(untrained).load_model()[0].history
    assert (len(history.epochs), history.best_epoch) == (4, 2)


# -- elsewhere


def test_what_the_how_to_copies_is_enough_to_train_on_another_machine(train, untrained, tmp_path, root):
    page = (root / "docs" / "how-to" / "rented-gpu.md").read_text(encoding="utf-8")
    (there,) = re.findall(r"rsync -azR (.*) gpu:me.wonderland$", page, flags=re.M)
    (back,) = re.findall(r"rsync -az (gpu:.*) \.$", page, flags=re.M)
    rented = tmp_path / "rented" / "me.wonderland"
    for name in there.split():
        copy(untrained / name, rented / name)
    assert not (rented / "people.json").exists()
    assert run(["train", "-q", "-w", str(rented), "--device", "cpu"]) == 0
    for name in back.replace("gpu:me.wonderland/", "").split():
        copy(rented / name, untrained / name)
    model, _ = Workspace(untrained).load_model()
    assert model.history.epochs
    assert run(["wipe", "-w", str(rented), "--yes"]) == 0
    assert not rented.exists()


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


# -- several seeds


@pytest.mark.slow
def test_one_seed_that_fails_does_not_lose_the_others(untrained, capsys):
    (untrained / "models").mkdir()
    (untrained / "models" / "seed-1.checkpoint").write_bytes(b"nothing")
    command = ["train", "-w", str(untrained), "--device", "cpu", "--seeds", "3", "--jobs", "2", "--epochs", "1"]
    assert run(command) == 3
    printed = capsys.readouterr()
    assert "Not trained: seed 1. Seed 1: The checkpoint" in printed.err
    assert "Trained are seeds 0, 2." in printed.err
    assert "rm " in printed.err
    assert "seed 0" in printed.out
    assert "seed 1" not in printed.out
    assert "n = 2" in printed.out

    (untrained / "models" / "seed-1.checkpoint").unlink()
    kept = {path: path.stat().st_mtime_ns for path in untrained.glob("models/seed-?/*")}
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["seeds"]) == {"0", "1", "2"}
    assert len({seed["fingerprint"] for seed in told["seeds"].values()}) == 3
    assert told["fingerprint"] == told["seeds"]["0"]["fingerprint"]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert sorted(path.name for path in untrained.glob("models/*")) == ["seed-0", "seed-1", "seed-2"]


@pytest.mark.slow
def test_ctrl_c_stops_all_seeds_and_the_same_command_goes_on(train, untrained, monkeypatch):
    gradient_of, taken = training.batch_gradient, []

    def interrupt_at_third(*arguments):
        taken.append(1)
        if len(taken) == 3:
            signal.raise_signal(signal.SIGINT)
        return gradient_of(*arguments)

    monkeypatch.setattr(training, "batch_gradient", interrupt_at_third)
    assert "every model's state is saved" in train("--seeds", 2, "--jobs", 1, *EPOCHS, code=130).err
    assert len(taken) == 3
    assert [path.name for path in untrained.glob("models/*")] == ["seed-0.checkpoint"]
    train("--seeds", 2, "--jobs", 1)
    assert sorted(path.name for path in untrained.glob("models/*")) == ["seed-0", "seed-1"]


# -- what can go wrong


@pytest.mark.slow
def test_when_memory_runs_out_less_is_tried_and_that_is_said(train, monkeypatch):
    computed = gradient.loss_sum

    def cramped(model, rows):
        if rows.numel() > 400:
            raise torch.OutOfMemoryError("out of memory")
        return computed(model, rows)

    monkeypatch.setattr(gradient, "loss_sum", cramped)
    monkeypatch.setattr(training, "evaluate", lambda *_, **__: 3.0)
    assert re.search(r"Out of memory at [\d,]+ tokens at once; trying [\d,]+\.", train(*EPOCHS).err)


def test_a_full_disk_keeps_the_checkpoint_before(train, untrained, monkeypatch):
    kept = stopped(train, untrained, monkeypatch)
    before = kept.read_bytes()

    def full(tensors, filename, **options):
        filename.write_bytes(b"half a checkpoint")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", full)
        error = train(code=5).err
    assert "No space left on device" in error
    assert "What was there before is untouched" in error
    assert kept.read_bytes() == before
    train()
    assert Workspace(untrained).stage("model").done


def test_a_run_that_was_stopped_is_begun_and_goes_on_as_status_says(train, untrained, monkeypatch, capsys):
    gradient_of = training.batch_gradient

    def interrupt_at_first(*arguments):
        signal.raise_signal(signal.SIGINT)
        return gradient_of(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "batch_gradient", interrupt_at_first)
        train("--epochs", 3, "--seed", 4, code=130)
    assert run(["status", "-w", str(untrained), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["stages"]["model"], told["next"]) == ("begun", f"wonderland train -w {untrained}")
    train()  # as it says, without the options
    assert len(Workspace(untrained).load_model()[0].history.epochs) == 3


def test_how_many_tokens_is_said_alike_before_and_after(train):
    printed = train("--window-size", 8, "--stride", 4, *EPOCHS)
    before = int(re.search(r"some ([\d,]+) in all", printed.err)[1].replace(",", ""))
    after = int(re.search(r"on ([\d,]+) tokens, each token", printed.out)[1].replace(",", ""))
    assert 0.97 < before / after < 1.03
    assert "some a minute" not in printed.err


def test_other_settings_are_refused_with_the_difference(train, untrained, monkeypatch):
    kept = stopped(train, untrained, monkeypatch)
    error = train("--epochs", 3, "--seed", 5, code=3).err
    assert "settings.epochs: 2 then, 3 now; settings.seed: 0 then, 5 now" in error
    assert f"rm {kept}" in error


def test_a_loss_that_is_no_number_is_said_with_what_to_type(train):
    error = train("--learning-rate", 1e30, "--embedding-learning-rate", 1e30, code=1).err
    assert "training diverged" in error
    assert "--learning-rate" in error


def stopped(train, workspace, monkeypatch):
    """Stop a run at its third step and return its checkpoint."""
    gradient_of, taken = training.batch_gradient, []

    def interrupt_at_third(*arguments):
        taken.append(1)
        if len(taken) == 3:
            signal.raise_signal(signal.SIGTERM)
        return gradient_of(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "batch_gradient", interrupt_at_third)
        train(*EPOCHS, code=143)
    return workspace / "training.checkpoint"
