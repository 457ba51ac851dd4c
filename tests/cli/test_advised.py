"""Advice of errors: whole commands after any command, arguments in a script, and of strangers their text."""

import shlex
from pathlib import Path

import pytest

import wonderland as wl
from wonderland.advice import Hint, Options, of_command
from wonderland.cli import analysis, pipeline
from wonderland.cli.main import run
from wonderland.errors import InputError, UsageError
from wonderland.workspace.workspace import Workspace


@pytest.fixture
def undecided(tmp_path, monkeypatch):
    """A table whose dates can be read in two ways, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my when.csv").write_text("sender,text,date\nme,hi,01/02/2024 10:00\nBo,ho,02/03/2024 10:00\n")
    return "my when.csv"


def advised(capsys, code, *words):
    """Return the command that an error proposes, as words."""
    capsys.readouterr()
    assert run([*words]) == code
    told = " ".join(capsys.readouterr().err.split())
    return shlex.split(told.rpartition(": wonderland ")[2].partition(" or --")[0])


def test_what_another_command_lacks_is_proposed_of_the_one_that_has_it(undecided, capsys):
    workspace = Workspace.create("my place")
    workspace.configure("source", path=str(Path(undecided).absolute()))
    words = advised(capsys, 3, "run", "-w", "my place", "-q")
    assert words == ["extract", "--dates", "dmy", "-w", "my place"]
    assert run([*words, "-q"]) == 0
    assert [message.timestamp.month for message in workspace.extract()] == [2, 3]


def test_a_script_is_told_arguments(undecided):
    with pytest.raises(InputError, match="Say which, for example: dates='dmy' or dates='mdy'"):
        wl.Corpus.read(undecided)
    assert len(wl.Corpus.read(undecided, dates="dmy")) == 2


@pytest.mark.parametrize(
    ("typed", "wrong", "right"),
    [
        (["--order", "up"], "up", "file"),
        (["--dates", "dmy", "--delimiter", "ab"], "ab", ";"),
        (["--dates", "dmy", "--quotes", "often"], "often", "yes"),
        (["--dates", "dmy", "--encoding", "none"], "none", "cp1252"),
        (["--dates", "us"], "us", "dmy"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_option_of_a_table_that_is_refused_is_answered_with_the_whole_command(
    undecided, capsys, typed, wrong, right
):
    words = advised(capsys, 2, "extract", undecided, *typed, "-q")
    assert words[:2] == ["extract", undecided]
    assert sorted(words) == sorted(right if one == wrong else one for one in ["extract", undecided, *typed, "-q"])


@pytest.mark.parametrize("words", [[], ["induction"], ["induction", "--sequences", "0"]], ids=" ".join)
def test_an_option_of_an_analysis_is_proposed_with_its_name(capsys, monkeypatch, tmp_path, words):
    Workspace.create(tmp_path / "w")

    def fails(*_, **__):
        hint = of_command(Hint("For example: ", Options(sequences=8)), "analyze", "induction")
        raise UsageError("There are none.", hint=hint)

    monkeypatch.setattr(analysis, "run_analyses", fails)
    monkeypatch.setattr(pipeline, "read_messages", fails)
    where = ["-w", str(tmp_path / "w")]
    found = advised(capsys, 2, "analyze", *words, *where)
    assert sorted(found) == sorted(["analyze", "induction", "--sequences", "8", *where])
    assert advised(capsys, 2, "run", *where) == ["analyze", "induction", "--sequences", "8", *where]


def test_what_is_to_be_added_comes_with_what_was_typed(tmp_path, capsys):
    place = tmp_path / "my place"
    Workspace.create(place)
    for typed, added in (
        (["report", "--contacts", "7"], "--redact"),
        (["compare", "--steps", "9", "--by", "speaker"], "--heads"),
    ):
        assert advised(capsys, 2, *typed, "-w", str(place)) == [*typed, "-w", str(place), added]


@pytest.mark.parametrize("hint", ["Run `wonderland train` first, or say --partial.", "To keep it: --partial"])
def test_what_a_stranger_says_in_text_alone_is_shown_and_its_commands_get_the_workspace(
    undecided, capsys, monkeypatch, hint
):
    def fails(*_, **__):
        raise InputError("It is strange.", hint=hint)

    monkeypatch.setattr("wonderland.corpus.csv_source.CsvSource.count", fails)
    assert run(["extract", undecided, "-w", "w", "-q"]) == 3
    told = capsys.readouterr().err
    assert hint.replace("`wonderland train`", "`wonderland train -w w`") in told
