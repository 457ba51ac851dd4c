"""What tests of the documentation share: a home directory with messages in it, and the blocks of a page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home directory with a small Messages database in it."""
    from wonderland_imessage.testing import make_database

    store = tmp_path / "Library" / "Messages" / "chat.db"
    store.parent.mkdir(parents=True)
    make_database(store, 300, people=20)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def python_blocks():
    """A function that lists the Python blocks of a page, but for those said not to be run."""

    def of(page: Path) -> list[str]:
        text = re.sub(r"<!-- not run: .*?-->\s*```python\n.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        return re.findall(r"```python\n(.*?)```", text, flags=re.S)

    return of
