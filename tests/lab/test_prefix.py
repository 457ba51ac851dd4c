"""Going on from a prefix is running the whole: for patching, for edges and for gradients, up to rounding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.lab.attribution import attribution
from wonderland.lab.edges import Edges, Outputs, carry
from wonderland.lab.interventions import Activations, Site, answer_logits, intervene
from wonderland.lab.prefix import Rest
from wonderland.model.presets import Config
from wonderland.model.transformer import ChatTransformer

few = settings(max_examples=15, deadline=None)
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
    corrupted, until = clean.copy(), np.zeros(BATCH, dtype=int)
    for row in range(BATCH):
        until[row] = random.integers(1, LENGTH)
        place = random.integers(1, until[row] + 1)
        corrupted[row, place] = (clean[row, place] + 5) % 24
    return torch.from_numpy(clean), torch.from_numpy(corrupted), torch.from_numpy(until)


class Forgetful(Activations):
    """A run that cannot be gone on from, so that everything is run."""

    memory = None


def without_memory(run):
    return replace(run, memory=None) if isinstance(run, Outputs) else Forgetful(run.values, run.final)


@few
@given(model=models, seed=st.integers(0, 1000))
@pytest.mark.parametrize("name", ["resid_pre", "z", "k", "attn_out"])
def test_patching_behind_a_prefix_is_patching_the_whole_run(model, seed, name):
    clean, corrupted, until = two_runs(seed)
    base, donor = (Activations.of(model, tokens, (name,)) for tokens in (corrupted, clean))
    head = 1 if name in ("z", "k") else None
    cells = [
        [Site(name, 0, head)],
        [Site(name, 2, head, where=4), Site(name, 1, head, where="late")],
        [Site(name, layer, head) for layer in range(3)],
    ]
    where = {"late": torch.arange(LENGTH).expand(BATCH, -1) > 5}
    read = answer_logits(model, until)
    behind = intervene(model, base, donor.values, cells, read, where=where, until=until)
    whole = intervene(model, without_memory(base), donor.values, cells, read, where=where)
    for ours, theirs in zip(behind, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@few
@given(model=models, seed=st.integers(0, 1000), alive=st.booleans())
def test_edges_behind_a_prefix_carry_what_they_carry_in_the_whole_run(model, seed, alive):
    clean, corrupted, until = two_runs(seed)
    base, donor = Outputs.of(model, corrupted), Outputs.of(model, clean)
    there = Edges.of(model).exists
    random = np.random.default_rng(seed)
    put, live = (random.random((5, *there.shape)) < share for share in (0.2, 0.6))
    options = {} if alive else {"live": live}
    read = answer_logits(model, until)
    behind = carry(model, base, donor, put, read, until=until, **options)
    whole = carry(model, without_memory(base), donor, put, read, **options)
    torch.testing.assert_close(behind, whole, rtol=1e-9, atol=1e-9)


@few
@given(model=models, seed=st.integers(0, 1000))
def test_gradients_behind_a_prefix_are_those_of_the_whole_run(model, seed):
    clean, corrupted, until = two_runs(seed)
    base, donor = Outputs.of(model, corrupted), Outputs.of(model, clean)
    logits = answer_logits(model, until)

    def metric(final):
        return logits(final)[:, 3]

    behind = attribution(model, base, donor, metric, steps=2, until=until)
    whole = attribution(model, without_memory(base), donor, metric, steps=2)
    torch.testing.assert_close(behind, whole, rtol=1e-9, atol=1e-9)


def test_only_the_positions_from_the_first_change_to_the_last_that_is_read_are_run():
    model = random_model(0, False, "LN")
    tokens = torch.randint(0, 24, (2, LENGTH))
    run = Activations.of(model, tokens, ())
    differs = torch.zeros(2, LENGTH, dtype=torch.bool)
    differs[0, 3] = differs[1, 6] = True
    rest = Rest.of(model, run.memory, differs, torch.tensor([4, 8]))
    assert rest.length == 3
    assert rest.place.tolist() == [[2, 3, 4], [6, 7, 8]]
    everything = Rest.of(model, run.memory, torch.ones_like(differs))
    assert everything.length == LENGTH
    assert everything.before is None


def test_a_model_that_reads_no_prefix_runs_everything():
    model = random_model(0, False, "LN")
    model.reads_prefix = False
    run = Activations.of(model, torch.randint(0, 24, (2, LENGTH)), ())
    assert run.memory is None
    differs = torch.zeros(2, LENGTH, dtype=torch.bool)
    assert Rest.of(model, run.memory, differs).length == LENGTH
