"""Stages: a step of the work is done when its folder says so, last of all, with the key that is wanted now.

A stage is a folder with a ``stage.json`` that holds its key (a hash of its name, version, parameters and inputs) and
the hashes of its files. It is written beside its place and moved there when complete, so a folder is never half one
thing and half another; killed at any moment, it is as it was before or as it should be. Where the old folder and the
new one cannot change places at once, a kill between two moves leaves none, and the next that opens the workspace puts
one back (`wonderland.workspace.put_back`). Two that write the same stage at once each write in a folder of their own;
the one that ends last stays.

What would fool it: work that takes long. What it reads may be replaced meanwhile, and the folder would be sealed with a
key of things it was not made of. So `Stage.read` looks at the key before and after, and `Stage.writing` asks at the
end whether the key is still the same.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from wonderland.as_typed import quoted
from wonderland.errors import InputError, ResourceError, WonderlandError
from wonderland.paths import changed_file, exchanged, making_parents
from wonderland.workspace.fingerprint import hash_file, hash_value

__all__ = ["Stage", "State", "guarding"]

State = Literal["done", "missing", "out of date", "damaged", "declined", "begun"]
_RECORD = "stage.json"
_ABANDONED_SECONDS = 24 * 3600.0  # after which a half-written folder is one that a killed process left
_TURNS = 9  # how often others may put theirs there meanwhile
_Loaded = TypeVar("_Loaded")


@dataclass(frozen=True)
class Stage:
    """One step of the work and its folder.

    Args:
        name: Its name.
        folder: Where its files are.
        version: Raised when the same parameters give other files.
        parameters: What it depends on besides its inputs, as JSON values.
        inputs: Keys or fingerprints of what it reads.
    """

    name: str
    folder: Path
    version: int
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The hash that tells whether the folder holds what is wanted now."""
        return hash_value([self.name, self.version, self.parameters, list(self.inputs)])

    def unseal(self) -> None:
        """Take the seal off a folder that is about to be written into in its place."""
        (self.folder / _RECORD).unlink(missing_ok=True)

    def record(self) -> dict[str, Any] | None:
        """Return what ``stage.json`` says, or None if there is none that can be read."""
        try:
            value = json.loads((self.folder / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def state(self) -> State:
        """Say whether the folder holds what is wanted now."""
        record = self.record()
        if record is None:
            return "missing" if not self.folder.exists() else "damaged"
        files = record.get("files", {})
        if not isinstance(files, dict) or changed_file(self.folder, files) is not None:
            return "damaged"
        return "done" if record.get("key") == self.key else "out of date"

    @property
    def whole(self) -> bool:
        """Whether the folder was sealed, under whichever key, and its files are as they were."""
        return self.state() in ("done", "out of date")

    @property
    def done(self) -> bool:
        """Whether the folder holds what is wanted now."""
        return self.state() == "done"

    def read(self, load: Callable[[Path], _Loaded]) -> _Loaded:
        """Return what a function makes of the folder, which must be done, sure that it was the same all the while.

        Raises:
            InputError: Another process replaced the folder meanwhile.
        """
        loaded = load(self.folder)
        if (self.record() or {}).get("key") != self.key:
            raise InputError(f"{self.folder} changed while it was read.", hint="Run the same command again.")
        return loaded

    @contextmanager
    def writing(self, still: Callable[[], str] | None = None) -> Iterator[Path]:
        """Give an empty folder to write into; put it in place if all went well, remove it if not.

        Args:
            still: Asked at the end for the key that what was read has now.

        Raises:
            InputError: The key is another one now: what was made is not what the stage would say it is.
        """
        with guarding(self.folder), making_parents(self.folder):
            _remove_abandoned(self.folder)
            partial = _beside(self.folder, ".partial")
            try:
                with _named(partial, self.folder):
                    yield partial
                if still is not None and still() != self.key:
                    raise InputError(
                        f"What {self.folder} is made of changed while it was being made; nothing was kept.",
                        hint="Run the same command again.",
                    )
                self.seal(partial)
                _swap(partial, self.folder)
            finally:
                _remove(partial)

    def seal(self, partial: Path) -> None:
        """Write ``stage.json`` for what a folder holds."""
        found = sorted(path for path in partial.rglob("*") if path != partial / _RECORD)
        for path in found:
            path.chmod(0o700 if path.is_dir() else 0o600)
        files = [path for path in found if path.is_file()]
        value = {
            "stage": self.name,
            "version": self.version,
            "key": self.key,
            "parameters": self.parameters,
            "inputs": list(self.inputs),
            "files": {str(path.relative_to(partial)): hash_file(path) for path in files},
            "written": round(time.time(), 3),
        }
        record = partial / _RECORD
        record.write_text(json.dumps(value, indent=1, default=str), encoding="utf-8")
        record.chmod(0o600)


def _beside(place: Path, ending: str) -> Path:
    """Make an empty folder beside a place, for its owner only, that no other process has."""
    return Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=ending, dir=place.parent))


def _remove_abandoned(place: Path) -> None:
    for left in place.parent.glob(f".{place.name}.*"):
        if left.suffix in (".partial", ".old") and time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            _remove(left)


def _remove(left: Path) -> None:
    if left.is_symlink() or left.is_file():  # which took the place of a stage, and has given it back
        left.unlink(missing_ok=True)
    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _named(partial: Path, place: Path) -> Iterator[None]:
    """Let errors name the folder that people know, and not the one beside it."""
    try:
        yield
    except WonderlandError as error:
        error.message = error.message.replace(str(partial), str(place))
        error.args = (error.message,)
        raise


def _swap(new: Path, place: Path) -> None:
    """Put a folder in its place; what was there may be in the other's afterwards."""
    if exchanged(new, place):
        (new / _RECORD).unlink(missing_ok=True)  # so that what was there is never taken for something new
        return
    old = _beside(place, ".old")
    try:
        for turn in range(_TURNS):
            with suppress(FileNotFoundError):
                os.replace(place, old / str(turn))
            try:
                os.replace(new, place)
                return
            except OSError as error:  # another process was quicker, or it cannot be done
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or turn + 1 == _TURNS:
                    raise
    finally:
        moved = sorted(old.iterdir())
        if moved and not os.path.lexists(place):  # it failed or was stopped between the two moves
            os.replace(moved[-1], place)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def guarding(place: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into errors that say what to do.

    Args:
        place: What is written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(_existing(place)).free
            raise ResourceError(
                f"The disk is full: {place} could not be written ({free / 1e6:,.0f} MB are free). "
                "What was there before is untouched.",
                hint="Free some space and run the same command again.",
            ) from error
        if error.errno == errno.EFBIG:
            raise ResourceError(
                f"{place} could not be written: a file would be larger than this disk or account allows. "
                "What was there before is untouched.",
                hint="Raise the limit (`ulimit -f` shows one of the shell), or choose another disk with -w.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ResourceError(
                f"{place} cannot be written: {error.strerror}.",
                hint=_to_write_into(place),
            ) from error
        raise


def _to_write_into(place: Path) -> str:
    """Return what to do about a place where nothing may be written, alone or in a workspace that is there."""
    homes = (str(folder) for folder in (place, *place.parents) if os.path.isfile(folder / "wonderland.toml"))
    if (home := next(homes, "")) == "":
        return "Choose another folder, which you may write to, in your home folder for example."
    copied = f"cp -r {quoted(home)} ~/copy.wonderland"
    return f"Make the folder writable; or copy the workspace, and name the copy with -w: {copied}"


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
