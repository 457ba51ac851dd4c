"""Filters may rewrite what stays, repeats can be capped, canaries put in; each message is accounted for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wonderland.corpus import screens, scrubbing
from wonderland.corpus.canaries import Canary, draw, inserted, with_canaries
from wonderland.corpus.common_words import shared_words
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.filters import Filter, scrub, secrets_in
from wonderland.corpus.messages import Message
from wonderland.corpus.scrubbing import find_secrets
from wonderland.errors import NotEnoughData, UsageError
from wonderland.tokenizer import SpeakerTokenizer

PIECES = [
    "4821",
    "the code is ",
    "ann@example.test",
    " call ",
    "+44 20 7946 0958",
    "www.",
    "WWW.x.test/?key=1",
    "٤",
    "½",
    "é",
]


def corpus(*texts, senders=None):
    senders = senders or ["me"] * len(texts)
    rows = enumerate(zip(texts, senders, strict=True))
    return Corpus.of([Message(str(i), f"t{who}", who, who == "me", None, text) for i, (text, who) in rows])


def test_scrubbing_rewrites_what_stays_and_the_ledger_counts_it():
    found = corpus("the gate code is 4821", "nothing here", "mail a@b.test and c@d.test").filter("scrub")
    assert found.texts == ["the gate code is [code]", "nothing here", "mail [email] and [email]"]
    assert found.ledger.facts["Rewritten by scrub"] == {"messages": 2, "code": 1, "email": 2}
    assert found.ledger.kept == 3
    assert [message.id for message in found] == ["0", "1", "2"]
    assert secrets_in(found.table) == {}


def test_scrubbing_again_changes_nothing():
    once = corpus("the gate code is 4821").filter("scrub")
    assert once.filter("scrub").texts == once.texts


def test_the_country_says_which_numbers_count():
    one = corpus("call (801) 422-4636 later")
    assert one.filter(scrub()).texts == one.texts
    assert one.filter(scrub("us")).texts == ["call [phone] later"]
    assert (secrets_in(one.table), secrets_in(one.table, "US")) == ({}, {"phone": 1})
    with pytest.raises(UsageError, match="Atlantis"):
        one.filter(scrub("Atlantis"))


def test_filters_drop_before_they_rewrite_and_rewrite_one_after_another():
    drop = Filter("drop", lambda message: "long" if "z" in message.text else None)
    first = Filter("first", lambda message: None, rewrite=lambda message: (message.text.replace("a", "z"), ["a"]))
    second = Filter("second", lambda message: None, rewrite=lambda message: (message.text + "!", []))
    found = corpus("ab", "cz", "d").filter(first, drop, second)
    assert found.texts == ["zb!", "d!"]
    assert found.ledger.count("drop") == 1
    assert found.ledger.facts["Rewritten by first"] == {"messages": 1, "a": 1}
    assert found.ledger.facts["Rewritten by second"] == {"messages": 2}


def test_a_message_that_is_rewritten_to_itself_is_not_counted():
    same = Filter("same", lambda message: None, rewrite=lambda message: (message.text, ["nothing"]))
    assert "Rewritten by same" not in corpus("a").filter(same).ledger.facts


@given(st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(max_size=30))
def test_the_screen_lets_every_secret_through(text):
    if find_secrets(text.encode("utf-8", "replace").decode(), "US"):
        assert screens.secrets(corpus(text).table)[0]


def test_of_long_messages_that_say_the_same_the_first_stay():
    long = "see you all at the same place"
    found = corpus(long, "ok", long.upper(), "ok", f" {long}  ", "ok").cap_repeats(2)
    assert found.texts == [long, "ok", long.upper(), "ok", "ok"]
    assert found.ledger.count("repeats") == 1
    assert len(corpus(long, long).cap_repeats(5)) == 2
    with pytest.raises(UsageError):
        corpus(long).cap_repeats(0)


def test_canaries_are_put_in_as_often_as_they_say_and_accounted_for():
    before = corpus(*"abcdefgh")
    after = inserted(before, [Canary("the code is 111111", 3), Canary("the code is 222222", 0)], seed=1)
    assert after.texts.count("the code is 111111") == 3
    assert "the code is 222222" not in after.texts
    assert [text for text in after.texts if len(text) == 1] == before.texts
    assert after.ledger.facts["Put in on purpose"] == {"canaries": 3}
    assert after.ledger.kept == len(after) == 11
    assert len(after.thread_starts) == len(before.thread_starts)
    with pytest.raises(NotEnoughData):
        inserted(corpus(), [Canary("x", 1)])


def test_canaries_follow_from_the_seed_and_about_half_are_put_in():
    some = draw(400, seed=5)
    assert some == draw(400, seed=5)
    assert some != draw(400, seed=6)
    assert len({one.text for one in some}) == 400
    assert 160 < sum(one.times for one in some) < 240
    assert all(len(find_secrets(one.text)) == 1 for one in some)
    assert with_canaries(corpus("a"), 0).texts == ["a"]
    assert len(with_canaries(corpus("a"), 40, 2)) == 1 + sum(one.times for one in draw(40, 2))


def test_words_of_few_contacts_are_not_learned_as_tokens():
    people = [f"P{i}" for i in range(6)]
    texts = [f"hello everybody {'Zanzibarovich ' * 20}" if who == "P0" else "hello everybody" for who in people]
    one = corpus(*texts * 4, senders=people * 4)
    assert " Zanzibarovich" in SpeakerTokenizer.train(one, 320).pieces(range(320))
    shared = SpeakerTokenizer.train(one, 320, contacts=5)
    pieces = shared.pieces(range(shared.vocab_size))
    assert not [piece for piece in pieces if "anz" in piece]
    assert " everybody" in pieces
    assert shared.decode(shared.encode(" Zanzibarovich")) == " Zanzibarovich"


def test_the_owner_is_no_contact_and_too_few_contacts_are_said():
    one = corpus("secret word", "other word", senders=["me", "P1"])
    assert list(shared_words(one, 1)) == [" word", " other word"]
    with pytest.raises(NotEnoughData, match="there are 1"):
        SpeakerTokenizer.train(one, 300, contacts=2)
    with pytest.raises(UsageError, match="do not say who"):
        SpeakerTokenizer.train(["a b"], 300, contacts=2)


def test_conversations_are_chosen_by_number():
    one = corpus("a", "b", "c", senders=["P1", "P2", "P1"])
    chosen = np.array([False, True])
    assert one.of_conversations(chosen).texts == [one.texts[2]]
    assert one.of_conversations(chosen).ledger.count("conversations") == 2


def test_a_number_that_begins_in_a_private_link_leaves_no_end_behind():
    assert scrubbing.scrubbed("see https://x.com/a?key=+44 20 7946 0958 later")[0] == "see [link] later"
