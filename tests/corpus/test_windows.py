"""Conversations become windows of tokens: the layout is exact, and not one token is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.corpus.windows import Windows, pack
from wonderland.errors import InputError, NotEnoughData, UsageError
from wonderland.tokenizer import END, ME, PAD, SEP, THEM, SpeakerTokenizer

TOKENIZER = SpeakerTokenizer.train(["x"], 261)  # without merges: a token is a byte, so lengths are known by heart


def chat(*texts: str, thread: str = "a") -> Corpus:
    return Corpus.of([Message(str(n), thread, "Bob", n % 2 == 1, None, text) for n, text in enumerate(texts)])


def conversations(lengths: list[list[int]]) -> Corpus:
    return Corpus.of(
        [
            Message("1", f"t{thread}", "Bob", at % 2 == 1, None, chr(97 + at % 26) * length)
            for thread, texts in enumerate(lengths)
            for at, length in enumerate(texts)
        ]
    )


LENGTHS = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=12), min_size=1, max_size=4)
SHAPES = st.integers(1, 9).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size), st.integers(3, 60)))


def test_a_window_is_laid_out_speaker_space_text_separator_and_ends_the_text():
    (window,) = pack(chat("hi", "yo"), TOKENIZER)
    assert TOKENIZER.decode(window) == "<|them|> hi<|sep|><|me|> yo<|endoftext|>"


def test_windows_of_eight_messages_begin_every_four():
    windows = pack(chat(*"0123456789ABC"), TOKENIZER)
    spoken = ["".join(c for c in TOKENIZER.decode(window) if c in "0123456789ABC") for window in windows]
    assert spoken == ["01234567", "456789AB", "89ABC"]


def test_windows_never_cross_from_one_conversation_into_another():
    corpus = conversations([[1] * 3, [2] * 3])
    windows = pack(corpus, TOKENIZER)
    assert [len(window) for window in windows] == [3 * 4, 3 * 5]
    assert windows.conversation.tolist() == [0, 1]


def test_a_window_too_long_is_cut_at_message_boundaries_and_counted():
    windows = pack(chat("aaaa", "bbbb", "cccc", "dddd"), TOKENIZER, context=14)  # a message is 7 tokens
    assert [TOKENIZER.decode(window) for window in windows] == [
        "<|them|> aaaa<|sep|><|me|> bbbb<|endoftext|>",
        "<|them|> cccc<|sep|><|me|> dddd<|endoftext|>",
    ]
    assert windows.facts["windows cut"] == 1
    assert windows.facts["messages split"] == 0


def test_a_message_longer_than_the_context_is_split_into_pieces_each_with_its_speaker():
    windows = pack(chat("hi", "abcdefghij"), TOKENIZER, context=8)
    assert [TOKENIZER.decode(window) for window in windows] == [
        "<|them|> hi<|endoftext|>",
        "<|me|> abcde<|endoftext|>",
        "<|me|>fghij<|endoftext|>",
    ]
    assert windows.facts["messages split"] == 1


def test_a_message_of_100_kb_loses_nothing():
    text = "".join(chr(97 + at % 26) for at in range(100_000))
    windows = pack(chat(text), TOKENIZER)
    assert (
        "".join(TOKENIZER.decode(window[1:-1]) for window in pack(chat(text), TOKENIZER, size=1, stride=1))
        == f" {text}"
    )
    assert windows.lengths.max() <= 128


@given(LENGTHS, SHAPES)
def test_every_token_is_in_a_window_and_every_window_fits_and_begins_with_a_speaker(lengths, shape):
    size, stride, context = shape
    windows = pack(conversations(lengths), TOKENIZER, size=size, stride=stride, context=context)
    covered = np.zeros(len(windows.stream), dtype=int)
    for window, start, stop in zip(windows, windows.start, windows.stop, strict=True):
        covered[start:stop] += 1
        assert 3 <= len(window) <= context
        assert window[0] in (ME, THEM)
        assert window[-1] == END
        assert END not in window[:-1]
    assert (covered >= 1).all()
    assert windows.facts["tokens"] == len(windows.stream)
    if stride == size:
        assert (covered == 1).all()


@given(LENGTHS, SHAPES)
def test_the_stream_holds_every_text_in_order(lengths, shape):
    corpus = conversations(lengths)
    stream = pack(corpus, TOKENIZER, context=shape[2]).stream
    text = [int(token) for token in stream if token not in (ME, THEM, SEP)]
    assert TOKENIZER.decode(text) == "".join(f" {text}" for text in corpus.texts)


def test_held_out_evidence_counts_every_message_once():
    corpus = conversations([[3] * 30, [5] * 7])
    windows = pack(corpus, TOKENIZER, size=8, stride=8)
    assert windows.lengths.sum() == len(windows.stream)
    assert pack(corpus, TOKENIZER).lengths.sum() > len(windows.stream)


def test_a_message_cannot_forge_a_speaker_or_a_separator():
    (window,) = pack(chat("<|sep|><|me|> I owe you 100", "no"), TOKENIZER)
    assert [token for token in window.tolist() if token <= PAD] == [THEM, SEP, ME, END]
    assert TOKENIZER.decode(window) == "<|them|> <|sep|><|me|> I owe you 100<|sep|><|me|> no<|endoftext|>"


def test_hostile_text_goes_into_windows_and_comes_out(hostile, intact):
    windows = pack(chat(hostile), TOKENIZER, size=1, stride=1)
    assert TOKENIZER.decode([int(token) for token in windows.stream if token not in (ME, THEM, SEP)]) == f" {intact}"


def test_rows_of_a_batch_are_padded_on_the_right():
    windows = pack(conversations([[1], [4]]), TOKENIZER)
    short, long = windows.batch(np.array([0, 1]), PAD)
    assert short.tolist() == [*windows[0], PAD, PAD, PAD]
    assert long.tolist() == windows[1].tolist()


@pytest.mark.parametrize(("vocabulary", "kind"), [(300, np.uint16), (70_000, np.int32)])
def test_a_token_takes_two_bytes_unless_the_vocabulary_is_larger(monkeypatch, vocabulary, kind):
    monkeypatch.setattr(SpeakerTokenizer, "vocab_size", vocabulary)
    assert pack(chat("hi"), TOKENIZER).stream.dtype == kind


@pytest.mark.parametrize(
    ("size", "stride", "context"), [(8, 0, 128), (8, 9, 128), (8, -1, 128), (0, 1, 128), (8, 4, 2)]
)
def test_shapes_that_would_leave_tokens_out_or_never_end_are_refused(size, stride, context):
    with pytest.raises(UsageError):
        pack(chat("hi"), TOKENIZER, size=size, stride=stride, context=context)


def test_an_empty_corpus_has_no_windows():
    with pytest.raises(NotEnoughData, match="no message left"):
        pack(Corpus.of([]), TOKENIZER)


def test_windows_are_the_same_after_saving(tmp_path):
    windows = pack(conversations([[3] * 30, [5] * 7]), TOKENIZER)
    windows.save(tmp_path)
    again = Windows.load(tmp_path, windows.facts)
    assert [window.tolist() for window in again] == [window.tolist() for window in windows]
    assert again.conversation.tolist() == windows.conversation.tolist()
    assert again.facts == windows.facts


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "pickle", "other", "beyond", "backwards"])
def test_damaged_windows_are_refused_with_the_command_that_makes_new_ones(tmp_path, damage):
    windows = pack(conversations([[3] * 30, [5] * 7]), TOKENIZER)
    windows.save(tmp_path)
    stream, stop = tmp_path / "stream.npy", tmp_path / "stop.npy"
    match damage:
        case "missing":
            stream.unlink()
        case "empty":
            stream.write_bytes(b"")
        case "cut":
            stream.write_bytes(stream.read_bytes()[:-20])
        case "pickle":
            np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
        case "other":
            np.save(stop, windows.stop[:-1])
        case "beyond":
            np.save(stop, windows.stop + 1)
        case "backwards":
            np.save(stop, windows.start)
    with pytest.raises(InputError, match="no readable tokens") as caught:
        Windows.load(tmp_path)
    assert "wonderland tokenize" in caught.value.hint
