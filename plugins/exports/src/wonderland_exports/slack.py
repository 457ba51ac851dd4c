"""Messages from the export of a Slack workspace: a zip or a folder, a folder a channel, a file a day.

What slackdump's ``dump`` writes is a file a channel, ``C0123ABCD.json``, with the replies inside what they reply to;
each of them is a row of its own.

Which channels an export holds is the choice of who made it: on the free and the Pro plan it is the public ones. Replies
to a message are a conversation of their own, together with what they reply to, as people read them. Whose it is shows
only if it holds one person's direct conversations (what slackdump writes), and not everybody's or none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import wonderland as wl
from wonderland.errors import InputError
from wonderland_exports.again import Once
from wonderland_exports.evidence import in_all
from wonderland_exports.frame import CUT, Export, Member, Surveyed, Tally, find_owner, head, load, open_export, peek
from wonderland_exports.frame.looks import begins_with, first_line, not_lines
from wonderland_exports.slack_rows import Channel, Rows, is_bot
from wonderland_exports.walking import cut_off, numbered, walk_list, walk_rows

__all__ = ["Slack"]

_DAY = re.compile(r"(?:^|.*/)[^/]+/\d{4}-\d\d-\d\d\.json$")
_DUMP = re.compile(r"(?:^|.*/)[CDG][A-Z0-9]{7,}(?:-\d+\.\d+)?\.json$")  # of a channel, or of one thread in it
_ROW = re.compile(rb'"messages"\s*:\s*\[(?s:.*)"ts"\s*:\s*"\d{9,11}\.\d{6}"')
_STAMP = re.compile(r"\d{9,11}\.\d{6}")
_REPLIES = "slackdump_thread_replies"
_LISTS = re.compile(r"(?:^|.*/)(?:users|org_users|channels|groups|mpims|dms)\.json$")


class _Survey(NamedTuple):
    days: list[Member]
    rows: int
    senders: Counter[str]
    users: dict[str, Mapping[str, Any]]
    channels: dict[str, Channel]  # by folder
    names: dict[str, str]  # of channels, by id
    known: frozenset[str]


class Slack(Surveyed[_Survey]):
    """Slack: the export of a workspace, or what slackdump writes: in its shape, or a file a channel.

    Args:
        path: The zip, the folder, or the file of one day.
        names: Whether people are called by their names instead of their e-mail address or id.
        me: Your name, e-mail address or id there.
        partial: Whether a file that is cut off keeps the rows before.
    """

    name: ClassVar[str] = "slack"
    version: ClassVar[int] = 1
    same_names: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        *,
        names: bool = False,
        me: Annotated[str, "your name, e-mail address or id in the workspace"] = "",
        partial: Annotated[bool, "keep the rows before the place where a file is cut off"] = False,
    ) -> None:
        super().__init__(path)
        self._names, self._me, self._partial = names, me, partial

    @classmethod
    def sniff(cls, path: Path) -> float:
        """Look for a file of a day in the folder of a channel, beside lists of people and channels."""
        if any(_is_dump(member) for member in peek(path, lambda name: bool(_DUMP.match(name)))):
            return 0.95
        days = [head(member) for member in peek(path, lambda name: bool(_DAY.match(name)))]
        if Path(path).is_file() and any(_is_row(first_line(content)) for content in days):
            return 0.92  # so that opening it can say what to do
        if not any(begins_with(b"[", content) for content in days):
            return 0.0
        rows = any(b'"ts"' in content for content in days)
        lists = bool(peek(path, lambda name: bool(_LISTS.match(name)), 1)) and not Path(path).is_file()
        return 0.96 if lists and rows else 0.8 if rows or lists else 0.0

    def rows(self) -> Iterator[wl.Message | wl.Skipped]:
        """Yield a message or a skipped row for each row."""
        export, survey = self._open()
        tally, once = Tally(), Once()
        people = {identity: _shown(user) or identity for identity, user in survey.users.items()}
        owners = find_owner(export.where, survey.senders, self._said(survey), names=people, known=survey.known)
        bots = frozenset(identity for identity, user in survey.users.items() if user.get("is_bot"))
        senders = {identity: self._sender(identity, user, people) for identity, user in survey.users.items()}
        rows = Rows(people, senders, bots | {"USLACKBOT"}, survey.names, owners, tally["Left open"])
        for day in survey.days:
            channel = survey.channels[_folder(day)]
            for number, row in self._rows(day):
                if number is None:
                    yield cut_off(day, row)
                    continue
                stamp = row.get("ts") if isinstance(row, Mapping) else None
                known = f"{channel.identity}/{stamp}" if isinstance(stamp, str) else ""
                yield once(known, f"{day.name}:{number}", partial(rows.item, row, channel=channel))
        self._facts = tally.facts()

    def _files(self) -> Export:
        return open_export(
            self.path,
            lambda name: bool(_DAY.match(name) or _LISTS.match(name) or _DUMP.match(name)),
            "channel of Slack",
            once=False,
        )

    def _rows(self, day: Member) -> Iterator[tuple[str | None, Any]]:
        """Yield number and value of each row, replies behind what they reply to; None where a file stops being JSON."""
        rows = (
            numbered(day, "messages", partial=self._partial) if _is_dump(day) else walk_list(day, partial=self._partial)
        )
        for number, row in rows:
            yield None if number is None else str(number), row
            replies = row.get(_REPLIES) if isinstance(row, Mapping) else None
            for at, reply in enumerate(replies if isinstance(replies, list) else ()):
                yield f"{number} reply {at}", reply

    def _survey(self, export: Export) -> _Survey:
        days = [member for member in export.members if not _LISTS.match(member.name)]
        if not days:
            raise InputError(
                f"{self.path} holds no file of a day, such as general/2024-05-01.json.",
                hint="Give the zip that Slack exported, or the folder it unpacks to.",
            )
        if self.path.is_file() and any(_is_row(first_line(head(day))) for day in days):
            raise not_lines(self.path, "Slack")
        listed = {kind: _listed(export, kind) for kind in ("users", "org_users", "channels", "groups", "mpims", "dms")}
        users = {user["id"]: user for user in [*listed["org_users"], *listed["users"]]}
        if not any(listed[kind] for kind in ("groups", "mpims", "dms")) and not all(map(_is_dump, days)):
            export.notes.append(
                "This export holds public channels only. Private channels and direct messages are in an export of the "
                "Business+ or Enterprise plan, or in what slackdump writes."
            )
        if not users:
            export.notes.append("There is no users.json, so people are called by their ids.")
        bots = {identity for identity, user in users.items() if user.get("is_bot")} | {"USLACKBOT"}
        senders: Counter[str] = Counter()
        count = 0
        for day in days:
            for number, row in self._rows(day):
                count += 1
                if number is not None and isinstance(row, Mapping) and not is_bot(row, bots) and "subtype" not in row:
                    senders[str(row.get("user", ""))] += 1
        senders.pop("", None)
        known = in_all(_members(entry) for entry in listed["dms"])
        dumps = {day.name: _about(day) for day in filter(_is_dump, days)}
        names = {identity: name for identity, name in dumps.values() if name} | _names_of_channels(listed)
        return _Survey(days, count, senders, users, _channels(days, listed, dumps), names, known)

    def _said(self, survey: _Survey) -> str | None:
        """Return the id of the person whose e-mail address or account name the user gave, else what was given."""
        wanted = self._me.strip().lower()
        for identity, user in survey.users.items():
            if wanted and wanted in (str(user.get("name", "")).lower(), _address(user).lower()):
                return identity
        return self._me or None

    def _sender(self, identity: str, user: Mapping[str, Any], people: Mapping[str, str]) -> str:
        if not self._names:
            return _address(user) or identity
        name = people[identity]
        return f"{name} ({identity})" if list(people.values()).count(name) > 1 else name


def _is_dump(member: Member) -> bool:
    """Say whether a file is one that slackdump's ``dump`` wrote: a channel, or a thread of one."""
    content = head(member, 1 << 16)
    return begins_with(b"{", content) and _ROW.search(content) is not None


def _is_row(row: Mapping[str, Any]) -> bool:
    return row.get("type") == "message" and _STAMP.fullmatch(str(row.get("ts"))) is not None


def _folder(day: Member) -> str:
    """Return what stands for the channel of a file: the folder of a day, the whole name of a dump."""
    return day.name if _is_dump(day) else day.path.parent.name


def _about(dump: Member) -> tuple[str, str]:
    """Return id and name of the channel of a dump."""
    said = {
        path[0]: value for path, value in walk_rows(dump, "messages", partial=True) if len(path) == 1 and path != CUT
    }
    identity, name = (str(said.get(key) or "") for key in ("channel_id", "name"))
    return identity or dump.path.stem.partition("-")[0], name


def _listed(export: Export, kind: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for member in export.members:
        if member.path.name == f"{kind}.json":
            value = load(member)
            entries = value if isinstance(value, list) else []
            if entries is not value:
                export.leave_out([member], "Slack")
            found += [one for one in entries if isinstance(one, Mapping) and isinstance(one.get("id"), str)]
    return found


def _channels(
    days: list[Member], listed: Mapping[str, list[Mapping[str, Any]]], dumps: Mapping[str, tuple[str, str]]
) -> dict[str, Channel]:
    """Return the channel of each folder: a direct conversation lies under its id, every other under its name."""
    found = {_folder(day): Channel(_folder(day) or "channel", ("group",)) for day in days}
    for name, (identity, _) in dumps.items():
        found[name] = Channel(identity, () if identity.startswith("D") else ("group",))
    for kind in ("channels", "groups", "mpims"):
        for entry in listed[kind]:
            if (folder := str(entry.get("name", ""))) in found:
                found[folder] = Channel(str(entry["id"]), ("group",))
    for entry in listed["dms"]:
        if (folder := str(entry["id"])) in found:
            found[folder] = Channel(folder, ())
    return found


def _members(entry: Mapping[str, Any]) -> frozenset[str]:
    members = entry.get("members")
    return frozenset(one for one in members if isinstance(one, str)) if isinstance(members, list) else frozenset()


def _names_of_channels(listed: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, str]:
    return {str(one["id"]): str(one.get("name", one["id"])) for kind in ("channels", "groups") for one in listed[kind]}


def _profile(user: Mapping[str, Any]) -> Mapping[str, Any]:
    profile = user.get("profile")
    return profile if isinstance(profile, Mapping) else {}


def _address(user: Mapping[str, Any]) -> str:
    address = _profile(user).get("email")
    return address.strip() if isinstance(address, str) else ""


def _shown(user: Mapping[str, Any]) -> str:
    profile = _profile(user)
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((name.strip() for name in names if isinstance(name, str) and name.strip()), "")
