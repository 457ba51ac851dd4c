"""Many bodies at once: what is read agrees with the walker, and every row becomes the same as if judged by itself."""

from random import Random

import numpy as np
import pyarrow as pa
import pytest

from wonderland_imessage import ChatDb, UndecodableBody, decode_body
from wonderland_imessage.plain_bodies import plain_texts
from wonderland_imessage.skeletons import PLAIN, Decoding
from wonderland_imessage.testing import encode_text
from wonderland_imessage.testing.archives import encode_body
from wonderland_imessage.texts import Plain, Texts

PART = {"__kIMMessagePartAttributeName": 0}
FILE = {**PART, "__kIMFileTransferGUIDAttributeName": "at_0_ABCDEF"}
TEXTS = ["", "hi", "é", "👍🏽", "x" * 127, "x" * 128, "é" * 64, "👍" * 63, "👍" * 64, "y" * 32_767, "\ufffc"]
SHORT = [encode_text(text, mutable=mutable) for text in TEXTS for mutable in (False, True)]


@pytest.fixture(scope="module")
def forms():
    """What is learned of text-only bodies of both kinds, and of one with attributes."""
    decoding = Decoding()
    for body in (encode_text("a"), encode_text("a", mutable=False), encode_body("\ufffca", [(1, FILE), (1, PART)])):
        decoding.decode(body)
    return decoding.forms()


def read(bodies, forms):
    places, texts = plain_texts(pa.array(bodies, pa.large_binary()), forms)
    return dict(zip(places.tolist(), texts.to_pylist(), strict=True))


def by_walker(body):
    try:
        found = decode_body(body)
    except UndecodableBody:
        return None
    return found.text if found.names == PLAIN else None


def test_what_is_plain_is_learned_and_nothing_else(forms):
    assert len(forms) == 2
    assert Decoding().forms() == []


def test_reads_every_length_and_leaves_the_others_out(forms):
    bodies = [*SHORT, None, b"", encode_body("\ufffca", [(1, FILE), (1, PART)]), encode_text("z" * 32_768)]
    assert read(bodies, forms) == {at: decode_body(body).text for at, body in enumerate(SHORT)}
    assert read(bodies[::-1][:4], forms) == {}
    assert read([], forms) == {}


def test_reads_a_part_of_a_longer_column(forms):
    column = pa.array([encode_text("one"), None, encode_text("two"), encode_text("three")], pa.large_binary())
    places, texts = plain_texts(column.slice(1, 2), forms)
    assert (places.tolist(), texts.to_pylist()) == ([1], ["two"])


def test_agrees_with_the_walker_on_every_changed_byte(forms):
    for body in (encode_text("hé👍"), encode_text("z" * 130, mutable=False)):
        changed = [
            body[:at] + bytes([value]) + body[at + 1 :]
            for at in range(len(body))
            for value in (0, 1, 3, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x86, 0xC3, 0xED, 0xF0, 0xFF)
        ]
        found = read(changed, forms)
        assert found
        assert all(text == by_walker(changed[at]) for at, text in found.items())


def test_agrees_with_the_walker_on_damage(forms):
    random = Random(3)
    damaged = []
    for _ in range(4000):
        body = random.choice(SHORT[:16])
        at, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
        damaged.append(random.choice((body[:at], body[:at] + body[end:], body[:end] + body[at:], body)))
    found = read(damaged, forms)
    assert len(found) > 500
    assert all(text == by_walker(damaged[at]) for at, text in found.items())


def test_a_row_becomes_the_same_whichever_way_it_takes(planted, monkeypatch):
    def everything():
        with ChatDb(planted.path) as source:
            return list(source.rows()), source.facts(), source.notes()

    plain = Texts.plain
    found_so: list[int] = []
    monkeypatch.setattr(Texts, "plain", lambda *a: found_so.append(len(plain(*a).places)) or plain(*a))
    together = everything()
    none = Plain(np.zeros(0, dtype=np.int64), pa.array([], pa.large_string()), np.zeros(0, dtype=np.int64))
    monkeypatch.setattr(Texts, "plain", lambda *a: none)
    assert everything() == together
    assert sum(found_so) > len(together[0]) / 2


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
