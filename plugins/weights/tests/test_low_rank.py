"""Factored products and random rotations, against the d × d matrices they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from wonderland_weights.low_rank import corners, frames, random_spectra, svd

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))


@given(shapes)
def test_a_decomposition_gives_the_product_back(shape):
    d, k, seed = shape
    random = np.random.default_rng(seed)
    left, right = random.standard_normal((2, d, k)), random.standard_normal((2, k, d))
    found = svd(left, right)
    again = found.reads * found.values[:, None, :] @ np.swapaxes(found.writes, -1, -2)
    np.testing.assert_allclose(again, left @ right, atol=1e-10)
    np.testing.assert_allclose(found.values, np.linalg.svd(left @ right)[1][:, : min(d, k)], atol=1e-10)
    for vectors in (found.reads, found.writes):
        np.testing.assert_allclose(
            np.swapaxes(vectors, 1, 2) @ vectors, np.tile(np.eye(min(d, k)), (2, 1, 1)), atol=1e-9
        )


def test_equal_singular_values_are_of_full_rank_and_one_alone_is_of_rank_one():
    flat = svd(np.eye(6)[:, :3], 5 * np.eye(6)[:3])
    assert (flat.ratio, flat.effective_rank) == pytest.approx((1, 3))
    one = svd(np.eye(6)[:, :3] * [1, 0, 0], np.eye(6)[:3])
    assert (one.ratio, one.effective_rank) == (np.inf, pytest.approx(1))
    two = svd(np.eye(6)[:, :3] * [3, 1, 0], np.eye(6)[:3])
    assert (two.ratio, two.effective_rank) == pytest.approx((3, 100 / 82))


def test_a_product_that_is_nothing_but_rounding_has_no_spectrum():
    random = np.random.default_rng(0)
    orthogonal = np.linalg.qr(random.standard_normal((4, 4)))[0]
    left = random.standard_normal((8, 2)) @ orthogonal[:2]  # reads and writes through different dimensions of the head
    right = orthogonal[2:].T @ random.standard_normal((2, 8))
    found = svd(left, right)
    assert not found.values.any()
    assert np.isnan(found.ratio)
    assert np.isnan(found.effective_rank)
    assert np.isnan(found.shares).all()


def test_frames_are_orthonormal_without_the_mean_and_have_no_favourite_direction():
    drawn = frames(4000, 5, 2, room=4, random=np.random.default_rng(0))
    np.testing.assert_allclose(np.swapaxes(drawn, 1, 2) @ drawn, np.tile(np.eye(2), (4000, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(drawn.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.03)  # QR alone would leave the signs to LAPACK
    np.testing.assert_allclose(np.einsum("nik,njk->ij", drawn, drawn) / 8000, (np.eye(5) - 0.2) / 4, atol=0.02)


def test_entries_of_a_rotation_have_a_mean_square_of_one_over_its_dimensions():
    drawn = corners(3000, 3, room=7, random=np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(0), 1 / 7, atol=0.012)
    assert corners(2, 9, room=7, random=np.random.default_rng(0)).sum(1) == pytest.approx(np.ones((2, 7)))


@pytest.mark.parametrize(("k", "room"), [(1, 2), (3, 6), (4, 9), (6, 24)])
def test_corners_are_drawn_as_those_of_whole_frames_are(k, room):
    random = np.random.default_rng(1)
    drawn = corners(4000, k, room=room, random=random)
    whole = frames(4000, room, k, room=room, random=random)[:, :k] ** 2
    for of in (lambda c: c.sum((1, 2)), lambda c: c[:, 0, 0], lambda c: c[:, -1, -1], lambda c: c.max((1, 2))):
        assert ks_2samp(of(drawn), of(whole)).pvalue > 1e-3


def test_random_weights_have_no_steep_spectrum():
    drawn = random_spectra(50, 64, 16, random=np.random.default_rng(0))
    assert 1 < drawn.ratio.mean() < 1.3
    assert 8 < drawn.effective_rank.mean() < 12
