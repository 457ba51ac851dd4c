"""Which source reads a file does not depend on the order of installation, and every refusal says what to do."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.messages import Message, Skipped
from wonderland.corpus.source import Source, choose_source, open_source
from wonderland.errors import InputError, PluginError, UsageError


def source(title: str, sure: object) -> type[Source]:
    class Planted:
        name: ClassVar[str] = title
        version: ClassVar[int] = 1

        def __init__(self, path: Path, *, year: Annotated[int, "read this year only"] = 0) -> None:
            self.path, self.year = path, year

        @classmethod
        def sniff(cls, path: Path) -> float:
            if isinstance(sure, Exception):
                raise sure
            return sure

        def count(self) -> int:
            return 0

        def rows(self) -> Iterator[Message | Skipped]:
            yield from ()

    return Planted


def among(*planted: type[Source]) -> dict[str, type[Source]]:
    return {one.name: one for one in planted}


@pytest.fixture
def file(write):
    return write("messages.bin", "something")


def test_the_built_in_sources_keep_to_the_protocol(file):
    assert isinstance(JsonLines(file), Source)
    assert isinstance(CsvSource(file), Source)


@pytest.mark.parametrize("order", [("low", "high"), ("high", "low")])
def test_the_surest_source_is_chosen_in_whatever_order_they_came(file, order):
    sure = {"low": 0.3, "high": 0.9}
    assert choose_source(file, among(*(source(name, sure[name]) for name in order))).name == "high"


def test_a_tie_is_an_error_that_names_the_tied_and_only_them(file):
    with pytest.raises(InputError, match=r"equally sure .*: one, two\.") as caught:
        choose_source(file, among(source("two", 0.9), source("one", 0.9), source("less", 0.1)))
    assert "--source one" in caught.value.hint


def test_a_named_source_is_taken_without_being_asked(file):
    assert choose_source(file, among(source("named", ValueError()), source("sure", 1.0)), "named").name == "named"


def test_an_unknown_name_lists_the_names_there_are(file):
    with pytest.raises(UsageError, match="no source named 'x'") as caught:
        choose_source(file, among(source("b", 1.0), source("a", 1.0)), "x")
    assert "a, b" in caught.value.hint


def test_nobody_recognising_the_file_is_an_error_that_names_the_choices(file):
    with pytest.raises(InputError, match="No source recognises") as caught:
        choose_source(file, among(source("a", 0.0)))
    assert "--source" in caught.value.hint


def test_a_folder_that_may_not_be_looked_into_is_not_recognised(tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "photo.jpg").write_bytes(b"x")
    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(InputError, match="No source recognises"):
        choose_source(tmp_path, {})


def test_a_folder_with_a_broken_archive_alone_says_so(tmp_path):
    (tmp_path / "chats.zip").write_bytes(b"PK\x03\x04 and no end")
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("photo.jpg", b"\xff")
    with pytest.raises(InputError, match=r"It holds chats\.zip, damaged or cut short") as caught:
        choose_source(tmp_path, {})
    assert "again" in caught.value.hint
    (tmp_path / "chats.zip").unlink()
    with pytest.raises(InputError) as caught:
        choose_source(tmp_path, {})
    assert "It holds" not in caught.value.message


def test_no_source_at_all_is_the_same_error(file):
    with pytest.raises(InputError, match="No source recognises"):
        choose_source(file, {})


def test_an_empty_file_is_called_empty(write):
    with pytest.raises(InputError, match="is empty"):
        choose_source(write("nothing.jsonl", ""), among(JsonLines, CsvSource))


def test_a_path_to_nothing_says_so_even_when_a_source_is_named(tmp_path):
    with pytest.raises(InputError, match="There is nothing at"):
        choose_source(tmp_path / "missing.db", among(JsonLines), "jsonl")


@pytest.mark.parametrize("error", [ValueError("broken"), RecursionError(), UnicodeDecodeError("utf-8", b"", 0, 1, "")])
def test_a_sniff_that_raises_names_the_guilty_source_and_the_way_around_it(file, error):
    with pytest.raises(PluginError, match="'guilty' failed to look at") as caught:
        choose_source(file, among(source("guilty", error), source("fine", 0.9)))
    assert "--source" in caught.value.hint


@pytest.mark.parametrize("score", [math.nan, 1.5, -0.1, math.inf])
def test_a_score_that_is_no_share_is_an_error_of_its_source(file, score):
    with pytest.raises(PluginError, match="'odd' says"):
        choose_source(file, among(source("odd", score), source("fine", 0.9)))


def test_options_reach_the_source(file):
    assert open_source(file, among(source("a", 1.0)), options={"year": 2019}).year == 2019


def test_an_option_the_source_lacks_lists_those_it_has(file):
    with pytest.raises(UsageError, match="'a' has no option 'colour'") as caught:
        open_source(file, among(source("a", 1.0)), options={"colour": "red"})
    assert caught.value.hint == "Its options: year."


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"\x1f\x8b", b"\xff\xfe", b"{", b"[1]", b"\x89PNG\r\n\x1a\n" * 9]
)
@pytest.mark.parametrize("reader", [JsonLines, CsvSource])
def test_the_built_in_sources_answer_about_any_file_without_raising(write, tmp_path, reader, content):
    assert reader.sniff(write("file", content)) == 0.0
    assert reader.sniff(tmp_path) == 0.0
