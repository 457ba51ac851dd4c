"""Muon: its step is the nearest orthogonal matrix to the momentum, whatever the momentum's singular values are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.model.muon import Muon, orthogonalise


def with_singular_values(values, rows, columns, seed=0):
    generator = torch.Generator().manual_seed(seed)
    u = torch.linalg.qr(torch.randn(rows, len(values), generator=generator)).Q
    v = torch.linalg.qr(torch.randn(columns, len(values), generator=generator)).Q
    return u, v, u @ torch.diag(torch.tensor(values)) @ v.T


@settings(max_examples=settings().max_examples * 4 // 5, deadline=None)
@given(
    rows=st.integers(6, 40),
    columns=st.integers(6, 40),
    values=st.lists(st.floats(0.02, 1.0), min_size=6, max_size=6),
    scale=st.sampled_from([1e-4, 1.0, 1e4]),
)
def test_singular_values_become_about_one_and_singular_vectors_stay(rows, columns, values, scale):
    u, v, matrix = with_singular_values(values, rows, columns)
    core = u.T @ orthogonalise(matrix * scale) @ v
    found = torch.diagonal(core)
    assert found.min() > 0.6
    assert found.max() < 1.3
    assert (core - torch.diag(found)).abs().max() < 0.01


def test_stacked_matrices_are_orthogonalised_each_for_itself():
    matrices = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    together = orthogonalise(matrices)
    torch.testing.assert_close(together[1, 2], orthogonalise(matrices[1, 2]))


def test_a_zero_gradient_moves_nothing():
    assert torch.equal(orthogonalise(torch.zeros(4, 4)), torch.zeros(4, 4))


def test_the_first_step_is_as_long_as_the_learning_rate_in_every_direction():
    weight = torch.nn.Parameter(torch.zeros(6, 6))
    _, _, weight.grad = with_singular_values([1.0, 0.9, 0.5, 0.3, 0.2, 0.1], 6, 6)
    Muon([weight], lr=0.5).step()
    moved = torch.linalg.svdvals(weight.detach())
    assert moved.min() > 0.5 * 0.6
    assert moved.max() < 0.5 * 1.3


def test_a_tall_matrix_moves_further_by_the_root_of_its_proportion():
    gradient = with_singular_values([1.0, 0.8, 0.6], 12, 3)[2]
    steps = []
    for matrix in (gradient, gradient.T):
        weight = torch.nn.Parameter(torch.zeros(matrix.shape))
        weight.grad = matrix.clone()
        Muon([weight], lr=1.0).step()
        steps.append(weight.detach().norm())
    assert float(steps[0] / steps[1]) == pytest.approx(2.0)


def test_weight_decay_shrinks_by_the_learning_rate_times_the_decay():
    weight = torch.nn.Parameter(torch.eye(3))
    weight.grad = torch.zeros(3, 3)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), torch.eye(3) * 0.95)


def test_a_quadratic_is_minimised():
    target = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    weight = torch.nn.Parameter(torch.zeros(4, 4))
    optimiser = Muon([weight], lr=0.1)
    for step in range(200):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimiser.zero_grad()
        (weight - target).pow(2).sum().backward()
        optimiser.step()
    assert (weight - target).abs().max() < 0.05
