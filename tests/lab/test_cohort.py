"""Several models at once: only such as can be compared, asked the same questions, each with its own baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.errors import InputError, PluginError, Unsupported, UsageError
from wonderland.lab.contrast import lint
from wonderland.testing.handwritten import handwritten_corpus, handwritten_speaker_corpus, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland.testing.truth import speaking_specimen


@dataclass(frozen=True)
class Spread(wl.Result):
    heads: dict
    models: list
    pairs: int

    def summary(self):
        return f"{len(self.models)} models"


@dataclass(frozen=True)
class Replication:
    """Says of each member what head-patterns found."""

    name: ClassVar[str] = "replication-of-patterns"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("z", "contrasts")
    uses: ClassVar[tuple[str, ...]] = ("head-patterns",)
    of: ClassVar[str] = "seeds"

    def run(self, cohort: wl.Cohort) -> Spread:
        norms = dict.fromkeys(cohort.members, 0.0)
        for batches in cohort.batches("z"):
            assert len({batch.windows.start for batch in batches.values()}) == 1
            for name, batch in batches.items():
                norms[name] += float(batch["z"][:, batch.mask].norm())
        return Spread(norms, sorted(cohort.results["head-patterns"]), len(cohort.contrasts()))


@dataclass(frozen=True)
class Growth(Replication):
    name: ClassVar[str] = "growth"
    of: ClassVar[str] = "snapshots"


def specimen(seed=0, **shape):
    corpus = handwritten_corpus(8)
    return wl.Specimen(random_model(seed, n_layers=2, **shape), handwritten_tokenizer(), corpus, windows=24)


@pytest.fixture(scope="module")
def seeds():
    first = specimen()
    return wl.Cohort("seeds", {"0": first, "1": first.with_model(random_model(1)), "2": specimen(2)})


def test_it_is_shown_in_a_line(seeds):
    assert repr(seeds).startswith("Cohort(3 seeds, 0 to 2, on the same 8 windows of 8 ")


def test_the_same_windows_of_all_go_in_lockstep(seeds):
    (batches,) = [b for i, b in enumerate(seeds.batches("resid_post")) if i == 1] or [next(seeds.batches("resid_post"))]
    tokens = [batch.tokens for batch in batches.values()]
    assert list(batches) == ["0", "1", "2"]
    assert all(torch.equal(tokens[0], other) for other in tokens)
    alone = {name: list(member.batches("resid_post")) for name, member in seeds.members.items()}
    for number, some in enumerate(seeds.batches("resid_post")):
        for name, batch in some.items():
            assert torch.equal(batch["resid_post"], alone[name][number]["resid_post"])


def test_baselines_are_of_numbered_seeds_and_so_differ(seeds):
    baselines = seeds.untrained()
    models = [member.model for member in baselines.members.values()]
    expected = [seeds.members[name].model.untrained(seed).fingerprint for name, seed in (("0", 1), ("1", 2), ("2", 3))]
    assert [model.fingerprint for model in models] == expected
    assert len({*expected}) == 3
    assert baselines.contrasts("speaker") is seeds.contrasts("speaker")


def test_contrasts_suffice_in_every_member():
    trained = speaking_specimen()
    deaf = trained.untrained().model
    cohort = wl.Cohort("seeds", {"hears": trained, "deaf": trained.with_model(deaf)})
    found = cohort.contrasts("speaker")
    assert len(found) == 0
    assert found.refused["gap too small in another member"] == len(trained.contrasts("speaker"))
    for member in cohort.members.values():
        assert member.contrasts("speaker") is found
    halved = trained.with_model(trained.model)
    both = wl.Cohort("seeds", {"a": trained, "b": halved}).contrasts("speaker")
    assert both.explore == trained.contrasts("speaker").explore
    assert both.confirm == trained.contrasts("speaker").confirm


def test_those_kept_are_those_that_pass_in_the_others():
    first = wl.Specimen(random_model(0), handwritten_tokenizer(), handwritten_speaker_corpus())
    second = first.with_model(random_model(5))
    mined = first.contrasts("speaker")
    kept = wl.Cohort("seeds", {"a": first, "b": second}).contrasts("speaker")
    for before, after in ((mined.explore, kept.explore), (mined.confirm, kept.confirm)):
        problems = lint(list(before), second.tokenizer, second.model)
        assert list(after) == [c for c, found in zip(before, problems, strict=True) if not found]
    assert 0 < len(kept) < len(mined)


def test_snapshots_keep_the_contrasts_of_the_last():
    last = speaking_specimen()
    cohort = wl.Cohort("snapshots", {"first": last.untrained(), "last": last}, at=[0, 100])
    assert cohort.contrasts("speaker").explore == last.contrasts("speaker").explore
    assert cohort.at.tolist() == [0, 100]


def test_models_that_cannot_be_compared_are_refused():
    one = specimen()
    for other, what in (
        (specimen(n_heads=2, d_head=6), "shape"),
        (wl.Specimen(one.model, one.tokenizer, handwritten_corpus(9), windows=24), "evidence"),
        (specimen(d_mlp=9), "shape"),
    ):
        with pytest.raises(UsageError, match=f"'b' has another {what} than 'a'"):
            wl.Cohort("seeds", {"a": one, "b": other})
    with pytest.raises(UsageError, match="no kind of cohort 'cousins'"):
        wl.Cohort("cousins", {"a": one, "b": one})
    with pytest.raises(UsageError, match="at least two"):
        wl.Cohort("seeds", {"a": one})
    for kind, at in (("seeds", [1, 2]), ("snapshots", None), ("snapshots", [2, 1]), ("snapshots", [1, 1])):
        with pytest.raises(UsageError, match="tokens"):
            wl.Cohort(kind, {"a": one, "b": one}, at=at)


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "/etc", "a\\b", "a\nb"])
def test_a_member_is_named_as_a_folder_may_be(name):
    one = specimen()
    with pytest.raises(UsageError, match="cannot be called"):
        wl.Cohort("seeds", {"a": one, name: one})
    assert list(wl.Cohort("seeds", {"seed-1": one, "v1.5_b": one}).members) == ["seed-1", "v1.5_b"]


def test_results_are_saved_and_loaded_with_their_cohort_and_with_no_other(seeds, tmp_path):
    wl.analyze(seeds, Replication()).save(tmp_path / "here")
    again = wl.Results.load(tmp_path / "here", seeds)
    assert again.specimen is seeds
    assert again["replication-of-patterns"].models == ["0", "1", "2"]
    with pytest.raises(InputError, match="about another model"):
        wl.Results.load(tmp_path / "here", seeds.untrained())
    with pytest.raises(InputError, match="about another model"):
        wl.Results.load(tmp_path / "here", seeds.members["0"])


def test_analyses_run_on_each_member_and_then_on_all(seeds):
    said = []
    results = wl.analyze(seeds, Replication(), control=True, on_start=said.append)
    assert list(results) == ["replication-of-patterns"]
    found = results["replication-of-patterns"]
    assert found.models == ["0", "1", "2"]
    assert said[:2] == ["head-patterns (0)", "head-patterns (untrained) (0)"]
    assert list(results.members) == ["0", "1", "2"]
    for name, member in results.members.items():
        alone = seeds.members[name].run(wl.analyses["head-patterns"]())
        mine = member["head-patterns"]
        assert mine.provenance.fingerprints["model"] == alone.provenance.fingerprints["model"]
        for path, one in alone.estimates().items():
            np.testing.assert_array_equal(mine.estimates()[path].value, one.value)
    prints = found.provenance.fingerprints
    assert {name for name in prints if name.startswith("model")} == {"model 0", "model 1", "model 2"}
    assert len({prints[f"model {name}"] for name in "012"}) == 3
    assert prints["held out"] == seeds.members["0"].fingerprints["held out"]
    assert found.control.provenance.fingerprints["model 2"] == seeds.members["2"].model.untrained(3).fingerprint
    assert len(found.control.models) == 3
    assert len({round(norm, 3) for norm in found.heads.values()}) == 3
    baselines = [
        member["head-patterns"].control.provenance.fingerprints["model"] for member in results.members.values()
    ]
    assert baselines == [
        seeds.members[name].model.untrained(seed).fingerprint for name, seed in (("0", 1), ("1", 2), ("2", 3))
    ]


def test_an_analysis_of_another_kind_of_subject_says_so(seeds):
    with pytest.raises(UsageError, match="of several models"):
        wl.analyze(specimen(), Replication())
    with pytest.raises(UsageError, match="of several models"):
        specimen().run(Replication())
    with pytest.raises(Unsupported, match="of snapshots, and these models differ in seeds"):
        wl.analyze(seeds, Growth())
    both = wl.analyze(seeds, Growth(), Replication())
    assert list(both) == ["replication-of-patterns"]
    assert "growth" in both.declined


def test_only_what_was_declared_is_handed_out(seeds):
    view = seeds.restricted_to(("z",), {})
    with pytest.raises(PluginError, match="not declared"):
        next(view.batches("pattern"))
    with pytest.raises(PluginError, match="asked for but not declared"):
        view.contrasts()
    with pytest.raises(PluginError, match="no results of 'head-patterns'"):
        _ = view.results["head-patterns"]
    assert next(view.batches())["0"]["z"].shape[0] == 2


@dataclass(frozen=True)
class Losses(Replication):
    """Reads the losses of every member."""

    name: ClassVar[str] = "losses"
    needs: ClassVar[tuple[str, ...]] = ("loss",)
    uses: ClassVar[tuple[str, ...]] = ()

    def run(self, cohort: wl.Cohort) -> Spread:
        sums = {
            name: sum(float(b["loss"].nansum()) for b in member.batches()) for name, member in cohort.members.items()
        }
        return Spread(sums, list(sums), 0)


@dataclass(frozen=True)
class LossesAndStream(Losses):
    """Reads the residual stream as well."""

    name: ClassVar[str] = "losses-and-stream"
    needs: ClassVar[tuple[str, ...]] = ("loss", "resid_post")


def test_members_are_read_once_for_all_that_read_their_losses(seeds, monkeypatch):
    from wonderland.lab import observed

    passes, real = [], observed.forward
    monkeypatch.setattr(observed, "forward", lambda *args, **more: passes.append(args[2]) or real(*args, **more))
    both = wl.analyze(seeds, Losses(), LossesAndStream())
    assert passes == [frozenset({"loss", "resid_post"})] * len(seeds)
    assert list(both) == ["losses", "losses-and-stream"]  # in the order they were asked for
    assert both["losses"].heads == both["losses-and-stream"].heads
    passes.clear()
    alone = wl.analyze(seeds, Losses())
    assert passes == []  # the losses of a whole pass stay
    assert alone["losses"].heads == both["losses"].heads


def test_groups_of_cohort_analyses_are_chosen_by_kind(monkeypatch):
    from wonderland import plugins
    from wonderland.lab.choosing import select

    host = plugins.Plugins(plugins.load().manager)
    host.__dict__["analyses"] = {"replication-of-patterns": Replication, "growth": Growth}
    monkeypatch.setattr(plugins, "load", lambda: host)
    assert [one.name for one in select(["all"], kind="seeds")] == ["replication-of-patterns"]
    assert [one.name for one in select(["all"], kind="snapshots")] == ["growth"]
    with pytest.raises(UsageError, match="of several models: seeds, snapshots"):
        select(["all"])
