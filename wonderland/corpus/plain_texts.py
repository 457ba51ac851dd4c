"""Plain texts to look at a model with: a file of passages, JSON Lines, or a folder of files.

A folder: each ``.txt`` or ``.md`` file is a text. A ``.jsonl`` file: the field ``text`` of each line. Any other file:
its passages, which blank lines part; neighbours belong together, so an interval over them is narrower than one over
independent texts would be. Every file and line is a text or is counted among those passed over, with the reason.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from wonderland.errors import InputError, NotEnoughData
from wonderland.paths import expanded

__all__ = ["PlainTexts", "files_of_texts", "read_texts"]

_ENDINGS = (".txt", ".md", ".text")


@dataclass(frozen=True)
class PlainTexts:
    """Texts and what was passed over.

    Attributes:
        texts: The texts, in the order of files and lines.
        unit: What one of them is: "file", "line" or "passage".
        passed_over: How many files or lines are none, by reason.
    """

    texts: list[str]
    unit: str
    passed_over: dict[str, int] = field(default_factory=dict)


def files_of_texts(path: Path) -> list[Path]:
    """Return the files that `read_texts` reads."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in _ENDINGS)


def read_texts(path: str | Path) -> PlainTexts:
    """Read texts.

    Args:
        path: A file, or a folder of ``.txt`` and ``.md`` files.

    Raises:
        InputError: It is not there, is no text in UTF-8, or a line of JSON Lines has no text.
        NotEnoughData: There is no text in it.
    """
    path = expanded(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.", hint="Give texts: a .txt or .jsonl file, or a folder.")
    if path.is_dir():
        found = PlainTexts([_read(file) for file in files_of_texts(path)], "file")
        others = Counter(
            f"{file.suffix or 'no ending'}: not .txt or .md"
            for file in path.rglob("*")
            if file.is_file() and file.suffix.lower() not in _ENDINGS
        )
        found.passed_over.update(others)
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        found = PlainTexts([_of_line(path, number, line) for number, line in _lines(path)], "line")
    else:
        found = PlainTexts(["\n".join(part) for part in _passages(_read(path))], "passage")
    texts = [text for text in found.texts if text.strip()]
    if len(texts) < len(found.texts):
        found.passed_over["empty"] = len(found.texts) - len(texts)
    if not texts:
        raise NotEnoughData(
            f"There is no text in {path}.", hint="Give a .txt or .jsonl file, or a folder of .txt files."
        )
    return PlainTexts(texts, found.unit, found.passed_over)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read as text: {error}.", hint="Save it as UTF-8: iconv -f latin1 -t utf-8 OLD > NEW"
        ) from error


def _lines(path: Path) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(_read(path).split("\n"), 1) if line.strip()]


def _of_line(path: Path, number: int, line: str) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}, line {number} has no text.", hint='Each line is an object such as {"text": "Once upon a time"}.'
        ) from error
    if not isinstance(text, str):
        raise InputError(f"{path}, line {number}: its text is a {type(text).__name__}.", hint='Write {"text": "…"}.')
    return text


def _passages(text: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]
