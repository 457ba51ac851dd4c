"""Files with a known content, and messages in one word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wonderland.corpus.messages import Message


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file: text, bytes, or records as JSON Lines."""

    def write(name: str, content: str | bytes | list[dict[str, Any]]) -> Path:
        if isinstance(content, list):
            content = "".join(json.dumps(record) + "\n" for record in content)
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(scope="session")
def say() -> Callable[..., Message]:
    """Make a message of a text; everything else has a default."""

    def say(text: str, thread: str = "a", *, me: bool = False, sender: str = "Bob", **others: Any) -> Message:
        fields = {"id": "1", "timestamp": None, **others}
        return Message(thread=thread, sender="me" if me else sender, is_from_me=me, text=text, **fields)

    return say
