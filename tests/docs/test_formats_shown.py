"""The lines of an export that a how-to page shows are such lines: the source reads them."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from wonderland import plugins

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


class Shown(NamedTuple):
    """How the lines of a page become a whole file, and what is read of it."""

    source: str
    file: str
    texts: tuple[str, ...]
    before: str = ""
    after: str = ""
    me: str = ""


HEAD = '{"type": "personal_chat", "name": "Bo", "id": 9, "messages": [{'
CHANNEL = '{"guild": {"id": "1"}, "channel": {"id": "5", "type": "DirectTextChat"}, "messages": [{'
PEOPLE = '{"participants": [{"name": "Ada Lovelace"}], "messages": [{'
SIX = ("See you at six?", "Yes")
SHOWN = {
    "whatsapp": Shown("whatsapp", "chat with Bo.txt", SIX),
    "telegram": Shown("telegram", "result.json", ("see example.org",), HEAD, "}]}", "Ada Lovelace"),
    "facebook": Shown("messenger", "message_1.json", ("see you in the café",), PEOPLE, "}]}", "Ada Lovelace"),
    "signal": Shown("signal", "main.jsonl", ("hi",), '{"recipient":{"id":"1","self":{}}}\n'),
    "sms": Shown("sms", "sms.xml", SIX, after="</smses>"),
    "slack": Shown("slack", "general/2024-05-01.json", ("morning, @U02BO", "coffee & code?"), "[", "]", "U01ADA"),
    "discord": Shown("discord", "a.json", ("who is in tonight?",), CHANNEL, "}]}", "ada"),
    "google-chat": Shown(
        "google-chat", "messages.json", ("see you at six",), '{"messages": [{', "}]}", "ada@example.org"
    ),
    "imazing": Shown("imazing", "a.csv", SIX),
}


@pytest.mark.parametrize(("page", "number"), [*((page, 0) for page in SHOWN), ("whatsapp", 1)])
def test_the_lines_that_a_page_shows_are_read(page, number, tmp_path):
    one = SHOWN[page]
    shown = re.findall(r"```text\n(.*?)```", (PAGES / f"{page}.md").read_text(encoding="utf-8"), flags=re.S)
    assert len(shown) == 1 + (page == "whatsapp")  # of an iPhone and of Android
    lines = shown[number].strip().rstrip(",").split("\n")
    place = tmp_path / one.file
    place.parent.mkdir(exist_ok=True)
    place.write_text(one.before + (",\n" if page == "slack" else "\n").join(lines) + one.after, encoding="utf-8")
    kind = plugins.load().sources[one.source]
    path = tmp_path / Path(one.file).parts[0]
    assert kind.sniff(path.parent if page == "slack" else path) > 0.5
    source = kind(path.parent if page == "slack" else path, **({"me": one.me} if one.me else {}))
    rows = list(source.rows())
    source.close()
    assert [row.text for row in rows if hasattr(row, "text")] == list(one.texts)
    assert not [row for row in rows if getattr(row, "failed", False)]
