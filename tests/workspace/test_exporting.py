"""The model goes to the transformers library with the same logits; results become tables with every number."""

import os

import pytest
import torch

import wonderland as wl
from wonderland.errors import Unsupported, UsageError
from wonderland.model.hf_export import save_gpt2
from wonderland.model.presets import Config
from wonderland.tokenizer import SPECIALS
from wonderland.workspace.exporting import _MARK, _mark, _no_formula, _only_an_export

SHAPE = {"n_layers": 2, "n_heads": 4, "d_model": 32, "d_head": 8, "d_mlp": 48, "n_ctx": 24}


@pytest.fixture(scope="module")
def tokenizer():
    return wl.SpeakerTokenizer.train(["are you free tomorrow", "yes I am", "what about tonight then"] * 9, 300)


@torch.no_grad()
def drawn(tokenizer, **shape):
    """A model with every weight drawn, norms and biases included: what is zero hides mistakes."""
    cfg = Config(**{**SHAPE, "d_vocab": tokenizer.vocab_size, **shape})
    model = wl.ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    return model.requires_grad_(False).eval()


@pytest.mark.parametrize(
    "shape", [{}, {"act_fn": "gelu_new"}, {"act_fn": "relu"}, {"attn_only": True}, {"eps": 0.1}, {"d_mlp": 32 * 4}]
)
def test_transformers_opens_the_folder_and_gives_the_same_logits(tokenizer, tmp_path, shape):
    import transformers

    model = drawn(tokenizer, **shape)
    save_gpt2(model, tokenizer, tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, local_files_only=True).eval()
    tokens = torch.randint(tokenizer.vocab_size, (3, 24), generator=torch.Generator().manual_seed(1))
    ours = model(tokens)
    with torch.no_grad():
        torch.testing.assert_close(theirs(tokens).logits, ours, rtol=0, atol=1e-5 * float(ours.abs().max()))
    assert not list(tmp_path.glob("*.bin"))


def test_its_tokenizer_keeps_speakers_whole_and_numbers_words_alike(tokenizer, tmp_path):
    import transformers

    save_gpt2(drawn(tokenizer), tokenizer, tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    prompt = "<|them|> are you free tomorrow?<|sep|><|me|> yes I am"
    assert theirs(prompt)["input_ids"] == tokenizer.encode_prompt(prompt)
    assert theirs.convert_tokens_to_ids(list(SPECIALS)) == [0, 1, 2, 3, 4]
    assert set(SPECIALS) <= set(theirs.all_special_tokens)
    asked = [{"role": "user", "content": "are you free"}]
    told = theirs.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert told == "<|them|> are you free<|sep|><|me|>"
    assert theirs.decode(theirs(prompt)["input_ids"]) == prompt


@pytest.mark.parametrize("writes", ["GPT2LMHeadModel", "PreTrainedTokenizerFast"])
def test_a_full_disk_is_one_whatever_the_library_calls_it(tokenizer, tmp_path, monkeypatch, writes):
    import transformers

    def full(*_, **__):
        raise Exception("No space left on device (os error 28)")

    monkeypatch.setattr(getattr(transformers, writes), "save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        save_gpt2(drawn(tokenizer), tokenizer, tmp_path)


@pytest.mark.parametrize(("shape", "said"), [({"normalization_type": None}, "has none"), ({"d_head": 4}, "as wide as")])
def test_what_gpt2_is_not_is_refused(tokenizer, tmp_path, shape, said):
    with pytest.raises(Unsupported, match=said):
        save_gpt2(drawn(tokenizer, **shape), tokenizer, tmp_path)


def test_a_text_that_a_spreadsheet_would_run_is_kept_from_it():
    assert _no_formula("=cmd|calc!A1") == "'=cmd|calc!A1"
    assert _no_formula("L0H1") == "L0H1"
    assert _no_formula(-1.5) == -1.5


@pytest.fixture
def exported(tmp_path):
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("1", encoding="utf-8")
    (folder / "sub" / "b.csv").write_text("2", encoding="utf-8")
    _mark(folder, {"results": []})
    return folder


def test_an_export_as_it_was_written_may_be_written_again(exported):
    _only_an_export(exported, "results")
    (exported / "a.csv").unlink()  # nothing is lost of what is gone
    _only_an_export(exported, "results")
    with pytest.raises(UsageError, match="an export of another kind"):
        _only_an_export(exported, "model")


@pytest.mark.parametrize("name", ["a.csv", "sub/b.csv"])
def test_a_file_of_an_export_that_was_changed_since_is_not_lost(exported, name):
    (exported / name).write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=rf"{name} was changed since it was written"):
        _only_an_export(exported, "results")


@pytest.mark.parametrize(
    "add",
    [
        lambda path: path.write_text("mine", encoding="utf-8"),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("a.csv"),
        lambda path: path.symlink_to("sub"),
        os.mkfifo,
    ],
    ids=["file", "folder", "broken link", "link", "link to a folder", "fifo"],
)
@pytest.mark.parametrize("name", ["mine", "sub/mine", "a.csv"])
def test_what_lies_in_an_export_and_is_none_of_it_is_not_lost(exported, name, add):
    (exported / "a.csv").unlink()
    add(exported / name)
    with pytest.raises(UsageError, match=f"{name}(, which| was changed since)"):
        _only_an_export(exported, "results")


@pytest.mark.parametrize(
    "text", ["[]", '"model"', '{"model": 1, "files": 5}', '{"model": 1, "files": ["a.csv"]}', "{", "7", "[" * 100_000]
)
def test_a_list_of_files_that_is_none_is_refused(exported, text):
    (exported / _MARK).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="says nothing of what was exported"):
        _only_an_export(exported, "model")
