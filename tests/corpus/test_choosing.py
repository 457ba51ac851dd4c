"""Times and people are chosen, and every message that goes has a line in the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.errors import UsageError

DAY = datetime(2024, 5, 6, tzinfo=UTC)


@pytest.fixture(params=["tagged", "untagged"])
def corpus(request):
    """Ada alone with me, Bo alone with me, and a group of all three and Cem, which its store calls a group or not."""
    rows = [
        ("ada", "Ada", 0), ("ada", "me", 1), ("bo", "Bo", 2), ("bo", "me", 3),
        ("all", "Ada", 4), ("all", "Bo", 5), ("all", "me", 6), ("all", "Cem", None),
    ]  # fmt: skip
    return Corpus.of(
        [
            Message(
                str(number),
                thread,
                sender,
                sender == "me",
                None if day is None else DAY + timedelta(days=day),
                "x",
                tags=("group",) if thread == "all" and request.param == "tagged" else (),
            )
            for number, (thread, sender, day) in enumerate(rows)
        ]
    )


def ids(corpus):
    return {int(message.id) for message in corpus}


def reasons(corpus):
    return {(entry.stage, entry.reason): entry.count for entry in corpus.ledger.entries}


@pytest.mark.parametrize("since", ["2024-05-08", date(2024, 5, 8), datetime(2024, 5, 8), DAY + timedelta(days=2)])
def test_from_a_day_on_and_before_another(corpus, since):
    chosen = corpus.between(since, "2024-05-11T00:00+00:00")
    assert ids(chosen) == {2, 3, 4}
    assert reasons(chosen) == {("dates", "before"): 2, ("dates", "after"): 2, ("dates", "without a time"): 1}


def test_a_zone_counts(corpus):
    there = timezone(timedelta(hours=3))
    assert ids(corpus.between(datetime(2024, 5, 8, 3, tzinfo=there))) == {2, 3, 4, 5, 6}
    assert ids(corpus.between(datetime(2024, 5, 8, 3, 0, 1, tzinfo=there))) == {3, 4, 5, 6}


def test_one_end_is_enough_and_none_is_everything(corpus):
    assert ids(corpus.between(until="2024-05-07")) == {0}
    assert corpus.between() is corpus
    with pytest.raises(UsageError, match="since is 'yesterday', which is no date"):
        corpus.between("yesterday")


def test_days_the_wrong_way_round_are_refused(corpus):
    for since, until in (("2024-05-09", "2024-05-08"), ("2024-05-09", "2024-05-09")):
        with pytest.raises(UsageError, match="from 2024-05-09 00:00 on and before") as error:
            corpus.between(since, until)
        assert "--until a later day than --since" in error.value.hint


def test_conversations_in_which_somebody_wrote(corpus):
    chosen = corpus.of_people("Ada")
    assert ids(chosen) == {0, 1, 4, 5, 6, 7}
    assert reasons(chosen) == {("people", "conversation without the people chosen"): 2}
    assert ids(corpus.of_people("Ada", "Bo")) == set(range(8))


def test_who_is_left_out_goes_with_the_conversations_of_two(corpus):
    chosen = corpus.of_people(without=["Bo"])
    assert ids(chosen) == {0, 1, 4, 6, 7}
    assert reasons(chosen) == {
        ("people", "conversation of two with somebody left out"): 2,
        ("people", "from somebody left out"): 1,
    }
    both = corpus.of_people("Cem", without=["Bo"])
    assert ids(both) == {4, 6, 7}
    assert sum(reasons(both).values()) == 5


def test_conversations_of_two(corpus):
    chosen = corpus.only_direct()
    assert ids(chosen) == {0, 1, 2, 3}
    assert reasons(chosen) == {("people", "group conversation"): 4}


def test_a_group_in_which_one_person_wrote_is_one_by_its_tag():
    rows = [Message(str(at), "all", who, who == "me", DAY, "x", tags=("group",)) for at, who in enumerate(("Bo", "me"))]
    assert ids(Corpus.of(rows).of_people(without=["Bo"])) == {1}
    assert len(Corpus.of(rows).only_direct()) == 0
    untagged = [Message(one.id, one.thread, one.sender, one.is_from_me, DAY, "x") for one in rows]
    assert ids(Corpus.of(untagged).only_direct()) == {0, 1}


def test_who_wrote_nothing_is_said(corpus):
    for ask in (lambda: corpus.of_people("Zoe"), lambda: corpus.of_people(without=["Zoe"])):
        with pytest.raises(UsageError, match="'Zoe' wrote no message here") as caught:
            ask()
        assert "Ada (2), Bo (2), Cem (1)" in caught.value.hint


def test_nothing_is_chosen_from_nothing(corpus):
    empty = corpus.between(until="2000-01-01")
    assert len(empty.between("2001-01-01").only_direct()) == 0


def test_of_an_owner_alone_and_of_no_message_it_is_said_so(corpus):
    with pytest.raises(UsageError) as caught:
        corpus.between(until="2000-01-01").of_people("me")
    assert caught.value.hint == "There is no message to choose from."
    with pytest.raises(UsageError) as caught:
        Corpus.of([Message("1", "all", "me", True, DAY, "x")]).of_people("Zoe")
    assert caught.value.hint == "Nobody wrote any but 'me'."
