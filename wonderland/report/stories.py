"""The first page: at most five stories, chosen by rules over what the results found.

Each story is one plain sentence, one small picture, one number with its interval and one way onward. The rules look at
findings and views, never at an analysis by name, so a plugin's finding can be told as well as ours. They see the page
as it is written: of a redacted page only what is left.

What would fool it: many analyses of one head are counted as agreement, though some read each other's results. And a
sentence is cut at its first colon, semicolon or bracket; an author who hides the claim behind one loses it here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.components import Head
from wonderland.estimate import FEW
from wonderland.report.findings import FAILED, TRUST, Finding
from wonderland.report.looks import clearest_look
from wonderland.report.schema import Conversations, Lines, Role, View, characters

if TYPE_CHECKING:
    from wonderland.estimate import Estimate
    from wonderland.report.page import Page

__all__ = ["ABSENT", "FOUND", "GUESSES", "MOST", "headline", "roles_of", "stories", "unnamed_of"]

BLIND = "a blind guess"
GUESSES, FOUND, ABSENT = "How well does it guess?", "What did it find out?", "What does it not do?"
"""The questions of three stories, by which the tour finds them."""

MOST = 5
"""Stories on the first page."""

_PARTS = ("head", "mlp")  # what has a place on the map of the model
_SAME = 0.01  # nats a token: of one loss measured in two precisions
_LONGEST = 26  # tokens of a message that is quoted
_SPECIAL = re.compile(r"<\|[a-z_]+\|>")  # shown as a sign of its own, which is never outlined: as SPECIAL in text.js
_END = re.compile(r":\s|;\s|\s\(|,\sagainst|\.\s|\.$")


def stories(page: Page, views: Sequence[View]) -> list[dict[str, Any]]:
    """Return the stories of a page, as the front end reads them."""
    told = (
        _guesses(page, views),
        _found(page, views),
        _says(page, views),
        _surprised(page, views),
        _absent(page, views),
    )
    return [story for story in told if story is not None][:MOST]


def headline(sentence: str) -> str:
    """Return the claim of a sentence without its evidence: what stands before the first colon, semicolon or bracket.

    >>> headline("L2H0 says who speaks: six tests agree; 60% [53%, 66%] of it.")
    'L2H0 says who speaks'
    """
    cut = _END.search(sentence)
    claim = sentence[: cut.start()] if cut else sentence
    return claim if len(claim.split()) > 1 else sentence


def roles_of(page: Page) -> dict[str, str]:
    """Return the role that tells most of each head and each MLP: of its roles the one that fewest of its kind share.

    A role that every head has tells nothing, nor does one that says what a head is not, or that holds a number, as
    those are measurements. A head with no other has none, nor has one of which an analysis says that it found none.
    So it is of MLPs, among themselves.
    """
    return _roles_of(page, "head") | _roles_of(page, "mlp")


def _roles_of(page: Page, kind: str) -> dict[str, str]:
    named = {
        key.name: [name for b in blocks if isinstance(b, Role) for name in [characters(b.role)] if _is_name(name)]
        for key, blocks in page.about.items()
        if key.kind == kind and all(b.named for b in blocks if isinstance(b, Role))
    }
    counts: dict[str, int] = {}
    for roles in named.values():
        for role in set(roles):
            counts[role] = counts.get(role, 0) + 1
    best = {head: min(reversed(roles), key=lambda role: counts[role]) for head, roles in named.items() if roles}
    many = sum(key.kind == kind for key in page.about)
    return {name: role for name, role in best.items() if counts[role] < many or many == 1}


def unnamed_of(page: Page) -> dict[str, str]:
    """Return what is said of each head and MLP of which an analysis found no role by name."""
    told = ((key, block) for key, blocks in page.about.items() if key.kind in _PARTS for block in blocks)
    return {key.name: characters(block.role) for key, block in told if isinstance(block, Role) and not block.named}


def _guesses(page: Page, views: Sequence[View]) -> dict[str, Any] | None:
    """Tell how many choices the model is left with, beside what counting leaves."""
    trained = next((v for v in views if isinstance(v.figure, Lines) and v.figure.right is not None), None)
    levels: list[tuple[str, float]] = []
    sizes = page.meta.get("sizes")
    if isinstance(sizes, Mapping) and "tokens known" in sizes:
        levels.append((BLIND, math.log(int(sizes["tokens known"]))))
    loss, measured = math.nan, None
    if trained is not None and isinstance(trained.figure, Lines):
        # What counting leaves is known of all held-out tokens, and so the model's own number is that of the same.
        blind = {round(level, 6) for _, level in levels}  # a line at the same height says the same
        told = [(characters(one.name), float(one.y)) for one in trained.figure.references]
        levels += [(name, level) for name, level in told if round(level, 6) not in blind]
        ends = np.asarray(trained.figure.series[-1].y, dtype=float)
        loss = float(np.nanmin(ends, initial=np.inf))  # the weights of the best epoch are kept
        measured = next((check.estimate for check in page.checks if _same(check.estimate, loss)), None)
    read = {view.id for view in views if any(isinstance(figure, Conversations) for figure in view.figures())}
    if not math.isfinite(loss):
        measured = next(
            (f.estimate for f in page.findings if f.view in read and _in_nats(f) and _finite(f.estimate)), None
        )
        loss = math.nan if measured is None else float(measured.value)
        if measured is not None and measured.chance is not None and not levels:
            levels.append((BLIND, float(measured.chance)))
    levels = [(name, level) for name, level in levels if math.isfinite(level) and level < 40]
    if not (math.isfinite(loss) and levels and loss < 40):
        return None
    better = [name for name, level in sorted(levels, key=lambda level: level[1]) if level <= loss]
    text = (
        f"Before each token it hesitates between about {_count(loss)} choices; {_beside(levels, loss, measured)}."
        if not better
        else f"It guesses no better than a simpler rule does: {better[0]}."
        if len(better) == 1
        else f"It guesses no better than simpler rules do: {', '.join(better[:-1])} and {better[-1]}."
    )
    number: dict[str, Any] = {"value": _count(loss), "low": None, "high": None, "unit": "choices left"}
    number["of"] = "every held-out token"
    if measured is not None:
        number = {"value": _count(loss), "low": _count(float(measured.low)), "high": _count(float(measured.high))}
        number |= {"unit": "choices left", "of": f"{measured.n:,} {measured.resampled_over}"}
    points = sorted(((name, math.exp(level)) for name, level in levels), key=lambda point: -point[1])
    view = trained.id if trained is not None else next(iter(read))
    picture = {"kind": "scale", "points": [list(point) for point in points], "own": math.exp(loss)}
    return _story(GUESSES, text, "description", number, picture, view, (), "Training")


def _beside(levels: Sequence[tuple[str, float]], loss: float, measured: Estimate | None) -> str:
    """Say whether the best other rule leaves more choices than the interval of the model's own."""
    name, level = min(levels, key=lambda one: one[1])
    what = name if name == BLIND else f"counting words ({name})"
    if _count(level) == _count(loss) or (measured is not None and level <= float(measured.high)):
        return f"{what} does no better"
    return f"{what} leaves more"


def _found(page: Page, views: Sequence[View]) -> dict[str, Any] | None:
    """Tell of the head on which most analyses agree, or that nothing stands out."""
    ask = FOUND
    effects = [finding for finding in page.findings if finding.kind == "effect"]
    solid = [finding for finding in effects if finding.trust == "solid"]
    if not solid:
        if not effects:
            return None
        text, kind, trust = _unshown(effects)
        story = _story(ask, text, kind, None, {"kind": "heads", "lit": []}, "all-findings", (), "All findings")
        return story | {"trust": trust}
    groups = {view.id: view.group or view.id for view in views}
    agreeing: dict[str, set[str]] = {}
    for finding in solid:
        for key in finding.select[:1]:
            if key.kind == "head":
                agreeing.setdefault(key.name, set()).add(groups.get(finding.view, finding.view))
    if not agreeing:
        first = solid[0]
        return _of_finding(ask, first, None, "Its evidence")  # of no head: a map of heads would be empty
    head = max(agreeing, key=lambda name: len(agreeing[name]))  # of as many analyses the one that was named first
    mine = [finding for finding in solid if any(key.kind == "head" and key.name == head for key in finding.select)]
    numbered = [finding for finding in mine if _finite(finding.estimate)]
    plain = [finding for finding in numbered if not re.search(r"(?<![LHNF\d])\d", headline(finding.sentence))]
    story = _of_finding(ask, (plain or numbered or mine)[0], {"kind": "heads", "lit": [head]}, "See its evidence")
    looks = clearest_look(views, Head.parse(head)) if page.contains_text else None
    if looks is not None:
        story["picture"]["looks"] = looks
    if len(agreeing[head]) > 1:
        story["more"] = "Several analyses point to this head."
    return story


def _unshown(effects: Sequence[Finding]) -> tuple[str, str, str]:
    """Say why none of some effects is solid, as a sentence, its kind and its trust."""
    if any(characters(finding.runs).endswith(FAILED) for finding in effects):
        return "As a check failed, no effect that was found is called solid.", "effect", "weak"
    if few := {finding.estimate.over for finding in effects if finding.few}:
        rests = f"on {few.pop()}" if len(few) == 1 else f"in each case on fewer than {FEW} units"
        text = f"Whether anything stands out is undecided: what may be there rests {rests}, too few to say."
        return text, "effect", "anecdotal"
    if any(_finite(finding.estimate) and not finding.reaches_chance for finding in effects):
        return "Nothing stands out: no effect is clear enough to be called solid.", "effect", "weak"
    return "Nothing stands out: no effect is beyond its chance level.", "null", "solid"


def _says(page: Page, views: Sequence[View]) -> dict[str, Any] | None:
    """Show how a sample begins."""
    if not page.contains_text:
        return None
    found = [(view, figure) for view, figure in _conversations(views) if characters(figure.of) == "sample"]
    if not found:
        return None
    view = found[0][0]
    last = [figure for of, figure in found if of is view][-1]  # of panels over training time the trained model's
    text = "One draw, which may repeat what it read."
    excerpt = _excerpt(last.conversations[0], 0, 2)
    return _story("What does it say?", text, "description", None, excerpt, view.id, (), "More samples")


def _surprised(page: Page, views: Sequence[View]) -> dict[str, Any] | None:
    """Show the message with the token that surprised it most."""
    if not page.contains_text:
        return None
    for view, figure in _conversations(views):
        if characters(figure.of) != "conversation":
            continue
        found = [
            (float(values[at]), c, at)
            for c, one in enumerate(figure.conversations)
            for values in [_of_words(one)]
            if np.isfinite(values).any()
            for at in [int(np.nanargmax(np.where(np.isfinite(values), values, -np.inf)))]
        ]
        if not found:
            continue
        value, c, at = max(found)
        conversation = figure.conversations[c]
        message = int(np.asarray(conversation.messages)[at])
        excerpt = _excerpt(conversation, message - 1, message + 1, at)
        unit = characters(figure.measures[0].unit)
        text = "Shaded by surprise; the outlined token surprised it most."
        excerpt["title"] = f"{value:.1f} {unit} at the outlined token"
        select = (f"conversation:{c}", f"position:{at}")
        return _story("Where was it surprised?", text, "description", None, excerpt, view.id, select, "Read more")
    return None


def _absent(page: Page, views: Sequence[View]) -> dict[str, Any] | None:
    """Tell of the best supported null result."""
    nulls = sorted((f for f in page.findings if _nothing(f)), key=lambda found: TRUST.index(found.trust))
    return _of_finding(ABSENT, nulls[0], None, "Its evidence") if nulls else None


def _nothing(finding: Finding) -> bool:
    """Whether a finding says that there is nothing: a null result whose number is not clearly above chance."""
    one = finding.estimate
    clear = _finite(one) and float(one.low) > (0.0 if one.chance is None else float(one.chance))
    return finding.kind == "null" and not clear


def _of_finding(ask: str, finding: Finding, picture: Any, onward: str) -> dict[str, Any]:
    one, number = finding.estimate, None
    if _finite(one):
        low, high = float(one.low), float(one.high)
        value = float(one.value)
        part = one.unit.startswith(("share", "recovery")) and max(abs(value), abs(low), abs(high)) < 10
        told = [_told(v, part, high - low) for v in (value, low, high)]
        number = dict[str, str | None](zip(("value", "low", "high"), told, strict=True))
        if low == high:  # of the weights: nothing was resampled
            number |= {"low": None, "high": None}
        number |= {
            "unit": one.unit.removeprefix("share").strip() if part else one.unit,
            "of": f"{one.n:,} {one.resampled_over}",
        }
        if picture is None:
            picture = {"kind": "interval", "value": value, "low": low, "high": high}
            picture["chance"] = 0.0 if one.chance is None else float(one.chance)
    select = [str(key) for key in finding.select]
    text = headline(finding.sentence).rstrip(".") + "."
    return _story(ask, text, finding.kind, number, picture, finding.view, select, onward) | {"trust": finding.trust}


def _story(
    ask: str, text: str, kind: str, number: Any, picture: Any, view: str, select: Sequence[str], onward: str
) -> dict[str, Any]:
    return {
        "ask": ask,
        "text": text,
        "more": "",
        "kind": kind,
        "trust": "solid",
        "number": number,
        "picture": picture,
        "view": view,
        "select": list(select),
        "onward": onward,
    }


def _conversations(views: Sequence[View]) -> list[tuple[View, Conversations]]:
    return [(v, figure) for v in views for figure in v.figures() if isinstance(figure, Conversations)]


def _excerpt(one: Any, first: int, last: int, at: int | None = None) -> dict[str, Any]:
    """Return the messages from ``first`` to before ``last`` as a picture; token ``at`` is outlined and never cut."""
    messages = np.asarray(one.messages)
    inside = np.flatnonzero((messages >= first) & (messages < last))
    kept: list[int] = []
    for message in np.unique(messages[inside]):
        part = [int(i) for i in inside if messages[i] == message]
        begin = max(0, min(part.index(at) - _LONGEST // 2, len(part) - _LONGEST)) if at in part else 0
        kept += part[begin : begin + _LONGEST]
    values = np.asarray(one.values, dtype=float)[0]
    return {
        "kind": "bubbles",
        "tokens": [characters(one.tokens[i]) for i in kept],
        "speakers": [one.speakers[i] for i in kept],
        "messages": [int(messages[i]) for i in kept],
        "values": [float(values[i]) for i in kept],
        "at": kept.index(at) if at in kept else None,
    }


def _of_words(one: Any) -> np.ndarray:
    """Return the first measure of a conversation, NaN at the special tokens."""
    special = [_SPECIAL.fullmatch(characters(token)) is not None for token in one.tokens]
    return np.where(special, np.nan, np.asarray(one.values, dtype=float)[0])


def _in_nats(finding: Finding) -> bool:
    return finding.estimate is not None and finding.estimate.unit.startswith("nats")


def _same(one: Estimate | None, loss: float) -> bool:
    return one is not None and _finite(one) and abs(float(one.value) - loss) < _SAME


def _finite(one: Estimate | None) -> bool:
    return one is not None and all(math.isfinite(float(v)) for v in (one.value, one.low, one.high))


def _told(value: float, part: bool, width: float) -> str:
    """Return a number as a share, or with no more places than half its interval's width has."""
    places = min(6, max(0, math.ceil(-math.log10(width / 2)))) if width > 0 else 2
    return (f"{value:.0%}" if part else f"{value:,.{places}f}").replace("-", "−")


def _is_name(role: str) -> bool:
    return re.search(r"^no\b|\d", role) is None


def _count(loss: float) -> str:
    return f"{math.exp(loss):,.0f}"
