"""Options that choose what to learn from, and how they are written into ``wonderland.toml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from wonderland.cli.options import Whole

__all__ = ["choosing_options", "chosen_of"]


def choosing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    direct = "Leave out conversations of more than two."
    repeats = "Keep so many of messages of six words or more that say the same; 0 keeps all."
    for option in (
        click.option("--country", help="Country whose national phone numbers count as secrets, such as US."),
        click.option("--most-repeats", type=Whole(low=0), help=repeats),
        click.option("--only-direct/--no-only-direct", default=None, help=direct),
        click.option("--not-person", multiple=True, help="Leave this person out; may be repeated."),
        click.option("--person", multiple=True, help="Only conversations in which this person wrote; may be repeated."),
        click.option("--until", help="Leave out what was sent from this day or time on."),
        click.option("--since", help="Leave out what was sent before this day or time, such as 2024-01-31."),
    ):
        command = option(command)
    return command


def chosen_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given as ``wonderland.toml`` holds it; an empty word takes a choice back."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, tuple):
            found |= {name: [one for one in value if one]} if value else {}
        elif value is not None:
            found[name] = value
    return found
