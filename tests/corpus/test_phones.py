"""Two ways of writing a phone number are one number, and what is none is none."""

import subprocess
import sys

import pytest

from wonderland.corpus.phones import country_of, e164, is_short_code


class TestE164:
    @pytest.mark.parametrize(
        ("written", "country", "number"),
        [
            ("+15550100200", None, "+15550100200"),
            ("+1 (555) 010-0200", None, "+15550100200"),
            ("tel:+1-555-010-0200", None, "+15550100200"),
            ("TEL:07700 900123", "gb", "+447700900123"),
            ("(555) 010-0200", "us", "+15550100200"),
            ("15550100200", "US", "+15550100200"),
            ("5550100200", "in", "+915550100200"),
            ("07700 900123", "gb", "+447700900123"),
            ("+44 (0) 7700 900123", None, "+447700900123"),
            ("+4407700900123", None, "+447700900123"),
            ("0151 12345678", "de", "+4915112345678"),
            ("0049 151 12345678", "fr", "+4915112345678"),
            ("011 44 7700 900123", "us", "+447700900123"),
            ("06 12 34 56 78", "fr", "+33612345678"),
            ("02 1234567", "it", "+39021234567"),  # Italy keeps its zero abroad
            ("8 912 345-67-89", "ru", "+79123456789"),
            ("٠٧٧٠٠ ٩٠٠١٢٣", "gb", "+447700900123"),
            ("\u202a+1 555\u2011010\u20110200\u202c", None, "+15550100200"),
            ("+10612345678", None, "+10612345678"),
        ],
    )
    def test_every_way_of_writing_has_one_form(self, written, country, number):
        assert e164(written, country) == number

    @pytest.mark.parametrize(
        ("written", "country"),
        [
            ("07700 900123", None),  # of which country?
            ("07700 900123", "xx"),
            ("07700 900123", ""),
            ("555-0100", "us"),  # for local use
            ("+15550100", None),
            ("+155501002001", None),
            ("262966", "us"),
            ("+1 555 010 0200 ext 5", None),
            ("+1 555 010 0200;5", None),
            ("1-800-FLOWERS", "us"),
            ("call 07700 900123", "gb"),
            ("07700 900123 07700 900124", "gb"),
            ("ann@example.test", "us"),
            ("1" * 300, "us"),
            ("+", None),
            ("", "us"),
            (" ", None),
        ],
    )
    def test_what_is_no_number_is_none(self, written, country):
        assert e164(written, country) is None

    def test_american_numbers_do_not_need_the_library(self):
        program = (
            "import sys; from wonderland.corpus.phones import e164, is_short_code;"
            "assert e164('+15550100200', 'us') == '+15550100200' and is_short_code('262966');"
            "assert 'phonenumbers' not in sys.modules;"
            "assert e164('+447700900123') == '+447700900123'; assert 'phonenumbers' in sys.modules"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("number", "country"),
    [("+15550100200", "us"), ("+447700900123", "gb"), ("+4915112345678", "de"), ("+80012345678", None), ("x", None)],
)
def test_the_country_of_a_number(number, country):
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("sender", "country", "short"),
    [
        ("262966", "us", True),
        ("262-966", "us", True),
        ("262966", None, True),
        ("+12345", "us", True),
        ("32665", "de", True),
        ("84123", "za", True),  # a plan with a few odd mobile numbers of five digits
        ("12", "us", True),
        ("211234", "fo", False),  # an ordinary mobile number of the Faroe Islands
        ("211234", "FO", False),
        ("211234", "dk", True),
        ("312345", "ad", False),
        ("112", "ad", True),
        ("5550100", "us", False),
        ("MyBank", "us", False),
        ("", "us", False),
        ("+", "us", False),
        ("123", "xx", True),
    ],
)
def test_short_codes_are_those_of_their_country(sender, country, short):
    assert is_short_code(sender, country) is short
