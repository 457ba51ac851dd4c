"""May this report leave the machine? What an audit said of the model, and whether it lets its weights be shared.

An audit is any result that has a ``sentence``, a list of ``refusals``, the fingerprint of its ``model`` and, if it
will, ``at_a_glance``, the numbers beside its sentence; this module knows no more of it. Every report says on its first
page what the audit found, or that none was run. A report with the model in it is refused unless the audit is of this
very model and refuses nothing; whoever has asked those whose messages the model read can override that, which the file
then says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wonderland.advice import Command, Either, Hint
from wonderland.errors import CheckFailed

if TYPE_CHECKING:
    from wonderland.report.schema import Row

__all__ = ["ASKED", "NO_AUDIT", "OUTDATED", "PUBLIC", "WHAT_HELPS", "Sharing"]

NO_AUDIT = "No audit was run, so what this model gives away of the messages it read is unknown."
OUTDATED = (
    "The audit that is here is of other weights, other settings or another version of wonderland, so what this model "
    "gives away of the messages it read is unknown."
)
PUBLIC = "The messages it read are public: they come with wonderland."
WHAT_HELPS = Hint(
    "Run `", Command("filter", "--also", "scrub"), "` and train again; the guide Share safely says what else helps."
)
"""What to do about a model that gives something away."""
ASKED = "It was written because somebody said that those whose messages it read were asked."
"""How the sentence of a file ends whose model an audit does not let be shared."""


_AUDITS = 'workspace.audit()` or `wl.analyze(specimen, "memorisation")'


@dataclass(frozen=True)
class Sharing:
    """What is known of what a model gives away.

    Attributes:
        sentence: What the first page says.
        refusals: Why the model should not be shared; none if it may be.
        model: Fingerprint of the model that was audited; "" if none was.
        public: Whether what it read is public anyway.
        figures: The numbers that stand beside the sentence.
        larger: What to type for a larger audit, if this one refuses only because it examined too little.
    """

    sentence: str = NO_AUDIT
    refusals: Sequence[str] = field(default=(NO_AUDIT,))
    model: str = ""
    public: bool = False
    figures: Sequence[Row] = ()
    larger: str = ""

    @classmethod
    def of(cls, results: Mapping[str, Any] | None, model: str = "", *, public: bool = False) -> Sharing:
        """Return what the audit among some results says.

        Args:
            results: Results by name.
            model: Fingerprint of the model that is shown; an audit of another one counts as none. "" if unknown.
            public: Whether what it read is public anyway.
        """
        for one in (results or {}).values():
            if hasattr(one, "refusals") and hasattr(one, "sentence"):
                if model and one.model != model:
                    other = "The audit that is here is of other weights, so of these nothing is known."
                    return cls(other, [other], one.model, public)
                figures, larger = getattr(one, "at_a_glance", ()), getattr(one, "larger", "")
                return cls(one.sentence, list(one.refusals), one.model, public, figures, larger)
        return cls(public=public)

    def let_out(self, *, asked: bool = False) -> str:
        """Return what a file that holds the model says of its sharing.

        Args:
            asked: Whether somebody says that those whose messages the model read were asked.

        Raises:
            CheckFailed: The audit does not let the model be shared, and nobody was asked.
        """
        if self.public:
            return PUBLIC
        if not self.refusals:
            return (
                "The audit of this model found no reason against sharing it. That does not show that it gives nothing "
                "away."
            )
        if asked:
            return f"The audit does not let this model be shared: {' '.join(self.refusals)} {ASKED}"
        raise CheckFailed(
            f"The model is not put into a file that can be shared. {' '.join(self.refusals)}",
            hint=Hint(  # which one writes oneself
                self._what_to_do, " If all whose messages it read agree: ", Either("--i-asked-them", "asked=True")
            ),
        )

    @property
    def _what_to_do(self) -> str:
        if self.larger:
            return f"Only too little was examined. Examine more with `{self.larger}`."
        if self.figures:
            return WHAT_HELPS
        return Hint("Run `", Command("audit", in_python=_AUDITS), "` for this model.")
