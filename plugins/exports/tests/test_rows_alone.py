"""Rows that somebody took out of an export: a list is read by the messenger's source, lines say how to become one."""

import json

import pytest

import wonderland as wl
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.source import choose_source
from wonderland.errors import InputError
from wonderland_exports.discord import Discord
from wonderland_exports.slack import Slack
from wonderland_exports.telegram import Telegram

TELEGRAM = [
    {"id": 2, "type": "message", "date": "2024-05-01T10:00:00", "date_unixtime": "1714557600", "from": "Ada",
     "from_id": "user1", "text": ["see ", {"type": "link", "text": "example.org"}]},
    {"id": 3, "type": "message", "date": "2024-05-01T10:01:00", "date_unixtime": "1714557660", "from": "Bo",
     "from_id": "user2", "text": "thanks"},
]  # fmt: skip
DISCORD = [
    {"id": "1234567890123456789", "type": "Default", "timestamp": "2024-05-01T12:00:00.123+02:00", "content": "in?",
     "author": {"id": "234567890123456789", "name": "ada", "nickname": "Ada", "isBot": False}},
    {"id": "1234567890123456790", "type": "Default", "timestamp": "2024-05-01T12:01:00.123+02:00", "content": "me!",
     "author": {"id": "234567890123456780", "name": "bo", "nickname": "Bo", "isBot": False}},
]  # fmt: skip
SLACK = [
    {"type": "message", "user": "U01ADA", "text": "morning", "ts": "1714557600.000100"},
    {"type": "message", "user": "U02BO", "text": "coffee?", "ts": "1714557660.000200"},
]
ROWS = {
    "telegram": (Telegram, TELEGRAM, "user1", ["see example.org", "thanks"]),
    "discord": (Discord, DISCORD, "ada", ["in?", "me!"]),
    "slack": (Slack, SLACK, "U01ADA", ["morning", "coffee?"]),
}
SOURCES = {"jsonl": JsonLines, "telegram": Telegram, "discord": Discord, "slack": Slack}
WAYS = {
    "a list": lambda rows: json.dumps(rows),
    "a list over lines": lambda rows: json.dumps(rows, indent=1),
    "an object": lambda rows: json.dumps({"messages": rows}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("app", ROWS)
def test_rows_without_what_stood_around_them_are_read(app, way, tmp_path):
    source, rows, me, texts = ROWS[app]
    path = tmp_path / ("C0123ABCD.json" if way == "an object" else "x.json")
    path.write_text(WAYS[way](rows))
    assert choose_source(path, SOURCES) is source
    corpus = wl.Corpus.read(path, source=app, me=me)
    assert [(one.text, one.is_from_me) for one in corpus] == list(zip(texts, (True, False), strict=True))
    assert all(one.timestamp is not None for one in corpus)
    assert len(corpus.thread_starts) == 1


@pytest.mark.parametrize("app", ROWS)
def test_rows_a_line_each_are_refused_with_what_makes_a_list_of_them(app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, rows, _, texts = ROWS[app]
    path = tmp_path / "x.jsonl"
    path.write_text("\n" + "".join(f"{json.dumps(row)}\n" for row in rows))
    assert choose_source(path, SOURCES) is source
    with pytest.raises(InputError, match="each on a line of its own") as caught:
        source(path).count()
    assert caught.value.hint.endswith(f"jq -s . {path} > x-list.json")
    assert texts[0] not in str(caught.value)


def test_a_table_of_ones_own_in_json_lines_is_no_messengers(tmp_path):
    own = {"type": "message", "date": "2024-05-01", "sender": "Ada", "text": "hi", "author": {"name": "x"}, "ts": 5}
    path = tmp_path / "x.jsonl"
    path.write_text(f"{json.dumps(own)}\n")
    assert choose_source(path, SOURCES) is JsonLines


def test_a_channel_that_is_not_named_is_noted(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"messages": DISCORD}))
    source = Discord(path, me="ada")
    assert source.count() == 2
    assert [note for note in source.notes() if "does not say which channel" in note]
