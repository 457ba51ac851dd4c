"""What stands between cells and around them is told by the whole file, and every row of it is accounted for."""

from __future__ import annotations

import csv
import io

import pytest

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.messages import Skipped
from wonderland.errors import InputError, UsageError


def rows(path, **options):
    source = CsvSource(path, **options)
    found = list(source.rows())
    assert len(found) == source.count()
    return found


def texts(path, **options):
    return [row.text for row in rows(path, **options)]


def written(delimiter, records, **how):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, **how).writerows(records)
    return out.getvalue()


# -- the delimiter ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("crowded", ["tags (x, y, z, w)", "a;b;c;d", "one|two|three", "who, what; when | where"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_header_full_of_other_delimiters_is_read_by_the_names_it_holds(write, delimiter, crowded, quoting):
    records = [["message", crowded, "author"], ["see you, then; or | not", "", "Ivo"], ["ok", "x", "me"]]
    path = write("a.csv", written(delimiter, records, quoting=quoting))
    assert texts(path) == ["see you, then; or | not", "ok"]
    assert CsvSource.sniff(path) == 0.8


def test_names_the_user_gives_tell_the_delimiter(write):
    path = write("a.csv", 'was (kurz, lang, oder, so);"wer, genau"\nhallo;Ivo\ngut, danke;ich\n')
    assert texts(path, text="was (kurz, lang, oder, so)", sender="wer, genau", me="ich") == ["hallo", "gut, danke"]


def test_a_header_of_unknown_names_goes_by_records_of_one_length(write):
    path = write("a.csv", "wer;was\nIvo;ja, nein, doch\nich;so, so\n")
    assert texts(path, text="was", sender="wer", me="ich") == ["ja, nein, doch", "so, so"]


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=; "])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_first_line_that_says_the_delimiter_is_no_header(write, line, encoding):
    content = f"{line}\r\nnote;body;from\r\na, b;hello, you;Ivo\r\n;fine;me\r\n"
    path = write("a.csv", content.encode(encoding))
    assert texts(path) == ["hello, you", "fine"]
    assert CsvSource.sniff(path) == 0.8


def test_it_may_say_a_tab(write):
    assert texts(write("a.csv", "sep=\t\nfrom\ttext\nme\thi, you\n")) == ["hi, you"]


@pytest.mark.parametrize(("option", "character"), [("tab", "\t"), (";", ";"), ("~", "~"), ("\\t", "\t")])
def test_the_user_may_say_what_stands_between_cells(write, option, character):
    path = write("a.csv", f"text{character}from\nhi, you{character}me\n")
    assert texts(path, delimiter=option) == ["hi, you"]


@pytest.mark.parametrize("wrong", ["::", '"', "\n"])
def test_what_cannot_stand_between_cells_is_refused(write, wrong):
    with pytest.raises(UsageError, match="cannot stand between cells") as caught:
        CsvSource(write("a.csv", "text,from\nhi,me\n"), delimiter=wrong)
    assert "--delimiter" in caught.value.hint


def test_an_encoding_may_be_named_and_a_wrong_one_says_so(write):
    path = write("a.csv", "from,text\nme,café – ok\n".encode("cp1252"))
    assert texts(path, encoding="cp1252") == ["café – ok"]
    with pytest.raises(UsageError, match="no encoding 'ansi-1'") as caught:
        CsvSource(path, encoding="ansi-1")
    assert "cp1252" in caught.value.hint
    with pytest.raises(InputError, match="cannot be read as") as caught:
        Corpus.read(path)
    assert "--encoding cp1252" in caught.value.hint


# -- quotation marks -------------------------------------------------------------------------------------------------


def test_a_space_between_delimiter_and_quotation_mark_is_passed_over(write):
    content = 'no, body, from\n7, "well, yes", Ivo\n8, "good", me\n9, "say ""when""", me\n'
    found = rows(write("a.csv", content))
    assert [row.text for row in found] == ["well, yes", "good", 'say "when"']
    assert [row.sender for row in found] == ["Ivo", "me", "me"]


def test_so_it_is_where_the_header_has_none(write):
    assert texts(write("a.csv", 'from,text\nIvo, "good"\nme, fine\n')) == ["good", "fine"]
    assert texts(write("a.csv", 'from;text\nIvo; "good; very"\nme; fine\n')) == ["good; very", "fine"]


def test_a_table_written_by_the_book_keeps_its_spaces_and_marks(write):
    said = [" leading", 'she said "hi"', ' "both"', "a, b", 'x, "y"', "two\nlines", '"', '""', "tab\there"]
    for delimiter in ",;\t|":
        records = [["from", "text"], *(["me", text] for text in said)]
        assert texts(write("a.csv", written(delimiter, records))) == said


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_marks_after_a_backslash_are_marks_inside(write, delimiter):
    content = 'from,text\nIvo,"say \\"when\\", please"\nme,"plain"\n'.replace(",", delimiter, 2)
    content = content.replace("me,", f"me{delimiter}")
    assert texts(write("a.csv", content)) == ['say "when", please', "plain"]


def test_a_backslash_at_the_end_of_a_cell_is_only_a_backslash_also_among_records_of_a_wrong_length(write):
    content = 'from,text,note\n"me","C:\\","more","x"\n"Ivo","ok","y"\n"me","D:\\, or","z"\n'
    first, *others = rows(write("a.csv", content))
    assert first.reason == "wrong number of cells"
    assert [row.text for row in others] == ["ok", "D:\\, or"]


BARE = ['"so" he said', "nothing", '"open', "fine", 'and "shut"', '"all of it"', "end"]


@pytest.mark.parametrize("delimiter", ["\t", "|"])
@pytest.mark.parametrize("until", range(1, len(BARE) + 1))
def test_a_tab_separated_table_written_without_quotation_marks_keeps_every_row_and_mark(write, delimiter, until):
    said = BARE[:until]
    lines = [f"Ivo{delimiter}{text}" if at % 2 else f"me{delimiter}{text}" for at, text in enumerate(said)]
    assert texts(write("a.tsv", "\n".join([f"sender{delimiter}text", *lines]) + "\n")) == said


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_a_tab_separated_table_written_with_them_loses_them(write, quoting):
    said = ['say "when"', "two\nlines", "plain", "a\tb", "a, b"]
    records = [["no", "sender", "text"], *([at, "me", text] for at, text in enumerate(said))]
    assert texts(write("a.tsv", written("\t", records, quoting=quoting))) == said


def test_what_can_be_meant_both_ways_is_asked(write):
    path = write("a.tsv", 'sender\ttext\nme\t"one\nIvo\ttwo"\nme\tthree\n')
    with pytest.raises(InputError, match=r"as 2 records.*or as 3") as caught:
        rows(path)
    assert "--quotes yes or --quotes no" in caught.value.hint
    assert texts(path, quotes="yes") == ["one\nIvo\ttwo", "three"]
    assert texts(path, quotes="no") == ['"one', 'two"', "three"]


def test_a_record_whose_marks_do_not_fit_is_one_failed_row(write):
    first, odd, last = rows(write("a.csv", 'from,text\nme,"one, two"\nIvo,"so" he said\nme,three\n'))
    assert (first.text, last.text) == ("one, two", "three")
    assert odd == Skipped("record 3", "quotation marks that do not fit", failed=True, detail="a mark inside a cell")


def test_a_mark_never_closed_names_the_way_to_read_without_marks(write):
    path = write("a.csv", 'from,text\nme,"oh\nIvo,well\n')
    with pytest.raises(InputError, match="never closed") as caught:
        rows(path)
    assert "--quotes no" in caught.value.hint
    assert texts(path, quotes="no") == ['"oh', "well"]


def test_marks_are_there_or_not(write):
    with pytest.raises(UsageError, match="not 'maybe'"):
        CsvSource(write("a.csv", "text,from\nhi,me\n"), quotes="maybe")
