"""What the command line knows of analyses and sources before it does anything slow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from wonderland import plugins
from wonderland.cli.main import run
from wonderland.lab.analysis import parameters_of
from wonderland.workspace import catalogue
from wonderland.workspace.workspace import Workspace

ASKED = """
import contextlib, io, json, os, sys
from wonderland.cli.main import run

for words in json.loads(sys.argv[1]):
    if not (child := os.fork()):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = run(words)
        print(json.dumps([words, out.getvalue(), code, "torch" in sys.modules]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def asked():
    """Ask what a process of its own printed, its exit code, and whether it loaded torch; one starts them all."""
    asked = [
        *(words for words, _ in MISTYPED),
        *(["analyze", name, "--help"] for name in HELPED),
        ["analyze", "--help"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", ASKED, json.dumps(asked)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    told = {tuple(words): answer for words, *answer in map(json.loads, done.stdout.splitlines())}
    return lambda *words: told[words]


MISTYPED = [
    (["analyse"], "Did you mean analyze?"),
    (["analyze", "head-paterns"], "Did you mean head-patterns?"),
    (["analyze", "head-patterns", "--thresold", "0.5"], "Did you mean --threshold?"),
    (["analyze", "--thresold=0.5"], "Did you mean --threshold?"),
    (["analyze", "triag"], "Did you mean triage?"),
    (["train", "--epoch", "3"], "Did you mean --epochs?"),
    (["extract", "--source", "jsonlines", "x"], "Did you mean jsonl?"),
    (["extract", "--source", "jsonl", "--sorce=y"], "Did you mean --source?"),
    (["analyze", "head-patterns", "--threshold", "much"], "is no number"),
]
HELPED = ["head-patterns", "circuit-sufficiency", "ov-circuits"]


@pytest.mark.parametrize(("words", "told"), MISTYPED)
def test_a_mistyped_name_is_answered_without_loading_torch(asked, words, told):
    printed, code, torch = asked(*words)
    assert told in printed
    assert code == 2
    assert not torch
    assert len(printed) < 400  # the few near ones, not all there are


@pytest.mark.parametrize("name", HELPED)
def test_the_help_of_an_analysis_lists_its_parameters(asked, name):
    printed, code, torch = asked("analyze", name, "--help")
    assert code == 0
    assert not torch
    shown = " ".join(printed.split())
    for parameter, (_, help_text, default) in parameters_of(plugins.load().analyses[name]).items():
        if parameter == "contrasts":
            continue
        assert f"--{parameter.replace('_', '-')}" in shown
        assert help_text.split(";")[0] in shown
        if default not in ((), ""):
            assert f"[default: {default}]" in shown
    assert ("--clean" in shown) == (name == "circuit-sufficiency")


def test_help_without_a_name_lists_the_analyses(asked):
    printed, _, torch = asked("analyze", "--help")
    assert not torch
    assert all(f"  {name} " in printed for name in plugins.load().analyses)


def test_the_text_of_the_plugins_says_what_they_say_when_imported():
    sketches = catalogue.analyses()
    known = plugins.load().analyses
    assert list(sketches) == list(known)
    for name, cls in known.items():
        sketch = sketches[name]
        assert sketch.version == cls.version
        assert sketch.groups == tuple(cls.groups)
        assert sketch.uses == tuple(getattr(cls, "uses", ()))
        assert list(sketch.parameters) == list(parameters_of(cls))
        for parameter, (kind, help_text, default) in parameters_of(cls).items():
            if parameter != "contrasts":
                assert sketch.parameters[parameter] == (kind, help_text, default)


def test_a_plugin_that_cannot_be_read_is_imported(monkeypatch):
    """One that makes its list otherwise is not guessed at."""

    def hook():
        return list(plugins.load().analyses.values())

    hooks = SimpleNamespace(get_hookimpls=lambda: [SimpleNamespace(function=hook)])
    host = SimpleNamespace(manager=SimpleNamespace(hook=SimpleNamespace(wonderland_analyses=hooks)))
    with monkeypatch.context() as patch:
        patch.setattr(catalogue.plugins, "load", lambda: host)
        assert catalogue.analyses() is None
    monkeypatch.setattr("wonderland.cli.analysis.analyses", lambda: None)
    assert run(["analyze", "head-patterns", "--help"]) == 0
    assert run(["analyze", "head-patterns", "--thresold", "1"]) == 2


def test_the_help_of_extract_lists_the_options_of_each_source(messages, capsys):
    assert run(["extract", "--help"]) == 0
    everything = capsys.readouterr().out
    for name in plugins.load().sources:
        assert f"Options of the source {name}" in everything
    assert "--salvage" in everything
    assert run(["extract", str(messages), "--help"]) == 0
    of_one = capsys.readouterr().out
    assert "Options of the source jsonl" in of_one
    assert "--salvage" not in of_one


def test_options_of_a_source_change_those_of_the_workspace(tmp_path, capsys):
    path = tmp_path / "chats.csv"
    path.write_text("who,words,other\nAda,hi there,no\nBob,hello,yes\n", encoding="utf-8")
    where = ["-w", str(tmp_path / "w")]
    assert run(["extract", str(path), *where, "--text", "other", "--sender", "who", "--me", "Ada"]) == 0
    assert run(["extract", *where, "--text", "words"]) == 0  # of the file that it already reads
    assert Workspace(tmp_path / "w").settings.source.options == {"text": "words", "sender": "who", "me": "Ada"}
    assert [message.text for message in Workspace(tmp_path / "w").extract()] == ["hi there", "hello"]


@pytest.mark.slow
class TestOwnContrasts:
    """Contrasts typed in the shell, and the linter's words about bad ones."""

    @pytest.fixture
    def pair(self, workspace, monkeypatch):
        """Two prompts of the same length, and the two words that the model tells them apart by most."""
        import torch

        from wonderland.lab import contrast

        monkeypatch.setattr(contrast, "LEAST_GAP", 0.0)  # a model trained for a second tells little apart
        model, tokenizer = Workspace(workspace).load_model()
        prompts = {"clean": "<|me|> so what", "corrupted": "<|them|> so what"}
        mine, theirs = (model(torch.tensor([tokenizer.encode_prompt(text)]))[0, -1] for text in prompts.values())
        words = [f" {word}" for word in ("you", "a", "to", "is", "in", "that", "it", "and", "the", "of", "my")]
        ids = {word: tokens[0] for word in words if len(tokens := tokenizer.encode_prompt(word)) == 1}
        gain = {word: float(mine[token] - theirs[token]) for word, token in ids.items()}
        assert len(gain) > 2
        return {**prompts, "target": max(gain, key=gain.get), "foil": min(gain, key=gain.get)}

    def ask(self, workspace, capsys, *words, code=0):
        capsys.readouterr()
        arguments = ["analyze", "circuit-sufficiency", "-q", "-w", str(workspace), *map(str, words)]
        assert run(arguments) == code
        return capsys.readouterr()

    def test_a_pair_that_is_typed_is_what_is_patched(self, workspace, pair, capsys):
        words = [word for side, text in pair.items() for word in (f"--{side}", text)]
        out = self.ask(workspace, capsys, *words, "--heads", "L0H0").out
        assert "anecdotal" in out
        kept = [
            value
            for path in workspace.glob("results/circuit-sufficiency/*/stage.json")
            if "Contrast" in (value := path.read_text(encoding="utf-8"))
        ]
        assert len(kept) == 1  # beside the usual one
        assert len(list(workspace.glob("results/circuit-sufficiency/*"))) == 2

    def test_a_file_of_pairs_is_read(self, workspace, pair, tmp_path, capsys):
        path = tmp_path / "pairs.jsonl"
        path.write_text(json.dumps(pair) + "\n\n" + json.dumps({**pair, "kind": "mine"}) + "\n", encoding="utf-8")
        assert "over 2 pairs" in self.ask(workspace, capsys, "--contrasts", path, "--heads", "L0H0").out

    def test_the_linter_says_what_is_wrong_with_a_pair(self, workspace, capsys):
        bad = ["--clean", "<|me|> a", "--corrupted", "<|me|> a b c", "--target", " a", "--foil", " b"]
        error = self.ask(workspace, capsys, *bad, code=2).err
        assert "unequal lengths" in error

    def test_the_linter_says_what_is_wrong_with_every_pair_of_a_file(self, workspace, tmp_path, capsys):
        path = tmp_path / "pairs.jsonl"
        row = {"clean": "<|me|> a", "corrupted": "<|me|> a", "target": " a", "foil": " b"}
        path.write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n", encoding="utf-8")
        error = self.ask(workspace, capsys, "--contrasts", path, code=2).err
        assert "pair 1: identical prompts" in error
        assert "pair 2: identical prompts" in error

    @pytest.mark.parametrize(
        "line", ["{", "[]", '{"clean": "a"}', '{"clean": 1, "corrupted": "", "target": "", "foil": ""}']
    )
    def test_a_file_that_holds_something_else(self, workspace, tmp_path, capsys, line):
        path = tmp_path / "pairs.jsonl"
        path.write_text(line + "\n", encoding="utf-8")
        assert "line 1" in self.ask(workspace, capsys, "--contrasts", path, code=3).err
        assert "cannot be read" in self.ask(workspace, capsys, "--contrasts", tmp_path / "gone", code=3).err

    def test_half_a_pair(self, workspace, capsys):
        error = self.ask(workspace, capsys, "--clean", "<|me|> a", "--target", " a", code=2).err
        assert "--corrupted and --foil" in error


class TestGenerate:
    """What is typed for sampling."""

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            *(("--temperature", value) for value in ("nan", "inf", "1e-40", "-1", "warm")),
            *(("--top-p", value) for value in ("nan", "0", "1.5", "-0.1")),
            *(("--top-k", value) for value in ("-1", "nan", str(10**30))),
            *(("--max-tokens", value) for value in ("0", "-5", "1.5")),
            *(("--messages", value) for value in ("0", "nan")),
            *(("--number", value) for value in ("0", "-1")),
            *(("--seed", value) for value in ("-1", str(2**70))),
        ],
    )
    def test_a_number_that_cannot_be_is_refused(self, workspace, capsys, option, value):
        assert run(["generate", "<|them|> hi", "-w", str(workspace), option, value]) == 2
        assert "Error: " in capsys.readouterr().err

    @pytest.mark.parametrize("number", ["0", "0.001", "1e30"])
    def test_the_coldest_and_the_hottest_are_sampled(self, workspace, number):
        assert run(["generate", "<|them|> hi", "-w", str(workspace), "--temperature", number, "--number", "1"]) == 0

    def test_a_prompt_without_a_speaker_is_theirs(self, workspace, capsys):
        for prompt in ("what do you like", "<|them|> what do you like"):
            assert run(["generate", prompt, "--json", "-w", str(workspace), "--temperature", "0", "--number", "1"]) == 0
        first, second = capsys.readouterr().out.split("}\n{")
        assert json.loads(first + "}")["samples"] == json.loads("{" + second)["samples"]
        assert run(["generate", "what do you like", "-w", str(workspace), "--number", "1"]) == 0
        printed = capsys.readouterr()
        assert "taken as what they said" in printed.err
        assert "geometric mean probability" in printed.out


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--learning-rate", "nan"],
        ["train", "--weight-decay", "inf"],
        ["train", "--weight-decay", "-1"],
        ["train", "--seed", "-1"],
        ["train", "--epochs", str(10**30)],
        ["train", "--seeds", str(10**30)],
        ["train", "--snapshots", "-1"],
        ["train", "--window-size", str(2**40)],
        ["tokenize", "--held-out", "nan"],
        ["tokenize", "--held-out", "1"],
        ["tokenize", "--held-out", "0"],
        ["tokenize", "--by", "moon"],
        ["tokenize", "--vocab-size", "-5"],
        ["report", "--redact", "--contacts", "0"],
    ],
)
def test_other_numbers_that_cannot_be_are_refused_and_not_written(untrained, capsys, words):
    before = (untrained / "wonderland.toml").read_text(encoding="utf-8")
    assert run([*words, "-w", str(untrained)]) == 2
    assert "Error: " in capsys.readouterr().err
    assert (untrained / "wonderland.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("held_out = 0.1", "held_out = nan"),
        ("windows = 200", "windows = 0"),
        ("vocab_size = 400", "vocab_size = -1"),
        ('by = "time"', 'by = "moon"'),
        ("weight_decay = 0.1", "weight_decay = inf"),
    ],
)
def test_the_same_written_by_hand_is_refused(untrained, capsys, old, new):
    file = untrained / "wonderland.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    assert run(["status", "-w", str(untrained)]) == 2
    assert new.split(" = ")[0] in capsys.readouterr().err


def test_a_report_shows_what_is_there_and_says_what_is_missing(workspace, capsys):
    import shutil

    shutil.rmtree(workspace / "results")
    assert run(["report", "-q", "-w", str(workspace)]) == 3
    assert f"wonderland report -q -w {workspace} --all" in capsys.readouterr().err
    Workspace(workspace).configure("analysis", run=["head-patterns", "attention-entropy"])
    assert run(["analyze", "-q", "-w", str(workspace), "head-patterns"]) == 0
    capsys.readouterr()
    assert run(["report", "-q", "-w", str(workspace)]) == 0
    printed = capsys.readouterr().out
    assert "Not in it, because not run with the settings of now: attention-entropy." in printed
    assert f"Next: wonderland report --all -w {workspace}" in printed
    assert not (workspace / "results" / "attention-entropy").exists()
    assert run(["report", "-q", "--all", "-w", str(workspace)]) == 0
    assert "Not in it" not in capsys.readouterr().out
    (seal,) = (workspace / "results" / "attention-entropy").glob("*/stage.json")
    seal.write_text(
        json.dumps({**json.loads(seal.read_text(encoding="utf-8")), "version": 0, "key": "old"}), encoding="utf-8"
    )
    assert run(["report", "-q", "-w", str(workspace)]) == 0
    printed = capsys.readouterr().out
    assert "Not in it, because made by an older version of the analysis: attention-entropy." in printed
    assert "not run with the settings" not in printed


def test_status_says_when_how_large_and_what_next(workspace, capsys):
    from datetime import datetime

    capsys.readouterr()
    assert run(["status", "-w", str(workspace)]) == 0
    lines = capsys.readouterr().out.splitlines()
    model = next(line for line in lines if " model " in line)
    written = datetime.fromtimestamp((workspace / "model").stat().st_mtime).astimezone()
    assert f"{written:%Y-%m-}" in model
    assert " MB" in model
    assert lines[-1] == f"Next: wonderland chat -w {workspace}"
    told = " ".join("\n".join(lines).split())
    assert f"wonderland analyze sparse --layers 2 -w {workspace}" in told
    assert str(workspace / "report.html") in told
    Workspace(workspace).configure("analysis", windows=11)
    assert run(["status", "-w", str(workspace)]) == 0
    assert f"Next: wonderland check -w {workspace}" in capsys.readouterr().out


def test_in_the_workspace_of_the_demo_the_demo_goes_on(tmp_path, monkeypatch, capsys):
    from wonderland.demo import FOLDER, MESSAGES

    monkeypatch.chdir(tmp_path)
    for name, following in ((FOLDER, "wonderland demo"), ("else where", "wonderland demo 'else where'")):
        Workspace.create(Path(name)).configure("source", path=str(MESSAGES))
        capsys.readouterr()
        assert run(["status", "-w", name]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"Next: {following}"
    Workspace(Path(FOLDER)).configure("source", path=str(tmp_path / "mine.jsonl"))
    assert run(["status", "-w", FOLDER]) == 0
    assert f"Next: wonderland extract -w {FOLDER}" in capsys.readouterr().out


def test_no_word_is_broken_at_a_narrow_width(workspace, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "50")
    Workspace(workspace).configure("analysis", windows=11)
    capsys.readouterr()
    assert run(["status", "-w", str(workspace)]) == 0
    details = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert any("with other parameters" in line or "of another model" in line for line in details)
    assert all(len(line) <= 50 for line in details if str(workspace) not in line)
