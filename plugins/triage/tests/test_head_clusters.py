"""Groups of heads where they are planted, and none where there is one cloud."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import HEADS
from wonderland.views import Key, told_p
from wonderland_triage.attention_entropy import AttentionEntropy
from wonderland_triage.head_clusters import HeadClusters
from wonderland_triage.head_patterns import HeadPatterns


def features(table, layers=4, error=0.0):
    """Features [head, feature] as the estimates they come as."""
    columns = [column.reshape(layers, -1) for column in np.asarray(table, dtype=float).T]
    return [(f"feature {i}", wl.Estimate(c, c - error, c + error, n=20)) for i, c in enumerate(columns)]


def two_groups(seed=0):
    table = np.random.default_rng(seed).normal(size=(16, 4)) * 0.1
    table[:6] += 3
    return table


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, HeadClusters())["head-clusters"]


def test_two_planted_groups_are_found_and_beat_every_single_cloud():
    result = HeadClusters(clouds=20).group(features(two_groups()))
    assert result.k == 2
    assert result.best > 0.9
    assert result.p == pytest.approx(1 / 21)
    assert result.members(0) == result.heads[6:]  # the larger group comes first
    assert result.members(1) == result.heads[:6]
    assert result.summary().startswith(
        "A cut of 16 heads into 2 groups fits better than one of a single cloud (silhouette "
    )


def test_the_order_of_heads_only_renames_them():
    table = two_groups()
    order = np.random.default_rng(1).permutation(16)
    straight, mixed = (HeadClusters(clouds=8, most=3).group(features(rows)) for rows in (table, table[order]))
    np.testing.assert_array_equal(mixed.groups, straight.groups[order])
    np.testing.assert_allclose(mixed.scores, straight.scores[order], atol=1e-9)
    np.testing.assert_allclose(mixed.distance.value.ravel(), straight.distance.value.ravel()[order])
    assert mixed.best == pytest.approx(straight.best)


@pytest.mark.parametrize(
    "mixing",
    [pytest.param(np.eye(6), marks=pytest.mark.slow), np.ones((6, 6)) + 0.3 * np.eye(6)],
    ids=["round", "long"],
)
def test_in_one_cloud_no_groups_are_claimed(mixing):
    ps = []
    for seed in range(5):
        cloud = np.random.default_rng(seed).normal(size=(16, 6)) @ mixing
        result = HeadClusters(clouds=12, most=3).group(features(cloud))
        ps.append(result.p)
        if result.p > 0.05:
            assert result.summary().startswith("No groups of heads beyond chance")
            assert "illustration" in result.summary().splitlines()[0]
    assert np.median(ps) > 0.2


def test_features_count_alike_whatever_their_unit():
    table = two_groups()
    scaled = table * [1, 1000, 1e-3, 1] + [0, 5, 9, 0]
    one, other = (HeadClusters(clouds=8, most=3).group(features(rows)) for rows in (table, scaled))
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
    np.testing.assert_array_equal(one.groups, other.groups)
    np.testing.assert_allclose(one.distance.value, other.distance.value)


def test_components_are_those_of_the_correlations():
    table = np.random.default_rng(4).normal(size=(16, 3)) @ np.array([[1, 1, 0], [0, 0.2, 0], [0, 0, 1]])
    result = HeadClusters(clouds=8, most=3).group(features(table))
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(table.T))[::-1]
    assert result.variance == pytest.approx(eigenvalues / 3)
    assert result.variance.sum() == pytest.approx(1)
    standard = (table - table.mean(0)) / table.std(0)
    np.testing.assert_allclose(result.scores, standard @ result.loadings.T, atol=1e-9)
    assert abs(result.loadings[0, 0]) == pytest.approx(abs(result.loadings[0, 1]), abs=0.1)


def test_a_head_like_no_other_is_named_with_what_makes_it_so():
    table = np.random.default_rng(2).normal(size=(16, 5)) * 0.1
    table[9, 3] = -8
    table[9, 1] = 7.9
    result = HeadClusters(clouds=30, most=3).group(features(table))
    head, distance = result.outliers()[0]
    assert head == Head(2, 1)
    assert distance.value == pytest.approx(np.linalg.norm((table[9] - table.mean(0)) / table.std(0)))
    assert distance.chance == pytest.approx(np.quantile(result.null_farthest, 0.95))
    outlier = result.findings()[1]
    assert outlier.text.startswith("L2H1 is the head least like the others")
    assert "feature 3 (−3." in outlier.text
    assert outlier.select == (Key.of("L2H1"),)


def test_in_a_single_cloud_no_head_is_beyond_chance_and_the_view_says_how_far_the_farthest_is():
    result = HeadClusters(clouds=30, most=3).group(features(np.random.default_rng(0).normal(size=(16, 5))))
    assert result.p_farthest > 0.05
    assert not np.asarray(result.distance.above_chance).any()
    (view,) = [one for one in result.views() if one.id == "head-outliers"]
    assert f"{told_p(result.p_farthest)} against the farthest of each cloud" in str(view.caption)
    assert "√" not in str(view.caption)


def test_the_mean_squared_distance_is_the_number_of_features():
    result = HeadClusters(clouds=8, most=3).group(features(np.random.default_rng(0).normal(size=(16, 5))))
    assert (result.distance.value**2).mean() == pytest.approx(5)


def test_unsure_features_make_unsure_distances():
    table = two_groups()
    sure, unsure = (HeadClusters(clouds=8, most=3).group(features(table, error=error)) for error in (0.0, 0.5))
    assert sure.distance.high == pytest.approx(sure.distance.low)
    assert (unsure.distance.high - unsure.distance.low).mean() > 0.2


def test_a_feature_that_is_the_same_for_all_is_left_out_and_named():
    table = np.column_stack([two_groups(), np.full(16, 7.0)])
    result = HeadClusters(clouds=8, most=3).group(features(table))
    assert result.left_out == ["feature 4"]
    assert len(result.features) == result.table.shape[1] == 4
    with pytest.raises(NotEnoughData, match="attend alike"):
        HeadClusters(clouds=8, most=3).group(features(np.ones((16, 3))))


def test_the_features_are_those_the_other_analyses_measure(result, specimen):
    both = wl.analyze(specimen, AttentionEntropy(), HeadPatterns())
    entropy = result.table[:, result.features.index("entropy")].reshape(2, 3)
    np.testing.assert_array_equal(entropy, both["attention-entropy"].normalised.value)
    previous = result.table[:, result.features.index("previous")].reshape(2, 3)
    np.testing.assert_array_equal(previous, both["head-patterns"].scores["previous"].value)
    assert previous[HEADS["previous"]] == pytest.approx(1, abs=1e-6)


def test_six_different_heads_are_no_groups(result):
    assert result.p > 0.05
    assert result.summary().startswith("No groups of heads beyond chance")
    assert [finding.trust for finding in result.findings()] == ["weak"]


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    np.testing.assert_array_equal(again.loadings, result.loadings)


def test_its_views_are_ones_the_report_can_draw(result):
    for view in result.views():
        encode(view.data)
        assert figure(view) is not None
    assert "illustrative" in result.views()[0].misleads
    assert len(result.to_frame()) == sum(np.size(one.value) for one in result.estimates().values())
