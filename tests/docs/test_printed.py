"""What a tutorial shows of the terminal is what the program prints, where that costs no training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wonderland.cli.main import run

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"


def shown(page: str) -> list[list[str]]:
    """Return the lines of each block of a page that shows a terminal; "…" stands for lines that are left out."""
    text = (TUTORIALS / page).read_text(encoding="utf-8")
    return [block.splitlines() for block in re.findall(r"```text\n(.*?)```", text, flags=re.S)]


def missing(block: list[str], printed: str) -> list[str]:
    """Return the lines of a block that are not printed, in their order."""
    rest, absent = [line.split() for line in printed.splitlines()], []
    for words in (line.split() for line in block if line.strip() != "…"):
        if words in rest:
            rest = rest[rest.index(words) + 1 :]
        else:
            absent.append(" ".join(words))
    return absent


def test_extract_prints_what_the_tutorial_shows(tmp_path, monkeypatch, capsys):
    testing = pytest.importorskip("wonderland_imessage.testing")
    monkeypatch.chdir(tmp_path)
    testing.make_database("chat.db", 20_000, people=60)
    assert run(["extract", "-q", "chat.db"]) == 0
    printed = capsys.readouterr().out
    (block,) = (block for block in shown("your-messages.md") if block[0].startswith("Rows stored"))
    assert len(block) > 10
    assert missing(block, printed) == []
    block[0] = block[0].replace("20,000", "20,001")
    assert missing(block, printed) == ["Rows stored 20,001"]  # what is not printed is found
