"""Several stores are one corpus: ledgers add up, people are joined by evidence only, nothing is counted twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.handles import Acquaintances, handle_of
from wonderland.corpus.joining import labels
from wonderland.corpus.messages import Message
from wonderland.corpus.people import Pseudonyms
from wonderland.errors import InputError, UsageError

MONDAY = datetime(2024, 5, 6, 12, tzinfo=UTC)


def store(path, *rows):
    """Write JSON Lines: sender, text, and seconds after Monday noon."""
    lines = [
        json.dumps({"sender": sender, "text": text, "timestamp": (MONDAY + timedelta(seconds=at)).isoformat()})
        for sender, text, at in rows
    ]
    path.write_text("\n".join([*lines, "no JSON"]) + "\n")
    return path


@pytest.fixture
def two(tmp_path):
    a = store(tmp_path / "a.jsonl", ("me", "hi", 0), ("Ada", "ho", 1), ("+1 555 010-0001", "x", 2))
    b = store(tmp_path / "b.jsonl", ("me", "hi", 0), ("Ada", "ho", 1), ("+15550100001", "y", 3), ("me", "new", 4))
    return a, b


def test_every_row_of_every_store_is_accounted_for(two):
    corpus = Corpus.read(*two)
    assert [ledger.stored for ledger in corpus.stores] == [4, 5]
    assert corpus.ledger.stored == 9
    assert [(entry.stage, entry.reason, entry.count, entry.failed) for entry in corpus.ledger.entries] == [
        ("read", "jsonl: not JSON", 1, True),
        ("read", "jsonl-2: not JSON", 1, True),
        ("joined", "jsonl-2: also in jsonl", 1, False),
    ]
    assert len(corpus) == corpus.ledger.kept == 6
    assert corpus.skipped.column("id").to_pylist() == ["jsonl/line 4", "jsonl-2/line 5"]
    assert {message.id for message in corpus} >= {"jsonl/line 1", "jsonl-2/line 4"}
    assert len({message.id for message in corpus}) == len(corpus)


def test_people_are_joined_by_number_and_never_by_name(two):
    named = {message.text + message.id[:7]: message.sender for message in Corpus.read(*two, names=True)}
    assert named["xjsonl/l"] == named["yjsonl-2"] == "+15550100001"
    senders = [message.sender for message in Corpus.read(*two, names=True) if message.text == "ho"]
    assert senders == ["jsonl: Ada", "jsonl-2: Ada"]
    pseudonyms = Pseudonyms()
    assert Corpus.read(*two, pseudonyms=pseudonyms).counts()["people"] == 3
    assert pseudonyms.people.keys() == {"jsonl: Ada", "+15550100001", "jsonl-2: Ada"}
    assert pseudonyms.threads.keys() == {"jsonl: all", "jsonl-2: all"}


def test_what_the_user_says_of_people_counts(two, tmp_path):
    people = tmp_path / "people.toml"
    people.write_text('["Ada"]\njsonl = ["Ada"]\n"jsonl-2" = "Ada"\nany = ["+1 (555) 010-0001"]\n')
    corpus = Corpus.read(*two, names=True, people=people)
    assert {message.sender for message in corpus} == {"me", "Ada"}
    assert corpus.ledger.count("joined") == 2  # Ada's message is one message now
    people.write_text('["me"]\njsonl = ["Ada"]\n')
    (mine,) = [
        message.sender for message in Corpus.read(*two, names=True, people=people) if message.id == "jsonl/line 2"
    ]
    assert mine == "me"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[[", "cannot be read"),
        ("Ada = 5\n", "'Ada' is no person"),
        ('["Ada"]\nany = [5]\n', "'Ada' is no person"),
        ('["Ada"]\nany = ["A@x.example"]\n["Bo"]\nany = ["a@X.example"]\n', "is both 'Ada' and 'Bo'"),
    ],
)
def test_a_file_of_people_that_says_nothing_clear_is_refused(tmp_path, content, why):
    path = tmp_path / "people.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=why):
        Acquaintances.load(path)


def test_nobody_is_known_without_a_file(tmp_path):
    assert Acquaintances.load(tmp_path / "people.toml").name_of("Ada", ["jsonl"]) is None


@pytest.mark.parametrize(
    ("sender", "handle"),
    [
        ("+44 7700 900123", "+447700900123"),
        ("\u202a+44\u2011(7700)/900.123\u202c", "+447700900123"),
        ("07700 900123", None),
        ("+4477", None),
        ("12345", None),
        ("Ada@X.Example", "ada@x.example"),
        ("Ada <ada@x.example>", None),
        ("ada@x", None),
        ("@ada", None),
    ],
)
def test_a_handle_is_a_number_with_its_country_or_an_address(sender, handle):
    assert handle_of(sender) == handle


def test_what_is_sent_twice_in_one_store_stays_twice(tmp_path):
    a = store(tmp_path / "a.jsonl", ("me", "hi", 0), ("me", "hi", 0), ("me", "hi", 1.9))
    b = store(tmp_path / "b.jsonl", *[("me", "hi", 0)] * 3, ("me", "hi", 1), ("me", "hi", 2))
    corpus = Corpus.read(a, b)
    assert corpus.ledger.count("joined", "jsonl-2: also in jsonl") == 3
    assert len(corpus) == 5


def test_times_with_and_without_a_zone_are_not_the_same(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"sender": "me", "text": "hi", "timestamp": "2024-05-06T12:00:00Z"}\n')
    (tmp_path / "b.jsonl").write_text('{"sender": "me", "text": "hi", "timestamp": "2024-05-06T12:00:00"}\n')
    (tmp_path / "c.jsonl").write_text('{"sender": "me", "text": "hi", "timestamp": "2024-05-06T12:00:00"}\n')
    corpus = Corpus.read(tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl")
    assert [entry.reason for entry in corpus.ledger.entries] == ["jsonl-3: also in jsonl-2"]


def clocks(tmp_path, known, local, seconds=True, turned=False):
    """Read two stores: (text, seconds after Monday noon in UTC), and (text, the same on a clock without a zone)."""
    files = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path, rows, zone in ((files[turned], known, "+00:00"), (files[not turned], local, "")):
        naive = [((MONDAY + timedelta(seconds=at)).replace(tzinfo=None), text) for text, at in rows]
        stamps = [(when if seconds or zone else when.replace(second=0), text) for when, text in naive]
        rows = [{"sender": "me", "text": text, "timestamp": when.isoformat() + zone} for when, text in stamps]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Corpus.read(*files)


SAID = [(f"text {at}", 7_013 * at) for at in range(12)]


@pytest.mark.parametrize("turned", [False, True], ids=["zone first", "zone last"])
@pytest.mark.parametrize("seconds", [True, False], ids=["seconds", "minutes"])
@pytest.mark.parametrize("quarters", [-14, 0, 4, 23])
def test_a_clock_without_a_zone_is_told_by_what_is_in_both_stores(tmp_path, quarters, seconds, turned):
    known = [*SAID, ("ok", 50), ("ok", 50), ("only here", 60), ("ok", 50 + 3600)]
    local = [(text, at + 900 * quarters) for text, at in (*SAID, ("ok", 50), ("ok", 50 + 7200), ("only there", 60))]
    corpus = clocks(tmp_path, known, local, seconds=seconds, turned=turned)
    assert corpus.ledger.count("joined", "jsonl-2: also in jsonl") == 13
    texts = sorted(message.text for message in corpus)
    assert texts == sorted([*(text for text, _ in SAID), *["ok"] * 4, "only here", "only there"])
    assert "12 messages" in corpus.notes[-1]
    assert "13 messages are in both" in corpus.notes[-1]


def test_a_clock_that_changed_has_the_offset_of_its_season(tmp_path):
    later = [(f"later {at}", 10_000_000 + at * 5_000) for at in range(6)]
    repeats = [("ok", 20), ("ok", 10_000_020)]
    local = [(text, at + 3600) for text, at in (*SAID, repeats[0])] + [(text, at + 7200) for text, at in later]
    chance = [("ok", 10_000_020 + 3600), ("ok", 20 + 7200)]  # each an hour beside what that season's clock showed
    corpus = clocks(tmp_path, [*SAID, *later, *repeats], [*local, *chance])
    assert corpus.ledger.count("joined") == 12 + 6 + 1
    assert "+01:00 and +02:00 from UTC" in corpus.notes[-1]
    assert len(corpus) == 12 + 6 + 2 + 2


@pytest.mark.parametrize("shift", [3600, 3601, 15 * 3600], ids=["too few", "no zone", "too far"])
def test_what_does_not_agree_on_an_offset_is_not_joined(tmp_path, shift):
    said = SAID[:4] if shift == 3600 else SAID
    local = [(text, at + shift) for text, at in said]
    corpus = clocks(tmp_path, [*said, *[("ok", 60 * at) for at in range(90)]], [*local, *[("ok", 60)] * 9])
    assert corpus.ledger.count("joined") == 0
    assert corpus.notes == ()


def test_one_store_is_read_as_before(two):
    alone = Corpus.read(two[0])
    assert alone.stores == ()
    assert alone.ledger.source == "a.jsonl, jsonl"
    assert next(iter(alone)).id == "line 1"


def test_an_option_goes_to_the_sources_that_have_it(two, tmp_path):
    table = tmp_path / "c.csv"
    table.write_text("sender,body,text\nme,hello,other\n")
    assert "hello" in Corpus.read(table, text="body").texts
    with pytest.raises(UsageError, match="None of the sources jsonl has an option 'colour'"):
        Corpus.read(*two, colour="red")
    with pytest.raises(UsageError, match="There are 2 stores and 1 source named"):
        Corpus.read(*two, source="jsonl")


def test_a_joined_corpus_is_saved_and_loaded(two, tmp_path):
    corpus = Corpus.read(*two).filter("automated")
    corpus.save(tmp_path)
    loaded = Corpus.load(tmp_path)
    assert loaded.stores == corpus.stores
    assert loaded.ledger == corpus.ledger
    assert list(loaded) == list(corpus)


def test_labels():
    assert labels(["a", "b", "a", "a"]) == ["a", "b", "a-2", "a-3"]


# -- in memory -------------------------------------------------------------------------------------------------------


def corpus_of(*texts, sender="P001"):
    return Corpus.of([Message(str(n), "C001", sender, False, MONDAY, text) for n, text in enumerate(texts)])


def test_corpora_are_put_together_and_their_people_kept_apart():
    joined = Corpus.concat(corpus_of("a", "a"), corpus_of("a", sender="me"), corpus_of("b"))
    assert len(joined) == joined.ledger.stored == 4
    assert len(joined.thread_starts) == 3
    assert {message.sender for message in joined} == {"1: P001", "me", "3: P001"}
    assert [ledger.stored for ledger in joined.stores] == [2, 1, 1]
    together = Corpus.concat(corpus_of("a"), corpus_of("b"), same_people=True)
    assert {(message.sender, message.thread) for message in together} == {("P001", "C001")}
    with pytest.raises(UsageError, match="no corpus to join"):
        Corpus.concat()


def test_stages_of_filters_stay_in_order_when_corpora_are_put_together():
    noisy = corpus_of("😀", "hello")
    joined = Corpus.concat(noisy.filter("emoji"), noisy.filter("urls", "emoji"))
    assert joined.ledger.kept == 2
    assert [(entry.stage, entry.reason) for entry in joined.ledger.entries] == [
        ("emoji", "1: only emoji"),
        ("emoji", "2: only emoji"),
    ]


def test_what_is_missing_in_a_data_frame_is_so_whatever_its_type_is():
    import pandas

    frame = pandas.DataFrame(
        {"text": ["hi", None, "x", "y"], "sender": ["A", "me", None, "me"], "time": [1.6e9, 1.6e9, None, 1.6e9 + 1]}
    )
    plain, typed = Corpus.from_frame(frame), Corpus.from_frame(frame.convert_dtypes())
    assert list(plain) == list(typed)
    assert plain.ledger.to_json() == typed.ledger.to_json()
    assert typed.ledger.count("read", "no text") == 1


def test_a_data_frame_is_read_as_a_file_is():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "author": ["Ada", "Bo", "Ada", None],
            "message": ["hi", "ho", None, "x"],
            "sent_at": [pandas.Timestamp(MONDAY), pandas.NaT, pandas.Timestamp(MONDAY), pandas.Timestamp(MONDAY)],
            "conversation": [1, 1, 1, 2],
        }
    )
    corpus = Corpus.from_frame(frame, me="Ada")
    assert corpus.ledger.stored == 4
    assert [(m.sender, m.text, m.timestamp) for m in corpus][:2] == [("me", "hi", MONDAY), ("P001", "ho", None)]
    assert corpus.ledger.count("read", "no text") == 1
    assert {message.thread for message in Corpus.from_frame(frame, me="Ada", names=True)} == {"1", "2"}
    with pytest.raises(InputError, match="me='Ada'"):
        Corpus.from_frame(frame)


@pytest.mark.parametrize("texts", [[None, None], ["", None], [float("nan"), " \n"]])
def test_a_frame_without_a_single_text_is_refused(texts):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"sender": ["me", "Ada"], "text": texts})
    with pytest.raises(InputError, match="no text in the column 'text' of the frame: 2 cells are None, NaN or blank"):
        Corpus.from_frame(frame)
    assert len(Corpus.from_frame(frame.assign(text=["hi", texts[1]]))) == 1


# -- what is sent to two people is two messages


def talk(path, other, *rows, zone="+00:00"):
    """Write a conversation with one person: sender, text, and seconds after Monday noon."""
    lines = [
        {"sender": sender, "text": text, "thread": other, "timestamp": at.replace(tzinfo=None).isoformat() + zone}
        for sender, text, second in rows
        for at in [MONDAY + timedelta(seconds=second)]
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("names", [False, True], ids=["pseudonyms", "names"])
@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("Bo", "Cy", 0),
        ("Bo", "bo", 1),  # a name is compared without its case
        ("Bo", "+15550100001", 1),  # may be one person
        ("+15550100001", "+1 555 010-0001", 1),
        ("+15550100001", "+15550100002", 0),
    ],
)
def test_what_is_sent_to_two_people_in_one_second_is_two_messages(tmp_path, one, other, joined, names):
    a = talk(tmp_path / "a.jsonl", one, ("me", "happy new year", 0), (one, "you too", 9))
    b = talk(tmp_path / "b.jsonl", other, ("me", "happy new year", 0), (other, "and you", 9))
    assert Corpus.read(a, b, names=names).ledger.count("joined") == joined


def test_where_the_other_never_writes_a_conversation_may_be_the_same(tmp_path):
    a = talk(tmp_path / "a.jsonl", "Bo", ("me", "hi", 0))
    b = talk(tmp_path / "b.jsonl", "Cy", ("me", "hi", 0), ("Cy", "ho", 1))
    assert Corpus.read(a, b).ledger.count("joined") == 1


def test_a_group_is_the_same_where_most_of_its_people_are(tmp_path):
    group = [("Ada", "hi", 0), ("Bo", "ho", 5), ("Cy", "hm", 7)]
    a = talk(tmp_path / "a.jsonl", "g", ("me", "x", 60), *group)
    b = talk(tmp_path / "b.jsonl", "g", ("me", "x", 60), *group[:2], ("Dan", "new", 9))
    c = talk(tmp_path / "c.jsonl", "h", ("me", "x", 60), group[0], ("Eve", "other", 9))  # half of whom are in the first
    assert Corpus.read(a, b).ledger.count("joined") == 1
    assert Corpus.read(a, c).ledger.count("joined") == 0


def test_each_of_several_copies_stands_for_one(tmp_path):
    a = talk(tmp_path / "a.jsonl", "Bo", ("me", "hi", 0), ("Bo", "ho", 1))
    b = talk(tmp_path / "b.jsonl", "Bo", ("me", "hi", 0), ("Bo", "ha", 1))
    c = talk(tmp_path / "c.jsonl", "Bo", ("me", "hi", 0), ("me", "hi", 0), ("Bo", "hu", 1))
    corpus = Corpus.read(a, b, c)
    assert [(entry.reason, entry.count) for entry in corpus.ledger.entries] == [
        ("jsonl-2: also in jsonl", 1),
        ("jsonl-3: also in jsonl", 1),
    ]


def test_what_is_sent_to_two_people_tells_no_clock(tmp_path):
    daily = [("me", f"result {day}", 86_400 * day) for day in range(20)]
    a = talk(tmp_path / "a.jsonl", "Bo", *daily, ("Bo", "well done", 1))
    local = [(who, text, at + 7200) for who, text, at in daily]
    for other, joined in (("Mum", 0), ("Bo", 20)):
        b = talk(tmp_path / "b.jsonl", other, *local, (other, "nice", 8000), zone="")
        corpus = Corpus.read(a, b)
        assert corpus.ledger.count("joined") == joined
        assert len(corpus.notes) == bool(joined)


def test_one_offset_among_others_is_chance(tmp_path):
    later = [(f"later {at}", 10_000_000 + at * 5_000) for at in range(12)]
    local = [(text, at + 3600) for text, at in SAID] + [(text, at + 7200) for text, at in later]
    apart = 10_000_000 + 30_100
    corpus = clocks(tmp_path, [*SAID, *later, ("see you", apart)], [*local, ("see you", apart + 3600)])
    assert corpus.ledger.count("joined") == 24
    assert sorted(message.text for message in corpus).count("see you") == 2
    assert "24 messages" in corpus.notes[-1]


def test_between_two_offsets_nothing_is_known(tmp_path):
    later = [(f"later {at}", 10_000_000 + at * 5_000) for at in range(12)]
    local = [(text, at + 3600) for text, at in SAID] + [(text, at + 7200) for text, at in later]
    night, before, after = 5_000_000, SAID[-1][1] - 10, 10_000_000 + 10
    ok = [("ok", at) for at in (night, before, after)]
    theirs = [("ok", night + 3600), ("ok", night + 7200), ("ok", before + 3600), ("ok", after + 7200)]
    corpus = clocks(tmp_path, [*SAID, *later, *ok], [*local, *theirs])
    assert corpus.ledger.count("joined") == 24 + 2
    assert sorted(message.text for message in corpus).count("ok") == 3 + 4 - 2


@pytest.mark.parametrize(("first", "second", "joined"), [(3600, 7200, 2), (7200, 3600, 0), (3600, 3600, 2)])
def test_what_was_sent_more_than_once_tells_more_narrowly_when_a_clock_changed(tmp_path, first, second, joined):
    """If it all agrees on one change: not if the second offset is met before the first."""
    later = [(f"later {at}", 10_000_000 + at * 5_000) for at in range(12)]
    local = [(text, at + 3600) for text, at in SAID] + [(text, at + 7200) for text, at in later]
    nights = [5_000_000, 6_000_000]
    theirs = [("ok", nights[0] + first), ("ok", nights[1] + second)]
    corpus = clocks(tmp_path, [*SAID, *later, *(("ok", night) for night in nights)], [*local, *theirs])
    assert corpus.ledger.count("joined") == 24 + joined
    assert sorted(message.text for message in corpus).count("ok") == 4 - joined


@pytest.mark.parametrize("stores", [1, 2])
def test_a_list_of_people_that_is_not_there_is_refused_and_of_one_store_it_is_said_to_be_unused(two, stores, tmp_path):
    for missing in (tmp_path / "nope.toml", str(tmp_path)):  # a folder is none either
        with pytest.raises(InputError, match=r"There is no file .*, which is to say who is one person") as caught:
            Corpus.read(*two[:stores], people=missing)
        assert '["Ada"]' in caught.value.hint
    there = tmp_path / "people.toml"
    there.write_text('["Ada"]\nany = "Bo"\n')
    notes = Corpus.read(*two[:stores], people=there).notes
    assert any("of one store it is not used" in note for note in notes) == (stores == 1)
