"""Other messengers for wonderland: one module a source, every stored row read or accounted for.

The pattern that all of them follow stands in `wonderland_exports.frame`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

import wonderland as wl

SOURCES = {
    "archive": "Archive",
    "discord": "Discord",
    "google_chat": "GoogleChat",
    "imazing": "Imazing",
    "imessage_exporter": "ImessageExporter",
    "instagram": "Instagram",
    "messenger": "Messenger",
    "slack": "Slack",
    "signal": "Signal",
    "sms": "Sms",
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "whatsapp_db": "WhatsAppDb",
}
"""Class of each source by its module; a module is imported only when sources are asked for."""

__all__ = ["SOURCES"]


@wl.hookimpl
def wonderland_sources() -> Iterable[type[wl.Source]]:
    """Register one source a module."""
    return [getattr(importlib.import_module(f"{__name__}.{module}"), name) for module, name in SOURCES.items()]
