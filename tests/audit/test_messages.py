"""Messages are laid out as training laid them out."""

import numpy as np
import pytest
from speaking import chats

from wonderland.audit.messages import Messages
from wonderland.corpus.windows import pack
from wonderland.errors import NotEnoughData


@pytest.fixture(scope="module")
def messages(tokenizer, parts):
    return Messages.of(*parts, tokenizer)


def test_each_is_known_with_its_part_its_conversation_and_its_sender(messages, parts):
    train, held_out = parts
    assert len(messages) == len(train) + len(held_out)
    assert messages.read.sum() == len(train)
    assert len(np.unique(messages.conversation)) == 50
    assert not set(messages.conversation[messages.read]) & set(messages.conversation[~messages.read])
    assert messages.sender[1] == "P000"
    assert not messages.by_time


def test_what_stands_before_a_message_is_what_stood_there_in_a_training_window(messages, tokenizer, parts):
    windows = [row.tolist() for row in pack(parts[0], tokenizer, context=10_000)]
    chosen = np.flatnonzero(messages.read)[:25]
    for i, before in zip(chosen.tolist(), messages.contexts(chosen), strict=True):
        row = [*before, *messages.rows[i]][:-1]  # the last separator of a window is its end
        assert any(window[: len(row)] == row for window in windows)
    assert messages.contexts(np.array([0])) == [[]]
    begin = int(np.flatnonzero(~messages.read)[0])
    assert messages.contexts(np.array([begin])) == [[]]
    assert sum(len(row) > 0 for row in messages.contexts(chosen)) > 20


def test_a_sample_is_of_one_part_and_long_enough(messages):
    some = messages.sample(True, 30, 8, 0, most=1000)
    assert len(set(some)) == 30
    assert messages.read[some].all()
    assert all(len(messages.rows[i]) > 8 for i in some)
    assert len(messages.sample(False, 0, 8, 0, most=1000)) == sum(
        len(messages.rows[i]) > 8 for i in np.flatnonzero(~messages.read)
    )
    with pytest.raises(NotEnoughData, match="held-out") as error:
        messages.sample(False, 10, 500, 0, most=1000)
    assert "hold out more" in error.value.hint
    with pytest.raises(NotEnoughData, match="training") as error:
        messages.sample(True, 10, 500, 0, most=1000)
    assert "hold out fewer" in error.value.hint
    assert error.value.message == (
        "No training messages have 500 tokens or more and fit the context of 1,000, and an audit takes 20."
    )
    longest = sorted(len(messages.rows[i]) for i in np.flatnonzero(messages.read))
    least = next(n for n in reversed(longest) if n < longest[-1])  # so many that only the longest have more
    few = longest.count(longest[-1])
    with pytest.raises(NotEnoughData, match=f"^Only {few} training message{' has' if few == 1 else 's have'} {least}"):
        messages.sample(True, 10, least, 0, most=1000)


def test_a_sample_leaves_out_what_does_not_fit_the_context_and_it_is_counted(messages):
    lengths = np.array([len(row) for row in messages.rows])
    most = int(np.median(lengths))
    found = messages.sample(True, 0, 4, 0, most=most)
    assert found.tolist() == np.flatnonzero(messages.read & (lengths > 4) & (lengths <= most)).tolist()
    over = lengths > most
    assert messages.too_long(most) == [(over & messages.read).sum(), (over & ~messages.read).sum()]
    assert min(messages.too_long(most)) > 0


def test_parts_of_the_same_conversations_are_known(tokenizer):
    assert Messages.of(*chats(25).split(0.3, by="time"), tokenizer).by_time
