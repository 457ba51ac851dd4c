"""Whatever stands around a secret, it goes; what is no secret stays. Secrets and surroundings are drawn."""

import gzip
import itertools
import json
from importlib import resources

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import iban, luhn

from wonderland.corpus.scrubbing import KINDS, find_secrets, scrubbed

GAPS = st.sampled_from(["", " ", "-", " - ", "  ", "--", "\u00a0", "\u2013", " -"])
DIGITS = "0123456789"
WORDS = st.sampled_from(
    [
        *["ok", "so", "I", "we can meet at 9 or 10:30,", "it's $20.", "(yes!)", "No?", "2019 was 3.5 times better..."],
        *["see you", "\U0001f600", "call me maybe", "\u2013", "\u00fcber", "na\u00efve", "#1", "@home", "/later/"],
        *["a&b", "50%", "12/25", "room 101", "the-best-of", "p.s.", "24", "*", "-", ",", ";", '"', "\n", ""],
    ]
)
AROUND = st.lists(WORDS, max_size=6).map(" ".join)


def digits(count):
    return st.text(DIGITS, min_size=count, max_size=count)


@st.composite
def cards(draw):
    body = draw(st.sampled_from(["4", "51", "34", "6011"]))
    length = 15 if body == "34" else 16
    body += draw(digits(length - 1 - len(body)))
    number, gap = body + luhn.calc_check_digit(body), draw(GAPS)
    return gap.join(number[i : i + 4] for i in range(0, length, 4))


@st.composite
def ibans(draw):
    country, length = draw(st.sampled_from([("DE", 18), ("AT", 16), ("CH", 17)]))
    body = draw(digits(length))
    whole, gap = f"{country}{iban.calc_check_digits(f'{country}00{body}')}{body}", draw(GAPS)
    assume(iban.is_valid(whole))
    return gap.join(whole[i : i + 4] for i in range(0, len(whole), 4))


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
EMAILS = st.builds(
    "{}{}@{}.{}".format,
    NAMES,
    st.sampled_from(["", ".lee", "+x", "-1", "_2"]),
    NAMES,
    st.sampled_from(["com", "co.uk", "de"]),
)
LINKS = st.one_of(
    st.builds("https://x.test/{}?token={}".format, NAMES, st.text(DIGITS + "abcXYZ", min_size=6, max_size=20)),
    st.builds("https://{}:{}pw@x.test/a".format, NAMES, NAMES),
    st.builds("https://x.test/join/{}abcde".format, NAMES),
)
PHONES = st.builds("+44 20 7946 0{}".format, digits(3))
CODES = st.builds("{} {}".format, st.sampled_from(["the code is", "my pin:", "otp", "the password is"]), digits(6))
ADDRESSES = st.builds(
    "{} {} {}".format,
    st.integers(1, 9999),
    st.sampled_from(["Maple", "Old Oak", "King"]),
    st.sampled_from(["Street", "Ave", "Lane"]),
)
PLANTED = {
    "card": cards(),
    "iban": ibans(),
    "email": EMAILS,
    "link": LINKS,
    "phone": PHONES,
    "code": CODES,
    "address": ADDRESSES,
}


def secret_of(kind, planted):
    """Return the part that must not be left: of a code its digits."""
    return planted.rsplit(" ", 1)[1] if kind == "code" else planted


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(st.data())
def test_a_planted_secret_goes_whatever_stands_around_it(kind, data):
    planted, before, after = (data.draw(one) for one in (PLANTED[kind], AROUND, AROUND))
    text = f"{before} {planted} {after}".strip()
    told, kinds = scrubbed(text)
    assert secret_of(kind, planted) not in told
    assert kinds
    assert scrubbed(told)[0] == told  # what is left holds none, and no placeholder is taken for one
    if len(planted) > 8 and kind in ("card", "iban"):  # and no half of it is left
        half = "".join(c for c in planted if c.isdigit())[-9:]
        assert half not in "".join(c for c in told if c.isdigit())


@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=4), st.data())
def test_several_secrets_in_one_message_all_go(kinds, data):
    planted = [(kind, data.draw(PLANTED[kind])) for kind in kinds]
    text = "; and ".join(one for _, one in planted)
    told, _ = scrubbed(text)
    for kind, one in planted:
        assert secret_of(kind, one) not in told


@given(AROUND)
def test_what_only_stands_around_stays_as_it_is(text):
    assert scrubbed(text) == (text, [])


@given(st.text(max_size=200))
def test_any_text_is_read_and_its_secrets_are_where_they_are_said_to_be(text):
    found = find_secrets(text)
    for one in found:
        assert text[one.start : one.stop] == one.text
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert all(a.stop <= b.start for a, b in itertools.pairwise(found))


def test_no_message_of_the_demo_is_changed():
    packed = resources.files("wonderland.demo").joinpath("messages.jsonl.gz").read_bytes()
    texts = [json.loads(line)["text"] for line in gzip.decompress(packed).decode().splitlines()]
    assert len(texts) == 44_758
    assert [text for text in texts if scrubbed(text, "US") != (text, [])] == []
