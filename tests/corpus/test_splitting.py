"""Who is in which part: nobody in both by contact, as many as possible with five conversations in both within them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wonderland as wl
from wonderland.corpus.splitting import EACH, held_out_messages

CONVERSATIONS = st.lists(
    st.tuples(st.integers(1, 20), st.frozensets(st.sampled_from("abcdefghij"), max_size=3)), min_size=1, max_size=60
)


def split(conversations, share, by, seed=0):
    lengths, people = zip(*conversations, strict=True)
    return held_out_messages(np.array(lengths), lambda: people, share, by, seed)


def chosen(conversations, mask):
    """Return which conversations are held out, [conversation]; all messages of one are on the same side."""
    starts = np.cumsum([0, *(length for length, _ in conversations)])
    parts = [mask[a:b] for a, b in itertools.pairwise(starts)]
    assert all(part.all() or not part.any() for part in parts)
    return np.array([part.all() for part in parts])


@given(CONVERSATIONS, st.floats(0.05, 0.5), st.integers(0, 9))
def test_by_contact_nobody_is_in_both_parts(conversations, share, seed):
    mask = split(conversations, share, "contact", seed)
    held = chosen(conversations, mask)
    people = [
        {name for (_, who), h in zip(conversations, held, strict=True) if h == side for name in who} for side in (0, 1)
    ]
    assert not people[0] & people[1]
    assert mask.sum() <= 1.5 * share * len(mask)


@given(CONVERSATIONS, st.floats(0.05, 0.5), st.integers(0, 9))
def test_within_contacts_whole_conversations_are_held_out_up_to_the_share(conversations, share, seed):
    mask = split(conversations, share, "within-contacts", seed)
    held = chosen(conversations, mask)
    assert mask.sum() <= 1.5 * share * len(mask)
    many = {who for _, who in conversations if sum(other == who for _, other in conversations) >= 2 * EACH}
    for who in many:
        own = [h for (_, other), h in zip(conversations, held, strict=True) if other == who]
        assert not sum(own) or (sum(own) >= EACH and len(own) - sum(own) >= EACH)


def test_within_contacts_holds_out_five_of_each_who_has_ten_where_chance_would_not():
    conversations = [(10, frozenset({f"P{i % 20:03}"})) for i in range(20 * 12)] + [(10, frozenset({"Q"}))] * 9
    within = chosen(conversations, split(conversations, 0.45, "within-contacts"))
    chance = chosen(conversations, split(conversations, 0.45, "conversation"))

    def both(held):
        names = np.array([min(who) for _, who in conversations])
        counts = [(held[names == name].sum(), (~held[names == name]).sum()) for name in np.unique(names)]
        return sum(min(pair) >= EACH for pair in counts)

    assert both(within) == both(chosen(conversations, split(conversations, 0.9, "within-contacts"))) == 20
    assert both(chance) < 18
    few = chosen(conversations, split(conversations, 0.1, "within-contacts"))
    assert both(few) == 0.1 * len(conversations) // EACH
    assert few[-9:].sum() + few[:-9].sum() <= 0.1 * len(conversations) + 1


def test_by_contact_those_who_meet_in_a_group_stay_together():
    pairs = [(10, frozenset({name})) for name in "abcdefghij" for _ in range(2)]
    for seed in range(20):
        held = chosen([*pairs, (10, frozenset("ab"))], split([*pairs, (10, frozenset("ab"))], 0.3, "contact", seed))
        assert len({*held[:4].tolist(), bool(held[-1])}) == 1


def test_a_corpus_tells_who_wrote_in_each_conversation_and_i_am_nobody_to_hold_out():
    rows = [
        wl.Message(f"{thread}-{i}", f"t{thread:02}", "me" if i % 2 else f"P{thread // 2:03}", bool(i % 2), None, "x")
        for thread in range(40)
        for i in range(4)
    ]
    train, held_out = wl.Corpus.of(rows).split(0.2, by="contact")
    people = [{m.sender for m in part} for part in (train, held_out)]
    assert people[0] & people[1] == {"me"}
    assert len(held_out) == 32


@pytest.mark.parametrize("by", ["contact", "within-contacts"])
def test_the_seed_decides(by):
    conversations = [(5, frozenset({f"P{i % 15:03}"})) for i in range(180)]
    first = split(conversations, 0.3, by, seed=1)
    assert (split(conversations, 0.3, by, seed=1) == first).all()
    assert (split(conversations, 0.3, by, seed=2) != first).any()
