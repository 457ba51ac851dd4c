"""`wonderland report`: the whole page, the page to show to others, and figures for an article."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import typing
from functools import partial
from pathlib import Path

import pytest

from wonderland import plugins
from wonderland.cli.main import run
from wonderland.errors import InputError, UsageError
from wonderland.report import plots_files
from wonderland.report.encode import decode
from wonderland.workspace.wipe import traces
from wonderland.workspace.workspace import NOTHING_TO_SHOW, Workspace


def page_of(path) -> dict:
    return decode(json.loads(re.search(r'id="page">(.*?)</script>', path.read_text(encoding="utf-8"))[1]))


@pytest.fixture(scope="module")
def reported(made, tmp_path_factory):
    """The workspace with a report of one analysis: every picture takes about a second."""
    workspace = Path(shutil.copytree(made, tmp_path_factory.mktemp("reported") / "me.wonderland"))
    Workspace(workspace).configure("analysis", run=["attention-entropy"])
    assert run(["report", "-q", "-w", str(workspace)]) == 0
    return workspace


@pytest.fixture
def small(reported, tmp_path):
    """A copy of that workspace to do anything with."""
    return Path(shutil.copytree(reported, tmp_path / "me.wonderland"))


def test_a_redacted_report_shows_no_message_and_all_numbers(small, tmp_path, capsys):
    out = tmp_path / "to-show.html"
    Workspace(small).configure("analysis", run=["head-patterns"])  # which shows messages token by token
    assert run(["report", "-q", "-w", str(small)]) == 0
    assert run(["report", "-w", str(small), "--redact", "--contacts", "10000", "-o", str(out)]) == 0
    assert "redacted: words of at least 10000 contacts" in capsys.readouterr().out
    plain, shown = page_of(small / "report.html"), page_of(out)
    assert (plain["containsText"], shown["containsText"]) == (True, False)
    assert [view["id"] for view in shown["views"]] == [view["id"] for view in plain["views"]]
    attention = json.loads(
        re.search(r'id="view-attention">(.*?)</script>', out.read_text(encoding="utf-8"))[1]
    )  # token by token: nothing but who speaks
    tokens = {token for one in attention["conversations"] for token in one["tokens"]}
    assert tokens <= {"▒", "<|me|>", "<|them|>", "<|sep|>", "<|endoftext|>", "<|pad|>"}


def test_what_comes_next_keeps_a_report_redacted_and_in_its_place(small, tmp_path, capsys):
    Workspace(small).configure("analysis", run=["attention-entropy", "induction"])
    shutil.rmtree(small / "results" / "induction", ignore_errors=True)
    out = tmp_path / "to show.html"
    capsys.readouterr()
    assert run(["report", "-w", str(small), "--redact", "--contacts", "7", "-o", str(out)]) == 0
    told = capsys.readouterr().out
    assert f"Next: wonderland report --all -o '{out}' --redact --contacts 7 -w {small}" in told


def test_status_says_which_report_is_redacted_and_what_is_proposed_keeps_it_so(small, capsys):
    assert run(["report", "-q", "-w", str(small), "--redact", "--contacts", "9"]) == 0
    step = next(step for step in Workspace(small).status() if step.name == "report")
    assert (step.state, step.detail) == ("done", f"{small / 'report.html'}, redacted: words of at least 9 contacts")
    Workspace(small).configure("analysis", run=["attention-entropy", "induction"])
    capsys.readouterr()
    assert run(["status", "-w", str(small), "--json"]) == 0
    assert "report --redact --contacts 9" in json.loads(capsys.readouterr().out)["next"]
    assert run(["analyze", "-q", "-w", str(small), "induction", "--seed", "5"]) == 0
    assert "Next: wonderland report --latest --redact --contacts 9" in capsys.readouterr().out


def test_a_report_says_that_it_took_the_place_of_a_redacted_one_or_one_with_messages(small, tmp_path, capsys):
    out = tmp_path / "shown.html"
    redacted, whole = (
        "It replaces a report that was redacted",
        "with the messages in it. To keep both: wonderland report",
    )
    steps = ((True, None), (False, redacted), (False, None), (True, whole), (True, None))
    for redact, said in steps:
        options = ["--redact"] if redact else []
        assert run(["report", "-w", str(small), "-o", str(out), *options]) == 0
        told = capsys.readouterr().err
        assert [one for one in (redacted, whole) if one in told] == ([said] if said else [])


def test_with_fewer_contacts_than_must_have_used_a_word_that_is_said(small, capsys):
    people = Workspace(small).filter().counts()["people"]
    for least, said in ((people + 1, True), (people, False)):
        assert run(["report", "-q", "-w", str(small), "--redact", "--contacts", str(least)]) == 0
        told = capsys.readouterr().out
        assert ("Every word of the messages is left out" in told) is said
        assert (f"--contacts {people - 1} shows words that {people - 1} of them used" in told) is said


def test_without_results_what_to_type_keeps_the_options(tokenized, capsys):
    def nothing(*_, **__):
        raise InputError("There is no result to show.", hint=NOTHING_TO_SHOW)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "report", nothing)
        assert run(["report", "-q", "-w", str(tokenized), "--redact", "--contacts", "3"]) == 3
    told = capsys.readouterr().err
    assert f"for example: wonderland analyze triage -w {tokenized}. All at once: " in told
    words = shlex.split(told.partition("All at once: ")[2])
    assert sorted(words) == sorted(f"wonderland report --all -q --redact --contacts 3 -w {tokenized}".split())


@pytest.mark.slow
def test_figures_are_drawn_for_every_view_and_wiped_with_the_rest(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plots_files, "save_figures", partial(plots_files.save_figures, dpi=40))
    folder = tmp_path / "figures"
    capsys.readouterr()
    assert run(["report", "-w", str(small), "--figures", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    names = {path.name for path in folder.iterdir()}
    ids = {view["id"] for view in page_of(small / "report.html")["views"]}
    assert names == {f"{name}.{kind}" for name in ids for kind in ("svg", "png")} | {"figures.md"}
    assert {path.rsplit("/", 1)[1] for path in told["figures"]} == names
    assert run(["wipe", "-w", str(small), "--yes"]) == 0
    assert not list(folder.glob("*.svg"))


def test_figures_and_a_page_are_asked_for_one_after_the_other(workspace, tmp_path, capsys):
    assert run(["report", "-w", str(workspace), "--figures", str(tmp_path / "f"), "-o", str(tmp_path / "r.html")]) == 2
    assert "one after the other" in capsys.readouterr().err


def test_a_live_report_takes_an_audit_or_the_word_that_all_agree_is_private_and_wiped(small, tmp_path, capsys):
    (small / "report-live.html").unlink()  # the demo wrote it, for its messages are public
    shutil.rmtree(small / "audit")
    assert run(["report", "-w", str(small), "--live"]) == 1
    assert not (small / "report-live.html").exists()
    told = capsys.readouterr().err
    assert "No audit was run" in told
    assert "wonderland audit" in told
    assert "--i-asked-them" in told
    assert run(["report", "-w", str(small), "--live", "--i-asked-them"]) == 0
    assert "and the model itself" in capsys.readouterr().out
    here, elsewhere = small / "report-live.html", tmp_path / "there.html"
    assert here.stat().st_mode & 0o777 == 0o600
    assert 'id="live-model"' in here.read_text(encoding="utf-8")
    assert 'id="live-model"' not in (small / "report.html").read_text(encoding="utf-8")
    page = page_of(here)
    assert "No audit was run" in page["audit"]
    assert "were asked" in page["sharing"]
    assert page_of(small / "report.html")["sharing"] == ""
    assert run(["report", "-q", "-w", str(small), "--live", "--i-asked-them", "-o", str(elsewhere)]) == 0
    assert run(["wipe", "-q", "-w", str(small), "--yes"]) == 0
    assert not here.exists()
    assert not elsewhere.exists()


def test_that_all_agree_is_about_the_model_only(small, capsys):
    assert run(["report", "-w", str(small), "--i-asked-them"]) == 2
    assert "live reports only" in capsys.readouterr().err


@pytest.mark.slow
def test_a_live_report_of_the_conversations_that_come_with_wonderland_needs_no_audit(small, monkeypatch):
    shutil.rmtree(small / "audit")
    monkeypatch.setattr("wonderland.workspace.auditing.MESSAGES", Path(Workspace(small).settings.source.path))
    assert run(["report", "-q", "-w", str(small), "--live"]) == 0
    assert "public" in page_of(small / "report-live.html")["sharing"]


def test_live_and_redacted_exclude_each_other_and_so_do_live_and_figures(small, tmp_path, capsys):
    out = tmp_path / "r.html"
    assert run(["report", "-w", str(small), "--live", "--i-asked-them", "--redact", "-o", str(out)]) == 2
    assert "no word can be taken out of them" in capsys.readouterr().err
    assert run(["report", "-w", str(small), "--live", "--i-asked-them", "--figures", str(tmp_path / "f")]) == 2
    with pytest.raises(UsageError, match="cannot be redacted"):
        Workspace(small).report(out, redact=5, live=True)
    assert not out.exists()


def test_a_model_too_large_for_a_page_is_refused_before_anything_is_written(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("wonderland.report.live.MOST_PARAMETERS", 1000)
    out = tmp_path / "r.html"
    assert run(["report", "-w", str(small), "--live", "--i-asked-them", "-o", str(out)]) == 2
    assert "too slow in a page" in capsys.readouterr().err
    assert not out.exists()


# -- what failed


def test_an_analysis_that_failed_is_named_with_why_and_what_to_type_until_it_runs(small, monkeypatch, capsys):
    Workspace(small).configure("analysis", run=["attention-entropy", "head-patterns"], control=False)
    analysis = plugins.load().analyses["attention-entropy"]
    where = f"-w {small}"

    def fails(self, specimen):
        raise KeyError("somebody's words")

    fails.__annotations__ = {"return": typing.get_type_hints(analysis.run)["return"]}
    with monkeypatch.context() as patch:
        patch.setattr(analysis, "run", fails)
        assert run(["report", "--all", "-q", *where.split()]) == 6
        told = capsys.readouterr()
        assert "Report: " in told.out  # of what did not fail
        assert "head-patterns" in (small / "report.html").read_text(encoding="utf-8")
        assert "'attention-entropy' of the plugin 'triage' failed" in " ".join(told.err.split())
        assert run(["report", "-q", *where.split()]) == 0
        told = capsys.readouterr().out
    said = " ".join(told.split())
    assert (
        "Not in it, attention-entropy: The analysis 'attention-entropy' of the plugin 'triage' failed: KeyErr" in said
    )
    assert f"Try it alone: wonderland analyze attention-entropy {where}\n" in told
    assert "not run with the settings of now" not in told
    assert "somebody" not in told
    assert run(["report", "-q", "--json", *where.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [*found["failed"]] == found["missing"] == ["attention-entropy"]
    assert traces(small).strangers == ()
    assert run(["analyze", "-q", "attention-entropy", *where.split()]) == 0
    capsys.readouterr()
    assert run(["report", "-q", "--json", *where.split()]) == 0
    assert json.loads(capsys.readouterr().out)["failed"] == {}
    assert not [*small.glob("results/*/.*.failed")]
