"""Telegram: every row of every chat, texts as they stand, the owner proved or asked for."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.errors import InputError
from wonderland_exports.telegram import Telegram
from wonderland_exports.telegram_rows import count_senders
from wonderland_exports.testing import make_telegram

from .reading import finds_what_was_planted, keeps_the_contract, messages, read, reasons, survives


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return make_telegram(tmp_path_factory.mktemp("telegram") / "result.json", 400, seed=3)


def test_the_planted_answer(planted):
    source = finds_what_was_planted(Telegram, planted)
    facts = source.facts()
    assert facts["Service messages"]["phone_call"] > 0
    assert {"edited", "forwarded", "bot"} <= facts["Marked"].keys()


def test_the_contract(planted):
    keeps_the_contract(Telegram, planted)


def test_one_chat_of_before_2021_has_local_times(tmp_path):
    planted = make_telegram(tmp_path / "result.json", 90, account=False, old=True)
    source = finds_what_was_planted(Telegram, planted)
    assert source.facts()["Times"] == {"local, without a zone": planted.messages}


@pytest.mark.parametrize("old", [False, True])
def test_one_chat_without_its_type_and_ids_is_read_whatever_its_file_is_called(tmp_path, old):
    planted = make_telegram(tmp_path / "kept for Bo.json", 90, old=old, bare=True)
    assert Telegram.sniff(planted.path) > 0.5
    finds_what_was_planted(Telegram, planted, me="Ada")


def test_rows_of_another_program_are_not_taken_for_telegrams(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"messages": [{"type": "message", "ts": "1.5", "text": "x"}]}))
    assert Telegram.sniff(tmp_path / "a.json") == 0


def chat(tmp_path, *rows, kind="personal_chat", key=2, name="Bo", **beside):
    (tmp_path / "result.json").write_text(
        json.dumps({"name": name, "type": kind, "id": key, "messages": rows, **beside})
    )
    return tmp_path / "result.json"


def row(number, sender, text, **fields):
    moment = {"date": "2018-04-13T19:32:32", "date_unixtime": "1523640752"}
    who = {"from": f"User {sender}", "from_id": f"user{sender}"}
    return {"id": number, "type": "message", **moment, **who, "text": text, **fields}


def test_parts_are_joined_with_nothing_between(tmp_path):
    parts = ["are you ", {"type": "link", "text": "free.example"}, "?\n", {"type": "bold", "text": " "}, "x"]
    items, _ = read(Telegram, chat(tmp_path, row(1, 2, parts), row(2, 1, "yes")))
    assert [m.text for m in items] == ["are you free.example?\n x", "yes"]
    assert [(m.sender, m.is_from_me) for m in items] == [("user2", False), ("me", True)]
    assert {m.timestamp.isoformat() for m in items} == {"2018-04-13T17:32:32+00:00"}


def test_rows_without_text_or_id_leave_the_others(tmp_path):
    rich = {"id": 3, "type": "message", "from": "Leo", "date_unixtime": "1544006352", "rich_message": {"a": [1]}}
    nameless = {"type": "message", "from": None, "from_id": "user2", "date_unixtime": "1544006352", "text": "gone"}
    items, _ = read(Telegram, chat(tmp_path, row(1, 2, "hi"), rich, nameless, 5, row(4, 1, "yes")))
    assert [m.text for m in messages(items)] == ["hi", "gone", "yes"]
    assert reasons(items) == {"rich message": 1, "no row of a chat": 1}
    assert [item.id for item in items] == ["2/1", "2/3", "2/row 3", "2/row 4", "2/4"]


def test_names_are_kept_where_they_are_asked_for(tmp_path):
    path = chat(tmp_path, row(1, 2, "hi"), row(2, 1, "yes"))
    items, _ = read(Telegram, path, names=True)
    assert [(m.thread, m.sender) for m in items] == [("Bo", "User 2"), ("Bo", "me")]
    items, _ = read(Telegram, path)
    assert {m.thread for m in items} == {"2"}


def test_a_name_is_that_of_the_first_row_that_has_one(tmp_path):
    nameless = [row(number, 1, "x") | {"from": odd} for number, odd in enumerate((None, "", " ", 5), 1)]
    path = chat(tmp_path, *nameless, row(5, 1, "hi"), row(6, 1, "ho") | {"from": "Later"}, row(7, 2, "yes"))
    items, _ = read(Telegram, path, names=True, me="User 2")
    assert {m.sender for m in items} == {"me", "User 1"}
    items, _ = read(Telegram, path, me="User 1")
    assert [m.is_from_me for m in items] == [True] * 6 + [False]
    names, senders = {}, Counter()
    for part in ([nameless[0], 5], [row(5, 1, "hi")], [row(6, 1, "ho") | {"from": "Later"}]):  # in parts
        count_senders(part, senders, names)
    assert (names, senders) == ({"user1": "User 1"}, {"user1": 3})


def test_a_group_alone_asks_who_you_are(tmp_path):
    path = chat(tmp_path, row(1, 2, "hi"), row(2, 1, "yes"), row(3, 1, "so"), kind="private_group", key=77)
    with pytest.raises(InputError, match="does not say which") as caught:
        Telegram(path).count() and list(Telegram(path).rows())
    assert "--me 'User 1'" in caught.value.hint
    for me in ("User 1", "user1"):
        items, _ = read(Telegram, path, me=me)
        assert [m.is_from_me for m in items] == [False, True, True]
        assert {m.tags for m in items} == {("group",)}


def test_saved_messages_are_ones_own(tmp_path):
    items, _ = read(Telegram, chat(tmp_path, row(1, 9, "note"), kind="saved_messages", key=9))
    assert items[0].is_from_me


def test_a_file_cut_short_is_refused_or_kept_partially(tmp_path):
    path = chat(tmp_path, row(1, 2, "hi"), row(2, 1, "yes"), row(3, 2, "lost"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"cut short.*byte") as caught:
        read(Telegram, path)
    assert "--partial" in caught.value.hint
    items, _ = read(Telegram, path, partial=True)
    assert [m.text for m in messages(items)] == ["hi", "yes"]
    assert items[-1].reason == "cut off"
    assert items[-1].failed


def test_rows_without_a_number_or_that_cannot_be_read_hide_none_in_another_file(tmp_path):
    nameless = {key: value for key, value in row(1, 2, "one").items() if key != "id"}
    broken = row(9, 2, 5)
    for folder, rows in {
        "a": [nameless, 5, broken],
        "b": [nameless | {"text": "two"}, 5, broken | {"text": "whole"}],
    }.items():
        (tmp_path / folder).mkdir()
        chat(tmp_path / folder, *rows)
    (tmp_path / "c").mkdir()
    chat(tmp_path / "c", nameless, row(10, 1, "me"), broken)
    items, _ = read(Telegram, tmp_path)
    assert [m.text for m in messages(items)] == ["one", "two", "whole", "me"]
    assert reasons(items) == {"no row of a chat": 2, "text of unknown form": 2, "in two files, counted once": 1}
    assert len({item.id for item in items}) == len(items)


def test_the_same_chat_exported_twice_counts_once(tmp_path):
    for folder, rows in {"a": [row(1, 2, "hi")], "b": [row(1, 2, "hi"), row(2, 1, "yes")]}.items():
        (tmp_path / folder).mkdir()
        chat(tmp_path / folder, *rows)
    items, _ = read(Telegram, tmp_path)
    assert [m.text for m in messages(items)] == ["hi", "yes"]
    assert reasons(items) == {"in two files, counted once": 1}


@pytest.mark.parametrize("content", ["0", "[]", "null", '"x"'])
def test_json_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InputError, match="holds no list 'messages'"):
        Telegram(tmp_path / "result.json").count()
    (tmp_path / "result.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="no chat in"):
        Telegram(tmp_path / "result.json").count()


def test_html_is_recognised_and_refused_with_the_way_out(tmp_path):
    (tmp_path / "messages.html").write_text("<html><title>Exported Data</title></html>")
    assert Telegram.sniff(tmp_path) == 0.5
    with pytest.raises(InputError, match="HTML export") as caught:
        Telegram(tmp_path).count()
    assert "JSON" in caught.value.hint
    planted = make_telegram(tmp_path / "result.json", 30)
    source = Telegram(tmp_path)
    assert source.count() == planted.rows
    assert [note for note in source.notes() if "passed over (files: 1)" in note] == source.notes() != []


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_accounted_for(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "result.json"
    make_telegram(path, 30, seed=1)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    survives(Telegram, path, partial=data.draw(st.booleans()), me=data.draw(st.sampled_from([None, "Ada"])))


json_rows = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "type", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "text", "text_entities", "from", "from_id", "date"), json_rows),
        **dict.fromkeys(("date_unixtime", "photo"), json_rows),
        "type": st.sampled_from(["message", "service", "x", None, 5]),
        "media_type": json_rows,
        "action": json_rows,
        "edited": json_rows,
    },
)


@settings(deadline=None)
@given(rows=st.lists(fields | json_rows, min_size=1, max_size=6), beside=json_rows)
def test_rows_of_any_form_are_accounted_for(tmp_path_factory, rows, beside):
    path = chat(tmp_path_factory.mktemp("odd"), *rows, row(1, 1, "x"), key=beside, name=beside)
    items, _ = read(Telegram, path, me="User 1", names=True)
    assert len(items) == len(rows) + 1
