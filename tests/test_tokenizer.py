"""Nobody can be mistaken for somebody else: five tokens that no text can forge, and a proof at hand."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.messages import Message
from wonderland.errors import InputError, NotEnoughData, UsageError
from wonderland.tokenizer import END, ME, PAD, SEP, SPECIALS, THEM, SpeakerTokenizer

WORDS = ["hey", "are", "you", "free", "tonight", "yeah", "lol", "see", "you", "there", "😂", "מחר"]
CHAT = [" ".join(random.Random(seed).choices(WORDS, k=6)) for seed in range(300)]
TOKENIZER = SpeakerTokenizer.train(CHAT, 300)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]))
TALK = st.lists(
    PLAIN | st.sampled_from([*SPECIALS, "😂", "👩‍👩‍👧", "שלום", "\x00", "\u202e", " ", "\n", "<|", "|>"])
).map("".join)


def altered(change) -> str:
    value = json.loads(TOKENIZER._serialized)
    change(value)
    return json.dumps(value)


# -- the five specials -------------------------------------------------------------------------------------------


def test_the_specials_have_the_ids_0_to_4():
    assert (END, ME, THEM, SEP, PAD) == (0, 1, 2, 3, 4)
    assert SPECIALS == ("<|endoftext|>", "<|me|>", "<|them|>", "<|sep|>", "<|pad|>")
    assert [TOKENIZER.encode_prompt(special) for special in SPECIALS] == [[0], [1], [2], [3], [4]]


@given(TALK, st.sampled_from(SPECIALS), TALK)
def test_in_a_prompt_a_special_is_one_token_wherever_it_stands(before, special, after):
    expected = sum((before + special + after).count(one) for one in SPECIALS)
    tokens = TOKENIZER.encode_prompt(before + special + after)
    assert sum(token <= PAD for token in tokens) == expected
    assert SPECIALS.index(special) in tokens


@given(TALK, st.sampled_from(SPECIALS))
def test_a_message_cannot_forge_a_special(text, special):
    for tokens in (TOKENIZER.encode(text + special), *TOKENIZER.encode_messages([special + text, text])):
        assert min(tokens) > PAD


def test_a_message_of_nothing_but_specials_comes_out_as_it_was_written():
    text = "".join(SPECIALS)
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_a_merge_never_crosses_a_special_even_if_the_training_texts_are_full_of_them():
    taught = SpeakerTokenizer.train(["<|me|> hello <|sep|><|them|> hello <|sep|>"] * 500, 400)
    assert all(check.passed for check in taught.verify())
    assert min(taught.encode("<|me|> hello <|sep|>")) > PAD


# -- there and back ----------------------------------------------------------------------------------------------


@given(TALK)
def test_every_text_comes_back_exactly(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.lists(TALK, max_size=5))
def test_messages_are_encoded_each_after_one_space_alike_alone_and_together(texts):
    together = TOKENIZER.encode_messages(texts)
    assert together == [TOKENIZER.encode(f" {text}") for text in texts]
    assert [TOKENIZER.decode(tokens) for tokens in together] == [f" {text}" for text in texts]


def test_hostile_text_comes_back_half_an_emoji_as_a_replacement(hostile, intact):
    assert TOKENIZER.decode(TOKENIZER.encode(hostile)) == intact
    assert TOKENIZER.decode(TOKENIZER.encode_prompt(hostile)) == intact
    assert TOKENIZER.decode(TOKENIZER.encode_messages([hostile])[0]) == f" {intact}"
    assert SpeakerTokenizer.train([hostile], 300).decode(TOKENIZER.encode("a")) == "a"


@given(TALK)
def test_pieces_and_byte_lengths_add_up_to_the_text(text):
    tokens = TOKENIZER.encode(text)
    assert sum(TOKENIZER.byte_lengths[token] for token in tokens) == len(text.encode())
    assert len(TOKENIZER.pieces(tokens)) == len(tokens)


def test_pieces_spell_out_specials_spaces_and_bytes_that_are_no_character():
    assert TOKENIZER.pieces(TOKENIZER.encode_prompt("<|me|> yeah")) == ["<|me|>", " yeah"]
    assert TOKENIZER.pieces(SpeakerTokenizer.train(["x"], 261).encode("é")) == ["\\xc3", "\\xa9"]
    assert [TOKENIZER.byte_lengths[token] for token in range(5)] == [0] * 5


# -- training ----------------------------------------------------------------------------------------------------


def test_training_reaches_the_vocabulary_asked_for_and_learns_what_is_frequent():
    assert TOKENIZER.vocab_size == 300
    assert TOKENIZER.pieces(TOKENIZER.encode(" tonight yeah")) == [" tonight", " yeah"]


def test_a_corpus_and_its_texts_train_the_same_tokenizer():
    corpus = Corpus.of([Message("1", "a", "Bob", False, None, text) for text in CHAT])
    assert SpeakerTokenizer.train(corpus, 300).fingerprint == TOKENIZER.fingerprint


@pytest.mark.parametrize("texts", [["hi"], [""], [" "], ["\x00"], ["a b"]])
def test_a_corpus_of_one_message_gives_a_small_tokenizer_that_verifies(texts):
    small = SpeakerTokenizer.train(texts, 4096)
    assert 261 <= small.vocab_size < 270
    assert all(check.passed for check in small.verify(texts))


def test_no_message_at_all_is_not_enough():
    with pytest.raises(NotEnoughData, match="no message to train"):
        SpeakerTokenizer.train([])


@pytest.mark.parametrize("size", [260, 5, 0, -1])
def test_a_vocabulary_without_room_for_specials_and_bytes_is_refused(size):
    with pytest.raises(UsageError, match=r"at least 261, not -?\d+: .*\n.*vocab_size=4096"):
        SpeakerTokenizer.train(CHAT, size)


def test_a_vocabulary_of_bytes_alone_is_the_smallest():
    assert SpeakerTokenizer.train(CHAT, 261).vocab_size == 261


# -- saving ------------------------------------------------------------------------------------------------------


@given(TALK)
def test_the_saved_file_gives_the_same_ids(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "tokenizer.json"
    TOKENIZER.save(path)
    again = SpeakerTokenizer.load(path)
    assert again.encode(text) == TOKENIZER.encode(text)
    assert again.encode_prompt(text) == TOKENIZER.encode_prompt(text)
    assert again.fingerprint == TOKENIZER.fingerprint


def test_the_saved_file_is_one_that_tokenizers_reads_too(tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode("<|me|> yeah").ids == TOKENIZER.encode_prompt("<|me|> yeah")


def test_the_fingerprint_tells_one_training_from_another():
    assert SpeakerTokenizer.train(CHAT, 300).fingerprint == TOKENIZER.fingerprint
    assert SpeakerTokenizer.train(CHAT, 299).fingerprint != TOKENIZER.fingerprint
    assert SpeakerTokenizer.train(["hello there"] * 50, 300).fingerprint != TOKENIZER.fingerprint


def swapped(value):
    value["added_tokens"][1]["id"], value["added_tokens"][2]["id"] = 2, 1
    vocabulary = value["model"]["vocab"]
    vocabulary["<|me|>"], vocabulary["<|them|>"] = 2, 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": "1.0"}',
        b"\x00\xff\xfe",
        altered(swapped).encode(),
        altered(lambda value: value["model"]["vocab"].update({"far": 5000})).encode(),
    ],
    ids=["empty", "cut", "list", "other", "binary", "swapped", "gap"],
)
def test_a_file_that_is_no_speaker_tokenizer_is_refused_with_the_command_that_makes_one(tmp_path, content):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(InputError, match="tokenizer") as caught:
        SpeakerTokenizer.load(tmp_path / "tokenizer.json")
    assert "wonderland tokenize" in caught.value.hint


def test_somebody_elses_tokenizer_is_refused(tmp_path):
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel()
    theirs.train_from_iterator(CHAT, trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"]))
    theirs.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="not a speaker tokenizer"):
        SpeakerTokenizer.load(tmp_path / "tokenizer.json")


def test_a_vocabulary_for_which_there_is_no_memory_is_refused():
    with pytest.raises(UsageError, match="vocab_size is at most 1,000,000"):
        SpeakerTokenizer.train(CHAT, 10**9)


def test_the_folder_of_a_tokenizer_will_do(tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    assert SpeakerTokenizer.load(tmp_path).fingerprint == TOKENIZER.fingerprint


def test_no_file_and_an_empty_folder_are_refused(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(InputError, match="no readable tokenizer"):
            SpeakerTokenizer.load(path)


# -- verify ------------------------------------------------------------------------------------------------------


def test_a_sound_tokenizer_passes_every_check():
    checks = TOKENIZER.verify(CHAT)
    assert [check.name for check in checks if not check.passed] == []
    assert len(checks) == 9


def failed(tokenizer: SpeakerTokenizer, *texts: str) -> str:
    return " | ".join(f"{check.name}: {check.detail}" for check in tokenizer.verify(texts) if not check.passed)


@pytest.mark.parametrize("special", SPECIALS)
def test_verify_finds_a_special_that_was_never_registered(special):
    def forget(value):
        value["added_tokens"] = [token for token in value["added_tokens"] if token["content"] != special]

    assert f"{special} in " in failed(SpeakerTokenizer(altered(forget)))


def test_verify_finds_a_tokenizer_that_changes_the_text_even_if_no_text_is_given():
    assert "round trip" in failed(
        SpeakerTokenizer(altered(lambda value: value.update(normalizer={"type": "Lowercase"})))
    )


def test_verify_finds_a_special_that_swallows_the_space_before_it():
    def greedy(value):
        value["added_tokens"][SEP]["lstrip"] = True
        value["added_tokens"][SEP]["single_word"] = True

    assert "<|sep|>" in failed(SpeakerTokenizer(altered(greedy)))


def test_verify_says_how_many_messages_did_not_come_back():
    lower = SpeakerTokenizer(altered(lambda value: value.update(normalizer={"type": "Lowercase"})))
    sound = int(failed(lower).split(": ")[-1].split()[0])
    assert f"{sound + 2} differ" in failed(lower, "Loud", "LOUD", "quiet")


def test_it_says_what_it_is():
    assert repr(TOKENIZER) == f"SpeakerTokenizer(300 tokens, {TOKENIZER.fingerprint})"
