"""Explanations, effects and circuits of latents whose meaning is known, and of those that mean nothing."""

import dataclasses

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.report.redact import Redaction
from wonderland.report.schema import Quoted, Text, walk
from wonderland.testing.handwritten import HEADS, handwritten_speaker_corpus, handwritten_speaker_model
from wonderland.tokenizer import END, ME, SEP, SPECIALS, THEM
from wonderland_sparse.activations import Fires, auroc, cut, rolled
from wonderland_sparse.circuits import SparseCircuits
from wonderland_sparse.controls import scrambled
from wonderland_sparse.dataset_examples import may_be_shown
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.effects import _tried, _without, taken_out
from wonderland_sparse.features import SparseFeatures, _live
from wonderland_sparse.features_result import _of_others
from wonderland_sparse.features_views import known_view, tokens_view
from wonderland_sparse.features_views import told as told_in_a_cell
from wonderland_sparse.labels import COMING, CONTEXTUAL, Labels, explain
from wonderland_sparse.probing import ranked
from wonderland_sparse.streams import Places, held_out
from wonderland_sparse.swapping import attribution, of_directions, of_latents, pairs_of, swap

PIECES = ["<|end|>", "<|me|>", "<|them|>", "<|sep|>", "<|pad|>", " a", " b", " A", "?", " haha", " hahaha", "7", "LOL"]


def places(count=4000, seed=0):
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count // 20):
        one = random.integers(5, len(PIECES), 20)
        one[[0, 10]] = random.permutation([ME, THEM])
        one[[9, 19]] = SEP, END
        rows.append(one)
    tokens = np.concatenate(rows)
    at = np.arange(len(tokens))
    return Places(tokens, at % 20, at // 20)


def at(where):
    rows = np.flatnonzero(where)
    return rows, np.zeros(len(rows), dtype=np.int64)


@pytest.fixture(scope="module")
def texts():
    both = [places(seed=seed) for seed in (0, 1)]
    return both, [Labels.read(one, PIECES, speakers=True) for one in both]


def told(labels, found):
    name = labels.names[list(labels.of)[int(found.family[0])]][int(found.label[0])]
    return name.text if isinstance(name, Text) else name


SPEAKS = {
    " a": lambda p: p.tokens == 5,
    "after  b": lambda p: (np.roll(p.tokens, 1) == 6) & (p.position > 0),
    "two after ?": lambda p: (np.roll(p.tokens, 2) == 8) & (p.position > 1),
    "number": lambda p: p.tokens == 11,
    "position 4 to 15": lambda p: (p.position >= 4) & (p.position < 16),
    "ha, however it is written": lambda p: (p.tokens == 9) | (p.tokens == 10),
}


@pytest.mark.parametrize("label", SPEAKS)
def test_firing_for_a_label_is_explained_by_it(texts, label):
    (one, other), labels = texts
    found = explain(*at(SPEAKS[label](one)), 1, labels[0], *at(SPEAKS[label](other)), labels[1])
    assert float(found.f1[0]) == 1
    assert told(labels[0], found) in (label, "7") or label == "number"


def test_who_speaks_and_what_will_come_are_labels_of_the_context(texts):
    (one, other), labels = texts

    def speaks(p):
        begun = np.maximum.accumulate(np.where(np.isin(p.tokens, (ME, THEM)), np.arange(len(p)), 0))
        return (p.tokens >= 5) & (p.tokens[begun] == ME)

    found = explain(*at(speaks(one)), 1, labels[0], *at(speaks(other)), labels[1], CONTEXTUAL)
    assert (told(labels[0], found), float(found.f1[0])) == ("me speaks", 1)
    asks = labels[0].of["question"]
    for start in range(0, 400, 20):  # by hand, message by message
        for begin, end in ((start, start + 10), (start + 10, start + 20)):
            marks = [i for i in range(begin, end) if one.tokens[i] == 8]
            for i in range(begin, end):
                coming = bool(marks) and i < marks[-1]
                after = not coming and bool(marks) and i > marks[0]
                assert asks[i] == (0 if coming else 1 if after else -1)


def test_a_label_chosen_by_chance_does_not_hold_elsewhere(texts):
    (one, other), labels = texts
    random = np.random.default_rng(3)
    rows = [random.permutation(len(p))[:60] for p in (one, other)]
    units = np.zeros(60, dtype=np.int64)
    found = explain(rows[0], units, 1, labels[0], rows[1], units, labels[1])
    assert found.f1[0] < found.chosen[0] + 0.05
    assert found.f1[0] < 0.3


def test_rolled_firing_is_explained_by_nothing(texts):
    (one, other), labels = texts
    fired = [Fires(*at(p.tokens == 5), np.ones((p.tokens == 5).sum())) for p in (one, other)]
    far = [rolled(f, len(p), by=1003) for f, p in zip(fired, (one, other), strict=True)]
    found = explain(far[0].rows, far[0].units, 1, labels[0], far[1].rows, far[1].units, labels[1])
    assert found.f1[0] < 0.3


def test_a_unit_that_never_fires_has_no_label(texts):
    _, labels = texts
    nothing = np.zeros(0, dtype=np.int64)
    found = explain(nothing, nothing, 2, labels[0], nothing, nothing, labels[1])
    assert (found.family == -1).all()
    assert np.isnan(found.f1).all()


def test_auroc_counts_ties_half():
    label = np.array([True, True, False, False])
    values = np.array([[3.0, 1, 0], [2, 1, 1], [1, 1, 2], [0, 1, 3]])
    np.testing.assert_allclose(auroc(values, label), [1, 0.5, 0])
    one = ranked(values[:, 2], label, np.arange(4))
    assert float(one.value) == 0
    mixed = ranked(np.array([2.0, 1, 1, 0]), label, np.arange(4))
    assert float(mixed.value) == pytest.approx(0.875)


def test_directions_are_cut_to_fire_as_often_as_latents():
    random = np.random.default_rng(0)
    one, other = cut(random.normal(size=(5000, 4)), random.normal(size=(5000, 4)), np.array([0.1]))
    np.testing.assert_allclose(np.bincount(one.units) / 5000, 0.1, atol=0.002)
    np.testing.assert_allclose(np.bincount(other.units) / 5000, 0.1, atol=0.02)


def test_text_is_shown_only_of_what_fires_in_five_conversations_and_in_none_mostly():
    conversation = np.repeat(np.arange(6), 4)
    of = Places(np.zeros(24, int), np.zeros(24, int), conversation)
    five = np.array([0, 4, 8, 12, 16])
    rows = np.r_[five, five[:4], five]
    units = np.repeat([0, 1, 2], [5, 4, 5])
    values = np.r_[np.ones(5), np.ones(4), [4.1, 1, 1, 1, 1]]
    assert may_be_shown(Fires(rows, units, values), of, 4).tolist() == [True, False, False, False]


def test_one_latent_knows_who_speaks_where_a_head_says_it(found):
    """It fires at every word of one speaker and at none of the other, in every conversation."""
    known = found[0].known["L1"]["me speaks"]
    assert float(known["latent"].value) == pytest.approx(1.0, abs=5e-4)
    assert float(known["latent"].low) == pytest.approx(1.0, abs=5e-4)
    assert float(known["all dimensions"].value) > 0.999
    assert known["latent"].resampled_over == "conversations"


def test_no_latent_knows_it_in_an_untrained_model(shorter):
    from wonderland_sparse.dictionaries import SparseDictionaries
    from wonderland_sparse.truths import QUICK

    results = wl.analyze(shorter.untrained(), SparseDictionaries(**QUICK), SparseFeatures(effects=2, listed=2))
    (known,) = results["sparse-features"].known.values()
    assert float(known["me speaks"]["latent"].value) < 0.6


def test_no_latent_knows_it_so_well_before_the_head_that_says_it(shorter, found):
    """The head is in layer 1: after layer 0 only heads that see a few tokens back say something of it."""
    from wonderland_sparse.dictionaries import SparseDictionaries
    from wonderland_sparse.truths import QUICK

    quick = {**QUICK, "layers": "0", "epochs": 1}
    results = wl.analyze(shorter, SparseDictionaries(**quick), SparseFeatures(effects=1, listed=1))
    known = results["sparse-features"].known["L0"]["me speaks"]
    assert float(known["latent"].value) <= 0.7
    assert float(known["latent"].high) < float(found[0].known["L1"]["me speaks"]["latent"].low)


def test_every_latent_that_fires_has_its_numbers_and_only_those_that_may_their_label(found):
    features = found[0]
    arrays, cards = features.arrays["L1"], features.cards()
    assert set(cards) == {wl.Feature(1, int(unit)) for unit in np.flatnonzero(arrays["density"] > 0)}
    own = {card["unit"] for card in features.cards_}
    assert len(own) < len(cards)
    for feature, blocks in cards.items():
        rows = {row.label: row.value for row in blocks[0].rows}
        unit = feature.index
        label = features.explanations["L1"][unit] if arrays["shown"][unit] else "in too few conversations"
        assert rows["fires for"] == told_in_a_cell(label)
        assert ("rise of the loss without it" in rows) <= (unit in own)
        if unit not in own:
            assert rows["stability"] == pytest.approx(arrays["stability"][unit], rel=0.01)


def test_where_latents_fire_is_shown_layer_by_layer(found):
    one = found[0]
    (view,) = (view for view in one.views() if view.id == "sparse-tokens")
    assert view.figure.renderer == "tokens"
    both = {"L0": one.examples["L1"][:1], "L1": one.examples["L1"]}
    more = dataclasses.replace(one, examples=both, shading={"L0": one.shading["L1"], "L1": one.shading["L1"]})
    figure = tokens_view(more).figure.plain()
    assert [panel["title"] for panel in figure["panels"]] == ["L0", "L1"]
    assert [len(panel["conversations"]) for panel in figure["panels"]] == [1, len(one.examples["L1"])]
    assert figure["panels"][0]["measures"][0]["name"].startswith("L0F")
    assert "of one layer at a time" in tokens_view(more).caption


def test_nothing_dead_and_nothing_private_is_shown(found):
    features = found[0]
    arrays = features.arrays["L1"]
    assert all(arrays["density"][card["unit"]] > 0 and arrays["shown"][card["unit"]] for card in features.cards_)
    table = next(view for view in features.views() if view.id == "sparse-latents")
    assert len(table.figure.rows) == int((arrays["density"] > 0).sum())


def test_solid_latents_are_stable_and_needed(found):
    features = found[0]
    arrays, rise = features.arrays["L1"], features.rise["L1"]
    assert len(arrays["asked"]) == 8
    for place, unit in enumerate(arrays["asked"]):
        null = arrays["rise null"][place]
        needed = rise.low[place] > 0 and np.isfinite(null).all() and rise.value[place] > null.max()
        assert (unit in arrays["solid"]) == bool(needed)
        assert arrays["stability"][unit] >= 0.7
    assert float(features.needed.value[0]) == pytest.approx(len(arrays["solid"]) / 8)
    assert float(features.needed.chance) == pytest.approx(1 / 21)


def test_the_same_is_measured_with_scrambled_weights(found, result, speaking):
    features = found[0]
    its, table, stability = result.of_scrambled(1)
    assert table is None
    assert (stability == features.scrambled["L1"]["arrays"]["stability"]).all()
    x = held_out(speaking.with_model(scrambled(speaking.model, 0)), [1])[1].x
    density = (its.encode(x.float()) > 0).float().mean(0)
    np.testing.assert_allclose(features.scrambled["L1"]["arrays"]["density"], density.numpy(), atol=1e-6)
    assert not np.allclose(density.numpy(), features.arrays["L1"]["density"], atol=1e-3)
    (bars,) = [view for view in features.views() if view.id == "sparse-needed"]
    assert "scrambled weights" in str(encode(bars.data))


@pytest.mark.slow
def test_both_models_beside_each_other_are_measured_as_one_after_the_other(speaking, result):
    threads, made = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        try:
            (one,) = wl.analyze(
                speaking, SparseFeatures(effects=2, listed=1), given={"sparse-dictionaries": result}
            ).values()
        finally:
            torch.set_num_threads(threads)
        made.append(one)
    for first, second in ([one.arrays["L1"] for one in made], [one.scrambled["L1"]["arrays"] for one in made]):
        for name, values in first.items():
            np.testing.assert_allclose(values, second[name], rtol=1e-3, atol=1e-5, err_msg=name)


def speaks(evidence):
    """Window and position of the places at which me and at which them speaks."""
    who = np.maximum.accumulate(
        np.where(np.isin(evidence.tokens, (ME, THEM)), np.arange(evidence.tokens.shape[1]), -1), 1
    )
    known = evidence.mask & (who >= 0)
    latest = np.take_along_axis(evidence.tokens, np.maximum(who, 0), 1)
    return [np.nonzero(known & (latest == one)) for one in (ME, THEM)]


@pytest.fixture(scope="module")
def exact(speaking):
    """Who speaks as two latents written by hand, what the head writes, and forty directions that mean nothing."""
    rows = torch.randn(42, speaking.cfg.d_model, generator=torch.Generator().manual_seed(0))
    layer, head = HEADS["speaker"]
    written = speaking.model.blocks[layer].attn.W_O[head]
    rows[0], rows[1] = written[ME], written[THEM]
    length = rows[:2].norm(dim=1)
    rows /= rows.norm(dim=1, keepdim=True)
    zeros = torch.zeros(42)
    one = Dictionary(rows, zeros, rows, torch.zeros(speaking.cfg.d_model), zeros)

    def asked(specimen, units=(0, 1, 2)):
        evidence = specimen.evidence
        flat = np.cumsum(evidence.mask).reshape(evidence.mask.shape) - 1
        places = [flat[at] for at in speaks(evidence)]
        places.append(places[0])
        strength = [float(length[min(number, 1)]) for number in range(3)]
        fired = Fires(
            np.concatenate(places),
            np.repeat([0, 1, 2], [len(of) for of in places]),
            np.repeat(strength, [len(of) for of in places]).astype(np.float32),
        )
        raised = np.repeat([[len(SPECIALS)], [len(SPECIALS) + 1]], [1, 41], axis=0)
        return taken_out(specimen, 1, one, fired, np.array(units), raised, np.full(42, 0.4), held=False)

    return asked


@pytest.fixture(scope="module")
def following(speaking):
    """The speaker model without induction, on a text it is right about: me says a, them says b."""
    said = [
        one._replace(text=" ".join(["a" if one.is_from_me else "b"] * 12))
        for one in handwritten_speaker_corpus(12, seed=2)
    ]
    model = handwritten_speaker_model()
    layer, head = HEADS["induction"]
    model.blocks[layer].attn.W_O[head] = 0
    return wl.Specimen(model, speaking.tokenizer, wl.Corpus.of(said, name="a and b"))


def test_a_latent_is_needed_where_the_text_follows_what_it_says(exact, following):
    found = exact(following)
    assert found.needed.tolist() == [True, True, False]  # the third fires there as well, and means nothing
    assert (np.asarray(found.rise.low)[:2] > 1).all()
    assert (np.asarray(found.ratio.high)[:2] < 0.5).all()


def test_a_latent_that_only_changes_what_the_model_says_is_not_needed(exact, speaking):
    """Nobody says what it promotes: without it the model says it much less, and is better off."""
    found = exact(speaking)
    assert (np.asarray(found.ratio.high)[:2] < 0.9).all()
    assert (np.asarray(found.rise.high)[:2] < 0).all()
    assert found.needed.tolist() == [False, False, False]
    assert np.isnan(found.rise_null).all()  # the interval decides, so no other is tried


def test_others_are_tried_until_one_does_as_much_harm(exact, following):
    """The first two latents are written by the head and are worth more than all others; the third is no better."""
    found = exact(following)
    assert np.isfinite(found.rise_null[:2]).all()
    assert (found.rise_null[:2].max(1) < np.asarray(found.rise.value)[:2]).all()
    last = found.rise_null[2][np.isfinite(found.rise_null[2])]
    assert len(last) < 20
    if len(last):
        assert (last[:-1] < float(found.rise.value[2])).all()
        assert last[-1] >= float(found.rise.value[2])


def test_an_other_that_does_as_much_harm_ends_the_trying():
    loss, chance = np.zeros(4), np.full(4, 0.5)
    steps = [(np.full(4, rise), np.full(4, 0.25)) for rise in (0.1, 0.3, 0.2)]
    rises, ratios = _tried(iter(steps), loss, chance, 0.3)
    assert rises[:2].tolist() == pytest.approx([0.1, 0.3])
    assert ratios[:2].tolist() == [0.5, 0.5]
    assert np.isnan(rises[2:]).all()
    assert np.isnan(ratios[2:]).all()
    rises, ratios = _tried(iter(steps), loss, chance, 0.31)
    assert rises[:4].tolist() == pytest.approx([0.1, 0.3, 0.2, 0])
    assert ratios[3:].tolist() == [1] * 17
    assert np.isnan(_tried(None, loss, chance, 0.3)).all()


def test_a_card_says_how_many_others_were_tried():
    none, some, every = np.full(20, np.nan), np.full(20, np.nan), np.linspace(-0.01, 0.02, 20)
    some[:3] = 0.01, -0.004, 0.05
    assert _of_others(none, ".3f") == "not tried: the interval of the rise reaches to 0"
    assert _of_others(some, ".3f") == "−0.004 to 0.050, the first 3; no more were tried"
    some[1:3] = np.nan
    assert _of_others(some, ".3f") == "0.010, the first 1; no more were tried"
    assert _of_others(every, ".3f") == "−0.010 to 0.020"


def test_the_rise_is_that_of_the_loss_of_the_token_that_follows(exact, following, monkeypatch):
    monkeypatch.setattr("wonderland_sparse.effects._WINDOWS", 10**6)
    evidence, model = following.evidence, following.model
    layer, head = HEADS["speaker"]
    step = model.blocks[layer].attn.W_O[head, ME]
    with torch.no_grad():
        tokens = torch.from_numpy(evidence.tokens)
        stream = model.run_with_cache(tokens)[1]["blocks.1.hook_resid_post"].clone()
        window, position = speaks(evidence)[0]
        losses = []
        for amount in (0.0, 1.0):
            changed = stream.clone()
            changed[window, position] -= amount * step
            told = model.unembed(model.ln_final(changed)).log_softmax(-1)
            follows = position + 1 < evidence.lengths[window]
            at = window[follows], position[follows]
            losses.append(-told[(*at, torch.from_numpy(evidence.tokens[at[0], at[1] + 1]).long())].mean())
    assert float(exact(following, (0,)).rise.value[0]) == pytest.approx(float(losses[1] - losses[0]), abs=1e-4)


def test_all_latents_and_what_they_leave_are_the_whole_difference(found):
    circuits = found[1]
    whole, left = float(circuits.whole["L1"].value), float(circuits.left["L1"].value)
    assert whole > 0.9
    assert abs(left) < 0.1
    assert float(circuits.curves["L1"]["latents"].value[2]) > 0.8  # four of them
    assert circuits.agreement["L1"] > 0.99
    assert circuits.p_of("L1") < 0.05
    assert circuits.findings()[0].trust == "solid"


def test_latents_are_refused_if_attribution_does_not_agree(speaking, result, monkeypatch):
    random = np.random.default_rng(0)
    monkeypatch.setattr(
        "wonderland_sparse.circuits.attribution",
        lambda s, layer, pairs, kinds: {name: random.normal(size=len(of.directions)) for name, of in kinds.items()},
    )
    other = wl.analyze(speaking, SparseCircuits(pairs=16), given={"sparse-dictionaries": result})["sparse-circuits"]
    assert other.curves == {}
    assert "does not agree" in other.summary()
    assert list(other.views()) == []


def test_swapping_everything_makes_one_run_the_other(speaking, result):
    pairs = pairs_of(speaking, speaking.contrasts("speaker", pairs=12).explore, 1)
    whole = pairs.clean - pairs.corrupted
    there = swap(speaking, 1, pairs, lambda i: i * whole, 2)
    back = swap(speaking, 1, pairs, lambda i: i * whole, 2, noising=True)
    np.testing.assert_allclose(there[1], back[0], atol=1e-4)
    np.testing.assert_allclose(there[0], back[1], atol=1e-4)
    basis = of_directions(pairs, torch.linalg.qr(torch.randn(96, 96))[0])
    np.testing.assert_allclose(swap(speaking, 1, pairs, lambda _: basis.step(range(96)), 1)[0], there[1], atol=1e-3)
    units = of_latents(pairs, result.dictionary(1), None)
    scores = attribution(speaking, 1, pairs, {"latents": units})["latents"]
    quiet = np.flatnonzero((units.change == 0).all(0).all(0).numpy())
    assert (scores[quiet] == 0).all()
    one = int(np.abs(scores).argmax())
    exact = (swap(speaking, 1, pairs, lambda _: units.step([one]), 1)[0] - there[0]).sum()
    assert scores[one] == pytest.approx(exact, rel=0.2)


def test_a_redacted_report_keeps_no_word(found):
    nothing = Redaction(frozenset(), np.array([], dtype=np.int64))
    parts = [
        part
        for one in found
        for part in (*one.views(), *one.findings(), *(b for of in one.cards().values() for b in of))
    ]
    quoted = [
        part
        for tree in map(nothing.tree, parts)
        for _, text in walk(tree)
        for part in (text.parts if isinstance(text, Text) else [text])
        if isinstance(part, Quoted)
    ]
    assert not any(part.text.strip() in set("abcdefgh") for part in quoted)


def test_results_come_back_from_disk_and_can_be_drawn(found, tmp_path):
    for number, one in enumerate(found):
        one.save(tmp_path / str(number))
        assert type(one).load(tmp_path / str(number)).summary() == one.summary()
        for view in one.views():
            encode(view.data)
            assert figure(view) is not None


def test_every_estimate_is_in_the_table_with_names_for_its_dimensions(found, result):
    for one in (*found, result):
        frame = one.to_frame()
        assert len(frame) == sum(int(np.prod(estimate.shape)) for estimate in one.estimates().values()) > 0
        assert not [column for column in frame.columns if column.startswith("dim_")]


@pytest.mark.parametrize(
    "wrong",
    [SparseFeatures(effects=0), SparseFeatures(listed=-1), SparseCircuits(pairs=7), SparseCircuits(contrast="weather")],
)
def test_settings_that_ask_for_nothing_are_refused(speaking, result, wrong):
    with pytest.raises(wl.UsageError):
        wl.analyze(speaking, wrong, given={"sparse-dictionaries": result})


def test_without_dictionaries_it_says_what_to_run(speaking):
    for analysis in (SparseFeatures(), SparseCircuits()):
        with pytest.raises(wl.NotEnoughData) as error:
            analysis.run(speaking.restricted_to(analysis.needs))
        assert "sparse-dictionaries" in error.value.hint


def test_sentences_say_when_nothing_was_found(found):
    features = found[0]
    arrays = {**features.arrays["L1"], "solid": np.zeros(0, dtype=np.int64)}
    none = dataclasses.replace(features, arrays={"L1": arrays})
    finding = none.findings()[1]
    assert (finding.kind, finding.trust) == ("null", "weak")
    assert "0 of 8" in finding.sentence


def counted(features, solid, asked, rise, others=None):
    """The same result with so many latents asked for and needed, the loss rising by so much without each."""
    arrays = {**features.arrays["L1"], "solid": np.arange(solid), "asked": np.arange(asked)}
    rises = wl.Estimate.stacked([wl.Estimate(rise, rise, rise, n=60, unit="nats a place")] * asked, dims=("latent",))
    its = (
        {}
        if others is None
        else {"arrays": {"solid": np.arange(others[0]), "asked": np.arange(others[1])}, "rise": rises}
    )
    return dataclasses.replace(
        features, arrays={"L1": arrays}, rise={"L1": rises}, scrambled={"L1": its}, conversations=60, control=None
    )


@pytest.mark.parametrize(
    ("trained", "before", "scrambled_weights", "trust"),
    [
        ((31, 48), (46, 46), None, "weak"),
        ((31, 48), (31, 48), (5, 48), "weak"),
        ((31, 48), (5, 48), (31, 48), "weak"),
        ((31, 48), (5, 48), (5, 48), "solid"),
        ((31, 48), (5, 48), None, "solid"),
        ((5, 48), (0, 48), (0, 48), "weak"),
        ((31, 48), None, (5, 48), "weak"),
    ],
)
def test_needed_latents_count_only_where_nothing_learned_has_fewer(found, trained, before, scrambled_weights, trust):
    control = None if before is None else counted(found[0], *before, 0.001)
    one = dataclasses.replace(counted(found[0], *trained, 0.02, scrambled_weights), control=control)
    finding = one.findings()[1]
    assert finding.trust == trust
    assert f"{trained[0]} of 48" in finding.sentence
    assert "by chance 2.3 would be; median rise of all asked 0.0200 nats" in finding.sentence
    if before is not None:
        assert f"before training {before[0]} of {before[1]} (median 0.0010 nats)" in finding.sentence
    if scrambled_weights is not None:
        assert "with scrambled weights {} of {}".format(*scrambled_weights) in finding.sentence


def test_a_layer_counts_its_own_latents_and_says_where_none_fires(found):
    density = np.zeros_like(found[0].arrays["L1"]["density"])
    density[:5] = 0.1
    some = dataclasses.replace(found[0], arrays={"L1": {**found[0].arrays["L1"], "density": density}})
    assert "n=5 latents)" in some.findings()[0].sentence
    nothing = wl.Estimate.missing((1,), unit="share of latents", resampled_over="latents", dims=("layer",))
    sentence = dataclasses.replace(some, contextually=nothing, control=None).findings()[0].sentence
    assert sentence.startswith("In L1, it was not measured")
    assert "before training" not in sentence


def test_without_a_stable_latent_no_effect_is_told(found):
    arrays = {**found[0].arrays["L1"], "solid": np.zeros(0, dtype=int), "asked": np.zeros(0, dtype=int)}
    finding = dataclasses.replace(found[0], arrays={"L1": arrays}).findings()[1]
    assert (finding.kind, finding.trust) == ("null", "weak")
    assert "no latent" in finding.sentence


# What is chosen, and where it is measured


def test_what_is_known_is_turned_through_layer_by_layer(found):
    features = found[0]
    (by_label,) = features.known.values()
    of = {"me speaks": by_label["me speaks"], "a question mark will come": by_label["me speaks"]}
    alone = known_view(dataclasses.replace(features, known={"L1": of})).figure
    assert list(alone.x) == ["me speaks", "question mark ahead"]
    panels = known_view(dataclasses.replace(features, known={"L1": of, "L2": of})).figure.panels
    assert [panel.title for panel in panels] == ["L1", "L2"]
    assert all(panel.figure.x == alone.x for panel in panels)


def test_labels_of_random_firing_score_what_chance_gives_where_they_were_not_chosen(texts):
    """Among many labels one always fits; elsewhere it fits as well as any label of its size does, 2ds/(d + s)."""
    (one, other), labels = texts
    random, units, each = np.random.default_rng(1), 200, 80
    rows = [np.concatenate([random.choice(len(p), each, replace=False) for _ in range(units)]) for p in (one, other)]
    which = np.repeat(np.arange(units), each)
    found = explain(rows[0], which, units, labels[0], rows[1], which, labels[1])
    sizes = np.array(
        [
            (labels[1].of[list(labels[1].of)[family]] == label).sum()
            for family, label in zip(found.family, found.label, strict=True)
        ]
    )
    by_chance = 2 * each * sizes / len(other) / (each + sizes)
    assert (found.f1 - by_chance).mean() == pytest.approx(0, abs=0.01)
    assert (found.chosen - by_chance).mean() > 0.02


def test_an_untrained_model_whose_layers_are_alike_is_told_once(found):
    one = counted(found[0], 2, 10, 0.02)
    arrays, rise, scrambled = (dict.fromkeys(("L1", "L2"), of["L1"]) for of in (one.arrays, one.rise, one.scrambled))
    both = dataclasses.replace(one, layers=(1, 2), arrays=arrays, rise=rise, scrambled=scrambled)
    told = dataclasses.replace(both, control=counted(found[0], 1, 5, 0.001))._baselines()
    assert ": before training 1 of 5 stable latents, alike in all layers; by chance 1 in 21." in told
    told = dataclasses.replace(one, control=counted(found[0], 1, 5, 0.001))._baselines()
    assert ": before training 1 of 5 stable latents of L1; by chance" in told


def test_the_curves_of_several_layers_are_turned_through_layer_by_layer(found):
    one = found[1]
    alone = next(view for view in one.views() if view.id == "sparse-circuit")
    assert "of L1 carry" in alone.subtitle
    both = {name: {**getattr(one, name), "L2": getattr(one, name)["L1"]} for name in ("curves", "sizes", "needed")}
    view = dataclasses.replace(one, **both)._curves()
    assert [panel.title for panel in view.figure.panels] == ["L1", "L2"]
    for panel in view.figure.panels:
        assert [curve.name for curve in panel.figure.series] == [curve.name for curve in alone.figure.series]
        assert len(panel.figure.series) <= 8  # more are drawn grey and without a legend


def test_what_follows_is_a_family_apart(texts):
    (one, other), labels = texts
    before = [np.flatnonzero((np.roll(p.tokens, -1) == 8) & (p.position < 19)) for p in (one, other)]
    units = [np.zeros(len(rows), dtype=np.int64) for rows in before]
    found = explain(before[0], units[0], 1, labels[0], before[1], units[1], labels[1], COMING)
    assert (told(labels[0], found), float(found.f1[0])) == ("? follows", 1)
    alone = explain(before[0], units[0], 1, labels[0], before[1], units[1], labels[1])
    assert list(labels[0].of)[int(alone.family[0])] != "next"
    last = np.flatnonzero(one.position == 19)
    assert (labels[0].of["next"][last] == -1).all()  # after the end of a window nothing is known


def test_which_latents_come_first_is_decided_where_labels_are_chosen(found):
    """Else the F1 of the first cards, on held-out text, would be the best of many and too high."""
    arrays = found[0].arrays["L1"]
    clear = np.maximum(arrays["contextual chosen"], 0.5 * arrays["chosen"])
    asked = arrays["asked"]
    assert (np.diff(clear[asked]) <= 1e-12).all()
    left_out = np.setdiff1d(np.flatnonzero(arrays["shown"] & (arrays["stability"] >= 0.7)), asked)
    assert np.nanmax(clear[left_out], initial=0) <= clear[asked].min() + 1e-12


def test_a_latent_held_high_says_what_it_promotes(found):
    features = found[0]
    held, null = features.held["L1"], features.arrays["L1"]["held null"]
    assert held.shape == (8,)
    assert null.shape == (8, 20)
    there = np.isfinite(np.asarray(held.value))
    assert there.any()
    assert float(np.max(np.asarray(held.value)[there])) > 1.5
    assert (np.asarray(held.value)[there] > np.nanmin(null[there], axis=1)).all()


def test_latents_of_a_frozen_decoder_are_swapped_as_well(found):
    curves = found[1].curves["L1"]
    trained, frozen = curves["latents"], curves["latents of a frozen decoder"]
    assert float(trained.value[2]) > float(frozen.value[2]) + 0.2  # four of each


@pytest.mark.slow  # the graphs of sparse features are asked the same
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_is_analysed_as_it_is(speaking, result, precision):
    rounded = speaking.with_model(handwritten_speaker_model().to(precision))
    alone = {name: part for name, part in result.weights["L1"].items() if not name.startswith("scrambled.")}
    given = {"sparse-dictionaries": dataclasses.replace(result, weights={"L1": alone})}
    half = wl.analyze(rounded, SparseFeatures(effects=2, listed=2), SparseCircuits(pairs=16), given=given)
    known = half["sparse-features"].known["L1"]["me speaks"]["latent"]
    assert float(known.low) > 0.95
    assert float(half["sparse-circuits"].whole["L1"].value) > 0.9


def test_a_live_report_gets_the_first_latents_as_their_encoder_reads_them(found, result, speaking):
    ways = found[0].live_directions()
    assert len(ways) == len(found[0].live["L1"]) > 0
    dictionary, x = result.dictionary(1), held_out(speaking, [1])[1].x[:500].float()
    for (name, layer, vector, site, reads), one in zip(ways, found[0].live["L1"], strict=True):
        assert name.startswith(f"L1F{one['unit']}")
        assert (layer, site) == (1, "attn_out")  # the last layer, of a model without MLPs
        z = x.numpy() @ reads.encoder + reads.bias
        wanted = dictionary.encode(x)[:, one["unit"]].numpy()
        np.testing.assert_allclose(np.where(z > reads.threshold, z, 0), wanted, atol=1e-4)
        np.testing.assert_allclose(vector / reads.length, dictionary.W_dec[one["unit"]].numpy(), atol=1e-6)
        assert reads.tokens is None  # tokens are kept in this dictionary


def test_a_context_latent_in_a_live_report_knows_what_each_token_takes_off(speaking, result):
    dictionary, fired = result.dictionary(1), Fires(np.array([0]), np.array([3]), np.array([2.0]))
    table = np.random.default_rng(0).normal(size=(24, speaking.cfg.d_model)).astype(np.float32)
    (one,) = _live(speaking, 0, dictionary, table, fired, [3])
    x, tokens = torch.randn(24, speaking.cfg.d_model), np.arange(24)
    z = x.numpy() @ one["encoder"] + one["bias"] + one["tokens"][tokens]
    wanted = dictionary.encode(x - torch.from_numpy(table))[:, 3].numpy()
    np.testing.assert_allclose(np.where(z > one["threshold"], z, 0), wanted, atol=1e-3)
    assert one["last"] is False


def test_without_a_step_the_loss_is_the_models_own_at_the_token_that_follows(speaking):
    evidence = speaking.evidence
    rows, columns = np.nonzero(evidence.mask)
    rows, columns = rows[::7], columns[::7]
    stream = torch.zeros(*evidence.tokens.shape, speaking.cfg.d_model)
    for batch in speaking.batches("resid_post"):
        part = batch["resid_post"][0]
        stream[batch.windows.start : batch.windows.stop, : part.shape[1]] = part
    steps, strength = torch.zeros(0, speaking.cfg.d_model), np.ones(len(rows))
    ((loss, chance),) = _without(speaking, 0, stream, (rows, columns), strength, steps, np.array([ME, THEM]))
    follows = columns + 1 < evidence.lengths[rows]
    rows, columns = rows[follows], columns[follows]
    with torch.no_grad():
        told = speaking.model(torch.from_numpy(evidence.tokens)).float().log_softmax(-1)[rows, columns].numpy()
    expected = -told[np.arange(len(rows)), evidence.tokens[rows, columns + 1]]
    np.testing.assert_allclose(loss, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(chance, np.exp(told[:, [ME, THEM]]).sum(1), rtol=1e-4, atol=1e-5)
    assert expected.std() > 0.01
