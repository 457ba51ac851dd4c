"""OV and QK circuits on heads whose weights are known, and against the d_vocab × d_vocab matrices they stand for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

import wonderland as wl
from wonderland.lab.weights import effective_embedding, fold
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland_weights.copying import copying_null, copying_scores
from wonderland_weights.directions import _top, position_share
from wonderland_weights.low_rank import svd
from wonderland_weights.ov_circuits import OVCircuits

ENOUGH = 150


def circuits_of(model, **parameters):
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(4, shortest=10))  # some rows are padded
    return wl.analyze(specimen, OVCircuits(**{"rotations": ENOUGH, **parameters}))["ov-circuits"]


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, OVCircuits(rotations=ENOUGH), control=True)["ov-circuits"]


def test_the_induction_head_copies_and_is_the_only_one(result):
    head = HEADS["induction"]
    assert result.copying[head] == pytest.approx(1)
    assert result.copiers == [head]
    assert result.suppressors == []
    low, middle, high = result.copying_null[(slice(None), *head)]
    assert -0.5 < low < -0.05 < middle < 0.05 < high < 0.5
    assert result.summary().startswith("1 of 1 heads leans to copying what it attends to")
    assert result.findings()[0].trust == "solid"


def test_turned_over_it_suppresses():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    model.blocks[layer].attn.W_O[head] *= -1
    result = circuits_of(model)
    assert result.copying[layer, head] == pytest.approx(-1)
    assert (result.copiers, result.suppressors) == ([], [(layer, head)])


@pytest.mark.parametrize("name", ["previous", "self", "first", "uniform", "speaker"])
def test_a_head_that_writes_nothing_the_unembedding_reads_has_no_score(result, name):
    for number in (result.copying, result.p, result.q, result.copying_null[0]):
        assert np.isnan(number[HEADS[name]])
    row = result._row(HEADS[name])
    assert (row["copying"], row["q"]) == (None, None)


def test_spectra_are_those_the_weights_were_written_with(result):
    rank = {name: (result.effective_rank["OV"][at], result.effective_rank["QK"][at]) for name, at in HEADS.items()}
    assert rank["previous"] == pytest.approx((24, 47))
    assert rank["self"] == pytest.approx((48, 48))
    assert rank["first"] == pytest.approx((47, np.nan), nan_ok=True)  # asks by bias alone: no query matrix
    assert rank["induction"] == pytest.approx((24, 24))
    assert result.values["OV"][HEADS["induction"]].max() == pytest.approx(10)
    assert not result.values["QK"][HEADS["first"]].any()
    assert result.directions["L0H2"]["QK"] == []
    assert result._row(HEADS["first"])["QK ratio"] is None


def test_what_is_read_and_written_is_shown_as_a_pair_with_both_ends(specimen):
    model = handwritten_model()
    layer, head = HEADS["induction"]
    attn = model.blocks[layer].attn
    attn.W_V[head] = attn.W_O[head] = 0
    a, b, c, d = 5, 6, 7, 8  # " a", " b", " c" and " d"
    attn.W_V[head, [a, b], 0] = torch.tensor([1.0, -1.0])
    attn.W_O[head, 0, [c, d]] = torch.tensor([3.0, -3.0])
    found = wl.analyze(
        wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(12)), OVCircuits(tokens=1, rotations=20)
    )
    result = found["ov-circuits"]
    (one,) = result.directions["L1H1"]["OV"]
    ends = {end["reads"][0][0]: end["writes"][0][0] for end in one["ends"]}
    assert ends == {" a": " c", " b": " d"}  # attending to a promotes c, to b promotes d: whatever the sign
    assert (one["number"], one["share"], one["position"]) == (1, pytest.approx(1), 0)
    evidence = specimen.evidence
    counted = {text: n for end in one["ends"] for text, n in (*end["reads"], *end["writes"])}
    assert counted[" a"] == (evidence.tokens[evidence.mask] == a).sum() > 0
    (card,) = [card for card in result.views()[2].data["cards"] if card["select"] == "head:L1H1"]
    (block,) = [block for block in card["blocks"] if block["title"].startswith("OV direction")]
    reads, promotes = block["beside"][:2]
    assert (reads["title"], promotes["title"]) == ("+ reads", "+ promotes")
    seen = {reads["tokens"][0][0]: promotes["tokens"][0][0]}
    assert seen.items() <= ends.items()  # the ends of one direction stand beside each other
    assert {tuple(row) for side in block["beside"] for row in side["tokens"]} == {
        (text, None, f"{n}×") for text, n in counted.items()
    }
    assert block in [one.plain() for one in result.cards()["L1H1"]]
    assert result._row((layer, head))["OV ratio"] == "rank 1"


def test_of_attention_the_left_side_is_the_query_and_the_right_one_the_key():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    attn = model.blocks[layer].attn
    attn.W_Q[head] = attn.W_K[head] = 0
    attn.W_Q[head, [5, 6], 0] = torch.tensor([2.0, -2.0])
    attn.W_K[head, [7, 8], 0] = torch.tensor([1.0, -1.0])
    model.unembed.W_U.copy_(model.unembed.W_U.roll(3, 1))  # what is written plays no part in this
    (one,) = circuits_of(model, tokens=1).directions["L1H1"]["QK"]
    assert {end["reads"][0][0]: end["writes"][0][0] for end in one["ends"]} == {" a": " c", " b": " d"}


def test_a_head_that_reads_positions_is_said_to(result):
    assert all(one["position"] == pytest.approx(1) for one in result.directions["L0H1"]["OV"])
    assert all(one["position"] == pytest.approx(1) for one in result.directions["L0H0"]["QK"])
    assert all(one["position"] == pytest.approx(0) for one in result.directions["L0H0"]["OV"])


def test_tokens_below_min_count_are_not_shown():
    result = circuits_of(handwritten_model(), min_count=1, tokens=24)
    shown = [
        end[side] for one in result.directions["L1H1"]["OV"] for end in one["ends"] for side in ("reads", "writes")
    ]
    assert shown
    assert all(count >= 1 and text != "<|pad|>" for entries in shown for text, count in entries)


def by_hand(folded, layer, head, W_E):
    full = W_E @ folded.W_V[layer, head] @ folded.W_O[layer, head] @ folded.W_U
    eigenvalues = np.linalg.eigvals(full)
    return eigenvalues.real.sum() / np.abs(eigenvalues).sum()


@pytest.mark.parametrize("norm", ["LN", None])
@pytest.mark.parametrize("effective", [True, False])
def test_copying_scores_are_those_of_the_whole_vocabulary(random_model, norm, effective):
    model = random_model(1, norm=norm)
    folded = fold(model)
    result = circuits_of(model, effective=effective, rotations=5)
    for at in np.ndindex(2, 3):
        W_E = effective_embedding(model) if effective and at[0] else folded.W_E
        assert result.copying[at] == pytest.approx(by_hand(folded, *at, W_E), abs=1e-6), at


@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(1, 9))
@settings(deadline=None)
def test_a_score_lies_between_its_bounds_and_does_not_depend_on_the_heads_basis(seed, d, k):
    random = np.random.default_rng(seed)
    W_V, W_O, meeting = (random.standard_normal(shape) for shape in ((d, k), (k, d), (d, d)))
    score = copying_scores(W_V, W_O, meeting)
    assert -1 <= score <= 1
    basis = np.linalg.qr(random.standard_normal((k, k)))[0]
    assert copying_scores(W_V @ basis, basis.T @ W_O, meeting) == pytest.approx(score, abs=1e-6)
    assert copying_scores(W_V, -W_O, meeting) == pytest.approx(-score)
    assert copying_scores(3 * W_V, W_O, meeting) == pytest.approx(score)


@pytest.mark.parametrize("steepness", [pytest.param(1, marks=pytest.mark.slow), 0.02])
@pytest.mark.parametrize("rank", [9, 2])
def test_the_null_is_that_of_rotating_the_head_itself(steepness, rank):
    random = np.random.default_rng(0)
    d, k = 9, 3
    W_V, W_O = (random.standard_normal(shape) for shape in ((d, k), (k, d)))
    W_V = W_V * steepness ** np.arange(k)
    meeting = random.standard_normal((d, rank)) @ random.standard_normal((rank, d))
    own = copying_scores(W_V, W_O, meeting)
    drawn = copying_null(svd(W_V, W_O), meeting, room=d, rotations=2000, random=random, scores=own, level=0.05)

    def rotation():
        Q, R = np.linalg.qr(random.standard_normal((d, d)))
        return Q * np.sign(np.diag(R))

    direct = [copying_scores(rotation() @ W_V, W_O @ rotation(), meeting) for _ in range(2000)]
    assert ks_2samp(drawn, direct).pvalue > 0.01


def test_random_heads_copy_no_more_often_than_chance(random_model):
    result = circuits_of(random_model(3, layers=4, heads=6, d_model=24, d_head=6), rotations=300)
    assert (result.q > 0.05).all()
    assert 0.2 < np.median(result.p) < 0.8
    first = result.findings()[0]
    assert first.text.startswith("No head copies or suppresses")
    assert first.trust == "weak"


def test_too_few_rotations_to_find_one_head_are_admitted(random_model):
    result = circuits_of(random_model(3), rotations=20)
    assert "20 rotations are too few for one head alone to pass among 6." in result.summary()


def test_heads_in_another_order_give_the_same_results_in_that_order(random_model):
    model, other = random_model(2), random_model(2)
    order = [2, 0, 1]
    for block in other.blocks:
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            weight = getattr(block.attn, name)
            weight.copy_(weight[order])
    before, after = circuits_of(model), circuits_of(other)
    np.testing.assert_allclose(after.copying, before.copying[:, order], atol=1e-9)
    np.testing.assert_allclose(after.p, before.p[:, order])
    np.testing.assert_allclose(after.values["QK"], before.values["QK"][:, order])


def test_before_training_no_head_writes_so_none_has_a_score(result, specimen):
    assert np.isnan(result.control.copying).all()
    assert np.isnan(result.control.ratio["OV"]).all()
    assert np.isfinite(result.control.ratio["QK"]).all()
    assert result.control.summary() == "No head has a copying score: none writes anything the unembedding reads."
    assert "Copying scores before training: none" in result.summary()
    for view in result.control.views():
        encode(view.data)


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    np.testing.assert_array_equal(again.copying, result.copying)
    assert again.directions == result.directions
    assert again.summary() == result.summary()


def test_its_views_are_ones_the_report_can_draw(result):
    views = result.views()
    assert [view.id for view in views] == ["copying", "ov-heads", "ov-directions"]
    for view in views:
        encode(view.data)
    assert result.figure() is not None


def test_the_share_of_positions_weighs_tokens_by_how_often_they_occur():
    """By counting: the variance of what is read over the tokens of a text, against that over positions."""
    random = np.random.default_rng(0)
    W_E, W_pos, direction = random.standard_normal((6, 5)), random.standard_normal((9, 5)), random.standard_normal(5)
    counts = np.array([40, 1, 0, 7, 2, 0])
    text = np.repeat(np.arange(6), counts)
    token, position = np.var((W_E @ direction)[text]), np.var(W_pos @ direction)
    share = position_share(W_pos, counts)(W_E @ direction, direction)
    assert share == pytest.approx(position / (token + position))
    unweighted = np.var(W_E @ direction)
    assert abs(share - position / (unweighted + position)) > 0.1
    assert np.isnan(position_share(W_pos, counts)(np.zeros(6), np.zeros(5)))


def test_of_many_heads_those_that_are_clearly_by_chance_are_drawn_for_less():
    """Their p has the same meaning: exceeding of those drawn; and a head that is far out gets every rotation."""
    random = np.random.default_rng(0)
    heads, d, k = 80, 24, 8
    W_V, W_O = random.standard_normal((heads, d, k)), random.standard_normal((heads, k, d))
    W_O[0] = np.swapaxes(W_V[0], 0, 1)  # reads and writes the same: it copies
    meeting = np.eye(d)
    own = copying_scores(W_V, W_O, meeting)
    drawn = copying_null(svd(W_V, W_O), meeting, room=d, rotations=400, random=random, scores=own, level=0.05)
    count = np.isfinite(drawn).sum(0)
    assert count[0] == 400
    assert set(count.tolist()) <= {100, 200, 300, 400}
    assert (count == 100).mean() > 0.5
    exceeding = (np.abs(drawn) >= np.abs(own)).sum(0)
    assert (exceeding[count < 400] >= 10).all()
    assert ((np.abs(drawn[:100]) >= np.abs(own)).sum(0)[count > 100] < 10).all()
    few = copying_null(svd(W_V[:9], W_O[:9]), meeting, room=d, rotations=200, random=random, scores=own[:9], level=0.05)
    assert np.isfinite(few).all()


@pytest.mark.parametrize(("level", "rotations"), [(0.05, 200), (0.001, 400)])
def test_of_many_heads_those_that_are_beyond_chance_already_are_drawn_for_no_more(level, rotations):
    random = np.random.default_rng(0)
    heads, d, k = 80, 24, 8
    W_V, W_O = random.standard_normal((heads, d, k)), random.standard_normal((heads, k, d))
    W_O[:40] = np.swapaxes(W_V[:40], 1, 2)  # read and write the same: they copy
    own = copying_scores(W_V, W_O, np.eye(d))
    given = {"room": d, "rotations": 400, "scores": own}
    drawn = copying_null(svd(W_V, W_O), np.eye(d), random=random, level=level, **given)
    assert np.isfinite(drawn).sum(0)[:40].tolist() == [rotations] * 40
    assert (np.abs(drawn[:rotations, :40]) < own[:40]).all()


def test_of_a_large_vocabulary_the_ends_are_those_of_sorting_all():
    random = np.random.default_rng(0)
    scores = random.integers(0, 300, 12_000).astype(float)  # with ties
    assert _top(scores, 7).tolist() == np.argsort(-scores, kind="stable")[:7].tolist()
