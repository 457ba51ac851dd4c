"""Edges: every identity that must hold by construction, on random models, and the edges of the hand-built one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.components import Head
from wonderland.lab.attribution import attribution
from wonderland.lab.edge_patching import ComponentOutputs, patch_each, run_edges
from wonderland.lab.edges import Edges
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.testing.handwritten import HEADS, handwritten_model, repeated_tokens

LENGTH, BATCH = 6, 2
few = settings(max_examples=settings().max_examples // 4, deadline=None)


def drawn(*, layers=2, heads=2, attn_only=False, norm="LN", seed=0):
    cfg = Config(layers, heads, 12, 6, 16, 8, 24, attn_only=attn_only, normalization_type=norm)
    model = ChatTransformer(cfg)
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    model.requires_grad_(False).eval()
    return model.double()


def runs(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    clean = torch.randint(0, 24, (BATCH, LENGTH), generator=generator)
    corrupted = clean.clone()
    corrupted[:, 2] = (clean[:, 2] + 5) % 24
    return clean, corrupted


def last(model):
    def metric(final, at=None):
        return model.unembed(model.ln_final(final[:, -1]))

    return metric


models = st.builds(
    drawn,
    layers=st.integers(1, 3),
    heads=st.integers(1, 3),
    attn_only=st.booleans(),
    norm=st.sampled_from(["LN", None]),
    seed=st.integers(0, 100),
)


def test_there_is_an_edge_from_every_part_to_every_later_one_and_no_other():
    edges = Edges(n_layers=4, n_heads=4, mlps=True)
    assert len(edges.pairs) == 479
    assert edges.exists.shape == (len(edges.senders), len(edges.receivers)) == (21, 53)
    named = {edges.name(edge) for edge in edges.pairs}
    assert {"embed → L0H0.q", "L0H3 → MLP0", "MLP0 → L1H2.v", "L3H3 → logits", "embed → logits"} <= named
    assert not {"L1H0 → L1H1.k", "MLP1 → MLP1", "L2H0 → L1H0.q", "MLP0 → L0H0.q"} & named
    assert [edges.layer(edges.receivers.index(name)) for name in ("L0H3.v", "MLP0", "L1H0.q", "logits")] == [0, 0, 1, 4]


@few
@given(model=models)
def test_what_is_written_adds_up_to_the_stream(model):
    clean, _ = runs(model)
    run = ComponentOutputs.of(model, clean)
    biases = sum(block.attn.b_O for block in model.blocks)
    assert torch.allclose(run.written.sum(0) + biases, run.stream[-1], atol=1e-10)


@few
@given(model=models)
def test_all_edges_put_is_the_donors_run_and_none_is_the_base(model):
    clean, corrupted = runs(model)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    there = Edges.of(model).exists
    metric = last(model)
    every, none = run_edges(model, base, donor, np.stack([there, np.zeros_like(there)]), metric)
    assert torch.allclose(every, metric(donor.stream[-1]), atol=1e-10)
    assert torch.equal(none, metric(base.stream[-1]))


@few
@given(model=models)
def test_the_whole_graph_as_a_circuit_is_the_donors_run(model):
    clean, corrupted = runs(model)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    active = Edges.of(model).exists[None]
    patched = active.copy()
    patched[:, 1:] = False  # only the embedding is given; all else follows
    found = run_edges(model, base, donor, patched, last(model), active=active)
    assert torch.allclose(found[0], last(model)(donor.stream[-1]), atol=1e-10)


@few
@given(model=models, seed=st.integers(0, 3))
def test_all_edges_of_a_head_put_is_patching_the_head(model, seed):
    clean, corrupted = runs(model, seed)
    edges, metric = Edges.of(model), last(model)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    heads = [(layer, head) for layer in range(edges.n_layers) for head in range(edges.n_heads)]
    patched = np.zeros((len(heads), *edges.exists.shape), dtype=bool)
    for row, (layer, head) in enumerate(heads):
        patched[row, edges.senders.index(str(Head(layer, head)))] = True
    ours = run_edges(model, base, donor, patched, metric)
    cells = [[Site("z", *head)] for head in heads]
    donors = Activations.of(model, clean, ("z",)).values
    _, theirs = intervene(model, Activations.of(model, corrupted, ("z",)), donors, cells, metric)
    assert torch.allclose(ours, theirs, atol=1e-10)


@few
@given(model=models)
def test_a_sender_that_writes_the_same_in_both_runs_changes_exactly_nothing(model):
    clean, _ = runs(model)
    base = ComponentOutputs.of(model, clean)
    assert torch.equal(
        patch_each(model, base, base, last(model)),
        last(model)(base.stream[-1]).expand(len(Edges.of(model).pairs), -1, -1),
    )


@few
@given(model=models)
def test_edges_that_all_stay_dead_leave_only_the_direct_path(model):
    clean, corrupted = runs(model)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    edges = Edges.of(model)
    patched = edges.masks([[(0, len(edges.receivers) - 1)]])
    found = run_edges(model, base, donor, patched, last(model), active=np.zeros_like(patched))
    direct = base.stream[-1] + donor.written[0] - base.written[0]
    assert torch.allclose(found[0], last(model)(direct), atol=1e-10)


@few
@given(model=models)
def test_a_put_edge_carries_the_donor_even_if_its_sender_changed(model):
    clean, corrupted = runs(model)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    edges, metric = Edges.of(model), last(model)
    sender = len(edges.senders) - 1  # the last part: everything it reads is patched, and so is all it writes
    patched = np.zeros((2, *edges.exists.shape), dtype=bool)
    patched[:, sender] = True
    patched[1] |= edges.exists & (np.arange(len(edges.receivers)) < len(edges.receivers) - 1)
    patched[1, :, -1] = np.arange(len(edges.senders)) == sender
    alone, with_its_inputs = run_edges(
        model, base, donor, patched, metric, active=np.stack([edges.exists * 0, edges.exists * 0]) > 0
    )
    assert torch.allclose(alone, with_its_inputs, atol=1e-10)


@few
@given(model=models)
def test_gradients_are_right_where_effects_are_small(model):
    """An edge that carries a millionth of the difference changes the metric by what the gradient says."""
    clean, corrupted = runs(model)
    base, far = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    near = ComponentOutputs(base.written + 1e-6 * (far.written - base.written), base.stream, base.middle)

    def metric(final, at=None):
        return last(model)(final)[:, 3] - last(model)(final)[:, 7]

    edges = Edges.of(model)
    estimated = attribution(model, base, near, metric)
    true = patch_each(model, base, near, metric) - metric(base.stream[-1])
    found = torch.stack([estimated[edge] for edge in edges.pairs])
    assert torch.allclose(found, true, rtol=1e-3, atol=1e-11)
    assert not estimated[~torch.from_numpy(edges.exists)].any()


def test_integrated_gradients_sum_the_way_from_base_to_donor():
    """Over all edges out of the embedding in a model of one linear path, EAP-IG is the whole difference."""
    model = drawn(layers=1, heads=1, attn_only=True, norm=None)
    for weight in (model.blocks[0].attn.W_O, model.blocks[0].attn.b_O):
        weight.zero_()
    clean, corrupted = runs(model)
    corrupted[:, -1] = (clean[:, -1] + 5) % 24  # the embedding reaches the answer from its own position only
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)

    def metric(final, at=None):
        return last(model)(final)[:, 3] ** 2

    whole = metric(donor.stream[-1]) - metric(base.stream[-1])
    coarse, fine = (
        (attribution(model, base, donor, metric, steps=steps)[0, -1] - whole).abs().max() for steps in (1, 200)
    )
    assert fine < coarse / 150


def test_the_planted_composition_is_one_edge_between_heads():
    """On repeated text induction reads the previous-token head by its keys, and no head reads another otherwise."""
    model = handwritten_model()
    edges = Edges.of(model)
    clean = repeated_tokens(4)
    corrupted = clean.clone()
    corrupted[:, 23:25] = clean[:, [24, 23]]  # the word to continue stands one place further on
    base, donor = ComponentOutputs.of(model, clean), ComponentOutputs.of(model, corrupted)

    def metric(final, at):
        return model.unembed(model.ln_final(final))[torch.arange(len(final)), -1, clean[at, 24]]

    effect = (patch_each(model, base, donor, metric) - metric(base.stream[-1], torch.arange(4))).abs().amax(1)
    early, late = (str(HEADS[name]) for name in ("previous", "induction"))
    between = {
        edges.name(e): float(x)
        for e, x in zip(edges.pairs, effect, strict=True)
        if e[0] and e[1] < len(edges.receivers) - 1
    }
    assert between.pop(f"{early} → {late}.k") > 1
    assert max(between.values()) < 1e-4


@pytest.mark.parametrize("rows", [1, 3])
def test_results_do_not_depend_on_the_size_of_chunks(rows, monkeypatch):
    model = drawn()
    clean, corrupted = runs(model)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    whole = patch_each(model, base, donor, last(model))
    monkeypatch.setattr("wonderland.lab.edge_patching._TOKENS", rows * LENGTH)
    assert torch.allclose(patch_each(model, base, donor, last(model)), whole, atol=1e-12)
