"""WhatsApp exports with a known answer: in every shape of head, every language of placeholders, every class of row."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from wonderland_exports.testing.planted import NAMES, Planted, Writer

__all__ = ["HEADS", "Head", "make_whatsapp"]

_START = datetime(2019, 11, 28, 22, 30, 15)
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@dataclass(frozen=True)
class Head:
    """How one phone writes the head of a message.

    Attributes:
        form: What goes before the name; ``{am}`` is the half of the day.
        halves: The words for the halves of the day; none on a clock of 24 hours.
        digits: Characters for the ten digits.
        web: Whether it is WhatsApp Web's.
    """

    form: str
    halves: tuple[str, str] | None = None
    digits: dict[int, int] | None = None
    web: bool = False

    @property
    def bracketed(self) -> bool:
        """Whether it is an iPhone's."""
        return "[" in self.form

    def write(self, when: datetime) -> str:
        """Write the head of a message sent at a time."""
        hour = when.hour if self.halves is None else when.hour % 12 or 12
        text = self.form.format(
            d=when.day, m=when.month, y=when.year % 100, Y=when.year, dd=f"{when.day:02d}", mm=f"{when.month:02d}",
            H=hour, HH=f"{hour:02d}", M=f"{when.minute:02d}", S=f"{when.second:02d}",
            am=self.halves[when.hour >= 12] if self.halves else "", BY=when.year + 543,
        )  # fmt: skip
        return text.translate(self.digits or {})


HEADS = {
    "iPhone en-US": Head("[{m}/{d}/{y:02d}, {H}:{M}:{S}\u202f{am}] ", ("AM", "PM")),
    "iPhone de": Head("[{dd}.{mm}.{y:02d}, {HH}:{M}:{S}] "),
    "iPhone es": Head("[{d}/{m}/{y:02d}, {H}:{M}:{S} {am}] ", ("a.\u00a0m.", "p.\u00a0m.")),
    "iPhone en-AU": Head("[{d}/{m}/{Y}, {H}:{M}:{S} {am}] ", ("a.m.", "p.m.")),
    "iPhone nl": Head("[{dd}-{mm}-{Y} {HH}:{M}:{S}] "),
    "iPhone sv": Head("[{Y}-{mm}-{dd}, {HH}:{M}:{S}] "),
    "iPhone ja": Head("[{Y}/{mm}/{dd} {H}:{M}:{S}] "),
    "iPhone zh": Head("[{Y}/{m}/{d} {am}{H}:{M}:{S}] ", ("上午", "下午")),
    "iPhone ko": Head("[{Y}. {m}. {d}. {am} {H}:{M}:{S}] ", ("오전", "오후")),
    "iPhone ar": Head("\u200f[{d}/{m}/{Y}، {H}:{M}:{S} {am}] ", ("ص", "م"), _ARABIC),
    "iPhone fi": Head("[{d}.{m}.{Y} klo {H}.{M}.{S}] "),
    "iPhone, no klo": Head("[{d}.{m}.{Y} {H}.{M}.{S}] "),
    "iPhone, month.day": Head("[{m}.{d}.{y:02d}, {HH}:{M}:{S}] "),
    "iPhone until 2017": Head("{dd}/{mm}/{y:02d} {HH}:{M}:{S}: "),
    "no brackets": Head("{d}/{m}/{Y}, {H}:{M}:{S} {am} ", ("AM", "PM")),
    "iPhone th": Head("[{d}/{m}/{BY} {HH}:{M}:{S}] "),
    "Web": Head("[{m}/{d}/{y:02d}, {H}:{M}:{S} {am}] ", ("AM", "PM"), web=True),
    "Android en-US": Head("{m}/{d}/{y:02d}, {H}:{M}\u202f{am} - ", ("AM", "PM")),
    "Android en-GB": Head("{dd}/{mm}/{Y}, {HH}:{M} - "),
    "Android en-IN": Head("{dd}/{mm}/{y:02d}, {H}:{M} {am} - ", ("am", "pm")),
    "Android es-MX": Head("{d}/{m}/{Y} {H}:{M} {am} - ", ("a. m.", "p. m.")),
    "Android de": Head("{dd}.{mm}.{y:02d}, {HH}:{M} - "),
    "Android dash": Head("{mm}/{dd}/{y:02d}, {H}:{M}:{S} {am} – ", ("AM", "PM")),
    "Android za": Head("{Y}/{mm}/{dd}, {HH}:{M} - "),
    "Android it": Head("{dd}/{mm}/{y:02d}, {HH}:{M} - "),
    "Android ar": Head("{d}\u200f/{m}\u200f/{Y}, {H}:{M} {am} - ", ("ص", "م")),
    "Android fa": Head("{Y}/{m}/{d}،\u200f {H}:{M} - "),
    "Android fi": Head("{d}.{m}.{Y} klo {H}.{M} - "),
    "Android bg": Head("{d}.{mm}.{y:02d}\u202fг., {H}:{M} ч. - "),
    "Android dot": Head("{Y}/{mm}/{dd}, {HH}:{M}. - "),
    "Android hu": Head("{Y}. {mm}. {dd}. {HH}:{M} - "),
    "Android zh": Head("{Y}年{m}月{d}日 {am}{H}:{M} - ", ("上午", "下午")),
}
"""Every shape of head that is known, by phone and region."""

_IPHONE = (
    ("image", "\u200eimage omitted"), ("image", "\u200eBild weggelassen"), ("video", "\u200evidéo absente"),
    ("audio", "\u200eaudio omitted"), ("sticker", "\u200eÇıkartma dahil edilmedi"), ("GIF", "\u200eGIF omitted"),
    ("document", "report.pdf • \u200e3 pages \u200edocument omitted"), ("contact", "\u200eContact card omitted"),
    ("image", "\u200e<attached: 00000042-PHOTO-2020-01-01-10-00-00.jpg>"),
    ("image", "\u200e< attached: 00000044-PHOTO-2020-01-01-10-00-00.jpg >"),
    ("sticker", "\u200e<Anhang: 00000043-STICKER-2020-01-01-10-00-00.webp>"),
    ("deleted", "\u200eThis message was deleted."), ("deleted", "Diese Nachricht wurde gelöscht."),
    ("poll", "\u200ePOLL:\ntea?\n\u200eOPTION: yes (3 votes)"), ("image", "\u200eהתמונה הושמטה"),
    ("deleted", "\u200eTin nhắn này đã bị xóa."), ("document", "report.pdf • \u200e3 sider \u200edokument udeladt"),
    ("system message", "\u200eMissed voice call"), ("no text", ""), ("no text", "null"),
)  # fmt: skip
_ANDROID = (
    ("media left out", "<Media omitted>"), ("media left out", "<Medien ausgeschlossen>"),
    ("image", "IMG-20210101-WA0010.jpg (file attached)"), ("audio", "PTT-20210101-WA0011.opus (Datei angehängt)"),
    ("document", "my notes.txt (file attached)"), ("contact", "\u200eBo.vcf (file attached)"),
    ("image", "3.jpg <attached>"), ("media left out", "<המדיה לא נכללה>"),
    ("media left out", "<View once photo omitted>"),
    ("deleted", "Det här meddelandet raderades"), ("location", "live location shared"),
    ("poll", "POLL:\ntea?\nOPTION: yes (3 votes)\nOPTION: no (1 vote)"), ("no text", "Waiting for this message"),
    ("deleted", "This message was deleted"), ("deleted", "You deleted this message"), ("no text", "null"),
    ("location", "location: https://maps.google.com/?q=1.5,2.5"), ("no text", ""),
)  # fmt: skip
_WEB = (
    ("image", "<image omitted>"), ("audio", "<voice message omitted>"), ("video", "<video message omitted>"),
    ("GIF", "<GIF omitted>"), ("GIF", "GIF attached"), ("contact", "<Contact card omitted>"),
    ("contact", "Contact: Al"), ("contact", "2 contacts shared"), ("media left out", "<media omitted>"),
    ("media left out", "<interactive message>"), ("image", "IMG-1.jpg (file attached)"),
    ("audio", "voice message (file attached)"), ("poll", "Poll: tea?\n    - yes"),
    ("location", "The pub: Location: 1.5, -2.5 - https://maps.google.com/?q=1.5,-2.5"),
    ("location", "<Live location omitted>"), ("deleted", "This message was deleted by admin Bo"),
    ("deleted", "You deleted this message as admin"), ("deleted", "This message was deleted"),
    ("no text", "Waiting for this message. This may take a while."), ("video", "[Forwarded] <video omitted>"),
)  # fmt: skip
_ENCRYPTED = (
    "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, can read them."
)
_EVENTS = ("Messages and calls are end-to-end encrypted. No one can read them.", "{} left", "{} added {}")
_QUOTED = "{} changed the subject from “a: b” to “c”"


def make_whatsapp(
    path: Path,
    rows: int = 120,
    *,
    seed: int = 0,
    head: str = "Android en-GB",
    group: bool = False,
    crlf: bool = False,
    rare: bool = False,
) -> Planted:
    """Write a chat.

    Args:
        path: ``.txt``, or ``.zip`` for one that holds ``_chat.txt``. In a chat of two its name should end with "Bo".
        rows: How many rows.
        seed: The same seed and arguments give the same text.
        head: One of `HEADS`.
        group: Whether more than two people write.
        crlf: Whether lines end with CR LF.
        rare: Whether with what cannot be read, text before the first message and a message in another encoding; and,
            in a zip, with a second export of the chat's first messages.
    """
    planted = Planted(path)
    if rare:
        planted.passed("before the first message")
    if HEADS[head].web:
        planted.passed("system message")
    lines = [_ENCRYPTED, "Some earlier messages may not be available."] * HEADS[head].web
    lines += list(_lines(Writer(seed), planted, HEADS[head], rows, NAMES if group else NAMES[:2]))
    text = "\n".join(lines) + "\n"
    raw = text.replace("\n", "\r\n" if crlf else "\n").encode()
    if rare:
        raw = b"nobody said when\n" + raw + f"{HEADS[head].write(_START)}Bo: caf".encode() + b"\xe9\n"
        planted.passed("not UTF-8")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("_chat.txt", raw)
            if rare:
                again = next(line for said in planted.texts for line in lines if line.endswith(f": {said}"))
                archive.writestr(f"{path.stem}.txt", again)
                planted.passed("in two files, counted once")
    else:
        path.write_bytes(raw)
    return planted


def _lines(writer: Writer, planted: Planted, head: Head, rows: int, people: tuple[str, ...]) -> Iterator[str]:
    random, when = writer.random, _START
    others = _WEB if head.web else _IPHONE if head.bracketed else _ANDROID
    for at in range(rows):
        when += timedelta(minutes=random.choice((0, 1, 3, 47, 380)), seconds=random.randrange(60))
        start, who = head.write(when), random.choice(people)
        mark = "\u200e" if head.bracketed and not head.web and at % 5 == 0 else ""
        if at == 0 or random.random() < 0.03:
            planted.passed("system message")
            event = _EVENTS[0] if at == 0 else random.choice(_EVENTS[1:]).format(who, random.choice(people))
            if head.web:
                yield f"{start}- {event}"
            elif head.bracketed:
                yield f"{mark}{start}The Group: \u200e{event}"
            else:
                yield start + (event if at else _QUOTED.format(who) if len(people) > 2 else event)
        elif at <= len(others) or random.random() < 0.08:
            reason, text = others[at % len(others)]
            planted.passed(reason)
            who = NAMES[0] if text.startswith("You") else who
            who = "You" if head.web and who == NAMES[0] else who
            yield f"{mark if text[:1] == chr(0x200E) else ''}{start}{who}:{' ' if text else ''}{text}"
        else:
            yield start + _typed(writer, planted, head, who, at)


def _typed(writer: Writer, planted: Planted, head: Head, who: str, at: int) -> str:
    text = writer.text()
    if at % 7 == 1:
        text += writer.random.choice(("\nsecond: line", "\n1.2.3 is a version", "\n\nafter a blank", "\u2028x\x85y"))
    planted.message("me" if who == NAMES[0] else who, text)
    shown = "You" if head.web and who == NAMES[0] else f"~\u202f{who}" if who == "Gül" else who
    if head.web:
        return f"{shown}: {'<image omitted> ' * (at % 19 == 2)}{'[Forwarded] ' * (at % 19 == 3)}{text}"
    if at % 19 == 2 and head.bracketed:
        return f"{shown}: {text} \u200e<attached: 00000042-PHOTO-2020.jpg>"
    if at % 19 == 2:
        return f"{shown}: IMG-20210101-WA0010.jpg (file attached)\n{text}"
    if at % 19 == 3:
        return f"{shown}: {text} \u200e<This message was edited>"
    return f"{shown}: {text}"
