"""Signal in its four forms, one module each, behind one source.

`frames` is Signal's own plaintext export (``main.jsonl``), `exported` what the tool signal-export writes
(``data.json``, one line a message) and the older text layout, `desktop` the database of Signal Desktop.
"""

from __future__ import annotations

from wonderland_exports.signal.source import Signal

__all__ = ["Signal"]
