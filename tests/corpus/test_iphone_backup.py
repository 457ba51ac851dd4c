"""Messages of a backup, plain or encrypted: found, decrypted for the time of reading, and never a pass phrase left."""

import json
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.cli import stores
from wonderland.cli.main import run
from wonderland.corpus.iphone_backup import AppFile, is_backup, is_encrypted, place_of
from wonderland.corpus.source import choose_source
from wonderland.errors import InputError, ResourceError, UsageError
from wonderland.testing.iphone_backups import make_backup
from wonderland.workspace.workspace import Workspace
from wonderland_exports.testing import make_whatsapp_db
from wonderland_imessage.testing import make_database

SMS = AppFile("HomeDomain", "Library/SMS/sms.db")
CHATS = AppFile("AppDomainGroup-group.net.whatsapp.WhatsApp.shared", "ChatStorage.sqlite")
PHRASE = "correct horse, bättery"
IMESSAGE = ("--source", "imessage")
VARIABLE = "WONDERLAND_IMESSAGE_PASSPHRASE"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phone")
    make_database(folder / "sms.db", 80)
    make_whatsapp_db(folder / "ChatStorage.sqlite", 40)
    return {SMS: (folder / "sms.db").read_bytes(), CHATS: (folder / "ChatStorage.sqlite").read_bytes()}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, and one for temporary files that is looked at afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


@pytest.fixture
def encrypted(place, files):
    pytest.importorskip("iphone_backup_decrypt", reason="pip install 'wonderland[backup]'")
    return make_backup(place / "encrypted", files, PHRASE)


def as_read(table):
    return table.select(["text", "sender", "timestamp", "thread"]).to_pylist()


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize(("source", "file"), [("imessage", SMS), ("whatsapp-db", CHATS)])
def test_a_plain_backup_is_read_like_the_file_in_it(place, files, source, file, hashed):
    backup = make_backup(place / "backup", files, hashed=hashed)
    (place / "alone.sqlite").write_bytes(files[file])
    read, alone = wl.Corpus.read(backup, source=source), wl.Corpus.read(place / "alone.sqlite", source=source)
    assert as_read(read.table) == as_read(alone.table)
    assert read.ledger.entries == alone.ledger.entries
    assert (is_backup(backup), is_encrypted(backup)) == (True, False)


@pytest.mark.parametrize("phrase", [None, PHRASE])
def test_a_backup_that_holds_one_messenger_is_its_and_one_that_holds_two_is_asked_about(place, files, phrase):
    if phrase:
        pytest.importorskip("Crypto", reason="pip install 'wonderland[backup]'")
    sources = plugins.load().sources
    for file, name in ((SMS, "imessage"), (CHATS, "whatsapp-db")):
        assert choose_source(make_backup(place / name, {file: files[file]}, phrase), sources).name == name
    with pytest.raises(InputError, match="Several sources find something of theirs") as caught:
        choose_source(make_backup(place / "both", files, phrase), sources)
    assert "--source imessage" in caught.value.hint


@pytest.mark.parametrize(("source", "file"), [("imessage", SMS), ("whatsapp-db", CHATS)])
def test_an_encrypted_backup_is_read_with_its_pass_phrase_and_nothing_decrypted_stays(encrypted, files, source, file):
    (encrypted.parent / "alone.sqlite").write_bytes(files[file])
    read = wl.Corpus.read(encrypted, source=source, passphrase=PHRASE)
    assert as_read(read.table) == as_read(wl.Corpus.read(encrypted.parent / "alone.sqlite", source=source).table)
    assert len(read) > 20
    assert not read.notes  # what was decrypted is no copy that lacks something
    assert list((encrypted.parent / "temporary").iterdir()) == []


def test_while_it_is_read_only_the_user_can_read_what_was_decrypted(encrypted):
    source = plugins.load().sources["imessage"](encrypted, passphrase=PHRASE)
    source.count()
    (folder,) = (encrypted.parent / "temporary").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]
    source.close()
    assert not folder.exists()


def test_the_pass_phrase_comes_from_the_environment_and_is_stored_nowhere(encrypted, monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, PHRASE)
    assert run(["extract", str(encrypted), *IMESSAGE, "-q"]) == 0
    assert run(["extract", "-q"]) == 0
    workspace = Path("me.wonderland")
    assert Workspace(workspace).settings.source.options == {}
    written = b"".join(path.read_bytes() for path in workspace.rglob("*") if path.is_file())
    assert PHRASE.encode() not in written
    assert json.dumps(PHRASE)[1:-1].encode() not in written
    assert PHRASE not in "".join(capsys.readouterr())


def test_on_a_terminal_it_is_asked_for_once_and_again_when_the_backup_is_read_again(encrypted, monkeypatch, files):
    asked = []

    def prompt(text, **how):
        asked.append((text, how))
        return PHRASE

    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(stores.click, "prompt", prompt)
    assert run(["extract", str(encrypted), *IMESSAGE, "-q"]) == 0
    assert [(text, how["hide_input"]) for text, how in asked] == [
        ("Pass phrase of the iPhone backup (not shown, not stored)", True)
    ]
    assert run(["run", "--help"]) == 0
    (encrypted / "Manifest.plist").touch()
    assert run(["extract", "-q"]) == 0
    assert len(asked) == 2


def test_with_nobody_to_ask_it_says_how_to_give_it(encrypted):
    assert run(["extract", str(encrypted), *IMESSAGE, "-q"]) == 3
    with pytest.raises(InputError, match="It takes the pass phrase of the iPhone backup") as caught:
        wl.Corpus.read(encrypted, source="imessage")
    assert VARIABLE in caught.value.hint
    assert list((encrypted.parent / "temporary").iterdir()) == []


def test_a_wrong_pass_phrase_and_a_damaged_backup_are_told(encrypted, files):
    with pytest.raises(InputError, match="does not open the backup"):
        wl.Corpus.read(encrypted, source="imessage", passphrase="wrong")
    name = SMS.hashed
    (encrypted / name[:2] / name).write_bytes(b"x" * 31)
    with pytest.raises(InputError, match="cannot be decrypted: ValueError"):
        wl.Corpus.read(encrypted, source="imessage", passphrase=PHRASE)
    without = make_backup(encrypted.parent / "without", {SMS: files[SMS]}, PHRASE)
    with pytest.raises(InputError, match=r"no ChatStorage.sqlite with the messages of WhatsApp"):
        wl.Corpus.read(without, source="whatsapp-db", passphrase=PHRASE)
    assert list((encrypted.parent / "temporary").iterdir()) == []


def test_without_the_package_the_extra_is_named_before_anybody_is_asked(encrypted, monkeypatch):
    monkeypatch.setitem(sys.modules, "iphone_backup_decrypt", None)
    with pytest.raises(ResourceError, match="takes the package iphone_backup_decrypt") as caught:
        wl.Corpus.read(encrypted, source="imessage")
    assert "wonderland[backup]" in caught.value.hint


def test_a_secret_is_no_option_of_the_command_line_and_may_not_lie_in_the_settings(place, files, capsys):
    backup = make_backup(place / "backup", files)
    assert run(["extract", str(backup), *IMESSAGE, "--passphrase", "x"]) == 2
    capsys.readouterr()
    assert run(["extract", str(backup), *IMESSAGE, "--help"]) == 0
    assert VARIABLE in capsys.readouterr().out
    assert run(["extract", str(backup), *IMESSAGE, "-q"]) == 0
    workspace = Workspace("me.wonderland")
    workspace.configure("source", options={"passphrase": "x"})
    with pytest.raises(UsageError, match="holds passphrase of the source imessage, a secret") as caught:
        workspace.extract()
    assert VARIABLE in caught.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"bplist00rubbish", b"<?xml version='1.0'?><plist><array/></plist>", b"\xff" * 40]
)
def test_properties_that_cannot_be_read_are_no_encryption(place, files, content):
    backup = make_backup(place / "backup", files)
    (backup / "Manifest.plist").write_bytes(content)
    assert not is_encrypted(backup)
    assert len(wl.Corpus.read(backup, source="imessage")) > 20


def test_the_list_leads_nowhere_but_into_the_backup(place, files):
    backup = make_backup(place / "backup", files, hashed=False)
    (place / "outside").write_bytes(files[SMS])
    with sqlite3.connect(backup / "Manifest.db") as connection:
        connection.execute("UPDATE Files SET fileID = '../outside' WHERE domain = 'HomeDomain'")
    assert place_of(backup, SMS) is None
    (backup / "Manifest.db").write_bytes(b"no database")
    assert place_of(backup, CHATS) is None


BOTH = ("--source", "imessage", "--source", "whatsapp-db")


@pytest.mark.parametrize("phrase", [None, PHRASE])
def test_both_messengers_of_one_backup_make_one_corpus(place, files, phrase, monkeypatch):
    if phrase:
        pytest.importorskip("iphone_backup_decrypt", reason="pip install 'wonderland[backup]'")
    backup = make_backup(place / "backup", files, phrase)
    for variable in (VARIABLE, "WONDERLAND_WHATSAPP_DB_PASSPHRASE") if phrase else ():
        monkeypatch.setenv(variable, phrase)
    alone = {name: len(wl.Corpus.read(backup, source=name)) for name in ("imessage", "whatsapp-db")}
    read = wl.Corpus.read(backup, source=["imessage", "whatsapp-db"])
    assert [one.kept for one in read.stores] == list(alone.values())
    assert len(read) == sum(alone.values()) - read.ledger.count("joined")
    assert run(["extract", str(backup), *BOTH, "-q"]) == 0
    workspace = Workspace("me.wonderland")
    assert workspace.settings.source.stores == [(str(backup), "imessage"), (str(backup), "whatsapp-db")]
    corpus = workspace.extract()
    assert as_read(corpus.table) == as_read(read.table)
    assert corpus.ledger.entries == read.ledger.entries
    assert list((place / "temporary").iterdir()) == []


def test_the_pass_phrase_of_one_backup_is_asked_for_once(encrypted, monkeypatch):
    asked = []
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(stores.click, "prompt", lambda text, **how: asked.append(text) or PHRASE)
    assert run(["extract", str(encrypted), *BOTH, "-q"]) == 0
    assert asked == ["Pass phrase of the iPhone backup (not shown, not stored)"]


def test_a_messenger_of_a_backup_is_added_replaced_and_read_again_by_itself(place, files, capsys):
    backup = make_backup(place / "backup", files)
    assert run(["extract", str(backup), "-q"]) == 3
    assert "--source imessage --source whatsapp-db" in capsys.readouterr().err
    for words in ([*IMESSAGE], ["--add", "--source", "whatsapp-db"]):
        assert run(["extract", str(backup), *words, "-q"]) == 0
    source = Workspace("me.wonderland").settings.source
    assert source.stores == [(str(backup), "imessage"), (str(backup), "whatsapp-db")]
    assert source.paths == [str(backup)]
    kept = Path("me.wonderland/stores/imessage/stage.json").stat().st_mtime_ns
    add = ["extract", "--add", str(backup), "--source", "whatsapp-db", "-q"]
    assert run(add) == 0  # it takes its own place again
    assert Workspace("me.wonderland").settings.source.stores == source.stores
    assert Path("me.wonderland/stores/imessage/stage.json").stat().st_mtime_ns == kept
    capsys.readouterr()
    assert run(["extract", "--add", str(backup), *IMESSAGE, "-q"]) == 2
    assert "is read already" in capsys.readouterr().err
    assert run(["extract", str(backup), "--source", "whatsapp-db"]) == 0
    told = capsys.readouterr().err
    assert f"reads {backup} (whatsapp-db) in place of {backup} (imessage)" in told
    assert f"To have both: wonderland extract --add {backup} --source imessage\n" in told
    assert run(["extract", *BOTH, "-q"]) == 0  # of the one store that is read
    assert Workspace("me.wonderland").settings.source.stores == source.stores


def test_a_source_is_named_for_each_store_or_for_none(place, files, capsys):
    backup = make_backup(place / "backup", files)
    (place / "a.jsonl").write_text('{"sender": "me", "text": "hi"}\n')
    assert run(["extract", str(backup), "a.jsonl", *IMESSAGE, "-q"]) == 2
    assert "There are 2 stores and 1 source named" in capsys.readouterr().err
    assert run(["extract", str(backup), "a.jsonl", *IMESSAGE, "--source", "", "-q"]) == 0
    both = [(str(backup), "imessage"), (str(place / "a.jsonl"), "")]
    assert Workspace("me.wonderland").settings.source.stores == both
    with pytest.raises(UsageError, match="There are 2 stores and 1 source"):
        wl.Corpus.read(backup, place / "a.jsonl", source="imessage")


@pytest.mark.parametrize("source", ["imessage", "whatsapp-db"])
@pytest.mark.parametrize("phrase", [None, PHRASE])
def test_a_backup_without_messages_is_told_as_a_backup(place, source, phrase):
    if phrase:
        pytest.importorskip("Crypto", reason="pip install 'wonderland[backup]'")
    backup = make_backup(place / "backup", {AppFile("HomeDomain", "Library/Other.db"): b"x"}, phrase)
    with pytest.raises(InputError, match=r"It is a backup of an iPhone, and neither") as caught:
        wl.Corpus.read(backup)
    assert "in Finder" in caught.value.hint
    with pytest.raises(InputError, match=r"There is no .* with .* in the backup") as caught:
        wl.Corpus.read(backup, source=source, passphrase=PHRASE)
    assert f"without --source: wonderland extract {backup}" in caught.value.hint


def test_with_both_messengers_of_an_encrypted_backup_both_variables_are_named(encrypted, monkeypatch):
    other = "WONDERLAND_WHATSAPP_DB_PASSPHRASE"
    both = ["imessage", "whatsapp-db"]
    with pytest.raises(InputError, match="It takes the pass phrase") as caught:
        wl.Corpus.read(encrypted, source=both)
    assert f"set {VARIABLE} and {other} for this command" in caught.value.hint
    monkeypatch.setenv(VARIABLE, PHRASE)
    with pytest.raises(InputError, match="It takes the pass phrase") as caught:
        wl.Corpus.read(encrypted, source=both)
    assert f"set {other} for this command" in caught.value.hint
