"""Exports of a Slack workspace with a known answer: public channels, a private one, direct ones, bots and replies."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from wonderland_exports.slack_rows import EVENTS, OTHER_EVENTS
from wonderland_exports.testing.known import PEOPLE, Known, Letters, Said
from wonderland_exports.testing.writing import write

__all__ = ["make_slack"]

_START = 1_600_000_000
_OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("somebody joined", {"subtype": "channel_join", "text": "<@U1> has joined the channel"}),
    ("somebody left", {"subtype": "group_leave", "text": "<@U1> has left the channel"}),
    ("topic changed", {"subtype": "channel_topic", "text": "set the topic"}),
    ("channel renamed", {"subtype": "channel_name", "text": "renamed"}),
    ("bot added or removed", {"subtype": "bot_add", "text": "added an integration"}),
    ("deleted", {"subtype": "tombstone", "text": "This message was deleted."}),
    ("something pinned", {"subtype": "pinned_item", "text": "pinned"}),
    ("huddle or call", {"subtype": "huddle_thread", "text": ""}),
    ("file only", {"text": "", "files": [{"id": "F1", "name": "a.png"}]}),
    ("file only", {"text": "", "subtype": "file_share", "upload": True, "files": [{"id": "F2"}]}),
    ("attachment only", {"text": "", "attachments": [{"fallback": "a shared message"}]}),
    ("blocks without text", {"text": "", "blocks": [{"type": "image"}]}),
    ("no text", {"text": ""}),
    ("no text", {"text": None}),
    ("not of the type 'message'", {"type": "user_typing"}),
)
_RARE: tuple[tuple[str, Any], ...] = (
    ("not a JSON object", 5),
    ("of an unknown subtype", {"type": "message", "subtype": "hologram", "user": "U1", "ts": "1.1", "text": "x"}),
    ("text is not a string", {"type": "message", "user": "U1", "ts": "1.2", "text": 5}),
    ("without a sender", {"type": "message", "ts": "1.3", "text": "x"}),
)
_EVENTS = (
    *((reason, f"channel_{event}") for event, reason in EVENTS.items()),
    *((reason, subtype) for subtype, reason in OTHER_EVENTS.items()),
)
_MARKED = (  # as stored, as shown
    ("hi <@U2>", "hi @{U2}"),
    ("ask <@U999|zed> in <#C9|random> or <#C1>", "ask @zed in #random or #general"),
    ("<!here> &amp; <!channel>: 1 &lt; 2 &gt; 0", "@here & @channel: 1 < 2 > 0"),
    ("see <https://a.example/x?a=1&amp;b=2|the page> or <https://b.example>", "see the page or https://b.example"),
    ("I typed &lt;@U2&gt; and &amp;amp; by hand", "I typed <@U2> and &amp; by hand"),
    ("<!subteam^S1|@cooks> <mailto:a@b.example|a@b.example> <!date^1^{date}|May 1>", "@cooks a@b.example May 1"),
)


def make_slack(
    path: Path, rows: int = 200, seed: int = 0, private: bool = True, *, rare: bool = False, dump: bool = False
) -> Known:
    """Write an export with about so many rows; a zip if the path ends so, else a folder.

    ``rare`` adds rows that cannot be read. ``dump`` writes a file a channel, with replies inside of rows, and no lists
    of channels, as slackdump's ``dump`` does.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    people = random.sample(PEOPLE, len(PEOPLE))
    ids = {name: f"U{number}" for number, name in enumerate(people, 1)}
    known = Known(Path(path), ids[people[0]])
    files: dict[str, object] = {
        "users.json": [_user(name, identity) for name, identity in ids.items()] + [_bot()],
        "channels.json": [{"id": "C1", "name": "general"}, {"id": "C2", "name": "küche"}],
    }
    channels: dict[str, tuple[str, tuple[str, ...]]] = {"general": ("C1", ("group",)), "küche": ("C2", ("group",))}
    if private:
        files |= {
            "groups.json": [{"id": "G1", "name": "secret"}],
            "mpims.json": [{"id": "G2", "name": "mpdm-a--b--c-1"}],
            "dms.json": [{"id": "D1", "members": ["U1", "U2"]}, {"id": "D2", "members": ["U3", "U1"]}],
        }
        channels |= {"secret": ("G1", ("group",)), "mpdm-a--b--c-1": ("G2", ("group",)), "D1": ("D1", ())}
    for folder, (identity, tags) in channels.items():
        members = people[:2] if identity == "D1" else people
        count = max(rows // len(channels), 40)
        found = _rows(known, random, identity, members, ids, tags, count)
        for reason, row in _RARE if rare else ():
            known.other(reason)
            found.append(row)
        if dump:
            document = {"channel_id": identity, "name": folder, "messages": _nested(found)}
            files[f"{identity}0000000.json"] = document
            continue
        for day, start in enumerate(range(0, len(found), count // 3), 1):
            files[f"{folder}/2020-09-{day:02}.json"] = found[start : start + count // 3]
    if dump:
        files = {name: value for name, value in files.items() if name == "users.json" or isinstance(value, dict)}
    write(known.path, files)
    return known


def _nested(rows: list[Any]) -> list[Any]:
    """Put each reply into the row before."""
    found: list[Any] = []
    for row in rows:
        reply = isinstance(row, dict) and row.get("thread_ts", row.get("ts")) != row.get("ts")
        if reply and found and isinstance(found[-1], dict):
            found[-1].setdefault("slackdump_thread_replies", []).append(row)
        else:
            found.append(row)
    return found


def _rows(
    known: Known,
    random: Random,
    channel: str,
    members: list[str],
    ids: dict[str, str],
    tags: tuple[str, ...],
    count: int,
) -> list[dict[str, Any]]:
    letters, seconds, found = Letters(random), _START, []
    names = {identity: name for name, identity in ids.items()}
    for index in range(count):
        seconds += random.randint(1, 5000)
        stamp = f"{seconds}.{index:06}"
        user = ids[random.choice(members)]
        row: dict[str, Any] = {"type": "message", "user": user, "ts": stamp}
        if index < len(_OTHERS) or random.random() < 0.1:
            reason, columns = _OTHERS[index % len(_OTHERS)]
            row |= columns
            known.other(reason)
        else:
            text, shown = _message(random, letters, index, names)
            more: tuple[str, ...] = ()
            row["text"] = text
            thread = channel
            if index % 7 == 3:
                row["thread_ts"] = f"{_START}.000000" if index % 2 else stamp
                thread = f"{channel}/{row['thread_ts']}"
            if index % 9 == 4:
                row["edited"], more = {"user": user, "ts": stamp}, (*more, "edited")
            if index % 13 == 5:
                row |= {"subtype": "bot_message", "bot_id": "B1", "username": "Zed the bot"}
                row |= {"text": "", "attachments": [{"fallback": text}, {"text": ""}]}
                more, user = ("bot", *more), "Zed the bot"
                del row["user"]
            elif index % 13 == 6:
                row |= {"user": "UBOT", "bot_id": "B2", "bot_profile": {"name": "Calendar"}}
                more, user = ("bot", *more), "UBOT"
            known.message(Said(thread, user, seconds * 1000 + round(index / 1000), shown, (*tags, *more)))
        found.append(row)
    for index, (reason, subtype) in enumerate(_EVENTS if channel == "C1" else (), 1):
        known.other(reason)
        found.append({"type": "message", "subtype": subtype, "user": "U1", "ts": f"{seconds + index}.0", "text": "x"})
    return found


def _message(random: Random, letters: Letters, index: int, names: dict[str, str]) -> tuple[str, str]:
    if random.random() < 0.3:
        stored, shown = _MARKED[index % len(_MARKED)]
        return stored, shown.replace("{U2}", names["U2"])
    text = letters.text()
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped, text


def _user(name: str, identity: str) -> dict[str, Any]:
    account = f"account{identity[1:]}"
    profile = {"real_name": name, "display_name": name if int(identity[1:]) % 2 else ""}
    return {"id": identity, "name": account, "real_name": name, "is_bot": False, "profile": profile}


def _bot() -> dict[str, Any]:
    return {"id": "UBOT", "name": "calendar", "is_bot": True, "profile": {"real_name": "Calendar"}}
