"""A word instead of a path: the Mac's own store, a file that is called so, or an answer that helps."""

import sys

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.cli.main import run
from wonderland.corpus.locating import locate
from wonderland.errors import InputError
from wonderland.workspace.workspace import Workspace
from wonderland_exports.testing import make_whatsapp_db
from wonderland_imessage.testing import make_database

MESSAGES = "Library/Messages/chat.db"
WHATSAPP = "Library/Group Containers/group.net.whatsapp.WhatsApp.shared/ChatStorage.sqlite"


@pytest.fixture
def mac(tmp_path, monkeypatch):
    """A home directory as a Mac has it, and an empty folder to work in."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for place in (MESSAGES, WHATSAPP):
        (tmp_path / "home" / place).parent.mkdir(parents=True)
    return tmp_path / "home"


def sources():
    return plugins.load().sources


@pytest.mark.parametrize(("word", "source"), [("whatsapp", "whatsapp-db"), ("whatsapp-db", "whatsapp-db")])
def test_whatsapp_by_name_is_the_database_of_the_mac(mac, capsys, word, source):
    planted = make_whatsapp_db(mac / WHATSAPP, 40)
    assert run(["extract", word, "-q"]) == 0
    assert f"ChatStorage.sqlite, {source}" in capsys.readouterr().out
    settings = Workspace("me.wonderland").settings.source
    assert settings.path == str(mac / WHATSAPP)
    assert wl.Corpus.read(word).ledger.stored == planted.rows


def test_imessage_by_name_is_the_database_of_the_mac_with_its_options(mac):
    make_database(mac / MESSAGES, 60)
    assert run(["extract", "imessage", "--salvage", "-q"]) == 0
    source = Workspace("me.wonderland").settings.source
    assert (source.path, source.options) == (str(mac / MESSAGES), {"salvage": True})
    make_whatsapp_db(mac / WHATSAPP, 40)
    assert run(["extract", "imessage", "whatsapp", "-q"]) == 0
    assert Workspace("me.wonderland").settings.source.more[0]["path"] == str(mac / WHATSAPP)
    assert len(wl.Corpus.read("imessage", "whatsapp").stores) == 2


def test_a_file_of_that_name_comes_first(mac):
    make_database(mac / MESSAGES, 60)
    (mac.parent / "work" / "imessage").write_text('{"sender": "me", "text": "hi"}\n')
    assert run(["extract", "imessage", "--source", "jsonl", "-q"]) == 0
    assert Workspace("me.wonderland").settings.source.path == str(mac.parent / "work" / "imessage")


@pytest.mark.parametrize(("word", "app"), [("imessage", "Messages"), ("whatsapp", "WhatsApp")])
def test_a_store_that_is_not_there_is_told_with_its_place(mac, capsys, word, app):
    assert run(["extract", word]) == 3
    told = " ".join(capsys.readouterr().err.split())
    assert f"On a Mac {app} keeps its store in {mac}" in told
    assert f"Open {app} on this Mac once" in told


@pytest.mark.parametrize(("word", "file"), [("imessage", "chat.db"), ("whatsapp", "ChatStorage.sqlite")])
def test_off_a_mac_the_word_says_that_a_copy_is_needed(tmp_path, monkeypatch, word, file):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="on a Mac only, and this is none") as caught:
        wl.Corpus.read(word)
    assert f"wonderland extract {file}" in caught.value.hint


@pytest.mark.parametrize(
    ("word", "told", "hint"),
    [
        ("imesage", "no source is called 'imesage'", "Did you mean imessage?"),
        ("WhatsApp", "no source is called 'WhatsApp'", "Did you mean whatsapp?"),
        ("zzz", "There is nothing at zzz", "find their own store on a Mac: imessage, whatsapp, whatsapp-db."),
        ("telegram", "reads what you exported", "Give the path of the export."),
    ],
)
def test_another_word_is_answered_with_what_could_be_meant(mac, word, told, hint):
    with pytest.raises(InputError, match=told) as caught:
        locate(word, sources())
    assert hint in caught.value.hint
    assert run(["extract", word]) == 3


@pytest.mark.parametrize("typed", ["imessage.db", "./imessage", "~/imessage", "a/imessage", "résumé", "my chats"])
def test_what_is_no_plain_word_is_a_path(mac, typed):
    make_database(mac / MESSAGES, 60)
    assert locate(typed, sources()).name == typed.split("/")[-1]


@pytest.mark.parametrize("place", [MESSAGES, WHATSAPP])
def test_a_store_that_may_not_be_looked_at_leads_to_full_disk_access(mac, capsys, monkeypatch, place):
    forbidden = mac / place
    make_database(forbidden, 60)
    before, opening = type(forbidden).stat, type(forbidden).open

    def stat(path, **more):
        if forbidden in (path, *path.parents):
            raise PermissionError(1, "Operation not permitted", str(path))
        return before(path, **more)

    def opened(path, *words, **more):
        if path == forbidden:
            raise PermissionError(1, "Operation not permitted", str(path))
        return opening(path, *words, **more)

    monkeypatch.setattr(type(forbidden), "stat", stat)
    monkeypatch.setattr(type(forbidden), "open", opened)
    assert run(["extract", "imessage" if place == MESSAGES else "whatsapp"]) == 5
    assert "Full Disk Access" in " ".join(capsys.readouterr().err.split())


def test_a_name_that_no_file_can_have_is_not_there(mac, capsys):
    assert run(["extract", "x" * 5000 + ".csv"]) == 3
    assert "There is nothing at" in capsys.readouterr().err
