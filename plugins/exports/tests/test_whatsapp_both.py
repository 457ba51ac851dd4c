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
