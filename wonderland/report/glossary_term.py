"""What one word of the glossary is: its name, its two sentences, and where it is listed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Term", "interval_explained"]


@dataclass(frozen=True)
class Term:
    """One word of the field.

    Attributes:
        name: The term, as a title.
        text: Two sentences: what it is, and what one sees of it in a report.
        also: Other forms under which it stands in texts.
        where_used: Whether it is listed only on a page that uses it, as few ask for the analyses that do.
    """

    name: str
    text: str
    also: tuple[str, ...] = ()
    where_used: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form under which it is found."""
        return (self.name, *self.also)


def interval_explained(drawn: str) -> str:
    """Return how an interval is made, in the one wording that the words, the tour and a claim's numbers share.

    >>> interval_explained("pairs")
    'It is made by drawing pairs again and again from those measured, and holds 95% of the numbers that come out.'
    """
    return (
        f"It is made by drawing {drawn} again and again from those measured, and holds 95% of the numbers that come "
        "out."
    )
