"""Of several stores an option is said once of all, or once of each, as the owner may be called otherwise in each."""

import json
import shlex

import pytest

import wonderland as wl
from wonderland.cli.main import run
from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.dealing import Each, dealt
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.errors import OwnerUnknown, UsageError
from wonderland.workspace.workspace import Workspace
from wonderland_exports.testing import make_telegram, make_whatsapp


class NoOwner:
    def __init__(self, path): ...


@pytest.fixture
def place(write, tmp_path, monkeypatch):
    """Two tables in which the owner is called otherwise, in a folder whose name has a space."""
    (tmp_path / "my chats").mkdir()
    for name, owner in (("a", "Ada"), ("b", "Ada Berg")):
        rows = [
            {"sender": [owner, "Bo"][n % 2], "timestamp": f"2024-01-0{n}", "text": f"{name} {n}"} for n in range(1, 5)
        ]
        write(f"my chats/{name}.jsonl", rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my chats"


def test_what_is_said_once_is_of_all_that_have_it_and_said_of_each_is_dealt_out():
    kinds = [JsonLines, NoOwner, CsvSource]
    assert dealt({"me": "Ada", "delimiter": ";"}, kinds) == [{"me": "Ada"}, {}, {"me": "Ada", "delimiter": ";"}]
    for value in (Each(["Ada", "Bo"]), ["Ada", "Bo"], ("Ada", "Bo")):
        assert dealt({"me": value}, kinds) == [{"me": "Ada"}, {}, {"me": "Bo"}]
    with pytest.raises(UsageError, match="me is a list of 3, and 2 stores take it: jsonl, csv") as caught:
        dealt({"me": Each("abc")}, kinds)
    assert caught.value.message.startswith("--me is given 3 times, and 2 stores take it")
    assert "once for each" in caught.value.hint
    assert "a list with one for each" in str(caught.value)
    with pytest.raises(UsageError, match="me is a list of 2, and 1 store takes it: jsonl"):
        dealt({"me": Each("ab")}, kinds[:2])


def test_a_list_that_a_source_wants_as_a_list_is_not_dealt_out():
    class Lists:
        def __init__(self, path, *, years: list[int] | None = None): ...

    assert dealt({"years": [2019, 2020]}, [Lists, Lists]) == [{"years": [2019, 2020]}] * 2
    assert dealt({"years": Each([[2019], [2020]])}, [Lists, Lists]) == [{"years": [2019]}, {"years": [2020]}]


def test_in_python_and_on_the_command_line_the_owner_is_named_once_for_each_store(place):
    a, b = str(place / "a.jsonl"), str(place / "b.jsonl")
    assert wl.Corpus.read(a, b, me=["Ada", "Ada Berg"]).counts()["from me"] == 4
    assert run(["extract", a, b, "-q", "--me", "Ada", "--me", "Ada Berg"]) == 0
    settings = Workspace("me.wonderland").settings.source
    assert (settings.options, settings.more[0]["options"]) == ({"me": "Ada"}, {"me": "Ada Berg"})
    assert run(["extract", "-q", "--me", "Bo", "--me", "Bo"]) == 0  # of what is read already
    assert run(["extract", "-q", "--dates", "dmy"]) == 0
    settings = Workspace("me.wonderland").settings.source
    assert settings.options == settings.more[0]["options"] == {"me": "Bo", "dates": "dmy"}
    assert run(["extract", a, "-q", "--me", "Ada", "--me", "Bo"]) == 2  # of one store


def test_where_one_name_does_not_do_what_is_to_be_typed_is_said_and_works(place, capsys):
    a, b = str(place / "a.jsonl"), str(place / "b.jsonl")
    assert run(["extract", a, b, "-q", "--me", "Ada"]) == 3
    said = capsys.readouterr().err
    assert "--me Bo" not in said  # whoever wrote most is not proposed where a name was given
    words = shlex.split(said.partition("if 'Ada Berg' is who you are in b.jsonl, jsonl: wonderland ")[2])
    assert words == ["extract", a, b, "--me", "Ada", "--me", "Ada Berg"]
    assert run([*words, "-q"]) == 0
    with pytest.raises(OwnerUnknown, match=r"No message in b\.jsonl was sent by 'Ada'") as caught:
        wl.Corpus.read(a, b, me="Ada")
    assert "--me Ada --me 'Ada Berg'" in caught.value.hint
    assert str(caught.value).endswith("jsonl: me=['Ada', 'Ada Berg']")
    assert "--" not in str(caught.value)
    with pytest.raises(OwnerUnknown, match=r"No message in a\.jsonl was sent by 'Zoe'") as caught:
        wl.Corpus.read(a, b, me="Zoe")  # nobody is like that
    assert "NAME is who you are in a.jsonl" in caught.value.hint
    assert "--me NAME --me Zoe" in caught.value.hint


def test_one_place_read_with_two_sources_may_have_an_owner_in_each(tmp_path, monkeypatch, capsys):
    place = tmp_path / "all of it"
    place.mkdir()
    rows = [
        {
            "id": n,
            "type": "message",
            "date": f"2024-01-0{n}T10:00:00",
            "from": who,
            "from_id": f"user{who}",
            "text": "hi",
        }
        for n, who in enumerate(["Ada Lovelace", "Bo", "Cleo", "Ada Lovelace"], 1)
    ]
    group = {"name": "Friends", "type": "private_group", "id": 7, "messages": rows}
    (place / "result.json").write_text(json.dumps(group))
    make_whatsapp(place / "WhatsApp Chat with Friends.txt", 60, group=True)
    monkeypatch.chdir(tmp_path)
    sources, of_telegram = ["--source", "telegram", "--source", "whatsapp"], "Ada Lovelace"
    assert run(["extract", str(place), *sources, "-q", "--me", of_telegram]) == 3
    hint = capsys.readouterr().err.partition("if 'Ada' is who you are in all of it, whatsapp: wonderland ")[2]
    words = shlex.split(hint)
    assert words == ["extract", str(place), *sources, "--me", of_telegram, "--me", "Ada"]
    assert run([*words, "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["from me"] > 2  # those of the one store


def test_a_store_that_alone_has_an_owner_to_name_is_told_as_ever(place, tmp_path):
    with pytest.raises(OwnerUnknown) as caught:
        wl.Corpus.read(place / "a.jsonl", make_telegram(tmp_path / "result.json", 30).path, me=["", "x"])
    assert "--me" in caught.value.hint
