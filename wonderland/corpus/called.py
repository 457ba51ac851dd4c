"""What people and conversations of a store are called, found out apart from who they are.

Stores are joined by what identifies people, a number or an id; a display name identifies nobody. So where names are to
be kept, a store is read twice, once as it identifies people and once as it names them, and the rows, which have the
same ids both times, say which name belongs to whom. Names are put in after the stores are joined.

Two who have one name stay two: what identifies them is put behind the name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from wonderland.corpus import columns
from wonderland.corpus.people import ME

__all__ = ["NOBODY", "Called", "names_between", "put_in"]


class Called(NamedTuple):
    """Names by what people and conversations are identified by.

    Attributes:
        people: The name of each sender that has one.
        threads: The name of each conversation that has one.
    """

    people: Mapping[str, str]
    threads: Mapping[str, str]


NOBODY = Called({}, {})


def names_between(identified: pa.Table, named: pa.Table) -> Called:
    """Return what people and conversations are called, from the same rows with and without names.

    Where one is called by several names, the commonest counts, and of equals the first.
    """
    same = pc.index_in(identified.column("id"), value_set=named.column("id").combine_chunks())
    there = same.is_valid()
    mine, theirs = identified.filter(there), named.take(same.filter(there))
    people, threads = (_pairs(mine.column(column), theirs.column(column)) for column in ("sender", "thread"))
    people.pop(ME, None)
    return Called(people, threads)


def _pairs(keys: pa.ChunkedArray, names: pa.ChunkedArray) -> dict[str, str]:
    words = {"key": keys.cast(pa.string()), "name": names.cast(pa.string())}
    pairs = pa.table(words).group_by(["key", "name"], use_threads=False).aggregate([([], "count_all")])
    counts: dict[str, Counter[str]] = {}
    for row in pairs.to_pylist():
        counts.setdefault(row["key"], Counter())[row["name"]] += row["count_all"]
    found = {key: names.most_common(1)[0][0] for key, names in counts.items()}
    return {key: name for key, name in found.items() if name not in (key, "")}


def put_in(table: pa.Table, called: Iterable[Called]) -> pa.Table:
    """Name the people and conversations of a table; of two stores that name one, the first counts."""
    people: dict[str, str] = {}
    threads: dict[str, str] = {}
    for one in called:
        people = {**one.people, **people}
        threads = {**one.threads, **threads}
    for column, names in (("sender", people), ("thread", threads)):
        if names:
            shown = _apart([one for one in table.column(column).unique().to_pylist() if one != ME], names)
            table = columns.rename(table, column, lambda key, shown=shown: shown.get(key, key))  # type: ignore[misc]
    return table


def _apart(keys: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return a name for each key, none of them twice."""
    shown = {key: names.get(key, key) for key in keys}
    often = Counter(shown.values())
    return {key: f"{name} ({key})" if often[name] > 1 and name != key else name for key, name in shown.items()}
