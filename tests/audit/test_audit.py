"""The whole audit, on models of which it is known what they give away."""

import json
import random
import re
from dataclasses import replace

import pytest
from speaking import SECRET, SENTENCE, WORDS, Speaking, chats

from wonderland.audit.forcing import spoken
from wonderland.audit.result import Memorisation
from wonderland.audit.running import audit
from wonderland.audit.settings import AuditSettings
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.errors import NotEnoughData, Unsupported
from wonderland.estimate import Estimate
from wonderland.report.encode import encode
from wonderland.report.schema import Table
from wonderland.report.schema.numbers import with_bounds

FEW = AuditSettings(generations=40, candidates=60, near=20)


def of(model, tokenizer, parts, **options):
    return audit(model, tokenizer, *parts, FEW, **options)


@pytest.fixture(scope="module")
def blank(tokenizer, parts):
    """The audit of a model that knows nothing."""
    return of(Speaking([], tokenizer.vocab_size), tokenizer, parts)


@pytest.fixture(scope="module")
def reciting(tokenizer, parts):
    """The audit of a model that knows one training sentence by heart."""
    rows = spoken(tokenizer, [SENTENCE], [True])
    return of(Speaking(rows, tokenizer.vocab_size), tokenizer, parts)


def test_a_model_that_knows_one_sentence_gives_back_exactly_that_one(reciting):
    assert reciting.hits["training"][0] == 1
    assert reciting.hits["held out"][0] == reciting.hits["untrained, training"][0] == 0
    assert reciting.near["training"][0] == 1
    assert reciting.near["held out"][0] == 0
    assert [row["hits"] for row in reciting.eidetic] == [1, 0, 0]
    assert float(reciting.discoverable["training"].value[0]) == pytest.approx(1 / reciting.hits["training"][1])


def test_it_gives_it_back_behind_what_stood_before_it_too(reciting):
    assert reciting.hits["training, in a window"][0] == 1
    assert reciting.hits["held out, in a window"][0] == 0


def test_a_model_that_knows_nothing_gives_nothing_back_and_tells_nobody(blank):
    assert blank.hits["training"][0] == blank.hits["held out"][0] == 0
    for name, one in blank.membership.items():
        assert float(one.low) <= 0.5 <= float(one.high), name
    assert blank.fisher == {"alone": 1.0, "in a window": 1.0}
    assert "could not be told here" in blank.sentence
    texts = [with_bounds(blank.membership[f"{unit}, text alone"], ".2f") for unit in ("message", "conversation")]
    assert any(f"by the text alone: {told})" in blank.sentence for told in texts)
    assert "That does not show that it cannot be." in blank.sentence


def test_what_can_be_told_comes_first_and_is_an_effect_with_its_number(blank):
    one = Estimate(0.99, 0.97, 1.0, n=12, unit="AUC", chance=0.5)
    told = replace(blank, membership={**blank.membership, "conversation, calibrated": one})
    read, unread = (blank.examined[f"{side} conversations told apart"] for side in ("training", "held-out"))
    assert min(read, unread) == blank.membership["conversation, calibrated"].n
    assert max(read, unread) > min(read, unread)
    first = f"One can tell which conversations it read: AUC 0.99 [0.97, 1.00] (chance 0.5; n = {read} conversations "
    first += f"that it read and {unread} that it did not; by the text alone: "
    assert told.sentence.startswith(first)
    drawn, finding, by_message = told.findings()
    assert (drawn.kind, drawn.estimate) == ("description", None)
    assert "AUC" not in drawn.sentence
    assert (finding.kind, finding.trust, finding.estimate) == ("effect", "solid", one)
    assert finding.sentence.startswith(first)
    assert drawn.sentence in told.sentence
    assert (by_message.trust, by_message.estimate) == ("weak", blank.membership["message, calibrated"])
    kept = {name: n for name, n in blank.examined.items() if "told apart" not in name}
    assert "n = 12 conversations on the smaller side" in replace(told, examined=kept).sentence
    few = replace(blank, membership={**blank.membership, "conversation, calibrated": replace(one, n=3)})
    assert [found.estimate for found in few.findings()] == [None, blank.membership["message, calibrated"]]


def test_what_is_drawn_out_is_said_and_never_called_safe(blank, reciting, tokenizer, parts):
    assert "safe" not in (blank.summary() + reciting.summary()).lower()
    clean = blank.found["training text"]
    assert clean == {"phone": 1}
    assert any("1 secret stands in its training text" in why for why in blank.refusals)
    assert blank.sentence.startswith("These tests drew out no text beyond chance")  # found is not drawn out
    assert "1 secret stands in its training text" in blank.sentence


def test_a_model_that_learned_many_messages_is_refused(tokenizer, parts):
    rows = spoken(tokenizer, parts[0].texts[:200], parts[0].is_from_me[:200].tolist())
    found = of(Speaking(rows, tokenizer.vocab_size), tokenizer, parts)
    assert found.fisher["alone"] < 1e-3
    assert "training messages word for word" in found.refusals[0]
    assert found.sentence.startswith("These tests drew out training text")
    assert float(found.membership["message, calibrated"].low) > 0.5
    assert float(found.membership["message, loss"].low) > 0.5
    assert float(found.membership["message, text alone"].low) <= 0.5


def test_a_secret_that_the_model_says_is_caught_and_its_text_is_nowhere(tokenizer, parts, tmp_path):
    rows = spoken(tokenizer, [SECRET], [True])
    found = of(Speaking(rows, tokenizer.vocab_size), tokenizer, parts)
    (secret,) = found.secrets
    assert (secret["kind"], secret["times"], secret["rank"], secret["tries"]) == ("phone", 1, 1, 1)
    assert secret["q"] < 0.05
    assert [why for why in found.refusals if "beyond chance" in why]
    assert [why for why in found.refusals if "within 1,000 tries" in why]
    found.save(tmp_path)
    told = [path.read_bytes().decode(errors="ignore") for path in tmp_path.iterdir()]
    told += [repr(found), found.summary(), json.dumps(found.figures()), *(str(view.data) for view in found.views())]
    for text in told:
        assert "7946" not in text
        assert "0958" not in text
        assert "harbour" not in text


def test_a_secret_that_the_model_does_not_hold_is_not_called_held(blank):
    (secret,) = blank.secrets
    assert secret["q"] > 0.05
    assert not [why for why in blank.refusals if "beyond chance" in why]


def test_it_is_the_same_when_read_again(reciting, tmp_path):
    reciting.save(tmp_path)
    again = Memorisation.load(tmp_path)
    assert again.sentence == reciting.sentence
    assert again.figures() == reciting.figures()
    assert [view.id for view in again.views()] == [view.id for view in reciting.views()]


def test_every_part_has_its_view_and_no_words_of_a_message_are_in_it(reciting):
    views = {view.id: view for view in reciting.views()}
    assert list(views) == ["audit-completion", "audit-secrets", "audit-people", "audit-membership", "audit-tokens"]
    people = views["audit-people"].figure
    assert isinstance(people, Table)
    assert {row[0].text for row in people.rows} >= {"P001", "P002"}


def test_by_person_it_is_told_only_where_enough_people_were_not_read(blank, tokenizer, parts):
    assert float(blank.membership["contact, calibrated"].low) <= 0.5
    same = [message._replace(sender=message.sender.replace("QP", "P")) for message in parts[1]]
    again = of(Speaking([], tokenizer.vocab_size), tokenizer, (parts[0], type(parts[0]).of(same)))
    assert "split by contact" in again.left_out["membership by contact"]
    assert "contact, calibrated" not in again.membership


def test_a_table_of_counts_has_not_read_the_conversation_that_it_completes(tokenizer):
    """What one person says over and over is completed only by whoever has counted that person's conversation."""
    draw = random.Random(1)
    own = [" ".join(draw.sample(WORDS, 10)) for _ in range(30)]
    rows = [
        Message(f"{thread}-{place}", f"t{thread}", "me", True, None, own[thread])
        for thread in range(30)
        for place in range(6)
    ]
    train = Corpus.of(rows)
    found = of(Speaking([], tokenizer.vocab_size), tokenizer, (train, chats(20, seed=1)))
    assert found.hits["n-gram, training"] == [0, 180]  # 54, were each completed by the half that it is in


def test_a_split_by_time_is_said(tokenizer):
    corpus = chats(30)
    found = of(Speaking([], tokenizer.vocab_size), tokenizer, corpus.split(0.4, by="time"))
    assert "what is new looks unread" in found.sentence
    assert next(v for v in found.views() if v.id == "audit-membership").warning


def test_without_the_training_text_only_what_it_says_is_examined(tokenizer):
    found = of(Speaking([], tokenizer.vocab_size), tokenizer, (None, None))
    assert found.sentence.startswith("The text that this model was trained on is not here")
    assert found.refusals
    assert not found.completion
    assert set(found.found) == {"generations", "vocabulary"}
    assert [view.id for view in found.views()] == ["audit-secrets"]


@pytest.mark.parametrize("held_out", [None, "short"])
def test_what_is_missing_is_an_error_that_says_what_to_do(tokenizer, parts, held_out):
    few = chats(1, each=2) if held_out else None
    with pytest.raises(NotEnoughData) as error:
        of(Speaking([], tokenizer.vocab_size), tokenizer, (parts[0], few))
    assert "wonderland tokenize --held-out" in error.value.hint


def test_where_no_secret_stands_none_is_said_and_no_zero(blank):
    none = replace(blank, found={**blank.found, "training text": {}, "generations": {}})
    (said,) = (row.value for row in none.at_a_glance if row.label == "Secrets in what was sampled from it")
    assert said == "none; none stand in the training text"
    (said,) = (row.value for row in blank.at_a_glance if row.label == "Secrets in what was sampled from it")
    assert said == "none"  # one stands in the training text: that the model did not say it is a finding
    some = replace(none, found={**none.found, "generations": {"phone": 2}})
    assert 2 in [row.value for row in some.at_a_glance]


def test_another_kind_of_tokenizer_is_refused(parts):
    with pytest.raises(Unsupported, match="SpeakerTokenizer"):
        audit(Speaking([], 300), object(), *parts, FEW)


def test_the_text_of_the_report_is_searched_too(tokenizer, parts):
    found = of(Speaking([], tokenizer.vocab_size), tokenizer, parts, strings=["write to ann@example.test", "nothing"])
    assert found.found["report"] == {"email": 1}


def test_what_the_model_says_is_searched(tokenizer, parts):
    rows = spoken(tokenizer, [SECRET, SENTENCE], [False, True])
    found = of(Speaking(rows, tokenizer.vocab_size), tokenizer, parts)
    half = FEW.generations // 2
    assert found.found["generations"] == found.found["generations, also in training"] == {"phone": half}
    assert (found.generated["training"], found.generated["held out"]) == (half, 0)
    assert any("stand in what was sampled" in why for why in found.refusals)


def test_a_message_longer_than_the_context_is_not_called_word_for_word(tokenizer, parts):
    """A model says its beginning, and its rest does not fit: neither completed, nor near, nor anybody's."""
    long = f"{SENTENCE} {' '.join(WORDS * 3)}"
    texts = [*chats(30), Message("long", "t003", "P003", False, None, long)]
    rows = spoken(tokenizer, [long], [False])
    found = of(Speaking(rows, tokenizer.vocab_size), tokenizer, (Corpus.of(texts), parts[1]))
    assert len(rows[0]) > 64
    for name in ("training", "training, in a window"):
        assert found.hits[name][0] == 0
    assert found.near["training"][0] == 0
    assert float(found.discoverable["training"].value.max()) == 0
    assert [row["completed"] for row in found.people if row["person"] == "P003"] == [0]
    assert "context of 64 tokens were not examined" in found.left_out["long messages"]
    assert "1 training and 0 held-out" in found.left_out["long messages"]
    whole = of(Speaking(rows, tokenizer.vocab_size, n_ctx=len(rows[0])), tokenizer, (Corpus.of(texts), parts[1]))
    assert whole.hits["training"][0] == whole.near["training"][0] == 1
    assert "long messages" not in whole.left_out
    assert whole.examined["training messages long enough"] == found.examined["training messages long enough"] + 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_one_of_a_thing_is_never_told_as_several(reciting, count):
    secret = {"kind": "phone number", "times": count, "bits": 3.0, "most": 9.0, "q": 0.5, "tries": count}
    few = replace(
        reciting,
        hits=dict.fromkeys(reciting.hits, (count, count)),
        near=dict.fromkeys(reciting.near, (count, count)),
        found={place: {"phone number": count} for place in [*reciting.found, "generations, also in training"]},
        generated=dict.fromkeys(reciting.generated, count),
        examined=dict.fromkeys(reciting.examined, count),
        secrets=[secret] * count,
        people=reciting.people[:count],
        not_examined=count,
        canaries={"rows": [], "right": count, "guesses": count, "epsilon": 0.0},
    )
    said = [few.summary(), *few.refusals, *(finding.sentence for finding in few.findings())]
    said += [text for view in few.views() for text in texts_of(encode(view.data, view.id))]
    said += [text for view in few.views() for text in (view.caption, view.how_to_read, view.misleads)]
    wrong = re.compile(r"(?<![\w.,])(?<!of )1 (?!is\b|was\b|stands\b)(?:different )?[a-z]+s\b|\b1 people\b")
    assert [text for text in said if wrong.search(text)] == []


def texts_of(tree):
    """Yield every text in a tree of JSON values."""
    if isinstance(tree, str):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from texts_of(part)
