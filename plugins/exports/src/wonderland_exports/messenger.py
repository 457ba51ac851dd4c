"""Messenger: what `wonderland_exports.meta` reads, in the folders of Facebook."""

from __future__ import annotations

from typing import ClassVar

from wonderland_exports.meta import Meta

__all__ = ["Messenger"]


class Messenger(Meta):
    """Messenger: the download of Facebook as JSON, with ordinary and end-to-end encrypted chats."""

    name: ClassVar[str] = "messenger"
    _of: ClassVar[str] = "facebook"
    _other: ClassVar[str] = "instagram"
