"""Messages from the CSV files of iMazing, a program that reads iPhone backups.

Its columns have names of their own, and it tells messages from notices by the column ``Type``: what a generic CSV
reader would take for a message without a sender. Times have no zone: they are those of the computer that exported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

import wonderland as wl
from wonderland.advice import Hint, Options
from wonderland.errors import InputError
from wonderland_exports.again import AGAIN, Again
from wonderland_exports.frame import ME, NOT_UTF8, Export, Tally, e164, head, is_broken, open_export, peek
from wonderland_exports.tables import header, records
from wonderland_exports.walking import cut_off

__all__ = ["Imazing"]

_NEEDED = {"Chat Session", "Message Date", "Type", "Sender ID", "Text"}


class Imazing:
    """iMazing: its CSV files of Messages, SMS and WhatsApp of an iPhone backup.

    Args:
        path: A file, or the folder or zip they lie in.
        names: Whether people are called by the names iMazing found for them.
        partial: Whether a file that is cut off keeps the rows before.
    """

    name: ClassVar[str] = "imazing"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True
    phone_numbers: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        partial: Annotated[bool, "keep the rows before the place where a file is cut off"] = False,
    ) -> None:
        self.path = Path(path)
        self._names, self._partial = names, partial
        self._opened: tuple[Export, int, frozenset[str]] | None = None
        self._called: dict[str, str] = {}
        self._tally = Tally()
        self._notes: list[str] = []

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for the columns of iMazing in a header."""
        found = peek(path, lambda name: name.lower().endswith(".csv"), 12)
        return 0.96 if any({*header(head(member))} >= _NEEDED for member in found) else 0.0

    def count(self) -> int:
        """Count the records after the headers."""
        return self._open()[1]

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield a message or a skipped row for each record."""
        export, _, groups = self._open()
        again, self._tally = Again(), Tally()
        for member in export.members:
            again.next_file()
            for number, record in enumerate(records(member, partial=self._partial), 1):
                identity = f"{member.name}: record {number}"
                if isinstance(record, int):
                    yield cut_off(member, record)
                elif record is None:
                    yield wl.Skipped(identity, "wrong number of cells", failed=True)
                elif any(map(is_broken, record.values())):
                    yield wl.Skipped(identity, *NOT_UTF8)
                elif again(tuple(record.items())):
                    yield wl.Skipped(identity, AGAIN)
                else:
                    yield self._item(record, identity, groups)

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Count services, and what had to be left open."""
        return self._tally.facts()

    def notes(self) -> list[str]:
        """Return what the user should know of these files."""
        return list(self._notes)

    def close(self) -> None:
        """Close the zip."""
        if self._opened:
            self._opened[0].close()
            self._opened = None

    def _open(self) -> tuple[Export, int, frozenset[str]]:
        if self._opened is None:
            export = open_export(self.path, lambda name: name.lower().endswith(".csv"), "CSV file of iMazing")
            everything = export.members
            export.members = tuple(one for one in everything if {*header(head(one))} >= _NEEDED)
            if not export.members:
                export.refuse_damaged(everything)
            export.leave_out((one for one in everything if one not in export.members), "iMazing")
            if not export.members:
                raise InputError(
                    f"{self.path} holds no CSV file of iMazing with the columns {', '.join(sorted(_NEEDED))}.",
                    hint=Hint(
                        "Export the conversations again with iMazing, as CSV. Or read it as a table: ",
                        Options("extract", source="csv"),
                    ),
                )
            rows, writers = 0, defaultdict[str, set[str]](set)
            for member in export.members:
                for record in records(member, partial=self._partial):
                    rows += 1
                    if not isinstance(record, dict):
                        continue
                    if self._names and (name := record.get("Sender Name", "").strip()):
                        self._called[_address(record)] = name
                    if record["Type"].strip() == "Incoming":
                        writers[record["Chat Session"]].add(record["Sender ID"] or record.get("Sender Name", ""))
            groups = frozenset(thread for thread, people in writers.items() if len(people) > 1)
            export.notes.append("iMazing writes times without a zone: those of the computer that exported them.")
            self._opened, self._notes = (export, rows, groups), export.notes
        return self._opened

    def _item(self, record: Mapping[str, str], identity: str, groups: frozenset[str]) -> wl.Message | wl.Skipped:
        kind, text = record["Type"].strip(), record["Text"]
        if kind == "Notification":
            return wl.Skipped(identity, "notice of the app")
        if kind not in ("Incoming", "Outgoing"):
            return wl.Skipped(identity, "of an unknown type", failed=True, detail=kind[:60])
        if not text.strip():
            return wl.Skipped(identity, "attachment only" if record.get("Attachment") else "no text")
        mine, thread = kind == "Outgoing", record["Chat Session"]
        service = record.get("Service", "").strip()
        self._tally["Services"][service or "not said"] += 1
        marks = {
            "group": thread in groups,
            "sms": service in ("SMS", "MMS"),
            "rcs": service == "RCS",
            "edited": bool(record.get("Edited Date")),
            "reply": bool(record.get("Replying to")),
            "forwarded": record.get("Forwarded", "").strip().lower() in ("yes", "true", "1"),
        }
        tags = tuple(tag for tag, there in marks.items() if there)
        moment, sender = self._when(record["Message Date"]), ME if mine else self._sender(record)
        return wl.Message(identity, thread, sender, mine, moment, text, tags=tags)

    def _sender(self, record: Mapping[str, str]) -> str:
        address, name = _address(record), record.get("Sender Name", "").strip()
        if self._names:
            name = self._called.get(address, name) if address else name
            return name or address or record["Chat Session"] or "unknown"
        return address or name or record["Chat Session"] or "unknown"

    def _when(self, said: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(said.strip())
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self._tally["Left open"]["time missing or not understood"] += 1
            return None
        self._tally["Left open"]["time without a zone"] += 1
        return moment


def _address(record: Mapping[str, str]) -> str:
    address = record["Sender ID"].strip()
    return e164(address) or address.lower()
