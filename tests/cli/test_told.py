"""What `filter`, `train`, `report` and the settings say: choices that drop nothing, what begins, what is old by now."""

import pytest

from wonderland.cli.console import LineMeter
from wonderland.cli.main import run
from wonderland.workspace.workspace import Workspace


@pytest.fixture
def read(tmp_path, monkeypatch, capsys):
    """A workspace in which two stores were read, and what was said of that."""
    monkeypatch.chdir(tmp_path)
    line = '{"sender": "%s", "text": "hello", "timestamp": "2024-01-05"}\n'
    for name, other in (("a", "Bo"), ("b", "Cleo")):
        (tmp_path / f"{name}.jsonl").write_text(line % "me" + line % other)
    assert run(["extract", "a.jsonl", "b.jsonl", "--source", "jsonl", "--source", ""]) == 0
    return capsys.readouterr()


def test_which_stores_were_written_down_is_said_with_the_source_that_was_named_for_each(read):
    assert "[source] 2 stores, read with jsonl and the one that recognises it\n" in read.err
    assert "source=" not in read.err


def test_each_of_several_stores_has_its_lines_of_progress(read, capsys):
    assert read.err.count("Reading: 100% 2 of 2 rows") == 2
    meter = LineMeter("Reading", "rows")
    for done in (50, 100, 2, 50, 100):
        meter.update(done, 100)
    assert capsys.readouterr().err.split() == [
        "Reading:",
        "50%",
        "Reading:",
        "100%",
        "Reading:",
        "50%",
        "Reading:",
        "100%",
    ]


@pytest.mark.parametrize(
    ("words", "row"),
    [
        (["--since", "2020-01-01"], "dates"),
        (["--until", "2030-01-01"], "dates"),
        (["--person", "Bo", "--person", "Cleo"], "people"),
        (["--only-direct"], "people"),
        (["--most-repeats", "1"], "repeats"),
    ],
)
def test_a_choice_that_drops_nothing_has_a_line_of_the_ledger_and_no_other_has(read, capsys, words, row):
    assert run(["filter", "-q", *words]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [found for found in rows if found and found[0] in ("dates", "people", "repeats")] == [[row, "0"]]


def test_training_says_at_once_that_it_gets_ready(untrained, capsys, monkeypatch):
    monkeypatch.setattr("wonderland.cli.model.counted_tokens", lambda _workspace: 1 / 0)  # the first that takes time
    run(["train", "-w", str(untrained)])
    assert capsys.readouterr().err.startswith("Getting ready: ")


def test_a_report_with_the_model_that_is_old_by_now_is_mentioned_beside_a_new_report(workspace, capsys):
    Workspace(workspace).configure("analysis", run=["attention-entropy"])  # of all it would take longer
    live = workspace / "report-live.html"
    live.unlink(missing_ok=True)
    assert run(["report", "-w", str(workspace)]) == 0
    assert "an older one" not in capsys.readouterr().out
    live.write_text("of before")
    assert run(["report", "-w", str(workspace)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Beside it lies an older one: {live}" in said
    assert f"`wonderland report --live -w {workspace}`" in said
