"""Who the owner is, where an export does not say it outright: whoever takes part in every conversation.

So the one person who does is the owner, if there are two conversations at least and nobody else is in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

__all__ = ["in_all"]


def in_all(conversations: Iterable[Set[str]]) -> frozenset[str]:
    """Return the only person who is in every conversation; nobody if there is no such evidence."""
    sets = [frozenset(people) for people in conversations if people]
    common = frozenset.intersection(*sets) if len(sets) > 1 else frozenset()
    return common if len(common) == 1 else frozenset()
