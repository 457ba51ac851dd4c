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

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import regex
from phonenumbers import SUPPORTED_REGIONS, Leniency, PhoneNumberMatcher, is_valid_number, parse
from stdnum import luhn, numdb

from wonderland.advice import Hint, Options
from wonderland.corpus.ibans import is_iban
from wonderland.corpus.plain_text import plain_text
from wonderland.errors import UsageError

__all__ = ["KINDS", "Secret", "count_secrets", "find_secrets", "known_country", "scrubbed"]

KINDS = ("link", "phone", "email", "card", "iban", "code", "address")
"""Kinds of secrets, in the order in which one wins over another that overlaps it.

A link is first: what it holds beside an e-mail address lets somebody in.
"""


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


_EMAIL = regex.compile(
    r"(?i)(?<!\w)(?:(?:\w[\w.%+-]{0,61}[.+%-])?\w{1,2}['’])?\w[\w.%+-]{0,63}"  # O'Brien, but no word in quotes
    r"@(?:(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}"  # letters of any script
    r"|\[(?:ipv6:)?[\da-f.:]{3,45}\])"  # a host by its number
)
_URL = regex.compile(
    r"(?i)(?:https?://|\b(?:[a-z][a-z\d+.-]{1,15}://|www\.)"
    r"|(?<![\w@-])(?<!\w\.)(?:[\w-]{1,63}\.){1,4}[a-z]{2,24}(?::\d{1,5})?[/?#])"  # a link without its https
    r"[^\s<>\"']{3,}[^\s<>\"'.,;:!?)\]]"
)
_LETS_IN = regex.compile(
    r"(?i)://[^/:?#\s]{0,64}:(?!\d{1,5}(?:[/?#]|\Z))[^@\s]{1,256}@|/(?:j|join|invite|share)/\w{6,}"
    r"|[?&;#](?:[\w-]{0,30}[_-])?(?:pwd|token|key|auth|invite|password|passwd|secret|signature|sessionid)="
    r"|\bt\.me/(?:\+|joinchat/)\w|\bdiscord\.gg/\w|\b(?:chat\.whatsapp\.com|signal\.group)/[\w#]"
    r"|\bzoom\.us/my/\w"
    r"|\bmeet\.google\.com/[a-z]{3}-[a-z]{4}-[a-z]{3}\b"
)
_LONG_PART = regex.compile(  # with letters and digits; looks ahead once for each part, not from each letter of it
    r"(?i)(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{20,}"
)
_TITLE = regex.compile(  # words and numbers with hyphens between them, such as a headline and its year
    r"[_-]*(?:(?:\p{Lu}?[\p{Ll}\p{Lo}]{1,15}|\p{Lu}{1,15}|\d{1,8}|\p{L}{1,8}\d{1,4}|\d{1,4}\p{L}{1,4})(?:[_-]+|\Z))++"
)
_MOST_DIGITS = 19
_BETWEEN = r" \u00a0\u2007\u2009\u202f.\-\u2010-\u2013/_"  # spaces, points and lines between groups of a number
_LINE = r"[^\S\n]{0,3}\n[^\S\n]{0,3}"
_GAP = regex.compile(rf"[{_BETWEEN}\s]+")
_WIDE_GAP = regex.compile(rf"[{_BETWEEN}]?{_LINE}|[{_BETWEEN}]{{2,3}}|[^\S\n]|[/_]")
_NUMBERS = regex.compile(rf"(?<!\d)(?<!\d[.,])\d+(?:(?:[{_BETWEEN}]{{1,3}}|[{_BETWEEN}]?{_LINE})\d+)*")
_DIALLED = regex.compile(rf"(?<!\d)[+(]?\d(?:[{_BETWEEN}()]{{0,3}}\d){{6,}}")
_ABROAD = regex.compile(r"(?<![\d.,:+])(?:00|011)(?=[ .-]?[1-9])")  # dialled for the plus of another country
_SLASHED = regex.compile(r"(?<![\d/])(?:\+\d{1,4}|\(\+\d{1,4}\))(?:/\d{2,5}){1,4}(?:-\d{2,5}){0,2}(?![\d/])")
_SLASHES_TO_LINES = str.maketrans("/()", "-  ")
_ONCE_MEXICAN = regex.compile(  # with the 1 before mobile numbers, which the plan of today has no more
    rf"\+52[{_BETWEEN}(]{{0,2}}1[{_BETWEEN}()]{{0,2}}(?P<rest>(?:\d[{_BETWEEN})]{{0,2}}){{9}}\d)(?!\d)"
)
_FEWEST_DIALLED, _MOST_DIALLED = 7, 15  # digits of a phone number (E.164)
_CARD = regex.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]\d|7[01]|720))\d+(?<=\A\d{16})|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11,16}|35\d{14,17}|6(?:011|4[4-9]|5)\d+(?<=\A\d{16,19})"
)
_IBAN = regex.compile(rf"(?i)[A-Z]{{2}}(?=[{_BETWEEN}]{{0,3}}\d)")  # its country; a word may stand right before it
_CODE_WORD = (
    r"(?<!\b(?:zip|area|postal|post|country|dress|promo|discount|source|morse|bar|qr|error|exit|course|tax)[ -]?)"
    r"\b(?:code|pin|passcode|password|otp|combination|combo)\b"
)
_YEAR = r"(?:19|20)\d\d\b"
_AMOUNT = (  # what stands after a number that counts something
    r"(?:[$€£%]|(?:pesos?|dollars?|bucks|euros?|pounds?|rupees?|yen|usd|eur|gbp|mxn"
    r"|k?cal|calories|people|points|lines|words|times|characters|miles|km|kg|lbs?)\b)"
)
_CODE_AFTER = regex.compile(
    rf"(?i){_CODE_WORD}(?:\s{{1,4}}(?:number|no\.?|nr\.?))?(?P<of>\s{{1,4}}(?:for|to|of)\b[^.?!\d]{{1,30}})?\s{{0,4}}"
    rf"(?P<is>(?:['’]s|is|:|=|was|#)\s{{0,4}})?(?(of)(?(is)|(?!{_YEAR})))"
    rf"(?P<code>#?\d{{4,8}}\b|\d{{3}}[ -]\d{{3}}\b(?![ -]?\d))(?!\s{{0,4}}{_AMOUNT})"
)
_CODE_BEFORE = regex.compile(
    rf"(?i)(?<![\d.,$€£])\b(?P<code>\d{{4,8}})\s{{1,4}}(?:(?:is|as)\s{{1,4}}(?:the|your|my|our)\b[^.?!]{{0,25}}"
    rf"|(?:gate|door|garage|entry|access|alarm|lock|building|security|login|verification)\s{{1,4}}){_CODE_WORD}"
)
_NAMED_CODE = regex.compile(  # says of a number like a year that it is a code
    rf"(?i)\s{{1,4}}(?:is|as)\s{{1,4}}(?:the|your|my|our)\s{{1,4}}(?:\w{{1,15}}\s{{1,4}})?{_CODE_WORD}"
)
_STREET = (
    "(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|terrace|way|parkway|highway)"
)
_NO_STREET = (  # a date or a time before a word that only looks like a street
    r"(?!(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Second|Minute|Hour|Day|Week|Month|Year)s?) (?:[A-Z][a-z]+ ){0,2}(?i:drive|place|court|way) "
    r"(?!(?:in|near|by|and|or|off|is|now|at|if|but|apt|unit)\b)[a-z])"
)
_ADDRESS = regex.compile(rf"\b\d{{1,5}} (?:[NSEW]\.? )?{_NO_STREET}(?:[A-Z][a-z]+ ){{1,3}}(?i:{_STREET})\b\.?")


_WORTH = regex.compile(r"[@/?#0-9]")


def find_secrets(text: str, country: str | None = None) -> list[Secret]:
    """Return the secrets in a text, in their order, none overlapping another.

    Args:
        text: The text.
        country: Country whose national phone numbers count, as two letters ("US"); with None only numbers written
            with a plus and their country code do.
    """
    plain, places = plain_text(text)
    if places is None:
        return _find(plain, country)
    spans = ((one, places[one.start], places[one.stop - 1] + 1) for one in _find(plain, country))
    return [Secret(one.kind, start, stop, text[start:stop]) for one, start, stop in spans]


def _find(text: str, country: str | None) -> list[Secret]:
    if not _worth_looking(text):
        return []
    taken: list[Secret] = []
    for kind in KINDS:
        for secret in _FINDERS[kind](text, country):
            at = bisect(taken, secret.start, key=lambda other: other.start)
            free = (not at or taken[at - 1].stop <= secret.start) and (
                at == len(taken) or secret.stop <= taken[at].start
            )
            if free:
                taken.insert(at, secret)
            elif at and taken[at - 1].stop < secret.stop and (at == len(taken) or secret.stop <= taken[at].start):
                stop, start = secret.stop, taken[at - 1].start
                taken[at - 1] = replace(taken[at - 1], stop=stop, text=text[start:stop])  # else its end would stay
    return taken


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
            hint=Hint("Write its two letters, for example: ", Options("filter", country="US")),
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
    unusual = "www." in text.casefold() or (not text.isascii() and any(map(str.isdigit, text)))
    return unusual or _WORTH.search(text) is not None


def _shaped(
    kind: str, pattern: regex.Pattern[str], confirm: Callable[[str], bool] = lambda _: True
) -> Callable[[str, str | None], Iterator[Secret]]:
    def find(text: str, country: str | None) -> Iterator[Secret]:
        for match in pattern.finditer(text):
            if confirm(match[0]):
                yield Secret(kind, match.start(), match.end(), match[0])

    return find


def _cards(text: str, country: str | None) -> Iterator[Secret]:
    """Yield the cards; other numbers may stand before one and after it."""
    for match in _NUMBERS.finditer(text):
        numbers, at = match[0], match.start()
        words, begin = [], 0
        for gap in _WIDE_GAP.finditer(numbers):
            words.append((begin, gap.start()))
            begin = gap.end()
        words.append((begin, len(numbers)))
        first = 0
        while first < len(words):
            start = words[first][0]
            tried = range(min(first + _MOST_DIGITS, len(words)) - 1, first - 1, -1)  # the longest first
            short = (last for last in tried if words[last][1] - start < 2 * _MOST_DIGITS)
            last = next((last for last in short if _is_card(numbers[start : words[last][1]])), None)
            if last is not None:
                stop = words[last][1]
                yield Secret("card", at + start, at + stop, numbers[start:stop])
            first = first + 1 if last is None else last + 1


def _is_card(text: str) -> bool:
    groups = _GAP.split(text)
    digits = "".join(groups)
    if len(digits) > _MOST_DIGITS or not _CARD.fullmatch(digits) or len(set(digits)) == 1:
        return False
    apart = "." in text or "\n" in text  # decimals, or numbers of two lines; those of more are a list
    return (
        text.count("\n") < 2
        and (not apart or all(4 <= len(group) <= 6 for group in groups))
        and bool(luhn.is_valid(digits))
    )


def _ibans(text: str, country: str | None) -> Iterator[Secret]:
    for match in _IBAN.finditer(text):
        whole = _whole_iban(match[0].upper())
        found = whole and whole.match(text, match.start())
        if found and is_iban("".join(filter(str.isalnum, found[0]))):
            yield Secret("iban", found.start(), found.end(), found[0])


@cache
def _whole_iban(country: str) -> regex.Pattern[str] | None:
    """Return the pattern of a country's IBANs, which all have the same length; None if it has none."""
    parts = numdb.get("iban").info(country)
    lengths = regex.findall(r"\d+(?=!)", parts[0][1].get("bban", ""))
    rest = 2 + sum(map(int, lengths))
    return regex.compile(rf"(?i)[A-Z]{{2}}(?:[{_BETWEEN}]{{0,3}}[A-Z0-9]){{{rest}}}(?!\d)") if lengths else None


def _is_private_link(text: str) -> bool:
    """Whether a link lets in whoever has it: a password, an invitation, or a long random part.

    A title with numbers in it, such as ``films-of-2024``, is none.
    """
    if _LETS_IN.search(text):
        return True
    return any(not _is_title(part[0]) for part in _LONG_PART.finditer(text))


def _is_title(part: str) -> bool:
    return 2 * sum(c.isdigit() for c in part) <= len(part) and bool(_TITLE.fullmatch(part))


def _phones(text: str, country: str | None) -> Iterator[Secret]:
    dialled = _SLASHED.sub(lambda match: match[0].translate(_SLASHES_TO_LINES), text)
    before = {match.end() - 1: len(match[0]) - 1 for match in _ABROAD.finditer(dialled)}
    abroad = _ABROAD.sub(lambda match: "+".rjust(len(match[0])), dialled)
    spans = chain(
        _numbers_dialled(dialled, country),
        ((at - before[at], stop) for at, stop in _numbers_dialled(abroad, country) if at in before) if before else (),
        _once_mexican(abroad),
    )
    for start, stop in spans:
        number = text[start:stop]
        begin = start - (text[start - 1 : start] == "(" and number.count(")") > number.count("("))
        yield Secret("phone", begin, stop, text[begin:stop])


def _once_mexican(text: str) -> Iterator[tuple[int, int]]:
    for match in _ONCE_MEXICAN.finditer(text):
        rest = "".join(c for c in match["rest"] if c.isdigit())
        if is_valid_number(parse(f"+52{rest}")):
            yield match.start(), match.end()


def _numbers_dialled(text: str, country: str | None) -> Iterator[tuple[int, int]]:
    stop = 0
    for match in PhoneNumberMatcher(text, country, leniency=Leniency.STRICT_GROUPING):
        yield from _before_other_numbers(text[stop : match.start], country, stop)
        yield match.start, match.end
        stop = match.end
    yield from _before_other_numbers(text[stop:], country, stop)


def _before_other_numbers(text: str, country: str | None, at: int) -> Iterator[tuple[int, int]]:
    """Yield the phone numbers that are taken for none because another number stands after them."""
    for run in _DIALLED.finditer(text):
        for gap in _GAP.finditer(run[0]):
            part = run[0][: gap.start()]
            count = sum(c.isdigit() for c in part)
            if count > _MOST_DIALLED:
                break
            found = count >= _FEWEST_DIALLED and next(
                iter(PhoneNumberMatcher(part, country, leniency=Leniency.STRICT_GROUPING)), None
            )
            if found and found.end == len(part):
                start = at + run.start() + found.start
                yield start, start + len(found.raw_string)
                break


def _codes(text: str, country: str | None) -> Iterator[Secret]:
    for match in _CODE_AFTER.finditer(text):
        yield Secret("code", match.start("code"), match.end("code"), match["code"])
    for match in _CODE_BEFORE.finditer(text):
        if not regex.match(_YEAR, match["code"]) or _NAMED_CODE.match(text, match.end("code")):
            yield Secret("code", match.start("code"), match.end("code"), match["code"])


_FINDERS: dict[str, Callable[[str, str | None], Iterator[Secret]]] = {
    "phone": _phones,
    "email": _shaped("email", _EMAIL),
    "link": _shaped("link", _URL, _is_private_link),
    "card": _cards,
    "iban": _ibans,
    "code": _codes,
    "address": _shaped("address", _ADDRESS),
}
