"""Each finding of the field notes has a script that asks a model the same, and finds what is there to find."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.testing import known

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
VERDICTS = ("holds", "does not hold", "cannot be said", "cleaner", "not cleaner")


@pytest.fixture(scope="module")
def planted() -> wl.Specimen:
    """A model in which everything is known: see ``wonderland.testing.known``."""
    return wl.Specimen(known.known_speaker_model(), known.known_tokenizer(), known.known_speaker_corpus())


@pytest.fixture(scope="module")
def empty() -> wl.Specimen:
    """A model that was never trained: nothing is there to find."""
    tokenizer = known.known_tokenizer()
    shape = Config(2, 3, 24, 8, 16, n_ctx=48, d_vocab=tokenizer.vocab_size)
    return wl.Specimen(wl.ChatTransformer(shape, seed=0), tokenizer, known.known_speaker_corpus())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A workspace with a model that was trained for one epoch on few messages."""
    from wonderland.demo import MESSAGES

    workspace = wl.Workspace.create(tmp_path_factory.mktemp("examples") / "wonderland-demo")
    corpus = [message for _, message in zip(range(1500), wl.Corpus.read(MESSAGES), strict=False)]
    lines = tmp_path_factory.mktemp("messages") / "chats.jsonl"
    wl.Corpus.of(corpus, name="chats").save(lines.with_suffix(""))
    return workspace.folder


def ask(number: int, *specimens: wl.Specimen, **parameters: object) -> str:
    (script,) = [path for path in SCRIPTS if path.name.startswith(f"{number:02}")]
    return runpy.run_path(str(script))["examine"](*specimens, **parameters)


def verdict(printed: str) -> str:
    """Return the verdict of a script, checked for its three parts."""
    labels = [line.split()[0] for line in printed.splitlines() if line[:1].strip()]
    assert labels == ["notes", "here", "verdict"], printed
    return re.search(r"^verdict  (.*)", printed, flags=re.M)[1]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_short_and_says_what_it_asks(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 60
    assert re.fullmatch(rf"Finding {int(script.stem[:2])}: \w.*", lines[1])


def test_every_finding_has_its_script():
    assert [int(script.stem[:2]) for script in SCRIPTS] == list(range(1, 11))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_without_a_workspace_a_script_says_how_to_make_one(script, tmp_path):
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "There is no workspace wonderland-demo. Make it first: wonderland demo wonderland-demo"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (3, "holds"),  # L0H0 looks at nothing else, and induction needs it
        (4, "cannot be said"),  # no MLPs
        (6, "holds"),  # previous-token → induction by keys, the last layer but one into the last
        (7, "does not hold"),  # the known model continues repetitions: that is what it was made for
        (9, "holds"),  # L1H2 carries who speaks, looking at the latest speaker token
    ],
)
def test_what_was_planted_is_found(number, told, planted, capsys):
    ask(number, planted)
    assert verdict(capsys.readouterr().out).startswith(told)


@pytest.mark.parametrize(
    ("number", "told"),
    [(1, "cannot be said"), (3, "does not hold"), (6, "cannot be said"), (7, "holds"), (9, "cannot be said")],
)
def test_where_nothing_is_nothing_is_found(number, told, empty, capsys):
    ask(number, empty)
    assert verdict(capsys.readouterr().out).startswith(told)


def test_one_strong_head_is_no_cooperation(planted, capsys):
    ask(1, planted, kind="speaker")
    printed = capsys.readouterr().out
    assert verdict(printed).startswith("does not hold")
    assert "L1H2 100%" in printed


def test_a_model_is_no_cleaner_than_itself(planted, capsys):
    ask(10, planted, planted)
    assert verdict(capsys.readouterr().out).startswith("cannot be said: the intervals overlap")


def test_two_models_are_compared_on_the_same_conversations_only(planted, capsys):
    other = wl.Specimen(planted.model, planted.tokenizer, known.known_corpus())
    ask(10, planted, other)
    assert verdict(capsys.readouterr().out).startswith("cannot be said: the two were not examined on the same")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/findings/*.md")), ids=lambda path: path.stem)
def test_what_is_recorded_has_every_script_with_its_verdict(page):
    text = page.read_text(encoding="utf-8")
    if page.stem == "index":
        return
    blocks = dict(re.findall(r"scripts/(\S+)\.rst\).*?```text\n(.*?)```", text, flags=re.S))
    assert set(blocks) == {script.stem for script in SCRIPTS}
    for printed in blocks.values():
        assert verdict(printed).startswith(VERDICTS)
