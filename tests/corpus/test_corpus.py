"""A corpus accounts for every row from reading to splitting, and is the same corpus after saving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wonderland as wl
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.people import Pseudonyms
from wonderland.corpus.reading import read_source
from wonderland.corpus.splitting import WAYS
from wonderland.errors import InputError, NotEnoughData, PluginError, UsageError

RECORDS = [
    {"id": "1", "thread": "Ada", "sender": "Ada", "is_from_me": False, "text": "are you free", "timestamp": 1523640752},
    {"id": "2", "thread": "Bob", "sender": "Bob", "is_from_me": False, "text": "https://a.example", "timestamp": None},
    {"id": "3", "thread": "Ada", "sender": "whoever", "is_from_me": True, "text": "yeah", "timestamp": 1523640800},
    {"id": "4", "thread": "Bob", "sender": "Bob", "is_from_me": False, "text": "😂", "timestamp": 1523640900},
    {"id": "5", "thread": "72733", "sender": "72733", "is_from_me": False, "text": "20% off", "timestamp": 1523640999},
    {"id": "6", "thread": "Ada", "sender": "Ada", "is_from_me": False, "text": None, "timestamp": 1523640999},
]


@pytest.fixture
def file(write) -> Path:
    return write("chat.jsonl", RECORDS)


def conversations(*lengths: int) -> Corpus:
    return Corpus.of(
        [
            Message(f"{thread}-{at}", f"t{thread}", "Bob", at % 2 == 0, None, f"text {at} of {thread}")
            for thread, length in enumerate(lengths)
            for at in range(length)
        ]
    )


# -- reading -----------------------------------------------------------------------------------------------------


def test_reading_groups_conversations_and_gives_everybody_a_pseudonym(file):
    found = [(m.id, m.thread, m.sender, m.text) for m in Corpus.read(file)]
    assert found == [
        ("1", "C001", "P001", "are you free"),
        ("3", "C001", "me", "yeah"),
        ("2", "C002", "P002", "https://a.example"),
        ("4", "C002", "P002", "😂"),
        ("5", "C003", "P003", "20% off"),
    ]


def test_the_ledger_accounts_for_every_row(file):
    corpus = Corpus.read(file)
    assert (corpus.ledger.stored, corpus.ledger.kept) == (6, 5)
    assert corpus.ledger.count("read", "no text") == 1
    assert corpus.skipped.to_pylist() == [{"id": "6", "reason": "no text", "failed": False, "detail": ""}]


def test_names_are_kept_when_asked_for(file):
    corpus = Corpus.read(file, names=True)
    assert {m.sender for m in corpus} == {"Ada", "Bob", "72733", "me"}
    assert {m.thread for m in corpus} == {"Ada", "Bob", "72733"}


def test_no_name_is_left_in_a_corpus_of_pseudonyms(file):
    corpus = Corpus.read(file)
    senders, threads = (corpus.table.column(name).combine_chunks().dictionary for name in ("sender", "thread"))
    assert {*senders.to_pylist()} == {"me", "P001", "P002", "P003"}
    assert {*threads.to_pylist()} == {"C001", "C002", "C003"}


def test_the_same_people_keep_their_pseudonyms_from_read_to_read(write, file):
    people = Pseudonyms()
    Corpus.read(file, pseudonyms=people)
    later = [{**RECORDS[0], "thread": "new", "sender": "Cleo"}, RECORDS[3]]
    again = [(m.thread, m.sender) for m in Corpus.read(write("later.jsonl", later), pseudonyms=people)]
    assert again == [("C004", "P004"), ("C002", "P002")]


def test_a_tilde_is_the_home_directory(file, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))
    assert len(Corpus.read("~/chat.jsonl")) == 5


def test_progress_ends_with_every_row(write):
    seen = []
    Corpus.read(
        write("many.jsonl", [RECORDS[0]] * 5000 + [RECORDS[5]]),
        on_rows=lambda done, stored: seen.append((done, stored)),
    )
    assert seen == [(4096, 5001), (5001, 5001)]


def test_ids_seen_before_are_counted_because_a_row_may_have_been_read_twice(write):
    corpus = Corpus.read(write("twice.jsonl", [RECORDS[0], RECORDS[2], RECORDS[3]] * 2))
    assert len(corpus) == 6
    assert corpus.ledger.facts["Repeated"] == {"messages whose id was seen before": 3}
    assert "3 messages have an id that was seen before" in corpus.notes[0]


def test_repaired_texts_are_counted(write):
    corpus = Corpus.read(write("half.jsonl", [{**RECORDS[0], "text": "half \ud83d", "thread": "\ud83d"}, RECORDS[2]]))
    assert corpus.texts[0] == "half \ufffd"
    assert corpus.ledger.facts["Repaired"] == {"lone surrogates replaced by U+FFFD": 1}


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.csv", "empty"])
def test_an_empty_file_is_called_empty(write, name):
    with pytest.raises(InputError, match="empty"):
        Corpus.read(write(name, ""))


@pytest.mark.parametrize("name", ["photo.jpg", "chat.jsonl", "chat.csv", "chat.jsonl.gz"])
def test_a_binary_file_is_not_read_as_messages_whatever_its_name(write, name):
    with pytest.raises(InputError) as caught:
        Corpus.read(write(name, np.random.default_rng(0).bytes(4096)))
    assert caught.value.hint


def test_a_folder_is_not_recognised(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="No source recognises"):
        Corpus.read(tmp_path)


def test_what_is_not_there_is_said_to_be_not_there(tmp_path):
    with pytest.raises(InputError, match="There is nothing at"):
        Corpus.read(tmp_path / "chat.jsonl")


class Planted:
    """A source that says it has three rows and yields what the test planted."""

    name: ClassVar[str] = "planted"
    version: ClassVar[int] = 1
    yields: ClassVar[list[object]] = []

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def sniff(cls, path: Path) -> float:
        return 1.0

    def count(self) -> int:
        return 3

    def rows(self) -> Iterator[object]:
        yield from self.yields

    def facts(self) -> dict[str, dict[str, int]]:
        return {"Texts": {"from the attributed body": 2}}

    def notes(self) -> list[str]:
        return ["The last day is missing."]


@pytest.fixture
def planted(monkeypatch, file, say):
    def read(*rows: object) -> Corpus:
        monkeypatch.setattr(Planted, "yields", list(rows))
        monkeypatch.setitem(wl.plugins.load().sources, "planted", Planted)
        return Corpus.read(file, source="planted")

    return read


def test_a_source_that_accounts_for_its_rows_brings_facts_and_notes(planted, say):
    corpus = planted(say("a"), say("b", id="2"), Skipped("3", "tapback"))
    assert corpus.ledger.facts == {"Texts": {"from the attributed body": 2}}
    assert corpus.notes == ("The last day is missing.",)


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_a_source_that_loses_or_invents_rows_is_an_error(planted, say, rows):
    with pytest.raises(PluginError, match="3 rows are stored"):
        planted(*[say(str(row), id=str(row)) for row in range(rows)])


def test_a_source_that_yields_something_else_is_an_error_that_names_it(planted):
    with pytest.raises(PluginError, match="'planted' yielded a dict"):
        planted({"text": "hi"})


@pytest.mark.parametrize("rows", [2, 3])
def test_a_source_is_closed_once_whether_reading_went_well_or_not(planted, monkeypatch, say, rows):
    closed = []
    monkeypatch.setattr(Planted, "close", lambda self: closed.append(self.path.name), raising=False)
    messages = [say(str(row), id=str(row)) for row in range(rows)]
    if rows == 3:
        planted(*messages)
    else:
        with pytest.raises(PluginError, match="3 rows are stored"):
            planted(*messages)
    assert closed == ["chat.jsonl"]


def test_a_source_that_fails_to_close_is_named(planted, monkeypatch, say):
    def close(self):
        raise OSError("busy")

    monkeypatch.setattr(Planted, "close", close, raising=False)
    with pytest.raises(PluginError, match="'planted' failed to close"):
        planted(*[say(str(row), id=str(row)) for row in range(3)])


def test_a_time_no_message_can_have_is_left_open_whatever_source_it_comes_from(planted, say):
    moments = [datetime(1, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31)]
    corpus = planted(*[say(str(at), id=str(at), timestamp=moment) for at, moment in enumerate(moments)])
    assert [message.timestamp for message in corpus] == [None, moments[1], None]
    assert corpus.ledger.facts["Left open"] == {"time that cannot be, left open": 2}


class Phone(JsonLines):
    """JSON Lines in which senders are phone numbers."""

    name: ClassVar[str] = "phone"
    phone_numbers: ClassVar[bool] = True

    @classmethod
    def sniff(cls, path: Path) -> float:
        return 1.0


@pytest.fixture
def from_a_phone(monkeypatch, file):
    monkeypatch.setitem(wl.plugins.load().sources, "phone", Phone)
    return Corpus.read(file)


def test_in_a_phone_a_sender_of_three_to_six_digits_is_marked_before_the_number_is_hidden(from_a_phone):
    assert [m.tags for m in from_a_phone] == [(), (), (), (), ("short-code",)]


@pytest.mark.parametrize("number", ["911", "20415", "+30303", 7007])
def test_elsewhere_a_number_is_the_name_of_somebody_like_any_other(write, number):
    records = [{**RECORDS[0], "sender": number}, {**RECORDS[2], "text": "see you there"}]
    corpus = Corpus.read(write("chat.jsonl", records)).filter()
    assert [m.tags for m in corpus] == [(), ()]
    assert corpus.ledger.count("short-codes") == 0


# -- filtering ---------------------------------------------------------------------------------------------------


def test_filtering_drops_and_the_ledger_says_what_at_which_stage_and_why(from_a_phone):
    corpus = from_a_phone.filter("short-codes", "urls", "emoji")
    assert corpus.texts == ["are you free", "yeah"]
    dropped = [(entry.stage, entry.reason, entry.count) for entry in corpus.ledger.entries]
    assert dropped == [
        ("read", "no text", 1),
        ("short-codes", "short-code sender", 1),
        ("urls", "only links", 1),
        ("emoji", "only emoji", 1),
    ]
    assert corpus.ledger.kept == len(corpus) == 2


def test_without_names_the_filters_on_by_default_are_asked(from_a_phone):
    assert from_a_phone.filter().ledger.stages() == ["read", "emoji", "short-codes", "urls"]


def test_a_message_leaves_once_for_the_first_filter_that_wants_it_gone():
    always = wl.Filter("always", lambda message: "because")
    corpus = conversations(3).filter(always, wl.Filter("late", lambda message: "too late"))
    assert len(corpus) == 0
    assert corpus.ledger.count("always") == 3
    assert corpus.ledger.count("late") == 0


def test_filtering_leaves_the_corpus_it_was_asked_of_alone(file):
    corpus = Corpus.read(file)
    corpus.filter()
    assert len(corpus) == corpus.ledger.kept == 5


def test_an_unknown_filter_lists_those_there_are(file):
    with pytest.raises(UsageError, match="no filter named 'spam'") as caught:
        Corpus.read(file).filter("spam")
    assert "short-codes" in caught.value.hint


def test_a_corpus_of_which_nothing_is_left_still_answers():
    nothing = conversations(3, 2).filter(wl.Filter("all", lambda message: "because"))
    assert list(nothing) == nothing.texts == []
    assert nothing.counts()["messages"] == nothing.counts()["words"] == 0
    assert len(nothing.thread_starts) == len(nothing.thread_index) == 0
    assert len(nothing.filter()) == 0


def test_counts_are_those_of_the_messages(say):
    corpus = Corpus.of(
        [
            say("one two", "x", me=True),
            say("three\nfour  five", "x", tags=("group", "sms")),
            say("six", "y", sender="Ada", tags=("group",)),
        ]
    )
    assert corpus.counts() == {
        "messages": 3,
        "from me": 1,
        "in group chats": 2,
        "sms": 1,
        "conversations": 2,
        "people": 2,
        "words": 6,
    }


# -- splitting ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 40), min_size=20, max_size=60), st.floats(0.05, 0.5), st.integers(0, 99))
def test_no_conversation_is_on_both_sides_and_no_message_is_lost(lengths, share, seed):
    corpus = conversations(*lengths)
    try:
        train, held_out = corpus.split(share, by="conversation", seed=seed)
    except NotEnoughData:
        assert min(lengths) > share * len(corpus)
        return
    assert {m.thread for m in train}.isdisjoint(m.thread for m in held_out)
    assert sorted(m.id for part in (train, held_out) for m in part) == sorted(m.id for m in corpus)
    assert 0 < len(held_out) <= 1.5 * share * len(corpus)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.floats(0.05, 0.5))
def test_by_time_the_last_messages_of_every_conversation_are_held_out(lengths, share):
    corpus = conversations(*lengths)
    try:
        train, held_out = corpus.split(share, by="time")
    except NotEnoughData:
        assert max(lengths) * share < 1
        return
    for thread in {m.thread for m in corpus}:
        before = [m.id for m in train if m.thread == thread]
        after = [m.id for m in held_out if m.thread == thread]
        assert before + after == [m.id for m in corpus if m.thread == thread]
        assert before


def test_each_part_has_a_ledger_of_its_own_that_balances():
    train, held_out = conversations(*[10] * 30).split(0.1)
    assert (train.ledger.kept, train.ledger.count("split", "held out")) == (270, 30)
    assert (held_out.ledger.kept, held_out.ledger.count("split", "for training")) == (30, 270)


def test_auto_means_conversations_where_there_are_enough_and_time_where_not():
    many_train, many_held = conversations(*[10] * 20).split()
    assert {m.thread for m in many_train}.isdisjoint(m.thread for m in many_held)
    for few in (conversations(*[30] * 5), conversations(600, *[10] * 30)):
        train, held = few.split()
        assert {m.thread for m in held} <= {m.thread for m in train}


@pytest.mark.parametrize("seed", range(40))
def test_one_big_conversation_among_many_never_spoils_the_split(seed):
    corpus = conversations(400, *[20] * 30)
    train, held_out = corpus.split(0.1, by="conversation", seed=seed)
    assert 50 <= len(held_out) <= 150
    assert "t0" in {m.thread for m in train}


def test_the_seed_decides_which_conversations_and_nothing_else_does():
    corpus = conversations(*[10] * 30)
    first = corpus.split(seed=1)[1].fingerprint
    assert corpus.split(seed=1)[1].fingerprint == first
    assert corpus.split(seed=2)[1].fingerprint != first


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ((), "0 messages in 0 conversations"),
        ((1,), "1 message in 1 conversation"),
        ((2,), "2 messages in 1 conversation"),
    ],
)
def test_too_few_messages_to_split_is_an_error(lengths, said, by):
    with pytest.raises(NotEnoughData, match=f"^A share of 0.1 of {said} cannot be held out: nothing would be"):
        conversations(*lengths).split(by=by)


@pytest.mark.parametrize(
    ("share", "by", "told"),
    [
        (0.999, "conversation", "nothing would be left to train on"),
        (0.001, "conversation", "nothing would be held out"),
    ],
)
def test_a_share_that_leaves_one_part_empty_says_which(share, by, told):
    with pytest.raises(NotEnoughData, match=f"^A share of {share} of 400 messages.*: {told}"):
        conversations(*[20] * 20).split(share, by=by)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(UsageError, match="between 0 and 1"):
        conversations(100).split(share)


def test_an_unknown_way_to_split_is_refused():
    with pytest.raises(UsageError, match="'moon'"):
        conversations(100).split(by="moon")


# -- saving ------------------------------------------------------------------------------------------------------


def same(one: Corpus, other: Corpus) -> bool:
    return (
        list(one) == list(other)
        and one.ledger == other.ledger
        and one.skipped.to_pylist() == other.skipped.to_pylist()
        and one.notes == other.notes
        and one.fingerprint == other.fingerprint
    )


def test_a_corpus_is_the_same_after_saving(file, tmp_path):
    corpus = Corpus.read(file)
    corpus.save(tmp_path)
    assert same(Corpus.load(tmp_path), corpus)


def test_so_is_each_part_of_it_filtered_split_or_empty(tmp_path):
    corpus = conversations(*[10] * 30)
    nothing = corpus.filter(wl.Filter("all", lambda message: "because"))
    odd = corpus.filter(wl.Filter("odd", lambda message: "odd" if message.is_from_me else None))
    for number, part in enumerate([nothing, odd, *corpus.split()]):
        folder = tmp_path / str(number)
        folder.mkdir()
        part.save(folder)
        assert same(Corpus.load(folder), part)


def test_hostile_text_survives_reading_filtering_saving_and_loading(write, tmp_path, hostile, intact):
    corpus = Corpus.read(write("hostile.jsonl", [{**RECORDS[0], "text": hostile, "sender": hostile}]), names=True)
    corpus.filter().save(tmp_path)
    (message,) = Corpus.load(tmp_path)
    assert message.text == intact
    assert message.sender == intact.strip()


def damaged(folder: Path, damage: str) -> None:
    messages, ledger = folder / "messages.parquet", folder / "ledger.json"
    content = messages.read_bytes()
    value = json.loads(ledger.read_text())
    match damage:
        case "missing":
            messages.unlink()
        case "cut":
            messages.write_bytes(content[: len(content) // 2])
        case "garbage":
            messages.write_bytes(bytes(500))
        case "overwritten":
            messages.write_bytes(content[:20] + bytes(200) + content[220:])
        case "columns":
            pq.write_table(pa.table({"text": ["hi"]}), messages)
        case "skipped":
            (folder / "skipped.parquet").write_bytes(b"")
        case "ledger":
            ledger.write_text("{}")
        case "list":
            ledger.write_text("[]")
        case "words":
            ledger.write_text("what")
        case "other":
            ledger.write_text(json.dumps({**value, "stored": 1, "kept": 1}))
        case "sum":
            ledger.write_text(json.dumps({**value, "stored": 1}))


@pytest.mark.parametrize(
    "damage",
    ["missing", "cut", "garbage", "overwritten", "columns", "skipped", "ledger", "list", "words", "other", "sum"],
)
def test_a_damaged_corpus_is_refused_with_the_command_that_makes_a_new_one(tmp_path, damage):
    conversations(*[50] * 10).save(tmp_path)
    damaged(tmp_path, damage)
    with pytest.raises(InputError, match="no readable corpus") as caught:
        Corpus.load(tmp_path)
    assert "wonderland extract" in caught.value.hint


# -- fingerprint -------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_of_who_wrote_what_in_which_conversation(say):
    base = [say("ab", "x"), say("c", "x", me=True), say("d", "y")]
    changed = {
        "text": [say("ab!", "x"), *base[1:]],
        "border of texts": [say("a", "x"), say("bc", "x", me=True), base[2]],
        "speaker": [say("ab", "x", me=True), *base[1:]],
        "conversation": [*base[:2], say("d", "x")],
        "order": [base[1], base[0], base[2]],
        "missing": base[:2],
    }
    prints = {name: Corpus.of(messages).fingerprint for name, messages in changed.items()}
    prints["base"] = Corpus.of(base).fingerprint
    assert len(set(prints.values())) == len(prints), prints


def test_names_times_and_ids_do_not_enter_the_fingerprint(say):
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    one = Corpus.of([say("ab", "x"), say("c", "x", me=True)])
    other = Corpus.of(
        [say("ab", "z", sender="Cleo", id="9", timestamp=moment), say("c", "z", me=True, timestamp=moment)]
    )
    assert one.fingerprint == other.fingerprint


# -- asking ------------------------------------------------------------------------------------------------------


def test_a_corpus_says_how_big_it_is():
    assert repr(conversations(3, 2)) == "Corpus(5 messages in 2 conversations)"


def test_conversations_are_runs_of_messages():
    corpus = conversations(3, 2)
    assert corpus.thread_starts.tolist() == [0, 3]
    assert corpus.thread_index.tolist() == [0, 0, 0, 1, 1]
    assert corpus.is_from_me.tolist() == [True, False, True, True, False]


# -- a source that fails


def _whole(self):
    return iter(())


def _half_way(self):
    yield from (Message(str(i), "a", "me", True, None, "hi") for i in range(5))
    raise KeyError("somebody's words")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"rows": _half_way}, r"The source 'liar' failed: KeyError at test_corpus\.py:\d+\."),
        ({"rows": lambda self: None}, "The source 'liar' failed: TypeError at"),
        ({"count": lambda self: 1 // 0}, "The source 'liar' failed: ZeroDivisionError at"),
        ({"count": lambda self: "many"}, "The source 'liar' counts 'many' rows"),
        ({"count": lambda self: -1}, "The source 'liar' counts -1 rows"),
        ({"rows": lambda self: iter([()])}, "yielded a tuple"),
        ({"facts": lambda self: {}["a"], "rows": _whole}, "The source 'liar' failed: KeyError at"),
    ],
    ids=["half way", "no rows", "no count", "text", "negative", "of another type", "facts"],
)
def test_a_source_that_fails_is_named_without_its_words(parts, told):
    of = {"name": "liar", "version": 1, "count": lambda self: 5, "rows": _half_way, **parts}
    with pytest.raises(PluginError, match=told) as refused:
        read_source(type("Liar", (), of)(), "a file", None)
    assert "somebody" not in str(refused.value)


def test_what_fails_in_who_reads_a_source_is_not_blamed_on_it():
    of = {"name": "fine", "version": 1, "count": lambda self: 5, "rows": _half_way}

    def told(done, stored):
        raise ZeroDivisionError

    of["rows"] = lambda self: iter([Message("1", "a", "me", True, None, "hi")] * 5)
    with pytest.raises(ZeroDivisionError):
        read_source(type("Fine", (), of)(), "a file", None, told)
