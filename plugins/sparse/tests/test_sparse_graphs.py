"""The graph of latents, heads and errors: steps are what hooks do to the real model, and the planted way is found."""

import dataclasses

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import HEADS, handwritten_speaker_model
from wonderland.testing.random_models import random_model
from wonderland_sparse import sparse_graphs
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.replacement import LOGITS
from wonderland_sparse.sparse_graph_truths import carried
from wonderland_sparse.sparse_graphs import SparseGraphs, by_lot, cuts_of, parts_of
from wonderland_sparse.sparse_graphs_result import SparseGraphsResult
from wonderland_sparse.stream_runs import TOKENS, Cut, Runs
from wonderland_sparse.stream_steps import Steps

SPEAKER = ("head", *HEADS["speaker"])


def drawn(layer, model, context=True, latents=12):
    """A cut with a dictionary in which nothing was learned: steps must be exact whatever it is."""
    random, d = torch.Generator().manual_seed(layer), model.cfg.d_model
    decoder = torch.nn.functional.normalize(torch.randn(latents, d, generator=random))
    parts = decoder + 0.1, 0.1 * torch.randn(latents, generator=random), decoder
    one = Dictionary(*parts, 0.1 * torch.randn(d, generator=random), 0.2 * torch.rand(latents, generator=random))
    return Cut(layer, one, 0.2 * torch.randn(model.cfg.d_vocab, d, generator=random) if context else None)


def some_pairs():
    """Three pairs of unlike lengths that differ in two places, of which one is the last."""
    random = np.random.default_rng(0)
    clean, answer = random.integers(5, 24, (3, 9)), np.array([8, 6, 8])
    corrupted = clean.copy()
    corrupted[:, 1] = (clean[:, 1] + 3) % 24
    corrupted[np.arange(3), answer] = (clean[np.arange(3), answer] + 5) % 24
    return ContrastBatch(
        clean, corrupted, clean != corrupted, answer, np.array([7, 8, 9]), np.array([10, 11, 12]), np.arange(3), "pairs"
    )


@pytest.fixture(scope="module")
def cut(speaking):
    """A drawn model of three layers whose stream is cut after the first and the second."""
    specimen = speaking.with_model(random_model(n_layers=3))
    model = specimen.model
    with torch.no_grad():
        model.unembed.W_U *= 5  # so that what is compared is not near nothing
    return Steps(Runs(specimen, some_pairs(), {layer: drawn(layer, model) for layer in (0, 1)}))


def by_hooks(steps, sender, reader, side):
    """What the answers of a run become if a reader alone sees a sender of the other run; by hooks on the model."""
    runs, model = steps.runs, steps.runs.model
    mine, other = runs.sides[side], runs.sides[1 - side]
    start = max([layer for layer in runs.cuts if reader == LOGITS or layer < reader[1]], default=-1)
    rows = torch.from_numpy(mine.tokens)
    _, cache = model.run_with_cache(rows)
    _, its = model.run_with_cache(torch.from_numpy(other.tokens))

    def parts_at(layer, cache, tokens):
        one = runs.cuts[layer]
        x = cache[f"blocks.{layer}.hook_resid_post"] - one.table[torch.from_numpy(tokens)]
        f = one.dictionary.encode(x)
        return f, x - one.dictionary.decode(f), one.table[torch.from_numpy(tokens)]

    def written(cache, tokens):
        if sender == TOKENS:
            return cache["blocks.0.hook_resid_pre"] if start < 0 else parts_at(start, cache, tokens)[2]
        if sender[0] == "head":
            return (
                cache[f"blocks.{sender[1]}.attn.hook_z"][:, :, sender[2]] @ model.blocks[sender[1]].attn.W_O[sender[2]]
            )
        f, left, _ = parts_at(sender[1], cache, tokens)
        return left if sender[0] == "rest" else f[:, :, [sender[2]]] * runs.cuts[sender[1]].dictionary.W_dec[sender[2]]

    step = written(its, other.tokens) - written(cache, mine.tokens)
    end = model.cfg.n_layers if reader == LOGITS else reader[1]
    hooks = [
        (f"blocks.{layer}.hook_attn_out", lambda x, hook, layer=layer: cache[f"blocks.{layer}.hook_attn_out"])
        for layer in range(start + 1, end + (reader[0] != "head"))
        if layer < model.cfg.n_layers
    ]
    if sender[0] == "head":
        hooks.append((f"blocks.{sender[1]}.hook_attn_out", lambda x, hook: x + step))
    else:
        where = "blocks.0.hook_resid_pre" if start < 0 else f"blocks.{start}.hook_resid_post"
        hooks.append((where, lambda x, hook: cache[where] + step))
    seen = {}

    def look(x, hook):
        seen["x"] = x.clone()

    logits = model.run_with_hooks(
        rows,
        fwd_hooks=[
            *hooks,
            *(
                []
                if reader == LOGITS
                else [(f"blocks.{reader[1]}.{'hook_resid_pre' if reader[0] == 'head' else 'hook_resid_post'}", look)]
            ),
        ],
    )
    if reader != LOGITS:
        layer = reader[1]
        if reader[0] == "head":
            block = model.blocks[layer]
            z = model.run_with_cache(seen["x"], start_at_layer=layer)[1][f"blocks.{layer}.attn.hook_z"]
            more = (z - cache[f"blocks.{layer}.attn.hook_z"])[:, :, reader[2]] @ block.attn.W_O[reader[2]]
            place = f"blocks.{layer}.hook_attn_out"
        else:
            one, place = runs.cuts[layer], f"blocks.{layer}.hook_resid_post"
            f, left, _ = parts_at(layer, cache, mine.tokens)
            tokens = other.tokens if sender == TOKENS else mine.tokens
            x = seen["x"] - one.table[torch.from_numpy(tokens)]
            now = one.dictionary.encode(x)
            unit = None if reader[0] == "rest" else reader[2]
            more = (
                x - one.dictionary.decode(now) - left
                if unit is None
                else (now - f)[:, :, [unit]] * one.dictionary.W_dec[unit]
            )
        logits = model.run_with_hooks(rows, fwd_hooks=[(place, lambda x, hook: x + more)])
    at = torch.arange(len(rows)), torch.from_numpy(runs.batch.answer)
    return (logits[(*at, runs.batch.target)] - logits[(*at, runs.batch.foil)]).numpy()


def active(steps, layer, steady=False):
    """The latent of a cut that differs most where tokens do; of those that are active at the same places, if asked."""
    one, other = (side.values[layer] for side in steps.runs.sides)
    change = ((one - other) * torch.from_numpy(steps.runs.batch.differs)[:, :, None]).abs().sum((0, 1))
    if steady:
        change[((one > 0) != (other > 0)).any(0).any(0)] = 0
    return int(change.argmax())


@torch.no_grad()
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("sender", "reader"),
    [
        ("token", ("head", 0, 1)),
        ("token", "feature 0"),
        ("token", ("rest", 0)),
        (("head", 0, 1), "feature 0"),
        ("feature 0", ("head", 1, 2)),
        ("feature 0", "feature 1"),
        ("feature 0", ("rest", 1)),
        (("rest", 0), "feature 1"),
        ("token", "feature 1"),
        (("head", 1, 0), ("rest", 1)),
        ("feature 1", ("head", 2, 0)),
        (("head", 2, 0), LOGITS),
        ("feature 1", LOGITS),
        (("rest", 1), LOGITS),
        ("token", LOGITS),
    ],
)
def test_a_step_is_what_hooks_on_the_model_do(cut, sender, reader, side):
    def part(name):
        if name == "token":
            return TOKENS
        return ("feature", int(name[-1]), active(cut, int(name[-1]))) if isinstance(name, str) else name

    sender, reader = part(sender), part(reader)
    assert cut.possible(sender, reader)
    said = by_hooks(cut, sender, reader, side)
    wanted = (said - cut.answers[side]) * (1 if side else -1)
    np.testing.assert_allclose(cut._taken((sender, reader), side), wanted, atol=5e-5)
    assert np.abs(wanted).max() > 1e-3


def test_steps_are_those_with_no_cut_between(cut):
    feature, later = ("feature", 0, 1), ("feature", 1, 1)
    for sender, reader in (
        (feature, LOGITS),
        (later, feature),
        (feature, ("head", 2, 0)),
        (feature, ("rest", 0)),
        (("head", 1, 0), ("head", 1, 1)),
        (("head", 1, 0), ("rest", 0)),
        (("head", 0, 0), later),
        (LOGITS, feature),
        (feature, TOKENS),
    ):
        assert not cut.possible(sender, reader), (sender, reader)
    alone = Steps(Runs(cut.runs.specimen, cut.runs.batch, {1: drawn(1, cut.runs.model, context=False)}))
    assert alone.possible(("head", 0, 0), ("head", 1, 1))  # no cut between them
    assert not alone.possible(TOKENS, LOGITS)  # without a table the tokens end at the first cut
    assert alone.possible(TOKENS, later)


def test_latents_the_error_and_the_means_are_the_stream(cut):
    runs = cut.runs
    for layer, one in runs.cuts.items():
        parts = [("feature", layer, unit) for unit in range(one.dictionary.latents)] + [("rest", layer), TOKENS]
        made = sum(runs.of(part, 0, layer) for part in parts) + one.dictionary.b_dec
        assert torch.allclose(made, runs.sides[0].post[layer], atol=1e-5)


def test_at_each_cut_what_goes_adds_up_to_the_gap(cut):
    for layer in cut.runs.cuts:
        parts = cut.of_latents(layer).sum(1) + cut.of_part(("rest", layer), layer) + cut.of_part(TOKENS, layer)
        np.testing.assert_allclose(parts, cut.gap, atol=0.02)
    assert np.abs(cut.gap).max() > 0.5


def test_what_comes_into_a_part_is_what_it_carries(cut):
    """To first order: the steps into a latent add up to what it is estimated to carry, as do those into an error."""
    runs = cut.runs
    units = {layer: range(one.dictionary.latents) for layer, one in runs.cuts.items()}
    parts = parts_of(units, 3, runs.specimen.cfg.n_heads)
    readers = [("feature", 0, active(cut, 0)), ("feature", 1, active(cut, 1)), ("rest", 1)]
    steps = cut.estimated([*readers, LOGITS], [TOKENS, *parts])
    for reader in readers:
        into = sum(value for (_, to), value in steps.items() if to == reader)
        layer = reader[1]
        of = cut.of_part(reader, layer) if reader[0] == "rest" else cut.of_latents(layer)[:, reader[2]]
        np.testing.assert_allclose(into, of, atol=0.02)
        assert np.abs(of).max() > 0.02
    np.testing.assert_allclose(sum(value for (_, to), value in steps.items() if to == LOGITS), cut.gap, atol=0.02)


def test_small_steps_are_what_they_are_estimated_to_be(cut):
    """Between runs that hardly differ the estimate is the step, for every kind of reader."""
    runs = cut.runs
    near = Steps(runs)
    clean, corrupted = runs.sides

    def close(one, other):
        return other + 1e-2 * (one - other)

    model = runs.model
    stream = [close(clean.pre[0], corrupted.pre[0]), corrupted.pre[0]]
    sides = []
    for begin, side in zip(stream, runs.sides, strict=True):
        _, cache = model.run_with_cache(begin, start_at_layer=0)
        get = {
            name: [cache[f"blocks.{layer}.{hook}"] for layer in range(3)]
            for name, hook in (("mid", "hook_resid_mid"), ("post", "hook_resid_post"), ("z", "attn.hook_z"))
        }
        tokens = corrupted.tokens  # the same means: only what differs a little is asked about
        x = {layer: get["post"][layer] - one.means(tokens) for layer, one in runs.cuts.items()}
        values = {layer: one.dictionary.encode(x[layer]) for layer, one in runs.cuts.items()}
        errors = {layer: x[layer] - one.dictionary.decode(values[layer]) for layer, one in runs.cuts.items()}
        pre = [begin, *get["post"][:-1]]
        sides.append(dataclasses.replace(side, tokens=tokens, pre=pre, values=values, errors=errors, **get))
    near.runs = object.__new__(Runs)
    near.runs.__dict__.update(runs.__dict__, sides=tuple(sides))
    first, second = (("feature", layer, active(near, layer, steady=True)) for layer in (0, 1))
    edges = [
        (TOKENS, ("head", 0, 1)),
        (("head", 0, 1), first),
        (first, ("head", 1, 2)),
        (("rest", 0), second),
        (first, second),
        (second, ("head", 2, 0)),
        (second, LOGITS),
    ]
    steps = near.estimated([reader for _, reader in edges], [sender for sender, _ in edges])
    taken = near.taken(edges)
    for edge, real in zip(edges, taken, strict=True):
        np.testing.assert_allclose(steps[edge], real, atol=1e-5, rtol=0.05)
        assert np.abs(real).max() > 1e-4, edge


# The graph


@pytest.fixture(scope="module")
def graph(speaking, result):
    given = {"sparse-dictionaries": result}
    return wl.analyze(speaking, SparseGraphs(pairs=24), given=given)["sparse-graphs"]


def test_the_planted_way_is_found_and_no_other(graph):
    assert graph.drawn
    assert carried(graph, TOKENS, SPEAKER) == pytest.approx(1, abs=0.01)
    assert carried(graph, SPEAKER, ("feature",)) > 0.8
    assert carried(graph, ("feature",), LOGITS) > 0.8
    for head in (("head", 1, 0), ("head", 1, 1), ("head", 0)):
        assert abs(carried(graph, head, ())) < 0.05
    assert np.abs(graph.by_lot).mean() < 0.05
    (first, second) = graph.findings()
    assert (first.trust, first.kind) == ("solid", "effect")
    assert "L1" in second.sentence
    assert float(graph.goes["latents in the graph"].value[0]) > 0.8


def test_without_a_gap_there_is_nothing_to_tell(untrained, result):
    given = {"sparse-dictionaries": dataclasses.replace(result, shared=True)}
    nothing = wl.analyze(untrained, SparseGraphs(pairs=16), given=given)["sparse-graphs"]
    assert not nothing.told
    assert list(nothing.views()) == []
    assert [finding.kind for finding in nothing.findings()] == ["null"]


def test_where_the_estimate_does_not_hold_no_graph_is_drawn(speaking, result, monkeypatch):
    estimated = Steps.estimated

    def noise(self, readers, senders):
        random = np.random.default_rng(len(readers))
        return {edge: random.normal(size=len(value)) for edge, value in estimated(self, readers, senders).items()}

    monkeypatch.setattr(Steps, "estimated", noise)
    given = {"sparse-dictionaries": result}
    refused = wl.analyze(speaking, SparseGraphs(pairs=16), given=given)["sparse-graphs"]
    assert refused.told
    assert list(refused.views()) == []
    (finding,) = refused.findings()
    assert "does not agree" in finding.sentence
    assert finding.trust == "weak"


def test_edges_are_chosen_on_one_half_and_taken_on_the_other(speaking, result, monkeypatch):
    explored, measured, own = [], [], sparse_graphs._measured
    monkeypatch.setattr(
        SparseGraphs,
        "_explored",
        lambda self, specimen, cuts, every, own=SparseGraphs._explored: (
            explored.extend(steps.runs.batch.cluster for steps in every) or own(self, specimen, cuts, every)
        ),
    )
    monkeypatch.setattr(
        sparse_graphs, "_measured", lambda steps, *args: measured.append(steps.runs.batch.cluster) or own(steps, *args)
    )
    wl.analyze(speaking, SparseGraphs(pairs=12, edges=4), given={"sparse-dictionaries": result})
    one, other = (set(np.concatenate(parts).tolist()) for parts in (explored, measured))
    assert len(one) > 2
    assert len(other) > 2
    assert not one & other


def test_edges_by_lot_are_others_of_the_same_layers():
    edges = [(TOKENS, ("head", 0, 1)), (("head", 0, 1), ("feature", 0, 3)), (("rest", 0), LOGITS)]
    others = by_lot(edges, {0: np.array([3, 5, 8])}, 3, seed=0)
    assert len(others) == 2  # of an error and the answer there is no other
    assert not set(others) & set(edges)
    (token, head), (sender, feature) = others
    assert (token, head[:2], sender[:2], feature[:2]) == (TOKENS, ("head", 0), ("head", 0), ("feature", 0))
    assert feature[2] in (3, 5, 8)


def measured_on(conversations, carried, by_lot, seed):
    """A result of four pairs a conversation, of thirty edges and thirty drawn by lot; both alike in a conversation."""
    random, clusters = np.random.default_rng(seed), np.repeat(np.arange(conversations), 4)
    edges = [(("head", 0, unit), ("feature", 1, unit)) for unit in range(30)]
    each = [np.broadcast_to(of(random, conversations), (30, conversations)) for of in (carried, by_lot)]
    taken, lot = (one[:, clusters] + 1e-3 * random.normal(size=(30, len(clusters))) for one in each)
    measured = {
        "gap": np.ones(len(clusters)),
        "estimated": taken,
        "taken": taken,
        "by lot": lot,
        "goes": np.zeros((1, 4, len(clusters))),
    }
    about = {"layers": [1], "clusters": clusters, "resampled_over": "conversations", "contrast": "speaker", "seed": 0}
    return SparseGraphsResult.of(measured, edges, edges, signs=np.ones(30), **about)


def nothing(random, conversations):
    return np.zeros(conversations)


def test_edges_that_share_contrasts_are_not_counted_as_so_many_draws():
    """Nothing is carried, but what each conversation happens to say all edges say alike: p is that of conversations."""

    def happens(random, conversations):
        return 0.2 * random.normal(size=conversations)

    found = [measured_on(8, happens, happens, seed) for seed in range(60)]
    assert sum(one.p < 0.05 and float(one.beyond.value) > 0 for one in found) <= 4
    assert sum(one.findings()[0].kind == "effect" for one in found) <= 4
    assert {one.beyond.n for one in found} == {8}
    assert sum(float(one.beyond.value) < 0 for one in found) > 30  # of those by lot the size counts


def test_edges_that_carry_something_in_every_conversation_are_more_than_those_by_lot():
    def carries(random, conversations):
        return 0.2 + 0.02 * random.normal(size=conversations)

    one = measured_on(12, carries, nothing, 0)
    assert float(one.beyond.value) == pytest.approx(0.2, abs=0.02)
    assert one.p < 0.01
    assert one.findings()[0].kind == "effect"
    assert "n=12 conversations" in one.findings()[0].sentence
    few = measured_on(4, carries, nothing, 0)
    assert few.p > 0.05  # four signs can be drawn in sixteen ways
    assert few.findings()[0].kind == "null"


def test_noise_of_many_edges_is_not_what_they_carry():
    """Each has its own, those by lot have none: without the sign they were chosen with they would all be more."""

    def noisy(random, conversations):
        return 0.2 * random.normal(size=(30, conversations))

    found = [measured_on(12, noisy, nothing, seed) for seed in range(40)]
    assert sum(one.findings()[0].kind == "effect" for one in found) <= 4


def test_it_comes_back_from_disk_and_can_be_drawn(graph, tmp_path):
    graph.save(tmp_path)
    again = type(graph).load(tmp_path)
    assert again.summary() == graph.summary()
    views = list(again.views())
    assert [view.id for view in views] == ["sparse-graph", "sparse-graph-checked", "sparse-graph-cuts"]
    labels = [point.label for point in views[1].figure.points]
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) <= 22  # longer ones are cut beside their point, and then look alike
    for view in views:
        encode(view.data)
        assert figure(view) is not None


@pytest.mark.parametrize("precision", [pytest.param(torch.float16, marks=pytest.mark.slow), torch.bfloat16])
def test_a_model_in_half_precision_has_the_same_graph(speaking, result, precision):
    rounded = speaking.with_model(handwritten_speaker_model().to(precision))
    half = wl.analyze(rounded, SparseGraphs(pairs=12, edges=8), given={"sparse-dictionaries": result})["sparse-graphs"]
    assert half.drawn
    assert carried(half, TOKENS, SPEAKER) == pytest.approx(1, abs=0.05)


def test_tokens_that_are_kept_and_layers_that_are_shared_make_their_cuts(result):
    (one,) = cuts_of(result).values()
    assert (one.layer, one.table) == (1, None)
    assert float(one.means(np.array([[1, 2]])).abs().max()) == 0


@pytest.mark.parametrize("wrong", [{"latents": 0}, {"edges": 0}, {"pairs": 7}, {"contrast": "weather"}])
def test_settings_that_make_no_graph_are_refused(speaking, result, wrong):
    with pytest.raises(wl.UsageError):
        wl.analyze(speaking, SparseGraphs(**wrong), given={"sparse-dictionaries": result})


def test_without_dictionaries_it_says_what_to_run(speaking):
    with pytest.raises(wl.NotEnoughData) as error:
        SparseGraphs().run(speaking.restricted_to(SparseGraphs.needs))
    assert "sparse-dictionaries" in error.value.hint


def test_pairs_beside_each_other_are_measured_as_one_after_the_other(speaking, result, monkeypatch):
    """With two threads every other batch of pairs runs in a copy of the model, and nothing is another number."""
    monkeypatch.setattr(sparse_graphs, "_PAIRS_AT_ONCE", 3)
    threads, made = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        try:
            found = wl.analyze(speaking, SparseGraphs(pairs=12, edges=4), given={"sparse-dictionaries": result})
        finally:
            torch.set_num_threads(threads)
        made.append(found["sparse-graphs"])
    one, other = made
    assert one.edges == other.edges
    for name in ("taken", "estimated"):
        np.testing.assert_allclose(getattr(one, name).value, getattr(other, name).value, rtol=1e-5, atol=1e-6)
