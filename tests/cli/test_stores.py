"""Stores and choices as they are typed, and the one question that may be asked."""

import json
import sys

import pytest

from wonderland.cli.main import run
from wonderland.workspace.workspace import Workspace


def write(path, *rows):
    lines = [json.dumps({"sender": who, "text": text, "timestamp": 1_700_000_000 + at}) for who, text, at in rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.jsonl", ("me", "hi", 0), ("Ada", "ho", 1))
    write(tmp_path / "b.jsonl", ("me", "hi", 0), ("Bo", "hey", 5))
    (tmp_path / "c.csv").write_text("who,body\nZed,hello\nAda,there\n")
    return tmp_path


def stores():
    source = Workspace("me.wonderland").settings.source
    return [(source.path, source.options), *((one["path"], one.get("options", {})) for one in source.more)]


def test_several_stores_are_typed_one_after_another(place, capsys):
    write(place / "b.jsonl", ("me", "hi", 0), ("Ada", "hey", 5))  # what is sent to somebody else is another message
    assert run(["extract", "a.jsonl", "b.jsonl", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ledger"]["stored"] == 4
    assert stores() == [(str(place / "a.jsonl"), {}), (str(place / "b.jsonl"), {})]
    assert run(["extract", "-q"]) == 0
    told = capsys.readouterr().out
    assert "a.jsonl, jsonl" in told
    assert "jsonl-2: also in jsonl" in told


def test_each_line_of_progress_names_its_store(place, capsys):
    assert run(["extract", "a.jsonl", "b.jsonl"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Reading: ")]
    assert told == ["Reading: 100% 2 of 2 rows of a.jsonl, jsonl", "Reading: 100% 2 of 2 rows of b.jsonl, jsonl-2"]
    assert run(["extract", "a.jsonl"]) == 0
    assert "Reading: 100% 2 of 2 rows\n" in capsys.readouterr().err  # of one there is nothing to tell apart


@pytest.mark.parametrize(
    "typed", [["a.jsonl", "b.jsonl", "./a.jsonl"], ["a.jsonl", "--source", "jsonl", "--source", ""]], ids=" ".join
)
def test_a_store_that_is_given_twice_is_not_counted_twice(place, capsys, typed):
    assert run(["extract", *typed]) == 2
    assert "a.jsonl is given twice.\nGive each store once" in capsys.readouterr().err
    assert not (place / "me.wonderland" / "corpus").exists()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["a.jsonl", "--source", "jsonl", "--source", "jsonl"], "a.jsonl is given twice with the source 'jsonl'."),
        (["a.jsonl", "b.jsonl", "--me", "A", "--me", "B", "--me", "C"], "b.jsonl (jsonl)."),
    ],
    ids=["a source twice", "an option too often"],
)
def test_a_refused_extract_names_what_is_meant_and_leaves_no_workspace(place, capsys, typed, why):
    assert run(["extract", *typed]) == 2
    assert why in capsys.readouterr().err
    assert not (place / "me.wonderland").exists()


def test_several_stores_are_said_to_be_written_in_a_few_words(place, capsys):
    def written(*typed):
        assert run(["extract", *typed]) == 0
        return [
            line.partition("wonderland.toml: ")[2] for line in capsys.readouterr().err.split("\n") if "Written" in line
        ]

    assert written("a.jsonl", "b.jsonl") == ["[source] 2 stores"]
    assert written("--add", "c.csv", "--text", "body", "--sender", "who", "--me", "Zed") == [
        "[source] 3 stores; you are Zed; options: sender, text"
    ]
    write(place / "d.jsonl", ("Bo", "hi", 0), ("Ada", "ho", 1))
    assert written("a.jsonl", "d.jsonl", "--me", "Ada", "--names") == ["[source] 2 stores; you are Ada, names = True"]
    assert written("a.jsonl", "--me", "Ada") == [f"[source] path = '{place / 'a.jsonl'}'"]
    assert written("d.jsonl", "--me", "Bo") == [f"[source] path = '{place / 'd.jsonl'}', me = 'Bo'"]
    assert written("d.jsonl", "--text", "text", "--me", "Bo") == ["[source] text = 'text', me = 'Bo'"]


def test_an_option_goes_to_the_stores_whose_source_has_it(place):
    words = ["--text", "body", "--sender", "who", "--me", "Zed", "--names"]
    assert run(["extract", "a.jsonl", "-q"]) == 0
    assert run(["extract", "--add", "c.csv", *words, "-q"]) == 0
    options = {"text": "body", "sender": "who", "me": "Zed"}
    assert stores() == [(str(place / "a.jsonl"), {}), (str(place / "c.csv"), options)]
    assert run(["extract", "--add", "b.jsonl", "-q"]) == 0
    assert [path for path, _ in stores()] == [str(place / name) for name in ("a.jsonl", "c.csv", "b.jsonl")]
    assert run(["extract", "--add", "c.csv", "--text", "body", "--sender", "who", "--me", "Ada", "-q"]) == 0
    assert [options.get("me") for _, options in stores()] == [None, "Ada", None]
    assert run(["extract", "b.jsonl", "-q"]) == 0
    assert stores() == [(str(place / "b.jsonl"), {})]


def test_what_is_no_longer_read_is_said_with_how_to_have_both(place, capsys):
    assert run(["extract", "a.jsonl"]) == 0
    assert run(["extract", "a.jsonl", "b.jsonl"]) == 0
    assert "in place of" not in capsys.readouterr().err
    assert run(["extract", "c.csv", "--text", "body", "--sender", "who", "--me", "Zed"]) == 0
    told = capsys.readouterr().err
    a, b, c = (place / name for name in ("a.jsonl", "b.jsonl", "c.csv"))
    assert f"This reads {c} in place of {a}, {b}. To have both: wonderland extract --add {a} {b}\n" in told
    assert run(["extract"]) == run(["extract", "--add", "a.jsonl"]) == 0
    assert "in place of" not in capsys.readouterr().err


def test_a_store_that_was_not_read_is_not_said_to_be_written(place, capsys):
    assert run(["extract", "a.jsonl", "b.jsonl", "-q"]) == 0
    (place / "bad.jsonl").write_text('{"a": 1}\n')
    before = (place / "me.wonderland" / "wonderland.toml").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run(["extract", "bad.jsonl"]) == 3
    assert "Written to" not in capsys.readouterr().err
    assert (place / "me.wonderland" / "wonderland.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["extract", "--add", "a.jsonl"], 2, "nothing to add to yet"),
        (["extract", "a.jsonl", "b.jsonl", "--source", "jsonl"], 2, "There are 2 stores and 1 source named"),
        (["extract", "a.jsonl", "b.jsonl", "--colour", "red"], 2, "--colour"),
        (["extract", "a.jsonl", "none.jsonl"], 3, "nothing at"),
    ],
)
def test_what_cannot_be_read_together_is_said(place, words, code, why, capsys):
    assert run([*words, "-q"]) == code
    assert why in capsys.readouterr().err


def test_what_could_not_be_read_is_not_what_the_workspace_is_about(place):
    assert run(["extract", "a.jsonl", "-q"]) == 0
    (place / "bad.jsonl").write_text('{"a": 1}\n')
    assert run(["extract", "--add", "bad.jsonl", "-q"]) == 3
    assert stores() == [(str(place / "a.jsonl"), {})]
    assert run(["extract", "--add", "a.jsonl", "-q"]) == 2


def answers(monkeypatch, *words):
    """Let there be a terminal at which somebody types."""
    typed = iter(words)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(typed))


@pytest.mark.parametrize("answer", ["2", "Ada"])
def test_who_is_me_is_asked_once_on_a_terminal_and_remembered(place, monkeypatch, capsys, answer):
    write(place / "d.jsonl", ("Bo", "hi", 0), ("Ada", "ho", 1), ("Bo", "hey", 2))
    assert run(["extract", "a.jsonl", "-q"]) == 0
    answers(monkeypatch, answer)
    assert run(["extract", "--add", "d.jsonl", "-q"]) == 0
    assert stores()[1] == (str(place / "d.jsonl"), {"me": "Ada"})
    told = capsys.readouterr().out
    assert "Bo" in told
    assert "2 messages" in told
    assert run(["extract", "-q"]) == 0


def test_nobody_is_asked_without_a_terminal(place, capsys):
    write(place / "d.jsonl", ("Bo", "hi", 0), ("Ada", "ho", 1))
    assert run(["extract", "d.jsonl", "-q"]) == 3
    told = capsys.readouterr().err
    assert "d.jsonl does not say which of its senders is you. Most messages were sent by 'Bo' (1), 'Ada' (1)." in told
    assert "--me Bo" in told
    assert run(["extract", "a.jsonl", "d.jsonl", "-q"]) == 3
    told = capsys.readouterr().err
    assert f"wonderland extract {place / 'a.jsonl'} {place / 'd.jsonl'} --me me --me NAME" in told
    assert run(["extract", "a.jsonl", "d.jsonl", "--me", "me", "--me", "Ada", "-q"]) == 0
    assert run(["extract", "a.jsonl", "-q"]) == run(["extract", "--add", "d.jsonl", "--me", "Ada", "-q"]) == 0


def test_an_answer_that_is_nobody_is_an_error(place, monkeypatch):
    write(place / "d.jsonl", ("Bo", "hi", 0), ("Ada", "ho", 1))
    answers(monkeypatch, "7", "Bo")
    assert run(["extract", "d.jsonl", "-q"]) == 0
    assert stores()[0][1] == {"me": "Bo"}


def test_choices_are_typed_remembered_and_taken_back(place, capsys):
    assert run(["extract", "a.jsonl", "b.jsonl", "-q"]) == 0
    capsys.readouterr()
    assert (
        run(["filter", "--none", "--since", "2023-11-14T22:13:21", "--person", "Ada", "--only-direct", "--json"]) == 0
    )
    ledger = json.loads(capsys.readouterr().out)["ledger"]
    assert {(entry[0], entry[1]) for entry in ledger["entries"]} >= {
        ("dates", "before"),
        ("people", "conversation without the people chosen"),
    }
    f = Workspace("me.wonderland").settings.filter
    assert (f.since, f.person, f.only_direct) == ("2023-11-14T22:13:21", ["Ada"], True)
    assert run(["filter", "--since", "", "--person", "", "--no-only-direct", "-q"]) == 0
    f = Workspace("me.wonderland").settings.filter
    assert (f.since, f.person, f.only_direct) == ("", [], False)
    assert run(["filter", "--since", "tomorrow", "-q"]) == 2
    assert "which is no date" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--since", "2050-01-01"], "What goes: dates: before (3)."),
        (["--only", "urls"], "What goes: urls: only links (3)."),
        (["--only", "urls", "--until", "2023-11-14T22:13:21"], "What goes: dates: after (2), urls: only links (1)."),
    ],
)
@pytest.mark.parametrize("filtered", [False, True])
def test_choices_that_leave_no_message_are_refused_and_taken_back(words, why, filtered, place, monkeypatch, capsys):
    write(place / "links.jsonl", *[(who, "https://example.org/a", at) for at, who in enumerate(("me", "Ada", "me"))])
    assert run(["extract", "links.jsonl", "-q"]) == 0
    if filtered:
        assert run(["filter", "--none", "-q"]) == 0
    before = {path: path.read_bytes() for path in place.joinpath("me.wonderland").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(["filter", *words, "-q"]) == 3
    said = capsys.readouterr()
    assert "Of 3 messages none would be left" in said.err
    assert why in " ".join(said.err.split())
    assert "Next" not in said.out
    assert {path: path.read_bytes() for path in place.joinpath("me.wonderland").rglob("*") if path.is_file()} == before


def test_one_message_that_stays_in_a_later_block_is_enough(place, monkeypatch):
    write(place / "links.jsonl", *[("Ada", "https://example.org/a", at) for at in range(4)], ("me", "hello", 9))
    assert run(["extract", "links.jsonl", "-q"]) == 0
    assert run(["filter", "--only", "urls", "-q"]) == 0


def test_status_and_wipe_name_every_store(place, capsys):
    assert run(["extract", "a.jsonl", "b.jsonl", "-q"]) == 0
    capsys.readouterr()
    paths = [str(place / "a.jsonl"), str(place / "b.jsonl")]
    assert run(["status"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("Reads ")] == [
        f"Reads {path}" for path in paths
    ]
    assert run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stores"] == paths
    assert run(["wipe", "--yes"]) == 0
    told = capsys.readouterr().out
    assert all(f"Never touched: {path}, which the messages were read from." in told for path in paths)


def test_a_file_whose_name_begins_with_a_dash_is_read_or_told_how_to_be_typed(place, capsys):
    (place / "a.jsonl").rename("-a.jsonl")
    assert run(["extract", "-a.jsonl", "-q"]) == 2
    assert "Write ./-a.jsonl for the file." in capsys.readouterr().err
    for words in (["./-a.jsonl"], ["--", "-a.jsonl"], ["--me", "Ada", "--", "-a.jsonl"]):
        assert run(["extract", "-q", *words]) == 0
        assert stores()[0][0] == str(place / "-a.jsonl")
    assert stores()[0][1] == {"me": "Ada"}
    assert run(["extract", "-z.jsonl", "-q"]) == 2
    assert "has no option -z" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why", "typed", "untold"),
    [
        (["--person", "Ada"], "'Ada' is you here", "--person me", "wrote no message"),
        (["--not-person", "Ada"], "'Ada' is you here", "--not-person me", "wrote no message"),
        (["--person", "me", "--since", "2050-01-01"], "dates: before (3)", "--since ''", "--none"),
        (
            ["--person", "Bo", "--since", "2023-11-14T22:13:22"],
            "'P001' wrote messages here, but none in",
            "--since ''",
            "Most",
        ),
        (["--only", "urls"], "urls: only links (3)", "--none", "--since"),
    ],
)
def test_why_nobody_is_found_is_what_is_said(words, why, typed, untold, place, capsys):
    write(place / "links.jsonl", *[(who, "https://example.org/a", at) for at, who in enumerate(("Ada", "Bo", "Ada"))])
    assert run(["extract", "links.jsonl", "--me", "Ada", "-q"]) == 0
    capsys.readouterr()
    assert run(["filter", *words, "-q"]) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert why in said
    assert typed in said
    assert untold not in said


def test_somebody_who_wrote_nothing_in_the_time_chosen_can_be_left_out(place, capsys):
    write(place / "a.jsonl", ("Ada", "one", 0), ("Bo", "two", 1), ("Ada", "three", 2))
    assert run(["extract", "a.jsonl", "--me", "Ada", "-q"]) == 0
    assert run(["filter", "--not-person", "Bo", "--since", "2023-11-14T22:13:22", "--none", "-q"]) == 0
    assert "1" in capsys.readouterr().out.split()
