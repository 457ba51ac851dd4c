"""The grammar: what the walker reads, and what it refuses."""

import struct

import pytest

from wonderland_imessage import ArchiveError, walk
from wonderland_imessage.archived import Archived

HEADER = b"\x04\x0bstreamtyped\x81\xe8\x03"
BIG = b"\x04\x0btypedstream\x81\x03\xe8"


def new(string: bytes) -> bytes:
    """A shared string written for the first time."""
    return b"\x84" + bytes([len(string)]) + string


def one(types: bytes, *values: bytes, header: bytes = HEADER) -> object:
    """Walk an archive of one group and return its only value."""
    (group,) = walk(header + new(types) + b"".join(values))
    (value,) = group.values
    return value


class TestIntegers:
    @pytest.mark.parametrize(
        ("written", "signed", "unsigned"),
        [
            (b"\x00", 0, 0),
            (b"\x7f", 127, 127),
            (b"\x92", -110, 146),
            (b"\xff", -1, 255),
            (b"\x81\x80\x00", 128, 128),
            (b"\x81\xff\xff", -1, 65535),
            (b"\x81\x91\xff", -111, 65425),
            (b"\x82\x00\x80\x00\x00", 32768, 32768),
            (b"\x82\xff\xff\xff\xff", -1, 2**32 - 1),
            (b"\x87\x00\x00\x00\x00\x00\x00\x00\x80", -(2**63), 2**63),
        ],
    )
    def test_every_width_signed_and_unsigned(self, written, signed, unsigned):
        assert [one(t, written) for t in (b"i", b"s", b"l", b"q")] == [signed] * 4
        assert [one(t, written) for t in (b"I", b"S", b"L", b"Q")] == [unsigned] * 4

    def test_the_other_byte_order(self):
        assert one(b"i", b"\x81\x01\x02", header=BIG) == 0x0102
        assert one(b"d", b"\x83" + struct.pack(">d", 1.5), header=BIG) == 1.5

    @pytest.mark.parametrize("head", [0x80, 0x83, 0x84, 0x85, 0x86, *range(0x88, 0x92)])
    def test_a_tag_is_no_integer(self, head):
        with pytest.raises(ArchiveError, match=f"0x{head:02x} where an integer should be"):
            one(b"i", bytes([head]) + bytes(8))


class TestOtherValues:
    def test_reals_are_tagged_or_whole_numbers(self):
        assert one(b"f", b"\x83" + struct.pack("<f", 0.5)) == 0.5
        assert one(b"d", b"\x83" + struct.pack("<d", 0.1)) == 0.1
        assert one(b"d", b"\xff") == -1.0

    def test_single_bytes_have_no_head(self):
        assert (one(b"c", b"\x84"), one(b"C", b"\x84"), one(b"B", b"\x01")) == (-124, 0x84, 1)

    def test_arrays_and_structures(self):
        assert one(b"[3c]", b"\x85\x86\x87") == b"\x85\x86\x87"
        assert one(b"[2i]", b"\x01\x81\x00\x01") == (1, 256)
        assert one(b"{_NSRange=QQ}", b"\x05\x06") == (5, 6)
        assert one(b"[2{p=ff}]", b"\x01\x02\x03\x04") == ((1.0, 2.0), (3.0, 4.0))
        assert one(b"[0c]") == b""

    def test_strings_shared_and_not(self):
        # "+" enters no table; "%" does, so the second group's type refers past it
        groups = walk(HEADER + new(b"+") + b"\x02hi" + new(b"%") + new(b"hello") + b"\x93" + b"\x94")
        assert [group.values for group in groups] == [(b"hi",), (b"hello",), (b"hello",)]
        assert one(b"+", b"\x85") is None

    def test_a_c_string_takes_a_place_among_objects_and_among_strings(self):
        groups = walk(HEADER + new(b"*") + b"\x84" + new(b"i") + b"\x92\x92" + b"\x93\x2a")
        assert [group.values[0] for group in groups] == [b"i", b"i", 42]

    def test_several_types_in_one_group(self):
        (group,) = walk(HEADER + new(b"iI@") + b"\xff\x05\x85")
        assert group == (b"iI@", (-1, 5, None))


class TestObjects:
    def test_the_object_is_numbered_before_its_class(self):
        # O0 is the object, O1 its class; the second object names its class by reference to O1
        archive = (
            HEADER + new(b"@") + b"\x84\x84" + new(b"NSObject") + b"\x00\x85\x86" + b"\x92\x84\x93\x86" + b"\x92\x92"
        )
        first, second, again = (group.values[0] for group in walk(archive))
        assert first.cls == second.cls
        assert again is first

    def test_a_class_knows_its_ancestors(self):
        chain = (
            b"\x84"
            + new(b"NSMutableString")
            + b"\x01\x84"
            + new(b"NSString")
            + b"\x01\x84"
            + new(b"NSObject")
            + b"\x00\x85"
        )
        (group,) = walk(HEADER + new(b"@") + b"\x84" + chain + b"\x86")
        assert group.values[0].is_a("NSString")
        assert not group.values[0].is_a("NSURL")
        assert group.values[0].cls.superclass.version == 1

    def test_an_object_may_refer_to_itself(self):
        archive = HEADER + new(b"@") + b"\x84\x84" + new(b"NSObject") + b"\x00\x85" + b"\x92\x92" + b"\x86"
        (group,) = walk(archive)
        assert group.values[0].groups[0].values[0] is group.values[0]
        assert isinstance(group.values[0], Archived)
        assert "NSObject" in repr(group.values[0])

    def test_references_beyond_110(self):
        # 130 C strings; the last group refers to O[120], which is written as 120 - 110 = 10
        archive = (
            HEADER + new(b"*") + b"".join((b"" if n == 0 else b"\x92") + b"\x84" + new(b"s%d" % n) for n in range(130))
        )
        assert walk(archive + b"\x92\x0a")[-1].values[0] == b"s120"


class TestRefusals:
    @pytest.mark.parametrize(
        ("blob", "reason"),
        [
            (b"", "it is empty"),
            (b"bplist00\x01\x94\x84\x01+\x05hello\x86\x84NSString", "binary property list"),
            (b"\x04\x0bstreamtypes\x81\xe8\x03", "signature"),
            (b"\x03\x0bstreamtyped\x81\xe8\x03", "header"),
            ("a text", "not bytes but str"),
            (None, "not bytes but NoneType"),
        ],
    )
    def test_other_things(self, blob, reason):
        with pytest.raises(ArchiveError, match=reason):
            walk(blob)

    @pytest.mark.parametrize(
        ("rest", "reason"),
        [
            (new(b"+") + b"\x82\xff\xff\xff\x7f", "runs past the end"),
            (new(b"+") + b"\x82\xff\xff\xff\xff", "runs past the end"),
            (new(b"@") + b"\x92", "never written"),
            (new(b"@") + b"\x81\x00\x80", "never written"),
            (new(b"@") + b"\x84\x84" + new(b"A") + b"\x00\x93", "not one yet"),  # its own ancestor
            (new(b"@") + b"\x84\x85\x86", "without a class"),
            (new(b"@") + b"\x84\x84" + new(b"A") + b"\x00\x85\x92\x93\x86", "no object"),
            (new(b"#") + b"\x84" + new(b"A") + b"\x00\x85" + b"\x84\x01@\x92", "no object"),
            (new(b"@") + b"\x84\x84" + new(b"A") + b"\x00\x85\x84\x01*\x92\x86", "no C string"),
            (b"\x85", "without types"),
            (b"\x84\x85", "new string that is nil"),
            (new(b"?"), "unknown type"),
            (new(b"^i"), "unknown type"),
            (new(b"[c]"), "sensible count"),
            (new(b"[99999999999c]"), "sensible count"),
            (new(b"[3c"), "not closed"),
            (new(b"{a}"), "not closed or has no fields"),
            (new(b"{a=i"), "not closed"),
            (new(b"[999999999{a=}]"), "array of nothing"),
            (new(b"[999999999[0c]]"), "array of nothing"),
            (new(b"[999999999c]"), "runs past the end"),
            (new(b"[9999[9999[9999i]]]"), "runs past the end"),
            (new(b"[1" * 20 + b"i" + b"]" * 20), "nested too deeply"),
        ],
    )
    def test_what_the_grammar_does_not_have(self, rest, reason):
        with pytest.raises(ArchiveError, match=reason):
            walk(HEADER + rest)

    def test_an_archive_that_breaks_off_anywhere(self):
        whole = (
            HEADER + new(b"@") + b"\x84\x84" + new(b"NSObject") + b"\x00\x85" + new(b"d") + b"\x83" + bytes(8) + b"\x86"
        )
        assert walk(whole)
        for length in range(len(HEADER) + 1, len(whole)):
            with pytest.raises(ArchiveError):
                walk(whole[:length])

    def test_objects_nested_too_deeply(self):
        deep = HEADER + new(b"@") + b"\x84\x84" + new(b"A") + b"\x00\x85" + b"\x92\x84\x93" * 5000
        with pytest.raises(ArchiveError, match="nested too deeply"):
            walk(deep)

    def test_a_class_with_too_many_ancestors(self):
        chain = b"\x84" + new(b"A") + b"\x00" + b"\x84\x93\x00" * 5000
        with pytest.raises(ArchiveError, match="too many ancestors"):
            walk(HEADER + new(b"@") + b"\x84" + chain)

    def test_the_reason_says_where(self):
        with pytest.raises(ArchiveError, match=r"\(byte 19\)"):
            walk(HEADER + new(b"+") + b"\x05abc")
