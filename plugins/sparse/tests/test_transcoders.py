"""Transcoders of planted functions, and attribution graphs that must add up: to the parts, to the answer, to 1e-4."""

import dataclasses

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.random_models import random_model
from wonderland_sparse import attribution_graphs
from wonderland_sparse.attribution_graphs import AttributionGraphs
from wonderland_sparse.dictionaries import SparseDictionaries
from wonderland_sparse.dictionary import Dictionary, Transcoder
from wonderland_sparse.gradients import Active, gradients
from wonderland_sparse.graph_truths import QUICK, known_mlp_model, known_mlp_specimen
from wonderland_sparse.learning import Recipe, passes, transcode
from wonderland_sparse.paths import Pair, leading
from wonderland_sparse.removal import taken_out
from wonderland_sparse.replacement import LOGITS, Account, account, scores
from wonderland_sparse.streams import mlp_held_out, mlp_of_text, normed
from wonderland_sparse.transcoders import Transcoders, _least_squares
from wonderland_sparse.transcoders_result import TranscodersResult

TOKENS = np.array([1, 7, 9, 3, 2, 8, 7, 11, 20, 5])
TARGET, FOIL = 7, 9
SOURCES = ("token", "position", "error", "bias")


def drawn(d, latents=20, seed=0, threshold=0.3):
    """A transcoder with nothing learned: accounts must be exact whatever it is."""
    random = torch.Generator().manual_seed(seed)
    decoder = torch.randn(latents, d, generator=random)
    return Transcoder(
        torch.randn(latents, d, generator=random) * 0.4,
        torch.randn(latents, generator=random) * 0.1,
        decoder / decoder.norm(dim=1, keepdim=True),
        torch.randn(d, generator=random) * 0.1,
        threshold * torch.rand(latents, generator=random),
    )


def coders(model, *layers):
    return {layer: drawn(model.cfg.d_model, seed=layer) for layer in layers or range(model.cfg.n_layers)}


def own_answer(model, tokens=TOKENS):
    logits = model(torch.from_numpy(tokens)[None])[0, -1].double()
    return float(logits[TARGET] - logits[FOIL])


# Training


def test_gradients_across_are_those_of_autograd():
    random = torch.Generator().manual_seed(0)
    x, y = (torch.randn(40, 8, generator=random, dtype=torch.float64) for _ in range(2))
    parts = [torch.randn(shape, generator=random, dtype=torch.float64) for shape in ((24, 8), (24,), (24, 8), (8,))]
    W_enc, b_enc, W_dec, b_dec = (part.requires_grad_() for part in parts)
    z = x @ W_enc.T + b_enc
    mask = z > z.detach().flatten().topk(4 * len(x)).values.min()
    loss = (((z * mask) @ W_dec + b_dec - y) ** 2).sum(1).mean()
    dense = torch.autograd.grad(loss, [W_enc, b_enc, W_dec, b_dec])
    with torch.no_grad():
        active = Active.at(z, torch.nonzero(mask.flatten()).flatten())
        mine = gradients(x, active, W_enc, W_dec, b_dec, target=y)
    assert mine.loss == pytest.approx(loss.item(), rel=1e-12)
    for ours, theirs in zip((mine.W_enc, mine.b_enc, mine.W_dec, mine.b_dec), dense, strict=True):
        assert (ours - theirs).abs().max() < 1e-6


@pytest.fixture(scope="module")
def planted():
    """A sum of 32 directions, each of which another direction switches on; and its transcoder."""
    random = torch.Generator().manual_seed(0)
    reads, writes = (torch.nn.functional.normalize(torch.randn(32, 16, generator=random)) for _ in range(2))
    x = torch.randn(30_000, 16, generator=random)
    y = torch.relu(x @ reads.T - 1.8) @ writes + 2
    return x, y, writes, transcode(x, y, Recipe(32, 1, rate=2e-2, epochs=8, batch=512), seed=1)


def test_a_transcoder_finds_what_is_written_and_predicts_better_than_a_linear_map(planted):
    x, y, writes, one = planted
    assert isinstance(one, Transcoder)
    assert ((one.W_dec @ writes.T).max(0).values >= 0.9).float().mean() > 0.6
    total = (y - y.mean(0)).square().sum()
    linear = _least_squares(x, y)
    left = [
        float((y - made).square().sum() / total) for made in (one.decode(one.encode(x)), x @ linear[:-1] + linear[-1])
    ]
    assert left[0] < 0.5 < left[1]


def test_a_least_squares_map_is_that_of_linear_algebra(planted):
    x, y = planted[0][:500], planted[1][:500]
    wanted = torch.linalg.lstsq(torch.cat([x, torch.ones(500, 1)], 1), y).solution
    assert torch.allclose(_least_squares(x, y), wanted, atol=1e-3)


def test_units_of_input_and_output_do_not_matter(planted):
    x, y = planted[0][:4000], planted[1][:4000]
    one, other = (transcode(a * x + a, b * y - b, Recipe(16, 1, epochs=2), 3) for a, b in ((1, 1), (4, 0.5)))
    assert torch.allclose(0.5 * one.decode(one.encode(x + 1)), other.decode(other.encode(4 * x + 4)) - 0.0, atol=1e-3)


def test_a_transcoder_takes_nothing_off_what_it_reads():
    one = drawn(6)
    x = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    z = x @ one.W_enc.T + one.b_enc
    assert torch.equal(one.encode(x), torch.where(z > one.threshold, z, 0.0))
    assert not torch.allclose(Dictionary(**vars(one)).encode(x), one.encode(x))


def test_what_an_mlp_reads_is_its_normed_input():
    specimen = known_mlp_specimen()
    model = random_model()
    other = specimen.with_model(model)
    for read, written in (mlp_held_out(other, [1])[1], mlp_of_text(other, specimen.background, [1])[1]):
        again = model.blocks[1].mlp(read.x.float())
        assert torch.allclose(again, written.x.float(), atol=2e-2)
    x = torch.randn(5, model.cfg.d_model)
    assert torch.allclose(normed(other, 1, x), model.blocks[1].ln2(x), atol=1e-6)


# Accounts


@pytest.mark.parametrize("layers", [(), (1,), "none"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_an_account_adds_up_to_the_answer(layers, precision):
    model = random_model().to(precision)
    one = account(model, {} if layers == "none" else coders(model, *layers), TOKENS, TARGET, FOIL)
    near = {"abs": 1e-4} if precision is torch.float32 else {"abs": 0.15}
    assert one.answer == pytest.approx(own_answer(model), **near)
    does = one.attribution
    assert sum(value for part, value in does.items() if part[0] in SOURCES) == pytest.approx(one.answer, **near)


def test_what_comes_into_a_part_is_what_goes_out_of_it():
    model = random_model()
    one = account(model, coders(model), TOKENS, TARGET, FOIL)
    inner = [i for i, part in enumerate(one.parts) if part[0] in ("head", "latent")]
    assert len(inner) > 20
    np.testing.assert_allclose(one.edges.sum(0)[inner], one.edges.sum(1)[inner], atol=1e-5)
    assert np.abs(one.edges.sum(0)[inner]).max() > 0.05
    sources = [i for i, part in enumerate(one.parts) if part[0] in SOURCES]
    assert (one.edges[:, sources] == 0).all()
    assert (np.tril(one.edges) == 0).all()  # nothing reads what is computed after it


def test_a_model_without_mlps_and_norms_has_an_account_as_well():
    model = handwritten_speaker_model()
    one = account(model, {}, TOKENS, TARGET, FOIL)
    assert one.answer == pytest.approx(own_answer(model), abs=1e-4)
    assert {part[0] for part in one.parts} == {"token", "position", "head", "bias", "logits"}


def test_an_edge_into_the_logits_is_the_gradient_times_what_is_written():
    """Against autograd, with the scale of the final norm held."""
    model = random_model()
    one = account(model, coders(model), TOKENS, TARGET, FOIL)
    final = one.run["blocks.1.hook_resid_post"].clone().requires_grad_()
    centred = final - final.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + model.cfg.eps).sqrt().detach()
    logits = (centred / scale * model.ln_final.w.double() + model.ln_final.b.double())[-1] @ model.W_U.double()
    (slope,) = torch.autograd.grad(logits[TARGET] - logits[FOIL], final)
    for part in (("head", 1, 0), ("head", 0, 2), ("error", 0), ("token", 9)):
        assert one.edge(part, LOGITS) == pytest.approx(float((one.written(part) * slope).sum()), abs=1e-6)


def test_scores_follow_shares_back_from_the_answer():
    """A token and an error come into a latent as 3 : −1; the latent and a second error into the answer as 2 : 2."""
    parts = [("token", 0), ("bias", -1, 0), ("error", 0), ("latent", 1, 5), ("error", 1), LOGITS]
    edges = np.zeros((6, 6))
    edges[0, 3], edges[2, 3], edges[3, 5], edges[4, 5] = 3, -1, 2, 2
    nothing = torch.zeros(1, 2)
    one = Account(4.0, parts, edges, TOKENS[:1], nothing, np.zeros(1, int), np.zeros(1, int), {}, {})
    # Influence: latent 1/2, error 1 1/2, token 3/8, error 0 1/8.
    replacement, completeness = scores(one)
    assert replacement == pytest.approx((3 / 8) / (3 / 8 + 1 / 8 + 1 / 2))
    assert completeness == pytest.approx((1 * 1 / 2 + 1 / 2 * 3 / 4) / (1 + 1 / 2))


# Edges taken out for real


def test_without_nonlinearities_taking_an_edge_out_is_what_the_account_says():
    model = handwritten_model()  # its norms are none, and what is asked goes by values alone
    one = account(model, {}, TOKENS, TARGET, FOIL)
    edges = [([part], LOGITS) for part in one.parts if part[0] in ("token", "head", "position")]
    removed = taken_out(model, {}, one, edges, TARGET, FOIL)
    np.testing.assert_allclose(removed, [one.edge(senders[0], LOGITS) for senders, _ in edges], atol=1e-4)
    assert np.abs(removed).max() > 1


def test_taking_an_edge_out_is_what_hooks_do():
    """A head that no longer reads another one: its inputs are set by hooks, the rest runs as it is."""
    model = random_model()
    one = account(model, coders(model), TOKENS, TARGET, FOIL)
    sender, receiver = ("head", 0, 1), ("head", 1, 2)
    less = one.written(sender).float()

    def without(x, hook):
        x = x.clone()
        x[0, :, 2] -= less
        return x

    hooks = [(f"blocks.1.hook_{name}_input", without) for name in "qkv"]
    logits = model.run_with_hooks(torch.from_numpy(TOKENS)[None], fwd_hooks=hooks)[0, -1]
    wanted = own_answer(model) - float(logits[TARGET] - logits[FOIL])
    found = taken_out(model, coders(model), one, [([sender], receiver)], TARGET, FOIL)
    assert found[0] == pytest.approx(wanted, abs=1e-4)
    assert abs(wanted) > 1e-3


def test_a_latent_that_falls_silent_takes_what_it_wrote_with_it():
    model = random_model()
    made = coders(model)
    one = account(model, made, TOKENS, TARGET, FOIL)
    unit = next(part[2] for part in one.parts if part[0] == "latent" and part[1] == 1)
    # Without anything to read a latent still has its bias: compared with what it is then.
    everything = [part for part in one.parts if part not in (LOGITS,) and part[:2] not in (("latent", 1), ("error", 1))]
    everything = [part for part in everything if part != ("bias", 1, 1)]
    found = taken_out(model, made, one, [(everything, ("latent", 1, unit))], TARGET, FOIL)[0]
    alone = made[1].kept([unit])
    empty = alone.encode(model.blocks[1].ln2(torch.zeros(1, model.cfg.d_model)))[0, 0]
    was = alone.encode(model.blocks[1].ln2(one.run["blocks.1.hook_resid_mid"].float()))[:, 0]
    less = ((was - empty)[:, None] * alone.W_dec[0]).double()
    stream = one.run["blocks.1.hook_resid_post"] - less
    logits = model.unembed(model.ln_final(stream[None].float()))[0, -1]
    assert found == pytest.approx(own_answer(model) - float(logits[TARGET] - logits[FOIL]), abs=1e-4)


def test_an_edge_that_is_not_there_does_nothing():
    model = random_model()
    one = account(model, coders(model), TOKENS, TARGET, FOIL)
    edges = [([("latent", 0, 999)], LOGITS), ([], LOGITS), ([("token", 0)], ("latent", 1, 999))]
    assert (taken_out(model, coders(model), one, edges, TARGET, FOIL) == 0).all()


# Graphs


def test_only_edges_on_a_way_to_the_answer_are_kept():
    head, latent, far = ("head", 0, 0), ("latent", 1, 3), ("head", 1, 1)
    sizes = {
        (head, latent): 2.0,
        (latent, LOGITS): -1.0,
        (head, far): 5.0,
        (("bias",), LOGITS): 9.0,
        (far, LOGITS): 0.0,
    }
    assert leading(sizes, 9) == [(head, latent), (latent, LOGITS)]
    assert leading(sizes, 1) == []  # the largest leads nowhere without the others


def exact(specimen):
    """The transcoder of the known MLP by hand, its two neurons, as a result."""
    mlp, width = specimen.model.blocks[1].mlp, specimen.cfg.d_model
    length = mlp.W_out.norm(dim=1)
    parts = Transcoder(
        (mlp.W_in * length).T, mlp.b_in * length, mlp.W_out / length[:, None], mlp.b_out, torch.zeros(2)
    ).arrays()
    one = {
        "layer": 1,
        "weights": {f"S{seed}.{name}": part for seed in (0, 1) for name, part in parts.items()},
        "measured": {},
        "stability": np.ones(2),
        "partner": np.arange(2),
        "density": np.full(2, 0.5),
        "f1": np.array([0.9, 0.8]),
        "rolled": np.array([0.1, 0.1]),
        "shown": np.array([True, False]),
        "explanations": ["me speaks", "them speaks"],
        "raises": [[" a"], [" b"]],
    }
    about = {"silent": [0], "latents": 2, "active": 1, "trained_on": 0, "conversations": 60, "lead": 1.0}
    assert parts["W_dec"].shape == (2, width)
    return TranscodersResult.of([one], **about)


@pytest.fixture(scope="module")
def graphs():
    specimen = known_mlp_specimen()
    given = {"transcoders": exact(specimen)}
    return wl.analyze(specimen, AttributionGraphs(pairs=16, edges=12), given=given)["attribution-graphs"]


def test_the_known_path_is_found_and_is_what_the_model_does(graphs):
    head = ["head", *HEADS["speaker"]]
    flow = {(tuple(a), tuple(b)): i for i, (a, b) in enumerate(graphs.edges)}
    ways = [i for unit in (0, 1) for i in (flow[tuple(head), ("latent", 1, unit)], flow[("latent", 1, unit), LOGITS])]
    first = flow[("token", "differs"), tuple(head)]
    np.testing.assert_allclose(np.asarray(graphs.flow.value)[first], 1, atol=1e-4)
    np.testing.assert_allclose(np.asarray(graphs.flow.value)[ways[::2]].sum(), 1, atol=1e-4)
    np.testing.assert_allclose(np.asarray(graphs.flow.value)[ways[1::2]].sum(), 1, atol=1e-4)
    np.testing.assert_allclose(np.asarray(graphs.removed.value)[ways], np.asarray(graphs.flow.value)[ways], atol=1e-4)
    assert graphs.away < 1e-4
    assert float(graphs.scores["replacement"].value) == pytest.approx(1, abs=1e-6)
    assert float(graphs.scores["replacement, no transcoder"].value) < 0.5
    assert np.asarray(graphs.straight.value) == pytest.approx([0, 0, 0, 1, 0, 0], abs=1e-4)


def test_transcoders_are_measured_beside_their_controls(monkeypatch):
    """The whole analysis on little text, with the activations that it declares and no others."""
    monkeypatch.setattr("wonderland_sparse.streams.LEAST_TOKENS", 1_000)
    held_out, train = handwritten_speaker_corpus(12, seed=2), handwritten_speaker_corpus(101, seed=1)
    specimen = wl.Specimen(known_mlp_model(), handwritten_tokenizer(), held_out, background=train)
    found = wl.analyze(specimen, Transcoders(latents=8, active=1, epochs=20, rate=2e-2))["transcoders"]
    assert (found.layers, found.silent) == ([1], [0])
    measured = found.measured["L1"]
    assert float(measured["transcoder"]["fvu"].value) < 0.5
    assert float(measured["mean output"]["fvu"].value) == pytest.approx(1, abs=0.05)
    change = {name: abs(float(measured[name]["delta ce"].value)) for name in ("transcoder", "mean output")}
    assert change["transcoder"] < change["mean output"] / 2  # what the MLP says is mostly there
    assert "scrambled weights" in measured


def test_a_short_text_is_seen_more_often(speaking):
    """How many vectors are seen counts, not how many passes that takes; of a text of 600,000 tokens the least do."""
    assert (Transcoders().recipe(speaking).epochs, Transcoders().recipe(speaking).rate) == (4, 1.5e-2)
    assert Transcoders(epochs=1).recipe(speaking).epochs == 1
    for tokens, epochs, rate in (("subtract", 6, 6e-3), ("keep", 12, 8e-3)):
        recipe = SparseDictionaries(tokens=tokens).recipe(speaking)
        assert (recipe.epochs, recipe.rate) == (epochs, rate)
    assert SparseDictionaries(epochs=3, rate=0.01).recipe(speaking).epochs == 3
    assert [passes(590_809, 2_400_000, 4, 6), passes(590_809, 1_200_000, 2, 4)] == [4, 2]


@pytest.mark.slow  # by default test_sparse_graphs.py asks it of dictionaries
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_has_the_same_transcoder_and_the_same_path(precision, monkeypatch):
    monkeypatch.setattr("wonderland_sparse.streams.LEAST_TOKENS", 1_000)
    held_out, train = handwritten_speaker_corpus(30, seed=2), handwritten_speaker_corpus(110, seed=1)
    rounded = wl.Specimen(known_mlp_model().to(precision), handwritten_tokenizer(), held_out, background=train)
    asked = AttributionGraphs(pairs=8, edges=12, examples=1)
    found = wl.analyze(rounded, asked, parameters={"transcoders": {**QUICK, "epochs": 40}})
    coders, graphs = found["transcoders"], found["attribution-graphs"]
    assert float(coders.measured["L1"]["transcoder"]["fvu"].value) < 0.2
    assert (coders.silent, coders.weights["L1"]["S0.W_dec"].dtype) == ([0], np.float32)
    parts = [(tuple(a), tuple(b)) for a, b in graphs.edges]
    flow, removed = (np.asarray(values.value) for values in (graphs.flow, graphs.removed))
    into = [i for i, (sender, to) in enumerate(parts) if sender[0] == "latent" and to == LOGITS]
    assert flow[into].sum() > 0.8
    np.testing.assert_allclose(removed[into], flow[into], atol=0.01)
    assert removed[parts.index((("token", "differs"), ("head", *HEADS["speaker"])))] == pytest.approx(1, abs=0.01)
    assert graphs.away < 0.1


def test_latents_are_told_only_where_they_may_be_shown(graphs):
    told = {tuple(part): about["label"] for part, about in zip(graphs.parts, graphs.about, strict=True)}
    assert told["latent", 1, 0] == "me speaks"
    assert told["latent", 1, 1] == "in too few conversations"


def test_single_prompts_add_up_as_well(graphs):
    assert len(graphs.examples) == 3
    for one in graphs.examples:
        assert one["told"] == pytest.approx(one["answer"], abs=1e-4)
        assert one["target"].strip() in "ab"


def test_graphs_come_back_from_disk_and_can_be_drawn(graphs, tmp_path):
    graphs.save(tmp_path)
    again = type(graphs).load(tmp_path)
    assert again.summary() == graphs.summary()
    assert [view.id for view in again.views()] == [view.id for view in graphs.views()]
    for view in again.views():
        encode(view.data)
        assert figure(view) is not None


def test_edges_are_chosen_on_one_half_and_measured_on_the_other(monkeypatch):
    """Each half has its own large edge: the one that is told is that of the first, with what it does in the second."""
    specimen, halves = known_mlp_specimen(), [{"first": 3.0, "second": 1.0}, {"first": 0.5, "second": 9.0}]
    batches = []  # that to choose on is asked for first

    def pair(model, made, batch, row):
        if not any(batch is one for one in batches):
            batches.append(batch)
        sizes = halves[[batch is one for one in batches].index(True)]
        end = int(batch.answer[row]) + 1
        answers = int(batch.target[row]), int(batch.foil[row])
        both = [account(model, made, side[row, :end], *answers) for side in (batch.clean, batch.corrupted)]
        one = Pair(*both, batch.differs[row, :end], *answers, 0.0)
        flows = {(("head", 0, 0), LOGITS): sizes["first"], (("head", 0, 1), LOGITS): sizes["second"]}
        one.__dict__["flows"] = {edge: size * one.gap for edge, size in flows.items()}
        return one

    monkeypatch.setattr(attribution_graphs, "pair_of", pair)
    asked = AttributionGraphs(pairs=12, edges=1, examples=0)
    found = wl.analyze(specimen, asked, given={"transcoders": exact(specimen)})["attribution-graphs"]
    assert found.edges == [[["head", 0, 0], ["logits"]]]
    assert float(found.flow.value[0]) == pytest.approx(0.5, abs=1e-6)


def test_accounts_beside_each_other_are_those_one_after_the_other():
    specimen, threads, made = known_mlp_specimen(), torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        try:
            asked = AttributionGraphs(pairs=8, edges=6, examples=1)
            made.append(wl.analyze(specimen, asked, given={"transcoders": exact(specimen)})["attribution-graphs"])
        finally:
            torch.set_num_threads(threads)
    one, other = made
    assert one.edges == other.edges
    for name in ("flow", "removed"):
        np.testing.assert_allclose(getattr(one, name).value, getattr(other, name).value, rtol=1e-5, atol=1e-6)


def test_an_untrained_model_has_nothing_to_tell():
    specimen = known_mlp_specimen()
    none = TranscodersResult.of([], silent=[0, 1], latents=8, active=1, trained_on=0, conversations=60, lead=-1.0)
    found = wl.analyze(specimen.untrained(), AttributionGraphs(pairs=8), given={"transcoders": none})
    graphs = found["attribution-graphs"]
    assert not graphs.told
    assert list(graphs.views()) == []
    assert [finding.kind for finding in (*graphs.findings(), *none.findings())] == ["null", "null"]
    assert "write nothing" in none.summary()


@pytest.mark.parametrize("wrong", [{"edges": 0}, {"examples": -1}, {"pairs": 7}, {"contrast": "weather"}])
def test_settings_that_make_no_attribution_graph_are_refused(wrong):
    specimen = known_mlp_specimen()
    with pytest.raises(wl.UsageError):
        wl.analyze(specimen, AttributionGraphs(**wrong), given={"transcoders": exact(specimen)})


def test_without_transcoders_it_says_what_to_run():
    specimen = known_mlp_specimen()
    with pytest.raises(wl.NotEnoughData) as error:
        AttributionGraphs().run(specimen.restricted_to(AttributionGraphs.needs))
    assert "transcoders" in error.value.hint


@pytest.mark.parametrize(
    "wrong",
    [{"active": 0}, {"active": 9, "latents": 8}, {"epochs": -1}, {"latents": -1}, {"rate": 0.0}, {"layers": "9"}],
)
def test_settings_that_make_no_transcoder_are_refused(wrong):
    with pytest.raises(wl.UsageError):
        known_mlp_specimen().run(dataclasses.replace(Transcoders(), **wrong))


def test_a_model_without_mlps_is_refused(speaking):
    with pytest.raises(wl.WonderlandError):
        speaking.run(Transcoders())
