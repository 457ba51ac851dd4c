"""What one ``attributedBody`` says: its text, and which stretch of it is a mention, a link, a one-time code.

The blob is a typedstream of one ``NSAttributedString``: the string, then runs, each the number of an attribute
dictionary and a length in UTF-16 code units. The dictionary follows where its number is new. `decode_body` reads all
of it and holds it against itself (the runs must cover the text exactly); offsets come out in code points, so that
``body.text[run.start:run.end]`` is right in Python.

A U+FFFC in the text marks the place of an attachment; `Body.written` leaves those out and says where each remaining
character stood.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from wonderland_imessage.archived import Archived, ArchiveError, Group, Mark
from wonderland_imessage.typedstream import parse

__all__ = ["Body", "Run", "Span", "UndecodableBody", "Written", "decode_body", "interpret"]

OBJECT_REPLACEMENT = "\ufffc"
PART = "__kIMMessagePartAttributeName"
ATTACHMENT = "__kIMFileTransferGUIDAttributeName"
MENTION = "__kIMMentionConfirmedMention"
LINK = "__kIMLinkAttributeName"
ONE_TIME_CODE = "__kIMOneTimeCodeAttributeName"
TRANSCRIPTION = "IMAudioTranscription"
STYLES = {
    "__kIMTextBoldAttributeName": "bold",
    "__kIMTextItalicAttributeName": "italic",
    "__kIMTextUnderlineAttributeName": "underline",
    "__kIMTextStrikethroughAttributeName": "strikethrough",
    "__kIMTextEffectAttributeName": "effect",
}


class UndecodableBody(ArchiveError):
    """A body that cannot be read; ``reason`` says why, without any of its text."""


class Run(NamedTuple):
    """A stretch of text, in code points, and its attributes by name."""

    start: int
    end: int
    attributes: dict[str, Any]


class Span(NamedTuple):
    """A stretch of text, in code points, and the value one attribute has there."""

    start: int
    end: int
    value: Any


class Written(NamedTuple):
    """A text without the places of its attachments, and the offset each character had with them."""

    text: str
    offsets: range | tuple[int, ...]


@dataclass(frozen=True)
class Body:
    """A decoded body.

    Attributes:
        text: The string as it is stored, with a U+FFFC for each attachment.
        lengths: (dictionary number, length in UTF-16 code units) for each run, as stored.
        names: The names of all attributes in use.
    """

    text: str
    lengths: tuple[tuple[int, int], ...]
    names: frozenset[str]
    _dictionaries: dict[int, dict[str, Any]] = field(repr=False, compare=False)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs in order; they cover the text without gaps."""
        points = _code_points(self.text)
        ends = [points[end] for end in accumulate(length for _, length in self.lengths)]
        attributes = {
            number: {name: _value(value, 0) for name, value in values.items()}
            for number, values in self._dictionaries.items()
        }
        numbers = [number for number, _ in self.lengths]
        return tuple(
            Run(start, end, attributes[number]) for start, end, number in zip([0, *ends], ends, numbers, strict=False)
        )

    def spans(self, name: str) -> tuple[Span, ...]:
        """Return where an attribute applies, and its values; neighbours of one value are joined."""
        found: list[Span] = []
        for run in self.runs:
            if name not in run.attributes:
                continue
            value = run.attributes[name]
            if found and found[-1].end == run.start and found[-1].value == value:
                found[-1] = found[-1]._replace(end=run.end)
            else:
                found.append(Span(run.start, run.end, value))
        return tuple(found)

    @property
    def mentions(self) -> tuple[Span, ...]:
        """Who is mentioned where; the value is the handle."""
        return self.spans(MENTION)

    @property
    def links(self) -> tuple[Span, ...]:
        """What is linked where; the value is the address."""
        return self.spans(LINK)

    @property
    def one_time_codes(self) -> tuple[Span, ...]:
        """Where Messages saw a one-time code."""
        return self.spans(ONE_TIME_CODE)

    @property
    def attachments(self) -> tuple[Span, ...]:
        """The place of each attachment; the value is its ``attachment.guid``."""
        return self.spans(ATTACHMENT)

    @property
    def styles(self) -> dict[str, tuple[Span, ...]]:
        """Bold, italic, underline, strikethrough and effect, where they are used and switched on."""
        found = {style: tuple(s for s in self.spans(name) if s.value) for name, style in STYLES.items()}
        return {style: spans for style, spans in found.items() if spans}

    @property
    def transcription(self) -> str:
        """What the system heard in an audio message, or an empty string."""
        return " ".join(str(span.value) for span in self.spans(TRANSCRIPTION) if isinstance(span.value, str))

    def written(self) -> Written:
        """Return the text without the places of attachments, with the map of its offsets."""
        if OBJECT_REPLACEMENT not in self.text:
            return Written(self.text, range(len(self.text)))
        offsets = tuple(at for at, character in enumerate(self.text) if character != OBJECT_REPLACEMENT)
        return Written(self.text.replace(OBJECT_REPLACEMENT, ""), offsets)


def decode_body(blob: bytes) -> Body:
    """Decode one ``attributedBody``.

    Raises:
        UndecodableBody: The blob is no sound archive of an attributed string; ``reason`` says why.
    """
    try:
        return interpret(parse(blob, None))
    except UndecodableBody:
        raise
    except ArchiveError as error:
        raise UndecodableBody(error.reason) from None


def decode_marked(blob: bytes, marks: list[Mark]) -> Body:
    """Decode as `decode_body` does, and note in ``marks`` where the archive's varying values lie."""
    try:
        return interpret(parse(blob, marks))
    except UndecodableBody:
        raise
    except ArchiveError as error:
        raise UndecodableBody(error.reason) from None


def interpret(groups: tuple[Group, ...]) -> Body:
    """Make a `Body` of the groups of an archive, or raise `UndecodableBody`."""
    if len(groups) != 1 or groups[0].types != b"@" or not isinstance(groups[0].values[0], Archived):
        raise UndecodableBody("the archive is not one object")
    root: Archived = groups[0].values[0]
    if not root.is_a("NSAttributedString"):
        raise UndecodableBody("the archive holds no attributed string")
    fields = iter(root.groups)
    text = _string(next(fields, None))
    lengths: list[tuple[int, int]] = []
    dictionaries: dict[int, dict[str, Any]] = {}
    for group in fields:
        if group.types != b"iI":
            raise UndecodableBody("something other than a run follows the text")
        number, length = group.values
        if number not in dictionaries:
            dictionaries[number] = _dictionary(next(fields, None))
        lengths.append((number, length))
    units = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    covered = sum(length for _, length in lengths)
    if covered != units:
        raise UndecodableBody(f"its runs cover {covered} of {units} UTF-16 units")
    return Body(text, tuple(lengths), frozenset().union(*dictionaries.values()), dictionaries)


def _string(group: Group | None) -> str:
    value = group.values[0] if group is not None and group.types == b"@" else None
    if not (isinstance(value, Archived) and value.is_a("NSString")):
        raise UndecodableBody("the attributed string has no string")
    if len(value.groups) != 1 or value.groups[0].types != b"+" or value.groups[0].values[0] is None:
        raise UndecodableBody("the string has no bytes")
    try:
        return str(value.groups[0].values[0], "utf-8")
    except UnicodeDecodeError as error:
        raise UndecodableBody(f"the text is not UTF-8 (byte {error.start} of it)") from None


def _dictionary(group: Group | None) -> dict[str, Any]:
    """Return a dictionary's pairs, the values still as archived."""
    value = group.values[0] if group is not None and group.types == b"@" else None
    if not (isinstance(value, Archived) and value.is_a("NSDictionary") and value.groups):
        raise UndecodableBody("a run has no attributes")
    count, *pairs = value.groups
    if count.types != b"i" or len(pairs) != 2 * count.values[0] or any(pair.types != b"@" for pair in pairs):
        raise UndecodableBody("an attribute dictionary is not what it says")
    return {_string(key): one.values[0] for key, one in zip(pairs[::2], pairs[1::2], strict=True)}


def _value(archived: Any, depth: int) -> Any:
    """Turn an archived value into a plain one; what is not understood stays as `Archived`."""
    if not isinstance(archived, Archived) or depth > 8:
        return archived
    groups = archived.groups
    try:
        if archived.is_a("NSString"):
            return _string(Group(b"@", (archived,)))
        if archived.is_a("NSValue"):
            return groups[1].values[0]
        if archived.is_a("NSURL"):
            return _value(groups[-1].values[0], depth + 1)
        if archived.is_a("NSData"):
            return groups[1].values[0]
        if archived.is_a("NSDictionary"):
            return {name: _value(one, depth + 1) for name, one in _dictionary(Group(b"@", (archived,))).items()}
        if archived.is_a("NSArray") or archived.is_a("NSSet"):
            return tuple(_value(group.values[0], depth + 1) for group in groups[1:])
        if archived.is_a("NSDate"):
            return groups[0].values[0]
    except (UndecodableBody, IndexError):
        pass
    return archived


def _code_points(text: str) -> range | list[int]:
    """Map each UTF-16 offset of a text to its code-point offset; an offset inside a pair maps to the pair's end."""
    if text.isascii() or max(text) < "\U00010000":
        return range(len(text) + 1)
    points = [0]
    for at, character in enumerate(text, 1):
        points.extend((at, at) if character > "\uffff" else (at,))
    return points
