"""The results of several analyses of one specimen, by name, and the report of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.lab.result import Result

if TYPE_CHECKING:
    from wonderland.lab.specimen import Specimen

__all__ = ["Results"]


@dataclass(frozen=True)
class Results(Mapping[str, Result]):
    """The results of one `analyze`, by the analysis' name, with the specimen they describe.

    Attributes:
        by_name: The results.
        specimen: The specimen.
        declined: Why an analysis was left out, by its name: there was not enough data for an honest answer.
    """

    by_name: Mapping[str, Result]
    specimen: Specimen | Any = field(repr=False)
    declined: Mapping[str, str] = field(default_factory=dict)

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

    def report(self, path: str | Path) -> Path:
        """Write the report of these results as one self-contained HTML file and return its path."""
        from wonderland.lab.standard_views import standard_views
        from wonderland.report.build import write_report

        return write_report(Path(path), self, self.specimen, extra_views=standard_views(self.specimen))
