"""Messages from Discord: what DiscordChatExporter writes as JSON, or the data package Discord itself sends.

The exporter writes a file a channel, with everybody's messages. The package holds those of its owner only, so a model
learns nothing from it about answers; the ledger and a note say so. A zip or a folder may hold both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import wonderland as wl
from wonderland.counted import counted
from wonderland.errors import InputError
from wonderland_exports.again import Once
from wonderland_exports.discord_rows import EXPORTERS_TEXT, Channel, Rows, author_of
from wonderland_exports.frame import CUT, Export, Member, Surveyed, Tally, find_owner, head, load, open_export, peek
from wonderland_exports.frame.looks import begins_with, first_line, not_lines
from wonderland_exports.tables import records
from wonderland_exports.walking import cut_off, is_row, numbered, walk_list, walk_rows

__all__ = ["Discord"]

_PACKAGE = re.compile(r"(?:^|.*/)c?(\d{15,20})/messages\.(?:json|csv)$")
_ABOUT = re.compile(r"(?:^|.*/)c?(\d{15,20})/channel\.json$")
_ALONE = re.compile(rb'(?:\{\s*"messages"\s*:\s*)?\[')  # rows without what stood around them
_AUTHOR = re.compile(rb'"author"\s*:\s*\{[^{}]*"isBot"\s*:')
_ONE_SIDED = (
    "Discord's own data package holds your messages only, and no answers. For both sides, export the channels with "
    "DiscordChatExporter as JSON."
)
_NOT_HTML = "it is made for eyes, and only the JSON is exact"
_HOW = "Give a JSON file of DiscordChatExporter, a folder of them, or Discord's data package."


class _File(NamedTuple):
    member: Member
    channel: Channel
    own: bool


class _Direct(NamedTuple):
    """A direct conversation: what it is called, and the shown names of those who wrote, by id."""

    name: str
    authors: dict[str, set[str]]


class _Survey(NamedTuple):
    files: list[_File]
    rows: int
    senders: Counter[str]
    names: dict[str, str]
    known: frozenset[str]


class Discord(Surveyed[_Survey]):
    """Discord: JSON of DiscordChatExporter, or Discord's data package (your own messages only).

    Args:
        path: A file, a folder or a zip.
        names: Whether people are called by their names instead of their ids.
        me: Your name or id there.
        partial: Whether a file that is cut off keeps the rows before.
    """

    name: ClassVar[str] = "discord"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        me: Annotated[str, "your name or id on Discord"] = "",
        partial: Annotated[bool, "keep the rows before the place where a file is cut off"] = False,
    ) -> None:
        super().__init__(path)
        self._names, self._me, self._partial = names, me, partial

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for a file of the exporter or of the package."""
        found = peek(path, _wants, 12)
        if any(_is_exporters(member) for member in found):
            return 0.97
        if any(_own_id(path, member) and _looks_own(head(member)) for member in found):
            return 0.96
        if Path(path).is_file() and any(_is_line(member) for member in found):
            return 0.92  # so that opening it can say what to do
        found += peek(path, _is_txt)
        return 0.5 if any(map(_for_eyes, found)) else 0.0  # so that opening it can say what to do

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield a message or a skipped row for each row."""
        export, survey = self._open()
        tally, once = Tally(), Once()
        owners = find_owner(export.where, survey.senders, self._me or None, names=survey.names, known=survey.known)
        rows = Rows(owners, survey.names if self._names else {}, tally["Left open"])
        for file in survey.files:
            which = "the owner's data package" if file.own else "files of DiscordChatExporter"
            for number, row in self._rows(file):
                if number is None:
                    yield cut_off(file.member, row)
                    continue
                tally["Found in"][which] += 1
                stored = (row.get("ID") if file.own else row.get("id")) if isinstance(row, Mapping) else None
                item = partial(rows.own if file.own else rows.item, row, channel=file.channel)
                yield once(f"{file.channel.identity}/{stored}" if stored else "", f"{file.member.name}:{number}", item)
        self._facts = tally.facts()

    def _files(self) -> Export:
        return open_export(self.path, lambda name: _wants(name) or _is_txt(name), "export of Discord")

    def _rows(self, file: _File) -> Iterator[tuple[int | None, Any]]:
        if file.own and file.member.name.lower().endswith(".csv"):
            for number, row in enumerate(records(file.member, partial=self._partial)):
                yield (None, row) if isinstance(row, int) else (number, row)
        elif file.own:
            yield from walk_list(file.member, partial=self._partial)
        else:
            yield from numbered(file.member, _array(file.member), partial=self._partial)

    def _survey(self, export: Export) -> _Survey:
        about = {found[1]: member for member in export.members if (found := _ABOUT.match(member.name))}
        files, count, senders, names = [], 0, Counter[str](), dict[str, str]()
        direct: list[_Direct] = []
        others: list[Member] = []
        eyes = [member for member in export.members if _for_eyes(member)]
        if eyes:
            export.notes.append(
                f"HTML or text of DiscordChatExporter was passed over (files: {len(eyes):,}): {_NOT_HTML}."
            )
        for member in (one for one in export.members if one not in eyes and not _is_txt(one.name)):
            if channel := _own_id(self.path, member):
                file = _File(member, _own_channel(channel, about.get(channel)), True)
            elif not _ABOUT.match(member.name) and _is_exporters(member):
                file, more, written = self._exporters(export, member, names)
                senders += written
                direct += more
            else:
                others.append(member)
                continue
            files.append(file)
            count += sum(1 for _ in self._rows(file))
        if not files and eyes:
            raise InputError(
                f"{self.path} holds DiscordChatExporter's HTML or text alone: {_NOT_HTML}.",
                hint="Export the channels again with the format JSON; on its command line: --format Json",
            )
        if not files:
            export.refuse_damaged()
            if self.path.is_file() and any(map(_is_line, others)):
                raise not_lines(self.path, "DiscordChatExporter")
            raise InputError(f"{self.path} holds nothing that Discord or DiscordChatExporter wrote.", hint=_HOW)
        if any(file.own for file in files):
            export.notes.append(_ONE_SIDED)
        beside = {file.member.path.parent for file in files if not file.own}
        export.leave_out((one for one in others if one.path.parent in beside), "DiscordChatExporter")
        return _Survey(files, count, senders, names, _owner_of(direct))

    def _exporters(
        self, export: Export, member: Member, names: dict[str, str]
    ) -> tuple[_File, list[_Direct], Counter[str]]:
        """Look through a file of the exporter; fill in what people are called."""
        channel: Mapping[str, Any] = {}
        authors: dict[str, set[str]] = {}
        written, count, said = Counter[str](), 0, None
        for path, value in walk_rows(member, _array(member), partial=self._partial):
            if path == ("channel",) and isinstance(value, Mapping):
                channel = value
            elif path == ("messageCount",):
                said = value
            elif path != CUT and is_row(path):
                count += 1
                author = value.get("author") if isinstance(value, Mapping) else None
                who = author_of(author)
                if who and isinstance(author, Mapping) and not author.get("isBot"):
                    written[who[0]] += 1
                    if who[1] != who[0] or who[0] not in names:  # not only the id
                        names[who[0]] = who[1]
                    authors.setdefault(who[0], set()).update(who[1:], (str(author.get("name")),))
        if isinstance(said, int) and said != count:
            export.notes.append(f"{member.name} says it holds {counted(said, 'message')} and holds {count:,}.")
        kind = str(channel.get("type", ""))
        if not channel:
            export.notes.append(f"{member.name} does not say which channel it is of; it is taken as one conversation.")
        tags = () if kind in ("DirectTextChat", "1") or not channel else ("group",)
        file = _File(member, Channel(str(channel.get("id") or member.name), tags), False)
        return file, [_Direct(str(channel.get("name", "")), authors)] if kind and not tags else [], written


def _wants(name: str) -> bool:
    return name.lower().endswith((".json", ".html")) or bool(_PACKAGE.match(name))


def _own_id(path: Path, member: Member) -> str:
    """Return the channel of a file of the data package; empty for any other. Given itself, it may lie anywhere."""
    if found := _PACKAGE.match(member.name):
        return found[1]
    whole = Path(path).absolute()
    if member.name != whole.name or whole.suffix.lower() not in (".csv", ".json") or not _looks_own(head(member)):
        return ""
    found = _PACKAGE.match(whole.as_posix())
    return found[1] if found else whole.stem


def _is_exporters(member: Member) -> bool:
    content = head(member)
    if begins_with(b"{", content) and b'"guild"' in content and b'"channel"' in content:
        return True
    return _ALONE.match(content.lstrip(b"\xef\xbb\xbf \r\n\t")) is not None and _AUTHOR.search(content) is not None


def _is_line(member: Member) -> bool:
    """Say whether a file begins with a row of the exporter on a line of its own."""
    row = first_line(head(member))
    author = row.get("author")
    return isinstance(author, Mapping) and "isBot" in author and "content" in row


def _array(member: Member) -> str:
    """Return where the rows of a file of the exporter stand, as `walk_rows` takes it."""
    return "" if begins_with(b"[", head(member)) else "messages"


def _is_txt(name: str) -> bool:
    return name.lower().endswith(".txt")


def _for_eyes(member: Member) -> bool:
    """Say whether a file is the exporter's HTML, or its text, whose lines look like WhatsApp's."""
    if _is_txt(member.name):
        return EXPORTERS_TEXT.match(head(member)) is not None
    is_html = member.name.lower().endswith(".html")
    return is_html and re.search(rb"\bchatlog__|\bpreamble__", head(member, 1 << 16)) is not None


def _looks_own(content: bytes) -> bool:
    return b'"Contents"' in content or content.lstrip(b"\xef\xbb\xbf").startswith(b"ID,Timestamp,Contents")


def _own_channel(identity: str, about: Member | None) -> Channel:
    value = load(about) if about else {}
    kind = str(value.get("type", "")) if isinstance(value, Mapping) else ""
    return Channel(identity, () if kind in ("1", "DM") else ("group",))


def _owner_of(direct: list[_Direct]) -> frozenset[str]:
    """Return who must be the owner: in every direct conversation, and not the one it is named after."""
    possible: frozenset[str] | None = None
    for one in direct:
        others = frozenset(who for who, names in one.authors.items() if one.name not in names)
        possible = others if possible is None else possible & others
    return possible if possible and len(possible) == 1 else frozenset()
