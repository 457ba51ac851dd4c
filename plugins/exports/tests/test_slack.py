"""Slack: codes become what people saw, every subtype has its class, replies are conversations."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.errors import InputError
from wonderland.testing import check_source
from wonderland_exports.slack import Slack
from wonderland_exports.slack_rows import is_bot
from wonderland_exports.slack_text import plain
from wonderland_exports.testing.checking import DAMAGES, agrees, damaged, no_accident, read
from wonderland_exports.testing.slack import make_slack

STAMP = "1600000000.000100"


def write(folder, *rows, day="general/2020-09-13.json", users=(), **lists):
    """Write one day of one channel."""
    (folder / day).parent.mkdir(parents=True, exist_ok=True)
    (folder / day).write_text(json.dumps(rows), encoding="utf-8")
    for name, entries in {"users": users, **lists}.items():
        (folder / f"{name}.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def row(text="hi", user="U1", ts=STAMP, **more):
    return {"type": "message", "user": user, "ts": ts, "text": text, **more}


@pytest.mark.parametrize("name", ["slack.zip", "slack"])
@pytest.mark.parametrize("private", [True, False])
def test_what_was_planted_is_found(tmp_path, name, private):
    known = make_slack(tmp_path / name, 400, seed=1, private=private)
    source = Slack(known.path, me="" if private else known.me)
    agrees(source, known)
    assert any("public channels only" in note for note in source.notes()) != private


@pytest.mark.parametrize("name", ["slack.zip", "slack"])
def test_what_slackdump_dumped_is_read_with_the_replies_inside(tmp_path, name):
    known = make_slack(tmp_path / name, 400, seed=1, dump=True)
    assert Slack.sniff(known.path) > 0.9
    source = Slack(known.path, me=known.me)
    agrees(source, known)
    assert source.notes() == []


def test_one_dumped_channel_is_read_whatever_its_file_is_called(tmp_path):
    replies = [row("reply", ts="1600000002.000000", thread_ts=STAMP), 5]
    document = {"messages": [row(thread_ts=STAMP, slackdump_thread_replies=replies)], "channel_id": "D1"}
    (tmp_path / "kept.json").write_text(json.dumps(document), encoding="utf-8")
    assert Slack.sniff(tmp_path / "kept.json") > 0.9
    messages, skipped = read(Slack(tmp_path / "kept.json", me="U1"))
    assert [(one.text, one.thread, one.tags) for one in messages] == [(t, f"D1/{STAMP}", ()) for t in ("hi", "reply")]
    assert [(one.reason, one.failed) for one in skipped] == [("not a JSON object", True)]


def test_rows_of_another_program_are_not_taken_for_a_dump(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"messages": [{"ts": "1.5", "text": "x"}]}), encoding="utf-8")
    assert Slack.sniff(tmp_path / "a.json") == 0


@pytest.mark.parametrize("name", ["slack.zip", "slack"])
def test_the_contract_of_a_source(tmp_path, name):
    check_source(Slack, make_slack(tmp_path / name, 60).path)


def test_the_owner_is_named_by_id_name_account_or_address(tmp_path):
    users = [{"id": "U1", "name": "ada", "profile": {"display_name": "Ada B", "email": "Ada@x.example"}}]
    write(tmp_path, row(), row(user="U2", ts="1600000001.0"), users=users)
    for me in ("U1", "ada", "Ada B", "ada@x.example"):
        assert [message.is_from_me for message in read(Slack(tmp_path, me=me))[0]] == [True, False]
    with pytest.raises(InputError, match="does not say which of its senders is you") as caught:
        list(Slack(tmp_path).rows())
    assert '"Ada B" (1 message)' in caught.value.hint


def test_people_are_called_by_their_address_or_by_name(tmp_path):
    users = [
        {"id": "U1", "name": "a", "profile": {"display_name": "Ada", "email": "ada@x.example"}},
        {"id": "U2", "name": "b", "profile": {"display_name": "Bo"}},
        {"id": "U3", "name": "c", "profile": {"real_name": "Bo"}},
    ]
    write(tmp_path, *(row(user=f"U{n}", ts=f"160000000{n}.0") for n in (1, 2, 3, 4)), users=users)
    assert [m.sender for m in read(Slack(tmp_path, me="U4"))[0]] == ["ada@x.example", "U2", "U3", "me"]
    assert [m.sender for m in read(Slack(tmp_path, me="U4", names=True))[0]] == ["Ada", "Bo (U2)", "Bo (U3)", "me"]


def test_a_stamp_is_no_float(tmp_path):
    write(tmp_path, row(ts="1478724012.000005"), row(ts="1478724012.000006"))
    first, second = read(Slack(tmp_path, me="U1"))[0]
    assert (first.timestamp.microsecond, second.timestamp.microsecond) == (5, 6)
    assert first.id != second.id


def test_a_row_in_two_exports_is_counted_once(tmp_path):
    write(tmp_path / "a", row(), row(ts="1600000001.0"))
    write(tmp_path / "b", row(), row(ts="1600000002.0"))
    messages, skipped = read(Slack(tmp_path, me="U1"))
    assert len(messages) == 3
    assert [one.reason for one in skipped] == ["in two files, counted once"]


def test_a_row_twice_in_one_file_is_counted_once(tmp_path):
    messages, skipped = read(Slack(write(tmp_path, row(), row()), me="U1"))
    assert (len(messages), [one.reason for one in skipped]) == (1, ["twice in one file, counted once"])


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (row(subtype="a_new_one"), "of an unknown subtype"),
        (row(text=5), "text is not a string"),
        ("words", "not a JSON object"),
        (row(user=None), "without a sender"),
    ],
)
def test_odd_rows_are_failures(tmp_path, stored, reason):
    write(tmp_path, stored, row(ts="1600000001.0"))
    (skipped,) = read(Slack(tmp_path, me="U1"))[1]
    assert (skipped.reason, skipped.failed) == (reason, True)


def test_a_bad_stamp_is_left_open(tmp_path):
    write(tmp_path, row(ts="soon"), row(ts=5))
    source = Slack(tmp_path, me="U1")
    assert [message.timestamp for message in read(source)[0]] == [None, None]
    assert source.facts() == {"Left open": {"time missing or not understood": 2}}


def test_a_day_that_is_cut_off(tmp_path):
    path = write(tmp_path, row(), row(ts="1600000001.0")) / "general/2020-09-13.json"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cut short"):
        Slack(tmp_path).count()
    messages, skipped = read(Slack(tmp_path, me="U1", partial=True))
    assert len(messages) == 1
    assert [one.reason for one in skipped] == ["cut off here"]


def test_what_is_no_export_is_said(tmp_path):
    write(tmp_path, users=[])
    shutil.rmtree(tmp_path / "general")
    with pytest.raises(InputError, match=r"holds no file of a day, such as general/2024-05-01\.json"):
        Slack(tmp_path).count()
    write(tmp_path)
    (tmp_path / "general/2020-09-13.json").write_text("{}")
    assert Slack.sniff(tmp_path) == 0
    (tmp_path / "general/2020-09-13.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="it is no list"):
        Slack(tmp_path).count()


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("<@U1|ada> <@U9>", "@Ada @U9"),
        ("<#C1> <#C9|x> <#C9>", "#general #x #C9"),
        ("<!everyone> <!subteam^S1> <!date^5^{date}^https://x|May 5>", "@everyone subteam May 5"),
        ("<tel:+1555|+1 555> <mailto:a@b.c>", "+1 555 a@b.c"),
        ("&lt;@U1&gt; &amp;lt;", "<@U1> &lt;"),
        ("a < b > c", "a < b > c"),
        ("<>", "<>"),
        ("List<int> and <b>", "List<int> and <b>"),
    ],
)
def test_codes(stored, shown):
    assert plain(stored, {"U1": "Ada"}, {"C1": "general"}) == shown


@settings(deadline=None)
@given(how=st.sampled_from(DAMAGES), where=st.floats(0, 1), byte=st.integers(0, 255), partial=st.booleans())
def test_damage_is_no_accident(tmp_path_factory, how, where, byte, partial):
    folder = write(tmp_path_factory.mktemp("slack"), *(row(ts=f"160000000{n}.0") for n in range(9)))
    for name in ("general/2020-09-13.json", "users.json"):
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(damaged(content, how, where, byte))
        assert 0 <= Slack.sniff(folder) <= 1
        no_accident(lambda: Slack(folder, me="U1", partial=partial))
        path.write_bytes(content)


@pytest.mark.parametrize("odd", [[], {}, 7, ["bot_message"]])
def test_a_subtype_that_is_no_text_is_no_fault_of_the_reader(odd):
    assert not is_bot({"subtype": odd, "user": "U1"}, frozenset())
    assert is_bot({"subtype": "bot_message", "user": "U1"}, frozenset())
