"""Results: what was saved is loaded, by class, and what is not a result says so."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest

import wonderland as wl
from wonderland.errors import InputError, PluginError, UsageError
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
        "by_head": wl.Estimate(heads, heads - 1, heads + 1, n=12, unit="nats", chance=0.5, dims=("layer", "head")),
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
    del tree["sha256"]
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


def flip(path):
    """Change a number in a file, which can be read all the same."""
    data = path.read_bytes()
    changed = data[:-1] + bytes([data[-1] ^ 1]) if path.suffix == ".safetensors" else data.replace(b"1.0", b"9.0")
    assert changed != data
    path.write_bytes(changed)


@pytest.mark.parametrize("file", ["result.json", "arrays.safetensors", "control/arrays.safetensors"])
def test_a_number_of_a_result_that_was_changed_on_disk_is_noticed(tmp_path, file):
    measured(control=measured(), rows=[1.0]).save(tmp_path)
    assert wl.Result.load(tmp_path).rows == [1.0]
    flip(tmp_path / file)
    with pytest.raises(InputError, match=r"is damaged: result\.json and arrays\.safetensors are not") as error:
        wl.Result.load(tmp_path)
    assert "wonderland analyze" in error.value.hint


def test_a_result_of_before_that_holds_no_hash_is_read(tmp_path):
    measured().save(tmp_path)
    tree = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    del tree["sha256"]
    (tmp_path / "result.json").write_text(json.dumps(tree), encoding="utf-8")
    assert wl.Result.load(tmp_path).name == measured().name


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


def test_the_frame_has_every_estimate_with_its_path_and_its_place():
    rows = [{"deep": [wl.Estimate(np.arange(2.0), np.zeros(2), np.ones(2) * 3, n=2, dims=("kind",))]}, {"text": "x"}]
    frame = measured(rows=rows, provenance=PROVENANCE, control=measured()).to_frame()
    assert frame["quantity"].tolist() == ["by_head"] * 6 + ["nested.alone"] + ["rows.0.deep.0"] * 2
    assert set(frame["analysis"]) == {"measured"}
    assert frame["head"].tolist()[:6] == ["L0H0", "L0H1", "L0H2", "L1H0", "L1H1", "L1H2"]
    assert frame["kind"].tolist()[-2:] == [0, 1]
    numbers = ["value", "low", "high", "chance", "n", "unit", "resampled_over"]
    assert frame.columns.tolist()[-7:] == ["value", "low", "high", "chance", "n", "resampled_over", "unit"]
    assert frame.loc[3, numbers].tolist() == [3, 2, 4, 0.5, 12, "nats", "conversations"]
    assert frame.loc[6, ["value", "low", "high", "n"]].tolist() == [0.5, 0.25, 0.75, 40]
    assert np.isnan(frame.loc[6, "chance"])


def test_what_is_shown_on_cards_is_of_heads_also_where_its_author_named_no_dimensions():
    @dataclass(frozen=True)
    class Bare(wl.Result):
        shown: wl.Estimate
        kept: wl.Estimate

        def card(self):
            return {"shown": self.shown}

    bare = wl.Estimate(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2)), n=3)
    frame = Bare(bare, dataclasses.replace(bare, n=4)).to_frame()
    assert frame["head"].tolist()[:2] == ["L0H0", "L0H1"]
    assert frame["head"].isna().tolist() == [False, False, True, True]
    assert frame["dim_1"].tolist()[2:] == [0, 1]


def test_a_result_without_estimates_gives_a_table_without_rows():
    @dataclass(frozen=True)
    class Wordy(wl.Result):
        word: str

    frame = Wordy("hi").to_frame()
    assert len(frame) == 0
    assert {"analysis", "quantity", "value", "n"} <= set(frame.columns)


def test_results_are_asked_by_name_and_list_the_names_there_are():
    results = Results({"measured": measured()}, specimen=None)
    assert list(results) == ["measured"]
    assert len(results) == 1
    assert "numbers" in str(results)
    with pytest.raises(KeyError, match="there are: measured"):
        results["other"]


# --- many at once


def two():
    return Results(
        {"measured": measured(provenance=PROVENANCE), "other": measured(name="two")}, None, {"third": "too little"}
    )


def test_the_table_of_results_is_those_of_each_one_after_the_other():
    frame = two().to_frame()
    assert frame["analysis"].tolist() == ["measured"] * 7 + ["other"] * 7
    assert frame["value"].tolist() == [*measured().to_frame()["value"]] * 2


def test_the_table_of_a_cohort_names_the_member_of_each_row():
    frame = Results({}, None, {}, {"0": two(), "1": two()}).to_frame()
    assert frame["member"].tolist() == ["0"] * 14 + ["1"] * 14


def test_results_and_a_result_print_in_one_line():
    assert repr(two()) == "<Results: measured, other; left out: third>"
    shown = repr(measured(provenance=PROVENANCE, name="x\u202ey"))
    assert shown == "<Measured of measured: x\\u202ey: 4 numbers>"
    assert repr(measured(name="a")) == "<Measured: a: 4 numbers>"


def test_a_notebook_shows_results_as_a_table_with_strangers_words_escaped():
    shown = Results({"measured": measured(name="<script>")}, None, {"third": "<b>"})._repr_html_()
    assert shown.count("<tr>") == 2
    assert "&lt;script&gt;: 4 numbers" in shown
    assert "second line" not in shown
    assert "left out: &lt;b&gt;" in shown
    assert "<script>" not in shown


def test_results_come_back_from_a_folder_that_save_makes(tmp_path):
    before = Results(two().by_name, None, {"third": "too little"}, {"seed 0": two()})
    before.save(f"{tmp_path}/new/folder")
    after = Results.load(str(tmp_path / "new" / "folder"))
    assert list(after) == ["measured", "other"]
    assert after.declined == {"third": "too little"}
    assert after["measured"].provenance == PROVENANCE
    assert after["other"].name == "two"
    assert list(after.members["seed 0"]) == ["measured", "other"]
    pandas = pytest.importorskip("pandas")
    pandas.testing.assert_frame_equal(after.to_frame(), before.to_frame())
    with pytest.raises(UsageError, match="without it"):
        after.report(tmp_path / "report.html")


def test_saving_again_replaces_all_of_what_was_there_and_nothing_else(tmp_path):
    two().save(tmp_path / "here")
    Results({"other": measured(name="alone")}, None).save(tmp_path / "here")
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["other", "results.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds something else"):
        two().save(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_results_about_another_model_are_refused(tmp_path, specimen):
    two().save(tmp_path / "here")
    with pytest.raises(InputError, match=r"measured.*another model"):
        Results.load(tmp_path / "here", specimen)
    same = Provenance("measured", 2, {}, specimen.fingerprints, {}, 0.5, "0.1.0")
    Results({"measured": measured(provenance=same)}, specimen).save(tmp_path / "same")
    assert Results.load(tmp_path / "same", specimen).specimen is specimen


@pytest.mark.parametrize("place", ["other", "_members/seed 0/measured"])
def test_a_number_that_was_changed_on_disk_is_noticed_and_its_file_named(tmp_path, place):
    Results(two().by_name, None, {}, {"seed 0": two()}).save(tmp_path / "here")
    file = tmp_path / "here" / place / "arrays.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1  # a number, with which the file can be read all the same
    file.write_bytes(data)
    with pytest.raises(InputError, match="is damaged") as caught:
        Results.load(tmp_path / "here")
    assert str(file) in caught.value.message
    listed = file.parents[1] / "results.json"
    told = json.loads(listed.read_text())
    del told["files"]  # as an older version wrote it: each result has a hash of its own all the same
    listed.write_text(json.dumps(told))
    with pytest.raises(InputError, match="is damaged"):
        Results.load(tmp_path / "here")


def test_a_file_that_a_list_of_results_names_elsewhere_is_not_read(tmp_path):
    two().save(tmp_path / "here")
    listed = tmp_path / "here" / "results.json"
    told = json.loads(listed.read_text())
    listed.write_text(json.dumps(told | {"files": {"../secret": ""}}))
    with pytest.raises(InputError, match="is damaged"):
        Results.load(tmp_path / "here")


DEEP = "[" * 100_000
NO_LISTS = [
    '{"results": ["../x"], "members": [], "declined": {}}',
    '{"results": [1], "members": [], "declined": {}}',
    '{"results": [null], "members": [], "declined": {}}',
    '{"results": [], "members": [3], "declined": {}}',
]


@pytest.mark.parametrize("text", [None, "{", "[]", *NO_LISTS, pytest.param(DEEP, id="deep")])
def test_a_folder_without_readable_results_says_so(tmp_path, text):
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError):
        Results.load(tmp_path)


def test_a_result_saves_to_a_name_and_over_an_older_one_with_its_control(tmp_path):
    place = str(tmp_path / "not" / "there")
    measured(control=measured(name="before")).save(place)
    measured(name="later").save(place)
    again = wl.Result.load(place)
    assert (type(again), again.name, again.control) == (Measured, "later", None)


def test_the_class_of_a_stored_result_is_found_by_its_name(tmp_path):
    @dataclass(frozen=True)
    class OnlyHere(wl.Result):
        word: str

    OnlyHere("hi").save(tmp_path)
    assert type(wl.Result.load(tmp_path)) is OnlyHere
    tree = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    (tmp_path / "result.json").write_text(json.dumps({**tree, "type": "Elsewhere"}), encoding="utf-8")
    with pytest.raises(InputError, match="holds a Elsewhere, which is not installed") as error:
        wl.Result.load(tmp_path)
    assert "wonderland plugins" in error.value.hint
    with pytest.raises(InputError, match="There is no folder"):
        wl.Result.load(tmp_path / "missing")


def test_claims_name_no_head_and_count_those_above_chance():
    value = np.array([[0.4, 0.9, np.nan], [0.6, 0.7, 0.1]])
    heads = wl.Estimate(value, value - 0.15, value + 0.2, n=12, unit="share", chance=0.5, dims=("layer", "head"))
    claims = measured(by_head=heads).claims()
    assert list(claims) == ["By head: largest over heads", "By head: heads above chance"]
    largest, count = claims.values()
    assert [float(part) for part in (largest.value, largest.low, largest.high)] == pytest.approx([0.9, 0.75, 1.1])
    assert (count.value, count.low, count.high, count.n) == (3, 2, 4, 12)
    assert list(measured(by_head=dataclasses.replace(heads, chance=None)).claims()) == ["By head: largest over heads"]
