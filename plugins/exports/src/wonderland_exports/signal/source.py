"""One source for Signal, whatever form its messages come in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import wonderland as wl
from wonderland.corpus.secrets import Secret
from wonderland.errors import InputError
from wonderland_exports.frame import Export, Member, Tally, head, must_be_utf8, open_export, peek
from wonderland_exports.signal import desktop, exported
from wonderland_exports.signal.frames import FILE, Frames

__all__ = ["Signal"]

_LINES = 12  # among which a message of a text begins

# A table of somebody's own in JSON Lines may begin with a key `chat`, or with `date` and `sender`, too.
_FRAME = re.compile(
    rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"(?:(?:version|backupTimeMs)"\s*:|(?:account|recipient|chat|chatItem)"\s*:\s*\{)'
)
_LINE = re.compile(rb'\A\s*\{\s*"date"\s*:\s*"[^"]*"\s*,\s*"sender"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*"body"\s*:')


class Signal:
    """Signal's plaintext export, signal-export's ``data.json`` or text, or the folder of Signal Desktop.

    Raises:
        InputError: It is none of these, a file is cut off, or the key does not open the database.
        ResourceError: The package that opens an encrypted database is missing.
    """

    name: ClassVar[str] = "signal"
    version: ClassVar[int] = 2
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        key: Annotated[Secret | None, "key of Signal Desktop's database: 64 digits and letters a-f"] = None,
        partial: Annotated[bool, "keep the rows before the place where a file is cut off"] = False,
    ) -> None:
        if key is not None:
            desktop.checked_key(key)
        self.path = Path(path).expanduser()
        self._named, self._key, self._partial = names, key, partial
        self._export: Export | None = None
        self._frames: dict[str, Frames] = {}
        self._desktop: desktop.Desktop | None = None
        self._tally = Tally()

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for the first frame of an export, a line of data.json, a head of a text, or Signal Desktop's files."""
        try:
            if desktop.looks_like(Path(path).expanduser()):
                return 0.95
        except OSError:
            return 0.0
        return max((0.95 * bool(_form(member)) for member in peek(path, _is_ours, 8)), default=0.0)

    def count(self) -> int:
        """Count the rows."""
        if self._is_desktop():
            return self._database().count()
        return sum(self._count(member, form) for member, form in self._members())

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield one `Message` or `Skipped` for each row."""
        if self._is_desktop():
            yield from self._database().items(self._tally, named=self._named)
            return
        for member, form in self._members():
            if form == "frames":
                yield from self._surveyed(member).items(self._tally, named=self._named)
            elif form == "lines":
                yield from exported.lines(member, _thread(self._opened(), member), self._tally)
            else:
                yield from exported.texts(member, _thread(self._opened(), member), self._tally)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return counts of system messages, marks and times, once `rows` is exhausted."""
        return self._tally.facts()

    def notes(self) -> list[str]:
        """Return what the user should know of this export."""
        return list(self._export.notes) if self._export else []

    def close(self) -> None:
        """Close what was opened."""
        if self._desktop is not None:
            self._desktop.close()
            self._desktop = None
        if self._export is not None:
            self._export.close()
            self._export = None

    def _is_desktop(self) -> bool:
        return desktop.looks_like(self.path)

    def _database(self) -> desktop.Desktop:
        if self._desktop is None:
            self._desktop = desktop.Desktop(self.path, self._key)
        return self._desktop

    def _opened(self) -> Export:
        if self._export is None:
            self._export = open_export(self.path, _is_ours, "export of Signal")
        return self._export

    def _members(self) -> list[tuple[Member, str]]:
        """The files of one form: the best there is, since the tools write the same messages in several."""
        export = self._opened()
        forms = [(member, _form(member)) for member in export.members]
        for wanted in ("frames", "lines", "texts"):
            if found := [(member, form) for member, form in forms if form == wanted]:
                export.leave_out(member for member, form in forms if not form)
                for member, _ in found:
                    must_be_utf8(member)
                return found
        export.refuse_damaged()
        raise InputError(
            f"{export.where} is no export of Signal that can be read.",
            hint="In Signal Desktop: Settings > Data & storage > Export chats, as plain text, and give that folder. "
            "An Android backup (.backup) has to be decrypted by signalbackup-tools first.",
        )

    def _count(self, member: Member, form: str) -> int:
        if form == "frames":
            return self._surveyed(member).rows
        if form == "lines":
            return exported.count_lines(member, partial=self._partial)
        return exported.count_texts(member)

    def _surveyed(self, member: Member) -> Frames:
        if member.name not in self._frames:
            self._frames[member.name] = Frames.survey(member, partial=self._partial)
        return self._frames[member.name]


def _form(member: Member) -> str:
    start = head(member, 4096)
    if _FRAME.match(start):
        return "frames"
    if _LINE.match(start):
        return "lines"
    lines = start.decode("utf-8-sig", "replace").split("\n")[:_LINES]
    found = next(filter(None, map(exported.HEAD.match, lines)), None)
    is_text = member.name.endswith((".md", ".txt"))
    return "texts" if found and is_text and (member.name.endswith(".md") or found[2].count(":") == 1) else ""


def _is_ours(name: str) -> bool:
    file = name.rsplit("/", 1)[-1]
    return file in (FILE, "data.json", "chat.md", "index.md") or file.endswith(".txt")


def _thread(export: Export, member: Member) -> str:
    """The folder a chat lies in is its name."""
    if len(member.path.parts) > 1:
        return member.path.parent.as_posix()
    folder = export.path.absolute()
    return (
        folder.name if folder.is_dir() else folder.parent.name if member.path.stem in ("data", "chat") else folder.stem
    )
