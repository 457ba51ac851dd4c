"""What is given and what is named do not fit: one answer for what is empty, and the source that a file looks like."""

import os
import shlex
from pathlib import Path

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.cli.main import run
from wonderland.corpus.source import choose_source
from wonderland.errors import InputError, OwnerUnknown, UsageError
from wonderland_exports.testing import make_discord, make_messenger, make_telegram, make_whatsapp

SOURCES = [None, *plugins.load().sources]
LINES = '{"text": "hi", "is_from_me": true}\n{"text": "ho", "is_from_me": false}\n'
TABLE = "sender,text\nme,hi\nBo,ho\n"


def refused(path: Path, source: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        wl.Corpus.read(path, source=source)
    return caught.value


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_empty_is_told_alike_whatever_source_is_to_read_it(source, tmp_path, write):
    (tmp_path / "folder" / "within").mkdir(parents=True)
    said = {
        write("file.txt", ""): "is empty.",
        write("blanks.txt", "\ufeff \n\n"): "There is nothing but blanks in",
        tmp_path / "folder": "is an empty folder.",
    }
    for path, told in said.items():
        error = refused(path, source)
        assert told in error.message
        assert error.hint.startswith(("Export your messages again", "Give the folder or file"))
    for count, told in ((1, "The one file in"), (2, "All of the 2 files in")):
        (tmp_path / "folder" / "within" / f"result{count}.json").touch()
        assert told in refused(tmp_path / "folder", source).message


def test_an_empty_copy_of_a_database_is_to_be_copied_again(write):
    assert "-wal" in refused(write("chat.db", "")).hint


def test_a_folder_that_holds_something_in_a_link_or_that_may_not_be_looked_into_is_not_called_empty(
    tmp_path, monkeypatch
):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    assert "empty" not in refused(tmp_path / "folder").message
    (tmp_path / "folder" / "link").unlink()

    def forbidden(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", forbidden)
    assert "empty" not in refused(tmp_path / "folder").message


@pytest.mark.parametrize(
    ("name", "content", "named", "looks"),
    [("a.jsonl", LINES, "csv", "jsonl"), ("a.csv", TABLE, "jsonl", "csv"), ("a.jsonl", LINES, "telegram", "jsonl")],
)
def test_a_file_that_another_source_recognises_is_said_to_be_its(write, name, content, named, looks):
    path = write(name, content)
    error = refused(path, named)
    assert f"looks like what {looks} reads, and the source {named!r} was named" in error.message
    assert error.hint == f"Leave --source out, or name that one: wonderland extract {path} --source {looks}"
    assert str(error).endswith(f"Leave source out, or name that one: source={looks!r}")
    assert len(wl.Corpus.read(path, source=looks)) == 2  # as it says


def test_of_several_stores_the_one_that_was_misnamed_is_told(write):
    lines, table = write("a.jsonl", LINES), write("b.csv", TABLE)
    with pytest.raises(InputError, match=r"b\.csv looks like what csv reads"):
        wl.Corpus.read(lines, table, source=["", "jsonl"])


def test_a_source_that_recognises_a_file_is_not_blamed_for_what_is_wrong_in_it(write):
    with pytest.raises(OwnerUnknown):
        wl.Corpus.read(write("a.csv", "sender,text\nAda,hi\nBo,ho\n"), source="csv")
    message = refused(write("b.csv", 'sender,text\nme,hi\nBo,"ho\n'), "csv").message
    assert "looks like" not in message
    assert "never closed" in message


@pytest.mark.parametrize("source", [None, "jsonl", "csv"])
def test_a_folder_of_tables_is_answered_with_what_is_in_it(tmp_path, write, source):
    (tmp_path / "my chats").mkdir()
    for name, content in (("a.jsonl", LINES), ("b.csv", TABLE)):
        write(f"my chats/{name}", content)
    hint = refused(tmp_path / "my chats", source).hint
    words = shlex.split(hint.partition("wonderland extract ")[2])
    assert len(wl.Corpus.read(*words)) == 4  # as it says
    for name in ("c", "d"):
        write(f"my chats/{name}.csv", TABLE)
    hint = refused(tmp_path / "my chats", source).hint
    assert hint.endswith(f"wonderland extract '{tmp_path}/my chats'/*.jsonl '{tmp_path}/my chats'/*.csv")


def test_a_folder_of_several_messengers_is_read_with_each_and_never_with_the_surest_alone(tmp_path, monkeypatch):
    place = tmp_path / "all of it"
    place.mkdir()
    make_telegram(place / "result.json", 40)
    make_whatsapp(place / "WhatsApp Chat with Bo.txt", 30)
    with pytest.raises(
        InputError, match=r"Several sources find something of theirs in .*: telegram, whatsapp"
    ) as caught:
        choose_source(place, plugins.load().sources)
    words = shlex.split(caught.value.hint.partition("with each: ")[2].partition(". With one")[0])
    monkeypatch.chdir(tmp_path)
    assert run(["extract", str(place), *words, "-q"]) == 0
    (place / "more").mkdir()
    make_discord(place / "more" / "discord.zip", 30)  # which is surer of itself
    make_messenger(place / "more" / "facebook.zip", 30)
    with pytest.raises(InputError, match="discord, messenger, telegram, whatsapp"):
        choose_source(place, plugins.load().sources)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"source": "jsonll"}, "There is no source named 'jsonll'.\nDid you mean jsonl? Sources: "),
        ({"mee": "Ada"}, "has no option 'mee'.\nDid you mean me? Its options: "),
        ({"me": ["Ada", "Bo"]}, "The option me is text, not list.\nFor example: me='Ada'"),
        ({"names": "yes"}, "Names is True or False"),
    ],
    ids=str,
)
def test_what_is_said_of_a_store_in_python_is_of_its_kind(options, told, write):
    path = write("a.jsonl", [{"sender": "Ada", "text": "hi"}])
    with pytest.raises(UsageError) as caught:
        wl.Corpus.read(path, **options)
    assert told in str(caught.value)


def test_what_is_on_or_off_is_not_a_word(tmp_path):
    path = make_telegram(tmp_path / "result.json", 30).path
    with pytest.raises(UsageError, match="The option partial is True or False, not str"):
        wl.Corpus.read(path, partial="yes")


def test_a_script_is_not_told_to_quote_a_path():
    for path in ("nothere/my chats.txt", "nothere"):
        with pytest.raises(InputError, match="There is nothing at") as caught:
            wl.Corpus.read(path)
        assert "quote it" in caught.value.hint
        assert "Check the path." in str(caught.value)
