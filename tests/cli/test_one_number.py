"""A report and what its command printed say one number for one thing; two would be found."""

import copy

import numpy as np
import pytest
from one_number import conflicts, page_of, unknown


@pytest.fixture(scope="module")
def page(made):
    return page_of(made / "report.html")


def test_the_demo_says_one_number_for_one_thing(page, told):
    assert len(page["findings"]) > 15
    assert conflicts(page, told[1]) == []


def test_two_numbers_would_be_found(page, told):
    def changed(change):
        other = copy.deepcopy(page)
        change(other)
        return conflicts(other, told[1])

    at = next(i for i, one in enumerate(page["findings"]) if one["view"] == "token-loss")
    assert len(changed(lambda other: other["findings"][at]["estimate"].update(value=99.0))) == 1
    assert len(changed(lambda other: other["findings"][at]["estimate"].update(chance=1.0))) == 1
    story = next(i for i, one in enumerate(page["stories"]) if one["ask"] == "How well does it guess?")
    assert any(
        "first page" in one for one in changed(lambda other: other["stories"][story]["number"].update(value="1"))
    )
    assert any("audit" in one or "finding" in one for one in changed(lambda other: other.update(audit="Nothing.")))
    said = told[1].replace("chooses as if among ", "chooses as if among 9")
    assert any("terminal" in one for one in conflicts(page, said))


def test_an_interval_in_a_text_that_no_finding_has_is_listed():
    page = {"findings": [{"text": "L2H0 brings back 63% [56%, 70%] of it, or −0.1 nats [−0.2, 0.1]."}]}
    text = "It brings back 63% [56%,\n70%], and 27 edges 92% [80%, 103%]."
    assert unknown(page, text) == ["92% [80%, 103%]"]


def test_a_number_of_a_card_that_is_of_other_pairs_must_say_so():
    estimate = {"value": 0.63, "low": 0.56, "high": 0.70, "chance": 0.0, "unit": "recovery", "n": 21}
    said = "L0H0 brings back 63% [56%, 70%] of it."
    finding = {"text": said, "view": "heads", "select": ["head:L0H0"], "kind": "effect", "estimate": estimate}
    card = {"result": "patching", "label": "Share brought back", "unit": "recovery", "value": np.array([[0.64]])}
    page = {"findings": [finding], "cards": [card], "views": [{"id": "heads", "group": "patching"}]}
    page |= {"checks": [], "stories": [], "tour": [], "audit": ""}
    (one,) = conflicts(page)
    assert "the card {'Share brought back': 0.64}" in one
    card["label"] += ", all pairs"
    assert conflicts(page) == []
    card.update(label="Share brought back", value=np.array([[0.63]]))
    assert conflicts(page) == []
