"""Models that training left in a workspace, as a cohort: a member is analysed once, and all under all of their keys."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import ClassVar

import pytest

import wonderland as wl
from wonderland.demo import MESSAGES
from wonderland.errors import InputError, UsageError
from wonderland.workspace.kept import kept


@dataclass(frozen=True)
class Names(wl.Result):
    names: list
    progress: int

    def summary(self):
        return ", ".join(self.names)


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


def test_one_model_is_no_cohort(workspace):
    if len(workspace.trained_seeds(2)) < 2:
        with pytest.raises(InputError, match="1 models to compare") as error:
            workspace.cohort("seeds")
        assert "--seeds 3" in error.value.hint
    with pytest.raises(UsageError, match="no cohort of 'corpora'"):
        workspace.cohort("corpora")


def test_seeds_are_analysed_each_once_and_then_together(workspace, monkeypatch):
    from wonderland import plugins

    known = {**plugins.load().analyses, "names-of-seeds": NamesOfSeeds}
    monkeypatch.setitem(plugins.load().__dict__, "analyses", known)
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
