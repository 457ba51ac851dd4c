"""A window of text that moves through a JSON file of any size and finds rows in it.

Rows are found by the standard library's scanner. Where each begins on a line of its own, all that stand whole in the
window are handed to the quickest parser there is: what is JSON between two brackets is a list of whole values, so it is
the very rows that the scanner would find there one after another. What that parser refuses goes to the scanner.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, BinaryIO

import orjson

from wonderland.advice import Hint, Options
from wonderland.errors import InputError
from wonderland_exports.frame.files import Member

__all__ = ["Broken", "Path", "Reader", "goes_on", "has_huge_numbers"]

Path = tuple[str | int, ...]

_CHUNK = 1 << 20
_SPACE = re.compile(r"[ \t\n\r]*").match
_NEXT = re.compile(r"[ \t\n\r]*([,\]}:])[ \t\n\r]*").match
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*").match
_scan = json.JSONDecoder().raw_decode
_scan_once = json.JSONDecoder().scan_once  # type: ignore[attr-defined] # raw_decode without a call around it
_LONGEST_WORD = 16  # an error this near to the end of the window may be one of the window, not of the file
_ERRORS = "surrogateescape"
_TRIES = 3  # so often the quick parser may refuse what stands in a window until it is no longer asked

# Numbers beyond 64 bits, which the quick parser would round: so many digits in a row, all of them made zeros.
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_HUGE = (b"0" * 20, b"-" + b"0" * 19)


def has_huge_numbers(content: bytes) -> bool:
    """Say whether there may be a number in some JSON that 64 bits do not hold."""
    zeros = content.translate(_ZEROS)
    return any(huge in zeros for huge in _HUGE)


def goes_on(ways: Collection[Path], pattern: Path, sign: str) -> bool:
    """Say whether a way to rows leads into what stands here, an object ("{") or an array ("[")."""
    length = len(pattern)
    return any(len(way) > length and way[:length] == pattern and (way[length] == "*") == (sign == "[") for way in ways)


class Broken(Exception):
    """The file is not JSON from a byte on."""

    def __init__(self, byte: int, *, at_end: bool, why: str = "") -> None:
        super().__init__(byte)
        self.byte, self.at_end, self.why = byte, at_end, why

    def told(self, member: Member) -> InputError:
        if member.size == 0:
            return InputError(f"{member.name} is empty.", hint="Export again.")
        if self.at_end:
            return InputError(
                f"{member.name} is cut short: it ends in the middle of something that begins at byte {self.byte:,}.",
                hint=Hint(
                    "The export was stopped or the copy is incomplete: export again. To keep the rows before that "
                    "place: ",
                    Options("extract", partial=True),
                ),
            )
        return InputError(
            f"{member.name} is not JSON from byte {self.byte:,} on{self.why and ': ' + self.why}.",
            hint=Hint(
                "It was edited or damaged: export again. To keep the rows before that place: ",
                Options("extract", partial=True),
            ),
        )


class Reader:
    """A window of decoded text that moves through a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = True
        self._decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
        self._encoding = "utf-8"
        self.text, self.at, self._base, self._done = "", 0, 0, False
        self._between, self._tries = "", _TRIES
        self._more()
        self.at = _space_end(self.text, 0)

    def _more(self) -> bool:
        """Drop what was read, take in more; say whether there was more."""
        if self._done:
            return False
        size = max(_CHUNK, 4, len(self.text) - self.at)  # a long value is scanned again: by doubling, at most twice
        raw = self._file.read(size)
        self._done = len(raw) < size
        if self._first:
            self._first = False
            if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                self._encoding = "utf-16-le" if raw[0] == 0xFF else "utf-16-be"
                raw, self._base = raw[2:], 2
            elif raw[:3] == codecs.BOM_UTF8:
                raw, self._base = raw[3:], 3
            errors = "surrogateescape" if self._encoding == "utf-8" else "replace"
            self._decoder = codecs.getincrementaldecoder(self._encoding)(errors)
        self._base += self._bytes(self.at)
        self.text, self.at = self.text[self.at :] + self._decoder.decode(raw, self._done), 0
        return True

    def _bytes(self, until: int) -> int:
        text = self.text[:until]
        return len(text) if text.isascii() and self._encoding == "utf-8" else len(text.encode(self._encoding, _ERRORS))

    def broken(self, why: str = "", *, at_end: bool = False) -> Broken:
        return Broken(self._base + self._bytes(self.at), at_end=at_end, why=why)

    def _parsed(self) -> tuple[Any, int] | None:
        """Return the value at the place and where it ends; None if the window ends first."""
        try:
            return _scan(self.text, self.at)
        except json.JSONDecodeError as error:
            if len(self.text) - error.pos > _LONGEST_WORD and "Unterminated string" not in error.msg:
                raise self.broken() from None
            return None
        except RecursionError:
            raise self.broken("it is nested too deeply") from None
        except ValueError:
            raise self.broken("a number has thousands of digits") from None

    def _scanned(self) -> tuple[Any, str]:
        """Return the value at the place and the sign after it; the place moves behind both."""
        while True:
            parsed = self._parsed()
            sign = _NEXT(self.text, parsed[1]) if parsed else None
            if parsed and sign is not None and (sign.end() < len(self.text) or self._done):
                self.at = sign.end()
                return parsed[0], sign[1]
            if not self._more():
                raise self.broken(at_end=parsed is None or not self.text[parsed[1] :].strip())

    def _sign(self, wanted: str) -> str:
        """Take one of the signs wanted, and the blanks around it."""
        while True:
            found = _NEXT(self.text, self.at)
            if found is not None and (found.end() < len(self.text) or self._done):
                if found[1] not in wanted:
                    raise self.broken()
                self.at = found.end()
                return found[1]
            if found is None and self.text[self.at :].strip():
                raise self.broken()
            if not self._more():
                raise self.broken(at_end=True)

    def _peek(self) -> str:
        while True:
            self.at = _space_end(self.text, self.at)
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                raise self.broken(at_end=True)

    def value(self, path: Path, ways: Collection[Path], pattern: Path) -> Iterator[tuple[Path, list[Any]]]:
        """Yield what there is to yield of the value at the place."""
        sign = self._peek()
        if sign == "[" and pattern in ways:
            yield from self._rows((*path, "*"))
        elif sign == "{" and goes_on(ways, pattern, sign):
            yield from self._object(path, ways, pattern)
        elif sign == "[" and goes_on(ways, pattern, sign):
            yield from self._array(path, ways, pattern)
        else:
            yield path, [self._whole()]

    def _whole(self) -> Any:
        while True:
            parsed = self._parsed()
            if parsed and (parsed[1] < len(self.text) or self._done):  # "12" may be the beginning of 123
                self.at = parsed[1]
                return parsed[0]
            if not self._more():
                raise self.broken(at_end=True)

    def _object(self, path: Path, ways: Collection[Path], pattern: Path) -> Iterator[tuple[Path, list[Any]]]:
        self.at += 1
        if self._peek() == "}":
            self.at += 1
            return
        sign = ","
        while sign == ",":
            key = self._key()
            yield from self.value((*path, key), ways, (*pattern, key))
            sign = self._sign(",}")

    def _key(self) -> str:
        if self._peek() != '"':
            raise self.broken()
        while True:
            try:
                key, end = scanstring(self.text, self.at + 1, True)
                break
            except json.JSONDecodeError as error:
                if "Unterminated" not in error.msg and len(self.text) - error.pos > _LONGEST_WORD:
                    raise self.broken() from None
                if not self._more():
                    raise self.broken(at_end=True) from None
        self.at = end
        self._sign(":")
        return str(key)

    def _array(self, path: Path, ways: Collection[Path], pattern: Path) -> Iterator[tuple[Path, list[Any]]]:
        self.at += 1
        if self._peek() == "]":
            self.at += 1
            return
        number, sign = 0, ","
        while sign == ",":
            yield from self.value((*path, number), ways, (*pattern, "*"))
            sign = self._sign(",]")
            number += 1

    def _rows(self, path: Path) -> Iterator[tuple[Path, list[Any]]]:
        self.at += 1
        if self._peek() == "]":
            self.at += 1
            return
        blanks = self.text[self.text.rfind("[", 0, self.at) + 1 : self.at]
        self._between, self._tries = f",{blanks}{{", _TRIES if "\n" in blanks else 0
        sign = ","
        while sign == ",":
            if rows := self._ready():
                yield path, rows
            value, sign = self._scanned()
            if sign not in ",]":
                self.at -= 1
                raise self.broken()
            yield path, [value]

    def _ready(self) -> list[Any]:
        """Return the rows that stand whole in the window and are followed by another; what is odd is left for later."""
        rows = self._at_once()
        text, at, size = self.text, self.at, len(self.text)
        try:
            while True:
                value, end = _scan_once(text, at)
                sign = _COMMA(text, end)
                if sign is None or sign.end() >= size:
                    return rows
                self.at = at = sign.end()
                rows.append(value)
        except (StopIteration, ValueError, RecursionError):
            return rows

    def _at_once(self) -> list[Any]:
        """Return the rows up to the last that begins in the window as rows of this array do; none if that is not so."""
        end = self.text.rfind(self._between, self.at) if self._tries else -1
        if end <= self.at:
            return []
        self._tries -= 1
        try:
            content = self.text[self.at : end].encode()
            if has_huge_numbers(content):
                return []
            rows: list[Any] = orjson.loads(b"[%b]" % content)
        except (UnicodeEncodeError, orjson.JSONDecodeError):
            return []
        self.at, self._tries = end + len(self._between) - 1, _TRIES
        return rows

    def end(self) -> None:
        """Make sure that nothing but blanks follows."""
        while True:
            self.at = _space_end(self.text, self.at)
            if self.at < len(self.text):
                raise self.broken("there is something after its end")
            if not self._more():
                return


def _space_end(text: str, at: int) -> int:
    found = _SPACE(text, at)
    assert found is not None
    return found.end()
