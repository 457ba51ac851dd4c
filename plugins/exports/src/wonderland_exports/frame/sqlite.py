"""Opening another app's database without changing it, and what is said when it cannot be opened.

It is opened where it lies, read-only, with its write-ahead log, in one read transaction. A copy of the database without
the log beside it lacks the newest messages; `missing_log` tells, so that a note can say it.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from wonderland.errors import InputError, ResourceError

__all__ = ["broken", "columns", "connect", "has_tables", "missing_log", "select", "tables"]

MAGIC = b"SQLite format 3\0"


def has_tables(path: Path, wanted: Iterable[str], holding: Iterable[str] = ()) -> bool:
    """Say whether a file is an SQLite database with these tables; for ``sniff``: writes nothing, never raises.

    Args:
        path: The file.
        wanted: The tables.
        holding: Columns that the first of them has among others.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return False
        # Immutable, because this must not create the files of the log; nothing else is read this way.
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro&immutable=1", uri=True)) as connection:
            names = [*wanted]
            return {*names} <= tables(connection) and (not holding or {*holding} <= columns(connection, names[0]))
    except (OSError, sqlite3.Error):
        return False


def connect(path: Path, wanted: Iterable[str], what: str) -> sqlite3.Connection:
    """Open a database read-only and begin a read transaction.

    Raises:
        InputError: It is none, is damaged or encrypted, or lacks the tables wanted.
        ResourceError: It may not be read, or is locked.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except PermissionError:
        raise _forbidden(path) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None
    if head != MAGIC:
        state = "is empty" if not head else "is no SQLite database, or it is encrypted"
        raise InputError(f"{path} {state}.", hint=f"Give {what} as the app stores it, decrypted.")
    try:
        connection = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, timeout=10, isolation_level=None)
        connection.text_factory = _text
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        missing = {*wanted} - tables(connection)
    except sqlite3.Error as error:
        raise broken(path, error) from None
    if missing:
        connection.close()
        raise InputError(
            f"{path} is an SQLite database, but not {what}: it has no table {min(missing)!r}.",
            hint="Give the database itself. Which one it is stands on the page of this messenger in docs/how-to.",
        )
    return connection


def _text(raw: bytes) -> str | bytes:
    """Decode a text value; one that is not UTF-8 stays bytes, so that only its row fails."""
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        return raw


def broken(path: Path, error: sqlite3.Error) -> InputError | ResourceError:
    """Turn what SQLite says into what happened and what to do."""
    said = str(error)
    if "authorization denied" in said or "not permitted" in said:
        return _forbidden(path)
    if "locked" in said or "busy" in said:
        return ResourceError(f"{path} is locked by another program.", hint="Quit the app, or copy its whole folder.")
    if "unable to open" in said:
        return ResourceError(
            f"SQLite cannot open {path}, or the write-ahead log beside it.",
            hint="Copy the database with its -wal and -shm to a folder you can write to, and give that copy.",
        )
    return InputError(
        f"{path} is damaged or encrypted: {said}.",
        hint="Copy it again, with the files -wal and -shm that lie beside it.",
    )


def _forbidden(path: Path) -> ResourceError:
    hint = "Change its permissions, or copy it."
    if sys.platform == "darwin":
        hint = (
            "Open System Settings > Privacy & Security > Full Disk Access, switch on the app this command was started "
            "from, quit that app and open it again. Or copy the database with its -wal and -shm from Finder."
        )
    return ResourceError(f"You have no permission to read {path}.", hint=hint)


def missing_log(path: Path, home: Path | None = None) -> bool:
    """Say whether this may be a copy that left the write-ahead log behind."""
    with path.open("rb") as file:
        uses_log = file.read(20)[18:20] == b"\x02\x02"
    log = path.with_name(path.name + "-wal")
    at_home = home is not None and path.absolute().parent == home.expanduser()
    return uses_log and not (log.exists() and log.stat().st_size) and not at_home


def tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables there are."""
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's columns; empty if there is no such table."""
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}


def select(connection: sqlite3.Connection, table: str, names: Iterable[str], alias: str = "") -> str:
    """Return columns for a SELECT; NULL for those that this version of the app does not have."""
    present, prefix = columns(connection, table), f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{name}" if name in present else f"NULL AS {name}" for name in names)
