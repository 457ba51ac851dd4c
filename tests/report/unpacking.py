"""What does a file say, whatever it is packed in? For tests that look for a word that must not be there."""

from __future__ import annotations

import base64
import html
import re
import zlib


def data_of(report: str) -> bytes:
    """Return the data of a report: the page's and that of every view, wherever in the file they stand."""
    blocks = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', report, flags=re.S)
    names = [name for name, _ in blocks]
    assert "page" in names
    assert any(name.startswith("view-") for name in names)
    assert len(blocks) == report.count('type="application/json"')
    return "\n".join(data for _, data in blocks).encode()


def unpacked(content: bytes) -> list[str]:
    """Return what a file says, as it stands and with every escape, base64 and deflated part opened."""
    text = content.decode("utf-8", "replace")
    found = [text, html.unescape(text), re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)]
    for packed in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        letters = packed.rstrip("=")
        data = base64.b64decode(letters[: len(letters) // 4 * 4] if len(packed) % 4 else packed)
        found.append(data.decode("utf-8", "replace"))
        for window in (15, -15):
            try:
                found.append(zlib.decompressobj(window).decompress(data).decode("utf-8", "replace"))
            except zlib.error:
                continue
    for start in range(len(content)):
        if content[start : start + 4] in (b"IDAT", b"zTXt"):
            try:
                found.append(zlib.decompressobj().decompress(content[start + 4 :]).decode("latin-1"))
            except zlib.error:
                continue
    return found
