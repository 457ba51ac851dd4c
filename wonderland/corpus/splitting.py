"""Which messages are held out? Whole conversations, or the end of each, or conversations chosen by who is in them.

Three of the ways hold out whole conversations, so that no window of the one part overlaps the other:

- *conversation*: any, in random order.
- *within-contacts*: so that as many contacts as the share allows have five conversations or more in both parts. An
  audit can then compare what a model read of somebody with what it did not.
- *contact*: all conversations of some contacts. The model then never read these people, so that an audit can tell
  whether it shows of a contact that they were read. People who meet in a group stay together.

By *time*, the last messages of each conversation are held out.

What would fool it: contacts of under ten conversations cannot have five in both parts, whatever the way; and one group
of everybody leaves nobody to hold out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from wonderland.advice import Command, Hint, Options
from wonderland.errors import UsageError

__all__ = ["EACH", "SHARES", "WAYS", "held_out_messages", "what_can_be_held_out"]

EACH = 5
"""Conversations of a contact in each part, so that the two can be compared."""
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares that are proposed where another one cannot be held out, or is more than is left."""
WAYS = ("auto", "conversation", "within-contacts", "contact", "time")


def held_out_messages(
    lengths: np.ndarray, people: Callable[[], Sequence[frozenset[str]]], share: float, by: str, seed: int
) -> np.ndarray:
    """Return which messages are held out, [message].

    Args:
        lengths: How many messages each conversation has, [conversation].
        people: Says who wrote in each beside the owner, [conversation]; asked only by the ways that choose by it.
        share: Share of the messages to hold out.
        by: One of `WAYS`; "auto" is by conversation if there are at least 20 and none holds over half, else by time.
        seed: Seed of the choice.

    Raises:
        UsageError: There is no such way.
    """
    total = int(lengths.sum())
    if by == "auto":
        many = len(lengths) >= 20 and lengths.max() <= total / 2 and lengths.min() <= share * total
        by = "conversation" if many else "time"
    if by == "time":
        within = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        late: np.ndarray = within >= np.repeat(np.ceil(lengths * (1 - share)), lengths)
        return late
    if by not in WAYS:
        raise UsageError(
            f"by is {', '.join(map(repr, WAYS[:-1]))} or {WAYS[-1]!r}, not {by!r}.", hint=f"For example: by={WAYS[0]!r}"
        )
    random = np.random.default_rng(seed)
    if by == "contact":
        groups = _acquainted(people())
        sizes = np.bincount(groups, weights=lengths).astype(np.int64)
        chosen = _first(sizes, random.permutation(len(sizes)), share * total)[groups]
    elif by == "within-contacts":
        chosen = _within(lengths, people(), share, random)
    else:
        chosen = _first(lengths, random.permutation(len(lengths)), share * total)
    return np.repeat(chosen, lengths)


def what_can_be_held_out(
    lengths: np.ndarray, people: Callable[[], Sequence[frozenset[str]]], share: float, by: str, seed: int
) -> str:
    """Return what to type where a share cannot be held out: another that can, by the same way if there is one.

    Args:
        lengths: How many messages each conversation has, [conversation].
        people: Says who wrote in each beside the owner, [conversation].
        share: Share of the messages that cannot be held out by the way asked for.
        by: That way.
        seed: Seed of the choice.
    """
    for way in dict.fromkeys((by, "time")):
        for other in (share, *SHARES):
            held = held_out_messages(lengths, people, other, way, seed)
            if held.any() and not held.all():
                options = {"held_out": other} if way == by else {"by": way, "held_out": other}
                return Hint("What can be held out of so few: ", Options("tokenize", **options))
    return Hint("Too little text: add messages, some thousands at least: ", Command("extract", "--add", "PATH"))


def _first(sizes: np.ndarray, order: np.ndarray, wanted: float) -> np.ndarray:
    """Take in this order until so many messages are there, leaving out what is larger than all of them, [unit]."""
    order = order[sizes[order] <= wanted]
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[before + sizes[order] / 2 <= wanted]] = True
    return chosen


def _within(
    lengths: np.ndarray, people: Sequence[frozenset[str]], share: float, random: np.random.Generator
) -> np.ndarray:
    """Take conversations of those who have enough for both parts, then of the others, up to the share, [conversation].

    Of n conversations of the same people, `EACH` or the share are held out, the larger of the two, and `EACH` are left.
    """
    together: dict[frozenset[str], list[int]] = {}
    for number, who in enumerate(people):
        together.setdefault(who, []).append(number)
    chosen = np.zeros(len(lengths), dtype=bool)
    wanted = share * int(lengths.sum())
    enough = [np.array(own) for own in together.values() if len(own) >= 2 * EACH]
    for at in random.permutation(len(enough)).tolist():
        count = min(max(EACH, round(share * len(enough[at]))), len(enough[at]) - EACH)
        some = random.permutation(enough[at])[:count]
        if lengths[chosen].sum() + lengths[some].sum() <= wanted:
            chosen[some] = True
    others = np.array([i for own in together.values() if len(own) < 2 * EACH for i in own], dtype=np.int64)
    chosen |= _first(lengths, random.permutation(others), wanted - int(lengths[chosen].sum()))
    return chosen


def _acquainted(people: Sequence[frozenset[str]]) -> np.ndarray:
    """Number the conversations so that two in which the same person wrote have the same number, [conversation]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    names = {name: at for at, name in enumerate(sorted(frozenset().union(*people)))}
    pairs = [(number, names[name]) for number, who in enumerate(people) for name in who]
    size = len(people) + len(names)
    rows = np.array([number for number, _ in pairs], dtype=np.int64)
    columns = np.array([len(people) + name for _, name in pairs], dtype=np.int64)
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][: len(people)]
    found: np.ndarray = np.unique(labels, return_inverse=True)[1]
    return found
