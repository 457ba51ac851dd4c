"""Going on from a prefix is running the whole: for patching, for edges and for gradients, up to rounding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.lab.attribution import attribution
from wonderland.lab.edge_patching import ComponentOutputs, run_edges
from wonderland.lab.edges import Edges
from wonderland.lab.interventions import Activations, Site, answer_logits, intervene
from wonderland.lab.kv_reuse import Suffix
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config

few = settings(max_examples=settings().max_examples * 3 // 10, deadline=None)
BATCH, LENGTH = 4, 9
models = st.builds(
    lambda *drawn: random_model(*drawn), st.integers(0, 1000), st.booleans(), st.sampled_from(["LN", None])
)


def random_model(seed, attn_only, norm):
    model = ChatTransformer(Config(3, 2, 12, 6, 16, 12, 24, attn_only=attn_only, normalization_type=norm))
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    return model.requires_grad_(False).eval().double()


def two_runs(seed):
    """Rows that differ from some place of their own on, and the last place that is read of each."""
    random = np.random.default_rng(seed)
    clean = random.integers(0, 24, (BATCH, LENGTH))
    corrupted, last_position = clean.copy(), np.zeros(BATCH, dtype=int)
    for row in range(BATCH):
        last_position[row] = random.integers(1, LENGTH)
        place = random.integers(1, last_position[row] + 1)
        corrupted[row, place] = (clean[row, place] + 5) % 24
    return torch.from_numpy(clean), torch.from_numpy(corrupted), torch.from_numpy(last_position)


class Forgetful(Activations):
    """A run that cannot be gone on from, so that everything is run."""

    kv_cache = None


def without_cache(run):
    return replace(run, kv_cache=None) if isinstance(run, ComponentOutputs) else Forgetful(run.values, run.final)


@few
@given(model=models, seed=st.integers(0, 1000))
@pytest.mark.parametrize("name", ["resid_pre", "z", "k", "attn_out"])
def test_patching_behind_a_prefix_is_patching_the_whole_run(model, seed, name):
    clean, corrupted, last_position = two_runs(seed)
    base, donor = (Activations.of(model, tokens, (name,)) for tokens in (corrupted, clean))
    head = 1 if name in ("z", "k") else None
    cells = [
        [Site(name, 0, head)],
        [Site(name, 2, head, positions=4), Site(name, 1, head, positions="late")],
        [Site(name, layer, head) for layer in range(3)],
    ]
    positions = {"late": torch.arange(LENGTH).expand(BATCH, -1) > 5}
    metric = answer_logits(model, last_position)
    behind = intervene(model, base, donor.values, cells, metric, positions=positions, last_position=last_position)
    whole = intervene(model, without_cache(base), donor.values, cells, metric, positions=positions)
    for ours, theirs in zip(behind, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@few
@given(model=models, seed=st.integers(0, 1000), alive=st.booleans())
def test_edges_behind_a_prefix_carry_what_they_carry_in_the_whole_run(model, seed, alive):
    clean, corrupted, last_position = two_runs(seed)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    there = Edges.of(model).exists
    random = np.random.default_rng(seed)
    patched, active = (random.random((5, *there.shape)) < share for share in (0.2, 0.6))
    options = {} if alive else {"active": active}
    metric = answer_logits(model, last_position)
    behind = run_edges(model, base, donor, patched, metric, last_position=last_position, **options)
    whole = run_edges(model, without_cache(base), donor, patched, metric, **options)
    torch.testing.assert_close(behind, whole, rtol=1e-9, atol=1e-9)


@few
@given(model=models, seed=st.integers(0, 1000))
def test_gradients_behind_a_prefix_are_those_of_the_whole_run(model, seed):
    clean, corrupted, last_position = two_runs(seed)
    base, donor = ComponentOutputs.of(model, corrupted), ComponentOutputs.of(model, clean)
    logits = answer_logits(model, last_position)

    def metric(final):
        return logits(final)[:, 3]

    behind = attribution(model, base, donor, metric, steps=2, last_position=last_position)
    whole = attribution(model, without_cache(base), donor, metric, steps=2)
    torch.testing.assert_close(behind, whole, rtol=1e-9, atol=1e-9)


def test_only_the_positions_from_the_first_change_to_the_last_that_is_read_are_run():
    model = random_model(0, False, "LN")
    tokens = torch.randint(0, 24, (2, LENGTH))
    run = Activations.of(model, tokens, ())
    differs = torch.zeros(2, LENGTH, dtype=torch.bool)
    differs[0, 3] = differs[1, 6] = True
    suffix = Suffix.of(model, run.kv_cache, differs, torch.tensor([4, 8]))
    assert suffix.length == 3
    assert suffix.positions.tolist() == [[2, 3, 4], [6, 7, 8]]
    everything = Suffix.of(model, run.kv_cache, torch.ones_like(differs))
    assert everything.length == LENGTH
    assert everything.prefix is None


def test_a_model_that_reads_no_prefix_runs_everything():
    model = random_model(0, False, "LN")
    model.accepts_kv_prefix = False
    run = Activations.of(model, torch.randint(0, 24, (2, LENGTH)), ())
    assert run.kv_cache is None
    differs = torch.zeros(2, LENGTH, dtype=torch.bool)
    assert Suffix.of(model, run.kv_cache, differs).length == LENGTH
