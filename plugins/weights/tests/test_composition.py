"""Composition where it was planted and where it was not, and against the d × d matrices the formulas stand for."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

import wonderland as wl
from wonderland.lab.weights import fold
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.views import Key
from wonderland_weights.composition import Composition
from wonderland_weights.composition_scores import KINDS, ratios, rotated
from wonderland_weights.low_rank import corners, svd

PREVIOUS, INDUCTION = map(str, (HEADS["previous"], HEADS["induction"]))


def composition_of(model, **parameters):
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(4))
    return wl.analyze(specimen, Composition(**{"rotations": 400, **parameters}))["composition"]


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, Composition(rotations=1000), control=True)["composition"]


def test_the_induction_head_reads_the_previous_token_head_in_its_keys_at_twice_the_chance_level(result):
    at = result.at("K", PREVIOUS, INDUCTION)
    assert result.ratio[at] == pytest.approx(2 / np.sqrt(96))
    assert result.scaled[at] == pytest.approx(2)
    assert result.mean[at] == pytest.approx(1, abs=0.01)
    assert 0.9 < result.low[at] < result.mean[at] < result.high[at] < 1.1
    assert result.z[at] > 20
    assert result.p[at] == pytest.approx(1 / 1001)
    assert result.pairs == [("K", PREVIOUS, INDUCTION)]
    first = result.findings()[0]
    assert first.text.startswith("1 of 15 possible compositions are beyond chance")
    assert "L0H0 → L1H1 by its keys, 2.00 times the chance level" in first.text
    assert (first.trust, first.select) == ("solid", (Key.of(INDUCTION),))


def test_nothing_else_composes_in_the_known_model(result):
    ratio = result.ratio.copy()
    ratio[result.at("K", PREVIOUS, INDUCTION)] = 0
    assert np.nanmax(ratio) < 1e-12
    assert result.ratio[result.at("Q", PREVIOUS, INDUCTION)] == pytest.approx(0, abs=1e-12)
    assert result.ratio[result.at("V", PREVIOUS, INDUCTION)] == pytest.approx(0, abs=1e-12)


def test_what_is_planted_in_queries_or_values_is_found_there_and_not_in_keys():
    model = handwritten_model()
    attn = model.blocks[1].attn
    before = slice(72, 96)  # where the previous-token head writes
    query, value = HEADS["uniform"][1], HEADS["speaker"][1]
    attn.W_Q[query, before, :24] = torch.eye(24)
    attn.W_K[query, :24, :24] = torch.eye(24)
    attn.W_V[value] = 0
    attn.W_V[value, before, :24] = torch.eye(24)
    result = composition_of(model, rotations=1000)
    assert set(result.pairs) == {("Q", PREVIOUS, "L1H0"), ("V", PREVIOUS, "L1H2"), ("K", PREVIOUS, INDUCTION)}
    assert result.scaled[result.at("Q", PREVIOUS, "L1H0")] == pytest.approx(2)
    assert result.scaled[result.at("V", PREVIOUS, "L1H2")] == pytest.approx(2)


def test_a_head_without_norm_has_no_ratio_and_is_named(result):
    for kind in ("Q", "K"):
        for name in ("uniform", "speaker"):  # they ask by bias or not at all: no query matrix
            at = result.at(kind, PREVIOUS, str(HEADS[name]))
            for number in (
                result.ratio,
                result.scaled,
                result.mean,
                result.low,
                result.high,
                result.z,
                result.p,
                result.q,
            ):
                assert np.isnan(number[at])
    assert result.nothing == {"OV": [], "QK": ["L0H2", "L1H0", "L1H2"]}
    assert "Left out: L0H2, L1H0, L1H2 asks for nothing" in result.summary()
    assert np.isfinite(result.ratio[result.at("V", PREVIOUS, "L1H2")])


def test_a_sink_that_writes_nothing_composes_with_nobody():
    model = handwritten_model()
    layer, head = HEADS["first"]
    model.blocks[layer].attn.W_O[head] = 0
    result = composition_of(model)
    assert np.isnan(result.ratio[:, head]).all()
    assert np.isnan(result.q[:, head]).all()
    assert result.nothing["OV"] == ["L0H2"]
    assert result.pairs == [("K", PREVIOUS, INDUCTION)]


@pytest.mark.parametrize("norm", ["LN", None])
def test_ratios_are_those_of_the_whole_matrices(random_model, norm):
    model = random_model(5, layers=3, heads=2, norm=norm)
    folded = fold(model)
    result = composition_of(model)
    OV = (folded.W_V @ folded.W_O).reshape(6, 12, 12)
    QK = (folded.W_Q @ np.swapaxes(folded.W_K, -1, -2)).reshape(6, 12, 12)
    reads = {"Q": QK, "K": np.swapaxes(QK, 1, 2), "V": OV}
    for number, kind in enumerate(KINDS):
        for earlier, later in np.ndindex(6, 6):
            got = result.ratio[number, earlier, later]
            if later // 2 <= earlier // 2:
                assert np.isnan(got)
                continue
            A, B = OV[earlier], reads[kind][later]
            assert got == pytest.approx(np.linalg.norm(A @ B) / np.linalg.norm(A) / np.linalg.norm(B), rel=1e-9)
    width = 11 if norm else 12
    np.testing.assert_allclose(result.scaled, result.ratio * np.sqrt(width))


def spectrum(power, k=64):
    shares = np.arange(1, k + 1.0) ** (-2 * power)
    return (shares / shares.sum())[None]


@pytest.mark.parametrize(("power", "deviation", "p99"), [(0, 0.008, 1.017), (0.5, 0.05, 1.125), (1, 0.247, 1.778)])
def test_the_steeper_the_spectra_the_wider_is_chance(power, deviation, p99):
    drawn = rotated(spectrum(power), spectrum(power), drawn_corners()) * 16
    assert np.sqrt((drawn**2).mean()) == pytest.approx(1, abs=0.03)
    assert drawn.std() == pytest.approx(deviation, rel=0.15)
    assert np.quantile(drawn, 0.99) == pytest.approx(p99, abs=0.12 * power + 0.005)


@functools.cache
def drawn_corners():
    return corners(1500, 64, room=256, random=np.random.default_rng(0))


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 9))
@settings(max_examples=settings().max_examples * 3 // 5)
def test_a_ratio_lies_between_nothing_and_one_whatever_the_scale_and_the_heads_basis(seed, d, k):
    random = np.random.default_rng(seed)
    left, right, other, another = (random.standard_normal((1, *shape)) for shape in ((d, k), (k, d), (d, k), (k, d)))

    def ratio(left, right, other, another):
        A, B = svd(left, right), svd(other, another)
        return ratios(A.writes, A.shares, B.reads, B.shares)[0, 0]

    found = ratio(left, right, other, another)
    assert 0 <= found <= 1 + 1e-12
    basis = np.linalg.qr(random.standard_normal((k, k)))[0]
    assert ratio(7 * left @ basis, basis.T @ right, -other, another) == pytest.approx(found)


def test_the_null_is_that_of_rotating_one_of_the_heads():
    random = np.random.default_rng(1)
    left, right, other, another = (random.standard_normal((1, *shape)) for shape in ((7, 3), (3, 7), (7, 3), (3, 7)))
    A, B = svd(left, right), svd(other, another)
    drawn = rotated(A.shares, B.shares, corners(3000, 3, room=7, random=random))[:, 0, 0]

    def rotation():
        Q, R = np.linalg.qr(random.standard_normal((7, 7)))
        return Q * np.sign(np.diag(R))

    one, two = (left @ right)[0], (other @ another)[0]
    size = np.linalg.norm(one) * np.linalg.norm(two)
    direct = [np.linalg.norm(one @ rotation() @ two) / size for _ in range(3000)]
    assert ks_2samp(drawn, direct).pvalue > 0.01
    assert (drawn**2).mean() == pytest.approx(1 / 7, rel=0.03)


@pytest.mark.parametrize("norm", ["LN", pytest.param(None, marks=pytest.mark.slow)])
def test_random_weights_compose_at_chance_also_where_the_norm_takes_a_dimension_away(random_model, norm):
    shape = {"layers": 4, "heads": 5, "d_model": 8, "d_head": 2, "norm": norm}
    results = [composition_of(random_model(seed, **shape), rotations=1000) for seed in range(20)]
    tested = np.isfinite(results[0].p)
    assert tested.sum() == 3 * 6 * 25
    # Pairs of one model share heads, so it takes several models; 8/7 without minding the dimension that is gone.
    assert np.mean([result.scaled[tested] ** 2 for result in results]) == pytest.approx(1, abs=0.04)
    assert np.mean([result.p[tested] for result in results]) == pytest.approx(0.5, abs=0.02)
    assert sum(bool(result.pairs) for result in results) <= 1  # one model in twenty may
    result = results[0]
    first = result.findings()[0]
    assert first.text.startswith("No composition is beyond chance, of 450 possible ones")
    assert first.trust == "weak"


def test_before_training_nothing_is_written_so_nothing_composes(result):
    control = result.control
    assert np.isnan(control.ratio).all()
    assert np.isnan(control.q).all()
    assert control.pairs == []
    assert control.summary() == "No two heads compose: every head writes nothing (W_V W_O is zero)."
    assert "Beyond chance before training: none" in result.summary()
    for view in control.views():
        encode(view.data)


def test_a_model_of_one_layer_has_no_pair(random_model):
    result = composition_of(random_model(0, layers=1))
    assert result.summary() == "No two heads compose: the model has one layer."
    assert result.views() == []


def test_too_few_rotations_to_find_one_pair_are_admitted(random_model):
    result = composition_of(random_model(0, heads=4), rotations=200)  # 48 tests: 48 / 201 > 0.05
    assert "With 200 rotations fewer than 5 compositions among 48 cannot be found." in result.summary()
    assert "cannot be found" not in composition_of(random_model(0, heads=4), rotations=1000).summary()


def test_heads_in_another_order_give_the_same_results_in_that_order(random_model):
    model, other = random_model(2), random_model(2)
    order = [2, 0, 1]
    for block in other.blocks:
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            weight = getattr(block.attn, name)
            weight.copy_(weight[order])
    before, after = composition_of(model), composition_of(other)
    both = np.array([*order, *(3 + h for h in order)])
    for name in ("ratio", "z", "p"):
        expected = getattr(before, name)[:, both[:, None], both]
        np.testing.assert_allclose(getattr(after, name), expected, atol=1e-9, err_msg=name)


def test_the_matrix_has_earlier_heads_as_rows_and_later_ones_as_columns(result):
    matrix, graph, pairs = result.views()
    assert (matrix.data["rows"], matrix.data["columns"]) == (["L0H0", "L0H1", "L0H2"], ["L1H0", "L1H1", "L1H2"])
    queries, keys, values = (series["values"] for series in matrix.data["series"])
    assert keys[0, 1] == pytest.approx(1, abs=0.02)  # twice chance, less chance
    assert queries[0, 1] == pytest.approx(-1, abs=0.02)
    assert np.isnan(queries[0, 0])
    assert np.isfinite(values).all()
    first = pairs.data["rows"][0]
    assert (first["from"], first["head"], first["kind"]) == (PREVIOUS, INDUCTION, "K (keys)")
    for view in (matrix, graph, pairs):
        encode(view.data)
    assert result.figure() is not None


def test_the_graph_has_an_edge_for_every_pair_beyond_chance_and_the_card_names_its_own(result):
    graph = result.views()[1].data
    assert {(edge["from"], edge["to"]) for edge in graph["edges"]} == {pair[1:] for pair in result.pairs}
    (edge,) = [edge for edge in graph["edges"] if (edge["from"], edge["to"]) == (PREVIOUS, INDUCTION)]
    assert edge["value"] == pytest.approx(1, abs=0.02)
    assert "keys" in edge["note"]
    cards = {name: [block.plain() for block in blocks] for name, blocks in result.cards().items()}
    assert cards[INDUCTION][0]["rows"][0][0] == f"reads {PREVIOUS} by its keys"
    assert cards[PREVIOUS][0]["rows"][0][0] == f"read by {INDUCTION} for its keys"
    alone = [name for name in cards if name not in {head for pair in result.pairs for head in pair[1:]}]
    assert all("No head" in cards[name][0]["text"] for name in alone)


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    np.testing.assert_array_equal(again.q, result.q)
    assert again.summary() == result.summary()


def test_both_analyses_are_registered_in_the_group(specimen):
    results = wl.analyze(
        specimen, "weights", parameters={"composition": {"rotations": 50}, "ov-circuits": {"rotations": 50}}
    )
    assert set(results) == {"composition", "ov-circuits"}
