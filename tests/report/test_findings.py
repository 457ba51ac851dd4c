"""A finding says what kind of claim it is, and carries its number."""

from __future__ import annotations

import numpy as np
import pytest

from wonderland.errors import PluginError
from wonderland.estimate import Estimate
from wonderland.report.findings import Finding
from wonderland.report.page import Page, page_data


def _told(finding: Finding) -> dict[str, object]:
    told: dict[str, object] = page_data(Page("a", {}, [], {}, [finding]), [])["findings"][0]
    return told


def test_the_page_holds_the_kind_and_the_number_of_a_finding():
    estimate = Estimate(0.5, 0.4, 0.6, 12, "nats", 0.1)
    told = _told(Finding("A", kind="null", estimate=estimate))
    numbers = {"value": 0.5, "low": 0.4, "high": 0.6, "chance": 0.1, "n": 12, "unit": "nats", "of": "conversations"}
    assert (told["kind"], told["estimate"]) == ("null", numbers)


def test_a_finding_without_a_number_is_an_effect_without_a_number():
    told = _told(Finding("A"))
    assert (told["kind"], told["estimate"]) == ("effect", None)


@pytest.mark.parametrize("wrong", [{"kind": "rumour"}, {"estimate": 0.5}, {"estimate": Estimate(*np.ones((3, 2)), 5)}])
def test_a_finding_refuses_other_kinds_and_what_is_not_one_number(wrong):
    with pytest.raises(PluginError, match=next(iter(wrong))):
        Finding("A", **wrong)
