"""What the tool signal-export writes: ``data.json``, one line a message; and the text ``[date, time] name: text``.

Times are local, without a zone. The owner is "Me". The tool ends each body with two blanks, for Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import wonderland as wl
from wonderland_exports.frame import ME, Member, Tally

__all__ = ["HEAD", "count_lines", "count_texts", "lines", "texts"]

HEAD = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] ?")
_OWN, _NOBODY = "Me", "No-Sender"
_END = "  "


def count_lines(member: Member) -> int:
    """Count the lines that are not blank."""
    with member.open() as file:
        return sum(1 for line in file if line.strip())


def lines(member: Member, thread: str, tally: Tally) -> Iterator[wl.Message | wl.Skipped]:
    """Yield what becomes of each line of ``data.json``."""
    with member.open() as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            identity = f"{member.name} line {number}"
            try:
                row = json.loads(raw)
            except (ValueError, RecursionError):
                row = None
            yield _line(identity, row, thread, tally)


def _line(identity: str, row: Any, thread: str, tally: Tally) -> wl.Message | wl.Skipped:
    if not isinstance(row, dict):
        return wl.Skipped(identity, "broken line", True, "no JSON object")
    sender, text = row.get("sender"), row.get("body")
    if row.get("deleted"):
        return wl.Skipped(identity, "deleted")
    if row.get("call"):
        return wl.Skipped(identity, "call")
    if not isinstance(text, str) or not text.strip():
        reason = "sticker" if row.get("sticker") else "attachment only" if row.get("attachments") else "no text"
        return wl.Skipped(identity, reason)
    if not isinstance(sender, str) or sender in ("", _NOBODY):
        return wl.Skipped(identity, "without a sender")
    when = _local(str(row.get("date")), tally)
    mine = sender == _OWN
    return wl.Message(identity, thread, ME if mine else sender, mine, when, text.removesuffix(_END))


def count_texts(member: Member) -> int:
    """Count the messages of a text, and what stands before the first as one."""
    return sum(1 for _ in _blocks(member))


def texts(member: Member, thread: str, tally: Tally) -> Iterator[wl.Message | wl.Skipped]:
    """Yield what becomes of each message of a text."""
    for number, head, text in _blocks(member):
        identity = f"{member.name} line {number}"
        sender, colon, words = text.partition(":")
        if head is None:
            yield wl.Skipped(identity, "before the first message", True, "no date and time in front of it")
        elif not colon or sender == _NOBODY:
            yield wl.Skipped(identity, "without a sender")
        elif not words.strip():
            yield wl.Skipped(identity, "no text")
        else:
            mine = sender == _OWN
            when = _local(f"{head[1]}T{head[2]}", tally)
            words = words.removeprefix(" ").removesuffix(_END)
            yield wl.Message(identity, thread, ME if mine else sender, mine, when, words)


def _blocks(member: Member) -> Iterator[tuple[int, re.Match[str] | None, str]]:
    start, head, parts = 0, None, list[str]()
    with member.open() as file:
        for number, raw in enumerate(file, 1):
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8", "replace").rstrip("\r\n")
            found = HEAD.match(line)
            if found is None:
                parts.append(line)
                continue
            if head is not None or any(map(str.strip, parts)):
                yield start or 1, head, "\n".join(parts).rstrip("\n")
            start, head, parts = number, found, [line[found.end() :]]
    if head is not None or any(map(str.strip, parts)):
        yield start or 1, head, "\n".join(parts).rstrip("\n")


def _local(written: str, tally: Tally) -> datetime | None:
    try:
        when = datetime.fromisoformat(written)
    except ValueError:
        when = None
    if when is None or not 1990 < when.year < 2100:
        tally["Times"]["without a date"] += 1
        return None
    if when.tzinfo is None:
        tally["Times"]["local, without a zone"] += 1
    return when
