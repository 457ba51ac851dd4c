"""Sampling as me or as them: who speaks, what can be said, and when it ends."""

import pytest
import torch

from wonderland.errors import UsageError
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.testing.handwritten import handwritten_model, handwritten_tokenizer
from wonderland.tokenizer import END, ME, PAD, SEP, THEM


class Fixed(torch.nn.Module):
    """A model that gives the same probabilities whatever was said; the few tokens named share them, the rest is 0."""

    device = torch.device("cpu")

    def __init__(self, probabilities, d_vocab, n_ctx=32):
        super().__init__()
        self.cfg = Config(1, 1, 1, 1, 1, n_ctx, d_vocab)
        self.logits = torch.full((d_vocab,), float("-inf"))
        for token, probability in probabilities.items():
            self.logits[token] = torch.tensor(probability).log()

    def forward(self, tokens):
        return self.logits.expand(*tokens.shape, -1)

    generate = ChatTransformer.generate


@pytest.fixture(scope="module")
def words():
    return handwritten_tokenizer()


def fixed(words, **by_word):
    names = {"END": END, "ME": ME, "THEM": THEM, "SEP": SEP, "PAD": PAD}
    tokens = {names.get(name) if name in names else words.encode(f" {name}")[0]: p for name, p in by_word.items()}
    return Fixed(tokens, words.vocab_size)


def pieces(words, sampled):
    return [piece.strip() for piece in words.pieces(sampled.tokens)]


def test_me_and_them_begin_with_their_token(words):
    model = fixed(words, a=0.5, SEP=0.5)
    assert model.generate(words, speaker="me").prompt == [ME]
    assert model.generate(words, speaker="them").prompt == [THEM]


def test_the_speaker_goes_on_after_a_prompt_that_ended(words):
    model = fixed(words, a=0.5, SEP=0.5)
    ended = model.generate(words, "<|them|> a b<|sep|>", speaker="me")
    assert ended.prompt == [THEM, *words.encode(" a b"), SEP, ME]
    closed = model.generate(words, "<|them|> a b<|endoftext|>", speaker="me")
    assert closed.prompt == ended.prompt


def test_an_open_message_is_continued_by_who_is_writing_it_and_answered_by_the_other(words):
    model, prompt = fixed(words, a=0.5, SEP=0.5), "<|me|> c<|sep|><|them|> a b"
    written = words.encode_prompt(prompt)
    assert model.generate(words, prompt, speaker="them").prompt == written
    assert model.generate(words, prompt, speaker="me").prompt == [*written, SEP, ME]


def test_at_temperature_0_the_likeliest_token_is_taken_each_time(words):
    model = fixed(words, a=0.2, b=0.5, c=0.3)
    for seed in range(3):
        sampled = model.generate(words, temperature=0, max_tokens=5, seed=seed)
        assert str(sampled) == "b b b b b"
        assert sampled.probabilities == pytest.approx([0.5] * 5)


def test_the_same_seed_says_the_same_and_another_seed_something_else(words):
    model = fixed(words, a=0.25, b=0.25, c=0.25, d=0.25)
    said = [str(model.generate(words, max_tokens=20, seed=seed)) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_top_k_leaves_the_k_likeliest(words):
    model = fixed(words, a=0.4, b=0.3, c=0.2, d=0.1)
    said = {piece for seed in range(20) for piece in pieces(words, model.generate(words, top_k=2, top_p=1, seed=seed))}
    assert said == {"a", "b"}


def test_top_p_leaves_the_likeliest_that_together_reach_it(words):
    model = fixed(words, a=0.4, b=0.3, c=0.2, d=0.1)
    for top_p, left in ((0.3, {"a"}), (0.6, {"a", "b"}), (0.85, {"a", "b", "c"}), (1.0, {"a", "b", "c", "d"})):
        said = set()
        for seed in range(10):
            said |= set(pieces(words, model.generate(words, top_p=top_p, temperature=1, seed=seed, max_tokens=30)))
        assert said == left, top_p


def test_temperature_flattens_what_is_sampled_not_what_is_reported(words):
    model = fixed(words, a=0.9, b=0.1)
    hot = model.generate(words, temperature=50, top_p=1, max_tokens=30)
    assert 5 < pieces(words, hot).count("b") < 25  # about half
    expected = [0.9 if piece == "a" else 0.1 for piece in pieces(words, hot)]
    assert hot.probabilities == pytest.approx(expected)


def test_padding_is_never_said_however_likely(words):
    model = fixed(words, PAD=0.99, a=0.01)
    for temperature in (0, 1):
        sampled = model.generate(words, temperature=temperature, max_tokens=5)
        assert PAD not in sampled.tokens
        assert sampled.probabilities == pytest.approx([1.0] * 5)


@pytest.mark.parametrize("end", ["SEP", "END"])
def test_a_message_ends_with_its_separator(words, end):
    sampled = fixed(words, **{end: 1.0}).generate(words)
    assert sampled.finished
    assert len(sampled.tokens) == len(sampled.probabilities) == 1
    assert str(sampled) == ""


def test_several_messages_are_generated_on_request(words):
    sampled = fixed(words, a=0.5, SEP=0.5).generate(words, messages=3, max_tokens=30, top_p=1)
    assert sampled.tokens.count(SEP) == 3
    assert sampled.tokens[-1] == SEP
    assert str(sampled).count("<|sep|>") == 2  # not the one at its end


def test_a_message_ends_where_somebody_else_begins_to_speak(words):
    said = [fixed(words, a=0.5, THEM=0.5).generate(words, seed=seed, top_p=1) for seed in range(8)]
    assert all(sampled.finished and sampled.tokens[-1] == THEM and sampled.tokens.count(THEM) == 1 for sampled in said)
    assert {word for sampled in said for word in str(sampled).split()} == {"a"}
    assert "" in map(str, said)  # drawn as the very first token


def test_a_speaker_after_a_separator_begins_a_message_and_ends_none(words):
    model, places = fixed(words, a=0.3, SEP=0.4, THEM=0.3), set()
    for seed in range(8):
        sampled = model.generate(words, messages=4, max_tokens=60, top_p=1, seed=seed)
        before = [sampled.prompt[-1], *sampled.tokens]
        after = [before[i] for i, token in enumerate(sampled.tokens) if token == THEM]
        places |= {token == SEP for token in after}
        if sampled.finished:  # the context was long enough
            assert sampled.tokens.count(SEP) + sum(token != SEP for token in after) == 4
    assert places == {True, False}


def test_the_end_of_text_ends_everything(words):
    sampled = fixed(words, END=1.0).generate(words, messages=3)
    assert sampled.tokens == [END]


def test_max_tokens_cuts_a_message_off_and_says_so(words):
    sampled = fixed(words, a=1.0).generate(words, max_tokens=4)
    assert str(sampled) == "a a a a"
    assert not sampled.finished


def test_a_full_context_ends_a_message_and_says_so(words):
    sampled = fixed(words, a=1.0).generate(words, "<|me|> b b", max_tokens=1000)
    assert len(sampled.prompt) + len(sampled.tokens) == 32
    assert not sampled.finished


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"speaker": "you"}, "'me' or 'them', not 'you'"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"messages": 0}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": "a b"}, "begins with a speaker"),
        ({"prompt": "<|sep|><|me|> a"}, "begins with a speaker"),
        ({"prompt": "<|me|>" + " a" * 31}, "32 tokens; the model's context is 32"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_is_refused(words, options, complaint):
    with pytest.raises(UsageError, match=complaint):
        fixed(words, a=1.0).generate(words, **options)


def test_a_model_with_an_induction_head_repeats_what_was_said(words):
    prompt = "<|me|> a b c d e f g<|sep|><|me|> a"
    sampled = handwritten_model().generate(words, prompt, temperature=0, max_tokens=6)
    assert str(sampled) == "b c d e f g"
    assert min(sampled.probabilities) > 0.99
