"""The rest of a model, run again only where a change reaches, says what running all of it says."""

import dataclasses

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland_sparse.effects import _held
from wonderland_sparse.onward import Onward
from wonderland_sparse.streams import final_after


@pytest.fixture(scope="module")
def model(speaking):
    """Four layers with MLPs, whose weights all do something."""
    cfg = dataclasses.replace(
        wl.ChatTransformer.from_preset("nano", speaking.tokenizer).cfg, n_layers=4, d_model=24, n_heads=3, d_head=8
    )
    made = wl.ChatTransformer(dataclasses.replace(cfg, d_mlp=40), tokenizer=speaking.tokenizer.fingerprint)
    random = torch.Generator().manual_seed(0)
    for weight in made.parameters():
        weight.data = 0.3 * torch.randn(weight.shape, generator=random)
    return made.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def changed(speaking, model):
    """A specimen, the stream of five windows, places in three of them out of order, and which are asked about."""
    stream = torch.randn(5, 30, 24, generator=torch.Generator().manual_seed(1))
    rows, columns = torch.tensor([4, 1, 1, 2, 4, 2]), torch.tensor([7, 20, 3, 29, 2, 11])
    asked = torch.tensor([True, True, True, False, False, True])
    steps = torch.randn(6, 24, generator=torch.Generator().manual_seed(2))
    return speaking.with_model(model), stream, rows, columns, asked, steps


@pytest.mark.parametrize("layer", range(4))
@pytest.mark.parametrize("parted", [True, False])
def test_the_final_stream_is_that_of_the_whole_run(changed, layer, parted, monkeypatch):
    specimen, stream, rows, columns, asked, steps = changed
    if not parted:
        monkeypatch.setattr(wl, "ChatTransformer", type("Another", (), {}))
    onward = Onward(specimen, layer, stream, rows, columns, asked)
    assert onward.parted == parted
    whole = stream.clone()
    whole[rows, columns] += steps
    at = rows[asked], columns[asked]
    before, after = (final_after(specimen, layer, of)[at] for of in (stream, whole))
    torch.testing.assert_close(onward.unchanged(), before, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(onward.stepped(steps), after, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(onward.stepped(0 * steps), before, rtol=1e-4, atol=1e-4)
    assert (after - before).norm(dim=1).min() > 0.1


def test_only_what_a_change_reaches_is_computed(changed, monkeypatch):
    """One place of the last layer but one: its keys and values and one query, of 150 places."""
    specimen, stream, *_ = changed
    one = torch.tensor([2])
    onward = Onward(specimen, 2, stream, one, torch.tensor([11]), torch.tensor([True]))
    computed = []
    mlp = specimen.model.blocks[3].mlp
    with monkeypatch.context() as patching:
        forward = type(mlp).forward
        patching.setattr(type(mlp), "forward", lambda self, x: (computed.append(len(x)), forward(self, x))[1])
        onward.stepped(torch.ones(1, 24))
    assert computed == [1]


def test_a_latent_held_high_is_added_at_each_place_alone(changed):
    """Two places of one window: neither sees the step at the other."""
    specimen, stream, *_ = changed
    at, steps = (np.array([3, 3]), np.array([5, 9])), torch.randn(2, 24, generator=torch.Generator().manual_seed(3))
    found = _held(specimen, 1, stream, at, steps, np.array([0, 4]))
    for place, (row, column) in enumerate(zip(*at, strict=True)):
        for number, step in enumerate((torch.zeros(24), *steps)):
            whole = stream[[row]].clone()
            whole[0, column] += step
            told = specimen.model.unembed(specimen.model.ln_final(final_after(specimen, 1, whole)))[0, column]
            expected = float(told.softmax(-1)[[0, 4]].sum())
            assert found[place, number] == pytest.approx(expected, rel=1e-3, abs=1e-6)
