"""Neurons written by hand: for one word, for speakers, for two kinds, for everything, and for nothing."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Neuron
from wonderland.lab.evidence import Evidence
from wonderland.model.presets import Config
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.report.schema import characters
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.optimism import optimism
from wonderland.testing.random_models import random_model
from wonderland.tokenizer import END, ME, SEP, THEM
from wonderland_triage.dataset_examples import watch
from wonderland_triage.neuron_stats import KINDS, fire, kinds_of_tokens
from wonderland_triage.neurons import Neurons, _lower
from wonderland_triage.selectivity import CHOOSE, MEASURE, halves, measured
from wonderland_triage.truths import one_kind_each

A, B, C = 5, 6, 7  # the tokens " a", " b", " c"
WORD, SPEAKERS, MIXED, EVERYTHING, DEAD = range(5)


def planted(*, layers=1, width=16):
    """A model without attention whose first neurons are written by hand; the others read random tokens."""
    tokenizer = handwritten_tokenizer()
    cfg = Config(layers, 1, 24, 8, width, 48, 24, act_fn="relu", normalization_type=None)
    model = wl.ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.embed.W_E.copy_(torch.eye(24))
        model.unembed.W_U.copy_(torch.eye(24))
        for block in model.blocks:
            w_in = block.mlp.W_in
            w_in[:, 5:] = torch.rand(24, width - 5, generator=generator)
            w_in[A, WORD] = 2.0
            w_in[[ME, THEM], SPEAKERS] = torch.tensor([1.0, 3.0])
            w_in[[ME, THEM, SEP, END], MIXED] = 1.0
            w_in[:, EVERYTHING] = 1.0
            block.mlp.b_in[DEAD] = -1.0
        model.blocks[0].mlp.W_out[WORD, B] = 5.0
        model.blocks[0].mlp.W_out[WORD, C] = -4.0
    return model


def specimen_of(model):
    return wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(30, shortest=10))


@pytest.fixture(scope="module")
def synthetic_specimen():
    return specimen_of(planted())


@pytest.fixture(scope="module")
def result(synthetic_specimen):
    return wl.analyze(synthetic_specimen, Neurons(tokens=1))["neurons"]


def test_kinds_of_tokens_are_told_apart():
    kinds = kinds_of_tokens(specimen_of(planted()))
    assert [KINDS[kinds[token]] for token in (ME, THEM, SEP, END)] == ["speaker", "speaker", "separator", "separator"]
    assert {KINDS[kind] for kind in kinds[5:]} == {"common word"}  # nineteen words are all common


def test_a_neuron_for_one_word_has_one_kind_and_one_token(result):
    assert result.kind_entropy[0, WORD] == 0
    assert result.token_entropy[0, WORD] == 0
    assert result.kinds[result.favourite[0, WORD]] == "common word"


def test_a_neuron_for_speakers_is_wholly_selective(result):
    assert result.kind_entropy[0, SPEAKERS] == 0
    assert result.kinds[result.favourite[0, SPEAKERS]] == "speaker"
    assert result.selectivity[0, SPEAKERS] == pytest.approx(1)


def of_half(specimen, which):
    """The tokens of one half of the conversations."""
    evidence, inside = specimen.evidence, halves(specimen.evidence, 0) == which
    return evidence.tokens[inside][evidence.mask[inside]]


def test_a_neuron_for_two_kinds_is_less_selective_and_one_for_everything_not_at_all(result, synthetic_specimen):
    tokens = of_half(synthetic_specimen, MEASURE)
    speakers, separators = np.isin(tokens, (ME, THEM)).sum(), np.isin(tokens, (SEP, END)).sum()
    best = 1.0  # each fires for all tokens of both kinds: the mean of a kind is one, that of all others less
    rest = min(separators / (len(tokens) - speakers), speakers / (len(tokens) - separators))
    rest = separators / (len(tokens) - speakers) if result.favourite[0, MIXED] == 0 else rest
    assert result.selectivity[0, MIXED] == pytest.approx((best - rest) / (best + rest), rel=1e-4)
    assert result.selectivity[0, EVERYTHING] == pytest.approx(0, abs=1e-6)


def test_a_neuron_that_never_fires_has_no_selectivity_and_is_not_listed(result):
    assert result.active[0, DEAD] == 0
    assert np.isnan(result.selectivity[0, DEAD])
    assert np.isnan(result.chosen_by[0, DEAD])
    assert result.favourite[0, DEAD] == -1
    assert np.isnan(result.kind_entropy[0, DEAD])
    others = np.delete(result.kind_entropy[0], DEAD)
    assert result.mixed.value[0] == pytest.approx(others.mean())
    assert len(result.listed) == 15
    assert all(row["neuron"] != f"L0N{DEAD}" for row in result.listed)


def test_how_often_a_neuron_is_active_is_counted_without_padding(result, synthetic_specimen):
    tokens = synthetic_specimen.evidence.tokens[synthetic_specimen.evidence.mask]
    assert result.active[0, WORD] == pytest.approx((tokens == A).mean())
    assert result.active[0, EVERYTHING] == 1


def test_the_highest_activations_are_the_highest_there_are(synthetic_specimen):
    half = halves(synthetic_specimen.evidence, 0)
    fired = fire(synthetic_specimen, half, top=12, directions=3, seed=0)
    evidence, model = synthetic_specimen.evidence, synthetic_specimen.model
    activations = torch.relu(model.blocks[0].mlp.W_in + model.blocks[0].mlp.b_in)[torch.from_numpy(evidence.tokens)]
    activations[~torch.from_numpy(evidence.mask)] = -torch.inf
    flat = activations.flatten(0, 1)
    (of,) = fired.neurons
    np.testing.assert_allclose(of.values, flat.topk(12, dim=0).values.numpy())
    np.testing.assert_allclose(flat.gather(0, torch.from_numpy(of.places)).numpy(), of.values)
    assert fired.directions[0].values.shape == (12, 3)
    kinds, shuffled = fired.kinds[fired.kinds >= 0], fired.shuffled[fired.shuffled >= 0]
    assert (kinds != shuffled).any()
    np.testing.assert_array_equal(np.bincount(kinds), np.bincount(shuffled))


def test_what_a_neuron_reads_raises_and_lowers_are_its_tokens(result):
    assert (result.reads[0, WORD, 0], result.raises[0, WORD, 0], result.lowers[0, WORD, 0]) == (A, B, C)
    assert result.reads[0, SPEAKERS, 0] == THEM


def test_norms_are_folded_into_what_a_neuron_reads_and_raises():
    tokenizer = handwritten_tokenizer()
    model = wl.ChatTransformer(Config(1, 1, 24, 8, 4, 48, 24), tokenizer=tokenizer.fingerprint)
    with torch.no_grad():
        model.embed.W_E.copy_(torch.eye(24))
        model.unembed.W_U.copy_(torch.eye(24))
        mlp = model.blocks[0].mlp
        mlp.W_in.zero_()
        mlp.W_in[A, 0], mlp.W_in[B, 0] = 2.0, 1.0
        mlp.W_out[0, A], mlp.W_out[0, B] = 2.0, 1.0
        for norm in (model.blocks[0].ln2, model.ln_final):
            norm.w[B] = 10.0  # what counts is what is left after the norm
    result = wl.analyze(specimen_of(model), Neurons(tokens=1))["neurons"]
    assert result.reads[0, 0, 0] == B
    assert result.raises[0, 0, 0] == B


@pytest.mark.parametrize("norm", ["LN", None])
def test_what_a_neuron_raises_is_what_the_model_itself_makes_of_its_output(norm):
    """Norms whose weights are drawn: in the model, centring comes before the scales, and in no other order."""
    model = random_model(3, scale=1.0, normalization_type=norm).double()
    result = wl.analyze(specimen_of(model.float()), Neurons(tokens=24))["neurons"]
    model, random = model.double(), torch.Generator().manual_seed(0)
    for layer, block in enumerate(model.blocks):
        resid = torch.randn(12, generator=random, dtype=torch.float64)
        scale = (resid - resid.mean()).pow(2).mean().add(model.cfg.eps).sqrt() if norm else torch.ones(())
        embedded = model.W_E - model.W_E.mean(1, keepdim=True) if norm else model.W_E
        for neuron in range(7):
            # The norm's scale held still, what the stream's end makes of a small step along the neuron's output.
            step = block.mlp.W_out[neuron]
            ended = (step - step.mean()) / scale * model.ln_final.w if norm else step
            raised = ended @ model.W_U
            order = (raised - raised.mean()).argsort(descending=True).tolist()
            assert result.raises[layer, neuron].tolist() == order
            assert result.lowers[layer, neuron].tolist() == order[::-1]
            read = embedded * block.ln2.w @ block.mlp.W_in[:, neuron] if norm else embedded @ block.mlp.W_in[:, neuron]
            assert result.reads[layer, neuron].tolist() == read.argsort(descending=True).tolist()


def test_snippets_mark_the_token_that_fires(result):
    row = next(row for row in result.listed if row["neuron"] == f"L0N{SPEAKERS}")
    assert row["kind"] == "speaker"
    top, *below = row["bands"]
    assert {snippet["tokens"][snippet["at"]] for snippet in top["snippets"]} == {"<|them|>"}
    # <|me|>, which it likes a third as much, stands in the band of a third of the highest activation, and only there
    assert [band["title"].split(" of that")[0] for band in below if "<|me|>" in fires(band)] == ["At 25% to 50%"]


def fires(band) -> set[str]:
    return {snippet["tokens"][snippet["at"]] for snippet in band["snippets"]}


def test_snippets_show_what_a_neuron_did_at_each_of_their_tokens(result, synthetic_specimen):
    row = result.listed[0]
    layer, neuron = (int(part) for part in row["neuron"][1:].split("N"))
    (activations,) = watch(synthetic_specimen, [(layer, neuron)])
    evidence = synthetic_specimen.evidence
    elsewhere = activations[halves(evidence, 0) == MEASURE]
    assert row["bands"][0]["snippets"][0]["value"] == pytest.approx(np.nanmax(elsewhere), abs=1e-3)
    assert np.isnan(activations[~evidence.mask]).all()
    _, cache = synthetic_specimen.model.run_with_cache(torch.from_numpy(evidence.tokens[:1]))
    by_hand = cache[f"blocks.{layer}.mlp.hook_post"][0, :, neuron].numpy()
    there = evidence.mask[0]
    np.testing.assert_allclose(activations[0, there], by_hand[there], atol=1e-6)


def test_neurons_for_one_kind_each_are_less_mixed_than_directions():
    result = wl.analyze(one_kind_each(), Neurons(), control=True)["neurons"]
    assert (result.kind_entropy == 0).all()
    assert result.special == [0, 1]
    assert (result.specific.low > 0.5).all()
    assert result.specific.resampled_over == "neurons"
    (finding,) = result.findings()
    assert finding.trust == "solid"
    assert finding.text.startswith("In L0, L1 single neurons fire for fewer kinds of tokens")


def test_with_kinds_dealt_out_anew_neurons_for_one_kind_are_mixed():
    result = wl.analyze(one_kind_each(), Neurons())["neurons"]
    shuffled, observed = result.nulls["shuffled kinds"][:, 0], result.mixed.value[0]
    assert shuffled[0] > 2 * observed
    assert abs(shuffled[1]) < 0.1 < 0.3 < np.nanmean(result.selectivity)


def test_a_random_basis_is_not_special():
    p = _lower(*np.random.default_rng(0).normal(size=(2, 3, 400)), seed=0)
    assert (p.low < 0.5).all()
    assert (p.high > 0.5).all()
    assert _lower(np.zeros((1, 9)), np.ones((1, 5)), seed=0).value == [1]
    assert _lower(np.ones((1, 9)), np.zeros((1, 5)), seed=0).value == [0]
    assert _lower(np.ones((1, 9)), np.ones((1, 5)), seed=0).value == [0.5]


def test_every_threshold_is_shown_with_its_nulls(result):
    for curve in result.sweep.values():
        assert curve[0] == 1
        assert (np.diff(curve) <= 0).all()
    at = 20  # entropy 0.5
    assert result.sweep["neurons"][at] == pytest.approx((np.delete(result.kind_entropy[0], DEAD) >= 0.5).mean())


def test_a_model_without_mlps_has_no_neurons():
    result = wl.analyze(wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(5)), Neurons())[
        "neurons"
    ]
    assert result.summary() == "The model has no MLPs: there are no neurons."
    assert (list(result.views()), list(result.findings())) == ([], [])


def test_the_listed_are_chosen_on_one_half_and_told_by_the_other(result, synthetic_specimen):
    order = np.argsort(-np.nan_to_num(result.chosen_by[0], nan=-9), kind="stable")[:15]
    assert [row["neuron"] for row in result.listed] == [f"L0N{neuron}" for neuron in order]
    assert result.conversations == [15, 15]
    listed = result.listed_selectivity
    assert (listed.n, listed.resampled_over, listed.labels["neuron"][0]) == (15, "conversations", f"L0N{order[0]}")
    np.testing.assert_allclose(listed.value, result.selectivity[0][order], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(listed.chance, result.nulls["random directions"][1, 0])
    assert (listed.low <= listed.value).all()
    assert (listed.high - listed.low).max() > 0.01
    # By hand: of the neuron for one word, how often the word comes among its kind, and among no other.
    (place,) = (i for i, row in enumerate(result.listed) if row["neuron"] == f"L0N{WORD}")
    assert listed.value[place] == pytest.approx(1)
    tokens = of_half(synthetic_specimen, MEASURE)
    assert result.listed[place]["active"] == pytest.approx((tokens == A).mean())
    assert result.listed[place]["entropy"] == 0


def test_halves_are_of_conversations():
    evidence = Evidence.of_tokens([[1, 2]] * 15, np.repeat(np.arange(5), 3))
    half = halves(evidence, 0).reshape(5, 3)
    assert (half == half[:, :1]).all()
    assert (half[:, 0] == CHOOSE).sum() == 3
    assert (halves(evidence, 0) == halves(evidence, 0)).all()
    assert any((halves(evidence, seed) != halves(evidence, 0)).any() for seed in range(1, 5))


def test_an_interval_resamples_conversations():
    """Two windows of each conversation are alike, so that they count once."""
    random = np.random.default_rng(0)
    kinds, post = random.integers(3, size=(40, 20)), random.random((2, 40, 20))
    kind = np.array([0, 1])
    one = measured(post, kinds, kind, np.arange(40), seed=0)
    twice = measured(post.repeat(2, 1), kinds.repeat(2, 0), kind, np.arange(40).repeat(2), seed=0)
    assert (one.n, twice.n) == (40, 40)
    np.testing.assert_allclose(one.high - one.low, twice.high - twice.low)
    alone = measured(post.repeat(2, 1), kinds.repeat(2, 0), kind, np.arange(80), seed=0)
    np.testing.assert_allclose(alone.high - alone.low, (one.high - one.low) / 2**0.5, rtol=0.15)
    own, rest = (post[1][where].mean() for where in (kinds == 1, kinds != 1))
    assert one.value[1] == pytest.approx((own - rest) / (own + rest))


def test_a_neuron_that_fires_in_one_conversation_alone_has_no_interval():
    kinds = np.tile([0, 1], (6, 5))
    post = np.zeros((2, 6, 10))
    post[0, 2, 0] = post[0, 2, 1] = 1.0  # in one window, on both kinds
    post[1] = 1.0
    found = measured(post, kinds, np.array([0, 0]), np.arange(6), seed=0)
    assert np.isnan(found.low).tolist() == np.isnan(found.high).tolist() == [True, False]
    assert np.isfinite(found.value).all()


def in_one_half(which):
    """One specimen in which one word stands in the conversations of one half only."""
    before = specimen_of(planted()).evidence
    inside = halves(before, 0) == which
    rows = []
    for row, length, here in zip(before.tokens, before.lengths, inside, strict=True):
        tokens = [B if token == A else int(token) for token in row[:length]]
        rows.append([*tokens[:4], A, *tokens[5:]] if here else tokens)
    return wl.Specimen.of_tokens(
        planted(), handwritten_tokenizer(), rows, conversation=before.conversation, windows=len(rows)
    )


@pytest.mark.parametrize("which", [CHOOSE, MEASURE])
def test_a_neuron_that_fires_in_one_half_only_is_told_and_never_measured_where_it_was_chosen(which):
    result = wl.analyze(in_one_half(which), Neurons(tokens=1, directions=8))["neurons"]
    assert np.isnan(result.selectivity[0, WORD])
    names = [row["neuron"] for row in result.listed]
    (cards,) = (view for view in result.views() if view.id == "neurons")
    assert result.lost == [which == CHOOSE, which == MEASURE]
    if which == MEASURE:
        assert f"L0N{WORD}" not in names
        assert "1 neuron fires only in the other half and could not be chosen." in characters(cards.caption)
        return
    assert result.chosen_by[0, WORD] == pytest.approx(1)
    assert np.isnan(result.listed_selectivity.value[names.index(f"L0N{WORD}")])
    told = "1 neuron fires only in the half to choose on, so that its selectivity is not known."
    assert told in characters(cards.caption)
    said = str(cards.plain())
    assert "common word, not seen to fire again" in said
    assert "not known: it does not fire in the half to measure on" in said


def test_of_one_conversation_nothing_is_measured_elsewhere():
    specimen = wl.Specimen(planted(), handwritten_tokenizer(), handwritten_corpus(1))
    result = wl.analyze(specimen, Neurons(tokens=1, directions=8))["neurons"]
    assert result.conversations == [1, 0]
    assert np.isnan(result.selectivity).all()
    assert "The neuron most selective on 1 conversation is L0N" in result.summary()
    assert "; there is no other conversation to measure its selectivity on." in result.summary()
    assert result.listed
    figure(next(iter(result.views())))


def test_where_all_tokens_are_of_one_kind_nothing_is_selective_and_that_is_said():
    rows = np.random.default_rng(0).integers(5, 20, (12, 16)).tolist()
    specimen = wl.Specimen.of_tokens(planted(), handwritten_tokenizer(), rows)
    result = wl.analyze(specimen, Neurons(tokens=1, directions=4))["neurons"]
    assert np.isnan(result.selectivity).all()
    assert (result.listed, result.listed_selectivity.value.shape) == ([], (0,))
    assert "No neuron is listed: none fires for one kind of token" in result.summary()


def test_the_best_of_noise_is_worth_nothing_on_the_other_half():
    (choice,) = Neurons.choices()
    found = optimism(Neurons, choice)
    assert found.faults == []
    assert abs(found.share) < 0.05


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    assert again.listed == result.listed


def test_its_views_are_ones_the_report_can_draw(synthetic_specimen):
    result = wl.analyze(synthetic_specimen, Neurons(), control=True)["neurons"]
    for view in result.views():
        encode(view.data)
        assert figure(view) is not None


def test_with_a_large_vocabulary_the_tokens_of_the_listed_neurons_alone_are_told(
    synthetic_specimen, result, monkeypatch
):
    monkeypatch.setattr("wonderland_triage.neurons._PRODUCTS", 0)
    few = wl.analyze(synthetic_specimen, Neurons(listed=2, tokens=1))["neurons"]
    listed = {Neuron.parse(row["neuron"]) for row in few.listed}
    assert {tuple(at) for at in np.argwhere(few.raises[..., 0] >= 0)} == {tuple(at) for at in listed}
    for name in ("raises", "lowers", "reads"):
        assert [row[name] for row in few.listed] == [row[name] for row in result.listed[:2]]


def test_of_some_neurons_each_is_told_its_own_tokens(synthetic_specimen, result):
    some = np.zeros_like(result.raises[..., 0], dtype=bool)
    some[0, [WORD, 5, 9]] = True
    for name, (ids, by) in Neurons(tokens=1)._vocabulary(synthetic_specimen, some).items():
        assert (ids[some] == getattr(result, name)[some]).all()
        assert (ids[~some] == -1).all()
        assert (np.isfinite(by[..., 0]) == some).all()
    assert len(set(result.raises[some].ravel().tolist())) > 1  # so that an exchange would be seen


def test_what_neurons_do_is_read_without_logits(synthetic_specimen):
    """Of a large vocabulary logits are a fifth of the work and most of the memory."""
    ends = []
    handle = synthetic_specimen.model.unembed.register_forward_hook(lambda *_: ends.append(1))
    try:
        fire(synthetic_specimen, np.zeros(len(synthetic_specimen.evidence), dtype=int), top=4, directions=2, seed=0)
        watch(synthetic_specimen, [(0, 1)])
    finally:
        handle.remove()
    assert not ends
