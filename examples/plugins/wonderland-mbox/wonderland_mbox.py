"""Messages from an mbox file: every e-mail one message, quoted replies left out.

Mail programs export a folder as one mbox file (mboxrd or mboxo, RFC 4155). An e-mail belongs to the conversation of its
subject without "Re:" and "Fwd:". Who the owner is can be said (``--me``); else it is the address that takes part in the
most e-mails, which a note says. Only plain text is read: an e-mail of HTML alone is passed over and counted.

What would fool it: a mailing list takes part in every e-mail, as its address does. Then say who you are.
"""

import mailbox
import re
from collections import Counter
from email.header import decode_header, make_header
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Annotated, ClassVar

import wonderland as wl
from wonderland.errors import InputError

QUOTE = re.compile(r"^(>|On .* wrote:$|-----Original Message-----$)")
PREFIX = re.compile(r"^((re|fwd?|aw|wg)(\[\d+\])?:\s*)+", re.IGNORECASE)


class Mbox:
    """E-mail in an mbox file (``.mbox``), as mail programs export it."""

    name: ClassVar[str] = "mbox"
    version: ClassVar[int] = 1

    def __init__(self, path: Path, *, me: Annotated[str, "your address; by default the commonest"] = ""):
        self.path, self.me, self.guessed, self.undated = path, me.lower(), not me, 0

    @classmethod
    def sniff(cls, path: Path) -> float:
        try:
            with path.open("rb") as file:
                return 0.95 if re.match(rb"From \S+ .*\d{4}", file.readline(1000)) else 0.0
        except OSError:
            return 0.0

    def count(self) -> int:
        return len(self._mails())

    def rows(self):
        mails = self._mails()
        if self.guessed:
            present = Counter(address for mail in mails for address in {*_addresses(mail, "from", "to", "cc")})
            self.me = max(present, key=lambda address: (present[address], address), default="")
        for number, mail in enumerate(mails, 1):
            yield self._row(f"mail {number}", mail)

    def facts(self):
        return {"Left open": {"e-mails without a date or zone": self.undated}} if self.undated else {}

    def notes(self):
        if self.guessed and self.me:
            yield f"Took {self.me} for you, the address in the most e-mails. If that is wrong: --me ADDRESS"

    def _row(self, identity, mail):
        senders = _addresses(mail, "from")
        if not senders:
            return wl.Skipped(identity, "no sender", failed=True)
        text = _text(mail)
        if text is None:
            return wl.Skipped(identity, "no plain text")
        text = "\n".join(line for line in text.splitlines() if not QUOTE.match(line)).strip()
        if not text:
            return wl.Skipped(identity, "nothing but a quotation")
        try:
            when = parsedate_to_datetime(mail["date"])
        except (TypeError, ValueError):
            when = None
        self.undated += when is None or when.tzinfo is None
        mine = senders[0] == self.me
        subject = PREFIX.sub("", _decoded(mail["subject"])).strip() or "no subject"
        return wl.Message(identity, subject, "me" if mine else senders[0], mine, when, text)

    def _mails(self):
        if not self.path.is_file():
            raise InputError(f"There is no mbox file at {self.path}.", hint="Export the mailbox again.")
        box = mailbox.mbox(self.path, create=False)
        try:
            return list(box)
        except (OSError, UnicodeError) as error:
            raise InputError(f"{self.path} cannot be read: {error}.", hint="Export the mailbox again.") from error
        finally:
            box.close()


def _addresses(mail, *fields):
    headers = [_decoded(value) for field in fields for value in mail.get_all(field, [])]
    return [address.lower() for _, address in getaddresses(headers) if "@" in address]


def _decoded(header):
    try:
        return str(make_header(decode_header(str(header or ""))))
    except (LookupError, UnicodeError, ValueError):
        return str(header)


def _text(mail):
    for part in mail.walk():
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            body = part.get_payload(decode=True) or b""
            try:
                return body.decode(part.get_content_charset() or "utf-8", errors="replace")
            except LookupError:  # a charset nobody knows
                return body.decode("utf-8", errors="replace")
    return None


@wl.hookimpl
def wonderland_sources():
    return [Mbox]
