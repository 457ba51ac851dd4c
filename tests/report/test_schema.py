"""The schema of views: what does not fit is refused where it is made, words keep the mark of whose they are."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import sample

import wonderland as wl
import wonderland.report
from wonderland.components import Feature, Head, Neuron
from wonderland.errors import PluginError
from wonderland.report.build import MODULES
from wonderland.report.encode import encode
from wonderland.report.schema.describe import described, json_schema, parts_of
from wonderland.report.schema.selection import keys_of
from wonderland.views import (
    Axis,
    Bar,
    Bars,
    Block,
    Card,
    Column,
    Curve,
    Edge,
    Graph,
    GraphNode,
    Key,
    Lines,
    Matrix,
    Node,
    Number,
    Panels,
    Point,
    Quoted,
    Row,
    Series,
    Snippet,
    Table,
    Text,
    Token,
    View,
    Wording,
    bounds,
    bounds_in_words,
    digits,
    fields_of,
    interval_over,
    join,
    say,
    spoken,
    with_bounds,
)

PAGE = sample.page(conversations=1, length=16)
VIEWS = {view.id: view for view in PAGE.views}
FRONTEND = Path(wonderland.report.__path__[0]) / "frontend"


def part(view: str, *path):
    """Return a part of a view's figure by the names and numbers that lead to it."""
    found = VIEWS[view].figure
    for step in path:
        found = found[step] if isinstance(step, int) else getattr(found, step)
    return found


def changed(tree, path, value):
    """Return a part with one place changed, however deep it lies."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return [changed(item, rest, value) if i == step else item for i, item in enumerate(tree)]
    return dataclasses.replace(tree, **{step: changed(getattr(tree, step), rest, value)})


MISFITS = [
    ("entropy-map", ["series", 0, "values"], np.zeros((2, 9)), r"series\[0\]\.values has the shape \(2, 9\)"),
    ("entropy-map", ["series", 0, "low"], np.zeros((4, 3)), r"series\[0\]\.low has the shape \(4, 3\), not \(4, 4\)"),
    ("entropy-map", ["series", 0, "domain"], [0.0], r"domain must be the lowest and the highest"),
    ("entropy-map", ["series", 0, "scale"], "rainbow", r"'rainbow', not one of 'sequential'"),
    ("entropy-map", ["links"], "tail", r"'tail', not one of"),
    ("entropy-map", ["series"], [], r"Matrix\.series must have something in it"),
    ("attention", ["n_heads"], 3, r"conversations\[0\]\.patterns are of 16 heads, not 12"),
    ("attention", ["conversations"], [], r"conversations must have something in it"),
    ("attention", ["conversations", 0, "speakers"], ["me"], r"speakers has the shape \(1,\), not \(16,\)"),
    ("attention", ["conversations", 0, "speakers"], ["P001"] * 16, r"'P001', not one of 'me', 'them'"),
    ("attention", ["labels"], [["a"]], r"labels has the shape"),
    (
        "loss-by-token",
        ["conversations", 0, "values"],
        np.zeros((1, 16)),
        r"values has the shape \(1, 16\), not \(3, 16\)",
    ),
    ("loss-by-token", ["conversations", 0, "alternatives"], [], r"alternatives are not as many as the 16 tokens"),
    ("loss-by-token", ["highlights"], [(4, 0, 1.0)], r"highlights\[0\] points outside"),
    ("loss-by-token", ["highlights"], [(0, 16, 1.0)], r"highlights\[0\] points outside"),
    ("training", ["series", 0, "y"], np.zeros(3), r"Curve\.y has the shape \(3,\)"),
    ("training", ["series"], [], r"series must have something in it"),
    ("direct-effect", ["series", 0, "low"], [1.0], r"series\[0\]\.low has the shape"),
    ("direct-effect", ["series", 0, "values"], ["a", "b", "c", "d"], r"holds something that is no number"),
    ("head-clusters", ["points", 2, "group"], 7, r"points\[2\]\.group is 7, which is not there"),
    ("head-clusters", ["points", 2, "x"], "far", r"Point\.x is a str, not a float"),
    ("head-taxonomy", ["columns", 1], "name", r"columns\[1\] is a str, not a Column"),
    ("head-taxonomy", ["links"], "tail", r"links is 'tail', which is no column"),
    ("head-taxonomy", ["rows", 3], [1], r"rows\[3\] has 1 cells for 5 columns"),
    ("circuit", ["edges", 0, "end"], "nowhere", r"edges\[0\] leads to .*, which is no node"),
    ("corpus", ["cards"], [], r"cards must have something in it"),
    ("patching", ["panels", 1, "figure", "below"], ["a"], r"below has the shape \(1,\), not \(9,\)"),
    ("patching", ["panels", 0, "figure", "marked"], [9], r"marked names a column that is not there"),
    ("patching", ["panels", 0, "figure", "series", 3, "rows"], ["L0"], r"series\[3\]\.values has the shape \(16, 9\)"),
    ("patching", ["panels", 0, "figure", "series", 0, "detail", "tokens", "ids"], np.zeros((4, 2)), r"tokens\.ids has"),
    ("patching", ["panels", 0, "figure", "series", 0, "detail", "rows", 1, "values"], np.zeros(3), r"values has the"),
    ("lens", ["panels", 0, "figure", "ranks", "values"], np.zeros((2, 2)), r"ranks\.values has the shape \(2, 2\)"),
    ("lens", ["panels", 0, "figure", "labels"], [["a"]], r"labels has the shape"),
    ("ways", ["panels", 0, "figure", "ways", "x"], np.zeros((3, 5)), r"ways\.x has the shape|Ways\.x has the shape"),
    ("ways", ["panels", 0, "figure", "aside", 0, "bars", "values"], [1.0], r"SmallBars\.values has the shape \(1,\)"),
    ("ov", ["cards", 0, "blocks", 1, "beside", 0], 7, r"beside\[0\] is a int, not a Block"),
    ("neurons", ["cards", 0, "blocks", 2, "snippets", 0, "values"], [1.0], r"Snippet\.values has the shape"),
    ("neurons", ["cards", 0, "blocks", 2, "snippets", 0, "at"], 3, r"Snippet\.at is 3, outside of 3 tokens"),
]


@pytest.mark.parametrize(("view", "path", "value", "message"), MISFITS)
def test_what_does_not_fit_is_refused_with_its_place(view, path, value, message):
    with pytest.raises(PluginError, match=message):
        changed(VIEWS[view].figure, path, value)


def test_a_view_says_which_figure_it_shows_and_has_an_id_for_links():
    with pytest.raises(PluginError, match="lower-case words"):
        View("Up", "T", VIEWS["corpus"].figure)
    with pytest.raises(PluginError, match=r"View\.figure is a dict"):
        View("up", "T", {"cards": []})
    with pytest.raises(PluginError, match="figures of one kind"):
        Panels([(1, VIEWS["corpus"].figure), (2, VIEWS["circuit"].figure)])


def test_estimates_and_heads_are_taken_as_they_are():
    value = np.arange(6.0).reshape(2, 3)
    estimate = wl.Estimate(value, value - 1, value + 1, n=12, unit="nats", chance=0.5)
    matrix = Matrix.by_head({"loss": estimate}, scale="diverging")
    (series,) = matrix.series
    assert (series.unit, series.chance, series.scale, matrix.links) == ("nats", 0.5, "diverging", "head")
    np.testing.assert_array_equal(series.low, value - 1)
    assert matrix.plain()["columns"] == ["H0", "H1", "H2"]
    assert Series("loss", estimate, "bits").unit == "bits"
    assert Row("loss", estimate[1, 2]).plain() == ["loss", {"value": 5.0, "low": 4.0, "high": 6.0, "chance": 0.5}]
    bars = Bars.of({Head(0, 1): estimate[0, 1], "all": estimate[1, 1]}, "loss")
    assert bars.plain()["x"] == ["L0H1", "all"]
    np.testing.assert_array_equal(bars.series[0].high, [2.0, 5.0])
    np.testing.assert_array_equal(Curve("c", [0, 1, 2], estimate[0]).high, value[0] + 1)
    assert np.isnan(Number(float("nan")).value)


def test_what_is_named_after_a_part_of_the_model_selects_it():
    assert Point(Head(1, 2), 0, 0).select == Key("head", "L1H2")
    assert Point("L1N20", 0, 0).select == Key("neuron", "L1N20")
    assert Point("noon", 0, 0).select is None
    assert Card(Feature(2, 9)).select == Key("feature", "L2F9")
    assert GraphNode("a", Head(0, 0), 1, Key.position(3)).plain()["select"] == "position:3"


def test_a_table_is_made_of_a_frame_and_its_words_are_quoted():
    import pandas

    frame = pandas.DataFrame({"head": ["L0H1", "L1H0"], "word": [" hi", None], "loss": [0.5, np.nan]})
    table = Table.of(frame)
    assert table.links == "c0"
    assert table.rows[0] == ("L0H1", Quoted(" hi"), 0.5)
    assert table.rows[1] == ("L1H0", None, None)
    assert [column.label for column in table.columns] == ["head", "word", "loss"]


def test_rows_are_given_in_order_or_by_their_keys():
    columns = [Column("a", "A"), Column("b", "B")]
    assert Table(columns, [{"b": 2, "a": 1}, [3, 4]]).rows == ((1, 2), (3, 4))


# -- words


QUOTED = Quoted(" hi", "token")


@pytest.mark.parametrize("slip", [
    lambda: f"{QUOTED}", lambda: f"{QUOTED!s}", lambda: str(QUOTED), lambda: "a" + QUOTED, lambda: "%s".__mod__(QUOTED),
    lambda: ", ".join([QUOTED]), lambda: f"{say('{w}', w='x')}",
])  # fmt: skip
def test_quoted_words_cannot_slip_into_plain_text(slip):
    with pytest.raises((PluginError, TypeError)):
        slip()


def test_not_even_the_repr_of_quoted_words_tells_them():
    assert "hi" not in repr(QUOTED)
    assert "hi" not in f"{QUOTED!r}{say('{w}', w='hi')!r}{Block(tokens=[Token('hi', 1.0)])!r}"


def test_a_sentence_remembers_whose_words_are_whose():
    told = say(
        "{head} fires on {word} ({share:.0%}, {rule})", head=Head(0, 1), word="noon", share=0.5, rule=Wording("q")
    )
    assert told.text == "L0H1 fires on noon (50%, q)"
    assert [part for part in told.parts if isinstance(part, Quoted)] == [Quoted("noon")]
    assert say("{words}.", words=["a", Wording("b"), "L0H1"]).parts == (Quoted("a"), ", ", "b", ", ", "L0H1", ".")
    assert join(["One.", told, Quoted("two")]).text == "One. L0H1 fires on noon (50%, q) two"
    with pytest.raises(PluginError, match=r"no value for \{there\}"):
        say("{there}")
    with pytest.raises(PluginError, match="format that quoted words cannot have"):
        say("{word:>9}", word=QUOTED)
    with pytest.raises(PluginError, match="format that quoted words cannot have"):
        say("{word!r}", word=QUOTED)


def test_where_words_may_be_anybodys_plain_text_counts_as_quoted():
    assert Series("noon", [[1.0]]).name == Quoted("noon")
    assert Series(Wording("noon"), [[1.0]]).name == "noon"
    assert [Row("x", value).value for value in ("L2H0", Head(2, 0), 3, "noon", True)] == [
        "L2H0", "L2H0", 3, Quoted("noon"), True,
    ]  # fmt: skip
    assert Row("x", ["a", 2]).value == (Quoted("a"), 2)
    assert Axis("loss").label == "loss"
    assert Axis(QUOTED).label == Text([QUOTED])
    assert Snippet(["a"], 0, 1.0).tokens == (Quoted("a", "message"),)
    assert Token("a").text == Quoted("a", "token")
    assert Matrix(["L0"], spoken(["a"]), [Series(1, [[1.0]])]).columns == (Quoted("a", "message"),)
    with pytest.raises(PluginError, match=r"Row\.value is a object"):
        Row("x", object())


# -- what can be selected


@pytest.mark.parametrize(("thing", "text"), [
    (Head(2, 0), "head:L2H0"), (Neuron(1, 17), "neuron:L1N17"), (Feature(2, 339), "feature:L2F339"),
    ("L2H0", "head:L2H0"), ("edge:L1H3>L2H3", "edge:L1H3>L2H3"), (Key.edge(Head(1, 3), Head(2, 3)), "edge:L1H3>L2H3"),
    (Key.conversation(3), "conversation:3"), (Key.position(12), "position:12"), ("model:seed-1", "model:seed-1"),
    ("class:question", "class:question"), ("layer:2", "layer:2"), ("MLP0", "mlp:MLP0"), ("mlp:MLP12", "mlp:MLP12"),
])  # fmt: skip
def test_a_key_is_written_and_read(thing, text):
    assert str(Key.of(thing)) == text
    assert Key.parse(text) == Key.of(thing)


@pytest.mark.parametrize("bad", [
    "head:noon", "head:L2N0", "position:-1", "position:a", "edge:L1H3", "edge:a b>c", "model:two words", "tail:3",
    "noon", "mlp:MLP", "mlp:L1", "MLP01", "mlp:MLP00",
])  # fmt: skip
def test_what_cannot_be_selected_is_refused(bad):
    with pytest.raises(PluginError):
        Key.of(bad)


def test_what_is_named_in_words_has_a_key_without_spaces():
    assert Key.spelled("class", "words by me") == Key("class", "words-by-me")
    assert Key.spelled("model", "seed-1") == Key("model", "seed-1")
    assert Key.spelled("model", "…") == Key("model", "unnamed")


def test_bars_have_a_key_for_each_place_or_those_of_the_parts_they_are_named_after():
    bar = Bar(Wording("loss"), [1.0, 2.0])
    made = Bars(["words by me", "L0H1"], Axis("loss"), [bar], keys=[Key.spelled("class", "words by me"), None])
    assert made.plain()["keys"] == ["class:words-by-me", None]
    with pytest.raises(PluginError):
        Bars(["a", "b"], Axis("loss"), [bar], keys=[Key("class", "a")])


def test_rows_of_a_matrix_and_places_of_curves_have_keys_as_many_as_there_are_of_them():
    seeds, one = [Key.spelled("model", f"seed-{i}") for i in range(2)], Series(Wording("x"), [[1.0], [2.0]])
    made = Matrix(["a", "b"], ["c"], [one], links="row", keys=seeds)
    assert made.plain()["keys"] == ["model:seed-0", "model:seed-1"]
    for bad in ({"links": "row", "keys": seeds[:1]}, {"links": "head", "keys": seeds}, {"keys": seeds}):
        with pytest.raises(PluginError):
            Matrix(["a", "b"], ["c"], [one], **bad)
    other = Series(Wording("y"), [[1.0], [2.0]], rows=Wording.every(["d", "e"]))
    with pytest.raises(PluginError):
        Matrix(["a", "b"], ["c"], [other], links="row", keys=seeds)
    curves = [Curve(Wording("x"), [0, 3], [1.0, 2.0]), Curve(Wording("y"), [3, 7], [1.0, 2.0])]
    places = [*seeds, Key.spelled("model", "seed-2")]
    assert len(Lines(Axis("t"), Axis("y"), curves, keys=places).plain()["keys"]) == 3
    with pytest.raises(PluginError):
        Lines(Axis("t"), Axis("y"), curves, keys=seeds)


def test_a_selection_is_one_key_several_or_a_mapping():
    assert keys_of(Head(0, 1)) == (Key("head", "L0H1"),)
    assert keys_of({"sample": 1, "pos": 12}) == (Key.conversation(1), Key.position(12))
    assert keys_of([Head(0, 1), Key.position(2)]) == (Key("head", "L0H1"), Key.position(2))
    assert keys_of(()) == ()


# -- the schema, the data and the front end say the same


def fits(value, schema, defs, path="data") -> list[str]:
    """Return where a value of JSON does not fit a schema; what this project's schemas use is all it knows."""
    if "$ref" in schema:
        return fits(value, defs[schema["$ref"].removeprefix("#/$defs/")], defs, path)
    if "anyOf" in schema:
        found = [fits(value, one, defs, path) for one in schema["anyOf"]]
        return [] if any(not wrong for wrong in found) else min(found, key=len)
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{path} is {value!r}"]
    kinds = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None), "integer": int}
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not any(number if name in ("number", "integer") else isinstance(value, kinds[name]) for name in names):
        return [f"{path} is {value!r}, not {names}"]
    if isinstance(value, list):
        each = [schema["items"]] * len(value) if "items" in schema else schema.get("prefixItems", [])
        pairs = enumerate(zip(value, each, strict=False))
        return [w for i, (one, kind) in pairs for w in fits(one, kind, defs, f"{path}[{i}]")]
    if isinstance(value, dict) and "properties" in schema:
        unknown = [f"{path}.{key} is unknown" for key in value if key not in schema["properties"]]
        missing = [f"{path}.{key} is missing" for key in schema["required"] if key not in value]
        inner = [
            w
            for k, v in value.items()
            if k in schema["properties"]
            for w in fits(v, schema["properties"][k], defs, f"{path}.{k}")
        ]
        return unknown + missing + inner
    return []


def test_the_data_of_every_figure_fit_the_json_schema():
    defs = json_schema()["$defs"]
    seen = set()
    for view in PAGE.views:
        for figure in view.figures():
            seen.add(type(figure).__name__)
            assert fits(encode(figure.plain()), {"$ref": f"#/$defs/{type(figure).__name__}"}, defs) == [], view.id
    assert len(seen) == 9
    assert fits({"cards": 3}, {"$ref": "#/$defs/Cards"}, defs) == ["data.cards is 3, not ['array']"]
    assert fits({"card": []}, {"$ref": "#/$defs/Cards"}, defs) == ["data.card is unknown", "data.cards is missing"]


def test_the_front_end_reads_every_field_there_is_and_no_other():
    code = {name: (FRONTEND / f"{name}.js").read_text(encoding="utf-8") for name in MODULES}
    together = "\n".join(code.values())
    words = set(re.findall(r"[A-Za-z_]+", re.sub(r"(?m)^\s*//.*$", "", together)))
    fields = {one.json for cls in parts_of() for one in fields_of(cls)}
    lists = {one.json for cls in parts_of() if cls.AS_LIST for one in fields_of(cls)}  # read by their place
    assert fields - lists - {"figure"} <= words
    assert set(re.findall(r"\bdata\.([a-z_]+)\b(?!\()", together)) <= fields | {"buffer"}  # of a picture's pixels


def test_every_part_and_every_field_is_explained():
    for cls in parts_of():
        assert cls.__doc__, cls
        for name, kind, _, about in described(cls):
            assert kind, (cls, name)
            assert about.endswith("."), (cls, name, about)


def test_every_class_of_the_schema_is_a_public_name():
    from wonderland import views

    assert {cls.__name__ for cls in parts_of()} <= set(views.__all__)
    assert all(issubclass(cls, Node) for cls in parts_of())


def test_an_edge_and_a_bar_can_be_made_of_little():
    graph = Graph([GraphNode("a", "a", 0), GraphNode("b", "b", 1)], [Edge("a", "b", -0.5)], unit="nats")
    assert graph.plain()["edges"] == [{"from": "a", "to": "b", "value": -0.5}]
    assert Bars(["a"], Axis("y"), [Bar("b", [1.0])]).plain()["series"] == [{"name": "b", "values": [1.0]}]


def by_layer_and_head(value, **parts):
    value = np.asarray(value, float)
    return wl.Estimate(value, value - 1, value + 1, n=20, unit="nats", **parts)


def test_a_table_by_head_has_a_row_for_each_head_and_keeps_its_order():
    cost, q = by_layer_and_head([[1, 2, 3], [4, 5, 6]], chance=0.0), np.array([[0.1, np.nan, 0.3], [0.4, 0.5, 0.6]])
    verdicts = Wording.every([["a", "b", "c"], ["d", "e", "f"]])
    table = Table.by_head({Column("verdict", "Verdict"): verdicts, "Cost": cost, Column("q", "q", digits=2): q})
    rows = table.plain()["rows"]
    assert [row["head"] for row in rows] == ["L0H0", "L0H1", "L0H2", "L1H0", "L1H1", "L1H2"]
    assert [row["verdict"] for row in rows] == list("abcdef")
    assert rows[3]["c2"] == {"value": 4.0, "low": 3.0, "high": 5.0, "chance": 0.0}
    assert (rows[1]["q"], rows[4]["q"]) == (None, 0.5)
    assert table.links == "head"
    assert isinstance(table.rows[0][1], Wording)  # our own: a redacted report keeps it
    with pytest.raises(PluginError, match="needs cells"):
        Table.by_head({"Cost": [1, 2]})


def test_a_table_by_row_links_by_its_heading_and_refuses_columns_of_unequal_length():
    table = Table.by_row({"Head": [Head(0, 1)], "Word": ["locker"]}, links="Head")
    assert table.links == "c0"
    assert isinstance(table.rows[0][1], Quoted)  # plain text is not ours
    with pytest.raises(ValueError, match="shorter"):
        Table.by_row({"a": [1, 2], "b": [1]})


def test_a_table_by_subject_puts_each_number_beside_its_controls():
    left, none = by_layer_and_head(0.25), by_layer_and_head(0.75)
    found = {"L2": {"transcoder": {"fvu": left, "dead": 0.5}, "noise": {"fvu": none}}, "L3": {"noise": {}}}
    table = Table.by_subject(found, {"fvu": "FVU", "dead": "Dead"})
    assert [column.label for column in table.columns] == ["Layer", "Of what", "FVU", "Dead"]
    rows = table.plain()["rows"]
    assert [(row["layer"], row["whose"]) for row in rows] == [("L2", "transcoder"), ("L2", "noise"), ("L3", "noise")]
    assert (rows[0]["fvu"]["value"], rows[1]["fvu"]["value"]) == (0.25, 0.75)
    assert (rows[0]["dead"], rows[1]["dead"], rows[2]["fvu"]) == (0.5, None, None)
    assert isinstance(table.rows[0][1], Wording)  # a redacted report keeps it


def test_intervals_are_written_in_one_way():
    one = wl.Estimate(np.float64(0.634), np.float64(0.56), np.float64(0.704), n=42, unit="share")
    assert bounds(one) == "[56%, 70%]"
    assert with_bounds(one) == "63% [56%, 70%]"
    assert bounds_in_words(one) == "95% interval 56% to 70%"
    assert with_bounds(one, ".2f") == "0.63 [0.56, 0.70]"
    assert bounds_in_words(one, digits) == "95% interval 0.56 to 0.70"
    assert interval_over(one) == "95% interval over n=42 conversations"
    alone = dataclasses.replace(one, low=np.nan, high=np.nan, n=1)
    assert with_bounds(alone) == "63%"
    assert bounds_in_words(alone) == "no interval"
    assert interval_over(alone) == "n=1 conversation, so no interval"
    assert str(alone) == "0.634 share (n=1 conversation, no interval)"


def test_a_matrix_has_names_of_its_own_for_rows_and_columns():
    matrix = Matrix.of(["queries"], ["embed", Head(0, 0)], {"share": by_layer_and_head([[1, 2]])}, scale="diverging")
    assert isinstance(matrix.rows[0], Wording)
    assert isinstance(matrix.columns[0], Wording)
    assert matrix.plain()["columns"] == ["embed", "L0H0"]
    assert (matrix.series[0].scale, matrix.series[0].unit, matrix.links) == ("diverging", "nats", "")
