"""Models that training left in a workspace, as a cohort: a member is analysed once, and all under all of their keys."""

from __future__ import annotations

import functools
import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import joblib
import numpy as np
import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.cli.main import run
from wonderland.demo import MESSAGES
from wonderland.errors import InputError, NotEnoughData, ResourceError, UsageError
from wonderland.views import Axis, Bar, Bars, View
from wonderland.workspace import catalogue
from wonderland.workspace.analysing import Asked
from wonderland.workspace.catalogue import Sketch
from wonderland.workspace.cohorts import AskedOfCohort
from wonderland.workspace.kept import kept


@dataclass(frozen=True)
class Names(wl.Result):
    names: list
    progress: int

    def summary(self):
        return ", ".join(self.names)

    def views(self):
        bars = Bars(tuple(self.names), Axis("n"), [Bar("names", np.arange(len(self.names)))])
        return [View("names-of-seeds", "Names of the members", bars)]


@dataclass(frozen=True)
class NamesOfSeeds:
    """Names the members."""

    name: ClassVar[str] = "names-of-seeds"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[str, ...]] = ("attention-entropy",)
    of: ClassVar[str] = "seeds"
    runs: ClassVar[list[str]] = []

    def run(self, cohort: wl.Cohort) -> Names:
        self.runs.append("seeds")
        (cohort.scratch / "checkpoint").write_text("x")
        return Names(list(cohort.results["attention-entropy"]), 0)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with models of two seeds, and what was kept on the way to the first."""
    folder = tmp_path_factory.mktemp("seeds")
    with gzip.open(MESSAGES, "rt", encoding="utf-8") as file:
        few = "".join(line for _, line in zip(range(400), file, strict=False))
    (folder / "few.jsonl").write_text(few, encoding="utf-8")
    workspace = wl.Workspace.create(folder / "me.wonderland")
    workspace.configure("source", path=str(folder / "few.jsonl"))
    workspace.configure("training", preset="nano", epochs=1, snapshots=3)
    workspace.configure("tokenizer", vocab_size=400)
    workspace.configure("split", by="time")
    workspace.configure("analysis", windows=8, control=False, run=["attention-entropy"])
    workspace.extract()
    workspace.filter()
    workspace.tokenize()
    workspace.train(device="cpu")
    return workspace


@pytest.fixture
def installed(monkeypatch):
    """An installed analysis that compares models of several seeds, the only one."""
    known = {name: cls for name, cls in plugins.load().analyses.items() if not getattr(cls, "of", "")}
    known["names-of-seeds"] = NamesOfSeeds
    monkeypatch.setitem(plugins.load().__dict__, "analyses", known)
    sketch = Sketch("names-of-seeds", "Names the members.", 1, (), NamesOfSeeds.uses, {}, of="seeds")
    sketches = {name: one for name, one in catalogue.analyses().items() if not one.of} | {sketch.name: sketch}
    monkeypatch.setattr("wonderland.cli.analysis.analyses", lambda: sketches)


def test_one_model_is_no_cohort(workspace):
    if len(workspace.trained_seeds(2)) < 2:
        with pytest.raises(InputError, match=r"takes two models .* there is only seed-0") as error:
            workspace.cohort("seeds")
        assert "wonderland train --seeds 3" in error.value.hint
    with pytest.raises(UsageError, match="no cohort of 'corpora'"):
        workspace.cohort("corpora")


def test_no_model_kept_while_training_is_no_cohort_either(workspace, tmp_path, capsys):
    copy = Path(shutil.copytree(workspace.folder, tmp_path / "me.wonderland"))
    shutil.rmtree(copy / "models" / "snapshots-of-seed-0")
    assert run(["analyze", "-w", str(copy), "--cohort", "snapshots", "attention-entropy"]) == 3
    assert "wonderland train --snapshots 10" in capsys.readouterr().err


def test_seeds_are_analysed_each_once_and_then_together(workspace, installed):
    workspace.train(device="cpu", seed=1)
    cohort = workspace.cohort("seeds")
    assert list(cohort.members) == ["seed-0", "seed-1"]
    assert len({member.fingerprints["model"] for member in cohort.members.values()}) == 2
    own = workspace.analyze("attention-entropy")["attention-entropy"]
    said = []
    results = workspace.analyze("names-of-seeds", cohort="seeds", on_start=said.append)
    assert results["names-of-seeds"].names == ["seed-0", "seed-1"]
    assert said == ["attention-entropy (seed-1)", "names-of-seeds"]  # that of seed 0 is the workspace's own
    assert (results.members["seed-0"]["attention-entropy"].normalised.value == own.normalised.value).all()
    (where,) = [one.folder for one in kept(workspace.folder) if one.analysis == "names-of-seeds"]
    assert (where / "scratch" / "trained" / "checkpoint").read_text() == "x"
    assert not list(where.parent.glob(".*.scratch"))
    again = workspace.analyze("names-of-seeds", cohort="seeds")
    assert NamesOfSeeds.runs == ["seeds"]
    assert again["names-of-seeds"].provenance == results["names-of-seeds"].provenance
    assert list(again.members["seed-1"]) == ["attention-entropy"]
    workspace.train(device="cpu", seed=2)
    third = workspace.analyze("names-of-seeds", cohort="seeds")
    assert third["names-of-seeds"].names == ["seed-0", "seed-1", "seed-2"]
    assert NamesOfSeeds.runs == ["seeds", "seeds"]


def told(results):
    return {name: one["head-patterns"].scores["previous"].value for name, one in results.members.items()}


@pytest.mark.slow
def test_several_members_at_a_time_find_what_one_after_the_other_does(workspace, tmp_path, capsys):
    here, there = (Path(shutil.copytree(workspace.folder, tmp_path / name)) for name in ("here", "there"))
    one_by_one = wl.Workspace(here).analyze("head-patterns", cohort="snapshots")
    said = []
    with joblib.parallel_config(backend="threading"):  # no process is started for a test
        apart = wl.Workspace(there).analyze("head-patterns", cohort="snapshots", jobs=2, on_start=said.append)
        assert said == [f"head-patterns ({name})" for name in one_by_one.members]
        late = wl.Workspace(there).analyze("head-patterns", "ov-circuits", cohort="snapshots", jobs=2, minutes=0)
    for name, found in told(one_by_one).items():
        np.testing.assert_allclose(told(apart)[name], found, rtol=1e-5, atol=1e-6)
    assert list(told(apart)) == list(told(one_by_one))
    assert all(set(member) == {"head-patterns"} for member in late.members.values())  # those are there already
    assert all("used up" in member.declined["ov-circuits"] for member in late.members.values())
    assert run(["analyze", "head-patterns", "--jobs", "2", "-w", str(here)]) == 2
    assert "--jobs is of several models" in capsys.readouterr().err


@pytest.mark.slow
def test_members_are_analysed_in_processes_of_their_own(workspace, tmp_path):
    there = Path(shutil.copytree(workspace.folder, tmp_path / "there"))
    assert run(["analyze", "head-patterns", "--cohort", "snapshots", "--jobs", "2", "-q", "-w", str(there)]) == 0
    again = wl.Workspace(there)
    made = {one.folder for one in kept(there) if one.analysis == "head-patterns"}
    results = again.analyze("head-patterns", cohort="snapshots")
    assert len(made) == len(results.members) > 1
    assert made == {one.folder for one in kept(there) if one.analysis == "head-patterns"}  # none was made again


def in_turn(work, tasks, jobs):
    """What `in_processes` does, in this process."""
    for task in tasks:
        yield work(*task)


def dying(work, tasks, jobs):
    yield work(*tasks[0])
    raise ResourceError("A process died.", hint="Do fewer at a time.")


def test_a_process_that_died_leaves_what_was_finished_and_the_same_command_goes_on(
    workspace, tmp_path, monkeypatch, capsys
):
    there = Path(shutil.copytree(workspace.folder, tmp_path / "there"))
    typed = ["analyze", "head-patterns", "--threshold", "0.37", "--cohort", "snapshots", "--jobs", "2"]
    wl.Workspace(there).configure("analysis", control=True)
    monkeypatch.setattr("wonderland.lab.jobs.in_processes", dying)
    assert run([*typed, "-w", str(there)]) == 5
    told = " ".join(capsys.readouterr().err.split())
    assert "A process died. Results that were finished are kept, and the same command goes on with the others." in told
    first = {one.folder: (one.folder / "result.json").stat().st_mtime_ns for one in kept(there)}
    monkeypatch.setattr("wonderland.lab.jobs.in_processes", in_turn)
    assert run([*typed, "-w", str(there)]) == 0
    lines = capsys.readouterr().err.splitlines()
    left, first_of_all = len(workspace.snapshots()) - 1, min(workspace.snapshots())  # one model was finished
    count = left * (2 if first_of_all else 1)  # each with its untrained baseline, unless the first of all is that
    assert [line for line in lines if line.startswith("Analysing: ")][-1].startswith(
        f"Analysing: 100% {count} of {count}: head-patterns "
    )
    now = {one.folder: (one.folder / "result.json").stat().st_mtime_ns for one in kept(there)}
    assert {folder: now[folder] for folder in first} == first
    assert len(now) == len(first) + left


def test_snapshots_are_in_the_order_of_training_with_the_tokens_seen(workspace):
    cohort = workspace.cohort("snapshots")
    assert cohort.at.tolist() == sorted(workspace.snapshots())
    assert list(cohort.members) == [f"tokens-{tokens}" for tokens in sorted(workspace.snapshots())]
    for tokens, member in zip(workspace.snapshots(), cohort.members.values(), strict=True):
        assert member.fingerprints["model"] == workspace.specimen(snapshot=tokens).fingerprints["model"]
    results = workspace.analyze("attention-entropy", cohort="snapshots")
    assert [*results.members] == [*cohort.members]
    assert len(results) == 0


def test_an_analysis_of_a_workspace_is_given_the_training_text(workspace):
    assert workspace.specimen().background.facts["messages"] == len(workspace.split()[0])


# -- on the command line


def analyze(workspace, *words):
    return run(["analyze", "-q", "-w", str(workspace.folder), *words])


@pytest.fixture
def seeds(workspace):
    for seed in (1, 2):
        workspace.train(device="cpu", seed=seed)
    return workspace


@pytest.mark.slow
def test_without_names_the_analyses_that_compare_are_run_and_the_report_shows_them(seeds, installed, capsys):
    assert analyze(seeds, "--cohort", "seeds") == 0
    printed = capsys.readouterr().out
    assert "\nnames-of-seeds\n  seed-0, seed-1, seed-2\n" in printed
    assert "attention-entropy" not in printed  # only used
    assert "wonderland report" in printed
    assert list(seeds.results()) == ["attention-entropy", "names-of-seeds"]
    assert list(seeds.results("attention-entropy")) == ["attention-entropy"]
    assert run(["report", "-q", "-w", str(seeds.folder)]) == 0
    report = (seeds.folder / "report.html").read_text(encoding="utf-8")
    assert "Names of the members" in report
    assert run(["report", "-q", "--all", "-w", str(seeds.folder)]) == 0
    assert (seeds.folder / "report.html").read_text(encoding="utf-8").count("Names of the members") == report.count(
        "Names of the members"
    )


def test_an_analysis_of_one_model_is_run_on_every_member(seeds, capsys):
    assert analyze(seeds, "--cohort", "seeds", "head-patterns", "--threshold", "0.02") == 0
    printed = capsys.readouterr().out
    assert "\nhead-patterns\n  seed-0\n    " in printed
    assert printed.index("  seed-0\n") < printed.index("  seed-1\n") < printed.index("  seed-2\n")
    made = [one for one in kept(seeds.folder) if one.analysis == "head-patterns"]
    assert [one.parameters["threshold"] for one in made] == [0.02] * 3
    assert len({one.inputs for one in made}) == 3
    assert analyze(seeds, "--cohort", "seeds", "head-patterns", "--threshold", "0.02", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["members"]) == ["seed-0", "seed-1", "seed-2"]
    alone = seeds.specimen(seed=2).run(wl.analyses["head-patterns"](threshold=0.02))
    assert said["members"]["seed-2"]["results"]["head-patterns"]["summary"] == alone.summary().splitlines()


def test_what_cannot_be_compared_says_what_to_type(seeds, installed, capsys):
    assert analyze(seeds, "names-of-seeds") == 2
    assert "wonderland analyze --cohort seeds names-of-seeds" in capsys.readouterr().err
    assert analyze(seeds, "--cohort", "snapshots", "names-of-seeds") == 2
    assert "names-of-seeds is of several models (seeds)" in capsys.readouterr().err
    assert analyze(seeds, "--cohort", "corpora") == 2
    assert analyze(seeds, "--cohort", "seeds", "attention-entropi") == 2
    assert "Did you mean attention-entropy?" in capsys.readouterr().err


def test_help_tells_which_analyses_compare_models(installed, capsys):
    assert run(["analyze", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "names-of-seeds" in printed[printed.index("Of several models:") :]
    assert "Names the members. (--cohort seeds)" in printed
    assert run(["analyze", "--cohort", "seeds", "--help"]) == 0
    alone = capsys.readouterr().out
    assert "Parameters of names-of-seeds" in alone
    assert "Parameters of head-patterns" not in alone


def test_a_kind_that_nothing_compares_needs_a_name(seeds, monkeypatch):
    known = {"attention-entropy": plugins.load().analyses["attention-entropy"]}
    monkeypatch.setitem(plugins.load().__dict__, "analyses", known)
    with pytest.raises(UsageError, match="No analysis that is installed compares snapshots") as error:
        seeds.analyze(cohort="snapshots")
    assert "--cohort snapshots head-patterns" in error.value.hint


def test_a_member_that_has_too_little_is_left_out_and_all_of_them_are_an_error(seeds, monkeypatch):
    patterns = plugins.load().analyses["head-patterns"]
    usual, refused = patterns.run, {seeds.specimen(seed=0).fingerprints["model"]}

    @functools.wraps(usual)
    def sometimes(self, specimen):
        if specimen.fingerprints["model"] in refused:
            raise NotEnoughData("too little")
        return usual(self, specimen)

    def analyze(margin):
        return seeds.analyze("head-patterns", cohort="seeds", parameters={"head-patterns": {"margin": margin}})

    monkeypatch.setattr(patterns, "run", sometimes)
    found = analyze(3.0)
    assert dict(found.members["seed-0"].declined) == {"head-patterns": "too little"}
    assert [list(one) for one in found.members.values()] == [[], ["head-patterns"], ["head-patterns"]]
    refused.update(seeds.specimen(seed=seed).fingerprints["model"] for seed in (1, 2))
    with pytest.raises(NotEnoughData, match="too little"):
        analyze(4.0)


def test_what_asks_contrasts_is_asked_again_if_another_model_joins(workspace):
    """They are the pairs that suffice in every member, so a result of two members is none of three."""
    workspace.train(device="cpu", seed=1)
    names = ["attention-entropy", "activation-patching", "head-taxonomy"]

    def keys():
        asked = AskedOfCohort.of(workspace.layout, "seeds", names, None)
        return {name: stage.key for name, stage in asked.stages["seed-0"].items()}

    before = keys()
    own = {name: stage.key for name, stage in Asked.of(workspace.layout, names, None).stages.items()}
    assert {name for name in before if before[name] == own[name]} >= {"attention-entropy", "head-patterns"}
    workspace.train(device="cpu", seed=3)
    after = keys()
    for of in (own, after):
        changed = {name for name in before if before[name] != of[name]}
        assert {"activation-patching", "speaker-tracking", "head-taxonomy"} <= changed
        assert not {"attention-entropy", "head-patterns"} & changed
