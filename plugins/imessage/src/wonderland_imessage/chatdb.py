"""Where is every row of a Messages database, and who wrote it?

`ChatDb` reads ``chat.db`` (macOS) or ``sms.db`` (iPhone backup) and yields one `Message` or one `Skipped` for each row
of the table ``message``, in the order of their ROWIDs, all from one read transaction. The text is that of
``attributedBody`` where there is one (since macOS 13 ``text`` is mostly empty, and may be stale where both exist).

Costs: a few microseconds a row; memory for one integer pair per row (which chat it is in).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

import wonderland as wl
from wonderland.corpus import iphone_backup
from wonderland.corpus.blocks import Block
from wonderland.corpus.locating import home_of_mac_app
from wonderland.corpus.secrets import Secret, obtain
from wonderland.errors import InputError
from wonderland_imessage import contacts as address_books
from wonderland_imessage import opening, query
from wonderland_imessage.people import Card
from wonderland_imessage.reading import Reading

__all__ = ["ChatDb"]

_ASKED, _WHAT = "pass phrase of the iPhone backup", "the messages of Messages"


class ChatDb:
    """A Messages database.

    Senders are the address of a person's oldest handle (or their name, with contacts), the same for all handles of one
    person; ``wonderland`` makes pseudonyms of them.

    Args:
        path: ``chat.db``, ``sms.db``, or a folder that holds one (``~/Library/Messages``, an iPhone backup).
        names: Whether senders are to be named; looks them up in this Mac's contacts, where there are any.
        contacts: Where to look up people: ``mac`` for this Mac's contacts, or a copied AddressBook folder or file.
        salvage: Whether to take what can be recovered of damaged bodies.
        passphrase: Of an encrypted iPhone backup; asked for if it is needed and not given.

    Raises:
        InputError: It is no Messages database, or a damaged or encrypted one.
        ResourceError: It may not be read, or is locked.
    """

    name: ClassVar[str] = "imessage"
    version: ClassVar[int] = 2

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        contacts: Annotated[str, "join and name people by contacts: 'mac', or the path of an AddressBook folder"] = "",
        salvage: Annotated[bool, "recover what it can of damaged bodies, and tag those messages 'salvaged'"] = False,
        passphrase: Annotated[Secret | None, "pass phrase of an encrypted iPhone backup"] = None,
    ) -> None:
        self.path = Path(path)
        self.contacts = contacts or ("mac" if names and address_books.on_this_mac() else "")
        self.salvage = salvage
        self._must_have_contacts = bool(contacts)
        self._passphrase = passphrase
        self._decrypted: iphone_backup.Decrypted | None = None
        self._connection: sqlite3.Connection | None = None
        self._facts: dict[str, dict[str, int]] = {}
        self._notes: list[str] = []

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Say how sure it is that this is a Messages database."""
        return opening.looks_like_messages(Path(path))

    @classmethod
    def default_location(cls) -> Path:
        """Return where Messages keeps its database on a Mac."""
        return home_of_mac_app("Messages", "Library/Messages/chat.db")

    def count(self) -> int:
        """Count the rows of the table ``message``, in the same transaction that `rows` reads."""
        try:
            return query.count(self._open())
        except sqlite3.Error as error:
            raise opening.broken(self.path, error) from None

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return how the texts were found, services, people and more, once `rows` is exhausted."""
        return self._facts

    def notes(self) -> list[str]:
        """Return what the user should know of this database."""
        return list(self._notes)

    def close(self) -> None:
        """End the read transaction; may be called again. Reading anew begins another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._decrypted is not None:
            self._decrypted.close()
            self._decrypted = None

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield one `Message` or `Skipped` for each row of the table ``message``."""
        for block in self.blocks():
            yield from block.rows()

    def blocks(self) -> Iterator[Block]:
        """Yield the same, some thousands of rows at a time."""
        try:
            connection = self._open()
            cards = self._cards()
            reading = Reading(query.context(connection, cards), salvage=self.salvage)
            yield from reading.blocks(connection)
        except sqlite3.ProgrammingError:  # closed while it was read, for example: not the file's fault
            raise
        except sqlite3.Error as error:
            raise opening.broken(self.path, error) from None
        self._facts = reading.facts()
        self._note(*reading.notes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cards(self) -> list[Card]:
        """Read the contacts; those that nobody asked for by name may be out of reach."""
        if not self.contacts:
            return []
        try:
            cards, notes = address_books.read(self.contacts)
        except InputError as error:
            if self._must_have_contacts:
                raise
            self._note(f"Senders are not named by this Mac's contacts. {error.message} {error.hint}")
            return []
        self._note(*notes)
        return cards

    def _note(self, *notes: str) -> None:
        self._notes.extend(note for note in notes if note not in self._notes)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            path = self._plain()
            self._connection = opening.connect(path)
            if self._decrypted is None and opening.missing_log(path):
                self._note(
                    "No chat.db-wal lies beside this database. If it is a copy, the newest messages may be missing. "
                    + opening.COPY_ALL
                )
        return self._connection

    def _plain(self) -> Path:
        """Return the path of a database that can be opened: of an encrypted backup, of what was decrypted of it."""
        folder = self.path.expanduser()
        if not (iphone_backup.is_backup(folder) and iphone_backup.is_encrypted(folder)):
            return self.path
        if self._decrypted is None:
            self._decrypted = iphone_backup.decrypt(
                folder, opening.ON_A_PHONE, lambda: self._passphrase or obtain(self.name, "passphrase", _ASKED), _WHAT
            )
        return self._decrypted.path
