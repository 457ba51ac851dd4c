"""`wonderland compare` as a person types it: what is apart, refused, kept on a redacted page, and left behind."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from wonderland.cli.main import run
from wonderland.model.presets import PRESETS, Config

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from unpacking import unpacked

WORDS = np.array(["rain", "again", "maybe", "later", "fine", "sure", "home", "soon", "work", "today"])
ODD = {"Ann Quill": "cheerio", "Bob Stone": "farewell"}


def store(path, begin, seed=0, each=1600):
    """Write two people's chats: an odd word of each, and one more from the year after the first on."""
    random, rows = np.random.default_rng(seed), []
    for who, odd in ODD.items():
        for i in range(each):
            when = begin + timedelta(hours=12 * i)
            text = [
                *random.choice(WORDS, 3),
                *([odd] if i % 3 == 0 else []),
                *(["zounds"] if when.year > begin.year else []),
            ]
            mine = bool(i % 2)
            rows.append(
                {
                    "id": f"{who}{i}{begin}",
                    "conversation": f"with {who}",
                    "sender": "me" if mine else who,
                    "is_from_me": mine,
                    "timestamp": when.isoformat(),
                    "text": " ".join(text),
                }
            )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace after `wonderland filter`, and another one of other chats."""
    folder = tmp_path_factory.mktemp("compare")
    for name, year in (("me", 2020), ("other", 2010)):
        chats = store(folder / f"{name}.jsonl", datetime(year, 1, 1, tzinfo=UTC), seed=year)
        assert run(["extract", "-q", "-w", str(folder / f"{name}.wonderland"), "--names", str(chats)]) == 0
        assert run(["filter", "-q", "-w", str(folder / f"{name}.wonderland")]) == 0
    return folder


def compare(place, capsys, *words):
    capsys.readouterr()
    code = run(["compare", "-q", "-w", str(place / "me.wonderland"), "--permutations", "20", *words])
    return code, capsys.readouterr()


def flat(text):
    return " ".join(text.split())


@pytest.mark.slow
def test_periods_are_told_apart_by_their_words_and_nothing_but_the_page_is_left(place, capsys):
    before = {path for path in place.rglob("*") if path.is_file()}
    code, said = compare(place, capsys, "--by", "period", "--at", "2021-01-01")
    assert code == 0
    assert "before 2021-01-01 and since 2021-01-01 are" in flat(said.out)
    assert "zounds" in said.out
    page = place / "me.wonderland" / "compare.html"
    left = {path for path in place.rglob("*") if path.is_file()} - before
    assert {path for path in left if path.suffix not in (".json", ".toml")} == {page}
    assert any("zounds" in part for part in unpacked(page.read_bytes()))
    assert any("There is no model on this page." in part for part in unpacked(page.read_bytes()))


@pytest.mark.slow
def test_three_periods_are_compared_each_with_each(place, capsys):
    code, said = compare(place, capsys, "--by", "period", "--at", "2020-10-01", "--at", "2021-07-01")
    assert code == 0
    assert flat(said.out).count("nats a token apart") == 3


def test_words_and_names_of_contacts_are_on_no_redacted_page_and_in_no_line_about_it(place, capsys, tmp_path):
    page = tmp_path / "page.html"
    code, said = compare(place, capsys, "--by", "contact", *ODD, "--redact", "--contacts", "1", "-o", str(page))
    assert code == 0
    assert "nats a token apart" in flat(said.out)
    parts = unpacked(page.read_bytes())
    for word in ("farewell", "cheerio", "Quill", "Stone"):
        assert not any(word in part for part in parts), word
        assert word not in said.out + said.err


@pytest.mark.slow
def test_words_of_contacts_are_on_a_page_that_is_not_redacted(place, capsys, tmp_path):
    open_page = tmp_path / "open.html"
    compare(place, capsys, "--by", "contact", *ODD, "-o", str(open_page))
    assert any("farewell" in part for part in unpacked(open_page.read_bytes()))


@pytest.mark.slow
def test_a_redacted_page_of_periods_shows_what_many_said_only(place, capsys, tmp_path):
    for contacts, there in (("2", True), ("3", False)):
        page = tmp_path / f"{contacts}.html"
        asked = ("--by", "period", "--at", "2021-01-01", "--redact", "--contacts", contacts, "-o", str(page))
        code, said = compare(place, capsys, *asked)
        assert code == 0
        assert any("zounds" in part for part in unpacked(page.read_bytes())) == there
        assert ("zounds" in said.out) == there


@pytest.mark.slow
def test_two_workspaces_are_compared(place, capsys):
    code, said = compare(place, capsys, str(place / "other.wonderland"))
    assert code == 0
    assert "The sides this workspace and the other workspace are" in flat(said.out)


@pytest.mark.parametrize(
    ("asked", "code", "why"),
    [
        (["--by", "period", "--at", "2020-01-20"], 4, "messages, and a side needs 1,000"),
        (["--by", "period"], 2, "Periods need the days at which they end"),
        (["--by", "period", "--at", "someday"], 2, "is no day"),
        (["--by", "contact", "Ann Quill"], 2, "name two or more"),
        (["--by", "contact", "Ann Quill", "me"], 2, "There is no contact 'me'"),
        (["--by", "contact", "Ann Quill", "Nobody"], 2, "There is no contact 'Nobody'"),
        (["--by", "speaker", "Ann Quill"], 2, "takes no names"),
        (["--by", "speaker", "--at", "2020-01-20"], 2, "--at says where periods end"),
        (["--by", "speaker", "--contacts", "3"], 2, "--contacts is about words that are left out"),
        (
            ["--by", "speaker", "--heads", "--contacts", "3"],
            2,
            "--heads --contacts 3 --redact",
        ),
        (["--by", "speaker", "--redact", "--steps", "5"], 2, "--steps is about models that are fine-tuned"),
        ([], 2, "Say what to compare"),
        (["me.wonderland"], 3, "messages in common"),
        (["nowhere"], 3, "There is no workspace"),
        (["mee"], 3, "Did you mean wonderland compare --by speaker -w"),
        (["--by", "speaker", "--heads"], 3, "The tokenizer was not made yet"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_to_type(place, capsys, monkeypatch, asked, code, why):
    monkeypatch.chdir(place)
    found, said = compare(place, capsys, *asked)
    assert found == code
    assert why in flat(said.err)


@pytest.mark.slow
def test_models_fine_tuned_on_both_sides_are_on_the_page_and_nowhere_else(place, capsys, monkeypatch):
    small = replace(PRESETS["nano"], config=Config(2, 2, 32, 16, 64, 64, 400))
    monkeypatch.setitem(PRESETS, "nano", small)
    folder = place / "me.wonderland"
    assert run(["tokenize", "-q", "-w", str(folder), "--preset", "nano", "--vocab-size", "400", "--by", "time"]) == 0
    assert run(["train", "-q", "-w", str(folder), "--epochs", "1", "--device", "cpu"]) == 0
    weights = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    code, said = compare(place, capsys, "--by", "period", "--at", "2020-12-01", "--heads", "--steps", "2")
    assert code == 0
    assert "of 4 heads kept their number in every twin." in flat(said.out)
    assert any("comparison-heads" in part for part in unpacked((folder / "compare.html").read_bytes()))
    assert {path: path.read_bytes() for path in folder.rglob("*.safetensors")} == weights
    code, said = compare(place, capsys, "--by", "contact", *ODD, "--heads", "--steps", "0")
    assert code == 2
