"""Induction where it is planted, and three models that look like it and have none."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.views import Key
from wonderland_triage.induction import DRAWS, Induction, _alike, _random_sets
from wonderland_triage.repetition import draw_words, gains, mean_z, reordered, sequence, whole_runs, word_weights


def induction_of(model, **parameters):
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(12))
    return wl.analyze(specimen, Induction(**{"sequences": 16, **parameters}))["induction"]


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, Induction())["induction"]


def test_the_induction_head_looks_at_what_came_after_the_earlier_copy_and_no_other_head_does(result):
    for draw in DRAWS:
        score = result.scores[draw]
        assert score[HEADS["induction"]].value == pytest.approx(1, abs=1e-6)
        for name in ("previous", "self", "first", "speaker"):
            assert score.value[HEADS[name]] == pytest.approx(0, abs=1e-6), name
        assert score.value[HEADS["uniform"]] == pytest.approx(score.chance, rel=1e-5)


def test_chance_is_uniform_attention_over_the_second_copy(result):
    n = result.length
    assert n == 9  # nineteen words: nine said twice and nine others
    by_hand = np.mean([1 / (i + 1) for i in range(n + 1, 2 * n + 1)])
    assert result.scores["unigram"].chance == pytest.approx(by_hand)
    assert result.previous.value[HEADS["previous"]] == pytest.approx(1, abs=1e-6)


def test_the_second_copy_costs_nothing_from_its_second_word_on(result):
    n = result.length
    for curve in (of.value for of in result.curve.values()):
        assert np.isnan(curve[0])  # the speaker token is given
        assert curve[2 : n + 1].min() > 2.5
        assert curve[n + 1] > 2.5  # nothing said that a second copy would begin
        assert curve[n + 2 :] == pytest.approx(23 * np.exp(-10.0), abs=2e-4)


def of_words_never_drawn(positions, later):
    """What the losses of new words fall by when they stand ``later``: without a copy the head attends uniformly."""

    def loss(
        i,
    ):  # of a word that was not said, at position i + 1: i words have a share of ten logits, the last one more
        return np.log(24 - i + (i - 1) * np.exp(10 / i) + np.exp(1 + 10 / i))

    return np.mean([loss(i) - loss(i + later) for i in positions])


def test_the_gain_is_the_fall_of_the_curve_over_the_same_drawn_words(result):
    n = result.length
    for draw in DRAWS:
        curve = result.curve[draw].value
        fall = curve[2 : n + 1].mean() - curve[n + 2 :].mean()
        assert result.gain[draw].value == pytest.approx(fall, rel=1e-6)
        assert result.gain[draw].value > 3
        assert result.gain[draw].chance == pytest.approx(of_words_never_drawn(range(1, n), n), rel=1e-4)
        assert result.order[draw].low > 3
        assert result.gain[draw].resampled_over == "sequences"
        assert result.gain[draw].n == 32


def test_without_the_previous_token_or_the_induction_head_the_gain_is_gone_and_without_others_it_stays(result):
    for name, head in HEADS.items():
        lost = result.lost[head]
        if name in ("previous", "induction"):
            assert lost.low > 3, name
        else:
            assert lost.value == pytest.approx(0, abs=1e-5), name


def test_candidates_lose_the_gain_and_random_heads_do_not(result):
    assert result.candidates == ["L1H1"]
    for way in ("mean", "zero"):
        assert result.lost_together[way].low > 3
        assert len(result.lost_random[way]) == 4  # all heads but the candidate and the previous-token head
        assert result.lost_random[way] == pytest.approx(np.zeros(4), abs=1e-5)
        assert result.p_random(way) == pytest.approx(1 / 5)
    assert result.caused


def test_random_sets_of_many_heads_have_as_many_of_each_layer_as_the_candidates():
    candidates = [Head(1, 0), Head(3, 1), Head(1, 2)]
    others = [head for head in Head.all(4, 4) if head not in candidates]
    groups = _alike(others, candidates, by_layer=True)
    assert groups == [([Head(1, 1), Head(1, 3)], 2), ([Head(3, 0), Head(3, 2), Head(3, 3)], 1)]
    every = [[Head(1, 1), Head(1, 3), Head(3, head)] for head in (0, 2, 3)]
    assert _random_sets(groups, 3, seed=0) == every
    assert [some in every for some in _random_sets(groups, 2, seed=0)] == [True, True]
    assert _alike(others, candidates, by_layer=False) == [(others, 3)]
    assert _alike(others[:5], candidates, by_layer=True) == [(others[:5], 3)]  # the layers have too few


def test_the_claim_is_the_behaviour_then_the_head(result):
    first = result.summary().splitlines()[0]
    assert first.startswith("The model continues random repetitions: their order is worth")
    assert first.endswith("it needs head L1H1 for that.")
    for said in (result.summary(), result.views()[0].caption):
        assert "Chance of that gain: what the later position alone is worth, as it is after other words." in said
    (finding,) = result.findings()
    assert (finding.trust, finding.select) == ("solid", (Key.of("L1H1"),))


def test_before_training_there_is_none_and_nothing_is_ablated(specimen):
    result = wl.analyze(specimen.untrained(), Induction())["induction"]
    assert not result.behaves
    assert result.lost is None
    assert result.summary().startswith("The model does not continue a repetition (no induction)")
    assert not result.over_threshold
    for order in result.order.values():
        assert order.value == pytest.approx(0, abs=1e-5)  # before training no head writes anything


def test_a_head_that_looks_there_but_writes_nothing_is_no_induction():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    model.blocks[layer].attn.W_O[head] = 0
    result = induction_of(model)
    assert result.scores["uniform"].value[layer, head] == pytest.approx(1, abs=1e-6)
    assert result.over_threshold
    assert not result.behaves
    assert result.summary().startswith("The model does not continue a repetition (no induction)")


def test_expecting_words_again_in_any_order_is_no_induction():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    attn = model.blocks[layer].attn
    for weight in (attn.W_Q, attn.b_Q):
        weight[head] = 0  # uniform attention: every word that was said becomes likelier
    result = induction_of(model)
    for draw in DRAWS:
        assert result.gain[draw].low > result.gain[draw].chance + 0.1
        assert result.order[draw].value == pytest.approx(0, abs=1e-4)
    assert not result.behaves


def test_a_head_that_looks_at_the_earlier_copy_itself_scores_nothing():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    attn = model.blocks[layer].attn
    attn.W_K[head] = 0
    attn.W_K[head, :24, :24] = torch.eye(24)  # the same token, one position too early
    result = induction_of(model)
    assert result.scores["uniform"].value[layer, head] < 0.02
    assert not result.behaves


def test_two_heads_that_do_the_same_are_only_found_together():
    model = handwritten_model()
    layer, head = HEADS["induction"]
    attn, twin = model.blocks[layer].attn, HEADS["uniform"][1]
    for weight in (attn.W_Q, attn.W_K, attn.W_V, attn.W_O, attn.b_Q):
        weight[twin] = weight[head]
    result = induction_of(model)
    assert sorted(result.candidates) == ["L1H0", "L1H1"]
    half = result.intact.value / 2
    assert result.lost.value[layer, head] < half
    assert result.lost.value[layer, twin] < half
    assert result.lost_together["zero"].low > 0.9 * result.intact.value
    assert result.caused
    assert "heads L1H" in result.summary().splitlines()[0]


def test_what_is_lost_without_heads_is_what_whole_runs_without_them_say():
    """`gains` begins at the first layer that has one of the heads; here every run is a whole one, hook by hook."""
    drawn, generator = handwritten_model(), torch.Generator().manual_seed(0)
    with torch.no_grad():  # in the model written by hand a constant falls on both copies alike: mean and zero are one
        for weight in drawn.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2)
    specimen = wl.Specimen(drawn, handwritten_tokenizer(), handwritten_corpus(12))
    words = draw_words(word_weights(specimen)["unigram"], 9, 5, seed=1)[:, :9]
    tokens = sequence(specimen, words, words)
    model, means = specimen.model, mean_z(specimen, tokens)
    sets = [[HEADS["induction"]], [HEADS["previous"]], [HEADS["previous"], HEADS["uniform"]]]

    def by_hand(heads, way):
        def without(layer):
            def hook(z, hook=None):
                z = z.clone()
                for at, head in heads:
                    if at == layer:
                        z[:, :, head] = means[layer, head] if way == "mean" else 0
                return z

            return (f"blocks.{layer}.attn.hook_z", hook)

        logits = model.run_with_hooks(tokens, fwd_hooks=[without(layer) for layer in range(2)])
        told = -logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None])[..., 0]  # of the token after each
        return (told[:, 1:9] - told[:, 10:18]).mean(1)

    found_by = {}
    for way in ("mean", "zero"):
        whole, left = gains(specimen, whole_runs(specimen, tokens), sets, means, way=way)
        found_by[way] = left
        np.testing.assert_allclose(whole, by_hand([], way), rtol=1e-5, atol=1e-5)
        for heads, found in zip(sets, left, strict=True):
            np.testing.assert_allclose(found, by_hand(heads, way), rtol=1e-5, atol=1e-5)
    assert np.abs(found_by["mean"] - found_by["zero"]).max() > 1e-3


def test_of_many_heads_some_are_drawn_and_all_of_them_measured_on_half_of_the_sequences(result):
    assert not result.drawn.any()  # six heads are few: all are ablated alone
    assert "ablated alone" not in result.summary()
    few = induction_of(handwritten_model(), alone=4)
    tried = np.isfinite(few.lost.value)
    assert (tried.sum(), few.drawn.sum()) == (4, 1)
    assert tried[few.drawn].all()
    assert (few.intact.n, few.lost.n) == (8, 4)
    for name in ("previous", "induction"):  # the two halves of the circuit have the highest scores
        assert not few.drawn[HEADS[name]]
        assert few.lost[HEADS[name]].low > 3
    (drawn,) = few.lost.value[few.drawn]
    assert drawn == pytest.approx(0, abs=1e-5)
    (told,) = [line for line in few.summary().splitlines() if "ablated alone" in line]
    assert told.startswith(f"Of {few.drawn.size} heads 4 were ablated alone: L1H1, of the highest score, loses")
    assert "1 drawn at random among the others lose" in told
    assert told in few.views()[1].how_to_read
    value = few.lost.value.copy()
    value[HEADS["induction"]] = np.nan  # as with layers="0"
    elsewhere = replace(few, lost=replace(few.lost, value=value))
    assert "were ablated alone; L1H1, of the highest score, is not among them." in elsewhere.summary()


@pytest.mark.parametrize(("alone", "lengths"), [(4, [8, 8, 4, 4, 4]), (64, [8, 8, 8, 8, 8])])
def test_the_random_sets_of_many_heads_are_measured_on_half_of_the_sequences(alone, lengths, monkeypatch):
    measured = []

    def told(specimen, runs, sets, means, *, way):
        whole, left = gains(specimen, runs, sets, means, way=way)
        measured.append((left.shape[1], sets))
        return whole, left

    monkeypatch.setattr("wonderland_triage.induction.gains", told)
    found = induction_of(handwritten_model(), alone=alone)
    assert [length for length, _ in measured] == lengths  # both ways of the candidates, of the random sets; each alone
    for candidates, at_random in zip(measured[:2], measured[2:4], strict=True):
        assert [list(map(str, heads)) for heads in candidates[1]] == [found.candidates]
        assert not {head for heads in at_random[1] for head in heads} & {*candidates[1][0]}
        assert len(at_random[1]) == len(found.lost_random["mean"]) > 1


def test_words_are_distinct_and_the_other_order_keeps_no_pair():
    weights = np.concatenate([np.zeros(5), np.arange(1, 41)])
    words = draw_words(weights, 20, 50, seed=3)
    assert words.shape == (50, 40)
    assert words.min() == 5
    assert all(len(set(row)) == 40 for row in words)
    mixed = reordered(words, 3)
    for row, other in zip(words, mixed, strict=True):
        assert sorted(row) == sorted(other)
        pairs = set(pairwise(row))
        assert not pairs & set(pairwise(other))


def test_the_unigram_draw_prefers_what_people_say():
    weights = np.concatenate([np.zeros(5), np.ones(100), np.full(100, 50.0)])
    words = draw_words(weights, 20, 100, seed=0)
    assert (words >= 105).mean() > 0.9
    assert (words[:, :20] >= 105).mean() == pytest.approx((words[:, 20:] >= 105).mean(), abs=0.03)


def test_the_seed_decides_everything():
    weights = np.ones(40)
    one, same, other = (draw_words(weights, 10, 4, seed=(seed, 0)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    results = [induction_of(handwritten_model(), seed=5) for _ in range(2)]
    assert results[0].summary() == results[1].summary()


def test_too_few_words_are_refused():
    corpus = wl.Corpus.of([message._replace(text="a b c") for message in handwritten_corpus(2)])
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), corpus)
    with pytest.raises(NotEnoughData, match="3 different words"):
        wl.analyze(specimen, Induction())


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    np.testing.assert_array_equal(again.lost.value, result.lost.value)


def test_its_views_are_ones_the_report_can_draw(result, specimen):
    assert [view.id for view in result.views()] == ["induction", "induction-heads", "induction-ablation"]
    for view in (*result.views(), *wl.analyze(specimen.untrained(), Induction())["induction"].views()):
        encode(view.data)
        assert figure(view) is not None
    assert set(result.to_frame()["analysis"]) == {"induction"}
