"""The folder of a workspace and its settings: made, found, opened and configured; `Workspace` does the work in it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from wonderland.advice import Command, Hint
from wonderland.errors import ResourceError, UsageError
from wonderland.model.processes import is_main
from wonderland.paths import expanded, making_parents
from wonderland.workspace import settings as settings_file
from wonderland.workspace.layout import Layout
from wonderland.workspace.locking import alone, in_turn
from wonderland.workspace.put_back import put_back
from wonderland.workspace.settings import DEFAULT_NAME, FILE, Settings
from wonderland.workspace.stage import Stage, guarding

__all__ = ["LOCK", "WorkspaceFolder"]

LOCK = ".messages.lock"
"""The file that is held while messages are read or chosen."""

SETTINGS_LOCK = ".settings.lock"
"""The file that is held while settings are written."""


class WorkspaceFolder:
    """A folder with settings in it.

    Args:
        folder: The workspace; it must have been made with `create`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = expanded(folder)
        self._unwritten: Settings | None = None
        Settings.load(self.folder / FILE)
        put_back(self.folder)

    @classmethod
    def create(cls, folder: str | Path) -> Self:
        """Make a workspace, or open the one that is there.

        Raises:
            ResourceError: The folder cannot be written.
            UsageError: It is a file, or a folder that holds something else.
        """
        folder = expanded(folder)
        with guarding(folder):
            if (file := next((one for one in (folder, *folder.parents) if one.exists()), folder)).is_file():
                raise UsageError(f"{file} is a file, and a workspace is a folder.", hint="Choose a new folder: -w NEW")
            with making_parents(folder / FILE):
                if not (folder / FILE).exists():
                    if any(path for path in folder.iterdir() if not path.name.startswith(".")):
                        raise UsageError(
                            f"{folder} is not empty and no workspace.",
                            hint=Hint("Choose a new folder: ", Command("init", "NEW")),
                        )
                    cls._furnish(folder)
        return cls(folder)

    @staticmethod
    def _furnish(folder: Path) -> None:
        """Write the settings, or nothing at all."""
        try:
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            settings_file.write_new(folder / FILE)
        except BaseException:
            for name in (FILE, ".gitignore"):
                (folder / name).unlink(missing_ok=True)
            raise

    def discard(self) -> bool:
        """Remove the folder if it holds nothing but settings, and say whether that was so."""
        made = {FILE, ".gitignore"}
        if not self.folder.is_dir():
            return False
        locks = {path.name for path in self.folder.glob(".*.lock")}
        if {path.name for path in self.folder.iterdir()} - locks != made:
            return False
        for name in (*made, *locks):
            (self.folder / name).unlink(missing_ok=True)
        self.folder.rmdir()
        return True

    @classmethod
    def find(cls, start: str | Path = ".") -> Path | None:
        """Return the workspace at or above a folder, or ``me.wonderland`` in it, or None."""
        start = expanded(start).absolute()
        for folder in (start, *start.parents):
            if (folder / FILE).is_file():
                return folder
        inside = start / DEFAULT_NAME
        return inside if (inside / FILE).is_file() else None

    @property
    def settings(self) -> Settings:
        """What ``wonderland.toml`` says now; it is read each time, so an edit by hand counts at once."""
        return self._unwritten or Settings.load(self.folder / FILE)

    @property
    def layout(self) -> Layout:
        """The stages as the settings want them now; a value, which later changes leave as it is."""
        return Layout(self.folder, copy.deepcopy(self.settings))

    def configure(self, section: str, **values: Any) -> dict[str, Any]:
        """Write settings into ``wonderland.toml`` and return those that changed; bad ones are refused, not written."""
        wanted = self.settings.changed(section, **values)
        if not is_main():  # of several processes, the first writes the file
            self._unwritten = wanted
            return {}
        with in_turn(self.folder / SETTINGS_LOCK), guarding(self.folder):
            return settings_file.update(self.folder / FILE, section, values)

    @contextmanager
    def alone(self, command: str = "") -> Iterator[None]:
        """Keep other processes from reading and choosing messages here, so that settings and results go together.

        A folder that cannot be written is not locked; nobody else can write there either.

        Args:
            command: The command that does so, which `status` tells meanwhile.

        Raises:
            UsageError: Another process does so.
        """
        with ExitStack() as held:
            with suppress(ResourceError):
                held.enter_context(
                    alone(self.folder / LOCK, "reads or chooses the messages of this workspace", command)
                )
            yield

    def stage(self, name: str) -> Stage:
        """Return the stage of this name as the settings want it now."""
        return self.layout.stage(name)
