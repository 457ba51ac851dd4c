"""Android's SMS and MMS as the app "SMS Backup & Restore" writes them: what becomes of each ``sms`` and ``mms``.

The app writes emoji as two halves in numbers (``&#55357;&#56832;``), which no XML parser takes; they are joined in the
bytes before parsing. Nothing in such a file declares an entity, so one that does is refused: nothing can expand. A
missing value is the word ``null``, so a text that is just ``null`` counts as no text.

What would fool it: a number written with the code of its country here and without it there is two people, unless
``--country`` says where the phone is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar
from xml.parsers import expat

import phonenumbers

import wonderland as wl
from wonderland.advice import Hint, Options
from wonderland.errors import InputError, UsageError
from wonderland_exports.frame import ME, Export, Member, Tally, e164, from_unix, head, must_be_utf8, open_export, peek

__all__ = ["Sms"]

_CHUNK = 1 << 18
_ROWS = re.compile(rb"<(?:sms|mms)(?=[\s/>])")
_REFERENCES = re.compile(rb"(?:&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});)+")
_REFERENCE = re.compile(rb"&#([0-9]+|[xX][0-9a-fA-F]+);")
_FIRST_HALF = re.compile(rb"&#(?:55[2-9][0-9]{2}|56[0-2][0-9]{2}|563[01][0-9]|[xX][dD][89abAB][0-9a-fA-F]{2});\Z")
_LONGEST = 24  # bytes of two references
_BOXES = {"3": "draft", "4": "in the outbox", "5": "failed to send", "6": "queued"}
_FROM = "137"
_OWN = "insert-address-token"  # what Android writes for the owner's own number
_NOTICE = "130"


class Sms:
    """SMS and MMS of an Android phone, as the app SMS Backup & Restore writes them (``sms-….xml``).

    Raises:
        InputError: It is no such backup, is cut short, or declares entities.
    """

    name: ClassVar[str] = "sms"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        country: Annotated[str | None, "where the phone is, two letters: numbers without a code are read so"] = None,
        partial: Annotated[bool, "keep what stands before the place where the file is cut short"] = False,
    ) -> None:
        self.path = Path(path)
        if country is not None and country.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise UsageError(
                f"There is no country {country!r} with phone numbers of its own.",
                hint=Hint(
                    "Its two letters are asked for, for the United Kingdom for example: ",
                    Options("extract", country="gb"),
                ),
            )
        self._names, self._country, self._partial = names, country, partial
        self._export: Export | None = None
        self._tally = Tally()
        self._notes: list[str] = []
        self._called: dict[str, str] = {}

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for the root element of such a backup."""
        return max((0.95 * _is_backup(member) for member in peek(path, _is_xml)), default=0.0)

    def count(self) -> int:
        """Count the elements ``sms`` and ``mms``; a tag cannot stand inside a text, so no parser is needed."""
        return sum(_count(member) for member in self._opened().members)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return counts of kinds and repairs, once `rows` is exhausted."""
        return self._tally.facts()

    def notes(self) -> list[str]:
        """Return what the user should know of this backup."""
        return [*(self._export.notes if self._export else ()), *self._notes]

    def close(self) -> None:
        """Close the backup."""
        if self._export is not None:
            self._export.close()
            self._export = None

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield one `Message` or `Skipped` for each ``sms`` and ``mms``."""
        seen: set[int] = set()
        self._notes.clear()
        if self._names:
            self._called = self._known_names()
        for member in self._opened().members:
            parser, rows = Parser(member, self._tally), 0
            for rows, row in enumerate(parser.rows(partial=self._partial), 1):
                identity = f"{member.name} row {rows}"
                if row is None:
                    yield wl.Skipped(identity, "cut off", failed=True, detail=f"at line {parser.line:,}")
                    continue
                item = self._judge(identity, *row)
                if isinstance(item, wl.Message):
                    when = item.timestamp or row[1].get("date")  # dates that cannot be read are not the same
                    key = hash((item.thread, item.sender, when, item.text))
                    if key in seen:
                        self._tally.without(item)
                        item = wl.Skipped(identity, "the same message twice")
                    seen.add(key)
                yield item
            stated = parser.stated
            if stated is not None and stated != str(rows):
                self._notes.append(f"{member.name} says that it holds {stated} messages; it holds {rows:,}.")

    def _opened(self) -> Export:
        if self._export is None:
            export = open_export(self.path, _is_xml, "XML file of SMS Backup & Restore")
            members = tuple(member for member in export.members if _is_backup(member))
            if not members:
                export.refuse_damaged()
                raise InputError(
                    f"{export.where} is no backup of SMS: it has no element `smses`.",
                    hint="In SMS Backup & Restore back up messages (not calls), and give sms-….xml.",
                )
            export.leave_out(member for member in export.members if member not in members)
            for member in members:
                must_be_utf8(member)
            export.members = members
            self._export = export
        return self._export

    def _known_names(self) -> dict[str, str]:
        """Return what each number is called, by the last row that knows it: in others it is called "(Unknown)"."""
        found = {}
        for member in self._opened().members:
            for row in Parser(member, Tally()).rows(partial=self._partial):
                others = self._others(row[1]) if row else []
                name = row[1].get("contact_name", "null") if row else ""
                if len(others) == 1 and name not in ("null", "", "(Unknown)"):
                    found[others[0]] = name
        return found

    def _others(self, row: Mapping[str, str]) -> list[str]:
        """Return the numbers of those who take part, without the owner's."""
        written = row.get("address", "").split("~")
        return sorted({number(one, self._country) for one in written if one and one != _OWN})

    def _judge(
        self, identity: str, tag: str, row: dict[str, str], parts: list[dict[str, str]], addresses: list[dict[str, str]]
    ) -> wl.Message | wl.Skipped:
        box = row.get("type" if tag == "sms" else "msg_box", "")
        if box not in ("1", "2"):
            known = _BOXES.get(box)
            return wl.Skipped(identity, known or "of unknown type", not known, "" if known else f"type {box[:20]!r}")
        text = row.get("body", "null") if tag == "sms" else _text(parts)
        if text == "null" or not text or text.isspace():
            if tag == "mms" and row.get("m_type") == _NOTICE:
                return wl.Skipped(identity, "not downloaded")
            media = any(not part.get("ct", "").startswith(("text/", "application/smil")) for part in parts)
            return wl.Skipped(identity, "attachment only" if media else "no text")
        others = self._others(row)
        sender = others[0] if others else "unknown"
        if tag == "mms":
            wrote = [one.get("address", "") for one in addresses if one.get("type") == _FROM]
            sender = number(wrote[0], self._country) if wrote and wrote[0] not in ("", "null", _OWN) else sender
        sender = self._called.get(sender, sender)
        tags: tuple[str, ...] = ("group", tag) if len(others) > 1 else (tag,)
        self._tally["Kinds"][tag] += 1
        when = from_unix(row.get("date"), 1000)
        if when is None:
            self._tally["Times"]["without a date"] += 1
        mine = box == "2"
        thread = " ".join(others) or "unknown"
        return wl.Message(identity, thread, ME if mine else sender, mine, when, text, "text", tags)


def number(address: str, country: str | None = None) -> str:
    """Return the one form of an address: E.164, else its digits, else as it stands (the name of a company)."""
    international = e164(address, country)
    if international:
        return international
    plain = re.sub(r"[\s().\-/]", "", address)
    return plain if plain.isdigit() else address.strip()


def _text(parts: list[dict[str, str]]) -> str:
    """Join the parts of an MMS that are text; layout and media are none."""
    texts = (part.get("text", "null") for part in parts if part.get("ct") == "text/plain")
    return "\n".join(text for text in texts if text != "null")


Row = tuple[str, dict[str, str], list[dict[str, str]], list[dict[str, str]]]


class Parser:
    """Parses one backup, some rows at a time.

    Attributes:
        stated: The count the file states of itself.
        line: The line parsing has come to.
    """

    def __init__(self, member: Member, tally: Tally) -> None:
        self.stated: str | None = None
        self.line = 1
        self._member, self._tally = member, tally
        self._ready: list[Row] = []
        self._open: list[Row] = []
        self._given = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._refuse

    def rows(self, *, partial: bool) -> Iterator[Row | None]:
        """Yield each row; None for each that was cut off."""
        try:
            for chunk in _chunks(self._member, self._tally):
                self._parser.Parse(chunk, False)
                yield from self._taken()
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            self.line = error.lineno
            yield from self._taken()
            if not partial:
                raise self._told(error) from None
        except (LookupError, ValueError):  # of what its first line says, Python knows nothing, or expat takes none
            raise InputError(
                f"{self._member.name} says of itself that it is written in an encoding that cannot be read.",
                hint="Its first line was edited or damaged: write encoding='UTF-8' there, or back up again.",
            ) from None
        yield from self._taken()
        yield from (None for _ in range(_count(self._member) - self._given))

    def _taken(self) -> list[Row]:
        taken, self._ready = self._ready, []
        self._given += len(taken)
        return taken

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("sms", "mms"):
            self._open.append((tag, attributes, [], []))
        elif tag == "part" and self._open:
            attributes.pop("data", None)
            self._open[-1][2].append(attributes)
        elif tag == "addr" and self._open:
            self._open[-1][3].append(attributes)
        elif tag == "smses":
            self.stated = attributes.get("count")

    def _end(self, tag: str) -> None:
        if tag in ("sms", "mms"):
            self._ready.append(self._open.pop())

    def _refuse(self, *_: Any) -> None:
        raise InputError(
            f"{self._member.name} declares entities, which no backup of messages does: it may be made to fill memory.",
            hint="Do not use this file. Back up your messages again.",
        )

    def _told(self, error: expat.ExpatError) -> InputError:
        said = expat.errors.messages[error.code]
        if said in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN):
            return InputError(
                f"{self._member.name} is cut short: it ends at line {error.lineno:,}, before its end tag.",
                hint=Hint(
                    "The backup was stopped or the copy is incomplete: copy it again. To keep its rows: ",
                    Options("extract", partial=True),
                ),
            )
        return InputError(
            f"{self._member.name} is no XML from line {error.lineno:,}, column {error.offset:,} on: {said}.",
            hint=Hint(
                "It was edited or damaged: back up again. To keep the rows before that place: ",
                Options("extract", partial=True),
            ),
        )


def _count(member: Member) -> int:
    total, rest = 0, b""
    with member.open() as file:
        while chunk := file.read(_CHUNK):
            content = rest + chunk
            at = content.rfind(b"<", max(0, len(content) - 5))  # a tag may go on in the next chunk
            content, rest = (content, b"") if at < 0 else (content[:at], content[at:])
            total += sum(1 for _ in _ROWS.finditer(content))
    return total + sum(1 for _ in _ROWS.finditer(rest))


def _chunks(member: Member, tally: Tally) -> Iterator[bytes]:
    """Yield the bytes of a backup with its halves of emoji joined."""
    rest = b""
    with member.open() as file:
        while chunk := file.read(_CHUNK):
            content = rest + chunk
            at = content.find(b"&", max(0, len(content) - _LONGEST))
            first_half = _FIRST_HALF.search(content, max(0, at - _LONGEST), at) if at > 0 else None
            if first_half:
                at = first_half.start()
            content, rest = (content, b"") if at < 0 else (content[:at], content[at:])
            yield joined(content, tally)
    if rest:
        yield joined(rest, tally)


def joined(content: bytes, tally: Tally) -> bytes:
    """Replace references that XML does not allow: halves of a character by the character, anything else by U+FFFD."""
    return _REFERENCES.sub(lambda run: _mended(run[0], tally), content) if b"&#" in content else content


def _mended(run: bytes, tally: Tally) -> bytes:
    codes = [int(digits[1:], 16) if digits[:1] in b"xX" else int(digits) for digits in _REFERENCE.findall(run)]
    if all(_allowed(code) for code in codes):
        return run
    out, at = [], 0
    while at < len(codes):
        code, after = codes[at], codes[at + 1] if at + 1 < len(codes) else 0
        if 0xD800 <= code < 0xDC00 <= after < 0xE000:
            out.append(0x10000 + ((code - 0xD800) << 10) + after - 0xDC00)
            tally["Repaired"]["halves of characters joined"] += 1
            at += 1
        elif _allowed(code):
            out.append(code)
        else:
            out.append(0xFFFD)
            tally["Repaired"]["characters XML does not allow, replaced by U+FFFD"] += 1
        at += 1
    return "".join(f"&#{code};" for code in out).encode()


def _allowed(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


def _is_xml(name: str) -> bool:
    return name.lower().endswith(".xml")


def _is_backup(member: Member) -> bool:
    return re.search(rb"<smses[\s>/]", head(member)) is not None
