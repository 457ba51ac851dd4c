"""The file that a word means: ``imessage`` is no path; if no file is called so, it is the Mac's own store.

A source that has a place of its own says so with ``default_location()``. A word that is the name of such a source means
that place. A file or folder of that name comes first: what is there is never passed over for what a word could mean.
"""

from __future__ import annotations

import difflib
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wonderland.advice import Command, Either, Hint
from wonderland.errors import InputError
from wonderland.paths import expanded, must_have_a_name

__all__ = ["CHECK_THE_PATH", "home_of_mac_app", "is_folder", "is_there", "locate", "must_be_a_store"]

CHECK_THE_PATH = Hint("Check the path", Either("; quote it if it contains spaces.", "."))
"""What to do where there is nothing at a path."""


def locate(typed: str | Path, sources: Mapping[str, type[Any]]) -> Path:
    """Return the path that was typed, or the place of the source that was named instead of one.

    Args:
        typed: A path, or a source's name; ``~`` is the home directory.
        sources: Sources by name.

    Raises:
        InputError: It is a word, nothing is called so, and it is no source with a place of its own that is there.
    """
    path = expanded(typed)
    word = str(typed)
    if not word.isascii() or not word.replace("-", "").replace("_", "").isalnum() or is_there(path):
        return path
    homes = [name for name, source in sources.items() if hasattr(source, "default_location")]
    if word in homes:
        return _home(word, sources[word])
    told = f"The sources that find their own store on a Mac: {', '.join(sorted(homes))}." if homes else ""
    if word in sources:
        raise InputError(
            f"There is nothing called {word!r} here, and the source of that name reads what you exported, wherever "
            "you put it.",
            hint=f"Give the path of the export. {told}".strip(),
        )
    near = difflib.get_close_matches(word.lower(), homes, n=1, cutoff=0.6)
    meant = f"Did you mean {near[0]}?" if near else CHECK_THE_PATH
    raise InputError(
        f"There is nothing at {path}, and no source is called {word!r}.", hint=Hint(meant, f" {told}" if told else "")
    )


def home_of_mac_app(app: str, *places: str) -> Path:
    """Return where an app keeps its store on a Mac; for ``default_location`` of a source.

    Args:
        app: What the app is called.
        places: Where it may be, each from the home directory on. One that may not be looked at counts as being there,
            so that opening it says how to be let in.

    Raises:
        InputError: This is no Mac, or there is nothing.
    """
    if sys.platform != "darwin":
        raise InputError(
            f"{app} keeps its store in a known place on a Mac only, and this is none.",
            hint=Hint("Give the path of a copy, for example: ", Command("extract", Path(places[0]).name)),
        )
    paths = [Path.home() / place for place in places]
    for path in paths:
        if is_there(path):
            return path
    raise InputError(
        f"On a Mac {app} keeps its store in {paths[0]}, and there is nothing.",
        hint=f"Open {app} on this Mac once and let it load its messages, or give the path of a copy.",
    )


def _home(name: str, source: type[Any]) -> Path:
    place = source.default_location()
    if not isinstance(place, Path):
        raise InputError(f"The source {name!r} does not know a place here.", hint="Give the path of the store.")
    return place


def is_there(path: Path) -> bool:
    """Say whether there is something; what may not be looked at is, and a name that no file can have is not."""
    try:
        return path.exists()
    except PermissionError:
        return True
    except OSError:  # too long for a name
        return False


def is_folder(path: Path) -> bool:
    """Say whether it is a folder; what may not be looked at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def must_be_a_store(path: Path) -> None:
    """Refuse what is there and is neither a file nor a folder: a pipe or a device may never end.

    What may not be looked at is left to be opened, which says how to be let in.

    Raises:
        InputError: It is something else, or its name is not UTF-8.
    """
    must_have_a_name(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(
            f"{path} is neither a file nor a folder; a pipe or a device cannot be read.",
            hint="Write what it gives into a file, and give the path of that.",
        )
