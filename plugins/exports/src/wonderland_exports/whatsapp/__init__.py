"""WhatsApp's text export: `shapes` finds where a message begins and when it was sent, `words` what the app wrote.

The text is made for eyes: local times without a zone, dates in the order of the phone's region, placeholders in its
language. What would fool a reader stands in `wonderland_exports.whatsapp.source`.
"""

from __future__ import annotations

from wonderland_exports.whatsapp.source import WhatsApp

__all__ = ["WhatsApp"]
