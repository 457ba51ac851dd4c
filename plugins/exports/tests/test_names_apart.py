"""What people are called changes nothing of who they are: stores joined with names count what they count without."""

import json
from collections import Counter

import pytest

import wonderland as wl
from wonderland.cli.main import run
from wonderland_exports.testing import SAMPLES, STORES, make_signal, make_telegram, make_whatsapp_both


def sizes(corpus):
    """Return all that names must not change: counts, ledger, and the sizes of conversations and of people's shares."""
    people = Counter(corpus.table["sender"].to_pylist())
    threads = Counter(corpus.table["thread"].to_pylist())
    ledger = (corpus.ledger.kept, {(entry.stage, entry.reason): entry.count for entry in corpus.ledger.entries})
    ids = sorted(corpus.table["id"].to_pylist())
    return corpus.counts(), ledger, sorted(people.values()), sorted(threads.values()), ids


@pytest.mark.parametrize("database_first", [True, False])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", ["+44 7700 900101", "Bo"])
def test_a_chat_as_text_and_database(name, store, database_first, tmp_path):
    both = make_whatsapp_both(tmp_path, 300, name=name, store=store)
    paths = (both.database, both.text) if database_first else (both.text, both.database)
    without, named = (wl.Corpus.read(*paths, me="Ada", names=names) for names in (False, True))
    assert sizes(named) == sizes(without)
    if name.startswith("+"):
        assert len(named) == len(wl.Corpus.read(both.database)) == 300
        assert named.counts()["people"] == named.counts()["conversations"] == 1
        called = "whatsapp-db: Bo" if store == "apple" else "+447700900101"  # Android's store knows no names
        assert {*named.table["sender"].to_pylist()} == {"me", called}


def test_all_stores_at_once_and_some_twice(tmp_path):
    paths = []
    for turn, kinds in {"one": SAMPLES, "two": ("signal", "telegram", "whatsapp-db")}.items():
        for kind in kinds:
            (tmp_path / turn / kind).mkdir(parents=True)
            paths.append(SAMPLES[kind](tmp_path / turn / kind))
    without, named = (wl.Corpus.read(*paths, names=names) for names in (False, True))
    assert sizes(named) == sizes(without)
    assert without.ledger.count("joined") > 100
    shown = {*named.table["sender"].to_pylist()}
    assert len(shown) == without.counts()["people"] + 1
    assert {"telegram: Bo", "whatsapp-db: Bo"} <= shown


def test_on_the_command_line_too_also_where_stores_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    both = make_whatsapp_both(tmp_path, 200)
    words = ["extract", str(both.text), str(both.database), "--me", "Ada", "--names", "--json", "-q"]
    for again in range(2):
        assert run(words) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["ledger"]["kept"] == 200, again
    corpus = wl.Corpus.load(tmp_path / "me.wonderland" / "corpus")
    assert {*corpus.table["sender"].to_pylist()} == {"me", "whatsapp-db: Bo"}


def test_two_of_one_name_stay_two(tmp_path):
    first = make_telegram(tmp_path / "result.json", 300, account=True).path
    export = json.loads(first.read_text())
    for chat in export["chats"]["list"]:
        for message in chat["messages"]:
            message |= {"from": "Kim"} if "from_id" in message else {}
    first.write_text(json.dumps(export))
    (tmp_path / "signal").mkdir()
    second = make_signal(tmp_path / "signal").path
    without, named = (wl.Corpus.read(first, second, names=names) for names in (False, True))
    assert sizes(named) == sizes(without)
    kims = {one for one in named.table["sender"].to_pylist() if one.startswith("telegram: Kim (telegram: ")}
    assert len(kims) > 1


def test_who_is_one_by_a_name_in_people_toml_is_one(tmp_path):
    both = make_whatsapp_both(tmp_path, 200, name="Bo B")
    people = tmp_path / "people.toml"
    people.write_text('[Bo]\nwhatsapp = "Bo B"\nwhatsapp-db = "Bo"\n')
    corpus = wl.Corpus.read(both.text, both.database, me="Ada", names=True, people=people)
    assert len(corpus) == 200
    assert {*corpus.table["sender"].to_pylist()} == {"me", "Bo"}
