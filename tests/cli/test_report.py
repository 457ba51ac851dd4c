"""`wonderland report`: the whole page, the page to show to others, and figures for an article."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from wonderland.cli.main import run
from wonderland.errors import UsageError
from wonderland.report import plots_files
from wonderland.report.encode import decode
from wonderland.workspace.workspace import Workspace


def page_of(path) -> dict:
    return decode(json.loads(re.search(r'id="page">(.*?)</script>', path.read_text(encoding="utf-8"))[1]))


@pytest.fixture
def small(workspace):
    """The workspace with one analysis: every picture takes about a second."""
    Workspace(workspace).configure("analysis", run=["attention-entropy"])
    assert run(["report", "-q", "-w", str(workspace)]) == 0
    return workspace


def test_a_redacted_report_shows_no_message_and_all_numbers(small, tmp_path, capsys):
    out = tmp_path / "to-show.html"
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
