"""A chat as text, in some zone, and as a database: each message once, also where the clock was put back."""

import json

import pytest

import wonderland as wl
from wonderland.cli.main import run
from wonderland_exports.testing import make_whatsapp_both

NOTE = "whatsapp: its times have no zone; "


@pytest.mark.parametrize("database_first", [True, False])
@pytest.mark.parametrize(
    ("zone", "store", "head", "clock"),
    [
        ("Europe/Berlin", "apple", "iPhone de", "+01:00 and +02:00"),
        ("America/New_York", "android", "Android en-US", "-05:00 and -04:00"),
        ("Australia/Lord_Howe", "old android", "Android en-GB", "+10:30 and +11:00"),  # by half an hour
        ("Asia/Kolkata", "apple", "Android en-IN", "+05:30"),
    ],
)
def test_each_message_is_there_once_and_the_clock_is_told(tmp_path, zone, store, head, clock, database_first):
    for seed in range(3):
        place = tmp_path / str(seed)
        place.mkdir()
        both = make_whatsapp_both(place, 700, seed=seed, zone=zone, store=store, head=head)
        paths = (both.database, both.text) if database_first else (both.text, both.database)
        corpus = wl.Corpus.read(*paths, me="Ada")
        assert len(corpus) == corpus.ledger.count("joined") == both.messages
        alone = wl.Corpus.read(both.database)
        assert sorted(corpus.texts) == sorted(alone.texts)
        (note,) = (note for note in corpus.notes if note.startswith(NOTE))
        assert f"say that its clock was {clock} from UTC, and by that 700 messages are in both" in note


def test_who_has_a_name_in_one_and_a_number_in_the_other_is_one_by_people_toml(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    both = make_whatsapp_both(tmp_path, 300, name="Bo")
    words = ["extract", str(both.database), str(both.text), "--me", "Ada", "--json", "-q"]
    assert run(words) == 0
    apart = json.loads(capsys.readouterr().out)
    mine = sum(message.is_from_me for message in wl.Corpus.read(both.database))
    assert apart["ledger"]["kept"] == 600 - mine  # that they are one person nothing says, but I am
    people = '[Bo]\nwhatsapp = "Bo"\nwhatsapp-db = "+447700900101"\n'
    (tmp_path / "me.wonderland" / "people.toml").write_text(people)
    assert run(["extract", "--json", "-q"]) == 0
    joined = json.loads(capsys.readouterr().out)
    assert joined["ledger"]["kept"] == 300
    assert [note for note in joined["notes"] if note.startswith(NOTE)]


def _two_phones(tmp_path, count=40, **changed):
    """Write one chat as Android does, to the minute, and as an iPhone does, to the second."""
    said = [("Ada" if at % 2 else "Bo", f"message number {at}", at * 7 % 59 + 1) for at in range(count)]
    android = [f"14/05/2023, 08:{at:02d} - {who}: {text}\n" for at, (who, text, _) in enumerate(said)]
    iphone = [f"[14/05/2023, 08:{at:02d}:{second:02d}] {who}: {text}\n" for at, (who, text, second) in enumerate(said)]
    paths = []
    for folder, written in (("a", android), ("b", iphone)):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "WhatsApp Chat with Bo.txt")
        paths[-1].write_text("".join(written))
    return paths


@pytest.mark.parametrize("turned", [False, True])
def test_a_clock_of_minutes_and_one_of_seconds_are_compared_by_the_minute(tmp_path, turned):
    paths = _two_phones(tmp_path)
    corpus = wl.Corpus.read(*(paths[::-1] if turned else paths), me="Ada")
    assert len(corpus) == corpus.ledger.count("joined") == 40


def test_what_one_wrote_twice_in_a_minute_is_in_both_twice(tmp_path):
    paths = _two_phones(tmp_path)
    for path, lines in zip(
        paths,
        (["14/05/2023, 09:00 - Bo: ok"] * 2, [f"[14/05/2023, 09:00:{at:02d}] Bo: ok" for at in (5, 50, 55)]),
        strict=True,
    ):
        path.write_text(path.read_text() + "".join(f"{line}\n" for line in lines))
    corpus = wl.Corpus.read(*paths, me="Ada")
    assert corpus.texts.count("ok") == 3
    assert len(corpus) == 43


def test_two_clocks_of_seconds_are_compared_by_the_second(tmp_path):
    paths = []
    for folder, second in (("a", 10), ("b", 11)):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "WhatsApp Chat with Bo.txt")
        lines = [f"[14/05/2023, 08:{at:02d}:{second}] {'Ada' if at % 2 else 'Bo'}: number {at}\n" for at in range(9)]
        paths[-1].write_text("".join(lines))
    assert len(wl.Corpus.read(*paths, me="Ada")) == 18


def test_chats_of_two_clocks_in_one_folder_are_each_found_in_the_database(tmp_path):
    both = make_whatsapp_both(tmp_path, 200, head="iPhone en-US")
    (tmp_path / "chats").mkdir()
    both.text.rename(tmp_path / "chats" / both.text.name)
    other = [f"14/05/2023, 08:{at:02d} - {'Ada' if at % 2 else 'Cem'}: number {at}\n" for at in range(20)]
    (tmp_path / "chats" / "WhatsApp Chat with Cem.txt").write_text("".join(other))
    corpus = wl.Corpus.read(tmp_path / "chats", both.database, me="Ada")
    assert corpus.ledger.count("joined") == 200
    assert len(corpus) == 220
