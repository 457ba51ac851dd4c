"""Each finding of the field notes has a script that asks a model the same, and finds what is there to find."""

from __future__ import annotations

import dataclasses
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import wonderland as wl
from wonderland.lab.results import Results
from wonderland.model.presets import Config
from wonderland.testing import handwritten

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EVERY = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
SCRIPTS = EVERY[:10]  # those of the field notes; the others ask of several models what the notes did not
VERDICTS = ("holds", "does not hold", "cannot be said", "cleaner", "not cleaner")


def everything(model: wl.ChatTransformer, corpus: wl.Corpus) -> Results:
    """Return all that the scripts ask for, as ``Workspace.analyze`` would give it."""
    wanted = {name: None for script in SCRIPTS for name in runpy.run_path(str(script))["ASKS"]}
    return wl.analyze(wl.Specimen(model, handwritten.handwritten_tokenizer(), corpus), *wanted, control=True)


@pytest.fixture(scope="module")
def planted() -> Results:
    """A model in which everything is known: see ``wonderland.testing.handwritten``."""
    return everything(handwritten.handwritten_speaker_model(), handwritten.handwritten_speaker_corpus())


@pytest.fixture(scope="module")
def empty() -> Results:
    """A model that was never trained: nothing is there to find."""
    shape = Config(2, 3, 24, 8, 16, n_ctx=48, d_vocab=handwritten.handwritten_tokenizer().vocab_size)
    return everything(wl.ChatTransformer(shape, seed=0), handwritten.handwritten_speaker_corpus())


def ask(number: int, *results: Results, **parameters: object) -> None:
    (script,) = [path for path in SCRIPTS if path.name.startswith(f"{number:02}")]
    runpy.run_path(str(script))["examine"](*results, **parameters)


def verdict(printed: str) -> str:
    """Return the verdict of a script, checked for its three parts."""
    labels = [line.split()[0] for line in printed.splitlines() if line[:1].strip()]
    assert labels == ["notes", "here", "verdict"], printed
    return re.search(r"^verdict  (.*)", printed, flags=re.M)[1]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_short_and_says_what_it_asks(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert re.fullmatch(rf"Finding {int(script.stem[:2])}: \w.*", lines[1])


def test_every_finding_has_its_script():
    assert [int(script.stem[:2]) for script in SCRIPTS] == list(range(1, 11))


@pytest.mark.parametrize("script", EVERY, ids=lambda path: path.stem)
def test_without_a_workspace_a_script_says_how_to_make_one(script, tmp_path):
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip() == "There is no workspace wonderland-demo. Make it first: wonderland demo wonderland-demo"
    )


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "cannot be said"),  # nobody says yes or no in these conversations
        (2, "holds in part"),  # L1H2 says who speaks, looking at the latest speaker token, not at position 0
        (3, "holds"),  # L0H0 looks at nothing else, and induction needs it
        (4, "cannot be said"),  # no MLPs
        (5, "does not hold"),  # three heads have a role; others are there to do nothing
        (6, "holds"),  # previous-token → induction by keys, the last layer but one into the last
        (7, "does not hold"),  # the known model continues repetitions: that is what it was made for
        (8, "does not hold"),  # its words are all as surprising as each other
        (9, "holds"),  # L1H2 carries who speaks, looking at the latest speaker token
        (10, "cannot be said"),  # one model is not two
    ],
)
def test_what_was_planted_is_found(number, told, planted, capsys):
    ask(number, planted)
    assert verdict(capsys.readouterr().out).startswith(told)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "cannot be said"),
        (2, "does not hold"),
        (3, "does not hold"),
        (5, "does not hold"),
        (6, "cannot be said"),
        (7, "holds"),
        (8, "does not hold"),
        (9, "cannot be said"),
    ],
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
    specimen = planted.specimen
    other = wl.Specimen(specimen.model, specimen.tokenizer, handwritten.handwritten_corpus())
    ask(10, planted, dataclasses.replace(planted, specimen=other))
    assert verdict(capsys.readouterr().out).startswith("cannot be said: the two were not examined on the same")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/findings/*.md")), ids=lambda path: path.stem)
def test_what_is_recorded_has_every_script_with_its_verdict(page):
    if page.stem in ("index", "over-seeds", "scale"):  # tables, whose own tests look at their rows
        return
    _, *parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.M)
    blocks = {re.search(r"scripts/(\S+)\.rst", part)[1]: re.findall(r"```text\n(.*?)```", part, re.S) for part in parts}
    assert set(blocks) == {script.stem for script in SCRIPTS}
    for (printed,) in blocks.values():
        assert verdict(printed).startswith(VERDICTS)


def test_the_table_of_findings_says_what_the_pages_say():
    index = (ROOT / "docs" / "findings" / "index.md").read_text(encoding="utf-8")
    rows = [line for line in index.splitlines() if re.match(r"\| \d+: ", line)]
    assert len(rows) == len(SCRIPTS)
    for name in ("demo", "seed", "crd3"):
        page = (ROOT / "docs" / "findings" / f"{name}.md").read_text(encoding="utf-8")
        verdicts = re.findall(r"^verdict  (.*)$", page, flags=re.M)
        assert [told in row for told, row in zip(verdicts, rows, strict=True)] == [True] * len(rows)


def test_what_is_said_of_scale_was_printed_by_the_scripts():
    """Every interval stands in a page of findings, but for those that only the results themselves have."""
    findings = ROOT / "docs" / "findings"
    printed = "".join((findings / f"{name}.md").read_text(encoding="utf-8") for name in ("demo", "seed", "crd3"))
    of_results = {"[0.540, 0.638]", "[0.387, 0.520]", "[13%, 34%]"}
    said = re.findall(r"\[\d[^\]]*\]", " ".join((findings / "scale.md").read_text(encoding="utf-8").split()))
    assert len(said) >= 9
    assert {one for one in said if one not in printed.replace("+", "")} == of_results


def test_a_recorded_row_is_the_first_line_of_each_part_for_each_model():
    record = runpy.run_path(str(ROOT / "docs" / "record_findings.py"))
    printed = "notes    seen: 5\nhere     found {}.\n         more\nverdict  holds (sure).\n"
    row = record["row"](SCRIPTS[0], {"demo": printed.format(1), "seed": printed.format(2)})
    anchor = "#finding-1-two-heads-that-only-work-together"
    told = f"[demo](demo.md{anchor}): **holds (sure).**<br>[seed](seed.md{anchor}): **holds (sure).**"
    assert row == f"| 1: two heads that only work together | seen: 5 | found 1. | found 2. | {told} |"


def test_a_page_recorded_before_is_read_as_it_was_printed():
    record = runpy.run_path(str(ROOT / "docs" / "record_findings.py"))
    page = (ROOT / "docs" / "findings" / "demo.md").read_text(encoding="utf-8")
    told = record["recorded"](SCRIPTS[6], page)
    assert told.startswith("notes    no head scores over 0.3")
    assert "\nverdict  " in told
    assert record["section"](SCRIPTS[6], told) in page


def test_words_of_a_corpus_that_is_not_ours_are_left_out():
    record = runpy.run_path(str(ROOT / "docs" / "record_findings.py"))
    line = "         writing (18.1), it's (9.0) …\n         first words cost 4.90 nats [4.60, 5.16]; notes: see (10.29)"
    left = "         … (18.1), … (9.0) …\n         first words cost 4.90 nats [4.60, 5.16]; notes: see (10.29)"
    assert record["WORD"].sub(r"… \1", line) == left
