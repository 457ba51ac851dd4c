"""Takeouts of Google Chat and of Hangouts with a known answer, with times in words of any language."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time

from wonderland_exports.google_rows import HANGOUTS_EVENTS
from wonderland_exports.testing.known import PEOPLE, Known, Letters, Said
from wonderland_exports.testing.writing import write

__all__ = ["make_google_chat", "make_hangouts"]

_START = 1_600_000_000
_OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("deleted", {"message_state": "DELETED", "deletion_metadata": {"deletion_type": "CREATOR"}}),
    ("file only", {"attached_files": [{"original_name": "a?.png", "export_name": "File-a_.png"}]}),
    ("card, call or other annotation only", {"annotations": [{"start_index": 0, "length": 0}]}),
    ("no text", {"text": ""}),
    ("no text", {}),
)
_EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((reason, {"event_type": kind}) for kind, reason in HANGOUTS_EVENTS.items()),
    ("photo or other attachment only", {"chat_message": {"message_content": {"attachment": [{"id": "1"}]}}}),
    ("no text", {"chat_message": {"message_content": {}}}),
)
_RARE: tuple[tuple[str, Any], ...] = (("not a JSON object", 5), ("text is not a string", {"text": 5}))
_RARE_EVENTS: tuple[tuple[str, Any], ...] = (
    ("not a JSON object", 5),
    ("of an unknown type", {"event_type": "HOLOGRAM"}),
)
_PLACES = (("DM aaa", 1, ()), ("Space bbb", 4, ("group",)), ("DM ccc", 3, ("group",)))


def make_google_chat(path: Path, rows: int = 120, seed: int = 0, language: str = "en", *, rare: bool = False) -> Known:
    """Write a Takeout of Chat with about so many rows; a zip if the path ends so, else a folder.

    ``rare`` adds rows that cannot be read.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    people = random.sample(PEOPLE, len(PEOPLE))
    users = {name: _user(name, number) for number, name in enumerate(people)}
    known = Known(Path(path), _identity(users[people[0]]))
    root = "Takeout/Google Chat"
    files: dict[str, object] = {
        f"{root}/Users/User 1/user_info.json": {"user": users[people[0]], "membership_info": []}
    }
    locale = Locale.parse(language)
    for folder, others, tags in _PLACES:
        members = [users[name] for name in (people[0], *random.sample(people[1:], others))]
        found, letters, seconds = [], Letters(random), _START
        for index in range(max(rows // len(_PLACES), 20)):
            seconds += random.randint(1, 500_000)
            moment = datetime.fromtimestamp(seconds, UTC)
            shown = f"{format_date(moment, 'full', locale)} at {format_time(moment, 'long', locale=locale)}"
            who = random.choice(members)
            row: dict[str, Any] = {"creator": who, "created_date": shown, "topic_id": f"t{index}"}
            more: tuple[str, ...] = ()
            row["message_id"] = f"{folder}/t{index}/{index}"
            if index < len(_OTHERS) or random.random() < 0.1:
                reason, columns = _OTHERS[index % len(_OTHERS)]
                known.other(reason)
                row |= columns
            else:
                row["text"] = letters.text()
                if index % 7 == 6:
                    row["updated_date"], more = shown, ("edited",)
                if index % 9 == 8:
                    row["creator"] = who = {"name": "Drive", "user_type": "Bot"}
                    more = ("bot", *more)
                known.message(Said(folder, _identity(who), seconds * 1000, row["text"], (*tags, *more)))
            found.append(row)
        for reason, odd in _RARE if rare else ():
            known.other(reason)
            found.append(odd)
        files[f"{root}/Groups/{folder}/messages.json"] = {"messages": found}
        files[f"{root}/Groups/{folder}/group_info.json"] = {"name": folder, "members": members}
    write(known.path, files)
    return known


def make_hangouts(path: Path, rows: int = 60, seed: int = 0, older: bool = False, *, rare: bool = False) -> Known:
    """Write a Takeout of Hangouts with about so many rows, in the newer or the older layout.

    ``rare`` adds rows that cannot be read.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    people = [(name, str(10**20 + number)) for number, name in enumerate(random.sample(PEOPLE, 4))]
    known = Known(Path(path), people[0][1])
    conversations = []
    for place, (members, kind, tags) in enumerate(
        ((people[:2], "STICKY_ONE_TO_ONE", ()), (people, "GROUP", ("group",)))
    ):
        letters, at, events = Letters(random), _START * 1_000_000, []
        identity = {"id": f"Ugz{place}"}
        for index in range(max(rows // 2, 12)):
            at += random.randint(1, 10**10) // 1000 * 1000
            who = random.choice(members)[1]
            row: dict[str, Any] = {
                "conversation_id": identity,
                "sender_id": {"gaia_id": who, "chat_id": who},
                "timestamp": str(at),
                "self_event_state": {"user_id": {"gaia_id": people[0][1], "chat_id": people[0][1]}},
                "event_id": f"{place}-{index}",
                "event_type": "REGULAR_CHAT_MESSAGE",
            }
            if index < len(_EVENTS):
                reason, columns = _EVENTS[index]
                known.other(reason)
                row |= columns
            else:
                text = letters.text()
                more: tuple[str, ...] = ()
                segments: list[dict[str, str]] = []
                for line in text.split("\n"):
                    segments += [{"type": "LINE_BREAK"}] * bool(segments) + [{"type": "TEXT", "text": line}]
                row["chat_message"] = {"message_content": {"segment": segments}}
                if index % 5 == 4:
                    row["event_type"], more = "SMS", ("sms",)
                known.message(Said(f"Ugz{place}", who, at // 1000, text, (*tags, *more)))
            events.append(row)
        for reason, odd in _RARE_EVENTS if rare else ():
            known.other(reason)
            events.append(odd)
        about: dict[str, Any] = {"id": identity, "type": kind}
        about["participant_data"] = [{"id": {"gaia_id": who}, "fallback_name": name} for name, who in members]
        conversations.append((identity, about, events))
    if older:
        listed = [
            {"conversation_id": identity, "conversation_state": {"conversation": about, "event": events}}
            for identity, about, events in conversations
        ]
        write(known.path, {"Takeout/Hangouts/Hangouts.json": {"conversation_state": listed}})
    else:
        listed = [
            {"conversation": {"conversation_id": identity, "conversation": about}, "events": events}
            for identity, about, events in conversations
        ]
        write(known.path, {"Takeout/Hangouts/Hangouts.json": {"conversations": listed}})
    return known


def _user(name: str, number: int) -> dict[str, str]:
    return (
        {"name": name, "email": f"Person{number}@x.example", "user_type": "Human"}
        if number % 4 < 3
        else {"name": name, "user_type": "Human"}
    )


def _identity(user: dict[str, str]) -> str:
    return user.get("email", "").lower() or user["name"]
