"""A report and what its command printed say one number for one thing; two would be found."""

import copy

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


def test_a_number_of_a_card_that_is_of_other_pairs_must_say_so(page):
    other = copy.deepcopy(page)
    patched = next(
        card for card in other["cards"] if card["label"] == "Patched in alone, share brought back, all pairs"
    )
    patched["label"] = "Patched in alone, share brought back"
    patched["value"] = patched["value"] + 1.0
    finding = next(one for one in other["findings"] if one["view"] == "patching-heads")
    finding.update(kind="effect", select=["head:L0H0"])
    assert any("the card" in one for one in conflicts(other))
