"""SMS Backup & Restore: every element is a row, emoji are whole again, nothing expands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland_exports.sms as module
from wonderland.errors import InputError, UsageError
from wonderland_exports.frame import Tally
from wonderland_exports.sms import Sms, joined
from wonderland_exports.testing import make_sms

from .reading import finds_what_was_planted, keeps_the_contract, messages, read, reasons, survives


@pytest.mark.parametrize("chunk", [1 << 18, 64, 7, 1])
def test_the_planted_answer_whatever_the_windows(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    planted = make_sms(tmp_path / "sms.xml", 60 if chunk < 64 else 400, seed=2)
    source = finds_what_was_planted(Sms, planted)
    assert source.facts()["Repaired"]["halves of characters joined"] > 0
    assert source.facts()["Kinds"].keys() == {"sms", "mms"}


def test_the_contract(tmp_path):
    keeps_the_contract(Sms, make_sms(tmp_path / "sms.xml"))


def backup(tmp_path, *rows, name="sms.xml", count=None, before=""):
    content = f"{before}<smses count='{len(rows) if count is None else count}'>{''.join(rows)}</smses>"
    (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path / name


def sms(body, date="1479160220813", kind="1", address="+15550100001", **fields):
    more = "".join(f' {key}="{value}"' for key, value in fields.items())
    return f'<sms address="{address}" date="{date}" type="{kind}" body="{body}"{more}/>'


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Yup &#55357;&#56396;", "Yup 👌"),
        ("Yup &#xD83D;&#xdc4c;!", "Yup 👌!"),
        ("&#55357;&#56396;&#55357;&#56832;", "👌😀"),
        ("half &#55357; and &#56396;", "half \ufffd and \ufffd"),
        ("bell &#7;&#0;", "bell \ufffd\ufffd"),
        ("a&#10;b &amp;#55357; &#128076;", "a\nb &#55357; 👌"),
    ],
)
def test_halves_of_emoji_are_joined(tmp_path, written, text):
    (item,), _ = read(Sms, backup(tmp_path, sms(written)))
    assert item.text == text
    assert item.timestamp.isoformat() == "2016-11-14T21:50:20.813000+00:00"
    assert (item.sender, item.is_from_me, item.tags) == ("+15550100001", False, ("sms",))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=20))
def test_any_text_written_as_halves_comes_back(text):
    units = text.encode("utf-16-be")
    written = "".join(f"&#{int.from_bytes(units[at : at + 2])};" for at in range(0, len(units), 2)).encode()
    decoded = "".join(chr(int(number)) for number in joined(written, Tally()).decode()[2:-1].split(";&#") if number)
    allowed = (9, 10, 13)
    assert decoded == "".join(c if ord(c) >= 32 or ord(c) in allowed else "\ufffd" for c in text)


def test_entities_are_refused(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    path = backup(tmp_path, sms("&b;"), before=bomb)
    with pytest.raises(InputError, match="declares entities"):
        read(Sms, path)


def test_a_group_is_one_thread_whatever_the_order_of_its_addresses(tmp_path):
    row = (
        '<mms date="1479160220813" msg_box="1" address="{}" m_type="132"><parts><part ct="text/plain" text="hi {}"/>'
        '</parts><addrs><addr type="137" address="{}"/></addrs></mms>'
    )
    path = backup(
        tmp_path,
        row.format("+15550100001~+15550100002", 1, "+1 555 010-0002"),
        row.format("+15550100002~+15550100001", 2, "+15550100001"),
    )
    items, _ = read(Sms, path)
    assert len({m.thread for m in items}) == 1
    assert [m.sender for m in items] == ["+15550100002", "+15550100001"]
    assert items[0].tags == ("group", "mms")


def test_names_are_kept_where_they_are_asked_for(tmp_path):
    path = backup(tmp_path, sms("a", contact_name="Bo"), sms("b", contact_name="(Unknown)", address="+15550100002"))
    assert [m.sender for m in read(Sms, path, names=True)[0]] == ["Bo", "+15550100002"]
    assert [m.sender for m in read(Sms, path)[0]] == ["+15550100001", "+15550100002"]


def test_a_number_has_one_name_in_rows_that_know_none_too(tmp_path):
    unknown = [sms("a", contact_name="(Unknown)"), sms("c", contact_name="null")]
    path = backup(tmp_path, unknown[0], sms("b", contact_name="Bo"), unknown[1])
    assert [m.sender for m in read(Sms, path, names=True)[0]] == ["Bo"] * 3
    cut = path.read_bytes()
    path.write_bytes(cut[: cut.rindex(b"<sms")] + b"<sms ")
    assert [m.sender for m in read(Sms, path, names=True, partial=True)[0][:2]] == ["Bo"] * 2


def test_a_number_with_and_without_its_country_is_one_where_the_country_is_said(tmp_path):
    path = backup(tmp_path, sms("a", address="+447700900123"), sms("b", address="07700 900123"))
    assert {m.sender for m in read(Sms, path)[0]} == {"+447700900123", "07700900123"}
    assert {m.sender for m in read(Sms, path, country="gb")[0]} == {"+447700900123"}
    for wrong in ("Britain", "uk", ""):
        with pytest.raises(UsageError, match=f"no country '{wrong}'"):
            Sms(path, country=wrong)


def test_the_same_message_in_two_backups_counts_once(tmp_path):
    backup(tmp_path, sms("a"), sms("b"), name="sms-1.xml")
    backup(tmp_path, sms("b"), sms("c"), sms("b", kind="2"), name="sms-2.xml")
    items, _ = read(Sms, tmp_path)
    assert [m.text for m in messages(items)] == ["a", "b", "c", "b"]
    assert reasons(items) == {"the same message twice": 1}


def test_messages_whose_dates_cannot_be_read_are_not_the_same_for_that(tmp_path):
    path = backup(tmp_path, *(sms("a", date=date) for date in ("-5", "abc", "abc")))
    items, _ = read(Sms, path)
    assert len(messages(items)) == 2
    assert reasons(items) == {"the same message twice": 1}


def test_a_count_that_is_wrong_is_said(tmp_path):
    _, source = read(Sms, backup(tmp_path, sms("a"), count=3))
    assert source.notes() == ["sms.xml says that it holds 3 messages; it holds 1."]
    assert read(Sms, backup(tmp_path, sms("a")))[1].notes() == []


def test_a_backup_cut_short_is_refused_or_kept_partially(tmp_path):
    path = backup(tmp_path, sms("a"), sms("b", date="1479160220814"), sms("lost"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="cut short: it ends at line 1") as caught:
        read(Sms, path)
    assert "--partial" in caught.value.hint
    items, _ = read(Sms, path, partial=True)
    assert [m.text for m in messages(items)] == ["a", "b"]
    assert (items[-1].reason, items[-1].failed) == ("cut off", True)


def test_calls_are_no_messages(tmp_path):
    (tmp_path / "calls.xml").write_text("<calls count='1'><call/></calls>")
    assert Sms.sniff(tmp_path / "calls.xml") == 0
    with pytest.raises(InputError, match="no backup of SMS"):
        Sms(tmp_path / "calls.xml").count()


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_accounted_for(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "sms.xml"
    make_sms(path, 20, seed=1)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 5))] = data.draw(
            st.sampled_from([b"<sms ", b"<", b">", b'"', b"&", b"\0", b"\xf3\x9a\x00"])
        )
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    survives(Sms, path, partial=data.draw(st.booleans()))


@pytest.mark.parametrize("encoding", ["TTF-8", "utf-7", "shift_jis"])
def test_a_backup_in_an_encoding_that_cannot_be_read_is_refused(tmp_path, encoding):
    path = tmp_path / "sms.xml"
    path.write_text(f"<?xml version='1.0' encoding='{encoding}'?><smses count='1'><sms body='a'/></smses>")
    with pytest.raises(InputError, match="says of itself that it is written in an encoding"):
        list(Sms(path).rows())
