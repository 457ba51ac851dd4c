"""The fast path: it says what the walker says, or leaves it to the walker."""

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wonderland_imessage import UndecodableBody, body, decode_body, skeletons
from wonderland_imessage.skeletons import PLAIN, decoder
from wonderland_imessage.testing import Long, Url, encode_body, encode_text

PART = {"__kIMMessagePartAttributeName": 0}
CODE = {**PART, "__kIMOneTimeCodeAttributeName": {"code": "1234", "displayCode": "1234"}}
FILE = {**PART, "__kIMFileTransferGUIDAttributeName": "at_0_ABCDEF", "__kIMBaseWritingDirectionAttributeName": Long(-1)}
LINK = {**PART, "__kIMLinkAttributeName": Url("https://example.test/a"), "__kIMLinkIsRichLinkAttributeName": True}
DATA = {**PART, "__kIMDataDetectedAttributeName": b"bplist00" * 80}


def bodies():
    """One body of each kind that occurs."""
    for mutable in (False, True):
        for text in ("", "hi", "x" * 200, "é" * 20_000, "👍🏽👍🏽", "y" * 40_000):
            yield encode_body(text, mutable=mutable)
        yield encode_body("\ufffc", [(1, FILE)], mutable=mutable)
        yield encode_body("\ufffcsee", [(1, FILE), (3, PART)], mutable=mutable)
        yield encode_body("https://example.test/a", [(22, LINK)], mutable=mutable)
        yield encode_body("code 1234 ok", [(5, PART), (4, CODE), (3, PART)], mutable=mutable)
        yield encode_body("at 5 pm", [(3, PART), (4, DATA)], mutable=mutable)
        yield encode_body("5 6", [(1, DATA), (1, PART), (1, DATA)], mutable=mutable)


SAMPLES = list(bodies())
TELLING = [0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x92, 0x93, 0x94, 0x95, 0xFF, 0x00, 0x2B, 0x40]
HUGE = [b"\x81\xff\xff", b"\x82\xff\xff\xff\x7f", b"\x82\xff\xff\xff\xff", b"\x87" + b"\xff" * 8]


def by_walker(blob):
    try:
        found = decode_body(blob)
    except UndecodableBody:
        return None
    return found.text, found.names


def by_fast_path(decode, blob):
    try:
        return decode(blob)
    except UndecodableBody:
        return None


@pytest.fixture(scope="module")
def taught():
    """A decoder that has seen every kind of body."""
    decode = decoder()
    for blob in SAMPLES:
        decode(blob)
    return decode


class TestLearning:
    def test_the_walker_is_asked_once_for_each_kind(self, monkeypatch):
        asked = []
        whole = skeletons.decode_marked
        monkeypatch.setattr(skeletons, "decode_marked", lambda blob, marks: asked.append(blob) or whole(blob, marks))
        decode, random = decoder(), Random(0)
        for _ in range(50):
            words = "w" * random.randint(1, 3000)
            guid = {**PART, "__kIMFileTransferGUIDAttributeName": f"at_0_{random.random()}"}
            data = {**PART, "__kIMDataDetectedAttributeName": random.randbytes(random.randint(2, 999))}
            assert decode(encode_text(words)) == (words, PLAIN)
            assert decode(encode_body(f"\ufffc{words}", [(1, guid), (len(words), PART)]))[0] == f"\ufffc{words}"
            assert decode(encode_body(f"{words}5 pm", [(len(words), PART), (4, data)]))[0] == f"{words}5 pm"
        assert len(asked) == 3

    def test_attributes_are_named(self, taught):
        text, names = taught(encode_body("is 99", [(3, PART), (2, CODE)]))
        assert text == "is 99"
        assert "__kIMOneTimeCodeAttributeName" in names
        assert taught(encode_text("is 99"))[1] is PLAIN

    def test_the_other_byte_order_is_left_to_the_walker(self):
        big = encode_text("hello").replace(b"streamtyped\x81\xe8\x03", b"typedstream\x81\x03\xe8")
        long = encode_text("x" * 258).replace(b"streamtyped\x81\xe8\x03", b"typedstream\x81\x03\xe8")
        long = long.replace(b"\x81\x02\x01", b"\x81\x01\x02")
        decode = decoder()
        assert [decode(big)[0], decode(long)[0], decode(big)[0]] == ["hello", "x" * 258, "hello"]

    def test_learning_stops_at_its_limits_and_decoding_does_not(self, monkeypatch):
        monkeypatch.setattr(skeletons, "MOST_NODES", 3)
        monkeypatch.setattr(skeletons, "MOST_TAILS", 1)
        decode = decoder()
        assert all(decode(blob) == by_walker(blob) for blob in SAMPLES for _ in range(2))


class TestSameAsTheWalker:
    def test_for_every_kind(self, taught):
        assert all(taught(blob) == by_walker(blob) for blob in SAMPLES)

    def test_for_every_truncation(self, taught):
        for blob in SAMPLES:
            for length in range(0, len(blob), 1 if len(blob) < 1000 else 997):
                assert by_fast_path(taught, blob[:length]) is None

    def test_for_every_changed_byte_of_a_body(self, taught):
        for blob in (encode_text("hi"), encode_body("a 1234", [(2, PART), (4, CODE)], mutable=False)):
            for at in range(len(blob)):
                for value in (
                    0,
                    1,
                    0x7F,
                    0x80,
                    0x81,
                    0x82,
                    0x84,
                    0x85,
                    0x86,
                    0x92,
                    0xFF,
                    blob[at] ^ 1,
                    blob[at] + 1 & 255,
                ):
                    changed = blob[:at] + bytes([value]) + blob[at + 1 :]
                    assert by_fast_path(taught, changed) == by_walker(changed)

    @given(text=st.text(), mutable=st.booleans())
    @settings(max_examples=6 * settings().max_examples, deadline=None)
    @example("\x86\x84\x02iI", True)
    @example("NSString\x01\x94\x84\x01+\x05hello\x86", False)
    def test_for_any_text(self, text, mutable):
        decode = decoder()
        blob = encode_body(text, mutable=mutable)
        assert decode(blob) == decode(blob) == (text, PLAIN if text else frozenset()) == by_walker(blob)

    @pytest.mark.slow
    @given(data=st.data())
    @settings(max_examples=50 * settings().max_examples, deadline=2000)
    def test_for_mutations(self, taught, data):
        blob = data.draw(st.sampled_from([b for b in SAMPLES if len(b) < 2000]))
        for _ in range(data.draw(st.integers(1, 4))):
            blob = mutate(blob, data)
        expected = by_walker(blob)
        assert by_fast_path(taught, blob) == expected
        assert by_fast_path(decoder(), blob) == expected

    @given(st.binary(max_size=300))
    @settings(max_examples=10 * settings().max_examples, deadline=2000)
    def test_for_anything_after_a_header(self, noise):
        blob = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@" + noise
        assert by_fast_path(decoder(), blob) == by_walker(blob)


def mutate(blob, data):
    """Cut, flip, insert, delete, repeat or swap bytes, with a liking for the ones that mean something."""
    at = data.draw(st.integers(0, len(blob)))
    length = data.draw(st.integers(0, 12))
    telling = st.sampled_from(
        [0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x92, 0x93, 0x94, 0x95, 0xFF, 0x00, 0x2B, 0x40]
    )
    byte = st.one_of(telling, st.integers(0, 255))
    how = data.draw(st.sampled_from(["cut", "flip", "insert", "delete", "repeat", "splice", "length"]))
    if how == "cut":
        return blob[:at]
    if how == "flip":
        return blob[:at] + bytes([data.draw(byte)]) + blob[at + 1 :]
    if how == "insert":
        return blob[:at] + bytes(data.draw(st.lists(byte, max_size=6))) + blob[at:]
    if how == "delete":
        return blob[:at] + blob[at + length :]
    if how == "repeat":
        return blob[:at] + blob[at : at + length] * data.draw(st.sampled_from([2, 3, 50])) + blob[at + length :]
    if how == "splice":
        return blob[:at] + data.draw(st.sampled_from(SAMPLES))[at : at + 2000]
    huge = data.draw(
        st.sampled_from([b"\x81\xff\xff", b"\x82\xff\xff\xff\x7f", b"\x82\xff\xff\xff\xff", b"\x87" + b"\xff" * 8])
    )
    return blob[:at] + huge + blob[at + 1 :]


def test_marks_lie_where_the_values_are():
    blob = encode_body("\ufffcsee 5", [(1, FILE), (4, PART), (1, DATA)])
    marks = []
    body.decode_marked(blob, marks)
    kinds = {mark.kind: blob[mark.start : mark.end] for mark in marks}
    assert kinds["data"].startswith(b"\x81\x80\x02\x84\x06[640c]bplist00")
    assert b"at_0_ABCDEF" in b"".join(blob[m.start : m.end] for m in marks if m.kind == "+")
