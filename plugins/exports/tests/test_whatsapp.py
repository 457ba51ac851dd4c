"""WhatsApp's text export: every shape of head, every class of row; what cannot be known is asked."""

import pytest
from babel import Locale, localedata
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland as wl
from wonderland.errors import InputError, UsageError
from wonderland_exports.testing import HEADS, make_whatsapp
from wonderland_exports.whatsapp import WhatsApp
from wonderland_exports.whatsapp.phrases import DELETED, DELETED_BY_ME, LIVE_LOCATION, MARKED, MEDIA
from wonderland_exports.whatsapp.shapes import hours, shape_of

from .reading import finds_what_was_planted, keeps_the_contract, messages, read, reasons, survives


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("group", [False, True], ids=["two", "group"])
def test_the_planted_answer(tmp_path, head, group):
    planted = make_whatsapp(tmp_path / "Chat with Bo.txt", 300, seed=5, head=head, group=group, crlf=group)
    source = finds_what_was_planted(WhatsApp, planted, me="Ada" if group and head != "Web" else None)
    assert {"forwarded" if head == "Web" else "edited", "caption"} <= source.facts()["Marked"].keys()
    assert source.facts()["Times"] == {"local, without a zone": planted.messages}


@pytest.mark.parametrize("head", ["iPhone en-US", "Android en-GB"])
def test_the_contract(tmp_path, head):
    keeps_the_contract(WhatsApp, make_whatsapp(tmp_path / "WhatsApp Chat - Bo.zip", head=head))
    keeps_the_contract(WhatsApp, make_whatsapp(tmp_path / "WhatsApp Chat - Bo.txt", head=head))


def lines(tmp_path, *written, name="WhatsApp Chat with Mia.txt", encoding="utf-8"):
    (tmp_path / name).write_bytes("\n".join(written).encode(encoding))
    return tmp_path / name


ADA = "20/6/2017 8:29 p. m. - Ada: ok"


@pytest.mark.parametrize(
    ("line", "when", "sender", "text"),
    [
        ("20/6/2017 8:28 p. m. - Mia: test", "2017-06-20T20:28:00", "Mia", "test"),
        ("[31/12/2019, 2:14:40 a.m.] Mia: hi", "2019-12-31T02:14:40", "Mia", "hi"),
        ("09/17/19, 8:30:52 AM – Mia: US", "2019-09-17T08:30:52", "Mia", "US"),
        ("[1/14/24, 12:05:09\u202fAM] Mia: narrow", "2024-01-14T00:05:09", "Mia", "narrow"),
        ("\u200e[14.01.24, 17:05:09] Mia: 2: colons: here", "2024-01-14T17:05:09", "Mia", "2: colons: here"),
        ("2024/1/14, 12:05 - Mia: year first", "2024-01-14T12:05:00", "Mia", "year first"),
        ("[14/1/2567 12:05:09] Mia: Buddhist", "2024-01-14T12:05:09", "Mia", "Buddhist"),
        ("[١٤/١/٢٠٢٤، ٣:٠٥:٠٩ م] Mia: digits", "2024-01-14T15:05:09", "Mia", "digits"),
        ("[2024/1/14 下午3:05:09] Mia: 好", "2024-01-14T15:05:09", "Mia", "好"),
        ("2024. 01. 14. 15:05 - Mia: hu", "2024-01-14T15:05:00", "Mia", "hu"),
        ("14/1/24, 3:05 अपराह्न - Mia: hi", "2024-01-14T15:05:00", "Mia", "hi"),
        ("14/1/24, 3:05 पूर्वाह्न - Mia: hi", "2024-01-14T03:05:00", "Mia", "hi"),
        ("14/1/24, 3:05 ب\u200cظ - Mia: fa", "2024-01-14T15:05:00", "Mia", "fa"),
        ("14/1/24, 3:05 ق.ظ. - Mia: fa", "2024-01-14T03:05:00", "Mia", "fa"),
        ("14.1.24, 3:05 אחה״צ - Mia: he", "2024-01-14T15:05:00", "Mia", "he"),
        ("14.01.24, 3:05 nachm. - Mia: de", "2024-01-14T15:05:00", "Mia", "de"),
        ("14.01.24, 3:05 сл.об. - Mia: bg", "2024-01-14T15:05:00", "Mia", "bg"),
        ("14.1.2024, 3.05 ip. - Mia: fi", "2024-01-14T15:05:00", "Mia", "fi"),
        ("14/1/24, பிற்பகல் 3:05 - Mia: ta", "2024-01-14T15:05:00", "Mia", "ta"),
        ("14.01.24 15:05:09: Mia: until 2017", "2024-01-14T15:05:09", "Mia", "until 2017"),
        ("14. 1. 2024. 15:05:09 Mia: no sign", "2024-01-14T15:05:09", "Mia", "no sign"),
        ("14/1/24, 3:05:09 p. m. Mia: x: y", "2024-01-14T15:05:09", "Mia", "x: y"),
        ("14.1.2024 klo 15.05 - Mia: fi", "2024-01-14T15:05:00", "Mia", "fi"),
        ("14.01.24 г., 15:05 ч. - Mia: bg", "2024-01-14T15:05:00", "Mia", "bg"),
        ("2024/1/14،\u200f 15:05 - Mia: fa", "2024-01-14T15:05:00", "Mia", "fa"),
        ("2024/01/14, 15:05. - Mia: dot", "2024-01-14T15:05:00", "Mia", "dot"),
        ("[01.14.24, 15:05:09] Mia: month.day", "2024-01-14T15:05:09", "Mia", "month.day"),
        ("04-Jan-2024, 15:05 - Mia: a month in words", "2024-01-04T15:05:00", "Mia", "a month in words"),
    ],
)
def test_one_line(tmp_path, line, when, sender, text):
    (item,), _ = read(WhatsApp, lines(tmp_path, line))
    assert (item.timestamp.isoformat(), item.sender, item.text) == (when, sender, text)


@pytest.mark.parametrize(
    "line",
    ["14/01/24 15:05:09 ERROR: x", "2024-01-14 15:05:09 main: x", "14/01/24 15:05 Mia: x", "14.01.24 15:05:09 x"],
)
def test_a_log_is_no_chat(tmp_path, line):
    assert WhatsApp.sniff(lines(tmp_path, line, line)) == 0


NOTICE = "Messages and calls are end-to-end encrypted."


def test_the_notice_at_the_top_is_told_where_its_mark_was_taken_off(tmp_path):
    head = "[14.01.24, 15:05:09]"
    file = lines(tmp_path, f"{head} The Group: {NOTICE} x", *[f"{head} {who}: a" for who in ("Mia", "Ada")])
    items, _ = read(WhatsApp, file, me="Ada")
    assert [item.tags for item in messages(items)] == [(), ()]  # and the group's name is nobody
    assert reasons(items) == {"system message": 1}


def test_the_notice_is_a_message_further_down_and_on_android(tmp_path):
    head = "[14.01.24, 15:05:09]"
    items, _ = read(WhatsApp, lines(tmp_path, *[f"{head} Mia: a"] * 3, f"{head} Mia: {NOTICE}"))
    assert [item.text for item in items] == ["a", "a", "a", NOTICE]
    (item,), _ = read(WhatsApp, lines(tmp_path, f"14.01.24, 15:05 - Mia: {NOTICE}"))
    assert item.text == NOTICE


WEB = "Messages and calls are end-to-end encrypted. Not even WhatsApp can read them."


@pytest.mark.parametrize(
    ("written", "reason", "text", "tags"),
    [
        ("You: <image omitted> a: b", None, "a: b", ("caption",)),
        ("You: r.pdf (file attached) a", None, "a", ("caption",)),
        ("You: [Forwarded many times] a", None, "a", ("forwarded",)),
        ("You: <b> is a tag", None, "<b> is a tag", ()),
        ("- Bo changed the subject to: x", "system message", None, None),
    ],
)
def test_a_row_of_whatsapp_web(tmp_path, written, reason, text, tags):
    items, _ = read(WhatsApp, lines(tmp_path, WEB, f"[1/2/24, 3:05:09 PM] {written}", "[1/3/24, 3:05:10 PM] You: y"))
    assert items[0].reason == "system message"
    assert not items[0].failed
    if reason:
        assert items[1].reason == reason
    else:
        assert (items[1].text, items[1].tags, items[1].timestamp.month) == (text, tags, 1)


def test_what_stands_before_another_export_is_a_row_that_could_not_be_read(tmp_path):
    items, _ = read(WhatsApp, lines(tmp_path, WEB, "[14.01.24, 15:05] Mia: y"))
    assert (items[0].reason, items[0].failed) == ("before the first message", True)


def test_blank_lines_that_a_text_ends_in_are_taken_off(tmp_path):
    file = lines(tmp_path, "20/06/2017, 08:29 - Mia: a\n\n b\n\n", "20/06/2017, 08:30 - Ada: c\n")
    items, _ = read(WhatsApp, file)
    assert [(item.text, item.id.rpartition(" ")[2]) for item in items] == [("a\n\n b", "1"), ("c", "6")]


@pytest.mark.parametrize(("second", "told"), [(0, 0), (1, 0), (2, 1)])
def test_two_exports_in_one_file_are_told(tmp_path, second, told):
    file = lines(tmp_path, ADA, *["[21/06/2017, 08:29:00] Mia: x"] * second)
    items, source = read(WhatsApp, file, me="Ada")
    assert len(items) == 1
    assert sum("of another phone" in note for note in source.notes()) == told


def test_dots_mean_the_day_first_where_both_can_be(tmp_path):
    dates = ("03.04.24", "01.05.24")
    items, _ = read(WhatsApp, lines(tmp_path, *(f"[{date}, 15:05:09] Mia: x" for date in dates)))
    assert [item.timestamp.month for item in items] == [4, 5]


def test_every_languages_half_of_the_day_is_read():
    both = {"kl", "ebu", "smn"}  # what they write before noon others write after it
    signs = {"blo", "ki", "sd", "syr"}  # numbers, commas and dashes, which stand between other parts of a head
    for name in (name for name in localedata.locale_identifiers() if "_" not in name and name not in both | signs):
        periods = Locale.parse(name).day_periods["format"]
        written = [(periods[width], half) for width in ("wide", "abbreviated") for half in ("am", "pm")]
        for word, hour in ((words[half], 3 if half == "am" else 15) for words, half in written if half in words):
            shape = shape_of(f"14/1/24, 3:05 {word} - Mia: x")
            assert shape is not None, (name, word)
            assert hours("3", shape.time.fullmatch(f"3:05 {word}")["word"]) == hour, (name, word)


def test_a_text_in_angle_brackets_is_a_placeholder_only_if_it_is_frequent(tmp_path):
    def said(*texts, rows=30):
        plain = [f"20.6.17, 8:28 - Ada: {n}" for n in range(rows - len(texts))]
        return [*plain, *(f"20.6.17, 8:29 - {who}: {text}" for who, text in zip("AB" * 9, texts, strict=False))]

    def found(*texts, rows=30):
        items, _ = read(WhatsApp, lines(tmp_path, *said(*texts, rows=rows)), me="Ada")
        return [m.text for m in messages(items) if m.text[0] == "<"], reasons(items)

    assert found("<grin>", "<grin>") == (["<grin>"] * 2, {})
    assert found("<grin>", "<grin>", "<grin>", rows=301) == (["<grin>"] * 3, {})
    assert found("<grin>", "<grin>", "<grin>", "<Media omitted>") == (["<grin>"] * 3, {"media left out": 1})
    assert found("<x y>", "<x y>", "<x y>", "<x y>", "<sob>", "<sob>", "<sob>") == (
        ["<sob>"] * 3,
        {"media left out": 4},
    )
    phone = [line.replace("20.6.17, 8:2", "[20.06.17, 08:2").replace(" -", "]") for line in said(*["<a b>"] * 5)]
    assert [m.text for m in messages(read(WhatsApp, lines(tmp_path, *phone), me="Ada")[0])][-5:] == ["<a b>"] * 5


ANDROID = {
    "media left out": [f"<{phrase}>" for phrase in sorted(MEDIA)] + ["<View once voice message omitted>"],
    "deleted": [phrase + end for phrase in sorted(DELETED | DELETED_BY_ME) for end in ("", ".")],
    "location": sorted(LIVE_LOCATION),
    "poll": ["POLL:\ntea?\nOPTION: yes (3 votes)", "ANKETA:\nčaj?\nMOŽNOST: ano (0 hlasů)\nMOŽNOST: ne (1 hlas)"],
    "no text": ["Waiting for this message", "Waiting for this message. This may take a while."],
}


@pytest.mark.parametrize("reason", ANDROID)
def test_what_android_writes_instead_of_a_text_is_known_in_many_languages(tmp_path, reason):
    """Each once and among ordinary ones, so that its words tell it and not how frequent it is."""
    rows = [f"{ADA[:-2]}{text}" for written in ANDROID[reason] for text in (written, "ok")]
    items, _ = read(WhatsApp, lines(tmp_path, *rows), me="Ada")
    assert [item.text for item in messages(items)] == ["ok"] * len(ANDROID[reason])
    assert reasons(items) == {reason: len(ANDROID[reason])}


IPHONE = "[14/01/24, 15:05:09] Mia: "


@pytest.mark.parametrize("kind", MARKED)
def test_the_iphones_words_in_other_languages_need_their_mark(tmp_path, kind):
    texts = sorted(MARKED[kind])
    items, _ = read(
        WhatsApp, lines(tmp_path, *(f"\u200e{IPHONE}\u200e{text}" for text in texts), f"{IPHONE}ok"), me="Mia"
    )
    assert ([item.text for item in messages(items)], reasons(items)) == (["ok"], {kind: len(texts)})
    items, _ = read(WhatsApp, lines(tmp_path, *(f"{IPHONE}{text}" for text in texts), name="typed.txt"), me="Mia")
    assert ([item.text for item in messages(items)], reasons(items)) == (texts, {})


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_a_poll_and_a_caption_are_known_whatever_the_lines_end_with(tmp_path, end):
    rows = [
        "14/01/24, 15:05 - Mia: POLL:",
        "tea?",
        "OPTION: yes (3 votes)",
        "14/01/24, 15:05 - Mia: a.jpg (file attached)",
        "x",
    ]
    (tmp_path / "WhatsApp Chat with Mia.txt").write_bytes(end.join(rows).encode())
    items, _ = read(WhatsApp, tmp_path / "WhatsApp Chat with Mia.txt")
    assert (reasons(items), [item.text for item in messages(items)]) == ({"poll": 1}, ["x"])


def test_the_mark_of_an_edit_may_end_in_a_period(tmp_path):
    (item,), _ = read(WhatsApp, lines(tmp_path, f"{IPHONE}tea \u200e<Diese Nachricht wurde bearbeitet.>"))
    assert item.text == "tea"


def test_lines_in_another_shape_go_on_with_the_message(tmp_path):
    more = ["1.2.3 is a version", "[13.04.18, 17:32:32] Bo: pasted", "", "a\u2028b\x85c\x0bd"]
    items, _ = read(WhatsApp, lines(tmp_path, "20/6/2017 8:28 p. m. - Mia: test", *more, ADA))
    assert [m.text for m in items] == ["test\n" + "\n".join(more), "ok"]


def test_day_and_month_are_decided_by_the_whole_export(tmp_path):
    head = "3/4/21, 10:00 - Mia: a", "3/5/21, 10:00 - Ada: b"
    for last, month in (
        ("3/13/21, 10:00 - Mia: c", 3),
        ("13/5/21, 10:00 - Mia: c", 4),
        ("3/1/22, 10:00 - Mia: c", None),
    ):
        path = lines(tmp_path, *head, last)
        if month is None:
            with pytest.raises(InputError, match=r"3/4/21 can be 03 April 2021 \(dmy\) or 04 March 2021") as caught:
                read(WhatsApp, path)
            assert "--dates dmy or --dates mdy" in caught.value.hint
            assert read(WhatsApp, path, dates="dmy")[0][0].timestamp.month == 4
            assert read(WhatsApp, path, dates="mdy")[0][0].timestamp.month == 3
        else:
            assert read(WhatsApp, path)[0][0].timestamp.month == month
    backwards = lines(tmp_path, "1/12/21, 10:00 - Mia: a", "2/11/21, 10:00 - Ada: b")  # 1 December, 2 November?
    assert [m.timestamp.month for m in read(WhatsApp, backwards)[0]] == [1, 2]
    same = lines(tmp_path, "3/3/21, 10:00 - Mia: a", "3/3/21, 10:00 - Ada: b")
    assert read(WhatsApp, same)[0][0].timestamp.day == 3
    with pytest.raises(UsageError, match="dates is 'x'"):
        WhatsApp(same, dates="x")


def test_another_chat_of_the_same_phone_decides_too(tmp_path):
    lines(tmp_path, "3/4/21, 10:00 - Mia: a", "3/5/21, 10:00 - Ada: b")
    lines(tmp_path, "13/5/21, 10:00 - Bo: c", name="WhatsApp Chat with Bo.txt")
    items, _ = read(WhatsApp, tmp_path, me="Ada")
    assert [m.timestamp.month for m in items if m.text == "a"] == [4]


def test_the_owner_is_the_other_one_than_the_chat_is_named_after(tmp_path):
    path = lines(tmp_path, "20.6.17, 8:28 - Mia: a", "20.6.17, 8:29 - Ada: b")
    assert [m.is_from_me for m in read(WhatsApp, path)[0]] == [False, True]
    path = lines(tmp_path, "20.6.17, 8:28 - Mia: a", "20.6.17, 8:29 - Ada: b", name="chat.txt")
    with pytest.raises(InputError, match="does not say which") as caught:
        read(WhatsApp, path)
    assert "--me Ada" in caught.value.hint
    proof = lines(tmp_path, "20.6.17, 8:28 - Mia: a", "20.6.17, 8:29 - Ada: You deleted this message", name="c.txt")
    assert "me" not in {m.sender for m in messages(read(WhatsApp, proof)[0])}
    with pytest.raises(InputError, match="'Eve' sent no message"):
        read(WhatsApp, path, me="Eve")


def test_somebody_with_a_name_beside_you_may_be_you_and_is_asked_for(tmp_path):
    said = ["20.6.17, 8:28 - You: a", "20.6.17, 8:29 - Ada: b", "20.6.17, 8:29 - Bo: c", "20.6.17, 8:29 - Bo: d"]
    path = lines(tmp_path, *said, name="WhatsApp Chat with The Group.txt")
    items, source = read(WhatsApp, path)
    assert [m.sender for m in items] == ["me", "Ada", "Bo", "Bo"]
    assert [note for note in source.notes() if note.endswith("for example: --me Bo.")] == source.notes() != []
    items, source = read(WhatsApp, path, me="Ada")
    assert [m.sender for m in items] == ["me", "me", "Bo", "Bo"]
    assert source.notes() == []
    alone = lines(tmp_path, said[0], "20.6.17, 8:29 - Mia: b")  # the other one, whom the chat is named after
    assert read(WhatsApp, alone)[1].notes() == []


def test_a_name_with_a_colon_is_one_name(tmp_path):
    said = [f"20.6.17, 8:2{n} - Dee: the second: text {n}: x" for n in range(4)]
    items, _ = read(WhatsApp, lines(tmp_path, *said, "20.6.17, 8:29 - Ada: b", name="c.txt"), me="Ada")
    assert [(m.sender, m.text) for m in items[:2]] == [
        ("Dee: the second", "text 0: x"),
        ("Dee: the second", "text 1: x"),
    ]


def test_numbers_are_one_form_and_strangers_lose_their_sign(tmp_path):
    said = [
        "20.6.17, 8:28 - \u202a+44\u00a07700\u00a0900123\u202c: a",
        "20.6.17, 8:28 - ~\u202fZoe: b",
        "20.6.17, 8:28 - Ada: c",
    ]
    items, _ = read(WhatsApp, lines(tmp_path, *said), me="Ada")
    assert [m.sender for m in items] == ["+447700900123", "Zoe", "me"]


def test_another_encoding_in_the_middle_costs_its_row_only(tmp_path):
    path = lines(tmp_path, "20.6.17, 8:28 - Mia: caf#", "20.6.17, 8:29 - Ada: naïve")
    path.write_bytes(path.read_bytes().replace(b"#", b"\xe9"))
    items, _ = read(WhatsApp, path)
    assert [(r.reason, r.failed) for r in items[:1]] == [("not UTF-8", True)]
    assert items[1].text == "naïve"
    wide = lines(tmp_path, "\ufeff20.6.17, 8:28 - Mia: café", "20.6.17, 8:29 - Ada: naïve", encoding="utf-16-le")
    assert [m.text for m in read(WhatsApp, wide)[0]] == ["café", "naïve"]
    content = wide.read_bytes()
    wide.write_bytes(content.replace("é".encode("utf-16-le"), b"\x3d\xd8")[:-1])  # half an emoji, half a letter
    assert [m.text for m in read(WhatsApp, wide)[0]] == ["caf\ufffd", "naïv\ufffd"]


def test_the_same_chat_exported_twice_counts_once(tmp_path):
    said = [f"20.6.17, 8:2{n} - Mia: {n // 2}" for n in range(6)]
    said[1] = said[0]  # sent twice within the minute: two messages
    lines(tmp_path, *said[:4])
    lines(tmp_path, *said[1:], name="WhatsApp Chat with Mia (1).txt")
    items, source = read(WhatsApp, tmp_path)
    assert len(messages(items)) == 6
    assert source.facts()["Times"] == {"local, without a zone": 6}  # of what is left out nothing is counted
    assert reasons(items) == {"in two files, counted once": 3}
    assert {m.thread for m in messages(items)} == {"WhatsApp Chat with Mia (1)"}


def test_an_export_that_was_probably_cut_is_said(tmp_path):
    said = [f"20.6.17, 8:28 - Mia: {n}" for n in range(39_950)]
    _, source = read(WhatsApp, lines(tmp_path, *said))
    assert "2017-06-20" in source.notes()[0]
    assert "40,000" in source.notes()[0]


def test_what_is_no_chat_is_refused_without_showing_its_words(tmp_path):
    path = lines(tmp_path, "20th of June: secret words", "more")
    assert WhatsApp.sniff(path) == 0
    with pytest.raises(InputError, match="No line of") as caught:
        WhatsApp(path).count()
    assert "secret" not in str(caught.value)


def test_signals_old_layout_is_left_to_signal(tmp_path):
    assert WhatsApp.sniff(lines(tmp_path, "[2021-03-04, 10:11] Bo: hi")) == 0
    assert WhatsApp.sniff(lines(tmp_path, "[2021-03-04, 10:11:12] Bo: hi")) > 0


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_accounted_for(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "Chat with Bo.txt"
    make_whatsapp(path, 40, seed=1, head=data.draw(st.sampled_from([*HEADS])), group=data.draw(st.booleans()))
    raw = bytearray(path.read_bytes().decode().encode(data.draw(st.sampled_from(["utf-8", "utf-8", "utf-16"]))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    survives(WhatsApp, path, dates=data.draw(st.sampled_from([None, "dmy"])), me="Ada")


@settings(deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), min_size=1, max_size=8)
)
def test_every_line_after_a_head_is_a_row(tmp_path_factory, texts):
    path = lines(tmp_path_factory.mktemp("odd"), *(f"[14.01.24, 17:05:09] Mia: {text}" for text in texts))
    items, _ = read(WhatsApp, path)
    assert len(items) == len(texts)
    for text, item in zip(texts, items, strict=True):
        if "\u200e" not in text and text.strip() and text[-1] not in ">)" and text != "null" and text[0] != "<":
            assert item.text == text


GANG = [f"14/05/2023, 08:{at:02d} - {('Ada', 'Bo', 'Cem')[at % 3]}: message number {at}" for at in range(31)]
LATER = [f"30/09/2024, 09:{at:02d} - Cem: later {at}" for at in range(11)]


def kept_both_ways(tmp_path, one, other):
    """Return how many messages are kept of two files, in one folder and given one by one, and the notes of the first"""
    paths = []
    for folder, (name, said) in zip("ab", (one, other), strict=True):
        (tmp_path / "all" / folder).mkdir(parents=True)
        paths.append(lines(tmp_path / "all" / folder, *said, name=name))
    together, apart = wl.Corpus.read(tmp_path / "all", me="Ada"), wl.Corpus.read(*paths, me="Ada")
    assert sorted(together.texts) == sorted(apart.texts)
    return len(together), together


def test_a_group_under_two_names_is_one_conversation(tmp_path):
    one, other = ("WhatsApp Chat with Gang.txt", GANG), ("WhatsApp Chat with Gang 2.txt", [*GANG, *LATER])
    kept, corpus = kept_both_ways(tmp_path, one, other)
    assert kept == 42
    assert corpus.counts()["conversations"] == 1
    assert corpus.ledger.count("read") == 31
    assert [note for note in corpus.notes if "they are read as one conversation" in note]


@pytest.mark.parametrize("name", ["WhatsApp Chat with Gang.txt", "WhatsApp Chat with Pals.txt"])
def test_two_phones_exports_of_a_group_in_one_folder_are_compared_by_the_minute(tmp_path, name):
    iphone = [line.replace("14/05/2023, 08:", "[14/05/2023, 08:").replace(" - ", f":{at + 9}] ") for at, line in
              enumerate(GANG)]  # fmt: skip
    kept, corpus = kept_both_ways(tmp_path, ("WhatsApp Chat with Gang.txt", GANG), (name, iphone))
    assert kept == 31
    assert corpus.counts()["conversations"] == 1


@pytest.mark.parametrize("shared", [4, 14])
def test_what_is_sent_to_two_groups_of_the_same_people_makes_them_no_conversation(tmp_path, shared):
    other = [line.replace("message", "another") if at % 30 >= shared else line for at, line in enumerate(GANG)]
    for name, said in (("WhatsApp Chat with Gang.txt", GANG), ("WhatsApp Chat with Pals.txt", other)):
        lines(tmp_path, *said, name=name)
    corpus = wl.Corpus.read(tmp_path, me="Ada")
    assert (len(corpus), corpus.counts()["conversations"]) == (62, 2)


def test_what_one_person_sends_to_many_makes_them_no_conversation(tmp_path):
    for name in ("Bo", "Cem"):
        said = [f"14/05/2023, 08:{at:02d} - Ada: message number {at}" for at in range(20)]
        lines(tmp_path, *said, f"15/05/2023, 08:00 - {name}: yes", name=f"WhatsApp Chat with {name}.txt")
    corpus = wl.Corpus.read(tmp_path, me="Ada")
    assert (len(corpus), corpus.counts()["conversations"]) == (42, 2)


@pytest.mark.parametrize(("year", "cannot"), [(1970, 3), (1971, 0), (2100, 0), (2101, 3)])
def test_a_year_of_which_no_message_is_is_counted_and_told(tmp_path, year, cannot):
    path = lines(tmp_path, *(f"14/05/{year}, 08:0{at} - {who}: {at}" for at, who in enumerate(("Ada", "Bo", "Ada"))))
    corpus = wl.Corpus.read(path, me="Ada")
    assert corpus.table["timestamp"].null_count == cannot
    assert corpus.ledger.facts.get("Left open", {}) == ({"time that cannot be, left open": 3} if cannot else {})
    assert [note.startswith("3 messages have a time that no message can have") for note in corpus.notes] == (
        [True] if cannot else []
    )
