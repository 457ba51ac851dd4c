"""What a notebook asks of a specimen: one result, patching, ablation, another model, training text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.errors import InputError, PluginError, UsageError
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_corpus,
    handwritten_model,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.random_models import random_model
from wonderland.testing.truth import random_specimen, repeating_specimen, speaking_specimen

SPEAKS = "L1H2"


@dataclass(frozen=True)
class Counted(wl.Result):
    tokens: int
    seen: dict

    def summary(self):
        return f"{self.tokens} tokens"


@dataclass(frozen=True)
class Reader:
    """Reads training text."""

    name: ClassVar[str] = "reader"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("background", "resid_post")

    def run(self, specimen: wl.Specimen) -> Counted:
        batches = list(specimen.stream(specimen.background, "resid_post", layers=[1], windows=20))
        (specimen.scratch / "notes.txt").write_text("half way")
        return Counted(sum(int(b.mask.sum()) for b in batches), {"shape": list(batches[0]["resid_post"].shape)})


@pytest.fixture(scope="module")
def read():
    corpus = handwritten_corpus(40, shortest=10)
    return wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(4), background=corpus), corpus


# --- one analysis


def test_one_analysis_gives_its_own_result_with_its_parameters_and_control():
    induction = wl.analyses["induction"]()
    result = repeating_specimen().run(induction, control=True)
    assert result.provenance.analysis == "induction"
    assert type(result.control) is type(result)
    same = wl.analyze(repeating_specimen(), induction)["induction"]
    np.testing.assert_array_equal(result.to_frame()["value"], same.to_frame()["value"])


@dataclass(frozen=True)
class Hears:
    """Says what another analysis found."""

    name: ClassVar[str] = "hears"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[str, ...]] = ("head-patterns",)

    def run(self, specimen: wl.Specimen) -> Counted:
        return Counted(0, {"heard": specimen.results["head-patterns"].summary()})


def test_what_an_analysis_uses_runs_before_it():
    alone = repeating_specimen().run(Hears())
    among_others = wl.analyze(repeating_specimen(), Hears())
    assert alone.seen == among_others["hears"].seen == {"heard": among_others["head-patterns"].summary()}


# --- patching


def test_patching_by_name_is_what_the_engine_and_the_analysis_say():
    specimen = speaking_specimen()
    found = specimen.patch()
    analysis = specimen.run(wl.analyses["activation-patching"]())
    assert found.dims == ("layer", "head")
    np.testing.assert_allclose(found.value, analysis.by_head["denoising"].value)
    np.testing.assert_allclose(specimen.patch(direction="noising").value, analysis.by_head["noising"].value)
    one = specimen.patch(SPEAKS)
    assert one.shape == ()
    assert (one.chance, one.unit, one.n) == (0.0, "recovery", found.n)
    for same in (wl.Head(1, 2), wl.Site("z", 1, 2), "L1H2"):
        assert float(specimen.patch(same).value) == float(found[wl.Head(1, 2)].value)
    assert float(one.value) > 0.9


@pytest.mark.parametrize("given", ["induction", wl.analyses["induction"], 5])
def test_what_is_no_analysis_is_not_run(given):
    with pytest.raises(UsageError, match="is no analysis with its parameters") as caught:
        repeating_specimen().run(given)
    assert "wonderland.analyses['induction']()" in caught.value.hint


def test_a_list_gives_a_number_each_and_an_inner_list_one_run():
    specimen = random_specimen()
    given = specimen.contrasts("speaker")
    found = specimen.patch(["L0H1", wl.Site("resid_pre", 2, positions="answer"), ["L0H1", "L1H0"]], given)
    assert found.dims == ("site",)
    assert found.labels == {"site": ("L0H1", "L2 resid_pre at answer", "L0H1 + L1H0")}
    batch = ContrastBatch.of([*given.explore, *given.confirm], specimen.tokenizer)
    cells = [[Site("z", 0, 1)], [Site("resid_pre", 2, positions="answer")], [Site("z", 0, 1), Site("z", 1, 0)]]
    by_hand = patch(specimen.model, batch, cells, positions=batch.places()).pooled()
    np.testing.assert_allclose(found.value, by_hand.value)
    np.testing.assert_allclose(found.low, by_hand.low)
    assert len({round(float(v), 6) for v in found.value}) == 3
    heads = specimen.patch(["L0H1", "L1H0"], given)
    assert heads.to_frame()["head"].tolist() == ["L0H1", "L1H0"]


def test_the_two_halves_are_measured_apart():
    specimen = random_specimen()
    explore, confirm = (specimen.patch("L1H1", part=part) for part in ("explore", "confirm"))
    given = specimen.contrasts("speaker")
    assert float(explore.value) == float(specimen.patch("L1H1", given.explore).value)
    assert float(confirm.value) == float(specimen.patch("L1H1", given.confirm).value)
    assert float(explore.value) != float(confirm.value)


def test_own_contrasts_are_refused_with_what_is_wrong():
    specimen = speaking_specimen()
    fair = specimen.contrasts("speaker").explore[0]
    assert specimen.patch(SPEAKS, fair).n == 1
    unfair = dataclasses.replace(fair, foil=fair.target)
    with pytest.raises(InputError, match="Contrast 2 of 2 is no fair question: target equals foil"):
        specimen.patch(SPEAKS, [fair, unfair])
    with pytest.raises(UsageError, match="without halves"):
        specimen.patch(SPEAKS, [fair], part="confirm")
    with pytest.raises(UsageError, match="No contrast"):
        specimen.patch(SPEAKS, [])


def test_a_model_that_tells_nothing_apart_says_so():
    with pytest.raises(wl.NotEnoughData, match="no usable contrast of the kind 'speaker'"):
        speaking_specimen().untrained().patch(SPEAKS)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("L9H0", "no head 'L9H0'"),
        (wl.Site("z", 7), "no layer 7"),
        (wl.Site("z", 0, 9), "no head 'L0H9'"),
        (wl.Site("mlp_out", 0, 0), "not of single heads"),
        (wl.Site("pattern", 0, 0), "pairs of positions"),
        (wl.Site("embed", 0), "of no layer"),
        (wl.Site("nonsense", 0), "no activation 'nonsense'"),
        (wl.Site("z", 0, positions="between the lines"), "no place 'between the lines'"),
        (wl.Site("z", 0, positions=47), "Not every prompt has a position 47"),
        ([], "No head or site is named"),
        ([["L0H0"], []], "No head or site is named"),
        ([3], "A int is no place in a model"),
        (wl.Neuron(0, 1), "A Neuron is no place in a model"),
    ],
)
def test_what_the_model_has_not_is_refused_by_name(what, said):
    with pytest.raises(UsageError, match=said):
        speaking_specimen().patch(what)


@pytest.mark.parametrize("options", [{"direction": "sideways"}, {"part": "third"}, {"contrasts": "weather"}])
def test_another_direction_part_or_kind_is_refused(options):
    with pytest.raises(UsageError, match="There is no"):
        speaking_specimen().patch(SPEAKS, **options)


# --- ablation


def test_ablation_is_what_the_analysis_says():
    specimen = repeating_specimen()
    analysis = specimen.run(wl.analyses["head-ablation"](pairs=0))
    for method in ("mean", "zero", "resample"):
        found = specimen.ablate(method=method)
        np.testing.assert_allclose(found.value, analysis.cost[method].value, atol=1e-6, err_msg=method)
        np.testing.assert_allclose(found.low, analysis.cost[method].low, atol=1e-6, err_msg=method)
    assert (found.unit, found.chance, found.resampled_over) == ("nats a token", 0.0, "conversations")
    zero = specimen.ablate(method="zero")
    assert float(zero[HEADS["induction"]].value) > 1
    assert float(zero[HEADS["uniform"]].value) == pytest.approx(0, abs=1e-6)


def test_sites_are_taken_out_alone_and_together():
    specimen = random_specimen()
    pair = ["L0H1", "L1H0"]
    found = specimen.ablate([*pair, pair, wl.Site("mlp_out", 0)], windows=6)
    assert found.labels["site"] == ("L0H1", "L1H0", "L0H1 + L1H0", "L0 mlp_out")
    assert float(found.value[2]) != pytest.approx(float(found.value[0] + found.value[1]), abs=1e-4)
    zeroed = specimen.ablate(wl.Site("mlp_out", 0), method="zero", windows=6)
    assert zeroed.shape == ()
    assert float(zeroed.value) != pytest.approx(float(found.value[3]), abs=1e-4)


def test_a_head_that_writes_nothing_costs_exactly_nothing():
    assert (random_specimen().untrained().ablate(windows=4).value == 0).all()


def test_with_one_conversation_there_is_nothing_to_resample_from():
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(1))
    with pytest.raises(wl.NotEnoughData, match="another conversation"):
        specimen.ablate("L0H0", method="resample")
    assert specimen.ablate("L0H0").n == 1


def test_what_cannot_be_ablated_is_refused():
    for options, said in (
        ({"method": "drown"}, "no method"),
        ({"windows": 0}, "windows is at least 1"),
        ({"what": wl.Site("z", 0, positions="answer")}, "no place 'answer'"),
        ({"what": wl.Site("z", 0, positions=500)}, "Not every window"),
    ):
        with pytest.raises(UsageError, match=said):
            repeating_specimen().ablate(**{"what": "L0H0", **options})


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("ablate", ("L0H0", "L0H1")),
        ("ablate", ("L0H0", "L0H1", "L1H0")),
        ("patch", ("L0H0", "L0H1")),
        ("patch", (wl.Head(0, 0), wl.Head(0, 1))),
        ("patch", ("L0H0", wl.Site("z", 0))),
        ("patch", ("L0H0", ["L0H1", "L1H0"])),
        ("patch", ("L0H0", "speaker", "L0H1")),
    ],
)
def test_heads_given_one_after_another_are_refused_with_how_to_name_several(method, given):
    with pytest.raises(UsageError, match="in one list") as refused:
        getattr(repeating_specimen(), method)(*given)
    assert f'specimen.{method}([["L2H0", "L2H3"]])' in refused.value.hint


def test_what_is_no_contrast_is_refused():
    with pytest.raises(UsageError, match="A int is no contrast"):
        speaking_specimen().patch(SPEAKS, [3])


# --- another model


def test_another_model_is_asked_the_same_in_the_same_halves():
    first = speaking_specimen()
    other = handwritten_speaker_model()
    with torch.no_grad():
        other.blocks[1].attn.W_O[2] *= 0.5
    second = first.with_model(other)
    assert second.evidence is first.evidence
    assert second.contrasts("speaker") is first.contrasts("speaker")
    assert second.fingerprints["model"] != first.fingerprints["model"]
    assert second.fingerprints["held out"] == first.fingerprints["held out"]
    assert first.model is not second.model
    assert second.patch(SPEAKS).n > 0
    logits = next(second.batches("logits"))["logits"]
    expected = other(torch.from_numpy(second.evidence.rows(slice(0, 16)).tokens))
    assert torch.equal(logits, expected)


def test_a_model_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="context is 10"):
        random_specimen().with_model(random_model(n_ctx=10))
    with pytest.raises(InputError, match="belong together"):
        random_specimen().with_model(random_model(d_vocab=9))


# --- training text


def test_an_analysis_reads_the_training_text_it_declared(read):
    specimen, corpus = read
    told = []
    result = specimen.run(Reader(), on_progress=lambda done, total: told.append((done, total)))
    windows = pack(corpus, specimen.tokenizer, size=8, stride=8, context=48)
    assert result.tokens == int(windows.lengths[:20].sum())
    assert result.seen["shape"][0] == 1
    assert len(windows) > 20
    assert told == [(16, 20), (20, 20)]
    assert result.provenance.fingerprints["background"] == windows.fingerprint
    assert "background" not in specimen.fingerprints
    assert specimen.untrained().background.fingerprint == windows.fingerprint


def test_streamed_activations_are_those_of_the_model_on_each_window(read):
    specimen, corpus = read
    windows = pack(corpus, specimen.tokenizer, size=8, stride=8, context=48)
    row = 0
    for batch in specimen.stream(corpus, "resid_post", "z", layers=[1, 0]):
        assert batch.windows.start == row
        for i in range(len(batch.tokens)):
            tokens = torch.from_numpy(windows[row])[None]
            _, cache = specimen.model.run_with_cache(
                tokens, names_filter=["blocks.1.hook_resid_post", "blocks.0.attn.hook_z"]
            )
            length = tokens.shape[1]
            torch.testing.assert_close(
                batch["resid_post"][0, i, :length], cache["blocks.1.hook_resid_post"][0], atol=1e-5, rtol=1e-5
            )
            torch.testing.assert_close(
                batch["z"][1, i, :length], cache["blocks.0.attn.hook_z"][0], atol=1e-5, rtol=1e-5
            )
            row += 1
    assert row == len(windows)


def test_a_stream_of_early_layers_does_not_run_the_later_ones(read):
    specimen, corpus = read
    ran = []
    hooks = [specimen.model.blocks[1].register_forward_hook(lambda *_: ran.append(1))]
    hooks.append(specimen.model.unembed.register_forward_hook(lambda *_: ran.append("unembed")))
    try:
        list(specimen.stream(corpus, "resid_post", layers=[0]))
        assert ran == []
        list(specimen.stream(corpus, "resid_post", layers=[1]))
        assert set(ran) == {1}
        list(specimen.stream(corpus, "resid_post", "loss", layers=[0]))
        assert set(ran) == {1, "unembed"}
    finally:
        for hook in hooks:
            hook.remove()


def test_what_was_not_declared_is_not_handed_out(read):
    specimen, corpus = read
    with pytest.raises(PluginError, match=r'"background" to the analysis'):
        _ = specimen.restricted_to(("z",)).background
    with pytest.raises(PluginError, match="not declared"):
        next(specimen.restricted_to(("background",)).stream(corpus, "z"))
    with pytest.raises(wl.NotEnoughData, match="training text"):
        wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(4)).run(Reader())
    with pytest.raises(UsageError, match="no layer 5"):
        next(specimen.stream(corpus, "z", layers=[5]))
    with pytest.raises(UsageError, match="Name an activation"):
        next(specimen.stream(corpus))
    with pytest.raises(UsageError, match="no device 'tpu' here"):
        next(specimen.stream(corpus, "z", device="tpu"))


def test_a_stream_on_another_device_runs_a_copy_there_and_leaves_the_model_where_it_is(read, monkeypatch):
    specimen, corpus = read
    here = next(specimen.stream(corpus, "resid_post"))
    assert torch.equal(next(specimen.stream(corpus, "resid_post", device="cpu"))["resid_post"], here["resid_post"])
    moved = []

    def to(model, device):
        moved.append((model, device))
        return model

    monkeypatch.setattr("wonderland.model.engine.fastest_device", lambda: "cuda")  # as on another machine
    monkeypatch.setattr(type(specimen.model), "to", to)
    there = next(specimen.stream(corpus, "resid_post", device="cuda"))
    ((copy, device),) = moved
    assert device == "cuda"
    assert copy is not specimen.model
    assert copy.fingerprint == specimen.model.fingerprint
    assert torch.equal(there["resid_post"], here["resid_post"])


def test_the_scratch_folder_is_there_and_its_own(tmp_path, read):
    specimen, _ = read
    assert specimen.scratch.is_dir()
    wl.analyze(specimen, Reader(), scratch=lambda name: tmp_path / name)
    assert (tmp_path / "reader" / "notes.txt").read_text() == "half way"


def test_an_analysis_on_request_is_not_among_all():
    @dataclass(frozen=True)
    class Slow(Reader):
        name: ClassVar[str] = "slow"
        groups: ClassVar[tuple[str, ...]] = ("sparse",)
        on_request: ClassVar[bool] = True

    from wonderland.lab.choosing import select

    known = {"slow": Slow, "reader": Reader}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wl.analyses.__class__, "__iter__", lambda self: iter(known))
        from wonderland import plugins

        host = plugins.Plugins(plugins.load().manager)
        host.__dict__["analyses"] = known
        patched.setattr(plugins, "load", lambda: host)
        assert [one.name for one in select(["all"])] == ["reader"]
        assert [one.name for one in select(["sparse"])] == ["slow"]
        assert [one.name for one in select(["slow"])] == ["slow"]


def test_analyses_are_a_mapping_of_classes():
    assert "induction" in wl.analyses
    assert "nonsense" not in wl.analyses
    assert wl.analyses.get("nonsense") is None
    with pytest.raises(UsageError, match="no analysis named 'nonsense'") as error:
        wl.analyses["nonsense"]
    assert "list(wonderland.analyses)" in error.value.hint
    assert wl.analyses["induction"].name == "induction"
    assert repr(wl.analyses).startswith("<analyses: acquisition, activation-patching, ")
