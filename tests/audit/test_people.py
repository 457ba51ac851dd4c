"""Membership by person is told where a person wrote on both sides, is chance where nothing is to be told, and is else
declined with the reason and the way out.
"""

import dataclasses

import numpy as np
import pytest
from speaking import Speaking, chats

from wonderland.audit.forcing import spoken
from wonderland.audit.messages import Messages
from wonderland.audit.people import by_person, membership_within
from wonderland.audit.running import audit
from wonderland.audit.settings import AuditSettings
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.corpus.splitting import EACH
from wonderland.errors import NotEnoughData

FEW = AuditSettings(generations=20, candidates=60, near=10)


def written(people, each=8, *, by_time=False):
    """Messages of people who wrote in so many conversations that were read and in so many that were not."""
    sender, read, conversation, number = [], [], [], 0
    for name, (known, unknown) in people.items():
        for place in range(known + unknown):
            sender += [name] * each
            read += [place < known] * each
            conversation += [number] * each
            number += 1
    n = len(sender)
    texts = [f"text {i}" for i in range(n)]
    return Messages(
        texts, [[1, 5, 6]] * n, np.array(read), np.array(conversation), np.array(sender, dtype=object), by_time
    )


def scores_of(messages, planted=(), by=2.0, seed=0):
    """Scores in which the people who are planted score higher where they were read; conversations differ."""
    random = np.random.default_rng(seed)
    drawn = (
        random.normal(size=len(messages)) + random.normal(size=messages.conversation.max() + 1)[messages.conversation]
    )
    return drawn + by * messages.read * np.isin(messages.sender, list(planted))


def test_whose_messages_can_be_told_is_told_of_those_and_of_nobody_else():
    people = {f"P{i:03}": (12, 8) for i in range(20)}
    messages = written(people)
    found = membership_within(messages, np.arange(len(messages)), scores_of(messages, ["P003", "P011"], by=4.0))
    assert {name for name, row in found.items() if row["q"] < 0.05} == {"P003", "P011"}
    for name in ("P003", "P011"):
        row = found[name]
        assert float(row["auc"].low) > 0.8
        assert float(row["auc"].value) > row["null"][1]
        assert (row["auc"].n, row["conversations"], row["auc"].chance) == (8, [12, 8], 0.5)
    others = [row for name, row in found.items() if name not in ("P003", "P011")]
    assert np.mean([float(row["auc"].value) for row in others]) == pytest.approx(0.5, abs=0.07)
    assert np.mean([row["null"] for row in found.values()], axis=0).sum() == pytest.approx(1.0, abs=0.04)


def test_without_memory_p_is_as_often_small_as_it_says():
    """Conversations that differ by topic alone must not look like memory, hence they are dealt as a whole."""
    messages = written({f"P{i:03}": (9, 6) for i in range(30)})
    found = membership_within(messages, np.arange(len(messages)), scores_of(messages, seed=3))
    p = np.array([row["p"] for row in found.values()])
    assert (p < 0.1).mean() < 0.25
    assert np.mean(p) == pytest.approx(0.5, abs=0.12)
    assert min(row["q"] for row in found.values()) > 0.05


def test_q_is_corrected_for_how_many_people_were_tested():
    messages = written({f"P{i:03}": (9, 6) for i in range(12)})
    found = membership_within(messages, np.arange(len(messages)), scores_of(messages, ["P004"], by=6.0))
    assert found["P004"]["p"] == pytest.approx(0.001)
    assert found["P004"]["q"] == pytest.approx(0.012)


def test_the_score_of_others_does_not_count():
    messages = written({"P001": (6, 6), "P002": (6, 6)})
    scores = np.where(messages.sender == "P001", 0.0, np.where(messages.read, 9.0, -9.0))
    found = membership_within(messages, np.arange(len(messages)), scores)
    assert float(found["P001"]["auc"].value) == 0.5
    assert float(found["P002"]["auc"].value) == 1.0


def test_whoever_wrote_too_little_on_one_side_has_none():
    people = {"P001": (EACH, EACH), "P002": (EACH, EACH - 1), "P003": (EACH - 1, 30), "P004": (3, 0)}
    messages = written(people)
    found = membership_within(messages, np.arange(len(messages)), scores_of(messages))
    assert [name for name, row in found.items() if row["auc"] is not None] == ["P001"]
    assert found["P004"] == {"conversations": [3, 0], "auc": None}
    only = np.flatnonzero(messages.conversation != 0)  # not examined
    assert membership_within(messages, only, scores_of(messages)[only])["P001"]["auc"] is None


def test_a_split_by_time_is_declined_with_the_way_out():
    messages = written({"P001": (9, 9)}, by_time=True)
    with pytest.raises(NotEnoughData, match=r"looks unread.*--by within-contacts"):
        membership_within(messages, np.arange(len(messages)), scores_of(messages))


def test_what_is_completed_of_somebody_is_theirs_alone_or_said_by_others_too():
    messages = written({"P001": (2, 1), "P002": (1, 0)}, each=3)
    texts = list(messages.texts)
    texts[0] = texts[9]  # P001 and P002 wrote this; the held-out part holds another one of it
    texts[6] = texts[1]
    messages = dataclasses.replace(messages, texts=texts)
    chosen = np.flatnonzero(messages.read)
    hits = np.isin(chosen, [0, 1]).astype(float)
    one, other = by_person(messages, chosen, hits, {})
    assert (one["person"], one["messages"], one["completed"], one["alone"]) == ("P001", 6, 2, 1)
    assert (other["person"], other["completed"], other["alone"]) == ("P002", 0, 0)


@pytest.fixture(scope="module")
def tended(tokenizer):
    """Few people with many conversations each, split so that each is on both sides."""
    corpus = chats(60, each=8)
    rows = [m._replace(sender="me" if m.is_from_me else f"P{int(m.thread[1:]) % 3:03}") for m in corpus]
    return Corpus.of([Message(*row) for row in rows]).split(0.3, by="within-contacts")


def test_the_whole_audit_tells_by_person_and_the_view_shows_it(tokenizer, tended):
    train, held_out = tended
    mine = [i for i, name in enumerate(train.table.column("sender").to_pylist()) if name == "P001"]
    learned = spoken(tokenizer, [train.texts[i] for i in mine], [False] * len(mine))
    model = Speaking(learned, tokenizer.vocab_size)
    found = audit(model, tokenizer, train, held_out, FEW)
    people = {row["person"]: row for row in found.people}
    assert set(people) == {"me", "P000", "P001", "P002"}
    assert people["P001"]["q"] < 0.05 < min(row["q"] for name, row in people.items() if name != "P001")
    assert people["P001"]["alone"] == people["P001"]["completed"] > 10
    assert "membership within people" not in found.left_out
    (view,) = (view for view in found.views() if view.id == "audit-people")
    labels = [column.label for column in view.figure.columns]
    row = next(row for row in view.figure.rows if row[0].text == "P001")
    assert float(row[labels.index("AUC")].value) > 0.9
    assert " to " in str(row[labels.index("By chance")])
    assert "Counterfactual" not in labels


def test_the_audit_says_of_how_many_it_declines_and_what_to_do(tokenizer, parts):
    found = audit(Speaking([], tokenizer.vocab_size), tokenizer, *parts, FEW)
    assert found.left_out["membership within people"].startswith("50 of 51 people wrote in fewer than 5")
    assert "--by within-contacts" in found.left_out["membership within people"]
    assert [row["person"] for row in found.people if row["auc"] is not None] == ["me"]
    (view,) = (view for view in found.views() if view.id == "audit-people")
    assert "50 of 51 people" in view.misleads
    train, held_out = ({*part.table.column("sender").to_pylist()} for part in parts)
    assert f" Of {len(train | held_out)} who wrote, the owner among them, messages of 51 were examined" in view.caption
    short = "(those of the others are too short or too long, or were not drawn)"
    assert (short in view.caption) == (len(train | held_out) > 51)
    assert len(found.people) < 51
    assert f", of {51 - len(found.people)} of these only held-out ones: they have no row." in view.caption
    (view,) = (
        view
        for view in dataclasses.replace(
            found,
            examined={**found.examined, "people": 60, "people examined of those read": 51},
            people=found.people[:9],
        ).views()
        if view.id == "audit-people"
    )
    assert f"were examined {short}; the table ends after 9." in view.caption
