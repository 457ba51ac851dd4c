"""Every class that a reader can give a row is planted by a generator, or a test that is named here plants it.

Which classes there are is read from the code: what stands in the second place wherever a `Skipped` is made.
"""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import wonderland as wl
import wonderland_exports
from wonderland import plugins
from wonderland.corpus.messages import Entry, Ledger
from wonderland_exports import meta_lines, testing
from wonderland_exports.again import AGAIN, TWICE
from wonderland_exports.whatsapp import words
from wonderland_exports.whatsapp_db import android, apple

ROOT = Path(wonderland_exports.__file__).parent
MODULES = {
    "discord": ["discord", "discord_rows"],
    "google-chat": ["google_chat", "google_rows"],
    "imazing": ["imazing"],
    "messenger": ["meta", "meta_rows", "meta_lines"],
    "signal": ["signal.source", "signal.exported", "signal.frames", "signal.desktop"],
    "slack": ["slack", "slack_rows"],
    "sms": ["sms"],
    "telegram": ["telegram", "telegram_rows"],
    "whatsapp": ["whatsapp.source", "whatsapp.judging", "whatsapp.words"],
    "whatsapp-db": ["whatsapp_db.source", "whatsapp_db.rows", "whatsapp_db.android", "whatsapp_db.apple"],
}
MADE = {
    "discord": [
        lambda at: testing.make_discord(at / "a.zip", 60, rare=True),
        lambda at: testing.make_package(at / "b.zip", 20, rare=True),
        lambda at: testing.make_package(at / "c.zip", 20, table=True, rare=True),
    ],
    "google-chat": [
        lambda at: testing.make_google_chat(at / "a.zip", 60, rare=True),
        lambda at: testing.make_hangouts(at / "b.zip", 40, rare=True),
    ],
    "imazing": [lambda at: testing.make_imazing(at / "a.zip", 30, rare=True)],
    "messenger": [
        lambda at: testing.make_messenger(at / "a.zip", 60, rare=True),
        lambda at: testing.make_instagram(at / "b.zip", 60, rare=True),
    ],
    "signal": [
        lambda at: testing.make_signal(at / "a", 150, rare=True),
        lambda at: testing.make_signal_export(at / "b", 60, rare=True),
        lambda at: testing.make_signal_export(at / "c", 60, text=True, rare=True),
        lambda at: testing.make_signal_desktop(at / "d", 60),
    ],
    "slack": [lambda at: testing.make_slack(at / "a.zip", 60, rare=True)],
    "sms": [lambda at: testing.make_sms(at / "a.xml", 60)],
    "telegram": [lambda at: testing.make_telegram(at / "result.json", 150)],
    "whatsapp": [
        lambda at: testing.make_whatsapp(at / "WhatsApp Chat with Bo.zip", 60, rare=True),
        lambda at: testing.make_whatsapp(at / "WhatsApp Chat with Bo.txt", 60, head="iPhone de", rare=True),
    ],
    "whatsapp-db": [
        lambda at, store=store: testing.make_whatsapp_db(at / f"{store}.db", 60, store=store, rare=True)
        for store in testing.STORES
    ],
}
ELSEWHERE = {
    ("discord", "cut off here"): "test_discord.py",
    ("discord", "in two files, counted once"): "test_discord.py",
    ("discord", "twice in one file, counted once"): "test_discord.py",
    ("google-chat", "cut off here"): "test_google_chat.py",
    ("google-chat", "in two files, counted once"): "test_google_chat.py",
    ("google-chat", "twice in one file, counted once"): "test_google_chat.py",
    ("imazing", "cut off here"): "test_imazing.py",
    ("messenger", "cut off here"): "test_meta.py",
    ("messenger", "in two files, counted once"): "test_meta.py",
    ("signal", "cut off here"): "test_signal.py",
    ("slack", "cut off here"): "test_slack.py",
    ("slack", "in two files, counted once"): "test_slack.py",
    ("slack", "twice in one file, counted once"): "test_slack.py",
    ("sms", "cut off"): "test_sms.py",
    ("telegram", "cut off"): "test_telegram.py",
    ("telegram", "in two files, counted once"): "test_telegram.py",
    ("telegram", "no row of a chat"): "test_telegram.py",
}
"""Classes of whole files, which are planted by a test of that module."""
TABLES = {
    "messenger": {*(reason for reason, _ in (*meta_lines._BARE, *meta_lines._NAMED)), "payment", "plan"},
    "whatsapp": {*words._OMITTED, *(kind for kind, _ in words._KINDS)},
    "whatsapp-db": {*android._KINDS.values(), *apple._KINDS.values()} - {"text"},
}
"""Classes that a row brings along, or that the first of several patterns gives it."""


class Classes:
    """Finds the words that stand in the second place of each `Skipped` of a module."""

    def __init__(self, name: str) -> None:
        self.module = importlib.import_module(f"wonderland_exports.{name}")
        self.tree = ast.parse(inspect.getsource(self.module))

    def found(self) -> set[str]:
        words = {AGAIN, TWICE} if getattr(self.module, "Once", None) else set()
        for function in (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if ast.unparse(call.func).endswith("Skipped") and len(call.args) > 1:
                    words |= self.words(call.args[1], function)
                elif ast.unparse(call.func) == "cut_off":
                    words.add("cut off here")
        return words

    def words(self, node: ast.expr, function: ast.FunctionDef) -> set[str]:
        """Return the texts that an expression may be."""
        match node:
            case ast.Constant(value=str(word)):
                return {word}
            case ast.Starred(value=inner):
                return set(list(getattr(self.module, ast.unparse(inner)))[:1])
            case ast.IfExp(body=one, orelse=other):
                return self.words(one, function) | self.words(other, function)
            case ast.BoolOp(values=values):
                return set().union(*(self.words(one, function) for one in values))
            case ast.NamedExpr(value=inner):
                return self.words(inner, function)
            case ast.Subscript(value=ast.Name(id=name)) if isinstance(getattr(self.module, name, None), dict):
                return {word for word in getattr(self.module, name).values() if word}
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get")) if isinstance(
                getattr(self.module, name, None), dict
            ):
                return {word for word in getattr(self.module, name).values() if isinstance(word, str)}
            case ast.Call(func=ast.Name(id="next"), args=[ast.GeneratorExp(elt=elt, generators=[of]), *rest]):
                of_table = self.table(of.iter) if isinstance(elt, ast.Name) else set()
                return of_table.union(*(self.words(one, function) for one in rest))
            case ast.Call(func=ast.Name(id=name)):
                return self.returned(name)
            case ast.Call(func=ast.Attribute(attr=name)):
                return self.returned(name)
            case ast.Name(id=name):
                known = getattr(self.module, name, None)
                return {known} if isinstance(known, str) else self.assigned(name, function)
        return set()

    def table(self, node: ast.expr) -> set[str]:
        """Return the second words of what is gone through: a dictionary's values, or those of pairs."""
        if isinstance(node, ast.Call) and ast.unparse(node).endswith(".items()"):
            return set(getattr(self.module, ast.unparse(node).removesuffix(".items()"), {}).values()) - {""}
        if isinstance(node, ast.Tuple):
            return {one.elts[1].value for one in node.elts if isinstance(one, ast.Tuple)}
        return set()

    def returned(self, name: str) -> set[str]:
        words = set()
        for function in ast.walk(self.tree):
            if isinstance(function, ast.FunctionDef) and function.name == name:
                for one in ast.walk(function):
                    if isinstance(one, ast.Return) and one.value is not None:
                        value = one.value.elts[0] if isinstance(one.value, ast.Tuple) else one.value
                        words |= self.words(value, function)
        made = getattr(self.module, name, None)
        if not words and inspect.isfunction(made) and made.__module__ != self.module.__name__:
            words = Classes(made.__module__.removeprefix("wonderland_exports.")).returned(name)
        return words

    def assigned(self, name: str, function: ast.FunctionDef) -> set[str]:
        words = set()
        for one in ast.walk(function):
            targets = one.targets if isinstance(one, ast.Assign) else []
            targets = [one.target] if isinstance(one, ast.NamedExpr) else targets
            if any(name in ast.unparse(target).strip("()").split(", ") for target in targets):
                words |= self.words(one.value, function)
            elif isinstance(one, ast.For) and name in ast.unparse(one.target):
                words |= self.table(one.iter)
        return words


def classes(source: str) -> set[str]:
    return set().union(*(Classes(name).found() for name in MODULES[source]), TABLES.get(source, set())) - {""}


def test_classes_are_read_from_the_code():
    """A literal, one of a choice, of a table, of a function, of a loop, and two with their failure."""
    found = classes("discord")
    assert {"not a JSON object", "forwarded file or embed", "poll", "somebody joined", "not UTF-8"} <= found
    assert {"sticker", "attachment only", "view once", "deleted", "broken line", "cut off here"} <= classes("signal")
    assert {"call", "plan", "taken down", "line of the app: greeting", "photo only"} <= classes("messenger")
    assert {"before the first message", "system message", "media left out"} <= classes("whatsapp")


def test_no_module_that_makes_skipped_rows_is_left_out():
    shared = {"again", "walking"}
    makes = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in ROOT.rglob("*.py")
        if "Skipped(" in path.read_text(encoding="utf-8") and "testing" not in path.parts
    }
    assert makes <= {name for names in MODULES.values() for name in names} | shared


@pytest.mark.parametrize("source", MODULES)
def test_every_class_is_planted_and_found(source, tmp_path):
    planted = set()
    kinds = plugins.load().sources
    for make in MADE[source]:
        made = make(tmp_path)
        kind = kinds["instagram"] if source == "messenger" and made.path.name == "b.zip" else kinds[source]
        me = {"discord": "98", "slack": getattr(made, "me", ""), "whatsapp": "Ada"}.get(source)
        opened = kind(made.path, **({"me": me} if me and made.path.name not in ("b.zip", "c.zip") else {}))
        stored, rows = opened.count(), list(opened.rows())
        facts = getattr(opened, "facts", dict)()
        getattr(opened, "close", list)()
        assert len(rows) == stored == made.rows
        found = [row.reason for row in rows if isinstance(row, wl.Skipped)]
        assert {reason: found.count(reason) for reason in found} == dict(made.reasons)
        planted |= {*made.reasons}
        ledger = Ledger(source, stored, made.rows - len(found), (Entry("read", "others", len(found)),), facts)
        odd = {heading for heading in facts if not ledger.whole_of(heading)}
        assert odd <= {"Letters", "Repaired"}  # of which no share is told, for they are of strings
    elsewhere = {reason: module for (of, reason), module in ELSEWHERE.items() if of == source}
    assert planted & elsewhere.keys() == set()
    assert classes(source) - planted == elsewhere.keys()
    for reason, module in elsewhere.items():
        assert f'"{reason}"' in Path(__file__).with_name(module).read_text(encoding="utf-8")
