"""Every class that a ledger can name stands on the page of its messenger, word for word."""

import ast
from pathlib import Path

import pytest

import wonderland_exports
from wonderland_exports import discord_rows, google_rows, meta_lines, meta_rows, slack_rows, sms, telegram_rows
from wonderland_exports.signal import frames
from wonderland_exports.whatsapp import words

HOME = Path(wonderland_exports.__file__).parent
PAGES = Path(__file__).parents[3] / "docs" / "how-to"
READERS = {
    "discord": (["discord", "discord_rows"], [discord_rows.EVENTS, discord_rows._INSTEAD]),
    "facebook": (["meta", "meta_rows"], [meta_rows._INSTEAD, dict([*meta_lines._BARE, *meta_lines._NAMED]).keys()]),
    "google-chat": (["google_chat", "google_rows"], [google_rows.HANGOUTS_EVENTS]),
    "imazing": (["imazing"], []),
    "signal": (["signal/exported", "signal/frames", "signal/desktop"], [frames._PASSED]),
    "slack": (["slack", "slack_rows"], [slack_rows.EVENTS, slack_rows.OTHER_EVENTS]),
    "sms": (["sms"], [sms._BOXES]),
    "telegram": (["telegram", "telegram_rows"], [telegram_rows._MEDIA, telegram_rows._CLASSES]),
    "whatsapp": (["whatsapp/judging", "whatsapp/source", "whatsapp_db/rows"], [words._OMITTED.keys()]),
}
"""Modules in which a class stands as a word, and the maps that hold the others."""


def written(module):
    """Return the classes that stand as words where a row is passed over."""
    calls = [node for node in ast.walk(ast.parse((HOME / f"{module}.py").read_text())) if isinstance(node, ast.Call)]
    passed = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "Skipped"]
    return {word for call in passed for word in words_of(call.args[1])}


def words_of(node):
    """Return the words that an expression can be."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    inside = node.values if isinstance(node, ast.BoolOp) else []
    inside = [node.body, node.orelse] if isinstance(node, ast.IfExp) else inside
    return [word for one in inside for word in words_of(one)]


@pytest.mark.parametrize("page", READERS)
def test_every_class_stands_on_the_page(page):
    modules, maps = READERS[page]
    classes = set().union(*map(written, modules), *(one.values() if isinstance(one, dict) else one for one in maps))
    classes = {one for one in classes if one}
    assert len(classes) > 4
    said = (PAGES / f"{page}.md").read_text()
    assert sorted(one for one in classes if one not in said) == []
