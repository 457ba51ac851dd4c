"""Folders of SAELens: one it wrote is read as it reads it, and what does not fit is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import wonderland as wl
import wonderland_sparse
from wonderland_sparse.dictionary import Dictionary, Transcoder
from wonderland_sparse.exchange import _CONFIG, _WEIGHTS, write

THEIRS = Path(__file__).parent / "saelens"
"""Written by SAELens 6.54.12, with what it makes of some vectors."""


def drawn(latents=12, d=8):
    random = torch.Generator().manual_seed(1)
    W_dec = torch.randn(latents, d, generator=random)
    W_dec /= W_dec.norm(dim=1, keepdim=True)
    b_enc, b_dec, threshold = (torch.randn(n, generator=random) for n in (latents, d, latents))
    return Dictionary(torch.randn(latents, d, generator=random), b_enc, W_dec, b_dec, threshold.abs())


ABOUT = {"tokens": "keep", "layer": 2, "context": 64, "model_name": "mine"}


@pytest.fixture
def folder(tmp_path):
    return write(drawn(), tmp_path / "ours", **ABOUT)


def test_what_is_written_is_read_again(folder):
    found = wonderland_sparse.read(folder)
    assert (found.layer, found.model_name, found.context) == (2, "mine", 64)
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(2))
    ours, again = drawn(), found.dictionary
    assert torch.allclose(ours.encode(x), again.encode(x), atol=1e-5)
    assert torch.allclose(ours.decode(ours.encode(x)), again.decode(again.encode(x)), atol=1e-5)


def test_fields_are_those_of_the_format(folder):
    config, theirs = (json.loads((one / _CONFIG).read_text()) for one in (folder, THEIRS))
    weights, their_weights = (load_file(one / _WEIGHTS) for one in (folder, THEIRS))
    assert {name: part.shape for name, part in weights.items()} == {n: p.shape for n, p in their_weights.items()}
    assert all(part.dtype == np.float32 for part in weights.values())
    assert config.keys() <= theirs.keys()
    assert config["metadata"].keys() <= theirs["metadata"].keys()
    assert config["architecture"] == "jumprelu"
    assert config["metadata"]["hook_name"] == "blocks.2.hook_resid_post"


def test_what_saelens_wrote_is_read_as_it_reads_it():
    expected = load_file(THEIRS / "expected.safetensors")
    one = wonderland_sparse.read(THEIRS).dictionary
    x = torch.from_numpy(expected["x"])
    f = one.encode(x)
    np.testing.assert_array_equal(f.numpy() > 0, expected["f"] > 0)
    np.testing.assert_allclose(one.decode(f).numpy(), expected["x_hat"], atol=1e-5)
    assert torch.allclose(one.W_dec.norm(dim=1), torch.ones(one.latents), atol=1e-6)


def test_an_input_that_nothing_is_taken_off_is_read_so(folder):
    config = json.loads((folder / _CONFIG).read_text())
    (folder / _CONFIG).write_text(json.dumps({**config, "apply_b_dec_to_input": False}))
    parts = load_file(folder / _WEIGHTS)
    x = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    z = x @ parts["W_enc"] + parts["b_enc"]
    expected = np.where(z > parts["threshold"], z, 0)
    found = wonderland_sparse.read(folder).dictionary.encode(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def across(latents=12, d_in=8, d_out=6):
    random = torch.Generator().manual_seed(3)
    W_dec = torch.randn(latents, d_out, generator=random)
    W_dec /= W_dec.norm(dim=1, keepdim=True)
    b_enc, b_dec, threshold = (torch.randn(n, generator=random) for n in (latents, d_out, latents))
    return Transcoder(torch.randn(latents, d_in, generator=random), b_enc, W_dec, b_dec, threshold.abs())


@pytest.fixture
def transcoded(tmp_path):
    return write(across(), tmp_path / "across", **ABOUT)


def test_a_transcoder_that_is_written_is_read_again(transcoded):
    found = wonderland_sparse.read(transcoded)
    assert (type(found.dictionary), found.layer, found.context) == (Transcoder, 2, 64)
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(2))
    ours, again = across(), found.dictionary
    assert torch.allclose(ours.encode(x), again.encode(x), atol=1e-5)
    assert ours.decode(ours.encode(x)).shape == (50, 6)
    assert torch.allclose(ours.decode(ours.encode(x)), again.decode(again.encode(x)), atol=1e-5)


def test_fields_of_a_transcoder_are_those_of_the_format(transcoded):
    """SAELens 6.54: `JumpReLUTranscoderConfig`, and the hooks its loaders name."""
    config = json.loads((transcoded / _CONFIG).read_text())
    assert config == {
        "architecture": "jumprelu_transcoder",
        "d_in": 8,
        "d_sae": 12,
        "d_out": 6,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": False,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": "6.54.12",
            "model_name": "mine",
            "hook_name": "blocks.2.ln2.hook_normalized",
            "hook_name_out": "blocks.2.hook_mlp_out",
            "hook_head_index": None,
            "context_size": 64,
            "prepend_bos": False,
        },
    }
    shapes = {name: part.shape for name, part in load_file(transcoded / _WEIGHTS).items()}
    assert shapes == {"W_enc": (8, 12), "b_enc": (12,), "W_dec": (12, 6), "b_dec": (6,), "threshold": (12,)}


@pytest.mark.parametrize("kind", ["transcoder", "jumprelu_transcoder"])
def test_a_transcoder_written_by_hand_is_read_as_the_format_says(transcoded, kind):
    """relu(x·W_enc + b_enc), and 0 up to the threshold where there is one; then f·W_dec + b_dec."""
    random = np.random.default_rng(4)
    shapes = {"W_enc": (8, 12), "b_enc": (12,), "W_dec": (12, 6), "b_dec": (6,), "threshold": (12,)}
    parts = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    parts["threshold"] = np.abs(parts["threshold"])
    config = json.loads((transcoded / _CONFIG).read_text()) | {"architecture": kind}
    least = parts["threshold"]
    if kind == "transcoder":
        del parts["threshold"]
        least = 0
    save_file(parts, transcoded / _WEIGHTS)
    (transcoded / _CONFIG).write_text(json.dumps(config))
    x = random.normal(size=(40, 8)).astype(np.float32)
    z = x @ parts["W_enc"] + parts["b_enc"]
    expected = np.where(z > least, np.maximum(z, 0), 0) @ parts["W_dec"] + parts["b_dec"]
    one = wonderland_sparse.read(transcoded).dictionary
    np.testing.assert_allclose(one.decode(one.encode(torch.from_numpy(x))).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "skip_transcoder"}, "linear part"),
        ({"architecture": "jumprelu_skip_transcoder"}, "linear part"),
        ({"apply_b_dec_to_input": True}, "taken off its input"),
        ({"d_out": 8}, "has the shape"),
        ({"d_out": None}, "cannot be read"),
        ({"hook_name": "blocks.2.hook_mlp_in"}, "after its norm"),
        ({"hook_name": "blocks.2.hook_resid_post"}, "after its norm"),
        ({"hook_name_out": "blocks.1.hook_mlp_out"}, "blocks.1.hook_mlp_out"),
        ({"hook_name_out": None}, "without a name"),
    ],
)
def test_a_transcoder_of_something_else_is_refused(transcoded, change, message):
    config = json.loads((transcoded / _CONFIG).read_text())
    of_hooks = {name: value for name, value in change.items() if name.startswith("hook")}
    config |= {name: value for name, value in change.items() if name not in of_hooks}
    config["metadata"] |= of_hooks
    (transcoded / _CONFIG).write_text(json.dumps(config))
    with pytest.raises(wl.InputError, match=message):
        wonderland_sparse.read(transcoded)


def test_a_dictionary_is_no_transcoder(folder, transcoded):
    config = json.loads((folder / _CONFIG).read_text())
    (folder / _CONFIG).write_text(json.dumps(config | {"architecture": "transcoder", "apply_b_dec_to_input": False}))
    with pytest.raises(wl.InputError, match="after its norm"):
        wonderland_sparse.read(folder)
    config = json.loads((transcoded / _CONFIG).read_text())
    (transcoded / _CONFIG).write_text(json.dumps(config | {"architecture": "jumprelu"}))
    with pytest.raises(wl.InputError, match="not of a residual stream"):
        wonderland_sparse.read(transcoded)


def test_a_context_dictionary_is_not_written(tmp_path):
    with pytest.raises(wl.UsageError, match="table of token means") as error:
        write(drawn(), tmp_path / "ours", **{**ABOUT, "tokens": "subtract"})
    assert "--tokens keep" in error.value.hint
    assert not (tmp_path / "ours").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(wl.UsageError, match="something else"):
        write(drawn(), tmp_path, **ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": {"hook_name": "blocks.2.hook_mlp_out"}}, "not of a residual stream"),
        ({"metadata": {}}, "without a name"),
        ({"architecture": "gated"}, "kind 'gated'"),
        ({"normalize_activations": "layer_norm"}, "normalize_activations"),
        ({"d_sae": 13}, "has the shape"),
        ({"d_in": "many"}, "cannot be read"),
    ],
)
def test_a_config_that_says_something_else_is_refused(folder, change, message):
    config = json.loads((folder / _CONFIG).read_text())
    (folder / _CONFIG).write_text(json.dumps({**config, **change}))
    with pytest.raises(wl.InputError, match=message):
        wonderland_sparse.read(folder)


WRONG = (
    None,
    True,
    False,
    -1,
    0,
    3.5,
    float("inf"),
    float("nan"),
    10**40,
    "",
    "x" * 5000,
    [],
    ["jumprelu"],
    {},
    {"a": 1},
)
_HERE = {"dtype", "device", "sae_lens_version", "prepend_bos"}
"""Fields that say nothing of how the numbers are read."""


@pytest.mark.parametrize("kind", ["standard", "jumprelu", "transcoder", "jumprelu_transcoder"])
def test_no_field_of_another_type_is_read_in_part(folder, transcoded, kind):
    one = transcoded if "transcoder" in kind else folder
    config = json.loads((one / _CONFIG).read_text()) | {"architecture": kind}
    (one / _CONFIG).write_text(json.dumps(config))
    whole = wonderland_sparse.read(one)
    taken, words = set(), []
    for name in [*config, *config["metadata"]]:
        inside = name in config["metadata"]
        for value in (*WRONG, f"blocks.{'9' * 5000}.hook_resid_post", f"blocks.{'9' * 5000}.ln2.hook_normalized"):
            changed = {**config["metadata"], name: value} if inside else value
            (one / _CONFIG).write_text(json.dumps({**config, "metadata" if inside else name: changed}))
            try:
                found = wonderland_sparse.read(one)
            except wl.InputError as error:
                words.append(error)
                continue
            if name not in _HERE:
                taken.add((name, str(value)[:8]))
            assert found.layer == whole.layer
    assert all(error.hint and len(error.message) < 700 for error in words)
    names, sizes = {"", "xxxxxxxx", "blocks.9"}, {"None", "0", str(10**40)[:8]}
    fine = {("model_name", value) for value in names} | {("context_size", value) for value in sizes}
    fine |= {("hook_head_index", "None")} | {(f"{what}_activations", "None") for what in ("normalize", "reshape")}
    assert taken <= fine | {("apply_b_dec_to_input", value) for value in ("True", "False")}


@pytest.mark.parametrize(
    ("change", "message"),
    [({"hook_head_index": 3}, "of one head"), ({"context_size": "64"}, "context_size"), ({"model_name": [1]}, "name")],
)
def test_what_the_metadata_say_is_heeded(folder, change, message):
    config = json.loads((folder / _CONFIG).read_text())
    config["metadata"] |= change
    (folder / _CONFIG).write_text(json.dumps(config))
    with pytest.raises(wl.InputError, match=message):
        wonderland_sparse.read(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(folder, value):
    parts = load_file(folder / _WEIGHTS)
    parts["W_dec"][3, 1] = value
    save_file(parts, folder / _WEIGHTS)
    with pytest.raises(wl.InputError, match="not finite"):
        wonderland_sparse.read(folder)


def test_a_direction_without_length_and_a_missing_part_are_refused(folder):
    parts = load_file(folder / _WEIGHTS)
    save_file({**parts, "W_dec": np.zeros_like(parts["W_dec"])}, folder / _WEIGHTS)
    with pytest.raises(wl.InputError, match="no length"):
        wonderland_sparse.read(folder)
    save_file({name: part for name, part in parts.items() if name != "b_enc"}, folder / _WEIGHTS)
    with pytest.raises(wl.InputError, match="b_enc"):
        wonderland_sparse.read(folder)


def test_a_pickle_is_never_opened(folder):
    shutil.move(folder / _WEIGHTS, folder / "sae_weights.pt")
    with pytest.raises(wl.InputError, match=r"sae_weights\.pt, which could run code"):
        wonderland_sparse.read(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_broken_config_is_an_error_in_words(folder, text):
    (folder / _CONFIG).write_text(text)
    with pytest.raises(wl.InputError, match="no readable"):
        wonderland_sparse.read(folder)


def test_broken_weights_are_an_error_in_words(folder):
    (folder / _WEIGHTS).write_bytes(b"\x80\x04pickle")
    with pytest.raises(wl.InputError, match="cannot be read"):
        wonderland_sparse.read(folder)
