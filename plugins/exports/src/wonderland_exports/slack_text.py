"""The text of a Slack message as a person saw it: Slack stores codes where it shows names.

``<@U123>`` is a person, ``<#C123|name>`` a channel, ``<!here>`` everybody present, ``<https://…|label>`` a link, and
``&amp; &lt; &gt;`` the three characters these codes need. The codes are taken first and the entities last, so that a
person who typed ``<@U123>`` himself keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["plain"]

_CODE = re.compile(r"<([@#!][^<>\n]+|[a-z][a-z0-9+.-]*:[^<>\n]+)>")  # a link has a scheme; "List<int>" is no code


def plain(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Return the text as it was shown.

    Args:
        text: The text as stored.
        people: Names by the id of a person.
        channels: Names by the id of a channel.
    """
    if "<" in text:
        text = _CODE.sub(lambda found: _shown(found[1], people, channels), text)
    if "&" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text


def _shown(code: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    target, _, label = code.partition("|")
    if target.startswith("@"):
        return f"@{people.get(target[1:]) or label or target[1:]}"
    if target.startswith("#"):
        return f"#{label or channels.get(target[1:], target[1:])}"
    if target.startswith("!"):
        if target.startswith(("!subteam^", "!date^")):
            return label or target[1:].partition("^")[0]
        return f"@{(label or target[1:]).removeprefix('@')}"
    return label or target.removeprefix("mailto:").removeprefix("tel:")
