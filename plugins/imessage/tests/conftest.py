"""Databases with a known answer, shared by the tests."""

import pytest

import wonderland as wl
from wonderland_imessage import ChatDb
from wonderland_imessage.testing import create, encode_text, make_database


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """A generated database in which every kind of row occurs."""
    return make_database(tmp_path_factory.mktemp("messages") / "chat.db", rows=3000, seed=7)


class Small:
    """A database of a few rows written by hand: one person in one chat of two, and what a test adds."""

    def __init__(self, path):
        self.path = path
        self.connection = create(path)
        self.sql("INSERT INTO handle (ROWID, id, service) VALUES (1, '+15550100', 'iMessage')")
        self.chat(1, 45, 1)

    def sql(self, text, *values):
        self.connection.execute(text, values)

    def chat(self, rowid, style, *handles, name=None):
        guid = f"any;{chr(style)};{rowid}"
        self.sql("INSERT INTO chat (ROWID, guid, style, display_name) VALUES (?,?,?,?)", rowid, guid, style, name)
        for handle in handles:
            self.sql("INSERT INTO chat_handle_join VALUES (?,?)", rowid, handle)

    def row(self, words=None, *, chats=(1,), **columns):
        """Add a row; with words, as a body."""
        columns = {"handle_id": 1, "service": "iMessage", "date": 700_000_000 * 10**9, **columns}
        if words is not None:
            columns.setdefault("attributedBody", encode_text(words))
        rowid = self.connection.execute("SELECT COALESCE(MAX(ROWID), 0) + 1 FROM message").fetchone()[0]
        columns = {"ROWID": rowid, "guid": f"guid-{rowid}", **columns}
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self.sql(f"INSERT INTO message ({names}) VALUES ({marks})", *columns.values())
        for chat in chats:
            self.sql("INSERT INTO chat_message_join VALUES (?,?,0)", chat, rowid)
        return rowid

    def read(self, **options):
        """Return every item and the source."""
        self.connection.commit()
        source = ChatDb(self.path, **options)
        items = list(source.rows())
        assert len(items) == source.count()
        assert all(isinstance(item, wl.Message | wl.Skipped) for item in items)
        return items, source

    def only(self, **options):
        """Return what became of the only row."""
        (item,), _ = self.read(**options)
        return item


@pytest.fixture
def small(tmp_path):
    database = Small(tmp_path / "chat.db")
    yield database
    database.connection.close()
