"""Machines go, friends stay. Each filter with what it must drop and, as important, what it must not."""

from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wonderland as wl
from wonderland.corpus.filters import BUILTIN

FILTERS = {filter_.name: filter_ for filter_ in BUILTIN}


def test_the_six_filters_all_explain_themselves_and_two_are_off_by_default():
    assert {name: filter_.default for name, filter_ in FILTERS.items()} == {
        "automated": True,
        "short-codes": True,
        "urls": True,
        "emoji": True,
        "profanity": False,
        "scrub": False,
    }
    assert all(filter_.help.endswith(".") for filter_ in BUILTIN)


MACHINES = {
    "one-time code": [
        "Your verification code is 123456",
        "G-123456 is your Google verification code.",
        "Your WhatsApp code: 123-456\nDon't share this code with others",
        "Your Acme login code is: 4821",
        "123456 is your Amazon OTP. Do not share it with anyone.",
        "Use verification code 482913 for Acme authentication.",
        "Your one-time password is 48291357. It expires in 10 minutes.",
        "Acme: Your security code is 482913. It expires soon",
        "482913 is your confirmation code",
        "Your Uber code is 4821. Never share this code.",
    ],
    "opt-out notice": [
        "20% off everything this weekend! Reply STOP to unsubscribe",
        "ACME ALERTS: Msg&data rates may apply. Text HELP for help, STOP to cancel.",
        "Vote on Tuesday! Txt STOP 2 end",
        "Thanks for signing up. Text stop to 12345 to opt out",
        "Sale today. Reply with UNSUBSCRIBE to opt out.",
    ],
    "delivery notice": [
        "Your Amazon package has been delivered. Track it here: https://amzn.example/x",
        "Your order has shipped!\nTracking number: 1Z9999999999",
        "Your FedEx shipment is out for delivery. Track at fedex.example",
        "Your package was delivered https://ups.example/1",
    ],
    "bank alert": [
        "Chase: a charge of $45.20 was made on your card ending in 4412",
        "Your card ending in 4412 was declined at GROCERY",
        "Acct XX1234 debited for 500.00 on 12-03",
        "Alert: $12 was charged to your account ending 4412",
        "A deposit of $1,200.00 has been received.",
    ],
    "appointment reminder": [
        "Reminder: you have an appointment with Dr. Hill on 4/12 at 9:00. Reply C to confirm or R to reschedule",
        "Please confirm your appointment on Monday. Text YES to confirm.",
    ],
}


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in MACHINES.items() for text in texts])
def test_what_a_machine_sent_goes_for_its_reason(say, reason, text):
    assert FILTERS["automated"](say(text)) == reason


@pytest.mark.parametrize(
    "text",
    [
        "what's the code for your gate?",
        "gate code is 4821#",
        "your gate code is 4821 right?",
        "the access code to my building is 4821",
        "alarm security code is 4821, don't forget to lock up",
        "wifi login password is 12345678",
        "one time i forgot my password and typed 12345",
        "did you get a verification code? my flight is at 1430",
        "can you send me the verification code they texted you",
        "90210 is your zip code right",
        "your zip code is 90210?",
        "2019 is your graduation year lol",
        "i have a coding interview at 1500 with access to the pin board",
        "text me if you need help to move",
        "send help for the love of god",
        "reply when you can, i have to stop to get gas",
        "text me when you stop for lunch",
        "tell him to STOP texting me for once",
        "your package arrived, i put it inside",
        "the order was delivered to my neighbor and he ate it",
        "the delivery has arrived, i tracked it all day lol",
        "they wanted a deposit of $500 for the apartment",
        "i got a payment of $20 from mom",
        "use the card ending in 4412",
        "put $40 on the card ending in 4412 please",
        "reminder: dentist appointment tomorrow, call me 1 hour before",
        "can you confirm the appointment? text me, i have 1 hour",
        "your account of what happened is hilarious",
        "my account got charged twice ugh",
    ],
)
def test_what_friends_write_stays(say, text):
    assert FILTERS["automated"](say(text)) is None


@pytest.mark.parametrize(
    ("tag", "reason"), [("one-time-code", "one-time code"), ("business", "business sender"), ("bot", "bot")]
)
def test_what_the_source_knows_to_be_a_machine_goes_whatever_it_says(say, tag, reason):
    assert FILTERS["automated"](say("hi", tags=("group", tag))) == reason


def test_what_i_wrote_is_never_automated(say):
    assert FILTERS["automated"](say("Your verification code is 123456", me=True, tags=("bot",))) is None


@pytest.mark.parametrize("me", [False, True])
def test_a_tapback_that_came_as_a_text_goes_whoever_tapped(say, me):
    assert FILTERS["automated"](say("Loved “see you”", me=me, tags=("sms", "sms-tapback"))) == "SMS tapback"
    assert FILTERS["automated"](say("Loved “see you”", me=me, tags=("sms",))) is None


def test_short_codes_go_by_their_tag_and_only_if_they_are_not_me(say):
    assert FILTERS["short-codes"](say("hi", tags=("short-code",))) == "short-code sender"
    assert FILTERS["short-codes"](say("hi", me=True, tags=("short-code",))) is None
    assert FILTERS["short-codes"](say("12345")) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a?b=c#d",
        "HTTP://EXAMPLE.COM",
        " https://a.example/1\nhttps://b.example/2 ",
        "www.example.com",
        "youtu.be/dQw4w9WgXcQ",
        "google.com",
        "maps.google.com/?q=here",
        "bit.ly/abc",
    ],
)
def test_messages_that_are_nothing_but_links_go(say, text):
    assert FILTERS["urls"](say(text)) == "only links"


@pytest.mark.parametrize(
    "text",
    [
        "look https://example.com",
        "https://example.com lol",
        "haha...me",
        "ok.me",
        "um...be",
        "so.co",
        "ok.",
        "...",
        "3.14",
        "e.g.",
        "ada@example.com",
        "the .com bubble",
        "http",
        "no links here",
    ],
)
def test_words_with_or_without_a_link_stay(say, text):
    assert FILTERS["urls"](say(text)) is None


@pytest.mark.parametrize("text", ["😂", "😂😂 😂\n", "❤️", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "♀️", "™"])
def test_messages_that_are_nothing_but_emoji_go(say, text):
    assert FILTERS["emoji"](say(text)) == "only emoji"


@pytest.mark.parametrize(
    "text", ["😂 no", "no 😂", "1", "#", "*", ":)", "é", "שלום", "你好", "???", " ", "\u00a0", "", "½"]
)
def test_words_figures_and_faces_of_punctuation_stay(say, text):
    assert FILTERS["emoji"](say(text)) is None


@pytest.mark.parametrize("text", ["what the fuck", "FUUUCK", "oh shit", "bullshit!", "you asshole", "piss off"])
def test_strong_profanity_goes_when_asked(say, text):
    assert FILTERS["profanity"](say(text)) == "profanity"


@pytest.mark.parametrize(
    "text",
    [
        "classic assessment",
        "Scunthorpe",
        "cocktails with Hancock",
        "shiitake",
        "peacock",
        "Dickens",
        "damn",
        "crap",
        "hell",
    ],
)
def test_words_that_only_look_like_profanity_stay(say, text):
    assert FILTERS["profanity"](say(text)) is None


@pytest.mark.parametrize(
    "piece",
    [
        "a.", "a-", "ab.cd-", "www.", "http://", ".", "the ", "your code ", "verification code ", "1234 ", "123-456",
        "your package has shipped tracking ", "reply STOP ", "account ending ", "reminder appointment reply ", "♀", "©",
        "🏳️\u200d🌈", " ", "f", "fu", "sh", "\x00", "</script>", "\u202e", "x*1234",
    ],
)  # fmt: skip
def test_no_message_however_long_keeps_a_filter_busy(say, piece):
    # 100 kB of what a pattern almost matches. A pattern that goes back and forth would be here for minutes.
    text = piece * (100_000 // len(piece)) + "é"
    answers = [filter_(say(text)) for filter_ in BUILTIN]
    assert len(answers) == len(BUILTIN)


def test_hostile_text_between_friends_stays(say, hostile):
    assert [filter_.name for filter_ in BUILTIN if filter_(say(hostile)) is not None] == []


@given(st.text(string.ascii_lowercase + " ,?!", max_size=80))
def test_plain_words_are_never_links_emoji_or_machines(text):
    from wonderland.corpus.messages import Message

    message = Message("1", "a", "Bob", False, None, text)
    assert [name for name in ("automated", "short-codes", "urls", "emoji") if FILTERS[name](message)] == []


# What the filters look for, in parts that texts are made of; the long s, the Kelvin sign and the i's of Turkish are
# letters that an expression without case takes for others.
PARTS = [
    *(
        "your ",
        "code",
        " is ",
        "verification ",
        "482913",
        "4821",
        "123-456",
        "１２３４",
        "٤٨٢١",
        "G-",
        ": ",
        "reply ",
        "TEXT ",
    ),
    *(
        "ſend ",
        "stop",
        "STOP",
        "unsubscrİbe",
        "qUıT",
        " to ",
        "2 ",
        "opt",
        "“",
        "package ",
        "shİpment ",
        "order #",
        "delıvery ",
    ),
    *(
        "has shipped ",
        "will arrive ",
        "track",
        "tracKing ",
        "https://a.example/x",
        "www.x",
        "a.com",
        "b.ıo/x",
        "c.App/x",
    ),
    *(
        "card ending in ",
        "declined ",
        "acct xx",
        "a charge of ",
        "$5",
        "€ 5 ",
        "was made",
        "appoıntment ",
        "confirm ",
        "y.",
    ),
    *(
        "fuuck",
        "ſhit",
        "sHİt",
        "bıtch",
        "aSs",
        "hole",
        "dicK",
        "pıss",
        "ed off",
        "ſlut",
        "😂",
        "❤️",
        "👍🏽",
        "7️⃣",
        "©",
        "é",
        "好",
    ),
    *(" ", "\n", "\u00a0", "\u2028", "#", "*", "7", "!", "-", "_", "."),
]


@given(
    st.lists(st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=6).map("".join), min_size=1, max_size=20),
    st.sampled_from(["", "bot", "short-code", "group business", "one-time-code", "sms-tapback", "group"]),
    st.booleans(),
)
def test_a_screen_leaves_out_nothing_that_its_filter_drops(texts, tags, me):
    messages = [
        wl.Message(str(at), "a", "me" if me else "b", me, None, text, tags=tuple(tags.split()))
        for at, text in enumerate(texts)
    ]
    corpus = wl.Corpus.of(messages)
    for filter_ in BUILTIN:
        screened = filter_.screen(corpus.table)
        dropped = [at for at, message in enumerate(corpus) if filter_(message)]
        assert screened[dropped].all(), (filter_.name, [texts[at] for at in dropped if not screened[at]])


EXAMPLES = [*(text for texts in MACHINES.values() for text in texts), "hi 😂", "😂", "google.com", "oh shit", *PARTS]


def test_a_corpus_is_filtered_as_if_every_message_had_been_judged():
    corpus = wl.Corpus.of([wl.Message(str(at), "a", "b", False, None, text) for at, text in enumerate(EXAMPLES)])
    blind = [replace(filter_, screen=None) for filter_ in BUILTIN]
    quick, slow = corpus.filter(*BUILTIN), corpus.filter(*blind)
    assert quick.ledger == slow.ledger
    assert quick.table.equals(slow.table)
    assert 0 < len(quick) < len(corpus)


def test_a_screen_spares_most_of_what_friends_write():
    corpus = wl.Corpus.of(
        [
            wl.Message(str(at), "a", "b", False, None, f"see you at the door, {name}")
            for at, name in enumerate(["Ada", "Bo", "Cy"])
        ]
    )
    assert not any(filter_.screen(corpus.table).any() for filter_ in BUILTIN)


def test_of_a_message_that_a_screen_leaves_out_nobody_asks_the_filter():
    corpus = wl.Corpus.of([wl.Message(str(at), "a", "b", False, None, text) for at, text in enumerate("xyxy")])
    only_y = wl.Filter("y", lambda message: "any", screen=lambda table: np.array([False, True, False, True]))
    assert corpus.filter(only_y).texts == ["x", "x"]
