"""What replicates over seeds: what was planted in all of them does, what is in some is said to be, and nothing else."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData, Unsupported
from wonderland.testing.trained_models import trained_induction_seeds
from wonderland.views import Key, characters, digits
from wonderland_cohorts.head_matching import HeadMatching
from wonderland_cohorts.layer_similarity import LayerSimilarity, hsic
from wonderland_cohorts.neuron_universality import NeuronUniversality
from wonderland_cohorts.patterns import matched, strangers
from wonderland_cohorts.replication import Replication


@pytest.fixture(scope="module")
def replicated(toys):
    chosen = Replication()
    object.__setattr__(chosen, "uses", ("head-patterns", "induction"))
    parameters = {"induction": {"sequences": 12, "random_sets": 2}, "head-patterns": {"shown": 1}}
    return wl.analyze(toys, chosen, control=True, parameters=parameters)["replication"]


def relabelled(model, order):
    """The same model with its heads in another order in each layer."""
    import copy

    other = copy.deepcopy(model)
    with torch.no_grad():
        for block in other.blocks:
            for weight in (block.attn.W_Q, block.attn.W_K, block.attn.W_V, block.attn.W_O):
                weight.copy_(weight[order])
            for bias in (block.attn.b_Q, block.attn.b_K, block.attn.b_V):
                bias.copy_(bias[order])
    return other


def test_behaviour_holds_in_all_seeds_and_the_textbook_head_in_those_that_have_it(replicated):
    behaviour = "induction: Gain by the order of a repetition, uniform words"
    assert replicated.k_of_n(behaviour) == (3, 3)
    previous = "head-patterns: Attention to the previous token, all conversations: largest over heads"
    assert replicated.k_of_n(previous) == (2, 3)
    assert replicated.holds[previous] == [True, False, True]
    assert not replicated.solid(previous)
    assert replicated.solid(behaviour)


def test_a_claim_must_also_lie_over_its_untrained_twin(replicated, toys):
    untrained = replicated.untrained["induction: Gain by the order of a repetition, uniform words"]
    assert abs(np.asarray(untrained.value)).max() < 0.2
    to_itself = replicated.untrained["head-patterns: Attention to itself, all conversations: largest over heads"]
    assert len(set(np.asarray(to_itself.value))) == 3
    speaker = "head-patterns: Attention to the latest speaker token, all conversations: largest over heads"
    assert replicated.k_of_n(speaker) == (0, 3)


def test_what_is_told_has_k_of_n_and_an_interval(replicated):
    told = replicated.summary()
    assert "Holds in 2 of 3 seeds [9.4%, 99%]: " in told
    assert "over seeds and sequences" in told
    assert replicated.replications()["induction: Gain by the order of a repetition, uniform words"].k == 3
    ids = {view.id for view in replicated.views()}
    assert all(not finding.view or finding.view in ids for finding in replicated.findings())


def test_each_model_is_selected_by_its_bar_and_has_a_card_with_its_numbers(replicated):
    bars = replicated.views()[1].figure.panels[0].figure
    cards = {str(key): blocks for key, blocks in replicated.cards().items()}
    assert {str(key) for key in bars.keys if key is not None} <= set(cards)
    assert list(bars.keys[-2:]) == [None, None]  # the means are of no model
    (first, one), key = next(iter(replicated.values.items())), str(bars.keys[0])
    row = next(row for row in cards[key][0].rows if str(row.label).startswith(first.split(": ", 1)[1]))
    assert row.value.value == float(one[0].value)


def test_two_seeds_have_k_of_n_and_no_interval():
    chosen = Replication()
    object.__setattr__(chosen, "uses", ("head-patterns",))
    result = wl.analyze(trained_induction_seeds(2, 20), chosen)["replication"]
    assert "With fewer than 3 seeds there is no interval over seeds." in result.summary()
    assert not any(finding.trust == "solid" for finding in result.findings())
    assert result.views()


def test_a_claim_on_few_conversations_holds_in_no_seed_and_is_not_solid(drawn):
    first = drawn.members["0"]
    few = [row[:length].tolist() for row, length in zip(first.evidence.tokens, first.evidence.lengths, strict=True)]
    one = wl.Specimen.of_tokens(first.model, first.tokenizer, few, conversation=[i % 3 for i in range(len(few))])
    cohort = wl.Cohort("seeds", {name: one.with_model(member.model) for name, member in drawn.members.items()})
    chosen = Replication()
    object.__setattr__(chosen, "uses", ("attention-entropy",))
    result = wl.analyze(cohort, chosen)["replication"]
    assert result.holds
    assert any(both.above_chance for both in result.over_both.values())  # and yet
    assert not any(any(held) for held in result.holds.values())
    assert not any(result.solid(claim) for claim in result.holds)


def test_relabelled_heads_are_matched_with_themselves(toys):
    first = toys.members["seed-0"]
    order = [2, 0, 3, 1]
    cohort = wl.Cohort("seeds", {"a": first, "b": first.with_model(relabelled(first.model, order))})
    result = wl.analyze(cohort, HeadMatching(permutations=5))["head-matching"]
    for layer in range(2):
        assert [result.match(Head(layer, old), 1) for old in order] == [Head(layer, new) for new in range(4)]
    np.testing.assert_allclose(result.score.value, 1, atol=1e-6)
    assert result.kappa == pytest.approx(1)
    assert result.gain_over_index > 0.3
    assert len(result.replicating) == 8


def test_heads_of_two_textbook_seeds_come_back_and_those_of_untrained_twins_do_not(toys):
    pair = wl.Cohort("seeds", {name: toys.members[name] for name in ("seed-0", "seed-2")})
    result = wl.analyze(pair, HeadMatching(permutations=19), control=True)["head-matching"]
    assert result.came_back(Head(0, 3)) == 1  # the head that looks at the previous token
    assert result.mean.low > result.null_mean[1]
    assert len(result.control.replicating) <= 1
    assert float(result.control.mean.value) < 0.05
    (matrix, graph, *_), models = result.views(), {str(Key.of(key)) for key in result.cards()}
    nodes = graph.figure.nodes
    assert {str(node.select) for node in nodes} == {*(f"head:{h}" for h in result._heads()), "model:seed-2"} <= models
    assert matrix.figure.links == "row"


def test_windows_stand_in_for_those_of_other_conversations():
    conversation = np.repeat(np.arange(6), 4)
    order = strangers(conversation, np.random.default_rng(0))
    assert sorted(order) == list(range(24))
    assert (conversation[order] != conversation).all()


def test_a_match_has_the_largest_sum_and_stays_in_its_group():
    similar = np.array([[0.9, 0.8, 5.0], [0.8, 0.1, 5.0], [5.0, 5.0, 0.0]])
    assert matched(similar, [np.array([0, 1]), np.array([2])]).tolist() == [1, 0, 2]


def test_hsic_is_that_of_the_formula_and_nothing_between_strangers():
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(12, 5, generator=generator).double() for _ in range(2))
    grams = [x @ x.T for x in (one, other)]
    for gram in grams:
        gram.fill_diagonal_(0)
    k, g, m = *grams, 12
    ones = torch.ones(m, dtype=torch.float64)
    by_hand = (torch.trace(k @ g) + (ones @ k @ ones) * (ones @ g @ ones) / ((m - 1) * (m - 2))
               - 2 / (m - 2) * (ones @ k @ g @ ones)) / (m * (m - 3))  # fmt: skip
    assert hsic(one @ one.T, other @ other.T) == pytest.approx(float(by_hand))
    many = torch.randn(2, 400, 12, 30, generator=generator).double()
    apart = hsic(many[0] @ many[0].mT, many[1] @ many[1].mT)
    assert abs(float(apart.mean())) < 3 * float(apart.std()) / 20  # unbiased: 0 on average, however wide the rows


def test_layers_are_alike_up_to_rotation_and_strangers_are_not(toys):
    result = wl.analyze(toys, LayerSimilarity(batches=12), control=True)["layer-similarity"]
    grid = np.asarray(result.cka.value)
    np.testing.assert_allclose(np.diagonal(grid), 1, atol=1e-6)
    np.testing.assert_allclose(grid, grid.T, atol=1e-6)
    assert abs(np.asarray(result.cka.chance)).max() < 0.1
    assert result.same_layer > result.other_layer
    assert result.same_layer > result.control.same_layer
    assert (np.asarray(result.cka.low) <= grid + 1e-9).all()
    assert float(result.anchored.low) <= 1 / result.tokens <= float(result.anchored.high)  # nothing in common here
    (view,), cards = result.views(), result.cards()
    assert [str(key) for key in view.figure.keys] == [f"model:{name}" for name in result.members for _ in range(2)]
    assert list(cards) == list(dict.fromkeys(view.figure.keys))
    among = grid.reshape(3, 2, 3, 2)
    mean = np.mean([among[1, layer, other, layer] for other in (0, 2) for layer in range(2)])
    assert characters(cards[view.figure.keys[2]][0].rows[0].value) == f"{digits(mean)}, n=4 pairs of layers"
    none = replace(result, cka=result.cka.map(lambda part: part * np.nan, dims=()))
    assert {characters(blocks[0].rows[0].value) for blocks in none.cards().values()} == {"unknown"}


def test_the_jackknife_leaves_one_conversation_out(toys):
    from wonderland_cohorts.layer_similarity import _all_pairs

    grams = torch.randn(3, 2, 9, 4, generator=torch.Generator().manual_seed(1)).double()
    grams = grams @ grams.mT
    _, without = _all_pairs(grams)
    kept = [0, 1, 2, 3, 5, 6, 7, 8]
    again, _ = _all_pairs(grams[:, :, kept][:, :, :, kept])
    np.testing.assert_allclose(without[4], again)


def test_the_same_neurons_are_universal_and_drawn_ones_are_not(drawn):
    one = drawn.members["0"]
    copies = wl.Cohort("seeds", {"a": one, "b": one.with_model(one.model)})
    same = wl.analyze(copies, NeuronUniversality())["neuron-universality"]
    np.testing.assert_allclose(same.raw, 1, atol=1e-4)
    assert float(same.overall.value) > 0.2
    apart = wl.analyze(drawn, NeuronUniversality())["neuron-universality"]
    assert float(apart.overall.value) < 0.05
    assert apart.views()


def test_a_model_without_mlps_and_too_few_conversations_are_declined(toys, drawn):
    with pytest.raises(Unsupported, match="no activation 'post'"):
        wl.analyze(toys, NeuronUniversality())
    few = drawn.members["0"].evidence.rows(slice(0, 4))

    one = wl.Specimen.of_tokens(
        drawn.members["0"].model, drawn.members["0"].tokenizer, few.tokens.tolist(), conversation=[0, 0, 1, 1]
    )
    small = wl.Cohort("seeds", {"a": one, "b": one.with_model(drawn.members["1"].model)})
    for analysis in (HeadMatching(), LayerSimilarity(), NeuronUniversality()):
        with pytest.raises(NotEnoughData):
            wl.analyze(small, analysis)


def test_labels_that_hardly_any_head_has_are_not_said_to_agree(toys):
    import dataclasses

    pair = wl.Cohort("seeds", {name: toys.members[name] for name in ("seed-0", "seed-2")})
    result = wl.analyze(pair, HeadMatching(permutations=5))["head-matching"]
    dull = dataclasses.replace(result, roles=[["none"] * 2] * 8, kappa=-0.01, kappa_null=[-0.01] * 20)
    assert "Roles cannot be compared: too few heads have one" in dull.summary()
    by_chance = dataclasses.replace(dull, kappa_null=[-0.1, 0.0, 0.1])
    assert "are not shown to agree more than by chance: Fleiss' κ = −0.010" in by_chance.summary()
    beyond = dataclasses.replace(dull, kappa=0.8, kappa_null=[0.0, 0.1] * 20)
    assert "Labels of matched heads agree more than chance has it: Fleiss' κ = 0.80" in beyond.summary()
    found, total = len(result.replicating), 8
    assert re.match(rf"{found} of {total} heads \[\d+%, \d+%\] of seed-0 have come back", result.summary())
