"""What was planted in the chats is there, and is gone where speakers are shuffled."""

from itertools import pairwise

from wonderland.testing.synthetic_chats import CHAT_WORDS, synthetic_chats


def who_says_the_nickname(chats):
    return {message.is_from_me for message in chats.corpus if chats.nickname in message.text.split()}


def answers(chats):
    """Each (question, answer, whether another one answered) of the chats."""
    messages = list(chats.corpus)
    return [
        (one.text, other.text, one.is_from_me != other.is_from_me)
        for one, other in pairwise(messages)
        if one.text in chats.habit and one.thread == other.thread
    ]


def test_only_me_uses_the_nickname():
    chats = synthetic_chats()
    assert who_says_the_nickname(chats) == {True}
    assert who_says_the_nickname(chats.shuffled()) == {True, False}


def test_every_question_of_theirs_gets_its_answer_from_me():
    chats = synthetic_chats()
    found = answers(chats)
    assert len(found) > 100
    assert all(chats.habit[question] == answer and exchanged for question, answer, exchanged in found)
    assert not all(exchanged for *_, exchanged in answers(chats.shuffled()))


def test_shuffling_changes_who_speaks_and_nothing_else():
    chats = synthetic_chats()
    shuffled = chats.shuffled()
    assert shuffled.corpus.texts == chats.corpus.texts
    assert shuffled.corpus.is_from_me.sum() == chats.corpus.is_from_me.sum()
    assert (shuffled.corpus.thread_starts == chats.corpus.thread_starts).all()


def test_chats_are_as_many_as_asked_for_and_the_same_for_the_same_seed():
    chats = synthetic_chats(5, 3)
    assert len(chats.corpus) == 5 * 3 * 2
    assert len(chats.corpus.thread_starts) == 5
    prints = [synthetic_chats(seed=seed).corpus.fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


def test_scrambling_changes_what_follows_what_and_nothing_else():
    chats = synthetic_chats()
    scrambled = chats.scrambled()
    said = [sorted((m.text, m.is_from_me) for m in corpus) for corpus in (chats.corpus, scrambled.corpus)]
    assert said[0] == said[1]
    assert who_says_the_nickname(scrambled) == {True}
    assert (scrambled.corpus.thread_starts == chats.corpus.thread_starts).all()
    answered = [chats.habit[question] == answer for question, answer, _ in answers(scrambled)]
    assert sum(answered) < len(answered) / 4


def test_the_words_of_the_chats_are_all_there_are():
    chats = synthetic_chats()
    assert {word for message in chats.corpus for word in message.text.split()} == set(CHAT_WORDS)
