"""One pair, token by token, where one head of layer 1 was planted to read who speaks and say so at the answer."""

import numpy as np
import pytest

import wonderland as wl
from wonderland.lab.interventions import Activations, Site, answer_logits, intervene
from wonderland.report.encode import encode
from wonderland.testing.handwritten import HEADS
from wonderland_circuits.activation_patching import ActivationPatching

ME_SPEAKS = wl.Contrast("<|them|> c<|sep|><|me|> d e", "<|them|> c<|sep|><|them|> d e", " a", " b")
CHANGED, LAST = 3, 5


@pytest.fixture(scope="module")
def panel(speaking):
    result = wl.analyze(speaking, ActivationPatching(contrasts=(ME_SPEAKS,)))["activation-patching"]
    (view,) = [view for view in result.views() if view.id == "patching-grid"]
    encode(view.data)
    (panel,) = view.panels()
    return panel


def series(panel, name):
    return next(one for one in panel["series"] if one["name"] == name)


def test_the_difference_lies_at_the_changed_token_and_goes_to_the_answer_in_layer_one(panel):
    stream = np.zeros((2, 6))
    stream[:, CHANGED] = 1
    assert series(panel, "residual stream")["values"] == pytest.approx(stream, abs=1e-4)
    attention = np.zeros((2, 6))
    attention[1, LAST] = 1
    assert series(panel, "attention")["values"] == pytest.approx(attention, abs=1e-4)


def test_by_head_and_position_only_the_planted_head_at_the_answer_counts(panel):
    heads = series(panel, "head × position")
    expected = np.zeros((6, 6))
    layer, head = HEADS["speaker"]
    expected[layer * 3 + head, LAST] = 1
    assert heads["values"] == pytest.approx(expected, abs=1e-4)
    assert heads["rows"][layer * 3 + head] == str(HEADS["speaker"])


def test_the_prompts_stand_above_and_below_with_what_differs_marked(panel):
    assert panel["columns"] == ["<|them|>", " c", "<|sep|>", "<|me|>", " d", " e"]
    assert panel["below"] == ["<|them|>", " c", "<|sep|>", "<|them|>", " d", " e"]
    assert panel["marked"] == [CHANGED]


def test_behind_a_cell_are_its_logits_and_what_the_model_then_says(panel, speaking):
    attention = series(panel, "attention")["detail"]
    rows, tokens = dict(attention["rows"]), attention["tokens"]
    assert rows["patched run"][1, LAST] == pytest.approx(rows["clean run"][1, LAST], abs=1e-4)
    assert rows["patched run"][0, LAST] == pytest.approx(rows["corrupted run"][0, LAST], abs=1e-4)
    assert tokens["words"][tokens["ids"][1, LAST, 0]] == " a"  # patched: what the clean run says
    assert tokens["words"][tokens["ids"][0, LAST, 0]] == " b"  # elsewhere: what the corrupted run says
    before, clean = panel["context"]
    assert (before["tokens"][0][0], clean["tokens"][0][0]) == (" b", " a")
    # the probability, by hand
    model, tokenizer = speaking.model, speaking.tokenizer
    runs = [Activations.of(model, [ids], ["attn_out"]) for ids in ME_SPEAKS.tokens(tokenizer)]
    metric = answer_logits(model, [LAST])
    _, patched = intervene(model, runs[1], runs[0].values, [[Site("attn_out", 1, positions=LAST)]], metric)
    share = patched[0, 0].float().softmax(-1).max()
    assert tokens["shares"][1, LAST, 0] == pytest.approx(float(share), rel=1e-5)


def test_a_negative_recovery_keeps_its_sign_and_all_modes_share_a_scale(panel):
    assert panel["shared"]
    assert {one["scale"] for one in panel["series"]} == {"diverging"}


def test_refused_pairs_are_said_in_a_banner(speaking):
    bad = wl.Contrast("<|me|> c d", "<|them|> c", " a", " b")
    result = wl.analyze(speaking, ActivationPatching(contrasts=(bad, ME_SPEAKS)))["activation-patching"]
    views = {view.id: view for view in result.views()}
    for name in ("patching-grid", "patching-heads", "patching"):
        assert "1 of 2 contrasts, unequal lengths" in views[name].warning


def test_no_pair_no_grid(speaking):
    result = wl.analyze(speaking, ActivationPatching(contrasts=(ME_SPEAKS,), shown=0))["activation-patching"]
    assert "patching-grid" not in [view.id for view in result.views()]
