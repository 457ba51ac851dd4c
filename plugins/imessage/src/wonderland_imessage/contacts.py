"""What the contacts call the people behind the handles.

macOS keeps contacts in ``AddressBook-v22.abcddb``, one database for each account. They are read only when asked for;
a card gives a name and joins its numbers and addresses into one person.

What would fool it: macOS hides a folder it does not let a program see, so an unreadable account must be said, not
passed over; a file of another kind or without content beside a good one must not cost the good one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from wonderland.errors import InputError
from wonderland_imessage import opening
from wonderland_imessage.people import Card

__all__ = ["HOME", "on_this_mac", "read"]

HOME = Path("~/Library/Application Support/AddressBook")
LET_IN = (
    "Open System Settings > Privacy & Security > Full Disk Access, switch on the app this command was started from "
    "(Terminal, iTerm, your editor), quit that app and open it again. Or copy the folder AddressBook from Finder and "
    "give the path of the copy."
)
WHERE = "On a Mac give `mac`; elsewhere a copy of ~/Library/Application Support/AddressBook."
COPY = "Quit Contacts, or copy the whole folder AddressBook (the files ending in -wal and -shm too) and give the copy."
NAME = ("ZFIRSTNAME", "ZLASTNAME", "ZORGANIZATION", "ZNICKNAME")
ADDRESSES = {"ZABCDPHONENUMBER": "ZFULLNUMBER", "ZABCDEMAILADDRESS": "ZADDRESS"}


def on_this_mac() -> bool:
    """Say whether this Mac keeps contacts where they usually are."""
    try:
        return HOME.expanduser().is_dir()
    except (OSError, RuntimeError):  # no home folder, or not allowed to look
        return False


def read(where: str) -> tuple[list[Card], list[str]]:
    """Return the contacts, and notes on files beside them that could not be read.

    Args:
        where: ``mac`` for this Mac's contacts, or the path of an AddressBook folder or ``.abcddb`` file.

    Raises:
        InputError: There are no contacts there, or none can be read.
    """
    folder = (HOME if where == "mac" else Path(where)).expanduser()
    try:
        files = [folder] if folder.is_file() else _files(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"There is nothing at {folder}.", hint=WHERE) from None
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.", hint=LET_IN) from None
    if not files:
        raise InputError(f"There is no .abcddb file in {folder}.", hint=WHERE)
    cards: list[Card] = []
    refused: list[InputError] = []
    for file in files:
        try:
            cards.extend(_cards_of(file))
        except InputError as error:
            refused.append(error)
    if len(refused) == len(files):
        raise refused[0]
    return cards, [f"Contacts left out: {error.message}" for error in refused]


def _files(folder: Path) -> list[Path]:
    """Find the databases of all accounts; a folder that may not be read is an error, not an empty one."""

    def fail(error: OSError) -> None:
        raise error

    walk = os.walk(folder, onerror=fail)
    return sorted(Path(parent) / name for parent, _, names in walk for name in names if name.endswith(".abcddb"))


def _cards_of(file: Path) -> list[Card]:
    try:
        with closing(sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
            if "ZABCDRECORD" not in opening.tables(connection):
                raise InputError(
                    f"{file} is no database of macOS Contacts: it has no table `ZABCDRECORD`.",
                    hint="Give the folder AddressBook, or an .abcddb file in it.",
                )
            return _cards(connection)
    except sqlite3.Error as error:
        said = str(error)
        hint = LET_IN if "unable to open" in said or "authorization" in said else COPY
        raise InputError(f"{file} cannot be read: {said}.", hint=hint) from None


def _cards(connection: sqlite3.Connection) -> list[Card]:
    present = opening.columns(connection, "ZABCDRECORD")
    fields = ", ".join(f"r.{name}" if name in present else "NULL" for name in NAME)
    addresses = " UNION ALL ".join(
        f"SELECT ZOWNER AS owner, {column} AS address FROM {table}"  # noqa: S608
        for table, column in ADDRESSES.items()
        if {"ZOWNER", column} <= opening.columns(connection, table)
    )
    if not addresses:
        return []
    query = (
        f"SELECT r.Z_PK, {fields}, a.address FROM ZABCDRECORD r JOIN ({addresses}) a ON a.owner = r.Z_PK "  # noqa: S608
        "WHERE a.address IS NOT NULL ORDER BY r.Z_PK, a.address"
    )
    by_record: dict[int, tuple[str, list[str]]] = {}
    for record, first, last, organization, nickname, one in connection.execute(query):
        name = " ".join(str(part) for part in (first, last) if part) or str(organization or nickname or "")
        by_record.setdefault(record, (name.strip(), []))[1].append(str(one))
    return [(name, tuple(addresses)) for name, addresses in by_record.values()]
