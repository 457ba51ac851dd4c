"""The database of Signal Desktop, ``sql/db.sqlite``: encrypted with the key in ``config.json``, or decrypted already.

Older versions keep everything in a column of JSON, newer ones in columns of their own; a column comes first where it
has a value. The key is readable in old versions only; newer ones keep it in the system's keychain, so it has to be
given. Opening an encrypted database takes the package ``sqlcipher3``.
"""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wonderland as wl
from wonderland.corpus.secrets import obtain
from wonderland.errors import InputError, ResourceError, UsageError
from wonderland_exports.frame import ME, Tally, from_unix
from wonderland_exports.frame.sqlite import MAGIC, connect, select

__all__ = ["DATABASE", "Desktop", "checked_key", "looks_like"]

DATABASE = Path("sql") / "db.sqlite"
_TABLES = ("messages", "conversations")
_MESSAGE = ("rowid", "id", "json", "body", "type", "conversationId", "sourceServiceId", "sent_at", "timestamp")
_MORE = ("serverTimestamp", "hasAttachments")
_HINT = (
    "The key is 64 digits and letters (a-f). The tool sigtop, or signal-export, gets it from your keychain; or export "
    "with Signal itself, as plain text, and give that folder."
)


def looks_like(path: Path) -> bool:
    """Say whether a folder is Signal Desktop's own."""
    return path.is_dir() and (path / DATABASE).is_file() and (path / "config.json").is_file()


class Desktop:
    """One database, opened."""

    def __init__(self, folder: Path, key: str | None) -> None:
        self._path = folder / DATABASE
        with self._path.open("rb") as file:
            plain = file.read(len(MAGIC)) == MAGIC
        self._errors: tuple[type[Exception], ...] = (sqlite3.Error,)
        if plain:
            self._connection: Any = connect(self._path, _TABLES, "Signal Desktop's database")
        else:
            self._connection = self._decrypted(folder, key)

    def _decrypted(self, folder: Path, given: str | None) -> Any:
        try:
            dbapi: Any = importlib.import_module("sqlcipher3").dbapi2
        except ImportError:
            raise ResourceError(
                "Signal Desktop's database is encrypted; opening it takes the package sqlcipher3.",
                hint="pip install sqlcipher3 -- or export with Signal itself, as plain text, and give that folder.",
            ) from None
        self._errors = (dbapi.Error,)
        key = given or _key(folder)
        try:
            connection = dbapi.connect(self._path.absolute().as_uri() + "?mode=ro", uri=True)
            connection.execute(f"PRAGMA key = \"x'{key}'\"")
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            connection.execute("SELECT COUNT(*) FROM messages").fetchone()
        except dbapi.Error as error:
            raise InputError(f"The key does not open {self._path}, or it is damaged: {error}.", hint=_HINT) from None
        return connection

    def count(self) -> int:
        """Count the rows of the table of messages."""
        try:
            return int(self._connection.execute("SELECT COUNT(*) FROM messages").fetchone()[0])
        except self._errors as error:
            raise self._broken(error) from None

    def close(self) -> None:
        """End the read transaction."""
        self._connection.close()

    def items(self, tally: Tally, *, named: bool) -> Iterator[wl.Message | wl.Skipped]:
        """Yield what becomes of each row."""
        try:
            people = _People(self._connection)
            query = (
                f"SELECT {select(self._connection, 'messages', (*_MESSAGE[1:], *_MORE))} FROM messages ORDER BY rowid"  # noqa: S608
            )
            for number, row in enumerate(self._connection.execute(query), 1):
                yield _judge(
                    f"row {number}", dict(zip((*_MESSAGE[1:], *_MORE), row, strict=True)), people, tally, named
                )
        except self._errors as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> InputError:
        return InputError(f"{self._path} is damaged: {error}.", hint="Quit Signal and copy its whole folder again.")


class _People:
    """Conversations by their id, and people by the id of their account."""

    def __init__(self, connection: Any) -> None:
        self.conversations: dict[str, tuple[str, str, bool]] = {}
        self.accounts: dict[str, tuple[str, str]] = {}
        names = ("id", "type", "serviceId", "e164", "name", "profileFullName", "profileName", "json")
        for row in connection.execute(f"SELECT {select(connection, 'conversations', names)} FROM conversations"):  # noqa: S608
            fields = _json(row[7]) | {key: value for key, value in zip(names, row, strict=True) if value}
            account = str(fields.get("serviceId") or fields.get("uuid") or "")
            identity = str(fields.get("e164") or account or fields.get("id"))
            name = str(fields.get("name") or fields.get("profileFullName") or fields.get("profileName") or identity)
            self.conversations[str(row[0])] = identity, name, row[1] == "group"
            if account:
                self.accounts[account] = identity, name


def _judge(identity: str, row: dict[str, Any], people: _People, tally: Tally, named: bool) -> wl.Message | wl.Skipped:
    more = _json(row["json"])
    kind = row["type"] or more.get("type")
    if kind not in ("incoming", "outgoing"):
        tally["System messages"][str(kind)[:40]] += 1
        return wl.Skipped(identity, "call" if kind == "call-history" else "system message")
    if more.get("deletedForEveryone"):
        return wl.Skipped(identity, "deleted")
    text = row["body"] if row["body"] is not None else more.get("body")
    if not isinstance(text, str) or not text.strip():
        for key, reason in (("isViewOnce", "view once"), ("sticker", "sticker"), ("contact", "contact")):
            if more.get(key):
                return wl.Skipped(identity, reason)
        media = row["hasAttachments"] or more.get("attachments")
        return wl.Skipped(identity, "attachment only" if media else "no text")
    mine = kind == "outgoing"
    place = str(row["conversationId"] or more.get("conversationId"))
    chat = people.conversations.get(place, (place, place, False))
    account = str(row["sourceServiceId"] or more.get("sourceServiceId") or more.get("sourceUuid") or "")
    sender = people.accounts.get(account, (account, account)) if account else chat[:2]
    sent = row["sent_at"] or more.get("sent_at") or row["timestamp"] or more.get("timestamp")
    served = row["serverTimestamp"] or more.get("serverTimestamp")
    moments = [when for when in (from_unix(sent, 1000), from_unix(served, 1000)) if when]
    if not moments:
        tally["Times"]["without a date"] += 1
    tags: tuple[str, ...] = ("group",) if chat[2] else ()
    if more.get("editHistory"):
        tags += ("edited",)
        tally["Marked"]["edited"] += 1
    shown = ME if mine else sender[1 if named else 0]
    thread = chat[1] if named else chat[0]
    return wl.Message(identity, thread, shown, mine, min(moments, default=None), text, "text", tags)


def _json(raw: Any) -> dict[str, Any]:
    try:
        value = json.loads(raw) if isinstance(raw, str) else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def checked_key(key: str) -> str:
    """Return a key.

    Raises:
        UsageError: It cannot be one.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", key.strip()):
        raise UsageError("The key of Signal Desktop's database is 64 digits and letters from a to f.", hint=_HINT)
    return key.strip()


def _key(folder: Path) -> str:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    key = config.get("key") if isinstance(config, dict) else None
    if isinstance(key, str):
        return key
    try:
        return checked_key(obtain("signal", "key", "key of Signal Desktop's database"))
    except InputError as error:
        raise InputError(
            f"The key of Signal Desktop's database in {folder} is locked in your system's keychain. {error.message}",
            hint=f"{error.hint} {_HINT}",
        ) from None
