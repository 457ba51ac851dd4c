"""What do the contacts call the people behind the handles?

macOS keeps contacts in ``AddressBook-v22.abcddb``, one database for each account. They are read only when asked for;
a card gives a name and joins its numbers and addresses into one person.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from wonderland.errors import InputError
from wonderland_imessage import opening

__all__ = ["read"]

HOME = Path("~/Library/Application Support/AddressBook")
QUERY = """
SELECT r.Z_PK, r.ZFIRSTNAME, r.ZLASTNAME, r.ZORGANIZATION, r.ZNICKNAME, a.address FROM ZABCDRECORD r JOIN (
    SELECT ZOWNER AS owner, ZFULLNUMBER AS address FROM ZABCDPHONENUMBER
    UNION ALL SELECT ZOWNER, ZADDRESS FROM ZABCDEMAILADDRESS
) a ON a.owner = r.Z_PK WHERE a.address IS NOT NULL ORDER BY r.Z_PK, a.address
"""


def read(where: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (name, addresses) of each contact.

    Args:
        where: ``mac`` for this Mac's contacts, or the path of an AddressBook folder or ``.abcddb`` file.

    Raises:
        InputError: There are no contacts there, or they cannot be read.
    """
    folder = (HOME if where == "mac" else Path(where)).expanduser()
    try:
        files = [folder] if folder.is_file() else sorted(folder.rglob("*.abcddb"))
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error}.", hint=opening.FULL_DISK_ACCESS) from None
    if not files:
        raise InputError(
            f"There is no .abcddb file in {folder}.",
            hint="On a Mac give `mac`; elsewhere a copy of ~/Library/Application Support/AddressBook.",
        )
    cards: list[tuple[str, tuple[str, ...]]] = []
    for file in files:
        try:
            with closing(sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
                cards.extend(_cards(connection))
        except sqlite3.Error as error:
            raise InputError(f"{file} cannot be read: {error}.", hint=opening.FULL_DISK_ACCESS) from None
    return cards


def _cards(connection: sqlite3.Connection) -> list[tuple[str, tuple[str, ...]]]:
    by_record: dict[int, tuple[str, list[str]]] = {}
    for record, first, last, organization, nickname, one in connection.execute(QUERY):
        name = " ".join(str(part) for part in (first, last) if part) or str(organization or nickname or "")
        by_record.setdefault(record, (name, []))[1].append(str(one))
    return [(name, tuple(addresses)) for name, addresses in by_record.values()]
