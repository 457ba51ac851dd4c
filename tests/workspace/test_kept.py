"""Results of several parametrisations lie beside each other, and only those of the settings of now are shown."""

import functools
import json
import os
import shutil

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.cli.console import Console
from wonderland.cli.report import say_what_is_missing
from wonderland.errors import InputError, NotEnoughData
from wonderland.workspace import kept
from wonderland.workspace.status import keys_of_settings, status
from wonderland.workspace.versions import outdated, versions
from wonderland.workspace.wipe import traces


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with a model of few messages."""
    from wonderland.demo import MESSAGES

    folder = tmp_path_factory.mktemp("trained")
    (folder / "few.jsonl").write_text(_first(MESSAGES, 400), encoding="utf-8")
    workspace = wl.Workspace.create(folder / "me.wonderland")
    workspace.configure("source", path=str(folder / "few.jsonl"))
    workspace.configure("training", preset="nano", epochs=1)
    workspace.configure("tokenizer", vocab_size=400)
    workspace.configure("split", by="time")
    workspace.configure("analysis", windows=8, control=False, run=["head-patterns", "attention-entropy"])
    workspace.extract()
    workspace.filter()
    workspace.tokenize()
    workspace.train(device="cpu")
    return workspace.folder


def _first(path, count):
    import gzip

    with gzip.open(path, "rt", encoding="utf-8") as file:
        return "".join(line for _, line in zip(range(count), file, strict=False))


@pytest.fixture
def workspace(trained, tmp_path):
    return wl.Workspace(shutil.copytree(trained, tmp_path / "me.wonderland"))


def patterns(workspace, threshold):
    return workspace.analyze("head-patterns", parameters={"head-patterns": {"threshold": threshold}})


def used(one, moment):
    (one.folder / "used").write_text(str(moment), encoding="utf-8")


def threshold_of(results):
    return results["head-patterns"].provenance.parameters["threshold"]


def results_step(workspace):
    return next(step for step in status(workspace.layout) if step.name == "results")


def test_another_parametrisation_leaves_the_first_where_it_is(workspace):
    usual = workspace.analyze("head-patterns")
    other = patterns(workspace, 0.01)
    assert len(list((workspace.folder / "results" / "head-patterns").iterdir())) == 2
    started = []
    again = workspace.analyze("head-patterns", on_start=started.append)
    assert started == []
    assert (threshold_of(usual), threshold_of(other), threshold_of(again)) == (0.4, 0.01, 0.4)
    assert threshold_of(patterns(workspace, 0.01)) == 0.01


def test_results_are_those_of_the_settings_and_nothing_is_run(workspace):
    patterns(workspace, 0.01)
    assert dict(workspace.results()) == {}
    assert workspace.missing() == ["head-patterns", "attention-entropy"]
    workspace.analyze("head-patterns")
    assert threshold_of(workspace.results()) == 0.4
    assert list(workspace.results()) == ["head-patterns"]
    assert workspace.missing() == ["attention-entropy"]
    workspace.configure("analysis", parameters={"head-patterns": {"threshold": 0.01}})
    assert threshold_of(workspace.results()) == 0.01
    assert workspace.results().specimen.fingerprints == workspace.specimen().fingerprints
    assert threshold_of(workspace.results(parameters={"head-patterns": {"threshold": 0.4}})) == 0.4
    workspace.configure("analysis", windows=7)  # other evidence
    assert dict(workspace.results()) == {}


def test_the_result_asked_for_last_is_found_whatever_its_parameters(workspace):
    workspace.analyze("head-patterns")
    patterns(workspace, 0.01)
    for number, one in enumerate(kept.kept(workspace.folder)):
        used(one, 100 - number)
    assert threshold_of(workspace.results()) == 0.4
    assert threshold_of(workspace.results(latest=True)) == 0.01
    workspace.analyze("head-patterns")  # asked for again
    assert threshold_of(workspace.results(latest=True)) == 0.4
    workspace.configure("analysis", windows=7)
    assert dict(workspace.results(latest=True)) == {}


@pytest.mark.slow
def test_a_copy_of_a_workspace_is_as_up_to_date_as_it_was(workspace, tmp_path):
    """Copied file by file, in whatever order, with other times of change, to another place."""
    shutil.copy(workspace.layout.source_path, workspace.folder / "few.jsonl")
    workspace.configure("source", path="few.jsonl")
    for step in (workspace.extract, workspace.filter, workspace.tokenize, workspace.train, workspace.check):
        step()
    workspace.analyze()
    patterns(workspace, 0.01)
    workspace.report()
    patterns(workspace, 0.02)
    patterns(workspace, 0.01)  # asked for last
    before = {step.name: (step.state, step.written) for step in workspace.status()}
    assert before["report"][0] == before["results"][0] == "done"
    other = wl.Workspace(shutil.copytree(workspace.folder, tmp_path / "elsewhere", copy_function=shutil.copyfile))
    for number, path in enumerate(sorted(other.folder.rglob("*"), reverse=True)):
        os.utime(path, (number * 1000, number * 1000))
    assert {step.name: (step.state, step.written) for step in other.status()} == before
    assert other.missing() == []
    assert threshold_of(other.results(latest=True)) == 0.01


def report_step(workspace):
    return next(step for step in status(workspace.layout) if step.name == "report")


def test_a_report_is_out_of_date_when_it_would_show_something_else_and_only_then(workspace):
    workspace.analyze("head-patterns")
    workspace.report()
    assert report_step(workspace).state == "done"
    patterns(workspace, 0.01)  # which the report of the settings does not show
    assert report_step(workspace).state == "done"
    workspace.report(results=workspace.results(latest=True))
    assert report_step(workspace).state == "done"
    patterns(workspace, 0.02)
    step = report_step(workspace)
    assert (step.state, step.again) == ("out of date", "wonderland report --latest")
    workspace.report()
    assert report_step(workspace).state == "done"
    workspace.configure("analysis", parameters={"head-patterns": {"threshold": 0.01}})
    step = report_step(workspace)
    assert (step.state, step.again) == ("out of date", "wonderland report")
    assert "does not show results of now" in step.detail
    workspace.configure("analysis", parameters={})
    assert report_step(workspace).state == "done"
    workspace.analyze()  # the other analysis
    assert report_step(workspace).state == "out of date"


def test_a_report_that_was_changed_or_written_by_another_version_is_written_anew(workspace):
    workspace.analyze("head-patterns")
    place = workspace.report()
    place.write_text(place.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert report_step(workspace).state == "out of date"
    workspace.report()
    (workspace.folder / "reports.json").unlink()
    assert report_step(workspace).again == "wonderland report"


def test_status_counts_those_of_now_and_the_others(workspace):
    assert results_step(workspace).state == "missing"
    patterns(workspace, 0.01)
    step = results_step(workspace)
    assert (step.state, step.detail) == (
        "out of date",
        "0 of 2 analyses; 1 further result is kept, with other parameters or of another model",
    )
    workspace.analyze()
    step = results_step(workspace)
    further = "1 further result is kept, with other parameters or of another model"
    assert (step.state, step.detail) == ("done", f"2 of 2 analyses; {further}")
    assert step.size > 1000
    workspace.configure("training", seed=1)
    assert results_step(workspace).detail.startswith("0 of 2 analyses; 3 further results are kept, with")


def reseal(one, **changes):
    """Write other facts into the seal of a result."""
    record = json.loads((one.folder / "stage.json").read_text(encoding="utf-8"))
    (one.folder / "stage.json").write_text(json.dumps({**record, **changes}), encoding="utf-8")


def test_a_result_of_an_older_version_is_said_to_be_one_and_named(workspace):
    workspace.analyze()
    first, second = kept.kept(workspace.folder)
    assert (first.analysis, second.analysis) == ("attention-entropy", "head-patterns")
    reseal(first, version=0)
    older = "1 further result is kept, made by an older version of attention-entropy"
    assert results_step(workspace).detail == f"1 of 2 analyses; {older}"
    assert outdated(workspace.layout) == {"attention-entropy"}
    reseal(second, inputs=[*second.inputs, first.key])  # which used one of an older version
    assert outdated(workspace.layout) == {"attention-entropy", "head-patterns"}
    reseal(first, version=99)
    assert "made by another version of attention-entropy" in results_step(workspace).detail
    workspace.configure("training", seed=1)  # then the model is why, whatever the version
    assert outdated(workspace.layout) == set()


def test_a_result_of_a_plugin_that_is_gone_is_said_to_be_one_and_no_report_waits_for_it(workspace):
    workspace.analyze()
    workspace.report()
    first, _ = kept.kept(workspace.folder)
    shutil.copytree(first.folder, workspace.folder / "results" / "gone" / "0123")
    assert "1 further result is kept, of an analysis that is not installed: gone" in results_step(workspace).detail
    assert report_step(workspace).state == "done"
    shutil.copytree(first.folder, workspace.folder / "results" / "induction" / "0123")
    (other,) = (one for one in kept.kept(workspace.folder) if one.analysis == "induction")
    reseal(other, version=versions()["induction"])
    assert report_step(workspace).state == "out of date"  # that one is installed
    reseal(other, version=0)
    assert report_step(workspace).state == "done"


def test_a_result_of_before_is_put_into_its_place(workspace):
    made = workspace.analyze("head-patterns")
    analysis = workspace.folder / "results" / "head-patterns"
    (key,) = (path.name for path in analysis.iterdir())
    shutil.move(analysis / key, analysis.with_name("moved"))
    analysis.rmdir()
    analysis.with_name("moved").rename(analysis)
    assert (analysis / "stage.json").exists()
    started = []
    again = workspace.analyze("head-patterns", on_start=started.append)
    assert started == []
    assert again["head-patterns"].provenance == made["head-patterns"].provenance
    assert [path.name for path in analysis.iterdir()] == [key]
    assert [path.name for path in analysis.parent.iterdir()] == ["head-patterns"]


def test_a_move_that_was_killed_is_ended(workspace):
    workspace.analyze("head-patterns")
    analysis = workspace.folder / "results" / "head-patterns"
    (key,) = (path.name for path in analysis.iterdir())
    (analysis / key).rename(analysis.with_name(".head-patterns.moving"))
    analysis.rmdir()
    assert [one.key for one in kept.kept(workspace.folder)] == [key]
    assert workspace.missing("head-patterns") == []


def test_the_dozen_used_last_are_kept(workspace, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    removed = []
    for number in range(1, 4):
        patterns(workspace, number / 10)
        for one in kept.kept(workspace.folder):
            if one.parameters["threshold"] == number / 10:
                used(one, number)
    patterns(workspace, 0.1)  # used again, so 0.2 is the one used longest ago
    workspace.analyze("head-patterns", parameters={"head-patterns": {"threshold": 0.7}}, on_removed=removed.append)
    assert [one.parameters["threshold"] for one in removed] == [0.2]
    assert {one.parameters["threshold"] for one in kept.kept(workspace.folder)} == {0.1, 0.3, 0.7}
    assert not removed[0].folder.exists()


def test_a_report_shows_what_is_there_and_asks_for_something(workspace):
    with pytest.raises(InputError, match="no result to show") as error:
        workspace.report()
    assert "wonderland report --all" in error.value.hint
    workspace.analyze("attention-entropy")
    html = workspace.report().read_text(encoding="utf-8")
    assert "entropy-map" in html
    assert workspace.missing() == ["head-patterns"]


@pytest.fixture
def stopping(monkeypatch):
    """Makes an analysis be interrupted: in its run on the trained model or on the untrained one."""

    def stopping(name, model):
        cls = plugins.load().analyses[name]
        usual = cls.run

        @functools.wraps(usual)
        def stopped(self, specimen):
            if specimen.fingerprints["model"] == model:
                raise KeyboardInterrupt
            return usual(self, specimen)

        monkeypatch.setattr(cls, "run", stopped)
        return lambda: monkeypatch.setattr(cls, "run", usual)

    return stopping


def test_a_run_that_is_stopped_has_kept_what_was_done(workspace, stopping):
    go_on = stopping("attention-entropy", workspace.specimen().fingerprints["model"])
    with pytest.raises(KeyboardInterrupt):
        workspace.analyze()
    assert workspace.missing() == ["attention-entropy"]
    assert list(workspace.results()) == ["head-patterns"]
    go_on()
    started = []
    assert list(workspace.analyze(on_start=started.append)) == ["head-patterns", "attention-entropy"]
    assert started == ["attention-entropy"]


def test_nothing_is_run_twice_if_a_run_is_stopped_among_the_baselines(workspace, stopping):
    whole = wl.analyze(workspace.specimen(), "head-patterns", "attention-entropy", control=True)
    workspace.configure("analysis", control=True)
    go_on = stopping("attention-entropy", workspace.specimen().untrained().fingerprints["model"])
    started = []
    with pytest.raises(KeyboardInterrupt):
        workspace.analyze(on_start=started.append)
    assert started == [
        "head-patterns",
        "attention-entropy",
        "head-patterns (untrained)",
        "attention-entropy (untrained)",
    ]
    assert workspace.missing() == ["attention-entropy"]  # without its control it is no result yet
    go_on()
    started = []
    results = workspace.analyze(on_start=started.append)
    assert started == ["attention-entropy (untrained)"]
    for name, result in whole.items():
        for one, other in ((results[name], result), (results[name].control, result.control)):
            for path, estimate in other.estimates().items():
                assert (one.estimates()[path].value == estimate.value).all(), path
    left = [path.name for path in (workspace.folder / "results").rglob(".*")]
    assert left == []


def test_one_that_declines_leaves_the_others(workspace, monkeypatch):
    patterns = plugins.load().analyses["head-patterns"]

    @functools.wraps(patterns.run)
    def declines(self, specimen):
        raise NotEnoughData("too little")

    monkeypatch.setattr(patterns, "run", declines)
    results = workspace.analyze()
    assert list(results) == ["attention-entropy"]
    assert dict(results.declined) == {"head-patterns": "too little"}
    with pytest.raises(NotEnoughData, match="too little"):
        workspace.analyze("head-patterns")


def test_all_of_it_is_wiped(workspace):
    patterns(workspace, 0.01)
    workspace.analyze("head-patterns")
    found = traces(workspace.folder)
    assert workspace.folder / "results" in found.inside
    assert found.strangers == ()


def test_a_damaged_result_is_made_again(workspace):
    workspace.analyze("attention-entropy")
    (one,) = kept.kept(workspace.folder)
    (one.folder / "result.json").write_text(json.dumps({}), encoding="utf-8")
    assert dict(workspace.results("attention-entropy")) == {}
    started = []
    workspace.analyze("attention-entropy", on_start=started.append)
    assert started == ["attention-entropy"]


@pytest.mark.parametrize("file", ["arrays.safetensors", "stage.json"])
def test_a_damaged_result_is_called_so_and_by_its_name(workspace, file, capsys):
    workspace.analyze()
    assert results_step(workspace).detail == "2 of 2 analyses"
    assert workspace.damaged() == []
    (one,) = [one for one in kept.kept(workspace.folder) if one.analysis == "attention-entropy"]
    data = bytearray((one.folder / file).read_bytes())
    data[len(data) // 2 if file == "arrays.safetensors" else 0] ^= 1
    (one.folder / file).write_bytes(data)
    step = results_step(workspace)
    assert step.state == "damaged"
    assert step.detail == "1 of 2 analyses; damaged: attention-entropy; `wonderland analyze` makes it anew"
    assert workspace.damaged() == ["attention-entropy"]
    assert keys_of_settings(workspace.layout).keys() == {"head-patterns"}
    capsys.readouterr()
    say_what_is_missing(Console(), workspace, {}, "wonderland report --all")
    told = capsys.readouterr().out
    assert "Not in it, because its files are damaged: attention-entropy." in told
    assert "not run" not in told
    assert "wonderland report --all" in told
    workspace.analyze()
    assert results_step(workspace).detail == "2 of 2 analyses"


def test_a_result_of_a_workspace_is_loaded_only_as_it_was_sealed(workspace):
    import wonderland as wl

    workspace.configure("analysis", run=["attention-entropy"])
    workspace.analyze()
    (one,) = kept.kept(workspace.folder)
    seal = one.folder / "stage.json"
    whole = seal.read_text(encoding="utf-8")
    for broken in (None, "", "[]", "{}", whole[:-9], '{"files": []}', '{"files": {}}'):
        seal.unlink() if broken is None else seal.write_text(broken, encoding="utf-8")
        with pytest.raises(InputError, match=r"is damaged: stage\.json"):
            wl.Result.load(one.folder)
    seal.write_text(whole, encoding="utf-8")
    assert wl.Result.load(one.folder).provenance.analysis == "attention-entropy"
    tree = json.loads((one.folder / "result.json").read_text(encoding="utf-8"))
    del tree["sha256"]  # as an older version wrote it: the seal alone knows
    (one.folder / "result.json").write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(InputError, match=r"is damaged: result\.json is not what was written there"):
        wl.Result.load(one.folder)


def test_a_workspace_of_which_every_result_is_damaged_does_not_say_that_there_are_none(workspace):
    workspace.configure("analysis", run=["attention-entropy"])
    workspace.analyze()
    (one,) = kept.kept(workspace.folder)
    (one.folder / "stage.json").write_text("{", encoding="utf-8")
    assert results_step(workspace).state == "damaged"


def test_a_result_that_cannot_be_read_is_made_again(workspace, monkeypatch):
    from wonderland.lab.result import Result

    workspace.analyze("attention-entropy")
    real = Result.load.__func__

    def refuse(cls, folder):
        raise InputError("of another version")

    monkeypatch.setattr(Result, "load", classmethod(refuse))
    assert workspace.missing("attention-entropy") == ["attention-entropy"]
    assert dict(workspace.results("attention-entropy")) == {}
    started = []
    workspace.analyze("attention-entropy", on_start=started.append)
    assert started == ["attention-entropy"]
    monkeypatch.setattr(Result, "load", classmethod(real))
    assert workspace.missing("attention-entropy") == []


def test_estimates_of_another_version_are_not_those_of_now(workspace):
    workspace.configure("analysis", run=["attention-entropy"])
    workspace.analyze()
    assert results_step(workspace).state == "done"
    (one,) = kept.kept(workspace.folder)
    record = json.loads((one.folder / "stage.json").read_text(encoding="utf-8"))
    record["parameters"]["estimates"] = ["value"]
    (one.folder / "stage.json").write_text(json.dumps(record), encoding="utf-8")
    assert results_step(workspace).state == "out of date"
