"""The command line in a pseudo-terminal: what a person at a keyboard sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07")
_LIMIT = 120.0  # seconds after which a command that never ends is killed


def typed(
    arguments: Sequence[object],
    lines: Sequence[str] = (),
    *,
    prompt: str = "> ",
    columns: int = 80,
    where: Path | None = None,
) -> tuple[int, str]:
    """Run a command in a terminal of so many columns, type a line at each prompt, and return code and screen text.

    Colours and movements of the cursor are taken out of the text.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "wonderland", *map(str, arguments)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=where,
        env={**environment, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(follower)
    raw, waiting, answered, began = b"", list(lines), 0, time.monotonic()
    while True:
        if time.monotonic() - began > _LIMIT:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"It did not end: {raw.decode(errors='replace')!r}")
        if not select.select([leader], [], [], 0.2)[0]:
            continue
        try:
            some = os.read(leader, 65_536)
        except OSError:  # Linux says so when nobody has the other end any more
            break
        if not some:
            break
        raw += some
        if waiting and _ESCAPES.sub("", raw[answered:].decode(errors="replace")).endswith(prompt):
            answered = len(raw)
            os.write(leader, waiting.pop(0).encode() + b"\n")
    os.close(leader)
    return process.wait(), _ESCAPES.sub("", raw.decode(errors="replace")).replace("\r\n", "\n")
