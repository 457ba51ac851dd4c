"""Results: what was saved is loaded, by class, and what is not a result says so."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import InputError, PluginError
from wonderland.lab.result import Provenance
from wonderland.lab.results import Results
from wonderland.views import Axis, Bar, Bars, Quoted, View, Wording, say


@dataclass(frozen=True)
class Measured(wl.Result):
    name: str
    numbers: np.ndarray
    by_head: wl.Estimate
    nested: dict
    rows: list

    def summary(self):
        return f"{self.name}: {self.numbers.size} numbers\nand a second line"

    def card(self):
        return {"By head": self.by_head}

    def views(self):
        return [View("bars-of-it", "Bars", Bars(["a"], Axis("height"), [Bar(Wording("it"), [1.0])]))]


def measured(**changes):
    heads = np.arange(6.0).reshape(2, 3)
    values = {
        "name": "zoë \u202e <b>",
        "numbers": np.array([[1, 2], [3, 65535]], dtype=np.uint16),
        "by_head": wl.Estimate(heads, heads - 1, heads + 1, n=12, unit="nats", chance=0.5),
        "nested": {
            "alone": wl.Estimate(0.5, 0.25, 0.75, n=40),
            "with.dot": {"deep": np.array([True, False])},
            "nothing": None,
            "not a number": float("nan"),
        },
        "rows": [{"piece": " hi", "loss": 2.5}, [np.arange(3), np.float32(1.5)], np.array(7.0)],
    }
    return Measured(**values | changes)


PROVENANCE = Provenance("measured", 2, {"top": 3}, {"model": "abc"}, {"windows": 9, "enough": False}, 0.5, "0.1.0")


def test_arrays_estimates_and_nested_values_come_back_as_they_were(tmp_path):
    before = measured(provenance=PROVENANCE)
    before.save(tmp_path)
    after = Measured.load(tmp_path)
    assert after.name == before.name
    assert after.provenance == PROVENANCE
    assert after.control is None
    assert after.numbers.dtype == np.uint16
    np.testing.assert_array_equal(after.numbers, before.numbers)
    for part in ("value", "low", "high"):
        np.testing.assert_array_equal(getattr(after.by_head, part), getattr(before.by_head, part))
    assert (after.by_head.n, after.by_head.unit, after.by_head.chance) == (12, "nats", 0.5)
    assert after.nested["alone"] == before.nested["alone"]
    assert after.nested["with.dot"]["deep"].tolist() == [True, False]
    assert after.nested["nothing"] is None
    assert np.isnan(after.nested["not a number"])
    assert after.rows[0] == {"piece": " hi", "loss": 2.5}
    assert after.rows[1][0].tolist() == [0, 1, 2]
    assert after.rows[1][1] == 1.5
    assert after.rows[2].shape == ()


def test_text_comes_back_with_the_mark_of_whose_words_it_is(tmp_path):
    told = {"role": Wording("reads names"), "top": [Quoted(" hi", "token")], "text": say("fires on {w}", w="zoë")}
    measured(nested=told).save(tmp_path)
    after = Measured.load(tmp_path).nested
    assert after == told
    assert type(after["role"]) is Wording
    assert after["top"][0].source == "token"


def test_two_arrays_whose_paths_read_alike_are_kept_apart(tmp_path):
    measured(nested={"a.b": np.zeros(2), "a": {"b": np.ones(2)}}).save(tmp_path)
    nested = Measured.load(tmp_path).nested
    assert nested["a.b"].tolist() == [0, 0]
    assert nested["a"]["b"].tolist() == [1, 1]


def test_an_array_that_is_a_view_of_another_is_saved_as_it_reads(tmp_path):
    numbers = np.arange(12).reshape(3, 4).T[::2]
    measured(numbers=numbers).save(tmp_path)
    np.testing.assert_array_equal(Measured.load(tmp_path).numbers, numbers)


def test_a_result_without_arrays_is_saved_too(tmp_path):
    @dataclass(frozen=True)
    class Plain(wl.Result):
        word: str

    Plain("hi").save(tmp_path)
    assert Plain.load(tmp_path).word == "hi"


def test_the_control_is_saved_with_its_result(tmp_path):
    measured(control=measured(name="before training")).save(tmp_path)
    control = Measured.load(tmp_path).control
    assert isinstance(control, Measured)
    assert control.name == "before training"


def test_a_value_that_is_no_data_is_refused_with_its_place(tmp_path):
    with pytest.raises(PluginError, match=r"nested\.when.*object"):
        measured(nested={"when": object()}).save(tmp_path)


def test_a_result_of_another_class_is_refused_by_name(tmp_path):
    @dataclass(frozen=True)
    class Other(wl.Result):
        pass

    measured().save(tmp_path)
    with pytest.raises(InputError, match="holds a Measured, not a Other"):
        Other.load(tmp_path)


@pytest.mark.parametrize("change", ["a field more", "a field less"])
def test_fields_of_another_version_are_refused(tmp_path, change):
    measured().save(tmp_path)
    tree = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    if change == "a field more":
        tree["fields"]["invented"] = 1
    else:
        del tree["fields"]["rows"]
    (tmp_path / "result.json").write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(InputError, match="version") as error:
        Measured.load(tmp_path)
    assert "wonderland analyze" in error.value.hint


@pytest.mark.parametrize("file", ["result.json", "arrays.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half"])
def test_a_damaged_result_is_refused(tmp_path, file, damage):
    measured().save(tmp_path)
    path = tmp_path / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2 if damage == "half" else 0])
    with pytest.raises(InputError, match="no readable result"):
        Measured.load(tmp_path)


# --- showing itself


def test_a_result_prints_its_summary_and_shows_it_escaped():
    result = measured(name="<script>")
    assert str(result) == result.summary()
    shown = result._repr_html_()
    assert "<b>&lt;script&gt;: 4 numbers</b><div>and a second line</div>" in shown
    assert "<script>" not in shown


def test_findings_are_the_claim_and_where_it_is_shown_unless_said_otherwise():
    (finding,) = measured().findings()
    assert finding.sentence == measured().summary().splitlines()[0]
    assert finding.text.parts == (Quoted(finding.sentence),)  # plain text may hold anything, so it counts as quoted
    assert finding.view == "bars-of-it"


def test_the_frame_has_a_row_for_each_head_and_quantity():
    frame = measured().to_frame()
    assert frame["head"].tolist() == ["L0H0", "L0H1", "L0H2", "L1H0", "L1H1", "L1H2"]
    row = frame[frame["head"] == "L1H0"].iloc[0]
    assert (row["value"], row["low"], row["high"], row["chance"], row["n"], row["unit"]) == (3, 2, 4, 0.5, 12, "nats")


def test_results_are_asked_by_name_and_list_the_names_there_are():
    results = Results({"measured": measured()}, specimen=None)
    assert list(results) == ["measured"]
    assert len(results) == 1
    assert "numbers" in str(results)
    with pytest.raises(KeyError, match="there are: measured"):
        results["other"]
