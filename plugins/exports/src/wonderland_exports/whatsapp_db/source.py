"""WhatsApp's own database: where it lies, which of the two it is, and every row of its table of messages."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import wonderland as wl
from wonderland.corpus import iphone_backup
from wonderland.corpus.secrets import Secret, obtain
from wonderland.errors import InputError
from wonderland_exports.frame import Tally
from wonderland_exports.frame.sqlite import broken, connect, has_tables, missing_log, tables
from wonderland_exports.whatsapp_db import android, apple
from wonderland_exports.whatsapp_db.rows import judge

__all__ = ["WhatsAppDb"]

_ANDROID = "msgstore.db"
_ASKED, _WHAT = ("passphrase", "pass phrase of the iPhone backup"), "the messages of WhatsApp"
_ENCRYPTED = re.compile(r"msgstore.*\.db\.crypt\d+", re.IGNORECASE)


class WhatsAppDb:
    """WhatsApp's own database: ``ChatStorage.sqlite`` of Mac or iPhone, ``msgstore.db`` of Android, decrypted.

    Args:
        path: The database, or a folder that holds it (the Mac app's own, an iPhone backup).
        names: Whether to use the names the store has instead of numbers.
        passphrase: Of an encrypted iPhone backup; asked for if it is needed and not given.

    Raises:
        InputError: It is no such database, or a damaged or encrypted one.
        ResourceError: It may not be read, or is locked.
    """

    name: ClassVar[str] = "whatsapp-db"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        passphrase: Annotated[Secret | None, "pass phrase of an encrypted iPhone backup"] = None,
    ) -> None:
        self._folder = Path(path).expanduser()
        self.path = _find(self._folder)
        self._named, self._passphrase = names, passphrase
        self._decrypted: iphone_backup.Decrypted | None = None
        self._connection: sqlite3.Connection | None = None
        self._tally = Tally()
        self._notes: list[str] = []

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for WhatsApp's tables, or the name of its encrypted database."""
        try:
            path = Path(path).expanduser()
            if iphone_backup.is_backup(path) and iphone_backup.is_encrypted(path):
                return 0.9 * (iphone_backup.place_of(path, apple.ON_A_PHONE) is not None)
            path = _find(path)
            if _ENCRYPTED.fullmatch(path.name):
                return 0.9  # so that opening it can say what to do
            if any(has_tables(path, wanted) for wanted in (apple.TABLES, android.NEW_TABLES)):
                return 0.95
            old = has_tables(path, android.OLD_TABLES, android.OLD_COLUMNS)
            return 0.95 if old else 0.4 if path.name == apple.NAMES[0] and path.is_file() else 0.0
        except PermissionError:  # so that opening it can say how to be let in
            return 0.9 if path.name == apple.NAMES[0] else 0.0
        except OSError:
            return 0.0

    @classmethod
    def default_location(cls) -> Path:
        """Return where WhatsApp keeps its database on a Mac."""
        return apple.home()

    def count(self) -> int:
        """Count the rows of the table of messages, in the same transaction that `rows` reads."""
        connection = self._open()
        try:
            return apple.count(connection) if self._is_apple(connection) else android.count(connection)
        except sqlite3.Error as error:
            raise broken(self.path, error) from None

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield one `Message` or `Skipped` for each row of the table of messages."""
        connection = self._open()
        try:
            for row in apple.rows(connection) if self._is_apple(connection) else android.rows(connection):
                yield judge(row, self._tally, named=self._named)
        except sqlite3.Error as error:
            raise broken(self.path, error) from None

    def facts(self) -> Mapping[str, Mapping[str, int]]:
        """Return counts of unknown types and marks, once `rows` is exhausted."""
        return self._tally.facts()

    def notes(self) -> list[str]:
        """Return what the user should know of this database."""
        return list(self._notes)

    def close(self) -> None:
        """End the read transaction."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._decrypted is not None:
            self._decrypted.close()
            self._decrypted = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if _ENCRYPTED.fullmatch(self.path.name):
                raise InputError(
                    f"{self.path.name} is encrypted, as WhatsApp backs it up.",
                    hint="Decrypt it with your 64-digit key, for example with the package wa-crypt-tools: "
                    f"wadecrypt KEY {self.path.name} msgstore.db. Then give msgstore.db.",
                )
            if iphone_backup.is_backup(self._folder) and iphone_backup.is_encrypted(self._folder):
                self._decrypted = iphone_backup.decrypt(
                    self._folder, apple.ON_A_PHONE, lambda: self._passphrase or obtain(self.name, *_ASKED), _WHAT
                )
                self.path = self._decrypted.path
            if iphone_backup.is_backup(self.path):
                raise iphone_backup.not_in(self.path, apple.ON_A_PHONE, _WHAT)
            if _is_folder(self.path):
                raise InputError(
                    f"There is no {apple.NAMES[0]} or {_ANDROID} in {self.path}.", hint="Give the database."
                )
            self._connection = connect(self.path, (), "WhatsApp's database")
            if self._decrypted is None and missing_log(self.path, apple.HOME):
                self._notes.append(
                    f"No {self.path.name}-wal lies beside this database. If it is a copy, the newest messages may be "
                    "missing. Copy the files -wal and -shm together with it."
                )
        return self._connection

    def _is_apple(self, connection: sqlite3.Connection) -> bool:
        present = tables(connection)
        if {*apple.TABLES} <= present:
            return True
        if {*android.NEW_TABLES} <= present or {*android.OLD_TABLES} <= present:
            return False
        raise InputError(
            f"{self.path} is an SQLite database, but not WhatsApp's: it has no table of messages.",
            hint=f"Give {apple.NAMES[0]} of a Mac or iPhone, or {_ANDROID} of Android.",
        )


def _find(path: Path) -> Path:
    """Return the database itself, where a folder that holds one was given."""
    if not _is_folder(path):
        return path
    backup = Path(apple.NAMES[1][:2]) / apple.NAMES[1]
    for name in (*apple.NAMES, backup, _ANDROID, f"Databases/{_ANDROID}"):
        if (path / name).is_file():
            return path / name
    backed_up = iphone_backup.place_of(path, apple.ON_A_PHONE) if iphone_backup.is_backup(path) else None
    return backed_up or path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError:  # opening it says how to be let in
        return False
