"""Two heads lost together: what is planted in pairs comes out in nats, and heads of separate paths simply add up."""

import itertools

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.truth import random_specimen
from wonderland_circuits.head_ablation import HeadAblation

INDUCTION, UNIFORM = HEADS["induction"], HEADS["uniform"]


def analyse(specimen, **parameters):
    return wl.analyze(specimen, HeadAblation(**{"pair_windows": 24} | parameters))["head-ablation"]


def by_pair(result):
    return {tuple(pair): float(value) for pair, value in zip(result.pairs, result.interaction.value, strict=True)}


@pytest.fixture(scope="module")
def result(repeating):
    return analyse(repeating)


@pytest.fixture(scope="module")
def doubled(repeating):
    """The induction head twice, the second where the uniform head was: either is enough."""
    model = handwritten_model()
    attn = model.blocks[1].attn
    with torch.no_grad():
        for weight in (attn.W_Q, attn.W_K, attn.W_V, attn.W_O, attn.b_Q, attn.b_K, attn.b_V):
            weight[UNIFORM[1]] = weight[INDUCTION[1]]
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(4))
    specimen.evidence = repeating.evidence
    return analyse(specimen)


def test_a_head_and_the_one_that_it_works_through_are_lost_but_once(result):
    """Without the previous-token head induction is at a loss, and so the second costs nothing more."""
    costs = [float(result.cost["mean"].value[HEADS[name]]) for name in ("previous", "induction")]
    both = by_pair(result)["L0H0", "L1H1"]
    assert both < -1
    assert both + sum(costs) == pytest.approx(max(costs), rel=0.05)  # what both cost together is what one costs
    assert "Work through each other (q < 0.05, 15 pairs): L0H0 and L1H1 -" in result.summary()


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
    assert "Back each other up (q < 0.05, 15 pairs): L1H0 and L1H1 +" in doubled.summary()


def test_it_is_the_formula_on_any_model():
    """ΔL_ab − ΔL_a − ΔL_b, by runs of the whole model with means put in."""
    specimen = random_specimen()
    found = analyse(specimen, pairs=8, windows=12, pair_windows=12)
    model, evidence = specimen.model, specimen.evidence
    z = torch.cat([batch["z"][:, batch.mask] for batch in specimen.batches("z")], dim=1).mean(
        1
    )  # [layer, head, d_head]

    def loss(*out):
        total = 0.0
        for row, length in zip(evidence.tokens, evidence.lengths, strict=True):
            tokens = torch.from_numpy(row[None, :length])
            of = [[head for layer, head in out if layer == at] for at in range(4)]
            hooks = [(f"blocks.{at}.attn.hook_z", _put(z[at], of[at])) for at in range(4)]
            logits = model.run_with_hooks(tokens, fwd_hooks=hooks).double()
            total += float(torch.nn.functional.cross_entropy(logits[0, :-1], tokens[0, 1:], reduction="sum"))
        return total / float((evidence.lengths - 1).sum())

    names = {str(Head(layer, head)): (layer, head) for layer, head in np.ndindex(4, 6)}
    for (a, b), value in by_pair(found).items():
        a, b = names[a], names[b]
        assert value == pytest.approx(loss(a, b) - loss(a) - loss(b) + loss(), abs=2e-5)
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
