"""PyArrow without pandas.

PyArrow imports pandas, if it is installed, with the first array it makes, to know a data frame from a list. Commands
that read messages have no data frame, and the import takes longer than reading a small export.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

import pyarrow as pa

__all__ = ["leave_pandas_out"]


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def leave_pandas_out() -> None:
    """Let PyArrow make its first array while pandas seems to be missing, unless it is imported already.

    It looks once only. Where a data frame is asked of it later (``to_pandas``), it imports pandas all the same.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)
