"""Two ways of writing a phone number are one number if they have one form in E.164 (``+447700900123``).

A store keeps numbers as they were dialled, typed into a contact card or sent by the network: with or without the code
of the country, with blanks, brackets and a zero that is dropped abroad. Which digits are which is a fact of each
country, so it is left to the `phonenumbers` package, the maintained port of Google's library.

What would fool it: a number without its country's code means nothing without a country, so none is assumed. That a
number is *possible* (of a length its country uses) is all that is asked for; ranges that are not given out yet, or are
set aside for fiction, count too. Mexican mobile numbers in their old form (``+52 1 …``) and Brazilian ones without
their ninth digit have lengths no longer in use and give None.
"""

from __future__ import annotations

import functools
import re

__all__ = ["country_of", "e164", "is_short_code"]

LONGEST_SHORT_CODE = 6
MANY = 1 << 16  # distinct numbers remembered; a store rarely has more
_NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")  # already in this form; spares most American stores the library
_SCHEME = re.compile(r"(?i)tel:")
_SHORT = re.compile(rf"\+?[0-9]{{1,{LONGEST_SHORT_CODE}}}")
_SIGNS = re.compile(r"[\s().-]")


@functools.lru_cache(MANY)
def e164(text: str, country: str | None = None) -> str | None:
    """Return the one form of a phone number: ``+``, the code of the country, the rest in digits.

    Args:
        text: The number as it was written; ``tel:`` before it, blanks and signs in it do not matter.
        country: Where it was written, two letters as in ISO 3166 (``"gb"``, ``"GB"``). Only a number without the code
            of its country needs it; without a country such a number stays unknown.

    Returns:
        For example ``"+447700900123"``; None if this is no possible number: a name, an e-mail address, a short code, a
        number for local use only, an extension, or a national number of no known country.
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return text
    number = _SCHEME.sub("", text.strip(), count=1)
    if not number or any(character.isalpha() for character in number):
        return None
    import phonenumbers  # 30 ms, and a corpus without phone numbers does not need it

    try:
        parsed = phonenumbers.parse(number, (country or "").upper() or None)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not possible or parsed.extension:
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


@functools.lru_cache(MANY)
def country_of(number: str) -> str | None:
    """Return the country that a number in E.164 belongs to, as two small letters.

    Several countries share a code (the United States, Canada and others have +1); the largest stands for them all,
    which is enough to read national numbers, since those follow one plan.
    """
    import phonenumbers

    try:
        code = phonenumbers.parse(number, None).country_code
    except phonenumbers.NumberParseException:
        return None
    region = str(phonenumbers.region_code_for_country_code(code or 0))
    return region.lower() if region.isalpha() and region != "ZZ" else None  # "001": satellites and freephone numbers


@functools.lru_cache(MANY)
def is_short_code(sender: str, country: str | None = None) -> bool:
    """Say whether a sender is a number of at most six digits, such as only machines have.

    Some small countries give people numbers this short (Faroe Islands, Andorra): with such a country given, a valid
    mobile number is no short code. A ``+`` changes nothing: with its country's code no number is this short.
    """
    digits = _SIGNS.sub("", sender)
    if not _SHORT.fullmatch(digits):
        return False
    return digits.startswith("+") or not _is_mobile(digits, (country or "").upper())


def _is_mobile(digits: str, region: str) -> bool:
    """Say whether a few digits are a mobile number where ordinary mobile numbers have so few."""
    if not region:
        return False
    import phonenumbers

    kinds = phonenumbers.PhoneNumberType
    usual = phonenumbers.example_number_for_type(region, kinds.MOBILE)
    if usual is None or len(str(usual.national_number)) > LONGEST_SHORT_CODE:
        return False  # elsewhere a plan may list a few odd short ones, which are services
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False
    return kind in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE)
