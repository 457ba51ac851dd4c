"""The export that WhatsApp Web writes: one shape for all languages of heads, and words of its own for what is no text.

Its first line has no head: it says that messages are encrypted. Heads are ``[11/28/25, 10:30:15 PM] Bo: hi``, always
with the month in front; the app's lines have a dash instead of a name, and its owner is "You". The module of
web.whatsapp.com that writes it is called ``WAWebExportChatPlainTextFormatter``. Its words are known in English.
"""

from __future__ import annotations

import re

from wonderland_exports.whatsapp.shapes import Shape
from wonderland_exports.whatsapp.words import kind_of_file, kind_of_omitted

__all__ = ["EVENT", "forwarded", "is_web", "judged"]

EVENT = "- "
"""What a line of the app begins with, behind its head."""

_FORWARDED = re.compile(r"\[Forwarded(?: many times)?\] ")
_OMITTED = re.compile(r"<(?P<what>[^<>\n]{3,40})>(?: (?P<typed>.+))?", re.DOTALL)
_ATTACHED = re.compile(r"(?P<file>[^\n]{1,200}?) \(file attached\)(?: (?P<typed>.+))?", re.DOTALL)
_KINDS = {
    "image": "image",
    "video": "video",
    "video message": "video",
    "audio": "audio",
    "voice message": "audio",
    "document": "document",
    "sticker": "sticker",
    "location": "location",
    "live location": "location",
    "media": "media left out",
}
_WHOLE = (
    ("GIF", re.compile(r"GIF attached")),
    (
        "location",
        re.compile(r"(?:[^\n]{1,200}: )?(?:Live l|L)ocation: -?[\d.]+, -?[\d.]+ - https://maps\.google\.com/\S+"),
    ),
    ("contact", re.compile(r"Contact: [^\n]{1,200}|\d+ contacts? shared")),
    ("poll", re.compile(r"Poll(?:: [^\n]*)?(?:\n    - [^\n]*)+")),
    (
        "deleted",
        re.compile(r"This message was deleted by (?:an admin|admin [^\n]{1,200})|You deleted this message as admin"),
    ),
    ("no text", re.compile(r"Waiting for this message\. This may take a while\.")),
)


def is_web(before: str, shape: Shape) -> bool:
    """Say whether an export is of WhatsApp Web, by what stands before its first head."""
    lines = before.strip().split("\n")
    return shape.bracketed and shape.seconds and len(lines) <= 2 and "WhatsApp" in lines[0]


def forwarded(text: str) -> tuple[str, bool]:
    """Return a text without the mark that it was sent on, and whether it had one."""
    found = _FORWARDED.match(text)
    return (text[found.end() :], True) if found else (text, False)


def judged(text: str) -> tuple[str, str] | None:
    """Return (class, what was typed) of a text in which the app had a hand; None if it had none.

    >>> judged("<image omitted> look"), judged("a.pdf (file attached)"), judged("Contact: Bo"), judged("hi <there>")
    (('image', 'look'), ('document', ''), ('contact', ''), None)
    """
    if found := _OMITTED.fullmatch(text):
        what = found["what"].casefold()
        kind = _KINDS.get(what.removesuffix(" omitted")) or kind_of_omitted(what)
        if kind is not None or found["typed"] is None:
            return kind or "media left out", found["typed"] or ""
    if found := _ATTACHED.fullmatch(text):
        return _KINDS.get(found["file"]) or kind_of_file(found["file"]), found["typed"] or ""
    return next(((reason, "") for reason, pattern in _WHOLE if pattern.fullmatch(text)), None)
