"""What an error or a note says to type works as it is printed: with the workspace, the other options, and quotation."""

import json
import re
import shlex

import pytest

from wonderland.cli.main import run
from wonderland.workspace.workspace import Workspace
from wonderland_exports.testing import make_sms, make_telegram, make_whatsapp

WHERE = "my place"


def lines(path, *rows):
    path.write_text("".join(json.dumps({"sender": who, "text": text}) + "\n" for who, text in rows))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with stores that need something said of them."""
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "a b.jsonl", ("me", "hi"), ("Ada", "ho"))
    lines(tmp_path / "c.jsonl", ("me", "hey"), ("Bo", "yes"))
    lines(tmp_path / "whose.jsonl", ("It's Ada", "hi"), ("Bo", "ho"))
    (tmp_path / "mix").mkdir()
    make_telegram(tmp_path / "mix" / "result.json", 40)
    make_whatsapp(tmp_path / "mix" / "WhatsApp Chat with Bo.txt", 30)
    (tmp_path / "both").mkdir()  # the account says who its owner is, the group does not
    make_telegram(tmp_path / "both" / "result.json", 40)
    group = [f"28/11/2019, 23:1{at} - {who}: word {at}" for at, who in enumerate(["Ada", "Bo", "Cy", "Bo"])]
    (tmp_path / "both" / "WhatsApp Chat with Us.txt").write_text("\n".join(group) + "\n")
    whole = (tmp_path / "mix" / "result.json").read_bytes()
    (tmp_path / "cut it.json").write_bytes(whole[: len(whole) // 2])
    make_sms(tmp_path / "sms.xml", 40)
    whole = (tmp_path / "sms.xml").read_bytes()
    (tmp_path / "cut.xml").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "when.csv").write_text("sender,text,date\nme,hi,01/02/2024 10:00\nBo,ho,02/03/2024 10:00\n")
    (tmp_path / "odd.csv").write_text("sender,body of it,date\nme,hi,2024-01-02\nBo,ho,2024-01-03\n")
    return tmp_path


def advised(told: str) -> list[list[str]]:
    """Return the commands that are printed, as words: each behind a colon, or behind another."""
    told = " ".join(told.split("\n"))
    found = re.findall(r"(?:: |&& )(wonderland extract .*?)(?= && |\. [A-Z]| or --| \(|; |\.? *$)", told)
    return [shlex.split(one)[1:] for one in found]


@pytest.mark.parametrize("store", ["mix", "a b.jsonl", "none.zip", "whatsapp"])
@pytest.mark.parametrize(
    ("typed", "wrong", "near"),
    [
        (["{}", "--sorce", "whatsapp"], "--sorce", "--source"),
        (["--sorce", "whatsapp", "{}"], "--sorce", "--source"),
        (["--mee", "Ada", "{}"], "--mee", "--me"),
        (["--mee=Ada", "{}"], "--mee", "--me"),
        (["--soruce", "telegram", "--me", "Ada", "{}"], "--soruce", "--source"),
        (["{}", "--source", "telegram", "--mee", "Ada"], "--mee", "--me"),
        (["--me", "mix", "{}", "--partail"], "--partail", "--partial"),
        (["{}", "-Z"], "-Z", ""),
    ],
    ids=" ".join,
)
def test_a_mistyped_option_is_answered_wherever_it_stands_and_whatever_else_is_wrong(
    place, capsys, store, typed, wrong, near
):
    if near == "--partial" and store == "a b.jsonl":
        near = ""  # a source without it
    assert run(["extract", *(word.format(store) for word in typed)]) == 2
    told = capsys.readouterr().err
    assert f"has no option {wrong}." in told
    assert f"Did you mean {near}" in told or not near
    assert not (place / "me.wonderland").exists()


def test_the_value_of_an_option_is_no_store(place, capsys):
    """A file of that name lies there."""
    lines(place / "Ada", ("me", "hi"))
    assert run(["extract", "--me", "Ada", "whose.jsonl", "-q"]) == 3
    assert "No message in whose.jsonl was sent by 'Ada'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "advice", "kept"),
    [
        (["cut it.json", "--me", "Ada"], ["--partial"], ["--me", "Ada"]),
        (["cut.xml", "--country", "gb"], ["--partial"], ["--country", "gb"]),
        (["whose.jsonl", "--order", "file"], ["--me", "It's Ada"], ["--order", "file"]),
        (["whose.jsonl", "--me", "Zed", "--order", "file"], ["--me", "NAME"], ["--order", "file"]),
        (["when.csv", "--order", "file"], ["--dates", "dmy"], ["--order", "file"]),
        (["a b.jsonl", "--source", "csv"], ["--source", "jsonl"], []),
        (["mix", "--me", "Ada"], ["--source", "telegram", "--source", "whatsapp"], ["--me", "Ada"]),
        (["mix", "a b.jsonl", "--me", "Ada"], ["--source", "telegram", "--source", ""], ["--me", "Ada"]),
        (["a b.jsonl", "mix"], ["--source", "", "--source", "telegram", "--source", "whatsapp"], []),
        (["a b.jsonl", "whose.jsonl", "--order", "file"], ["--me", "me", "--me", "It's Ada"], ["--order", "file"]),
        (["both", "--source", "telegram", "--source", "whatsapp"], ["--me", "", "--me", "Bo"], []),
        (["both", "--source", "whatsapp", "--source", "telegram"], ["--me", "Bo", "--me", ""], []),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else one,
)
def test_what_an_error_says_to_type_keeps_what_was_typed_and_works(place, capsys, typed, advice, kept):
    assert run(["extract", *typed, "-q", "-w", WHERE]) == 3
    commands = advised(capsys.readouterr().err)
    assert commands
    for words in commands:
        words = [*words]
        at = words.index("-w")
        assert words[at : at + 2] == ["-w", WHERE]
        assert " ".join(kept) in " ".join(words)
        assert run([*("Bo" if word == "NAME" else word for word in words), "-q"]) == 0
    assert any(" ".join(advice) in " ".join(words) for words in commands)


def test_a_value_that_is_refused_is_answered_with_the_store_that_was_typed(place, capsys):
    chat = "mix/WhatsApp Chat with Bo.txt"
    assert run(["extract", "c.jsonl", "-w", WHERE, "-q"]) == 0
    assert run(["extract", chat, "--dates", "xyz", "--names", "-w", WHERE]) == 2
    (words,) = advised(capsys.readouterr().err.partition(". `wonderland")[0])
    assert words == ["extract", chat, "--dates", "dmy", "--names", "-w", WHERE]
    assert run([*words, "-q"]) == 0
    assert Workspace(WHERE).settings.source.path.endswith(chat)


def test_a_folder_of_tables_is_answered_without_those_that_are_empty_or_hidden(place, capsys):
    (place / "all").mkdir()
    lines(place / "all" / "a.jsonl", ("me", "hi"))
    (place / "all" / "main.jsonl").touch()
    (place / "all" / ".main.jsonl").write_text("hidden")
    for more in (0, 3):
        for number in range(more):
            lines(place / "all" / f"{number}.jsonl", ("me", "hi"))
        assert run(["extract", "all", "-w", WHERE]) == 3
        (words,) = advised(capsys.readouterr().err)
        assert run([*words, "-q"]) == 0
        assert len(Workspace(WHERE).settings.source.stores) == 1 + more
    (place / "all" / "a.jsonl").write_text("")
    (place / "all" / "b.png").write_text("no table")
    for number in range(3):
        (place / "all" / f"{number}.jsonl").unlink()
    assert run(["extract", "all", "-w", WHERE]) == 3
    assert "Give the file with the messages itself." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([["a b.jsonl"]], ["c.jsonl"]),
        ([["a b.jsonl", "c.jsonl", "--source", "", "--source", "jsonl"]], ["odd.csv", "--text", "body of it"]),
        ([["mix", "--source", "telegram", "--me", "Ada"]], ["mix", "--source", "whatsapp"]),
        ([["mix", "--source", "telegram", "--source", "whatsapp", "--me", "Ada"]], ["a b.jsonl"]),
        (
            [["c.jsonl"], ["--add", "whose.jsonl", "--me", "It's Ada"], ["--add", "cut it.json", "--partial"]],
            ["odd.csv"],
        ),
    ],
    ids=["one", "with a source", "one place with two sources", "both at once", "with options of their own"],
)
def test_what_has_both_stores_read_works_as_it_is_printed(place, capsys, before, after):
    needed = {"cut it.json": ["--me", "Ada"], "odd.csv": ["--text", "body of it"]}
    for typed in before:
        more = [word for store, words in needed.items() if store in typed for word in words]
        assert run(["extract", *typed, *more, "-q", "-w", WHERE]) == 0
    settings = Workspace(WHERE).settings.source
    held = [settings.options, *(one["options"] for one in settings.more)]
    held = {(path, source): options for (path, source), options in zip(settings.stores, held, strict=True)}
    more = [word for store, words in needed.items() if store in after and "--text" not in after for word in words]
    capsys.readouterr()
    assert run(["extract", *after, *more, "-w", WHERE]) == 0
    told = capsys.readouterr().err
    replacing = Workspace(WHERE).settings.source
    commands = advised(told[told.index("To have both") :].partition("\n")[0])
    for words in commands:
        assert run([*words, "-q"]) == 0
    settings = Workspace(WHERE).settings.source
    now = [settings.options, *(one["options"] for one in settings.more)]
    now = {(path, source): options for (path, source), options in zip(settings.stores, now, strict=True)}
    assert now == {(replacing.path, replacing.source): replacing.options, **held}
