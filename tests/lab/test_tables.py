"""The table of a result holds every number of it, its words hold whatever the numbers are, and the numbers are those
that were recorded: of every analysis.

The model is a drawn one, of which every analysis has something to tell.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wonderland as wl
from wonderland.testing.explained import unexplained
from wonderland.testing.extremes import told_badly
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland.testing.recorded import LEAST, changes, record

# Of what runs on request, the tests of its plugin look at the table.
OF_ONE = [n for n, cls in wl.analyses.items() if not getattr(cls, "of", "") and not getattr(cls, "on_request", False)]
RECORDED = Path(__file__).parent / "recorded_numbers.json"
AGAIN = "pytest -n 0 tests/lab/test_tables.py -k recorded --record-numbers"
BUT = {"head-clusters": {"loadings"}}
"""Fields that are not recorded, by analysis: the sign of a principal component hangs by the last digits of others."""
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
    model = random_model(d_model=24, d_head=8, d_mlp=48, n_ctx=64)
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(24, shortest=10))
    return wl.analyze(specimen, *OF_ONE, parameters=quick)


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
    there = {id(one.value) for one in result.estimates().values()}
    assert {id(one.value) for one in inside(result)} <= there
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


# -- the numbers as they were recorded


def told(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what is to be done about every analysis that is not as it was recorded."""
    lines, changed = [], changes(before, now)
    for name in sorted(before.keys() | now.keys()):
        old, new = (one.get(name, {}).get("version") for one in (before, now))
        if None in (old, new) or old < new:
            lines.append(f"{name} is recorded as version {old}, and is version {new}: record it with {AGAIN}")
        elif old > new:
            lines.append(f"The version of {name} fell from {old} to {new}: it only ever rises.")
        elif name in changed:
            what = changed[name]
            lines.append(
                f"The numbers of {name} changed and its version is still {new}: raise it, or mend them. {what}."
            )
    return lines


@pytest.fixture(scope="module")
def recorded(all_results, request) -> dict[str, Any]:
    """What was recorded; with ``--record-numbers``, what is new or of a higher version is recorded first."""
    before = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    if request.config.getoption("--record-numbers"):
        now = record(all_results, BUT)
        kept = {
            name: before[name] for name in now if name in before and before[name]["version"] == now[name]["version"]
        }
        lines = [f'"{name}": {json.dumps(one, sort_keys=True)}' for name, one in sorted({**now, **kept}.items())]
        RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        before = json.loads(RECORDED.read_text(encoding="utf-8"))
    return before


def test_the_numbers_of_every_analysis_are_those_recorded_for_its_version(recorded, all_results):
    assert told(recorded, record(all_results, BUT)) == []
    assert RECORDED.stat().st_size < 60_000


def test_a_number_that_changed_is_found_in_the_record_and_its_analysis_named(recorded):
    """Each recorded number of every analysis in turn."""
    for name, one in recorded.items():
        for path, field in one["numbers"].items():
            changed = copy.deepcopy(field)
            values = changed["means"] if isinstance(field, dict) else changed
            if not values:
                continue
            size = values[0] if isinstance(field, dict) else np.mean([abs(x) for x in values if x is not None] or 0)
            values[-1] = 0.5 if values[-1] is None else values[-1] + max(size, LEAST) * 1e-3
            before, now = ({name: {**one, "numbers": {path: part}}} for part in (field, changed))
            (line,) = told(before, now)
            assert line.startswith(f"The numbers of {name} changed and its version is still {one['version']}")
            assert path in line


def test_a_higher_version_asks_for_another_record_and_a_lower_one_is_refused(recorded):
    name = next(iter(recorded))
    version = recorded[name]["version"]
    risen = copy.deepcopy(recorded)
    risen[name]["version"] += 1
    assert told(recorded, risen) == [
        f"{name} is recorded as version {version}, and is version {version + 1}: record it with {AGAIN}"
    ]
    assert told(risen, recorded) == [f"The version of {name} fell from {version + 1} to {version}: it only ever rises."]
    del risen[name]
    assert [line.partition(",")[0] for line in told(risen, recorded)] == [f"{name} is recorded as version None"]
