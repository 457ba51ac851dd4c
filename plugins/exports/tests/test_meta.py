"""Messenger and Instagram: every layout, every class of row, mended letters, and downloads that are damaged."""

import json
import shutil
import zipfile
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland as wl
from wonderland.errors import InputError
from wonderland.testing import check_source
from wonderland_exports import meta_lines
from wonderland_exports.instagram import Instagram
from wonderland_exports.messenger import Messenger
from wonderland_exports.meta_lines import line_of_the_app
from wonderland_exports.testing.checking import DAMAGES, agrees, damaged, no_accident, read
from wonderland_exports.testing.meta import make_conversation, make_instagram, make_messenger


def write(path, *rows, participants=("Ada Berg", "Leo Ito"), **more):
    """Write one file of messages in the classic layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"participants": [{"name": name} for name in participants], "messages": list(rows), **more}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def row(text="hi", sender="Leo Ito", at=1_700_000_000_000, **more):
    return {"sender_name": sender, "timestamp_ms": at, "content": text, **more}


@pytest.mark.parametrize("layout", ["classic", "encrypted", "both"])
@pytest.mark.parametrize("name", ["facebook-ada", "facebook-ada.zip"])
def test_what_was_planted_is_found(tmp_path, layout, name):
    planted = make_messenger(tmp_path / name, 400, seed=3, layout=layout)
    assert Messenger.sniff(planted.path) > Instagram.sniff(planted.path)
    agrees(Messenger(planted.path, me=planted.me if layout == "encrypted" else ""), planted)


def test_instagram_is_told_from_messenger(tmp_path):
    planted = make_instagram(tmp_path / "download.zip", 400, seed=4)
    assert Instagram.sniff(planted.path) > Messenger.sniff(planted.path)
    agrees(Instagram(planted.path), planted)


@pytest.mark.parametrize(("make", "source"), [(make_messenger, Messenger), (make_instagram, Instagram)])
@pytest.mark.parametrize("name", ["export.zip", "export"])
def test_the_contract_of_a_source(tmp_path, make, source, name):
    check_source(source, make(tmp_path / name, 200).path)


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("who", ["first", "last", ""])
def test_one_conversation_is_read_whatever_its_file_is_called(tmp_path, encrypted, who):
    planted = make_conversation(tmp_path / "kept for Bo.json", seed=2, encrypted=encrypted, who=who)
    assert Messenger.sniff(planted.path) > Instagram.sniff(planted.path)
    agrees(Messenger(planted.path, me=planted.me), planted)


@pytest.mark.parametrize("sign", ['"link": "https://ig.me/j/x"', '"uri": "your_instagram_activity/messages/1.jpg"'])
def test_one_conversation_of_instagram_is_told_by_its_links(tmp_path, sign):
    path = write(tmp_path / "a.json", row())
    path.write_text("{" + sign + "," + path.read_text(encoding="utf-8")[1:], encoding="utf-8")
    assert Instagram.sniff(path) > Messenger.sniff(path)


@pytest.mark.parametrize(
    "content", ['{"messages": []}', '{"messages": [{"sender_name": 5}]}', "[]", '{"timestamp": 1}']
)
def test_a_file_of_another_program_is_not_taken_for_a_conversation(tmp_path, content):
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    assert Messenger.sniff(tmp_path / "a.json") == 0


def test_a_letter_is_mended_where_it_is_broken_and_kept_where_it_is_sound(tmp_path):
    texts = ["caf\u00c3\u00a9", "fine \u20ac", "caf\u00e9", "\u00e2\u0082\u00ac", "plain"]
    write(tmp_path / "a_1" / "message_1.json", *(row(text, at=index) for index, text in enumerate(texts, 1)))
    source = Messenger(tmp_path, me="Leo Ito")
    assert {message.text for message in read(source)[0]} == {"café", "fine €", "€", "plain"}
    assert sorted(source.facts()["Letters"].values()) == [2, 2]


def test_files_come_in_the_order_of_their_numbers_and_rows_the_oldest_first(tmp_path):
    for number in range(1, 12):
        write(tmp_path / "inbox" / "a_1" / f"message_{number}.json", row(f"b{number}", at=0), row(f"a{number}", at=0))
    texts = [message.text for message in read(Messenger(tmp_path, me="Leo Ito"))[0]]
    assert texts == [f"{letter}{number}" for number in range(11, 0, -1) for letter in "ab"]


def test_a_conversation_in_two_boxes_is_one(tmp_path):
    for box in ("inbox", "e2ee_cutover"):
        write(tmp_path / box / "a_1" / "message_1.json", row(box))
    assert {message.thread for message in read(Messenger(tmp_path, me="Leo Ito"))[0]} == {"a_1"}


def test_a_file_that_is_there_twice_is_counted_once(tmp_path):
    rows = [row("hi"), row("hi"), row("ho", at=5)]  # the second file differs, so that it is not passed over whole
    write(tmp_path / "part1" / "inbox" / "a_1" / "message_1.json", *rows)
    write(tmp_path / "part2" / "inbox" / "a_1" / "message_1.json", *rows, row("new", at=9))
    messages, skipped = read(Messenger(tmp_path, me="Leo Ito"))
    assert sorted(message.text for message in messages) == ["hi", "hi", "ho", "new"]
    assert [one.reason for one in skipped] == ["in two files, counted once"] * 3


def test_a_row_that_cannot_be_read_is_failed_in_each_file(tmp_path):
    odd = [5, None, "s", [], row(7), {"content": ["x"]}]
    for part, more in {"part1": [], "part2": [row("new")]}.items():
        write(tmp_path / part / "inbox" / "a_1" / "message_1.json", *odd, {}, row("hi"), *more)
    messages, skipped = read(Messenger(tmp_path, me="Leo Ito"))
    assert sorted(message.text for message in messages) == ["hi", "new"]
    assert Counter(one.reason for one in skipped if one.failed) == {"not a JSON object": 8, "text is not a string": 4}
    passed = Counter(one.reason for one in skipped if not one.failed)
    assert passed == {"no text": 2, "in two files, counted once": 1}


def test_parts_in_several_zips_are_one_download(tmp_path):
    whole = make_messenger(tmp_path / "whole", 400, seed=5)
    names = sorted(path for path in whole.path.rglob("*") if path.is_file())
    (tmp_path / "parts").mkdir()
    for part in (0, 1):
        with zipfile.ZipFile(tmp_path / "parts" / f"facebook-{part}.zip", "w") as archive:
            for name in names[part::2]:
                archive.write(name, name.relative_to(whole.path))
    whole.path = tmp_path / "parts"
    assert Messenger.sniff(whole.path) > 0.9
    agrees(Messenger(whole.path), whole)


def test_who_is_me_is_found_in_the_profile_or_in_all_conversations_or_asked(tmp_path):
    write(tmp_path / "inbox" / "a_1" / "message_1.json", row())
    with pytest.raises(InputError, match=r"does not say which of its senders is you") as caught:
        list(Messenger(tmp_path).rows())
    assert '"Leo Ito" (1 message)' in caught.value.hint
    with pytest.raises(InputError, match="'Nobody' sent no message"):
        list(Messenger(tmp_path, me="Nobody").rows())
    write(tmp_path / "inbox" / "b_2" / "message_1.json", row("x", "Zoë"), participants=("Ada Berg", "Zoë"))
    assert not any(message.is_from_me for message in read(Messenger(tmp_path))[0])
    write(tmp_path / "inbox" / "c_3" / "message_1.json", row("mine", "Ada Berg"), participants=("Ada Berg", "Nil"))
    assert [message.text for message in read(Messenger(tmp_path))[0] if message.is_from_me] == ["mine"]
    profile = tmp_path / "profile_information.json"
    profile.write_text(json.dumps({"profile_v2": {"name": {"full_name": "Nil"}}}))
    assert not any(message.is_from_me for message in read(Messenger(tmp_path))[0])


def test_html_beside_json_is_said_and_alone_refused(tmp_path):
    write(tmp_path / "inbox" / "a_1" / "message_1.json", row())
    (tmp_path / "inbox" / "a_1" / "message_1.html").write_text("<html>")
    (tmp_path / "inbox" / "b_2").mkdir()
    (tmp_path / "inbox" / "b_2" / "message_1.html").write_text("<html>b")
    source = Messenger(tmp_path, me="Leo Ito")
    assert len(read(source)[0]) == 1
    beside, alone = source.notes()
    assert beside.startswith("1 HTML file says what the JSON beside says")
    assert alone.startswith("1 conversation is there as HTML only")
    shutil.rmtree(tmp_path / "inbox" / "a_1")
    assert Messenger.sniff(tmp_path) > 0
    with pytest.raises(InputError, match="no messages of messenger as JSON") as caught:
        Messenger(tmp_path).count()
    assert "format JSON" in caught.value.hint


def test_a_file_that_is_cut_off_is_refused_with_the_byte_or_kept_in_part(tmp_path):
    path = write(tmp_path / "inbox" / "a_1" / "message_1.json", *(row(str(number)) for number in range(9)))
    content = path.read_bytes()
    third = content.index(b'"content": "3"')
    path.write_bytes(content[:third])
    begins = content[:third].rindex(b"{")
    with pytest.raises(InputError, match=f"cut short: .* at byte {begins:,}") as caught:
        Messenger(tmp_path).count()
    assert "--partial" in caught.value.hint
    messages, skipped = read(Messenger(tmp_path, me="Leo Ito", partial=True))
    assert [message.text for message in messages] == ["2", "1", "0"]
    assert [(one.reason, one.failed, one.detail) for one in skipped] == [("cut off here", True, f"at byte {begins:,}")]


@pytest.mark.parametrize("content", ['"words"', "[]", '{"participants": [], "messages": {"a": 1}}'])
def test_a_file_that_is_something_else_is_refused(tmp_path, content):
    (tmp_path / "message_1.json").write_text(content)
    with pytest.raises(InputError, match="not the file it should be"):
        Messenger(tmp_path).count()


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({"content": 5}, "text is not a string"),
        ("words", "not a JSON object"),
        ([], "not a JSON object"),
        (None, "not a JSON object"),
        ({"content": " \n"}, "no text"),
        ({"missed": True, "content": "x"}, "call"),
        ({"content": "Ada Berg sent an attachment.", "sender_name": "Leo Ito"}, "line of the app: attachment"),
    ],
)
def test_odd_rows_have_their_class(tmp_path, stored, reason):
    stored = {"sender_name": "Leo Ito", **stored} if isinstance(stored, dict) else stored
    write(tmp_path / "inbox" / "a_1" / "message_1.json", stored, row())
    assert [one.reason for one in read(Messenger(tmp_path, me="Leo Ito"))[1]] == [reason]


def test_what_a_row_leaves_open_is_counted(tmp_path):
    rows = [row(at=None), row(at=10**17), row(at="1700000000000"), row(sender=""), row(at=float("nan")), row(at=-5)]
    write(tmp_path / "inbox" / "a_1" / "message_1.json", *rows)
    source = Messenger(tmp_path, me="Leo Ito")
    messages, _ = read(source)
    assert sum(message.timestamp is None for message in messages) == 4
    assert [message.sender for message in messages].count("unknown") == 1
    assert sorted(source.facts()["Left open"].values()) == [1, 4]


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("Leo sent an attachment.", True),
        ("Leo Ito sent 3 photos.", True),
        ("You sent a photo.", True),
        ("Du hast einen Anhang gesendet.", True),
        ("Leo hat ein Foto gesendet.", True),
        ("Vous avez envoyé une pièce jointe.", True),
        ("Leo envió un archivo adjunto.", True),
        ("Ada missed your call.", True),
        ("Ada added Zoë Müller to the group.", True),
        ("Reacted ❤️ to your message ", True),
        ("Liked a message", True),
        ("she sent an attachment.", False),
        ("Leo sent an attachment. Did you see it?", False),
        ("Did you see that Leo sent an attachment.", False),
        ("You sent a photo to the wrong person.", False),
        ("I liked a message", False),
        ("Leo left the group\nand so will I.", False),
        ("Leo", False),
        ("", False),
    ],
)
def test_the_apps_own_lines_are_told_from_what_people_write(text, theirs):
    assert bool(line_of_the_app(text, "Leo Ito", ["Ada Berg"])) == theirs


@given(data=st.data())
def test_how_a_line_of_the_app_begins_or_ends_is_known(data):
    """What is not asked further because of its first two letters is no line of the app."""
    pattern = data.draw(st.sampled_from([line for lines in meta_lines._ALONE.values() for line in lines]))
    line = data.draw(st.from_regex(pattern, fullmatch=True))
    assert meta_lines.may_be_of_the_app(line, meta_lines.beginnings("Leo Ito", ("Ada Berg",)))
    said = data.draw(st.sampled_from(["Leo", "Leo Ito", "Ada", "Ada Berg", *meta_lines._YOU]))
    assert meta_lines.may_be_of_the_app(f"{said} {line}", meta_lines.beginnings("Leo Ito", ("Ada Berg",)))
    assert not meta_lines.may_be_of_the_app("Ok then", meta_lines.beginnings("Leo Ito", ("Ada Berg",)))


@settings(deadline=None)
@given(
    how=st.sampled_from(DAMAGES),
    where=st.floats(0, 1),
    byte=st.integers(0, 255),
    zipped=st.booleans(),
    partial=st.booleans(),
)
def test_damage_is_no_accident(tmp_path_factory, how, where, byte, zipped, partial):
    home = tmp_path_factory.mktemp("damaged")
    if zipped:
        path = make_messenger(home / "facebook.zip", 30).path
    else:
        path = write(home / "inbox" / "a_1" / "message_1.json", *(row(str(number)) for number in range(9)))
    path.write_bytes(damaged(path.read_bytes(), how, where, byte))
    assert 0 <= Messenger.sniff(path) <= 1
    rows = no_accident(lambda: Messenger(path, me="Leo Ito", partial=partial))
    if rows and not zipped and how == "cut":
        texts = [one.text for one in rows if isinstance(one, wl.Message)]
        assert texts == list("012345678"[: len(texts)][::-1])


@pytest.mark.parametrize("name", ["messages.json", "download.zip"])
def test_instagram_of_before_2020_is_refused_with_what_to_do(tmp_path, name):
    said = [{"sender": "ada", "created_at": "2019-05-01T10:11:12.123456+00:00", "text": "hi"}]
    content = json.dumps([{"participants": ["ada", "bo"], "conversation": said}], indent=2)
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("messages.json", content)
    else:
        path.write_text(content)
    assert Instagram.sniff(path) == 0.9
    with pytest.raises(InputError, match="from before 2020") as caught:
        wl.Corpus.read(path)
    assert "format JSON" in caught.value.hint


def test_another_list_of_that_name_is_not_instagram(tmp_path):
    (tmp_path / "messages.json").write_text('[{"participants": 1}]')
    assert Instagram.sniff(tmp_path / "messages.json") == 0.0
