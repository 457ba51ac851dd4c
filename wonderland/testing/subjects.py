"""On what is an analysis checked? On specimens; an analysis of several models (``of``) on cohorts made of them.

Each is made once a process and shared between checks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from wonderland.lab.cohort import Cohort
from wonderland.lab.specimen import Specimen
from wonderland.testing.cohorts import related_models
from wonderland.testing.edge_cases import hostile_specimen, small_specimen
from wonderland.testing.redaction_checks import planted_specimen
from wonderland.testing.truth import handwritten_specimen, random_specimen, speaking_specimen

__all__ = ["Subject", "few_members", "hostile_subject", "members", "planted_subject", "small_subject", "subjects"]

Subject = Specimen | Cohort
_SPECIMENS = (handwritten_specimen, speaking_specimen, random_specimen)


def subjects(analysis: Any) -> list[Callable[[], Subject]]:
    """Return what makes the subjects of an analysis; it is checked on the first that it does not decline."""
    return [functools.partial(_subject, kind_of(analysis), specimen) for specimen in _SPECIMENS]


def small_subject(analysis: Any) -> Subject:
    """Return one short conversation: too little to say anything."""
    return _subject(kind_of(analysis), small_specimen, 3)


def hostile_subject(analysis: Any) -> Subject:
    """Return chats whose messages hold markup, control characters and our own special tokens."""
    return _subject(kind_of(analysis), hostile_specimen, 3)


def planted_subject(analysis: Any) -> Subject:
    """Return chats in which two contacts say a rare word."""
    return _subject(kind_of(analysis), planted_specimen, 3)


def few_members(analysis: Any) -> list[Callable[[], Subject]]:
    """Return what makes cohorts of two seeds or snapshots only; two corpora are as many as people compare."""
    kind = kind_of(analysis)
    few = kind in ("seeds", "snapshots")
    return [functools.partial(_subject, kind, specimen, 2) for specimen in _SPECIMENS] if few else []


def kind_of(analysis: Any) -> str:
    """Return what the models of an analysis differ in; nothing of an analysis of one specimen."""
    return str(getattr(analysis, "of", ""))


def members(subject: Subject) -> Sequence[Specimen]:
    """Return the specimens of a subject: of a specimen, itself."""
    return list(subject.members.values()) if isinstance(subject, Cohort) else [subject]


@functools.cache
def _subject(kind: str, specimen: Callable[[], Specimen], count: int = 4) -> Subject:
    return related_models(specimen(), kind, count) if kind else specimen()
