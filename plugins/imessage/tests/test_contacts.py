"""Contacts name people where they can be read, and say so where they cannot."""

import functools
import os
import sqlite3
from contextlib import closing

import pytest

import wonderland as wl
from wonderland_imessage import ChatDb, contacts

TABLES = """
CREATE TABLE ZABCDRECORD (Z_PK INTEGER PRIMARY KEY, ZFIRSTNAME, ZLASTNAME, ZORGANIZATION, ZNICKNAME);
CREATE TABLE ZABCDPHONENUMBER (ZOWNER INTEGER, ZFULLNUMBER);
CREATE TABLE ZABCDEMAILADDRESS (ZOWNER INTEGER, ZADDRESS);
INSERT INTO ZABCDRECORD VALUES (1, 'Ada', 'Lovelace', NULL, NULL);
INSERT INTO ZABCDPHONENUMBER VALUES (1, '+1 555-0100');
INSERT INTO ZABCDEMAILADDRESS VALUES (1, 'Ada@Example.test');
"""
ADA = ("Ada Lovelace", ("+1 555-0100", "Ada@Example.test"))


@pytest.fixture
def book(tmp_path):
    """A folder of contacts of two accounts, as a function that adds one by its statements."""
    folder = tmp_path / "AddressBook"

    def add(account, script=TABLES):
        path = folder / "Sources" / account / "AddressBook-v22.abcddb"
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
        return path

    add.folder = folder
    return add


def test_a_card_has_its_name_and_all_its_addresses(book):
    file = book("1")
    assert contacts.read(str(book.folder)) == ([ADA], [])
    assert contacts.read(str(file)) == ([ADA], [])


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("NULL, NULL, 'Acme Ltd', 'acme'", "Acme Ltd"),
        ("NULL, NULL, NULL, 'Bo'", "Bo"),
        ("' ', NULL, NULL, NULL", ""),
        ("'Bo', 12, NULL, NULL", "Bo 12"),
        ("CAST(x'42c3' AS TEXT), NULL, NULL, NULL", "B\ufffd"),
    ],
)
def test_a_card_is_called_what_it_says(book, row, name):
    book("1", TABLES + f"DELETE FROM ZABCDRECORD; INSERT INTO ZABCDRECORD VALUES (1, {row});")
    assert contacts.read(str(book.folder))[0] == [(name, ADA[1])]


@pytest.mark.parametrize(
    ("dropped", "cards"),
    [
        ("DROP TABLE ZABCDEMAILADDRESS", [("Ada Lovelace", ("+1 555-0100",))]),
        ("ALTER TABLE ZABCDRECORD DROP COLUMN ZNICKNAME", [ADA]),
        ("DROP TABLE ZABCDEMAILADDRESS; DROP TABLE ZABCDPHONENUMBER", []),
    ],
)
def test_tables_and_columns_that_are_not_there(book, dropped, cards):
    book("1", TABLES + dropped)
    assert contacts.read(str(book.folder)) == (cards, [])


def test_an_account_that_is_no_database_of_contacts_does_not_cost_the_others(book):
    book("1")
    empty, odd = book("2", ""), book("3", "CREATE TABLE other (x)")
    cut = book("4", "CREATE TABLE other (x)")
    cut.write_bytes(b"no database at all" * 100)
    cards, notes = contacts.read(str(book.folder))
    assert cards == [ADA]
    assert [str(file) in note for file, note in zip((empty, odd, cut), notes, strict=True)] == [True] * 3
    assert not any("\n" in note for note in notes)


@pytest.mark.parametrize("script", ["", "CREATE TABLE other (x)"])
def test_but_alone_it_is_an_error(book, script):
    file = book("1", script)
    with pytest.raises(wl.WonderlandError, match="no table `ZABCDRECORD`"):
        contacts.read(str(file))


def test_a_place_that_is_not_there_is_not_a_matter_of_permissions(tmp_path):
    with pytest.raises(wl.WonderlandError, match="nothing at") as caught:
        contacts.read(str(tmp_path / "none"))
    assert "Full Disk Access" not in caught.value.hint


def test_locked_contacts_are_an_error_that_does_not_blame_permissions(book, monkeypatch):
    file = book("1")
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, timeout=0.0))  # wait for nobody
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(wl.WonderlandError, match="locked") as caught:
            contacts.read(str(file))
    assert "Quit Contacts" in caught.value.hint
    assert "Full Disk Access" not in caught.value.hint


def test_an_account_that_may_not_be_read_is_not_taken_for_none(book, monkeypatch):
    book("1")
    book("2")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("2"):
            raise PermissionError(1, "Operation not permitted", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(wl.WonderlandError, match="Operation not permitted") as caught:
        contacts.read(str(book.folder))
    assert "Full Disk Access" in caught.value.hint


def test_contacts_that_nobody_asked_for_may_be_out_of_reach(small, book, monkeypatch):
    small.row("a")
    small.connection.commit()
    monkeypatch.setattr(contacts, "HOME", book.folder)
    book("1")
    assert [i.sender for i in ChatDb(small.path, names=True).rows()] == ["Ada Lovelace"]
    for file in book.folder.rglob("*.abcddb"):
        file.write_bytes(b"")
    source = ChatDb(small.path, names=True)
    assert [i.sender for i in source.rows()] == ["+15550100"]
    assert "not named" in source.notes()[-1]
    with pytest.raises(wl.WonderlandError, match="ZABCDRECORD"):
        list(ChatDb(small.path, contacts="mac").rows())


def test_where_there_are_none_nobody_looks(small, tmp_path, monkeypatch):
    monkeypatch.setattr(contacts, "HOME", tmp_path / "none")
    assert ChatDb(small.path, names=True).contacts == ""

    def no_home(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(type(tmp_path), "expanduser", no_home)
    assert not contacts.on_this_mac()


def test_two_people_who_share_a_landline_stay_two(small, book):
    small.sql("UPDATE handle SET id = '+15550100001', country = 'us'")
    small.sql("INSERT INTO handle (ROWID, id, service, country) VALUES (2, '+15550100002', 'iMessage', 'us')")
    small.chat(2, 45, 2)
    small.chat(3, 43, 1, 2)
    for handle, chat in ((1, 1), (2, 2), (1, 3), (2, 3)):
        small.row("hello", handle_id=handle, chats=(chat,))
    book(
        "1",
        TABLES.partition("INSERT")[0]
        + """
        INSERT INTO ZABCDRECORD VALUES (1, 'Mona', 'Vale', NULL, NULL), (2, 'Dina', 'Vale', NULL, NULL);
        INSERT INTO ZABCDPHONENUMBER VALUES (1, '+1 (555) 010-0001'), (1, '+1 555 010 9999'),
            (2, '+1 555 010 0002'), (2, '+1 555 010 9999');
        """,
    )
    items, source = small.read(contacts=str(book.folder))
    assert [i.sender for i in items] == ["Mona Vale", "Dina Vale", "Mona Vale", "Dina Vale"]
    assert [i.thread for i in items] == ["chat:1", "chat:2", "chat:3", "chat:3"]
    assert source.facts()["Handles"] == {"handles": 2, "people behind them": 2, "people named by contacts": 2}
