"""WhatsApp's own databases: exact senders, times and types where the text export leaves them to guessing."""

from __future__ import annotations

from wonderland_exports.whatsapp_db.source import WhatsAppDb

__all__ = ["WhatsAppDb"]
