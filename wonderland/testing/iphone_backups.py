"""Backups of an iPhone as the Finder writes them, plain or encrypted, for tests of sources that read files of apps.

The layout of the key bag is the one that is publicly documented: a sequence of tags, lengths and values; a pass phrase
goes through PBKDF2 twice (SHA-256, then SHA-1) and unwraps the keys of classes (RFC 3394), a key of a class unwraps the
key of a file, and that decrypts it (AES-CBC, padded). The counts of rounds are small, so that a test costs nothing.
"""

from __future__ import annotations

import hashlib
import plistlib
import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from wonderland.corpus.iphone_backup import AppFile

__all__ = ["make_backup"]

_CLASS, _DATABASE_CLASS = 3, 4
_ROUNDS = 10


def make_backup(
    folder: Path, files: Mapping[AppFile, bytes], passphrase: str | None = None, *, hashed: bool = True, seed: int = 0
) -> Path:
    """Write a backup and return its folder.

    Args:
        folder: Where to; must not exist.
        files: What is in it.
        passphrase: Encrypts it with this (needs the package ``pycryptodome``).
        hashed: Whether files lie under the hash of their name; else under a name that only the list knows.
        seed: Of the keys.
    """
    folder.mkdir()
    random = Random(seed)  # noqa: S311
    keys = {number: random.randbytes(32) for number in (_CLASS, _DATABASE_CLASS)}
    listed = []
    for file, content in files.items():
        name = file.hashed if hashed else random.randbytes(20).hex()
        key = random.randbytes(32)
        place = folder / name[:2] / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content if passphrase is None else _encrypted(content, key))
        wrapped = b"" if passphrase is None else _wrapped(keys[_CLASS], key)
        listed.append((name, file.domain, file.path, 1, _record(len(content), wrapped)))
    manifest = folder / "Manifest.db"
    with closing(sqlite3.connect(manifest)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags, file BLOB)"
        )
        connection.executemany("INSERT INTO Files VALUES (?, ?, ?, ?, ?)", listed)
        connection.commit()
    properties: dict[str, Any] = {"IsEncrypted": passphrase is not None, "Version": "10.0"}
    if passphrase is not None:
        key = random.randbytes(32)
        manifest.write_bytes(_encrypted(manifest.read_bytes(), key))
        properties["ManifestKey"] = struct.pack("<l", _DATABASE_CLASS) + _wrapped(keys[_DATABASE_CLASS], key)
        properties["BackupKeyBag"] = _key_bag(passphrase, keys, random)
    (folder / "Manifest.plist").write_bytes(plistlib.dumps(properties, fmt=plistlib.FMT_BINARY))
    return folder


def _key_bag(passphrase: str, keys: Mapping[int, bytes], random: Random) -> bytes:
    salts = random.randbytes(20), random.randbytes(20)
    first = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salts[1], _ROUNDS, 32)
    unlocking = hashlib.pbkdf2_hmac("sha1", first, salts[0], _ROUNDS, 32)
    bag: list[tuple[bytes, bytes | int]] = [
        *((b"VERS", 3), (b"TYPE", 1), (b"UUID", random.randbytes(16)), (b"HMCK", random.randbytes(40)), (b"WRAP", 1)),
        *((b"SALT", salts[0]), (b"ITER", _ROUNDS), (b"DPWT", 0), (b"DPIC", _ROUNDS), (b"DPSL", salts[1])),
    ]
    for number, key in keys.items():
        bag += [(b"UUID", random.randbytes(16)), (b"CLAS", number), (b"WRAP", 2), (b"KTYP", 0)]
        bag += [(b"WPKY", _wrapped(unlocking, key))]
    values = ((tag, struct.pack(">L", value) if isinstance(value, int) else value) for tag, value in bag)
    return b"".join(tag + struct.pack(">L", len(value)) + value for tag, value in values)


def _record(size: int, wrapped: bytes) -> bytes:
    """Return what the list says of a file: an archive of keyed values."""
    about: dict[str, Any] = {"Size": size, "ProtectionClass": _CLASS, "Mode": 0o100644, "LastModified": 1_700_000_000}
    objects: list[Any] = ["$null", about]
    if wrapped:
        about["EncryptionKey"] = plistlib.UID(2)
        objects.append({"NS.data": struct.pack("<l", _CLASS) + wrapped})
    archive = {
        "$version": 100_000,
        "$archiver": "NSKeyedArchiver",
        "$top": {"root": plistlib.UID(1)},
        "$objects": objects,
    }
    return plistlib.dumps(archive, fmt=plistlib.FMT_BINARY)


def _encrypted(content: bytes, key: bytes) -> bytes:
    from Crypto.Cipher import AES

    missing = 16 - len(content) % 16
    done: bytes = AES.new(key, AES.MODE_CBC, iv=bytes(16)).encrypt(content + bytes([missing]) * missing)
    return done


def _wrapped(key: bytes, inner: bytes) -> bytes:
    from Crypto.Cipher import AES

    done: bytes = AES.new(key, AES.MODE_KW).seal(inner)
    return done
