"""Does a report say two numbers for one thing? Its findings, cards, first page and checks are held against each other.

    python tests/cli/one_number.py wonderland-demo/report.html README.md docs/tutorials/find-one-circuit.md

What is compared: the numbers in a finding's sentence with its estimate and its chance level; a head's number in a
finding with the same result's number on the card; the number of choices on the first page, in the tour and in the
terminal with the loss of the checks; an audit's sentence on the first page with its finding. Of the texts that are
given, intervals that no finding has are listed: they may be of something else, or out of date.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wonderland.report.encode import decode

NUMBER = r"[-−]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
INTERVAL = re.compile(rf"({NUMBER})(%?)[^\[\d−-]*\[({NUMBER})%?, ({NUMBER})%?\]")


def page_of(path: Path) -> dict[str, Any]:
    """Return what a report holds of its words and numbers."""
    found = re.search(r'id="page">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found is not None
    page: dict[str, Any] = decode(json.loads(found[1]))
    return page


def conflicts(page: Mapping[str, Any], said: str = "") -> list[str]:
    """Return every pair of numbers that name one quantity and differ.

    Args:
        page: What a report holds, as `page_of` reads it.
        said: What the command printed that wrote it; "" to leave it out.
    """
    return [*_sentences(page), *_cards(page), *_choices(page, said), *_audit(page)]


def _sentences(page: Mapping[str, Any]) -> Iterator[str]:
    """Compare a sentence with the number that stands in its row."""
    for finding in page["findings"]:
        one, text = finding["estimate"], finding["text"]
        if one is None:
            continue
        told = [_read(groups) for groups in INTERVAL.findall(text)]
        wanted = [one["value"], one["low"], one["high"]]
        exact = wanted[1] == wanted[2]  # a number of the weights, which has no interval
        if told and not exact and not any(_agree(wanted, *found) for found in told) and not _difference(finding):
            yield f"{text!r} has none of its own {wanted}"
        for chance in re.findall(rf"\bchance ({NUMBER})\b(?!%)", text):
            if one["chance"] is not None and not _rounds(one["chance"], chance):
                yield f"{text!r} says chance {chance}, its row {one['chance']}"


def _difference(finding: Mapping[str, Any]) -> bool:
    """Whether the row holds the difference of two numbers that the sentence names."""
    return finding["view"] == "loss-by-kind"


def _cards(page: Mapping[str, Any]) -> Iterator[str]:
    """Compare what a finding says of a head with the card: the same, or a label that says of what else it is."""
    groups = {view["id"]: view["group"] for view in page["views"]}
    for finding in page["findings"]:
        one = finding["estimate"]
        heads = [key[5:] for key in finding["select"] if key.startswith("head:")]
        if one is None or not heads or finding["kind"] == "null":
            continue
        layer, head = (int(part) for part in heads[0][1:].split("H"))
        alike = [
            card
            for card in page["cards"]
            if card["result"] == groups.get(finding["view"])
            and card["unit"] == one["unit"]
            and ", all" not in card["label"]
        ]
        values = [float(card["value"][layer, head]) for card in alike]
        told = [_read(groups) for groups in INTERVAL.findall(finding["text"])]  # a sentence may name both
        both = any(_rounds(scale * value, text[0]) for value in values for text, scale in told)
        if values and not both and not any(math.isclose(value, one["value"], rel_tol=1e-4) for value in values):
            labels = [card["label"] for card in alike]
            yield f"{finding['text']!r} says {one['value']:.4g}, the card {dict(zip(labels, values, strict=True))}"


def _choices(page: Mapping[str, Any], said: str) -> Iterator[str]:
    """Compare the choices left: on the first page, in the tour and in the terminal, with the loss of the checks."""
    losses = {
        re.match(NUMBER, check["detail"])[0] for check in page["checks"] if check["name"].startswith("the model beats")
    }  # type: ignore[index]
    if len(losses) > 1:
        yield f"the checks name the losses {losses}"
    counts = {f"{math.exp(float(loss)):,.0f}" for loss in losses}
    story = next((one for one in page["stories"] if one["ask"] == "How well does it guess?"), None)
    if story is not None and story["number"]["value"] not in counts:
        yield f"the first page says {story['number']['value']} choices, the checks {counts}"
    for step in page["tour"]:
        for count in re.findall(rf"hesitates between about ({NUMBER}) choices", step["text"]):
            if count not in counts:
                yield f"the tour says {count} choices, the checks {counts}"
    for count in re.findall(rf"chooses as if among ({NUMBER})", said):
        if count not in counts:
            yield f"the terminal says {count} choices, the checks {counts}"


def _audit(page: Mapping[str, Any]) -> Iterator[str]:
    found = [finding["text"] for finding in page["findings"] if finding["view"] == "audit-completion"]
    if any(text not in page["audit"] for text in found):
        yield f"the first page says {page['audit']!r}, the finding {found}"


def unknown(page: Mapping[str, Any], text: str) -> list[str]:
    """Return the intervals of a text that stand in no finding, as they are written there."""
    said = " ".join(finding["text"] for finding in page["findings"]).replace("−", "-")
    plain = " ".join(text.replace("−", "-").split())
    found = [match[0] for match in re.finditer(rf"{NUMBER}%? \[{NUMBER}%?, {NUMBER}%?\]", plain)]
    return [one for one in dict.fromkeys(found) if one not in said]


def _read(groups: tuple[str, str, str, str]) -> tuple[list[str], float]:
    value, percent, low, high = groups
    return [value, low, high], 100.0 if percent else 1.0


def _agree(wanted: list[float], told: list[str], scale: float) -> bool:
    return all(_rounds(scale * number, text) for number, text in zip(wanted, told, strict=True))


def _rounds(number: float, text: str) -> bool:
    """Whether a number, rounded as a text is, is that text."""
    plain = text.replace("−", "-").replace(",", "")
    shown = float(plain)
    places = len(plain.partition(".")[2].partition("e")[0])
    step = 10.0 ** (-places + (int(plain.partition("e")[2]) if "e" in plain else 0))
    return abs(shown - number) <= 0.51 * step


if __name__ == "__main__":
    page = page_of(Path(sys.argv[1]))
    told = conflicts(page)
    for name in sys.argv[2:]:
        told += [f"{name}: {one} is in no finding" for one in unknown(page, Path(name).read_text(encoding="utf-8"))]
    print("\n".join(told) or "Every number that is named twice is the same.")
    sys.exit(bool(told))
