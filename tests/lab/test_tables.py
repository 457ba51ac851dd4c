"""The table of a result holds every number of it, and its words hold whatever the numbers are: of every analysis.

The model is the one written by hand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import wonderland as wl
from wonderland.testing.explained import unexplained
from wonderland.testing.extremes import told_badly
from wonderland.testing.truth import handwritten_specimen, random_specimen

# Of what runs on request, the tests of its plugin look at the table.
OF_ONE = [n for n, cls in wl.analyses.items() if not getattr(cls, "of", "") and not getattr(cls, "on_request", False)]
LAST = ["value", "low", "high", "chance", "n", "resampled_over", "unit"]


def inside(value: Any) -> Iterator[wl.Estimate]:
    """Yield every estimate in a result, found in another way than the table finds them."""
    if isinstance(value, wl.Estimate):
        yield value
    elif isinstance(value, wl.Result):
        for name in {field.name for field in dataclasses.fields(value)} - {"control", "provenance"}:
            yield from inside(getattr(value, name))
    elif isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from inside(item)


@pytest.fixture(scope="module")
def all_results(quick) -> wl.Results:
    results = wl.analyze(handwritten_specimen(), *OF_ONE, parameters=quick)
    # The model written by hand has no MLPs, so nothing can be said of neurons in it.
    return dataclasses.replace(
        results, by_name={**results.by_name, "neurons": random_specimen().run(wl.analyses["neurons"]())}
    )


@pytest.mark.parametrize("name", OF_ONE)
def test_whatever_the_numbers_are_everything_can_be_said_and_drawn(all_results, name):
    assert told_badly(all_results[name]) == {}


@pytest.mark.parametrize("name", OF_ONE)
def test_every_view_says_what_it_answers_and_every_column_what_it_holds(all_results, name):
    assert unexplained(all_results[name].views()) == []


@pytest.mark.parametrize("name", OF_ONE)
def test_every_estimate_of_every_result_is_in_its_table(all_results, name):
    result = all_results[name]
    frame = result.to_frame()
    assert len(frame)
    assert set(frame["analysis"]) == {name}
    assert frame.columns[-7:].tolist() == LAST
    assert not [column for column in frame.columns if column.startswith("dim_")], "a dimension has no name"
    fields = list(inside(result))
    assert {id(one) for one in fields} <= {id(one) for one in result.estimates().values()} or not fields
    assert len(frame) == sum(int(np.prod(one.shape)) for one in result.estimates().values())
    for path, one in result.estimates().items():
        rows = frame[frame["quantity"] == path]
        for part in ("value", "low", "high"):
            np.testing.assert_array_equal(rows[part], np.ravel(getattr(one, part)), err_msg=path)
        chance = np.nan if one.chance is None else np.broadcast_to(one.chance, one.shape).ravel()
        np.testing.assert_array_equal(rows["chance"], np.broadcast_to(chance, len(rows)))
        assert {*rows["n"]} <= {one.n}
        assert {*rows["unit"]} <= {one.unit}
        assert {*rows["resampled_over"]} <= {one.resampled_over}


def test_the_table_of_all_is_every_row_of_each(all_results):
    frame = all_results.to_frame()
    assert len(frame) == sum(len(result.to_frame()) for result in all_results.values())
    assert set(frame["analysis"]) == set(OF_ONE)


def test_a_row_says_which_head_and_which_other_place_it_is_of():
    value = np.arange(12.0).reshape(2, 2, 3)
    one = wl.Estimate(
        value, value, value, n=1, dims=("kind", "layer", "head"), labels={"kind": ("mean", "zero")}
    ).to_frame()
    assert one[["kind", "head"]].to_numpy().tolist()[:2] == [["mean", "L0H0"], ["mean", "L0H1"]]
    assert one.loc[11, ["kind", "head", "value"]].tolist() == ["zero", "L1H2", 11]
    assert "layer" not in one


def test_of_a_known_head_the_row_is_the_number_in_the_result(all_results):
    frame = all_results["head-ablation"].to_frame()
    row = frame[(frame["quantity"] == "cost.mean") & (frame["head"] == "L1H1")].iloc[0]
    assert row["value"] == all_results["head-ablation"].cost["mean"][wl.Head(1, 1)].value
