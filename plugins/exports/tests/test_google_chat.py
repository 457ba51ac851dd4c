"""Google Chat and Hangouts: whose it is stands in it, and when is read from words of any language."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.errors import InputError
from wonderland.testing import check_source
from wonderland_exports.google_chat import GoogleChat
from wonderland_exports.testing.checking import DAMAGES, agrees, damaged, no_accident, read
from wonderland_exports.testing.google import make_google_chat, make_hangouts

WHEN = "Thursday, November 3, 2016 at 11:59:50\u202fAM UTC"


def row(text="hi", who="Ada", **more):
    return {"creator": {"name": who, "email": f"{who}@X.example"}, "created_date": WHEN, "text": text, **more}


def write(folder, *rows, place="DM a"):
    path = folder / place / "messages.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"messages": rows}), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["takeout.zip", "takeout"])
@pytest.mark.parametrize("language", ["en", "de", "fr", "ja", "zh_Hant", "ar", "th"])
def test_what_was_planted_is_found(tmp_path, name, language):
    known = make_google_chat(tmp_path / name, 150, seed=3, language=language)
    source = GoogleChat(known.path)
    agrees(source, known)
    assert "Left open" not in source.facts()


@pytest.mark.parametrize("older", [False, True])
def test_hangouts_of_either_layout(tmp_path, older):
    agrees(GoogleChat(make_hangouts(tmp_path / "t.zip", 80, older=older).path), make_hangouts(tmp_path / "t.zip", 80))
    named = read(GoogleChat(tmp_path / "t.zip", names=True))[0]
    assert not any(message.sender.isdigit() for message in named)


def test_a_name_of_hangouts_holds_in_conversations_that_do_not_know_it(tmp_path):
    def conversation(number, *people):
        told = [{"id": {"gaia_id": "7"}} | ({"fallback_name": name} if name else {}) for name in people]
        content = {"message_content": {"segment": [{"type": "TEXT", "text": "hi"}]}}
        event = {"sender_id": {"gaia_id": "7"}, "timestamp": "1700000000000000", "chat_message": content}
        inner = {"id": {"id": str(number)}, "type": "STICKY_ONE_TO_ONE", "participant_data": told}
        return {"conversation": {"conversation_id": {"id": str(number)}, "conversation": inner}, "events": [event]}

    path = tmp_path / "Hangouts.json"
    path.write_text(json.dumps({"conversations": [conversation(1), conversation(2, "Bo"), conversation(3, "")]}))
    assert [message.sender for message in read(GoogleChat(path, names=True))[0]] == ["Bo"] * 3
    assert [message.sender for message in read(GoogleChat(path))[0]] == ["7"] * 3


@pytest.mark.parametrize("make", [make_google_chat, make_hangouts])
@pytest.mark.parametrize("name", ["t.zip", "t"])
def test_the_contract_of_a_source(tmp_path, make, name):
    check_source(GoogleChat, make(tmp_path / name, 60).path)


def test_the_owner_is_named_where_the_export_does_not_say(tmp_path):
    path = write(tmp_path, row(), row("ho", "Bo"))
    for me in ("ada@x.example", "Ada"):
        messages = read(GoogleChat(path, me=me))[0]
        assert [(message.sender, message.is_from_me) for message in messages] == [("me", True), ("bo@x.example", False)]
    assert [message.sender for message in read(GoogleChat(path, me="Ada", names=True))[0]] == ["me", "Bo"]
    with pytest.raises(InputError, match="which of its senders is you"):
        list(GoogleChat(path).rows())


def test_a_name_is_not_lost_by_a_row_that_has_none(tmp_path):
    bare = {"creator": {"email": "Ada@X.example"}}
    path = write(tmp_path, row() | bare, row(), row() | bare, row("ho", "Bo"))
    assert [message.is_from_me for message in read(GoogleChat(path, me="Ada"))[0]] == [True] * 3 + [False]
    assert {message.sender for message in read(GoogleChat(path, me="Bo", names=True))[0]} == {"Ada", "me"}


def test_two_groups_of_the_same_people_are_two(tmp_path):
    for place in ("Space a", "Space b"):
        write(tmp_path, row(), place=place)
        (tmp_path / place / "group_info.json").write_text('{"members": [{"name": "Ada"}]}')
    messages = read(GoogleChat(tmp_path, me="Ada"))[0]
    assert {(message.thread, message.tags) for message in messages} == {
        ("Space a", ("group",)),
        ("Space b", ("group",)),
    }


def test_what_a_row_leaves_open_is_counted(tmp_path):
    write(tmp_path, row(created_date="yesterday"), {"text": "x", "created_date": WHEN}, row(created_date=5))
    source = GoogleChat(tmp_path, me="Ada")
    messages = read(source)[0]
    assert [message.timestamp is None for message in messages] == [True, False, True]
    assert [message.sender for message in messages] == ["me", "unknown", "me"]
    assert sorted(source.facts()["Left open"].values()) == [1, 2]


def test_a_row_in_two_takeouts_is_counted_once(tmp_path):
    write(tmp_path / "1", row(message_id="a/b/c"))
    write(tmp_path / "2", row(message_id="a/b/c"), row("new", message_id="a/b/d"))
    messages, skipped = read(GoogleChat(tmp_path, me="Ada"))
    assert [message.text for message in messages] == ["hi", "new"]
    assert [one.reason for one in skipped] == ["in two files, counted once"]


def test_a_row_twice_in_one_file_is_counted_once(tmp_path):
    write(tmp_path / "1", row(message_id="a/b/c"), row(message_id="a/b/c"))
    messages, skipped = read(GoogleChat(tmp_path, me="Ada"))
    assert (len(messages), [one.reason for one in skipped]) == (1, ["twice in one file, counted once"])


@pytest.mark.parametrize(("stored", "reason"), [(row(5), "text is not a string"), ("words", "not a JSON object")])
def test_odd_rows_are_failures(tmp_path, stored, reason):
    write(tmp_path, stored, row())
    (skipped,) = read(GoogleChat(tmp_path, me="Ada"))[1]
    assert (skipped.reason, skipped.failed) == (reason, True)


def test_a_file_that_is_cut_off_or_another(tmp_path):
    path = write(tmp_path, row(), row("ho"))
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(InputError, match="cut short"):
        GoogleChat(tmp_path).count()
    messages, skipped = read(GoogleChat(tmp_path, me="Ada", partial=True))
    assert [message.text for message in messages] == ["hi"]
    assert [one.reason for one in skipped] == ["cut off here"]
    path.write_text('{"messages": [{"sender_name": "Ada"}]}')
    assert GoogleChat.sniff(tmp_path) == 0
    with pytest.raises(InputError, match="no messages of Google Chat or Hangouts"):
        GoogleChat(tmp_path).count()


@settings(deadline=None)
@given(
    how=st.sampled_from(DAMAGES),
    where=st.floats(0, 1),
    byte=st.integers(0, 255),
    partial=st.booleans(),
    make=st.sampled_from([make_google_chat, make_hangouts]),
)
def test_damage_is_no_accident(tmp_path_factory, how, where, byte, partial, make):
    folder = make(tmp_path_factory.mktemp("google"), 20).path
    for path in sorted(path for path in folder.rglob("*") if path.is_file())[:3]:
        content = path.read_bytes()
        path.write_bytes(damaged(content, how, where, byte))
        assert 0 <= GoogleChat.sniff(folder) <= 1
        no_accident(lambda: GoogleChat(folder, partial=partial))
        path.write_bytes(content)
