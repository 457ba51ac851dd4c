"""PCA on streams whose directions are planted, and against a decomposition of all rows at once."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland_triage.residual_pca import ResidualPCA


def planted(*, axes=1, push=0.0):
    """A model whose tokens lie on ``axes`` orthogonal directions and whose layers only add ``push`` to dimension 5."""
    model = handwritten_model()
    for weight in model.parameters():
        weight.zero_()
    generator = torch.Generator().manual_seed(1)
    model.embed.W_E[:, :axes] = 10 * torch.randn(24, axes, generator=generator)
    for block in model.blocks:
        block.attn.b_O[5] = push
    return model


def pca_of(model, **parameters):
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(12, shortest=10))
    return wl.analyze(specimen, ResidualPCA(**parameters))["residual-pca"]


def rows_by_hand(specimen, skip=1):
    """The stream of every token that counts, [level, row, d_model]."""
    found = []
    for tokens, length in zip(specimen.evidence.tokens, specimen.evidence.lengths, strict=True):
        inputs = torch.from_numpy(tokens[None, :length])
        found.append(np.stack([specimen.model(inputs, stop_at_layer=at)[0, skip:].numpy() for at in range(3)]))
    return np.concatenate(found, axis=1).astype(float)


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, ResidualPCA())["residual-pca"]


@pytest.fixture(scope="module")
def by_hand(specimen):
    rows = rows_by_hand(specimen)
    flat = rows.reshape(-1, rows.shape[-1])
    _, singular, directions = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    return rows, flat.mean(0), singular**2 / (singular**2).sum(), directions


def test_the_variance_is_that_of_all_rows_of_all_levels(result, by_hand):
    share = by_hand[2]
    assert result.variance.value == pytest.approx(share[:12], rel=1e-6)
    assert result.dimensions == pytest.approx(1 / (share**2).sum(), rel=1e-6)
    assert (result.variance.low <= result.variance.value).all()
    assert (result.variance.high >= result.variance.value).all()


def test_the_interval_is_that_of_drawing_conversations_again(specimen, result, by_hand):
    rows, _, _, directions = by_hand
    said_in = np.repeat(specimen.evidence.conversation, specimen.evidence.lengths - 1)
    named = [np.flatnonzero(said_in == one) for one in np.unique(said_in)]
    random, shares = np.random.default_rng(1), []
    for _ in range(400):
        drawn = rows[:, np.concatenate([named[one] for one in random.integers(len(named), size=len(named))])]
        centred = drawn.reshape(-1, rows.shape[-1]) - drawn.mean((0, 1))
        shares.append(((centred @ directions[:12].T) ** 2).sum(0) / (centred**2).sum())
    width = np.subtract(*np.quantile(shares, [0.975, 0.025], axis=0))
    assert result.variance.high - result.variance.low == pytest.approx(width, rel=0.25)
    assert result.variance.low == pytest.approx(np.quantile(shares, 0.025, axis=0), abs=width.max() / 4)


def test_chance_is_what_uncorrelated_dimensions_would_give(result, by_hand):
    rows = by_hand[0]
    variances = np.sort(rows.reshape(-1, rows.shape[-1]).var(0))[::-1]
    assert result.variance.chance == pytest.approx(variances[:12] / variances.sum(), rel=1e-6)


def test_steps_are_measured_in_full_width(result, by_hand):
    rows, _, _, directions = by_hand
    moved = np.diff(rows, axis=0)
    length, norm = np.linalg.norm(moved, axis=-1), np.linalg.norm(rows, axis=-1)
    assert result.step.value == pytest.approx(length.mean(1), rel=1e-6)
    assert result.norm.value == pytest.approx(norm.mean(1), rel=1e-6)
    assert result.relative.value == pytest.approx(length.mean(1) / norm[:-1].mean(1), rel=1e-6)
    seen = ((moved @ directions[:2].T) ** 2).sum((-2, -1)) / (length**2).sum(-1)
    assert result.in_plane.value == pytest.approx(seen, rel=1e-5)
    assert result.in_plane.chance == pytest.approx(2 / 96)


def test_places_are_projections_on_the_first_two_directions(result, by_hand, specimen):
    _, mean, _, directions = by_hand
    for about, places in zip(result.conversations, result.places, strict=True):
        window = int(about["title"].removeprefix("Held-out window ")) - 1
        inputs = torch.from_numpy(specimen.evidence.tokens[None, window, : len(about["tokens"])])
        last = (specimen.model(inputs, stop_at_layer=2)[0].numpy() - mean) @ directions[:2].T
        sign = np.sign(places[2, 1] * last[1])  # the sign of a direction is arbitrary
        np.testing.assert_allclose(places[2], last * sign, atol=1e-3)


def test_one_planted_direction_has_all_the_variance():
    result = pca_of(planted(axes=1))
    assert result.variance.value[0] == pytest.approx(1, abs=1e-9)
    assert result.variance.low[0] == pytest.approx(1, abs=1e-9)
    assert result.dimensions == pytest.approx(1, abs=1e-9)
    assert result.shown == pytest.approx(1)


def test_a_step_at_a_right_angle_to_the_picture_is_measured_and_not_shown():
    result = pca_of(planted(axes=2, push=0.5))
    assert result.step.value == pytest.approx([0.5, 0.5])
    assert result.in_plane.value == pytest.approx([0, 0], abs=1e-3)
    for places in result.places:
        np.testing.assert_allclose(places[0], places[2], atol=0.1)
    assert "0% of it in the plane" in result.summary()


def test_a_step_along_the_picture_is_shown():
    model = planted(axes=2)
    for block in model.blocks:
        block.attn.b_O[0] = 3.0
    result = pca_of(model)
    assert result.in_plane.value == pytest.approx([1, 1], abs=1e-6)
    assert result.step.value == pytest.approx([3, 3], rel=1e-6)


def test_a_giant_at_position_0_does_not_become_the_first_component():
    model = planted(axes=2)
    model.pos_embed.W_pos[0, 7] = 10_000.0
    without, with_it = pca_of(model), pca_of(model, skip=0)
    assert without.variance.value[:2].sum() == pytest.approx(1, abs=1e-9)
    assert without.norm.value.max() < 100
    assert with_it.variance.value[0] > 0.99


def test_the_layer_that_moves_most_is_the_finding(by_hand):
    model = planted(axes=2)
    model.blocks[1].attn.b_O[5] = 4.0
    (finding,) = pca_of(model).findings()
    assert finding.text.startswith("L1 takes the longest step")
    assert finding.trust == "solid"


def test_before_training_no_layer_moves_anything(specimen):
    result = wl.analyze(specimen.untrained(), ResidualPCA())["residual-pca"]
    assert result.step.value == pytest.approx([0, 0])
    assert "No layer moves anything." in result.summary()
    assert result.findings()[0].text == "No layer moves the residual stream at all."
    for view in result.views():
        encode(view.data)


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    np.testing.assert_array_equal(again.places[0], result.places[0])


def test_its_views_are_ones_the_report_can_draw(result):
    for view in result.views():
        encode(view.data)
        assert figure(view) is not None
