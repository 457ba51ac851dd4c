"""The results of several analyses of one specimen or of several models: their table, their report, their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import InputError, UsageError
from wonderland.lab.result import Result
from wonderland.lab.result_files import write_folder
from wonderland.lab.tables import joined, table
from wonderland.paths import expanded

if TYPE_CHECKING:
    import pandas

__all__ = ["Results"]

_LIST = "results.json"
_MEMBERS = "_members"  # no analysis is called so


@dataclass(frozen=True, repr=False)
class Results(Mapping[str, Result]):
    """The results of one `analyze`, by the analysis' name, with the specimen they describe.

    Attributes:
        by_name: The results.
        specimen: The specimen or cohort; None of results that were loaded without one.
        declined: Why an analysis was left out, by its name: there was not enough data for an honest answer.
        members: Of a cohort, the results of each member, by its name.
    """

    by_name: Mapping[str, Result]
    specimen: Any
    declined: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Results] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Result:
        if name not in self.by_name:
            raise KeyError(f"{name!r} was not analysed; there are: {', '.join(self.by_name)}")
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def __str__(self) -> str:
        told = [f"{name}\n{result.summary()}" for name, result in self.by_name.items()]
        return "\n\n".join([*told, *(f"{name} was left out: {why}" for name, why in self.declined.items())])

    def __repr__(self) -> str:
        parts = [", ".join(self.by_name) or "none"]
        parts += [f"left out: {', '.join(self.declined)}"] if self.declined else []
        parts += [f"members: {', '.join(self.members)}"] if self.members else []
        return f"<Results: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        from wonderland.report.glance import listed

        told = {name: result.summary() for name, result in self.by_name.items()}
        return listed(told, {name: f"left out: {why}" for name, why in self.declined.items()})

    def to_frame(self) -> pandas.DataFrame:
        """Return every estimate of every result as a table with one row a number; see `Result.to_frame`.

        Results of members of a cohort are in it with a column ``member``.
        """
        frames = [table(name, result.estimates()) for name, result in self.by_name.items()]
        for member, results in self.members.items():
            frame = results.to_frame()
            frame.insert(0, "member", member)
            frames.append(frame)
        return joined(frames)

    def save(self, folder: str | Path) -> None:
        """Write every result into a folder of its own, and their list; what was saved there before is replaced.

        Raises:
            UsageError: The folder holds something else.
            ResourceError: It cannot be written.
        """
        write_folder(expanded(folder), _LIST, self._write)

    def _write(self, folder: Path) -> None:
        for name, result in self.by_name.items():
            result.save(folder / name)
        for member, results in self.members.items():
            (folder / _MEMBERS / member).mkdir(parents=True)
            results._write(folder / _MEMBERS / member)
        told: dict[str, Any] = {"results": list(self.by_name), "declined": dict(self.declined)}
        told["members"] = list(self.members)
        told["files"] = {name: _hash(folder / name) for name in _files(folder, self.by_name)}
        (folder / _LIST).write_text(json.dumps(told, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path, specimen: Any = None) -> Results:
        """Read what `save` wrote.

        Args:
            folder: Where it was written.
            specimen: What the results describe, a specimen or a cohort, for a report of them; tables and pictures
                need none.

        Raises:
            InputError: The folder holds no results, one that is not installed, or results of another model; or a file
                is not as it was written.
        """
        folder = expanded(folder)
        try:
            told = json.loads((folder / _LIST).read_text(encoding="utf-8"))
            names, members, declined = list(told["results"]), list(told["members"]), dict(told["declined"])
            files = dict(told.get("files", {}))
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            raise InputError(
                f"There are no results in {folder}: {error}.", hint="Give a folder that Results.save wrote."
            ) from error
        if strange := [name for name in (*names, *members) if not isinstance(name, str) or Path(name).name != name]:
            raise InputError(
                f"{folder} names a result {strange[0]!r}, which is no name of a folder.",
                hint="Give a folder that Results.save wrote.",
            )
        there = set(_files(folder, names))
        for file, digest in files.items():
            if file not in there or _hash(folder / file) != digest:
                raise InputError(
                    f"{folder / file} is damaged: it is not what was written there.",
                    hint="Copy the folder again from where it was whole, or save the results anew.",
                )
        found = {name: Result.load(folder / name) for name in names}
        for name, result in found.items():
            about = None if result.provenance is None else result.provenance.fingerprints
            if specimen is not None and about is not None and _models(about) != _models(specimen.fingerprints):
                raise InputError(
                    f"The result of {name} in {folder} is about another model than this specimen's.",
                    hint="Load it without a specimen, or give the specimen that it was measured on.",
                )
        inside = {name: cls.load(folder / _MEMBERS / name) for name in members}
        return cls(found, specimen, declined, inside)

    def report(self, path: str | Path, *, live: bool = False, asked: bool = False) -> Path:
        """Write the report of these results as one self-contained HTML file and return its path.

        Args:
            path: Where to.
            live: Put the model itself into the file, which then answers what is typed. Weights and tokens were learned
                from the messages and can give some away: keep such a file as you keep the model.
            asked: That those whose messages the model read agree to ``live``, whatever an audit says; the file says so.

        Raises:
            CheckFailed: With ``live``, no ``memorisation`` of this model is among the results that lets it be shared.
            UsageError: They were loaded without the specimen they describe.
            Unsupported: With ``live``, the model is none that a page can run.
        """
        from wonderland.lab.live_page import live_page
        from wonderland.lab.standard_views import standard_views
        from wonderland.report.build import write_report
        from wonderland.report.sharing import Sharing

        if self.specimen is None:
            raise UsageError(
                "A report shows the model too, and these results were loaded without it.",
                hint="wl.Results.load(folder, specimen)",
            )
        sharing = Sharing.of(self, self.specimen.fingerprints.get("model", ""))
        told = sharing.let_out(asked=asked) if live else ""
        packed = live_page(self.specimen, self) if live else None
        return write_report(
            Path(path),
            self,
            self.specimen,
            extra_views=standard_views(self.specimen),
            live=packed,
            audit=sharing.sentence,
            sharing=told,
        )


def _files(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the files of results in a folder, by their path in it."""
    found = (file for name in names for file in (folder / name).rglob("*") if file.is_file())
    return sorted(file.relative_to(folder).as_posix() for file in found)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _models(fingerprints: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of the model, or of each model of a cohort."""
    return {what: value for what, value in fingerprints.items() if what == "model" or what.startswith("model ")}
