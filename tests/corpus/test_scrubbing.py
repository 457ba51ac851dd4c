"""Secrets are found by their shape and confirmed by their rule; what only looks like one is left alone."""

import gzip
import json
from importlib import resources

import pytest

from wonderland.corpus.scrubbing import Secret, count_secrets, find_secrets, scrubbed

FOUND = {
    "write me at ann.lee+x@example.co.uk ok": ("email", "ann.lee+x@example.co.uk"),
    "see https://example.test/a?pwd=1.": ("link", "https://example.test/a?pwd=1"),
    "open www.example.test/d/1BxiMVs0XRA5nFMdKvBdBZj": (
        "link",
        "www.example.test/d/1BxiMVs0XRA5nFMdKvBdBZj",
    ),
    "card 4111 1111 1111 1111 exp 10/29": ("card", "4111 1111 1111 1111"),
    "send to DE89 3704 0044 0532 0130 00 please": ("iban", "DE89 3704 0044 0532 0130 00"),
    "the gate code is 4821": ("code", "4821"),
    "the code for the garage is 90210": ("code", "90210"),
    "my pin: 7713": ("code", "7713"),
    "553012 is your login code": ("code", "553012"),
    "we live at 12 Maple Street now": ("address", "12 Maple Street"),
    "call +44 20 7946 0958 later": ("phone", "+44 20 7946 0958"),
    "call +44 20 7946 0958 2019 was good": ("phone", "+44 20 7946 0958"),
    "call +44 20 7946 0958 10 - 20": ("phone", "+44 20 7946 0958"),
    "exp 12/25 4111 1111 1111 1111": ("card", "4111 1111 1111 1111"),
    "cvv 123 4111 1111 1111 1111": ("card", "4111 1111 1111 1111"),
    "pay 20 4111 1111 1111 1111 by 10": ("card", "4111 1111 1111 1111"),
    "card 4111-1111-1111-1111- ok": ("card", "4111-1111-1111-1111"),
    "card -4111.1111.1111.1111.": ("card", "4111.1111.1111.1111"),
    "amex 3782 822463 10005 1234": ("card", "3782 822463 10005"),
    "mastercard 2223003122003222": ("card", "2223003122003222"),
    "write -max@gmx.de": ("email", "max@gmx.de"),
    "write _max_@gmail.com": ("email", "_max_@gmail.com"),
    "is: ...max@gmx.de": ("email", "max@gmx.de"),
    "write j\u00fcrgen@gmx.de": ("email", "j\u00fcrgen@gmx.de"),
    "andr\u00e9@gmail.com": ("email", "andr\u00e9@gmail.com"),
    "andre\u0301@gmail.com": ("email", "andre\u0301@gmail.com"),
    "max@m\u00fcller.de, ok": ("email", "max@m\u00fcller.de"),
    "pin number is 4821": ("code", "4821"),
    "the code's 4821": ("code", "4821"),
    "the code\u2019s 4821": ("code", "4821"),
    "code 482 193 ok": ("code", "482 193"),
    "4821 gate code": ("code", "4821"),
    "my pin is 1987": ("code", "1987"),
    "1987 is my gate code": ("code", "1987"),
    "the code for the garage is 2024": ("code", "2024"),
    "to de89 3704 0044 0532 0130 00 please": ("iban", "de89 3704 0044 0532 0130 00"),
    "to DE89-3704-0044-0532-0130-00 please": ("iban", "DE89-3704-0044-0532-0130-00"),
    "no12 DE89 3704 0044 0532 0130 00": ("iban", "DE89 3704 0044 0532 0130 00"),
    "we live at 12 May Drive in Provo": ("address", "12 May Drive"),
    "card 4111 - 1111 - 1111 - 1111 ok": ("card", "4111 - 1111 - 1111 - 1111"),
    "card 4111  1111  1111  1111 ok": ("card", "4111  1111  1111  1111"),
    "card 4111--1111--1111--1111 ok": ("card", "4111--1111--1111--1111"),
    "card 4111 -1111- 1111 1111 - 10": ("card", "4111 -1111- 1111 1111"),
    "20 - 4111 - 1111 - 1111 - 1111 - 10": ("card", "4111 - 1111 - 1111 - 1111"),
    "card 4111\u00a01111\u00a01111\u00a01111": ("card", "4111\u00a01111\u00a01111\u00a01111"),
    "card 4111\u20131111\u20131111\u20131111": ("card", "4111\u20131111\u20131111\u20131111"),
    "to DE89 - 3704 - 0044 - 0532 - 0130 - 00 please": ("iban", "DE89 - 3704 - 0044 - 0532 - 0130 - 00"),
    "to DE89  3704  0044  0532  0130  00 please": ("iban", "DE89  3704  0044  0532  0130  00"),
    "to DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000": (
        "iban",
        "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
    ),
    "to DE 89 3704 0044 0532 0130 00": ("iban", "DE 89 3704 0044 0532 0130 00"),
    "https://x.test/abc-def-ghi-2024-aKf93kdL2mnZ": ("link", "https://x.test/abc-def-ghi-2024-aKf93kdL2mnZ"),
    "https://x.test/0123-4567-8901-2345-abcd": ("link", "https://x.test/0123-4567-8901-2345-abcd"),
    "https://x.test/3f2a9c1e-5b6d-4e7f-8a9b-0c1d2e3f4a5b": (
        "link",
        "https://x.test/3f2a9c1e-5b6d-4e7f-8a9b-0c1d2e3f4a5b",
    ),
    "https://x.test/summerholidayphotos2024": ("link", "https://x.test/summerholidayphotos2024"),
}
FOUND |= {  # digits of other scripts, what nobody sees between them, and other lines between groups
    "card \uff14\uff11\uff11\uff11 1111 1111 1111": ("card", "\uff14\uff11\uff11\uff11 1111 1111 1111"),
    "card \u0664" + 15 * "\u0661": ("card", "\u0664" + 15 * "\u0661"),
    "card \u200b4111\u200b1111\u20601111\ufeff1111\u200b ok": ("card", "4111\u200b1111\u20601111\ufeff1111"),
    "card 4111/1111/1111/1111": ("card", "4111/1111/1111/1111"),
    "exp 12/25/4111_1111_1111_1111": ("card", "4111_1111_1111_1111"),
    "12/4111 1111 1111 1111": ("card", "4111 1111 1111 1111"),
    "IBANDE89370400440532013000": ("iban", "DE89370400440532013000"),
    "ibanDE89 3704 0044 0532 0130 00 ok": ("iban", "DE89 3704 0044 0532 0130 00"),
    "to DE89/3704/0044/0532/0130/00ok": ("iban", "DE89/3704/0044/0532/0130/00"),
    "\uff24\uff25\uff18\uff19370400440532013000": ("iban", "\uff24\uff25\uff18\uff19370400440532013000"),
    "mail user\uff20example.com ok": ("email", "user\uff20example.com"),
    "mail user@[192.168.1.1] ok": ("email", "user@[192.168.1.1]"),
    "mail user@example.com5 ok": ("email", "user@example.com5"),
    "mail a@xn--mller-kva.xn--p1ai!": ("email", "a@xn--mller-kva.xn--p1ai"),
    "mail a@b.c.dd.ee.ff.gg.com ok": ("email", "a@b.c.dd.ee.ff.gg.com"),
    "call +52 1 55 1234 5678 ok": ("phone", "+52 1 55 1234 5678"),
    "call +52 (1) 55 1234 5678": ("phone", "+52 (1) 55 1234 5678"),
    "card 4111\ufe0f\u20e31111\u200d11111111": ("card", "4111\ufe0f\u20e31111\u200d11111111"),
    "call +5215512345678": ("phone", "+5215512345678"),
    "call 0049 30 901820 ok": ("phone", "0049 30 901820"),
    "call 011 49 30 901820": ("phone", "011 49 30 901820"),
    "call +1/212/736/5000 ok": ("phone", "+1/212/736/5000"),
}
LINKS = [
    *["t.me/+AbCdEf", "https://t.me/joinchat/AbCdEf", "discord.gg/abcDEF", "meet.google.com/abc-defg-hij"],
    *["https://x.test/#access_token=abc", "https://x.test/?sid=abc;pwd=foo", "ssh://root:pw@h"],
    *["us02web.zoom.us/j/85012345678", "xhttps://x.test/a?pwd=1", "x.test/a?X-Amz-Signature=abc"],
    *["chat.whatsapp.com/AbCdEf", "postgres://me:pw@db.test/x"],
    "https://x.test/unsub?email=a@b.test&token=SECRETtoken123456789",
    "https://admin:Sup3r!pw@host.test/x",
    "https://max@gmx.de:Sup3r!pw@host.test/x",
    "https://x.test/j/123?pwd=abc&uname=max@gmx.de",
    "https://x.test/j/?pwd=abc&tel=+442079460958",
]
NOTHING = [
    "in 1999 we had 2500 people, 3.14 and 10:30",
    "my zip code is 84604 and the area code is 8015",
    "card 4111 1111 1111 1112",
    "0000 0000 0000 0000",
    "1234 5678 9012 3456 7890",
    "DE89 3704 0044 0532 0130 01",
    "I got 1200 on the test, password was easy",
    "five at three @home with 2 dogs",
    "call 555 0100",
    "see https://example.test/films/2024/the-long-road-home.html",
    "run 10 miles down the street",
    "see https://example.test/blog/my-favourite-films-of-2024",
    "https://news.test/2024/05/12/the-best-things-to-do-in-2024/",
    "https://x.test/Covid-19-and-the-2nd-wave and https://x.test/top-10-films-f\u00fcr-\u00fcber-12",
    "https://x.test/2024-05-12-the-best-day",
    "it was 4111 - 1111 - 1111 - 1112",
    "from 10 - 20 to 30 - 40, then 50 - 60 and 70 - 80",
    "2020 is the year I learned to code",
    "tax code of 1986",
    "the combination of 2023 and 2024",
    "combo is 1200 pesos",
    "Arriving on 24 December Drive safe",
    "I waited 20 Minutes Way too long",
    "it is 4.111111111111111 or 0.4111111111111111",
    "code 801 422 4636",
    "call +52 1 00 0234 5678 or 0049 1 or 00 10 20 30",
    "from 10/12/2019 to 4111/1111/1111/1112",
    "t.me/films and discord.com/films, meet.google.com/about",
    "and/or him.or/her, ssh://host.test/films",
    "ibanDE89370400440532013001 and DE8937040044053201300099",
    "\uff14\uff11\uff11\uff11 1111 1111 1112",
]


@pytest.mark.parametrize(("text", "secret"), FOUND.items())
def test_a_secret_is_found_with_its_kind_and_its_place(text, secret):
    (one,) = find_secrets(text)
    assert (one.kind, one.text) == secret
    assert text[one.start : one.stop] == one.text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail o'brien@mail.test ok", "mail [email] ok"),
        ("mail o’brien@mail.test ok", "mail [email] ok"),
        ("mail anne.o'brien@mail.test ok", "mail [email] ok"),
        ("he said'bob@mail.test", "he said'[email]"),
        ("call me 'bob@mail.test' now", "call me '[email]' now"),
        ("https://ann:pa/ss@host.test/x ok", "[link] ok"),
        ("zoom.us/my/ann.lee or https://us02web.zoom.us/my/team", "[link] or [link]"),
        ("4111 1111\n1111 1111 it is", "[card] it is"),
        ("4111-1111-1111-\n1111", "[card]"),
        ("(+1)/212/555-0100 or +1/212/555/0100", "[phone] or [phone]"),
    ],
)
def test_a_secret_is_found_to_its_first_and_last_character(text, left):
    assert scrubbed(text)[0] == left


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_lets_somebody_in_wins_over_what_it_holds(link):
    assert scrubbed(f"see {link} ok") == ("see [link] ok", ["link"])


@pytest.mark.parametrize("digit", ["4\u200b", "\u200b\u200b4"])
def test_what_nobody_sees_moves_no_other_secret(digit):
    text = f"a\u200b b {digit}111 1111 1111 1111 \u200bthen x@y.test"
    assert scrubbed(text)[0].replace("\u200b", "") == "a b [card] then [email]"


@pytest.mark.parametrize(
    "text",
    [
        "https://host.test:443/@ann",
        "https://host.test/a:b/@ann",
        "4111\n1111\n1111\n1111",  # a list
        "4111\n111111111111",  # two numbers
        "zoom.us/pricing",
    ],
)
def test_what_has_only_the_parts_of_a_secret_is_left_alone(text):
    assert find_secrets(text) == []


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_a_secret_is_left_alone(text):
    assert find_secrets(text) == []


def test_a_national_number_counts_only_in_its_country():
    assert find_secrets("call (801) 422-4636 later") == []
    assert [one.kind for one in find_secrets("call (801) 422-4636 later", "US")] == ["phone"]
    assert find_secrets("call (801) 422-4636 later", "DE") == []
    assert [one.text for one in find_secrets("(801) 422-4636 2019 or 10", "US")] == ["(801) 422-4636"]


def test_secrets_do_not_overlap_and_stand_in_their_order():
    text = "https://a.test/?key=4111111111111111 then x@y.test and 12 Oak Lane"
    assert [one.kind for one in find_secrets(text)] == ["link", "email", "address"]


def test_scrubbing_puts_the_kind_in_place_of_the_secret():
    assert scrubbed("code 4821, mail a@b.test") == ("code [code], mail [email]", ["code", "email"])
    assert scrubbed("nothing here") == ("nothing here", [])
    again, kinds = scrubbed(scrubbed("pin 4821")[0])
    assert (again, kinds) == ("pin [code]", [])


def test_a_secret_never_prints_itself():
    assert "4821" not in repr(find_secrets("the code is 4821"))
    assert "4821" not in str(Secret("code", 0, 4, "4821"))


def test_the_demo_has_no_secret_after_confirmation():
    packed = resources.files("wonderland.demo").joinpath("messages.jsonl.gz").read_bytes()
    texts = [json.loads(line)["text"] for line in gzip.decompress(packed).decode().splitlines()]
    assert count_secrets(texts, "US") == {}


@pytest.mark.parametrize("part", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_a_long_text_without_end_is_read_in_one_go(part):
    assert find_secrets("1" * (50_000 // part)) == []
    assert find_secrets("a1@" * (20_000 // part)) == []
    assert find_secrets("A 1 " * (20_000 // part)) == []
    assert find_secrets("http://" + "a" * (50_000 // part)) == []
    assert find_secrets("http://" + "a:" * (50_000 // part)) == []
    assert find_secrets("http://" + "a-" * (50_000 // part)) == []
    assert find_secrets("DE89 - 1 - " * (5_000 // part)) == []
    assert find_secrets("+44 " * (20_000 // part), "US") == []
    assert find_secrets("http://a/" + "a1-" * (20_000 // part)) == []
    assert find_secrets("\u200b\u0661" * (20_000 // part)) == []
    assert find_secrets("a.b/" + "a-" * (20_000 // part)) == []
    assert find_secrets("a." * (20_000 // part) + "@") == []
    assert find_secrets("a?" + "&a-" * (20_000 // part)) == []
    assert find_secrets("https://x/" + "://a:" * (20_000 // part)) == []
    assert find_secrets("o'" * (20_000 // part) + "a.o'" * 10_000) == []
    assert find_secrets("1 code" + " " * (50_000 // part)) == []


@pytest.mark.parametrize("length", [4_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_so_is_one_of_numbers_that_could_be_secrets(length):
    assert find_secrets("4111 1111 1111 1112 " * (length // 20)) == []
    assert find_secrets("4111 - 1111 - 1111 - 1112 - " * (length // 20)) == []
    assert find_secrets("1-" * (length // 5) + "1 " * (length // 5)) == []
    assert find_secrets("44 " * (length // 5), "US") == []
    assert find_secrets("DE89 - 3704 - 0044 - " * (length // 20)) == []
    assert find_secrets("+52 1 " * (length // 10) + "0011 " * (length // 10)) == []
