"""A report shows the results of analyses that run on request, where somebody asked for one."""

from types import SimpleNamespace

from wonderland.workspace import analysing


def test_those_of_which_there_is_a_result_are_named_once_and_no_others(monkeypatch, tmp_path):
    there = ["sparse-dictionaries", "sparse-dictionaries", "induction", "of a plugin that is gone"]
    monkeypatch.setattr(analysing, "kept", lambda folder: [SimpleNamespace(analysis=name) for name in there])
    assert analysing.requested(tmp_path) == ["sparse-dictionaries"]


def test_a_workspace_without_results_has_none(tmp_path):
    assert analysing.requested(tmp_path) == []
