"""Files of an app in a backup of an iPhone: names are hashed, a list tells them, some are encrypted.

A backup that is not encrypted needs nothing: the file lies under the SHA-1 of its domain and path, and the list in
``Manifest.db`` says so too. Of an encrypted one the package ``iphone_backup_decrypt`` decrypts that one file into a
folder that only the user can read, which is deleted when the source is closed. The pass phrase is kept nowhere.

What would fool it: a backup made before iOS 10, which has no ``Manifest.db``; its files lie directly in the folder, and
those are found, if they are not encrypted.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import plistlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from wonderland.advice import Command, Either, Hint
from wonderland.errors import InputError, ResourceError

__all__ = ["MAKE_ONE", "AppFile", "Decrypted", "decrypt", "is_backup", "is_encrypted", "not_in", "place_of"]

INDEX = "Manifest.db"
_PROPERTIES = "Manifest.plist"
MAKE_ONE = "Back the iPhone up again once its messages are on it: in Finder, all of the data on the iPhone to this Mac."
"""What to do about a backup without messages."""
_TAKES = "pip install 'wonderland[backup]' -- or make a backup without encryption and give its folder."


@dataclass(frozen=True)
class AppFile:
    """A file as an iPhone names it.

    Attributes:
        domain: Whose it is: ``HomeDomain``, ``AppDomainGroup-group.…``.
        path: Its path there.
    """

    domain: str
    path: str

    @property
    def hashed(self) -> str:
        """Its name in a backup."""
        return hashlib.sha1(f"{self.domain}-{self.path}".encode(), usedforsecurity=False).hexdigest()


def is_backup(path: Path) -> bool:
    """Say whether a folder is a backup of an iPhone. Reads nothing, never raises."""
    try:
        return path.is_dir() and ((path / INDEX).is_file() or (path / _PROPERTIES).is_file())
    except OSError:
        return False


def is_encrypted(backup: Path) -> bool:
    """Say whether a backup is encrypted, as its properties say; False where they cannot be read."""
    try:
        with (backup / _PROPERTIES).open("rb") as file:
            return bool(plistlib.load(file).get("IsEncrypted"))
    except (OSError, plistlib.InvalidFileException, ExpatError, AttributeError, ValueError, TypeError):
        return False


def place_of(backup: Path, wanted: AppFile) -> Path | None:
    """Return where a file lies in a backup; None if it is not in it. Never raises."""
    names = dict.fromkeys([wanted.hashed, *_listed(backup, wanted)])
    for name in names:
        for place in (backup / name[:2] / name, backup / name):
            try:
                if place.is_file():
                    return place
            except PermissionError:
                return place  # opening it says how to be let in
            except OSError:
                continue
    return None


def _listed(backup: Path, wanted: AppFile) -> list[str]:
    """Return the name that the list of an unencrypted backup gives a file."""
    index = backup / INDEX
    try:
        if not index.is_file():
            return []
        with closing(sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            query = "SELECT fileID FROM Files WHERE domain = ? AND relativePath = ?"
            found = connection.execute(query, (wanted.domain, wanted.path)).fetchall()
    except (OSError, sqlite3.Error):  # encrypted too, or another list
        return []
    hexadecimal = frozenset("0123456789abcdefABCDEF")
    return [name for (name,) in found if isinstance(name, str) and name and hexadecimal.issuperset(name)]


def not_in(backup: Path, wanted: AppFile, what: str) -> InputError:
    """Return what is said of a backup in which an app's messages are not.

    Args:
        backup: Its folder.
        wanted: The file that is not there.
        what: What would be in it: "iMessage's messages".
    """
    return InputError(
        f"There is no {Path(wanted.path).name} with {what} in the backup {backup}.",
        hint=Hint(
            "What else it holds is found without ",
            Either("--source", "source"),
            ": ",
            Command("extract", backup, in_python=f"Corpus.read({str(backup)!r})"),
            f". {MAKE_ONE}",
        ),
    )


@dataclass
class Decrypted:
    """A file that was decrypted, in a folder of its own."""

    path: Path

    def close(self) -> None:
        """Delete it."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def decrypt(backup: Path, wanted: AppFile, passphrase: Callable[[], str], what: str) -> Decrypted:
    """Decrypt one file of an encrypted backup into a temporary folder of mode 0700.

    Args:
        backup: The folder of the backup.
        wanted: The file.
        passphrase: Returns the pass phrase; called only if everything else is there.
        what: What is in the file, for errors: "iMessage's messages".

    Raises:
        ResourceError: The package that decrypts is not installed.
        InputError: The pass phrase is wrong, the file is not in the backup, or the backup is damaged.
    """
    library = _library()
    folder = Path(tempfile.mkdtemp(prefix="wonderland-"))
    done = Decrypted(folder / Path(wanted.path).name)
    try:
        # What the package has to say of sizes it prints; the reader of the database checks what there is.
        with contextlib.redirect_stdout(None):
            opened = library.EncryptedBackup(backup_directory=str(backup.absolute()), passphrase=passphrase())
            opened.test_decryption()
            opened.extract_file(relative_path=wanted.path, domain_like=wanted.domain, output_filename=str(done.path))
            del opened  # so that the list it decrypted is deleted now
    except library.exceptions.IncorrectPassphraseError:
        done.close()
        raise InputError(
            f"The pass phrase does not open the backup in {backup}.",
            hint="It is the one chosen when backups of this iPhone were first encrypted; not the code of the phone.",
        ) from None
    except FileNotFoundError:
        done.close()
        raise not_in(backup, wanted, what) from None
    except InputError:
        done.close()
        raise
    except Exception as error:  # a damaged backup shows in many ways; the package checks little
        done.close()
        raise InputError(
            f"The backup in {backup} cannot be decrypted: {type(error).__name__}.",
            hint="It may be incomplete: make it again, or make one without encryption and give its folder.",
        ) from error
    except BaseException:
        done.close()
        raise
    done.path.chmod(0o600)
    return done


def _library() -> Any:
    try:
        return importlib.import_module("iphone_backup_decrypt")
    except ImportError:
        raise ResourceError(
            "This backup is encrypted; reading it takes the package iphone_backup_decrypt.", hint=_TAKES
        ) from None
