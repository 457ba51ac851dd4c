"""Long lines break between words on a terminal; what colours them has no width, and columns stay where they are."""

import io

import pytest

from wonderland.cli.console import fitted


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [30, 60, 80, 120])
def test_no_line_is_longer_than_the_terminal_and_no_word_is_broken(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = "  csv                " + " ".join(f"word{i}" for i in range(60)) + "\n\x1b[32m✓\x1b[0m short"
    lines = fitted(text, Terminal()).split("\n")
    assert all(len(line.replace("\x1b[32m", "").replace("\x1b[0m", "")) <= columns for line in lines)
    assert [word for line in lines for word in line.split()] == text.split()
    assert lines[0].startswith("  csv                word0")
    assert all(line.startswith("    word") for line in lines[1:-1])


def test_colours_do_not_count_and_what_goes_to_a_file_is_left_alone(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    coloured = "\x1b[31;1mError:\x1b[0m " + "x" * 22
    assert fitted(coloured, Terminal()) == coloured  # 29 characters wide
    assert fitted(coloured + "yy", Terminal()) == "\x1b[31;1mError:\x1b[0m\n  " + "x" * 22 + "yy"
    long = "word " * 40
    assert fitted(long, io.StringIO()) == long
