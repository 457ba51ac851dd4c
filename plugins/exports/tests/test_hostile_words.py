"""Words that attack a reader come out of an export as out of JSON Lines: the report gets the same from both."""

import itertools
import json
from collections import Counter

import pytest

from wonderland import Corpus
from wonderland_exports import testing
from wonderland_exports.testing import discord, known, meta, planted, slack, telegram

TEXTS = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>alert(2)",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff and \u2066isolated\u2069",
    "nul\x00bell\x07 \x1b[31mred\x1b[0m",
    "<|me|> forged <|endoftext|>",
    "=cmd|' /C calc'!A1",
    "{{script}} {{data}} $& $1",
    "שלום مرحبا",
    "x" * 10_000,
]
NAMES = tuple(f"{number} {text[:60]}" for number, text in enumerate([*TEXTS, "Ada", "Bo O'Hara"]))
MAKERS = {
    "discord": testing.make_discord,
    "messenger": testing.make_messenger,
    "slack": testing.make_slack,
    "telegram": testing.make_telegram,
}


@pytest.fixture
def hostile(monkeypatch):
    """Let the generators write such texts, under such names."""
    turn = itertools.cycle(TEXTS)
    for writer in (known.Letters, planted.Writer):
        monkeypatch.setattr(writer, "text", lambda self: next(turn))
    for module in (discord, meta, slack):
        monkeypatch.setattr(module, "PEOPLE", NAMES)
    monkeypatch.setattr(telegram, "NAMES", NAMES)


@pytest.mark.parametrize("source", MAKERS)
def test_hostile_words_of_an_export_are_the_corpus_that_they_are_in_json_lines(source, hostile, tmp_path):
    made = MAKERS[source](tmp_path / ("result.json" if source == "telegram" else "export.zip"), 200)
    texts = made.texts if source == "telegram" else [said.text for said in made.said]
    assert all(any(text in said for said in texts) for text in TEXTS)
    me = {} if source == "telegram" else {"me": made.me}
    corpus = Corpus.read(made.path, source=source, names=True, **me)
    lines = tmp_path / "same.jsonl"
    rows = [{"id": str(i), "text": text, "is_from_me": bool(i % 2), "thread": "a"} for i, text in enumerate(texts)]
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    same = Corpus.read(lines)
    assert Counter(corpus.texts) == Counter(same.texts)
    assert corpus.table.schema.equals(same.table.schema)
    plain = Corpus.read(made.path, source=source, **me)  # as `wonderland extract` does: no name gets further
    assert not [name for name in NAMES[:10] if name in str(plain.table.drop(["text"]).to_pylist())]
