"""The scripts of the how-to run as they stand, are short, and use nothing private."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
import torch
from tokenizers import pre_tokenizers

import wonderland as wl
from wonderland.testing.handwritten import handwritten_speaker_model
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.testing.truth import speaking_specimen

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "five-scripts.md"
PARTS = dict(re.findall(r"^## (.+?)$.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S | re.M))


class Opened:
    """Stands for a workspace whose model was written by hand."""

    def __init__(self, folder: str) -> None:
        assert folder == "me.wonderland"

    def specimen(self) -> wl.Specimen:
        return speaking_specimen()


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    """A folder with what the scripts read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(vars(wl), "Workspace", Opened)
    other = handwritten_speaker_model()
    with torch.no_grad():
        other.blocks[1].attn.W_O[2] *= 0.7
    other.save("other.safetensors")
    messages = synthetic_chats(conversations=30, exchanges=8).corpus
    rows = [f"{m.thread},{'Ada' if m.is_from_me else 'Bo'},{m.timestamp.isoformat()},{m.text!r}" for m in messages]
    Path("chats.csv").write_text("\n".join(["conversation,who,when,body", *rows]), encoding="utf-8")
    Path("texts.txt").write_text("\n\n".join("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 " * 6 for _ in range(12)))


def run(title: str) -> dict:
    names: dict = {}
    exec(compile(PARTS[title], f"{PAGE.name}: {title}", "exec"), names)
    return names


def test_there_are_five():
    assert len(PARTS) == 5


@pytest.mark.parametrize("title", PARTS)
def test_a_script_is_short_and_uses_public_names_only(title):
    assert len([line for line in PARTS[title].splitlines() if line.strip()]) < 15
    tree = ast.parse(PARTS[title])
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert froms <= {"transformer_lens"}
    assert imported <= {"wonderland", "pandas"}
    assert not [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr.startswith("_")]


@pytest.mark.slow
def test_the_planted_head_is_chosen_and_confirmed(capsys):
    names = run("Patch a head, print a table")
    assert names["best"] == wl.Head(1, 2)
    assert "L1H2 + L0H0" in capsys.readouterr().out
    assert Path("patching.png").stat().st_size > 1000


def test_an_own_contrast_is_asked(capsys):
    run("Ask a contrast of your own")
    printed = capsys.readouterr().out
    assert "of 2" in printed
    assert "L1 resid_pre" in printed


@pytest.mark.slow
def test_an_own_table_is_read_trained_on_and_analysed(capsys):
    names = run("Read a table of your own")
    assert len(names["corpus"]) > 100
    assert "attention-entropy" in capsys.readouterr().out
    assert (Path("results") / "token-loss" / "result.json").is_file()


@pytest.mark.slow
def test_two_models_are_compared_on_the_same(capsys):
    names = run("Compare two models")
    frame = names["frame"]
    assert set(frame["member"]) == {"one", "other"}
    assert names["one"].contrasts("speaker") == names["other"].contrasts("speaker")
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[-2:]] == ["one", "other"]


def test_a_model_from_elsewhere_is_looked_into(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "lab" / "external"))
    import bridges
    from transformer_lens import TransformerBridge

    small = bridges.hugging_face("gpt2")
    small.tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    monkeypatch.setattr(TransformerBridge, "boot_transformers", lambda name: small)
    names = run("Look into a model from elsewhere")
    assert len(names["specimen"].evidence) >= 12
    assert "nats a token" in capsys.readouterr().out
    sys.modules.pop("bridges", None)
