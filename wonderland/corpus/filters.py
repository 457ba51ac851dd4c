"""Filters of noise: the five categories that field notes on personal corpora agree on.

A filter looks at one message and says why it should go, or None. The reason repeats from message to message; the
ledger counts by it. A filter may also say what a message that stays should say instead, which the ledger counts too.
Filters look at the text and the tags a source gave, never at who a person is. Which messages are worth a look at all
is said for a whole table at once (`wonderland.corpus.screens`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from wonderland.corpus import screens
from wonderland.corpus.columns import iterate, without_lone_surrogates
from wonderland.corpus.messages import Message

__all__ = ["BUILTIN", "Filter", "judged", "rewritten", "scrub", "secrets_in"]


@dataclass(frozen=True)
class Filter:
    """A named question to a message: why should it go?

    Args:
        name: How people choose it.
        judge: Returns a short reason to drop a message, or None to keep it.
        default: Whether it applies when no filters are named.
        help: What it drops, in one line.
        version: Raise it when the filter drops other messages than before, so that stored corpora are filtered again.
        screen: Says of a whole table, with the columns of `Corpus.table`, which messages may have to go, as an array
            of bool, [message]. Only they are judged, which is some ten times as fast. A message that ``judge`` would
            drop and the screen leaves out is kept, so in doubt it says yes. Without one every message is judged.
        rewrite: Returns what a message that is kept should say instead, and a short name for each thing that was
            replaced, which the ledger counts; None to leave it as it is. It sees what earlier filters wrote, and of a
            filter with a ``screen`` only the messages that this lets through.
    """

    name: str
    judge: Callable[[Message], str | None]
    default: bool = True
    help: str = ""
    version: int = 1
    screen: Callable[[pa.Table], np.ndarray] | None = None
    rewrite: Callable[[Message], tuple[str, Sequence[str]] | None] | None = None

    def __call__(self, message: Message) -> str | None:
        """Return why the message should be dropped, or None."""
        return self.judge(message)


_PART = 1 << 16  # messages that are taken out of a table at a time
_TAG_REASONS = {"one-time-code": "one-time code", "business": "business sender", "bot": "bot"}
_TAPBACK = "sms-tapback"

_CODE = r"(?:code|pin|passcode|password|otp)"
_DIGITS = r"\b(?:[A-Z]{1,2}-)?(?:\d{4,8}|\d{3}[- ]\d{3})\b"
_NOT_A_PLACE = (
    r"(?<!\b(?:zip|area|postal|post|country|door|gate|garage|building|house|alarm|lock|lockbox|locker|wifi|wi-fi|key|bike|"
    r"entry|promo|discount|dress)[ ])"
)
_ENDING = r"(?:account|card|acct|a/c)\b.{0,20}\bending(?: in| with)?\s*\*{0,4}\d{3,4}"
_BOOKED = (
    r"(?:debited|credited|declined|charged|withdrawn|overdrawn|posted|available balance|purchase of|transaction of)"
)
# Each pattern needs two signs of a machine (a code and the phrase it comes in, a carrier and a tracking link), because
# one alone also occurs between friends ("the gate code is 4821", "they want a deposit of $500"). Gaps are short, so
# that a text of any length is read in one go.
_AUTOMATED = {
    "one-time code": (
        # "Your Acme verification code is: 123456", "Use verification code 1234 to sign in"
        rf"\b(?:verification|authentication|two-factor|2fa|one[- ]time)\s+(?:\w+\s+)?{_CODE}\b[^?!]{{0,40}}{_DIGITS}",
        # "Your login code: 1234", "your Uber code is 1234", but not "your gate code is 4821"
        rf"\byour\b[^.?!]{{0,40}}{_NOT_A_PLACE}\b(?:code|passcode|otp)(?:\s+is)?\s*[:\s]\s*{_DIGITS}",
        # "123456 is your Acme code", "G-123456 is your verification code"
        rf"{_DIGITS}\s+(?:is|as)\s+your\b[^.?!]{{0,40}}{_NOT_A_PLACE}\b{_CODE}\b",
    ),
    "opt-out notice": (
        r"\b(?:reply|text|txt)\s+(?:with\s+)?[\"'“]?(?-i:STOP|STOPALL|HELP|END|CANCEL|QUIT|UNSUBSCRIBE)\b.{0,12}"
        r"\b(?:to|for|2)\b",
        r"\b(?:reply|text|txt|send)\s+[\"'“]?(?:stop|unsubscribe)[\"'”]?\s+(?:to|2)\s+"
        r"(?:opt|unsub|end|cancel|stop|quit|\d{3,6}\b)",
    ),
    "delivery notice": (
        r"\b(?:your|the)\s+(?:\w+\s+){0,3}(?:package|parcel|order|shipment|delivery)\b.{0,60}"
        r"\b(?:has (?:been )?(?:shipped|delivered|dispatched)|was delivered|is out for delivery|is on its way|"
        r"will arrive|has arrived|tracking)\b.{0,200}"
        r"(?:https?://|\border\s*#|\btracking\s*(?:number|no\b|#|:)|\btrack\s*(?::|your|here|at\b|package)|\d{8,})",
    ),
    "bank alert": (
        # A masked number; or an ending together with a bank's verb; or a sum with the passive voice of a bank.
        r"\b(?:account|card|acct|a/c)\s*(?:no\.?\s*|#\s*)?(?:\*+|x{2,})\s?\d{3,4}\b",
        rf"\b{_ENDING}\b.{{0,120}}\b{_BOOKED}\b",
        rf"\b{_BOOKED}\b.{{0,120}}\b{_ENDING}\b",
        r"\ba (?:charge|payment|purchase|deposit|transaction|withdrawal) of\s*[$€£]\s?\d[\d.,]*\s.{0,60}"
        r"\b(?:was|ha(?:s|ve) been)\s+(?:made|posted|approved|declined|authori[sz]ed|processed|received|initiated)\b",
    ),
    "appointment reminder": (
        r"\b(?:reminder|confirm)\b.{0,80}\bappointment\b.{0,120}"
        r"\b(?:reply|text|press)\s+(?:with\s+)?[\"'“]?(?:C|Y|YES|1|CONFIRM)\b[\"'”]?\s*(?:to|for|or|if|,|\.|$)",
    ),
}
_AUTOMATED_PATTERNS = [
    (reason, regex.compile("|".join(patterns), regex.IGNORECASE | regex.DOTALL))
    for reason, patterns in _AUTOMATED.items()
]
# Domains that are words (me, be, co) count with a path only: "haha...me" and "ok.me" are no links. The look-behind lets
# a name be tried at its beginning only; without it a long run of letters and dots takes minutes.
_URL = regex.compile(
    r"(?i)(?:https?://|www\.)\S+|(?<![\w.-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,9}+"
    r"(?:(?:com|org|net|edu|gov)\b(?:[/?#:]\S*)?|(?:io|co|me|tv|be|ly|gl|app|dev)/\S*)"
)
_EMOJI = regex.compile(
    r"(?:\s|\p{RI}|\p{Extended_Pictographic}|\p{Emoji_Modifier}|[\u200d\ufe0e\ufe0f\U000E0020-\U000E007F]"
    r"|[0-9#*]\ufe0f?\u20e3)++"
)
_PROFANITY = regex.compile(
    r"(?i)\b(?:(?:mother)?f+u+c+k+\w*|s+h+i+t+(?:s|ty|ter|ting|head|bag)?|bullshit|bitch\w*|bastards?|ass(?:hole|hat|wipe)s?"
    r"|dick(?:head)?s?|cunts?|cock(?:sucker)?s?|pussy|slut\w*|whores?|twats?|wank\w*|goddamn(?:ed|it)?"
    r"|piss(?:ed|ing)? off)\b"
)


def automated(message: Message) -> str | None:
    """Drop what a machine wrote: one-time codes, deliveries, bank alerts, opt-outs, bots, businesses, SMS tapbacks."""
    if _TAPBACK in message.tags:  # the phone's words, whoever tapped
        return "SMS tapback"
    if message.is_from_me:
        return None
    for tag in message.tags:
        if tag in _TAG_REASONS:
            return _TAG_REASONS[tag]
    if len(message.text) < 12:
        return None
    return next((reason for reason, pattern in _AUTOMATED_PATTERNS if pattern.search(message.text)), None)


def short_codes(message: Message) -> str | None:
    """Drop what came from a three- to six-digit number, which only machines have."""
    return "short-code sender" if "short-code" in message.tags and not message.is_from_me else None


def urls(message: Message) -> str | None:
    """Drop messages that are nothing but links."""
    text = message.text
    if "." not in text or ("." not in text[:-1] and "://" not in text):  # a full stop alone makes no link
        return None
    rest, links = _URL.subn("", text)
    return "only links" if links and not rest.strip() else None


def emoji(message: Message) -> str | None:
    """Drop messages that are nothing but emoji."""
    text = message.text
    if text.isascii():
        return None
    return "only emoji" if _EMOJI.fullmatch(text) and not text.isspace() else None


def profanity(message: Message) -> str | None:
    """Drop messages with strong profanity. Off by default: it is part of how people write."""
    return "profanity" if _PROFANITY.search(message.text) else None


def judged(table: pa.Table, chosen: Sequence[Filter]) -> tuple[np.ndarray, dict[str, Counter[str]]]:
    """Ask filters of every message that their screens let through, the first that drops it has it.

    Args:
        table: The messages.
        chosen: The filters, in the order they are asked.

    Returns:
        Which messages stay, [message], and how many go for which reason, by filter.
    """
    everything = np.ones(table.num_rows, dtype=bool)
    screened = [filter_.screen(table) if filter_.screen else everything for filter_ in chosen]
    worth = np.flatnonzero(np.logical_or.reduce([np.zeros(table.num_rows, dtype=bool), *screened]))
    keep = everything.copy()
    reasons: dict[str, Counter[str]] = {filter_.name: Counter() for filter_ in chosen}
    messages = _taken(table, worth)
    for index, message, *looks in zip(worth, messages, *(mask[worth] for mask in screened), strict=True):
        for filter_, look in zip(chosen, looks, strict=True):
            reason = filter_(message) if look else None
            if reason is not None:
                keep[index] = False
                reasons[filter_.name][reason] += 1
                break
    return keep, reasons


def _taken(table: pa.Table, places: np.ndarray) -> Iterator[Message]:
    """Yield the messages at some places, so many at a time: a copy of millions would fill the memory."""
    for begin in range(0, len(places), _PART):
        yield from iterate(table.take(pa.array(places[begin : begin + _PART])))


def rewritten(table: pa.Table, chosen: Sequence[Filter]) -> tuple[pa.Table, dict[str, Counter[str]]]:
    """Let filters rewrite messages, one filter after another.

    Args:
        table: The messages that are kept.
        chosen: The filters, in the order they are asked.

    Returns:
        The table with the new texts, and how often each filter replaced what: "messages" counts those it changed.
    """
    counts: dict[str, Counter[str]] = {}
    for filter_ in chosen:
        if filter_.rewrite is None:
            continue
        counts[filter_.name] = Counter()
        everything = np.ones(table.num_rows, dtype=bool)
        worth = np.flatnonzero(filter_.screen(table) if filter_.screen else everything)
        texts: dict[int, str] = {}
        for index, message in zip(worth.tolist(), _taken(table, worth), strict=True):
            changed = filter_.rewrite(message)
            if changed is not None and changed[0] != message.text:
                texts[index] = changed[0]
                counts[filter_.name].update(["messages", *changed[1]])
        if texts:
            place = table.schema.get_field_index("text")
            field, old = table.schema.field(place), table.column(place).combine_chunks()
            others = np.zeros(table.num_rows, dtype=bool)
            others[list(texts)] = True
            new = pa.array([without_lone_surrogates(text) for text in texts.values()], field.type)  # places ascend
            table = table.set_column(place, field, pc.replace_with_mask(old, pa.array(others), new))
    return table, counts


def _keep(message: Message) -> None:
    """Keep every message."""


def scrub(country: str = "") -> Filter:
    """Return the filter that replaces phone numbers, addresses and other secrets by their kind, such as ``[phone]``.

    Args:
        country: Country whose national phone numbers count, as two letters ("US"); without one only numbers written
            with a plus and their country code do.
    """

    def rewrite(message: Message) -> tuple[str, Sequence[str]] | None:
        from wonderland.corpus.scrubbing import known_country, scrubbed  # phone numbers' plans take a while to load

        text, kinds = scrubbed(message.text, known_country(country))
        return (text, kinds) if kinds else None

    told = "Replace phone numbers, e-mail addresses, cards, IBANs, codes, private links and addresses by their kind."
    return Filter("scrub", _keep, False, told, screen=screens.secrets, rewrite=rewrite)


def secrets_in(table: pa.Table, country: str = "") -> dict[str, int]:
    """Count the secrets that stand in messages, by kind; see `wonderland.corpus.scrubbing`."""
    from wonderland.corpus.scrubbing import count_secrets, known_country

    where = np.flatnonzero(screens.secrets(table))
    texts = table.column("text").take(pa.array(where)).to_pylist()
    return dict(sorted(count_secrets(texts, known_country(country)).items()))


def _first_line(function: Callable[[Message], str | None]) -> str:
    return (function.__doc__ or "").splitlines()[0]


BUILTIN = [
    Filter("automated", automated, True, _first_line(automated), screen=screens.automated),
    Filter("short-codes", short_codes, True, _first_line(short_codes), screen=screens.short_codes),
    Filter("urls", urls, True, _first_line(urls), screen=screens.urls),
    Filter("emoji", emoji, True, _first_line(emoji), screen=screens.emoji),
    Filter("profanity", profanity, False, _first_line(profanity), screen=screens.profanity),
    scrub(),
]
