"""Every row of a database is a message or has a class, and the numbers add up."""

import datetime
import plistlib
import shutil
import sqlite3
from collections import Counter

import pytest

import wonderland as wl
from wonderland_imessage import ChatDb
from wonderland_imessage.testing import PLANS, encode_body, encode_text, make_database

PART = {"__kIMMessagePartAttributeName": 0}


@pytest.fixture(scope="module")
def reading(planted):
    source = ChatDb(planted.path)
    return source, source.count(), list(source.rows())


class TestAGeneratedDatabase:
    def test_has_every_kind_of_row(self, planted):
        assert set(planted.plans) == {plan.name for plan in PLANS}

    def test_gives_one_item_for_each_row(self, reading, planted):
        source, count, items = reading
        assert count == planted.rows == len(items)
        assert len({item.id for item in items}) == count
        assert isinstance(source, wl.Source)

    def test_gives_every_text_exactly(self, reading, planted):
        assert {int(i.id): i.text for i in reading[2] if isinstance(i, wl.Message)} == planted.texts

    def test_gives_every_other_row_its_class(self, reading, planted):
        assert Counter(i.reason for i in reading[2] if isinstance(i, wl.Skipped)) == planted.reasons

    def test_lists_what_failed_with_a_reason(self, reading):
        failed = [i for i in reading[2] if isinstance(i, wl.Skipped) and i.failed]
        assert {i.reason for i in failed} == {"undecodable body", "of unknown kind"}
        assert all(i.detail for i in failed)

    def test_marks_what_is_known_of_a_message(self, reading, planted):
        tags = Counter(tag for i in reading[2] if isinstance(i, wl.Message) for tag in i.tags)
        assert {tag: tags[tag] for tag in planted.tags} == dict(planted.tags)
        assert tags["group"] == planted.in_groups

    def test_knows_one_person_behind_many_handles(self, reading, planted):
        assert len({i.sender for i in reading[2] if isinstance(i, wl.Message)} - {"me"}) <= planted.people
        assert reading[0].facts()["Handles"]["people behind them"] == planted.people
        assert reading[0].facts()["Handles"]["handles"] > planted.people

    def test_counts_how_each_text_was_found(self, reading, planted):
        found = reading[0].facts()["How each text was found"]
        assert sum(found.values()) == planted.messages
        assert found["both, different: attributedBody"] == planted.plans["both, different"]
        assert found["both, the same"] == planted.plans["both, the same"]
        assert found["text column"] == planted.plans["text column"]
        assert found["edit history"] == planted.plans["edited, body lost"]

    def test_counts_add_up(self, reading, planted):
        facts = reading[0].facts()
        assert facts["Messages"]["from you"] + facts["Messages"]["from others"] == planted.messages
        assert facts["Messages"]["without a chat"] == planted.plans["orphan"]
        assert facts["Messages"]["in several chats, counted once"] == planted.plans["in several chats"]
        assert facts["Messages"]["without a date"] == planted.plans["undated"]
        assert sum(facts["Services"].values()) == planted.messages
        assert sum(facts["Tapbacks"].values()) == planted.reasons["tapback"]

    def test_reads_the_same_again(self, reading, planted):
        assert list(ChatDb(planted.path).rows()) == reading[2]

    def test_is_the_same_for_the_same_seed(self, tmp_path):
        first, second = (make_database(tmp_path / f"{n}.db", rows=150, seed=3) for n in "ab")
        assert first.texts == second.texts
        assert list(ChatDb(first.path).rows()) == list(ChatDb(second.path).rows())
        assert make_database(tmp_path / "c.db", rows=150, seed=4).texts != first.texts


class TestTheLog:
    def test_rows_that_are_only_in_the_log_are_read(self, tmp_path):
        planted = make_database(tmp_path / "chat.db", rows=200, wal=60)
        assert (tmp_path / "chat.db-wal").stat().st_size > 0
        source = ChatDb(planted.path)
        assert source.count() == 200
        assert {int(i.id): i.text for i in source.rows() if isinstance(i, wl.Message)} == planted.texts
        assert source.notes() == []

    def test_a_copy_without_its_log_is_noticed(self, tmp_path):
        planted = make_database(tmp_path / "chat.db", rows=200, wal=60)
        (tmp_path / "copy").mkdir()
        copy = shutil.copy(planted.path, tmp_path / "copy" / "chat.db")
        source = ChatDb(copy)
        assert source.count() == 140
        assert "chat.db-wal" in source.notes()[0]

    def test_a_row_written_while_reading_waits_for_the_next_reading(self, tmp_path, small):
        small.connection.commit()
        small.connection.execute("PRAGMA journal_mode = WAL")
        small.row("one")
        small.row("two")
        small.connection.commit()
        source = ChatDb(small.path)
        assert source.count() == 2
        small.row("three")
        small.connection.commit()
        assert [i.text for i in source.rows()] == ["one", "two"]
        assert ChatDb(small.path).count() == 3
        source.close()

    def test_nothing_is_written(self, planted):
        before = planted.path.read_bytes()
        source = ChatDb(planted.path)
        list(source.rows())
        source.close()
        assert planted.path.read_bytes() == before


class TestClosing:
    def test_it_ends_the_transaction_and_may_be_repeated(self, small):
        small.connection.commit()
        small.connection.execute("PRAGMA journal_mode = WAL")
        small.connection.execute("PRAGMA busy_timeout = 20")  # milliseconds: that it is busy is known at once
        small.row("one")
        small.connection.commit()
        with ChatDb(small.path) as source:
            assert source.count() == 1
            small.row("two")
            small.connection.commit()
            assert [i.text for i in source.rows()] == ["one"]
            assert small.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 1  # busy: it is read
        assert small.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        source.close()
        assert [i.text for i in source.rows()] == ["one", "two"]  # reading anew sees what is there now
        source.close()

    def test_a_reading_that_is_cut_off_by_it_does_not_call_the_file_damaged(self, small):
        for _ in range(3):
            small.row("a")
        small.connection.commit()
        source = ChatDb(small.path)
        rows = source.rows()
        next(rows)
        source.close()
        with pytest.raises(sqlite3.ProgrammingError):
            list(rows)


class TestText:
    def test_the_body_wins_over_a_stale_column(self, small):
        small.row("new", text="old")
        assert small.only().text == "new"

    def test_the_column_serves_where_the_body_is_empty_or_damaged(self, small):
        small.row(text="a", attributedBody=encode_body("", mutable=False))
        small.row(text="b", attributedBody=b"bplist00")
        small.row(text="c")
        small.row(text="\ufffd")
        (*items, app), source = small.read()
        assert [i.text for i in items] == ["a", "b", "c"]
        assert app.reason == "app message"
        assert source.facts()["How each text was found"] == {
            "text column, attributedBody empty": 1,
            "text column, attributedBody undecodable": 1,
            "text column": 1,
        }

    def test_a_caption_is_kept_and_the_place_of_its_picture_is_not(self, small):
        small.row("\ufffclook at this\ufffc")
        assert small.only().text == "look at this"

    def test_blanks_within_a_text_are_kept(self, small):
        small.row("  two lines\n\n")
        assert small.only().text == "  two lines\n\n"

    @pytest.mark.parametrize(("blob", "reason"), [(b"\x04\x0bstream", "not a typedstream"), (b"", "empty")])
    def test_a_damaged_body_is_a_failure_with_its_reason(self, small, blob, reason):
        rowid = small.row(attributedBody=blob)
        item = small.only()
        assert (item.id, item.reason, item.failed) == (str(rowid), "undecodable body", True)
        assert reason in item.detail

    def test_salvaging_has_to_be_asked_for_and_is_marked(self, small):
        small.row(attributedBody=encode_text("what is left of it")[:-30])
        assert small.only().reason == "undecodable body"
        item = small.only(salvage=True)
        assert item.text == "what is left of it"
        assert "salvaged" in item.tags

    def test_salvaging_nothing_is_still_a_failure(self, small):
        small.row(attributedBody=b"bplist00 NSString")
        assert small.only(salvage=True).failed

    def test_a_text_column_that_is_not_utf8_fails_alone(self, small):
        small.row("fine")
        small.row()
        small.sql("UPDATE message SET text = CAST(x'66c328' AS TEXT) WHERE ROWID = 2")
        (first, second), _ = small.read()
        assert first.text == "fine"
        assert (second.reason, second.failed) == ("undecodable body", True)

    def test_a_subject_line_comes_first(self, small):
        small.row("the rest", subject="Party")
        item = small.only()
        assert item.text == "Party\nthe rest"
        assert "subject" in item.tags

    def test_what_was_heard_in_an_audio_message_is_of_another_kind(self, small):
        small.row(
            attributedBody=encode_body("\ufffc", [(1, {**PART, "IMAudioTranscription": "hi"})]), is_audio_message=1
        )
        item = small.only()
        assert (item.kind, item.text) == ("audio", "hi")

    def test_one_time_codes_are_marked(self, small):
        runs = [(8, PART), (4, {**PART, "__kIMOneTimeCodeAttributeName": {"code": "1234"}})]
        small.row(attributedBody=encode_body("code is 1234", runs))
        assert "one-time-code" in small.only().tags


class TestEdits:
    def history(self, small, *, unsent=(), body=None, versions=("one", "two")):
        events = [{"d": 7e8, "t": encode_text(version)} for version in versions]
        plist = {"otr": {"0": {"lo": 0, "le": 3}}, "ec": {"0": events}, "rp": list(unsent)}
        small.row(attributedBody=body, date_edited=1, message_summary_info=plistlib.dumps(plist))

    def test_the_current_text_is_taken(self, small):
        self.history(small, body=encode_text("two"))
        item = small.only()
        assert item.text == "two"
        assert "edited" in item.tags

    def test_the_last_version_serves_where_the_body_is_lost(self, small):
        self.history(small)
        assert small.only().text == "two"

    def test_an_unsent_message_is_none(self, small):
        self.history(small, unsent=[0], body=encode_body("", mutable=False))
        assert small.only() == wl.Skipped("1", "unsent")

    @pytest.mark.parametrize(
        "info",
        [
            b"",
            b"bplist00",
            b"<plist>",
            b"<plist><key>rp</key></plist>",
            b"bplist00rp",
            plistlib.dumps([1]),
            plistlib.dumps({"ec": 5}),
            "text",
        ],
    )
    def test_a_damaged_history_costs_nothing_but_itself(self, small, info):
        small.row("hello", date_edited=1, message_summary_info=info)
        assert small.only().text == "hello"

    @pytest.mark.parametrize(
        ("history", "detail"),
        [
            ({"ec": {"0": [{"t": b"damaged"}]}}, "not a typedstream"),
            ({"ec": {"0": [{"d": 5}]}}, "lacks the text of part 0"),
            ({"otr": {"0": {"lo": 0, "le": 9}}}, "lacks the text of part 0"),
            (
                {"otr": {"0": {"lo": 0, "le": 5}, "1": {"lo": 5, "le": 3}}, "ec": {"1": [{"t": encode_text("new")}]}},
                "part 0",
            ),
        ],
    )
    def test_a_text_that_is_lost_with_its_history_is_listed(self, small, history, detail):
        small.row(date_edited=1, message_summary_info=plistlib.dumps(history))
        item = small.only()
        assert (item.reason, item.failed) == ("undecodable body", True)
        assert detail in item.detail

    @pytest.mark.parametrize("info", [b"bplist00", plistlib.dumps([1])])
    def test_so_is_one_whose_history_cannot_be_read(self, small, info):
        small.row(date_edited=1, message_summary_info=info)
        item = small.only()
        assert (item.failed, item.detail) == (True, "its edit history cannot be read")

    def test_an_edited_text_beside_an_attachment_stands_in_the_history_alone(self, small):
        events = [{"d": 1, "t": encode_text("here we go!")}, {"d": 2, "t": encode_text("https://example.test/x")}]
        plist = {"otr": {"0": {"lo": 0, "le": 1}, "1": {"lo": 1, "le": 11}}, "ec": {"1": events}, "ust": True}
        small.row(date_edited=1, message_summary_info=plistlib.dumps(plist))
        item = small.only()
        assert (item.text, item.tags) == ("https://example.test/x", ("edited",))

    def test_a_part_that_was_taken_back_is_not_missed(self, small):
        plist = {
            "otr": {"0": {"lo": 0, "le": 5}, "1": {"lo": 5, "le": 3}},
            "ec": {"1": [{"t": encode_text("new")}]},
            "rp": [0],
        }
        small.row(date_edited=1, message_summary_info=plistlib.dumps(plist))
        item = small.only()
        assert (item.text, item.tags) == ("new", ("edited", "partly-unsent"))

    def test_a_history_that_names_no_part_does_not_hide_what_is_left(self, small):
        small.row("still here", date_edited=1, message_summary_info=plistlib.dumps({"rp": [0]}))
        small.row(date_edited=1, message_summary_info=plistlib.dumps({"rp": [0]}))
        (left, gone), _ = small.read()
        assert left.text == "still here"
        assert gone == wl.Skipped("2", "unsent")

    def test_an_empty_body_says_that_there_is_no_text(self, small):
        plist = plistlib.dumps({"otr": {"0": {"lo": 0, "le": 9}}})
        small.row(attributedBody=encode_body("", mutable=False), date_edited=1, message_summary_info=plist)
        assert small.only() == wl.Skipped("1", "no text")

    def test_a_damaged_body_is_a_failure_even_if_something_was_taken_back(self, small):
        small.row(attributedBody=b"bplist00", date_retracted=1)
        assert small.only().reason == "undecodable body"

    def test_a_message_that_was_taken_back_is_unsent_whatever_its_history_says(self, small):
        small.row(date_retracted=1, message_summary_info=b"bplist00")
        assert small.only() == wl.Skipped("1", "unsent")

    @pytest.mark.parametrize("part", ["²", "x", "-1", "9" * 5000])
    def test_a_part_that_is_no_number_costs_nothing_but_itself(self, small, part):
        plist = {"otr": {part: {"le": 3}}, "ec": {part: [{"t": encode_text("odd")}], "0": [{"t": encode_text("two")}]}}
        small.row(date_edited=1, message_summary_info=plistlib.dumps(plist))
        small.row("next")
        assert [i.text for i in small.read()[0]] == ["two", "next"]


class TestTime:
    @pytest.mark.parametrize(
        ("raw", "year"),
        [
            (700_000_000, 2023),
            (700_000_000 * 10**9, 2023),
            (760569924490443648, 2025),
            (0, None),
            (None, None),
            (-5, None),
        ],
    )
    def test_both_epochs_and_none(self, small, raw, year):
        small.row("hi", date=raw)
        timestamp = small.only().timestamp
        assert (timestamp.year if timestamp else None) == year
        assert timestamp is None or timestamp.tzinfo is datetime.UTC

    def test_to_the_microsecond(self, small):
        small.row("hi", date=760569924490443648)
        expected = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
            seconds=760569924, microseconds=490443
        )
        assert small.only().timestamp == expected

    def test_a_date_that_is_no_number(self, small):
        small.row("hi", date="yesterday")
        assert small.only().timestamp is None


class TestScheduled:
    def test_what_is_still_to_be_sent_is_no_message_yet(self, small):
        small.row("happy birthday", is_from_me=1, schedule_type=2, is_sent=0, date=900_000_000 * 10**9)
        assert small.only() == wl.Skipped("1", "scheduled, not sent")

    def test_an_edited_one_neither(self, small):
        small.row("happy birthday", is_from_me=1, schedule_type=2, is_sent=0, date_edited=5)
        assert small.only().reason == "scheduled, not sent"

    @pytest.mark.parametrize(
        "columns",
        [
            {"is_from_me": 1, "schedule_type": 2, "is_sent": 1},
            {"is_from_me": 1, "schedule_type": 2, "is_sent": None},  # it is not known
            {"is_from_me": 1, "schedule_type": 0, "is_sent": 0},  # a message that could not be sent was written too
            {"is_from_me": 0, "schedule_type": 2, "is_sent": 0},  # what one receives was sent
        ],
    )
    def test_every_other_is_one(self, small, columns):
        small.row("hello", **columns)
        assert small.only().text == "hello"


class TestWho:
    def test_me_whatever_the_handle(self, small):
        small.row("a", is_from_me=1, handle_id=1)
        small.row("b", is_from_me=1, handle_id=0)
        items, source = small.read()
        assert [(i.sender, i.is_from_me) for i in items] == [("me", True)] * 2
        assert source.facts()["Messages"]["from you"] == 2

    def test_without_a_handle_in_a_chat_of_two_it_is_the_other(self, small):
        small.row("a", handle_id=0)
        assert small.only().sender == "+15550100"

    def test_a_handle_that_is_gone(self, small):
        small.row("a", handle_id=99)
        small.row("b", handle_id=0, chats=())
        assert [i.sender for i in small.read()[0]] == ["handle 99", "unknown"]

    def test_machines_are_marked(self, small):
        for rowid, one in enumerate(["262966", "urn:biz:1234", "MyBank"], 2):
            small.sql("INSERT INTO handle (ROWID, id, service) VALUES (?,?,'SMS')", rowid, one)
            small.row("hello there", handle_id=rowid, service="SMS")
        small.row("an answer", handle_id=2, service="SMS", is_from_me=1)
        tags = [set(i.tags) for i in small.read()[0]]
        assert tags == [{"sms", "short-code"}, {"sms", "business"}, {"sms", "business"}, {"sms"}]

    def test_short_numbers_of_a_small_country_are_people(self, small):
        small.sql("INSERT INTO handle (ROWID, id, service, country) VALUES (2, '211234', 'SMS', 'fo')")
        small.row("hello there", handle_id=2, service="SMS")
        item = small.only()
        assert (item.sender, item.tags) == ("+298211234", ("sms",))

    def test_handles_without_an_address_are_each_somebody_else(self, small):
        for rowid, service in ((2, "SMS"), (3, "iMessage")):
            small.sql("INSERT INTO handle (ROWID, id, service) VALUES (?,'',?)", rowid, service)
            small.chat(rowid, 45, rowid)
            small.row("hello", handle_id=rowid, chats=(rowid,))
        items, source = small.read()
        assert [(i.sender, i.thread) for i in items] == [("handle 2", "chat:2"), ("handle 3", "chat:3")]
        assert source.facts()["Handles"]["people behind them"] == 3

    def test_names_come_from_contacts_only_if_asked_for(self, small, tmp_path, address_book):
        small.row("a")
        assert small.only().sender == "+15550100"
        assert small.only(contacts=str(address_book)).sender == "Ada Lovelace"

    def test_contacts_that_are_not_there(self, small, tmp_path):
        small.row("a")
        with pytest.raises(wl.WonderlandError, match=r"no \.abcddb file"):
            small.only(contacts=str(tmp_path))


@pytest.fixture
def address_book(tmp_path):
    """A Mac's contacts with one card."""
    folder = tmp_path / "AddressBook" / "Sources" / "1"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "AddressBook-v22.abcddb") as connection:
        connection.executescript(
            """
            CREATE TABLE ZABCDRECORD (Z_PK INTEGER PRIMARY KEY, ZFIRSTNAME, ZLASTNAME, ZORGANIZATION, ZNICKNAME);
            CREATE TABLE ZABCDPHONENUMBER (ZOWNER INTEGER, ZFULLNUMBER);
            CREATE TABLE ZABCDEMAILADDRESS (ZOWNER INTEGER, ZADDRESS);
            INSERT INTO ZABCDRECORD VALUES (1, 'Ada', 'Lovelace', NULL, NULL);
            INSERT INTO ZABCDPHONENUMBER VALUES (1, '+1 555-0100');
            INSERT INTO ZABCDEMAILADDRESS VALUES (1, 'Ada@Example.test');
            """
        )
    connection.close()
    return tmp_path / "AddressBook"


class TestWhere:
    def test_a_message_in_several_chats_is_counted_once(self, small):
        small.chat(2, 43, 1)
        small.row("a", chats=(2, 1))
        items, source = small.read()
        assert [i.thread for i in items] == ["chat:1"]
        assert source.facts()["Messages"]["in several chats, counted once"] == 1

    @pytest.mark.parametrize("chats", [(2, 1), (1, 2)])
    def test_a_third_persons_message_belongs_to_the_group_they_are_in(self, small, chats):
        small.sql("INSERT INTO handle (ROWID, id, service) VALUES (2, '+15550100002', 'iMessage')")
        small.sql("INSERT INTO handle (ROWID, id, service) VALUES (3, '+15550100002', 'SMS')")
        small.chat(2, 43, 1, 2)
        small.row("from the second", handle_id=2, chats=chats)
        small.row("from their other handle", handle_id=3, chats=chats)
        small.row("from the first", handle_id=1, chats=chats)
        small.row("mine, to the second", handle_id=2, is_from_me=1, chats=chats)
        small.row("mine", handle_id=0, is_from_me=1, chats=chats)
        items, source = small.read()
        assert [i.thread for i in items] == ["chat:2", "chat:2", "chat:1", "chat:2", "chat:1"]
        assert ["group" in i.tags for i in items] == [True, True, False, True, False]
        assert source.facts()["Messages"]["in several chats, counted once"] == 5

    def test_a_chat_that_is_gone_is_not_chosen(self, small):
        small.chat(7, 45, 1)
        small.row("a", chats=(7, 5), is_from_me=1, handle_id=0)
        small.sql("DELETE FROM chat WHERE ROWID = 1")
        small.sql("INSERT INTO chat_message_join VALUES (1, 1, 0)")
        small.row("b", chats=(9,))
        (a, b), _ = small.read()
        assert (a.thread, b.tags) == ("chat:7", ("orphan",))

    def test_a_message_that_is_twice_in_one_chat_is_in_one(self, small):
        small.row("a")
        small.sql("CREATE TABLE copy AS SELECT * FROM chat_message_join")
        small.sql("INSERT INTO copy SELECT * FROM copy")
        small.sql("DROP TABLE chat_message_join")
        small.sql("ALTER TABLE copy RENAME TO chat_message_join")
        items, source = small.read()
        assert [i.thread for i in items] == ["chat:1"]
        assert "in several chats, counted once" not in source.facts()["Messages"]

    def test_a_chat_that_is_none_is_not_one_of_several(self, small):
        small.row("a", chats=(1,))
        small.sql("CREATE TABLE copy (chat_id, message_id, message_date)")
        for chat in (None, 1, b"x", "x"):
            small.sql("INSERT INTO copy VALUES (?, 1, 0)", chat)
        small.sql("DROP TABLE chat_message_join")
        small.sql("ALTER TABLE copy RENAME TO chat_message_join")
        assert small.only().thread == "chat:1"

    def test_members_that_are_nothing_cost_nothing(self, small):
        small.sql("INSERT INTO chat_handle_join VALUES (1, NULL)")
        small.row("a")
        assert small.only().thread == "chat:1"

    def test_a_chat_without_members_is_with_whom_its_identifier_names(self, small):
        small.chat(2, 45)
        small.sql("UPDATE chat SET chat_identifier = '+15550100' WHERE ROWID = 2")
        small.row("a", chats=(2,), handle_id=0)
        item = small.only()
        assert (item.thread, item.sender) == ("chat:1", "+15550100")

    def test_a_message_without_a_chat_is_kept(self, small):
        small.row("a", chats=())
        item = small.only()
        assert item.thread == "orphan:1"
        assert "orphan" in item.tags

    def test_a_deleted_message_is_not(self, small):
        small.row("a", chats=())
        small.sql("INSERT INTO chat_recoverable_message_join VALUES (1, 1, 5, 0)")
        assert small.only() == wl.Skipped("1", "recently deleted")

    def test_groups_are_told_by_their_style(self, small):
        small.chat(2, 43, 1)
        small.row("a", chats=(2,))
        small.row("b", chats=(1,))
        assert ["group" in i.tags for i in small.read()[0]] == [True, False]

    def test_services(self, small):
        for service in ("iMessage", "SMS", "RCS", "rcs", " SMS ", "iMessageLite", None, "Jabber"):
            small.row("hi", service=service)
        items, source = small.read()
        assert [i.tags for i in items] == [(), ("sms",), ("rcs",), ("rcs",), ("sms",), ("satellite",), (), ()]
        assert source.facts()["Services"] == {
            "SMS": 2, "RCS": 2, "iMessage": 1, "satellite": 1, "no service": 1, "Jabber": 1
        }  # fmt: skip

    def test_no_number_can_be_read_from_a_thread(self, planted):
        threads = {i.thread for i in ChatDb(planted.path).rows() if isinstance(i, wl.Message)}
        assert all(thread.split(":")[0] in ("chat", "orphan") and len(thread) < 12 for thread in threads)


class TestOtherVersions:
    @pytest.mark.parametrize(
        "dropped",
        [
            ["date_edited", "date_retracted", "message_summary_info"],
            ["thread_originator_guid", "is_spam", "is_forward", "is_audio_message"],
            ["attributedBody"],
        ],
    )
    def test_columns_that_are_not_there_yet(self, small, dropped):
        small.row(text="hello", attributedBody=None)
        for (name,) in small.connection.execute(
            "SELECT name FROM sqlite_master WHERE type='index' AND sql>''"
        ).fetchall():
            small.sql(f"DROP INDEX {name}")
        for column in dropped:
            small.sql(f"ALTER TABLE message DROP COLUMN {column}")
        assert small.only().text == "hello"

    def test_tables_that_are_not_there_yet(self, small):
        small.row("hello")
        for table in ("chat_recoverable_message_join", "message_attachment_join", "chat_handle_join"):
            small.sql(f"DROP TABLE {table}")
        assert small.only().text == "hello"

    def test_a_table_that_joins_chats(self, small):
        small.chat(2, 45)
        small.sql("CREATE TABLE chat_lookup (identifier TEXT, domain TEXT, chat INTEGER, priority INTEGER)")
        small.sql("INSERT INTO chat_lookup VALUES ('x', 'iMessage', 1, 0), ('x', 'SMS', 2, 0)")
        small.row("a", chats=(1,))
        small.row("b", chats=(2,))
        assert {i.thread for i in small.read()[0]} == {"chat:1"}

    def test_history_that_may_be_in_the_cloud_is_said(self, small):
        small.row("a", ck_sync_state=1)
        assert "iCloud" in small.read()[1].notes()[0]

    def test_values_of_a_type_no_one_expects(self, small):
        small.row("a", associated_message_type="odd", item_type="odd", service=b"\xff", handle_id="odd", date=7.5e8)
        small.row("b", service=b"\xff", handle_id="odd", date=7.5e8, balloon_bundle_id=None, subject=b"\xff")
        (first, second), _ = small.read()
        assert first.reason == "of unknown kind"
        assert (second.text, second.sender, second.timestamp.year) == ("b", "handle odd", 2024)

    def test_no_rows(self, small):
        assert small.read()[0] == []
