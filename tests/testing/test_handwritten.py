"""The hand-built model does what its page says: every number an analysis is later held against."""

import pytest
import torch

from wonderland.lab.specimen import Specimen
from wonderland.model.loss import token_losses
from wonderland.testing.handwritten import (
    HEADS,
    WORDS,
    handwritten_corpus,
    handwritten_first_speaker_model,
    handwritten_model,
    handwritten_tokenizer,
    repeated_tokens,
)


@pytest.fixture(scope="module")
def model():
    return handwritten_model()


@pytest.fixture(scope="module")
def repeated(model):
    tokens = repeated_tokens()
    logits, cache = model.run_with_cache(tokens)
    return tokens, token_losses(logits, tokens), cache


def pattern_of(cache, name):
    layer, head = HEADS[name]
    return cache[f"blocks.{layer}.attn.hook_pattern"][:, head]  # [batch, query, key]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("previous", lambda pattern: pattern.diagonal(-1, -2, -1)),
        ("self", lambda pattern: pattern.diagonal(0, -2, -1)),
        ("first", lambda pattern: pattern[..., 0]),
        ("induction", lambda pattern: pattern.diagonal(-23, -2, -1)[..., 1:]),  # the token after the copy, 24 - 1 back
    ],
)
def test_each_head_looks_where_it_was_told(repeated, name, where):
    assert where(pattern_of(repeated[2], name)).min() > 0.9999


def test_the_uniform_head_looks_everywhere_alike(repeated):
    pattern = pattern_of(repeated[2], "uniform")
    expected = torch.ones(48, 48).tril() / torch.arange(1, 49)[:, None]
    torch.testing.assert_close(pattern, expected.expand_as(pattern))


def test_the_speaker_head_looks_at_the_latest_speaker_token(model):
    specimen = Specimen(model, handwritten_tokenizer(), handwritten_corpus(20, shortest=10))
    layer, head = HEADS["speaker"]
    for batch in specimen.batches("pattern"):
        at = torch.from_numpy(batch.evidence.speaker_position)[..., None]
        share = batch["pattern"][layer, :, head].gather(-1, at)[..., 0]
        assert share[batch.mask].min() > 0.9999


def test_in_the_first_speaker_model_it_looks_at_the_first_speaker_token_wherever_that_is():
    specimen = Specimen(handwritten_first_speaker_model(), handwritten_tokenizer(), handwritten_corpus(6, shortest=10))
    layer, head = HEADS["speaker"]
    for front in (0, 1):
        tokens = torch.nn.functional.pad(torch.from_numpy(specimen.evidence.tokens), (front, 0), value=5)[:, :48]
        _, cache = specimen.model.run_with_cache(tokens)
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"][:, head]
        assert pattern[:, 1:, front].min() > 0.9999


def test_what_was_said_once_is_predicted_the_second_time(repeated):
    _, losses, _ = repeated
    assert losses[:, :23].mean() > 4
    assert losses[:, 24:].mean() == pytest.approx(0.001, abs=5e-4)


@pytest.mark.parametrize("name", HEADS)
def test_only_the_induction_circuit_matters_for_the_loss(model, repeated, name):
    tokens, losses, _ = repeated
    layer, head = HEADS[name]

    def zero(z, hook):
        z[:, :, head] = 0
        return z

    cut = token_losses(model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", zero)]), tokens)
    cost = (cut - losses)[:, 24:].mean()
    if name in ("previous", "induction"):
        assert cost > 3
    else:
        assert cost == 0


def test_the_induction_head_reads_the_previous_token_head_through_its_keys_alone(model):
    def composition(earlier, circuit):
        return float((earlier @ circuit).norm() / (earlier.norm() * circuit.norm()))

    (l0, h0), (l1, h1) = HEADS["previous"], HEADS["induction"]
    earlier = model.W_V[l0, h0] @ model.W_O[l0, h0]
    qk = model.W_Q[l1, h1] @ model.W_K[l1, h1].T
    chance = 96**-0.5
    assert composition(earlier, qk.T) == pytest.approx(2 * chance, rel=0.03)  # K
    assert composition(earlier, qk) == 0  # Q
    assert composition(earlier, model.W_V[l1, h1] @ model.W_O[l1, h1]) == 0  # V


def test_the_sink_moves_nothing(repeated, model):
    layer, head = HEADS["first"]
    z = repeated[2][f"blocks.{layer}.attn.hook_z"][:, :, head]
    assert z.abs().max() < 1e-6


def test_the_tokenizer_has_one_token_for_each_word_and_special():
    tokenizer = handwritten_tokenizer()
    assert tokenizer.vocab_size == 24
    text = " " + " ".join(WORDS)
    assert tokenizer.encode(text) == list(range(5, 24))
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_conversation_of_full_length_fills_the_context_exactly():
    specimen = Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(6))
    assert specimen.evidence.lengths.tolist() == [48] * 6
    texts = [handwritten_corpus(6, seed=seed).texts for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
