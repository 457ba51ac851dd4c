"""An estimate keeps value, interval, chance level, unit, n and the names of its dimensions together."""

import dataclasses

import numpy as np
import pytest

from wonderland.components import Head
from wonderland.errors import PluginError, UsageError
from wonderland.estimate import Estimate

VALUE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def by_head(**more):
    parts = {"n": 12, "unit": "nats", "chance": VALUE / 10, "resampled_over": "pairs", "dims": ("layer", "head")}
    return Estimate(VALUE, VALUE - 0.5, VALUE + 1, **parts | more)


def test_an_index_takes_value_interval_and_chance_alike():
    one = by_head()[Head(2, 1)]
    assert [float(part) for part in (one.value, one.low, one.high, one.chance)] == pytest.approx([6, 5.5, 7, 0.6])
    assert (one.n, one.unit, one.resampled_over, one.dims) == (12, "nats", "pairs", ())
    row = by_head()[1]
    assert row.dims == ("head",)
    assert row.value.tolist() == [3, 4]
    assert by_head()[:, 0].dims == ("layer",)
    assert by_head()[VALUE > 2].dims == ()


def test_a_map_that_reverses_the_order_exchanges_the_ends_of_the_interval():
    turned = by_head().map(lambda part: -part, unit="nats saved")
    assert turned.value.tolist() == (-VALUE).tolist()
    assert turned.low.tolist() == (-VALUE - 1).tolist()
    assert turned.high.tolist() == (-VALUE + 0.5).tolist()
    assert np.allclose(turned.chance, -VALUE / 10)
    assert (turned.unit, turned.dims, turned.n) == ("nats saved", ("layer", "head"), 12)
    assert Estimate(1.0, 0.0, 2.0, n=3, chance=0.5).map(np.exp).chance == pytest.approx(np.exp(0.5))


def test_a_new_shape_keeps_the_numbers_in_their_order():
    flat = by_head(chance=0.0).reshape((6,), ("place",))
    assert flat.value.tolist() == [1, 2, 3, 4, 5, 6]
    assert flat.dims == ("place",)
    assert flat.chance == 0.0
    assert flat.reshape((3, 2), ("layer", "head"))[Head(1, 0)].value == 3


def test_what_could_not_be_measured_is_missing_and_not_trusted():
    missing = Estimate.missing((2, 2), unit="recovery", chance=0.0, resampled_over="pairs")
    assert np.isnan(missing.value).all()
    assert np.isnan(missing.low).all()
    assert np.isnan(missing.high).all()
    assert not missing.trusted
    assert not missing.above_chance.any()


def test_above_chance_asks_the_lower_end_of_the_interval():
    estimate = Estimate(np.array([1.0, 1.0]), np.array([0.4, 0.6]), np.array([2.0, 2.0]), n=20, chance=0.5)
    assert estimate.above_chance.tolist() == [False, True]


def test_a_table_has_a_row_a_number_and_names_heads():
    table = by_head().to_frame()
    assert table["head"].tolist() == ["L0H0", "L0H1", "L1H0", "L1H1", "L2H0", "L2H1"]
    assert table.loc[3, ["value", "low", "high", "chance"]].tolist() == pytest.approx([4, 3.5, 5, 0.4])
    assert set(table["resampled_over"]) == {"pairs"}
    other = Estimate(VALUE, VALUE, VALUE, n=1, dims=("layer", "place")).to_frame()
    assert other[["layer", "place"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    single = Estimate(1.0, 0.0, 2.0, n=3).to_frame()
    assert len(single) == 1
    assert np.isnan(single.loc[0, "chance"])


def test_parts_that_do_not_fit_each_other_are_refused():
    with pytest.raises(PluginError, match="interval"):
        Estimate(VALUE, VALUE[0], VALUE, n=1)
    with pytest.raises(PluginError, match="chance"):
        Estimate(VALUE, VALUE, VALUE, n=1, chance=VALUE[0])
    with pytest.raises(PluginError, match="dimensions"):
        Estimate(VALUE, VALUE, VALUE, n=1, dims=("head",))


def test_single_estimates_are_stacked_with_their_intervals_and_chance():
    from wonderland.components import Head

    ones = [Estimate(float(i), i - 0.5, i + 0.5, n=9, unit="nats", chance=0.0) for i in range(6)]
    grid = Estimate.stacked(ones, (2, 3), ("layer", "head"))
    assert (grid.n, grid.unit, grid.chance, grid.dims) == (9, "nats", 0.0, ("layer", "head"))
    assert grid[Head(1, 2)].value == 5
    assert (grid.low[1, 2], grid.high[1, 2]) == (4.5, 5.5)
    levels = Estimate.stacked([ones[0], Estimate(1.0, 0.0, 2.0, n=9, chance=0.5)])
    assert levels.chance.tolist() == [0.0, 0.5]
    assert Estimate.stacked([ones[0], Estimate(1.0, 0.0, 2.0, n=9)]).chance is None


@pytest.mark.parametrize("value", ["a", None, 1j, [1, "b"], [[1], [1, 2]], {}])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(PluginError, match="should be numbers"):
        Estimate(value, value, value, n=5)
    with pytest.raises(PluginError, match="rests on -1 units"):
        Estimate(1.0, 0.0, 2.0, n=-1)
    with pytest.raises(PluginError, match="The high of an estimate"):
        Estimate(1.0, 0.0, value, n=5)
    if value is not None:
        with pytest.raises(PluginError, match="The chance of an estimate"):
            Estimate(1.0, 0.0, 2.0, n=5, chance=value)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        *[("n", wrong) for wrong in (None, "x", [], np.nan, np.inf, True, 3.0)],
        *[("unit", wrong) for wrong in (None, [], 1, b"x")],
        *[("resampled_over", wrong) for wrong in (None, {})],
        *[("dims", wrong) for wrong in (None, 1.0, "x", b"x", (1,), {"x": 1})],
        *[("labels", wrong) for wrong in (None, "x", [], {"x": "ab"}, {"x": (1, 2)}, {"x": None}, {"x": ("a", "a")})],
    ],
)
def test_a_part_of_another_type_is_refused_with_what_to_write_instead(part, wrong):
    parts = {"n": 3, "dims": ("x",), "labels": {"x": ("a", "b")}} | {part: wrong}
    with pytest.raises(UsageError) as caught:
        Estimate([0.1, 0.2], [0, 0], [1, 1], **parts)
    assert caught.value.hint


def test_an_interval_whose_ends_are_exchanged_is_refused():
    with pytest.raises(PluginError, match="above the upper"):
        Estimate([0.1, 0.2], [0, 1], [1, 0], n=3)
    with pytest.raises(PluginError, match="above the upper"):
        Estimate(0.5, 1.0, 0.0, n=3)
    Estimate(0.5, 0.1 + 0.2, 0.3, n=3)  # a rounding apart
    Estimate(5.0, 0.0, 1.0, n=3)  # a percentile interval need not hold the value
    Estimate([0.5, 1.0], [np.nan, 0.0], [0.0, np.nan], n=np.int64(3), dims=["x"], labels={"x": ["a", "b"]})


def test_a_number_below_zero_has_the_minus_sign_of_the_page_and_zero_has_none():
    one = Estimate(-0.0107, -0.0266, 0.00562, n=42, unit="nats", chance=-0.5)
    assert str(one) == "−0.0107 nats [−0.0266, 0.00562] (n=42 conversations, chance −0.5)"
    alone = Estimate(-0.01, np.nan, np.nan, n=1)
    assert str(alone) == "−0.01 (n=1 conversation, no interval)"


GRID = Estimate(
    VALUE[:, :2], VALUE[:, :2] - 1, VALUE[:, :2] + 1, n=12, dims=("layer", "head"), labels={"head": ("a", "b")}
)


@pytest.mark.parametrize("grid", [GRID, dataclasses.replace(GRID, low=GRID.value, high=GRID.value)])
@pytest.mark.parametrize("moves", [np.transpose, np.flip, lambda part: part[::-1], lambda part: part[:1], np.ravel])
def test_a_map_that_moves_numbers_asks_what_their_places_are_called(grid, moves):
    with pytest.raises(UsageError, match="to other places") as caught:
        grid.map(moves)
    assert "dims=" in caught.value.hint
    moved = grid.map(moves, dims=tuple("xy"[: np.ndim(moves(grid.value))]))
    assert np.array_equal(moved.value, moves(grid.value))
    assert moved.labels == {}


@pytest.mark.parametrize("joins", [np.sum, np.cumsum, lambda part: part / part.sum(), lambda part: part.mean(0)])
def test_a_map_that_makes_one_number_of_several_is_refused(joins):
    with pytest.raises(UsageError, match="one number of several"):
        GRID.map(joins, dims=())


@pytest.mark.parametrize(
    ("one", "change"),
    [
        (Estimate(0.0, -1.0, 1.0, n=20), np.abs),
        (Estimate(-0.9, -1.0, 0.5, n=20), np.abs),
        (Estimate(0.5, 0.2, 1.0, n=20, chance=-1.0), np.square),
        (Estimate([1.0, 1.0], [0.5, -2.0], [2.0, 2.0], n=20), np.square),
    ],
)
def test_a_map_that_turns_within_an_interval_is_refused(one, change):
    with pytest.raises(UsageError, match="rises and falls"):
        one.map(change)


def test_a_map_that_keeps_or_reverses_order_is_taken_whatever_else_it_does():
    baseline = np.array([[1.0, 0.0], [2.0, 5.0], [0.0, 9.0]])
    assert GRID.map(lambda part: part - baseline).labels == GRID.labels
    assert Estimate(1.0, 0.5, 2.0, n=20).map(np.square).high == 4
    assert Estimate(2.0, 1.0, 4.0, n=20).map(lambda part: 1 / part).low == 0.25
    assert Estimate(0.2, 0.0, 0.4, n=20).map(np.round).high == 0
    missing = Estimate.missing((2,), dims=("layer",)).map(np.abs)
    assert missing.dims == ("layer",)
    assert np.isnan(Estimate(1.0, np.nan, np.nan, n=1).map(np.exp).low)
    assert Estimate([], [], [], n=3).map(np.exp).shape == (0,)


@pytest.mark.parametrize("change", [None, 3, "abs"])
def test_what_is_no_function_changes_nothing(change):
    with pytest.raises(UsageError, match="is a function"):
        GRID.map(change)


def test_a_place_that_is_not_there_is_refused_and_ends_a_loop():
    assert GRID["L1H0"].value == GRID[Head(1, 0)].value
    assert len(list(GRID)) == 3
    for place in ("L1N0", 9, (0, 0, 0), "L7H0", Head(0, 4), 0.5):
        with pytest.raises(UsageError):
            GRID[place]


@pytest.mark.parametrize("estimates", [[], [GRID], [3]])
def test_only_estimates_of_one_number_are_stacked(estimates):
    with pytest.raises(UsageError, match="stack"):
        Estimate.stacked(estimates)


@pytest.mark.parametrize("shape", [(3,), ("a",), 4])
def test_a_shape_for_another_number_of_numbers_is_refused(shape):
    with pytest.raises(UsageError, match="has no shape"):
        GRID.reshape(shape)
