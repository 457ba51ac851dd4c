"""The lens against the model's own end, a computation by hand, and a model whose one deciding layer is known."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.model.presets import Config
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland_triage import logit_lens
from wonderland_triage.logit_lens import LogitLens


def random_model():
    """A model with norms and MLPs in which every weight does something, the final norm's most of all."""
    tokenizer = handwritten_tokenizer()
    cfg = Config(2, 2, 16, 8, 32, 48, tokenizer.vocab_size)
    model = wl.ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    return model


@pytest.fixture(scope="module")
def random_specimen():
    return wl.Specimen(random_model(), handwritten_tokenizer(), handwritten_corpus(12, shortest=10))


@pytest.fixture(scope="module")
def of_random(random_specimen):
    return wl.analyze(random_specimen, LogitLens(windows=0))["logit-lens"]


@pytest.fixture(scope="module")
def result(specimen):
    return wl.analyze(specimen, LogitLens(windows=0))["logit-lens"]


def softmax(logits):
    p = np.exp(logits - logits.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def by_hand(specimen):
    """Yield (levels' probabilities [level, pos, token], final probabilities, tokens that came) of every window."""
    model, evidence = specimen.model, specimen.evidence
    norm, w_u = model.ln_final, model.W_U.numpy()
    for tokens, length in zip(evidence.tokens, evidence.lengths, strict=True):
        inputs = torch.from_numpy(tokens[None, :length])
        stream = [model(inputs, stop_at_layer=layer)[0].numpy() for layer in range(3)]
        read = []
        for h in stream:
            centred = h - h.mean(-1, keepdims=True)
            scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + norm.eps)
            read.append(softmax((scaled * norm.w.numpy() + norm.b.numpy()) @ w_u))
        yield np.stack(read)[:, :-1], softmax(model(inputs)[0].numpy())[:-1], tokens[1:length]


def test_after_the_last_layer_the_lens_is_the_models_own_answer(of_random, random_specimen):
    assert of_random.levels == ["embed", "L0", "L1"]
    assert of_random.kl.value[-1] == pytest.approx(0, abs=1e-6)
    assert of_random.agrees.value[-1] == 1
    loss = torch.cat([batch["loss"].flatten() for batch in random_specimen.batches("loss")])
    expected = torch.exp(-loss[~loss.isnan()]).mean()
    assert of_random.target.value[-1] == pytest.approx(float(expected), rel=1e-4)
    assert of_random.kl.value[0] > 0.1


def test_every_level_is_read_with_its_own_norm(of_random, random_specimen):
    rows = list(by_hand(random_specimen))
    expected = {"kl": [], "answer": [], "agrees": [], "target": [], "log_rank": []}
    for lens, final, came in rows:
        at = np.arange(len(came))
        answer = final.argmax(-1)
        expected["kl"].append((final * (np.log(final) - np.log(lens))).sum(-1))
        expected["answer"].append(lens[:, at, answer])
        expected["agrees"].append(lens.argmax(-1) == answer)
        expected["target"].append(lens[:, at, came])
        expected["log_rank"].append(np.log(1 + (lens > lens[:, at, came][..., None]).sum(-1)))
    for name, parts in expected.items():
        by_level = np.concatenate(parts, axis=1).mean(1)
        assert getattr(of_random, name).value == pytest.approx(by_level, rel=1e-3, abs=1e-5), name


def test_chance_is_what_frequencies_alone_score(of_random, random_specimen):
    evidence = random_specimen.evidence
    counts = np.ones(24)
    for tokens, length in zip(evidence.tokens, evidence.lengths, strict=True):
        np.add.at(counts, tokens[1:length], 1)
    prior = counts / counts.sum()
    kl = np.concatenate([(p * (np.log(p) - np.log(prior))).sum(-1) for _, p, _ in by_hand(random_specimen)])
    assert of_random.kl.chance == pytest.approx(kl.mean(), rel=1e-4)
    came = np.concatenate([came for *_, came in by_hand(random_specimen)])
    assert of_random.target.chance == pytest.approx(prior[came].mean(), rel=1e-4)


def test_some_positions_at_a_time_say_what_all_of_a_window_do(of_random, random_specimen, monkeypatch):
    monkeypatch.setattr(logit_lens, "_AT_ONCE", 5 * 24)
    again = wl.analyze(random_specimen, LogitLens(windows=0))["logit-lens"]
    for name in ("kl", "answer", "agrees", "target", "log_rank"):
        one, other = getattr(again, name), getattr(of_random, name)
        np.testing.assert_allclose(one.value, other.value, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(one.chance, other.chance, rtol=1e-6)
    assert again.said == of_random.said
    assert all(np.array_equal(one, other) for one, other in zip(again.ranks, of_random.ranks, strict=True))


def test_before_the_layer_that_decides_the_known_model_says_the_token_at_hand(result, specimen):
    for about, said in zip(result.conversations, result.said, strict=True):
        for level in ("embed", "L0"):  # layer 0 writes where the unembedding does not read
            top = said[result.levels.index(level)]
            assert top == about["tokens"][: len(top)]
    repeats = [tokens[i] == tokens[i - 1] for tokens, n in _windows(specimen) for i in range(1, n)]
    same = np.mean(repeats)
    expected = (same * np.e + (1 - same)) / (23 + np.e)  # one logit for the token at hand, none for what came next
    assert result.target.value[0] == pytest.approx(expected, rel=1e-5)
    assert result.log_rank.value[0] == pytest.approx((1 - same) * np.log(2), rel=1e-5)


def _windows(specimen):
    return list(zip(specimen.evidence.tokens, map(int, specimen.evidence.lengths), strict=True))


def test_the_layer_of_the_induction_head_is_the_one_that_decides(result):
    assert result.kl.value[0] == pytest.approx(result.kl.value[1])
    assert result.kl.value[2] == pytest.approx(0, abs=1e-6)
    (finding,) = result.findings()
    assert finding.text.startswith("L1 takes the largest step towards the final answer: KL to it falls from")
    assert finding.trust == "solid"
    assert result.half == 2
    assert result.summary().startswith("The answer is there after L1")


def test_before_training_no_layer_changes_anything(specimen):
    result = wl.analyze(specimen.untrained(), LogitLens())["logit-lens"]
    assert result.kl.value == pytest.approx(np.zeros(3), abs=1e-6)
    (finding,) = result.findings()
    assert finding.text.startswith("No layer brings the stream closer to the final answer")
    assert finding.kind == "null"


def test_some_windows_are_read_and_those_shown_are_among_them(specimen):
    few = wl.analyze(specimen, LogitLens(windows=5, shown=3))["logit-lens"]
    assert len(few.conversations) == len(few.said) == len(few.values) == 3
    assert few.kl.n <= 8
    assert "too few" in few.summary()
    assert few.findings()[0].trust == "weak"


def test_what_is_shown_is_the_numbers_of_that_window(of_random, random_specimen):
    rows = list(by_hand(random_specimen))
    for about, values in zip(of_random.conversations, of_random.values, strict=True):
        lens, final, came = rows[int(about["title"].removeprefix("Held-out window ")) - 1]
        at = np.arange(len(came))
        np.testing.assert_allclose(values[0], lens[:, at, final.argmax(-1)], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(values[2], 1 + (lens > lens[:, at, came][..., None]).sum(-1))


def test_the_final_candidates_end_in_their_own_order_and_rise_to_it(of_random, random_specimen, result):
    rows = list(by_hand(random_specimen))
    for about, names, ranks in zip(of_random.conversations, of_random.candidates, of_random.ranks, strict=True):
        lens, final, _ = rows[int(about["title"].removeprefix("Held-out window ")) - 1]
        assert (ranks[-1] == np.arange(1, 6)).all()  # the last level is the answer itself
        best = np.argsort(-final, axis=-1)[:, :5]
        assert names == [random_specimen.tokenizer.pieces(row) for row in best.tolist()]
        by_sorting = np.argsort(np.argsort(-lens, axis=-1), axis=-1) + 1
        np.testing.assert_array_equal(ranks, np.take_along_axis(by_sorting, best[None].repeat(len(lens), 0), -1))
    (lens_view, *_) = result.views()
    panel = lens_view.panels()[0]
    assert panel["ranks"]["names"] == result.candidates[0]


def test_it_is_saved_and_loaded(result, tmp_path):
    result.save(tmp_path)
    again = type(result).load(tmp_path)
    assert again.summary() == result.summary()
    assert again.said == result.said


def test_its_views_are_ones_the_report_can_draw(specimen):
    result = wl.analyze(specimen, LogitLens(), control=True)["logit-lens"]
    for view in result.views():
        encode(view.data)
        assert figure(view) is not None
    assert result.views()[0].id == "logit-lens"
    assert "Before training" in result.summary()
