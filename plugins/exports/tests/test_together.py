"""Rows that are decided together are what each is by itself: the same messages, classes, facts and order."""

import json
from random import Random

import pyarrow as pa
import pytest

from wonderland.corpus.reading import read_source
from wonderland_exports import meta, meta_rows, telegram
from wonderland_exports.messenger import Messenger
from wonderland_exports.telegram import Telegram
from wonderland_exports.telegram_rows import MARKS
from wonderland_exports.testing import make_messenger, make_telegram, make_whatsapp
from wonderland_exports.whatsapp import WhatsApp
from wonderland_exports.whatsapp.judging import Judge
from wonderland_exports.whatsapp.rows import _touched, touched
from wonderland_exports.whatsapp.words import WHOLE

ALONE = {
    WhatsApp: (Judge, "_plain", lambda self, found: None),
    Telegram: (telegram, "FEW", 1 << 30),
    Messenger: (meta_rows, "_said", lambda row: None),  # where files are of few rows, as by default here
}
MADE = {
    WhatsApp: lambda folder, seed: make_whatsapp(
        folder / "Chat with Bo.txt", 400, seed=seed, head=("iPhone en-US", "Android en-GB")[seed % 2], group=seed > 1
    ),
    Telegram: lambda folder, seed: make_telegram(folder / "result.json", 700, seed=seed, account=seed % 2 > 0),
    Messenger: lambda folder, seed: make_messenger(folder / "export", 300, seed=seed),
}


@pytest.mark.parametrize("source", ALONE, ids=lambda one: one.name)
@pytest.mark.parametrize("seed", range(4))
def test_the_same_row_by_row(source, seed, monkeypatch, tmp_path):
    path = MADE[source](tmp_path, seed).path
    me = {"me": "Ada"} if source is WhatsApp and seed > 1 else {}
    found = []
    for alone in (False, True):
        if alone:
            monkeypatch.setattr(*ALONE[source])
        table, ledger, skipped, notes = read_source(source(path, **me), "x", None)
        opened = source(path, **me)
        found.append(
            (table.to_pylist(), json.dumps(ledger.facts), str(ledger), skipped.to_pylist(), notes, [*opened.rows()])
        )
        opened.close()
    assert found[0] == found[1]
    assert len(found[0][0]) > 100


@pytest.mark.parametrize("layout", ["classic", "encrypted", "both"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_one_file_are_what_those_of_several_are(layout, seed, monkeypatch, tmp_path):
    path = make_messenger(tmp_path / "export", 500, seed=seed, layout=layout, rare=seed > 0).path
    for file in sorted(path.rglob("message_1.json"))[:2] if seed else ():
        whole = json.loads(file.read_text())
        odd = [*[{"sender_name": " ", "timestamp_ms": 5, "content": "who"}] * 2, {"timestamp_ms": 5, "content": "x"}]
        odd += [{"sender_name": "Nil", "timestamp_ms": at, "content": "when"} for at in (0, -5, 1 << 62)]
        odd += [
            {"sender_name": "Nil", "timestamp_ms": 6, "content": text} for text in (" ", "", "a\0b", "\ud83d", "Ã", "€")
        ]
        odd += [{"sender_name": " Nil ", "timestamp_ms": 7, "content": "x", "senderName": "Bo"}]
        odd += [{"sender_name": "Nil", "timestamp_ms": 8, "content": None}] if seed > 1 else []
        odd += [{"sender_name": "Nil", "timestamp_ms": 1 << 70, "content": "y"}] if seed > 1 else []
        file.write_text(json.dumps({**whole, "messages": [*whole["messages"], *odd]}))
    found = []
    for few in (1, 1 << 30):
        monkeypatch.setattr(meta, "FEW", few)
        table, ledger, skipped, notes = read_source(Messenger(path), "x", None)
        found.append((table.to_pylist(), json.dumps(ledger.to_json()), skipped.to_pylist(), notes))
    assert found[0] == found[1]
    assert len(found[0][0]) > 50


def test_rows_of_one_file_are_decided_together(monkeypatch, tmp_path):
    alone = []
    one = meta_rows.Rows.item
    monkeypatch.setattr(meta_rows.Rows, "item", lambda self, row, *more: alone.append(row) or one(self, row, *more))
    monkeypatch.setattr(meta_rows.Rows, "block", None)
    monkeypatch.setattr(meta, "FEW", 1)
    planted = make_messenger(tmp_path / "export", 3000, layout="classic")
    source = Messenger(planted.path)
    assert sum(map(len, source.blocks())) == source.count() == planted.rows > 3 * len(alone) > 0


def test_most_rows_are_decided_together(monkeypatch, tmp_path):
    alone = []
    one = Judge._row
    monkeypatch.setattr(Judge, "_row", lambda self, at: alone.append(at) or one(self, at))
    source = WhatsApp(make_whatsapp(tmp_path / "Chat with Bo.txt", 2000).path)
    assert sum(map(len, source.blocks())) == source.count() > 3 * len(alone) > 0


def test_one_text_and_many_are_told_alike_whether_the_app_had_a_hand_in_them():
    ends = [chr(code) for code in range(0x3100)] + ["😀", "\ufeff"]
    texts = [*(f"so{end}" for end in ends), *(f"{end}so" for end in ends), *sorted(WHOLE)]
    texts += ["see https://x.y z", "a.jpg (file attached)\nyes", "two\nlines", ")", "a )\nb", "<", "> a", "ok"]
    assert _touched(pa.array(texts, pa.large_string())).tolist() == [touched(text) for text in texts]
    assert _touched(pa.array([""], pa.large_string())).tolist() == [True]


@pytest.mark.parametrize("kind", ["bot_chat", "personal_chat", "public_channel"])
@pytest.mark.parametrize("seed", range(3))
def test_marked_rows_have_the_same_tags_and_are_counted_in_the_same_order(kind, seed, monkeypatch, tmp_path):
    random, rows = Random(seed), []
    for number in range(300):
        marks = {key: "x" for key, _ in MARKS if random.random() < 0.1}
        sender = {"from_id": random.choice(["user1", "user9"]), "from": "Bo"}
        said = {"text": random.choice(["hi", "", ["a", {"text": "b"}]])} | ({} if number % 7 else {"text": None})
        when = {"date_unixtime": str(1_700_000_000 + number)} if number % 5 else {"date": "2024-05-01T10:00:00"}
        rows.append({"id": number, "type": "message", **sender, **said, **when, **marks})
    rows.insert(seed, {"id": 999, "type": "service", "action": "pin_message"})
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"type": kind, "id": 9, "messages": rows}))
    found = []
    for few in (telegram.FEW, 1 << 30):
        monkeypatch.setattr(telegram, "FEW", few)
        opened = Telegram(path, me="user1")
        table, ledger, _, _ = read_source(opened, "x", None)
        opened.close()
        found.append((table.to_pylist(), json.dumps(ledger.to_json())))
    assert found[0] == found[1]
    assert {tag for row in found[0][0] for tag in row["tags"].split()} >= {"edited", "forwarded", "bot"}
