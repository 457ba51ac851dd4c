"""The converters of the how-to read each messenger's export as it is written, and what they make can be extracted."""

import json
from pathlib import Path

import pytest

import wonderland as wl

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "other-messengers.md"


@pytest.fixture(scope="module")
def page(python_blocks):
    names: dict = {}
    (block,) = python_blocks(PAGE)
    exec(compile(block, PAGE.name, "exec"), names)
    return names


@pytest.fixture
def read(page, tmp_path):
    """Convert, extract, and return who said what in which conversation."""

    def of(records, **options):
        page["write"](records, tmp_path / "chats.jsonl")
        return [(m.thread, m.is_from_me, m.text) for m in wl.Corpus.read(tmp_path / "chats.jsonl", **options)]

    return of


SAID = [("C001", False, "are you free: tomorrow?"), ("C001", True, "yes\nall day"), ("C001", False, "great 👋")]


@pytest.mark.parametrize(
    "lines",
    [
        [
            "[13.04.18, 17:32:32] Bo: are you free: tomorrow?",
            "[13.04.18, 17:33:01] Ada: yes",
            "all day",
            "[4/13/18, 5:34:02 PM] Bo: great 👋",
        ],
        [
            "13/04/2018, 17:30 - Messages are end-to-end encrypted.",
            "13/04/2018, 17:32 - Bo: are you free: tomorrow?",
            "13/04/2018, 17:33 - Ada: yes",
            "all day",
            "4/13/18, 5:34 PM - Bo: great 👋",
        ],
    ],
    ids=["iPhone", "Android"],
)
def test_whatsapp(page, read, tmp_path, lines):
    (tmp_path / "chat.txt").write_text("\n".join(lines), encoding="utf-8")
    assert read(page["whatsapp"](tmp_path / "chat.txt"), me="Ada") == SAID


def test_telegram(page, read, tmp_path):
    rows = [
        {"type": "service", "date_unixtime": "1523640700", "text": ""},
        {
            "type": "message",
            "from": "Bo",
            "date_unixtime": "1523640752",
            "text": ["are you ", {"text": "free: tomorrow?"}],
        },
        {"type": "message", "from": "Ada", "date_unixtime": "1523640781", "text": "yes\nall day"},
        {"type": "message", "from": "Bo", "date_unixtime": "1523640842", "text": "great 👋"},
    ]
    for export in ({"id": 7, "messages": rows}, {"chats": {"list": [{"id": 7, "messages": rows}]}}):
        (tmp_path / "result.json").write_text(json.dumps(export), encoding="utf-8")
        assert read(page["telegram"](tmp_path / "result.json"), me="Ada") == SAID


def test_discord(page, read, tmp_path):
    bot = {"name": "Robo", "isBot": True}
    rows = [
        {"author": {"name": "Bo"}, "timestamp": "2018-04-13T17:32:32+00:00", "content": "are you free: tomorrow?"},
        {"author": bot, "timestamp": "2018-04-13T17:32:40+00:00", "content": "beep"},
        {"author": {"name": "Ada"}, "timestamp": "2018-04-13T17:33:01+00:00", "content": "yes\nall day"},
        {"author": {"name": "Bo"}, "timestamp": "2018-04-13T17:34:02+00:00", "content": "great 👋"},
    ]
    (tmp_path / "c.json").write_text(json.dumps({"channel": {"id": "9"}, "messages": rows}), encoding="utf-8")
    assert read(page["discord"](tmp_path / "c.json"), me="Ada") == SAID


def test_slack(page, read, tmp_path):
    (tmp_path / "general").mkdir()
    (tmp_path / "users.json").write_text(json.dumps([{"id": "U1", "name": "Ada"}, {"id": "U2", "name": "Bo"}]))
    rows = [
        {"user": "U2", "ts": "1523640752.000100", "text": "are you free: tomorrow?"},
        {"user": "U2", "ts": "1523640760.000100", "text": "has joined", "subtype": "channel_join"},
        {"user": "U1", "ts": "1523640781.000100", "text": "yes\nall day"},
        {"user": "U2", "ts": "1523640842.000100", "text": "great 👋"},
    ]
    (tmp_path / "general" / "2018-04-13.json").write_text(json.dumps(rows), encoding="utf-8")
    assert read(page["slack"](tmp_path), me="Ada") == SAID


def test_messenger_and_instagram(page, read, tmp_path):
    (tmp_path / "inbox" / "bo_1").mkdir(parents=True)
    rows = [
        {"sender_name": "Bo", "timestamp_ms": 1523640842000, "content": "great 👋".encode().decode("latin-1")},
        {"sender_name": "Ada", "timestamp_ms": 1523640781000, "content": "yes\nall day"},
        {"sender_name": "Bo", "timestamp_ms": 1523640760000, "photos": []},
        {"sender_name": "Bo", "timestamp_ms": 1523640752000, "content": "are you free: tomorrow?"},
    ]
    (tmp_path / "inbox" / "bo_1" / "message_1.json").write_text(json.dumps({"messages": rows}), encoding="utf-8")
    assert read(page["meta"](tmp_path), me="Ada") == SAID


def test_google_chat(page, read, tmp_path):
    (tmp_path / "DM 1").mkdir()
    rows = [{"creator": {"name": who}, "text": text} for who, text in (("Bo", SAID[0][2]), ("Ada", SAID[1][2]))]
    rows.append({"creator": {"name": "Bo"}, "text": SAID[2][2]})
    (tmp_path / "DM 1" / "messages.json").write_text(json.dumps({"messages": rows}), encoding="utf-8")
    assert read(page["google_chat"](tmp_path), me="Ada") == SAID


def test_sms(page, read, tmp_path):
    rows = [
        '<sms address="+1555" date="1523640752000" type="1" body="are you free: tomorrow?" />',
        '<sms address="+1555" date="1523640781000" type="2" body="yes&#10;all day" />',
        '<sms address="+1555" date="1523640842000" type="1" body="great 👋" />',
    ]
    (tmp_path / "sms.xml").write_text(f"<smses count='3'>{''.join(rows)}</smses>", encoding="utf-8")
    assert read(page["sms"](tmp_path / "sms.xml")) == SAID
