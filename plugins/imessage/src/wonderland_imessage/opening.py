"""Opening a Messages database without changing it, and what is said when it cannot be opened.

The file is opened where it lies, read-only, with its write-ahead log, inside one read transaction: everything that is
read belongs to one moment, though Messages may be writing. It is never opened as *immutable*: that, or copying
``chat.db`` without ``chat.db-wal``, silently loses the newest messages.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from wonderland.corpus import iphone_backup
from wonderland.errors import InputError, ResourceError

__all__ = ["ON_A_PHONE", "broken", "columns", "connect", "find", "looks_like_messages", "missing_log", "tables"]

CACHE_KIB = 32_000  # two queries go over the table side by side; the second finds the pages that the first read
MAGIC = b"SQLite format 3\0"
NAMES = ("chat.db", "sms.db", "3d0d7e5fb2ce288813306e4d4636395e047a3d28")
BACKUP = Path("3d") / NAMES[2]  # where an iPhone backup keeps Library/SMS/sms.db
ON_A_PHONE = iphone_backup.AppFile("HomeDomain", "Library/SMS/sms.db")
FOLDER = "Messages"  # ~/Library/Messages
BACKUPS = "MobileSync"  # ~/Library/Application Support/MobileSync/Backup
COPY_ALL = "Copy chat.db, chat.db-wal and chat.db-shm together (never the first alone) and give the path of the copy."
FULL_DISK_ACCESS = (
    "Open System Settings > Privacy & Security > Full Disk Access, switch on the app this command was started from "
    "(Terminal, iTerm, your editor), quit that app and open it again. Or do without: copy chat.db, chat.db-wal and "
    "chat.db-shm together from Finder (never the first alone) and give the path of the copy."
)


def find(path: Path) -> Path:
    """Return the database itself, where a folder that holds one was given."""
    path = path.expanduser()
    if not path.is_dir():
        return path
    for candidate in (*(path / name for name in NAMES), path / BACKUP):
        if candidate.exists():
            return candidate
    backed_up = iphone_backup.place_of(path, ON_A_PHONE) if iphone_backup.is_backup(path) else None
    return backed_up or path


def looks_like_messages(path: Path) -> float:
    """Say how sure it is that this is a Messages database; reads a little, writes nothing, never raises."""
    try:
        try:
            if iphone_backup.is_backup(path.expanduser()) and iphone_backup.is_encrypted(path.expanduser()):
                return 0.9 * (iphone_backup.place_of(path.expanduser(), ON_A_PHONE) is not None)
            path = find(path)
            with path.open("rb") as file:
                magic = file.read(len(MAGIC))
        except PermissionError:  # so that opening it can say what to do
            return 0.9 if path.name in (*NAMES, FOLDER) or BACKUPS in path.parts else 0.0
        if magic != MAGIC:
            return 0.5 if path.name in NAMES and path.is_file() else 0.0
        if _has_tables(path) or _names_tables(path):
            return 0.95
        return 0.3 if path.name in NAMES else 0.0
    except OSError:
        return 0.0


def _has_tables(path: Path) -> bool:
    """Look at the table names; immutable, because this must not create side files, and nothing else is read."""
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro&immutable=1", uri=True)) as connection:
            return {"message", "handle", "chat"} <= tables(connection)
    except sqlite3.Error:
        return False


def _names_tables(path: Path) -> bool:
    """Look for the table names in the write-ahead log, where a new database may still be."""
    log = path.with_name(path.name + "-wal")
    if not log.is_file():
        return False
    with log.open("rb") as file:
        return b"chat_message_join" in file.read(1 << 20)


def connect(path: Path) -> sqlite3.Connection:
    """Open a Messages database read-only and begin a read transaction.

    Raises:
        InputError: It is no Messages database, or a damaged or encrypted one.
        ResourceError: It may not be read, or is locked.
    """
    path = _inspected(path)
    connection = None
    try:
        connection = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, timeout=10, isolation_level=None)
        connection.text_factory = _text
        connection.execute("PRAGMA query_only = 1")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        present = tables(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise broken(path, error) from None
    if "message" not in present:
        connection.close()
        raise _another_database(path, present)
    return connection


def _text(raw: bytes) -> str | bytes:
    """Decode a text value; one that is not UTF-8 stays bytes, so that only its row fails."""
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        return raw


def _inspected(path: Path) -> Path:
    """Return the database; refuse what can be refused before SQLite sees it, with a better message than SQLite's."""
    try:
        path = find(path)
        size = path.stat().st_size
        if iphone_backup.is_backup(path):
            raise iphone_backup.not_in(path, ON_A_PHONE, "iMessage's messages")
        if path.is_dir():
            raise InputError(
                f"There is no chat.db or sms.db in {path}.", hint="Give the folder that holds it, or its own path."
            )
        with path.open("rb") as file:
            head = file.read(100)
        has_log = _log_of(path)
    except PermissionError:
        raise _forbidden(path) from None
    except FileNotFoundError:
        raise InputError(f"There is nothing at {path}.", hint="Messages keeps ~/Library/Messages/chat.db.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint=COPY_ALL) from None
    if not head:
        raise InputError(f"{path} is empty.", hint=COPY_ALL)
    if not head.startswith(MAGIC):
        raise InputError(
            f"{path} is not an SQLite database, or it is encrypted.",
            hint="If it comes from an encrypted iPhone backup, give the folder of the backup; you are asked for its "
            "pass phrase. If it is a copy of chat.db, copy it again.",
        )
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    current = head[24:28] == head[92:96]  # the size in the header can be trusted
    wanted = (65536 if page == 1 else page) * pages
    if current and size < wanted and not has_log:
        raise InputError(
            f"{path} is cut short: it has {size:,} bytes and says it should have {wanted:,}.", hint=COPY_ALL
        )
    return path


def _forbidden(path: Path) -> ResourceError:
    if sys.platform == "darwin":
        return ResourceError(f"macOS does not let this program read {path}.", hint=FULL_DISK_ACCESS)
    return ResourceError(f"You have no permission to read {path}.", hint="Change its permissions, or copy it.")


def _another_database(path: Path, present: set[str]) -> InputError:
    if {"Files", "Properties"} <= present:
        return InputError(
            f"{path} is the index of an iPhone backup, not its messages.",
            hint=f"Give the backup's folder, or its file {BACKUP.as_posix()}.",
        )
    return InputError(
        f"{path} is an SQLite database, but not of Messages: it has no table `message`.",
        hint="Give chat.db from ~/Library/Messages, or sms.db from an iPhone backup.",
    )


def broken(path: Path, error: sqlite3.Error) -> InputError | ResourceError:
    """Turn what SQLite says into what happened and what to do."""
    said = str(error)
    if "authorization denied" in said or "not permitted" in said:
        if sys.platform == "darwin":
            return ResourceError(
                f"macOS refused to let SQLite read {path} ({said}). If Full Disk Access is already on, it was given to "
                "another program: each Python interpreter counts as one, and an upgrade replaces it.",
                hint=FULL_DISK_ACCESS,
            )
        return _forbidden(path)
    if "locked" in said or "busy" in said:
        return ResourceError(f"{path} is locked by another program.", hint=f"Quit Messages, or: {COPY_ALL}")
    if "unable to open" in said:
        return ResourceError(
            f"SQLite cannot open {path}, or the write-ahead log beside it.",
            hint="Its folder must be one you can write to, because SQLite keeps the shared index of the log there. "
            f"{COPY_ALL} On a Mac the reason may also be that Full Disk Access is missing.",
        )
    return InputError(
        f"{path} is damaged or encrypted: {said}.",
        hint=f'{COPY_ALL} If the original is damaged too: sqlite3 chat.db ".recover" | sqlite3 recovered.db',
    )


def _log_of(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def missing_log(path: Path) -> bool:
    """Say whether this may be a copy that left the write-ahead log behind."""
    path = find(path)
    with path.open("rb") as file:
        uses_log = file.read(20)[18:20] == b"\x02\x02"
    return uses_log and not _log_of(path) and path.absolute().parent != Path.home() / "Library" / "Messages"


def tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables there are."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's columns; empty if there is no such table."""
    return set(_column_names(connection, table))


def _column_names(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    for row in connection.execute(f"PRAGMA table_info({table})"):
        yield row[1]
