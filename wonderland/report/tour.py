"""A tour of five minutes: steps through a page's own evidence, chosen by rules over what it has.

Each step is a title, a few sentences, the place in the report that it opens and the part of the page it points at. What
a page does not have is no step: a model in which nothing was found gets the step that says so, a page without attention
gets no head on a message. Like the stories, the rules know no analysis by name and see the page as it is written.

What would fool it: an estimate whose author calls its level of comparison "chance" though it is none. The step on
chance repeats that word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wonderland.report.findings import Finding
from wonderland.report.glossary_term import interval_explained
from wonderland.report.schema import AttentionPatterns, Conversations, Figure, Key, Panels, Table, View, characters
from wonderland.report.stories import ABSENT, FOUND, GUESSES, headline

if TYPE_CHECKING:
    from wonderland.report.page import Page

__all__ = ["tour"]

_FIRST = 4  # positions that see too little to choose from


def tour(page: Page, views: Sequence[View], told: Sequence[Mapping[str, Any]], heads: Sequence[int]) -> list[Any]:
    """Return the steps of a tour, as the front end reads them.

    Args:
        page: The page as it is written, after redaction.
        views: Its views in order.
        told: Its stories, as `stories` made them.
        heads: How many layers it has and how many heads in each.
    """
    by_ask = {story["ask"]: (i, story) for i, story in enumerate(told)}
    steps = [
        _guesses(by_ask.get(GUESSES)),
        _token(page, views),
        _head(views, heads),
        *_numbers(page),
        _found(page, by_ask.get(FOUND), views),
        _map(by_ask.get(FOUND), heads),
        _attention(page, views, by_ask.get(FOUND), heads),
        _absent(page, by_ask.get(ABSENT)),
        _end(page),
    ]
    return [step for step in steps if step is not None]


def _step(title: str, text: str, view: str, mark: str, select: Sequence[str] = ()) -> dict[str, Any]:
    return {"title": title, "text": text, "view": view, "mark": mark, "select": list(select)}


def _guesses(told: tuple[int, Mapping[str, Any]] | None) -> dict[str, Any]:
    text = "This model read messages and learned one thing: to guess the next token."
    if told is None:
        return _step("What it learned", text, "findings", "title")
    at, story = told
    picture = story["picture"]
    name, blind = picture["points"][0]  # the most choices
    own = picture["own"]
    text += f" Before each token it hesitates between about {own:,.0f} choices"
    if blind > own:
        text += f"; {name} hesitates between {blind:,.0f}. Fewer choices mean better guesses."
    else:
        text += f". That is no better than {name}, with {blind:,.0f}."
    return _step("What it learned", text, "findings", f"story:{at}")


def _token(page: Page, views: Sequence[View]) -> dict[str, Any] | None:
    """Show the first token of the first conversation that can be read."""
    for view in views:
        for figure in view.figures():
            if isinstance(figure, Conversations) and characters(figure.of) != "conversation":
                continue
            if not isinstance(figure, (Conversations, AttentionPatterns)) or not figure.conversations:
                continue
            count = len(figure.conversations[0].tokens)
            text = (
                "A token is a piece of text: a word, a part of a word, or a sign that says who speaks. "
                f"This is a conversation that the model was not trained on, cut into {_count(count, 'token')}; one is "
                "outlined."
            )
            if isinstance(figure, Conversations):
                measure = characters(figure.measures[0].name)
                text += f" The shade of each is its {measure}: how much it surprised the model."
                text = text if measure == "loss" else text.partition(" The shade")[0]
            if not page.contains_text:
                text += " The words are covered, as this file is made to be shown to others."
            return _step("A token", text, view.id, "token", ("conversation:0",))
    return None


def _head(views: Sequence[View], heads: Sequence[int]) -> dict[str, Any] | None:
    layers, each = heads
    if not layers * each:
        return None
    many = f"{_count(layers, 'layer')} with {_count(each, 'head')} each" if layers * each > 1 else "one head"
    text = (
        "A head is a part of the model that looks back. At each token it divides its attention among the token itself "
        f"and those before it. This model has {many}."
    )
    view = next((v for v in views if any(isinstance(f, AttentionPatterns) for f in v.figures())), None)
    if view is not None:
        text += " Each square is one head on one conversation: a row for each token, darker or brighter where it looks."
        return _step("A head", text, view.id, "heads", ("conversation:0",))
    return _step("A head", text, "findings", "map")


def _numbers(page: Page) -> Iterator[dict[str, Any]]:
    """Explain an interval and a chance level by the numbers of one finding, of an effect that is shown if it can be."""
    numbered = [(i, f) for i, f in enumerate(page.findings) if f.estimate is not None and _finite(f)]
    if not numbered:
        return
    order = {("effect", "solid"): 0, ("effect", "weak"): 1, ("null", "solid"): 2}
    level = [(i, f) for i, f in numbered if f.estimate.chance is not None and math.isfinite(float(f.estimate.chance))]
    at, finding = min(level or numbered, key=lambda one: order.get((one[1].kind, one[1].trust), 3))
    one = finding.estimate
    value, low, high = (_number(v, one) for v in (one.value, one.low, one.high))
    drawn = one.resampled_over
    text = (
        f"Take one claim: “{headline(finding.sentence).rstrip('.')}”. Its number is {value}{_unit(one)}, measured on "
        f"{one.n:,} {drawn}. Others of their kind would give another number, so an interval stands beside it: {low} "
        f"to {high}. {interval_explained(drawn)}"
    )
    yield _step("An interval", text, "all-findings", f"finding:{at}:interval", _selected(finding))
    if finding not in [f for _, f in level]:
        return
    chance = float(one.chance)
    text = (
        "A number says little until one knows what nothing looks like. That is the chance level, in the column beside: "
        f"{_number(chance, one)}{_unit(one)} for this claim. "
    )
    if float(one.low) > chance or float(one.high) < chance:
        side = "above" if float(one.low) > chance else "below"
        text += f"The whole interval lies {side} it, "
        few = f"but {one.over} are too few to trust the interval, so the claim is undecided."
        text += "so chance alone is no good explanation." if one.trusted else few
    else:
        text += "The interval reaches it, so the claim is not shown; more conversations could decide."
    yield _step("Chance", text, "all-findings", f"finding:{at}:chance", _selected(finding))


def _found(page: Page, told: tuple[int, Mapping[str, Any]] | None, views: Sequence[View]) -> dict[str, Any]:
    if told is None:
        text = "No analysis looked for an effect and had evidence enough to judge it. So there is none to show."
        return _step("The strongest finding", text, "all-findings", "table")
    at, story = told
    if story["kind"] == "effect" and story["trust"] != "solid":
        return _step("The strongest finding", story["text"], "findings", f"story:{at}")
    if story["kind"] != "effect":
        text = f"{story['text']} That is a result, too: this model may be too small, or was trained too briefly."
        return _step("The strongest finding", text, "findings", f"story:{at}")
    table = any(isinstance(view.figure, Table) for view in views if view.id == story["view"])
    what = ("row of the table" if story["select"] else "table") if table else "picture"
    text = f"{story['text']} {story['more']}".strip() + _said(story["number"]) + f" This is the {what} that shows it."
    figure = next((view.figure for view in views if view.id == story["view"]), None)
    mark = "figure" + _column(figure, page.findings[_finding_of(page, story)])
    return _step("The strongest finding", text, story["view"] or "findings", mark, story["select"])


def _finding_of(page: Page, story: Mapping[str, Any]) -> int:
    """Return the place of the finding that a story tells."""
    return next(
        i
        for i, f in enumerate(page.findings)
        if (f.kind, f.view) == (story["kind"], story["view"])
        and headline(f.sentence).rstrip(".") + "." == story["text"]
        and [str(key) for key in f.select] == story["select"]
    )


def _column(figure: Figure | Panels | None, finding: Finding) -> str:
    """Return which cell of its row in a table holds the number of a finding, as ``::3``; "" if none is known to.

    A table may be wider than the screen, and the cell that the step speaks of is the one to show.
    """
    one = finding.estimate
    if not isinstance(figure, Table) or not figure.links or one is None:
        return ""
    at = [column.key for column in figure.columns].index(figure.links)
    names = {key.name for key in finding.select}
    for row in figure.rows:
        if str(row[at]) in names:
            for place, cell in enumerate(row):
                if all(_close(getattr(cell, part, None), getattr(one, part)) for part in ("value", "low", "high")):
                    return f"::{place}"
    return ""


def _close(value: Any, other: Any) -> bool:
    return value is not None and math.isclose(float(value), float(other), rel_tol=1e-6)


def _said(number: Mapping[str, Any] | None) -> str:
    """Return the number of a story as a sentence, as the table that shows it may be wider than the screen."""
    if not number:
        return ""
    between = f" (95% interval {number['low']} to {number['high']})" if number["low"] else ""
    return f" Its number is {number['value']} {number['unit']}".rstrip() + f"{between}."


def _lit(told: tuple[int, Mapping[str, Any]] | None) -> str | None:
    lit = (told[1]["picture"] or {}).get("lit") if told is not None else None
    return str(lit[0]) if lit else None


def _map(told: tuple[int, Mapping[str, Any]] | None, heads: Sequence[int]) -> dict[str, Any] | None:
    layers, each = heads
    if not layers * each:
        return None
    text = (
        "The map of the model: a row for each layer, a sign for each head. A layer reads what the rows above it wrote. "
    )
    head = _lit(told)
    if head is not None:
        layer = int(head[1 : head.index("H")])
        text += f"The marked one is {head}, in row {layer + 1} of {layers}: layers and heads are counted from 0. "
    return _step("Where it is", text + "Press a sign, and what is known of that head is shown.", "findings", "map")


def _attention(
    page: Page, views: Sequence[View], told: tuple[int, Mapping[str, Any]] | None, heads: Sequence[int]
) -> dict[str, Any] | None:
    """Open the head of the strongest finding on the token from which it looks most clearly at one other."""
    for view in views:
        for figure in view.figures():
            if not isinstance(figure, AttentionPatterns):
                continue
            name = _lit(told) or "L0H0"
            layer, head = (int(part) for part in name[1:].split("H"))
            pattern = np.asarray(figure.conversations[0].patterns.values, dtype=float)[layer * heads[1] + head]
            query, key = clearest(pattern)
            weight = float(pattern[query, key])
            text = (
                f"Here {name} reads a conversation. From the outlined token, number {query}, it looks most at number "
                f"{key}, with {weight:.0%} of its attention. "
            )
            text += "Point at another token to see where it looks from there. One conversation is an example, no proof."
            return _step("On a real message", text, view.id, "chosen", keys_on(name, 0, query))
    return None


def clearest(pattern: np.ndarray) -> tuple[int, int]:
    """Return the query and the key of the largest weight of a pattern [query, key] on another token.

    The first queries see too few tokens to choose from; they count only where there is no other.
    """
    n = pattern.shape[0]
    others = np.where(np.tri(n, k=-1, dtype=bool), pattern, -1.0)
    if n > _FIRST:
        others[:_FIRST] = -1.0
    query, key = np.unravel_index(int(np.argmax(others)), others.shape)
    return int(query), int(key)


def keys_on(head: str, conversation: int, position: int) -> tuple[str, ...]:
    """Return what is selected where a head is shown on one token of a conversation."""
    return f"head:{head}", str(Key.conversation(conversation)), str(Key.position(position))


def _absent(page: Page, told: tuple[int, Mapping[str, Any]] | None) -> dict[str, Any] | None:
    title = "What was not found"
    if told is not None:
        _, story = told
        at = _finding_of(page, story)
        text = (
            f"{story['text']} A null result (○) says that an effect is smaller than a bound, or too small to be seen "
            "with this much data. Reports that leave such results out make a model look cleverer than it is."
        )
        return _step(title, text, "all-findings", f"finding:{at}", story["select"])
    unsure = [i for i, f in enumerate(page.findings) if f.kind == "effect" and f.trust != "solid"]
    if unsure:
        text = (
            f"{_count(len(unsure), 'claim')} could not be shown (◇): the interval reaches the chance level, or there "
            "is too little evidence. The outlined one is an example."
        )
        return _step(title, text, "all-findings", f"finding:{unsure[0]}")
    if page.findings:
        text = "No analysis reports a null result or a claim that it could not show. Look at which analyses were run."
        return _step(title, text, "all-findings", "table")
    return None


def _end(page: Page) -> dict[str, Any]:
    text = f"All findings lists {_count(len(page.findings), 'claim')} with their numbers; " if page.findings else ""
    text += "“Words explained” has the terms. Press ? for help. "
    text = text[0].upper() + text[1:]
    if page.live is not None:
        text += "And under “Try it” the model in this file answers what you write."
    return _step("Go on by yourself", text.strip(), "findings", "goon")


def _selected(finding: Finding) -> list[str]:
    return [str(key) for key in finding.select if key.kind == "head"]


def claim_in_numbers(finding: Finding) -> str:
    """Return a claim with its number and interval as sentences; it must have a number."""
    one = finding.estimate
    value, low, high = (_number(v, one) for v in (one.value, one.low, one.high))
    between = f", with the 95% interval {low} to {high}" if low != high else ""
    return f"{headline(finding.sentence).rstrip('.')}: {value}{_unit(one)}{between}."


def _finite(finding: Finding) -> bool:
    one = finding.estimate
    return all(math.isfinite(float(v)) for v in (one.value, one.low, one.high)) and bool(finding.view)


def _number(value: Any, one: Any) -> str:
    """Return a number with places enough to tell the ends of its interval apart."""
    width = abs(float(one.high) - float(one.low))
    places = min(6, max(0, math.ceil(-math.log10(width / 2)) + 1)) if width > 0 else 2
    return f"{float(value):,.{places}f}".replace("-", "−")


def _unit(one: Any) -> str:
    return "" if one.unit in ("", "1") else f" {one.unit}"


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
