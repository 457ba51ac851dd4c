"""WhatsApp's databases: exact senders, times and types, in all three schemas."""

import hashlib
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland as wl
from wonderland.errors import InputError
from wonderland_exports.testing import STORES, make_whatsapp_db
from wonderland_exports.testing.whatsapp_db import PERSON, Stored, write_store
from wonderland_exports.whatsapp_db import WhatsAppDb, apple

from .reading import finds_what_was_planted, keeps_the_contract, messages, read, reasons, survives


@pytest.mark.parametrize("store", STORES)
def test_the_planted_answer(tmp_path, store):
    planted = make_whatsapp_db(tmp_path / "msgstore.db", 400, seed=4, store=store)
    source = finds_what_was_planted(WhatsAppDb, planted)
    assert source.facts()["Unknown types"] == {"type 77": planted.reasons["of unknown type"]}
    assert source.facts()["Marked"]["caption"] > 0


@pytest.mark.parametrize("store", STORES)
def test_the_contract(tmp_path, store):
    name = "ChatStorage.sqlite" if store == "apple" else "msgstore.db"
    keeps_the_contract(WhatsAppDb, make_whatsapp_db(tmp_path / name, store=store))


def test_the_name_inside_an_iphone_backup_is_the_hash_of_its_place():
    place = b"AppDomainGroup-group.net.whatsapp.WhatsApp.shared-ChatStorage.sqlite"
    assert apple.NAMES[1] == hashlib.sha1(place).hexdigest()


def edited(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_a_folder_that_holds_one(tmp_path):
    inside = tmp_path / "7c"
    inside.mkdir()
    planted = make_whatsapp_db(inside / apple.NAMES[1])
    assert WhatsAppDb.sniff(tmp_path) == 0.95
    assert WhatsAppDb(tmp_path).count() == planted.rows


def test_orphans_are_kept_by_the_ids_of_the_row_itself(tmp_path):
    path = make_whatsapp_db(tmp_path / "ChatStorage.sqlite", 30).path
    values = "900,0,600000000.25,'lost',0,999,NULL,'447700900109@s.whatsapp.net',NULL,'S',NULL,NULL"
    edited(path, f"INSERT INTO ZWAMESSAGE VALUES ({values})")
    lost = next(item for item in read(WhatsAppDb, path)[0] if item.id == "900")
    assert (lost.sender, lost.thread, lost.tags) == ("+447700900109", "+447700900109", ("orphan",))
    assert lost.timestamp.isoformat() == "2020-01-06T10:40:00.250000+00:00"


def test_a_person_by_two_ids_is_one(tmp_path):
    items, _ = read(WhatsAppDb, make_whatsapp_db(tmp_path / "msgstore.db", 300, store="android").path)
    assert not any(m.sender.endswith("@lid") for m in messages(items))


def test_groups_are_tagged_and_names_kept_where_asked(tmp_path):
    path = make_whatsapp_db(tmp_path / "ChatStorage.sqlite", 200).path
    items = messages(read(WhatsAppDb, path)[0])
    assert {m.thread.endswith("@g.us") for m in items if "group" in m.tags} == {True}
    named = messages(read(WhatsAppDb, path, names=True)[0])
    assert "Bo" in {m.sender for m in named}
    assert not any("@" in m.thread or "+" in m.sender for m in named)


def test_text_that_is_not_utf_8_costs_its_row_only(tmp_path):
    path = make_whatsapp_db(tmp_path / "msgstore.db", 30, store="android").path
    edited(path, "UPDATE message SET text_data = CAST(X'636166E9' AS TEXT), message_type = 0 WHERE _id = 30")
    assert reasons(read(WhatsAppDb, path)[0])["text is not UTF-8"] == 1


def test_columns_a_version_lacks_are_null(tmp_path):
    path = make_whatsapp_db(tmp_path / "ChatStorage.sqlite", 40).path
    edited(
        path, "ALTER TABLE ZWAMESSAGE DROP COLUMN ZTOJID", "DROP TABLE ZWAPROFILEPUSHNAME", "DROP TABLE ZWAMEDIAITEM"
    )
    assert len(read(WhatsAppDb, path)[0]) == 40


def test_an_encrypted_backup_is_refused_with_what_decrypts_it(tmp_path):
    path = tmp_path / "msgstore.db.crypt15"
    path.write_bytes(b"\x0a\x01" * 99)
    assert WhatsAppDb.sniff(path) == 0.9
    with pytest.raises(InputError, match="encrypted") as caught:
        WhatsAppDb(path).count()
    assert "wa-crypt-tools" in caught.value.hint


def test_another_database_is_refused(tmp_path):
    path = edited(tmp_path / "other.db", "CREATE TABLE bookmarks (url)")
    assert WhatsAppDb.sniff(path) == 0
    with pytest.raises(InputError, match="not WhatsApp's"):
        WhatsAppDb(path).count()
    with pytest.raises(InputError, match=r"no ChatStorage\.sqlite"):
        WhatsAppDb(tmp_path).count()


def test_a_copy_without_its_log_is_said(tmp_path):
    path = make_whatsapp_db(tmp_path / "ChatStorage.sqlite", 40).path
    edited(path, "PRAGMA journal_mode = WAL")
    source = WhatsAppDb(path)
    source.count()
    assert "newest messages may be missing" in source.notes()[0]
    source.close()


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_accounted_for(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "msgstore.db"
    make_whatsapp_db(path, 30, seed=1, store=data.draw(st.sampled_from(STORES)))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    survives(WhatsAppDb, path)


values = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5) | st.binary(max_size=5)


@settings(deadline=None)
@given(row=st.lists(values, min_size=7, max_size=7), text=values)
def test_values_of_any_kind_are_accounted_for(tmp_path_factory, row, text):
    path = make_whatsapp_db(tmp_path_factory.mktemp("odd") / "msgstore.db", 3, store="android").path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("INSERT INTO message VALUES (900,?,?,?,?,?,?,?)", (*row[:5], text, row[5]))
        connection.execute("INSERT INTO chat VALUES (901,?,?)", row[5:])
        connection.commit()
    assert len(read(WhatsAppDb, path, names=True)[0]) == 4


@pytest.mark.parametrize("kind", ["\u00b2", "9" * 5000, "-1", "x", b"0", 0.5])
def test_a_type_of_the_old_schema_that_is_no_number_is_no_accident(tmp_path, kind):
    path = make_whatsapp_db(tmp_path / "msgstore.db", 3, store="old android").path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("UPDATE messages SET media_wa_type = ?", (kind,))
        connection.commit()
    assert {row.reason for row in read(WhatsAppDb, path)[0]} == {"of unknown type"}


def test_the_old_store_of_android_is_known_by_its_table_whatever_it_is_called(tmp_path):
    planted = make_whatsapp_db(tmp_path / "old.db", 30, store="old android")
    assert wl.Corpus.read(planted.path).ledger.stored == planted.rows
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:  # as another messenger's
        connection.execute("CREATE TABLE messages (_id INTEGER, data TEXT)")
        connection.commit()
    assert WhatsAppDb.sniff(tmp_path / "other.db") == 0


@pytest.mark.parametrize("store", STORES)
def test_a_time_that_cannot_be_is_counted_and_told(tmp_path, store):
    moments = (1_600_000_000, 4_102_444_799, 2**33, 2**33 + 1)
    rows = [Stored(at, False, f"text {at}", 0, PERSON, PERSON, moment) for at, moment in enumerate(moments, 1)]
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        write_store(connection, rows, store)
        connection.commit()
    corpus = wl.Corpus.read(tmp_path / "store.db")
    assert [time is None for time in corpus.table["timestamp"].to_pylist()] == [False, False, True, True]
    assert corpus.ledger.facts["Left open"] == {"time that cannot be, left open": 2}
    assert [note for note in corpus.notes if note.startswith("2 messages have a time that no message can have")]
