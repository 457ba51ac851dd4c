"""Twins fine-tuned on two sides: heads differ where the sides do, and not where two groups follow the same law."""

import itertools
from datetime import timedelta

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.comparison import twins as of_twins
from wonderland.comparison.sides import by_contact, by_period, by_speaker, of_two
from wonderland.comparison.twins import GROUPS, twins
from wonderland.comparison.twins_result import Twins
from wonderland.errors import NotEnoughData, UsageError
from wonderland.lab.cohort import Cohort
from wonderland.report.schema import Quoted
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.testing.trained_models import trained_chats

SMALL = {"steps": 15, "rate": 1e-3}


def chats(seed, days=0, kind="planted", conversations=90):
    made = synthetic_chats(conversations, seed=seed)
    made = made if kind == "planted" else getattr(made, kind)()
    return wl.Corpus.of([one._replace(timestamp=one.timestamp + timedelta(days=days)) for one in made.corpus])


def specimen(kind="planted"):
    of = trained_chats(kind)
    return wl.Specimen(of.model, of.tokenizer, chats(77, 9000, kind, 12), windows=40)


@pytest.fixture(scope="module")
def unlike():
    before = specimen()
    weights = {name: weight.clone() for name, weight in before.model.named_parameters()}
    found = twins(before, of_two(chats(0), chats(1, 5000, "scrambled")), **SMALL)
    for name, weight in before.model.named_parameters():
        assert torch.equal(weight, weights[name])  # the model itself is as it was
        assert not weight.requires_grad
    return found


@pytest.mark.slow
def test_sides_of_another_law_move_heads_apart(unlike):
    assert unlike.overall_p == pytest.approx(1 / 35)
    assert float(unlike.overall.low) > 0.02
    assert len(unlike.differing) == 4
    assert unlike.kept.all()
    assert unlike.summary().startswith(
        "The two sides move heads apart: of models fine-tuned on this workspace and on the other"
    )
    assert "more than of two groups of one side (p = 0.029, n=12 conversations)" in unlike.summary()
    np.testing.assert_allclose(unlike.more.value, unlike.across.value - unlike.within.value)


def test_sides_of_the_same_law_do_not():
    same = twins(specimen(), of_two(chats(0), chats(1, 5000)), **SMALL)
    assert same.overall_p > 0.05
    assert same.differing == []
    assert abs(float(same.overall.value)) < 0.01
    assert same.summary().startswith("Nothing shows that the two sides move heads apart: ")
    assert "No head differs more than chance has it" in same.summary()


@pytest.mark.slow
def test_me_and_them_are_read_under_one_mark():
    apart = {
        kind: twins(specimen(kind), by_speaker(chats(3, 0, kind, 180)), **SMALL) for kind in ("planted", "shuffled")
    }
    assert apart["shuffled"].overall_p > 0.05
    assert apart["planted"].overall_p < 0.05


def test_no_conversation_is_in_two_groups_and_groups_are_of_one_side():
    sides = by_speaker(chats(3))
    dealt = of_twins._dealt(sides, np.random.default_rng(0))
    assert [side for side, _ in dealt] == [0] * GROUPS + [1] * GROUPS
    assert not any(np.intersect1d(a, b).size for (_, a), (_, b) in itertools.combinations(dealt, 2))
    messages = [int(np.isin(sides.unit[sides.side == side], units).sum()) for side, units in dealt]
    assert max(messages) < 1.2 * min(messages)


def test_what_a_twin_is_asked_is_what_was_written():
    of = specimen()
    sides = by_speaker(chats(3))
    side, units = of_twins._dealt(sides, np.random.default_rng(0))[-1]
    group = of_twins._laid_out(sides, side, units, of.tokenizer, of.cfg.n_ctx)
    marks = (group.tokens[:, 1:] == 1) | (group.tokens[:, 1:] == 2)
    assert not (group.asked & marks).any()
    assert not (group.tokens == 2).any()  # they are read under the mark of me
    theirs = {message.text for message in sides.messages if not message.is_from_me}
    assert all(text in theirs for text in of.tokenizer.decode(group.tokens[0].tolist()).split("\n") if text in theirs)
    few = group.cut(int(group.asked[:3].sum()))
    assert len(few.tokens) == 3


def test_p_is_that_of_all_ways_to_deal_eight_twins_to_two_sides():
    random = np.random.default_rng(0)
    pairs = list(itertools.combinations(range(8), 2))
    noise = random.normal(0, 0.001, (len(pairs), 2, 2))
    planted = np.array([(a < 4) != (b < 4) for a, b in pairs])
    ways, p = of_twins._null(noise)
    assert len(ways) == 35
    np.testing.assert_allclose(ways.mean(0), 0, atol=1e-12)
    assert (p > 1 / 35).any()
    noise[planted, 1, 0] += 0.1
    _, p = of_twins._null(noise)
    assert p[1, 0] == pytest.approx(1 / 35)
    assert (np.delete(p.ravel(), 2) > 0.05).all()


def test_a_head_that_changed_its_number_is_found_out():
    first = specimen()
    swapped = first.with_model(first.model.untrained())
    swapped.model.load_state_dict(first.model.state_dict())
    with torch.no_grad():
        attn = swapped.model.blocks[1].attn
        for weight in (attn.W_Q, attn.W_K, attn.W_V, attn.W_O, attn.b_Q, attn.b_K, attn.b_V):
            weight.copy_(weight[[1, 0]])
    sums, tokens, kept = of_twins._apart(Cohort("corpora", {"base": first, "a": first, "b": swapped}))
    assert kept.tolist() == [[True, True], [False, False]]
    assert sums.shape[1:] == (1, 2, 2)
    assert (sums[:, 0, 0] < 1e-4).all()  # the first layer is the same in both
    assert (sums[:, 0, 1].sum(0) / tokens.sum() > 0.05).all()


def test_what_cannot_be_compared_is_declined():
    of = specimen()
    with pytest.raises(UsageError, match="between two sides, and these are 3"):
        twins(of, by_period(chats(0, conversations=200), ["2020-02-20", "2020-04-10"]), **SMALL)
    with pytest.raises(NotEnoughData, match="messages, and a side needs 1,000"):
        by_contact(chats(0), ["person 1", "person 2"])
    few = of_two(chats(0), chats(1, 5000))
    few = type(few)(few.names, few.texts, few.side, np.where(few.side, few.unit, 0), few.month, few.of, few.kind)
    with pytest.raises(NotEnoughData, match=r"has 1 conversations of its own, and it takes 4"):
        twins(of, few, **SMALL)


def test_it_comes_back_from_disk_and_names_of_contacts_are_quoted(unlike, tmp_path):
    unlike.save(tmp_path / "kept")
    again = Twins.load(tmp_path / "kept")
    assert again.summary() == unlike.summary()
    (view,) = again.views()
    assert view.figure.series[0].domain[1] > 1  # percent
    assert all(finding.view == view.id for finding in again.findings())
    import dataclasses

    contact = dataclasses.replace(unlike, kind="contact", names=["ann", "bob"])
    assert any(isinstance(part, Quoted) for part in contact._sentence().parts)
