"""Backups of SMS Backup & Restore with a known answer."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from wonderland_exports.testing.planted import Planted, Writer

__all__ = ["make_sms"]

_START = 1_514_764_800_000
_OTHERS = ("+15550100001", "+447700900123", "+15550100002", "CALLME", "24567")
_OWN = "+15550100099"
_DATA = base64.b64encode(bytes(range(256)) * 4).decode()


def make_sms(path: Path, rows: int = 150, *, seed: int = 0) -> Planted:
    """Write ``sms.xml``, in which every class of row occurs; the same seed and arguments give the same bytes."""
    planted = Planted(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write("<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n")
        file.write(f'<?xml-stylesheet type="text/xsl" href="sms.xsl"?>\n<smses count="{rows}" type="full">\n')
        file.writelines(f"  {row}\n" for row in _rows(Writer(seed), planted, rows))
        file.write("</smses>\n")
    return planted


def _rows(writer: Writer, planted: Planted, rows: int) -> Iterator[str]:
    random, passed, before = writer.random, _passed(), ""
    for at in range(rows):
        date, other = _START + at * 60_000 + random.randrange(60_000), random.choice(_OTHERS)
        if at < len(passed) or random.random() < 0.05:
            reason, row = passed[at % len(passed)]
            planted.passed(reason)
            yield row.format(date=date, other=other)
            continue
        if before and at % 17 == 16:
            planted.passed("the same message twice")
            yield before
            continue
        text = writer.text() + random.choice(("", "", "\nsecond line", ' <b>"quoted" & more</b>'))
        mine = random.random() < 0.4
        if at % 4:
            planted.message("me" if mine else other, text)
            shown = other.replace("+1555", "+1 (555) ") if at % 3 else other
            before = (
                f'<sms protocol="0" address="{shown}" date="{date}" type="{1 + mine}" subject="null" '
                f'body="{_escaped(text)}" toa="null" read="1" status="-1" contact_name="(Unknown)" />'
            )
            yield before
        else:
            planted.message("me" if mine else _OTHERS[0], text)
            yield _mms(date, text, mine=mine, group=at % 8 == 0)


def _mms(date: int, text: str, *, mine: bool, group: bool) -> str:
    people = f"{_OTHERS[1]}~{_OTHERS[0]}" if group else _OTHERS[0]
    wrote = "insert-address-token" if mine else _OTHERS[0]
    return (
        f'<mms date="{date}" msg_box="{1 + mine}" address="{people}" m_type="{128 if mine else 132}"><parts>'
        f'<part seq="-1" ct="application/smil" text="&lt;smil/>" />'
        f'<part seq="0" ct="image/jpeg" name="a.jpg" text="null" data="{_DATA}" />'
        f'<part seq="0" ct="text/plain" text="{_escaped(text)}" /></parts>'
        f'<addrs><addr address="{wrote}" type="137" charset="106" /><addr address="{_OWN}" type="151" /></addrs></mms>'
    )


def _passed() -> list[tuple[str, str]]:
    sms = '<sms address="{{other}}" date="{{date}}" type="{}" body="{}" />'
    mms = '<mms date="{{date}}" msg_box="1" address="{{other}}" m_type="{}"><parts>{}</parts><addrs></addrs></mms>'
    image = f'<part ct="image/png" text="null" data="{_DATA}" />'
    return [
        ("draft", sms.format(3, "later")),
        ("in the outbox", sms.format(4, "soon")),
        ("failed to send", sms.format(5, "no")),
        ("queued", sms.format(6, "soon")),
        ("of unknown type", sms.format(9, "x")),
        ("no text", sms.format(1, "null")),
        ("no text", sms.format(2, "")),
        ("attachment only", mms.format(132, image)),
        ("no text", mms.format(132, '<part ct="application/smil" text="x" />')),
        ("not downloaded", mms.format(130, "")),
    ]


def _escaped(text: str) -> str:
    """Escape a text as the app does: what lies beyond 16 bits as two halves."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace("\n", "&#10;")
    return re.sub("[\U00010000-\U0010ffff]", _halves, plain)


def _halves(found: re.Match[str]) -> str:
    code = ord(found[0]) - 0x10000
    return f"&#{0xD800 + (code >> 10)};&#{0xDC00 + (code & 0x3FF)};"
