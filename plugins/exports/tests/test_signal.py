"""Signal in its forms: frames, lines, text and the database."""

import io
import json
import re
import shutil
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland as wl
from wonderland.errors import InputError, ResourceError, UsageError
from wonderland_exports.frame import Member, Tally
from wonderland_exports.signal import Signal, desktop, exported
from wonderland_exports.testing import make_signal, make_signal_desktop, make_signal_export

from .reading import finds_what_was_planted, keeps_the_contract, messages, read, reasons, survives

KEY = "0123456789abcdef" * 4


def test_frames(tmp_path):
    planted = make_signal(tmp_path / "export", 400, seed=1)
    source = finds_what_was_planted(Signal, planted)
    assert source.facts()["System messages"].keys() == {"simpleUpdate", "individualCall"}
    assert source.facts()["Marked"]["edited"] > 0
    planted.path = planted.path / "main.jsonl"  # the file itself
    finds_what_was_planted(Signal, planted)


@pytest.mark.parametrize("text", [False, True], ids=["data.json", "text"])
def test_what_signal_export_writes(tmp_path, text):
    planted = make_signal_export(tmp_path / "export", 300, seed=1, text=text)
    source = finds_what_was_planted(Signal, planted)
    assert source.facts()["Times"] == {"local, without a zone": planted.messages}
    assert {m.thread for m in messages(list(source.rows()))} <= {"Bo", "export"}


@pytest.mark.parametrize("old", [False, True], ids=["columns", "json"])
@pytest.mark.parametrize("key", ["", KEY], ids=["decrypted", "encrypted"])
def test_signal_desktop(tmp_path, old, key):
    if key:
        pytest.importorskip("sqlcipher3")
    planted = make_signal_desktop(tmp_path / "Signal", 300, seed=1, key=key, old=old)
    source = finds_what_was_planted(Signal, planted, key=None if old else key or None)
    assert source.facts()["System messages"].keys() == {"call-history", "group-v2-change", "keychange"}
    assert Signal.sniff(planted.path) == 0.95
    source.close()
    named = messages(read(Signal, planted.path, key=key or None, names=True)[0])
    assert {m.sender for m in named} == {"me", "Name 2", "Name 3"}
    assert {m.thread for m in named if "group" in m.tags} == {"The group"}


def test_the_contract(tmp_path):
    keeps_the_contract(Signal, make_signal(tmp_path / "a"))
    keeps_the_contract(Signal, make_signal_export(tmp_path / "b"))
    keeps_the_contract(Signal, make_signal_export(tmp_path / "c", text=True))
    keeps_the_contract(Signal, make_signal_desktop(tmp_path / "d"))


def test_without_key_or_package_the_way_out_is_said(tmp_path, monkeypatch):
    pytest.importorskip("sqlcipher3")
    folder = make_signal_desktop(tmp_path / "Signal", 30, key=KEY).path
    with pytest.raises(InputError, match="keychain") as caught:
        Signal(folder).count()
    assert "WONDERLAND_SIGNAL_KEY" in caught.value.hint
    assert "key=" in caught.value.hint
    with pytest.raises(InputError, match="does not open"):
        Signal(folder, key="f" * 64).count()
    with pytest.raises(UsageError, match="64 digits"):
        Signal(folder, key="x")
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)
    with pytest.raises(ResourceError, match="sqlcipher3") as missing:
        Signal(folder, key=KEY).count()
    assert "pip install sqlcipher3" in missing.value.hint


def frames(tmp_path, *lines):
    head = [json.dumps({"version": "1"}), json.dumps({"recipient": {"id": "1", "self": {}}})]
    (tmp_path / "main.jsonl").write_text("".join(f"{line}\n" for line in (*head, *lines)), encoding="utf-8")
    return tmp_path


def item(text, author="2", **fields):
    item = {"chatId": "5", "authorId": author, "dateSent": "1650000000000", "standardMessage": {"text": {"body": text}}}
    return json.dumps({"chatItem": item | fields})


def test_a_line_break_that_was_not_escaped_belongs_to_its_text(tmp_path):
    raw = item("one#two##{not a frame").replace("#", "\n")
    items, _ = read(Signal, frames(tmp_path, raw, item("x", "1")))
    assert [m.text for m in items] == ["one\ntwo\n\n{not a frame", "x"]
    assert [m.is_from_me for m in items] == [False, True]
    assert items[0].timestamp.isoformat() == "2022-04-15T05:20:00+00:00"


def test_a_broken_line_costs_its_row_only(tmp_path):
    items, _ = read(Signal, frames(tmp_path, item("a"), item("b")[:-9], item("c"), '{"recipient": 5', item("d")[:20]))
    assert [m.text for m in messages(items)] == ["a", "c"]
    assert reasons(items) == {"broken line": 3}
    assert all(row.failed for row in items if row.id not in ("line 3", "line 5"))


@pytest.mark.parametrize("make", [make_signal, make_signal_export], ids=["main.jsonl", "data.json"])
def test_a_file_that_is_cut_off_is_refused_with_the_byte_or_kept_in_part(tmp_path, make):
    folder = make(tmp_path / "export", 60).path
    (file,) = [*folder.rglob("main.jsonl"), *folder.rglob("data.json")]
    content = file.read_bytes()
    whole = [item.id for item in read(Signal, folder)[0]]
    at = content.index(b'"', int(0.6 * len(content)))  # inside a row: behind no line break
    begin = content.rindex(b"\n{", 0, at) + 1
    file.write_bytes(content[:at])
    with pytest.raises(InputError, match=f"cut short: .* at byte {begin:,}[.]") as caught:
        Signal(folder).count()
    assert "--partial" in caught.value.hint
    items, _ = read(Signal, folder, partial=True)
    assert [item.id for item in items[:-1]] == whole[: len(items) - 1]
    assert items[-1][1:] == ("cut off here", True, f"at byte {begin:,}")
    file.write_bytes(content.removesuffix(b"\n"))  # only the end of the last line is missing, and no row
    assert [item.id for item in read(Signal, folder)[0]] == whole


def test_a_row_of_a_text_in_another_encoding_failed(tmp_path):
    path = tmp_path / "Bo.txt"
    path.write_bytes("[2022-01-01, 10:00] Bo: café\n[2022-01-01, 10:01] Bo: ".encode() + b"caf\xe9\n")
    items, _ = read(Signal, path)
    assert [m.text for m in messages(items)] == ["café"]
    assert [(row.reason, row.failed) for row in items[1:]] == [("not UTF-8", True)]


def test_identical_rows_count_once(tmp_path):
    items, _ = read(Signal, frames(tmp_path, item("a"), item("a"), item("a", dateSent="1650000000001")))
    assert reasons(items) == {"the same row twice": 1}


def test_the_best_form_is_read_where_there_are_several(tmp_path):
    planted = make_signal_export(tmp_path / "export", 50)
    (tmp_path / "export" / "Bo" / "chat.md").write_text("[2022-01-01 10:00:00] Me: twice  \n")
    assert Signal(tmp_path / "export").count() == planted.rows


def test_what_is_none_of_signals_forms_is_refused(tmp_path):
    (tmp_path / "x.txt").write_text("hello")
    assert Signal.sniff(tmp_path) == 0
    with pytest.raises(InputError, match="no export of Signal") as caught:
        Signal(tmp_path).count()
    assert "plain text" in caught.value.hint


@pytest.mark.parametrize(
    "row",
    [
        {"chat": "Eve", "sender": "me", "time": "2025-04-01T09:03:00Z", "text": "hi"},
        {"recipient": "Eve", "text": "hi"},
        {"date": "2025-04-01 09:03", "sender": "Eve", "text": "hi"},
    ],
)
def test_lines_of_somebody_elses_are_not_taken_for_signals(tmp_path, row):
    path = tmp_path / "more.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert Signal.sniff(path) == 0


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_accounted_for(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged") / "x"
    form = data.draw(st.integers(0, 2))
    if form == 0:
        make_signal(folder, 30, seed=1)
    else:
        make_signal_export(folder, 30, seed=1, text=form == 2)
    path = next(file for file in folder.rglob("*") if file.is_file() and file.name != "metadata.json")
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"\n", b'{"a":'])
        )
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    survives(Signal, folder)
    shutil.rmtree(folder)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.dictionaries(st.sampled_from(["text", "body", "x"]), inner, max_size=3) | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)
KEYS = (
    "chatId",
    "authorId",
    "dateSent",
    "standardMessage",
    "updateMessage",
    "revisions",
    "outgoing",
    "directStoryReplyMessage",
)


@settings(deadline=None)
@given(items=st.lists(st.dictionaries(st.sampled_from(KEYS), values) | values, max_size=5), person=values)
def test_frames_of_any_form_are_accounted_for(tmp_path_factory, items, person):
    lines = [json.dumps({"chatItem": one}) for one in items]
    lines += [
        json.dumps({kind: one}) for kind in ("recipient", "chat") for one in (person, {"id": person, "contact": person})
    ]
    read_items, _ = read(Signal, frames(tmp_path_factory.mktemp("odd"), *lines), names=True)
    assert len(read_items) == len(items)


def group_of(tmp_path, name, number, group, text):
    """Write an export with one message in one group, whose number differs from export to export."""
    frames = [
        {"version": "1"},
        {"recipient": {"id": "1", "self": {}}},
        {"recipient": {"id": number, "group": group}},
        {"chat": {"id": "7", "recipientId": number}},
        {"chatItem": {"chatId": "7", "authorId": "1", "dateSent": "1700000000000", "outgoing": {},
                      "standardMessage": {"text": {"body": text}}}},
    ]  # fmt: skip
    folder = tmp_path / name
    folder.mkdir()
    (folder / "main.jsonl").write_text("\n".join(map(json.dumps, frames)))
    return folder


def titled(title, **more):
    return {"snapshot": {"title": {"title": title}}, **more}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (titled("Old name", masterKey="QUJD"), titled("New name", masterKey="QUJD"), True),
        (titled("Name", masterKey="QUJD"), titled("Name", masterKey="QUJE"), False),
        (titled("Name"), titled("Name"), True),
        (titled("Name"), titled("Other"), False),
    ],
)
def test_a_group_in_two_exports_is_one_by_its_key_whatever_its_number(tmp_path, one, other, same):
    folders = group_of(tmp_path, "a", "9", one, "hi"), group_of(tmp_path, "b", "12", other, "ho")
    corpus = wl.Corpus.read(*folders)
    assert len(corpus.thread_starts) == (1 if same else 2)
    threads = {message.thread for message in Signal(folders[0]).rows() if isinstance(message, wl.Message)}
    assert "QUJD" not in "".join(threads)


def test_an_export_of_signal_made_twice_is_counted_once(tmp_path):
    planted = make_signal_export(tmp_path / "first", 200, seed=5)
    again = make_signal_export(tmp_path / "second", 200, seed=5)
    alone, both = wl.Corpus.read(planted.path), wl.Corpus.read(planted.path, again.path)
    assert len(both) == len(alone)
    assert both.counts()["people"] == alone.counts()["people"]
    assert both.ledger.count("joined") == len(alone)


def test_the_key_comes_from_the_environment_and_not_from_the_command_line(tmp_path, monkeypatch):
    folder = tmp_path / "Signal"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    monkeypatch.delenv("WONDERLAND_SIGNAL_KEY", raising=False)
    with pytest.raises(InputError, match="locked in your system's keychain") as caught:
        desktop._key(folder)
    assert "WONDERLAND_SIGNAL_KEY" in caught.value.hint
    monkeypatch.setenv("WONDERLAND_SIGNAL_KEY", KEY)
    assert desktop._key(folder) == KEY
    monkeypatch.setenv("WONDERLAND_SIGNAL_KEY", "short")
    with pytest.raises(UsageError, match="64 digits"):
        desktop._key(folder)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("[2024-01-31, 10:20] Bo: hi", "[2024-01-31 10:20:30] Me: ho  ", "[2024-13-31, 10:20] Bo: x", "", " "),
                *("[2024-01-31", "more: of it", "[2024-01-31, 10:20]No-Sender: x", "[2024-01-31, 10:20] Bo:"),
                "\u2028[2024-01-31, 10:20] ä",
            ]
        ),
        max_size=8,
    ),
    st.sampled_from(["", "\n", "\n\n"]),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff"]),
)
def test_a_text_looked_through_at_once_is_what_its_lines_say(lines, end, start):
    content = start + ("\n".join(lines) + end).encode()
    member = Member("Bo.txt", len(content), lambda: io.BytesIO(content))
    read = []
    for most in (1 << 26, -1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exported, "_WHOLE", most)
            tally = Tally()
            read.append((exported.count_texts(member), list(exported.texts(member, "Bo", tally)), tally.facts()))
    assert read[0] == read[1]
    assert read[0][0] == len(read[0][1])


@pytest.mark.parametrize("number", ["\u00b2", "+\u0661", "9" * 5000, "000", 5, {"a": 1}, "../.."])
def test_a_number_that_is_none_names_nobody_and_loses_no_row(tmp_path, number):
    planted = make_signal(tmp_path / "export", 60, seed=1)
    file = planted.path / "main.jsonl"
    text, numbers = re.subn(r'"e164": ?"[^"]*"', lambda _: f'"e164": {json.dumps(number)}', file.read_text("utf-8"))
    assert numbers
    file.write_text(text, encoding="utf-8")
    items, _ = read(Signal, planted.path)
    assert len(items) == planted.rows
    if not str(number).strip("9"):
        return  # digits, however many
    senders = {m.sender for m in messages(items)} - {"me"}
    assert senders
    assert all(sender.startswith("aci-") or sender == "+5" for sender in senders)
