"""Sets of heads beside sets of latents: chosen on one half of the contrasts, put back together on the other."""

import dataclasses

import numpy as np

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.testing.handwritten import HEADS


def test_heads_are_put_in_order_on_one_half_and_put_back_together_on_the_other(speaking, found):
    """Beside the sets of latents stand sets of heads: the head that was planted comes first."""
    heads = found[1].heads
    mined = speaking.contrasts("speaker", pairs=24, seed=0)
    layer, number = HEADS["speaker"]
    every = [wl.Head(i, j) for i in range(2) for j in range(3)]
    assert heads["order"][0] == found[1].best_head[0] == f"L{layer}H{number}"
    assert sorted(heads["order"]) == sorted(map(str, every))
    assert heads["sizes"] == [1, 2, 4, 6]
    halves = [ContrastBatch.of(half, speaking.tokenizer) for half in (mined.explore, mined.confirm)]

    def brought_back(half, sets):
        sites = [[Site("z", head.layer, head.index) for head in some] for some in sets]
        return np.asarray(patch(speaking.model, halves[half], sites).pooled().value)

    alone = dict(zip(map(str, every), brought_back(0, [[head] for head in every]), strict=True))
    assert [alone[head] for head in heads["order"]] == sorted(alone.values(), reverse=True)
    named = {str(head): head for head in every}
    sets = [[named[head] for head in heads["order"][:size]] for size in heads["sizes"]]
    np.testing.assert_allclose(heads["curve"].value, brought_back(1, sets), atol=1e-5)
    assert heads["curve"].n == len(np.unique(halves[1].cluster))
    assert float(heads["curve"].value[0]) > 0.9


def test_sets_of_heads_are_told_beside_sets_of_latents(found):
    circuits = found[1]
    (view,) = (one for one in circuits.views() if one.id == "sparse-circuit")
    curve = next(one for one in view.figure.series if "heads" in str(one.name))
    np.testing.assert_allclose(curve.x, np.log2(circuits.heads["sizes"]))
    np.testing.assert_allclose(curve.y, circuits.heads["curve"].value)
    (finding,) = circuits.findings()
    assert f"the best 4 heads of the model together {circuits.best_heads(4).value:.0%}" in finding.sentence
    assert f"Heads of all layers, {', '.join(circuits.heads['order'][:4])} first: 1: " in circuits.summary()
    nothing = dataclasses.replace(
        circuits, heads={"order": [], "sizes": [1], "curve": wl.Estimate.missing((1,), unit="recovery")}
    )
    assert "Of no head it was measured" in nothing.summary()
    assert "heads" not in nothing.findings()[0].sentence
