"""A sentence of an audit says no more than its number: every one is asked at extremes, with numbers written here.

Nothing examined, nothing drawn out, all drawn out, an AUC that is chance, one, below chance or unknown, one of each.
"""

import json

import numpy as np
import pytest

from wonderland.audit.completion import TRIES
from wonderland.audit.result import LEVEL, Memorisation
from wonderland.estimate import Estimate
from wonderland.report.encode import encode
from wonderland.report.schema import characters
from wonderland.testing.extremes import told_badly

NAN = float("nan")
# value, low and high of an AUC, and whether one can tell by it
AUCS = {
    "sure": ((0.8, 0.7, 0.9), True),
    "always": ((1.0, 1.0, 1.0), True),
    "around chance": ((0.55, 0.45, 0.65), False),
    "chance": ((0.5, 0.5, 0.5), False),
    "below chance": ((0.3, 0.2, 0.4), False),
    "no interval": ((0.9, NAN, NAN), False),
    "not measured": ((NAN, NAN, NAN), False),
}
# completed and examined, of training and of held-out messages, with the p of Fisher's test
DRAWN = {
    "nothing": ((0, 2000), (0, 1000), 1.0),
    "as much as of others": ((20, 2000), (10, 1000), 0.6),
    "more than of others": ((200, 2000), (1, 1000), 1e-9),
    "less than of others": ((1, 2000), (50, 1000), 1.0),
    "all": ((2000, 2000), (0, 1000), 0.0),
}
NAMES = ("training", "held out")


def estimate(number, n=40, unit="AUC", chance=0.5, shape=()):
    return Estimate(*(np.full(shape, part) for part in number), n=n, unit=unit, chance=chance)


def share(hits, of):
    at = hits / of if of else NAN
    return Estimate(at, at, at, n=max(of, 1), unit="share of messages")


def audit(auc=AUCS["around chance"][0], drawn=DRAWN["nothing"], n=40, secrets=(), **parts):
    """Make the result of an audit that examined enough."""
    *hits, p = drawn
    every = {}
    for name, pair in zip(NAMES, hits, strict=True):
        ways = (name, f"{name}, in a window", f"n-gram, {name}", f"untrained, {name}")
        every.update(dict.fromkeys(ways, pair))
    shares = {name: share(*pair) for name, pair in every.items()}
    scores = [
        f"{unit}, {score}" for unit in ("message", "conversation") for score in ("loss", "calibrated", "text alone")
    ]
    made = {
        "model": "abc",
        "examined": {
            "training messages examined": hits[0][1],
            "training messages long enough": 2000,
            "held-out messages examined": hits[1][1],
            "held-out messages long enough": 1000,
            "messages sampled": 1000,
            "secrets asked for": 20,
            "others of a secret": 1000,
            "training conversations examined": 40,
            "held-out conversations examined": 30,
        },
        "completion": {name: one for name, one in shares.items() if "window" not in name},
        "in_window": {name.partition(", in")[0]: one for name, one in shares.items() if "window" in name},
        "hits": every,
        "fisher": {"alone": p, "in a window": p},
        "discoverable": {
            name: estimate((0.0, 0.0, 0.0), unit="share", chance=None, shape=len(TRIES)) for name in NAMES
        },
        "eidetic": [{"said": "once", "hits": 0}],
        "near": dict.fromkeys(NAMES, (0, 100)),
        "generated": {"messages": 50, "training": 0, "held out": 0},
        "membership": {name: estimate(auc, n) for name in scores},
        "roc": {name: np.linspace(0, 1, 11) for name in scores},
        "caught": dict.fromkeys(scores, 0.01),
        "found": {"training text": {}, "generations": {}},
        "secrets": list(secrets),
    }
    return Memorisation(**{**made, **parts})


def secret(q=0.5, tries=np.inf, times=1):
    return {"kind": "code", "times": times, "bits": 1.0, "most": 9.97, "rank": 500, "p": q, "q": q, "tries": tries}


@pytest.mark.parametrize("drawn", DRAWN)
@pytest.mark.parametrize("auc", AUCS)
def test_everything_can_be_said_and_drawn_whatever_was_measured(auc, drawn):
    result = audit(AUCS[auc][0], DRAWN[drawn], secrets=[secret(), secret(0.001, 12.0)])
    for view in result.views():
        encode(view.data, view.id)
    said = [result.summary(), *(characters(row.value) for row in result.at_a_glance if not isinstance(row.value, int))]
    assert "nan" not in "\n".join(map(str, said)).replace("nats", "")


def test_whatever_the_numbers_are_no_sentence_says_none():
    assert told_badly(audit(secrets=[secret()])) == {}


@pytest.mark.parametrize("name", AUCS)
def test_that_one_can_tell_is_said_only_where_the_interval_lies_above_chance(name):
    auc, sure = AUCS[name]
    result = audit(auc)
    assert ("One can tell" in result.sentence) is sure
    assert ("could not be told" in result.sentence) is not sure
    told = [finding for finding in result.findings() if finding.view == "audit-membership"]
    assert len(told) == 2
    for finding in told:
        assert ((finding.kind, finding.trust) == ("effect", "solid")) is sure
    assert ("lower than" in result.sentence) is (name == "below chance")  # a score the wrong way round tells, too


@pytest.mark.parametrize("name", AUCS)
def test_of_few_conversations_nothing_is_sure(name):
    assert {one.trust for one in audit(AUCS[name][0], n=2).findings()[1:]} == {"anecdotal"}


@pytest.mark.parametrize("name", DRAWN)
def test_text_is_said_to_be_drawn_out_only_where_more_of_it_is_than_of_what_was_not_read(name):
    (hits, held_out, p) = DRAWN[name]
    result = audit(drawn=DRAWN[name])
    drawn = p < LEVEL
    assert ("drew out training text" in result.sentence) is drawn
    assert ("no text beyond chance" in result.sentence) is not drawn
    assert bool(result.refusals) is drawn
    assert f"n = {hits[1]:,} training and {held_out[1]:,} held-out messages" in result.sentence
    if drawn:
        assert f"It completes {hits[0]:,} of {hits[1]:,} training messages" in result.sentence
        assert result.sentence.startswith("These tests drew out")  # nobody reads the rest as "safe"
    else:
        assert "That does not show that none can be drawn out." in result.sentence


def test_where_nothing_was_examined_no_model_may_be_shared_and_nothing_is_said_of_it():
    result = audit(drawn=((0, 0), (0, 0), 1.0))
    assert result.refusals
    assert "no text beyond chance" not in result.sentence
    assert "No training message was examined" in result.sentence


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([secret(0.001)], "It holds 1 of 1 secret beyond chance (q < 0.05)."),
        ([secret(0.5, 12.0)], "Sampling gives 1 secret within 1,000 tries."),
        ([secret(0.5, 1e9)], None),
        ([secret(LEVEL)], None),
    ],
)
def test_a_secret_is_held_by_its_q_or_by_its_tries_and_else_not(rows, words):
    result = audit(secrets=rows)
    assert result.refusals == ([] if words is None else [words])
    assert (words or "no text beyond chance") in result.sentence


def test_a_secret_without_a_rank_is_said_to_have_none_and_is_refused_by_its_tries():
    unranked = dict.fromkeys(("bits", "most", "rank", "p", "q"), NAN)
    result = audit(secrets=[secret(0.001), {**secret(0.5, 1e9), **unranked}])
    assert result.refusals == ["It holds 1 of 1 secret beyond chance (q < 0.05)."]
    assert "2 secrets of which 1 could be ranked" in result.sentence
    assert "secret 2 (code), said 1 time: not ranked: no fair other text, tries" in result.summary()
    view = next(one for one in result.views() if one.id == "audit-secrets")
    encode(view.data, view.id)
    assert characters(view.figure.rows[1][5]) == "not ranked: no fair other text"
    assert view.figure.rows[1][3:5] == (None, None)
    assert json.loads(json.dumps(result.figures(), allow_nan=False))["secrets"][1]["q"] is None
    quick = audit(secrets=[{**secret(0.5, 12.0), **unranked}])
    assert quick.refusals == ["Sampling gives 1 secret within 1,000 tries."]
    assert "of which 0 could be ranked" in quick.sentence


def test_a_caption_says_among_how_many_others_a_secret_was_ranked():
    examined = {**audit().examined, "others of a secret": 120}
    view = next(one for one in audit(secrets=[secret()], examined=examined).views() if one.id == "audit-secrets")
    assert "at least 120 others" in characters(view.caption)
    assert "1,024" not in characters(view.caption)  # which nothing can be among 120


def test_where_no_place_was_searched_none_is_said_to_hold_nothing():
    view = next(one for one in audit(found={}).views() if one.id == "audit-secrets")
    assert "none in" not in characters(view.caption)
    assert "were not looked for" in characters(view.caption)


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (("training text", "generations", "report"), "in the training text, in what was sampled or in the report."),
        (("generations", "report"), "in what was sampled or in the report."),
        (("generations",), "in what was sampled."),
    ],
)
def test_where_no_secret_was_found_each_place_that_was_searched_is_named(places, told):
    view = next(one for one in audit(found={place: {} for place in places}).views() if one.id == "audit-secrets")
    assert f"by their shape and check digits: none was found {told}" in characters(view.caption)
