"""What the tool signal-export writes: ``data.json``, one line a message; and the text ``[date, time] name: text``.

Times are local, without a zone. The owner is "Me". The tool ends each body with two blanks, for Markdown. A last line
of ``data.json`` that is no JSON and that no line break ends was cut off; where a text was cut off cannot be told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import wonderland as wl
from wonderland_exports.frame import ME, NOT_UTF8, Member, Tally, is_broken
from wonderland_exports.frame.window import Broken
from wonderland_exports.walking import cut_off

__all__ = ["HEAD", "count_lines", "count_texts", "lines", "texts"]

HEAD = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] ?")
_HEADS = re.compile(f"^{HEAD.pattern}", re.MULTILINE)
_OTHER_ENDS = re.compile(rf"\r+\n|\r(?={HEAD.pattern}|\Z)")  # of lines; any other carriage return is part of a text
_WHOLE = 1 << 26  # a text of at most so many bytes is looked through at once
_make = tuple.__new__
_OWN, _NOBODY = "Me", "No-Sender"
_END = "  "


def count_lines(member: Member, *, partial: bool = False) -> int:
    """Count the lines that are not blank.

    Raises:
        InputError: The file is cut off, and not ``partial``.
    """
    count, byte, line = 0, 0, b""
    with member.open() as file:
        for line in file:
            byte += len(line)
            count += not line.isspace()
    if not partial and _is_cut(line):
        raise Broken(byte - len(line), at_end=True).told(member)
    return count


def lines(member: Member, thread: str, tally: Tally) -> Iterator[wl.Message | wl.Skipped]:
    """Yield what becomes of each line of ``data.json``."""
    byte = 0
    with member.open() as file:
        for number, raw in enumerate(file, 1):
            byte += len(raw)
            if raw.isspace():
                continue
            if _is_cut(raw):
                yield cut_off(member, byte - len(raw))
            else:
                yield _line(f"{member.name} line {number}", _parsed(raw), thread, tally)


def _is_cut(line: bytes) -> bool:
    return bool(line.strip()) and not line.endswith(b"\n") and _parsed(line) is None


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


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
    whole = member.once(_plain)
    if whole is None:
        return sum(1 for _ in _blocks(member))
    first = _HEADS.search(whole)
    before = whole[: first.start()] if first else whole
    return sum(1 for _ in _HEADS.finditer(whole)) + bool(before.strip())


def texts(member: Member, thread: str, tally: Tally) -> Iterator[wl.Message | wl.Skipped]:
    """Yield what becomes of each message of a text."""
    name, local = member.name, 0
    for number, head, text in _blocks(member):
        identity = f"{name} line {number}"
        sender, colon, words = text.partition(":")
        if head is None:
            yield wl.Skipped(identity, "before the first message", True, "no date and time in front of it")
        elif is_broken(text):
            yield wl.Skipped(identity, *NOT_UTF8)
        elif not colon or sender == _NOBODY:
            yield wl.Skipped(identity, "without a sender")
        elif not words.strip():
            yield wl.Skipped(identity, "no text")
        else:
            mine = sender == _OWN
            day, time = head.group(1, 2)
            when = _moment(day, time)
            if when is None:
                tally["Times"]["without a date"] += 1
            else:
                local += 1
            words = words.removeprefix(" ").removesuffix(_END)
            # A named tuple's own constructor costs twice as much.
            yield _make(wl.Message, (identity, thread, ME if mine else sender, mine, when, words, "text", ()))
    if local:
        tally["Times"]["local, without a zone"] += local


def _moment(day: str, time: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(f"{day}T{time}")
    except ValueError:
        return None
    return when if 1990 < when.year < 2100 else None


def _plain(member: Member) -> str | None:
    """Return the whole of a text with its lines ended by a line feed alone; None if it is large."""
    if member.size > _WHOLE:
        return None
    text = member.read().decode("utf-8-sig", "surrogateescape")
    return _OTHER_ENDS.sub("\n", text) if "\r" in text else text


def _blocks(member: Member) -> Iterator[tuple[int, re.Match[str] | None, str]]:
    whole = member.once(_plain)
    if whole is None:
        yield from _line_by_line(member)
        return
    number, at, head = 1, 0, None
    for found in _HEADS.finditer(whole):
        start = found.start()
        text = whole[at:start].rstrip("\n")
        if head is not None or not (text.isspace() or not text):
            yield number, head, text
        number += whole.count("\n", head.start() if head else 0, start)
        at, head = found.end(), found
    text = whole[at:].rstrip("\n")
    if head is not None or not (text.isspace() or not text):
        yield number, head, text


def _line_by_line(member: Member) -> Iterator[tuple[int, re.Match[str] | None, str]]:
    start, head, parts = 0, None, list[str]()
    with member.open() as file:
        for number, line in enumerate(_lines(file), 1):
            found = HEAD.match(line)
            if found is None:
                parts.append(line)
                continue
            if head is not None or any(map(str.strip, parts)):
                yield start or 1, head, "\n".join(parts).rstrip("\n")
            start, head, parts = number, found, [line[found.end() :]]
    if head is not None or any(map(str.strip, parts)):
        yield start or 1, head, "\n".join(parts).rstrip("\n")


def _lines(file: Iterable[bytes]) -> Iterator[str]:
    for number, raw in enumerate(file):
        line = raw.decode("utf-8" if number else "utf-8-sig", "surrogateescape").rstrip("\r\n")
        yield from _OTHER_ENDS.sub("\n", line).split("\n") if "\r" in line else (line,)


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
