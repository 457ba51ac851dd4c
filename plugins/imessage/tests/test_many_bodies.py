"""Many bodies at once: what is read agrees with the walker, and every row becomes the same as if judged by itself."""

from random import Random

import numpy as np
import pyarrow as pa
import pytest

from wonderland_imessage import ChatDb, UndecodableBody, decode_body, reading
from wonderland_imessage.many_bodies import many_texts
from wonderland_imessage.reading import Reading
from wonderland_imessage.skeletons import Decoding
from wonderland_imessage.testing import encode_text
from wonderland_imessage.testing.archives import encode_body
from wonderland_imessage.texts import Texts
from wonderland_imessage.verdicts import Verdicts

PART = {"__kIMMessagePartAttributeName": 0}
FILE = {**PART, "__kIMFileTransferGUIDAttributeName": "at_0_ABCDEF"}
CODE = {**PART, "__kIMOneTimeCodeAttributeName": {"code": "1234", "displayCode": "1234"}}
TEXTS = [
    "",
    "hi",
    "é",
    "👍🏽",
    "x" * 127,
    "x" * 128,
    "é" * 64,
    "👍" * 63,
    "👍" * 64,
    "y" * 32_767,
    "\ufffc",
]
SHORT = [encode_text(text, mutable=mutable) for text in TEXTS for mutable in (False, True)]


def with_attributes(words, mutable):
    """Return bodies with attributes of every kind, around some words."""
    units = len(words.encode("utf-16-le")) // 2
    yield encode_body(f"\ufffc{words}", [(1, FILE), (units, PART)], mutable=mutable)
    yield encode_body(f"{words}1234", [(units, PART), (4, CODE)], mutable=mutable)
    for size in (0, 7, 64, 640, 12_345):
        data = {**PART, "__kIMDataDetectedAttributeName": b"x" * size}
        yield encode_body(f"{words}5 pm", [(units, PART), (4, data)], mutable=mutable)


KINDS = [body for mutable in (False, True) for words in ("a", "hé👍" * 30) for body in with_attributes(words, mutable)]


@pytest.fixture(scope="module")
def learned():
    """What is learned of a body of each kind."""
    decoding = Decoding()
    for body in (encode_text("a"), encode_text("a", mutable=False), *KINDS):
        decoding.decode(body)
    return decoding.learned()


def read(bodies, learned):
    """Return the text and the names of attributes by place, of those bodies that can be read together."""
    found = many_texts(pa.array(bodies, pa.large_binary()), learned, few=0)
    names = [found.all_names[number] for number in found.names.tolist()]
    return dict(zip(found.places.tolist(), zip(found.texts.to_pylist(), names, strict=True), strict=True))


def by_walker(body):
    try:
        found = decode_body(body)
    except UndecodableBody:
        return None
    return found.text, found.names


def test_what_was_not_learned_is_left_out():
    decoding = Decoding()
    assert read(SHORT, decoding.learned()) == {}
    decoding.decode(encode_text("a"))
    assert list(read([*SHORT, *KINDS], decoding.learned())) == [at for at in range(len(SHORT)) if at % 2]


def test_reads_every_length_and_kind_and_leaves_the_others_out(learned):
    bodies = [*SHORT, *KINDS, None, b"", encode_text("z" * 32_768), encode_body("?", [(1, {**PART, "new": True})])]
    assert read(bodies, learned) == {at: by_walker(body) for at, body in enumerate([*SHORT, *KINDS])}
    assert read(bodies[:-5:-1], learned) == {}
    assert read([], learned) == {}


def test_a_few_of_a_kind_are_left_out(learned):
    bodies = pa.array([*[encode_text("a")] * 9, *KINDS[:8]], pa.large_binary())
    assert many_texts(bodies, learned, few=8).places.tolist() == list(range(9))


def test_reads_a_part_of_a_longer_column(learned):
    column = pa.array([encode_text("one"), None, encode_text("two"), encode_text("three")], pa.large_binary())
    found = many_texts(column.slice(1, 2), learned, few=0)
    assert (found.places.tolist(), found.texts.to_pylist()) == ([1], ["two"])


def test_agrees_with_the_walker_on_every_changed_byte(learned):
    for body in (encode_text("hé👍"), encode_text("z" * 130, mutable=False), KINDS[0], KINDS[1], KINDS[4]):
        changed = [
            body[:at] + bytes([value]) + body[at + 1 :]
            for at in range(len(body))
            for value in (0, 1, 3, 0x30, 0x39, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x86, 0xC3, 0xED, 0xF0, 0xFF)
        ]
        found = read(changed, learned)
        assert found
        assert all(said == by_walker(changed[at]) for at, said in found.items())


def test_agrees_with_the_walker_on_damage(learned):
    random = Random(3)
    damaged = []
    for _ in range(4000):
        body = random.choice((*SHORT[:16], *KINDS[:10]))
        at, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
        damaged.append(random.choice((body[:at], body[:at] + body[end:], body[:end] + body[at:], body)))
    found = read(damaged, learned)
    assert len(found) > 500
    assert all(said == by_walker(damaged[at]) for at, said in found.items())


def test_a_row_becomes_the_same_whichever_way_it_takes(planted, monkeypatch):
    def everything():
        with ChatDb(planted.path) as source:
            return list(source.rows()), source.facts(), source.notes()

    judge, plain = Reading.judge, Texts.plain
    alone: list[int] = []
    monkeypatch.setattr(Reading, "judge", lambda *a, **more: alone.append(a[1]) or judge(*a, **more))
    monkeypatch.setattr(reading, "BLOCK", 512)
    together = everything()
    assert len(alone) < len(together[0]) / 5
    monkeypatch.setattr(Texts, "plain", lambda *a: plain(*a).only(np.zeros(len(plain(*a).places), dtype=bool)))
    monkeypatch.setattr(Verdicts, "of", lambda *_: None)
    alone.clear()
    assert everything() == together
    assert len(alone) == len(together[0])


@pytest.mark.parametrize(
    ("text", "body", "how"),
    [
        ("hi", None, "text column"),
        (None, "hi", "attributedBody"),
        ("hi", "hi", "both, the same"),
        ("ho", "hi", "both, different: attributedBody"),
        ("", "hi", "attributedBody"),
    ],
)
def test_a_text_in_either_place_or_both(small, text, body, how):
    for _ in range(300):  # more than the first block, from which the form is learned
        small.row(body, text=text)
    items, source = small.read()
    assert {item.text for item in items} == {body or text}
    assert source.facts()["How each text was found"] == {how: 300}


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t", "\u00a0", "\u1680", "\u2003", "\u2028", "\u3000", "\x1c", "\ufffd", "\ufffc"]
)
def test_a_text_that_says_nothing_is_no_message(small, text):
    for words in ("hi", text, f"{text}hi"):
        small.row(words)
        small.row(None, text=words)
    items = small.read()[0]
    assert [hasattr(item, "reason") for item in items] == [False, False, True, True, False, False]


def test_odd_values_in_the_columns_are_judged_by_themselves(small):
    small.row("hi")
    small.row(None, text=b"\xff\xfe", attributedBody=None)
    small.row("ho", date=7.5e8)
    small.row("ha", date="soon")
    small.row(None, attributedBody=17)
    items, source = small.read()
    assert [getattr(item, "text", None) for item in items] == ["hi", None, "ho", "ha", None]
    assert [items[2].timestamp.year, items[3].timestamp] == [2024, None]
    assert source.facts()["Messages"]["without a date"] == 1
