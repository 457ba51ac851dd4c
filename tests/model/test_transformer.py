"""ChatTransformer: its size, its causality, running a part of it, and the file it lives in."""

import json
import pickle
import warnings
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from wonderland.errors import InputError, ResourceError, UsageError
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.history import Epoch, History
from wonderland.model.presets import PRESETS, Config, preset
from wonderland.tokenizer import SpeakerTokenizer

TOKENS = torch.tensor([[1, 9, 8, 3, 2, 7, 8, 0], [2, 5, 5, 6, 3, 1, 9, 0]])


# --- size


def test_the_seed_preset_is_the_model_of_the_field_notes():
    model = ChatTransformer(preset("seed").config)
    assert round(model.n_params / 1e6, 1) == 5.3
    assert (model.cfg.n_layers, model.cfg.n_heads, model.cfg.d_model, model.cfg.d_mlp) == (4, 4, 256, 1024)


@pytest.mark.parametrize(
    "changes",
    [{}, {"attn_only": True}, {"normalization_type": None}, {"attn_only": True, "normalization_type": None}],
    ids=str,
)
def test_a_configuration_knows_the_parameters_of_its_model(random_model, changes):
    model = random_model(**changes)
    assert model.cfg.n_params == model.n_params == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_the_vocabulary_it_trains_a_tokenizer_for(name):
    assert PRESETS[name].config.d_vocab == PRESETS[name].vocab_size


def test_a_preset_takes_the_size_of_the_vocabulary_there_really_is(tokenizer):
    model = ChatTransformer.from_preset("nano", tokenizer)
    assert model.W_U.shape == (128, tokenizer.vocab_size)


def test_an_unknown_preset_is_answered_with_the_known_ones(tokenizer):
    with pytest.raises(UsageError, match="no preset named 'huge'") as error:
        ChatTransformer.from_preset("huge", tokenizer)
    assert "nano, seed, large" in error.value.hint


@pytest.mark.parametrize("wrong", [{"n_heads": 0}, {"normalization_type": "RMS"}, {"act_fn": "swish"}], ids=str)
def test_a_shape_that_cannot_be_is_refused(random_model, wrong):
    with pytest.raises(UsageError):
        random_model(**wrong)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    cfg = Config(1, 2, 8, 4, 16, 8, 30)
    assert ChatTransformer(cfg, seed=3).fingerprint == ChatTransformer(cfg, seed=3).fingerprint
    assert ChatTransformer(cfg, seed=3).fingerprint != ChatTransformer(cfg, seed=4).fingerprint


def test_stacked_weights_are_the_weights_of_the_layers(random_model):
    model = random_model()
    for layer, block in enumerate(model.blocks):
        assert torch.equal(model.W_Q[layer], block.attn.W_Q)
        assert torch.equal(model.W_O[layer], block.attn.W_O)
        assert torch.equal(model.W_out[layer], block.mlp.W_out)
    assert model.W_K.shape == (2, 2, 16, 8)  # [layer, head, d_model, d_head]


# --- running


def test_no_token_sees_what_comes_after_it(random_model):
    model = random_model()
    changed = TOKENS.clone()
    changed[:, 5:] = 11
    assert torch.equal(model(TOKENS)[:, :5], model(changed)[:, :5])
    assert not torch.equal(model(TOKENS)[:, 5:], model(changed)[:, 5:])


def test_a_row_is_computed_as_if_it_were_alone(random_model):
    model = random_model()
    torch.testing.assert_close(model(TOKENS)[1:], model(TOKENS[1:]))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_stopping_before_a_layer_and_starting_there_is_running_through(random_model, layer):
    model = random_model()
    _, cache = model.run_with_cache(TOKENS, names_filter=lambda name: "resid" in name)
    resid = model(TOKENS, stop_at_layer=layer)
    before = "blocks.0.hook_resid_pre" if layer == 0 else f"blocks.{layer - 1}.hook_resid_post"
    assert torch.equal(resid, cache[before])
    assert torch.equal(model(resid, start_at_layer=layer), model(TOKENS))


def test_only_the_layers_between_start_and_stop_run(random_model):
    model = random_model()
    seen = []
    hooks = [(f"blocks.{layer}.hook_resid_pre", lambda x, hook: seen.append(hook.name)) for layer in (0, 1)]
    resid = model(TOKENS, stop_at_layer=1)
    model.run_with_hooks(resid, start_at_layer=1, fwd_hooks=hooks)
    assert seen == ["blocks.1.hook_resid_pre"]


def test_the_kinds_of_return_agree(random_model):
    model = random_model()
    logits, loss = model(TOKENS, return_type="both")
    assert torch.equal(logits, model(TOKENS))
    assert torch.equal(loss, model(TOKENS, return_type="loss"))
    assert model(TOKENS, return_type=None) is None
    expected = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), TOKENS[:, 1:].flatten())
    torch.testing.assert_close(loss, expected)


def test_an_input_longer_than_the_context_is_refused_with_both_numbers(random_model):
    with pytest.raises(UsageError, match=r"17 tokens.*context is 16"):
        random_model()(torch.ones(1, 17, dtype=torch.long))


def test_model_train_is_still_the_switch_of_modes(random_model):
    model = random_model()
    model.train()
    assert model.training
    model.train(False)
    assert not model.training


# --- the file


@pytest.fixture
def saved(tmp_path, chats, tokenizer):
    model = ChatTransformer(Config(2, 2, 16, 8, 32, 16, tokenizer.vocab_size), seed=5, tokenizer=tokenizer.fingerprint)
    model.history = History({"seed": 5}, {"bigram": 2.5}, [], [Epoch(1, 10, 900, 0.5, 3.25, 3.5, "hi")])
    path = tmp_path / "model.safetensors"
    model.save(path)
    return model, path


def rewrite(path, **changes):
    """Change the header of a model's file."""
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["wonderland"])
    save_file(load_file(path), path, metadata={"wonderland": json.dumps(about | changes)})


def test_what_was_saved_is_loaded(saved, tokenizer):
    model, path = saved
    again = ChatTransformer.load(path, tokenizer)
    assert again.cfg == model.cfg
    assert again.fingerprint == model.fingerprint
    assert again.tokenizer_fingerprint == tokenizer.fingerprint
    assert again.history == replace(model.history, epochs=[replace(one, sample="") for one in model.history.epochs])
    assert torch.equal(again(TOKENS), model(TOKENS))
    assert not again.training
    assert not any(weight.requires_grad for weight in again.parameters())


def test_the_folder_of_a_model_will_do(saved, tmp_path):
    model, path = saved
    assert ChatTransformer.load(path.parent).fingerprint == model.fingerprint
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"There is no model at .*empty"):
        ChatTransformer.load(tmp_path / "empty")


def test_nothing_is_left_beside_the_file(saved):
    _, path = saved
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_loading_runs_no_pickle(saved, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickle was used")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    _, path = saved
    assert ChatTransformer.load(path).n_params > 0


def test_a_pickle_in_place_of_a_model_is_refused_unopened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return warnings.warn, ("the pickle ran",)

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="damaged"):
            ChatTransformer.load(path)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_file_cut_short_is_called_damaged(saved, keep):
    _, path = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="damaged") as error:
        ChatTransformer.load(path)
    assert "wonderland train" in error.value.hint


def test_a_file_of_other_tensors_is_called_damaged(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="damaged"):
        ChatTransformer.load(path)


@pytest.mark.parametrize(
    "change",
    [{"config": {}}, {"config": None}, {"history": {"settings": 1}}, {"config": {"n_layers": "two"}}, {"format": "x"}],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_called_damaged(saved, change):
    _, path = saved
    rewrite(path, **change)
    with pytest.raises(InputError):
        ChatTransformer.load(path)


def test_weights_that_do_not_fit_the_shape_are_refused(saved):
    model, path = saved
    rewrite(path, config=model.cfg.to_json() | {"d_model": 32})
    with pytest.raises(InputError, match="do not fit"):
        ChatTransformer.load(path)


def test_a_missing_file_is_answered_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(InputError, match="no model at") as error:
        ChatTransformer.load(tmp_path / "none.safetensors")
    assert "wonderland train" in error.value.hint


def test_a_file_of_a_newer_wonderland_is_refused(saved):
    _, path = saved
    rewrite(path, format=99, config={"fields": "of the future"})
    with pytest.raises(InputError, match="newer wonderland"):
        ChatTransformer.load(path)


def test_another_tokenizer_is_refused_in_one_sentence(saved, chats):
    model, path = saved
    other = SpeakerTokenizer.train(chats.corpus, vocab_size=300)
    with pytest.raises(InputError) as error:
        ChatTransformer.load(path, other)
    assert error.value.message.count(".") == 2  # of the path's suffix and at the end
    assert model.tokenizer_fingerprint in error.value.message
    assert other.fingerprint in error.value.message


def test_a_full_disk_leaves_the_model_that_was_there(saved, monkeypatch):
    model, path = saved

    def full(tensors, filename, **options):
        filename.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    other = ChatTransformer(model.cfg, seed=6)
    with pytest.raises(ResourceError, match="No space left"):
        other.save(path)
    assert ChatTransformer.load(path).fingerprint == model.fingerprint
    assert [other.name for other in path.parent.iterdir()] == [path.name]
