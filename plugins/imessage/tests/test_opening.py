"""Files that cannot be read are refused with what happened and what to do; looking at a file changes nothing."""

import errno
import sqlite3
import sys
from pathlib import Path

import pytest

from wonderland.errors import InputError, ResourceError
from wonderland_imessage import ChatDb, opening
from wonderland_imessage.testing import make_database

BACKUP = "3d0d7e5fb2ce288813306e4d4636395e047a3d28"


def refused(path, kind=InputError):
    """Return what is said about a file that cannot be read."""
    source = ChatDb(path)
    with pytest.raises(kind) as caught:
        assert source.count() == len(list(source.rows()))
    assert caught.value.hint
    return str(caught.value)


@pytest.fixture
def other(tmp_path):
    """An SQLite database of something else."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    return path


class TestSniffing:
    def test_by_name_and_by_tables(self, planted, tmp_path):
        assert ChatDb.sniff(planted.path) == 0.95
        for name in ("renamed.sqlite", BACKUP):
            (tmp_path / name).write_bytes(planted.path.read_bytes())
            assert ChatDb.sniff(tmp_path / name) == 0.95

    def test_a_folder_that_holds_one(self, planted, tmp_path):
        assert ChatDb.sniff(planted.path.parent) == 0.95
        assert ChatDb(planted.path.parent).count() == planted.rows
        (tmp_path / "3d").mkdir()
        (tmp_path / "3d" / BACKUP).write_bytes(planted.path.read_bytes())
        assert ChatDb(tmp_path).count() == planted.rows

    def test_a_new_database_whose_tables_are_still_in_the_log(self, planted, tmp_path):
        with sqlite3.connect(tmp_path / "new.db") as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        (tmp_path / "new.db-wal").write_bytes(b"CREATE TABLE chat_message_join")
        assert ChatDb.sniff(tmp_path / "new.db") == 0.95

    def test_everything_else(self, other, tmp_path):
        (tmp_path / "empty").touch()
        (tmp_path / "text.txt").write_text("hello")
        for path in (other, tmp_path, tmp_path / "empty", tmp_path / "text.txt", tmp_path / "missing"):
            assert ChatDb.sniff(path) == 0

    def test_a_name_alone_is_a_weak_sign(self, other, tmp_path):
        other.rename(tmp_path / "chat.db")
        assert ChatDb.sniff(tmp_path / "chat.db") == 0.3

    def test_leaves_no_trace(self, tmp_path):
        make_database(tmp_path / "copy.db", rows=60, wal=10)
        (tmp_path / "copy.db-shm").unlink()
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert ChatDb.sniff(tmp_path / "copy.db") == 0.95
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    @pytest.mark.parametrize(
        ("name", "sure"), [("Library/Messages", 0.9), ("MobileSync/Backup/0000-1111", 0.9), ("Documents", 0)]
    )
    def test_so_is_a_forbidden_folder_that_is_known_to_hold_one(self, tmp_path, monkeypatch, name, sure):
        (tmp_path / name).mkdir(parents=True)
        monkeypatch.setattr(Path, "exists", forbid)
        assert ChatDb.sniff(tmp_path / name) == sure

    def test_a_forbidden_file_is_claimed_so_that_opening_can_say_what_to_do(self, tmp_path, monkeypatch):
        (tmp_path / "chat.db").touch()
        monkeypatch.setattr(Path, "open", forbid)
        assert ChatDb.sniff(tmp_path / "chat.db") == 0.9


def forbid(*args, **kwargs):
    raise PermissionError(errno.EPERM, "Operation not permitted")


class TestRefusals:
    @pytest.mark.parametrize("call", ["is_dir", "exists"])
    def test_a_folder_that_may_not_be_looked_into(self, tmp_path, monkeypatch, call):
        monkeypatch.setattr(type(tmp_path), call, forbid)
        with pytest.raises(ResourceError, match=r"permission|does not let"):
            ChatDb(tmp_path).count()

    def test_nothing_there(self, tmp_path):
        assert "nothing at" in refused(tmp_path / "chat.db")

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "chat.db").touch()
        assert "is empty" in refused(tmp_path / "chat.db")

    def test_a_folder_without_one(self, tmp_path):
        assert "no chat.db or sms.db" in refused(tmp_path)

    def test_something_that_is_no_database_or_encrypted(self, tmp_path):
        (tmp_path / "chat.db").write_bytes(bytes(range(256)) * 64)
        assert "not an SQLite database, or it is encrypted" in refused(tmp_path / "chat.db")

    def test_another_database(self, other):
        assert "no table `message`" in refused(other)

    def test_the_index_of_an_iphone_backup(self, tmp_path):
        with sqlite3.connect(tmp_path / "Manifest.db") as connection:
            connection.executescript("CREATE TABLE Files (a); CREATE TABLE Properties (a);")
        connection.close()
        assert BACKUP in refused(tmp_path / "Manifest.db")

    def test_a_database_that_is_cut_short(self, planted, tmp_path):
        whole = planted.path.read_bytes()
        (tmp_path / "chat.db").write_bytes(whole[: len(whole) // 2])
        assert "cut short" in refused(tmp_path / "chat.db")

    def test_a_database_with_damaged_pages(self, planted, tmp_path):
        whole = bytearray(planted.path.read_bytes())
        whole[8192:-4096] = b"\xff" * (len(whole) - 8192 - 4096)
        (tmp_path / "chat.db").write_bytes(whole)
        assert "damaged" in refused(tmp_path / "chat.db")

    def test_a_table_of_another_program(self, tmp_path):
        with sqlite3.connect(tmp_path / "x.db") as connection:
            connection.execute("CREATE TABLE message (sender, subject)")
        connection.close()
        assert "neither a column" in refused(tmp_path / "x.db")

    def test_a_locked_database(self, planted, tmp_path, monkeypatch):
        path = tmp_path / "chat.db"
        path.write_bytes(planted.path.read_bytes())
        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.01}))
        holder = connect(path, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        assert "locked" in refused(path, ResourceError)
        holder.close()


class TestMac:
    """What macOS says cannot be provoked elsewhere; the messages can."""

    @pytest.fixture(autouse=True)
    def on_a_mac(self, monkeypatch):
        monkeypatch.setattr(sys, "platform", "darwin")

    def test_full_disk_access_is_missing(self, planted, monkeypatch):
        monkeypatch.setattr(Path, "open", forbid)
        said = refused(planted.path, ResourceError)
        assert "Full Disk Access" in said
        assert "chat.db, chat.db-wal and chat.db-shm" in said

    def test_it_was_given_to_another_program(self):
        error = opening.broken(Path("chat.db"), sqlite3.OperationalError("authorization denied"))
        assert isinstance(error, ResourceError)
        assert "another program" in str(error)

    def test_the_log_cannot_be_opened(self):
        error = opening.broken(Path("chat.db"), sqlite3.OperationalError("unable to open database file"))
        assert isinstance(error, ResourceError)
        assert "one you can write to" in str(error)


def test_no_permission_elsewhere(planted, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "open", forbid)
    assert "no permission" in refused(planted.path, ResourceError)
