"""What a body says: its text exactly, and its attributes at the right characters."""

import pytest

from wonderland_imessage import UndecodableBody, decode_body
from wonderland_imessage.archived import Archived
from wonderland_imessage.testing import Long, Url, encode_body, encode_text
from wonderland_imessage.testing.archives import HEADER, Archive
from wonderland_imessage.testing.vocabulary import AWKWARD

PART = "__kIMMessagePartAttributeName"
LENGTHS = [0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_535, 70_000]


@pytest.mark.parametrize("mutable", [False, True])
class TestText:
    @pytest.mark.parametrize("length", LENGTHS)
    def test_of_any_length(self, length, mutable):
        text = ("0123456789" * (length // 10 + 1))[:length]
        assert decode_body(encode_body(text, mutable=mutable)).text == text

    @pytest.mark.parametrize("length", LENGTHS[1:])
    def test_of_any_length_with_wide_characters(self, length, mutable):
        text = "é" * (length // 2) + "x" * (length % 2)
        assert len(text.encode()) == length
        assert decode_body(encode_body(text, mutable=mutable)).text == text

    @pytest.mark.parametrize("text", [*AWKWARD, "\u2184", "ↄ" * 100, "👨‍👩‍👧🇩🇪", "\ufeffmarked", "a\u0085b\u2028c"])
    def test_that_looks_like_something_else(self, text, mutable):
        assert decode_body(encode_body(text, mutable=mutable)).text == text

    def test_a_length_of_two_bytes_without_a_sign(self, mutable):
        short = encode_body("x" * 40_000, mutable=mutable)
        assert decode_body(short.replace(b"\x82\x40\x9c\x00\x00", b"\x81\x40\x9c")).text == "x" * 40_000

    def test_the_quick_writer_writes_the_same(self, mutable):
        for text in ("x", "hello", "é" * 200, "👍🏽"):
            assert encode_text(text, mutable=mutable) == encode_body(text, mutable=mutable)


class TestKnownBytes:
    """Sizes and prefixes of archives that Messages wrote."""

    def test_the_two_prefixes(self):
        assert encode_body("x", mutable=False).index(b"\x84\x01+") + 3 == 73
        assert encode_body("x", mutable=True).index(b"\x84\x01+") + 3 == 121

    def test_a_body_without_text(self):
        blank = encode_body("", mutable=False)
        assert len(blank) == 76
        assert decode_body(blank).text == ""
        assert decode_body(blank).runs == ()


class TestAttributes:
    def test_offsets_count_code_points(self):
        before, name, after = "👍🏽 hey ", "Zoë😀", " é!"
        runs = [(9, {PART: 0}), (5, {PART: 0, "__kIMMentionConfirmedMention": "+15550100"}), (3, {PART: 0})]
        body = decode_body(encode_body(before + name + after, runs))
        (mention,) = body.mentions
        assert body.text[mention.start : mention.end] == name
        assert mention.value == "+15550100"

    def test_a_dictionary_is_written_once_and_used_again(self):
        plain, bold = {PART: 0}, {PART: 0, "__kIMTextBoldAttributeName": 1}
        body = decode_body(encode_body("aabbaabb", [(2, plain), (2, bold), (2, plain), (2, bold)]))
        assert [(run.start, run.end) for run in body.runs] == [(0, 2), (2, 4), (4, 6), (6, 8)]
        assert {style: [(s.start, s.end) for s in spans] for style, spans in body.styles.items()} == {
            "bold": [(2, 4), (6, 8)]
        }

    def test_a_style_that_is_switched_off_is_none(self):
        assert decode_body(encode_body("ab", [(2, {"__kIMTextBoldAttributeName": 0})])).styles == {}

    def test_neighbours_of_one_value_are_one_span(self):
        link = {"__kIMLinkAttributeName": Url("https://example.test")}
        body = decode_body(encode_body("abcd", [(2, link), (2, {**link, PART: 0})]))
        assert body.links == ((0, 4, "https://example.test"),)

    def test_every_kind_of_value(self):
        values = {
            "number": 7,
            "long": Long(-1),
            "flag": True,
            "string": "text",
            "address": Url("https://example.test"),
            "data": b"\x00\x85\x86",
            "nested": {"code": "123456", "n": 1},
        }
        (run,) = decode_body(encode_body("x", [(1, values)])).runs
        assert run.attributes == {**values, "flag": 1}

    def test_one_time_codes_and_attachments_and_transcriptions(self):
        runs = [
            (1, {"__kIMFileTransferGUIDAttributeName": "at_0_1", "IMAudioTranscription": "hello there"}),
            (6, {"__kIMOneTimeCodeAttributeName": {"code": "123456"}}),
        ]
        body = decode_body(encode_body("\ufffc123456", runs))
        assert [span.value for span in body.attachments] == ["at_0_1"]
        assert [(span.start, span.end) for span in body.one_time_codes] == [(1, 7)]
        assert body.transcription == "hello there"
        assert "IMAudioTranscription" in body.names

    def test_text_as_written_keeps_a_map_of_its_offsets(self):
        body = decode_body(encode_body("\ufffca\ufffc\ufffcbc\ufffc"))
        assert body.written() == ("abc", (1, 4, 5))
        assert all(body.text[at] == c for at, c in zip(body.written().offsets, body.written().text, strict=True))
        assert list(decode_body(encode_body("ab")).written().offsets) == [0, 1]

    def test_a_value_that_is_not_understood_stays_as_archived(self):
        blob = encode_body("x", [(1, {"n": 1})]).replace(b"NSNumber", b"NSNumbex").replace(b"NSValue", b"NSValux")
        (run,) = decode_body(blob).runs
        assert isinstance(run.attributes["n"], Archived)


class TestRefusals:
    def test_every_truncation(self):
        blob = encode_body("hello 👍🏽", [(6, {PART: 0}), (4, {PART: 1, "__kIMLinkAttributeName": Url("u")})])
        for length in range(len(blob)):
            with pytest.raises(UndecodableBody):
                decode_body(blob[:length])

    @pytest.mark.parametrize("after", [b"\x00", b"\x86", b"\x92\x85", b"\x84\x01i\x05"])
    def test_anything_that_follows(self, after):
        with pytest.raises(UndecodableBody):
            decode_body(encode_body("hello") + after)

    @pytest.mark.parametrize("units", [4, 6, 0])
    def test_runs_that_do_not_cover_the_text(self, units):
        with pytest.raises(UndecodableBody, match=f"cover {units} of 5"):
            decode_body(encode_body("hello", [(units, {PART: 0})]))

    def test_bytes_that_are_not_utf8(self):
        with pytest.raises(UndecodableBody, match="not UTF-8"):
            decode_body(encode_body("hello").replace(b"hello", b"h\xc3\x28lo"))

    def test_an_archive_of_something_else(self):
        archive = Archive()
        archive.value("only a string")
        with pytest.raises(UndecodableBody, match="no attributed string"):
            decode_body(bytes(archive.bytes))
        with pytest.raises(UndecodableBody, match="not one object"):
            decode_body(HEADER)

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            (b"\x02iI", b"\x02Ii", "something other than a run"),
            (b"NSMutableString\x01\x84\x84\x08NSString", b"NSMutableStrong\x01\x84\x84\x08NSStrong", "no string"),
            (b"NSDictionary", b"NSDictionarx", "no attributes"),
            (b"\x84\x01i\x01\x92", b"\x84\x01i\x02\x92", "not what it says"),
        ],
    )
    def test_a_body_of_another_shape(self, old, new, reason):
        blob = encode_body("hello")
        assert blob.count(old) == 1
        with pytest.raises(UndecodableBody, match=reason):
            decode_body(blob.replace(old, new))

    def test_the_reason_never_holds_text(self):
        with pytest.raises(UndecodableBody) as caught:
            decode_body(encode_body("secret words")[:-5])
        assert "secret" not in str(caught.value)
        assert caught.value.reason
