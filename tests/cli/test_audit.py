"""``wonderland audit``: kept as a stage of these very weights; what it refuses keeps the model from being shared."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open

from wonderland.audit.result import Memorisation
from wonderland.cli.main import run
from wonderland.errors import CheckFailed
from wonderland.model.presets import PRESETS, Config
from wonderland.report.encode import decode
from wonderland.workspace import auditing
from wonderland.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def audited(messages, tmp_path_factory):
    """A workspace with a small model, one analysis, an audit and a report."""
    place = tmp_path_factory.mktemp("audited")
    with open(messages, encoding="utf-8") as file:
        rows = [line for line, _ in zip(file, range(500), strict=False) if len(line) < 10_000]
    (place / "few.jsonl").write_text("".join(rows), encoding="utf-8")
    folder = str(place / "me.wonderland")
    workspace = Workspace.create(folder)
    workspace.configure("analysis", windows=8, run=["attention-entropy"], control=False)
    workspace.configure("audit", training=0, held_out=0, generations=100)
    size = ["--preset", "nano", "--vocab-size", "400", "--held-out", "0.3", "--by", "time"]
    small = dataclasses.replace(PRESETS["nano"], config=Config(2, 4, 64, 16, 128, 128, 400))
    assert run(["extract", "-q", "-w", folder, str(place / "few.jsonl")]) == 0
    assert run(["filter", "-q", "-w", folder]) == 0
    assert run(["tokenize", "-q", "-w", folder, *size]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "nano", small)
        assert run(["train", "-q", "-w", folder, "--epochs", "1"]) == 0
    assert run(["analyze", "-q", "-w", folder]) == 0
    assert run(["audit", "-q", "-w", folder]) in (0, 1)
    assert run(["report", "-q", "-w", folder]) == 0
    return Path(folder)


@pytest.fixture
def workspace(audited, tmp_path):
    """A copy of that workspace to do anything with."""
    return Path(shutil.copytree(audited, tmp_path / "me.wonderland"))


def page_of(path):
    return decode(json.loads(re.search(r'id="page">(.*?)</script>', path.read_text(encoding="utf-8"))[1]))


def secret(**changes):
    return {
        "kind": "code",
        "times": 1,
        "bits": 1.0,
        "most": 9.9,
        "rank": 9,
        "p": 0.5,
        "q": 0.5,
        "tries": 1e9,
        **changes,
    }


def rewrite(workspace, **changes):
    """Put another result in the place of the audit, sealed as that of this model."""
    layout = Workspace(workspace).layout
    found = dataclasses.replace(auditing.there(layout), **changes)
    with layout.audit_stage().writing() as folder:
        found.save(folder)
    return found


def test_the_demo_is_audited_in_its_course(told):
    assert "What does it give away?" in told[1]
    assert Workspace(told[0]).audited() is not None


def test_it_is_of_this_model_and_the_report_says_so_first(workspace):
    found = Workspace(workspace).audited()
    assert isinstance(found, Memorisation)
    figures = json.loads((workspace / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert figures["sentence"] == found.sentence
    assert figures["model"] == Workspace(workspace).load_model()[0].fingerprint
    page = page_of(workspace / "report.html")
    assert page["audit"] == found.sentence
    assert "audit-completion" in [view["id"] for view in page["views"]]


def test_it_is_done_once_and_its_exit_code_is_its_verdict(workspace, capsys):
    before = (workspace / "audit" / "stage.json").stat().st_mtime_ns
    refused = Workspace(workspace).audited().refusals
    assert run(["audit", "-q", "-w", str(workspace), "--json"]) == (1 if refused else 0)
    assert (workspace / "audit" / "stage.json").stat().st_mtime_ns == before
    told = json.loads(capsys.readouterr().out)  # one object, whatever came of it
    assert told["audit"]["refusals"] == refused
    assert ("error" in told) == bool(refused)


def test_an_audit_that_passes_lets_the_model_out_and_one_that_does_not_keeps_it(workspace, capsys):
    space = Workspace(workspace)
    rewrite(workspace, fisher={"alone": 0.4, "in a window": 1.0}, secrets=[], found={"training text": {}})
    out = space.report(live=True)
    assert "found no reason against sharing it" in page_of(out)["sharing"]
    out.unlink()
    rewrite(workspace, fisher={"alone": 0.001, "in a window": 1.0})
    with pytest.raises(CheckFailed, match="word for word"):
        space.report(live=True)
    assert not out.exists()
    assert run(["audit", "-q", "-w", str(workspace)]) == 1
    assert "should not be shared" in capsys.readouterr().err
    assert "were asked" in page_of(space.report(live=True, asked=True))["sharing"]


def test_an_audit_of_other_weights_is_none(workspace):
    space = Workspace(workspace)
    rewrite(
        workspace, model="other", fisher={"alone": 1.0, "in a window": 1.0}, secrets=[], found={"training text": {}}
    )
    with pytest.raises(CheckFailed, match="of other weights"):
        space.report(live=True)
    record = json.loads((workspace / "model" / "stage.json").read_text(encoding="utf-8"))
    record["files"]["model.safetensors"] = "other"
    (workspace / "model" / "stage.json").write_text(json.dumps(record), encoding="utf-8")
    assert space.audited() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"secrets": [secret(q=0.04)]},
        {"secrets": [secret(tries=1000.0)]},
        {"found": {"training text": {"code": 1}}},
        {"fisher": {"alone": 1.0, "in a window": 0.049}},
        {"examined": {"training messages examined": 999, "training messages long enough": 1000}},
        {"examined": {"held-out messages examined": 499, "held-out messages long enough": 500}},
        {"examined": {"messages sampled": 99}},
        {"examined": {"others of a secret": 99}},
        {"examined": {"secrets asked for": 9}, "not_examined": 10},
        {"examined": {"secrets asked for": 1}, "not_examined": 2},
    ],
)  # fmt: skip
def test_each_threshold_alone_refuses(workspace, changes):
    passing = {"fisher": {"alone": 0.05, "in a window": 0.05}, "secrets": [], "found": {"training text": {}}}
    assert not rewrite(workspace, **passing).refusals
    assert len(rewrite(workspace, **{**passing, **changes}).refusals) == 1


@pytest.mark.parametrize(
    ("examined", "not_examined"),
    [({"others of a secret": 100, "secrets asked for": 10}, 50), ({"secrets asked for": 1}, 1)],
)
def test_as_many_secrets_and_others_as_are_asked_for_or_as_there_are_pass(workspace, examined, not_examined):
    assert not rewrite(workspace, **PASSING, examined=examined, not_examined=not_examined).refusals


def test_an_audit_that_examined_too_little_asks_for_a_larger_one_and_not_for_another_model(workspace, capsys):
    little = {
        "training messages examined": 1,
        "training messages long enough": 2000,
        "held-out messages examined": 1,
        "held-out messages long enough": 2000,
        "messages sampled": 1,
        "secrets asked for": 1,
        "others of a secret": 1,
    }
    rewrite(workspace, **PASSING, examined=little, not_examined=3)
    assert run(["audit", "-q", "-w", str(workspace)]) == 1
    told = " ".join(capsys.readouterr().err.split())
    more = "--training 1000 --held-out 500 --generations 100 --secrets 10 --candidates 100"
    assert f"wonderland audit {more}" in told
    assert "scrub" not in told
    rewrite(workspace, **{**PASSING, "secrets": [secret(q=0.01)]}, examined=little)
    assert run(["audit", "-q", "-w", str(workspace)]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "filter --also scrub" in told
    assert more not in told


def test_an_audit_keeps_how_many_secrets_and_others_it_asked_for(workspace):
    examined = Workspace(workspace).audited().examined
    assert (examined["secrets asked for"], examined["others of a secret"]) == (50, 1000)


def test_other_messages_beside_the_public_ones_are_not_public(workspace, monkeypatch):
    layout = Workspace(workspace).layout
    monkeypatch.setattr("wonderland.workspace.auditing.MESSAGES", layout.source_path)
    assert auditing.is_public(layout)
    more = dataclasses.replace(layout.settings.source, more=[{"path": "/other.jsonl", "options": {}}])
    assert not auditing.is_public(
        dataclasses.replace(layout, settings=dataclasses.replace(layout.settings, source=more))
    )


def test_public_messages_at_the_source_of_a_model_that_read_others_do_not_make_it_public(
    workspace, tmp_path, monkeypatch
):
    layout, public = Workspace(workspace).layout, tmp_path / "public.jsonl"
    public.write_text('{"id": "1"}\n', encoding="utf-8")
    monkeypatch.setattr("wonderland.workspace.auditing.MESSAGES", public)
    source = dataclasses.replace(layout.settings.source, path=str(public))
    assert not auditing.is_public(
        dataclasses.replace(layout, settings=dataclasses.replace(layout.settings, source=source))
    )


def test_an_audit_with_other_settings_is_another_audit(workspace):
    space = Workspace(workspace)
    assert space.audited() is not None
    space.configure("audit", generations=101)
    assert space.audited() is None


@pytest.mark.slow
def test_an_audit_is_done_right_after_it_and_out_of_date_with_other_settings(workspace):
    def state():
        return next(step.state for step in Workspace(workspace).status() if step.name == "audit")

    assert state() == "done"
    Workspace(workspace).configure("audit", seed=1)
    assert state() == "out of date"
    with pytest.raises(CheckFailed, match="other settings or another version"):
        Workspace(workspace).report(live=True)
    assert "other settings" in page_of(Workspace(workspace).report())["audit"]


PASSING = {"fisher": {"alone": 0.4, "in a window": 1.0}, "secrets": [], "found": {"training text": {}}}


def gates(workspace, capsys, *more):
    """Return the exit codes of what writes the model into a file, and what was said."""
    out = workspace.parent / "out"
    codes = (
        run(["report", "-q", "-w", str(workspace), "--live", "-o", str(out.with_suffix(".html")), *more]),
        run(["export", "-q", "-w", str(workspace), "--model", "hf", str(out)]),
    )
    told = capsys.readouterr().err
    assert (out.with_suffix(".html").exists(), out.exists()) == tuple(code == 0 for code in codes)
    return codes, told


def test_the_gate_is_opened_by_an_audit_that_passes(workspace, capsys):
    rewrite(workspace, **PASSING)
    assert gates(workspace, capsys)[0] == (0, 0)


def test_an_analysis_that_passes_opens_nothing_whatever_its_settings_and_whichever_is_shown(
    workspace, capsys, monkeypatch
):
    shutil.rmtree(workspace / "audit")
    few = ["--training", "40", "--held-out", "40", "--generations", "10", "--candidates", "20"]
    assert run(["analyze", "-q", "-w", str(workspace), "memorisation", *few]) == 0
    monkeypatch.setattr(Memorisation, "refusals", [])  # so that it would pass if it were asked
    assert "memorisation" in Workspace(workspace).results(latest=True)
    for more in ([], ["--latest"]):
        codes, told = gates(workspace, capsys, *more)
        assert codes == (1, 1)
        assert "No audit was run" in told
    results = Workspace(workspace).results()
    passed = dataclasses.replace(
        results, by_name={**results.by_name, **Workspace(workspace).results("memorisation", latest=True).by_name}
    )
    with pytest.raises(CheckFailed, match="No audit was run"):
        Workspace(workspace).report(results=passed, live=True)


def test_an_older_audit_that_passed_opens_nothing_once_the_settings_are_others(workspace, capsys):
    rewrite(workspace, **PASSING)
    assert gates(workspace, capsys)[0] == (0, 0)
    shutil.rmtree(workspace.parent / "out")
    (workspace.parent / "out.html").unlink()
    Workspace(workspace).configure("audit", seed=1)
    for more in ([], ["--latest"]):
        codes, told = gates(workspace, capsys, *more)
        assert codes == (1, 1)
        assert "of other weights, other settings or another version" in told


def test_an_audit_of_other_weights_opens_nothing_even_where_it_lies_in_the_place_of_this_one(workspace, capsys):
    rewrite(workspace, **PASSING, model="other")
    codes, told = gates(workspace, capsys, "--latest")
    assert codes == (1, 1)
    assert "of other weights" in told


def test_a_file_of_weights_holds_no_text_and_the_report_still_has_the_samples(workspace):
    with safe_open(workspace / "model" / "model.safetensors", framework="pt") as file:
        about = json.loads(file.metadata()["wonderland"])
    assert about["history"]["epochs"]
    assert all("sample" not in epoch for epoch in about["history"]["epochs"])
    samples = json.loads((workspace / "model" / "samples.json").read_text(encoding="utf-8"))
    assert Workspace(workspace).load_model()[0].history.samples == samples
    assert any(samples)


def test_without_an_audit_the_first_page_says_that_there_was_none(workspace):
    shutil.rmtree(workspace / "audit")
    assert page_of(Workspace(workspace).report())["audit"].startswith("No audit was run")


def test_secrets_are_offered_to_be_replaced_and_counted(untrained, capsys):
    source = Workspace(untrained).layout.source_path
    lines = source.read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    first["text"] = "the gate code is 4821 and my mail is ann@example.test"
    other = untrained.parent / "with-secrets.jsonl"
    other.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n", encoding="utf-8")
    assert run(["extract", "-q", "-w", str(untrained), str(other)]) == 0
    capsys.readouterr()
    assert run(["filter", "-q", "-w", str(untrained)]) == 0
    told = capsys.readouterr().out
    assert "1 code, 1 email" in told
    assert "wonderland filter --also scrub" in told
    assert "4821" not in told
    assert run(["filter", "-q", "-w", str(untrained), "--also", "scrub"]) == 0
    told = capsys.readouterr().out
    assert "rewritten by scrub" in told
    assert "Secrets stand in" not in told
    texts = Workspace(untrained).filter().texts
    assert "the gate code is [code] and my mail is [email]" in texts
    assert not [text for text in texts if "4821" in text]
    assert run(["filter", "-q", "-w", str(untrained), "--country", "Atlantis"]) == 2
    assert "no country" in capsys.readouterr().err
