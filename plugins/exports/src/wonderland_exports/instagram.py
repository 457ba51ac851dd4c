"""Instagram: what `wonderland_exports.meta` reads, in the folders of Instagram."""

from __future__ import annotations

from typing import ClassVar

from wonderland_exports.meta import Meta

__all__ = ["Instagram"]


class Instagram(Meta):
    """Instagram: the download of its messages as JSON."""

    name: ClassVar[str] = "instagram"
    _of: ClassVar[str] = "instagram"
    _other: ClassVar[str] = "facebook"
