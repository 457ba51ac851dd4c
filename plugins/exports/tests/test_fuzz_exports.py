"""Every reader of an export, given files that were sound until something happened to them.

Each example takes a small generated export and changes one of its files: bytes cut out, doubled or replaced, or in JSON
a value replaced by one of another kind. Whatever comes of it, a reader refuses in words or accounts for every row.
``benchmarks/fuzz_exports.py`` runs it for longer.
"""

from __future__ import annotations

import functools
import inspect
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wonderland import plugins
from wonderland_exports import testing

from .reading import survives

MAKERS = {
    "discord": lambda folder: testing.make_discord(folder / "discord", 25).path,
    "google-chat": lambda folder: testing.make_google_chat(folder / "Google Chat", 25).path,
    "imazing": lambda folder: testing.make_imazing(folder / "imazing", 25).path,
    "instagram": lambda folder: testing.make_instagram(folder / "instagram", 25).path,
    "messenger": lambda folder: testing.make_messenger(folder / "facebook", 25).path,
    "slack": lambda folder: testing.make_slack(folder / "slack", 25).path,
    "signal": lambda folder: testing.make_signal(folder / "signal", 25).path,
    "sms": lambda folder: testing.make_sms(folder / "sms.xml", 12).path,
    "telegram": lambda folder: testing.make_telegram(folder / "result.json", 25).path,
    "whatsapp": lambda folder: testing.make_whatsapp(folder / "WhatsApp Chat with Bo.txt", 25).path,
    "whatsapp-db": lambda folder: testing.make_whatsapp_db(folder / "ChatStorage.sqlite", 25).path,
}
PIECES = [
    b"",
    b"null",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b",",
    b":",
    b"\\",
    b"\\ud83d",
    b"\n",
    b"\r\n",
    b"\x00",
    b"\xff",
    b"<",
    b">",
]
PIECES += [
    b"&#55357;",
    b"1e999",
    b"-1",
    b"99999999999999999999",
    b"0",
    b"\xe2\x80\x8e",
    b"\xc2\x85",
    b"</sms>",
    b"true",
]
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    1e300,
    "",
    "x",
    "\ud83d",
    "0",
    [],
    [None],
    {},
    {"a": []},
    ["x", {"text": 1}],
    [["x"]],
    {"id": {"id": 1}},
    "a\x00b",
    "\x1b[31m\x07\r\n",
    "\u202e\u200fBo\u2066",
    "\u00b2",  # a digit to str.isdigit, and none to int
    "../../etc/passwd",
    "1e400",
    "NaN",
    "-0",
    -0.0,
    "9" * 5000,  # more digits than int takes
    "0000-01-01T00:00:00+00:00",
    "10000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-12:00",
    -(10**15),
    1_700_000_000_000,
    1_700_000_000_000_000,
    10**20,
    "N" * 1_000_000,
]
RAW = [b"1e400", b"NaN", b"-Infinity", b"[" * 10_000 + b"]" * 10_000, b'{"a":1,"a":[2]}', b"9" * 5000]
"""JSON that `json.dumps` does not write; each stands where its ``PLACE`` was written."""
PLACE = "here stands what is raw"


@functools.cache
def sound(name: str) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of a sound export, and the names of the files in it that hold something."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path = MAKERS[name](folder)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    held = tuple(str(file.relative_to(folder)) for file in files if 0 < file.stat().st_size < 1 << 20)
    return path, held


def harmed(data: st.DataObject, content: bytes) -> bytes:
    """Return the bytes of a file after something happened to them."""
    at, to = sorted((data.draw(st.integers(0, len(content))), data.draw(st.integers(0, len(content)))))
    way = data.draw(st.sampled_from(["cut", "twice", "end", "piece", "piece", "flip"]))
    if way == "cut":
        return content[:at] + content[to:]
    if way == "twice":
        return content[:to] + content[at:]
    if way == "end":
        return content[:to]
    if way == "flip" and content:
        at = min(at, len(content) - 1)
        return content[:at] + bytes([content[at] ^ 1 << data.draw(st.integers(0, 7))]) + content[at + 1 :]
    return content[:at] + data.draw(st.sampled_from(PIECES)) + content[min(to, at + 3) :]


def another_kind(data: st.DataObject, content: bytes) -> bytes:
    """Return JSON with one value somewhere in it replaced, or one key taken away."""
    try:
        document = json.loads(content)
    except ValueError:
        return harmed(data, content)
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
        if not keys:
            return json.dumps(data.draw(st.sampled_from(VALUES))).encode()
        key = data.draw(st.sampled_from(keys))
        inside = place[key]
        if not (isinstance(inside, dict | list) and inside) or data.draw(st.integers(0, 5)) == 0:
            break
        place = inside
    if data.draw(st.integers(0, 4)) == 0:
        del place[key]
    else:
        place[key] = data.draw(st.sampled_from([*VALUES, PLACE]))
    return json.dumps(document).encode().replace(json.dumps(PLACE).encode(), data.draw(st.sampled_from(RAW)))


@pytest.mark.parametrize("name", MAKERS)
@settings(deadline=None, max_examples=settings().max_examples // 4, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_happened_to_an_export_is_told_or_every_row_is_accounted_for(name, data):
    check(name, data)


def check(name: str, data: st.DataObject) -> None:
    """Harm one file of an export once or twice and read what is left."""
    original, held = sound(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / original.name
        (shutil.copytree if original.is_dir() else shutil.copy)(original, path)
        file = Path(folder) / data.draw(st.sampled_from(held))
        content = file.read_bytes()
        for _ in range(data.draw(st.integers(1, 2))):
            change = another_kind if file.suffix == ".json" and data.draw(st.booleans()) else harmed
            content = change(data, content)
        file.write_bytes(content)
        plugins.load().sources[name].sniff(path)
        survives(plugins.load().sources[name], path)
        if "partial" in inspect.signature(plugins.load().sources[name]).parameters:
            survives(plugins.load().sources[name], path, partial=True)


@pytest.mark.parametrize(
    ("name", "place"),
    {
        "discord": "server - 9.json",
        "google-chat": "Takeout/Google Chat/Groups/DM zzz/messages.json",
        "imazing": "Messages - Zed.csv",
        "messenger": "messages/Zed_9.json",
    }.items(),
)
@pytest.mark.parametrize("content", [b"", "{}".encode("utf-16"), b"[]"], ids=["empty", "utf-16", "nothing in it"])
def test_a_file_of_the_right_name_that_is_not_read_is_named(name, place, content, tmp_path):
    path = tmp_path / "export"
    shutil.copytree(sound(name)[0], path)
    file = path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.with_name(f"._{file.name}").write_bytes(b"\x00\x05\x16\x07")  # what a Mac leaves beside a copy
    source = plugins.load().sources[name](path)
    rows = len(list(source.rows()))
    told = [note for note in source.notes() if "was left out: it is no file that" in note]
    source.close()
    assert [note.split(" was left out")[0] for note in told] == [place]
    assert rows == len(list(plugins.load().sources[name](sound(name)[0]).rows()))
