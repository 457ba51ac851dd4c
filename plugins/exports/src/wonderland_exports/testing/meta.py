"""Downloads of Messenger and Instagram with a known answer, in the classic layout, the encrypted one, and both."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Literal

from wonderland_exports.testing.known import PEOPLE, Known, Letters, Said
from wonderland_exports.testing.writing import write

__all__ = ["make_conversation", "make_instagram", "make_messenger"]

_START = 1_500_000_000_000
_FILE = 10_000  # rows of a message_N.json
_OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("unsent", {"is_unsent": True}),
    ("call", {"content": "{sender} called you.", "call_duration": 61}),
    ("photo only", {"photos": [{"uri": "photos/1.jpg", "creation_timestamp": 1}]}),
    ("photo only", {"content": "{sender} sent a photo.", "photos": [{"uri": "photos/2.jpg"}]}),
    ("video only", {"videos": [{"uri": "videos/1.mp4"}]}),
    ("voice message only", {"audio_files": [{"uri": "audio/1.mp4"}]}),
    ("GIF only", {"gifs": [{"uri": "gifs/1.gif"}]}),
    ("sticker only", {"sticker": {"uri": "stickers/1.png", "ai_stickers": []}}),
    ("file only", {"files": [{"uri": "files/1.pdf"}]}),
    ("shared post or link only", {"content": "{first} hat einen Anhang gesendet.", "share": {"link": "https://x.y"}}),
    ("line of the app: attachment", {"content": "{sender} a envoyé une pièce jointe."}),
    ("line of the app: reaction", {"content": "Reacted 😂 to your message "}),
    ("line of the app: group", {"content": "{sender} named the group Küche 🍲."}),
    ("line of the app: greeting", {"content": "You are now connected on Messenger."}),
    ("taken down", {"is_taken_down": True}),
    ("hidden in the owner's country", {"is_geoblocked_for_viewer": True}),
    ("somebody joined", {"type": "Subscribe", "content": "x", "users": [{"name": "Nil"}]}),
    ("somebody left", {"type": "Unsubscribe", "content": "x"}),
    ("no text", {}),
)
_RARE: tuple[tuple[str, Any], ...] = (
    ("not a JSON object", 5),
    ("text is not a string", {"sender_name": "Nil", "timestamp_ms": 1_500_000_000_000, "content": 5}),
    ("line of the app: call", {"sender_name": "Nil", "timestamp_ms": 1_500_000_000_003, "content": "Nil called you."}),
    ("payment", {"sender_name": "Nil", "timestamp_ms": 1_500_000_000_001, "type": "Payment", "content": "x"}),
    ("plan", {"sender_name": "Nil", "timestamp_ms": 1_500_000_000_002, "type": "Plan", "content": "x"}),
)
_ENCRYPTED_OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("unsent", {"isUnsent": True}),
    ("photo, video or file only", {"type": "media", "media": [{"uri": "./media/a.jpeg"}]}),
    ("placeholder of an encrypted chat", {"type": "placeholder", "text": "x"}),
    ("line of the app: reaction", {"text": "Liked a message"}),
    ("no text", {"text": ""}),
)
_CHATS = (  # box, how many others, tag
    ("inbox", 1, ()),
    ("inbox", 1, ()),
    ("inbox", 3, ("group",)),
    ("archived_threads", 1, ()),
    ("message_requests", 1, ("request",)),
    ("filtered_threads", 1, ("filtered",)),
    ("e2ee_cutover", 1, ()),
)


def make_messenger(
    path: Path,
    rows: int = 300,
    seed: int = 0,
    layout: Literal["classic", "encrypted", "both"] = "both",
    *,
    rare: bool = False,
) -> Known:
    """Write a download of Facebook with about so many rows; a zip if the path ends so, else a folder.

    ``rare`` adds rows that hardly anybody has, those that cannot be read among them.
    """
    profile = "personal_information/profile_information"
    return _make(path, rows, seed, layout, "your_facebook_activity", profile, rare=rare)


def make_instagram(path: Path, rows: int = 300, seed: int = 0, *, rare: bool = False) -> Known:
    """Write a download of Instagram with about so many rows; a zip if the path ends so, else a folder.

    ``rare`` adds rows that hardly anybody has, those that cannot be read among them.
    """
    return _make(path, rows, seed, "classic", "your_instagram_activity", "personal_information", rare=rare)


def make_conversation(
    path: Path, rows: int = 60, seed: int = 0, *, encrypted: bool = False, who: Literal["first", "last", ""] = "last"
) -> Known:
    """Write one conversation as a file of any name, as people keep it and other programs cut it out.

    Args:
        path: Where to.
        rows: How many rows.
        seed: The same seed and arguments give the same bytes.
        encrypted: Whether in the layout of end-to-end encrypted chats.
        who: Where it says who takes part: before the rows, behind them, or nowhere.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    people = random.sample(PEOPLE, 2)
    planted = Known(Path(path), people[0])
    found = _rows(planted, random, Path(path).stem, people, (), rows, encrypted=encrypted)
    listed = people if encrypted else [{"name": _damaged(name)} for name in people]
    said: dict[str, Any] = {"participants": listed} if who else {}
    document = {**said, "messages": found} if who == "first" else {"messages": found, **said}
    planted.path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return planted


def _make(path: Path, rows: int, seed: int, layout: str, root: str, profile: str, *, rare: bool) -> Known:
    random = Random(seed)  # noqa: S311 (no secret)
    people = random.sample(PEOPLE, len(PEOPLE))
    planted = Known(Path(path), people[0])
    files: dict[str, object] = {}
    boxes = _CHATS if layout != "encrypted" else ()
    for index, (box, others, tags) in enumerate(boxes):
        members = [planted.me, *random.sample(people[1:], others)]
        thread = f"chat{index}_{1000 + index}"
        count = max(rows // len(_CHATS), len(_OTHERS) + 2)
        found = _rows(planted, random, thread, members, tags, count, encrypted=False)
        for reason, odd in _RARE if rare else ():
            planted.other(reason)
            found.append(odd)
        for number, start in enumerate(range(0, len(found), _per_file(count)), 1):
            files[f"{root}/messages/{box}/{thread}/message_{number}.json"] = {
                "participants": [{"name": _damaged(name)} for name in members],
                "messages": found[start : start + _per_file(count)],
                "title": _damaged(members[1]),
                "is_still_participant": True,
                "thread_path": f"{box}/{thread}",
                "magic_words": [],
            }
    if layout != "classic":
        members = [planted.me, people[1]]
        found = _rows(planted, random, "Chat_40", members, (), max(rows // 7, 12), encrypted=True)
        files["messages/Chat_40.json"] = {"participants": members, "threadName": "Chat_40", "messages": found}
    files[f"{profile}/{profile.rpartition('/')[2]}.json"] = {
        "profile_v2": {"name": {"full_name": _damaged(planted.me)}, "family_members": [{"name": people[1]}]}
    }
    write(planted.path, files)
    return planted


def _rows(
    planted: Known,
    random: Random,
    thread: str,
    members: list[str],
    tags: tuple[str, ...],
    count: int,
    encrypted: bool,
) -> list[dict[str, Any]]:
    writer, at = Letters(random), _START + random.randrange(10**9)
    keys = ("senderName", "timestamp", "text") if encrypted else ("sender_name", "timestamp_ms", "content")
    others = _ENCRYPTED_OTHERS if encrypted else _OTHERS
    found = []
    for index in range(count):
        at += random.randint(1, 10**7)
        sender = random.choice(members)
        row: dict[str, Any] = {keys[0]: sender, keys[1]: at}
        if index < len(others) or random.random() < 0.15:
            reason, columns = others[index % len(others)]
            planted.other(reason)
            for key, value in columns.items():
                filled = value.format(sender=sender, first=sender.split()[0]) if isinstance(value, str) else value
                row[key] = filled
        else:
            row[keys[2]] = writer.text()
            planted.message(Said(thread, sender, at, row[keys[2]], tags))
        found.append(row if encrypted else {key: _damaged(value) for key, value in row.items()})
    return found[::-1]


def _per_file(count: int) -> int:
    return min(_FILE, max(count // 11, 1))  # more than ten files, so that 10 must come after 9


def _damaged(value: Any) -> Any:
    return value.encode().decode("latin-1") if isinstance(value, str) else value
