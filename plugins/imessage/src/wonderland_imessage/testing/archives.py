"""Writing a body, byte for byte as Messages writes it.

The inverse of `wonderland_imessage.typedstream` for what bodies consist of: an attributed string, its runs, and
attribute dictionaries of numbers, strings, addresses, data and dictionaries. Numbers that repeat are written once and
referred to, strings are written again, which is what the archiver mostly does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

__all__ = ["Archive", "Long", "Url", "encode_body", "encode_integer", "encode_text", "utf16_length"]

HEADER = b"\x04\x0bstreamtyped\x81\xe8\x03"
NEW, NIL, END = b"\x84", b"\x85", b"\x86"
OBJECT = (("NSObject", 0),)
STRING = (("NSString", 1), *OBJECT)
MUTABLE_STRING = (("NSMutableString", 1), *STRING)
ATTRIBUTED = (("NSAttributedString", 0), *OBJECT)
MUTABLE_ATTRIBUTED = (("NSMutableAttributedString", 0), *ATTRIBUTED)
DICTIONARY = (("NSDictionary", 0), *OBJECT)
NUMBER = (("NSNumber", 0), ("NSValue", 0), *OBJECT)
URL = (("NSURL", 0), *OBJECT)
DATA = (("NSMutableData", 0), ("NSData", 0), *OBJECT)
PART = "__kIMMessagePartAttributeName"


class Long(int):
    """A number archived as 64 bits wide (``q``)."""


class Url(str):
    """A string archived as an ``NSURL``."""

    __slots__ = ()


def encode_integer(value: int) -> bytes:
    """Write an integer in one, two or four bytes after the rule of the archiver."""
    if -110 <= value <= 127:
        return (value & 0xFF).to_bytes(1, "little")
    if -0x8000 <= value <= 0x7FFF:
        return b"\x81" + (value & 0xFFFF).to_bytes(2, "little")
    return b"\x82" + (value & 0xFFFFFFFF).to_bytes(4, "little")


def utf16_length(text: str) -> int:
    """Count the UTF-16 code units of a text."""
    return len(text.encode("utf-16-le")) // 2


class Archive:
    """A typedstream being written, with its two tables."""

    def __init__(self) -> None:
        self.bytes = bytearray(HEADER)
        self._strings: dict[bytes, int] = {}
        self._objects: dict[Any, int] = {}
        self._slots = 0

    def group(self, types: bytes, *encoded: bytes) -> None:
        """Write a type encoding and values that are already encoded."""
        self._shared(types)
        for value in encoded:
            self.bytes += value

    def object(self, chain: Sequence[tuple[str, int]], contents: Callable[[], None], same_as: Any = None) -> None:
        """Write an ``@`` group with an object, or a reference if one that is the ``same_as`` this was written."""
        self._shared(b"@")
        if same_as is not None and same_as in self._objects:
            self.bytes += self._reference(self._objects[same_as])
            return
        self.bytes += NEW
        self._slot(same_as)
        self._class(chain)
        contents()
        self.bytes += END

    def value(self, value: Any) -> None:
        """Write an attribute's value."""
        if isinstance(value, Url):
            self.object(URL, lambda: self._url(str(value)), ("url", value))
        elif isinstance(value, str):
            self.object(STRING, lambda: self._plus(value.encode()))
        elif isinstance(value, bytes):
            self.object(DATA, lambda: self._data(value))
        elif isinstance(value, Mapping):
            self.object(DICTIONARY, lambda: self._pairs(value))
        elif isinstance(value, bool):
            self.object(NUMBER, lambda: self._number(b"c", bytes([value])), ("c", value))
        else:
            kind = b"q" if isinstance(value, Long) else b"i"
            self.object(NUMBER, lambda: self._number(kind, encode_integer(value)), (kind, int(value)))

    def _url(self, text: str) -> None:
        self.group(b"c", b"\0")
        self.value(text)

    def _plus(self, raw: bytes) -> None:
        self.group(b"+", encode_integer(len(raw)), raw)

    def _data(self, raw: bytes) -> None:
        self.group(b"i", encode_integer(len(raw)))
        self.group(b"[%dc]" % len(raw), raw)

    def _pairs(self, pairs: Mapping[str, Any]) -> None:
        self.group(b"i", encode_integer(len(pairs)))
        for name, value in pairs.items():
            self.value(str(name))
            self.value(value)

    def _number(self, kind: bytes, encoded: bytes) -> None:
        self._shared(b"*")
        if (b"*", kind) in self._objects:
            self.bytes += self._reference(self._objects[b"*", kind])
        else:
            self.bytes += NEW
            self._shared(kind)
            self._slot((b"*", kind))
        self.group(kind, encoded)

    def _shared(self, raw: bytes) -> None:
        if raw in self._strings:
            self.bytes += self._reference(self._strings[raw])
        else:
            self._strings[raw] = len(self._strings)
            self.bytes += NEW + encode_integer(len(raw)) + raw

    def _class(self, chain: Sequence[tuple[str, int]]) -> None:
        for name, version in chain:
            if ("class", name) in self._objects:
                self.bytes += self._reference(self._objects["class", name])
                return
            self.bytes += NEW
            self._shared(name.encode())
            self.bytes += encode_integer(version)
            self._slot(("class", name))
        self.bytes += NIL

    def _slot(self, key: Any) -> None:
        if key is not None:
            self._objects[key] = self._slots
        self._slots += 1

    @staticmethod
    def _reference(index: int) -> bytes:
        return encode_integer(index - 110)


def encode_body(
    text: str, runs: Sequence[tuple[int, Mapping[str, Any]]] | None = None, *, mutable: bool = True
) -> bytes:
    """Write the body of a text.

    Args:
        text: The text; U+FFFC where an attachment is.
        runs: (length in UTF-16 code units, attributes) in order; by default one run of a single message part.
        mutable: Whether the archive holds the mutable classes; both kinds occur in about equal numbers.
    """
    archive = Archive()
    if runs is None:
        runs = [(utf16_length(text), {PART: 0})] if text else []

    def contents() -> None:
        string = MUTABLE_STRING if mutable else STRING
        archive.object(string, lambda: archive._plus(text.encode()))
        numbers: list[Mapping[str, Any]] = []
        for length, attributes in runs:
            new = attributes not in numbers
            if new:
                numbers.append(attributes)
            number = numbers.index(attributes) + 1
            archive.group(b"iI", encode_integer(number), encode_integer(length))
            if new:
                archive.object(DICTIONARY, lambda pairs=attributes: archive._pairs(pairs))  # type: ignore[misc]

    archive.object(MUTABLE_ATTRIBUTED if mutable else ATTRIBUTED, contents)
    return bytes(archive.bytes)


def encode_text(text: str, *, mutable: bool = True) -> bytes:
    """Write the body of a text without attributes: as `encode_body` does, for many."""
    before, after = _template(mutable)
    raw = text.encode()
    units = len(raw) if text.isascii() else utf16_length(text)
    return b"".join((before, encode_integer(len(raw)), raw, b"\x86\x84\x02iI\x01", encode_integer(units), after))


@lru_cache
def _template(mutable: bool) -> tuple[bytes, bytes]:
    before, _, after = encode_body("x", mutable=mutable).partition(b"\x01x\x86\x84\x02iI\x01\x01")
    return before, after
