"""Which of the senders is the owner of the export.

Exports say "You" in some places and the owner's name in others; both are one person. Some prove who the owner is (an id
in the account's data); most do not, and then the user has to say it, because a wrong guess would turn every
conversation around.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Mapping

from wonderland.advice import Either, Hint, Options
from wonderland.corpus.people import ME
from wonderland.counted import counted
from wonderland.errors import OwnerUnknown
from wonderland_exports.frame.phones import e164

__all__ = ["ME", "find_owner", "maybe_own"]

_SHOWN = 8


def find_owner(
    where: str,
    senders: Mapping[str, int],
    me: str | None,
    *,
    names: Mapping[str, str] | None = None,
    own_words: Collection[str] = (),
    known: Collection[str] = (),
) -> frozenset[str]:
    """Return the senders that are the owner.

    Args:
        where: The export, for errors.
        senders: How many messages each sender sent, by what identifies a sender (an id, else the name).
        me: What the user said: an identity, a name or a phone number.
        names: Name of each identity, where identities are no names.
        own_words: Senders that mean the owner wherever they occur ("You").
        known: Identities the export itself proves to be the owner.

    Raises:
        OwnerUnknown: ``me`` wrote nothing here, or means two persons, or nothing tells who the owner is.
    """
    names = names or {}
    own = {sender for sender in senders if sender in own_words}
    if me:
        said = [sender for sender in senders if sender == me] or [
            sender for sender in senders if _same(me, sender) or _same(me, names.get(sender, ""))
        ]
        if not said and not own & {me}:
            raise OwnerUnknown(
                f"{me!r} sent no message in {where}.",
                hint=_hint(senders, names, own, example=False),
                candidates=_candidates(senders, names, own),
            )
        if len(said) > 1:
            possible = {sender: senders[sender] for sender in said}
            raise OwnerUnknown(
                f"{me!r} could be several senders in {where}.",
                hint=_hint(possible, names, own),
                candidates=_candidates(possible, names, own),
            )
        return frozenset(own | {*said})
    if known:
        return frozenset(own | {*known})
    if own or not senders:
        return frozenset(own)
    raise OwnerUnknown(
        f"{where} does not say which of its senders is you.",
        hint=_hint(senders, names, own),
        candidates=_candidates(senders, names, own),
    )


def maybe_own(where: str, own: Collection[str], others: Mapping[str, int]) -> str:
    """Return a note for an export in which a word means the owner, and somebody with a name may be the owner, too.

    >>> maybe_own("chat.txt", {"You"}, {"Ada": 12, "Bo": 3})
    'In chat.txt you are "You", and nobody else. If you are one of the others, too, say who, for example: --me Ada.'
    """
    words = ", ".join(f'"{word}"' for word in sorted(own))
    first = min(others, key=lambda one: (-others[one], one))
    return (
        f"In {where} you are {words}, and nobody else. If you are one of the others, too, say who, for example: "
        f"--me {shlex.quote(first)}."
    )


def _same(said: str, sender: str) -> bool:
    if " ".join(said.split()).casefold() == " ".join(sender.split()).casefold():
        return True
    number = e164(said)
    return number is not None and number == e164(sender)


def _candidates(senders: Mapping[str, int], names: Mapping[str, str], own: Collection[str]) -> list[tuple[str, int]]:
    """Return who it may be, by name where no two have it, and how much each wrote; who wrote most first."""
    times = Counter(names.values())
    ranked = sorted((sender for sender in senders if sender not in own), key=lambda one: (-senders[one], one))
    named = ((names.get(sender, ""), sender) for sender in ranked)
    return [(name if name and times[name] == 1 else sender, senders[sender]) for name, sender in named]


def _hint(senders: Mapping[str, int], names: Mapping[str, str], own: Collection[str], *, example: bool = True) -> str:
    found = _candidates(senders, names, own)
    if not found:
        return Hint("Leave ", Either("--me", "me"), " out.")
    listed = ", ".join(f"{_quoted(word)} ({counted(count, 'message')})" for word, count in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    how = (
        Hint("Say who you are, for example: ", Options("extract", me=found[0][0]))
        if example
        else Hint("Say who of these you are: ", Options("extract", me="NAME"))
    )
    return Hint(how, f". Senders: {listed}{more}.")


def _quoted(word: str) -> str:
    return word if word.isalnum() else '"' + word.replace('"', '\\"') + '"'
