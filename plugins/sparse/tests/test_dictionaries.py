"""Dictionaries of hand-built models: where somebody says who speaks, one latent knows; nothing is trained twice."""

import dataclasses

import numpy as np
import pytest
import torch

import wonderland as wl
import wonderland_sparse
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import handwritten_speaker_corpus, handwritten_speaker_model, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland_sparse import dictionaries, saved
from wonderland_sparse.controls import moments, noise, scrambled
from wonderland_sparse.dictionaries import SparseDictionaries
from wonderland_sparse.dictionaries_result import chosen_layers
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.learning import start_of
from wonderland_sparse.quality import costs, matched, spliced
from wonderland_sparse.streams import held_out, of_text, together

TINY = SparseDictionaries(layers="1", latents=32, active=4, epochs=1, tokens="keep")


def test_every_measure_stands_beside_its_controls(result):
    assert list(result.measured) == [
        "dictionary", "4 components", "16 components", "scrambled weights", "noise", "frozen decoder",
    ]  # fmt: skip
    for whose, measures in result.measured.items():
        assert measures["fvu"].n == 60, whose
        assert 0 < float(measures["fvu"].value[0]) < 1
    own, frozen = (float(result.measured[whose]["fvu"].value[0]) for whose in ("dictionary", "frozen decoder"))
    assert own < 0.1 < frozen
    assert float(result.measured["dictionary"]["l0"].value[0]) == pytest.approx(4, abs=1)


def test_scrambled_weights_have_two_starts_as_well(result):
    agreed = result.measured["scrambled weights"]["stable"]
    assert (agreed.n, agreed.resampled_over) == (64, "latents")
    assert 0 <= float(agreed.value[0]) <= 1
    assert "stable" not in result.measured["noise"]
    told = next(finding.sentence for finding in result.findings() if "Two starts" in finding.sentence)
    assert "with scrambled weights on" in told


def test_the_cost_is_told_as_a_share_of_what_the_model_knows_beyond_trigrams(result):
    for whose in ("dictionary", "4 components"):
        nats, share = (result.measured[whose][name] for name in ("delta ce", "of lead"))
        if result.lead > 0:
            assert float(share.value[0]) == pytest.approx(float(nats.value[0]) / result.lead, rel=1e-6)
        else:
            assert np.isnan(share.value[0])  # a share of nothing
    rise, ahead = np.array([0.1, 0.3, 0.2, 0.0]), np.array([1.0, 0.0, 1.0, 2.0])
    evidence = wl.Evidence(np.zeros((2, 3), int), np.array([3, 3]), np.array([0, 1]), 0, False)
    found = costs(rise, ahead, evidence)
    assert float(found["delta ce"].value) == pytest.approx(0.15)
    assert float(found["of lead"].value) == pytest.approx(0.15)
    assert np.isnan(float(costs(rise, -ahead, evidence)["of lead"].value))


def test_the_frozen_decoder_is_kept_beside_the_trained_ones(result, small):
    frozen, trained = result.frozen(1), result.dictionary(1)
    assert frozen.W_dec.shape == trained.W_dec.shape
    assert not torch.allclose(frozen.W_dec, trained.W_dec, atol=0.1)
    assert small.untrained().run(TINY).frozen(1) is None  # of a model that writes nothing there are no controls


def test_stable_latents_are_those_that_another_start_has_too(result):
    one, other = (result.dictionary(1, seed).W_dec.numpy() for seed in (0, 1))
    partner = result.partner["L1"]
    np.testing.assert_allclose(result.stability["L1"], (one * other[partner]).sum(1), atol=1e-5)
    assert len(set(partner.tolist())) == len(partner)
    assert not np.allclose(one, other)


def test_the_untrained_model_has_one_pair_for_all_layers(small):
    found = small.untrained().run(dataclasses.replace(TINY, layers=""))
    assert (found.shared, found.layers, list(found.weights)) == (True, [0, 1], ["L0"])
    assert torch.equal(found.dictionary(0).W_dec, found.dictionary(1).W_dec)
    assert "scrambled weights" not in found.measured
    assert "one pair serves all layers" in found.summary()


def test_the_same_seed_gives_the_same_bytes(small):
    one, again = (small.run(TINY) for _ in range(2))
    for name, part in one.weights["L1"].items():
        assert part.tobytes() == again.weights["L1"][name].tobytes()
    assert one.estimates().keys() == again.estimates().keys()


def test_no_two_dictionaries_of_a_run_start_alike():
    starts = {start_of(name, seed) for name in ("L0S0", "L0S1", "L1S0", "L0noise") for seed in (0, 1)}
    assert len(starts) == 8


def test_a_run_that_was_stopped_goes_on(small, tmp_path, monkeypatch):
    learn, trained = dictionaries.learn, []

    def stopping(x, recipe, seed, on_step=None):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(seed)
        return learn(x, recipe, seed, on_step)

    view = small.restricted_to(TINY.needs).running(None, tmp_path)
    monkeypatch.setattr(dictionaries, "learn", stopping)
    with pytest.raises(KeyboardInterrupt):
        TINY.run(view)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["L1S0.safetensors", "L1S1.safetensors"]
    again = []
    monkeypatch.setattr(
        dictionaries, "learn", lambda x, r, seed, tell=None: again.append(seed) or learn(x, r, seed, tell)
    )
    found = TINY.run(view)
    assert len(again) == 4  # frozen decoder, noise, and scrambled weights twice; the pair was there
    monkeypatch.setattr(dictionaries, "learn", learn)
    assert found.weights["L1"]["S1.W_dec"].tobytes() == small.run(TINY).weights["L1"]["S1.W_dec"].tobytes()
    assert not list(tmp_path.iterdir())  # what is in the result is not kept twice


def test_what_was_trained_otherwise_or_is_broken_is_trained_again(tmp_path):
    random = torch.Generator().manual_seed(0)
    one = Dictionary(*(torch.randn(shape, generator=random) for shape in ((3, 2), (3,), (3, 2), (2,), (3,))))
    made = []

    def train():
        made.append(1)
        return one

    for about in ({"epochs": 1}, {"epochs": 1}, {"epochs": 2}):
        saved.kept(tmp_path, "L0S0", about, train)
    assert len(made) == 2
    (tmp_path / "L0S0.safetensors").write_bytes(b"half")
    again = saved.kept(tmp_path, "L0S0", {"epochs": 2}, train)
    assert len(made) == 3
    assert torch.equal(again.W_dec, one.W_dec)


def test_progress_goes_up_to_the_end(small):
    told = []
    small.run(TINY, on_progress=lambda done, total: told.append((done, total)))
    done = [one for one, _ in told]
    assert done == sorted(done)
    assert done[0] == 0
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize(("conversations", "what"), [(200, "tokens"), (99, "conversations")])
def test_too_little_text_is_refused(conversations, what):
    train = handwritten_speaker_corpus(conversations, seed=1)
    specimen = wl.Specimen(
        handwritten_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus(20, seed=2), background=train
    )
    with pytest.raises(wl.NotEnoughData, match=r"60,000 tokens of 100 conversations"):
        specimen.run(TINY)


def test_without_training_text_it_says_how_to_give_it():
    specimen = wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus(20))
    with pytest.raises(wl.NotEnoughData) as error:
        specimen.run(TINY)
    assert "background" in error.value.hint


@pytest.mark.parametrize(("asked", "found"), [("", [0, 1, 2]), ("2", [2]), ("L0, 2", [0, 2]), ("1 1", [1])])
def test_layers_are_read(asked, found):
    assert chosen_layers(asked, 3) == found


@pytest.mark.parametrize("asked", ["3", "x", "-1", "1.5"])
def test_layers_that_are_not_there_are_refused(asked):
    with pytest.raises(wl.UsageError):
        chosen_layers(asked, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"active": 0},
        {"active": 33},
        {"epochs": -1},
        {"latents": -1},
        {"kind": "x"},
        {"tokens": "x"},
        {"rate": -1.0},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"layers": "9"},
    ],
)
def test_settings_that_make_no_dictionary_are_refused(speaking, wrong):
    with pytest.raises(wl.UsageError):
        speaking.run(dataclasses.replace(TINY, **wrong))


def test_splicing_what_is_there_changes_no_loss(speaking):
    for layer in (0, 1):
        as_it_is = spliced(speaking, layer, None)
        assert len(as_it_is) == int((speaking.evidence.lengths - 1).sum())
        np.testing.assert_array_equal(as_it_is, spliced(speaking, layer, lambda x, tokens: x))
    by_model = np.concatenate([b["loss"][b.mask].numpy() for b in speaking.batches("loss", "resid_post")])
    np.testing.assert_allclose(as_it_is, by_model[np.isfinite(by_model)], atol=1e-4)
    assert spliced(speaking, 1, lambda x, tokens: torch.zeros_like(x)).mean() != pytest.approx(
        as_it_is.mean(), abs=0.01
    )


def test_streams_of_a_text_are_those_of_the_model(speaking):
    windows = speaking.background
    found = of_text(speaking, windows, [1])[1]
    assert len(found.x) == int(windows.lengths.sum())
    tokens = torch.from_numpy(windows[3])[None]
    _, cache = speaking.model.run_with_cache(tokens, names_filter=["blocks.1.hook_resid_post"])
    begin = int(windows.lengths[:3].sum())
    ours = found.x[begin : begin + tokens.shape[1]].float()
    assert torch.allclose(ours, cache["blocks.1.hook_resid_post"][0], atol=1e-2)
    assert found.places.position[begin] == 0
    assert found.places.tokens[begin : begin + tokens.shape[1]].tolist() == tokens[0].tolist()


def test_of_a_text_too_large_for_memory_some_windows_are_taken(speaking, monkeypatch):
    monkeypatch.setattr("wonderland_sparse.streams.MOST_BYTES", 200_000)
    found = of_text(speaking, speaking.background, [1])[1]
    assert 0 < len(found.x) * 2 * found.x.shape[1] <= 200_000


def test_layers_whose_vectors_do_not_fit_together_are_passed_over_in_turn(speaking, monkeypatch):
    """As many layers as fit share a pass, and none loses a window that it would have alone."""
    windows = speaking.background
    each = 2 * speaking.cfg.d_model * int(windows.lengths.sum())
    for room, wanted in ((3 * each, [[0, 1, 2], [3]]), (2 * each - 1, [[0], [1], [2], [3]]), (each // 2, [[0], [1]])):
        monkeypatch.setattr("wonderland_sparse.streams.MOST_BYTES", room)
        assert together(speaking, windows, [0, 1, 2, 3])[: len(wanted)] == wanted
    monkeypatch.setattr("wonderland_sparse.streams.MOST_BYTES", 4 * each)
    assert together(speaking, windows, [0, 1, 2, 3], copies=2) == [[0, 1], [2, 3]]


def test_layers_of_one_pass_have_the_dictionaries_of_each_alone(small, monkeypatch):
    passes = []
    monkeypatch.setattr(
        dictionaries, "of_text", lambda *args, own=of_text, **more: passes.append(args[2]) or own(*args, **more)
    )
    both = small.run(dataclasses.replace(TINY, layers=""))
    assert passes == [[0, 1], [0, 1]]  # one of the model, one of scrambled weights
    alone = small.run(dataclasses.replace(TINY, layers="1"))
    for name, part in alone.weights["L1"].items():
        assert part.tobytes() == both.weights["L1"][name].tobytes(), name
    for whose, measures in alone.measured.items():
        for name, one in measures.items():
            np.testing.assert_array_equal(one.value[0], both.measured[whose][name].value[1], err_msg=f"{whose} {name}")


def test_scrambled_weights_are_the_same_numbers_elsewhere():
    model = random_model()
    other = scrambled(model)
    moved = set()
    for (name, one), (_, two) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(one.flatten().sort().values, two.flatten().sort().values)
        if not torch.equal(one, two):
            moved.add(name.rpartition(".")[2])
    assert moved == {"W_Q", "W_K", "W_V", "W_O", "W_in", "W_out"}


def test_noise_has_the_covariance_and_nothing_else():
    random = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 6, generator=random) @ torch.randn(6, 6, generator=random) + 3
    made = noise(moments(x), 40_000).float()
    assert torch.allclose(torch.cov(made.T), torch.cov(x.T), rtol=0.1, atol=0.2)
    assert torch.allclose(made.mean(0), x.mean(0), atol=0.1)


def test_partners_are_paired_at_once():
    one = np.eye(3, dtype=np.float32)
    other = np.array([[1, 0, 0], [0.9, 0.436, 0], [0, 0, 1]], dtype=np.float32)
    cosines, partner = matched(one, other)
    assert partner.tolist() == [0, 1, 2]
    np.testing.assert_allclose(cosines, [1, 0.436, 1], atol=1e-3)


def test_a_dictionary_that_is_in_doubt_says_why(result):
    assert result.doubts(0)  # of 64 latents a good part is not needed here
    worse = dict(result.measured["dictionary"])
    worse["fvu"] = worse["fvu"].map(lambda part: 1.2 * part)
    other = dataclasses.replace(result, measured={**result.measured, "dictionary": worse})
    assert any("held-out text" in why for why in other.doubts(0))
    assert not any("held-out text" in why for why in result.doubts(0))
    assert all(finding.trust != "solid" for finding in other.findings())


def test_it_comes_back_from_disk_and_can_be_drawn(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    assert torch.equal(again.dictionary(1, 1).W_enc, result.dictionary(1, 1).W_enc)
    for view in result.views():
        encode(view.data)
        assert figure(view) is not None


def test_a_result_is_exported_and_read_again(result, speaking, tmp_path):
    folder = result.export(tmp_path / "out", layer=1, seed=1)
    found = wonderland_sparse.read(folder)
    x = held_out(speaking, [1])[1].x[:200].float()
    assert (found.layer, found.context) == (1, 48)
    assert torch.allclose(found.dictionary.encode(x), result.dictionary(1, 1).encode(x), atol=1e-4)
    with pytest.raises(wl.UsageError, match="no dictionary of L0"):
        result.export(tmp_path / "other", layer=0)


def test_held_out_streams_leave_padding_out(speaking):
    found = held_out(speaking, [0])[0]
    assert len(found.x) == len(found.places) == int(speaking.evidence.mask.sum())


def test_windows_pass_by_their_length_and_what_they_say_lies_in_the_order_of_the_text(small):
    """Batches of windows about as long are hardly padded; vectors and places are where the text has them."""
    windows = small.background
    cut = windows.stop - np.random.default_rng(0).integers(0, 20, len(windows))
    ragged = dataclasses.replace(windows, stop=cut)
    seen = []

    def noted(text, *names, own=small.stream, **more):
        for batch in own(text, *names, **more):
            seen.append(batch.mask.shape[0] * batch.mask.shape[1])
            yield batch

    small.stream = noted
    try:
        found = of_text(small, ragged, [1])[1]
    finally:
        del small.stream
    tokens = list(ragged)
    np.testing.assert_array_equal(found.places.tokens, np.concatenate(tokens))
    np.testing.assert_array_equal(found.places.conversation, np.repeat(ragged.conversation, ragged.lengths))
    for number in (0, 5, len(tokens) - 1):
        _, cache = small.model.run_with_cache(torch.from_numpy(tokens[number])[None])
        begin = int(ragged.lengths[:number].sum())
        rows = slice(begin, begin + len(tokens[number]))
        assert torch.allclose(found.x[rows].float(), cache["blocks.1.hook_resid_post"][0], atol=2e-2), number
    assert sum(seen) < 1.1 * int(ragged.lengths.sum())
