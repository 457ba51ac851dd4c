"""Exports with a known answer, of any size: a seeded generator for each source.

Each generator writes an export in which every class of row occurs and returns a `Planted` or a `Known`, which says what
a reader must find in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wonderland_exports.testing.discord import make_discord, make_package
from wonderland_exports.testing.google import make_google_chat, make_hangouts
from wonderland_exports.testing.imazing import make_imazing
from wonderland_exports.testing.known import Known, Said
from wonderland_exports.testing.meta import make_conversation, make_instagram, make_messenger
from wonderland_exports.testing.planted import Planted, Writer
from wonderland_exports.testing.signal import make_signal, make_signal_desktop, make_signal_export
from wonderland_exports.testing.slack import make_slack
from wonderland_exports.testing.sms import make_sms
from wonderland_exports.testing.telegram import make_telegram
from wonderland_exports.testing.whatsapp import HEADS, make_whatsapp
from wonderland_exports.testing.whatsapp_both import Both, make_whatsapp_both
from wonderland_exports.testing.whatsapp_db import STORES, make_whatsapp_db

__all__ = [
    "HEADS",
    "SAMPLES",
    "STORES",
    "Both",
    "Known",
    "Planted",
    "Said",
    "Writer",
    "make_conversation",
    "make_discord",
    "make_google_chat",
    "make_hangouts",
    "make_imazing",
    "make_instagram",
    "make_messenger",
    "make_package",
    "make_signal",
    "make_signal_desktop",
    "make_signal_export",
    "make_slack",
    "make_sms",
    "make_telegram",
    "make_whatsapp",
    "make_whatsapp_both",
    "make_whatsapp_db",
]

SAMPLES: dict[str, Callable[[Path], Path]] = {
    "discord": lambda folder: make_discord(folder / "discord.zip", 60).path,
    "google-chat": lambda folder: make_google_chat(folder / "takeout.zip", 60).path,
    "imazing": lambda folder: make_imazing(folder / "imazing.zip", 30).path,
    "instagram": lambda folder: make_instagram(folder / "instagram.zip", 60).path,
    "messenger": lambda folder: make_messenger(folder / "facebook.zip", 60).path,
    "slack": lambda folder: make_slack(folder / "slack.zip", 60).path,
    "signal": lambda folder: make_signal(folder).path,
    "sms": lambda folder: make_sms(folder / "sms.xml").path,
    "telegram": lambda folder: make_telegram(folder / "result.json").path,
    "whatsapp": lambda folder: make_whatsapp(folder / "WhatsApp Chat with Bo.txt").path,
    "whatsapp-db": lambda folder: make_whatsapp_db(folder / "ChatStorage.sqlite").path,
}
"""By name of the source: a function that writes a small export into an empty folder and returns what to read."""
