"""Runs of an analysis that its checks look at, each made once a process and shared between checks.

What an analysis ``uses`` is not run again with it: that keeps to the contract itself, and is run once on each specimen.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from wonderland.errors import PluginError, WonderlandError
from wonderland.lab.analysis import Analysis, analyze
from wonderland.lab.choosing import with_used
from wonderland.lab.cohort import Cohort
from wonderland.lab.result import Result
from wonderland.testing.subjects import Subject, members, subjects

__all__ = ["baseline", "found", "or_refusal", "run"]

_Known = dict[Hashable, Result | WonderlandError]
_KNOWN: dict[int, tuple[Subject, _Known]] = {}
"""What each analysis found in a subject, or why it declined; by the subject's identity, so it is kept, too."""
_BASELINES: dict[int, Subject] = {}


def run(analysis: Analysis, subject: Subject) -> Result:
    """Return what an analysis finds in a specimen, or in a cohort, when it is run now."""
    if isinstance(subject, Cohort):
        return analyze(subject, analysis)[analysis.name]
    used: dict[str, Result] = {}
    for one in with_used([analysis])[:-1]:
        try:
            used[one.name] = _once(cast(Analysis, one), subject)
        except PluginError:
            raise
        except WonderlandError:
            pass  # it declines again when it is asked for, and is not among the results
    return analyze(subject, analysis, given=used)[analysis.name]


def found(analysis: Analysis) -> tuple[Result, Subject]:
    """Return the result on the first subject that the analysis does not decline, and that subject."""
    reasons = []
    for made in subjects(analysis):
        try:
            return _once(analysis, made()), made()
        except PluginError as error:
            raise AssertionError(str(error)) from error
        except WonderlandError as error:
            reasons.append(f"{members(made())[0]!r}: {error.message}")
    raise AssertionError("It declines everything there is:\n" + "\n".join(reasons))


def or_refusal(analysis: Analysis, subject: Subject) -> Result | None:
    """Return what an analysis finds in a subject; None if it declines in words of ours."""
    try:
        return _once(analysis, subject)
    except PluginError as error:
        raise AssertionError(str(error)) from error
    except WonderlandError:
        return None


def baseline(subject: Subject) -> Subject:
    """Return the same models before training."""
    _remembered(subject)  # which keeps it, so that no other has its identity
    if id(subject) not in _BASELINES:
        _BASELINES[id(subject)] = subject.untrained()
    return _BASELINES[id(subject)]


def _once(analysis: Analysis, subject: Subject) -> Result:
    known, key = _remembered(subject), cast(Hashable, analysis)
    if key not in known:
        try:
            known[key] = run(analysis, subject)
        except WonderlandError as error:
            known[key] = error
    result = known[key]
    if isinstance(result, WonderlandError):
        raise result
    return result


def _remembered(subject: Subject) -> _Known:
    return _KNOWN.setdefault(id(subject), (subject, {}))[1]
