"""Discord: rows are classed by their type and not by their text, and the data package says it has one side."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.errors import InputError
from wonderland.testing import check_source
from wonderland_exports.discord import Discord
from wonderland_exports.discord_rows import time_of_id
from wonderland_exports.testing.checking import DAMAGES, agrees, damaged, no_accident, read
from wonderland_exports.testing.discord import make_discord, make_package, snowflake
from wonderland_exports.whatsapp import WhatsApp


def row(text="hi", who="7", number=1, **more):
    author = {"id": who, "name": f"name{who}", "discriminator": "0000", "nickname": f"Nick {who}", "isBot": False}
    stamp = "2024-05-01T12:00:00.5+02:00"
    return {"id": str(number), "type": "Default", "timestamp": stamp, "content": text, "author": author, **more}


def write(path, *rows, kind="GuildTextChat", name="general", identity="5", **more):
    channel = {"id": identity, "type": kind, "name": name}
    whole = {"guild": {"id": "1"}, "channel": channel, "messages": rows, "messageCount": len(rows), **more}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["discord", "discord.zip"])
def test_what_was_planted_is_found(tmp_path, name):
    known = make_discord(tmp_path / name, 400, seed=2)
    agrees(Discord(known.path), known)


@pytest.mark.parametrize("table", [False, True])
def test_the_package_is_read_and_says_that_it_has_one_side(tmp_path, table):
    known = make_package(tmp_path / "package.zip", 80, table=table)
    source = Discord(known.path)
    agrees(source, known)
    assert "your messages only, and no answers" in source.notes()[0]


@pytest.mark.parametrize("make", [make_discord, make_package])
@pytest.mark.parametrize("name", ["d.zip", "d"])
def test_the_contract_of_a_source(tmp_path, make, name):
    check_source(Discord, make(tmp_path / name, 60).path)


def test_one_file_is_an_export(tmp_path):
    path = write(tmp_path / "a.json", row(), row("ho", "8", 2))
    assert Discord.sniff(path) > 0.9
    for me in ("7", "Nick 7", "nick 7"):
        messages, _ = read(Discord(path, me=me))
        assert [(message.sender, message.is_from_me) for message in messages] == [("me", True), ("8", False)]
    assert messages[0].timestamp == datetime(2024, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert [message.sender for message in read(Discord(path, me="7", names=True))[0]] == ["me", "Nick 8"]
    with pytest.raises(InputError, match="does not say which of its senders is you"):
        list(Discord(path).rows())


def test_the_owner_is_in_all_direct_conversations_or_not_the_one_they_are_named_after(tmp_path):
    write(tmp_path / "a.json", row(who="1"), row(who="2", number=2), kind="DirectTextChat", name="?", identity="1")
    with pytest.raises(InputError, match="which of its senders"):
        list(Discord(tmp_path).rows())
    write(tmp_path / "b.json", row(who="1"), row(who="3", number=2), kind="DirectTextChat", name="?", identity="2")
    assert [message.is_from_me for message in read(Discord(tmp_path))[0]] == [True, False] * 2
    (tmp_path / "b.json").unlink()
    write(tmp_path / "a.json", row(who="1"), row(who="2", number=2), kind="DirectTextChat", name="name2", identity="1")
    assert [message.is_from_me for message in read(Discord(tmp_path))[0]] == [True, False]


def test_a_row_that_cannot_be_read_hides_none_in_another_file(tmp_path):
    for name, content in {"a": 5, "b": 6, "c": "whole", "d": "whole"}.items():
        write(tmp_path / f"{name}.json", row(content), name=name)
    messages, skipped = read(Discord(tmp_path, me="7"))
    assert [message.text for message in messages] == ["whole"]
    assert [one.failed for one in skipped] == [True, True, False]
    assert len({one.id for one in skipped}) == 3


def test_a_name_is_not_lost_by_a_row_that_has_none(tmp_path):
    path = write(tmp_path / "a.json", row(), row(number=2, author={"id": "7"}), row(who="8", number=3))
    assert [message.is_from_me for message in read(Discord(path, me="Nick 7"))[0]] == [True, True, False]


def test_somebody_has_one_name_in_all_channels(tmp_path):
    other = {"id": "8", "name": "name8", "nickname": "Another 8"}
    write(tmp_path / "a.json", row(), row(who="8", number=2))
    write(
        tmp_path / "b.json",
        row(who="8", number=3, author=other),
        row(who="8", number=4, author={"id": "8"}),
        identity="6",
    )
    assert [message.sender for message in read(Discord(tmp_path, me="7", names=True))[0]] == ["me"] + ["Another 8"] * 3


def test_a_channel_exported_twice_is_counted_once(tmp_path):
    write(tmp_path / "a.json", row(), row("ho", number=2))
    write(tmp_path / "b.json", row("ho", number=2), row("new", number=3))
    messages, skipped = read(Discord(tmp_path, me="7"))
    assert [message.text for message in messages] == ["hi", "ho", "new"]
    assert [one.reason for one in skipped] == ["in two files, counted once"]


def test_a_row_twice_in_one_file_is_counted_once(tmp_path):
    messages, skipped = read(Discord(write(tmp_path / "a.json", row(), row()), me="7"))
    assert (len(messages), [one.reason for one in skipped]) == (1, ["twice in one file, counted once"])


@pytest.mark.parametrize("folder", ["messages/c600100200300400500", "kept"])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_one_file_of_the_package_is_read_wherever_it_lies(tmp_path, folder, kind):
    path = tmp_path / folder / f"messages.{kind}"
    path.parent.mkdir(parents=True)
    stored = {"ID": "42", "Timestamp": "2024-05-01 12:00:00", "Contents": "hi, you", "Attachments": ""}
    table = 'ID,Timestamp,Contents,Attachments\r\n42,2024-05-01 12:00:00,"hi, you",\r\n'
    path.write_text(table if kind == "csv" else json.dumps([stored]), encoding="utf-8")
    assert Discord.sniff(path) > 0.9
    ((message,), _) = read(Discord(path))
    assert (message.text, message.is_from_me, message.thread) == (
        "hi, you", True, "messages" if folder == "kept" else "600100200300400500",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "said", "when"),
    [
        ("600100200300400500", "2019-07-14 23:03:57", "2019-07-14T23:03:57.074000+00:00"),
        ("600100200300400500", "2020-05-01 10:00:00", "2020-05-01T10:00:00+00:00"),
        ("600100200300400500", "x", "2019-07-14T23:03:57.074000+00:00"),
        ("42", "2020-05-01 10:00:00.123000+02:00", "2020-05-01T08:00:00.123000+00:00"),
        ("42", "x", None),
    ],
)
def test_the_time_of_a_row_of_the_package_is_that_of_its_id_where_it_says_no_other(tmp_path, identity, said, when):
    path = tmp_path / "messages.json"
    path.write_text(json.dumps([{"ID": identity, "Timestamp": said, "Contents": "hi"}]), encoding="utf-8")
    ((message,), _) = read(Discord(path))
    assert (message.timestamp and message.timestamp.isoformat()) == when


@pytest.mark.parametrize("folder", [False, True])
def test_the_exporters_text_is_refused_and_no_chat_of_whatsapp(tmp_path, folder):
    bar = "=" * 62
    text = f"{bar}\nGuild: a\nChannel: b\n{bar}\n\n[17-Jan-23 07:33 PM] ada\nhi\n\n[17-Jan-23 07:34 PM] bo\nho: x\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    path = tmp_path if folder else tmp_path / "a.txt"
    assert (Discord.sniff(path), WhatsApp.sniff(path)) == (0.5, 0)
    with pytest.raises(InputError, match="text alone: it is made for eyes") as caught:
        Discord(path).count()
    assert "--format Json" in caught.value.hint


def test_a_text_beside_the_json_is_passed_over(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    source = Discord(write(tmp_path / "a.json", row()).parent, me="7")
    assert len(read(source)[0]) == 1
    assert source.notes() == []


def test_a_count_that_is_wrong_is_said(tmp_path):
    source = Discord(write(tmp_path / "a.json", row(), messageCount=7), me="7")
    read(source)
    assert source.notes() == ["a.json says it holds 7 messages and holds 1."]


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (row(type="99"), "of an unknown type"),
        (row(author=None), "without an author"),
        (row(author={"id": 5}), "without an author"),
        (row(5), "text is not a string"),
        ("words", "not a JSON object"),
    ],
)
def test_odd_rows_are_failures(tmp_path, stored, reason):
    (skipped,) = read(Discord(write(tmp_path / "a.json", stored, row(number=2)), me="7"))[1]
    assert (skipped.reason, skipped.failed) == (reason, True)


def test_a_time_that_is_missing_is_that_of_the_id_or_left_open(tmp_path):
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    identity = snowflake(round(moment.timestamp() * 1000))
    assert time_of_id(identity) == moment
    path = write(tmp_path / "a.json", row(number=identity, timestamp=None), row(number=2, timestamp="2024-05-01"))
    source = Discord(path, me="7")
    assert [message.timestamp for message in read(source)[0]] == [moment, None]
    assert sum(source.facts()["Left open"].values()) == 2


def test_a_stopped_export_is_refused_or_kept_in_part(tmp_path):
    path = write(tmp_path / "a.json", row(), row("ho", number=2))
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b'"ho"')])
    with pytest.raises(InputError, match="cut short"):
        Discord(path).count()
    messages, skipped = read(Discord(path, me="7", partial=True))
    assert [message.text for message in messages] == ["hi"]
    assert [one.reason for one in skipped] == ["cut off here"]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["", "marked"])
@pytest.mark.parametrize(
    "cut", ["2,x,h", '2,x,"op\nen,\n3,x,lost,\n'], ids=["a short record", "an open quotation mark"]
)
def test_a_table_that_is_cut_off_is_refused_or_kept_in_part(tmp_path, cut, start):
    path = tmp_path / "c100000000000000000" / "messages.csv"
    path.parent.mkdir()
    before = start + 'ID,Timestamp,Contents,Attachments\n1,x,"hé\ny",\n'.encode()
    path.write_bytes(before + cut.encode())
    with pytest.raises(InputError) as caught:
        Discord(tmp_path).count()
    assert "--partial" in caught.value.hint
    messages, skipped = read(Discord(tmp_path, partial=True))
    assert [message.text for message in messages] == ["hé\ny"]
    assert [(one.reason, one.detail) for one in skipped] == [("cut off here", f"at byte {len(before):,}")]
    path.write_bytes(before + b"2,x,whole,")  # only the end of the last line is missing, and no cell
    assert [message.text for message in read(Discord(tmp_path))[0]] == ["hé\ny", "whole"]


def test_a_record_in_another_encoding_failed(tmp_path):
    path = tmp_path / "c100000000000000000" / "messages.csv"
    path.parent.mkdir()
    path.write_bytes(b"ID,Timestamp,Contents,Attachments\n1,x,caf\xe9,\n2,x,hi,\n")
    messages, skipped = read(Discord(tmp_path))
    assert [message.text for message in messages] == ["hi"]
    assert [(one.reason, one.failed) for one in skipped] == [("not UTF-8", True)]


def test_a_table_whose_quotation_mark_is_open_is_refused(tmp_path):
    path = tmp_path / "c100000000000000000" / "messages.csv"
    path.parent.mkdir()
    path.write_text('ID,Timestamp,Contents,Attachments\n1,x,hi,\n2,x\n3,x,"open,\n4,x,lost,\n')
    with pytest.raises(InputError, match="record 3 opens a quotation mark that is never closed"):
        Discord(tmp_path).count()
    path.write_text('ID,Timestamp,Contents,Attachments\n1,x,hi,\n2,x\n3,x,"a\nb ""c""",\n')
    messages, skipped = read(Discord(tmp_path))
    assert [message.text for message in messages] == ["hi", 'a\nb "c"']
    assert [one.failed for one in skipped] == [True]


def test_html_is_passed_over_with_a_note_or_refused_with_what_to_do(tmp_path):
    html = tmp_path / "a.html"
    html.write_text('<!DOCTYPE html><style>.chatlog__message {}</style><div class="chatlog">hi</div>')
    assert 0 < Discord.sniff(html) < 0.9
    with pytest.raises(InputError, match="HTML or text alone") as caught:
        Discord(tmp_path).count()
    assert "JSON" in caught.value.hint
    write(tmp_path / "a.json", row())
    source = Discord(tmp_path, me="7")
    source.count()
    assert [note for note in source.notes() if "passed over (files: 1)" in note] == source.notes() != []
    (tmp_path / "other.html").write_text("<p>no chat</p>")
    assert Discord(tmp_path, me="7").count() == 1
    assert Discord.sniff(tmp_path / "other.html") == 0


def test_what_discord_did_not_write_is_said(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert Discord.sniff(tmp_path) == 0
    with pytest.raises(InputError, match="holds nothing that Discord"):
        Discord(tmp_path).count()


@settings(deadline=None)
@given(
    how=st.sampled_from(DAMAGES),
    where=st.floats(0, 1),
    byte=st.integers(0, 255),
    partial=st.booleans(),
    which=st.sampled_from(["exporter", "json", "csv"]),
)
def test_damage_is_no_accident(tmp_path_factory, how, where, byte, partial, which):
    folder = tmp_path_factory.mktemp("discord")
    if which == "exporter":
        files = [write(folder / "a.json", *(row(number=n) for n in range(9)))]
    else:
        files = [path for path in make_package(folder, 8, table=which == "csv").path.rglob("*") if path.is_file()]
    for path in files:
        content = path.read_bytes()
        path.write_bytes(damaged(content, how, where, byte))
        assert 0 <= Discord.sniff(folder) <= 1
        no_accident(lambda: Discord(folder, me="7" if which == "exporter" else "", partial=partial))
        path.write_bytes(content)
