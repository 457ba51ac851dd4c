"""Two bodies of messages: what was exchanged is found and leads, the same law is not apart, and little is refused."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import wonderland as wl
from wonderland.comparison.comparison import Comparison, compare
from wonderland.comparison.sides import by_contact, by_period, by_speaker, of_two
from wonderland.comparison.trigram import numbered
from wonderland.errors import InputError, NotEnoughData, UsageError
from wonderland.model.baselines import ngram_probabilities
from wonderland.report.schema import Quoted
from wonderland.testing.synthetic_chats import exchanged_divergence, synthetic_chats

SELDOM, MOSTLY = 1 / 7, 6 / 7


def chats(seed, days=0, exchanged=0.0, conversations=90):
    messages = synthetic_chats(conversations, seed=seed, exchanged=exchanged).corpus
    later = timedelta(days=days)
    return wl.Corpus.of([one._replace(timestamp=one.timestamp + later) for one in messages])


@pytest.fixture(scope="module")
def apart():
    return compare(of_two(chats(0), chats(1, 5000, exchanged=1.0)), permutations=39, halvings=1)


def test_fast_trigrams_are_those_of_the_baselines():
    random = np.random.default_rng(0)
    messages = [list(random.integers(5, 12, random.integers(1, 9))) for _ in range(40)]
    tokens = numbered(messages, 3, 12)
    counted = np.flatnonzero(tokens.message < 25)
    rows = [np.array([3, *one, 3]) for one in messages]
    expected = ngram_probabilities(rows[:25], rows[25:], 12)["trigram"]
    found = tokens.log_probabilities(counted)[tokens.trigram[tokens.message >= 25]]
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-9)


def test_two_answers_exchanged_are_found_and_the_changed_places_lead(apart):
    assert float(apart.d.value[0]) > 0.05
    assert float(apart.d.low[0]) > np.quantile(apart.null[0], 0.975)
    assert apart.p[0] == pytest.approx(1 / 40)
    assert sorted(word.strip() for word in apart.words[:2]) == ["outside", "upstairs"]
    assert sorted(word.strip() for word in apart.telling) == ["outside", "upstairs"]
    assert "outside" in apart.summary()


def many(seed, exchanged):
    return chats(seed, 9000 * seed, exchanged, conversations=360)


@pytest.fixture(scope="module")
def known():
    """D of chats whose law is known: two answers exchanged in one of seven cases, and in six of seven."""
    return compare(of_two(many(0, SELDOM), many(1, MOSTLY)), permutations=0, halvings=1)


def test_d_is_that_of_the_planted_law(known):
    theory = exchanged_divergence(SELDOM, MOSTLY)
    assert theory == pytest.approx(0.026, abs=5e-4)
    assert float(known.d.value[0]) == pytest.approx(theory, abs=0.002)
    assert known.d.low[0] < theory < known.d.high[0]
    assert known.d.high[0] - known.d.low[0] < 0.008


def test_the_changed_places_make_all_of_d(known):
    assert sorted(word.strip() for word in known.words[:2]) == ["outside", "upstairs"]
    assert known.shares[:2].sum() == pytest.approx(float(known.d.value[0]), abs=0.003)
    assert known.shares[2] < 0.1 * known.shares[1]


@pytest.mark.slow
def test_of_the_same_law_with_another_seed_d_is_no_more_than_three_thousandths():
    same = compare(of_two(many(0, SELDOM), many(1, SELDOM)), permutations=0, halvings=1)
    assert exchanged_divergence(SELDOM, SELDOM) == 0
    assert abs(float(same.d.value[0])) <= 0.003
    assert same.d.low[0] < 0 < same.d.high[0]


@pytest.mark.slow
def test_answers_that_never_come_have_no_d_of_their_own_but_one_that_grows_with_the_messages():
    """What was never said has as small a probability as the count allows: then D tells of sizes as well."""
    assert np.isinf(exchanged_divergence(0, 1))
    few, more = (
        compare(of_two(chats(0, 0, 0, n), chats(1, 5000, 1.0, n)), permutations=0, halvings=1).d.value[0]
        for n in (45, 180)
    )
    assert more > 1.3 * few


def test_chats_of_the_same_law_are_not_apart():
    same = compare(of_two(chats(0), chats(1, 5000)), permutations=39, halvings=1)
    assert abs(float(same.d.value[0])) < 0.01
    assert same.p[0] > 0.05
    assert same.telling == []
    assert abs(same.null.mean()) < 0.002


def test_halves_drawn_jointly_do_not_leak():
    """Me and them share every conversation; with speakers dealt out at random, D is 0 and not below."""
    shuffled = synthetic_chats(90).shuffled().corpus
    result = compare(by_speaker(shuffled), permutations=39, halvings=1)
    assert abs(float(result.d.value[0])) < 0.01
    assert abs(result.null.mean()) < 0.005
    planted = compare(by_speaker(synthetic_chats(90).corpus), permutations=39, halvings=1)
    assert planted.p[0] == pytest.approx(1 / 40)
    assert planted.telling


def test_the_cross_losses_make_d(apart):
    (cross,) = apart.cross
    d = ((cross[0, 1] - cross[1, 1]) + (cross[1, 0] - cross[0, 0])) / 2
    assert d == pytest.approx(float(apart.d.value[0]))


def test_periods_are_cut_where_they_are_said_to_be():
    sides = by_period(chats(0, conversations=100), ["2020-02-20"])
    assert sides.names == ("before 2020-02-20", "since 2020-02-20")
    assert (np.bincount(sides.side) > 1000).all()
    first = sides.month[sides.side == 0].max()
    assert first == 2020 * 12 + 1
    with pytest.raises(UsageError, match="is no day"):
        by_period(chats(0), ["someday"])
    with pytest.raises(UsageError, match="in order"):
        by_period(chats(0), ["2021-01-01", "2020-01-01"])


def test_messages_without_a_time_are_of_no_period_and_are_counted():
    messages = list(chats(0, conversations=100))
    some = wl.Corpus.of([*messages[:-40], *(one._replace(timestamp=None) for one in messages[-40:])])
    sides = by_period(some, ["2020-02-18"])
    assert dict(sides.left_out) == {"without a time": 40}
    assert len(sides.texts) == len(messages) - 40
    assert "Left out are 40 messages without a time." in compare(sides, permutations=2, halvings=1).summary()
    with pytest.raises(NotEnoughData, match=r"'since 2020-03-20' has .* Left out are 40 messages without a time\."):
        by_period(some, ["2020-03-20"])
    never = wl.Corpus.of([one._replace(timestamp=None) for one in messages])
    with pytest.raises(NotEnoughData, match="None of the 2,400 messages has a time"):
        by_period(never, ["2020-02-18"])


def test_a_conversation_with_two_of_the_contacts_is_of_neither_and_is_counted():
    begin = datetime(2021, 1, 1, tzinfo=UTC)
    rows = [("ann", "with ann"), ("bob", "with bob")] * 1000 + [("ann", "all three"), ("bob", "all three")] * 30
    corpus = wl.Corpus.of(
        [
            wl.Message(str(i), thread, who, False, begin + timedelta(hours=i), f"word {i % 7}")
            for i, (who, thread) in enumerate(rows)
        ]
    )
    sides = by_contact(corpus, ["ann", "bob"])
    assert np.bincount(sides.side).tolist() == [1000, 1000]
    assert dict(sides.left_out) == {"of conversations with more than one of them": 60}


def test_a_side_of_few_messages_is_declined():
    with pytest.raises(NotEnoughData, match=r"24 messages, and a side needs 1,000. It would be an identity card"):
        by_contact(chats(0), ["person 1", "person 2"])
    with pytest.raises(NotEnoughData, match="So few say nothing of a style"):
        by_period(chats(0), ["2020-01-03"])


def test_corpora_that_share_conversations_are_declined():
    with pytest.raises(InputError, match="messages in common"):
        of_two(chats(0), chats(0))


def test_contacts_must_be_there_and_be_two():
    with pytest.raises(UsageError, match="no contact 'nobody'"):
        by_contact(chats(0), ["person 1", "nobody"])
    with pytest.raises(UsageError, match="two or more"):
        by_contact(chats(0), ["person 1"])


def test_contacts_are_compared_by_days_and_their_words_never_leave_a_redacted_page(tmp_path):
    begin = datetime(2021, 1, 1, tzinfo=UTC)
    random = np.random.default_rng(0)
    words = np.array(["rain", "again", "maybe", "later", "fine", "sure", "home", "soon", "work", "today"])
    messages = []
    for who, odd in (("ann", "cheerio"), ("bob", "goodbye"), ("cy", "cheerio")):
        for i in range(1100):
            text = " ".join([*random.choice(words, 3), *([odd] if i % 3 == 0 else [])])
            messages.append(
                wl.Message(
                    f"{who}{i}",
                    f"with {who}",
                    "me" if i % 2 else who,
                    bool(i % 2),
                    begin + timedelta(hours=6 * i),
                    text,
                )
            )
    sides = by_contact(wl.Corpus.of(messages), ["ann", "bob", "cy"])
    assert sides.of == "days of conversations"
    result = compare(sides, permutations=39, halvings=1)
    assert len(result.pairs) == 3
    assert result.d.value.argmin() == result.pairs.index([0, 2])  # ann and cy write alike
    assert (result.q < 0.05).tolist() == [True, False, True]
    assert {word.strip() for word in result.telling} >= {"cheerio", "goodbye"} or "good" in result.summary()
    cell = result.views()[2].figure.rows[0][0]
    assert isinstance(cell, Quoted)
    assert cell.source == "message"
    result.save(tmp_path / "kept")
    assert Comparison.load(tmp_path / "kept").summary() == result.summary()
