"""Two heads lost together: what is planted in pairs comes out in nats, and heads of separate paths simply add up."""

import itertools

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.evidence import Evidence
from wonderland.lab.halves import first_half
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.truth import random_specimen
from wonderland_circuits import head_ablation, head_pairs
from wonderland_circuits.head_ablation import KINDS, HeadAblation

INDUCTION, UNIFORM = HEADS["induction"], HEADS["uniform"]


def analyse(specimen, **parameters):
    return wl.analyze(specimen, HeadAblation(**{"pair_windows": 24} | parameters))["head-ablation"]


def by_pair(result):
    return {tuple(pair): float(value) for pair, value in zip(result.pairs, result.interaction.value, strict=True)}


@pytest.fixture(scope="module")
def apart(repeating):
    """The same windows, each a conversation of its own."""
    one = repeating.evidence
    return Evidence(one.tokens, one.lengths, np.arange(len(one)))


@pytest.fixture(scope="module")
def result(repeating, apart):
    specimen = wl.Specimen(repeating.model, handwritten_tokenizer(), handwritten_corpus(4))
    specimen.evidence = apart
    return analyse(specimen)


@pytest.fixture(scope="module")
def doubled(apart):
    """The induction head twice, the second where the uniform head was: either is enough."""
    model = handwritten_model()
    attn = model.blocks[1].attn
    with torch.no_grad():
        for weight in (attn.W_Q, attn.W_K, attn.W_V, attn.W_O, attn.b_Q, attn.b_K, attn.b_V):
            weight[UNIFORM[1]] = weight[INDUCTION[1]]
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(4))
    specimen.evidence = apart
    return analyse(specimen)


def test_a_head_and_the_one_that_it_works_through_are_lost_but_once(result):
    """Without the previous-token head induction is at a loss, and so the second costs nothing more."""
    costs = [float(result.cost["mean"].value[HEADS[name]]) for name in ("previous", "induction")]
    both = by_pair(result)["L0H0", "L1H1"]
    assert both < -1
    assert both + sum(costs) == pytest.approx(max(costs), rel=0.05)  # what both cost together is what one costs
    said = "chosen on half of 24 conversations, measured on the rest, q < 0.05): L0H0 and L1H1 −"
    assert said in result.summary()


def test_heads_that_have_nothing_to_do_with_each_other_add_up(result):
    others = {pair: value for pair, value in by_pair(result).items() if pair != ("L0H0", "L1H1")}
    assert len(others) == 14
    assert max(map(abs, others.values())) < 1e-5


def test_two_heads_of_which_one_is_enough_cover_for_each_other(doubled):
    for at in (INDUCTION, UNIFORM):
        assert doubled.cost["mean"].value[at] < 0.1  # nothing is lost without either alone
    pair = doubled.pairs.index(["L1H0", "L1H1"])
    assert doubled.interaction.low[pair] > 1
    assert doubled.pair_q[pair] < 0.05
    assert doubled.summary().count("Back each other up (of") == 1
    assert "q < 0.05): L1H0 and L1H1 " in doubled.summary()
    assert np.isfinite(doubled.pair_q).sum() <= 8


def test_it_is_the_formula_on_any_model():
    """ΔL_ab − ΔL_a − ΔL_b, by runs of the whole model with means put in."""
    specimen = random_specimen()
    found = analyse(specimen, pairs=8, windows=12, pair_windows=12)
    model, evidence = specimen.model, specimen.evidence
    z = torch.cat([batch["z"][:, batch.mask] for batch in specimen.batches("z")], dim=1).mean(
        1
    )  # [layer, head, d_head]

    def loss(half, *out):
        total = 0.0
        for row, length in zip(evidence.tokens[half], evidence.lengths[half], strict=True):
            tokens = torch.from_numpy(row[None, :length])
            of = [[head for layer, head in out if layer == at] for at in range(4)]
            hooks = [(f"blocks.{at}.attn.hook_z", _put(z[at], of[at])) for at in range(4)]
            logits = model.run_with_hooks(tokens, fwd_hooks=hooks).double()
            total += float(torch.nn.functional.cross_entropy(logits[0, :-1], tokens[0, 1:], reduction="sum"))
        return total / float((evidence.lengths[half] - 1).sum())

    names = {str(Head(layer, head)): (layer, head) for layer, head in np.ndindex(4, 6)}
    first = first_half(evidence.conversation, 0)
    for half, values in ((~first, found.interaction.value), (first, found.pair_explored)):
        for (a, b), value in zip(found.pairs, values, strict=True):
            a, b = names[a], names[b]
            assert value == pytest.approx(loss(half, a, b) - loss(half, a) - loss(half, b) + loss(half), abs=2e-5)
    assert np.abs(found.interaction.value).max() > 1e-3


def _put(mean, heads):
    def hook(z, hook=None):
        z = z.clone()
        z[:, :, heads] = mean[heads]
        return z

    return hook


def test_where_there_are_too_many_the_dearest_are_taken_and_it_is_said(repeating):
    some = analyse(repeating, pairs=4)
    alone = np.abs(some.cost["mean"].value)
    sums = {(a, b): alone[a] + alone[b] for a, b in itertools.combinations(np.ndindex(2, 3), 2)}
    dearest = sorted(sums.values())[-4:]
    kept = [tuple((int(name[1]), int(name[3])) for name in pair) for pair in some.pairs]
    assert sorted(sums[pair] for pair in kept) == pytest.approx(dearest)
    assert "Not ablated together: 11 pairs of heads that cost less alone." in some.summary()


@pytest.fixture
def noise(apart, monkeypatch):
    """Return what is said of pairs among noise, given the sign of the noise in each window."""
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(4))
    specimen.evidence = apart
    random = np.random.default_rng(1)
    alone, together = random.standard_normal((24, 2, 3)), random.standard_normal((24, 15))

    def analyse(sign, **parameters):
        def one(specimen, windows, donor, mean, stored, tried):
            return np.ones(len(windows)), dict.fromkeys(KINDS, alone[windows] * sign[windows, None, None])

        def both(specimen, pairs, windows, mean):
            return together[windows][:, : len(pairs)] * sign[windows, None]

        monkeypatch.setattr(head_ablation, "_ablated", one)
        monkeypatch.setattr(head_pairs, "_ablated", both)
        asked = HeadAblation(pair_windows=24, level=1.0, **parameters)
        return wl.analyze(specimen, asked)["head-ablation"]

    return analyse


def chosen_of(result):
    return [pair for pair, q in zip(result.pairs, result.pair_q, strict=True) if np.isfinite(q)]


def test_pairs_are_chosen_on_one_half_and_measured_on_the_other(noise, apart):
    first = first_half(apart.conversation, 0)
    one, mirrored = noise(np.ones(24)), noise(np.where(first, 1, -1))
    assert chosen_of(one) == chosen_of(mirrored)  # the other half has no say
    furthest = np.argsort(-np.abs(one.pair_explored), kind="stable")
    expected = [i for sign in (1, -1) for i in [i for i in furthest if one.pair_explored[i] * sign > 0][:4]]
    assert chosen_of(one) == [one.pairs[i] for i in sorted(expected)]
    np.testing.assert_allclose(one.interaction.value, -mirrored.interaction.value)
    np.testing.assert_allclose(one.pair_explored, mirrored.pair_explored)
    assert (one.interaction.n, one.pair_windows) == (12, 12)
    other = noise(np.where(first, -1, 1))
    np.testing.assert_allclose(one.pair_explored, -other.pair_explored)
    np.testing.assert_allclose(one.interaction.value, other.interaction.value)
    (table,) = (view for view in one.views() if view.id == "head-pairs-table")
    listed = [(row["head"], row["other"]) for row in table.data["rows"]]
    order = np.argsort(-np.abs(one.pair_explored), kind="stable")[:12]
    assert listed == [tuple(one.pairs[i]) for i in order]


def test_of_noise_a_pair_is_named_only_if_the_other_half_says_the_same(noise):
    result = noise(np.ones(24))
    said = "\n".join(line for line in result.summary().splitlines() if "chosen on half" in line)
    values = dict(
        zip(map(tuple, result.pairs), zip(result.pair_explored, result.interaction.value, strict=True), strict=True)
    )
    for pair in chosen_of(result):
        explored, confirmed = values[tuple(pair)]
        assert (" and ".join(pair) in said) == (explored * confirmed > 0)


def test_which_pairs_are_ablated_at_all_is_decided_without_the_half_to_measure_on(noise, apart):
    first = first_half(apart.conversation, 0)
    sign = np.where(first, 1, 0)  # on the other half no head costs anything
    assert noise(np.ones(24), pairs=4).pairs == noise(sign, pairs=4).pairs


def test_none_are_ablated_if_none_are_asked_for(repeating):
    none = analyse(repeating, pairs=0)
    assert none.pairs == []
    assert not any(view.id.startswith("head-pairs") for view in none.views())


def test_heads_that_write_nothing_are_in_no_pair(repeating):
    untrained = wl.analyze(repeating.untrained(), HeadAblation())["head-ablation"]
    assert untrained.pairs == []


def test_planted_interactions_survive_saving_and_are_drawn(doubled, tmp_path):
    doubled.save(tmp_path)
    again = type(doubled).load(tmp_path)
    assert again.summary() == doubled.summary()
    matrix, table = (view for view in again.views() if view.id.startswith("head-pairs"))
    encode(matrix.data)
    encode(table.data)
    values = np.asarray(matrix.data["series"][0]["values"])
    np.testing.assert_array_equal(values, values.T)
    assert np.isnan(np.diag(values)).all()
    assert {table.data["rows"][0]["head"], table.data["rows"][0]["other"]} <= {"L0H0", "L1H0", "L1H1"}
    assert again.cards()[Head(1, 0)][1].title == "Ablated together, beyond the sum"
