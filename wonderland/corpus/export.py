"""The plain-text files of a corpus, for those who want to look at it or feed it to something else.

``messages.jsonl`` one JSON object a message; ``corpus.txt`` one message a line; ``corpus_threaded.txt`` windows of
messages with speaker tokens, one message a line, windows apart by a blank line; ``corpus_me_only.txt`` what I wrote.
Line breaks inside a message become spaces in the text files, so that a line is a message; in the threaded file a
message that contains ``<|me|>`` has it as ``< |me|>``, so that nobody can put words into another's mouth.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from wonderland.corpus.corpus import Corpus
from wonderland.errors import ResourceError, UsageError
from wonderland.paths import expanded, making_parents, replacing, to_write_it

__all__ = ["FILES", "export"]


def export(corpus: Corpus, folder: str | Path, *names: str, size: int = 8, stride: int = 4) -> list[Path]:
    """Write files of a corpus, readable by their owner only, each complete or not at all.

    Args:
        corpus: The messages.
        folder: Where to write; made if it is not there.
        *names: Which files; all of ``FILES`` if none are named.
        size: Messages a window of ``corpus_threaded.txt``.
        stride: Messages from one window to the next.

    Raises:
        UsageError: There is no file of a name, or ``stride`` would step over messages.
        ResourceError: The folder cannot be written.
    """
    unknown = [name for name in names if name not in FILES]
    if unknown:
        raise UsageError(f"There is no export named {unknown[0]!r}.", hint=f"Exports: {', '.join(FILES)}.")
    if not 1 <= stride <= size:
        raise UsageError(
            f"A window of {size} messages takes a stride from 1 to {size}, not {stride}.",
            hint=f"For example: stride={max(1, size // 2)}",
        )
    folder = expanded(folder)
    try:
        with making_parents(folder / "file"):
            return [_write(folder / name, FILES[name](corpus, size, stride)) for name in names or FILES]
    except OSError as error:
        raise ResourceError(
            f"{folder} cannot be written: {error.strerror or error}. Each file is whole or as it was before.",
            hint=to_write_it(error, folder),
        ) from error


def _write(path: Path, lines: Iterator[str]) -> Path:
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path


def _messages(corpus: Corpus, _size: int, _stride: int) -> Iterator[str]:
    for message in corpus:
        row = message._asdict()
        row["timestamp"] = None if message.timestamp is None else message.timestamp.isoformat()
        yield json.dumps(row, ensure_ascii=False)


def _corpus(corpus: Corpus, _size: int, _stride: int) -> Iterator[str]:
    return (_line(text) for text in itertools.chain.from_iterable(corpus.texts_in_parts()))


def _me_only(corpus: Corpus, _size: int, _stride: int) -> Iterator[str]:
    texts = itertools.chain.from_iterable(corpus.texts_in_parts())
    return (_line(text) for text, mine in zip(texts, corpus.is_from_me, strict=True) if mine)


def _threaded(corpus: Corpus, size: int, stride: int) -> Iterator[str]:
    column, mine = corpus.table.column("text"), corpus.is_from_me
    bounds = [*corpus.thread_starts.tolist(), len(corpus)]
    for begin, end in itertools.pairwise(bounds):
        lines = [_line(text).replace("<|", "< |") for text in column.slice(begin, end - begin).to_pylist()]
        for start in range(begin, max(begin + 1, end - size + stride), stride):
            stop = min(start + size, end)
            for index in range(start, stop):
                mark = "<|endoftext|>" if index == stop - 1 else "<|sep|>"
                yield f"{'<|me|>' if mine[index] else '<|them|>'} {lines[index - begin]} {mark}"
            yield ""


def _line(text: str) -> str:
    return " ".join(text.split())


FILES: dict[str, Callable[[Corpus, int, int], Iterator[str]]] = {
    "messages.jsonl": _messages,
    "corpus.txt": _corpus,
    "corpus_threaded.txt": _threaded,
    "corpus_me_only.txt": _me_only,
}
