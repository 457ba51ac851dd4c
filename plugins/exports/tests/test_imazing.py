"""iMazing: notices are no messages, and what imessage-exporter wrote is refused with what to read instead."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wonderland.errors import InputError
from wonderland.testing import check_source
from wonderland_exports.imazing import Imazing
from wonderland_exports.imessage_exporter import ImessageExporter
from wonderland_exports.testing.checking import DAMAGES, agrees, damaged, no_accident, read
from wonderland_exports.testing.imazing import make_imazing

KNOWN = [("+15550100001", ""), ("+1 555 010 0001", "Bo M"), ("", "A"), ("", "Bo M"), ("+9", "")]
HEADER = "Chat Session,Message Date,Service,Type,Sender ID,Sender Name,Text\r\n"


@pytest.mark.parametrize("name", ["csv.zip", "csv"])
def test_what_was_planted_is_found(tmp_path, name):
    known = make_imazing(tmp_path / name, 200, seed=4)
    source = Imazing(known.path)
    agrees(source, known)
    assert source.facts()["Left open"] == {"time without a zone": len(known.said)}
    assert "without a zone" in source.notes()[-1]


@pytest.mark.parametrize("name", ["csv.zip", "csv"])
def test_the_contract_of_a_source(tmp_path, name):
    check_source(Imazing, make_imazing(tmp_path / name, 30).path)


def test_numbers_are_written_in_one_way_and_names_are_used_if_asked_for(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes((HEADER + "Bo,2024-05-01T10:00:00Z,SMS,Incoming,+1 (555) 010-0001,Bo M,hi\r\n").encode("utf-16"))
    (message,) = read(Imazing(path))[0]
    assert (message.sender, message.tags) == ("+15550100001", ("sms",))
    assert message.timestamp == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert read(Imazing(path, names=True))[0][0].sender == "Bo M"


def test_an_address_has_one_name_in_rows_that_know_none_too(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"Bo,2024-05-01T10:00:0{at}Z,SMS,Incoming,{who},{name},hi\n" for at, (who, name) in enumerate(KNOWN)]
    path.write_text(HEADER + "".join(rows))
    assert [message.sender for message in read(Imazing(path, names=True))[0]] == ["Bo M", "Bo M", "A", "Bo M", "+9"]
    assert [message.sender for message in read(Imazing(path))[0]] == ["+15550100001", "+15550100001", "A", "Bo M", "+9"]


def test_a_record_that_is_cut_off_or_in_another_encoding_is_told(tmp_path):
    path = tmp_path / "a.csv"
    before = HEADER.encode() + b"Bo,x,SMS,Incoming,1,,caf\xe9\r\nBo,x,SMS,Incoming,1,,hi\r\n"
    path.write_bytes(before + b"Bo,x,SM")
    with pytest.raises(InputError, match=f"cut short: .* at byte {len(before):,}[.]"):
        Imazing(path).count()
    messages, skipped = read(Imazing(path, partial=True))
    assert [message.text for message in messages] == ["hi"]
    assert [(one.reason, one.failed) for one in skipped] == [("not UTF-8", True), ("cut off here", True)]


def test_odd_records_have_their_class(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "Bo,soon,SMS,Incoming,1,,hi\nBo,x,SMS,Draft,1,,hi\nBo,x\n\nBo,x,SMS,Incoming,1,,\n")
    source = Imazing(path)
    messages, skipped = read(source)
    assert [message.timestamp for message in messages] == [None]
    assert [(one.reason, one.failed) for one in skipped] == [
        ("of an unknown type", True),
        ("wrong number of cells", True),
        ("no text", False),
    ]


def test_a_conversation_exported_twice_is_counted_once(tmp_path):
    line = "Bo,2024-05-01 10:00:00,SMS,Incoming,1,,{}\n"
    (tmp_path / "a.csv").write_text(HEADER + line.format("hi") * 2)
    (tmp_path / "b.csv").write_text(HEADER + line.format("hi") * 3 + line.format("new"))
    messages, skipped = read(Imazing(tmp_path))
    assert [message.text for message in messages] == ["hi", "hi", "hi", "new"]
    assert [one.reason for one in skipped] == ["in two files, counted once"] * 2


def test_what_is_no_table_of_imazing_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("text,sender\nhi,me\n")
    assert Imazing.sniff(tmp_path) == 0
    with pytest.raises(InputError, match="no CSV file of iMazing with the columns Chat Session, Message Date"):
        Imazing(tmp_path).count()
    (tmp_path / "a.csv").write_text(HEADER + 'Bo,x,SMS,Incoming,1,,"open\n')
    with pytest.raises(InputError, match="record 1 opens a quotation mark that is never closed"):
        Imazing(tmp_path).count()


@settings(deadline=None)
@given(how=st.sampled_from(DAMAGES), where=st.floats(0, 1), byte=st.integers(0, 255))
def test_damage_is_no_accident(tmp_path_factory, how, where, byte):
    folder = make_imazing(tmp_path_factory.mktemp("imazing"), 20).path
    path = sorted(folder.iterdir())[0]
    path.write_bytes(damaged(path.read_bytes(), how, where, byte))
    assert 0 <= Imazing.sniff(folder) <= 1
    no_accident(lambda: Imazing(folder))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("+15550100.txt", "May 17, 2022  5:29:42 PM\n+15550100\nHello\n\n"),
        ("chat.txt", "Jan 03, 2023 11:02:03 AM (Read by you after 5 seconds)\nMe\nHi\n\n"),
        ("chat.html", '<html><body><div class="message">\n<div class="received"><p>'),
    ],
)
def test_files_of_imessage_exporter_are_refused_with_what_to_do(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    for path in (tmp_path, tmp_path / name):
        assert ImessageExporter.sniff(path) == 0.9
        with pytest.raises(InputError, match="cannot be read back without loss") as caught:
            ImessageExporter(path).count()
        assert "chat.db" in caught.value.hint
        with pytest.raises(InputError, match="without loss"):
            list(ImessageExporter(path).rows())


@pytest.mark.parametrize("content", ["", "Hello.\n", "5/17/22, 5:29 PM - Ada: hi\n", "[17.05.22, 17:29:42] Ada: hi\n"])
def test_other_texts_are_not_taken_for_it(tmp_path, content):
    (tmp_path / "chat.txt").write_text(content)
    assert ImessageExporter.sniff(tmp_path) == 0
