"""The tuned lens on models of which it is known what stands where: another language is read, what is absent is not."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.errors import NotEnoughData
from wonderland.lab.evidence import Evidence
from wonderland.model.presets import Config
from wonderland.report.encode import encode
from wonderland.report.plots import figure
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland.testing.random_models import random_model
from wonderland_triage.logit_lens import LogitLens
from wonderland_triage.tuned_lens import Translators, divergence, tune

TOKENS = 24


@torch.no_grad()
def copying_model(back):
    """The model repeats the token ``back`` places before, which stands in dimensions that only its one layer reads."""
    width = 2 * TOKENS + 48
    cfg = Config(1, 1, width, 48, 1, 48, TOKENS, normalization_type=None, attn_only=True)
    model = wl.ChatTransformer(cfg, tokenizer=handwritten_tokenizer().fingerprint)
    for weight in model.parameters():
        weight.zero_()
    positions = torch.eye(48)
    model.embed.W_E[:, TOKENS : 2 * TOKENS] = torch.eye(TOKENS)
    model.pos_embed.W_pos[:, 2 * TOKENS :] = positions
    model.unembed.W_U[:TOKENS] = torch.eye(TOKENS) * 6
    attn = model.blocks[0].attn
    attn.W_Q[0, 2 * TOKENS :] = positions * 40 * 48**0.5
    attn.W_K[0, 2 * TOKENS :] = torch.roll(positions, back, dims=1)
    attn.W_V[0, TOKENS : 2 * TOKENS, :TOKENS] = torch.eye(TOKENS)
    attn.W_O[0, :TOKENS, :TOKENS] = torch.eye(TOKENS)
    return model


def read(model, **options):
    specimen = wl.Specimen(model, handwritten_tokenizer(), handwritten_corpus(40, shortest=20))
    return wl.analyze(specimen, LogitLens(tuned=True, **options))["logit-lens"]


def test_what_stands_there_in_another_language_is_read():
    result = read(copying_model(0))
    plain, tuned = (result.tuned[name] for name in ("plain", "tuned"))
    assert plain.low[0] > 1  # the model's own end sees nothing
    assert tuned.high[0] < 0.05
    assert "after the embedding 0.0" in result.summary()


def test_what_is_not_there_is_not_read():
    result = read(copying_model(1))
    plain, tuned = (result.tuned[name] for name in ("plain", "tuned"))
    assert plain.low[0] > 1
    # The token before stands in no stream of this place; that a speaker follows a separator is all there is to know.
    assert tuned.low[0] > 0.8 * result.kl.chance


def test_it_is_judged_on_conversations_that_it_was_not_fitted_on():
    """With more numbers than tokens it knows by heart what it was fitted on; that is no merit."""
    specimen = wl.Specimen(random_model(d_model=40), handwritten_tokenizer(), handwritten_corpus(4, shortest=20))
    result = wl.analyze(specimen, LogitLens(tuned=True))["logit-lens"]
    held, seen = result.tuned["tuned"].value, result.fitted["tuned"]
    assert (held[:-1] > 1.3 * seen[:-1]).all()
    assert result.tuned["tuned"].n == 2


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_it_is_never_worse_than_the_plain_lens_on_what_it_was_fitted_on(seed):
    result = read(random_model(seed, n_layers=3), windows=20)
    assert (result.fitted["tuned"] <= result.fitted["plain"] + 1e-6).all()
    assert (result.fitted["tuned"][:-1] < result.fitted["plain"][:-1]).all()


def test_windows_of_one_conversation_are_on_one_side():
    """Twice the same windows: were one of each pair fitted on, the lens would know the other by heart."""
    specimen = wl.Specimen(random_model(d_model=40), handwritten_tokenizer(), handwritten_corpus(4, shortest=20))
    once = wl.analyze(specimen, LogitLens(tuned=True))["logit-lens"]
    of, twice = specimen.evidence, np.repeat(np.arange(4), 2)
    specimen.evidence = Evidence(of.tokens[twice], of.lengths[twice], of.conversation[twice])
    again = wl.analyze(specimen, LogitLens(tuned=True))["logit-lens"]
    assert again.tuned["plain"].n == 2
    assert again.tuned["plain"].value == pytest.approx(once.tuned["plain"].value)
    assert (again.tuned["tuned"].value[:-1] > 1.3 * again.fitted["tuned"][:-1]).all()


def test_where_there_is_nothing_to_gain_it_stays_the_plain_lens():
    specimen = wl.Specimen(random_model(), handwritten_tokenizer(), handwritten_corpus(6))
    last = torch.randn(1, 50, 12, generator=torch.Generator().manual_seed(0))
    found = tune(specimen, last.expand(3, -1, -1))
    assert (found.weight == 0).all()
    assert (found.bias == 0).all()


def test_its_divergence_is_the_kl_of_the_logit_lens(specimen):
    stream = torch.stack([torch.randn(9, 96, generator=torch.Generator().manual_seed(i)) for i in range(3)])
    p, q = (specimen.model.unembed(stream[i]).softmax(-1) for i in (2, 0))
    assert divergence(specimen, stream)[0] == pytest.approx(float((p * (p / q).log()).sum(-1).mean()), rel=1e-4)
    assert divergence(specimen, stream)[2] == 0


def test_the_last_level_needs_no_translator():
    ones = Translators(torch.ones(1, 2, 2), torch.ones(1, 2))
    stream = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    torch.testing.assert_close(ones(stream), torch.tensor([[[5.0, 6.0]], [[3.0, 4.0]]]))


def test_the_plain_lens_on_the_other_half_is_the_logit_lens_there():
    specimen = wl.Specimen(random_model(), handwritten_tokenizer(), handwritten_corpus(8, shortest=20))
    result = wl.analyze(specimen, LogitLens(tuned=True))["logit-lens"]
    counts = np.array([n - 1 for n in specimen.evidence.lengths])
    assert result.tuned["plain"].n + 4 == len(counts)
    both = [result.fitted["plain"], result.tuned["plain"].value]
    assert (np.minimum(*both) <= result.kl.value + 1e-5).all()
    assert (np.maximum(*both) >= result.kl.value - 1e-5).all()


def test_one_conversation_is_too_little():
    specimen = wl.Specimen(random_model(), handwritten_tokenizer(), handwritten_corpus(1))
    with pytest.raises(NotEnoughData, match="there is only one"):
        wl.analyze(specimen, LogitLens(tuned=True))


def test_it_is_an_option_that_is_off():
    specimen = wl.Specimen(random_model(), handwritten_tokenizer(), handwritten_corpus(6))
    result = wl.analyze(specimen, "logit-lens")["logit-lens"]
    assert (result.tuned, result.fitted) == ({}, {})
    assert "tuned" not in result.summary()


def test_it_is_saved_and_drawn(tmp_path):
    result = read(copying_model(0), windows=12)
    result.save(tmp_path)
    assert type(result).load(tmp_path).summary() == result.summary()
    names = [
        series["name"] for view in result.views() if view.id.endswith("by-layer") for series in view.data["series"]
    ]
    assert names[1:] == ["tuned lens, on other conversations", "plain lens, on other conversations"]
    for view in result.views():
        encode(view.data)
        assert figure(view) is not None
