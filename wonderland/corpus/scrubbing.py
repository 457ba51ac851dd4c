"""Secrets in a text: numbers, addresses and codes that belong to one person.

Each kind has a shape that is searched for and a rule that confirms what was found: a phone number must exist in its
country's numbering plan, a card must pass the Luhn test and begin like a card, an IBAN must pass its checksum, a code
must stand beside a word for codes, a link must hold a key. Shapes alone are mostly false: years, prices and scores are
digits, too.

What would fool it: secrets without a shape, such as a name, an illness or an address told in words. Finding nothing
does not show that there is none.

References: the checks are those of ISO/IEC 7812 (cards), ISO 13616 (IBAN) by ``python-stdnum``, and national numbering
plans by ``phonenumbers``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import regex
from phonenumbers import SUPPORTED_REGIONS, Leniency, PhoneNumberMatcher
from stdnum import iban, luhn

from wonderland.errors import UsageError

__all__ = ["KINDS", "Secret", "count_secrets", "find_secrets", "known_country", "scrubbed"]

KINDS = ("phone", "email", "link", "card", "iban", "code", "address")
"""Kinds of secrets, in the order in which one wins over another that overlaps it."""


@dataclass(frozen=True)
class Secret:
    """A part of a text that belongs to one person.

    Attributes:
        kind: One of `KINDS`.
        start: Its first character in the text.
        stop: One past its last.
        text: What stands there. Never print it.
    """

    kind: str
    start: int
    stop: int
    text: str

    def __repr__(self) -> str:
        return f"Secret({self.kind}, {self.stop - self.start} characters)"  # its text stays out of logs and tracebacks


_EMAIL = regex.compile(r"(?i)(?<![\w.+-])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}\b")
_URL = regex.compile(r"(?i)\b(?:https?://|www\.)[^\s<>\"']{3,}[^\s<>\"'.,;:!?)\]]")
_KEY_IN_LINK = regex.compile(
    r"(?i)://[^/@\s]+:[^/@\s]+@|[?&](?:pwd|token|key|auth|invite|password|access_token)=|/(?:j|join|invite|share)/\w{6,}"
    r"|(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{20,}"
)
_CARD = regex.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])")
_CARD_START = regex.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|35|6(?:011|4[4-9]|5)"
)
_IBAN = regex.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_CODE_WORD = (
    r"(?<!\b(?:zip|area|postal|post|country|dress|promo|discount|source|morse|bar|qr|error|exit|course)[ -]?)"
    r"\b(?:code|pin|passcode|password|otp|combination|combo)\b"
)
_CODE_AFTER = regex.compile(
    rf"(?i){_CODE_WORD}(?:\s+(?:for|to|of)\b[^.?!\d]{{1,30}})?\s*(?:is|:|=|was|#)?\s*(#?\d{{4,8}}\b)"
)
_CODE_BEFORE = regex.compile(
    rf"(?i)(?<![\d.,$€£])\b(\d{{4,8}})\s+(?:is|as)\s+(?:the|your|my|our)\b[^.?!]{{0,25}}{_CODE_WORD}"
)
_STREET = (
    "(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|terrace|way|parkway|highway)"
)
_ADDRESS = regex.compile(rf"\b\d{{1,5}} (?:[NSEW]\.? )?(?:[A-Z][a-z]+ ){{1,3}}(?i:{_STREET})\b\.?")


def find_secrets(text: str, country: str | None = None) -> list[Secret]:
    """Return the secrets in a text, in their order, none overlapping another.

    Args:
        text: The text.
        country: Country whose national phone numbers count, as two letters ("US"); with None only numbers written
            with a plus and their country code do.
    """
    if not _worth_looking(text):
        return []
    taken: list[Secret] = []
    for kind in KINDS:
        for secret in _FINDERS[kind](text, country):
            if all(secret.stop <= other.start or secret.start >= other.stop for other in taken):
                taken.append(secret)
    return sorted(taken, key=lambda secret: secret.start)


def count_secrets(texts: Iterable[str], country: str | None = None) -> Counter[str]:
    """Return how many secrets of each kind stand in some texts."""
    return Counter(secret.kind for text in texts for secret in find_secrets(text, country))


def known_country(country: str) -> str | None:
    """Return a country as phone numbers' plans know it, None for none.

    Raises:
        UsageError: There is no plan for it.
    """
    code = country.strip().upper()
    if code and code not in SUPPORTED_REGIONS:
        raise UsageError(
            f"There is no country {country!r} with phone numbers of its own.",
            hint="Write its two letters, for example: wonderland filter --country US",
        )
    return code or None


def scrubbed(text: str, country: str | None = None) -> tuple[str, list[str]]:
    """Return a text with each secret replaced by its kind, and the kinds that were replaced.

    A placeholder is plain text such as ``[phone]``: it has no number, so that two texts cannot be linked by it.
    """
    secrets = find_secrets(text, country)
    for secret in reversed(secrets):
        text = f"{text[: secret.start]}[{secret.kind}]{text[secret.stop :]}"
    return text, [secret.kind for secret in secrets]


def _worth_looking(text: str) -> bool:
    return "@" in text or "://" in text or "www." in text.casefold() or any(c.isdigit() for c in text)


def _shaped(
    kind: str, pattern: regex.Pattern[str], confirm: Callable[[str], bool] = lambda _: True, group: int = 0
) -> Callable[[str, str | None], Iterator[Secret]]:
    def find(text: str, country: str | None) -> Iterator[Secret]:
        for match in pattern.finditer(text):
            start = match.start(group)
            confirmed = next((part for part in _shorter(match[group]) if confirm(part)), None)
            if confirmed is not None:
                yield Secret(kind, start, start + len(confirmed), confirmed)

    return find


def _shorter(text: str) -> Iterator[str]:
    """Yield what was found, then without its last word, and so on: a number may be followed by another."""
    while text:
        yield text
        text = text.rpartition(" ")[0]


def _is_card(text: str) -> bool:
    digits = regex.sub(r"\D", "", text)
    shaped = _CARD_START.match(digits) and 13 <= len(digits) <= 19 and len(set(digits)) > 1
    return bool(shaped and luhn.is_valid(digits))


def _is_private_link(text: str) -> bool:
    """Whether a link lets in whoever has it: a password, an invitation, or a long random part."""
    return bool(_KEY_IN_LINK.search(text))


def _phones(text: str, country: str | None) -> Iterator[Secret]:
    for match in PhoneNumberMatcher(text, country, leniency=Leniency.STRICT_GROUPING):
        yield Secret("phone", match.start, match.end, match.raw_string)


def _codes(text: str, country: str | None) -> Iterator[Secret]:
    yield from _shaped("code", _CODE_AFTER, group=1)(text, country)
    yield from _shaped("code", _CODE_BEFORE, group=1)(text, country)


_FINDERS: dict[str, Callable[[str, str | None], Iterator[Secret]]] = {
    "phone": _phones,
    "email": _shaped("email", _EMAIL),
    "link": _shaped("link", _URL, _is_private_link),
    "card": _shaped("card", _CARD, _is_card),
    "iban": _shaped("iban", _IBAN, lambda text: bool(iban.is_valid(text))),
    "code": _codes,
    "address": _shaped("address", _ADDRESS),
}
