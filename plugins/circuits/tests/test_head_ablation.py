"""Head ablation on heads whose worth is known: repeated text needs the previous-token and the induction head only."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.ablation import estimated_rises, summed_losses
from wonderland.lab.evidence import Evidence
from wonderland.lab.halves import first_half
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland_circuits import head_ablation
from wonderland_circuits.head_ablation import KINDS, HeadAblation


@pytest.fixture(scope="module")
def result(repeating):
    return wl.analyze(repeating, HeadAblation(), control=True)["head-ablation"]


@pytest.mark.parametrize("name", ["previous", "induction"])
def test_repeated_text_needs_the_previous_token_and_the_induction_head(result, name):
    for kind in KINDS:
        assert result.cost[kind].low[HEADS[name]] > 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_head_costs_exactly_nothing(result, kind):
    for name, at in HEADS.items():
        if name not in ("previous", "induction"):
            assert result.cost[kind].value[at] == pytest.approx(0, abs=1e-6)


def test_the_verdicts_name_the_two(result):
    assert sorted(result.heads_that_are("needed")) == ["L0H0", "L1H1"]
    assert len(result.heads_that_are("no effect found")) == 4


@pytest.mark.parametrize("name", ["previous", "induction"])
def test_zeroing_costs_what_taking_the_weights_away_costs(repeating, result, name):
    tokens = torch.from_numpy(repeating.evidence.tokens)
    layer, head = HEADS[name]
    without = handwritten_model()
    without.blocks[layer].attn.W_O[head] = 0
    expected = without(tokens, "loss") - repeating.model(tokens, "loss")
    assert result.cost["zero"].value[layer, head] == pytest.approx(float(expected), rel=1e-5)
    assert result.loss.value == pytest.approx(float(repeating.model(tokens, "loss")), rel=1e-5)


def test_a_head_that_always_says_the_same_is_missed_only_when_zeroed():
    """Its constant corrects the logits, so zeroing it costs, but it carries nothing."""
    model = handwritten_model()
    layer, head = HEADS["uniform"]
    attn = model.blocks[layer].attn
    with torch.no_grad():
        attn.W_V[head] = 0
        attn.b_V[head, 0] = 1
        attn.W_O[head] = 0
        attn.W_O[head, 0, :12] = 1.0
        model.blocks[0].attn.b_O[:12] -= 1.0
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(30, shortest=10))
    result = wl.analyze(specimen, HeadAblation())["head-ablation"]
    assert abs(result.cost["zero"].value[layer, head]) > 1e-3
    for kind in ("resample", "mean"):
        assert result.cost[kind].value[layer, head] == pytest.approx(0, abs=1e-5)
    assert result.verdicts[layer][head] == "only when zeroed"


def test_a_head_that_does_harm_is_called_harmful(repeating):
    model = handwritten_model()
    layer, head = HEADS["induction"]
    model.blocks[layer].attn.W_O.data[head] *= -1  # votes against what comes next
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(4))
    specimen.evidence = repeating.evidence
    result = wl.analyze(specimen, HeadAblation())["head-ablation"]
    assert result.cost["zero"].value[layer, head] < -1
    assert "L1H1" in result.heads_that_are("harmful")


def rises(noise, sign):
    """What ablation would find if heads cost nothing but noise: a number for each window, other way round in some."""

    def ablated(specimen, windows, donor, mean, stored, tried):
        return np.ones(len(windows)), dict.fromkeys(KINDS, noise[windows] * sign[windows, None, None])

    return ablated


@pytest.fixture
def noise(repeating, monkeypatch):
    """Return what names a head among noise, given the sign of the noise in each window."""
    drawn = np.random.default_rng(0).standard_normal((24, 2, 3))

    def analyse(sign):
        monkeypatch.setattr(head_ablation, "_ablated", rises(drawn, sign))
        return wl.analyze(repeating, HeadAblation(pairs=0))["head-ablation"]

    return drawn, analyse


def test_the_head_that_is_named_is_chosen_on_one_half_and_its_cost_is_of_the_other(repeating, noise):
    drawn, analyse = noise
    sign, conversation = np.ones(24), repeating.evidence.conversation
    first = first_half(conversation, 0)  # the windows are all there are, in their order
    one, mirrored = analyse(sign), analyse(np.where(first, 1, -1))
    assert one.conversations == [6, 6]
    assert one.dearest == str(Head(*np.unravel_index(drawn[first].sum(0).argmax(), (2, 3))))
    assert one.dearest == mirrored.dearest  # the other half has no say
    assert float(one.dearest_cost.value) == pytest.approx(-float(mirrored.dearest_cost.value))
    assert one.dearest_cost.value == pytest.approx(drawn[~first][:, *Head.parse(one.dearest)].sum() / (12 * 47))
    assert one.dearest_cost.n == 6
    assert analyse(np.where(first, -1, 1)).dearest != one.dearest


def test_halves_are_of_conversations():
    conversation = np.repeat(np.arange(9), 3)
    first = first_half(conversation, 0)
    assert first.sum() == 15
    assert not set(conversation[first]) & set(conversation[~first])


def test_before_training_no_head_is_needed(result):
    assert result.control.heads_that_are("needed") == []
    for kind in KINDS:
        assert (result.control.cost[kind].value == 0).all()


def test_padding_changes_nothing():
    """Windows of several lengths give what each gives alone."""
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(12, shortest=10))
    whole = wl.analyze(specimen, HeadAblation())["head-ablation"]
    layer, head = HEADS["induction"]
    without = handwritten_model()
    without.blocks[layer].attn.W_O[head] = 0
    rise, words = 0.0, 0
    for row, length in zip(specimen.evidence.tokens, specimen.evidence.lengths, strict=True):
        tokens = torch.from_numpy(row[None, :length])
        rise += float(without(tokens, "loss") - specimen.model(tokens, "loss")) * (length - 1)
        words += length - 1
    assert whole.cost["zero"].value[layer, head] == pytest.approx(rise / words, rel=1e-4)


def test_one_conversation_alone_cannot_be_resampled():
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(4))
    specimen.evidence = Evidence(specimen.evidence.tokens, specimen.evidence.lengths, np.zeros(4, int))
    result = wl.analyze(specimen, HeadAblation())["head-ablation"]
    assert np.isnan(result.cost["resample"].value).all()
    assert result.cost["resample"].n == 0
    assert result.heads_that_are("needed") == []
    assert "None of 6 heads" in result.summary()


def test_the_claim_has_its_number_and_its_trust(result):
    first = result.summary().splitlines()[0]
    assert first.startswith("2 of 6 heads are needed")
    assert "nats a token [" in first
    assert "too little evidence to trust" in first  # 24 windows of 48 tokens
    assert "Before training 0 were needed." in result.summary()
    (finding,) = result.findings()
    assert finding.trust == "weak"


def test_the_same_seed_gives_the_same_numbers(repeating):
    once, again = (wl.analyze(repeating, HeadAblation(windows=6, seed=3))["head-ablation"] for _ in range(2))
    np.testing.assert_array_equal(once.cost["resample"].value, again.cost["resample"].value)


def test_it_is_saved_and_loaded_and_its_views_can_be_drawn(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    assert again.verdicts == result.verdicts
    for view in again.views():
        encode(view.data)
    assert result.figure() is not None
    assert set(result.to_frame()["quantity"]) == set(result.estimates())


def test_of_too_many_heads_those_that_a_gradient_expects_most_of_are_ablated(repeating, result):
    few = wl.analyze(repeating, HeadAblation(alone=4))["head-ablation"]
    assert few.tried.sum() == 4
    for name in ("previous", "induction"):
        at = HEADS[name]
        assert few.tried[at]
        assert few.cost["zero"].value[at] == pytest.approx(result.cost["zero"].value[at])
    for kind in KINDS:
        assert (np.isfinite(few.cost[kind].value) == few.tried).all()
        assert (np.isfinite(few.q[kind]) == few.tried).all()  # what was not tried is no discovery
    assert few.heads_that_are("not tried") == [f"L{layer}H{head}" for layer, head in np.argwhere(~few.tried)]
    assert few.summary().startswith("2 of 4 heads are needed")
    assert "2 of 6 heads were not tried" in few.summary()
    assert all(few.tried[wl.Head.parse(head)] for pair in few.pairs for head in pair)
    for view in few.views():
        encode(view.data)


def test_which_heads_are_ablated_is_decided_without_the_half_to_measure_on(repeating, monkeypatch):
    seen = []

    def expected(model, tokens, mask, mean):
        seen.append(tokens)
        return estimated_rises(model, tokens, mask, mean)

    monkeypatch.setattr(head_ablation, "estimated_rises", expected)
    wl.analyze(repeating, HeadAblation(alone=4, pairs=0))
    evidence = repeating.evidence
    first = evidence.tokens[first_half(evidence.conversation, 0)]
    assert sorted(seen[0].tolist()) == sorted(first.tolist())


def test_of_chosen_layers_only_their_heads_are_ablated(repeating):
    found = wl.analyze(repeating, HeadAblation(layers="1"))["head-ablation"]
    assert found.tried.tolist() == [[False] * found.tried.shape[1], [True] * found.tried.shape[1]]
    assert "heads of other layers were not tried" in found.summary()


def test_the_estimate_is_the_slope_of_the_loss_towards_the_mean():
    """By differences: z moved a thousandth of the way to its mean, or back, moves the loss by so much of it."""
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(6, shortest=10))
    model = specimen.model.double()
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():  # so that nothing is saturated
        weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64) * 0.05)
    evidence, part = specimen.evidence, 1e-3
    tokens, mask = torch.from_numpy(evidence.tokens), torch.from_numpy(evidence.mask)
    mean = torch.randn(model.cfg.n_layers, 1, 1, model.cfg.n_heads, model.cfg.d_head, generator=generator).double()
    estimate = estimated_rises(model, tokens, mask, mean, rows=4)

    def loss(hooks):
        final = model.run_with_hooks(tokens, fwd_hooks=hooks, stop_at_layer=model.cfg.n_layers)
        return float(summed_losses(model, tokens, mask)(final).sum())

    for layer, head in np.ndindex(estimate.shape):

        def move(z, sign, layer=layer, head=head):
            z = z.clone()
            there = mask[..., None].double()
            z[:, :, head] += sign * part * there * (mean[layer, :, :, head] - z[:, :, head])
            return z

        name = f"blocks.{layer}.attn.hook_z"
        there, back = (loss([(name, lambda z, hook=None, s=sign: move(z, s))]) for sign in (1, -1))
        assert estimate[layer, head] == pytest.approx((there - back) / (2 * part), rel=1e-2, abs=5e-3)
